// Parts that take a moment to compute come after the page: each says in data-fragment from where.
(() => {
  const AGAIN_MS = 3000;
  const fill = (part) => fetch(part.dataset.fragment, { headers: { "X-Requested-With": "fetch" } })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((html) => {
      part.innerHTML = html;
      if (part.querySelector("[data-again]")) setTimeout(() => fill(part), AGAIN_MS);
    })
    .catch(() => {
      const failed = part.querySelector("[data-failed]");
      if (failed) failed.hidden = false;
    });
  document.querySelectorAll("[data-fragment]").forEach(fill);
})();
