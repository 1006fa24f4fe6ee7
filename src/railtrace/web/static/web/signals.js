// Waveforms and envelope spectra: drawn by uPlot, windows of a waveform come from the server.
const style = getComputedStyle(document.documentElement);
const ink = (name) => style.getPropertyValue(name).trim();
const comma = document.documentElement.lang !== "en";
const said = (value, places) => (comma ? value.toFixed(places).replace(".", ",") : value.toFixed(places));
const DASHES = { outer: [], inner: [7, 3], ball: [2, 3], cage: [1, 4] };
const OVERLAYS = [[6, 3], [3, 3], [9, 3, 2, 3], [1, 3]];

async function ask(address, query) {
  const answer = await fetch(`${address}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
  const data = await answer.json();
  if (data.refused) throw new Error(data.refused);
  return data;
}

// A long spectrum is computed by another process: the answer comes when it is there.
const AGAIN_MS = 2000;
const later = () => new Promise((go) => setTimeout(go, AGAIN_MS));

function axis(word) {
  return { label: word, labelSize: 16, labelFont: "11px Inter, sans-serif", font: "11px Inter, sans-serif", stroke: ink("--soft"), grid: { stroke: ink("--edge"), width: 1 }, ticks: { stroke: ink("--edge") }, values: (_, marks) => marks.map((m) => (comma ? String(+m.toPrecision(6)).replace(".", ",") : String(+m.toPrecision(6)))) };
}

// What both charts share: size, cursor by keyboard, zoom, a line that says where the cursor stands.
class Signal {
  constructor(box) {
    this.box = box;
    this.words = box.dataset.words.split("|");
    this.line = box.nextElementSibling;
    box.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.plot && this.plot.width !== this.width && this.plot.setSize({ width: this.width, height: this.height })).observe(box);
    this.start().catch((problem) => (this.line.textContent = problem.message));
  }
  get width() { return Math.max(240, this.box.clientWidth); }
  get height() { return this.box.dataset.signal === "spectrum" ? 340 : 260; }
  get shown() { return [this.plot.scales.x.min, this.plot.scales.x.max]; }
  base(series, hooks) {
    return {
      width: this.width, height: this.height, legend: { show: false }, pxAlign: 0,
      scales: { x: { time: false } }, axes: [axis(this.words[0]), { ...axis(this.words[1]), size: 56 }],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, x: true, y: false },
      series, hooks: { ...hooks, setCursor: [() => this.say()], setSelect: [() => this.select()] },
    };
  }
  make(options, data) {
    this.plot?.destroy();
    this.plot = new uPlot(options, data, this.box);
    this.plot.over.addEventListener("dblclick", () => this.zoom(...this.all));
  }
  select() {
    const { left, width } = this.plot.select;
    if (width > 4) {
      const [from, to] = [this.plot.posToVal(left, "x"), this.plot.posToVal(left + width, "x")];
      this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.zoom(from, to);
    }
  }
  key(event) {
    if (!this.plot) return;
    const [from, to] = this.shown, span = to - from, at = this.plot.cursor.left >= 0 ? this.plot.posToVal(this.plot.cursor.left, "x") : from + span / 2;
    const step = this.plot.over.clientWidth * (event.shiftKey ? 0.05 : 0.005);
    const move = (by) => this.plot.setCursor({ left: Math.min(Math.max((this.plot.cursor.left >= 0 ? this.plot.cursor.left : this.plot.over.clientWidth / 2) + by, 0), this.plot.over.clientWidth - 1), top: 10 });
    const deeds = {
      ArrowLeft: () => move(-step), ArrowRight: () => move(step),
      "+": () => this.zoom(at - span / 4, at + span / 4), "=": () => this.zoom(at - span / 4, at + span / 4),
      "-": () => this.zoom(at - span, at + span), PageUp: () => this.zoom(from - span / 2, to - span / 2), PageDown: () => this.zoom(from + span / 2, to + span / 2),
      Home: () => this.zoom(...this.all), 0: () => this.zoom(...this.all),
    };
    if (deeds[event.key]) event.preventDefault(), deeds[event.key]();
  }
  within(from, to, least) {
    const [first, last] = this.all, span = Math.min(Math.max(to - from, least), last - first);
    const start = Math.min(Math.max(from, first), last - span);
    return [start, start + span];
  }
}

class Waveform extends Signal {
  async start() {
    await this.load({});
    this.all = [0, this.seconds];
  }
  async load(window) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const data = await ask(this.box.dataset.from, { ...window, points: Math.round(Math.min(this.width * devicePixelRatio, 2400)) });
    if (turn !== this.turn) return;
    this.seconds = data.seconds;
    // Each piece is drawn from its lowest to its highest sample: no peak is lost, however many there are.
    const x = [], y = [];
    data.t.forEach((t, i) => (data.low[i] === data.high[i] ? (x.push(t), y.push(data.low[i])) : (x.push(t, t), y.push(data.low[i], data.high[i]))));
    this.data = data;
    if (this.plot) {
      this.plot.setData([x, y], false);
      this.plot.setScale("x", { min: data.from, max: data.to });
    } else {
      const options = this.base([{}, { stroke: ink("--neutral-1"), width: 1, points: { show: false } }], {});
      options.scales.x = { time: false, range: (_, min, max) => [min, max] };
      this.make(options, [x, y]);
    }
  }
  zoom(from, to) {
    const [start, end] = this.within(from, to, 16 / this.data.rate);
    return this.load({ from: start, to: end }).catch((problem) => (this.line.textContent = problem.message));
  }
  say() {
    if (!this.plot || this.plot.cursor.left < 0) return;
    const t = this.plot.posToVal(this.plot.cursor.left, "x"), times = this.data.t;
    let i = times.findIndex((s) => s > t);
    i = Math.max(0, (i < 0 ? times.length : i) - 1);
    const [low, high] = [this.data.low[i], this.data.high[i]];
    this.line.textContent = `${said(times[i], 4)} s: ${low === high ? said(low, 3) : `${said(low, 3)} … ${said(high, 3)}`}`;
  }
}

class Spectrum extends Signal {
  async start() {
    this.method = document.querySelector("[data-method]");
    this.others = document.querySelector("[data-visits]");
    this.method.addEventListener("change", () => this.load());
    this.others.addEventListener("change", () => this.show());
    await this.load();
  }
  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    let data = await ask(this.box.dataset.from, { method: this.method.value });
    while (!data.order) {
      this.line.textContent = `${this.words[4]}…`;
      await later();
      data = await ask(this.box.dataset.from, { method: this.method.value });
    }
    if (turn !== this.turn) return;
    this.line.textContent = "";
    this.data = data;
    if (data.waiting) later().then(() => turn === this.turn && this.load());
    this.all = [0, this.data.order.at(-1)];
    this.others.closest("label").hidden = !this.data.visits.length;
    this.show();
  }
  show() {
    const kept = this.plot ? this.shown : this.all;
    const visits = this.others.checked ? this.data.visits : [];
    const sets = [{ x: this.data.order, y: this.data.level }, ...visits.map((v) => ({ x: v.order, y: v.level }))];
    const tables = sets.map(({ x, y }) => [x, y]);
    const joined = tables.length > 1 ? uPlot.join(tables) : tables[0];
    const tones = [ink("--neutral-3"), ink("--neutral-2"), ink("--soft"), ink("--edge-strong")];
    const series = [{}, { label: this.words[3], stroke: ink("--neutral-1"), width: 1.5, points: { show: false }, spanGaps: true },
      ...visits.map((v, i) => ({ label: v.name, stroke: tones[i % 4], width: 1, dash: OVERLAYS[i % 4], points: { show: false }, spanGaps: true }))];
    const options = this.base(series, { draw: [(plot) => this.lines(plot)] });
    options.scales.x = { time: false, range: (_, min, max) => [min, max] };
    options.scales.y = { range: (_, low, high) => [0, Math.max(high * 1.12, this.data.threshold * 1.6)] };
    this.make(options, joined);
    this.plot.setScale("x", { min: kept[0], max: Math.min(kept[1], this.all[1]) });
    this.names(visits);
  }
  names(visits) {
    this.legend ??= this.box.parentElement.insertBefore(document.createElement("p"), this.line);
    this.legend.className = "hint";
    this.legend.textContent = visits.length ? `━ ${this.words[3]}   ${visits.map((v, i) => `${["╌", "┄", "─·", "┈"][i % 4]} ${v.name}`).join("   ")}` : "";
  }
  // Fault lines, three harmonics each, and the threshold: by dash, not by colour.
  lines(plot) {
    const { ctx, bbox } = plot, ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = ctx.fillStyle = ink("--ink");
    // The axes leave their own alignment behind: words would stand beside the wrong line.
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.font = `${11 * ratio}px Inter, sans-serif`;
    const drawn = [];
    for (const line of this.data.lines) {
      const x = plot.valToPos(line.order, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.globalAlpha = line.damage === "cage" ? 0.45 : 0.75;
      ctx.lineWidth = (line.harmonic === 1 ? 1.5 : 1) * ratio;
      ctx.setLineDash(DASHES[line.damage].map((d) => d * ratio));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + 14 * ratio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const word = line.harmonic === 1 ? line.name : `${line.harmonic}×`;
      const width = ctx.measureText(word).width, row = [0, 1, 2].find((r) => !drawn.some(([a, b, at]) => at === r && x - width / 2 < b && x + width / 2 > a));
      if (row === undefined) continue;
      drawn.push([x - width / 2 - 4, x + width / 2 + 4, row]);
      ctx.globalAlpha = 1;
      ctx.fillText(word, Math.min(Math.max(x - width / 2, bbox.left + 2), bbox.left + bbox.width - width - 2), bbox.top + (11 + 12 * row) * ratio);
    }
    ctx.globalAlpha = 1;
    ctx.setLineDash([10 * ratio, 4 * ratio]);
    ctx.lineWidth = ratio;
    const y = plot.valToPos(this.data.threshold, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const word = `${this.words[2]} ${said(this.data.threshold, 1)}`;
    ctx.fillText(word, bbox.left + bbox.width - ctx.measureText(word).width - 4 * ratio, y - 4 * ratio);
    ctx.restore();
  }
  zoom(from, to) {
    const [min, max] = this.within(from, to, 0.05);
    this.plot.setScale("x", { min, max });
  }
  say() {
    if (!this.plot || this.plot.cursor.left < 0) return;
    const at = this.plot.posToVal(this.plot.cursor.left, "x"), order = this.data.order;
    let i = order.findIndex((o) => o >= at);
    i = i < 0 ? order.length - 1 : i;
    const near = this.data.lines.map((l) => [Math.abs(l.order - order[i]), l]).sort((a, b) => a[0] - b[0])[0];
    const close = near[0] < 0.012 * near[1].order * 1.5 ? ` · ${near[1].harmonic > 1 ? `${near[1].harmonic}× ` : ""}${near[1].name}` : "";
    this.line.textContent = `${said(order[i], 3)}× = ${said(order[i] * this.data.hz, 2)} Hz: ${said(this.data.level[i], 1)} dB${close}`;
  }
}

for (const box of document.querySelectorAll("[data-signal]")) new { waveform: Waveform, spectrum: Spectrum }[box.dataset.signal](box);
