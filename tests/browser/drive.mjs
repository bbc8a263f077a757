// Drives the real pages in Chromium against a running office: signs in, sells to a dark room and waits until the meter wall shows
// it lit, looks at every page in both languages, and fails on any console error, accessibility violation or request to
// another origin. Needs nothing of the office but its address:
//
//   BASE_URL=http://127.0.0.1:8080 OFFICE_USER=owner OFFICE_PASSWORD=... node tests/browser/drive.mjs
//   SHOTS=folder    screenshots of each page in both languages
//   CHROMIUM=path   another browser
//   OFFICE_PID_FILE=file   the office may be killed once; somebody starts it again
import { readFileSync } from "node:fs";

import { end, fail, look as lookAt, officeOf, person, restOf, say } from "./eyes.mjs";

const { base, owner: user, password } = officeOf("drive");

// While the test itself cuts the link, the browser reports what could not be loaded.
let cutting = false;
const page = await person(base, user, { tolerated: (text) => cutting && /Failed to load resource|net::ERR_/.test(text) });
const rest = (path) => restOf(page, base, path);
const look = (name) => lookAt(page, name);
async function go(path, wait) {
  await page.goto(`${base}/#${path}`);
  await page.waitForSelector(wait);
}

let broken = null;
try {
  // Sign-in: a wrong password is refused in words, the right one opens the desk. The refusal's HTTP status is reported by the
  // browser itself as a console error, so a wrong one is not tried here; unit tests do.
  await page.goto(`${base}/`);
  await page.waitForSelector("#user");
  await look("sign-in-zh");
  await page.fill("#user", user);
  await page.fill("#password", password);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="search"]');
  say("signed in");

  // A room that is dark because nothing was bought: its meter answers and only credit holds it.
  let room = null;
  for (let tries = 0; room === null && tries < 120; ++tries) {
    const { households } = await rest("/households?limit=200");
    const credit = ["no_credit", "not_opened", "cutoff_alarm"];
    room = households.find((h) => h.answering && h.relay_closed === false && h.box_number && h.holds.length > 0 && h.holds.every((hold) => credit.includes(hold))) ?? null;
    if (room === null) await page.waitForTimeout(500);
  }
  if (room === null) throw new Error("no dark room whose meter answers was found in 60 s");
  say(`dark room ${room.room}: ${room.holds.join(", ")}`);

  const window_ = `[data-household="${room.household_number}"]`;
  await go(`/wall/${room.box_number}`, window_);
  await page.waitForSelector(`${window_}[data-lit="false"]`);
  await look("wall-before-zh");
  if ((await page.locator("[data-household]").count()) !== (await rest(`/boxes/${room.box_number}/wall`)).windows.length) fail("the wall has not as many windows as the box");

  // The sale, by keyboard alone: F2, the room without its dash, Enter, 20, Enter, Enter.
  await page.keyboard.press("F2");
  await page.waitForSelector('[data-test="search"]');
  await page.waitForFunction(() => document.activeElement?.id === "room-search");
  await page.keyboard.type(room.room.replace("-", ""));
  await page.waitForSelector('#room-options li');
  await look("desk-search-zh");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="amount"]');
  await page.waitForFunction(() => document.activeElement?.id === "amount");
  await page.keyboard.type("20");
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-test="gives"]')?.textContent ?? ""));
  await look("desk-amount-zh");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="confirm"]');
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-test") === "confirm");
  await look("desk-confirm-zh");
  const sold = Date.now();
  // Twice, as a hurried hand does: it must sell once.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="done"] [data-step="booked"][data-done="true"]');
  await page.waitForSelector('[data-test="done"] [data-step="lit"][data-done="true"]', { timeout: 30000 });
  say(`sold; light on after ${((Date.now() - sold) / 1000).toFixed(2)} s as the desk saw it`);
  await look("desk-sold-zh");
  const sales = (await rest(`/households/${room.id}/sales`)).sales.filter((sale) => sale.steps[0].at > sold - 60000);
  if (sales.length !== 1) fail(`a double Enter sold ${sales.length} times`);
  if (sales[0]?.amount_fen !== 2000) fail(`sold ${sales[0]?.amount_fen} fen instead of 2000`);

  await go(`/wall/${room.box_number}`, `${window_}[data-lit="true"]`);
  say("the wall shows it lit");
  await look("wall-zh");
  await page.click(window_);
  await page.waitForSelector('[data-test="sheet"] [data-test="control"]');
  await page.waitForTimeout(500);
  await look("wall-sheet-zh");

  // Off by the office and on again: each a job that the meter confirms.
  for (const action of ["off", "on"]) {
    await page.click(`[data-test="sheet"] [data-test="${action}"]`);
    await page.fill('[data-test="sheet"] [data-test="reason"]', "browser test");
    await page.click('[data-test="sheet"] [data-test="send"]');
    await page.waitForSelector(`${window_}[data-lit="${action === "on"}"]`, { timeout: 30000 });
    say(`switched ${action} over the line`);
  }

  await go(`/room/${room.id}`, '[data-test="live-power"]');
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-test="live-power"]')?.textContent ?? ""));
  await page.waitForSelector('[data-test="chart"] canvas');
  await page.waitForTimeout(5000);
  say(`live load ${(await page.textContent('[data-test="live-power"]')).trim()}`);
  await look("room-zh");
  await page.getByRole("tab").nth(1).click();
  await page.waitForSelector(".money tbody tr");
  await look("room-money-zh");
  await page.getByRole("tab").nth(2).click();
  await page.waitForSelector('[role="tabpanel"] [data-test="control"]');
  await look("room-control-zh");
  const panel = '[role="tabpanel"] [data-test="control"]';
  await page.click(`${panel} [data-test="alarms"]`);
  await page.fill(`${panel} [data-test="low"]`, "9.50");
  await page.fill(`${panel} [data-test="reason"]`, "browser test");
  await look("room-alarms-zh");
  await page.click(`${panel} [data-test="send"]`);
  await page.waitForSelector(`${panel} [data-kind="alarms"][data-job="confirmed"]`, { timeout: 30000 });
  if ((await rest(`/households/${room.id}`)).alarms.low_ckwh !== 950) fail("the alarm level was not set to 9.50 kWh");
  say("alarm level set; the meter confirmed");

  // The office sells, its reply is lost on the way: the desk asks again with the same order, and it was sold once.
  await go(`/desk?room=${room.id}`, '[data-test="amount"]');
  const lostSince = Date.now() - 1000;
  const orders = [];
  cutting = true;
  await page.route("**/api/v1/sales", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    orders.push(route.request().headers()["idempotency-key"]);
    if (orders.length > 1) return route.fallback();
    await route.fetch();
    await route.abort();
  });
  await page.fill('[data-test="amount"]', "10");
  await page.press('[data-test="amount"]', "Enter");
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-test") === "confirm");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="done"] [data-step="confirmed"][data-done="true"]', { timeout: 30000 });
  await page.unroute("**/api/v1/sales");
  const again = (await rest(`/households/${room.id}/sales`)).sales.filter((sale) => sale.amount_fen === 1000 && sale.steps[0].at > lostSince - 60000);
  if (again.length !== 1 || new Set(orders).size !== 1 || orders.length < 2) fail(`a lost reply: ${orders.length} requests, ${new Set(orders).size} order ids, ${again.length} sales`);
  say("a reply was lost; asked again with the same order, sold once");

  // The office is killed and comes back: the page says so, keeps what was typed, resumes by itself.
  await go("/lines", ".lines dl");
  await go(`/desk?room=${room.id}`, '[data-test="amount"]');
  await page.fill('[data-test="amount"]', "33");
  if (process.env.OFFICE_PID_FILE) {
    process.kill(Number(readFileSync(process.env.OFFICE_PID_FILE, "utf8")), "SIGKILL");
    await page.waitForSelector('[data-test="link"].lost');
    await look("link-lost-zh");
    await page.waitForSelector('[data-test="link"].live', { timeout: 60000 });
    if ((await page.inputValue('[data-test="amount"]')) !== "33") fail("what was typed was lost with the link");
    say("the office was killed and came back; the page went on by itself");
  }
  cutting = false;

  await go("/rooms", '[role="grid"] tbody tr');
  await look("rooms-zh");
  await go("/lines", ".lines dl");
  await look("lines-zh");

  // English: at once, without a reload, and on every page.
  await page.click('[data-test="language"]');
  await page.waitForFunction(() => document.documentElement.lang === "en");
  await look("lines-en");
  for (const [name, path, wait] of [
    ["desk", `/desk?room=${room.id}`, '[data-test="amount"]'], ["wall", `/wall/${room.box_number}`, "[data-household]"], ["rooms", "/rooms", '[role="grid"] tbody tr'],
    ["room", `/room/${room.id}`, '[data-test="chart"] canvas'],
  ]) {
    await go(path, wait);
    await page.waitForTimeout(600);
    await look(`${name}-en`);
    const chinese = await page.evaluate(() => document.querySelector("nav")?.textContent?.match(/[\u4e00-\u9fff]+/)?.[0] ?? null);
    if (chinese) fail(`${name} in English shows "${chinese}"`);
  }
  for (const box of (await rest("/site")).boxes.slice(1, 4)) {
    await go(`/wall/${box.number}`, "[data-household]");
    await page.waitForTimeout(300);
    await look(`wall-${box.wiring}-${box.number}-en`);
  }
  await page.click('[data-test="sign-out"]');
  await page.waitForSelector("#user");
  await look("sign-in-en");
  say("signed out");
} catch (error) {
  broken = error;
}
await end("all pages", broken);
