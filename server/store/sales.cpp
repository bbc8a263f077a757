#include "server/store/sales.hpp"

#include <algorithm>

#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::int64_t kEntriesOfBooking = 8;

#define PREWATT_SALE_SELECT                                                                                            \
    "SELECT s.id, s.order_id, s.household_id, r.label, s.amount_fen, s.energy_ckwh, s.price_e4, s.channel, "           \
    "s.operator_name, s.epoch, s.ticket_number, s.credited_ckwh, s.accepted_at, s.booked_at, p.sent_at, "              \
    "p.confirmed_at, p.lit_at, p.attempts, p.last_problem FROM bookings s JOIN households h ON h.id = s.household_id " \
    "JOIN rooms r ON r.id = h.room_id LEFT JOIN progress p ON p.booking_id = s.id "

SaleRecord sale_of(const Row& row) {
    SaleRecord sale;
    int column = 0;
    sale.id = row.as<SaleId>(column++);
    sale.order_id = row.as<std::string>(column++);
    sale.household = row.as<HouseholdId>(column++);
    sale.room = row.as<std::string>(column++);
    sale.amount = row.as<Money>(column++);
    sale.energy = row.as<Energy>(column++);
    sale.price = row.as<UnitPrice>(column++);
    sale.channel = row.as<Channel>(column++);
    sale.operator_name = row.as<std::string>(column++);
    sale.ticket.epoch = row.as<std::uint16_t>(column++);
    sale.ticket.number = row.as<std::uint32_t>(column++);
    sale.ticket.credited = row.as<Credit>(column++);
    sale.accepted_at = row.as<UnixTime>(column++);
    sale.booked_at = row.as<UnixTime>(column++);
    sale.desired_at = sale.booked_at;  // the ticket is part of the same commit
    sale.sent_at = row.as<std::optional<UnixTime>>(column++);
    sale.confirmed_at = row.as<std::optional<UnixTime>>(column++);
    sale.lit_at = row.as<std::optional<UnixTime>>(column++);
    sale.attempts = row.as<std::uint32_t>(column++);
    sale.last_problem = row.as<std::string>(column++);
    sale.receipt = receipt_of(sale.id, sale.booked_at);
    return sale;
}

std::optional<SaleRecord> find_by_order(Db& db, std::string_view order_id) {
    std::optional<SaleRecord> sale;
    db.query(PREWATT_SALE_SELECT "WHERE s.order_id = $1", {order_id}, [&](const Row& row) { sale = sale_of(row); });
    return sale;
}

struct AccountRow {
    Account account;
    SaleRules rules;
    bool order_known = false;
    SaleId next_booking;  // without gaps; only the writing thread makes bookings
    std::string room;
};
std::optional<AccountRow> find_account(Db& db, HouseholdId household, std::string_view order_id) {
    std::optional<AccountRow> found;
    db.query(
        "SELECT r.label, h.box_id, h.closed, a.epoch, a.ticket_number, a.credited_ckwh, a.paid_total_fen, "
        "a.entries_total, "
        "m.epoch, m.used_ckwh, s.sale_max_fen, s.held_max_ckwh, (SELECT price_e4 FROM prices ORDER BY id DESC LIMIT "
        "1), "
        "(SELECT COALESCE(MAX(id), 0) + 1 FROM bookings), (SELECT id FROM bookings WHERE order_id = $2) "
        "FROM households h JOIN rooms r ON r.id = h.room_id JOIN meters m ON m.household_id = h.id "
        "JOIN site s ON s.id = 1 LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING("$1") " WHERE h.id = $1",
        {household, order_id}, [&](const Row& row) {
            AccountRow& out = found.emplace();
            out.room = row.as<std::string>(0);
            out.account.household = household;
            out.account.has_meter = !row.is_null(1);
            out.account.closed = row.as<bool>(2);
            out.account.ticket = {row.as<std::uint16_t>(3), row.as<std::uint32_t>(4), row.as<Credit>(5)};
            out.account.paid = row.as<Money>(6);
            out.account.entries = row.as<std::int64_t>(7);
            if (row.as<std::uint16_t>(8) == out.account.ticket.epoch) out.account.used_known = row.as<Credit>(9);
            out.rules.sale_max = row.as<Money>(10);
            out.rules.held_max = row.as<Credit>(11);
            out.rules.price = row.as<UnitPrice>(12);
            out.next_booking = row.as<SaleId>(13);
            out.order_known = !row.is_null(14);
        });
    return found;
}

