// Sales and the ledger in the tables: book what server/domain has decided, and show it again.
#pragma once
#include "server/domain/sale.hpp"
#include "server/store/bookings.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// Several that stand side by side in a transaction: what they need to know is asked at once. Each is booked, refused or
// answered again exactly as if they had come one after the other.
void book_sales(Db& db, std::span<const SaleOrder* const> orders, std::span<Answer<SaleAnswer>* const> answers,
                UnixTime now, Changes& changes);
[[nodiscard]] Answer<SaleAnswer> book_sale(Db& db, const SaleOrder& order, UnixTime now, Changes& changes);

// The decision alone, as part of a larger order: on `account` when it has been moved on by that, else as it stands.
[[nodiscard]] Answer<SaleDecision> decide_sale_after(Db& db, const SaleOrder& order, const Account* account,
                                                     UnixTime now);

[[nodiscard]] Answer<SaleRecord> read_sale(Db& db, SaleId id);
[[nodiscard]] Answer<SaleRecord> read_sale_by_order(Db& db, std::string_view order_id);
[[nodiscard]] Answer<std::vector<SaleRecord>> read_sales(Db& db, HouseholdId household, SaleId before, int limit);
[[nodiscard]] Answer<std::vector<LedgerEntry>> read_entries(Db& db, HouseholdId household, std::int64_t before,
                                                            int limit);

}  // namespace prewatt::server::store
