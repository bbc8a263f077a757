// One sale at the desk, as a form with three steps: amount, confirm, done. Decides when money may be booked:
//  * the order id is made when the form opens, so every try of this form is the same order to the office;
//  * only `confirm` sells, only once at a time; a second Enter while one is under way does nothing;
//  * a reply that was lost is not a refusal: the same order is sent again until the office says what happened.
import { type Ref, computed, ref, shallowRef } from "vue";

import { ApiError, type Household, type Sale } from "./api";
import { energyFor, newOrderId, parseFixed } from "./numbers";

export type Phase = "amount" | "confirm" | "sending" | "checking" | "unknown" | "done";
export type AmountProblem = "bad_amount" | "zero_amount" | "too_small" | "no_price" | null;
export const kQuickSums = [20, 50, 100, 200] as const;

// Refusals after which it is open whether the order was executed.
const kOpenCodes = new Set(["no_reply", "storage_failed", "internal"]);
const kRetryMs = [1000, 2000, 4000];

export interface DeskPorts {
  sell: (body: { household_id: number; amount_fen: number; channel: string }, orderId: string) => Promise<Sale>;
  wait: (ms: number) => Promise<void>;
}

export class SaleForm {
  readonly orderId = newOrderId();
  readonly phase: Ref<Phase> = ref<Phase>("amount");
  readonly text = ref("");
  readonly channel = ref("cash");
  readonly error = shallowRef<ApiError | null>(null);
  readonly sale = shallowRef<Sale | null>(null);
  readonly amountFen = computed(() => parseFixed(this.text.value, 2));
  readonly energyCkwh = computed(() => energyFor(this.amountFen.value ?? 0, this.household.value.price_e4));

  constructor(readonly household: Ref<Household>, private readonly ports: DeskPorts) {}

  problem(): AmountProblem {
    const amount = this.amountFen.value;
    if (amount === null) return "bad_amount";
    if (amount <= 0) return "zero_amount";
    if (this.household.value.price_e4 <= 0) return "no_price";
    if (this.energyCkwh.value < 1) return "too_small";
    return null;
  }

  // Up and down in the amount step through the quick sums.
  quick(direction: 1 | -1): void {
    if (this.phase.value !== "amount") return;
    const amount = (this.amountFen.value ?? 0) / 100;
    const next = direction > 0 ? kQuickSums.find((sum) => sum > amount) : [...kQuickSums].reverse().find((sum) => sum < amount);
    if (next !== undefined) this.text.value = String(next);
  }

  next(): AmountProblem {
    if (this.phase.value !== "amount") return null;
    const problem = this.problem();
    if (problem === null) {
      this.error.value = null;
      this.phase.value = "confirm";
    }
    return problem;
  }

  back(): boolean {
    if (this.phase.value !== "confirm") return false;
    this.phase.value = "amount";
    return true;
  }

  get busy(): boolean {
    return this.phase.value === "sending" || this.phase.value === "checking";
  }
  // Nothing may be thrown away while it is open what the office did.
  get mayClose(): boolean {
    return !this.busy && this.phase.value !== "unknown";
  }

  async confirm(): Promise<void> {
    if (this.phase.value !== "confirm" && this.phase.value !== "unknown") return;
    const body = { household_id: this.household.value.id, amount_fen: this.amountFen.value ?? 0, channel: this.channel.value };
    this.phase.value = this.phase.value === "unknown" ? "checking" : "sending";
    this.error.value = null;
    for (let attempt = 0; ; ++attempt) {
      try {
        this.sale.value = await this.ports.sell(body, this.orderId);
        this.phase.value = "done";
        return;
      } catch (caught) {
        const error = caught instanceof ApiError ? caught : new ApiError("unknown", 0, "no_reply", String(caught));
        if (!kOpenCodes.has(error.code)) {
          this.error.value = error;
          this.phase.value = "amount";
          return;
        }
        const pause = kRetryMs[attempt];
        if (pause === undefined) {
          this.error.value = error;
          this.phase.value = "unknown";
          return;
        }
        this.phase.value = "checking";
        await this.ports.wait(pause);
      }
    }
  }
}
