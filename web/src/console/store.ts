// What this tab knows of the office: who is signed in, the newest state of every household it has met, sales and jobs, and
// whether the link is alive. Pages read from here; events and answers are written here, the newer `read_at` wins.
import { reactive, ref, shallowReactive, shallowRef } from "vue";

import { type Box, type Household, type Job, type Line, type Sale, type Session, type Site, api, kBase, onSignedOut } from "../shared/api";
import type { Campaign } from "../shared/office_api";
import { language, setLanguage } from "../shared/i18n";
import { LiveStream } from "../shared/live";

export type Link = "connecting" | "live" | "polling" | "lost";

const kSignedInFlag = "prewatt.signed_in";
const kPollMs = 5000;

export const session = shallowRef<Session | null>(null);
export const sessionEnded = ref(false);
export const site = shallowRef<Site | null>(null);
export const households = shallowReactive(new Map<number, Household>());
export const sales = shallowReactive(new Map<number, Sale>());
export const jobs = shallowReactive(new Map<number, Job>());
export const campaigns = shallowReactive(new Map<number, Campaign>());
export const boxes = shallowReactive(new Map<string, Pick<Box, "answering" | "last_seen_at" | "values_at">>());
export const lines = shallowReactive(new Map<number, Line>());
export const link = ref<Link>("connecting");
// Rises when what the pages show must be loaded anew: after a gap in the stream.
export const reload = ref(0);
// Rises every poll while the stream is down.
export const poll = ref(0);
// One clock for all ages on the page.
export const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

function flag(on: boolean): void {
  try {
    if (on) localStorage.setItem(kSignedInFlag, "1");
    else localStorage.removeItem(kSignedInFlag);
  } catch {
    // Then the office is asked who we are at each load.
  }
}
function flagged(): boolean {
  try {
    return localStorage.getItem(kSignedInFlag) === "1";
  } catch {
    return true;
  }
}

export function keepHousehold(next: Household): void {
  const known = households.get(next.id);
  if (known && (known.read_at ?? 0) > (next.read_at ?? 0)) return;
  households.set(next.id, next);
}
export function keepSale(next: Sale): void {
  const known = sales.get(next.id);
  if (known && known.steps.length > next.steps.length) return;
  sales.set(next.id, next);
}
export function keepJob(next: Job): void {
  jobs.set(next.id, next);
}

let pollTimer: ReturnType<typeof setInterval> | undefined;
let wasLive = false;

async function pollOnce(): Promise<void> {
  try {
    await api.site().then(keepSite);
    if (link.value !== "live") link.value = "polling";
    poll.value++;
    stream.nudge();
  } catch {
    if (link.value !== "live") link.value = "lost";
  }
}

const stream = new LiveStream(`${kBase}/live`, {
  event(type, data) {
    if (type === "household") keepHousehold(data as Household);
    else if (type === "sale") keepSale(data as Sale);
    else if (type === "job") keepJob(data as Job);
    else if (type === "campaign") campaigns.set((data as Campaign).id, data as Campaign);
    else if (type === "box") {
      const box = data as Box;
      boxes.set(String(box.number), box);
    } else if (type === "line") lines.set((data as Line).id, data as Line);
  },
  state(state) {
    if (state === "live") {
      link.value = "live";
      clearInterval(pollTimer);
      pollTimer = undefined;
      if (wasLive) reload.value++;
      wasLive = true;
    } else if (state === "lost") {
      if (link.value === "live" || link.value === "connecting") link.value = "lost";
      if (pollTimer === undefined) {
        pollTimer = setInterval(() => void pollOnce(), kPollMs);
        void pollOnce();
      }
    }
  },
  reset() {
    reload.value++;
  },
  signedOut() {
    endSession();
  },
});

function keepSite(next: Site): void {
  site.value = next;
  for (const box of next.boxes) boxes.set(String(box.number), { answering: box.answering, last_seen_at: box.last_seen_at, values_at: box.values_at });
  for (const line of next.lines) lines.set(line.id, line);
}
export async function loadSite(): Promise<void> {
  keepSite(await api.site());
}

function begin(next: Session): void {
  session.value = next;
  sessionEnded.value = false;
  flag(true);
  stream.start();
}
function forget(): void {
  stream.stop();
  clearInterval(pollTimer);
  pollTimer = undefined;
  wasLive = false;
  session.value = null;
  flag(false);
  for (const map of [households, sales, jobs, campaigns, boxes, lines]) map.clear();
  site.value = null;
  link.value = "connecting";
}
function endSession(): void {
  if (!session.value) return;
  sessionEnded.value = true;
  forget();
}
onSignedOut(endSession);

// Asked only when this browser was signed in before: a stranger's first look needs no refused request.
export async function resume(): Promise<void> {
  if (!flagged()) return;
  try {
    begin(await api.session());
  } catch {
    flag(false);
  }
}
export async function signIn(user: string, password: string): Promise<void> {
  begin(await api.signIn(user, password));
}
export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } finally {
    forget();
  }
}

export function mayWrite(what: "sell" | "control"): boolean {
  const role = session.value?.role;
  return role === "owner" || role === (what === "sell" ? "cashier" : "technician");
}

export function toggleLanguage(): void {
  setLanguage(language.value === "zh" ? "en" : "zh");
}

export const stale = (): boolean => link.value === "lost";
// The line brings only what has changed: what was read once still held when the whole box was last asked.
export function knownAt(readAt: number | null, box: string | null): number | null {
  return readAt === null ? null : Math.max(readAt, boxOf(box)?.values_at ?? 0);
}
export function boxOf(number: string | null): Pick<Box, "answering" | "last_seen_at" | "values_at"> | null {
  return number === null ? null : (boxes.get(number) ?? null);
}
export type { Box };
// Drafts survive a change of page and of session.
export const draft = reactive({ searched: "" });
