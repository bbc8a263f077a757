// A household as the pages show it: what its meter last said, beside whether the box answers at this moment.
import { type ComputedRef, computed, onMounted, onUnmounted, watch } from "vue";

import { type Household, api } from "../shared/api";
import { type StateWord, hasBit, kBit, stateWord } from "../shared/state";
import { boxOf, households, keepHousehold, poll, reload } from "./store";

const kLookMs = 20000;

export interface Head { word: StateWord; low: boolean; forced: boolean; relayFault: boolean; answering: boolean }

export function headOf(h: Household): Head {
  const answering = boxOf(h.box_number)?.answering ?? h.answering;
  return {
    word: stateWord({ answering: answering || h.by_card === true, holds: h.holds, read_at: h.read_at }),
    low: hasBit(h.state_bits, kBit.low), forced: hasBit(h.state_bits, kBit.forced), relayFault: hasBit(h.state_bits, kBit.relayFault),
    answering,
  };
}

// Loads a household, and again after every gap in the stream of events.
export function useHousehold(id: () => number | null, failed?: (error: unknown) => void): ComputedRef<Household | null> {
  async function load(): Promise<void> {
    const which = id();
    if (which === null) return;
    try {
      keepHousehold(await api.household(which));
    } catch (error) {
      failed?.(error);
    }
  }
  // Asking also tells the office that somebody looks: it reads this box's power while that is so.
  let timer: ReturnType<typeof setInterval>;
  onMounted(() => {
    void load();
    timer = setInterval(() => void load(), kLookMs);
  });
  onUnmounted(() => clearInterval(timer));
  watch([id, reload, poll], load);
  return computed(() => {
    const which = id();
    return which === null ? null : (households.get(which) ?? null);
  });
}
