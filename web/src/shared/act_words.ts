// What an act will do, in words and figures: a sentence, and rows of old beside new. Pure: what the office knows now comes
// as context; what is not known is left out, never guessed.
import { askedFen, fieldsOf, householdIn, numberIn } from "./acts";
import type { Household, Sale, Site } from "./api";
import { minuteText, selectionOf, wishOf } from "./campaigns";
import { t, tMaybe } from "./i18n";
import { dateTime, kwh, price, yuan } from "./numbers";
import type { Account, Approval, ApprovalRules, CampaignPreview, Group, TicketQuestion } from "./office_api";
import "./office_words";
import { dayOf, planOf } from "./plans";

export interface ActContext {
  site?: Site | null; household?: Household | null; right?: Household | null; sale?: Sale | null; account?: Account | null;
  rules?: ApprovalRules | null; question?: TicketQuestion | null; preview?: CampaignPreview | null; groups?: Group[];
}
export interface ActRow { what: string; old: string; next: string }
export interface ActWords { sentence: string; rows: ActRow[]; notes: string[] }

export const money = (fen: number): string => `${yuan(fen)} ${t("unit.yuan")}`;
export const energy = (ckwh: number): string => `${kwh(ckwh)} kWh`;
// Credit of an account, which counts in kWh or in yuan.
export const credit = (amount: number, unit: "ckwh" | "fen"): string => (unit === "fen" ? money(amount) : energy(amount));

// What a price plan says; one that these pages do not know: as it is written.
export function planWords(content: string): string {
  const plan = planOf(content);
  if (!plan) return content;
  const parts = plan.kind === "time_of_use" ? [t("plan.rates_of", { rates: plan.rates.map((rate) => price(rate)).join(" / ") })]
    : plan.kind === "flat" ? [t("plan.flat_of", { price: price(plan.steps[0]?.price_e4 ?? 0) })]
    : plan.steps.map((step) => (step.upto_ckwh > 0 ? t("plan.step_of", { upto: kwh(step.upto_ckwh), price: price(step.price_e4) }) : t("plan.rest_of", { price: price(step.price_e4) })));
  if (plan.kind === "stepped" && plan.period === "year") parts.push(t("plan.year"));
  if (plan.unit === "money") parts.push(t("plan.money_account"));
  if (plan.fee_fen > 0 || plan.per_mille > 0) parts.push(t("plan.fee_of", { fee: yuan(plan.fee_fen), per_mille: plan.per_mille }));
  return parts.join(" · ");
}

export function wishWords(text: string): string {
  const { word, numbers, rest } = wishOf(text);
  if (word === "force") return t("wish.force_of", { n: numbers[0] ?? 0 });
  if (word === "alarms") return t("wish.alarms_of", { low: kwh(numbers[0] ?? 0), cutoff: kwh(numbers[1] ?? 0), overdraft: kwh(numbers[2] ?? 0) });
  if (word === "setting") return t("wish.setting_of", { what: rest });
  return tMaybe(`wish.${word}`) ?? text;
}
export function selectionWords(text: string, site: Site | null | undefined, groups: Group[] = []): string {
  const { word, numbers } = selectionOf(text);
  const n = numbers[0] ?? 0;
  const name = site?.buildings.find((b) => b.id === n)?.name ?? String(n);
  // Many sites have the word in the name.
  const building = /楼|building/i.test(name) ? name : t("who.building_of", { name });
  if (word === "building") return building;
  if (word === "floor") return t("who.floor_of", { building, floor: numbers[1] ?? 0 });
  if (word === "line") return t("who.line_of", { name: site?.lines.find((l) => l.id === n)?.name ?? String(n) });
  if (word === "box") return t("who.box_of", { number: site?.boxes.find((b) => b.id === n)?.number ?? String(n) });
  if (word === "group") {
    const group = groups.find((g) => g.id === n);
    return group ? t("who.group_of", { name: group.name }) : t("who.list");
  }
  if (word === "price_group") return t("who.price_group_of", { n });
  if (word === "list") return t("who.list_of", { n: numbers.length });
  return t("who.all");
}
// What the office desires of a member now or then: "relay off", "alarms 1000 500 0", "not desired so far".
export function desireWords(text: string): string {
  if (text === "") return "–";
  return tMaybe(`desire.${text.replace(/ /g, "_")}`) ?? (/^(alarms|force|remote|clock|reset|ack)/.test(text) ? wishWords(text) : text);
}
const kCauses: Record<string, "cause.no_meter" | "cause.closed"> = { "it has no meter": "cause.no_meter", "its account is closed": "cause.closed" };
export function causeWords(text: string): string {
  const key = kCauses[text];
  return key ? t(key) : text;
}
export function changeWords(text: string): { old: string; next: string } {
  const at = text.indexOf(" -> ");
  return at < 0 ? { old: "–", next: desireWords(text) } : { old: desireWords(text.slice(0, at)), next: desireWords(text.slice(at + 4)) };
}
export function scheduleWords(c: { start_at: number; daily: boolean; from_minute: number; to_minute: number }): string {
  const parts = [c.start_at > 0 ? t(c.daily ? "when.daily_from" : "when.at", { at: dateTime(c.start_at) }) : t(c.daily ? "when.daily" : "when.now")];
  if (c.from_minute !== c.to_minute) parts.push(t("when.window", { from: minuteText(c.from_minute), to: minuteText(c.to_minute) }));
  return parts.join(" · ");
}

