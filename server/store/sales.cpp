#include "server/store/sales.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_SALE_SELECT                                                                                        \
    "SELECT " PREWATT_BOOKING_COLUMNS                                                                              \
    ", r.label, (SELECT c.id FROM bookings c WHERE c.corrects = s.id AND c.corrects > 0), p.sent_at, "             \
    "p.card_at, p.confirmed_at, p.lit_at, p.attempts, p.last_problem FROM bookings s JOIN households h ON h.id = " \
    "s.household_id JOIN rooms r ON r.id = h.room_id LEFT JOIN progress p ON p.booking_id = s.id "

SaleRecord sale_of(Booking booking) {
    SaleRecord sale;
    sale.id = booking.id;
    sale.receipt = receipt_of(booking.id, booking.booked_at);
    sale.order_id = std::move(booking.order_id);
    sale.household = booking.household;
    sale.amount = booking.amount;
    if (booking.ticket.unit == AccountUnit::kEnergy) sale.energy = Energy{booking.given.count()};
    sale.given = booking.given;
    sale.fee = booking.fee;
    sale.price = booking.price;
    sale.channel = booking.channel;
    sale.payer = booking.payer;
    sale.drawer = booking.drawer;
    sale.operator_name = std::move(booking.operator_name);
    sale.ticket = booking.ticket;
    sale.accepted_at = booking.accepted_at;
    sale.booked_at = booking.booked_at;
    sale.desired_at = booking.booked_at;  // the ticket is part of the same commit
    return sale;
}
SaleRecord sale_of(const Row& row) {
    SaleRecord sale = sale_of(booking_of(row));
    int column = kBookingColumns;
    sale.room = row.as<std::string>(column++);
    sale.corrected = !row.is_null(column++);
    sale.sent_at = row.as<std::optional<UnixTime>>(column++);
    sale.card_at = row.as<std::optional<UnixTime>>(column++);
    sale.confirmed_at = row.as<std::optional<UnixTime>>(column++);
    sale.lit_at = row.as<std::optional<UnixTime>>(column++);
    sale.attempts = row.as<std::uint32_t>(column++);
    sale.last_problem = row.as<std::string>(column++);
    return sale;
}

std::optional<SaleRecord> find_by_order(Db& db, std::string_view order_id) {
    std::optional<SaleRecord> sale;
    db.query(PREWATT_SALE_SELECT "WHERE s.kind = 1 AND s.order_id = $1", {order_id},
             [&](const Row& row) { sale = sale_of(row); });
    return sale;
}

// All that a sale needs, in one question.
struct SaleFacts {
    bool found = false;
    Account account;
    SaleRules rules;
    PlanInForce in_force;
    bool order_known = false;
    LastBooking last;
    std::string room;
};
constexpr std::size_t kFactsParameters = 5;
constexpr const char* kFactsQuestion =
    "SELECT " PREWATT_ACCOUNT_COLUMNS ", " PREWATT_PLAN_COLUMNS
             ", r.label, s.sale_max_fen, s.held_max_ckwh, l.id, l.chain, (SELECT id FROM bookings WHERE order_id = $2), "
             "(SELECT COUNT(*) FROM money_orders WHERE order_id = $2), "
             "CASE WHEN CAST($4 AS BIGINT) = 0 THEN 1 ELSE (SELECT COUNT(*) FROM stays WHERE household_id = $1 AND resident_id = $4 AND "
             "to_at IS NULL) END, CASE WHEN CAST($5 AS BIGINT) = 0 THEN 1 ELSE (SELECT is_open FROM drawers WHERE id = $5) END "
             "FROM households h JOIN rooms r ON r.id = h.room_id JOIN meters m ON m.household_id = h.id "
             "JOIN site s ON s.id = 1 LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING("$1")
                 " LEFT JOIN bookings l ON l.id = (SELECT MAX(id) FROM bookings) " PREWATT_PLAN_TABLES("$3")
                     "WHERE h.id = $1";
