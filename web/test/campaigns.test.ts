import { beforeEach, describe, expect, it } from "vitest";

import { causeWords, changeWords, scheduleWords, selectionWords, wishWords } from "../src/shared/act_words";
import type { Site } from "../src/shared/api";
import { dayBounds } from "../src/shared/audit";
import { commandsOf, partsOf, percentOf, roomsIn, windowText, wishText } from "../src/shared/campaigns";
import { setLanguage } from "../src/shared/i18n";
import { query } from "../src/shared/office_api";
import { explanationOf, kWorkKinds, kindWords, mayTakeMeters, officeRemaining, proposalsOf } from "../src/shared/work";

const site = {
  site: { id: 1, name: "s" }, price: { price_e4: 6400 }, lines: [{ id: 2, name: "Line 2" }], boxes: [{ id: 7, number: "2026000007" }],
  buildings: [{ id: 1, name: "East", rooms: [{ id: 1, label: "3-0101", household_id: 11 }, { id: 2, label: "3-0102", household_id: 12 }, { id: 3, label: "3-0103", household_id: null }] }],
} as unknown as Site;
const form = { word: "alarms" as const, minutes: "30", low: "10", cutoff: "5.5", overdraft: "0" };

beforeEach(() => setLanguage("en"));

describe("an order to many", () => {
  it("is the text that the office takes, or nothing when a figure is none", () => {
    expect(wishText(form)).toBe("alarms 1000 550 0");
    expect(wishText({ ...form, low: "1.234" })).toBeNull();
    expect(wishText({ ...form, word: "force" })).toBe("force 30");
    expect(wishText({ ...form, word: "force", minutes: "0" })).toBeNull();
    expect(wishText({ ...form, word: "remote_off" })).toBe("remote_off");
    expect(windowText("", "")).toBe("");
    expect(windowText("23:00", "05:00")).toBe("23:00-05:00");
    expect(windowText("23:00", "")).toBeNull();
    expect(windowText("05:00", "05:00")).toBeNull();
  });
  it("finds rooms by their labels and names those that are none", () => {
    // A label that is silently left out leaves one room dark, or lit, among a hundred.
    expect(roomsIn("3-0101，3-0102\n3-0101 ; 9-9999 3-0103", site)).toEqual({ households: [11, 12], unknown: ["9-9999", "3-0103"] });
    expect(roomsIn("", site)).toEqual({ households: [], unknown: [] });
  });
  it("is said in words", () => {
    expect(wishWords("alarms 1000 500 0")).toBe("alarm levels: low 10.00, cut-off 5.00, overdraft 0.00 kWh");
    expect(wishWords("something new")).toBe("something new");
    expect(selectionWords("floor 1 5", site)).toBe("building East, floor 5");
    expect(selectionWords("box 7", site)).toBe("box 2026000007");
    expect(selectionWords("group 3", site, [])).toBe("list of rooms");
    expect(scheduleWords({ start_at: 0, daily: true, from_minute: 1380, to_minute: 300 })).toBe("every day · only 23:00–05:00");
    expect(scheduleWords({ start_at: 0, daily: false, from_minute: 0, to_minute: 0 })).toBe("at once");
    expect(changeWords("not desired so far -> alarms 1000 500 0").old).toBe("not set so far");
    expect(causeWords("refused: bad value")).toBe("refused: bad value");
  });
  it("is done when every meter has shown it and not a member before", () => {
    // 99.7 % that is shown as 100 sends people home.
    expect(percentOf({ members: 1000, confirmed: 999 })).toBe(99);
    expect(percentOf({ members: 3, confirmed: 3 })).toBe(100);
    expect(percentOf({ members: 0, confirmed: 0 })).toBe(0);
    const parts = partsOf({ members: 10000, confirmed: 9998, waiting: 0, failed: 1, cannot: 1 });
    expect(parts.map((part) => part.name)).toEqual(["confirmed", "failed", "cannot"]);
    expect(parts.reduce((sum, part) => sum + part.per_mille, 0)).toBe(1000);
    for (const part of parts) expect(part.per_mille).toBeGreaterThanOrEqual(10);
    expect(partsOf({ members: 12, confirmed: 3, waiting: 0, failed: 0, cannot: 0 })).toEqual([{ name: "confirmed", members: 3, per_mille: 250 }]);
    expect(partsOf({ members: 0, confirmed: 0, waiting: 0, failed: 0, cannot: 0 })).toEqual([]);
  });
  it("offers only what its state allows", () => {
    expect(commandsOf({ state: "running", failed: 0, cannot: 0 })).toEqual(["pause", "cancel"]);
    expect(commandsOf({ state: "paused", failed: 2, cannot: 0 })).toEqual(["resume", "retry", "cancel"]);
    expect(commandsOf({ state: "done", failed: 0, cannot: 1 })).toEqual(["retry"]);
    expect(commandsOf({ state: "done", failed: 0, cannot: 0 })).toEqual([]);
    expect(commandsOf({ state: "cancelled", failed: 3, cannot: 0 })).toEqual([]);
  });
});

