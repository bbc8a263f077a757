// What an office on a PostgreSQL server must survive beside what survival_test.cpp asks of both engines: a server that
// is restarted or crashes, sessions that are ended, a connection that is lost at COMMIT, another office that takes
// over.
#include <chrono>
#include <set>
#include <thread>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class OnPostgres : public OfficeTest {
  protected:
    void SetUp() override {
        if (!on_postgres()) GTEST_SKIP() << "about a PostgreSQL server: PREWATT_DB=postgres";
    }
    // Ends every session of the office but that of `administrator`.
    static void end_sessions(Db& administrator) {
        administrator.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid "
            "<> "
            "pg_backend_pid()",
            {}, [](const Row&) {});
        ASSERT_TRUE(administrator.ok()) << administrator.failure()->message;
    }
    static void define(Db& db, std::initializer_list<const char*> statements) {
        for (const char* sql : statements)
            db.define(sql);
        ASSERT_TRUE(db.ok()) << db.failure()->message;
    }
    template <class F>
    static bool comes_true(const F& is_true) {
        for (int k = 0; k < 1500; ++k) {
            if (is_true()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
};

class Observer final : public OfficeObserver {
  public:
    void on_changes(std::span<const Change> changes) override {
        const std::lock_guard lock(mutex_);
        for (const Change& change : changes)
            if (change.kind == Change::Kind::kSale) sales_.insert(change.id);
    }
    bool has_heard_of(std::int64_t sale) {
        const std::lock_guard lock(mutex_);
        return sales_.contains(sale);
    }

  private:
    std::mutex mutex_;
    std::set<std::int64_t> sales_;
};

TEST_F(OnPostgres, SessionsThatAnAdministratorEndsAreReplacedUnnoticed) {
    // The administrator ends "idle" sessions at night; in the morning the desk must sell without a restart.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 1000)));
    const auto administrator = beside();
    for (int k = 0; k < 3; ++k) {
        end_sessions(*administrator);
        const auto sold = sell(order("b" + std::to_string(k), household, 1000));
        ASSERT_TRUE(sold) << sold.error().message;
        EXPECT_FALSE(sold->repeated);
        EXPECT_TRUE(office_->household(household));
        EXPECT_EQ(office_->desired(household)->ticket.number, static_cast<std::uint32_t>(k + 2));
        EXPECT_EQ(open_office(options_).error().error, OpenError::kInUse) << "the lock was not taken again";
    }
    expect_balanced();
}

TEST_F(OnPostgres, ServerThatIsRestartedOrCrashesLosesAndDoublesNothing) {
    // An update of the database server at noon: receipts that were printed hold, and the desk goes on by itself.
    OwnPostgres server;
    ASSERT_TRUE(server.started());
    options_.url = server.url("postgres");
    start();
    std::atomic<bool> stop{false};
    std::atomic<int> sold{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> desks;
    for (int desk = 0; desk < 4; ++desk)
        desks.emplace_back([&, desk] {
            for (int k = 0; !stop; ++k) {
                const auto one = order("d" + std::to_string(desk) + "-" + std::to_string(k), HouseholdId{desk + 1}, 64);
                for (;;) {
                    const auto answer = sell(one);
                    if (answer) break;
                    EXPECT_EQ(answer.error().reason, Reason::kStorageFailed) << answer.error().message;
                    ++refused;
                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                }
                ++sold;
            }
        });
    const auto sells_on = [&] {
        const int before = sold;
        return comes_true([&] { return sold > before + 20; });
    };
    EXPECT_TRUE(sells_on());
    for (const char* mode : {"fast", "immediate"}) {
        EXPECT_TRUE(server.restart(mode));
        EXPECT_TRUE(sells_on()) << mode;
    }
    EXPECT_TRUE(server.halt());
    const int refused_before = refused;
    EXPECT_TRUE(comes_true([&] { return refused > refused_before + 4; }));
    EXPECT_FALSE(office_->household(HouseholdId{1}));
    EXPECT_TRUE(server.resume());
    EXPECT_TRUE(sells_on());
    stop = true;
    for (auto& desk : desks)
        desk.join();
    const auto check = check_ledger(options_.url);
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_TRUE(check->balanced) << check->problem;
    EXPECT_EQ(check->sales, sold);
    office_.reset();
}

TEST_F(OnPostgres, ConnectionLostAtCommitIsRefusedAndTheSameOrderSellsOnce) {
    // The one moment when nobody knows: the money is booked and the answer never comes, or it is not booked at all.
    OwnPostgres server;
    ASSERT_TRUE(server.started());
    options_.url = server.url("postgres");
    start();
    Observer observer;
    office_->add_observer(observer);
    const HouseholdId household = room("3-0101");
    const auto administrator = beside();

    // Booked: COMMIT waits for a standby that does not exist, and its session is ended there.
    define(*administrator, {"ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"});
    auto answered = std::async(std::launch::async, [&] { return sell(order("booked", household, 1000)); });
    EXPECT_TRUE(comes_true([&] {
        return administrator->query(
                   "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE wait_event = "
                   "'SyncRep' AND datname = current_database()",
                   {}, [](const Row&) {}) > 0;
    }));
    const auto lost = answered.get();
    define(*administrator, {"ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"});
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().reason, Reason::kStorageFailed);
    EXPECT_NE(lost.error().message.find("same order id"), std::string::npos) << lost.error().message;
    // Line masters must hear of the ticket although nobody asks again.
    EXPECT_TRUE(comes_true([&] { return observer.has_heard_of(1); }));
    const auto again = sell(order("booked", household, 1000));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->repeated);

    // Not booked: the session ends itself in COMMIT, before the record of it is written.
    define(*administrator,
           {"CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN PERFORM "
            "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $body$",
            "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
            "FUNCTION cut()"});
    const auto cut = sell(order("not-booked", household, 2000));
    define(*administrator, {"DROP TRIGGER cut ON bookings"});
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().reason, Reason::kStorageFailed);
    EXPECT_FALSE(office_->sale_by_order("not-booked"));
    const auto sold = sell(order("not-booked", household, 2000));
    ASSERT_TRUE(sold) << sold.error().message;
    EXPECT_FALSE(sold->repeated);
    EXPECT_EQ(office_->desired(household)->ticket.number, 2u);
    expect_balanced();
    office_->remove_observer(observer);
    office_.reset();
}

