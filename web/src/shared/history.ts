// What readings of two counters say about use. For pictures only: here, and nowhere else, energy becomes a float.
import type { Reading } from "./api";

export interface Point { at: number; value: number }

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
    if (!last && (next.forward_ckwh === from.forward_ckwh || next.at - from.at < least_ms)) continue;
    const power = ((next.forward_ckwh - from.forward_ckwh) * 10 * 3600000) / (next.at - from.at);
    points.push({ at: from.at, value: power });
    if (last) points.push({ at: next.at, value: power });
    from = next;
  }
  return points;
}

// Energy in kWh between neighbouring readings, at the time of the earlier one.
export function energyBars(readings: readonly Reading[]): Point[] {
  const bars: Point[] = [];
  for (let i = 1; i < readings.length; ++i) {
    const used = readings[i]!.forward_ckwh - readings[i - 1]!.forward_ckwh;
    bars.push({ at: readings[i - 1]!.at, value: used / 100 });
  }
  return bars;
}

export function usedCkwh(readings: readonly Reading[]): number {
  const first = readings[0];
  const last = readings[readings.length - 1];
  return first && last ? last.forward_ckwh - first.forward_ckwh : 0;
}