describe("an item of work", () => {
  it("has a name in both languages and an explanation in Chinese for each kind that the office raises", () => {
    // A new kind without words would be a code to whoever has to act on it.
    const sources = import.meta.glob<string>(["../../server/domain/three_truths.[ch]pp", "../../server/domain/office.cpp", "../../server/store/desired_settings.cpp", "../../server/domain/cards.cpp", "../../server/store/cards.cpp", "../../server/store/restored.cpp"], { query: "?raw", import: "default", eager: true });
    const kinds = new Set<string>();
    for (const text of Object.values(sources)) {
      for (const match of text.matchAll(/"((?:ledger|channel|head)_[a-z_]+|move_short|books_restored|setting_changed_at_meter|card_(?:rolled_back|carries_[a-z_]+|without_[a-z_]+|unlike_[a-z_]+|says_[a-z_]+))"/g)) kinds.add(match[1]!);
      const situations = text.indexOf("word(Situation");
      if (situations >= 0) for (const match of text.slice(situations, text.indexOf("unknown", situations)).matchAll(/return "([a-z_]+)"/g)) if (match[1] !== "none") kinds.add(`ticket_${match[1]}`);
    }
    expect(kinds.size).toBeGreaterThan(21);
    expect([...kinds].sort()).toEqual([...kWorkKinds].sort());
    for (const language of ["zh", "en"] as const) {
      setLanguage(language);
      for (const kind of kinds) expect(kindWords(kind), kind).not.toBe(kind);
    }
    setLanguage("zh");
    for (const kind of kinds) expect(explanationOf({ kind, explanation: "english" }), kind).not.toBe("english");
    expect(proposalsOf({ kind: "of tomorrow", proposals: ["do"] })).toEqual(["do"]);
    setLanguage("en");
    expect(explanationOf({ kind: "move_short", explanation: "english" })).toBe("english");
  });
  it("lets the meter's total count only where the meter has one", () => {
    const question = { household_id: 1, situation: "ahead", asked_at: 0, unit: "ckwh" as const, meter: { epoch: 1, ticket_number: 4, credited: 9000, remaining: 100 }, office: { epoch: 1, ticket_number: 2, credited: 5000, used_known: 4500, known_at: 1 }, figures: "", explanation: "", take_meters: "", take_offices: "" };
    expect(mayTakeMeters(question)).toBe("yes");
    expect(mayTakeMeters({ ...question, meter: { ...question.meter, credited: null } })).toBe("not_read");
    expect(mayTakeMeters({ ...question, situation: "cleared" })).toBe("no_account");
    expect(officeRemaining(question)).toBe(500);
  });
});

describe("the journal's filter", () => {
  it("takes whole days, the last one too", () => {
    const bounds = dayBounds("2026-11-27", "2026-11-28");
    expect(bounds.from).toBe(new Date(2026, 10, 27).getTime());
    expect(bounds.to).toBe(new Date(2026, 10, 29).getTime());
    expect(dayBounds("", "garbage")).toEqual({ from: null, to: null });
  });
  it("sends what is filled in, encoded, and nothing else", () => {
    expect(query({ user: "", subject: "household 12", before: undefined, from: null, limit: 100 })).toBe("?subject=household%2012&limit=100");
    expect(query({})).toBe("");
  });
});