function roomOf(context: ActContext, approval: Approval): string {
  return context.household?.room ?? context.sale?.room ?? approval.subject.split(":")[0]!;
}
// As much credit as the office takes out for a part of a sale: what is worth it, rounded up. Exact as long as nothing of the
// sale was refunded before.
function creditFor(sale: Sale, amountFen: number): number {
  const paid = sale.amount_fen - (sale.fee_fen ?? 0);
  const given = sale.given ?? sale.energy_ckwh;
  return paid <= 0 ? 0 : Math.min(given, Math.ceil((given * amountFen) / paid));
}

function refundWords(approval: Approval, fields: Map<string, string>, context: ActContext): ActWords {
  const amount = numberIn(fields, "amount_fen") ?? askedFen(approval.subject);
  const { sale, account } = context;
  const sentence = t("act.refund", { amount: amount === null ? "?" : yuan(amount), receipt: sale?.receipt ?? fields.get("sale") ?? "?", room: roomOf(context, approval) });
  const rows: ActRow[] = [];
  if (sale && amount !== null) {
    const given = sale.given ?? sale.energy_ckwh;
    const unit = account?.unit ?? "ckwh";
    const taken = creditFor(sale, amount);
    rows.push({ what: t("act.row_sale", { receipt: sale.receipt }), old: money(sale.amount_fen), next: t("act.less", { amount: money(amount) }) });
    rows.push({ what: t("act.row_given"), old: credit(given, unit), next: t("act.about_less", { amount: credit(taken, unit) }) });
    if (account) rows.push({ what: t("act.row_balance"), old: credit(account.remaining, unit), next: t("act.about", { amount: credit(account.remaining - taken, unit) }) });
  }
  return { sentence, rows, notes: [t("act.refund_note"), ...(fields.get("amount_fen") === "all" ? [t("act.refund_all_note")] : [])] };
}
function settleWords(approval: Approval, context: ActContext): ActWords {
  const asked = askedFen(approval.subject);
  const { account } = context;
  const rows: ActRow[] = [];
  if (account) {
    rows.push({ what: t("act.row_balance"), old: credit(account.remaining, account.unit), next: credit(0, account.unit) });
    rows.push({ what: t("act.row_free"), old: credit(account.free_left, account.unit), next: credit(0, account.unit) });
    rows.push({ what: t("act.row_worth"), old: money(account.worth_fen), next: money(0) });
    rows.push({ what: t("act.row_account"), old: t(account.open ? "acct.open" : "acct.closed"), next: t("act.closed") });
  }
  return { sentence: t("act.settle", { room: roomOf(context, approval), amount: asked === null ? "?" : yuan(asked) }), rows, notes: [t("act.settle_note")] };
}
function correctionWords(approval: Approval, fields: Map<string, string>, context: ActContext): ActWords {
  const { sale } = context;
  const household = numberIn(fields, "right_household") ?? 0;
  const amount = numberIn(fields, "right_amount_fen");
  const only_back = household === 0 && amount === null;
  const room = roomOf(context, approval);
  const rows: ActRow[] = [];
  if (sale) {
    rows.push({ what: t("act.row_amount"), old: money(sale.amount_fen), next: only_back ? money(0) : money(amount ?? sale.amount_fen) });
    rows.push({ what: t("act.row_room"), old: sale.room, next: only_back ? "–" : household === 0 || household === sale.household_id ? sale.room : (context.right?.room ?? `#${household}`) });
  }
  return { sentence: t(only_back ? "act.correct_back" : "act.correct", { receipt: sale?.receipt ?? fields.get("sale") ?? "?", room }), rows, notes: [t("act.correct_note")] };
}
function campaignWords(fields: Map<string, string>, context: ActContext): ActWords {
  const wish = fields.get("wish") ?? "";
  const rows = (context.preview?.changes ?? []).map((change) => ({ what: t("camp.n_members", { n: change.members }), ...changeWords(change.text) }));
  const schedule = { start_at: numberIn(fields, "start_at") ?? 0, daily: fields.get("repeat") === "daily", from_minute: numberIn(fields, "window_from") ?? 0, to_minute: numberIn(fields, "window_to") ?? 0 };
  const notes = [t("act.campaign_who", { who: selectionWords(fields.get("selection") ?? "all", context.site, context.groups) }), scheduleWords(schedule)];
  if (context.preview && context.preview.already > 0) notes.push(t("camp.already_so", { n: context.preview.already }));
  for (const cause of context.preview?.causes ?? []) notes.push(t("camp.cannot_cause", { n: cause.members, why: causeWords(cause.text) }));
  return { sentence: t("act.campaign", { n: numberIn(fields, "households") ?? 0, wish: wishWords(wish) }), rows, notes };
}
function answerWords(approval: Approval, fields: Map<string, string>, context: ActContext): ActWords {
  const meters = fields.get("answer") === "take_meters";
  const q = context.question;
  const rows: ActRow[] = [];
  if (q) {
    const office_remains = q.office.credited - q.office.used_known;
    rows.push({ what: t("ask.credited"), old: credit(q.office.credited, q.unit), next: meters ? (q.meter.credited === null ? "?" : credit(q.meter.credited, q.unit)) : credit(q.office.credited, q.unit) });
    rows.push({ what: t("ask.remaining"), old: credit(office_remains, q.unit), next: meters ? credit(q.meter.remaining, q.unit) : credit(office_remains, q.unit) });
  }
  const named = fields.get("named");
  const upTo = numberIn(fields, "contains");
  const notes = named !== undefined && named !== "-" ? [t("ask.contains_named", { n: named })] : [];
  // The figures are those of the meter; what it does not hold yet comes on top.
  if (meters && q && upTo !== null && upTo < q.office.ticket_number) notes.push(t("ask.on_top", { n: upTo }));
  return {
    sentence: t(meters ? "act.take_meters" : "act.take_offices", { room: roomOf(context, approval) }), rows, notes,
  };
}
function rulesWords(fields: Map<string, string>, context: ActContext): ActWords {
  const rules = context.rules;
  const mode = fields.get("two_people") ?? "auto";
  const number = (name: string): number => numberIn(fields, name) ?? 0;
  return {
    sentence: t("act.rules"), notes: [],
    rows: [
      { what: t("rules.two_people"), old: rules ? t(`rules.${rules.two_people}`) : "–", next: tMaybe(`rules.${mode}`) ?? mode },
      { what: t("rules.refund_max"), old: rules ? money(rules.refund_max_fen) : "–", next: money(number("refund_max_fen")) },
      { what: t("rules.households_max"), old: rules ? String(rules.households_max) : "–", next: String(number("households_max")) },
      { what: t("rules.valid"), old: rules ? validWords(rules.valid_min) : "–", next: validWords(number("valid_min")) },
    ],
  };
}
export function validWords(minutes: number): string {
  return minutes % 1440 === 0 ? t("rules.days", { n: minutes / 1440 }) : minutes % 60 === 0 ? t("rules.hours", { n: minutes / 60 }) : t("rules.minutes", { n: minutes });
}

