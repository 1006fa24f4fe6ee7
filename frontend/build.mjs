// Builds ../src/railtrace/web/static/vendor from node_modules; nothing of it is committed.
import { build, transform } from "esbuild";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MODULES = path.join(HERE, "node_modules");
const VENDOR = path.join(HERE, "../src/railtrace/web/static/vendor");
const UNFINISHED = path.join(HERE, "build");

// Tabler's oklch colours ask for these browsers anyway, so nothing is lowered further.
const TARGET = ["chrome111", "firefox113", "safari16.4"];

const READY_MADE = {
  "tabler.css": "@tabler/core/dist/css/tabler.min.css",
  "tabler.js": "@tabler/core/dist/js/tabler.min.js",
  "htmx.js": "htmx.org/dist/htmx.min.js",
  "alpine.js": "@alpinejs/csp/dist/cdn.min.js",
  "uplot.css": "uplot/dist/uPlot.min.css",
  "uplot.js": "uplot/dist/uPlot.iife.min.js",
};
const BUNDLED = { "echarts.js": { entry: "echarts.mjs", global: "echarts" } };
// Tajik needs cyrillic-ext (ғ ӣ қ ӯ ҳ ҷ); a browser fetches only the ranges a page uses.
const FONT_SUBSETS = ["latin", "cyrillic", "cyrillic-ext", "greek"];

// Packages that ship no licence file: all MIT, the text of which another package has.
const HOLDERS = {
  "@alpinejs/csp": "Copyright (c) 2019-2026 Caleb Porzio and contributors",
  "@tabler/core": "Copyright (c) 2018-2026 The Tabler Authors; Copyright (c) 2011-2026 The Bootstrap Authors",
};

const out = (name) => path.join(UNFINISHED, name);
const read = (name) => readFile(path.join(MODULES, name), "utf8");

async function copyReadyMade() {
  for (const [name, source] of Object.entries(READY_MADE)) {
    const text = await read(source);
    // A map is not shipped, and hashed static storage refuses a file that names a missing one.
    await writeFile(out(name), text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*?(\*\/)?\s*$/, "\n"));
  }
}

async function bundle() {
  for (const [name, { entry, global }] of Object.entries(BUNDLED)) {
    await build({
      absWorkingDir: HERE, entryPoints: [entry], outfile: out(name), globalName: global,
      bundle: true, minify: true, format: "iife", target: TARGET, legalComments: "none", logLevel: "warning",
      define: { "process.env.NODE_ENV": '"production"' },
    });
  }
}

function fontFace(css, subset) {
  const rule = css.split("/* ").find((part) => part.startsWith(`inter-${subset}-wght-normal */`));
  if (!rule) throw new Error(`@fontsource-variable/inter: no subset ${subset} in index.css`);
  return rule.slice(rule.indexOf("@font-face")).replace("./files/", "./").replace("Inter Variable", "Inter");
}

async function copyFonts() {
  const package_ = "@fontsource-variable/inter";
  const css = await read(`${package_}/index.css`);
  const faces = FONT_SUBSETS.map((subset) => fontFace(css, subset)).join("\n");
  await writeFile(out("inter.css"), (await transform(faces, { loader: "css", minify: true })).code);
  for (const subset of FONT_SUBSETS) {
    const file = `inter-${subset}-wght-normal.woff2`;
    await writeFile(out(file), await readFile(path.join(MODULES, package_, "files", file)));
  }
}

async function symbol(line) {
  const filled = line.startsWith("filled/");
  const name = line.replace("filled/", "");
  const svg = await read(`@tabler/icons/icons/${filled ? "filled" : "outline"}/${name}.svg`);
  const shapes = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"))
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "").replace(/\s*\n\s*/g, "");
  // No stroke width here: the page's .icon class gives it.
  const paint = filled ? 'fill="currentColor" stroke="none"'
    : 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}${filled ? "-filled" : ""}" viewBox="0 0 24 24" ${paint}>${shapes}</symbol>`;
}

async function drawIcons() {
  const list = await readFile(path.join(HERE, "icons.txt"), "utf8");
  const names = list.split("\n").filter((line) => line && !line.startsWith("#"));
  const symbols = await Promise.all(names.map(symbol));
  await writeFile(out("icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

async function licenceText(name) {
  const folder = path.join(MODULES, name);
  const entries = await readdir(folder, { recursive: true });
  const files = entries.filter((entry) => /^(licen[cs]e|notice)(\.|$)|^licenses[\\/]./i.test(entry));
  const texts = await Promise.all(files.sort().map((file) => readFile(path.join(folder, file), "utf8")));
  if (texts.length) return texts.join("\n\n");
  if (!HOLDERS[name]) throw new Error(`${name}: no licence file; name its copyright holder in build.mjs`);
  return (await read("@tabler/icons/LICENSE")).replace(/^Copyright.*$/m, HOLDERS[name]);
}

async function collectLicences() {
  const lock = JSON.parse(await readFile(path.join(HERE, "package-lock.json"), "utf8"));
  const shipped = Object.entries(lock.packages).filter(([key, entry]) => key && !entry.dev);
  const parts = shipped.map(async ([key, { version, license }]) => {
    const name = key.replace("node_modules/", "");
    const text = await licenceText(name);
    return `${name} ${version}, ${license}\n${"-".repeat(72)}\n${text.trim()}\n`;
  });
  await writeFile(out("LICENCES.txt"), (await Promise.all(parts)).join("\n\n"));
}

// Browsers take brotli over HTTPS only; a depot's plain HTTP gets gzip.
async function pack(name) {
  const bytes = await readFile(out(name));
  if (name.endsWith(".woff2")) return [bytes.length, bytes.length, bytes.length];
  const [gzip, brotli] = [gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes)];
  await writeFile(out(`${name}.gz`), gzip);
  await writeFile(out(`${name}.br`), brotli);
  return [bytes.length, gzip.length, brotli.length];
}

async function packAll() {
  const row = (sizes, name) => sizes.map((size) => (size / 1000).toFixed(1).padStart(8)).join("") + `  ${name}`;
  console.log("      kB    gzip  brotli");
  let total = [0, 0, 0];
  for (const name of (await readdir(UNFINISHED)).sort()) {
    const sizes = await pack(name);
    console.log(row(sizes, name));
    total = total.map((sum, i) => sum + sizes[i]);
  }
  console.log(row(total, "in all"));
}

await rm(UNFINISHED, { recursive: true, force: true });
await mkdir(UNFINISHED, { recursive: true });
await Promise.all([copyReadyMade(), bundle(), copyFonts(), drawIcons(), collectLicences()]);
await packAll();
await rm(VENDOR, { recursive: true, force: true });
await rename(UNFINISHED, VENDOR);
