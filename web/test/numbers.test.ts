import { describe, expect, it } from "vitest";

import { energyFor, fixed, kwh, newOrderId, parseFixed, price, watts, yuan } from "../src/shared/numbers";

describe("numbers", () => {
  it("shows integers with their places and never a rounding of a float", () => {
    // 0.1 + 0.2 on a receipt would read 0.30000000000000004 if a float had ever been made.
    expect(fixed(30, 2)).toBe("0.30");
    expect(kwh(15625)).toBe("156.25");
    expect(kwh(-5)).toBe("-0.05");
    expect(kwh(9999999)).toBe("99,999.99");
    expect(yuan(123456789)).toBe("1,234,567.89");
    expect(price(6400)).toBe("0.6400");
    expect(watts(95)).toBe("9.5");
    expect(watts(14804)).toBe("1,480");
  });
  it("reads what a clerk types, also with an input method on", () => {
    // Full-width digits and the Chinese full stop stay behind when the input method was not switched off.
    expect(parseFixed("100", 2)).toBe(10000);
    expect(parseFixed(" 19.9 ", 2)).toBe(1990);
    expect(parseFixed("１００。５", 2)).toBe(10050);
    expect(parseFixed("0.01", 2)).toBe(1);
  });
  it("refuses what is no amount instead of guessing", () => {
    for (const text of ["", "abc", "1.234", "-5", "1e3", "1,000", ".5", "1.2.3", "9999999999999"]) expect(parseFixed(text, 2), text).toBeNull();
  });
  it("says what an amount gives as the office does: rounded down", () => {
    // If the page rounded up, the clerk would promise 0.01 kWh more than the receipt shows.
    expect(energyFor(10000, 6400)).toBe(15625);
    expect(energyFor(100, 5283)).toBe(189);
    expect(energyFor(1, 1000000)).toBe(0);
    expect(energyFor(10000, 0)).toBe(0);
  });
  it("makes order ids without a secure context", () => {
    const ids = new Set(Array.from({ length: 1000 }, newOrderId));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
