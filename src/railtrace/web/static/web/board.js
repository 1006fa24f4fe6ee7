// A bar of the board is dragged to another track or hour; dropping it asks the form to record it.
(() => {
const board = document.querySelector("[data-board]");

function hourOf(lane, x) {
  const box = lane.getBoundingClientRect();
  const share = Math.min(Math.max((x - box.left) / box.width, 0), 1);
  const us = Number(board.dataset.start) + share * Number(board.dataset.span);
  return Math.round(us / 9e8) * 9e8; // to a quarter of an hour
}

function drop(bar, lane, x, grip) {
  const form = document.getElementById("place");
  const length = Number(bar.dataset.to) - Number(bar.dataset.from);
  const from = hourOf(lane, x - grip);
  form.elements.number.value = bar.dataset.unit;
  form.elements.track.value = lane.dataset.track;
  form.elements.position.value = lane.dataset.position;
  form.elements.from.value = String(from);
  form.elements.to.value = String(from + length);
  form.elements.act.value = "place";
  form.submit();
}

for (const bar of board?.querySelectorAll("[data-unit]") ?? []) {
  bar.addEventListener("pointerdown", (start) => {
    if (start.button !== 0 || start.target.closest("a,button,summary,form")) return;
    const grip = start.clientX - bar.getBoundingClientRect().left;
    let moved = false;
    bar.setPointerCapture(start.pointerId);
    const move = (event) => {
      const dx = event.clientX - start.clientX;
      const dy = event.clientY - start.clientY;
      moved = moved || Math.abs(dx) + Math.abs(dy) > 6;
      if (moved) bar.style.transform = `translate(${dx}px, ${dy}px)`;
    };
    const end = (event) => {
      bar.removeEventListener("pointermove", move);
      bar.style.transform = "";
      if (!moved || event.type === "pointercancel") return;
      bar.style.pointerEvents = "none";
      const lane = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-track]");
      bar.style.pointerEvents = "";
      if (lane) drop(bar, lane, event.clientX, grip);
    };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", end, { once: true });
    bar.addEventListener("pointercancel", end, { once: true });
  });
}
})();
