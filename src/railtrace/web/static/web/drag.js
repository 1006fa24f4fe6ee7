// A bar follows the pointer between lanes: `over` while it moves, `dropped` where it is let go,
// `ended` in any case. Places are told by the bar's beginning, not by where it was gripped.
function followPointer(start, bar, lanes, { over, dropped, ended }) {
  const grip = start.clientX - bar.getBoundingClientRect().left;
  let moved = false;
  bar.setPointerCapture(start.pointerId);
  const under = (event) => {
    bar.style.pointerEvents = "none";
    const lane = document.elementFromPoint(event.clientX, event.clientY)?.closest(lanes);
    bar.style.pointerEvents = "";
    return lane;
  };
  const move = (event) => {
    const dx = event.clientX - start.clientX, dy = event.clientY - start.clientY;
    moved = moved || Math.abs(dx) + Math.abs(dy) > 6;
    if (!moved) return;
    bar.style.transform = `translate(${dx}px, ${dy}px)`;
    const lane = under(event);
    if (lane) over(lane, event.clientX - grip);
  };
  const end = (event) => {
    bar.removeEventListener("pointermove", move);
    bar.style.transform = "";
    ended();
    if (!moved || event.type === "pointercancel") return;
    const lane = under(event);
    if (lane) dropped(lane, event.clientX - grip);
  };
  bar.addEventListener("pointermove", move);
  bar.addEventListener("pointerup", end, { once: true });
  bar.addEventListener("pointercancel", end, { once: true });
}
