// Why a household is dark, as one word. The order of precedence is that of docs/formats/rest.md; the bits those of base/hold.hpp.

export const kHolds = [
  "no_credit", "cutoff_alarm", "malignant", "overload", "locked_out", "schedule", "remote", "not_opened", "supply",
] as const;
export type Hold = (typeof kHolds)[number];

const kPrecedence: readonly Hold[] = [
  "supply", "not_opened", "locked_out", "malignant", "overload", "schedule", "remote", "cutoff_alarm", "no_credit",
];
export type StateWord = Hold | "offline" | "on" | "unread";

export const kBit = { relayClosed: 9, low: 10, forced: 11, relayFault: 12, reverse: 14 } as const;

export interface Shown {
  answering: boolean;
  holds: readonly string[];
  read_at?: number | null;
}

export function stateWord(shown: Shown): StateWord {
  if (!shown.answering) return "offline";
  if (shown.read_at === null || shown.read_at === 0) return "unread";
  for (const hold of kPrecedence) if (shown.holds.includes(hold)) return hold;
  return "on";
}

export function hasBit(bits: number | null | undefined, bit: number): boolean {
  return ((bits ?? 0) >> bit & 1) === 1;
}

// The shape that stands beside the word, so that colour is never alone.
export type Shape = "disc" | "ring" | "square" | "triangle" | "cross" | "diamond" | "dash" | "half" | "clock";
export function shapeOf(word: StateWord, low = false): Shape {
  switch (word) {
    case "on": return low ? "half" : "disc";
    case "no_credit": return "ring";
    case "cutoff_alarm": return "triangle";
    case "malignant": case "overload": return "cross";
    case "locked_out": return "diamond";
    case "schedule": return "clock";
    case "remote": return "square";
    case "not_opened": case "unread": case "offline": return "dash";
    case "supply": return "diamond";
  }
}
// on: green; low: amber; fault: red; off: what the office wanted or what is as usual; gone: nobody knows.
export type Tone = "on" | "low" | "fault" | "off" | "gone";
export function toneOf(word: StateWord, low = false): Tone {
  switch (word) {
    case "on": return low ? "low" : "on";
    case "malignant": case "overload": case "locked_out": case "supply": case "no_credit": return "fault";
    case "cutoff_alarm": return "low";
    case "schedule": case "remote": case "not_opened": return "off";
    case "offline": case "unread": return "gone";
  }
}

// The window of a household on the meter: at zero and at the cut-off alarm the lower row flashes 0.0, at the low-credit
// alarm it flashes what remains, else it stands still.
export function flashes(word: StateWord, low: boolean): "zero" | "balance" | "no" {
  if (word === "cutoff_alarm" || word === "no_credit") return "zero";
  if (low && word !== "offline" && word !== "unread") return "balance";
  return "no";
}
