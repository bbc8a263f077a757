// The words of cash drawers, moving, previews of money, plans, quotas and settings, for the pages that use them, as
// office_words.ts.
import { enMoney } from "./en_money";
import { addWords } from "./i18n";
import { zhMoney } from "./zh_money";

addWords(zhMoney, enMoney);
