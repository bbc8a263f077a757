import { describe, expect, it } from "vitest";

import { flashes, hasBit, kHolds, shapeOf, stateWord, toneOf } from "../src/shared/state";

describe("state", () => {
  it("says the first reason in the order that the interface lays down", () => {
    // A room that is switched off by the office and has no credit must not read "no credit": paying would not light it.
    expect(stateWord({ answering: true, holds: ["no_credit", "remote"] })).toBe("remote");
    expect(stateWord({ answering: true, holds: ["cutoff_alarm", "no_credit"] })).toBe("cutoff_alarm");
    expect(stateWord({ answering: true, holds: [...kHolds] })).toBe("supply");
    expect(stateWord({ answering: true, holds: ["overload", "malignant", "locked_out"] })).toBe("locked_out");
    expect(stateWord({ answering: true, holds: ["schedule", "not_opened"] })).toBe("not_opened");
    expect(stateWord({ answering: true, holds: [] })).toBe("on");
  });
  it("puts silence before everything: old figures are not the present state", () => {
    expect(stateWord({ answering: false, holds: [] })).toBe("offline");
    expect(stateWord({ answering: false, holds: ["supply"] })).toBe("offline");
    expect(stateWord({ answering: true, holds: [], read_at: null })).toBe("unread");
  });
  it("flashes as the meter does", () => {
    expect(flashes("no_credit", true)).toBe("zero");
    expect(flashes("cutoff_alarm", false)).toBe("zero");
    expect(flashes("on", true)).toBe("balance");
    expect(flashes("on", false)).toBe("no");
    expect(flashes("offline", true)).toBe("no");
  });
  it("has a shape and a tone for every word, so that colour is never alone", () => {
    for (const word of [...kHolds, "offline", "on", "unread"] as const) {
      expect(shapeOf(word)).toBeTruthy();
      expect(toneOf(word)).toBeTruthy();
    }
    expect(shapeOf("on")).not.toBe(shapeOf("no_credit"));
    expect(shapeOf("on", true)).not.toBe(shapeOf("on"));
  });
  it("reads the bits of base/hold.hpp", () => {
    expect(hasBit(1 << 10, 10)).toBe(true);
    expect(hasBit(null, 10)).toBe(false);
  });
});