TEST_F(OnPostgres, OfficeThatLostItsLockToAnotherChangesNothingAnyMore) {
    // The network of one machine was cut, the standby office took over, and then the first one comes back.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 1000)));
    const auto other = beside();
    end_sessions(*other);
    other->query("SELECT pg_advisory_lock($1)", {kOfficeLockKey}, [](const Row&) {});
    const auto refused = sell(order("b", household, 1000));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kStorageFailed);
    EXPECT_NE(refused.error().message.find("Another office"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(office_->household(household)) << "questions are still answered";
    // Nor when the other one has gone again: what this one remembers may be out of date.
    other->query("SELECT pg_advisory_unlock_all()", {}, [](const Row&) {});
    EXPECT_FALSE(sell(order("b", household, 1000)));
    reopen();
    ASSERT_TRUE(sell(order("b", household, 1000)));
    EXPECT_EQ(office_->desired(household)->ticket.number, 2u);
    expect_balanced();
}

TEST_F(OnPostgres, ServerThatForgetsAtAPowerCutIsRefused) {
    // "fsync = off" from a tuning guide: fast, until the first power cut.
    create();
    administer("ALTER DATABASE " + database_->name() + " SET prewatt.unsafe_for_tests = off");
    const auto opened = open_office(options_);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("fsync off"), std::string::npos) << opened.error().message;

    OwnPostgres server;
    ASSERT_TRUE(server.started());
    options_.url = server.url("postgres");
    create();
    define(*beside(), {"ALTER DATABASE postgres SET synchronous_commit = off"});
    EXPECT_NE(open_office(options_).error().message.find("synchronous_commit off"), std::string::npos);
}

