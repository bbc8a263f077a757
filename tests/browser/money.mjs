// The everyday work of a property office against the real office: a drawer is opened, counted short and emptied; somebody moves
// in and changes the room. Each page is looked at in both languages, at 1280 and at 390.
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

  const money = async () => {
    await go("/rooms", "main");
    await go(`/room/${room.id}`, '[data-test="household-head"]');
    await page.getByRole("tab").nth(1).click();
    await page.waitForSelector('[data-test="account"] dl');
  };
  const account = () => rest(token, "GET", `/households/${room.id}/account`);
  // Somebody lives there.
  await money();
  await page.getByRole("tab").nth(3).click();
  await page.click('[data-test="check-in"]');
  await page.fill('[data-test="resident-name"]', "Li Lei");
  await both("check-in", '[data-test="move-form"]');
  await send("term begins");
  await page.waitForSelector('[data-resident="here"]');
  await both("moves", '[data-test="moves"]');
  say("somebody moved in");
  await page.click('[data-test="order-close"]');
  const to = (await rest(token, "GET", "/households?limit=200")).households.find((h) => h.id !== room.id && h.answering && h.box_number && h.ticket_number === 0);
  await page.click('[data-test="move-room"]');
  await page.fill('[data-test="move-to"]', to.room);
  await both("move-room", '[data-test="move-will"]');
  await send("another room");
  if ((await rest(token, "GET", `/households/${room.id}/account`)).open) fail("the old account is still open after the move");
  if (!(await rest(token, "GET", `/households/${to.id}/residents`)).residents.some((r) => r.name === "Li Lei")) fail("nobody moved");
  say("the room was changed");
} catch (error) {
  broken = error;
}
await end("the pages of money", broken);