// A card that clears or restores, for one household or for whole boxes.
function cardWhat(approval: Approval, fields: Map<string, string>, room: string | undefined): string {
  return householdIn(approval) === null ? t("act.card_boxes", { boxes: (fields.get("boxes") ?? "?").replace(/ /g, ", ") }) : (room ?? `#${householdIn(approval)}`);
}
function cardWords(approval: Approval, fields: Map<string, string>, context: ActContext): ActWords {
  const what = cardWhat(approval, fields, context.household?.room);
  const hours = numberIn(fields, "hours") ?? 0;
  const locks = (["act.lock_overload", "act.lock_malignant", "act.lock_cutoff"] as const).filter((_, n) => fields.get("restores")?.[n] === "1").map((key) => t(key)).join(" / ");
  const sentence = fields.get("kind") === "restore" ? t("act.card_restore", { what, locks, hours }) : t("act.card_clear", { what, hours });
  return { sentence, rows: [], notes: [t("act.card_note")] };
}

const planGroup = (fields: Map<string, string>): string => t("who.price_group_of", { n: numberIn(fields, "group") ?? 0 });

// For a list: what it is about, in one line.
export function actTitle(approval: Approval, site: Site | null | undefined): string {
  const fields = fieldsOf(approval.content);
  const household = householdIn(approval);
  const rooms = (site?.buildings ?? []).flatMap((building) => building.rooms);
  const room = rooms.find((r) => household !== null && r.household_id === household)?.label ?? (household === null ? "" : `#${household}`);
  const asked = askedFen(approval.subject);
  switch (approval.action) {
    case "price.set": return t("desk.price_value", { price: price(numberIn(fields, "price_e4") ?? 0) });
    case "price.add_plan": return `${planGroup(fields)}: ${fields.get("name") ?? "?"}`;
    case "household.price_group": return `${room}: ${planGroup(fields)}`;
    case "sale.refund":
    case "household.settle":
    case "sale.correct": return asked === null ? room : `${room}: ${money(asked)}`;
    case "household.clear":
    case "ticket.answer": return room;
    case "campaign.start": return t("act.campaign", { n: numberIn(fields, "households") ?? 0, wish: wishWords(fields.get("wish") ?? "") });
    case "approvals.set_rules": return t("act.rules");
    case "card.warrant": return cardWhat(approval, fields, room);
    default: return approval.subject;
  }
}

