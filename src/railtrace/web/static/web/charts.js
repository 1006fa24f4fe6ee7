// Measurement charts: readings with their uncertainty, limits, trend. The engine comes when seen.
const engineAddress = document.currentScript.dataset.engine;
const STYLE = getComputedStyle(document.documentElement);
const colour = (name) => STYLE.getPropertyValue(name).trim();
const DAY = 86400000;
let engine;

function loadEngine() {
  engine ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = engineAddress;
    script.onload = () => done(window.echarts);
    script.onerror = failed;
    document.head.append(script);
  });
  return engine;
}

const DASHES = ["solid", [7, 3], [2, 2], [9, 3, 2, 3]];
const SHAPES = ["circle", "rect", "triangle", "diamond"];

function options(data) {
  const comma = data.language !== "en";
  const said = (value) => (comma ? String(value).replace(".", ",") : String(value));
  const blues = [colour("--neutral-1"), colour("--neutral-3"), colour("--ink"), colour("--neutral-2")];
  const values = data.series.flatMap((s) => s.points.flatMap(([, v, u]) => [v - u, v + u]));
  values.push(...data.limits.map((limit) => limit.value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const times = data.series.flatMap((s) => s.points.map(([t]) => t));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const pad = (high - low || Math.abs(high) || 1) * 0.08;
  const series = [];
  data.series.forEach((one, i) => {
    const tone = blues[i % blues.length];
    series.push({
      type: "line", name: one.name, data: steps(one.points), connectNulls: false,
      symbol: SHAPES[i % SHAPES.length], symbolSize: 7, showAllSymbol: true, color: tone, lineStyle: { width: 1.5, type: DASHES[i % DASHES.length] },
      markLine: i ? undefined : limitLines(data),
    });
    series.push(uncertainty(one, tone));
    const trend = trendLine(one, tone, data);
    if (trend) series.push(trend);
  });
  return {
    animation: false, aria: { enabled: true }, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
    grid: { left: 8, right: 14, top: 30, bottom: 8, containLabel: true },
    legend: { show: data.series.length > 1, top: 0, left: 0, itemGap: 20, data: data.series.map((s) => s.name), textStyle: { color: colour("--soft") } },
    tooltip: {
      trigger: "item", renderMode: "richText", confine: true, backgroundColor: colour("--ink"), borderWidth: 0, textStyle: { color: colour("--paper") },
      formatter: ({ data: point, seriesName }) => point?.source ?? (point?.id === undefined ? "" : `${seriesName}\n${said(point.value[1])}${point.u ? ` ± ${said(point.u)}` : ""} ${data.unit}${point.moment === "as_left" ? `\n${data.turned_word}` : ""}\n${new Date(point.value[0]).toLocaleDateString(data.language === "en" ? "en-GB" : "ru")}`),
    },
    xAxis: { type: "time", min: first - 20 * DAY, max: last + 100 * DAY, minInterval: DAY, splitNumber: 4, axisLabel: { color: colour("--soft"), fontSize: 11, hideOverlap: true, margin: 8, formatter: (t) => dated(t, last - first) }, axisLine: { lineStyle: { color: colour("--edge-strong") } } },
    yAxis: { type: "value", min: round(low - pad), max: round(high + pad), axisLabel: { color: colour("--soft"), fontSize: 11, formatter: said, showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { color: colour("--edge") } } },
    series,
  };
}

const two = (number) => String(number).padStart(2, "0");
function dated(t, span) {
  const date = new Date(t);
  return span > 300 * DAY ? `${two(date.getMonth() + 1)}.${date.getFullYear()}` : `${two(date.getDate())}.${two(date.getMonth() + 1)}`;
}

const round = (value) => Number(value.toPrecision(3));

// The limit in service binds first and is drawn heaviest; an unconfirmed one is dotted.
function limitLines(data) {
  return {
    symbol: "none", animation: false,
    data: data.limits.map(({ value, name, confirmed, moment, source }, i) => ({
      yAxis: value, source, lineStyle: { color: colour("--ink"), width: moment === "in_service" ? 1.75 : 1, type: confirmed ? "solid" : "dotted" },
      label: { formatter: name, position: i % 2 ? "insideEndTop" : "insideStartTop", color: colour("--ink"), fontSize: 11 },
    })),
  };
}

// Turning is a step, not a slope: the line breaks where a wheel was left anew without being found.
function steps(points) {
  return points.flatMap(([t, v, u, id, moment], i) => {
    const point = { value: [t, v], u, id, moment, symbol: moment === "as_left" ? "emptyCircle" : undefined };
    return moment === "as_left" && points[i - 1]?.[0] < t ? [{ value: [t, null] }, point] : [point];
  });
}

// Interval before point: the band of doubt is drawn as a bar from value - u to value + u.
function uncertainty(one, tone) {
  return {
    type: "custom", silent: true, z: 1, data: one.points.filter((p) => p[2]).map(([t, v, u]) => [t, v - u, v + u]), encode: { x: 0, y: [1, 2] },
    renderItem: (_, api) => {
      const [x, top] = api.coord([api.value(0), api.value(2)]);
      const bottom = api.coord([api.value(0), api.value(1)])[1];
      return { type: "line", shape: { x1: x, x2: x, y1: top, y2: bottom }, style: { stroke: tone, lineWidth: 5, opacity: 0.3 } };
    },
  };
}

// The trend is inferred, not measured: dashed.
function trendLine(one, tone, data) {
  const points = one.points.slice(one.points.findLastIndex((p) => p[4] === "as_left") + 1 || 0).slice(-12);
  if (one.trend === null || points.length < 3) return null;
  const mean = points.reduce((sum, p) => [sum[0] + p[0] / points.length, sum[1] + p[1] / points.length], [0, 0]);
  const at = (t) => [t, mean[1] + (one.trend * (t - mean[0])) / DAY];
  return { type: "line", name: `${one.name}: ${data.trend_word}`, silent: true, symbol: "none", color: tone, lineStyle: { type: "dashed", width: 1 }, data: [at(points[0][0]), at(points.at(-1)[0] + 90 * DAY)] };
}

async function draw(box) {
  const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
  const chart = (await loadEngine()).init(box, null, { renderer: "svg" });
  chart.setOption(options(data));
  chart.on("click", ({ data: point }) => { if (point?.id) location.href = data.operation.replace("ID", point.id); });
  new ResizeObserver(() => chart.resize()).observe(box);
}

// Paper shows every chart, seen or not.
const waiting = new Set(document.querySelectorAll("[data-chart]"));
function drawOnce(box) {
  if (waiting.delete(box)) return draw(box);
}
addEventListener("beforeprint", () => [...waiting].forEach(drawOnce));

const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) watcher.unobserve(target), drawOnce(target);
}, { rootMargin: "200px" });
waiting.forEach((box) => watcher.observe(box));
