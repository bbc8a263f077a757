#include "server/store/ledger_check.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "server/domain/accounts.hpp"
#include "server/store/movements.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::int64_t kWindow = 4096;  // bookings that are looked at together

class Check {
  public:
    explicit Check(Db& db) : db_(db) {}

    LedgerSums run() {
        db_.begin_read();
        add_up();
        check_rows();
        check_bookings();
        check_accounts();
        check_movements();
        check_dues();
        check_drawers();
        if (!db_.ok()) sums_.problem = db_.failure()->message;
        db_.rollback();
        return std::move(sums_);
    }

  private:
    void complain(const std::string& what) {
        if (sums_.problem.empty()) sums_.problem = what;
    }
    void complain(const char* what, std::int64_t id) { complain(std::string{what} + " " + std::to_string(id)); }
    std::int64_t number(const char* sql) {
        std::int64_t value = 0;
        db_.query(sql, {}, [&](const Row& row) { value = row.integer(0); });
        return value;
    }
    void expect_none(const char* sql, const char* problem) {
        db_.query(sql, {}, [&](const Row& row) { complain(problem, row.integer(0)); });
    }

    void add_up() {
        sums_.sales = number("SELECT COUNT(*) FROM bookings WHERE kind = 1");
        sums_.bookings = number("SELECT COUNT(*) FROM bookings");
        sums_.movements = number("SELECT COUNT(*) FROM movements");
        sums_.entries = number("SELECT COUNT(*) FROM entries");
        sums_.taken = fen(number("SELECT COALESCE(SUM(amount_fen), 0) FROM bookings WHERE kind IN (1, 5)"));
        sums_.paid_back = fen(number("SELECT COALESCE(SUM(amount_fen), 0) FROM movements WHERE kind = 1"));
        sums_.refunds_due =
            fen(number(
                "SELECT COALESCE(SUM(CASE WHEN to_account = 10 THEN amount ELSE -amount END), 0) FROM entries WHERE "
                "from_account = 10 OR to_account = 10")) -
            sums_.paid_back;
        sums_.credited = energy_of_hundredths(
            number("SELECT COALESCE(SUM(CASE WHEN to_account = 7 THEN amount ELSE -amount END), 0) FROM entries WHERE "
                   "unit = 2"));
    }

    // What single statements can see. That the balances of a unit add up to zero needs no look: an entry is one row
    // with one amount, which it takes from one account and gives to another.
    void check_rows() {
        expect_none("SELECT e.id FROM entries e LEFT JOIN bookings s ON s.id = e.id / 8 WHERE s.id IS NULL LIMIT 1",
                    "no booking for entry");
        if (sums_.refunds_due < Money{0}) complain("more was paid back than was owed");
    }

