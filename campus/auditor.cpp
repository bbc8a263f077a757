#include "campus/auditor.hpp"

#include "server/store/ledger_check.hpp"

namespace prewatt::campus {
namespace {

#define PREWATT_SEEN                                                                                   \
    "SELECT b.id, b.household_id, b.order_id, b.amount_fen, b.energy_ckwh, b.epoch, b.ticket_number, " \
    "b.credited_ckwh, "                                                                                \
    "p.confirmed_at FROM bookings b LEFT JOIN progress p ON p.booking_id = b.id "

BookingSeen seen_of(const server::store::Row& row) {
    BookingSeen seen;
    seen.id = row.integer(0);
    seen.household = row.integer(1);
    seen.order_id = row.as<std::string>(2);
    seen.amount_fen = row.integer(3);
    seen.energy_hundredths = row.integer(4);
    seen.epoch = row.integer(5);
    seen.ticket_number = row.integer(6);
    seen.credited_hundredths = row.integer(7);
    seen.confirmed = !row.is_null(8);
    return seen;
}

}  // namespace

std::vector<BookingSeen> Auditor::bookings_after(std::int64_t after) {
    std::vector<BookingSeen> all;
    db_->query(PREWATT_SEEN "WHERE b.id > $1 ORDER BY b.id", {after},
               [&](const server::store::Row& row) { all.push_back(seen_of(row)); });
    return all;
}

std::optional<BookingSeen> Auditor::booking(std::int64_t household, std::int64_t epoch, std::int64_t number) {
    std::optional<BookingSeen> found;
    db_->query(PREWATT_SEEN "WHERE b.household_id = $1 AND b.epoch = $2 AND b.ticket_number = $3",
               {household, epoch, number}, [&](const server::store::Row& row) { found = seen_of(row); });
    return found;
}

std::vector<Auditor::Confirmed> Auditor::confirmed() {
    std::vector<Confirmed> all;
    db_->query(
        "SELECT b.household_id, b.epoch, MAX(b.ticket_number) FROM bookings b JOIN progress p ON p.booking_id = b.id "
        "WHERE p.confirmed_at IS NOT NULL GROUP BY b.household_id, b.epoch",
        {}, [&](const server::store::Row& row) { all.push_back({row.integer(0), row.integer(1), row.integer(2)}); });
    return all;
}

std::string Auditor::add_up() {
    return server::store::add_up_ledger(*db_).problem;
}

}  // namespace prewatt::campus
