// The words of approvals, orders to many, work and accounts come with the pages that use them, not with the first
// page: whoever uses one imports this file.
import { enOffice } from "./en_office";
import { addWords } from "./i18n";
import { zhOffice } from "./zh_office";

addWords(zhOffice, enOffice);
