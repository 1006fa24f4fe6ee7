// What the frame does: keys, photo, menus, and the two dates carried along.
const DATES = ["at", "known"];

function carryDates(url) {
  const here = new URLSearchParams(location.search);
  for (const key of DATES) {
    if (here.get(key) && !url.searchParams.has(key)) url.searchParams.set(key, here.get(key));
  }
  return url;
}

// Arrows go from the search box into the list below it and along its rows; Enter opens as always.
function walk(event) {
  const rows = [...document.querySelectorAll(".list tbody tr td:first-child a, [data-grid] tbody th a, [data-walk]")];
  const here = rows.indexOf(document.activeElement);
  if (!rows.length || (here < 0 && document.activeElement?.id !== "scan")) return;
  event.preventDefault();
  const next = here + (event.key === "ArrowDown" ? 1 : -1);
  (rows[next] ?? (next < 0 ? document.getElementById("scan") : rows[here]))?.focus();
}

// In a grid they also go sideways along a row, and up and down in one column or the nearest to it.
function stroll(event, grid) {
  const here = document.activeElement;
  const middle = (link) => link.getBoundingClientRect().left + link.offsetWidth / 2;
  const inRow = (row) => [...(row?.querySelectorAll("a[href]") ?? [])];
  const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
  event.preventDefault();
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const row = inRow(here.closest("tr"));
    return row[row.indexOf(here) + step]?.focus();
  }
  const rows = [...grid.querySelectorAll("tbody tr")], at = middle(here);
  const links = inRow(rows[rows.indexOf(here.closest("tr")) + step]);
  const near = links.sort((a, b) => Math.abs(middle(a) - at) - Math.abs(middle(b) - at))[0];
  (near ?? (step < 0 ? document.getElementById("scan") : here))?.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const scan = document.getElementById("scan");
    scan?.focus();
    scan?.select();
  }
  const grid = document.activeElement?.closest("[data-grid] tbody")?.closest("table");
  if (event.key.startsWith("Arrow") && grid) stroll(event, grid);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") walk(event);
  if (event.key === "Escape") {
    say();
    if (document.activeElement?.matches(".list a, [data-walk]")) document.getElementById("scan")?.focus();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const link = event.target.closest("a[href]");
  if (!link || link.hasAttribute("data-now")) return;
  // A link inside a drawing has no origin of its own, so the address is read as text.
  const address = new URL(link.getAttribute("href"), location.href);
  const within = address.pathname === location.pathname && address.hash;
  if (address.origin === location.origin && !within) link.setAttribute("href", carryDates(address).href);
});

// A hidden file field tells on its label what was chosen.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-chosen]")) return;
  const label = event.target.closest("label");
  label.classList.toggle("is-chosen", event.target.files.length > 0);
  label.title = [...event.target.files].map((file) => file.name).join(", ");
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send]")) event.target.form.submit();
});

// What a sign or a limit says at a hover, a finger gets at a tap.
let tip;
function say(target) {
  tip?.remove();
  tip = undefined;
  if (!target) return;
  tip = Object.assign(document.createElement("div"), { className: "tip-box", textContent: target.dataset.said });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const at = target.getBoundingClientRect(), box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(at.left, 12), innerWidth - box.width - 12);
  const top = at.bottom + box.height + 12 < innerHeight ? at.bottom + 6 : at.top - box.height - 6;
  tip.style.translate = `${left}px ${Math.max(top, 6)}px`;
}
const saying = (event) => event.target.closest?.("button[data-said]");
for (const name of ["click", "pointerover", "focusin"]) {
  document.addEventListener(name, (event) => (saying(event) || name !== "focusin") && say(saying(event)));
}
addEventListener("scroll", () => tip && say(), { passive: true });

// Printing opens what is folded, so that paper shows everything.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main details")) fold.dataset.was = fold.open, (fold.open = true);
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("main details")) fold.open = fold.dataset.was === "true";
});
document.querySelectorAll("[data-print]").forEach((b) => b.addEventListener("click", () => print()));
