// Steps done at the tablet wait in its own store until the trace has them, in any order.
(() => {
const page = document.querySelector("[data-tablet]");
const say = (name, count) => page.querySelectorAll(`[data-say="${name}"]`).forEach((e) => {
  e.hidden = !count;
  const number = e.querySelector("b");
  if (number) number.textContent = String(count);
});

function store() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("railtrace-work", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "id" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

async function outbox(mode, act) {
  const db = await store();
  return new Promise((done, failed) => {
    const deal = db.transaction("outbox", mode);
    const asked = act(deal.objectStore("outbox"));
    deal.oncomplete = () => done(asked.result);
    deal.onerror = () => failed(deal.error);
  });
}

const waiting = () => outbox("readonly", (s) => s.getAll());

function stamp(date) {
  const minutes = -date.getTimezoneOffset();
  const pad = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const local = new Date(date.getTime() + minutes * 60000).toISOString().slice(0, 19);
  return `${local}${minutes < 0 ? "-" : "+"}${pad(minutes / 60)}:${pad(minutes % 60)}`;
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function read(file) {
  return new Promise((done) => {
    if (!file || !file.size) return done("");
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => done("");
    reader.readAsDataURL(file);
  });
}

let sending = false;
async function sendAll() {
  if (sending) return;
  if (!navigator.onLine) return show();
  sending = true;
  try {
    for (const item of await waiting()) {
      if (item.refused) continue;
      const { refused, name, ...sent } = item;
      const answer = await fetch(page.dataset.send, {
        method: "POST", credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": page.dataset.token },
        body: JSON.stringify({ ...sent, sent_at: stamp(new Date()) }),
      });
      if (answer.ok) {
        await outbox("readwrite", (s) => s.delete(item.id));
      } else if (answer.status === 422) {
        const { said } = await answer.json();
        await outbox("readwrite", (s) => s.put({ ...item, refused: said }));
      } else break;
    }
  } catch {
    // No network: everything stays where it is.
  } finally {
    sending = false;
    await show();
  }
}

async function show() {
  const items = await waiting();
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
    drop.onclick = () => outbox("readwrite", (s) => s.delete(item.id)).then(show);
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
    id: newId(), order: form.dataset.order, step: form.dataset.name, name: form.dataset.said,
    done_at: stamp(new Date()), outcome: data.get("outcome") ?? "passed", values,
    note: data.get("note") ?? "", photo: await read(data.get("photo")),
  };
  await outbox("readwrite", (s) => s.put(item));
  form.reset();
  await show();
  await sendAll();
  if (navigator.onLine && !(await waiting()).length) location.reload();
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
