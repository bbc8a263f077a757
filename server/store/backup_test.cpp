// Backups, restoring and moving, on both engines; moving goes between them.
#include "server/store/backup.hpp"

#include "server/store/archive_settings.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "server/store/audit.hpp"
#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class Backup : public OfficeTest {
  protected:
    // An office in which something has happened to most tables.
    void live() {
        start();
        for (int k = 0; k < 40; ++k)
            ASSERT_TRUE(sell(order("a" + std::to_string(k), HouseholdId{k % 39 + 1}, 1000 + k)));
        const HouseholdId household = room("3-0105");
        const JobOrder job{.order_id = "j1", .household = household, .operator_name = "owner", .reason = "检查"};
        ASSERT_TRUE(wait<JobRecord>([&](auto done) { office_->set_remote_hold(job, true, done); }));
        ASSERT_TRUE(wait<Done>(
            [&](auto done) { office_->set_price(UnitPrice{7000}, Actor{"owner", "test"}, "dearer", done); }));
        move(minutes(1));
        std::vector<Reading> readings;
        for (const std::int64_t month : {0, 1, 2})
            for (int k = 1; k <= 39; ++k)
                readings.push_back({.household = HouseholdId{k},
                                    .at = UnixTime{now().ms - month * 31 * 24 * 3'600'000},
                                    .forward = energy_of_hundredths(1000 + k),
                                    .remaining = Credit{500 + k},
                                    .state = {}});
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings(readings, done); }));
        ASSERT_TRUE(wait<Done>([&](auto done) {
            office_->record_confirmed({.household = HouseholdId{1}, .part = Part::kTicket, .epoch = 1, .version = 1},
                                      {.epoch = 1, .ticket_number = 1, .remaining = {}, .state = {}}, now(), done);
        }));
    }
    std::filesystem::path file() const { return folder_ / "office.backup"; }
    static std::string bytes_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const std::filesystem::path& file, const std::string& bytes) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    }
    // Another place of the other engine, where there is one, or of the same; empty.
    std::string elsewhere() {
        if (on_postgres()) return (folder_ / ("elsewhere" + std::to_string(others_++) + ".db")).string();
        return (folder_ / ("copy" + std::to_string(others_++) + ".db")).string();
    }
    std::string empty_postgres() {
        databases_.push_back(std::make_unique<TestDatabase>(false));
        return databases_.back()->url();
    }
    // Every row of every table, as text; kButMarks: without what a restore writes down about itself (restored.hpp).
    enum class What : std::uint8_t { kAll, kButMarks };
    static std::set<std::string> everything(const std::string& url, What what = What::kAll) {
        const bool all_of_it = what == What::kAll;
        std::set<std::string> all;
        auto place = place_of(url);
        EXPECT_TRUE(place);
        auto db = (*place)->open_reading();
        EXPECT_TRUE(db) << db.error().message;
        if (!db) return all;
        for (const std::string& table : (*place)->tables(**db)) {
            if (is_derived(table)) continue;
            auto columns = (*place)->columns(**db, table);
            std::erase_if(columns, [&](const Column& column) {
                return is_derived(table, column.name) || (!all_of_it && column.name == "card_issue");
            });
            std::string names;
            for (const Column& column : columns)
                names += (names.empty() ? "" : ", ") + column.name;
            int row_number = 0;
            (*db)->scan("SELECT " + names + " FROM " + table, [&](const Row& row) {
                std::string text = table;
                for (int k = 0; k < static_cast<int>(columns.size()); ++k)
                    text += "|" + (row.is_null(k) ? "NULL" : row.as<std::string>(k));
                if (!all_of_it &&
                    (text.find("|books.restore|") != text.npos || text.find("|books_restored|") != text.npos))
                    return;
                all.insert(text);
                ++row_number;
            });
            all.insert(table + " has " + std::to_string(row_number));
        }
        EXPECT_TRUE((*db)->ok()) << (*db)->failure()->message;
        return all;
    }
    static OpenError state_of(const std::string& url) {
        const auto db = (*place_of(url))->open_reading();
        return db ? OpenError::kExists : db.error().error;
    }

    int others_ = 0;
    std::vector<std::unique_ptr<TestDatabase>> databases_;
};

