// Two people at two browsers: a cashier asks for a large refund, another one sees it in the head of the page, reads what exactly
// will happen and approves; the first one's page shows it by itself, the meter gives the credit back, the money is paid out.
// Then a technician asks for an order to a whole building, the owner approves it, its progress ends when every meter has
// confirmed; the work list, the journal and its chain. Every page
// is looked at in both languages, as drive.mjs does. Sells 500 yuan, refunds 300 and makes three users: for an office of the test.
//
//   BASE_URL=http://127.0.0.1:8080 OFFICE_USER=owner OFFICE_PASSWORD=... node tests/browser/two_people.mjs
//   SHOTS=folder    screenshots of each page in both languages
import { end, fail, lookInBoth, officeOf, person, restAt, say, signIn, until } from "./eyes.mjs";

const { base, owner, password: ownerPassword } = officeOf("two_people");
const rest = restAt(base);
const began = Date.now();

async function go(page, path, wait) {
  await page.goto(`${base}/#${path}`);
  await page.waitForSelector(wait);
}

let broken = null;
try {
  const { token } = await rest(null, "POST", "/session", { user: owner, password: ownerPassword });
  const password = "a-long-password-7";
  for (const [user, name, role] of [["lan", "兰", "cashier"], ["mei", "梅", "cashier"], ["tie", "铁", "technician"]]) await rest(token, "POST", "/users", { user, name, role, password });
  const room = await until("a room whose meter answers", async () => (await rest(token, "GET", "/households?limit=200")).households.find((h) => h.answering && h.box_number && h.read_at && h.pending.length === 0));
  const sale = await rest(token, "POST", "/sales", { household_id: room.id, amount_fen: 50000, channel: "cash" }, `walk-${began}`);
  await until("the meter has the 500 yuan", async () => (await rest(token, "GET", `/sales/${sale.id}`)).state === "confirmed");
  const before = await rest(token, "GET", `/households/${room.id}/account`);
  say(`sold 500 yuan to ${room.room}; the account holds ${before.remaining / 100} kWh`);

  // A fourth person comes, at the page, and is dismissed again: out at once, in the open page too.
  const boss = await person(base, "boss");
  await signIn(boss, base, owner, ownerPassword);
  await go(boss, "/people", '[data-user="lan"]');
  await boss.click('[data-test="add-user"]');
  await boss.fill('[data-test="user-user"]', "bao");
  await boss.fill('[data-test="user-name"]', "宝");
  await boss.fill('[data-test="user-password"]', password);
  await boss.fill('[data-test="user-again"]', password + "x");
  await boss.click('[data-test="user-send"]');
  await boss.waitForSelector('[data-test="user-form"] [role="alert"]');
  await boss.fill('[data-test="user-again"]', password);
  await boss.click('[data-test="user-send"]');
  await boss.waitForSelector('[data-user="bao"]');
  await lookInBoth(boss, "people", '[data-user="bao"]');
  const bao = await rest(null, "POST", "/session", { user: "bao", password });
  await boss.click('[data-user="bao"] [data-test="lock-user"]');
  await boss.fill('[data-test="user-reason"]', "left");
  await lookInBoth(boss, "people-lock", '[data-test="user-form"]');
  await boss.click('[data-test="user-send"]');
  await boss.waitForSelector('[data-user="bao"].locked');
  if ((await fetch(`${base}/api/v1/households?limit=1`, { headers: { Authorization: `Bearer ${bao.token}` } })).status !== 401) fail("a locked user's session goes on");
  if (await boss.$(`[data-user="${owner}"] [data-test="lock-user"]`)) fail("the owner is offered to lock himself");
  say("a user was made and locked again at the page; the open session ended");

  // The first person asks.
  const asks = await person(base, "lan");
  await signIn(asks, base, "lan", password);
  await go(asks, `/room/${room.id}`, '[data-test="household-head"]');
  await asks.getByRole("tab").nth(1).click();
  await asks.waitForSelector('[data-test="account"] dl');
  await lookInBoth(asks, "money", '[data-test="account"] dl');
  await asks.click('[data-test="refund"]');
  await asks.selectOption('[data-test="which-sale"]', String(sale.id));
  await asks.waitForFunction(() => /\d/.test(document.querySelector('[data-test="will"]')?.textContent ?? ""));
  await asks.fill('[data-test="refund-amount"]', "300");
  await asks.fill('[data-test="order-reason"]', "moved out early");
  await lookInBoth(asks, "refund-form", '[data-test="money-form"]');
  // Twice, as a hurried hand does: one request.
  await asks.dblclick('[data-test="order-send"]');
  await asks.waitForSelector('[data-test="waits"]');
  if ((await asks.locator(".notice.bad").count()) > 0) fail("waiting for a second person is shown as an error");
  await lookInBoth(asks, "refund-waits", '[data-test="waits"]');
  await asks.waitForSelector('[data-test="waiting-badge"]');
  await asks.click('[data-test="waits-link"]');
  await asks.waitForSelector('[data-test="approval-state"][data-state="waiting"]');
  const waiting = (await rest(token, "GET", "/approvals?state=waiting")).approvals;
  if (waiting.length !== 1) fail(`${waiting.length} requests wait instead of one`);
  if ((await asks.locator('[data-test="approve"]').count()) !== 0) fail("whoever asked is offered to approve");
  if ((await rest(token, "GET", `/households/${room.id}/account`)).credited !== before.credited) fail("something was booked before the second person");
  await lookInBoth(asks, "approval-own", '[data-test="act"]', true);
  say(`asked for 300 yuan back: request ${waiting[0].id} waits, nothing was booked`);

  // The second person, who does nothing but look at the head of the page.
  const approves = await person(base, "mei");
  await signIn(approves, base, "mei", password);
  await approves.waitForSelector('[data-test="waiting-badge"].mine');
  await lookInBoth(approves, "desk-badge", '[data-test="waiting-badge"]');
  await approves.click('nav a[href="#/approvals"]');
  await approves.click(`[data-approval="${waiting[0].id}"]`);
  await approves.waitForSelector('[data-test="act"] table');
  const told = await approves.textContent('[data-test="act"]');
  for (const figure of ["300.00", "500.00", room.room, sale.receipt]) if (!told.includes(figure)) fail(`the request does not say ${figure}: ${told}`);
  await lookInBoth(approves, "approval", '[data-test="act"] table', true);
  // A refusal without a reason is not sent.
  await approves.click('[data-test="refuse"]');
  await approves.waitForSelector('.decide [role="alert"]');
  await approves.click('[data-test="approve"]');
  await approves.waitForSelector('[data-test="approval-state"][data-state="done"]');
  await lookInBoth(approves, "approval-done", '[data-test="outcome"]', true);
  // The first one's page shows it by itself.
  await asks.waitForSelector('[data-test="approval-state"][data-state="done"]', { timeout: 30000 });
  await asks.waitForSelector('[data-test="waiting-badge"]', { state: "detached" });
  say("approved by the other one; the first one's page shows it");

  await go(asks, `/room/${room.id}`, '[data-test="household-head"]');
  await asks.getByRole("tab").nth(1).click();
  await asks.waitForSelector('[data-booking="refund"]');
  await asks.waitForSelector('[data-test="pay-out"]', { timeout: 40000 });
  await asks.click('[data-test="pay-out"]');
  await asks.fill('[data-test="order-reason"]', "paid at the desk");
  await asks.click('[data-test="order-send"]');
  await asks.waitForSelector('[data-test="order-done"]');
  await lookInBoth(asks, "paid-out", '[data-test="order-done"]');
  const refunds = (await rest(token, "GET", `/households/${room.id}/bookings`)).bookings.filter((b) => b.kind === "refund");
  if (refunds.length !== 1 || refunds[0].amount_fen !== -30000) fail(`booked ${refunds.length} refunds of ${refunds[0]?.amount_fen} fen`);
  if ((await rest(token, "GET", "/dues")).dues.some((d) => d.household_id === room.id && !d.paid)) fail("something is still owed after the payout");
  say("the meter gave it back, 300 yuan were paid out, once");

  // The owner: price and rules. Who wrote the cashier's account is no second person for a price, so one owner sets it alone.
  const rules = await person(base, "owner");
  await signIn(rules, base, owner, ownerPassword);
  await go(rules, "/approvals", '[data-test="set-price"]');
  await rules.click('[data-test="approvals-all"]');
  await rules.click('[data-test="set-price"]');
  await lookInBoth(rules, "rules", '[data-test="new-price"]', true);

  // A technician's order to a building of more households than one person may order; the owner approves it.
  const orders = await person(base, "tie");
  await signIn(orders, base, "tie", password);
  await go(orders, "/campaigns", '[data-test="new-campaign"]');
  await orders.click('[data-test="new-campaign"]');
  await orders.selectOption('[data-test="who"]', "building");
  await orders.selectOption('[data-test="wish"]', "alarms");
  await orders.click('[data-test="preview"]');
  await orders.waitForSelector('[data-test="preview-result"] [data-test="needs-two"]');
  if (!(await orders.isDisabled('[data-test="order-send"]'))) fail("an order to a building starts without the number being typed");
  const many = (await rest(token, "POST", "/campaigns/preview", { selection: `building ${(await rest(token, "GET", "/site")).buildings[0].id}`, wish: "alarms 1000 500 0" })).households;
  await orders.fill('[data-test="typed"]', String(many));
  await orders.fill('[data-test="order-reason"]', "term begins");
  await lookInBoth(orders, "campaign-form", '[data-test="preview-result"]', true);
  await orders.click('[data-test="order-send"]');
  await orders.waitForSelector('[data-test="waits"]');
  if ((await rest(token, "GET", "/campaigns")).campaigns.length !== 0) fail("the order runs before the second person");
  await rules.waitForSelector('[data-test="waiting-badge"].mine', { timeout: 30000 });
  const asked = (await rest(token, "GET", "/approvals?state=waiting")).approvals[0];
  await go(rules, `/approvals/${asked.id}`, '[data-test="act"] table');
  await lookInBoth(rules, "approval-campaign", '[data-test="act"] table', true);
  await rules.click('[data-test="approve"]');
  await rules.waitForSelector('[data-test="approval-state"][data-state="done"]');
  await orders.click('[data-test="order-close"]');
  await orders.click("[data-campaign]", { timeout: 30000 });
  await orders.waitForFunction(() => { const bar = document.querySelector('[data-test="progress"]'); return bar && Number(bar.getAttribute("aria-valuemax")) > 0 && bar.getAttribute("aria-valuemax") === bar.getAttribute("aria-valuenow"); }, undefined, { timeout: 60000 });
  const campaign = (await rest(token, "GET", "/campaigns")).campaigns[0];
  if (campaign.confirmed !== campaign.members || campaign.members !== many) fail(`the page shows all confirmed, the office says ${campaign.confirmed} of ${campaign.members}; asked for were ${many}`);
  if (campaign.approved_by !== owner || campaign.operator !== "tie") fail(`ordered by ${campaign.operator}, approved by ${campaign.approved_by}`);
  await lookInBoth(orders, "campaign", '[data-test="campaign"]', true);
  say(`alarm levels of ${campaign.members} households: asked by the technician, approved by the owner, confirmed by every meter`);

  await go(rules, "/work", '[data-test="reconcile"]');
  await rules.click('[data-test="reconcile"]');
  await rules.waitForSelector(".notice.good");
  await lookInBoth(rules, "work", '[data-test="reconcile"]', true);
  await go(rules, "/audit", '[data-test="chain"][data-whole="true"]');
  await rules.fill('[data-test="audit-action"]', "approval");
  await rules.click('[data-test="audit-find"]');
  await rules.waitForFunction(() => document.querySelectorAll("[data-record]").length === 4);
  await rules.fill('[data-test="audit-action"]', "");
  await rules.click('[data-test="audit-find"]');
  await rules.waitForFunction(() => document.querySelectorAll("[data-record]").length > 2);
  await lookInBoth(rules, "audit", "[data-record]", true);
  say("the journal has asker and approver; its chain is whole");
} catch (error) {
  broken = error;
}
await end("two people", broken);
