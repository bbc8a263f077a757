import { describe, expect, it } from "vitest";

import { en as enFirst } from "../src/shared/en";
import { enMoney } from "../src/shared/en_money";
import { enOffice } from "../src/shared/en_office";
import { enPeople } from "../src/shared/en_people";
import { enRights } from "../src/shared/en_rights";
import { fill, language, setLanguage, t } from "../src/shared/i18n";
import "../src/shared/money_words";
import "../src/shared/office_words";
import "../src/shared/people_words";
import { zh as zhFirst } from "../src/shared/zh";
import { zhMoney } from "../src/shared/zh_money";
import { zhOffice } from "../src/shared/zh_office";
import { zhPeople } from "../src/shared/zh_people";
import { zhRights } from "../src/shared/zh_rights";

const zh = { ...zhFirst, ...zhOffice, ...zhMoney, ...zhPeople, ...zhRights };
const en: Record<keyof typeof zh, string> = { ...enFirst, ...enOffice, ...enMoney, ...enPeople, ...enRights };

const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!).sort();

describe("words", () => {
  it("are the same keys with the same places in both languages", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
    for (const key of Object.keys(zh) as (keyof typeof zh)[]) {
      expect(places(en[key]), key).toEqual(places(zh[key]));
      expect(en[key].trim(), key).not.toBe("");
      if (key !== "nav.language" && key !== "nav.language_label") expect(en[key], key).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });
  it("change at once", () => {
    setLanguage("zh");
    expect(t("nav.desk")).toBe("售电");
    setLanguage("en");
    expect(language.value).toBe("en");
    expect(t("wall.lit", { n: 3 })).toBe("3 on");
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
  });
  it("stand only in the word lists: no page has Chinese of its own", () => {
    // A forgotten label would stay Chinese for an engineer who reads English.
    const pages = import.meta.glob<string>("../src/**/*.vue", { query: "?raw", import: "default", eager: true });
    expect(Object.keys(pages).length).toBeGreaterThan(10);
    for (const [name, text] of Object.entries(pages)) expect(/[\u4e00-\u9fff]/.test(text), name).toBe(false);
  });
  it("that come later are asked for by every page that uses one", () => {
    // Where the import is missing the page shows a key instead of words, but only to whoever opens this page first.
    const pages = import.meta.glob<string>("../src/console/**/*.vue", { query: "?raw", import: "default", eager: true });
    for (const [words, file, most] of [[zhOffice, "office_words", 8], [zhMoney, "money_words", 4], [zhPeople, "people_words", 1]] as const) {
      const keys = Object.keys(words);
      for (const key of keys) expect(Object.keys(zhFirst), key).not.toContain(key);
      let users = 0;
      for (const [name, text] of Object.entries(pages)) {
        if (!keys.some((key) => text.includes(`t("${key}"`))) continue;
        ++users;
        expect(text, name).toContain(`/${file}";`);
      }
      expect(users, file).toBeGreaterThan(most);
    }
    for (const key of Object.keys(zhMoney)) expect(Object.keys(zhOffice), key).not.toContain(key);
  });
  it("exist for every code that the office can refuse with", () => {
    const sources = import.meta.glob<string>(["../../server/api/*.cpp", "!../../server/api/*_test.cpp", "../../server/domain/office.cpp"], { query: "?raw", import: "default", eager: true });
    // What only a broken program can meet; the office's own sentence serves.
    const rare = new Set(["bad_target", "bad_request", "headers_too_large", "body_too_large"]);
    const codes = new Set<string>();
    for (const [name, text] of Object.entries(sources)) {
      for (const match of text.matchAll(/(?:refuse|refusal)\(\s*\d{3},\s*"([a-z_]+)"/g)) codes.add(match[1]!);
      if (!name.endsWith("domain/office.cpp")) continue;
      const words = text.slice(text.indexOf("word(Reason"), text.indexOf("word(Wiring"));
      for (const match of words.matchAll(/return "([a-z_]+)"/g)) if (match[1] !== "unknown") codes.add(match[1]!);
    }
    expect(codes.size).toBeGreaterThan(15);
    for (const code of codes) if (!rare.has(code)) expect(Object.keys(zh), code).toContain(`error.${code}`);
  });
});
