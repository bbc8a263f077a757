import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp, nextTick, ref } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";

import { ApiError, type Household, type Sale, api } from "../src/shared/api";
import { type DeskPorts, SaleForm } from "../src/shared/desk";

const room: Household = {
  id: 5, room: "3-0512", building: "3", floor: 5, resident: "刘芳", box_number: "2026000001", household_number: 7, closed: false, epoch: 1, state_bits: 0, holds: ["no_credit"],
  relay_closed: false, remaining_ckwh: 0, forward_ckwh: 100, power_dw: 0, read_at: Date.now(), credited_ckwh: 0, ticket_number: 0, confirmed_ticket_number: 0,
  alarms: { low_ckwh: 1000, cutoff_ckwh: 500, overdraft_ckwh: 0 }, price_e4: 6400, pending: [], answering: true,
};
const sold: Sale = {
  id: 1, receipt: "20261122-000001", order_id: "x", household_id: 5, room: "3-0512", amount_fen: 10000, energy_ckwh: 15625, price_e4: 6400, channel: "cash", operator: "owner",
  state: "pending", steps: [{ step: "accepted", at: 1 }, { step: "booked", at: 2 }], attempts: 0, last_problem: "",
};

function formWith(sell: DeskPorts["sell"]): SaleForm {
  return new SaleForm(ref(room), { sell, wait: async () => undefined });
}
const noReply = (): Promise<Sale> => Promise.reject(new ApiError("unknown", 0, "no_reply", "no reply"));

describe("sale form", () => {
  it("sells once however often the confirm key is hit", async () => {
    let finish: (sale: Sale) => void = () => undefined;
    const sell = vi.fn(() => new Promise<Sale>((done) => (finish = done)));
    const form = formWith(sell);
    form.text.value = "100";
    expect(form.next()).toBeNull();
    const both = [form.confirm(), form.confirm(), form.confirm()];
    finish(sold);
    await Promise.all(both);
    await form.confirm();
    expect(sell).toHaveBeenCalledTimes(1);
    expect(form.phase.value).toBe("done");
  });
  it("asks again with the same order when the reply was lost", async () => {
    // The office booked it, the network lost the answer: a new order id would sell a second time.
    const sell = vi.fn<DeskPorts["sell"]>().mockImplementationOnce(noReply).mockImplementationOnce(noReply).mockResolvedValue(sold);
    const form = formWith(sell);
    form.text.value = "100";
    form.next();
    await form.confirm();
    expect(form.phase.value).toBe("done");
    expect(new Set(sell.mock.calls.map((call) => call[1]))).toEqual(new Set([form.orderId]));
  });
  it("never claims that nothing was sold while that is unknown", async () => {
    const sell = vi.fn<DeskPorts["sell"]>().mockImplementation(noReply);
    const form = formWith(sell);
    form.text.value = "100";
    form.next();
    await form.confirm();
    expect(form.phase.value).toBe("unknown");
    expect(form.mayClose).toBe(false);
    sell.mockResolvedValue(sold);
    await form.confirm();
    expect(form.phase.value).toBe("done");
    expect(new Set(sell.mock.calls.map((call) => call[1])).size).toBe(1);
  });
  it("goes back to the amount with the office's reason when it was refused", async () => {
    const form = formWith(() => Promise.reject(new ApiError("refused", 422, "hoarding_limit", "too much")));
    form.text.value = "100";
    form.next();
    await form.confirm();
    expect(form.phase.value).toBe("amount");
    expect(form.error.value?.code).toBe("hoarding_limit");
    expect(form.text.value).toBe("100");
  });
  it("refuses wrong amounts before anything is sent", () => {
    const form = formWith(vi.fn());
    for (const [text, problem] of [["", "bad_amount"], ["abc", "bad_amount"], ["0", "zero_amount"], ["0.001", "bad_amount"]] as const) {
      form.text.value = text;
      expect(form.next(), text).toBe(problem);
      expect(form.phase.value).toBe("amount");
    }
  });
  it("steps through the quick sums", () => {
    const form = formWith(vi.fn());
    form.quick(1);
    expect(form.text.value).toBe("20");
    form.quick(1);
    expect(form.text.value).toBe("50");
    form.quick(-1);
    expect(form.text.value).toBe("20");
    form.quick(-1);
    expect(form.text.value).toBe("20");
  });
});

