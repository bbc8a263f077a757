import { beforeEach, describe, expect, it, vi } from "vitest";

import { actTitle, actWords } from "../src/shared/act_words";
import { askedFen, fieldsOf, householdIn, mayApprove, numberIn, standingOf, waitingRequest } from "../src/shared/acts";
import { ApiError, type Household, type Sale, type Session, type Site } from "../src/shared/api";
import { setLanguage } from "../src/shared/i18n";
import type { Account, ActKind, Approval } from "../src/shared/office_api";
import { OrderForm } from "../src/shared/order_form";
import { mayMoney, refundLimit } from "../src/shared/refunds";

const request: Approval = {
  id: 7, kind: "refund", action: "sale.refund", subject: "household 12: 300.00 yuan of sale 5",
  content: "prewatt-act 1\nsale.refund\norder_id=a=b\norder=refund 5 30000\nsale=5\namount_fen=30000\n", content_hash: "ab", asked_by: "lan", asked_from: "10.0.0.4",
  reason: "moved out", asked_at: 1000, expires_at: 9000, state: "waiting", decided_by: "", decided_at: null, outcome: "",
};
const who = (user: string, role: Session["role"]): Session => ({ user, name: user, role });
const sale = { id: 5, receipt: "20261128-000005", household_id: 12, room: "3-0112", amount_fen: 50000, energy_ckwh: 78125, given: 78125, fee_fen: 0 } as Sale;
const account = { unit: "ckwh", remaining: 70000, free_left: 0, refundable: 70000 } as Account;
const site = { site: { id: 1, name: "s" }, buildings: [{ id: 1, name: "3", rooms: [{ id: 1, label: "3-0112", household_id: 12 }] }], lines: [], boxes: [], price: { price_e4: 6400 } } as unknown as Site;
const needsApproval = (id: unknown): ApiError => new ApiError("refused", 409, "needs_approval", "waits", { approval_id: id });

beforeEach(() => setLanguage("en"));

