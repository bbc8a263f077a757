import { describe, expect, it } from "vitest";

import { ledBalance, ledCells, ledNumber, ledPath } from "../src/shared/led";
import { displayStep, neighbour, panelShape } from "../src/shared/panel";

describe("led", () => {
  it("shows what the meter's lower row shows: one decimal, cut off", () => {
    // A window that rounds up would show 0.1 while the meter beside it shows 0.0 and is dark.
    expect(ledBalance(12649)).toBe("126.4");
    expect(ledBalance(9)).toBe("0.0");
    expect(ledBalance(0)).toBe("0.0");
    expect(ledBalance(99999999)).toBe("99999.9");
    expect(ledBalance(-5)).toBe("-0.1");
    expect(ledNumber(1)).toBe("0001");
  });
  it("puts the dot on the digit before it and fills from the right", () => {
    const cells = ledCells("126.4", 6);
    expect(cells).toHaveLength(6);
    expect(cells.map((c) => c.dot)).toEqual([false, false, false, false, true, false]);
    expect(cells[0]!.segments).toBe(0);
    expect(cells[5]!.segments).toBe(0b1100110);
  });
  it("draws each stroke once, lit or dark", () => {
    const cells = ledCells("8", 1);
    expect(ledPath(cells, true).match(/M/g)).toHaveLength(7);
    expect(ledPath(cells, false).match(/M/g)).toHaveLength(1);
  });
});

describe("panel", () => {
  it("knows the fronts of the three boxes", () => {
    expect(panelShape("39x1", 39)).toEqual({ columns: 13, circuits: 1 });
    expect(panelShape("18x2", 18)).toEqual({ columns: 6, circuits: 2 });
    expect(panelShape("12x3", 12)).toEqual({ columns: 6, circuits: 3 });
  });
  it("moves between windows by arrows and stays at the edge", () => {
    expect(neighbour(0, 39, 13, "ArrowDown")).toBe(13);
    expect(neighbour(38, 39, 13, "ArrowRight")).toBeNull();
    expect(neighbour(3, 39, 13, "ArrowUp")).toBeNull();
    expect(neighbour(3, 39, 13, "x")).toBeNull();
  });
  it("stays four seconds on a household and shows the box after the last", () => {
    expect(displayStep(3999, 39)).toBe(0);
    expect(displayStep(4000, 39)).toBe(1);
    expect(displayStep(39 * 4000, 39)).toBe(39);
    expect(displayStep(40 * 4000, 39)).toBe(0);
  });
});
