import { t } from "./i18n";

// The clocks of office and browser may differ a little; what lies in the future is of this moment.
export function age(at: number | null, now: number): string {
  if (at === null || at === 0) return t("age.never");
  const s = Math.max(0, Math.floor((now - at) / 1000));
  if (s < 3) return t("age.now");
  if (s < 60) return t("age.s", { n: s });
  if (s < 3600) return t("age.min", { n: Math.floor(s / 60) });
  if (s < 86400) return t("age.h", { n: Math.floor(s / 3600) });
  return t("age.d", { n: Math.floor(s / 86400) });
}
