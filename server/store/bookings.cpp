#include "server/store/bookings.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <vector>

#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::int64_t kEntriesOfBooking = 8;

// In the order of PREWATT_BOOKING_COLUMNS.
constexpr std::array<std::string_view, kBookingColumns> kColumnsOfBookings{"id",
                                                                           "kind",
                                                                           "order_id",
                                                                           "household_id",
                                                                           "amount_fen",
                                                                           "energy_ckwh",
                                                                           "free_ckwh",
                                                                           "price_e4",
                                                                           "remainder_e4",
                                                                           "fee_fen",
                                                                           "plan_id",
                                                                           "channel",
                                                                           "payer_id",
                                                                           "drawer_id",
                                                                           "corrects",
                                                                           "refers",
                                                                           "operator_name",
                                                                           "reason",
                                                                           "accepted_at",
                                                                           "booked_at",
                                                                           "epoch",
                                                                           "ticket_number",
                                                                           "credited_ckwh",
                                                                           "unit",
                                                                           "tenancy",
                                                                           "paid_total_fen",
                                                                           "used_ckwh",
                                                                           "free_left_ckwh",
                                                                           "month_ckwh",
                                                                           "year_ckwh",
                                                                           "entries_total",
                                                                           "chain"};
std::array<Value, kBookingColumns> values_of(const Booking& b) {
    return {b.id,
            b.kind,
            b.order_id,
            b.household,
            b.amount,
            b.given,
            b.free,
            b.price,
            b.remainder_e4,
            b.fee,
            b.plan,
            b.channel,
            b.payer,
            b.drawer,
            b.corrects,
            b.refers,
            b.operator_name,
            b.reason,
            b.accepted_at,
            b.booked_at,
            b.ticket.epoch,
            b.ticket.number,
            b.ticket.credited,
            b.ticket.unit,
            b.tenancy,
            b.paid_total,
            b.used,
            b.free_left,
            b.month_ckwh,
            b.year_ckwh,
            b.entries_total,
            b.chain};
}

constexpr std::array<std::string_view, 8> kColumnsOfEntries{
    "id", "from_account", "to_account", "unit", "amount", "number", "paid_total_fen", "credited_total_ckwh"};

}  // namespace

Account account_of_row(const Row& row, int column) {
    Account account;
    account.household = row.as<HouseholdId>(column++);
    account.has_meter = !row.is_null(column++);
    account.closed = row.as<bool>(column++);
    account.ticket.epoch = row.as<std::uint16_t>(column++);
    account.ticket.number = row.as<std::uint32_t>(column++);
    account.ticket.credited = row.as<Credit>(column++);
    account.ticket.unit = row.as<AccountUnit>(column++);
    account.tenancy = row.as<std::uint16_t>(column++);
    account.paid = row.as<Money>(column++);
    account.entries = row.as<std::int64_t>(column++);
    account.used = row.as<Credit>(column++);
    account.free_left = row.as<Credit>(column++);
    account.month_ckwh = row.as<std::int64_t>(column++);
    account.year_ckwh = row.as<std::int64_t>(column++);
    account.booked_at = row.as<UnixTime>(column++);
    const auto meter_epoch = row.as<std::uint16_t>(column++);
    if (meter_epoch == account.ticket.epoch) account.used_known = row.as<Credit>(column);
    account.used_known = std::max(account.used_known, account.used);
    return account;
}

Booking booking_of(const Row& row) {
    Booking b;
    int column = 0;
    b.id = row.as<BookingId>(column++);
    b.kind = row.as<BookingKind>(column++);
    b.order_id = row.as<std::string>(column++);
    b.household = row.as<HouseholdId>(column++);
    b.amount = row.as<Money>(column++);
    b.given = row.as<Credit>(column++);
    b.free = row.as<Credit>(column++);
    b.price = row.as<UnitPrice>(column++);
    b.remainder_e4 = row.as<std::int64_t>(column++);
    b.fee = row.as<Money>(column++);
    b.plan = row.as<PlanId>(column++);
    b.channel = row.as<Channel>(column++);
    b.payer = row.as<ResidentId>(column++);
    b.drawer = row.as<DrawerId>(column++);
    b.corrects = row.as<BookingId>(column++);
    b.refers = row.as<BookingId>(column++);
    b.operator_name = row.as<std::string>(column++);
    b.reason = row.as<std::string>(column++);
    b.accepted_at = row.as<UnixTime>(column++);
    b.booked_at = row.as<UnixTime>(column++);
    b.ticket.epoch = row.as<std::uint16_t>(column++);
    b.ticket.number = row.as<std::uint32_t>(column++);
    b.ticket.credited = row.as<Credit>(column++);
    b.ticket.unit = row.as<AccountUnit>(column++);
    b.tenancy = row.as<std::uint16_t>(column++);
    b.paid_total = row.as<Money>(column++);
    b.used = row.as<Credit>(column++);
    b.free_left = row.as<Credit>(column++);
    b.month_ckwh = row.as<std::int64_t>(column++);
    b.year_ckwh = row.as<std::int64_t>(column++);
    b.entries_total = row.as<std::int64_t>(column++);
    b.chain = row.as<std::string>(column++);
    return b;
}

std::string chain_of(std::string_view before, std::string_view text) {
    crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(before.data()), before.size());
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    crypto_hash_sha256_final(&state, hash);
    char hex[2 * sizeof hash + 1];
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    return {hex, 2 * sizeof hash};
}

