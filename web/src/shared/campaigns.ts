// Orders to many: the texts of who and what, as the office takes them, made from a form and read again; what of a campaign
// is done, and what may be done with it.
import type { Site } from "./api";
import type { Campaign } from "./office_api";
import { parseFixed } from "./numbers";

export const kWishes = ["remote_off", "remote_on", "force", "force_end", "acknowledge", "alarms", "reset_lockout", "clock"] as const;
export type WishWord = (typeof kWishes)[number] | "setting";
export interface WishForm { word: (typeof kWishes)[number]; minutes: string; low: string; cutoff: string; overdraft: string }

// The text of the wish, or null when a figure is not one.
export function wishText(form: WishForm): string | null {
  if (form.word === "force") {
    const minutes = parseFixed(form.minutes, 0);
    return minutes !== null && minutes > 0 ? `force ${minutes}` : null;
  }
  if (form.word === "alarms") {
    const levels = [form.low, form.cutoff, form.overdraft].map((text) => parseFixed(text, 2));
    return levels.every((level) => level !== null) ? `alarms ${levels.join(" ")}` : null;
  }
  return form.word;
}
export function wishOf(text: string): { word: WishWord; numbers: number[]; rest: string } {
  const [word = "", ...parts] = text.split(" ");
  return { word: word as WishWord, numbers: parts.map(Number), rest: parts.join(" ") };
}

export const kSelections = ["all", "building", "floor", "line", "box", "group", "price_group", "list"] as const;
export type SelectionWord = (typeof kSelections)[number];
export function selectionOf(text: string): { word: SelectionWord; numbers: number[] } {
  const [word = "all", ...parts] = text.split(" ");
  return { word: word as SelectionWord, numbers: parts.map(Number) };
}

// Room labels with commas, spaces or lines between, and those that are no room of this site (or have no household).
export function roomsIn(text: string, site: Site | null): { households: number[]; unknown: string[] } {
  const known = new Map<string, number>();
  for (const building of site?.buildings ?? [])
    for (const room of building.rooms) if (room.household_id !== null) known.set(room.label.toLowerCase(), room.household_id);
  const households = new Set<number>();
  const unknown: string[] = [];
  for (const label of text.split(/[\s,;，；、]+/).filter(Boolean)) {
    const id = known.get(label.toLowerCase());
    if (id === undefined) unknown.push(label);
    else households.add(id);
  }
  return { households: [...households], unknown };
}

// The parts of a progress bar in per mille of all members; one member is never invisible, and what nobody has counted yet stays empty.
export interface Part { name: "confirmed" | "waiting" | "failed" | "cannot"; members: number; per_mille: number }
export function partsOf(c: Pick<Campaign, "members" | "confirmed" | "waiting" | "failed" | "cannot">): Part[] {
  const parts = (["confirmed", "waiting", "failed", "cannot"] as const).map((name) => ({ name, members: c[name], per_mille: 0 })).filter((part) => part.members > 0);
  const counted = parts.reduce((sum, part) => sum + part.members, 0);
  if (counted === 0) return [];
  const whole = Math.max(c.members, counted);
  const all = Math.floor((counted * 1000) / whole);
  for (const part of parts) part.per_mille = Math.max(10, Math.floor((part.members * 1000) / whole));
  const largest = parts.reduce((a, b) => (b.per_mille > a.per_mille ? b : a));
  largest.per_mille += all - parts.reduce((sum, part) => sum + part.per_mille, 0);
  return parts;
}
// Whole percent that the meters have shown; 100 only when all have.
export function percentOf(c: Pick<Campaign, "members" | "confirmed">): number {
  return c.members === 0 ? 0 : Math.floor((c.confirmed * 100) / c.members);
}

export type Command = "pause" | "resume" | "cancel" | "retry";
export function commandsOf(c: Pick<Campaign, "state" | "failed" | "cannot">): Command[] {
  const commands: Command[] = [];
  if (c.state === "running" || c.state === "scheduled") commands.push("pause");
  if (c.state === "paused") commands.push("resume");
  if (c.failed + c.cannot > 0 && c.state !== "cancelled") commands.push("retry");
  if (c.state === "running" || c.state === "scheduled" || c.state === "paused") commands.push("cancel");
  return commands;
}

// "23:00-05:00", or null when one of the two is no time of day; both empty: at any time.
export function windowText(from: string, to: string): string | null {
  if (from === "" && to === "") return "";
  const time = /^([01]\d|2[0-3]):[0-5]\d$/;
  return time.test(from) && time.test(to) && from !== to ? `${from}-${to}` : null;
}
export function minuteText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
