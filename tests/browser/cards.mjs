// Drives the page of cards against a running office and a desk agent whose card is a file: issues a card, sells onto it, tears it away
// while it is written and puts it back, replaces it, takes it back; looks at every state in both languages.
//
//   BASE_URL=... OFFICE_PASSWORD=... AGENT_URL=http://127.0.0.1:N AGENT_CODE=... CARD_FILE=file node tests/browser/cards.mjs
//   SHOTS=folder    screenshots
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = require("axe-core").source;
const base = (process.env.BASE_URL ?? "").replace(/\/$/, "");
const agent = process.env.AGENT_URL ?? "";
const cardFile = process.env.CARD_FILE ?? "";
const shots = process.env.SHOTS ?? "";
if (!base || !agent || !cardFile) {
  console.error("cards: BASE_URL, AGENT_URL and CARD_FILE must be set");
  process.exit(2);
}
if (shots) mkdirSync(shots, { recursive: true });
const began = Date.now();
const failures = [];
const fail = (text) => {
  failures.push(text);
  console.log(`FAILED  ${text}`);
};
const say = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

// A card as from the factory (docs/formats/virtual-card.md), and the reader: a file is there or is not.
function blank(uid) {
  const bytes = Buffer.alloc(1024);
  uid.forEach((byte, k) => (bytes[k] = byte));
  bytes[4] = uid.reduce((sum, byte) => sum ^ byte, 0);
  bytes[5] = 0x08;
  bytes[6] = 0x04;
  for (let sector = 0; sector < 16; ++sector) Buffer.from("ffffffffffffff078069ffffffffffff", "hex").copy(bytes, sector * 64 + 48);
  return bytes;
}
const away = `${cardFile}.away`;
const takeAway = () => existsSync(cardFile) && renameSync(cardFile, away);
const putBack = () => renameSync(away, cardFile);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
});
const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: "zh-CN" });
const page = await context.newPage();
page.setDefaultTimeout(20000);
// The browser itself reports each refusal; the page shows it in words.
let refusing = true;
page.on("console", (message) => {
  if (refusing && /Failed to load resource/.test(message.text())) return;
  if (message.type() === "error" || message.type() === "warning") fail(`console ${message.type()} on ${page.url()}: ${message.text()}`);
});
page.on("pageerror", (error) => fail(`uncaught on ${page.url()}: ${error.message}`));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(base + "/") && !url.startsWith(agent + "/") && !url.startsWith("http://127.0.0.1:8086/") && !url.startsWith("data:")) fail(`a request left office and agent: ${url}`);
});
async function rest(path) {
  const answer = await context.request.get(`${base}/api/v1${path}`);
  if (!answer.ok()) throw new Error(`GET ${path} answered ${answer.status()}: ${await answer.text()}`);
  return answer.json();
}
async function look(name) {
  await page.waitForTimeout(250);
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  for (const violation of result.violations)
    fail(`axe on ${name}: ${violation.id} (${violation.impact}): ${violation.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | ")}`);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 0) fail(`${name} scrolls sideways by ${sideways} px at 1366`);
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}
const cards = '[data-test="cards"]';
const found = (finding) => page.waitForSelector(`${cards}[data-finding="${finding}"]`);
const written = () => page.waitForSelector('[data-test="written"]');