LastBooking last_booking(Db& db) {
    LastBooking last;
    db.query("SELECT id, chain FROM bookings ORDER BY id DESC LIMIT 1", {}, [&](const Row& row) {
        last.id = row.as<BookingId>(0);
        last.chain = row.as<std::string>(1);
    });
    return last;
}

void number_booking(LastBooking& last, Booking& b) {
    b.id = BookingId{last.id.value + 1};
    thread_local std::string text;
    canonical(b, text);
    b.chain = chain_of(last.chain, text);
    last.id = b.id;
    last.chain = b.chain;
}

void insert_booking(Db& db, LastBooking& last, Booking& booking) {
    number_booking(last, booking);
    insert_bookings(db, {&booking, 1});
}

void insert_bookings(Db& db, std::span<const Booking> bookings) {
    std::vector<Value> rows;
    rows.reserve(bookings.size() * kBookingColumns);
    std::vector<Value> entries;
    for (const Booking& b : bookings) {
        const auto values = values_of(b);
        rows.insert(rows.end(), values.begin(), values.end());
        std::int64_t id = b.id.value * kEntriesOfBooking;
        for (const LedgerEntry& e : entries_of(b)) {
            const std::array<Value, kColumnsOfEntries.size()> entry{id++,     e.from,   e.to,         e.unit,
                                                                    e.amount, e.number, e.paid_total, e.credited_total};
            entries.insert(entries.end(), entry.begin(), entry.end());
        }
    }
    db.post_rows("bookings", kColumnsOfBookings, rows);
    db.post_rows("entries", kColumnsOfEntries, entries);
}

PlanInForce plan_in_force(const Row& row, int column) {
    PlanInForce found;
    found.price = row.as<UnitPrice>(column);
    int plan = -1;
    if (!row.is_null(column + 2))
        plan = column + 2;
    else if (!row.is_null(column + 4) &&
             (row.is_null(column + 1) || row.integer(column + 6) >= row.integer(column + 1)))
        plan = column + 4;
    if (plan >= 0) {
        found.id = row.as<PlanId>(plan);
        found.plan = plan_of(row.text(plan + 1));
        if (!found.plan) found.price = UnitPrice{0};  // what stands there is no plan: nothing is sold by guess
    }
    return found;
}

std::optional<AccountFacts> load_facts(Db& db, HouseholdId household, bool with_tenancy) {
    std::optional<AccountFacts> facts;
    db.query("SELECT " PREWATT_ACCOUNT_COLUMNS
             ", m.ticket_number, p.confirmed_at, d.stopped, (SELECT COUNT(*) FROM bookings r LEFT JOIN progress q ON "
             "q.booking_id = r.id WHERE r.household_id = h.id AND r.kind = 3 AND q.confirmed_at IS NULL AND r.epoch >= "
             "m.epoch) FROM households h JOIN meters m ON m.household_id = h.id JOIN desired d ON d.household_id = "
             "h.id LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING(
                 "h.id") " LEFT JOIN progress p ON p.booking_id = a.id WHERE h.id = $1",
             {household}, [&](const Row& row) {
                 AccountFacts& out = facts.emplace();
                 out.account = account_of_row(row, 0);
                 const TicketTotal& ticket = out.account.ticket;
                 const bool shown = row.as<std::uint16_t>(15) == ticket.epoch &&
                                    row.as<std::uint32_t>(kAccountColumns) >= ticket.number;
                 out.confirmed = ticket.epoch != 0 && (shown || !row.is_null(kAccountColumns + 1)) &&
                                 row.integer(kAccountColumns + 2) == 0;
                 out.refund_under_way = row.integer(kAccountColumns + 3) > 0;
             });
    if (facts && with_tenancy)
        db.query("SELECT " PREWATT_BOOKING_COLUMNS
                 " FROM bookings s WHERE s.household_id = $1 AND s.epoch >= $2 AND s.tenancy = $2 ORDER BY s.epoch, "
                 "s.ticket_number",
                 {household, facts->account.tenancy},
                 [&](const Row& row) { facts->tenancy.push_back(booking_of(row)); });
    return facts;
}

Answer<Booking> read_booking(Db& db, BookingId id) {
    std::optional<Booking> booking;
    db.query("SELECT " PREWATT_BOOKING_COLUMNS " FROM bookings s WHERE s.id = $1", {id},
             [&](const Row& row) { booking = booking_of(row); });
    return checked(db, std::move(booking), "booking");
}

Answer<std::vector<Booking>> read_bookings(Db& db, HouseholdId household, BookingId before, int limit) {
    std::vector<Booking> bookings;
    const auto each = [&](const Row& row) { bookings.push_back(booking_of(row)); };
    const BookingId below = before ? before : BookingId{INT64_MAX};
    limit = std::clamp(limit, 1, 10'000);
    if (household)
        db.query("SELECT " PREWATT_BOOKING_COLUMNS
                 " FROM bookings s WHERE s.household_id = $1 AND s.id < $2 ORDER BY s.epoch DESC, s.ticket_number DESC "
                 "LIMIT $3",
                 {household, below, limit}, each);
    else
        db.query("SELECT " PREWATT_BOOKING_COLUMNS " FROM bookings s WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2",
                 {below, limit}, each);
    return checked(db, std::move(bookings));
}

}  // namespace prewatt::server::store
