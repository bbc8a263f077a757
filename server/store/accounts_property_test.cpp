// Random sequences of everything that moves money, against a model that knows nothing of the rules but what must never
// happen, on meters that burn what they have; and a database that fails at every statement of a room change.
#include <random>
#include <set>

#include "server/store/accounts_fixture.hpp"
#include "server/store/office_on_db.hpp"

namespace prewatt::server::store {
namespace {

constexpr int kHomes = 5;

class RandomAccounts : public AccountsTest, public testing::WithParamInterface<unsigned> {
  protected:
    // A meter as architecture.md has it: the newest ticket counts, use only grows.
    struct Meter {
        std::uint16_t epoch = 0;
        std::uint32_t number = 0;
        std::int64_t credited = 0;
        std::int64_t used = 0;
    };
    std::mt19937 random_;
    std::map<std::int64_t, Meter> meters_;
    std::map<std::int64_t, std::int64_t> credited_;  // by household, of its epoch, as the answers add up to
    std::map<std::int64_t, std::uint16_t> epoch_;
    std::map<Channel, Money> taken_;
    std::map<Channel, Money> paid_back_;
    std::int64_t sold_and_granted_ = 0;  // hundredths that came in from nowhere but sales and grants ...
    std::int64_t taken_out_ = 0;         // ... less those that went out for money, corrections, forfeits
    std::vector<SaleRecord> sales_;
    std::vector<BookingId> moved_in_;
    std::vector<BookingId> refunds_;
    std::vector<std::function<bool()>> repeats_;  // true: it was answered, not executed
    std::set<std::string> used_ids_;
    int n_ = 0;

    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    HouseholdId home() { return HouseholdId{1 + pick(kHomes)}; }
    BookingId newest() {
        const auto bookings = accounts().bookings({}, {}, 1);
        EXPECT_TRUE(bookings);
        return bookings && !bookings->empty() ? bookings->front().id : BookingId{};
    }
    std::string next_id() { return "o" + std::to_string(++n_); }

    // All that was booked since, also what an order brought about on the way (a shortage that was given back).
    BookingId seen_;
    void booked(const Booking&) {
        const auto fresh = accounts().bookings({}, {}, 200);
        ASSERT_TRUE(fresh);
        for (auto b = fresh->rbegin(); b != fresh->rend(); ++b)
            if (b->id > seen_) take(*b);
        if (!fresh->empty()) seen_ = fresh->front().id;
    }
    void take(const Booking& b) {
        const std::int64_t given = in_hundredths(b.given, Round::kDown);
        auto& credited = credited_[b.household.value];
        if (epoch_[b.household.value] != b.ticket.epoch) {
            ASSERT_GT(b.ticket.epoch, epoch_[b.household.value]) << "epochs only rise";
            epoch_[b.household.value] = b.ticket.epoch;
            credited = 0;
        }
        credited += given;
        ASSERT_EQ(credited, in_hundredths(b.ticket.credited, Round::kDown));
        switch (b.kind) {
            case BookingKind::kSale:
                taken_[b.channel] += b.amount;
                sold_and_granted_ += given;
                break;
            case BookingKind::kCorrection:
                taken_[b.channel] += b.amount;
                taken_out_ -= given;
                break;
            case BookingKind::kGrant:
                sold_and_granted_ += given;
                break;
            case BookingKind::kRefund:
            case BookingKind::kSettlement:
            case BookingKind::kReturn:
                taken_out_ -= given;
                break;
            default:
                break;
        }
    }
    bool note(const Answer<BookingsAnswer>& answer) {
        if (!answer) {
            EXPECT_LT(answer.error().reason, Reason::kStorageFull) << answer.error().message;
            return false;
        }
        EXPECT_FALSE(answer->repeated);
        for (const Booking& b : answer->bookings) {
            booked(b);
            if (b.kind == BookingKind::kRefund || b.kind == BookingKind::kSettlement) refunds_.push_back(b.id);
            if (b.kind == BookingKind::kMoveIn) moved_in_.push_back(b.id);
            if (b.kind == BookingKind::kSale)
                if (const auto sale = office_->sale(b.id)) sales_.push_back(*sale);
        }
        return true;
    }

