// A simulated run is played: the state of any moment is read from the engine's visits, never computed
// anew. A visit: id, unit, process, step, station, machine, came, begun, ended, whether it then left.
(() => {
const box = document.querySelector("[data-replay]");
if (!box) return;
const told = JSON.parse(document.getElementById("replay-told").textContent);
const slider = box.querySelector("[type=range]");
const button = box.querySelector("[data-play]");
const speed = box.querySelector("[data-speed]");
const board = document.querySelector(".replay-box");
const marks = [...document.querySelectorAll(".replay-board .board-now")];
const rows = [...document.querySelectorAll("[data-station]")].map((row) => ({
  working: row.querySelector("[data-said=working]"), waiting: row.querySelector("[data-said=waiting]"),
}));
const bars = new Map([...document.querySelectorAll("[data-visit]")].map((bar) => [Number(bar.dataset.visit), bar]));
const counts = Object.fromEntries([...document.querySelectorAll("[data-count]")].map((part) => [part.dataset.count, part]));
const moments = [...document.querySelectorAll("[data-moment]")];
const aloud = document.querySelector("[data-aloud]");
const EPSILON_H = 1e-6;
const inside = (hour) => hour > 0 && hour <= told.span;
const events = [...new Set(told.visits.flatMap(([,,,,,, came, begun, ended]) =>
  [came, begun, ended].map((hour) => hour - told.from)).filter(inside))].sort((a, b) => a - b);
let now = Number(slider.value);
let playing = 0;

function words(hour) {
  const minutes = Math.round((told.from + hour) * 60);
  const rest = minutes % 1440;
  return told.moment.replace("%(day)s", Math.floor(minutes / 1440) + 1)
    .replace("%(time)s", `${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, "0")}`);
}

function stateAt(hour) {
  const at = told.from + hour + EPSILON_H;
  const state = rows.map(() => ({ working: [], waiting: [] }));
  let done = told.done;
  for (const visit of told.visits) {
    const [id, , , , station, , came, begun, ended, left] = visit;
    const is = ended <= at ? "is-done" : begun <= at ? "is-on" : "is-to-come";
    if (left && ended <= at && ended > told.from) done += 1;
    if (is === "is-on") state[station].working.push(visit);
    else if (is === "is-to-come" && came <= at) state[station].waiting.push(visit);
    const bar = bars.get(id);
    if (bar && bar.dataset.is !== is) {
      bar.classList.remove(bar.dataset.is ?? "is-none");
      bar.classList.add(is);
      bar.dataset.is = is;
    }
  }
  return { state, done };
}

function sayWorking(visits) {
  visits.sort((a, b) => a[5] - b[5]);
  return visits.map(([, unit, process, step, , machine]) =>
    `${machine + 1}: ${unit} · ${told.steps[process][step]}`).join("; ") || "—";
}

function sayWaiting(visits) {
  const first = visits.slice(0, told.shown).map(([, unit]) => unit).join(", ");
  return visits.length ? `${visits.length}: ${first}${visits.length > told.shown ? ", …" : ""}` : "0";
}

function follow(left) {
  const name = board.querySelector(".board-name").offsetWidth;
  const at = name + (board.scrollWidth - name) * left;
  if (at < board.scrollLeft + name || at > board.scrollLeft + board.clientWidth - 24)
    board.scrollLeft = Math.max(0, at - name - 24);
}

function show(hour) {
  now = Math.min(Math.max(hour, 0), told.span);
  const { state, done } = stateAt(now);
  state.forEach(({ working, waiting }, station) => {
    rows[station].working.textContent = sayWorking(working);
    rows[station].waiting.textContent = sayWaiting(waiting);
  });
  counts.working.textContent = state.reduce((sum, { working }) => sum + working.length, 0);
  counts.waiting.textContent = state.reduce((sum, { waiting }) => sum + waiting.length, 0);
  counts.done.textContent = done;
  for (const part of moments) part.textContent = words(now);
  slider.value = now;
  slider.setAttribute("aria-valuetext", words(now));
  for (const mark of marks) mark.style.left = `${100 * now / told.span}%`;
  follow(now / told.span);
  if (!playing) aloud.textContent = `${words(now)}. ${document.querySelector("[data-counts]").innerText}`;
}

function jump(by) {
  const next = by > 0 ? events.find((hour) => hour > now + EPSILON_H)
    : events.findLast((hour) => hour < now - EPSILON_H);
  show(next ?? (by > 0 ? told.span : 0));
}

// Who does not want things to move sees whole hours once a second.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
function tick(last) {
  playing = requestAnimationFrame((time) => {
    const passed = (time - last) / 1000;
    if (calm.matches && passed < 1) return tick(last);
    show(now + passed * Number(speed.value));
    if (now < told.span) tick(time);
    else play(false);
  });
}

function play(on) {
  cancelAnimationFrame(playing);
  playing = 0;
  button.querySelector("span").textContent = on ? button.dataset.stop : button.dataset.go;
  button.setAttribute("aria-pressed", String(on));
  if (!on) return show(now);
  if (now >= told.span) now = 0;
  tick(performance.now());
}

button.addEventListener("click", () => play(!playing));
slider.addEventListener("input", () => { if (playing) play(false); show(Number(slider.value)); });
for (const one of box.querySelectorAll("[data-jump]"))
  one.addEventListener("click", () => { if (playing) play(false); jump(Number(one.dataset.jump)); });

box.addEventListener("keydown", (event) => {
  if (event.target.closest("select") || event.ctrlKey || event.altKey || event.metaKey) return;
  const hour = event.shiftKey;
  const acts = {
    ArrowLeft: () => (hour ? show(now - 1) : jump(-1)), ArrowRight: () => (hour ? show(now + 1) : jump(1)),
    Home: () => show(0), End: () => show(told.span),
  };
  if (event.key === " " && !event.target.closest("button")) acts[" "] = () => play(!playing);
  if (!acts[event.key]) return;
  event.preventDefault();
  if (playing && event.key !== " ") play(false);
  acts[event.key]();
});

box.hidden = false;
show(now);
})();