    // In the order in which they were made: numbers, chain, entries, and what they say that they gave.
    void check_bookings() {
        std::unordered_map<std::int64_t, PricePlan> plans;
        db_.query("SELECT id, content FROM price_plans", {}, [&](const Row& row) {
            if (auto plan = plan_of(row.text(1)))
                plans.emplace(row.integer(0), *plan);
            else
                complain("this is no price plan:", row.integer(0));
        });
        const std::int64_t end = number("SELECT COALESCE(MAX(id), 0) FROM bookings") + 1;
        std::string before;
        std::string text;
        std::int64_t next = 1;
        for (std::int64_t first = 1; first < end && db_.ok() && sums_.problem.empty(); first += kWindow) {
            std::vector<Booking> bookings;
            db_.query("SELECT " PREWATT_BOOKING_COLUMNS " FROM bookings s WHERE s.id >= $1 AND s.id < $2 ORDER BY s.id",
                      {first, first + kWindow}, [&](const Row& row) { bookings.push_back(booking_of(row)); });
            std::vector<std::pair<std::int64_t, LedgerEntry>> entries;
            db_.query(
                "SELECT id, from_account, to_account, unit, amount, number, paid_total_fen, credited_total_ckwh FROM "
                "entries WHERE id >= $1 AND id < $2 ORDER BY id",
                {first * 8, (first + kWindow) * 8}, [&](const Row& row) {
                    LedgerEntry entry;
                    entry.from = row.as<LedgerAccount>(1);
                    entry.to = row.as<LedgerAccount>(2);
                    entry.unit = row.as<LedgerUnit>(3);
                    entry.amount = row.integer(4);
                    entry.number = row.integer(5);
                    entry.paid_total = row.as<Money>(6);
                    entry.credited_total = row.as<Credit>(7);
                    entries.emplace_back(row.integer(0), entry);
                });
            std::size_t entry = 0;
            for (const Booking& b : bookings) {
                if (b.id.value != next++) complain("a number is missing before booking", b.id.value);
                next = b.id.value + 1;
                check_chain(b, before, text);
                check_price(b, plans);
                check_entries(b, entries, entry);
            }
        }
    }
    void check_chain(const Booking& b, std::string& before, std::string& text) {
        if (b.chain.empty() && before.empty()) return;  // of the first version
        canonical(b, text);
        if (chain_of(before, text) != b.chain) complain("the chain is broken at booking", b.id.value);
        before = b.chain;
    }
    void check_price(const Booking& b, const std::unordered_map<std::int64_t, PricePlan>& plans) {
        std::optional<std::string> wrong;
        if (!b.plan && b.kind == BookingKind::kSale && b.ticket.unit == AccountUnit::kEnergy &&
            b.price <= UnitPrice{0}) {
            wrong = "there is no price";
        } else if (!b.plan) {
            wrong = recompute(b, flat_plan(b.price));
        } else if (const auto plan = plans.find(b.plan.value); plan != plans.end()) {
            wrong = recompute(b, plan->second);
        } else {
            wrong = "there is no plan " + std::to_string(b.plan.value);
        }
        if (wrong) complain("price and position do not explain booking " + std::to_string(b.id.value) + ": " + *wrong);
    }
    void check_entries(const Booking& b, const std::vector<std::pair<std::int64_t, LedgerEntry>>& kept,
                       std::size_t& at) {
        const auto alike = [](const LedgerEntry& x, const LedgerEntry& y) {
            return x.from == y.from && x.to == y.to && x.unit == y.unit && x.amount == y.amount &&
                   x.number == y.number && x.paid_total == y.paid_total && x.credited_total == y.credited_total;
        };
        const std::size_t first = at;
        while (at < kept.size() && kept[at].first < (b.id.value + 1) * 8)
            ++at;
        const Entries wanted = entries_of(b);
        bool same = at - first == wanted.size();
        for (std::size_t k = 0; same && k < wanted.size(); ++k)
            same = kept[first + k].first == b.id.value * 8 + static_cast<std::int64_t>(k) &&
                   alike(kept[first + k].second, wanted[k]);
        if (!same) complain("entries are not those of booking", b.id.value);
    }

    // By household: what stands after each booking is what the bookings before it and this one make.
    void check_accounts() {
        Account account;
        std::unordered_map<std::int64_t, UnixTime> sold_at;
        db_.query(
            "SELECT " PREWATT_BOOKING_COLUMNS " FROM bookings s ORDER BY s.household_id, s.epoch, s.ticket_number", {},
            [&](const Row& row) {
                Booking kept = booking_of(row);
                if (kept.household != account.household) {
                    account = Account{};
                    account.household = kept.household;
                    sold_at.clear();
                }
                if (kept.kind == BookingKind::kSale) sold_at[kept.id.value] = kept.booked_at;
                if (kept.corrects) {
                    const auto sale = sold_at.find(kept.corrects.value);
                    if (sale == sold_at.end())
                        complain("it corrects no sale of its household: booking", kept.id.value);
                    else
                        kept.corrected_at = sale->second;
                }
                Booking made = kept;
                if (kept.ticket.epoch == account.ticket.epoch) account.used_known = std::max(kept.used, account.used);
                if (append(account, made)) complain("the totals are too large, booking", kept.id.value);
                if (kept.chain.empty()) {  // of the first version, which did not count the months
                    account.month_ckwh = made.month_ckwh = kept.month_ckwh;
                    account.year_ckwh = made.year_ckwh = kept.year_ckwh;
                }
                if (made.ticket != kept.ticket || made.tenancy != kept.tenancy || made.paid_total != kept.paid_total ||
                    made.used != kept.used || made.free_left != kept.free_left || made.month_ckwh != kept.month_ckwh ||
                    made.year_ckwh != kept.year_ckwh || made.entries_total != kept.entries_total)
                    complain("the totals are not those of the bookings before, booking", kept.id.value);
                if (kept.paid_total < Money{0})
                    complain("more is owed or was paid back than was paid, booking", kept.id.value);
            });
    }

    void check_movements() {
        std::string before;
        std::string text;
        std::int64_t next = 1;
        db_.query("SELECT " PREWATT_MOVEMENT_COLUMNS " FROM movements v ORDER BY v.id", {}, [&](const Row& row) {
            const Movement movement = movement_of(row);
            if (movement.id != next) complain("a number is missing before movement", movement.id);
            next = movement.id + 1;
            canonical(movement, text);
            if (chain_of(before, text) != movement.chain) complain("the chain is broken at movement", movement.id);
            before = movement.chain;
        });
    }