// The same for the orders of a group; all of them are asked about at one time. LATERAL keeps the search of each
// household's newest booking a walk down one index, whatever the server believes of the size of the table.
constexpr const char* kFactsOfAll =
    "SELECT " PREWATT_ACCOUNT_COLUMNS ", " PREWATT_PLAN_COLUMNS
    ", r.label, s.sale_max_fen, s.held_max_ckwh, l.id, l.chain, (SELECT id FROM bookings WHERE order_id = "
    "o.order_id), (SELECT COUNT(*) FROM money_orders WHERE order_id = o.order_id), "
    "CASE WHEN o.payer = 0 THEN 1 ELSE (SELECT COUNT(*) FROM stays WHERE household_id = o.household AND resident_id = "
    "o.payer AND to_at IS NULL) END, CASE WHEN o.drawer = 0 THEN 1 ELSE (SELECT is_open FROM drawers WHERE id = "
    "o.drawer) END, o.k "
    "FROM unnest($1, $2, $4, $5) WITH ORDINALITY AS o(household, order_id, payer, drawer, k) "
    "JOIN households h ON h.id = o.household JOIN rooms r ON r.id = h.room_id JOIN meters m ON m.household_id = h.id "
    "JOIN site s ON s.id = 1 LEFT JOIN LATERAL (SELECT * FROM bookings WHERE household_id = o.household ORDER BY epoch "
    "DESC, ticket_number DESC LIMIT 1) a ON TRUE "
    "LEFT JOIN bookings l ON l.id = (SELECT MAX(id) FROM bookings) " PREWATT_PLAN_TABLES("($3)[1]");
std::array<Value, kFactsParameters> facts_parameters(const SaleOrder& order, UnixTime now) {
    return {order.household, order.order_id, now, order.payer, order.drawer};
}
// Into its place: the rules point into it.
void read_facts(const Row& row, SaleFacts& out) {
    out.found = true;
    out.account = account_of_row(row, 0);
    out.in_force = plan_in_force(row, kAccountColumns);
    int column = kAccountColumns + kPlanColumns;
    out.room = row.as<std::string>(column++);
    out.rules.sale_max = row.as<Money>(column++);
    out.rules.held_max = row.as<Credit>(column++);
    out.last.id = row.as<BookingId>(column++);
    out.last.chain = row.as<std::string>(column++);
    out.order_known = !row.is_null(column) || row.integer(column + 1) > 0;
    column += 2;
    out.rules.payer_lives_here = row.integer(column++) > 0;
    out.rules.drawer_open = row.integer(column++) > 0;
    out.rules.price = out.in_force.price;
    out.rules.plan = out.in_force.plan ? &*out.in_force.plan : nullptr;
    out.rules.plan_id = out.in_force.id;
}
void find_facts(Db& db, const SaleOrder& order, UnixTime now, SaleFacts& out) {
    out = SaleFacts{};
    const auto [household, order_id, at, payer, drawer] = facts_parameters(order, now);
    db.query(kFactsQuestion, {household, order_id, at, payer, drawer}, [&](const Row& row) { read_facts(row, out); });
}

// `facts.last` moves on when a booking was made. It is not in the tables yet: it goes to the end of `made`.
Answer<SaleAnswer> book(Db& db, const SaleOrder& order, SaleFacts& facts, UnixTime now, std::vector<Booking>& made,
                        Changes& changes) {
    if (!facts.found || facts.order_known) {
        if (auto known = find_by_order(db, order.order_id)) {
            if (is_same_order(order, *known)) return SaleAnswer{std::move(*known), true};
            return std::unexpected(
                Refusal{Reason::kOrderIdReused,
                        "This order id was used for another sale (receipt " + known->receipt + "); nothing was sold.",
                        known->id.value});
        }
        if (facts.order_known)
            return std::unexpected(
                Refusal{Reason::kOrderIdReused, "This order id was used for another order; nothing was sold.", 0});
    }
    if (!facts.found)
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such household; nothing was sold.", 0});
    auto decision = decide_sale(order, facts.account, facts.rules, now);
    if (!decision) return std::unexpected(std::move(decision.error()));
    number_booking(facts.last, decision->booking);
    changes.push_back({Change::Kind::kSale, decision->booking.id.value});
    changes.push_back({Change::Kind::kDesired, order.household.value});
    changes.push_back({Change::Kind::kHousehold, order.household.value});
    SaleRecord sale = sale_of(decision->booking);
    made.push_back(std::move(decision->booking));
    sale.room = std::move(facts.room);
    return SaleAnswer{std::move(sale), false};
}

}  // namespace

Answer<SaleAnswer> book_sale(Db& db, const SaleOrder& order, UnixTime now, Changes& changes) {
    SaleFacts facts;
    find_facts(db, order, now, facts);
    std::vector<Booking> made;
    auto answer = book(db, order, facts, now, made, changes);
    insert_bookings(db, made);
    return answer;
}

