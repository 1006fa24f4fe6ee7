// A bar of the board is moved to another track or hour, by pointer or by keys; letting it go asks
// the form to record it. What would collide says so before.
(() => {
const HOUR_US = 3600e6;
const board = () => document.querySelector("[data-board]");
const form = document.getElementById("place");
const said = document.querySelector("[data-board-said]");
if (!board() || !form) return;

const lanes = () => [...board().querySelectorAll("[data-track]")];
const toQuarter = (us) => Math.round(us / (HOUR_US / 4)) * (HOUR_US / 4);

function hourOf(lane, x) {
  const box = lane.getBoundingClientRect();
  const share = Math.min(Math.max((x - box.left) / box.width, 0), 1);
  return toQuarter(Number(board().dataset.start) + share * Number(board().dataset.span));
}

// Who else stands or is planned there in that time.
function inTheWay(bar, lane, from, to) {
  return [...lane.querySelectorAll("[data-unit]")].filter((other) =>
    other !== bar && other.dataset.unit !== bar.dataset.unit
    && Number(other.dataset.from) < to && Number(other.dataset.to) > from);
}

function tell(bar, lane, from) {
  const to = from + Number(bar.dataset.to) - Number(bar.dataset.from);
  const others = inTheWay(bar, lane, from, to);
  const when = new Intl.DateTimeFormat(document.documentElement.lang, {
    day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: board().dataset.zone,
  }).format(new Date(from / 1000));
  const place = `${lane.dataset.name}, ${when}`;
  said.textContent = others.length
    ? `${place} · ${said.dataset.busy}: ${others.map((other) => other.title).join(", ")}` : place;
  said.hidden = false;
  said.classList.toggle("warn", others.length > 0);
  bar.classList.toggle("board-conflict", others.length > 0);
}

function drop(bar, lane, from) {
  const length = Number(bar.dataset.to) - Number(bar.dataset.from);
  form.elements.number.value = bar.dataset.unit;
  form.elements.track.value = lane.dataset.track;
  form.elements.position.value = lane.dataset.position;
  form.elements.from.value = String(from);
  form.elements.to.value = String(from + length);
  form.elements.act.value = "place";
  form.submit();
}

const hold = (bar, on) => {
  const part = bar.closest("[data-part]");
  if (part && on) part.dataset.held = "";
  else if (part) delete part.dataset.held;
};

document.addEventListener("pointerdown", (start) => {
  const bar = start.target.closest("[data-board] [data-unit]");
  if (!bar || start.button !== 0 || start.target.closest("a,button,summary,form")) return;
  hold(bar, true);
  followPointer(start, bar, "[data-track]", {
    over: (lane, x) => tell(bar, lane, hourOf(lane, x)),
    dropped: (lane, x) => drop(bar, lane, hourOf(lane, x)),
    ended: () => { hold(bar, false); said.hidden = true; },
  });
});

// Enter lifts a bar, arrows move it by an hour (with Shift a quarter) and between tracks, Enter lets
// it go, Escape leaves it where it was.
let lifted;

function show() {
  const { bar, lane, from } = lifted;
  lanes()[lane].append(bar);
  const share = (from - Number(board().dataset.start)) / Number(board().dataset.span);
  bar.style.left = `${Math.min(Math.max(100 * share, 0), 99)}%`;
  tell(bar, lanes()[lane], from);
  bar.focus();
}

function leave() {
  const { bar, home, css } = lifted;
  home.append(bar);
  bar.style.cssText = css;
  bar.classList.remove("board-lifted");
  said.hidden = true;
  hold(bar, false);
  lifted = undefined;
  bar.focus();
}

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("[data-board] [data-unit]");
  if (!bar || event.target !== bar) return;
  if (!lifted && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    lifted = { bar, home: bar.parentElement, css: bar.style.cssText, lane: lanes().indexOf(bar.parentElement),
      from: toQuarter(Number(bar.dataset.from)) };
    bar.classList.add("board-lifted");
    hold(bar, true);
    return show();
  }
  if (!lifted) return;
  const step = event.shiftKey ? HOUR_US / 4 : HOUR_US;
  const moves = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (event.key === "Escape") return leave();
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return drop(bar, lanes()[lifted.lane], lifted.from);
  }
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  lifted.lane = Math.min(Math.max(lifted.lane + move[0], 0), lanes().length - 1);
  lifted.from += move[1];
  show();
});
})();
