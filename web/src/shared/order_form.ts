// One order of a form that is not a sale (refund, settlement, campaign, answer ...). The order id is made when the form
// opens; only one try at a time; a lost reply is no refusal: the same order is asked for again. A refusal because another
// person has to approve is no error: the request waits.
import { type Ref, ref, shallowRef } from "vue";

import { waitingRequest } from "./acts";
import { ApiError } from "./api";
import { newOrderId } from "./numbers";

export type OrderPhase = "fill" | "sending" | "unknown" | "waits" | "done";
// Refusals after which it is open whether the order was executed.
const kOpenCodes = new Set(["no_reply", "storage_failed", "internal"]);

export class OrderForm<T> {
  readonly orderId = newOrderId();
  readonly phase: Ref<OrderPhase> = ref<OrderPhase>("fill");
  readonly error = shallowRef<ApiError | null>(null);
  readonly request = ref<number | null>(null);
  readonly result = shallowRef<T | null>(null);
  private last: ((orderId: string) => Promise<T>) | null = null;

  // While it is open what the office did, only the same order may be asked for again: `order` is then left out of account.
  async send(order: (orderId: string) => Promise<T>): Promise<void> {
    if (this.phase.value !== "fill" && this.phase.value !== "unknown") return;
    if (this.phase.value === "fill" || !this.last) this.last = order;
    this.phase.value = "sending";
    this.error.value = null;
    try {
      this.result.value = await this.last(this.orderId);
      this.phase.value = "done";
    } catch (caught) {
      const error = caught instanceof ApiError ? caught : new ApiError("unknown", 0, "no_reply", String(caught));
      this.request.value = waitingRequest(error);
      if (this.request.value !== null) {
        this.phase.value = "waits";
        return;
      }
      this.error.value = error;
      this.phase.value = kOpenCodes.has(error.code) ? "unknown" : "fill";
    }
  }
  get mayClose(): boolean {
    return this.phase.value !== "sending" && this.phase.value !== "unknown";
  }
}
