// The digits of the meter's display as strokes: seven segments and a dot for each place.

//  a
// f b      bit 0 = a ... bit 6 = g
//  g
// e c
//  d
const kSegments: Record<string, number> = {
  "0": 0b0111111, "1": 0b0000110, "2": 0b1011011, "3": 0b1001111, "4": 0b1100110,
  "5": 0b1101101, "6": 0b1111101, "7": 0b0000111, "8": 0b1111111, "9": 0b1101111,
  "-": 0b1000000, " ": 0,
};

export interface Cell {
  segments: number;
  dot: boolean;
}

// What remains as the lower row shows it: one decimal, cut off (the meter rounds down), 99999.9 at most.
export function ledBalance(ckwh: number): string {
  const tenths = Math.min(Math.floor(ckwh / 10), 999999);
  const negative = tenths < 0;
  const digits = String(Math.min(Math.abs(tenths), negative ? 99999 : 999999)).padStart(2, "0");
  return (negative ? "-" : "") + digits.slice(0, -1) + "." + digits.slice(-1);
}
export const kLedSilent = "-----";

// The household number as the upper row shows it.
export function ledNumber(household: number): string {
  return String(household).padStart(4, "0");
}

// Right-aligned cells; a dot belongs to the digit before it.
export function ledCells(text: string, places: number): Cell[] {
  const cells: Cell[] = [];
  for (const c of text) {
    if (c === "." && cells.length > 0) cells[cells.length - 1]!.dot = true;
    else cells.push({ segments: kSegments[c] ?? 0, dot: false });
  }
  while (cells.length < places) cells.unshift({ segments: 0, dot: false });
  return cells.slice(-places);
}

// One stroke path per row: two elements on the page for a whole window instead of fifty. A place is 12 wide, 20 high.
export const kCellWidth = 15;
const kStrokes = [
  "M3.5 2H8.5", "M10 3.5V8.5", "M10 11.5V16.5", "M3.5 18H8.5", "M2 11.5V16.5", "M2 3.5V8.5", "M3.5 10H8.5",
];
function shift(stroke: string, x: number): string {
  return stroke
    .replace(/M([\d.]+) /, (_, v: string) => `M${Number(v) + x} `)
    .replace(/H([\d.]+)/, (_, v: string) => `H${Number(v) + x}`);
}
export function ledPath(cells: Cell[], lit: boolean): string {
  let path = "";
  cells.forEach((cell, place) => {
    kStrokes.forEach((stroke, bit) => {
      if (((cell.segments >> bit) & 1) === (lit ? 1 : 0)) path += shift(stroke, place * kCellWidth);
    });
    if (cell.dot === lit) path += `M${place * kCellWidth + 12.8} 17.4v.8`;
  });
  return path;
}
