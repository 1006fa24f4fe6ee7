// The life line: lanes over time, from manufacture to now, zoomable from years to a shift.
const LANE = 30, TOP = 6, AXIS = 22, LEFT = 118, NARROW_LEFT = 84;
const DAY = 86400000;
const NS = "http://www.w3.org/2000/svg";
const STEPS = [
  3600e3, 2 * 3600e3, 6 * 3600e3, 12 * 3600e3, DAY, 2 * DAY, 7 * DAY, 14 * DAY, "month", "quarter", "year", "5years", "10years",
];

function make(name, attributes, parent, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
}

class LifeLine {
  constructor(box, data) {
    this.box = box;
    this.stage = box.querySelector(".lifeline-stage");
    this.data = data;
    this.months = box.dataset.months.split(" ");
    this.zone = box.dataset.zone;
    this.bad = new Set(data.bad);
    const first = data.events[0]?.[0] ?? data.now - 365 * DAY;
    const last = Math.max(data.now, data.events.at(-1)?.[0] ?? data.now);
    const pad = Math.max((last - first) * 0.02, DAY / 2);
    [this.min, this.max] = [first - pad, last + pad];
    [this.from, this.to] = [this.min, this.max];
    this.first = first;
    // Made before anything was recorded: the whole life begins there, what is recorded is shown first.
    if (data.born && data.born < this.min) this.min = data.born - (last - data.born) * 0.02;
    this.height = TOP + data.lanes.length * LANE + AXIS;
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    box.append(this.tip);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  get left() { return this.width < 560 ? NARROW_LEFT : LEFT; }
  x(t) { return this.left + ((t - this.from) / (this.to - this.from)) * (this.width - this.left - 8); }
  t(x) { return this.from + ((x - this.left) / (this.width - this.left - 8)) * (this.to - this.from); }

  show(from, to) {
    const whole = this.max - this.min;
    const span = Math.min(Math.max(to - from, 2 * 3600e3), whole);
    from = Math.min(Math.max(from, this.min), this.max - span);
    [this.from, this.to] = [from, from + span];
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }
  zoom(factor, at = (this.from + this.to) / 2) {
    this.show(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }
  pan(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  listen() {
    this.box.addEventListener("click", (event) => {
      const { span, zoom, pan } = event.target.closest("[data-span],[data-zoom],[data-pan]")?.dataset ?? {};
      if (span === "all") this.show(this.min, this.max);
      else if (span) {
        const end = this.to >= this.data.now ? this.data.now + Number(span) * DAY * 0.04 : (this.from + this.to + Number(span) * DAY) / 2;
        this.show(end - Number(span) * DAY, end);
      }
      if (zoom) this.zoom(Number(zoom));
      if (pan) this.pan(Number(pan));
    });
    this.stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaY) > Math.abs(event.deltaX) && !event.shiftKey) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(event.deltaY * 0.003), this.t(event.clientX - this.stage.getBoundingClientRect().left));
      else this.pan((event.deltaX || event.deltaY) / this.width);
    }, { passive: false });
    this.stage.addEventListener("keydown", (event) => {
      const act = { ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), Home: () => this.show(this.min, this.max) }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    this.drag();
    this.stage.addEventListener("dblclick", (event) => this.zoom(0.4, this.t(event.clientX - this.stage.getBoundingClientRect().left)));
  }

  drag() {
    const down = new Map();
    this.stage.addEventListener("pointerdown", (event) => { down.set(event.pointerId, event.clientX); this.moved = 0; });
    this.stage.addEventListener("pointermove", (event) => {
      if (!down.has(event.pointerId)) return this.point(event);
      const before = [...down.values()];
      const by = event.clientX - down.get(event.pointerId);
      this.moved = (this.moved ?? 0) + Math.abs(by);
      if (this.moved > 4 && !this.stage.hasPointerCapture(event.pointerId)) this.stage.setPointerCapture(event.pointerId);
      down.set(event.pointerId, event.clientX);
      const after = [...down.values()];
      if (after.length === 2) {
        const ratio = Math.abs(before[0] - before[1]) / Math.max(Math.abs(after[0] - after[1]), 1);
        this.zoom(ratio, this.t((after[0] + after[1]) / 2 - this.stage.getBoundingClientRect().left));
      } else this.pan(-by / (this.width - this.left));
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      this.stage.addEventListener(name, (event) => { down.delete(event.pointerId); if (name === "pointerleave") this.tip.hidden = true; });
    }
    this.stage.addEventListener("click", (event) => { if (this.moved > 4) event.preventDefault(), event.stopPropagation(); }, true);
  }

  point(event) {
    const said = event.target.getAttribute?.("data-said");
    this.tip.hidden = !said;
    if (!said) return;
    this.tip.textContent = said;
    const box = this.box.getBoundingClientRect();
    const x = Math.min(event.clientX - box.left + 12, box.width - this.tip.offsetWidth - 4);
    this.tip.style.transform = `translate(${Math.max(x, 0)}px, ${event.clientY - box.top - 34}px)`;
  }

  clock(ms, withTime = true) {
    const date = new Intl.DateTimeFormat(this.data.language === "en" ? "en-GB" : "ru", { timeZone: this.zone, dateStyle: "short", ...(withTime ? { timeStyle: "short" } : {}) });
    return date.format(ms).replace(",", "");
  }

  draw() {
    this.width = this.stage.clientWidth;
    if (!this.width) return;
    const svg = make("svg", { viewBox: `0 0 ${this.width} ${this.height}`, height: this.height });
    this.axis(svg);
    this.data.lanes.forEach((name, lane) => {
      const y = TOP + lane * LANE;
      make("line", { class: "lane-line", x1: 0, x2: this.width, y1: y + LANE, y2: y + LANE }, svg);
    });
    const clip = make("clipPath", { id: "lifeline-clip" }, svg);
    make("rect", { x: this.left, y: 0, width: this.width - this.left, height: this.height }, clip);
    const inside = make("g", { "clip-path": "url(#lifeline-clip)" }, svg);
    this.birth(inside);
    this.spans(inside);
    this.events(inside);
    const now = this.x(this.data.now);
    make("line", { class: "today", x1: now, x2: now, y1: 0, y2: this.height - AXIS }, inside);
    this.data.lanes.forEach((name, lane) => make("text", { class: "lane-name", x: 0, y: TOP + lane * LANE + LANE / 2 + 4 }, svg, name));
    this.stage.replaceChildren(svg);
  }

  axis(svg) {
    const room = (this.width - this.left) / 90;
    const ticks = STEPS.map((step) => this.ticks(step)).find((all) => all.length <= room) ?? [];
    for (const [t, text] of ticks) {
      const x = this.x(t);
      make("line", { class: "tick-line", x1: x, x2: x, y1: 0, y2: this.height - AXIS }, svg);
      make("text", { class: "tick", x: x + 3, y: this.height - 7 }, svg, text);
    }
  }

  ticks(step) {
    const found = [];
    if (typeof step === "number") {
      if ((this.to - this.from) / step > 60) return new Array(99);
      const shift = this.offset(this.from);
      for (let t = Math.ceil((this.from + shift) / step) * step - shift; t <= this.to; t += step) {
        const full = this.clock(t);
        found.push([t, step < DAY ? full.slice(-5) === "00:00" ? full.slice(0, 5) : full.slice(-5) : full.slice(0, 5)]);
      }
      return found;
    }
    const months = { month: 1, quarter: 3, year: 12, "5years": 60, "10years": 120 }[step];
    const start = new Date(this.from);
    let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
    for (; found.length < 99; month += months) {
      const t = Date.UTC(Math.floor(month / 12), month % 12, 1) - this.offset(this.from);
      if (t > this.to) break;
      const year = Math.floor(month / 12);
      if (t >= this.from) found.push([t, month % 12 === 0 ? String(year) : `${this.months[month % 12]} ${String(year).slice(2)}`]);
    }
    return found;
  }

  offset(ms) {
    const parts = new Intl.DateTimeFormat("en", { timeZone: this.zone, timeZoneName: "longOffset" }).formatToParts(ms);
    const match = /GMT([+-])(\d\d):(\d\d)/.exec(parts.find((p) => p.type === "timeZoneName")?.value ?? "");
    return match ? (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60000 : 0;
  }

  // Assumed is dotted, missing is a gap with its word.
  birth(svg) {
    if (!this.data.born || this.data.born > this.first || this.first < this.from) return;
    const [x, y] = [this.x(this.data.born), TOP + LANE / 2];
    if (this.data.born >= this.from) {
      make("circle", { class: "born", cx: x, cy: y, r: 5 }, svg);
      make("rect", { class: "hit", x: x - 9, y: y - 13, width: 18, height: 26, "data-said": this.data.made }, svg);
    }
    const from = Math.max(x, this.left), until = this.x(this.first);
    if (until - from > 90) make("text", { class: "nothing", x: (from + until) / 2, y: y + 4 }, svg, this.data.nothing);
  }

  spans(svg) {
    for (const [from, to, lane, said] of this.data.spans) {
      if (to < this.from || from > this.to) continue;
      const x = Math.max(this.x(from), this.left - 4), width = Math.max(this.x(to) - x, 1.5);
      const y = TOP + lane * LANE + 8;
      make("rect", { class: "span", x, y, width, height: LANE - 15, rx: 2, opacity: 0.55, "data-said": `${said} · ${this.clock(from, false)} – ${this.clock(to, false)}` }, svg);
      if (width > said.length * 6.4 + 14) make("text", { class: "tick", x: Math.max(x, this.left) + 9, y: y + 11, "pointer-events": "none" }, svg, said);
    }
  }

  events(svg) {
    const groups = new Map();
    for (const event of this.data.events) {
      const [t, lane] = event;
      if (t < this.from || t > this.to) continue;
      const key = `${lane}:${Math.round(this.x(t) / 20)}`;
      (groups.get(key) ?? groups.set(key, []).get(key)).push(event);
    }
    for (const group of groups.values()) group.length > 1 ? this.cluster(svg, group) : this.event(svg, group[0]);
  }

  event(svg, [t, lane, kind, id]) {
    const x = this.x(t), y = TOP + lane * LANE + LANE / 2;
    const said = `${this.data.kinds[kind]} · ${this.clock(t)}`;
    const link = make("a", { href: this.data.operation.replace("ID", id), "aria-label": said }, svg);
    if (this.bad.has(kind)) make("path", { class: "event bad", d: `M${x} ${y - 6}l6 11h-12z` }, link);
    else make("circle", { class: "event", cx: x, cy: y, r: 4 }, link);
    make("rect", { class: "hit", x: x - 9, y: y - 13, width: 18, height: 26, "data-said": said }, link);
  }

  cluster(svg, group) {
    const [first, last] = [group[0][0], group.at(-1)[0]];
    const x = this.x((first + last) / 2), y = TOP + group[0][1] * LANE + LANE / 2;
    const bad = group.some(([, , kind]) => this.bad.has(kind));
    const text = group.length > 99 ? "99+" : String(group.length);
    const half = Math.max(5.5, text.length * 3.4 + 2);
    const node = make("g", {}, svg);
    make("rect", { class: bad ? "event bad" : "cluster", x: x - half, y: y - 7, width: 2 * half, height: 14, rx: 4 }, node);
    make("text", { class: "cluster-count", x, y: y + 3.5 }, node, text);
    const names = [...new Set(group.map(([, , kind]) => this.data.kinds[kind]))].slice(0, 4).join(", ");
    const hit = make("rect", { class: "hit", x: x - half, y: y - 13, width: 2 * half, height: 26, "data-said": `${group.length} · ${names} · ${this.clock(first, false)} – ${this.clock(last, false)}` }, node);
    hit.addEventListener("click", () => {
      const pad = Math.max((last - first) * 0.3, 3600e3);
      this.show(first - pad, last + pad);
    });
  }
}

const box = document.getElementById("lifeline");
if (box) {
  fetch(box.dataset.url, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .then((data) => new LifeLine(box, data))
    .catch((error) => { box.querySelector(".lifeline-stage").textContent = String(error); });
}
