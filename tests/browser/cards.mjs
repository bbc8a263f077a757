// Drives the page of cards against a running office and a desk agent whose card is a file: issues a card, sells onto it, tears it away
// while it is written and puts it back, replaces it, takes it back; looks at every state in both languages.
//
//   BASE_URL=... OFFICE_PASSWORD=... AGENT_URL=http://127.0.0.1:N AGENT_CODE=... CARD_FILE=file HALL_FILE=file node tests/browser/cards.mjs
//   SHOTS=folder    screenshots
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

import { end, fail, look as lookAt, officeOf, person, restOf, say, until } from "./eyes.mjs";

const { base, owner, password } = officeOf("cards");
const agent = process.env.AGENT_URL ?? "";
const cardFile = process.env.CARD_FILE ?? "";
const hall = process.env.HALL_FILE ?? "";
if (!agent || !cardFile || !hall) {
  console.error("cards: AGENT_URL, CARD_FILE and HALL_FILE must be set");
  process.exit(2);
}

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

// The browser itself reports each refusal; the page shows it in words.
let refusing = true;
const page = await person(base, "the clerk", {
  tolerated: (text) => refusing && /Failed to load resource/.test(text),
  elsewhere: (url) => url.startsWith(agent + "/") || url.startsWith("http://127.0.0.1:8086/") || url.startsWith("data:"),
});
const rest = (path) => restOf(page, base, path);
const look = (name) => lookAt(page, name);
const cards = '[data-test="cards"]';
const found = (finding) => page.waitForSelector(`${cards}[data-finding="${finding}"]`);
const written = () => page.waitForSelector('[data-test="written"]');

let broken = null;
try {
  await page.goto(`${base}/`);
  await page.fill("#user", owner);
  await page.fill("#password", password);
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

  // A blank card, made for a room whose meter answers and in which somebody lives.
  const room = (await rest("/households?limit=100")).households.filter((h) => h.answering && h.box_number && !h.closed).at(-1);
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
  const other = await page.context().request.post(`${base}/api/v1/sales`, {
    headers: { "X-Prewatt": "1", "Idempotency-Key": "browser-cards-1" }, data: { household_id: room.id, amount_fen: 500, channel: "transfer" },
  });
  if (!other.ok()) fail(`the sale beside the card answered ${other.status()}`);
  putBack();
  await found("behind");
  await look("cards-behind-zh");
  await page.click('[data-test="repair"]');
  await written();
  say("the card was behind the books and was brought up");

  // Carried to the reader in the hall and back: the box says onto the card what it has, and the page of the lines what happened there.
  await page.waitForSelector('[data-test="written"]');
  renameSync(cardFile, hall);
  await until("the reader in the hall booked the card", async () => (await rest("/lines")).lines[0].readers[0].booked > 0);
  await page.goto(`${base}/#/lines`);
  await page.waitForSelector('[data-test="readers"] .tone-on');
  await look("lines-reader-zh");
  const booked = await page.locator('[data-test="readers"] tbody td:nth-child(5)').textContent();
  if (!/^1 \/ [1-9]/.test(booked?.trim() ?? "")) fail(`the page of the lines says "${booked}" of the cards held to the reader in the hall`);
  renameSync(hall, cardFile);
  await page.goto(`${base}/#/cards`);
  await found("up_to_date");
  [card] = (await rest(`/households/${room.id}/cards`)).cards;
  if (card.said?.ticket_number !== card.carries.ticket_number) fail(`the box said ticket ${card.said?.ticket_number} onto the card that carries ${card.carries.ticket_number}`);
  await look("cards-from-hall-zh");
  say("carried to the reader in the hall and back; the box's word stands on the card");

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

  // English; the owner lets a swipe release a lock-out; then taken back.
  await page.click('[data-test="language"]');
  await page.waitForFunction(() => document.documentElement.lang === "en");
  await page.waitForSelector('[data-test="rule"][data-releases="false"]');
  await page.click('[data-test="rule-change"]');
  await page.fill('[data-test="rule-reason"]', "dormitories");
  await look("cards-rule-en");
  await page.click('[data-test="rule-do"]');
  await page.waitForSelector('[data-test="rule"][data-releases="true"]');
  if (!(await rest("/card-rules")).may_release_lockout) fail("the rule is not kept");
  say("the rule of a swipe is changed");
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

  // A card with rights: asked for, written onto the empty card, read again. A restore waits for a second person where there is one.
  await page.selectOption('[data-test="rights-kind"]', "restore");
  await page.fill('[data-test="rights-box"]', String(room.box_number));
  await page.fill('[data-test="rights-reason"]', "kettle is gone");
  await look("cards-rights-ask-en");
  await page.click('[data-test="rights-ask"]');
  await page.waitForSelector('[data-test="waits"], [data-test="warrant"][data-state="agreed"]');
  await look("cards-rights-asked-en");
  await page.selectOption('[data-test="rights-kind"]', "inspection");
  await page.fill('[data-test="rights-reason"]', "for the caretaker");
  await page.click('[data-test="rights-ask"]');
  await page.waitForSelector('[data-test="warrant"][data-state="agreed"] >> text=for the caretaker');
  await page.locator('[data-test="warrant"][data-state="agreed"]', { hasText: "for the caretaker" }).locator('[data-test="rights-write"]').click();
  await written();
  await page.waitForSelector('[data-test="warrant"][data-state="on_card"]');
  takeAway();
  await page.waitForSelector(`${cards}[data-place="empty"]`);
  putBack();
  await page.waitForSelector('[data-test="card-warrant"] [data-state="open"]');
  if (await page.locator('[data-test="sell"]').count()) fail("credit can be sold onto a card with rights");
  await look("cards-rights-en");
  await page.click('[data-test="language"]');
  await page.waitForFunction(() => document.documentElement.lang !== "en");
  await look("cards-rights-zh");
  const warrants = (await rest("/warrants")).warrants;
  if (warrants[0].kind !== "inspection" || warrants[0].rights[0].state !== "open") fail("the office does not know of the card with rights");
  say("a card with rights is asked for, written and read");
} catch (error) {
  broken = error;
}
await end("cards", broken);