// The names of the tables in a backup, read by the format's page and not by our reader.
std::set<std::string> tables_in(const std::string& bytes) {
    std::set<std::string> tables;
    std::size_t at = 24;
    const auto number = [&](std::size_t size) {
        std::uint64_t value = 0;
        for (std::size_t k = 0; k < size; ++k)
            value = value << 8 | static_cast<unsigned char>(bytes.at(at++));
        return value;
    };
    const auto text = [&] {
        const std::size_t size = number(4);
        at += size;
        return bytes.substr(at - size, size);
    };
    std::uint64_t columns = 0;
    for (;;) {
        const auto mark = static_cast<char>(number(1));
        if (mark == 'E') return tables;
        if (mark == 'T') {
            tables.insert(text());
            columns = number(4);
            for (std::uint64_t k = 0; k < columns; ++k)
                (void)text();
        }
        for (std::uint64_t k = 0; mark == 'R' && k < columns; ++k) {
            const auto tag = number(1);
            if (tag == 1) (void)number(8);
            if (tag == 2) (void)text();
        }
    }
}

TEST_F(Backup, HoldsEveryTableOfTheSchema) {
    // A table that somebody added and nobody put on a list is missed on the day the disk dies.
    start();
    const auto db = beside();
    db->define("CREATE TABLE added_yesterday (number {key}, words TEXT)");
    db->execute("INSERT INTO added_yesterday (number, words) VALUES (1, 'x')");
    std::set<std::string> schema;
    const char* sql = on_postgres()
                          ? "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN "
                            "(SELECT relname FROM pg_class WHERE relispartition)"
                          : "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> "
                            "'sqlite_'";
    db->query(sql, {}, [&](const Row& row) { schema.insert(row.as<std::string>(0)); });
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    std::erase_if(schema, [](const std::string& table) { return is_derived(table); });
    const auto saved = back_up(options_.url, file(), now());
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_EQ(tables_in(bytes_of(file())), schema);
    EXPECT_TRUE(schema.contains("added_yesterday") && schema.contains("audit_journal"));
    EXPECT_EQ(saved->tables, static_cast<std::int64_t>(schema.size()));
}

TEST_F(Backup, RestoredOfficeIsTheSameToTheLastRowAndWorksOn) {
    // The machine is gone; what comes back must be the books, not something like them.
    live();
    const auto saved = back_up(options_.url, file(), now());
    ASSERT_TRUE(saved) << saved.error().message;
    const auto before = everything(options_.url, What::kButMarks);
    office_.reset();
    std::vector<std::string> targets{elsewhere()};
    if (on_postgres()) targets.push_back(empty_postgres());
    for (const std::string& target : targets) {
        const auto restored = restore(file(), target, now());
        ASSERT_TRUE(restored) << restored.error().message;
        EXPECT_EQ(restored->balances_after, saved->balances_before);
        EXPECT_EQ(restored->rows, saved->rows);
        EXPECT_EQ(everything(target, What::kButMarks), before);
        options_.url = target;
        open();
        expect_balanced();
        EXPECT_TRUE(sell(order("a7", HouseholdId{8}, 1007))->repeated);
        const auto next = sell(order("next", HouseholdId{8}, 1000));
        ASSERT_TRUE(next) << next.error().message;
        EXPECT_EQ(next->sale.id.value, 41);
        // Keys that number themselves go on behind the restored ones.
        UserRecord clerk;
        clerk.user = "clerk";
        clerk.role = Role::kCashier;
        const auto made = wait<UserRecord>(
            [&](auto done) { office_->create_user(clerk, "long enough password", Actor{"owner", "test"}, done); });
        ASSERT_TRUE(made) << made.error().message;
        EXPECT_EQ(made->id.value, 2);
        office_.reset();
        // And from there into a backup again.
        EXPECT_EQ(restore(file(), target, now()).error().error, OpenError::kExists);
    }
}

