// What readings of two counters say about use. For pictures only: here, and nowhere else, energy becomes a float.
import type { Reading } from "./api";

export interface Point { at: number; value: number }

// While the counter has not moved, nothing is known but that the load is small; half an hour says so.
const kStillMs = 1800000;

// Mean power in W between changes of the counter. The counter moves in steps of 0.01 kWh; between two readings of a few seconds
// a difference would be 0 or thousands of watts, between two changes it is the truth. Pieces are at least `least_ms` long.
export function loadCurve(readings: readonly Reading[], least_ms: number): Point[] {
  const points: Point[] = [];
  let from = readings[0];
  if (!from) return points;
  for (let i = 1; i < readings.length; ++i) {
    const next = readings[i]!;
    const last = i === readings.length - 1;
    if (next.at <= from.at) continue;
    if (last && next.forward_ckwh === from.forward_ckwh && next.at - from.at < kStillMs) {
      const before = points[points.length - 1];
      if (before) points.push({ at: from.at, value: before.value });
      break;
    }
    if (!last && (next.forward_ckwh === from.forward_ckwh || next.at - from.at < least_ms)) continue;
    const power = ((next.forward_ckwh - from.forward_ckwh) * 10 * 3600000) / (next.at - from.at);
    points.push({ at: from.at, value: power });
    if (last) points.push({ at: next.at, value: power });
    from = next;
  }
  return points;
}

// The day of the office, whatever the browser's zone.
const kOfficeOffsetMs = 8 * 3600000;

// Energy in kWh of each hour or day (`width_ms`), at its beginning: the last reading in it less the last one before it.
export function energyBars(readings: readonly Reading[], width_ms: number): Point[] {
  const bars: Point[] = [];
  let before: Reading | undefined;
  readings.forEach((reading, i) => {
    const bucket = Math.floor((reading.at + kOfficeOffsetMs) / width_ms);
    const next = readings[i + 1];
    if (next && Math.floor((next.at + kOfficeOffsetMs) / width_ms) === bucket) return;
    if (before) bars.push({ at: bucket * width_ms - kOfficeOffsetMs, value: (reading.forward_ckwh - before.forward_ckwh) / 100 });
    before = reading;
  });
  return bars;
}

export function usedCkwh(readings: readonly Reading[]): number {
  const first = readings[0];
  const last = readings[readings.length - 1];
  return first && last ? last.forward_ckwh - first.forward_ckwh : 0;
}
