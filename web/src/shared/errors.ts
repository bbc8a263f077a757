// An error in words of the chosen language; the office's own sentence when there is none for its code.
import { ApiError } from "./api";
import { t, tMaybe } from "./i18n";

export function words(error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.internal");
  const own = tMaybe(`error.${error.code}`) ?? error.message;
  return error.code === "no_reply" ? own : `${own} (${t("error.code", { code: error.code })})`;
}
