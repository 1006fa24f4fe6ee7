// The composition as chips over its text box: the box is what is sent, so nothing is lost without this.
(() => {
const strip = document.querySelector("[data-strip]");
const box = document.querySelector("[data-units]");
if (!strip || !box) return;
const said = strip.dataset;
const known = new Map();

const lines = () => box.value.split(/[\n;,]+/).map((line) => line.trim()).filter(Boolean);
const bare = (line) => line.replace(/\s+[BБbб]$/, "");
const isTurned = (line) => line !== bare(line);

function put(list, focus) {
  box.value = list.join("\n");
  draw(focus);
}

function move(from, to) {
  const list = lines();
  if (to < 0 || to >= list.length || from === to) return;
  list.splice(to, 0, list.splice(from, 1)[0]);
  put(list, to);
}

function turn(index) {
  const list = lines();
  list[index] = isTurned(list[index]) ? bare(list[index]) : `${list[index]} Б`;
  put(list, index);
}

function take(index) {
  const list = lines();
  list.splice(index, 1);
  put(list, Math.min(index, list.length - 1));
}

async function tell(chip, number) {
  if (!known.has(number)) {
    const answer = await fetch(`${said.unit}?q=${encodeURIComponent(number)}`).catch(() => null);
    if (!answer || !answer.ok) return;
    known.set(number, await answer.json());
  }
  const found = known.get(number);
  chip.querySelector("small").textContent = found.wrong ?? `${found.type} · ${found.state}`;
  chip.classList.toggle("is-wrong", Boolean(found.wrong));
}

function button(text, title, act) {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = text;
  one.title = title;
  one.setAttribute("aria-label", title);
  one.addEventListener("click", act);
  return one;
}

function chipOf(line, index) {
  const chip = document.createElement("div");
  chip.className = `strip-chip${isTurned(line) ? " is-turned" : ""}`;
  chip.tabIndex = 0;
  chip.dataset.index = index;
  const place = document.createElement("i");
  place.textContent = index + 1;
  const number = document.createElement("b");
  number.textContent = bare(line) + (isTurned(line) ? ` · ${said.turned}` : "");
  const acts = document.createElement("span");
  acts.append(
    button("←", `${bare(line)}: ${said.ahead}`, () => move(index, index - 1)),
    button("→", `${bare(line)}: ${said.behind}`, () => move(index, index + 1)),
    button("⇄", `${bare(line)}: ${said.turn}`, () => turn(index)),
    button("×", `${bare(line)}: ${said.out}`, () => take(index)),
  );
  chip.append(place, number, document.createElement("small"), acts);
  chip.addEventListener("keydown", (event) => keys(event, index));
  chip.addEventListener("pointerdown", (event) => drag(event, chip, index));
  tell(chip, bare(line));
  return chip;
}

function keys(event, index) {
  if (event.target.closest("button")) return;
  const acts = {
    ArrowLeft: () => move(index, index - 1), ArrowUp: () => move(index, index - 1),
    ArrowRight: () => move(index, index + 1), ArrowDown: () => move(index, index + 1),
    Delete: () => take(index), t: () => turn(index), "т": () => turn(index),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

function drag(start, chip, index) {
  if (start.button !== 0 || start.target.closest("button")) return;
  chip.setPointerCapture(start.pointerId);
  const onMove = (event) => {
    const far = Math.abs(event.clientX - start.clientX) + Math.abs(event.clientY - start.clientY);
    chip.classList.toggle("is-moved", far > 6);
  };
  const end = (event) => {
    chip.removeEventListener("pointermove", onMove);
    if (!chip.classList.contains("is-moved") || event.type === "pointercancel") return;
    chip.classList.remove("is-moved");
    const under = document.elementsFromPoint(event.clientX, event.clientY);
    const onto = under.map((part) => part.closest(".strip-chip")).find((part) => part && part !== chip);
    if (onto) move(index, Number(onto.dataset.index));
  };
  chip.addEventListener("pointermove", onMove);
  chip.addEventListener("pointerup", end, { once: true });
  chip.addEventListener("pointercancel", end, { once: true });
}

const add = document.createElement("input");
add.className = "form-control strip-add";
add.placeholder = said.add;
add.setAttribute("aria-label", said.add);
add.autocomplete = "off";
add.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (add.value.trim()) put([...lines(), add.value.trim()]);
  add.value = "";
  add.focus();
});
const help = document.createElement("p");
help.className = "hint strip-help";
help.textContent = said.help;

let drawn;
function draw(focus) {
  drawn = lines().join("\n");
  strip.replaceChildren(...lines().map(chipOf), add, help);
  if (focus >= 0) strip.querySelector(`[data-index="${focus}"]`)?.focus();
}

// Drawn while it is typed: drawn when the box is left, the chip that is aimed at would be gone.
let waiting;
const freshen = () => lines().join("\n") === drawn || draw();
box.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(freshen, 300);
});
box.addEventListener("change", freshen);
draw();
})();
