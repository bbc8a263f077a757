// What waits for a second person, for the head of every page: asked every ten seconds, at every gap of the stream and after
// an act of this tab. null: not known.
import { computed, ref, shallowRef, watch } from "vue";

import { standingOf } from "../shared/acts";
import { type Approval, office } from "../shared/office_api";
import { now, poll, reload, session } from "./store";

const kAskMs = 10000;
export const waiting = shallowRef<Approval[] | null>(null);
export const waitingAt = ref<number | null>(null);

export async function loadWaiting(): Promise<void> {
  if (!session.value) return;
  const next = (await office.approvals("waiting")).approvals;
  if (!session.value) return;
  waitingAt.value = Date.now();
  waiting.value = next;
}
// A badge may be late; it never breaks a page.
export function lookAtWaiting(): void {
  void loadWaiting().catch(() => undefined);
}
export const waitingCount = computed(() => waiting.value?.filter((a) => now.value < a.expires_at).length ?? 0);
export const mineToDecide = computed(() => waiting.value?.filter((a) => standingOf(a, session.value, now.value) === "decide").length ?? 0);

watch([session, reload, poll], () => {
  if (session.value) return lookAtWaiting();
  waiting.value = null;
  waitingAt.value = null;
}, { immediate: true });
setInterval(() => {
  if (session.value && document.visibilityState !== "hidden") lookAtWaiting();
}, kAskMs);
