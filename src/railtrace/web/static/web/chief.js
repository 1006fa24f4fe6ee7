// The train on the phone: coach, system, fault, photo. The address after # is the step, so Back works.
(() => {
const page = document.querySelector("[data-chief]");
if (!page) return;
const words = page.dataset;
const told = JSON.parse(document.getElementById("told").textContent);
const view = page.querySelector("[data-view]");
const box = new Outbox("railtrace-train", words.send, words.token);
const LONGEST_PX = 1600;
let waiting = [];

const make = (tag, name, text) => {
  const part = document.createElement(tag);
  if (name) part.className = name;
  if (text) part.textContent = text;
  return part;
};
const say = (name, count) => page.querySelectorAll(`[data-say="${name}"]`).forEach((e) => {
  e.hidden = !count;
  const number = e.querySelector("b");
  if (number) number.textContent = String(count);
});
const link = (hash, name, ...parts) => {
  const a = make("a", name);
  a.href = hash;
  a.append(...parts);
  return a;
};
const coachAt = (place) => told.coaches.find((coach) => String(coach.place) === place);
const ofCoach = (coach) => waiting.filter((item) => item.place_in_train === coach.place);
const answered = (id) => waiting.some((item) => item.about === id);

// --- what is shown

function coaches() {
  const list = make("div", "chief-list");
  for (const coach of told.coaches) {
    const open = coach.defects.length + ofCoach(coach).filter((item) => item.what === "fault").length;
    const marks = make("span", "chief-marks");
    if (open) marks.append(make("span", "tag", `${open} ${words.faults}`));
    if (coach.restrictions.length) marks.append(make("span", "tag", words.restricted));
    if (coach.alarms.some((alarm) => !alarm.result && !answered(alarm.id))) marks.append(make("span", "tag", words.alarm));
    const number = make("b", "num", coach.number);
    list.append(link(`#${coach.place}`, "chief-row", make("span", "chief-place num", String(coach.place)), number, make("small", "", coach.type), marks));
  }
  return [list];
}

function known(coach) {
  const list = make("div", "chief-known");
  for (const text of coach.restrictions) list.append(make("p", "chief-note", text));
  for (const alarm of coach.alarms) list.append(alarmCard(coach, alarm));
  for (const defect of coach.defects) list.append(defectCard(coach, defect));
  for (const item of ofCoach(coach)) list.append(make("p", "queued is-shown", `${item.name} — ${words.kept}`));
  if (!list.children.length) list.append(make("p", "soft", words.nothing));
  return list;
}

function form(fields, act, name) {
  const one = make("form", "chief-form");
  one.append(...fields);
  const button = make("button", "btn btn-primary btn-big", act);
  button.name = name ?? "act";
  one.append(button);
  return one;
}

function noteField(label, required) {
  const field = make("input", "form-control");
  Object.assign(field, { name: "note", maxLength: 200, required, placeholder: label, autocomplete: "off" });
  field.setAttribute("aria-label", label);
  return field;
}

function defectCard(coach, defect) {
  const card = make("details", "card chief-card");
  const twice = coach.twice.includes(defect.code) ? ` · ${words.twice}` : "";
  card.append(make("summary", "", `${defect.name}${defect.place ? `, ${defect.place}` : ""} · ${defect.since}${twice}`));
  if (answered(defect.id)) {
    card.append(make("p", "queued is-shown", words.kept));
    return card;
  }
  const mended = form([noteField(words.work, true)], words.mended);
  mended.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(coach, { what: "mended", unit: defect.unit, about: defect.id, note: mended.note.value, name: `${words.mended}: ${defect.name}` });
  });
  card.append(mended);
  return card;
}

function alarmCard(coach, alarm) {
  const card = make("details", "card chief-card");
  card.append(make("summary", "", [alarm.name, alarm.place, alarm.read, alarm.post, alarm.when].filter(Boolean).join(" · ")));
  if (alarm.result || answered(alarm.id)) {
    card.append(make("p", "soft", alarm.result ? `${words[alarm.result === "confirmed" ? "confirmed" : "unconfirmed"]}: ${alarm.finding}` : words.kept));
    return card;
  }
  card.open = true;
  const check = form([noteField(words.finding, true)], words.confirmed);
  const other = make("button", "btn btn-big", words.unconfirmed);
  other.name = "no";
  check.append(other);
  check.addEventListener("submit", (event) => {
    event.preventDefault();
    const result = event.submitter?.name === "no" ? "not_confirmed" : "confirmed";
    keep(coach, { what: "alarm", unit: alarm.unit, about: alarm.id, result, note: check.note.value, name: alarm.name });
  });
  card.append(check);
  return card;
}