export function actWords(approval: Approval, context: ActContext): ActWords {
  const fields = fieldsOf(approval.content);
  switch (approval.action) {
    case "price.set": {
      const next = numberIn(fields, "price_e4") ?? 0;
      const old = context.site?.price.price_e4;
      return {
        sentence: t("act.price", { price: price(next) }), notes: [t("act.price_note")],
        rows: [{ what: t("act.row_price"), old: old === undefined ? "–" : t("desk.price_value", { price: price(old) }), next: t("desk.price_value", { price: price(next) }) }],
      };
    }
    case "price.add_plan": {
      const day = dayOf(numberIn(fields, "valid_from") ?? 0);
      return {
        sentence: t("act.plan", { name: fields.get("name") ?? "?", group: numberIn(fields, "group") ?? 0, day }), notes: [t("act.plan_note")],
        rows: [{ what: t("act.row_plan"), old: "–", next: planWords(fields.get("plan") ?? "") }],
      };
    }
    case "household.price_group":
      return {
        sentence: t("act.price_group", { room: roomOf(context, approval), group: numberIn(fields, "group") ?? 0 }), notes: [t("act.price_note")],
        rows: [{ what: t("act.row_group"), old: "–", next: planGroup(fields) }],
      };
    case "sale.refund": return refundWords(approval, fields, context);
    case "household.settle": return settleWords(approval, context);
    case "sale.correct": return correctionWords(approval, fields, context);
    case "campaign.start": return campaignWords(fields, context);
    case "ticket.answer": return answerWords(approval, fields, context);
    case "approvals.set_rules": return rulesWords(fields, context);
    case "card.warrant": return cardWords(approval, fields, context);
    case "household.clear": {
      const h = context.household;
      const rows = h ? [
        { what: t("act.row_balance"), old: h.remaining_ckwh === null ? "–" : energy(h.remaining_ckwh), next: energy(0) },
        { what: t("room.used_total"), old: h.forward_ckwh === null ? "–" : energy(h.forward_ckwh), next: energy(0) },
      ] : [];
      return { sentence: t("act.clear", { room: roomOf(context, approval) }), rows, notes: [t("act.clear_note")] };
    }
    default:
      // An act that this page does not know yet: the office's own words, and each field as it stands.
      return { sentence: `${approval.action}: ${approval.subject}`, rows: [...fields].map(([what, next]) => ({ what, old: "–", next })), notes: [] };
  }
}