void book_sales(Db& db, std::span<const SaleOrder* const> orders, std::span<Answer<SaleAnswer>* const> answers,
                UnixTime now, Changes& changes) {
    if (orders.size() == 1) {
        *answers[0] = book_sale(db, *orders[0], now, changes);
        return;
    }
    std::vector<Value> asked;
    asked.reserve(orders.size() * kFactsParameters);
    for (const SaleOrder* order : orders) {
        const auto parameters = facts_parameters(*order, now);
        asked.insert(asked.end(), parameters.begin(), parameters.end());
    }
    std::vector<SaleFacts> facts(orders.size());
    db.query_together(kFactsQuestion, kFactsOfAll, asked, kFactsParameters,
                      [&](std::size_t k, const Row& row) { read_facts(row, facts[k]); });
    // What was true before the group is not what an order finds whose household or order id came up in it before.
    std::set<HouseholdId> moved;
    std::set<std::string_view> used;
    std::optional<LastBooking> last;
    std::vector<Booking> made;
    made.reserve(orders.size());
    for (std::size_t k = 0; k < orders.size() && db.ok(); ++k) {
        const SaleOrder& order = *orders[k];
        if (moved.contains(order.household) || used.contains(order.order_id)) {
            insert_bookings(db, made);
            made.clear();
            find_facts(db, order, now, facts[k]);
        } else if (last) {
            facts[k].last = *last;
        }
        *answers[k] = book(db, order, facts[k], now, made, changes);
        if (!*answers[k] || (*answers[k])->repeated) continue;
        moved.insert(order.household);
        used.insert(order.order_id);
        last = facts[k].last;
    }
    insert_bookings(db, made);
}

Answer<SaleDecision> decide_sale_after(Db& db, const SaleOrder& order, const Account* account, UnixTime now) {
    SaleFacts facts;
    find_facts(db, order, now, facts);
    if (!facts.found)
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such household; nothing was done.", 0});
    return decide_sale(order, account ? *account : facts.account, facts.rules, now);
}

Answer<SaleRecord> read_sale(Db& db, SaleId id) {
    std::optional<SaleRecord> sale;
    db.query(PREWATT_SALE_SELECT "WHERE s.kind = 1 AND s.id = $1", {id}, [&](const Row& row) { sale = sale_of(row); });
    return checked(db, std::move(sale), "sale");
}

Answer<SaleRecord> read_sale_by_order(Db& db, std::string_view order_id) {
    auto sale = find_by_order(db, order_id);
    return checked(db, std::move(sale), "sale");
}

Answer<std::vector<SaleRecord>> read_sales(Db& db, HouseholdId household, SaleId before, int limit) {
    std::vector<SaleRecord> sales;
    const auto each = [&](const Row& row) { sales.push_back(sale_of(row)); };
    const SaleId below = before ? before : SaleId{INT64_MAX};
    limit = std::clamp(limit, 1, 10'000);
    if (household)
        db.query(PREWATT_SALE_SELECT
                 "WHERE s.kind = 1 AND s.household_id = $1 AND s.id < $2 ORDER BY s.epoch DESC, s.ticket_number DESC "
                 "LIMIT $3",
                 {household, below, limit}, each);
    else
        db.query(PREWATT_SALE_SELECT "WHERE s.kind = 1 AND s.id < $1 ORDER BY s.id DESC LIMIT $2", {below, limit},
                 each);
    return checked(db, std::move(sales));
}

Answer<std::vector<LedgerEntry>> read_entries(Db& db, HouseholdId household, std::int64_t before, int limit) {
    std::vector<LedgerEntry> entries;
    db.query(
        "SELECT e.number, s.booked_at, s.id, s.epoch, e.from_account, e.to_account, e.unit, e.amount, "
        "e.paid_total_fen, "
        "e.credited_total_ckwh FROM bookings s JOIN entries e ON e.id >= s.id * 8 AND e.id < s.id * 8 + 8 "
        "WHERE s.household_id = $1 AND e.number < $2 ORDER BY s.epoch DESC, s.ticket_number DESC, e.id DESC LIMIT $3",
        {household, before > 0 ? before : INT64_MAX, std::clamp(limit, 1, 10'000)}, [&](const Row& row) {
            LedgerEntry& entry = entries.emplace_back();
            entry.household = household;
            entry.number = row.integer(0);
            entry.at = row.as<UnixTime>(1);
            entry.sale = row.as<SaleId>(2);
            entry.epoch = row.as<std::uint16_t>(3);
            entry.from = row.as<LedgerAccount>(4);
            entry.to = row.as<LedgerAccount>(5);
            entry.unit = row.as<LedgerUnit>(6);
            entry.amount = row.integer(7);
            entry.paid_total = row.as<Money>(8);
            entry.credited_total = row.as<Credit>(9);
        });
    return checked(db, std::move(entries));
}

}  // namespace prewatt::server::store
