// Bookings in the tables: the rows as they are, the next one with its entries and its link of the chain, and accounts
// as they stand when something is decided (docs/formats/ledger.md). On the writing connection where it writes.
#pragma once
#include <span>

#include "server/domain/account_rules.hpp"
#include "server/store/writer.hpp"

// The booking that says what the household was credited up to now; NULL when there is none.
#define PREWATT_NEWEST_BOOKING(household) \
    "(SELECT id FROM bookings WHERE household_id = " household " ORDER BY epoch DESC, ticket_number DESC LIMIT 1)"

// Columns of an Account, in the order of `account_of_row`: h households, a its newest booking, m meters.
#define PREWATT_ACCOUNT_COLUMNS                                                                                  \
    "h.id, h.box_id, h.closed, a.epoch, a.ticket_number, a.credited_ckwh, a.unit, a.tenancy, a.paid_total_fen, " \
    "a.entries_total, a.used_ckwh, a.free_left_ckwh, a.month_ckwh, a.year_ckwh, a.booked_at, m.epoch, m.used_ckwh"
// Columns of a Booking, in the order of `booking_of`: s bookings.
#define PREWATT_BOOKING_COLUMNS                                                                                  \
    "s.id, s.kind, s.order_id, s.household_id, s.amount_fen, s.energy_ckwh, s.free_ckwh, s.price_e4, "           \
    "s.remainder_e4, s.fee_fen, s.plan_id, s.channel, s.payer_id, s.drawer_id, s.corrects, s.refers, "           \
    "s.operator_name, s.reason, s.accepted_at, s.booked_at, s.epoch, s.ticket_number, s.credited_ckwh, s.unit, " \
    "s.tenancy, s.paid_total_fen, s.used_ckwh, s.free_left_ckwh, s.month_ckwh, s.year_ckwh, s.entries_total, s.chain"

namespace prewatt::server::store {

inline constexpr int kAccountColumns = 17;
inline constexpr int kBookingColumns = 32;
[[nodiscard]] Account account_of_row(const Row& row, int first_column);
[[nodiscard]] Booking booking_of(const Row& row);

// SHA-256 over `before` and `text`, hexadecimal.
[[nodiscard]] std::string chain_of(std::string_view before, std::string_view text);

// The end of the table: bookings are numbered without gaps, by the writing thread only.
struct LastBooking {
    BookingId id;
    std::string chain;
};
[[nodiscard]] LastBooking last_booking(Db& db);
// Gives it the next number and its link, and keeps it with its entries.
void insert_booking(Db& db, LastBooking& last, Booking& booking);
// The two halves of it, for many that are kept at once.
void number_booking(LastBooking& last, Booking& booking);
void insert_bookings(Db& db, std::span<const Booking> bookings);

// Price and plan in force for a household now. `plan` is empty when the one price holds.
struct PlanInForce {
    UnitPrice price;
    PlanId id;
    std::optional<PricePlan> plan;
};
// Columns p0: the newest price, p1: the plan of the group, p2: the plan of group 0.
#define PREWATT_PLAN_COLUMNS "p0.price_e4, p0.at, p1.id, p1.content, p2.id, p2.content, p2.valid_from"
#define PREWATT_PLAN_TABLES(now)                                                                                   \
    "LEFT JOIN prices p0 ON p0.id = (SELECT MAX(id) FROM prices) "                                                 \
    "LEFT JOIN price_plans p1 ON h.price_group > 0 AND p1.id = (SELECT id FROM price_plans WHERE price_group = "   \
    "h.price_group AND valid_from <= " now                                                                         \
    " ORDER BY valid_from DESC, id DESC LIMIT 1) "                                                                 \
    "LEFT JOIN price_plans p2 ON p2.id = (SELECT id FROM price_plans WHERE price_group = 0 AND valid_from <= " now \
    " ORDER BY valid_from DESC, id DESC LIMIT 1) "
inline constexpr int kPlanColumns = 7;
[[nodiscard]] PlanInForce plan_in_force(const Row& row, int first_column);

// The account of a household; its tenancy only when it is asked for. Nothing: there is no such household.
[[nodiscard]] std::optional<AccountFacts> load_facts(Db& db, HouseholdId household, bool with_tenancy);

[[nodiscard]] Answer<Booking> read_booking(Db& db, BookingId id);
[[nodiscard]] Answer<std::vector<Booking>> read_bookings(Db& db, HouseholdId household, BookingId before, int limit);

}  // namespace prewatt::server::store