#define PREWATT_ENTRY_INSERT                                                                                         \
    "INSERT INTO entries (id, from_account, to_account, unit, amount, number, paid_total_fen, credited_total_ckwh) " \
    "VALUES "

std::int64_t entry_id(SaleId booking, std::size_t k) {
    return booking.value * kEntriesOfBooking + static_cast<std::int64_t>(k);
}

void insert_entries(Db& db, const SaleDecision& decision, SaleId booking) {
    // One statement for the two entries that every sale has; a rounding entry goes alone.
    const auto& e = decision.entries;
    const LedgerEntry& first = e[0];
    const LedgerEntry& last = e[e.size() - 1];
    db.execute(PREWATT_ENTRY_INSERT "($1, $2, $3, $4, $5, $6, $7, $8), ($9, $10, $11, $12, $13, $14, $15, $16)",
               {entry_id(booking, 0), first.from, first.to, first.unit, first.amount, first.number, first.paid_total,
                first.credited_total, entry_id(booking, e.size() - 1), last.from, last.to, last.unit, last.amount,
                last.number, last.paid_total, last.credited_total});
    if (e.size() == 3)
        db.execute(PREWATT_ENTRY_INSERT "($1, $2, $3, $4, $5, $6, $7, $8)",
                   {entry_id(booking, 1), e[1].from, e[1].to, e[1].unit, e[1].amount, e[1].number, e[1].paid_total,
                    e[1].credited_total});
}

}  // namespace

Answer<SaleAnswer> book_sale(Db& db, const SaleOrder& order, UnixTime now, Changes& changes) {
    const auto found = find_account(db, order.household, order.order_id);
    if (!found || found->order_known) {
        if (auto known = find_by_order(db, order.order_id)) {
            if (is_same_order(order, *known)) return SaleAnswer{std::move(*known), true};
            return std::unexpected(
                Refusal{Reason::kOrderIdReused,
                        "This order id was used for another sale (receipt " + known->receipt + "); nothing was sold.",
                        known->id.value});
        }
    }
    if (!found) return std::unexpected(Refusal{Reason::kNotFound, "There is no such household; nothing was sold.", 0});
    const auto decision = decide_sale(order, found->account, found->rules, now);
    if (!decision) return std::unexpected(decision.error());

    SaleRecord sale;
    const Account& after = decision->after;
    sale.id = found->next_booking;
    db.execute(
        "INSERT INTO bookings (id, kind, order_id, household_id, amount_fen, energy_ckwh, price_e4, remainder_e4, "
        "channel, "
        "operator_name, epoch, ticket_number, credited_ckwh, paid_total_fen, entries_total, accepted_at, booked_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        {sale.id, BookingKind::kSale, order.order_id, order.household, order.amount, decision->energy,
         found->rules.price, decision->remainder_e4, order.channel, order.operator_name, after.ticket.epoch,
         after.ticket.number, after.ticket.credited, after.paid, after.entries, order.accepted_at, now});
    insert_entries(db, *decision, sale.id);
    changes.push_back({Change::Kind::kSale, sale.id.value});
    changes.push_back({Change::Kind::kDesired, order.household.value});
    changes.push_back({Change::Kind::kHousehold, order.household.value});

    sale.receipt = receipt_of(sale.id, now);
    sale.order_id = order.order_id;
    sale.household = order.household;
    sale.room = found->room;
    sale.amount = order.amount;
    sale.energy = decision->energy;
    sale.price = found->rules.price;
    sale.channel = order.channel;
    sale.operator_name = order.operator_name;
    sale.ticket = after.ticket;
    sale.accepted_at = order.accepted_at;
    sale.booked_at = now;
    sale.desired_at = now;
    return SaleAnswer{std::move(sale), false};
}

