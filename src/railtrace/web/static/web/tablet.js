// Steps done at the tablet wait in its own store until the trace has them, in any order.
(() => {
const page = document.querySelector("[data-tablet]");
const say = (name, count) => page.querySelectorAll(`[data-say="${name}"]`).forEach((e) => {
  e.hidden = !count;
  const number = e.querySelector("b");
  if (number) number.textContent = String(count);
});

const box = page && new Outbox("railtrace-work", page.dataset.send, page.dataset.token);

async function sendAll() {
  await box.send(["refused", "name"], mine);
  await show();
}

// What another did at this tablet is sent when that one is here: nobody signs for another.
const mine = (item) => !item.person || item.person === page.dataset.person;

function button(word, act) {
  const made = document.createElement("button");
  made.className = "btn";
  made.textContent = word;
  made.onclick = act;
  return made;
}

const again = ({ refused, ...item }) => box.put(item).then(sendAll);

async function show() {
  const items = await box.all();
  const refused = items.filter((item) => item.refused);
  const others = items.filter((item) => !item.refused && !mine(item));
  say("waiting", items.length - refused.length - others.length);
  say("others", others.length);
  say("refused", refused.length);
  say("shut", box.shut ? 1 : 0);
  const list = page.querySelector("[data-refused]");
  list.replaceChildren(...refused.map((item) => {
    const line = document.createElement("li");
    line.textContent = `${item.order} · ${item.name}: ${item.refused} `;
    line.append(button(list.dataset.again, () => again(item)), " ", button(list.dataset.drop, () => box.drop(item.id).then(show)));
    return line;
  }));
  const kept = new Set(items.filter((item) => !item.refused).map((item) => `${item.order}|${item.step}`));
  // A card that comes after another is met by the same loop.
  for (let card = page.querySelector("[data-step]"); card; card = nextCard(card)) {
    card.classList.toggle("is-queued", kept.has(card.dataset.step));
    if (kept.has(card.dataset.step)) follow(card);
  }
  say("offline", navigator.onLine ? 0 : 1);
}

function nextCard(card) {
  let next = card.nextElementSibling;
  while (next && !next.dataset.step) next = next.nextElementSibling;
  return next;
}

function field([name, label, unit]) {
  const made = document.createElement("label");
  made.className = "form-label";
  const input = Object.assign(document.createElement("input"), { className: "form-control", name, inputMode: "decimal", autocomplete: "off" });
  made.append(`${label}, ${unit}`, input);
  return made;
}

// The step after one that waits here: who has no network goes on with the order.
function follow(card) {
  const [step, ...rest] = JSON.parse(card.dataset.later || "[]");
  if (!step) return;
  const key = `${card.dataset.step.split("|")[0]}|${step.step}`;
  if (page.querySelector(`[data-step="${CSS.escape(key)}"]`)) return;
  const made = card.cloneNode(true);
  Object.assign(made.dataset, { step: key, part: key, later: JSON.stringify(rest) });
  made.classList.remove("is-queued");
  made.querySelector("h2").textContent = step.name;
  const count = made.querySelector("span.num").firstChild;
  count.data = count.data.replace(/\d+/, (n) => String(Number(n) + 1));
  for (const gone of made.querySelectorAll(".fault, :scope > .soft, :scope > .warn")) gone.remove();
  for (const chosen of made.querySelectorAll(".is-chosen")) chosen.classList.remove("is-chosen");
  const form = made.querySelector("form");
  Object.assign(form.dataset, { name: step.step, said: step.name });
  form.reset();
  for (const old of form.querySelectorAll('[inputmode="decimal"]')) old.closest("label").remove();
  form.prepend(...step.fields.map(field));
  card.after(made);
}

async function keep(form) {
  const data = new FormData(form);
  const values = {};
  for (const [key, value] of data) if (key.includes("|")) values[key] = value;
  const item = {
    id: Outbox.newId(), person: page.dataset.person, order: form.dataset.order, step: form.dataset.name, name: form.dataset.said,
    done_at: Outbox.stamp(new Date()), outcome: data.get("outcome") ?? "passed", values,
    note: data.get("note") ?? "", photo: await Outbox.read(data.get("photo")),
  };
  await box.put(item);
  form.reset();
  for (const chosen of form.querySelectorAll(".is-chosen")) chosen.classList.remove("is-chosen");
  await show();
  await sendAll();
  if (navigator.onLine && !(await box.all()).length) location.reload();
}

if (page) {
  say("insecure", window.isSecureContext ? 0 : 1);
  if (window.isSecureContext && "serviceWorker" in navigator) {
    navigator.serviceWorker.register(page.dataset.worker, { scope: page.dataset.scope });
  }
  page.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-order]")) return;
    event.preventDefault();
    keep(event.target);
  });
  addEventListener("online", sendAll);
  addEventListener("offline", show);
  document.addEventListener("renewed", show);
  setInterval(sendAll, 15000);
  sendAll();
}
})();