describe("desk page", () => {
  let unmount: () => void;
  let host: HTMLElement;
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 6; ++i) await new Promise((done) => setTimeout(done, 25)).then(nextTick);
  };
  const element = <T extends HTMLElement>(selector: string): T => host.querySelector<T>(selector)!;
  const press = (target: Element, key: string, more: KeyboardEventInit & { keyCode?: number } = {}): void => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
    // A button is clicked by Enter unless somebody prevents it; happy-dom leaves that to the page.
    if (target.dispatchEvent(event) && key === "Enter" && target instanceof HTMLButtonElement) target.click();
  };
  const type = (target: HTMLInputElement, text: string): void => {
    target.value = text;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  };

  beforeEach(async () => {
    vi.spyOn(api, "recentSales").mockResolvedValue({ sales: [] });
    vi.spyOn(api, "household").mockResolvedValue(room);
    vi.spyOn(api, "search").mockResolvedValue({ households: [room] });
    vi.spyOn(api, "sell").mockResolvedValue(sold);
    const store = await import("../src/console/store");
    store.session.value = { user: "owner", name: "owner", role: "owner" };
    const Desk = (await import("../src/console/pages/Desk.vue")).default;
    const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)", component: Desk }] });
    await router.push("/desk");
    host = document.createElement("div");
    document.body.append(host);
    const app = createApp({ template: "<router-view />" }).use(router);
    app.mount(host);
    unmount = () => app.unmount();
    await settle();
  });
  afterEach(() => {
    unmount();
    host.remove();
    vi.restoreAllMocks();
  });

  it("sells by keys alone: room, Enter, sum, Enter, Enter", async () => {
    const search = element<HTMLInputElement>('[data-test="search"]');
    type(search, "30512");
    press(search, "Enter");
    await settle();
    const amount = element<HTMLInputElement>('[data-test="amount"]');
    expect(document.activeElement).toBe(amount);
    type(amount, "100");
    await settle();
    expect(element('[data-test="gives"]').textContent).toContain("156.25");
    press(amount, "Enter");
    await settle();
    const confirm = element<HTMLButtonElement>('[data-test="confirm"]');
    expect(document.activeElement).toBe(confirm);
    press(confirm, "Enter", { repeat: true });
    expect(api.sell).not.toHaveBeenCalled();
    press(confirm, "Enter");
    press(confirm, "Enter");
    await settle();
    expect(api.sell).toHaveBeenCalledTimes(1);
    expect(vi.mocked(api.sell).mock.calls[0]![0]).toEqual({ household_id: 5, amount_fen: 10000, channel: "cash" });
    expect(element('[data-test="done"]').textContent).toContain("20261122-000001");
    expect(document.activeElement).toBe(element('[data-test="search"]'));
  });
  it("leaves Enter to the input method while it composes", async () => {
    // The clerk types a name in pinyin; the Enter that takes the candidate must not choose a room, nor sell.
    const search = element<HTMLInputElement>('[data-test="search"]');
    type(search, "liu");
    await settle();
    press(search, "Enter", { isComposing: true });
    await settle();
    expect(element('[data-test="amount"]')).toBeNull();
    press(search, "Enter");
    await settle();
    const amount = element<HTMLInputElement>('[data-test="amount"]');
    type(amount, "100");
    press(amount, "Enter", { isComposing: true });
    await settle();
    expect(element('[data-test="confirm"]')).toBeNull();
  });
  it("goes one step back on Esc and keeps what was typed", async () => {
    const search = element<HTMLInputElement>('[data-test="search"]');
    type(search, "30512");
    press(search, "Enter");
    await settle();
    type(element<HTMLInputElement>('[data-test="amount"]'), "35.50");
    press(element('[data-test="amount"]'), "Enter");
    await settle();
    press(element('[data-test="confirm"]'), "Escape");
    await settle();
    expect(element<HTMLInputElement>('[data-test="amount"]').value).toBe("35.50");
    expect(api.sell).not.toHaveBeenCalled();
  });
});
