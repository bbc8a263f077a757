import { describe, expect, it } from "vitest";

import type { Reading } from "../src/shared/api";
import { energyBars, loadCurve, usedCkwh } from "../src/shared/history";

const kMinute = 60000;
const at = (minutes: number, forward_ckwh: number): Reading => ({ at: minutes * kMinute, forward_ckwh, remaining_ckwh: 0, state: 0 });

describe("history", () => {
  it("finds a steady load although the counter moves in steps", () => {
    // 100 W is 0.01 kWh every six minutes; a difference of two readings would show spikes of 600 W between zeros.
    const readings = Array.from({ length: 61 }, (_, m) => at(m, Math.floor(m / 6)));
    const curve = loadCurve(readings, kMinute);
    for (const point of curve) expect(point.value).toBeCloseTo(100, 5);
  });
  it("claims no zero before the counter could have moved", () => {
    // A kettle has just been switched on; the counter needs seconds to minutes for its first step.
    expect(loadCurve([at(0, 5), at(1, 5), at(2, 5)], kMinute)).toEqual([]);
    expect(loadCurve([at(0, 5), at(45, 5)], kMinute).map((p) => p.value)).toEqual([0, 0]);
  });
  it("draws nothing from nothing", () => {
    expect(loadCurve([], kMinute)).toEqual([]);
    expect(energyBars([], 60 * kMinute)).toEqual([]);
    expect(usedCkwh([])).toBe(0);
  });
  it("puts the energy of an hour at that hour, whatever the number of readings in it", () => {
    const bars = energyBars([at(10, 0), at(55, 20), at(70, 30), at(119, 50), at(130, 51)], 60 * kMinute);
    expect(bars).toEqual([
      { at: 60 * kMinute, value: 0.3 },
      { at: 120 * kMinute, value: 0.01 },
    ]);
  });
});
