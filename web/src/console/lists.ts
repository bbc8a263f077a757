// What the pages with a list beside one of its entries share: arrow keys from entry to entry, and the entry that the
// address names.
import { type ShallowRef, ref, shallowRef } from "vue";

import { ApiError } from "../shared/api";

export function arrowKeys(event: KeyboardEvent): void {
  if (event.isComposing) return;
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll("a")];
  links[links.indexOf(event.target as HTMLAnchorElement) + step]?.focus();
}

// `id`: as in the address now. An answer that comes after another entry was chosen is dropped.
export function useChosen<T>(id: () => string | undefined, ask: (id: number) => Promise<T>, problem: { value: unknown }) {
  const chosen: ShallowRef<T | null> = shallowRef(null);
  const missing = ref(false);
  async function loadChosen(): Promise<void> {
    const wanted = Number(id() ?? 0);
    if (!(wanted > 0)) {
      chosen.value = null;
      return;
    }
    try {
      const found = await ask(wanted);
      if (Number(id()) !== wanted) return;
      chosen.value = found;
      missing.value = false;
    } catch (error) {
      missing.value = error instanceof ApiError && error.status === 404;
      if (!missing.value) problem.value = error;
    }
  }
  return { chosen, missing, loadChosen };
}