function coachView(coach) {
  const list = make("div", "chief-grid");
  for (const system of told.systems) list.append(link(`#${coach.place}/${system.key}`, "btn btn-big", system.name));
  return [head(coach, "#"), known(coach), make("h2", "", words.what), list];
}

function systemView(coach, system) {
  const list = make("div", "chief-list");
  for (const fault of system.faults) {
    const row = link(`#${coach.place}/${system.key}/${fault.code}`, "btn btn-big chief-fault", fault.name);
    if (fault.safety) row.append(make("span", "tag", words.safety));
    list.append(row);
  }
  return [head(coach, `#${coach.place}`, system.name), list];
}

function faultView(coach, system, fault) {
  const photo = make("label", "btn btn-big", words.photo);
  const file = make("input", "visually-hidden");
  Object.assign(file, { type: "file", name: "photo", accept: "image/*" });
  file.setAttribute("capture", "environment");
  file.dataset.chosen = "";
  photo.append(file);
  const one = form([photo, noteField(words.note, false)], words.write);
  one.dataset.code = fault.code;
  one.addEventListener("submit", async (event) => {
    event.preventDefault();
    await keep(coach, { what: "fault", unit: coach.unit, code: fault.code, note: one.note.value, photo: await shrunk(file.files[0]), name: fault.name });
  });
  return [head(coach, `#${coach.place}/${system.key}`, system.name), make("h2", "", fault.name), one];
}

function head(coach, back, text) {
  const row = make("div", "chief-head");
  row.append(link(back, "btn", "←"), make("b", "num", `№ ${coach.place} · ${coach.number}`), make("span", "soft", text ?? coach.type));
  row.firstChild.setAttribute("aria-label", words.back);
  return row;
}

function draw() {
  const [place, key, code] = decodeURIComponent(location.hash.slice(1)).split("/");
  const coach = coachAt(place);
  const system = told.systems.find((one) => one.key === key);
  const fault = system?.faults.find((one) => one.code === code);
  const parts = !coach ? coaches() : fault ? faultView(coach, system, fault) : system ? systemView(coach, system) : coachView(coach);
  view.replaceChildren(...parts);
  scrollTo(0, 0);
}

// --- what is kept and sent

// A photo of a telephone is many megabytes: it is kept no longer than this many pixels.
async function shrunk(file) {
  const whole = await Outbox.read(file);
  if (!whole) return "";
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
    if (scale === 1) return whole;
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(picture.width * scale), height: Math.round(picture.height * scale),
    });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.85);
  } catch {
    return whole;
  }
}

async function keep(coach, entry) {
  const item = { id: Outbox.newId(), consist: told.consist, done_at: Outbox.stamp(new Date()), place_in_train: coach.place, ...entry };
  await box.put(item);
  history.replaceState(null, "", `#${coach.place}`);
  await show();
  draw();
  await sendAll();
}

async function show() {
  waiting = (await box.all()).filter((item) => item.consist === told.consist);
  const refused = waiting.filter((item) => item.refused);
  say("waiting", waiting.length - refused.length);
  say("refused", refused.length);
  const list = page.querySelector("[data-refused]");
  list.replaceChildren(...refused.map((item) => {
    const line = make("li", "", `№ ${item.place_in_train} · ${item.name}: ${item.refused} `);
    const drop = make("button", "btn", list.dataset.drop);
    drop.onclick = () => box.drop(item.id).then(show).then(draw);
    line.append(drop);
    return line;
  }));
  say("offline", navigator.onLine ? 0 : 1);
  say("shut", box.shut ? 1 : 0);
}

async function sendAll() {
  const sent = await box.send(["refused", "name", "place_in_train"]);
  await show();
  // What is being typed is not taken away from under the fingers.
  const typing = [...view.querySelectorAll("input")].some((field) => field.value);
  if (sent && !waiting.length && !typing) location.reload();
}

say("insecure", window.isSecureContext ? 0 : 1);
if (window.isSecureContext && "serviceWorker" in navigator) {
  navigator.serviceWorker.register(words.worker, { scope: words.scope });
}
addEventListener("hashchange", draw);
addEventListener("online", sendAll);
addEventListener("offline", show);
setInterval(sendAll, 15000);
show().then(draw).then(sendAll);
})();
