// Cards at the desk: the page stands between the office, which seals and keeps the books, and the desk agent of this
// machine, which has the reader (docs/decisions/0016). Decides how a card's visit goes:
//  * an order has its id from its first try on, so that what was torn goes on with the same order when the card is back;
//  * a sale is booked first and written then; once it is booked nothing asks for money again;
//  * another card than the one that was torn does not get what was meant for it.
import { type Ref, ref, shallowRef } from "vue";

import { ApiError, type Sale, call } from "./api";
import { newOrderId } from "./numbers";

export interface CardTicket { epoch: number; ticket_number: number; credited: number }
export interface CardSaid {
  epoch: number; ticket_number: number; used: number; remaining: number; forward_ckwh: number; holds: string[]; relay_closed: boolean;
  low_credit: boolean; hints: string[]; bad_cards: number; swiped_at: number | null; source: "card";
}
export interface Card {
  id: number; uid: string; kind: string; household_id: number; room: string; issue: number;
  state: "issued" | "written" | "lost" | "taken_back" | "dead"; box_number: string | null; unit: "ckwh" | "fen"; carries: CardTicket | null;
  written_at: number | null; write_open: boolean; said: CardSaid | null; said_at: number | null; seen_at: number | null; issued_at: number;
  issued_by: string; replaces: number | null; ended_at: number | null; why: string;
}
export type Finding = "not_ours" | "unknown" | "unfinished" | "behind" | "moved" | "up_to_date" | "revoked";
export type RightState = "open" | "carried_out" | "overtaken" | "expired" | "refused";
export interface CardRight {
  box_number: string | null; household_id: number | null; number: number; sequence: number; from: number; until: number; state: RightState;
  said: { sequence: number; code: number; at: number | null } | null; told_at: number | null;
}
export type WarrantKind = "set_up" | "inspection" | "clear" | "restore" | "reader_test";
export interface Warrant {
  id: number; kind: WarrantKind; boxes: string[]; household_id: number | null; valid_hours: number; restores: string[];
  state: "agreed" | "on_card" | "withdrawn"; asked_by: string; agreed_by: string; reason: string; asked_at: number; card_id: number | null;
  rights: CardRight[]; values: number; values_left: number;
}
export interface WarrantOrder { kind: WarrantKind; reason: string; boxes?: string; household_id?: number; valid_hours?: number; restores?: string }
export interface Report {
  finding: Finding; rolled_back: boolean; took_said: boolean; card: Card | null; newest: CardTicket | null; warrant?: Warrant | null;
}
export interface DeskKeys { base: number; sectors: { a: string; b: string }[] }
export interface Plan { write_id: number; repeated: boolean; card: Card | null; steps: { sector: number; kind: string; bytes: string }[] }
export interface Sight { uid: string; sectors: string }
export interface CardWrite { id: number; order_id: string; kind: string; state: string }

export const cardApi = {
  ofHousehold: (id: number) => call<{ cards: Card[] }>("GET", `/households/${id}/cards?limit=10`),
  card: (id: number) => call<{ card: Card; writes: CardWrite[] }>("GET", `/cards/${id}`),
  end: (id: number, how: "lost" | "taken_back" | "dead", reason: string) => call<Card>("POST", `/cards/${id}/end`, { body: { how, reason } }),
  keys: (uid: string) => call<DeskKeys>("POST", "/desk/keys", { body: { uid } }),
  look: (sight: Sight) => call<Report>("POST", "/desk/look", { body: sight }),
  order: (order: Order, sight: Sight) =>
    call<Plan>("POST", "/desk/orders", {
      body: { kind: order.kind, household_id: order.householdId, replaces: order.replaces, reason: order.reason, ...sight }, orderId: order.id,
    }),
  orderWarrant: (id: number, orderId: string, sight: Sight) => call<Plan>("POST", `/desk/warrants/${id}`, { body: sight, orderId }),
  warrants: () => call<{ warrants: Warrant[] }>("GET", "/warrants?limit=20"),
  ask: (order: WarrantOrder, orderId: string) => call<Warrant>("POST", "/warrants", { body: order, orderId }),
  rules: () => call<{ may_release_lockout: boolean }>("GET", "/card-rules"),
  setRules: (releases: boolean, reason: string) =>
    call<{ may_release_lockout: boolean }>("PUT", "/card-rules", { body: { swipe_after_lockout: releases ? "releases" : "refused", reason } }),
  done: (writeId: number, sight: Sight) => call<{ card: Card | null }>("POST", `/desk/writes/${writeId}/done`, { body: sight }),
};

// --- The desk agent

export interface AgentState { reader: string; busy: boolean; card: { uid: string } | null; words: string }
export class AgentError extends Error {
  constructor(readonly code: string, message: string, readonly begun: boolean) {
    super(message);
  }
}
const kAgentKept = "prewatt.desk_agent";
const kAgentDefault = "http://127.0.0.1:8086";

