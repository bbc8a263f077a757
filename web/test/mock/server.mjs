// A stand-in for the office, for work on the pages alone: the routes of docs/formats/rest.md with a building made of nothing but
// a seed. It is not used by any test that says something about the product.
//   node test/mock/server.mjs [port]      user owner, password owner123; serves dist/ when it has been built
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { officeRoutes } from "./office.mjs";

const port = Number(process.argv[2] ?? 8080);
const dist = fileURLToPath(new URL("../../dist", import.meta.url));
let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;

const boxes = [["1000000001", "39x1", 39, true], ["1000000002", "18x2", 18, true], ["1000000003", "12x3", 12, false]].map(([number, wiring, households, answering], n) =>
  ({ id: n + 1, number, line_id: 1, wiring, households, answering, last_seen_at: Date.now() - (answering ? 0 : 7200000), values_at: Date.now() - (answering ? 0 : 7200000) }));
const names = ["刘芳", "王伟", "李娜", "张敏", "陈静", "杨洋", "赵磊", "黄勇"];
const households = [];
for (const box of boxes)
  for (let n = 1; n <= box.households; ++n) {
    const kind = random();
    const dark = kind < 0.25 ? "not_opened" : kind < 0.32 ? "no_credit" : kind < 0.36 ? "cutoff_alarm" : kind < 0.39 ? "remote" : kind < 0.41 ? "malignant" : kind < 0.42 ? "schedule" : kind < 0.43 ? "locked_out" : null;
    const remaining = dark === "not_opened" || dark === "no_credit" ? 0 : kind > 0.9 ? 320 : Math.floor(random() * 60000) + 1000;
    const low = remaining < 1000 && dark !== "not_opened";
    households.push({
      id: households.length + 1, room: `${box.id}-${String(Math.ceil(n / 8)).padStart(2, "0")}${String(((n - 1) % 8) + 1).padStart(2, "0")}`, building: `${box.id} 号楼`, floor: Math.ceil(n / 8),
      resident: names[Math.floor(random() * names.length)], box_number: box.number, household_number: n, closed: false, epoch: dark === "not_opened" ? 0 : 1,
      state_bits: (dark ? 0 : 512) | (low ? 1024 : 0), holds: dark ? [dark] : [], relay_closed: !dark, remaining_ckwh: remaining, forward_ckwh: Math.floor(random() * 100000),
      power_dw: dark ? 0 : Math.floor(random() * 8000), read_at: Date.now() - (box.answering ? 0 : 7200000), credited_ckwh: remaining, ticket_number: dark === "not_opened" ? 0 : 3, confirmed_ticket_number: dark === "not_opened" ? 0 : 3,
      alarms: { low_ckwh: 1000, cutoff_ckwh: 500, overdraft_ckwh: 0 }, price_e4: 6400, pending: [], answering: box.answering,
    });
  }
