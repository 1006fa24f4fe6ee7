// A step of the week is moved to another hour, machine or person; letting it go asks the form to plan
// the rest around it.
(() => {
const board = document.querySelector("[data-week]");
// A narrow screen begins at the present hour, not at midnight.
const present = board?.querySelector("[data-resource] .board-now");
if (present) board.parentElement.scrollLeft = present.offsetLeft - 24;
const form = document.getElementById("move");
if (!board || !form) return;

moveBars({
  board: "[data-week]", lane: "[data-resource]", bar: "[data-task][tabindex]",
  said: document.querySelector("[data-said]"),
  drop: (bar, lane, from) => {
    form.elements.task.value = bar.dataset.task;
    form.elements.resource.value = lane.dataset.resource;
    form.elements.at.value = String(from);
    form.submit();
  },
});
})();
