// Parts that take a moment to compute come after the page: each says in data-fragment from where.
(() => {
  for (const part of document.querySelectorAll("[data-fragment]")) {
    fetch(part.dataset.fragment, { headers: { "X-Requested-With": "fetch" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((html) => { part.innerHTML = html; })
      .catch(() => { part.querySelector("[data-failed]").hidden = false; });
  }
})();
