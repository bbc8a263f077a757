// What a healthy office does not show: requests of every kind, an order to many with failures, work with and without words,
// questions about tickets, a journal that was written anew, an answer that needs one more figure. Against the stand-in
// (web/test/mock), which says nothing about the product: looked at is whether the pages can be read, in both languages, and
// whether what they say is there. Starts the stand-in itself.
//
//   node tests/browser/states.mjs        SHOTS=folder: screenshots
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

import { end, fail, lookInBoth, person, say, signIn } from "./eyes.mjs";

const port = await new Promise((found) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => found(port));
  });
});
const office = spawn(process.execPath, [fileURLToPath(new URL("../../web/test/mock/server.mjs", import.meta.url)), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
await new Promise((up) => office.stdout.once("data", up));
const base = `http://127.0.0.1:${port}`;

let broken = null;
try {
  const sold = await fetch(`${base}/api/v1/sales`, { method: "POST", headers: { Authorization: "Bearer t", "Idempotency-Key": "s" }, body: JSON.stringify({ household_id: 1, amount_fen: 50000, channel: "cash" }) });
  if (sold.status !== 201) throw new Error(`the stand-in sold with ${sold.status}`);
  const page = await person(base, "owner");
  const go = async (path, wait) => {
    await page.goto(`${base}/#${path}`);
    await page.waitForSelector(wait);
  };
  const says = async (where, ...texts) => {
    const text = await page.textContent(where);
    for (const wanted of texts) if (!text.includes(wanted)) fail(`${page.url()} does not say ${wanted}: ${text}`);
  };
  await signIn(page, base, "owner", "owner123");

  // Each kind of request, with the figures that whoever approves has to see.
  await go("/approvals", "[data-approval]");
  for (const [id, name, ...figures] of [
    [1, "refund-all", "300.00"], [2, "settlement", "412.07", "660.85", "12.50"], [3, "correction", "500.00", "50.00", "1-0102"], [4, "price", "0.6400", "0.7050"], [5, "clear", "0.00 kWh"],
    [6, "mass-action", "78", "63", "23:00", "05:00", "每天"], [7, "answer", "1,031.25", "781.25", "412.50", "另加"], [8, "rules", "200.00", "500.00", "50", "20"],
    [12, "plan", "冬季阶梯", "7", "0.6400", "50.00", "0.9000", "1.00"], [13, "price-group", "7"],
  ]) {
    await page.click(`[data-approval="${id}"]`);
    await page.waitForSelector(`.detail h2:has-text("${id}")`);
    await page.waitForSelector(`[data-test="act"] .rows`);
    await says('[data-test="act"]', ...figures);
    if ((await page.locator('[data-test="approve"]').count()) !== 1) fail(`an owner is not offered to approve the ${name}`);
    await lookInBoth(page, `state-approval-${name}`, '[data-test="act"]');
  }
  await page.click('[data-test="approvals-all"]');
  await page.click('[data-approval="9"]');
  await page.waitForSelector('[data-test="approval-state"][data-state="refused"]');
  await lookInBoth(page, "state-approval-refused", '[data-test="outcome"]');
  await page.click('[data-approval="11"]');
  await page.waitForSelector('[data-test="decide-reason"]');
  if ((await page.locator('[data-test="approve"]').count()) !== 0) fail("whoever asked is offered to approve");
  say("requests of every kind say their figures");

  await go("/campaigns/4", '[data-test="progress"][data-confirmed="241"]');
  await page.click('[data-test="camp-missing"]');
  await page.waitForSelector(".scroll table");
  await page.waitForSelector('[data-member="failed"]');
  if ((await page.locator('[data-member="failed"]').count()) !== 9) fail("the households that have failed are not listed");
  await lookInBoth(page, "state-campaign", '[data-test="progress"]');
  await page.click('[data-campaign="3"]');
  await page.waitForSelector('[data-test="campaign"][data-state="paused"]');
  await page.click('[data-test="camp-resume"]');
  await page.waitForSelector('[data-test="campaign"][data-state="running"]');
  await page.click('[data-test="new-campaign"]');
  await page.selectOption('[data-test="who"]', "list");
  await page.fill('[data-test="camp-rooms"]', "1-0101, 1-0102 9-9999");
  await page.click('[data-test="preview"]');
  await page.waitForSelector('[data-test="campaign-form"] [role="alert"]');
  await page.fill('[data-test="camp-rooms"]', "1-0101, 1-0102");
  await page.click('[data-test="preview"]');
  await page.waitForSelector('[data-test="needs-two"]');
  await page.fill('[data-test="typed"]', "78");
  await page.fill('[data-test="order-reason"]', "test");
  await page.click('[data-test="order-send"]');
  await page.waitForSelector('[data-test="waits"]');
  await lookInBoth(page, "state-campaign-form", '[data-test="waits"]');
  say("orders to many: failures with their causes, a list with a wrong room, a wait");

  await go("/work/5", '[data-test="work-note"]');
  await lookInBoth(page, "state-work", '[data-test="work-note"]');
  await page.click('[data-test="work-done"]');
  await page.waitForSelector('.detail [role="alert"]');
  await page.fill('[data-test="work-note"]', "meter exchanged");
  await page.press('[data-test="work-note"]', "Enter");
  await page.waitForFunction(() => document.querySelector(".detail dl")?.textContent.includes("meter exchanged"));
  await page.locator('[data-question="1"] [data-test="take-meters"]').click();
  if (await page.locator('[data-question="3"] [data-test="take-meters"]').isEnabled()) fail("a meter without an account can be taken");
  await page.fill('[data-test="order-reason"]', "old backup");
  await page.click('[data-test="order-send"]');
  await page.waitForSelector('[data-test="contains"]');
  await lookInBoth(page, "state-question", '[data-test="contains"]');
  await page.fill('[data-test="contains"]', "3");
  await page.click('[data-test="order-send"]');
  await page.waitForSelector('[data-test="waits"]');
  say("work is done with a note, a question is answered with the ticket that was asked for");

  await go("/audit", '[data-test="chain"][data-whole="true"]');
  await page.fill(".chain input", `41:${"cd".repeat(32)}`);
  await page.click('[data-test="verify"]');
  await page.waitForSelector('[data-test="chain"][data-whole="false"]');
  await lookInBoth(page, "state-audit", '[data-test="chain"]');
  await go("/room/1", '[data-test="household-head"]');
  await page.getByRole("tab").nth(1).click();
  await page.waitForSelector('[data-test="settle"]');
  await page.click('[data-test="settle"]');
  // Before it is ordered: who is owed how much, and that it takes another person.
  await page.waitForSelector('[data-test="preview-two"]');
  await says('[data-test="money-preview"]', "刘芳", "247.25", "164.82", "660.85");
  await lookInBoth(page, "state-settlement", '[data-test="money-form"]');
  await page.click('[data-test="correct"]');
  await page.locator('[data-test="money-form"] input.field').nth(0).fill("1-0102");
  await page.waitForSelector('[data-preview="2"]');
  await lookInBoth(page, "state-correction", '[data-test="money-form"]');
  await go("/approvals", '[data-test="set-rules"]');
  await page.click('[data-test="set-rules"]');
  await lookInBoth(page, "state-rules-form", '[data-test="rules-reason"]');
  say("journal, settlement, correction and rules can be read");
} catch (error) {
  broken = error;
}
office.kill();
await end("states", broken);
