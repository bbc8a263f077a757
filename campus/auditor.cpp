#include "campus/auditor.hpp"

#include <cstdio>
#include <cstdlib>

#include "server/store/ledger_check.hpp"

namespace prewatt::campus {
namespace {

#define PREWATT_SEEN                                                                                   \
    "SELECT b.id, b.household_id, b.order_id, b.amount_fen, b.energy_ckwh, b.epoch, b.ticket_number, " \
    "b.credited_ckwh, "                                                                                \
    "p.confirmed_at, b.kind FROM bookings b LEFT JOIN progress p ON p.booking_id = b.id "

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
    seen.kind = row.integer(9);
    if (const auto mark = seen.order_id.find("\u00b7"); mark != std::string::npos) {
        seen.place = std::atoi(seen.order_id.c_str() + mark + 2);
        seen.order_id.resize(mark);
    }
    return seen;
}

}  // namespace

std::int64_t Auditor::newest_booking() {
    std::int64_t newest = 0;
    db_->query("SELECT COALESCE(MAX(id), 0) FROM bookings", {},
               [&](const server::store::Row& row) { newest = row.integer(0); });
    return newest;
}

std::vector<std::uint16_t> Auditor::accounts(std::int64_t household) {
    std::vector<std::uint16_t> all;
    db_->query("SELECT DISTINCT epoch FROM bookings WHERE household_id = $1 AND epoch > 0 ORDER BY epoch", {household},
               [&](const server::store::Row& row) { all.push_back(row.as<std::uint16_t>(0)); });
    return all;
}

std::pair<std::uint16_t, std::uint32_t> Auditor::newest_ticket(std::int64_t household) {
    std::pair<std::uint16_t, std::uint32_t> newest;
    db_->query(
        "SELECT epoch, ticket_number FROM bookings WHERE household_id = $1 ORDER BY epoch DESC, ticket_number DESC "
        "LIMIT 1",
        {household},
        [&](const server::store::Row& row) { newest = {row.as<std::uint16_t>(0), row.as<std::uint32_t>(1)}; });
    return newest;
}

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
        "SELECT b.household_id, b.epoch, b.ticket_number FROM households h JOIN bookings b ON b.id = (SELECT n.id FROM "
        "bookings n JOIN progress p ON p.booking_id = n.id WHERE n.household_id = h.id AND p.confirmed_at IS NOT NULL "
        "ORDER BY n.epoch DESC, n.ticket_number DESC LIMIT 1) ORDER BY h.id",
        {}, [&](const server::store::Row& row) { all.push_back({row.integer(0), row.integer(1), row.integer(2)}); });
    return all;
}

std::vector<Auditor::Given> Auditor::given() {
    std::vector<Given> all;
    db_->query(
        "SELECT household_id, SUM(energy_ckwh), MAX(epoch) FROM bookings WHERE unit = 0 GROUP BY household_id", {},
        [&](const server::store::Row& row) { all.push_back({row.integer(0), row.integer(1), row.integer(2), 0}); });
    // What a meter no longer had when its refund reached it, and nobody was left to take it from: it stands with the
    // refund. Of an account that ended so, also what went beyond all that the settlement had taken out: use of a ticket
    // that was lost with the database, in a room where the office's total counted.
    for (Given& one : all)
        db_->query(
            "SELECT SUM(-p.remaining_ckwh - COALESCE((SELECT SUM(b.energy_ckwh) FROM bookings b WHERE b.kind = 4 AND "
            "b.refers = s.id AND b.household_id = s.household_id), 0)) FROM bookings s JOIN progress p ON p.booking_id "
            "= s.id WHERE s.household_id = $1 AND s.kind IN (3, 6, 8) AND p.remaining_ckwh < 0 AND (s.kind <> 3 OR NOT "
            "EXISTS (SELECT 1 FROM bookings b WHERE b.kind = 4 AND b.refers = s.id))",
            {one.household}, [&](const server::store::Row& row) { one.short_hundredths = row.integer(0); });
    return all;
}

std::vector<Auditor::Ended> Auditor::ended(std::int64_t household) {
    std::vector<Ended> all;
    db_->query(
        "SELECT b.epoch, b.used_ckwh + CASE WHEN p.remaining_ckwh < 0 THEN -p.remaining_ckwh ELSE 0 END, b.kind, "
        "b.order_id FROM "
        "bookings b LEFT JOIN progress p ON p.booking_id = b.id WHERE b.household_id = $1 AND b.kind IN (6, 8, 10) "
        "ORDER BY b.epoch, b.ticket_number",
        {household}, [&](const server::store::Row& row) {
            if (!all.empty() && all.back().epoch == row.integer(0)) all.pop_back();
            all.push_back({static_cast<std::uint16_t>(row.integer(0)), row.integer(1), row.integer(2) == 10,
                           row.as<std::string>(3)});
        });
    return all;
}

std::string Auditor::story_of(std::int64_t household) {
    std::string story;
    db_->query(
        "SELECT b.booked_at, b.kind, b.order_id, b.amount_fen, b.energy_ckwh, b.epoch, b.ticket_number, "
        "b.credited_ckwh, "
        "b.used_ckwh, p.confirmed_at, p.remaining_ckwh FROM bookings b LEFT JOIN progress p ON p.booking_id = b.id "
        "WHERE b.household_id = $1 ORDER BY b.id",
        {household}, [&](const server::store::Row& row) {
            char line[300];
            std::snprintf(
                line, sizeof line,
                "  at %lld s: kind %lld %-14s %8lld fen %8lld ckWh, ticket %lld.%lld credited %lld, used known %lld, "
                "confirmed at %lld s with %lld\n",
                row.integer(0) / 1000LL, row.integer(1) + 0LL, row.as<std::string>(2).c_str(), row.integer(3) + 0LL,
                row.integer(4) + 0LL, row.integer(5) + 0LL, row.integer(6) + 0LL, row.integer(7) + 0LL,
                row.integer(8) + 0LL, row.integer(9) / 1000LL, row.integer(10) + 0LL);
            story += line;
        });
    return story;
}

std::string Auditor::add_up() {
    return server::store::add_up_ledger(*db_).problem;
}

}  // namespace prewatt::campus