describe("a request for a second person", () => {
  it("is read field by field, and a value may hold the sign that ends a name", () => {
    const fields = fieldsOf(request.content);
    expect(fields.get("order_id")).toBe("a=b");
    expect(numberIn(fields, "amount_fen")).toBe(30000);
    expect(numberIn(fields, "order")).toBeNull();
    expect(askedFen(request.subject)).toBe(30000);
    expect(askedFen("site")).toBeNull();
    expect(householdIn(request)).toBe(12);
  });
  it("is offered to those who may decide it, and never to the one who asked", () => {
    // A button that whoever asked can press looks like a way around the second person.
    expect(standingOf(request, who("lan", "cashier"), 2000)).toBe("own");
    expect(standingOf(request, who("mei", "cashier"), 2000)).toBe("decide");
    expect(standingOf(request, who("tech", "technician"), 2000)).toBe("other");
    expect(standingOf(request, who("eye", "auditor"), 2000)).toBe("other");
    expect(standingOf(request, who("mei", "cashier"), 9000)).toBe("over");
    expect(standingOf({ ...request, state: "done" }, who("mei", "cashier"), 2000)).toBe("over");
    const owners: ActKind[] = ["price", "correction", "restored_reset", "rules"];
    for (const kind of owners) for (const role of ["cashier", "technician", "auditor"] as const) expect(mayApprove(role, kind), `${role} ${kind}`).toBe(false);
    expect(mayApprove("technician", "clear")).toBe(true);
    expect(mayApprove("owner", "rules")).toBe(true);
  });
  it("says what it will do with the figures of the request, old beside new", () => {
    // Somebody who approves a sum without seeing it approves anything.
    const act = actWords(request, { sale, account, site });
    expect(act.sentence).toContain("300.00");
    expect(act.sentence).toContain("3-0112");
    expect(act.rows.map((row) => [row.old, row.next])).toEqual([["500.00 yuan", "300.00 yuan of it back"], ["781.25 kWh", "about 468.75 kWh taken out"], ["700.00 kWh", "about 231.25 kWh"]]);
    expect(actTitle(request, site)).toBe("3-0112: 300.00 yuan");
    const price = actWords({ ...request, kind: "price", action: "price.set", subject: "site", content: "prewatt-act 1\nprice.set\nprice_e4=7050\n" }, { site });
    expect(price.rows[0]).toMatchObject({ old: "0.6400 yuan/kWh", next: "0.7050 yuan/kWh" });
    const rules = actWords({ ...request, action: "approvals.set_rules", content: "prewatt-act 1\napprovals.set_rules\ntwo_people=never\nrefund_max_fen=100000\nhouseholds_max=50\nvalid_min=4320\n" }, { rules: { two_people: "auto", refund_max_fen: 20000, households_max: 50, valid_min: 4320 } });
    expect(rules.rows.map((row) => row.next)).toEqual(["never", "1,000.00 yuan", "50", "3 days"]);
  });
  it("names the campaign's wish, its list and its hours", () => {
    const content = "prewatt-act 1\ncampaign.start\norder_id=x\nselection=building 1\nwish=alarms 1000 500 0\nstart_at=0\nrepeat=once\nwindow_from=1380\nwindow_to=300\nhouseholds=78\n";
    const act = actWords({ ...request, kind: "mass_action", action: "campaign.start", content }, { site, preview: { members: 80, already: 2, cannot: 1, households: 80, needs_two: true, changes: [{ text: "relay on -> relay off", members: 77 }], causes: [{ text: "it has no meter", members: 1 }], lines: [] } });
    expect(act.sentence).toContain("78 households");
    expect(act.sentence).toContain("low 10.00, cut-off 5.00");
    expect(act.rows).toEqual([{ what: "77 members", old: "power on", next: "power off" }]);
    expect(act.notes.join(" ")).toContain("23:00–05:00");
    expect(act.notes.join(" ")).toContain("1 cannot: it has no meter");
  });
  it("reads a price plan as the page of plans does, with its group and its day", () => {
    const content = "prewatt-act 1\nprice.add_plan\norder_id=p\norder=plan 7\nname=Winter\ngroup=7\nvalid_from=1796054400000\nplan=stepped energy month 5000:6400,0:9000 fee 100 0\n";
    const request2 = { ...request, kind: "price" as const, action: "price.add_plan", subject: "price group 7", content };
    const act = actWords(request2, { site });
    expect(act.sentence).toBe("Price plan “Winter” holds for price group 7 from 2026-12-01.");
    expect(act.rows).toEqual([{ what: "Plan", old: "–", next: "0.6400 up to 50.00 kWh · 0.9000 above · fee 1.00 yuan + 0 per mille" }]);
    expect(actTitle(request2, site)).toBe("price group 7: Winter");
    const byTime = actWords({ ...request2, content: content.replace(/plan=stepped.*/, "plan=time_of_use money month 9000,7000,5000,3000 fee 0 0") }, { site });
    expect(byTime.rows[0]!.next).toBe("rates 1 to 4: 0.9000 / 0.7000 / 0.5000 / 0.3000 yuan/kWh · accounts in money");
    const moved = { ...request, kind: "price" as const, action: "household.price_group", content: "prewatt-act 1\nhousehold.price_group\nhousehold=12\ngroup=7\n" };
    expect(actWords(moved, { site, household: { room: "3-0112" } as Household }).sentence).toBe("3-0112 is sold to under the plan of price group 7 from now on.");
    expect(actTitle(moved, site)).toBe("3-0112: price group 7");
  });
  it("of a card with rights says what it will do, to whom, and that nothing changes before it is held to the box", () => {
    // Whoever approves a clear card must not take it for an inspection card of another box.
    const content = "prewatt-act 1\ncard.warrant\norder_id=w\nkind=clear\nboxes=2026000001\nhousehold=0\nhours=24\nrestores=000\n";
    const clear = { ...request, kind: "rights_card" as const, action: "card.warrant", subject: "clear of box 2026000001", content };
    expect(actWords(clear, { site }).sentence).toBe("A clear card is made: held to the box it clears box 2026000001 (all households), once, within 24 hours.");
    expect(actTitle(clear, site)).toBe("box 2026000001 (all households)");
    const restore = { ...clear, content: content.replace("kind=clear", "kind=restore").replace("household=0", "household=12").replace("restores=000", "restores=101") };
    expect(actWords(restore, { site, household: { room: "3-0112" } as Household }).sentence)
      .toBe("A restore card is made: held to the box it ends the overload lock-out / the cut-off alarm of 3-0112, once, within 24 hours.");
  });
  it("of a kind that the page does not know shows every field instead of hiding them", () => {
    const act = actWords({ ...request, action: "safe.open", content: "prewatt-act 1\nsafe.open\nwhich=3\n" }, {});
    expect(act.rows).toEqual([{ what: "which", old: "–", next: "3" }]);
  });
});

