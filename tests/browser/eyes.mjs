// What the drivers share: a browser, a person's page that fails on anything in its console or a request to
// another origin, and a look at a page: axe, no sideways scroll at 1366, a picture when SHOTS names a folder.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = require("axe-core").source;

const shots = process.env.SHOTS ?? "";
if (shots) mkdirSync(shots, { recursive: true });
const began = Date.now();
const failures = [];
const refusals = [];  // what the office refused, in its words, for the report of a failure
export const fail = (text) => {
  failures.push(text);
  console.log(`FAILED  ${text}`);
};
const clock = () => `${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s`;
export const say = (text) => console.log(`${clock()}  ${text}`);
export const later = (ms) => new Promise((done) => setTimeout(done, ms));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
});

// A 409 that carries a request is no error to the pages, but the browser itself reports it in the console.
const expected = (text) => /Failed to load resource.*status of 409/.test(text);
const inThePage = (url) => /^(data|blob):/.test(url);
let last = null;
// `tolerated`: what the console may say; `elsewhere`: where else than to the office a request may go.
export async function person(base, name, { tolerated = expected, elsewhere = inThePage } = {}) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: "zh-CN" });
  const page = (last = await context.newPage());
  page.setDefaultTimeout(20000);
  page.on("console", (message) => {
    if (!tolerated(message.text()) && (message.type() === "error" || message.type() === "warning")) fail(`console ${message.type()} of ${name} on ${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => fail(`uncaught of ${name} on ${page.url()}: ${error.message}`));
  page.on("response", async (response) => {
    if (response.status() < 400) return;
    const words = await response.text().catch(() => "");
    refusals.push(`${clock()} ${name}: ${response.request().method()} ${response.url().replace(base, "")} answered ${response.status()}: ${words.slice(0, 300)}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base + "/") && !elsewhere(request.url())) fail(`a request left the office: ${request.url()}`);
  });
  return page;
}
// A question to the office with the session of this page.
export async function restOf(page, base, path) {
  const answer = await page.context().request.get(`${base}/api/v1${path}`);
  if (!answer.ok()) throw new Error(`GET ${path} answered ${answer.status()}: ${await answer.text()}`);
  return answer.json();
}
// A question or an order of its own session, without a page; `token` null: signed out.
export const restAt = (base) => async (token, method, path, body, key) => {
  const answer = await fetch(`${base}/api/v1${path}`, {
    method, headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), "Content-Type": "application/json", ...(key ? { "Idempotency-Key": key } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const json = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(json)}`);
  return json;
};
export async function until(what, question, ms = 40000) {
  for (const last = Date.now() + ms; Date.now() < last; await later(300)) {
    const found = await question();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${ms / 1000} s`);
}
// The office under test and its owner, from the environment; exit 2 where they are not named.
export function officeOf(driver) {
  const base = (process.env.BASE_URL ?? "").replace(/\/$/, "");
  const owner = process.env.OFFICE_USER ?? "owner";
  const password = process.env.OFFICE_PASSWORD ?? "";
  if (!base || !password) {
    console.error(`${driver}: BASE_URL and OFFICE_PASSWORD must be set`);
    process.exit(2);
  }
  return { base, owner, password };
}
export async function signIn(page, base, user, password) {
  await page.goto(`${base}/`);
  await page.waitForSelector("#user");
  await page.fill("#user", user);
  await page.fill("#password", password);
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-test="search"]');
}
export async function look(page, name) {
  last = page;
  await page.waitForTimeout(250);
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  for (const violation of result.violations)
    fail(`axe on ${name}: ${violation.id} (${violation.impact}): ${violation.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | ")}`);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 0) fail(`${name} scrolls sideways by ${sideways} px at 1366`);
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}
// Both languages, without a reload. A key that is shown instead of words is a word that did not come with its page.
// `ours`: nothing on the page but the office's own words, so nothing Chinese stays behind in English.
export async function lookInBoth(page, name, wait, ours = false) {
  for (const [next, tongue] of [["en", "zh"], ["zh-CN", "en"]]) {
    await page.waitForSelector(wait);
    await look(page, `${name}-${tongue}`);
    const key = await page.evaluate(() => /\b(act|appr|camp|work|ask|acct|audit|rules|order|wish|who)(_\w+)?\.[a-z_]{3,}\b/.exec(document.querySelector("main")?.textContent?.replace(/prewatt-act[\s\S]*/, "") ?? "")?.[0] ?? null);
    if (key && !/^(act|campaign)\.(set|start)/.test(key)) fail(`${name} in ${tongue} shows the key ${key}`);
    const chinese = ours && tongue === "en" ? await page.evaluate(() => /[\u4e00-\u9fff]+/.exec(document.querySelector("main")?.textContent ?? "")?.[0] ?? null) : null;
    if (chinese) fail(`${name} in English shows "${chinese}"`);
    await page.click('[data-test="language"]');
    await page.waitForFunction((lang) => document.documentElement.lang === lang, next);
  }
}
export async function end(what, error) {
  if (error) {
    fail(error.message);
    if (shots && last) await last.screenshot({ path: join(shots, `failed-${what.replace(/ /g, "-")}.png`), fullPage: true }).catch(() => undefined);
  }
  await browser.close();
  if (failures.length > 0) for (const refusal of refusals.slice(-6)) console.log(`  refused: ${refusal}`);
  console.log(failures.length === 0 ? `browser: ${what} hold` : `browser: ${failures.length} failures of ${what}`);
  process.exit(failures.length === 0 ? 0 : 1);
}