Answer<SaleRecord> read_sale(Db& db, SaleId id) {
    std::optional<SaleRecord> sale;
    db.query(PREWATT_SALE_SELECT "WHERE s.id = $1", {id}, [&](const Row& row) { sale = sale_of(row); });
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
                 "WHERE s.household_id = $1 AND s.id < $2 ORDER BY s.epoch DESC, s.ticket_number DESC LIMIT $3",
                 {household, below, limit}, each);
    else
        db.query(PREWATT_SALE_SELECT "WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2", {below, limit}, each);
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

LedgerSums add_up_ledger(Db& db) {
    LedgerSums sums;
    const auto count = [&](const char* sql, std::initializer_list<Value> values = {}) {
        std::int64_t number = 0;
        db.query(sql, values, [&](const Row& row) { number = row.integer(0); });
        return number;
    };
    const auto expect_none = [&](const char* sql, const char* problem) {
        std::int64_t first = 0;
        const auto rows = db.query(sql, {}, [&](const Row& row) { first = row.integer(0); });
        if (rows > 0 && sums.problem.empty()) sums.problem = std::string{problem} + " " + std::to_string(first);
    };
    db.begin_read();
    sums.sales = count("SELECT COUNT(*) FROM bookings WHERE kind = 1");
    sums.entries = count("SELECT COUNT(*) FROM entries");
    sums.taken = fen(count("SELECT COALESCE(SUM(amount), 0) FROM entries WHERE unit = 1"));
    sums.credited = energy_of_hundredths(count("SELECT COALESCE(SUM(amount), 0) FROM entries WHERE unit = 2"));
    expect_none(
        "SELECT unit FROM (SELECT unit, from_account AS account, -amount AS amount FROM entries UNION ALL "
        "SELECT unit, to_account, amount FROM entries) AS legs GROUP BY unit HAVING SUM(amount) <> 0",
        "balances do not add up to zero in unit");
    expect_none(
        "SELECT s.id FROM bookings s LEFT JOIN entries e ON e.id >= s.id * 8 AND e.id < s.id * 8 + 8 "
        "GROUP BY s.id, s.amount_fen, s.energy_ckwh "
        "HAVING COALESCE(SUM(CASE WHEN e.unit = 1 THEN e.amount ELSE 0 END), 0) <> s.amount_fen "
        "OR COALESCE(SUM(CASE WHEN e.unit = 2 THEN e.amount ELSE 0 END), 0) <> s.energy_ckwh LIMIT 1",
        "entries are not those of booking");
    expect_none("SELECT e.id FROM entries e LEFT JOIN bookings s ON s.id = e.id / 8 WHERE s.id IS NULL LIMIT 1",
                "no booking for entry");
    expect_none(
        "SELECT id FROM bookings WHERE amount_fen * 10000 <> energy_ckwh * price_e4 + remainder_e4 OR remainder_e4 < 0 "
        "OR remainder_e4 >= price_e4 LIMIT 1",
        "price, energy and remainder do not explain the amount of booking");
    expect_none(
        "SELECT id FROM (SELECT id, credited_ckwh, paid_total_fen, ticket_number, "
        "SUM(energy_ckwh) OVER w AS energy, SUM(amount_fen) OVER w AS amount, COUNT(*) OVER w AS tickets FROM bookings "
        "WINDOW w AS (PARTITION BY household_id, epoch ORDER BY ticket_number)) AS b WHERE energy <> credited_ckwh "
        "OR amount <> paid_total_fen OR tickets <> ticket_number LIMIT 1",
        "the totals are not those of the bookings before, booking");
    expect_none(
        "SELECT household_id FROM (SELECT s.household_id, MAX(s.entries_total) AS total, (SELECT COUNT(*) FROM "
        "bookings b "
        "JOIN entries e ON e.id >= b.id * 8 AND e.id < b.id * 8 + 8 WHERE b.household_id = s.household_id) AS entries "
        "FROM bookings s GROUP BY s.household_id) AS t WHERE total <> entries LIMIT 1",
        "entries are missing, household");
    if (!db.ok()) sums.problem = db.failure()->message;
    db.rollback();
    return sums;
}

}  // namespace prewatt::server::store
