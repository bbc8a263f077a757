// Recomputes the ledger from its rows, as an auditor would who trusts nothing but the rules (docs/formats/ledger.md).
#pragma once
#include "server/store/bookings.hpp"

namespace prewatt::server::store {

struct LedgerSums {
    std::int64_t sales = 0;
    std::int64_t bookings = 0;
    std::int64_t movements = 0;
    std::int64_t entries = 0;
    Money taken;  // by sales, through all channels, less corrections
    Money paid_back;
    Money refunds_due;
    Energy credited;      // to all households, less what was taken out
    std::string problem;  // the first difference found; empty: none
};
[[nodiscard]] LedgerSums add_up_ledger(Db& db);

}  // namespace prewatt::server::store
