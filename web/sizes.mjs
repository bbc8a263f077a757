// Bytes on the wire (gzip) of each page on a first visit: its chunks and all that they import. Fails above the budget.
//   node sizes.mjs            a table; exit 1 when a page is too heavy
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("dist/", import.meta.url);
const kBudgetKb = { SignIn: 120, Desk: 120, Cards: 120, Wall: 120, Rooms: 120, Lines: 120, Approvals: 120, Campaigns: 120, Work: 120, Audit: 120, Till: 120, Plans: 120, Settings: 120, Room: 400 };
const kWith = { Room: ["HistoryChart"] };
const files = readdirSync(new URL("assets/", dist)).filter((name) => /\.(js|css)$/.test(name));
const size = (name) => gzipSync(readFileSync(new URL(`assets/${name}`, dist)), { level: 6 }).length;

const html = readFileSync(new URL("index.html", dist), "utf8");
const entry = [...html.matchAll(/assets\/([\w.-]+\.(?:js|css))/g)].map((m) => m[1]);
const needs = new Map();
// Rolldown lists what a lazily loaded page needs (scripts and styles) in the entry's table of dependencies.
const main = readFileSync(new URL(`assets/${entry.find((name) => name.endsWith(".js"))}`, dist), "utf8");
const table = [...main.matchAll(/"assets\/([\w.-]+\.(?:js|css))"/g)].map((m) => m[1]);
for (const page of [...Object.keys(kBudgetKb), "HistoryChart"]) {
  const own = files.filter((name) => name.startsWith(`${page}-`));
  const all = new Set(own);
  const visit = (name) => {
    if (!name.endsWith(".js")) return;
    const text = readFileSync(new URL(`assets/${name}`, dist), "utf8");
    for (const m of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
      if (!all.has(m[1])) {
        all.add(m[1]);
        visit(m[1]);
      }
  };
  own.forEach(visit);
  for (const name of [...all]) for (const css of table.filter((x) => x.endsWith(".css") && x.split("-")[0] === name.split("-")[0])) all.add(css);
  needs.set(page, all);
}
let heavy = false;
for (const [page, budget] of Object.entries(kBudgetKb)) {
  const all = new Set([...entry, ...needs.get(page), ...(kWith[page] ?? []).flatMap((other) => [...needs.get(other)])]);
  const kb = [...all].reduce((sum, name) => sum + size(name), 0) / 1024;
  if (needs.get(page).size === 0) throw new Error(`no file of page ${page} in dist/assets`);
  console.log(`${page.padEnd(8)} ${kb.toFixed(1).padStart(7)} KB of ${budget}`);
  heavy ||= kb > budget;
}
process.exit(heavy ? 1 : 0);
