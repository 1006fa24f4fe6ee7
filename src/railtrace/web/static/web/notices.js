// Unread notices: asked for while the page is seen, and not otherwise.
const bell = document.querySelector("[data-notices]");

async function count() {
  if (document.hidden || !navigator.onLine) return;
  const answer = await fetch(bell.dataset.notices, { cache: "no-cache" });
  if (!answer.ok) return;
  const { unread, said } = await answer.json();
  const badge = bell.querySelector(".badge-count");
  badge.hidden = unread === 0;
  badge.textContent = unread > 99 ? "99+" : unread;
  bell.title = said;
}

if (bell) {
  setInterval(() => count().catch(() => {}), 15000);
  document.addEventListener("visibilitychange", () => count().catch(() => {}));
}