    // The line brings the newest ticket, the household burns, the meter reports.
    void meter_turn() {
        const HouseholdId h = home();
        Meter& m = meters_[h.value];
        if (pick(3) > 0) {
            const auto desired = office_->desired(h);
            ASSERT_TRUE(desired);
            const TicketTotal& t = desired->ticket;
            if (t.epoch > m.epoch) m = {t.epoch, 0, 0, 0};
            if (t.epoch == m.epoch && t.number > m.number) {
                m.number = t.number;
                m.credited = in_hundredths(t.credited, Round::kDown);
            }
        }
        if (m.epoch != 0 && m.used < m.credited) m.used += std::min<std::int64_t>(pick(900), m.credited - m.used);
        if (m.epoch == 0 || pick(4) == 0) return;  // the answer is lost
        move(seconds(1));
        MeterEffect effect;
        effect.epoch = m.epoch;
        effect.ticket_number = m.number;
        effect.remaining = credit_of_hundredths(m.credited - m.used);
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(h, effect, now(), done); }));
    }

    void step() {
        const std::string id = next_id();
        const HouseholdId h = home();
        const int what = pick(20);
        if (what < 6) {
            SaleOrder wanted = order(id, h, 1 + pick(3000));
            wanted.channel = static_cast<Channel>(1 + pick(4));
            const auto sold = sell(wanted);
            if (!sold) return;
            const auto booking = accounts().booking(sold->sale.id);
            ASSERT_TRUE(booking);
            booked(*booking);
            sales_.push_back(sold->sale);
            repeats_.emplace_back([this, wanted] {
                const auto again = sell(wanted);
                return again && again->repeated;
            });
        } else if (what < 8) {
            const std::int64_t amount = 1 + pick(500);
            if (note(grant(id, h, amount)))
                repeats_.emplace_back([=, this] {
                    const auto again = grant(id, h, amount);
                    return again && again->repeated;
                });
        } else if (what < 11 && !sales_.empty()) {
            BookingId sale = sales_[static_cast<std::size_t>(pick(static_cast<int>(sales_.size())))].id;
            if (!moved_in_.empty() && pick(3) == 0)
                sale = moved_in_[moved_in_.size() - 1 -
                                 static_cast<std::size_t>(pick(std::min(3, static_cast<int>(moved_in_.size()))))];
            std::optional<Money> amount;
            if (pick(2) == 0) amount = fen(1 + pick(1500));
            if (note(refund(id, sale, amount)))
                repeats_.emplace_back([=, this] {
                    const auto again = refund(id, sale, amount);
                    return again && again->repeated;
                });
        } else if (what < 14 && !refunds_.empty()) {
            const BookingId of = refunds_[static_cast<std::size_t>(pick(static_cast<int>(refunds_.size())))];
            const auto dues = accounts().dues_of(of);
            ASSERT_TRUE(dues);
            if (dues->empty()) return;
            const DueRecord due = (*dues)[static_cast<std::size_t>(pick(static_cast<int>(dues->size())))];
            const auto paid = pay_out(id, of, due.part);
            if (!paid) return;
            EXPECT_FALSE(paid->repeated);
            EXPECT_LE(paid->movements[0].amount, due.share.amount);
            for (const Booking& b : paid->bookings)
                booked(b);
            paid_back_[due.share.channel] += paid->movements[0].amount;
            repeats_.emplace_back([=, this] {
                const auto again = pay_out(id, of, due.part);
                return again && again->repeated;
            });
        } else if (what == 14 && !sales_.empty()) {
            const BookingId sale = sales_[static_cast<std::size_t>(pick(static_cast<int>(sales_.size())))].id;
            const HouseholdId right = pick(2) == 0 ? HouseholdId{} : h;
            if (note(correct(id, sale, right)))
                repeats_.emplace_back([=, this] {
                    const auto again = correct(id, sale, right);
                    return again && again->repeated;
                });
        } else if (what == 15) {
            const auto closed = settle(id, h);
            if (!note(closed)) return;
            Money owed;
            const auto dues = accounts().dues_of(closed->bookings[0].id);
            ASSERT_TRUE(dues);
            for (const DueRecord& due : *dues)
                owed += due.share.amount;
            EXPECT_EQ(owed, Money{0} - closed->bookings[0].amount) << "the parts are the whole";
            repeats_.emplace_back([=, this] {
                const auto again = settle(id, h);
                return again && again->repeated;
            });
        } else if (what == 16) {
            if (note(open_account(id, h)))
                repeats_.emplace_back([=, this] {
                    const auto again = open_account(id, h);
                    return again && again->repeated;
                });
        } else if (what == 17) {
            const HouseholdId to = home();
            if (note(move_to(id, h, to)))
                repeats_.emplace_back([=, this] {
                    const auto again = move_to(id, h, to);
                    return again && again->repeated;
                });
        } else if (what == 18 && pick(3) == 0) {
            // What the meter burnt and the office does not know is lost to it; so the meter has told before.
            const auto again = wait<BookingsAnswer>([&](auto done) { accounts().reopen(money(id), h, done); });
            (void)note(again);
        } else if (what == 19) {
            // It tells only how many; the bookings are read.
            const BookingId before = newest();
            ASSERT_TRUE(wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); }));
            const auto fresh = accounts().bookings({}, {}, 100);
            ASSERT_TRUE(fresh);
            for (auto b = fresh->rbegin(); b != fresh->rend(); ++b)
                if (b->id > before) booked(*b);
        }
    }
    void check_all() {
        expect_balanced();
        for (const auto& [channel, paid] : paid_back_)
            EXPECT_LE(paid, taken_[channel]) << "through " << word(channel);
        // What came in and did not go out was burnt, or stands in an account; moves and carrying made none.
        std::int64_t in_accounts = 0;
        std::int64_t carried = 0;
        BookingId before;
        for (;;) {
            const auto page = accounts().bookings({}, before, 1000);
            ASSERT_TRUE(page);
            if (page->empty()) break;
            for (const Booking& b : *page) {
                in_accounts += in_hundredths(b.given, Round::kDown);
                if (b.kind == BookingKind::kMoveOut || b.kind == BookingKind::kMoveIn ||
                    b.kind == BookingKind::kCarryOut || b.kind == BookingKind::kCarryIn)
                    carried += in_hundredths(b.given, Round::kDown);
            }
            before = page->back().id;
        }
        EXPECT_EQ(carried, 0) << "moving and carrying over makes nothing and loses nothing";
        EXPECT_EQ(in_accounts, sold_and_granted_ - taken_out_);
    }
};

