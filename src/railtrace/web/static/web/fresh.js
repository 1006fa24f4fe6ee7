// A page of the depot renews itself: it asks every second while it is seen, and reads itself again
// when something changed. A part in which a person works is left alone.
(() => {
const page = document.querySelector("[data-fresh]");
if (!page) return;
const EVERY_MS = 1000;
let mark = page.dataset.mark, busy = false, restUntil = 0;
const touched = new WeakSet();

document.addEventListener("input", (event) => {
  const part = event.target.closest("[data-part]");
  if (part) touched.add(part);
});

// What the server made, without what differs at every making or was laid over it here.
function plain(part) {
  const copy = part.cloneNode(true);
  for (const token of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) token.remove();
  for (const node of [copy, ...copy.querySelectorAll("[style]")]) node.removeAttribute("style");
  for (const fold of copy.querySelectorAll("details")) fold.removeAttribute("open");
  return copy.outerHTML;
}

const inUse = (part) => touched.has(part) || part.querySelector("details.in-use[open]") !== null
  || (part.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName))
  || part.dataset.held !== undefined;

function keepFolds(old, made) {
  const open = [...old.querySelectorAll("details")].map((fold) => fold.open);
  made.querySelectorAll("details").forEach((fold, index) => { if (open[index]) fold.open = true; });
}

function renew(old, made) {
  if (inUse(old) || plain(old) === plain(made)) return old;
  keepFolds(old, made);
  old.replaceWith(made);
  return made;
}

// A list of parts: new ones come in their place, gone ones go, those in use stay.
function renewList(list, made) {
  const old = new Map([...list.children].map((part) => [part.dataset.part, part]));
  let at = list.firstElementChild;
  for (const next of [...made.children]) {
    const before = old.get(next.dataset.part);
    old.delete(next.dataset.part);
    const placed = before ? renew(before, next) : next;
    if (before === at || placed === at) at = placed.nextElementSibling;
    else list.insertBefore(placed, at);
  }
  for (const gone of old.values()) if (!inUse(gone)) gone.remove();
}

function show(made) {
  for (const list of page.querySelectorAll("[data-parts]")) {
    const next = made.querySelector(`[data-parts="${list.dataset.parts}"]`);
    if (next) renewList(list, next);
  }
  for (const part of page.querySelectorAll("[data-part]")) {
    if (part.parentElement.dataset.parts !== undefined) continue;
    const next = made.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (next) renew(part, next);
  }
  document.dispatchEvent(new Event("renewed"));
}

async function look() {
  if (document.hidden || !navigator.onLine || busy || Date.now() < restUntil) return;
  busy = true;
  try {
    const answer = await fetch(`${page.dataset.fresh}&seen=${encodeURIComponent(mark)}`);
    if (answer.status !== 200 || answer.redirected) return;
    const { mark: told } = await answer.json();
    const began = performance.now();
    const again = await fetch(location.href, { headers: { "X-Renewed": "1" }, cache: "no-store" });
    if (!again.ok || again.redirected) return;
    show(new DOMParser().parseFromString(await again.text(), "text/html"));
    mark = told;
    // A page that is dear to make is asked for less often.
    restUntil = Date.now() + (performance.now() - began) / 2;
  } catch {
    // No network: the page stays as it is and asks again.
  } finally {
    busy = false;
  }
}

setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
})();
