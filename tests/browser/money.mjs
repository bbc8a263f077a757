// The everyday work of a property office against the real office: a drawer is opened, counted short and emptied; a plan is
// priced before it is added; a sale is corrected and an account settled, each as it was previewed; somebody moves in; how
// long readings are kept is changed. Each page is looked at in both languages, at 1280 and at 390.
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
  const page = await person(base, "owner");
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
  const sell = async (fen, key) => {
    const sale = await rest(token, "POST", "/sales", { household_id: room.id, amount_fen: fen, channel: "cash", drawer_id: drawer.id }, `${key}-${began}`);
    await until("the meter has it", async () => (await rest(token, "GET", `/sales/${sale.id}`)).state === "confirmed");
    return sale;
  };
  const sale = await sell(2000, "till");
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
  await page.click('[data-test="quota-save"]');
  await page.waitForSelector('[data-test="quotas"]');
  await both("quotas", '[data-test="quotas"]');
  say("100 yuan were priced under a plan before it was added; a free quota was set");

  // A correction: 20 yuan should have been 5. What the page says is what is booked.
  const money = async () => {
    await go("/rooms", "main");
    await go(`/room/${room.id}`, '[data-test="household-head"]');
    await page.getByRole("tab").nth(1).click();
    await page.waitForSelector('[data-test="account"] dl');
  };
  const account = () => rest(token, "GET", `/households/${room.id}/account`);
  await until("the drawer is counted", async () => (await account()).confirmed);
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
  await both("settings", '[data-test="archive-form"]');
  await page.dblclick('[data-test="set-save"]');
  await page.waitForSelector('[data-test="archive-said"].good');
  if ((await rest(token, "GET", "/archive/settings")).raw_days !== 80) fail("readings are not kept for 80 days");
  say("readings are kept for 80 days");
} catch (error) {
  broken = error;
}
await end("the pages of money", broken);
