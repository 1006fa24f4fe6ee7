// What the frame does: keys, photo, menus, and the two dates carried along.
const DATES = ["at", "known"];

function carryDates(url) {
  const here = new URLSearchParams(location.search);
  for (const key of DATES) {
    if (here.get(key) && !url.searchParams.has(key)) url.searchParams.set(key, here.get(key));
  }
  return url;
}

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const scan = document.getElementById("scan");
    scan?.focus();
    scan?.select();
  }
  if (event.key === "Escape") {
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

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send]")) event.target.form.submit();
});

// Printing opens what is folded, so that paper shows everything.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main details")) fold.dataset.was = fold.open, (fold.open = true);
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("main details")) fold.open = fold.dataset.was === "true";
});
document.querySelectorAll("[data-print]").forEach((b) => b.addEventListener("click", () => print()));