TEST_P(RandomAccounts, NoFenAndNoHundredthAppearsOrDisappears) {
    // Cashiers, residents, meters and a dead line in every order: what an audit would add up must be what happened.
    const unsigned seed = GetParam();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    random_.seed(seed);
    building_.residents = false;
    start();
    if (seed % 3 == 0) {
        PlanVersion version;
        version.name = "steps";
        version.valid_from = now();
        version.plan = *plan_of("stepped energy month 3000:6400,9000:8000,0:11000 fee 3 7");
        ASSERT_TRUE(wait<PlanVersion>([&](auto done) { accounts().add_plan(money("plan"), version, done); }));
    }
    for (int k = 0; k < 240; ++k) {
        if (pick(2) == 0)
            meter_turn();
        else
            step();
        if (HasFatalFailure()) return;
        if (!repeats_.empty() && pick(12) == 0) {
            const BookingId before = newest();
            EXPECT_TRUE(repeats_[static_cast<std::size_t>(pick(static_cast<int>(repeats_.size())))]());
            EXPECT_EQ(newest(), before) << "a repeat changes nothing";
        }
        if (pick(60) == 0) move(minutes(20 * 24 * 60));
    }
    check_all();
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomAccounts, testing::Range(1u, 7u));

// Fails the n-th statement from when it was armed, as a disk does.
class FailingDb final : public Db {
  public:
    FailingDb(std::unique_ptr<Db> db, std::atomic<int>& until) : db_(std::move(db)), until_(until) {}
    void define(const std::string& sql) override { db_->define(sql), take(); }
    void begin_write() override { db_->begin_write(), take(); }
    void begin_read() override { db_->begin_read(), take(); }
    bool commit() override {
        if (!ok() || fails()) return false;
        const bool done = db_->commit();
        take();
        return done;
    }
    void rollback() override {
        db_->rollback();
        clear_failure();
    }
    bool in_transaction() const override { return db_->in_transaction(); }
    bool has_table(std::string_view name) override { return db_->has_table(name); }
    void mark_version(int number) override { db_->mark_version(number); }
    bool connected() const override { return db_->connected(); }
    bool reconnect() override { return db_->reconnect(); }
    void append_rows(std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        if (ok() && !fails()) db_->append_rows(table, columns, values), take();
    }

