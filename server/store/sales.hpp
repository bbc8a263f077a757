// Sales and the ledger in the tables: book what server/domain has decided, and show it again.
#pragma once
#include "server/domain/sale.hpp"
#include "server/store/writer.hpp"

// The booking that says what the household was credited up to now; NULL when there is none.
#define PREWATT_NEWEST_BOOKING(household) \
    "(SELECT id FROM bookings WHERE household_id = " household " ORDER BY epoch DESC, ticket_number DESC LIMIT 1)"

namespace prewatt::server::store {

// bookings.kind
enum class BookingKind : std::uint8_t { kSale = 1 };

[[nodiscard]] Answer<SaleAnswer> book_sale(Db& db, const SaleOrder& order, UnixTime now, Changes& changes);

[[nodiscard]] Answer<SaleRecord> read_sale(Db& db, SaleId id);
[[nodiscard]] Answer<SaleRecord> read_sale_by_order(Db& db, std::string_view order_id);
[[nodiscard]] Answer<std::vector<SaleRecord>> read_sales(Db& db, HouseholdId household, SaleId before, int limit);
[[nodiscard]] Answer<std::vector<LedgerEntry>> read_entries(Db& db, HouseholdId household, std::int64_t before,
                                                            int limit);

struct LedgerSums {
    std::int64_t sales = 0;
    std::int64_t entries = 0;
    Money taken;
    Energy credited;
    std::string problem;  // the first difference found; empty: none
};
[[nodiscard]] LedgerSums add_up_ledger(Db& db);

}  // namespace prewatt::server::store
