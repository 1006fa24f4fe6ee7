// The recorder's chart: panels one under another, one span of time; the server thins the points.
const box = document.getElementById("recorder");
const told = JSON.parse(document.getElementById("recorder-chart").textContent);
const STYLE = getComputedStyle(document.documentElement);
const colour = (name) => STYLE.getPropertyValue(name).trim();
const comma = told.language !== "en";
const said = (v) => (v === null ? "—" : comma ? String(v).replace(".", ",") : String(v));
const LEAST_S = 10;
let span = [told.from, told.to], plots = [], asked = 0;

const TONES = ["--neutral-1", "--ink", "--neutral-3", "--neutral-2", "--soft", "--blue"].map(colour);
const DASHES = [[], [6, 3], [2, 2], [9, 3, 2, 3], [1, 3], [12, 4]];
const clock = new Intl.DateTimeFormat("ru", { timeZone: told.zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const at = (seconds) => clock.format(new Date(told.first_ms + seconds * 1000));

// All series of a panel on one scale of time: where a series has no row of its own there is no point.
function aligned(series) {
  const times = [...new Set(series.flatMap((one) => one.seconds))].sort((a, b) => a - b);
  const rows = series.map((one) => {
    const values = new Map(one.seconds.map((t, i) => [t, one.values[i]]));
    return times.map((t) => (values.has(t) ? values.get(t) : undefined));
  });
  return [times, ...rows];
}

// Limits are drawn dashed with their names, violations as grey bands behind the lines.
function drawn(panel) {
  return {
    drawClear: (u) => {
      const { left, top, width, height } = u.bbox;
      u.ctx.save();
      u.ctx.fillStyle = colour("--unknown-wash");
      for (const [start, length] of told.marks) {
        const a = Math.max(u.valToPos(start, "x", true), left), b = Math.min(u.valToPos(start + length, "x", true), left + width);
        if (b > left && a < left + width) u.ctx.fillRect(a, top, Math.max(b - a, 2), height);
      }
      u.ctx.restore();
    },
    draw: (u) => {
      const { left, width } = u.bbox, ratio = devicePixelRatio;
      u.ctx.save();
      u.ctx.strokeStyle = u.ctx.fillStyle = colour("--ink");
      u.ctx.textAlign = "left"; u.ctx.textBaseline = "alphabetic"; // the axes leave theirs behind
      u.ctx.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
      let last = Infinity, from = left;
      for (const [value, names] of named(panel.limits)) {
        const y = u.valToPos(value, "y", true), text = `${names.join(", ")}: ${said(value)}`;
        u.ctx.setLineDash([5 * ratio, 4 * ratio]);
        u.ctx.beginPath(); u.ctx.moveTo(left, y); u.ctx.lineTo(left + width, y); u.ctx.stroke();
        if (last - y > 13 * ratio) from = left; // else beside the name of the limit just below
        u.ctx.fillText(text, from + 4 * ratio, y - 3 * ratio);
        from += u.ctx.measureText(text).width + 16 * ratio; last = y;
      }
      u.ctx.restore();
    },
  };
}

// Limits of several rules at one value have one line and their names beside each other.
function named(limits) {
  const found = new Map();
  for (const one of limits.filter((limit) => !limit.other)) found.set(one.value, [...(found.get(one.value) ?? []), one.name]);
  return [...found].sort((a, b) => a[0] - b[0]);
}

function plot(panel) {
  const data = aligned(panel.series);
  const holder = document.createElement("section");
  const title = document.createElement("h3");
  title.textContent = panel.unit ? `${panel.title}, ${panel.unit}` : panel.title;
  holder.append(title);
  box.append(holder);
  const seen = panel.series.flatMap((one) => one.values).filter((v) => v !== null);
  const limits = panel.limits.filter((one) => !one.other).map((one) => one.value);
  const low = Math.min(...seen, ...limits), high = Math.max(...seen, ...limits), pad = (high - low || Math.abs(high) || 1) * 0.12;
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { stroke: colour("--edge") }, font: "11px inherit" };
  return new uPlot({
    width: box.clientWidth, height: panel.series.length > 2 ? 190 : 150, legend: { live: true },
    cursor: { sync: { key: "recorder" }, drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
    scales: { x: { time: false, range: () => span }, y: { range: () => [low - pad, high + pad] } },
    series: [
      { value: (_, v) => (v === null ? "—" : at(v)), label: box.dataset.time },
      ...panel.series.map((one, i) => ({ label: one.name, stroke: TONES[i % TONES.length], dash: DASHES[i % DASHES.length], width: 1.5, spanGaps: true, points: { show: false }, value: (_, v) => (v === null || v === undefined ? "—" : said(v)) })),
    ],
    axes: [{ ...axis, values: (_, splits) => splits.map(at), space: 90 }, { ...axis, size: 72, values: (_, splits) => splits.map(said) }],
    hooks: {
      drawClear: [drawn(panel).drawClear], draw: [drawn(panel).draw],
      setSelect: [(u) => { if (u.select.width > 4) show([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]); }],
    },
  }, data, holder);
}

async function show(wanted, keep = true) {
  const length = told.length, wide = Math.min(Math.max(wanted[1] - wanted[0], LEAST_S), length);
  const first = Math.min(Math.max((wanted[0] + wanted[1] - wide) / 2, 0), Math.max(length - wide, 0));
  span = [first, first + wide];
  const mine = ++asked;
  box.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${told.data}&from=${span[0].toFixed(1)}&to=${span[1].toFixed(1)}`);
    const found = await answer.json();
    if (mine !== asked) return;
    plots.forEach((one) => one.destroy());
    box.replaceChildren();
    if (found.problem || !found.rows) {
      const text = document.createElement("p");
      text.className = "empty"; text.textContent = found.problem ?? told.nothing;
      box.append(text); plots = [];
    } else plots = found.panels.map(plot);
  } catch {
    box.textContent = told.failed;
  }
  box.removeAttribute("aria-busy");
  document.getElementById("recorder-span").textContent = `${at(span[0])} – ${at(span[1])}`;
  if (keep) {
    const address = new URL(location.href);
    address.searchParams.set("from", span[0].toFixed(0)); address.searchParams.set("to", span[1].toFixed(0));
    history.replaceState(null, "", address);
  }
}

const act = {
  in: () => zoom(0.5), out: () => zoom(2), left: () => pan(-0.5), right: () => pan(0.5),
  all: () => show([0, told.length]), start: () => show([0, span[1] - span[0]]), end: () => show([told.length - span[1] + span[0], told.length]),
};
function zoom(by) { const middle = (span[0] + span[1]) / 2, half = ((span[1] - span[0]) * by) / 2; show([middle - half, middle + half]); }
function pan(by) { const way = (span[1] - span[0]) * by; show([span[0] + way, span[1] + way]); }
const KEYS = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", Home: "start", End: "end", 0: "all" };
box.addEventListener("keydown", (event) => {
  const name = KEYS[event.key];
  if (name && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); act[name](); }
});
document.querySelectorAll("[data-chart-act]").forEach((button) => button.addEventListener("click", () => act[button.dataset.chartAct]()));
document.querySelectorAll("[data-chart-span]").forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault(); show(link.dataset.chartSpan.split(" ").map(Number)); box.focus(); box.scrollIntoView({ block: "nearest" });
}));
let width = box.clientWidth;
new ResizeObserver(() => { if (Math.abs(box.clientWidth - width) > 8) { width = box.clientWidth; plots.forEach((one) => one.setSize({ width, height: one.height })); } }).observe(box);
show(span, false);
