// Numbers as the interface carries them: integers of one fixed unit each. What is typed is turned into an integer
// without ever being a float; what is shown is made from the integer by cutting its digits.

// "156.25" of 15625 with 2 places. Groups thousands with commas when asked.
export function fixed(value: number, places: number, grouped = false): string {
  const negative = value < 0;
  const digits = String(Math.abs(Math.trunc(value))).padStart(places + 1, "0");
  let whole = digits.slice(0, digits.length - places);
  if (grouped) whole = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (negative ? "-" : "") + whole + (places > 0 ? "." + digits.slice(digits.length - places) : "");
}

// The integer that was typed, or null: too many places, not a number, more than 15 digits. Full-width digits and the
// Chinese full stop are what an input method leaves behind; they mean the same.
export function parseFixed(text: string, places: number): number | null {
  const plain = text.trim().replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[．。]/g, ".");
  const match = /^(\d{1,12})(?:\.(\d*))?$/.exec(plain);
  if (!match) return null;
  const part = match[2] ?? "";
  if (part.length > places) return null;
  return Number(match[1] + part.padEnd(places, "0"));
}

export const kwh = (ckwh: number): string => fixed(ckwh, 2, true);
export const yuan = (fen: number): string => fixed(fen, 2, true);
// 0.6400 yuan per kWh of 6400.
export const price = (price_e4: number): string => fixed(price_e4, 4);

// What an amount buys, in hundredths of a kWh, rounded down as the office does.
export function energyFor(amount_fen: number, price_e4: number): number {
  if (price_e4 <= 0) return 0;
  return Math.floor((amount_fen * 10000) / price_e4);
}

// Power in whole watts above 10 W, with its tenth below.
export function watts(dw: number): string {
  return Math.abs(dw) < 100 ? fixed(dw, 1) : fixed(Math.round(dw / 10), 0, true);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
// 2026-11-22 13:04
export function dateTime(at: number): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
}
// 13:04:06
export function clock(at: number): string {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

// An id that no other form has. crypto.randomUUID is missing on plain http from another machine; getRandomValues is not.
export function newOrderId(): string {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
