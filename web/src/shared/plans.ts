// Price plans as the office writes them ("stepped energy month 5000:6400,0:9000 fee 100 5"; by time of use four rates,
// "time_of_use money month 9000,7000,5000,3000 fee 0 0", for accounts in money), made from a form and read again.
import { parseFixed } from "./numbers";
import type { Plan } from "./office_api";

export interface PlanForm { kind: "flat" | "stepped" | "time_of_use"; price: string; upto: string; next: string; rates: string[]; fee: string; perMille: string }
export const kRates = 4;
export const emptyPlan = (): PlanForm => ({ kind: "flat", price: "", upto: "", next: "", rates: Array<string>(kRates).fill(""), fee: "", perMille: "" });
// Null when a figure is not one.
export function planContent(form: PlanForm): string | null {
  const fee = form.fee.trim() === "" ? 0 : parseFixed(form.fee, 2);
  const perMille = form.perMille.trim() === "" ? 0 : parseFixed(form.perMille, 0);
  if (fee === null || perMille === null) return null;
  if (form.kind === "time_of_use") {
    const rates = form.rates.map((rate) => parseFixed(rate, 4));
    return rates.length !== kRates || rates.some((rate) => rate === null || rate <= 0) ? null : `time_of_use money month ${rates.join(",")} fee ${fee} ${perMille}`;
  }
  const price = parseFixed(form.price, 4);
  if (price === null || price <= 0) return null;
  if (form.kind === "flat") return `flat energy month 0:${price} fee ${fee} ${perMille}`;
  const upto = parseFixed(form.upto, 2);
  const next = parseFixed(form.next, 4);
  return upto === null || upto <= 0 || next === null || next <= 0 ? null : `stepped energy month ${upto}:${price},0:${next} fee ${fee} ${perMille}`;
}

export interface PlanRead { kind: string; unit: string; period: string; steps: { upto_ckwh: number; price_e4: number }[]; rates: number[]; fee_fen: number; per_mille: number }
// Null: it is written in a way that this page does not know.
export function planOf(content: string): PlanRead | null {
  const match = /^(flat|stepped|time_of_use) (energy|money) (month|year) ([\d:,]+) fee (\d+) (\d+)$/.exec(content);
  if (!match) return null;
  const parts = match[4]!.split(",").map((part) => part.split(":").map(Number));
  const byTime = match[1] === "time_of_use";
  if (parts.some((part) => part.length !== (byTime ? 1 : 2)) || (byTime && parts.length !== kRates)) return null;
  const steps = byTime ? [] : parts.map(([upto_ckwh, price_e4]) => ({ upto_ckwh: upto_ckwh!, price_e4: price_e4! }));
  return { kind: match[1]!, unit: match[2]!, period: match[3]!, steps, rates: byTime ? parts.map(([rate]) => rate!) : [], fee_fen: Number(match[5]), per_mille: Number(match[6]) };
}

// Of each group the one with the latest date that has come (of several the last that was added) is in force.
export function standingOfPlan(plan: Plan, plans: Plan[], now: number): "in_force" | "later" | "past" {
  if (plan.valid_from_at > now) return "later";
  const newer = (p: Plan): boolean => p.group === plan.group && p.valid_from_at <= now && (p.valid_from_at > plan.valid_from_at || (p.valid_from_at === plan.valid_from_at && p.id > plan.id));
  return plans.some(newer) ? "past" : "in_force";
}
// What a household may be put into: the groups that have plans, the one for everybody else and the one it is in; with the
// plan in force, or none of its own.
export function priceGroups(plans: Plan[], current: number, now: number): { group: number; plan: Plan | null }[] {
  const numbers = [...new Set([0, current, ...plans.map((plan) => plan.group)])].sort((a, b) => a - b);
  return numbers.map((group) => ({ group, plan: plans.find((plan) => plan.group === group && standingOfPlan(plan, plans, now) === "in_force") ?? null }));
}
// The first instant of a day of the office (UTC+8), from "2026-12-01".
export function beginOfDay(day: string): number | null {
  const at = Date.parse(`${day}T00:00:00+08:00`);
  return Number.isNaN(at) ? null : at;
}
export function dayOf(at: number): string {
  return new Date(at + 8 * 3_600_000).toISOString().slice(0, 10);
}