export function keptAgent(): { url: string; code: string } {
  try {
    const kept = JSON.parse(localStorage.getItem(kAgentKept) ?? "null") as { url?: string; code?: string } | null;
    return { url: kept?.url ?? kAgentDefault, code: kept?.code ?? "" };
  } catch {
    return { url: kAgentDefault, code: "" };
  }
}
export function keepAgent(url: string, code: string): void {
  try {
    localStorage.setItem(kAgentKept, JSON.stringify({ url, code }));
  } catch {
    // Asked again at the next visit.
  }
}

export class Agent {
  constructor(private readonly url: string, private readonly code: string) {}
  state(): Promise<AgentState> {
    return this.ask<AgentState>("GET", "/v1/state");
  }
  progress(): Promise<{ phase: string; step: number; steps: number }> {
    return this.ask("GET", "/v1/progress");
  }
  read(uid: string, keys: DeskKeys, depth: "records" | "all"): Promise<Sight> {
    return this.ask("POST", "/v1/read", { uid, keys, depth });
  }
  write(uid: string, keys: DeskKeys, plan: Plan): Promise<Sight> {
    return this.ask("POST", "/v1/write", { uid, keys, write_id: plan.write_id, steps: plan.steps });
  }
  private async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 20000);
    let answer: Response;
    let json: unknown;
    try {
      const headers: Record<string, string> = { "X-Prewatt-Desk": this.code };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      answer = await fetch(this.url + path, {
        method, headers, cache: "no-store", credentials: "omit", signal: abort.signal, body: body === undefined ? null : JSON.stringify(body),
      });
      json = await answer.json();
    } catch {
      throw new AgentError("no_agent", "no agent", true);
    } finally {
      clearTimeout(timer);
    }
    if (answer.ok) return json as T;
    const error = (json as { error?: { code?: string; message?: string; details?: { begun?: boolean } } }).error;
    throw new AgentError(error?.code ?? "no_agent", error?.message ?? "", error?.details?.begun ?? false);
  }
}

// --- A card's visit

export interface Order { kind: "issue" | "ticket" | "format" | "warrant"; id: string; householdId: number; replaces: number; reason: string; warrant?: number }
export type Place = "absent" | "unpaired" | "empty" | "busy" | "card";
export type VisitPhase = "idle" | "reading" | "asking" | "selling" | "writing" | "verifying" | "done" | "torn" | "failed";

export interface VisitPorts {
  agent: () => Agent;
  office: typeof cardApi;
  sell: (body: { household_id: number; amount_fen: number; channel: string }, orderId: string) => Promise<Sale>;
  wait: (ms: number) => Promise<void>;
}

export class CardVisit {
  readonly place: Ref<Place> = ref<Place>("absent");
  readonly words = ref("");
  readonly reader = ref("");
  readonly uid = ref("");
  readonly report = shallowRef<Report | null>(null);
  readonly phase: Ref<VisitPhase> = ref<VisitPhase>("idle");
  readonly step = ref({ step: 0, steps: 0 });
  readonly error = shallowRef<unknown>(null);
  readonly sale = shallowRef<Sale | null>(null);
  // What was begun and not ended: it goes on when this card is back.
  readonly open = shallowRef<{ order: Order; uid: string } | null>(null);
  private running = false;

  constructor(private readonly ports: VisitPorts) {}

  get busy(): boolean {
    return this.running;
  }

  // Asked now and then: what lies on the reader. A card that has come is read by itself; one that was torn goes on.
  async poll(): Promise<void> {
    if (this.running) return;
    let state: AgentState;
    try {
      state = await this.ports.agent().state();
    } catch (error) {
      this.place.value = error instanceof AgentError && error.code === "not_paired" ? "unpaired" : "absent";
      this.leave();
      return;
    }
    if (this.running) return;
    this.reader.value = state.reader;
    this.words.value = state.words;
    if (state.busy) return;
    if (!state.card) {
      this.place.value = "empty";
      this.leave();
      return;
    }
    this.place.value = "card";
    if (state.card.uid === this.uid.value) return;
    this.uid.value = state.card.uid;
    const open = this.open.value;
    if (open && open.uid === state.card.uid) await this.run(open.order);
    else await this.read();
  }
  private leave(): void {
    this.uid.value = "";
    this.report.value = null;
    if (this.phase.value !== "torn") this.phase.value = "idle";
  }

  async read(): Promise<void> {
    await this.alone(async () => {
      this.error.value = null;
      this.phase.value = "reading";
      const keys = await this.ports.office.keys(this.uid.value);
      const sight = await this.ports.agent().read(this.uid.value, keys, "records");
      this.phase.value = "asking";
      this.report.value = await this.ports.office.look(sight);
      this.phase.value = this.open.value ? "torn" : "idle";
    });
  }

