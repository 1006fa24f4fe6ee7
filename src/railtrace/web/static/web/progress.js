// The progress of a long job: asked for every second while the page is seen, gone at the end.
const box = document.querySelector("[data-progress]");

async function look() {
  if (document.hidden) return;
  const answer = await fetch(box.dataset.progress, { headers: { "X-Requested-With": "fetch" } });
  if (answer.status === 205) location.reload();
  else if (answer.ok) box.innerHTML = await answer.text();
}

if (box) setInterval(() => look().catch(() => {}), 1000);
