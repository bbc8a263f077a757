import { describe, expect, it, vi } from "vitest";

import { ApiError, type Sale } from "../src/shared/api";
import { Agent, AgentError, type AgentState, type Card, CardVisit, type Order, type Plan, type Report, type Sight, type VisitPorts } from "../src/shared/cards";

const card: Card = {
  id: 4, uid: "A1B2C3D4", kind: "household", household_id: 5, room: "3-0512", issue: 1, state: "written", box_number: "2026000001", unit: "ckwh",
  carries: { epoch: 1, ticket_number: 1, credited: 3125 }, written_at: 1, write_open: false, said: null, said_at: null, seen_at: null, issued_at: 1,
  issued_by: "owner", replaces: null, ended_at: null, why: "",
};
const sold = { id: 1, receipt: "20261128-000001" } as Sale;
const sight: Sight = { uid: "A1B2C3D4", sectors: "1 ours -" };

function setUp() {
  const lying = { uid: "A1B2C3D4" as string | null };
  const orders: Order[] = [];
  const write = vi.fn(async (): Promise<Sight> => sight);
  const agent = {
    state: async (): Promise<AgentState> => ({ reader: "r", busy: false, card: lying.uid === null ? null : { uid: lying.uid }, words: "" }),
    progress: async () => ({ phase: "writing", step: 1, steps: 2 }), read: async () => sight, write,
  } as unknown as Agent;
  const office = {
    keys: async () => ({ base: 1, sectors: [] }), look: vi.fn(async (): Promise<Report> => ({ finding: "up_to_date", rolled_back: false, took_said: false, card, newest: card.carries })),
    order: vi.fn(async (order: Order): Promise<Plan> => {
      orders.push(order);
      return { write_id: 9, repeated: false, card, steps: [] };
    }),
    done: vi.fn(async () => ({ card })), card: vi.fn(), end: vi.fn(), ofHousehold: vi.fn(),
  };
  const sell = vi.fn(async (): Promise<Sale> => sold);
  const ports: VisitPorts = { agent: () => agent, office: office as unknown as VisitPorts["office"], sell, wait: async () => undefined };
  return { visit: new CardVisit(ports), lying, orders, write, office, sell };
}

describe("card visit", () => {
  // A torn card would be sold onto a second time, or the money would have to be given back.
  it("goes on with the same order when the torn card is back, and sells once", async () => {
    const { visit, lying, orders, write, sell } = setUp();
    await visit.poll();
    write.mockRejectedValueOnce(new AgentError("no_card", "gone", true));
    await visit.sell(5, 2000, "cash");
    expect(visit.phase.value).toBe("torn");
    expect(visit.sale.value?.receipt).toBe(sold.receipt);
    lying.uid = null;
    await visit.poll();
    expect(visit.phase.value).toBe("torn");
    lying.uid = "11223344";
    await visit.poll();
    expect(orders).toHaveLength(1);
    expect(visit.open.value?.uid).toBe("A1B2C3D4");
    lying.uid = null;
    await visit.poll();
    lying.uid = "A1B2C3D4";
    await visit.poll();
    expect(visit.phase.value).toBe("done");
    expect(orders.map((order) => order.id)).toEqual([orders[0]!.id, orders[0]!.id]);
    expect(sell).toHaveBeenCalledTimes(1);
    expect(visit.open.value).toBeNull();
  });

  // The reply of a sale is lost on the way.
  it("asks again with the same order when the reply of the sale is lost", async () => {
    const { visit, sell, orders } = setUp();
    await visit.poll();
    sell.mockRejectedValueOnce(new ApiError("unknown", 0, "no_reply", "no reply"));
    await visit.sell(5, 2000, "cash");
    expect(sell).toHaveBeenCalledTimes(2);
    const ids = (sell.mock.calls as unknown as [unknown, string][]).map((call) => call[1]);
    expect(ids[0]).toBe(ids[1]);
    expect(orders[0]!.id).toBe(`${ids[0]}.card`);
  });

  // A sale that the office refuses must write nothing onto the card.
  it("writes nothing when the sale is refused", async () => {
    const { visit, sell, orders } = setUp();
    await visit.poll();
    sell.mockRejectedValueOnce(new ApiError("refused", 422, "hoarding_limit", "too much"));
    await visit.sell(5, 2000, "cash");
    expect(visit.phase.value).toBe("failed");
    expect(orders).toHaveLength(0);
    expect(visit.open.value).toBeNull();
  });

  // An issue that was torn would otherwise make a second card of the household.
  it("repairs a torn issue with its first order", async () => {
    const { visit, office, orders } = setUp();
    office.look.mockResolvedValueOnce({ finding: "unfinished", rolled_back: false, took_said: false, card: { ...card, state: "issued", replaces: 3 }, newest: null });
    office.card.mockResolvedValueOnce({ card, writes: [{ id: 2, order_id: "first", kind: "issue", state: "ordered" }] });
    await visit.poll();
    await visit.repair();
    expect(orders).toEqual([{ kind: "issue", id: "first", householdId: 5, replaces: 3, reason: "" }]);
  });

  it("says whether there is no agent or one that does not know the page", async () => {
    const { visit } = setUp();
    const ports = (visit as unknown as { ports: { agent: () => Agent } }).ports;
    ports.agent = () => ({ state: async () => Promise.reject(new AgentError("not_paired", "", false)) }) as unknown as Agent;
    await visit.poll();
    expect(visit.place.value).toBe("unpaired");
    ports.agent = () => ({ state: async () => Promise.reject(new AgentError("no_agent", "", true)) }) as unknown as Agent;
    await visit.poll();
    expect(visit.place.value).toBe("absent");
  });
});
