// A unit of the depot's board is moved to another track or hour; letting it go asks the form to record
// it. A part of the page with a bar in hand is not renewed.
(() => {
const form = document.getElementById("place");
if (!form) return;

// Who moved a bar by keys goes on from it, not from the top of the page; a browser may refuse to keep it.
function keeping(act) {
  try { return act(sessionStorage); } catch { return null; }
}
const inHand = keeping((kept) => kept.getItem("board-in-hand"));
if (inHand) document.querySelector(`[data-unit="${CSS.escape(inHand)}"]`)?.focus({ preventScroll: true });
keeping((kept) => kept.removeItem("board-in-hand"));

moveBars({
  board: "[data-board]", lane: "[data-track]", bar: "[data-unit]",
  said: document.querySelector("[data-board-said]"),
  alike: (bar, other) => bar.dataset.unit === other.dataset.unit,
  hold: (bar, on) => {
    const part = bar.closest("[data-part]");
    if (part && on) part.dataset.held = "";
    else if (part) delete part.dataset.held;
  },
  drop: (bar, lane, from) => {
    form.elements.number.value = bar.dataset.unit;
    form.elements.track.value = lane.dataset.track;
    form.elements.position.value = lane.dataset.position;
    form.elements.from.value = String(from);
    form.elements.to.value = String(from + Number(bar.dataset.to) - Number(bar.dataset.from));
    form.elements.act.value = "place";
    keeping((kept) => kept.setItem("board-in-hand", bar.dataset.unit));
    form.submit();
  },
});
})();