TEST_F(Backup, RestoredBooksSayThatTheyAreAndNumberCardsAboveThoseOfTheLostOnes) {
    // Nobody at the desk knows that the books are of last week; a card with a number that the box has seen is refused.
    live();
    ASSERT_TRUE(back_up(options_.url, file(), now()));
    office_.reset();
    move(minutes(10));
    options_.url = on_postgres() ? empty_postgres() : elsewhere();
    ASSERT_TRUE(restore(file(), options_.url, now()));
    open();
    const auto items = office_->work_list().items({});
    ASSERT_TRUE(items && items->size() == 1);
    EXPECT_EQ(items->front().item.kind, "books_restored");
    EXPECT_EQ(items->front().first_at, now());
    const auto db = beside();
    EXPECT_EQ(db->query("SELECT 1 FROM households WHERE card_issue = 4", {}, [](const Row&) {}), 39);
    const auto journal = office_->audit().records({});
    ASSERT_TRUE(journal && !journal->empty());
    EXPECT_EQ(journal->front().action, "books.restore");
}

TEST_F(Backup, TakenWhileTheDeskSellsIsOfOneMoment) {
    // The nightly backup must not wait for the office to close, nor catch a booking without its entries.
    start();
    std::atomic<bool> stop{false};
    std::thread desk([&] {
        for (int k = 0; !stop; ++k)
            EXPECT_TRUE(sell(order("s" + std::to_string(k), HouseholdId{k % 39 + 1}, 100)));
    });
    std::vector<std::filesystem::path> files;
    for (int k = 0; k < 3; ++k) {
        files.push_back(folder_ / ("b" + std::to_string(k)));
        const auto saved = back_up(options_.url, files.back(), now());
        EXPECT_TRUE(saved) << saved.error().message;
    }
    stop = true;
    desk.join();
    for (const auto& one : files) {
        const std::string target = elsewhere();
        const auto restored = restore(one, target, now());
        ASSERT_TRUE(restored) << restored.error().message;
        const auto check = check_ledger(target);
        ASSERT_TRUE(check);
        EXPECT_TRUE(check->balanced) << check->problem;
    }
    EXPECT_EQ(back_up(options_.url, files.front(), now()).error().error, OpenError::kExists);
}

TEST_F(Backup, DamagedBackupIsRefusedAndLeavesNothing) {
    // A backup from a bad stick must say so, not become a ledger that is nearly right.
    live();
    ASSERT_TRUE(back_up(options_.url, file(), now()));
    const std::string whole = bytes_of(file());
    const std::string target = on_postgres() ? empty_postgres() : elsewhere();
    const auto expect_refused = [&](const std::string& bytes, const char* what) {
        write(file(), bytes);
        const auto restored = restore(file(), target, now());
        ASSERT_FALSE(restored) << what;
        EXPECT_EQ(restored.error().error, OpenError::kDamaged) << what << ": " << restored.error().message;
        EXPECT_EQ(state_of(target), OpenError::kMissing) << what;
    };
    for (std::size_t k = 0; k < 20; ++k) {
        std::string torn = whole;
        torn[k * (whole.size() - 1) / 19] ^= 0x10;
        expect_refused(torn, "one bit");
    }
    expect_refused(whole.substr(0, whole.size() / 2), "half");
    expect_refused("", "empty");
    // Somebody who changes an amount can also make the hash of the bytes right; the balances tell.
    std::string forged = whole.substr(0, whole.size() - 32);
    const std::size_t booking = forged.find(std::string{"\2\0\0\0\2a7", 7});
    ASSERT_NE(booking, forged.npos);
    for (std::size_t at = booking; at < booking + 60; ++at)
        if (forged.substr(at, 9) == std::string{"\1\0\0\0\0\0\0\3\xEF", 9}) forged[at + 8] = '\xEE';
    ASSERT_NE(forged, whole.substr(0, whole.size() - 32));
    std::string hash;
    const std::string hexadecimal = sha256_hex(forged);
    for (std::size_t k = 0; k < 64; k += 2)
        hash += static_cast<char>(std::stoi(hexadecimal.substr(k, 2), nullptr, 16));
    write(file(), forged + hash);
    const auto of_forged = restore(file(), target, now());
    // The amount of a booking alone is found by the ledger's own check.
    EXPECT_TRUE(!of_forged || !check_ledger(target)->balanced);
}