describe("an order of a form", () => {
  it("that waits for a second person is no error and keeps the number of the request", async () => {
    // Shown as an error, the cashier would try again and again, and tell the resident that it failed.
    const form = new OrderForm<number>();
    await form.send(() => Promise.reject(needsApproval(7)));
    expect(form.phase.value).toBe("waits");
    expect(form.request.value).toBe(7);
    expect(form.error.value).toBeNull();
    const again = vi.fn(() => Promise.resolve(1));
    await form.send(again);
    expect(again).not.toHaveBeenCalled();
    expect(waitingRequest(needsApproval("x"))).toBeNull();
    expect(waitingRequest(new ApiError("refused", 409, "meter_behind", "no"))).toBeNull();
  });
  it("whose answer was lost is asked for again under the same number and with the same content", async () => {
    // A refund of 300 whose answer was lost, sent anew as 200 under the same id, would be refused or, under another id, pay twice.
    const form = new OrderForm<number>();
    const first = vi.fn<(id: string) => Promise<number>>().mockRejectedValueOnce(new ApiError("unknown", 0, "no_reply", "none")).mockResolvedValue(1);
    const changed = vi.fn<(id: string) => Promise<number>>().mockResolvedValue(2);
    await form.send(first);
    expect(form.phase.value).toBe("unknown");
    expect(form.mayClose).toBe(false);
    await form.send(changed);
    expect(changed).not.toHaveBeenCalled();
    expect(first.mock.calls.map((call) => call[0])).toEqual([form.orderId, form.orderId]);
    expect(form.result.value).toBe(1);
    expect(form.phase.value).toBe("done");
  });
  it("is sent once however often the key is hit, and may be put right after a refusal", async () => {
    const form = new OrderForm<number>();
    let finish: (value: number) => void = () => undefined;
    const slow = vi.fn(() => new Promise<number>((done) => (finish = done)));
    const both = [form.send(slow), form.send(slow)];
    finish(1);
    await Promise.all(both);
    expect(slow).toHaveBeenCalledTimes(1);
    const second = new OrderForm<number>();
    await second.send(() => Promise.reject(new ApiError("refused", 422, "refund_too_large", "too much")));
    expect(second.phase.value).toBe("fill");
    expect(second.error.value?.code).toBe("refund_too_large");
    await second.send(() => Promise.resolve(3));
    expect(second.result.value).toBe(3);
  });
});

describe("what of a sale may be refunded", () => {
  it("is what the office would pay: earlier refunds off, never more than remains", () => {
    // A limit that is too high promises the resident money that the office then refuses.
    expect(refundLimit(sale, account, [])).toBe(44800);
    expect(refundLimit(sale, { refundable: 90000 }, [])).toBe(50000);
    const refunded = [{ id: 9, kind: "refund", refers: 5, amount_fen: -30000, given: -46875 }];
    expect(refundLimit(sale, { refundable: 90000 }, refunded)).toBe(20000);
    expect(refundLimit(sale, { refundable: 90000 }, [...refunded, { id: 10, kind: "return", refers: 9, amount_fen: 3200, given: 5000 }])).toBe(23200);
    expect(refundLimit(sale, { refundable: 0 }, [])).toBe(0);
    expect(refundLimit({ ...sale, fee_fen: 500, given: 77343 }, { refundable: 77343 }, [])).toBe(49500);
  });
  it("is asked by those who handle money", () => {
    expect(mayMoney("cashier", "pay")).toBe(true);
    expect(mayMoney("cashier", "grant")).toBe(false);
    expect(mayMoney("technician", "pay")).toBe(false);
    expect(mayMoney(undefined, "pay")).toBe(false);
    expect(mayMoney("owner", "grant")).toBe(true);
  });
});
