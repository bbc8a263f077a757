// What a page shows that is read as a whole: when it was read, and what went wrong. Read at first, when somebody asks
// again, and after every gap in the stream of events.
import { onMounted, ref, shallowRef, watch } from "vue";

import { reload } from "./store";

export function useLoaded(read: () => Promise<void>, may: () => boolean = () => true) {
  const at = ref<number | null>(null);
  const problem = shallowRef<unknown>(null);
  async function load(): Promise<void> {
    if (!may()) return;
    try {
      await read();
      at.value = Date.now();
      problem.value = null;
    } catch (error) {
      problem.value = error;
    }
  }
  onMounted(load);
  watch(reload, load);
  return { at, problem, load };
}
