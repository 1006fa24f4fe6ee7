// A plan answers while its figures change: the form is sent as it stands, nothing is kept.
const form = document.querySelector("[data-instant]");
const answer = document.getElementById("answer");
let waiting;
let asked = 0;

async function ask() {
  const mine = ++asked;
  const sent = await fetch(form.dataset.instant, { method: "POST", body: new FormData(form) });
  const text = await sent.text();
  if (mine === asked && (sent.ok || sent.status === 422)) answer.innerHTML = text;
}

form.addEventListener("input", (event) => {
  const slide = event.target.closest("[data-twin]");
  if (slide) form.elements[slide.dataset.twin].value = slide.value;
  clearTimeout(waiting);
  waiting = setTimeout(() => ask().catch(() => {}), 120);
});

for (const button of form.querySelectorAll("[data-confirm]"))
  button.addEventListener("click", (event) => {
    if (!confirm(button.dataset.confirm)) event.preventDefault();
  });