try {
  await page.goto(`${base}/`);
  await page.fill("#user", process.env.OFFICE_USER ?? "owner");
  await page.fill("#password", process.env.OFFICE_PASSWORD ?? "");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="search"]');
  await page.goto(`${base}/#/cards`);

  // No agent at the usual port, then a wrong code, then the right one.
  await page.waitForSelector('[data-test="pair"]');
  await look("cards-no-agent-zh");
  await page.fill('input[type="url"]', agent);
  await page.fill('[data-test="code"]', "WRNG-WRNG-WRNG");
  await page.click('[data-test="pair"]');
  await page.waitForSelector(`${cards}[data-place="unpaired"]`);
  await page.fill('[data-test="code"]', process.env.AGENT_CODE ?? "");
  await page.click('[data-test="pair"]');
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  await look("cards-empty-zh");
  refusing = false;
  say("paired with the desk agent");

  // A blank card, made for a room whose meter answers.
  const room = (await rest("/households?limit=100")).households.filter((h) => h.answering && h.box_number).at(-1);
  writeFileSync(cardFile, blank([0xa1, 0xb2, 0xc3, 0xd4]));
  await found("not_ours");
  await page.fill("#room-search", room.room);
  await page.waitForSelector("#room-options li");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="issue"]:not([disabled])');
  await page.fill('[data-test="issue-reason"]', "moved in");
  await look("cards-issue-zh");
  await page.click('[data-test="issue"]');
  await page.waitForSelector(`${cards}[data-phase="writing"]`);
  await look("cards-writing-zh");
  await written();
  say(`card made for ${room.room}`);
  await look("cards-issued-zh");

  // A sale onto it: booked, written, read back.
  const sell = async (yuan) => {
    await page.fill('[data-test="amount"]', String(yuan));
    await page.click('[data-test="sell"]');
    await page.waitForSelector('[data-test="confirm"]');
  };
  await sell(20);
  await look("cards-confirm-zh");
  await page.click('[data-test="confirm"]');
  await written();
  await look("cards-sold-zh");
  let [card] = (await rest(`/households/${room.id}/cards`)).cards;
  let [sale] = (await rest(`/households/${room.id}/sales`)).sales;
  if (sale.amount_fen !== 2000 || !sale.steps.some((step) => step.step === "card")) fail("the sale is not said to be on the card");
  if (card.carries?.ticket_number !== sale.ticket_number) fail(`the card carries ticket ${card.carries?.ticket_number} instead of ${sale.ticket_number}`);
  say("sold onto the card; the books say that it was read back");

  // Torn away while it is written: the page says what is booked, and goes on by itself when the card is back.
  refusing = true;  // the agent's refusal is one of the network for the browser
  await sell(10);
  await page.route("**/v1/write", async (route) => {
    setTimeout(takeAway, 60);
    await route.fallback();
  });
  await page.click('[data-test="confirm"]');
  await page.waitForSelector('[data-test="torn"]');
  await page.unroute("**/v1/write");
  await look("cards-torn-zh");
  [card] = (await rest(`/households/${room.id}/cards`)).cards;
  if (!card.write_open) fail("the books do not know that the write is open");
  // Another card is not written in its place.
  const stranger = blank([0x11, 0x22, 0x33, 0x44]);
  writeFileSync(cardFile, stranger);
  await found("not_ours");
  if (!readFileSync(cardFile).equals(stranger)) fail("another card was written in the place of the torn one");
  renameSync(cardFile, `${cardFile}.stranger`);
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  putBack();
  await written();
  refusing = false;
  const sales = (await rest(`/households/${room.id}/sales`)).sales;
  [card] = (await rest(`/households/${room.id}/cards`)).cards;
  if (sales.filter((one) => one.amount_fen === 1000).length !== 1) fail("the torn sale was booked more than once, or not at all");
  if (card.write_open || card.carries.ticket_number !== sales[0].ticket_number) fail("the torn ticket was not made good");
  say("torn away in the middle of a write, put back, made good; sold once");
  await look("cards-mended-zh");

  // Sold elsewhere meanwhile: the card is behind, and is brought up.
  takeAway();
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  const other = await context.request.post(`${base}/api/v1/sales`, {
    headers: { "X-Prewatt": "1", "Idempotency-Key": "browser-cards-1" }, data: { household_id: room.id, amount_fen: 500, channel: "transfer" },
  });
  if (!other.ok()) fail(`the sale beside the card answered ${other.status()}`);
  putBack();
  await found("behind");
  await look("cards-behind-zh");
  await page.click('[data-test="repair"]');
  await written();
  say("the card was behind the books and was brought up");

  // Lost and replaced: the old one is dead when it turns up.
  takeAway();
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  const lost = readFileSync(away);
  writeFileSync(cardFile, blank([0x55, 0x66, 0x77, 0x88]));
  await found("not_ours");
  await page.fill("#room-search", room.room);
  await page.waitForSelector("#room-options li");
  await page.press("#room-search", "Enter");
  await page.waitForSelector('[data-test="issue-side"] .notice');
  await page.fill('[data-test="issue-reason"]', "lost on the train");
  await look("cards-replace-zh");
  await page.click('[data-test="issue"]');
  await written();
  takeAway();
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  const second = readFileSync(away);
  writeFileSync(cardFile, lost);
  await found("revoked");
  await look("cards-revoked-zh");
  if (await page.locator('[data-test="sell"]').count()) fail("a dead card can be sold onto");
  writeFileSync(`${cardFile}.lost`, lost);
  renameSync(cardFile, `${cardFile}.gone`);
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  writeFileSync(cardFile, second);
  await found("up_to_date");
  say("the lost card is dead, its successor carries everything");

  // English, then taken back.
  await page.click('[data-test="language"]');
  await page.waitForFunction(() => document.documentElement.lang === "en");
  await look("cards-up-to-date-en");
  await page.click('[data-test="take-back"]');
  await page.fill('[data-test="take-back-reason"]', "moves out");
  await look("cards-take-back-en");
  await page.click('[data-test="take-back-do"]');
  await written();
  await look("cards-taken-back-en");
  [card] = (await rest(`/households/${room.id}/cards`)).cards;
  if (card.state !== "taken_back") fail(`the card is ${card.state} instead of taken back`);
  if (!readFileSync(cardFile).subarray(64).equals(blank([0x55, 0x66, 0x77, 0x88]).subarray(64))) fail("the card that was taken back is not empty");
  const chinese = await page.evaluate((scope) => document.querySelector(scope)?.textContent?.match(/[\u4e00-\u9fff]+/)?.[0] ?? null, cards);
  if (chinese) fail(`the page in English shows "${chinese}"`);
  say("taken back and empty");
} catch (error) {
  fail(error.message);
  if (shots) await page.screenshot({ path: join(shots, "cards-failed.png") }).catch(() => undefined);
} finally {
  await browser.close();
}
console.log(failures.length === 0 ? "cards: the page holds" : `cards: ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
