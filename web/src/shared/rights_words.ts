// The words of cards with rights come with the page of cards: whoever uses one imports this file.
import { enRights } from "./en_rights";
import { addWords } from "./i18n";
import { zhRights } from "./zh_rights";

addWords(zhRights, enRights);
