import { describe, expect, it } from "vitest";

import { EventParser } from "../src/shared/live";

const text = ': beat\n\nid: 7\nevent: sale\ndata: {"id":1}\n\nid: 8\nevent: household\ndata: {"a":\ndata: 2}\n\n';

describe("events", () => {
  it("come out the same however the bytes are cut", () => {
    // Over a slow line a sale's last step arrives in two pieces; dropping it would leave the clerk waiting.
    for (let cut = 0; cut <= text.length; ++cut) {
      const parser = new EventParser();
      const events = [...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut))];
      expect(events).toEqual([
        { id: "7", type: "sale", data: '{"id":1}' },
        { id: "8", type: "household", data: '{"a":\n2}' },
      ]);
      expect(parser.lastId).toBe("8");
    }
  });
  it("forget what was half read when the link was cut, but not where to resume", () => {
    const parser = new EventParser();
    parser.feed("id: 5\nevent: sale\ndata: {}\n\nid: 6\ndata: {half");
    parser.restart();
    expect(parser.lastId).toBe("5");
    expect(parser.feed("id: 6\nevent: sale\ndata: {}\n\n")).toHaveLength(1);
  });
  it("are separated by CRLF too", () => {
    expect(new EventParser().feed("event: job\r\ndata: 1\r\n\r\n")).toEqual([{ id: "", type: "job", data: "1" }]);
  });
});
