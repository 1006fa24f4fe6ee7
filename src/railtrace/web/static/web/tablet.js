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
  await box.send(["refused", "name"]);
  await show();
}

async function show() {
  const items = await box.all();
  const refused = items.filter((item) => item.refused);
  say("waiting", items.length - refused.length);
  say("refused", refused.length);
  const list = page.querySelector("[data-refused]");
  list.replaceChildren(...refused.map((item) => {
    const line = document.createElement("li");
    line.textContent = `${item.order} · ${item.name}: ${item.refused} `;
    const drop = document.createElement("button");
    drop.className = "btn";
    drop.textContent = list.dataset.drop;
    drop.onclick = () => box.drop(item.id).then(show);
    line.append(drop);
    return line;
  }));
  for (const item of items) {
    const card = page.querySelector(`[data-step="${CSS.escape(item.order)}|${CSS.escape(item.step)}"]`);
    card?.classList.toggle("is-queued", !item.refused);
  }
  say("offline", navigator.onLine ? 0 : 1);
}

async function keep(form) {
  const data = new FormData(form);
  const values = {};
  for (const [key, value] of data) if (key.includes("|")) values[key] = value;
  const item = {
    id: Outbox.newId(), order: form.dataset.order, step: form.dataset.name, name: form.dataset.said,
    done_at: Outbox.stamp(new Date()), outcome: data.get("outcome") ?? "passed", values,
    note: data.get("note") ?? "", photo: await Outbox.read(data.get("photo")),
  };
  await box.put(item);
  form.reset();
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