  issue(householdId: number, replaces: number, reason: string): Promise<void> {
    return this.run({ kind: "issue", id: newOrderId(), householdId, replaces, reason });
  }
  // Money first, then the card. A lost reply asks again with the same order.
  async sell(householdId: number, amountFen: number, channel: string): Promise<void> {
    const id = newOrderId();
    let sold = false;
    await this.alone(async () => {
      this.error.value = null;
      this.sale.value = null;
      this.phase.value = "selling";
      const body = { household_id: householdId, amount_fen: amountFen, channel };
      for (let tries = 0; ; ++tries) {
        try {
          this.sale.value = await this.ports.sell(body, id);
          break;
        } catch (error) {
          if (!(error instanceof ApiError) || error.kind !== "unknown" || tries >= 3) throw error;
          await this.ports.wait(1000 << tries);
        }
      }
      sold = true;
    });
    if (sold) await this.run({ kind: "ticket", id: `${id}.card`, householdId: 0, replaces: 0, reason: "" });
  }
  // A card with rights, for what was agreed upon.
  warrant(id: number): Promise<void> {
    return this.run({ kind: "warrant", id: newOrderId(), householdId: 0, replaces: 0, reason: "", warrant: id });
  }
  // Whatever is due: a torn issue is the same order once more, everything else the newest ticket.
  async repair(): Promise<void> {
    const card = this.report.value?.card;
    if (!card) return;
    const warrant = this.report.value?.warrant;
    if (warrant) return this.warrant(warrant.id);
    let order: Order = { kind: "ticket", id: newOrderId(), householdId: 0, replaces: 0, reason: "" };
    if (card.state === "issued") {
      let first: CardWrite | undefined;
      await this.alone(async () => {
        first = (await this.ports.office.card(card.id)).writes.find((write) => write.kind === "issue");
      });
      if (!first) return;
      order = { kind: "issue", id: first.order_id, householdId: card.household_id, replaces: card.replaces ?? 0, reason: "" };
    }
    await this.run(order);
  }
  async takeBack(reason: string): Promise<void> {
    const card = this.report.value?.card;
    let ended = false;
    await this.alone(async () => {
      if (card && (card.state === "issued" || card.state === "written")) await this.ports.office.end(card.id, "taken_back", reason);
      ended = true;
    });
    if (ended) await this.format();
  }
  format(): Promise<void> {
    return this.run({ kind: "format", id: newOrderId(), householdId: 0, replaces: 0, reason: "" });
  }
  // The clerk does not wait for the torn card: the books know that its write is open.
  giveUp(): void {
    this.open.value = null;
    this.phase.value = "idle";
  }

  private async run(order: Order): Promise<void> {
    const uid = this.uid.value;
    await this.alone(async () => {
      this.error.value = null;
      this.open.value = { order, uid };
      this.phase.value = "reading";
      const agent = this.ports.agent();
      const keys = await this.ports.office.keys(uid);
      const sight = await agent.read(uid, keys, order.kind === "ticket" ? "records" : "all");
      this.phase.value = "asking";
      const plan = order.warrant ? await this.ports.office.orderWarrant(order.warrant, order.id, sight) : await this.ports.office.order(order, sight);
      let readBack: Sight = { uid, sectors: "" };
      if (!plan.repeated) {
        this.phase.value = "writing";
        this.step.value = { step: 0, steps: plan.steps.length };
        readBack = await this.watched(agent, agent.write(uid, keys, plan));
      }
      this.phase.value = "verifying";
      const { card } = await this.ports.office.done(plan.write_id, readBack);
      this.open.value = null;
      this.report.value = {
        finding: card ? "up_to_date" : "not_ours", rolled_back: false, took_said: false, card, newest: card?.carries ?? null,
      };
      if (order.kind === "format") this.report.value = { finding: "not_ours", rolled_back: false, took_said: false, card: null, newest: null };
      this.phase.value = "done";
    });
  }
  private async watched<T>(agent: Agent, work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    while (!ended) {
      await Promise.race([this.ports.wait(150), work.then(end, end)]);
      if (ended) break;
      try {
        const now = await agent.progress();
        if (now.phase === "writing") this.step.value = { step: now.step, steps: now.steps };
      } catch {
        // The work itself says what is wrong.
      }
    }
    return work;
  }
  // One thing at a time. A card that left is torn when something was to be written, and gone otherwise.
  private async alone(work: () => Promise<void>): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      await work();
    } catch (error) {
      this.error.value = error;
      const left = error instanceof AgentError && (error.code === "no_card" || error.code === "swapped" || error.code === "no_agent");
      if (left && this.open.value) this.phase.value = "torn";
      else if (error instanceof AgentError && error.code === "no_card") this.phase.value = "idle";
      else {
        this.phase.value = "failed";
        // Refused: there is nothing to go on with by itself.
        if (!left) this.open.value = null;
      }
      // Whatever lies there now is looked at anew.
      if (left) this.uid.value = "";
    } finally {
      this.running = false;
    }
  }
}
