import { describe, expect, it } from "vitest";

import type { Plan } from "../src/shared/office_api";
import { beginOfDay, dayOf, planContent, planOf, priceGroups, standingOfPlan } from "../src/shared/plans";

const kForm = { kind: "flat" as const, price: "0.64", upto: "", next: "", rates: ["", "", "", ""], fee: "", perMille: "" };

describe("a price plan", () => {
  // A comma at the wrong place sells a whole building at a hundredth of the price.
  it("is written as the office reads it", () => {
    expect(planContent(kForm)).toBe("flat energy month 0:6400 fee 0 0");
    expect(planContent({ ...kForm, kind: "stepped", price: "0.5", upto: "50", next: "1", fee: "1.5", perMille: "5" })).toBe("stepped energy month 5000:5000,0:10000 fee 150 5");
    for (const wrong of [{ price: "" }, { price: "0" }, { price: "cheap" }, { fee: "x" }, { perMille: "0.5" }]) expect(planContent({ ...kForm, ...wrong })).toBeNull();
    expect(planContent({ ...kForm, kind: "stepped", upto: "50" })).toBeNull();
    const byTime = { ...kForm, kind: "time_of_use" as const, price: "", rates: ["0.9", "0.7", "0.5", "0.3"], fee: "1" };
    expect(planContent(byTime)).toBe("time_of_use money month 9000,7000,5000,3000 fee 100 0");
    expect(planContent({ ...byTime, rates: ["0.9", "0.7", "0.5", ""] })).toBeNull();
  });

  it("is read again as it was written, and left alone when it is of another kind", () => {
    expect(planOf("stepped energy month 5000:5000,0:10000 fee 150 5")).toEqual({
      kind: "stepped", unit: "energy", period: "month", steps: [{ upto_ckwh: 5000, price_e4: 5000 }, { upto_ckwh: 0, price_e4: 10000 }], rates: [], fee_fen: 150, per_mille: 5,
    });
    expect(planOf("time_of_use money month 9000,7000,5000,3000 fee 100 0")).toEqual({
      kind: "time_of_use", unit: "money", period: "month", steps: [], rates: [9000, 7000, 5000, 3000], fee_fen: 100, per_mille: 0,
    });
    for (const other of ["time_of_use money month 9000,7000,5000 fee 0 0", "flat energy month 6400 fee 0 0", "by_weather money month 1 fee 0 0"]) expect(planOf(other)).toBeNull();
  });

  // The page says "in force" of the price of last year.
  it("is in force from its date until a newer one of its group is", () => {
    const plan = (id: number, group: number, valid_from_at: number): Plan => ({ id, name: "", group, valid_from_at, content: "", operator: "", created_at: 0 });
    const all = [plan(1, 0, 100), plan(2, 0, 200), plan(3, 0, 900), plan(4, 1, 100), plan(5, 0, 200)];
    expect(all.map((p) => standingOfPlan(p, all, 500))).toEqual(["past", "past", "later", "in_force", "in_force"]);
  });

  // A shop is put into a group that has a plan, and nobody sees which price that is.
  it("is offered with the groups that there are, the one in force of each", () => {
    const plan = (id: number, group: number, valid_from_at: number): Plan => ({ id, name: "", group, valid_from_at, content: "", operator: "", created_at: 0 });
    const all = [plan(1, 0, 100), plan(2, 7, 100), plan(3, 7, 200), plan(4, 9, 900)];
    expect(priceGroups(all, 4, 500).map((g) => [g.group, g.plan?.id ?? null])).toEqual([[0, 1], [4, null], [7, 3], [9, null]]);
    expect(priceGroups([], 0, 500)).toEqual([{ group: 0, plan: null }]);
  });

  it("begins with a day of the office", () => {
    expect(beginOfDay("2026-12-01")).toBe(Date.UTC(2026, 10, 30, 16));
    expect(dayOf(Date.UTC(2026, 10, 30, 16))).toBe("2026-12-01");
    expect(dayOf(Date.UTC(2026, 10, 30, 15, 59))).toBe("2026-11-30");
    expect(beginOfDay("")).toBeNull();
  });
});