TEST_F(Backup, HashOfBalancesIsWhatAnAuditorComputesFromThePage) {
    // A hash that only our own program can compute proves nothing to anybody else.
    live();
    const auto db = beside();
    std::string text;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> accounts;
    db->query("SELECT unit, from_account, to_account, amount FROM entries", {}, [&](const Row& row) {
        accounts[{row.integer(0), row.integer(1)}] -= row.integer(3);
        accounts[{row.integer(0), row.integer(2)}] += row.integer(3);
    });
    for (const auto& [account, balance] : accounts)
        if (balance != 0)
            text += "account " + std::to_string(account.first) + " " + std::to_string(account.second) + " " +
                    std::to_string(balance) + "\n";
    std::map<std::int64_t, std::array<std::int64_t, 4>> households;
    db->query("SELECT household_id, epoch, ticket_number, credited_ckwh, paid_total_fen FROM bookings", {},
              [&](const Row& row) {
                  auto& newest = households[row.integer(0)];
                  const std::array<std::int64_t, 4> one{row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
                  newest = std::max(newest, one);
              });
    for (const auto& [household, n] : households)
        text += "household " + std::to_string(household) + " " + std::to_string(n[0]) + " " + std::to_string(n[1]) +
                " " + std::to_string(n[2]) + " " + std::to_string(n[3]) + "\n";
    EXPECT_EQ(hash_of_balances(*db), sha256_hex(text));
    ASSERT_TRUE(sell(order("one more", HouseholdId{3}, 100)).error().reason == Reason::kBadArgument);
    ASSERT_TRUE(sell(order("one-more", HouseholdId{3}, 100)));
    EXPECT_NE(hash_of_balances(*db), sha256_hex(text));
}

TEST_F(Backup, MovesBetweenTheEnginesAndBackAndOnlyWhenNobodyWorksThere) {
    // The campus outgrows its file; a fen must not get lost on the way to the server, nor on the way back.
    if (!on_postgres()) GTEST_SKIP() << "needs both engines: PREWATT_DB=postgres";
    live();
    const std::string there = elsewhere();
    EXPECT_EQ(move_office(options_.url, there, now()).error().error, OpenError::kInUse);
    EXPECT_FALSE(std::filesystem::exists(there));
    office_.reset();  // an orderly stop puts away what is only in memory
    const auto before = everything(options_.url);
    const auto moved = move_office(options_.url, there, now());
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(moved->balances_before, moved->balances_after);
    const std::string back = empty_postgres();
    const auto returned = move_office("sqlite://" + there, back, now());
    ASSERT_TRUE(returned) << returned.error().message;
    EXPECT_EQ(returned->balances_after, moved->balances_before);
    EXPECT_EQ(everything(back), before);
    EXPECT_EQ(everything(there), before);
}

TEST_F(Backup, KilledInTheMiddleLeavesNothingOrAll) {
    // The power fails while the new server is being filled.
    live();
    office_.reset();  // an orderly stop puts away what is only in memory
    ASSERT_TRUE(back_up(options_.url, file(), now()));
    const auto before = everything(options_.url, What::kButMarks);
    const std::string target = on_postgres() ? empty_postgres() : elsewhere();
    int killed = 0;
    bool whole = false;
    for (int delay_ms = 1; delay_ms < 2000 && !whole; delay_ms += 1 + delay_ms / 2) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            (void)(delay_ms % 2 == 0 ? restore(file(), target, now()) : move_office(options_.url, target, now()));
            _exit(0);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        killed += WIFSIGNALED(status) ? 1 : 0;
        whole = state_of(target) == OpenError::kExists;
        EXPECT_TRUE(whole || state_of(target) == OpenError::kMissing);
    }
    EXPECT_GE(killed, 2);
    if (!whole) {
        const auto restored = restore(file(), target, now());
        ASSERT_TRUE(restored) << restored.error().message;
    }
    EXPECT_EQ(everything(target, What::kButMarks), before);
}