const sales = [], jobs = [], entries = [], orders = new Map(), watchers = new Set();
let event = Date.now();
const publish = (type, data) => {
  for (const w of watchers) w.write(`id: ${++event}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
};
setInterval(() => {
  for (const h of households) {
    if (!h.answering) continue;
    h.read_at = Date.now();
    if (h.relay_closed) {
      h.power_dw = Math.max(0, h.power_dw + Math.floor((random() - 0.5) * 400));
      const used = random() < 0.2 ? 1 : 0;
      h.forward_ckwh += used;
      h.remaining_ckwh -= used;
    }
    publish("household", h);
  }
  for (const b of boxes) if (b.answering) publish("box", { ...b, last_seen_at: (b.last_seen_at = Date.now()), values_at: (b.values_at = Date.now()) });
}, 3000);

function sell(body, orderId) {
  const h = households.find((x) => x.id === body.household_id);
  if (!h) return [404, { error: { code: "not_found", message: "no such household" } }];
  if (body.amount_fen > 1000000) return [422, { error: { code: "amount_too_large", message: "above the limit" } }];
  const energy = Math.floor((body.amount_fen * 10000) / h.price_e4);
  const at = Date.now();
  const steps = ["accepted", "booked", "desired"].map((step, n) => ({ step, at: at + n }));
  h.ticket_number++;
  h.epoch = 1;
  h.credited_ckwh += energy;
  const sale = { id: sales.length + 1, receipt: `20261122-${String(sales.length + 1).padStart(6, "0")}`, order_id: orderId, household_id: h.id, given: energy, fee_fen: 0, unit: "ckwh", corrected: false, room: h.room, amount_fen: body.amount_fen, energy_ckwh: energy, price_e4: h.price_e4, channel: body.channel, operator: "owner", epoch: 1, ticket_number: h.ticket_number, credited_ckwh: h.credited_ckwh, state: "pending", steps, attempts: 0, last_problem: "" };
  sales.push(sale);
  const mine = entries.filter((e) => e.household === h.id);
  const paid = (mine[mine.length - 1]?.paid_total_fen ?? 0) + body.amount_fen;
  entries.push({ household: h.id, number: mine.length + 1, at, sale_id: sale.id, epoch: 1, from: "cash", to: "sales", unit: "fen", amount: body.amount_fen, paid_total_fen: paid, credited_total_ckwh: h.credited_ckwh - energy });
  entries.push({ household: h.id, number: mine.length + 2, at, sale_id: sale.id, epoch: 1, from: "supply", to: "household", unit: "ckwh", amount: energy, paid_total_fen: paid, credited_total_ckwh: h.credited_ckwh });
  const step = (name, ms, then) => setTimeout(() => { sale.steps.push({ step: name, at: Date.now() }); then?.(); publish("sale", sale); publish("household", h); }, ms);
  if (h.answering) {
    h.pending = ["ticket"];
    step("sent", 400, () => sale.attempts++);
    step("confirmed", 900, () => { sale.state = "confirmed"; h.confirmed_ticket_number = h.ticket_number; h.pending = []; h.remaining_ckwh += energy; h.holds = h.holds.filter((x) => !["not_opened", "no_credit", "cutoff_alarm"].includes(x)); h.state_bits &= ~1024; h.read_at = Date.now(); });
    step("lit", 1400, () => { if (h.holds.length === 0) { h.relay_closed = true; h.state_bits |= 512; h.power_dw = 1200; } });
  }
  publish("sale", sale);
  return [201, sale];
}
function job(id, kind, reason, effect) {
  const h = households.find((x) => x.id === id);
  const j = { id: jobs.length + 1, household_id: id, kind, state: "waiting", created_at: Date.now(), confirmed_at: null, attempts: 0, last_problem: "", operator: "owner", reason: reason ?? "" };
  jobs.push(j);
  setTimeout(() => { j.state = "sent"; publish("job", j); }, 300);
  setTimeout(() => { j.state = "confirmed"; j.confirmed_at = Date.now(); effect(h); publish("job", j); publish("household", h); }, 900);
  return [202, j];
}
const lineStatus = () => ({ id: 1, name: "1 号楼总线", url: "tcp://127.0.0.1:4001", state: "up", problem: "", sweep_ms: 1840, sweeps: 512, frames_sent: 13245, frames_received: 13201, retries: 44, bad_frames: 3, silent_boxes: ["1000000003"] });

const routes = [
  ["GET", /^\/health$/, () => [200, { status: "ok", version: "mock", uptime_s: 1 }]],
  ["POST", /^\/session$/, (_, b) => (b.user === "owner" && b.password === "owner123" ? [200, { user: "owner", name: "王主任", role: "owner", token: "t" }, { "Set-Cookie": "prewatt_session=t; HttpOnly; SameSite=Strict; Path=/" }] : [422, { error: { code: "sign_in_refused", message: "wrong" } }])],
  ["GET", /^\/session$/, () => [200, { user: "owner", name: "王主任", role: "owner", token: "t" }]],
  ["DELETE", /^\/session$/, () => [200, {}, { "Set-Cookie": "prewatt_session=; Max-Age=0; Path=/" }]],
  ["GET", /^\/site$/, () => [200, { site: { id: 1, name: "东区学生公寓" }, buildings: boxes.map((b) => ({ id: b.id, name: `${b.id} 号楼`, rooms: households.filter((h) => h.box_number === b.number).map((h) => ({ id: h.id, label: h.room, floor: h.floor, household_id: h.id })) })), lines: [lineStatus()], boxes, price: { price_e4: 6400 } }]],
  ["GET", /^\/households$/, (_, __, q) => {
    const text = (q.get("q") ?? "").replace(/-/g, "").toLowerCase();
    return [200, { households: households.filter((h) => h.room.replace(/-/g, "").includes(text) || h.resident.includes(text)).slice(0, Number(q.get("limit") ?? 20)) }];
  }],
  ["GET", /^\/households\/(\d+)$/, ([id]) => { const h = households.find((x) => x.id === Number(id)); return h ? [200, h] : [404, { error: { code: "not_found", message: "no such household" } }]; }],
  ["GET", /^\/households\/(\d+)\/sales$/, ([id]) => [200, { sales: sales.filter((s) => s.household_id === Number(id)) }]],
  ["GET", /^\/households\/(\d+)\/entries$/, ([id]) => [200, { entries: entries.filter((e) => e.household === Number(id)) }]],
  ["GET", /^\/households\/(\d+)\/readings$/, ([id], _, q) => {
    const h = households.find((x) => x.id === Number(id));
    const step = { raw: 300000, hour: 3600000, day: 86400000 }[q.get("step")];
    const readings = [];
    for (let at = Math.floor(Date.now() / step) * step, f = h.forward_ckwh, r = h.remaining_ckwh; at > Number(q.get("from")); at -= step) {
      readings.unshift({ at, forward_ckwh: f, remaining_ckwh: r, state: h.state_bits });
      const used = Math.floor((step / 3600000) * (10 + 60 * Math.max(0, Math.sin(at / 13750987)) * random()));
      f -= used;
      r += used;
    }
    return [200, { readings }];
  }],
  ["GET", /^\/households\/(\d+)\/live$/, ([id]) => {
    const h = households.find((x) => x.id === Number(id));
    const p = h.power_dw + Math.floor((random() - 0.5) * 100 * (h.relay_closed ? 1 : 0));
    const n = h.box_number === "1000000002" ? 2 : h.box_number === "1000000003" ? 3 : 1;
    return [200, { read_at: Date.now(), voltage_mv: 221400, frequency_mhz: 50012, circuits: Array.from({ length: n }, (_, k) => ({ current_ma: Math.round(((p / 10 / 221.4) * 1000) / (k + 1)), active_dw: Math.round(p / (k + 1)), reactive_dvar: Math.round(p / 9), apparent_dva: Math.round((p / (k + 1)) * 1.02), power_factor_e3: 980, relay_closed: h.relay_closed })) }];
  }],
  ["POST", /^\/sales$/, (_, b, __, key) => { if (!orders.has(key)) orders.set(key, sell(b, key)); return orders.get(key); }],
  ["GET", /^\/sales$/, (_, __, q) => [200, { sales: [...sales].reverse().slice(0, Number(q.get("limit"))) }]],
  ["GET", /^\/sales\/(\d+)$/, ([id]) => [200, sales[id - 1]]],
  ["POST", /^\/households\/(\d+)\/relay$/, ([id], b) => job(Number(id), `relay_${b.action}`, b.reason, (h) => { h.holds = h.holds.filter((x) => x !== "remote"); if (b.action === "off") h.holds.push("remote"); h.relay_closed = h.holds.length === 0; h.state_bits = h.relay_closed ? 512 : 0; h.power_dw = h.relay_closed ? 900 : 0; })],
  ["POST", /^\/households\/(\d+)\/acknowledge$/, ([id], b) => job(Number(id), "acknowledge", b.reason, (h) => { h.holds = h.holds.filter((x) => x !== "cutoff_alarm"); h.relay_closed = h.holds.length === 0; })],
  ["POST", /^\/households\/(\d+)\/force$/, ([id], b) => job(Number(id), "force", b.reason, (h) => { h.relay_closed = true; h.state_bits |= 2048 | 512; })],
  ["PUT", /^\/households\/(\d+)\/alarms$/, ([id], b) => job(Number(id), "alarms", b.reason, (h) => { h.alarms = b; })],
  ["GET", /^\/households\/(\d+)\/jobs$/, ([id]) => [200, { jobs: jobs.filter((j) => j.household_id === Number(id)).reverse() }]],
  ["GET", /^\/jobs\/(\d+)$/, ([id]) => [200, jobs[id - 1]]],
  ["GET", /^\/lines$/, () => [200, { lines: [lineStatus()] }]],
  ["GET", /^\/boxes\/(\d+)\/wall$/, ([number]) => {
    const b = boxes.find((x) => x.number === number);
    if (!b) return [404, { error: { code: "not_found", message: "no such box" } }];
    return [200, { box: { number, wiring: b.wiring, answering: b.answering, last_seen_at: b.last_seen_at, phases: [true, true, number !== "1000000002"], clock_at: Date.now() },
      windows: households.filter((h) => h.box_number === number).map((h) => h.household_number === 37 ? { household: 37, household_id: null, room: null, remaining_ckwh: null, forward_ckwh: null, state: null, holds: [], relay_closed: null, power_dw: null, read_at: null }
        : { household: h.household_number, household_id: h.id, room: h.room, remaining_ckwh: h.remaining_ckwh, forward_ckwh: h.forward_ckwh, state: h.state_bits, holds: h.holds, relay_closed: h.relay_closed, power_dw: h.power_dw, read_at: h.read_at }) }];
  }],
];

routes.push(...officeRoutes(households));

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
createServer((request, response) => {
  const url = new URL(request.url, "http://x");
  if (!url.pathname.startsWith("/api/v1")) {
    let file = normalize(join(dist, url.pathname));
    if (file.startsWith(dist) && existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    if (!file.startsWith(dist) || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'" });
    return createReadStream(file).pipe(response);
  }
  const path = url.pathname.slice(7);
  const signedIn = /prewatt_session=t/.test(request.headers.cookie ?? "") || request.headers.authorization === "Bearer t";
  const open = path === "/health" || (path === "/session" && request.method === "POST");
  let text = "";
  request.on("data", (d) => (text += d));
  request.on("end", () => {
    const reply = (status, body, headers = {}) => response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
    if (!open && !signedIn) return reply(401, { error: { code: "not_signed_in", message: "sign in" } });
    if (path === "/live") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write(": hello\n\n");
      watchers.add(response);
      const beat = setInterval(() => response.write(": beat\n\n"), 15000);
      return response.on("close", () => { watchers.delete(response); clearInterval(beat); });
    }
    for (const [method, pattern, handler] of routes) {
      const match = pattern.exec(path);
      if (match && method === request.method) {
        const [status, body, headers] = handler(match.slice(1), text ? JSON.parse(text) : null, url.searchParams, request.headers["idempotency-key"]);
        return reply(status, body, headers);
      }
    }
    reply(404, { error: { code: "not_found", message: "no such route" } });
  });
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}  owner / owner123`));
