// Price plans as the office writes them ("stepped energy month 5000:6400,0:9000 fee 100 5"), made from a form and read again.
import { parseFixed } from "./numbers";
import type { Plan } from "./office_api";

export interface PlanForm { kind: "flat" | "stepped"; price: string; upto: string; next: string; fee: string; perMille: string }
// Null when a figure is not one.
export function planContent(form: PlanForm): string | null {
  const price = parseFixed(form.price, 4);
  const fee = form.fee.trim() === "" ? 0 : parseFixed(form.fee, 2);
  const perMille = form.perMille.trim() === "" ? 0 : parseFixed(form.perMille, 0);
  if (price === null || price <= 0 || fee === null || perMille === null) return null;
  if (form.kind === "flat") return `flat energy month 0:${price} fee ${fee} ${perMille}`;
  const upto = parseFixed(form.upto, 2);
  const next = parseFixed(form.next, 4);
  return upto === null || upto <= 0 || next === null || next <= 0 ? null : `stepped energy month ${upto}:${price},0:${next} fee ${fee} ${perMille}`;
}

export interface PlanRead { kind: string; unit: string; period: string; steps: { upto_ckwh: number; price_e4: number }[]; fee_fen: number; per_mille: number }
// Null: it is written in a way that this page does not know.
export function planOf(content: string): PlanRead | null {
  const match = /^(flat|stepped) (energy|money) (month|year) ([\d:,]+) fee (\d+) (\d+)$/.exec(content);
  if (!match) return null;
  const steps = match[4]!.split(",").map((step) => step.split(":").map(Number));
  if (steps.some((step) => step.length !== 2)) return null;
  return { kind: match[1]!, unit: match[2]!, period: match[3]!, steps: steps.map(([upto_ckwh, price_e4]) => ({ upto_ckwh: upto_ckwh!, price_e4: price_e4! })), fee_fen: Number(match[5]), per_mille: Number(match[6]) };
}

// Of each group the one with the latest date that has come (of several the last that was added) is in force.
export function standingOfPlan(plan: Plan, plans: Plan[], now: number): "in_force" | "later" | "past" {
  if (plan.valid_from_at > now) return "later";
  const newer = (p: Plan): boolean => p.group === plan.group && p.valid_from_at <= now && (p.valid_from_at > plan.valid_from_at || (p.valid_from_at === plan.valid_from_at && p.id > plan.id));
  return plans.some(newer) ? "past" : "in_force";
}
// The first instant of a day of the office (UTC+8), from "2026-12-01".
export function beginOfDay(day: string): number | null {
  const at = Date.parse(`${day}T00:00:00+08:00`);
  return Number.isNaN(at) ? null : at;
}
export function dayOf(at: number): string {
  return new Date(at + 8 * 3_600_000).toISOString().slice(0, 10);
}
