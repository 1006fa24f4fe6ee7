// New entries of what is on the page: asked for while the page is seen, and not otherwise.
const news = document.querySelector("[data-live]");
const EVERY_MS = 5000;

async function look() {
  if (document.hidden) return;
  const answer = await fetch(news.dataset.live, { cache: "no-cache" });
  if (!answer.ok) return;
  const { new: count, said } = await answer.json();
  news.hidden = count <= 0;
  news.querySelector("span").textContent = said;
}

if (news) {
  setInterval(() => look().catch(() => {}), EVERY_MS);
  document.addEventListener("visibilitychange", () => look().catch(() => {}));
}
