// The everyday work of a property office against the real office: a drawer is opened, counted short and emptied; a plan is
// priced before it is added; a month's free quota is given once; a refund is looked at, a sale is corrected and an account settled, each as
// it was previewed; somebody moves in; how long readings are kept is changed. Each page is looked at in both languages, at 1280 and at 390.
//
//   BASE_URL=http://127.0.0.1:8080 OFFICE_USER=owner OFFICE_PASSWORD=... node tests/browser/money.mjs
//   SHOTS=folder    screenshots of each page in both languages
import { end, fail, lookInBoth, officeOf, person, restAt, say, signIn, until } from "./eyes.mjs";

const { base, owner, password: ownerPassword } = officeOf("money");
const rest = restAt(base);
const began = Date.now();

let broken = null;
try {
  const { token } = await rest(null, "POST", "/session", { user: owner, password: ownerPassword });
  // What the office is meant to refuse here; else a refusal is a failure.
  let refusalMeant = false;
  const page = await person(base, "owner", { tolerated: (text) => (refusalMeant ? /status of 4(00|09|22)/ : /status of 409/).test(text) });
  const refused = async (what) => {
    refusalMeant = true;
    await what();
    refusalMeant = false;
  };
  await page.setViewportSize({ width: 1280, height: 900 });
  await signIn(page, base, owner, ownerPassword);
  const go = async (path, wait) => {
    await page.goto(`${base}/#${path}`);
    await page.waitForSelector(wait);
  };
  const both = async (name, wait) => {
    await lookInBoth(page, name, wait, false);
    await page.setViewportSize({ width: 390, height: 844 });
    await lookInBoth(page, `${name}-390`, wait, false);
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  const send = async (reason) => {
    await page.fill('[data-test="order-reason"]', reason);
    // Twice, as a hurried hand does: one order.
    await page.dblclick('[data-test="order-send"]');
    await page.waitForSelector('[data-test="order-done"]');
  };

  // A drawer: 100 yuan from the safe, a sale of 20, one yuan short.
  await go("/till", '[data-test="drawer-name"]');
  await page.fill('[data-test="drawer-name"]', `Desk ${began}`);
  await page.click('[data-test="drawer-add"]');
  const drawer = await until("the drawer", async () => (await rest(token, "GET", "/drawers")).drawers.find((d) => d.name === `Desk ${began}`));
  await go(`/till/${drawer.id}`, '[data-test="drawer-open"]');
  await page.click('[data-test="drawer-open"]');
  await page.fill('[data-test="drawer-counted"]', "100");
  await send("the morning");
  const room = await until("a room whose meter answers", async () => (await rest(token, "GET", "/households?limit=200")).households.reverse().find((h) => h.answering && h.box_number && h.read_at && !h.closed && h.pending.length === 0));
  const sell = async (fen, key, how) => {
    const sale = await rest(token, "POST", "/sales", { household_id: room.id, amount_fen: fen, ...how }, `${key}-${began}`);
    await until("the meter has it", async () => (await rest(token, "GET", `/sales/${sale.id}`)).state === "confirmed");
    return sale;
  };
  await sell(2000, "till", { channel: "cash", drawer_id: drawer.id });
  await go("/till", "[data-drawer]");
  await go(`/till/${drawer.id}`, '[data-test="drawer-empty"]');
  await page.waitForFunction(() => document.querySelector('[data-test="drawer-expected"]')?.textContent?.includes("120.00"));
  await page.click('[data-test="drawer-empty"]');
  await page.fill('[data-test="drawer-counted"]', "119");
  if (!/-1\.00/.test(await page.textContent('[data-test="drawer-difference"]'))) fail("a drawer that is one yuan short is not said to be");
  await both("till", '[data-test="drawer-difference"]');
  await send("the evening");
  const moved = (await rest(token, "GET", `/drawers/${drawer.id}/movements`)).movements;
  if (moved.length !== 3 || moved[0].kind !== "drawer_emptied" || moved[0].amount_fen !== 11900 || moved[1].amount_fen !== 100) fail(`the drawer was emptied as ${JSON.stringify(moved)}`);
  say("a drawer was opened, counted one yuan short, and emptied once");

  // A stepped plan: 50 kWh at 0.50, then 1.00: 100 yuan give 125 kWh.
  await go("/plans", '[data-test="new-plan"]');
  await page.click('[data-test="new-plan"]');
  await page.fill('[data-test="plan-name"]', `Plan ${began}`);
  // More than 100 yuan for a kWh is no price: said before anything is sent.
  await refused(async () => {
    await page.fill('[data-test="plan-price"]', "200");
    await page.waitForSelector('[data-test="plan-form"] [role="alert"]');
    if (!/0\.0001/.test(await page.textContent('[data-test="plan-form"] [role="alert"]'))) fail("it is not said which prices there are");
  });
  await page.selectOption('[data-test="plan-kind"]', "time_of_use");
  for (const [n, rate] of ["0.9", "0.7", "0.5", "0.3"].entries()) await page.fill(`[data-test="plan-rate-${n + 1}"]`, rate);
  await page.waitForFunction(() => document.querySelector('[data-test="plan-gives"]')?.textContent?.includes("100.00"));
  await both("plan-by-time", '[data-test="plan-gives"]');
  await page.selectOption('[data-test="plan-kind"]', "stepped");
  await page.fill('[data-test="plan-upto"]', "50");
  await page.fill('[data-test="plan-price"]', "0.5");
  await page.fill('[data-test="plan-next"]', "1");
  await page.waitForFunction(() => document.querySelector('[data-test="plan-gives"]')?.textContent?.includes("125.00"));
  await both("plans", '[data-test="plan-gives"]');
  await send("the winter");
  await page.waitForSelector('[data-plan="later"]');
  if (!(await rest(token, "GET", "/price-plans")).plans.some((p) => p.content === "stepped energy month 5000:5000,0:10000 fee 0 0")) fail("the plan was not added as it was typed");
  await page.click('[data-test="order-close"]');
  await page.click('[data-test="quota-set"]');
  await page.fill('[data-test="quota-kwh"]', "1.5");
  await page.fill('[data-test="quota-reason"]', "as the house rules say");
  await page.click('[data-test="quota-save"]');
  await page.waitForSelector('[data-test="quotas"]');
  // Given twice: the second time nobody gets it.
  const freeBefore = (await rest(token, "GET", `/households/${room.id}/account`)).free_left;
  for (const n of [1, 2]) {
    await page.click('[data-test="quota-run"]');
    await page.waitForFunction((n) => document.querySelector('[data-test="quota-said"]')?.textContent && (n === 1 || /(^|\D)0 户，|to 0;/.test(document.querySelector('[data-test="quota-said"]').textContent)), n);
    await page.waitForSelector('[data-test="quota-run"]:not([disabled])');
  }
  await both("quotas", '[data-test="quotas"]');
  const freeNow = (await rest(token, "GET", `/households/${room.id}/account`)).free_left;
  if (freeNow !== freeBefore + 150) fail(`a quota of 1.50 kWh a month made ${freeBefore} to ${freeNow}`);
  say("100 yuan were priced under a plan before it was added; the free quota of a month was given once");

  // A correction: 20 yuan should have been 5. What the page says is what is booked.
  const money = async () => {
    await go("/rooms", "main");
    await go(`/room/${room.id}`, '[data-test="household-head"]');
    await page.getByRole("tab").nth(1).click();
    await page.waitForSelector('[data-test="account"] dl');
  };
  const account = () => rest(token, "GET", `/households/${room.id}/account`);
  // The room becomes a shop, and a room again: which plan it is sold to under is seen before it is changed, and said why.
  await rest(token, "POST", "/price-plans", { name: "shops", group: 7, valid_from_at: Date.now() + 1000, content: "flat energy month 0:12000 fee 0 0", reason: "shops" }, `shops-${began}`);
  await until("the plan of the shops is in force", async () => Date.now() > began + 2000 && (await rest(token, "GET", "/price-plans")).plans.some((p) => p.group === 7 && p.valid_from_at < Date.now()));
  await money();
  const into = async (group, why) => {
    await page.click('[data-test="price-group"]');
    await page.selectOption('[data-test="which-group"]', String(group));
    // The page's clock may still be before the plan's first second.
    await page.waitForFunction(() => /1\.2/.test(document.querySelector('[data-test="which-group"]')?.textContent ?? ""));
    if (group) await both("price-group", '[data-test="which-group"]');
    await send(why);
    await page.waitForFunction((group) => document.querySelector('[data-test="price-group-now"]')?.textContent === String(group), group);
    await page.click('[data-test="order-close"]');
    if ((await account()).price_group !== group) fail(`the room is not in price group ${group}`);
  };
  await into(7, "a shop now");
  if ((await rest(token, "GET", `/households/${room.id}/preview?amount_fen=1200`)).lines?.[0]?.price_e4 !== 12000) fail("a shop is sold to under the plan of rooms");
  await into(0, "a room again");
  const changes = (await rest(token, "GET", "/audit?action=household.price_group&limit=2")).records;
  if (changes?.[0]?.reason !== "a room again" || changes?.[1]?.reason !== "a shop now") fail(`the journal does not say why: ${JSON.stringify(changes)}`);
  say("a room was put into another price group and back, with its reason");
  const sale = await sell(2000, "transferred", { channel: "transfer" });
  await until("the quota is confirmed", async () => (await account()).confirmed);
  // A refund in part: who would be paid; more than the sale is refused before it is sent.
  await money();
  await page.click('[data-test="refund"]');
  await page.selectOption('[data-test="which-sale"]', String(sale.id));
  await page.fill('[data-test="refund-amount"]', "5");
  await page.waitForFunction(() => document.querySelector('[data-test="preview-pays"]')?.textContent?.includes("5.00"));
  await both("refund", '[data-test="preview-pays"]');
  await refused(async () => {
    await page.fill('[data-test="refund-amount"]', "20.01");
    await page.waitForSelector('[data-test="money-preview"] [role="alert"]');
  });
  await both("refund-refused", '[data-test="money-preview"] [role="alert"]');
  if ((await rest(token, "GET", `/households/${room.id}/bookings`)).bookings.some((b) => b.kind === "refund")) fail("a refund was booked that was only looked at");
  await money();
  await page.click('[data-test="correct"]');
  await page.selectOption('[data-test="which-sale"]', String(sale.id));
  await page.locator('[data-test="money-form"] input.field').nth(1).fill("5");
  await page.waitForSelector(`[data-preview="${room.id}"]`);
  const told = await rest(token, "POST", "/corrections/preview", { sale_id: sale.id, right_household_id: 0, right_amount_fen: 500 });
  const kwh = (value) => (value / 100).toFixed(2);
  await page.waitForFunction((text) => document.querySelector('[data-test="after-remaining"]')?.textContent?.replace(/,/g, "").includes(text), kwh(told.accounts[0].after.remaining));
  await both("correction", `[data-preview="${room.id}"]`);
  await send("typed 20 for 5");
  const corrected = await account();
  if (corrected.credited !== told.accounts[0].after.credited || corrected.paid_fen !== told.accounts[0].after.paid_fen) fail(`corrected to ${JSON.stringify(corrected)}, previewed as ${JSON.stringify(told.accounts[0].after)}`);
  say("a sale was corrected, once, to what the preview had said");

  // Somebody lives there, and moves out.
  await money();
  await page.getByRole("tab").nth(3).click();
  await page.click('[data-test="check-in"]');
  await page.fill('[data-test="resident-name"]', "Li Lei");
  await both("check-in", '[data-test="move-form"]');
  await send("term begins");
  await page.waitForSelector('[data-resident="here"]');
  await until("the correction is confirmed", async () => (await account()).confirmed);
  await money();
  await page.click('[data-test="settle"]');
  await page.waitForSelector('[data-test="preview-pays"]');
  const pays = await rest(token, "POST", `/households/${room.id}/settlement/preview`, {});
  await both("settlement", '[data-test="preview-pays"]');
  await send("moves out");
  const settled = (await rest(token, "GET", `/households/${room.id}/bookings`)).bookings[0];
  if (settled.kind !== "settlement" || -settled.amount_fen !== pays.pays.reduce((sum, p) => sum + p.amount_fen, 0)) fail(`settled ${JSON.stringify(settled)}, previewed ${JSON.stringify(pays.pays)}`);
  await until("the meter has confirmed the settlement", async () => (await account()).confirmed);
  await money();
  await page.getByRole("tab").nth(3).click();
  await page.waitForSelector('[data-test="open-account"]:not([disabled])');
  await page.click('[data-test="open-account"]');
  await send("the next one moves in");
  if (!(await account()).open) fail("the next account is not open");
  await both("moves", '[data-test="moves"]');
  say("somebody moved in, the account was settled as previewed, the next one is open");

  // The office itself.
  await go("/settings", '[data-test="set-archive"]');
  await page.click('[data-test="set-archive"]');
  await page.fill('[data-test="set-raw_days"]', "80");
  await page.fill('[data-test="set-reason"]', "a small disk");
  await page.fill('[data-test="set-hour_days"]', "79");
  await page.click('[data-test="set-save"]');
  await page.waitForFunction(() => /每小时数据不短于/.test(document.querySelector('[data-test="archive-said"].bad')?.textContent ?? "") || /by hour at least/.test(document.querySelector('[data-test="archive-said"].bad')?.textContent ?? ""));
  await both("settings-refused", '[data-test="archive-said"].bad');
  await page.fill('[data-test="set-hour_days"]', "400");
  await both("settings", '[data-test="archive-form"]');
  await page.dblclick('[data-test="set-save"]');
  await page.waitForSelector('[data-test="archive-said"].good');
  if ((await rest(token, "GET", "/archive/settings")).raw_days !== 80) fail("readings are not kept for 80 days");
  const written = (await rest(token, "GET", "/audit?action=archive.set&limit=10")).records;
  if (written.length !== 1 || written[0].user !== "owner" || written[0].after !== "80" || written[0].reason !== "a small disk") fail(`the journal says ${JSON.stringify(written)}`);
  say("readings are kept for 80 days, as the journal says");
} catch (error) {
  broken = error;
}
await end("the pages of money", broken);
