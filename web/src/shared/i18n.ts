// Words of the pages. zh.ts is the source; en.ts must have the same keys (the type check says so) and the same {places}
// (a test says so). `t` knows which places a text has, so that none can be forgotten.
import { shallowRef } from "vue";

import { en } from "./en";
import { zh } from "./zh";
import type { zhMoney } from "./zh_money";
import type { zhOffice } from "./zh_office";
import type { zhPeople } from "./zh_people";
import type { zhRights } from "./zh_rights";

type Words = typeof zh & typeof zhOffice & typeof zhMoney & typeof zhPeople & typeof zhRights;
export type Key = keyof Words;
export type Language = "zh" | "en";

type Places<S> = S extends `${string}{${infer P}}${infer Rest}` ? P | Places<Rest> : never;
type Values<K extends Key> = [Places<Words[K]>] extends [never] ? [] : [Record<Places<Words[K]>, string | number>];

const kTables: Record<Language, Record<string, string>> = { zh: { ...zh }, en: { ...en } };
const kKept = "prewatt.language";

function remembered(): Language {
  try {
    const kept = localStorage.getItem(kKept);
    if (kept === "zh" || kept === "en") return kept;
  } catch {
    // A browser that keeps nothing is asked each time.
  }
  return navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";
}

// Words that come with the pages that use them (office_words.ts, money_words.ts).
export function addWords(more: Record<string, string>, moreEnglish: Record<string, string>): void {
  Object.assign(kTables.zh, more);
  Object.assign(kTables.en, moreEnglish);
}

export const language = shallowRef<Language>(remembered());

export function setLanguage(next: Language): void {
  language.value = next;
  try {
    localStorage.setItem(kKept, next);
  } catch {
    // Shown now, not remembered.
  }
}

export function fill(text: string, values?: Record<string, string | number>): string {
  return values ? text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all)) : text;
}

export function t<K extends Key>(key: K, ...values: Values<K>): string {
  return fill(kTables[language.value][key] ?? key, values[0]);
}

// For keys that are made from what the office says; null when there is no such key.
export function tMaybe(key: string): string | null {
  return kTables[language.value][key] ?? null;
}