TEST_F(Backup, CheckNamesWhatIsWrong) {
    // The yearly audit asks one question and wants one answer for each subject.
    live();
    office_.reset();
    const auto sound = check_office(options_.url);
    ASSERT_TRUE(sound) << sound.error().message;
    for (const Finding& finding : *sound)
        EXPECT_TRUE(finding.sound) << finding.subject << ": " << finding.words;
    const auto db = beside();
    for (const char* trigger : {"DROP TRIGGER bookings_stay", "DROP TRIGGER entries_stay"})
        db->define(std::string{trigger} +
                   (on_postgres() ? (std::string_view{trigger}.ends_with("s_stay") &&
                                             std::string_view{trigger}.find("entries") != std::string_view::npos
                                         ? " ON entries"
                                         : " ON bookings")
                                  : ""));
    db->execute("UPDATE entries SET amount = amount + 1 WHERE id = 8");
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    const auto wrong = check_office(options_.url);
    ASSERT_TRUE(wrong);
    for (const Finding& finding : *wrong)
        EXPECT_EQ(finding.sound, finding.subject != "ledger") << finding.subject << ": " << finding.words;
}

TEST_F(Backup, SettingsOfTheArchiveAreSetTogetherWrittenDownAndKept) {
    // Somebody halves the time that readings are kept, and later nobody has done it.
    create();
    const Actor who{"root", "cli"};
    const auto set = [&](std::vector<std::pair<std::string, std::int64_t>> changes) {
        return set_archive_settings(options_.url, changes, who, "a small disk", now());
    };
    EXPECT_EQ(*archive_settings(options_.url), ArchiveSettings{});
    EXPECT_EQ(set({{"raw_days", 10}, {"days", 3}}).error().error, OpenError::kBadSpec);
    EXPECT_EQ(set({{"raw_days", 10}, {"close_day", 31}}).error().error, OpenError::kBadSpec);
    EXPECT_EQ(*archive_settings(options_.url), ArchiveSettings{}) << "all of it or nothing";
    const auto changed = set({{"raw_days", 10}, {"close_hour", 6}, {"hour_days", 400}});
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(*archive_settings(options_.url), *changed);
    EXPECT_EQ(changed->retention.raw_days, 10);
    EXPECT_EQ(changed->closing.hour, 6);
    open();
    EXPECT_EQ(set({{"raw_days", 11}}).error().error, OpenError::kInUse);
    AuditFilter filter;
    filter.action = "archive.set";
    const auto records = *office_->audit().records(filter);
    ASSERT_EQ(records.size(), 2u) << "what stays as it was is no change";
    EXPECT_EQ(records[1].subject, "raw_days");
    EXPECT_EQ(records[1].before, "35");
    EXPECT_EQ(records[1].after, "10");
    EXPECT_EQ(records[1].who.user, "root");
    EXPECT_EQ(records[1].reason, "a small disk");
}

TEST_F(Backup, MigrateSaysWhichStepsItApplied) {
    // Before an update the operator wants to see what it will have done, and only once.
    create();
    const auto nothing = migrate_office(options_.url, now());
    ASSERT_TRUE(nothing) << nothing.error().message;
    EXPECT_TRUE(nothing->steps.empty());
    open();
    EXPECT_EQ(migrate_office(options_.url, now()).error().error, OpenError::kInUse);
}

}  // namespace
}  // namespace prewatt::server::store
