// The words of the journal and of the people of the office, for the pages that use them, as office_words.ts.
import { enPeople } from "./en_people";
import { addWords } from "./i18n";
import { zhPeople } from "./zh_people";

addWords(zhPeople, enPeople);