    // What is owed is what was taken out, what was paid is what was owed after what was given back.
    void check_dues() {
        expect_none(
            "SELECT s.id FROM bookings s LEFT JOIN dues d ON d.booking_id = s.id WHERE s.kind IN (3, 6) GROUP BY s.id, "
            "s.amount_fen HAVING COALESCE(SUM(d.amount_fen), 0) <> -s.amount_fen LIMIT 1",
            "what is owed is not what was taken out by booking");
        struct Owed {
            std::vector<Money> dues;
            std::vector<std::optional<Money>> paid;
            Money returned;
        };
        std::map<std::int64_t, Owed> all;
        db_.query(
            "SELECT d.booking_id, d.amount_fen, v.amount_fen, COALESCE(b.amount_fen, 0) FROM dues d LEFT JOIN "
            "movements "
            "v ON v.kind = 1 AND v.booking_id = d.booking_id AND v.part = d.part LEFT JOIN bookings b ON b.kind = 4 "
            "AND "
            "b.refers = d.booking_id ORDER BY d.booking_id, d.part",
            {}, [&](const Row& row) {
                Owed& owed = all[row.integer(0)];
                owed.dues.push_back(row.as<Money>(1));
                owed.paid.push_back(row.is_null(2) ? std::optional<Money>{} : row.as<Money>(2));
                owed.returned = row.as<Money>(3);
            });
        for (const auto& [booking, owed] : all) {
            const auto after = dues_after(owed.dues, owed.returned);
            for (std::size_t k = 0; k < after.size(); ++k)
                if (owed.paid[k] && *owed.paid[k] != after[k])
                    complain("not what was owed was paid for booking", booking);
        }
        expect_none(
            "SELECT v.id FROM movements v LEFT JOIN dues d ON d.booking_id = v.booking_id AND d.part = v.part WHERE "
            "v.kind = 1 AND d.booking_id IS NULL LIMIT 1",
            "nothing was owed for movement");
        expect_none(
            "SELECT d.booking_id FROM dues d LEFT JOIN movements v ON v.kind = 1 AND v.booking_id = d.booking_id AND "
            "v.part = d.part LEFT JOIN unpaid_dues u ON u.booking_id = d.booking_id AND u.part = d.part WHERE (v.id IS "
            "NULL) = (u.booking_id IS NULL) ORDER BY d.booking_id LIMIT 1",
            "the list of what is unpaid is wrong about booking");
        expect_none(
            "SELECT s.id FROM bookings s JOIN progress p ON p.booking_id = s.id LEFT JOIN unsettled_refunds u ON "
            "u.booking_id = s.id WHERE s.kind IN (3, 6, 8) AND p.remaining_ckwh < 0 AND u.booking_id IS NULL AND NOT "
            "EXISTS (SELECT 1 FROM bookings b WHERE b.kind = 4 AND b.refers = s.id) ORDER BY s.id LIMIT 1",
            "the list of what may have to be given back lacks booking");
    }

    // A drawer holds what was put into it: each count says how much more or less was found.
    void check_drawers() {
        std::vector<std::int64_t> drawers;
        db_.query("SELECT id FROM drawers ORDER BY id", {}, [&](const Row& row) { drawers.push_back(row.integer(0)); });
        for (const std::int64_t drawer : drawers) {
            std::vector<std::pair<std::int64_t, Money>> cash;
            db_.query(
                "SELECT id, amount_fen FROM bookings WHERE drawer_id = $1 AND channel = 1 AND kind IN (1, 5) "
                "ORDER BY id",
                {drawer}, [&](const Row& row) { cash.emplace_back(row.integer(0), row.as<Money>(1)); });
            std::size_t at = 0;
            Money holds;
            db_.query("SELECT " PREWATT_MOVEMENT_COLUMNS " FROM movements v WHERE v.drawer_id = $1 ORDER BY v.id",
                      {drawer}, [&](const Row& row) {
                          const Movement movement = movement_of(row);
                          for (; at < cash.size() && cash[at].first <= movement.booking.value &&
                                 movement.kind != MovementKind::kPayout;
                               ++at)
                              holds += cash[at].second;
                          if (movement.from == LedgerAccount::kCash) holds += movement.amount;
                          if (movement.to == LedgerAccount::kCash) holds -= movement.amount;
                          if (movement.kind == MovementKind::kDrawerCounted && holds != fen(movement.counted_fen))
                              complain("the drawer does not hold what was counted after movement", movement.id);
                          if (movement.kind == MovementKind::kDrawerEmptied && holds != Money{0})
                              complain("the drawer is not empty after movement", movement.id);
                      });
        }
    }

    Db& db_;
    LedgerSums sums_;
};

}  // namespace

LedgerSums add_up_ledger(Db& db) {
    return Check{db}.run();
}

}  // namespace prewatt::server::store