  protected:
    std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                     void (*each)(const void*, const Row&)) override {
        if (!ok() || fails()) return 0;
        const std::int64_t rows = db_->pass_on(sql, values, context, each);
        take();
        return rows;
    }
    std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) override {
        if (!ok() || fails()) return 0;
        const std::int64_t rows = db_->pass_on_stream(sql, context, each);
        take();
        return rows;
    }
    void run_later(const char* sql, std::span<const Value> values) override {
        if (ok() && !fails()) db_->pass_on_later(sql, values), take();
    }

  private:
    bool fails() {
        if (until_ <= 0 || --until_ > 0) return false;
        failure_ = DbFailure{DbError::kFailed, "planted"};
        return true;
    }
    void take() {
        if (db_->failure()) failure_ = db_->failure();
    }
    std::unique_ptr<Db> db_;
    std::atomic<int>& until_;
};

class FailingAccounts : public AccountsTest {};

TEST_F(FailingAccounts, RoomChangeIsBothOrNeitherWhicheverStatementFails) {
    // The disk fills up between the old room and the new one: nobody may end with no room, or with two.
    create();
    std::atomic<int> until{0};
    Connections connections;
    connections.writing = std::make_unique<FailingDb>(beside(), until);
    connections.open_reading = [this]() -> std::expected<std::unique_ptr<Db>, DbFailure> { return beside(); };
    connections.clock = options_.clock;
    office_ = make_office(std::move(connections));
    const HouseholdId old = room("3-0101");
    const HouseholdId fresh = room("3-0102");
    const ResidentId who = resident("r", old, "Han");
    SaleOrder paid = order("s", old, 6400);
    paid.payer = who;
    ASSERT_TRUE(sell(paid));
    ASSERT_TRUE(sell(order("s2", old, 640)));
    ASSERT_TRUE(grant("g", old, 500));
    meter(old, 300);
    int failed = 0;
    for (int k = 1; k < 200; ++k) {
        SCOPED_TRACE(testing::Message() << "statement " << k << " failed");
        until = k;
        const auto moved = move_to("m", old, fresh);
        until = 0;
        if (moved) {
            EXPECT_FALSE(moved->repeated);
            break;
        }
        ++failed;
        EXPECT_EQ(moved.error().reason, Reason::kStorageFailed);
        EXPECT_TRUE(account(old).open());
        EXPECT_EQ(account(old).ticket.number, 3u);
        EXPECT_EQ(account(fresh).ticket.epoch, 0);
        EXPECT_EQ(accounts().residents(old)->size(), 1u);
        EXPECT_FALSE(accounts().residents(old)->front().to);
        EXPECT_EQ(accounts().bookings({}, {}, 10)->size(), 3u);
    }
    EXPECT_GT(failed, 10);
    EXPECT_EQ(account(fresh).ticket.credited, credit_of_hundredths(11'200));
    EXPECT_TRUE(account(old).closed);
    expect_balanced();
}

}  // namespace
}  // namespace prewatt::server::store
