// A step of the week is moved to another hour, machine or person, by pointer or by keys; letting it
// go asks the form to plan the rest around it.
(() => {
const HOUR_US = 3600e6;
const board = document.querySelector("[data-week]");
// A narrow screen begins at the present hour, not at midnight.
const present = board?.querySelector("[data-resource] .board-now");
if (present) board.parentElement.scrollLeft = present.offsetLeft - 24;
const form = document.getElementById("move");
const said = document.querySelector("[data-said]");
if (!board || !form) return;

const lanes = [...board.querySelectorAll("[data-resource]")];
const toQuarter = (us) => Math.round(us / (HOUR_US / 4)) * (HOUR_US / 4);

function hourOf(lane, x) {
  const box = lane.getBoundingClientRect();
  const share = Math.min(Math.max((x - box.left) / box.width, 0), 1);
  return toQuarter(Number(board.dataset.start) + share * Number(board.dataset.span));
}

function tell(bar, lane, from) {
  const to = from + Number(bar.dataset.to) - Number(bar.dataset.from);
  const others = [...lane.querySelectorAll("[data-task]")].filter((other) =>
    other !== bar && Number(other.dataset.from) < to && Number(other.dataset.to) > from);
  const when = new Intl.DateTimeFormat(document.documentElement.lang, {
    day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: board.dataset.zone,
  }).format(new Date(from / 1000));
  const place = `${lane.dataset.name}, ${when}`;
  said.textContent = others.length
    ? `${place} · ${said.dataset.busy}: ${others.map((other) => other.title).join(", ")}` : place;
  said.hidden = false;
}

function drop(bar, lane, from) {
  form.elements.task.value = bar.dataset.task;
  form.elements.resource.value = lane.dataset.resource;
  form.elements.at.value = String(from);
  form.submit();
}

board.addEventListener("pointerdown", (start) => {
  const bar = start.target.closest("[data-task][tabindex]");
  if (!bar || start.button !== 0) return;
  followPointer(start, bar, "[data-resource]", {
    over: (lane, x) => tell(bar, lane, hourOf(lane, x)),
    dropped: (lane, x) => drop(bar, lane, hourOf(lane, x)),
    ended: () => { said.hidden = true; },
  });
});

// Enter lifts a step, arrows move it by an hour (with Shift a quarter) and between lanes, Enter lets
// it go, Escape leaves it where it was.
let lifted;

function show() {
  const { bar, lane, from } = lifted;
  lanes[lane].append(bar);
  const share = (from - Number(board.dataset.start)) / Number(board.dataset.span);
  bar.style.left = `${Math.min(Math.max(100 * share, 0), 99)}%`;
  tell(bar, lanes[lane], from);
  bar.focus();
}

function leave() {
  const { bar, home, css } = lifted;
  home.append(bar);
  bar.style.cssText = css;
  bar.classList.remove("board-lifted");
  said.hidden = true;
  lifted = undefined;
  bar.focus();
}

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("[data-week] [data-task][tabindex]");
  if (!bar || event.target !== bar) return;
  const key = event.key === " " ? "Enter" : event.key;
  if (!lifted) {
    if (key !== "Enter") return;
    event.preventDefault();
    lifted = { bar, home: bar.parentElement, css: bar.style.cssText, lane: lanes.indexOf(bar.parentElement),
      from: Number(bar.dataset.from) };
    bar.classList.add("board-lifted");
    return show();
  }
  const step = event.shiftKey ? HOUR_US / 4 : HOUR_US;
  const moves = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (key === "Escape") return leave();
  if (key === "Enter") {
    event.preventDefault();
    return drop(bar, lanes[lifted.lane], toQuarter(lifted.from));
  }
  const move = moves[key];
  if (!move) return;
  event.preventDefault();
  lifted.lane = Math.min(Math.max(lifted.lane + move[0], 0), lanes.length - 1);
  lifted.from += move[1];
  show();
});
})();