TEST_F(OnPostgres, DiskOfTheServerIsFull) {
    // The disk of the database server fills at noon: the desk is told so, and goes on when there is room.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 1000)));
    const auto administrator = beside();
    define(*administrator,
           {"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN RAISE EXCEPTION 'could not "
            "extend file' USING ERRCODE = 'disk_full'; END $body$",
            "CREATE TRIGGER full_disk BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION full_disk()"});
    const auto refused = sell(order("b", household, 1000));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kStorageFull) << refused.error().message;
    EXPECT_TRUE(office_->household(household));
    define(*administrator, {"DROP TRIGGER full_disk ON entries"});
    const auto sold = sell(order("b", household, 1000));
    ASSERT_TRUE(sold);
    EXPECT_FALSE(sold->repeated);
    expect_balanced();
}

TEST_F(OnPostgres, ForeignNewerAndEmptyDatabasesAreToldApartAndNotTouched) {
    // The wrong name in the configuration: the office must not spread its tables over somebody's accounting.
    EXPECT_EQ(open_office(options_).error().error, OpenError::kMissing);
    EXPECT_FALSE(*is_office_there(options_));
    create();
    EXPECT_TRUE(*is_office_there(options_));
    const SiteSpec site{.name = "x", .owner_user = "o", .owner_password = "long enough", .price = {}};
    EXPECT_EQ(create_site(options_, site).error().error, OpenError::kExists);
    beside()->execute("INSERT INTO migrations (number, name, applied_at) VALUES (99, 'of the future', 0)");
    const auto newer = open_office(options_);
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().error, OpenError::kNewer);
    EXPECT_NE(newer.error().message.find("99"), std::string::npos);

    const TestDatabase foreign{false};
    options_.url = foreign.url();
    EXPECT_EQ(open_office(options_).error().error, OpenError::kMissing);
    define(*beside(), {"CREATE TABLE letters (content TEXT)"});
    EXPECT_EQ(open_office(options_).error().error, OpenError::kDamaged);
    EXPECT_EQ(create_site(options_, site).error().error, OpenError::kDamaged);
    EXPECT_FALSE(beside()->has_table("site"));
    options_.url = "postgresql://prewatt:secret-word@/nowhere?host=" + folder_.string();
    const auto nowhere = open_office(options_);
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().message.find("secret-word"), std::string::npos) << nowhere.error().message;
}

TEST_F(OnPostgres, TextIsComparedByItsBytesAsInSqlite) {
    // Rooms that sort otherwise after an update of the system's locales make an index that does not find them.
    const auto db = beside();
    std::int64_t others = 0;
    db->query(
        "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'text' "
        "AND collation_name IS DISTINCT FROM 'C'",
        {}, [&](const Row& row) { others = row.integer(0); });
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    EXPECT_EQ(others, 0);
}

TEST_F(OnPostgres, ManyRowsAreStreamedAndTheNextQuestionHasAllOfItsRows) {
    // A report of a year must not need the memory of a year; and the question after it must not be cut to one row.
    const auto db = beside();
    std::int64_t rows = 0;
    db->begin_read();
    EXPECT_EQ(
        db->scan("SELECT n FROM generate_series(1, 20000) AS n", [&](const Row& row) { rows += row.integer(0) > 0; }),
        20'000);
    EXPECT_EQ(rows, 20'000);
    EXPECT_EQ(db->query("SELECT n FROM generate_series(1, 3) AS n", {}, [](const Row&) {}), 3);
    EXPECT_EQ(db->scan("SELECT no_such_column", [](const Row&) {}), 0);
    EXPECT_EQ(db->failure()->error, DbError::kStatement);
    db->rollback();
    EXPECT_EQ(db->query("SELECT n FROM generate_series(1, 3) AS n", {}, [](const Row&) {}), 3);
}

}  // namespace
}  // namespace prewatt::server::store
