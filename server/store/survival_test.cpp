// What an office must survive: being killed, a full disk, a damaged or foreign file, a second program, a newer version.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <random>
#include <set>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class Survival : public OfficeTest {
  protected:
    std::string bytes() const {
        std::ifstream in(options_.url, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write_bytes(const std::string& bytes) const {
        std::ofstream(options_.url, std::ios::binary | std::ios::trunc) << bytes;
    }
    OpenError error_of_open() const {
        const auto opened = open_office(options_);
        EXPECT_FALSE(opened);
        return opened ? OpenError::kFailed : opened.error().error;
    }

    // In a child: sells without end, eight orders at a time, and tells the numbers of those that were reported as done.
    [[noreturn]] void sell_until_killed(int pipe, int run) {
        auto opened = open_office(options_);
        if (!opened) _exit(3);
        office_ = std::move(*opened);
        for (int k = 0;; k += 8) {
            std::vector<std::future<bool>> sold;
            for (int j = 0; j < 8; ++j) {
                const std::int32_t number = run * 1'000'000 + k + j;
                auto answered = std::make_shared<std::promise<bool>>();
                sold.push_back(answered->get_future());
                office_->sell(order("k" + std::to_string(number), HouseholdId{number % 39 + 1}, 100 + number % 7),
                              [answered, pipe, number](const Answer<SaleAnswer>& answer) {
                                  if (answer && write(pipe, &number, sizeof number) != sizeof number) _exit(4);
                                  answered->set_value(answer.has_value());
                              });
            }
            for (auto& one : sold)
                if (!one.get()) _exit(5);
        }
    }
};

TEST_F(Survival, KilledInTheMiddleOfSellingLosesNothingThatWasReportedAsDone) {
    // The plug of the office's machine is pulled while receipts are being printed.
    create();
    std::mt19937 random{7};
    std::set<std::int32_t> acknowledged;
    constexpr int kKills = 12;
    for (int run = 0; run < kKills; ++run) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            close(ends[0]);
            sell_until_killed(ends[1], run);
        }
        close(ends[1]);
        // So many sales later, wherever it is then.
        const int kill_after = static_cast<int>(random() % 200) + 1;
        std::int32_t number = 0;
        for (int heard = 0; read(ends[0], &number, sizeof number) == sizeof number; ++heard) {
            acknowledged.insert(number);
            if (heard == kill_after) kill(child, SIGKILL);
        }
        close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    }
    open();
    for (const std::int32_t number : acknowledged)
        EXPECT_TRUE(office_->sale_by_order("k" + std::to_string(number))) << number;
    const auto check = check_ledger(options_.url);
    ASSERT_TRUE(check);
    EXPECT_TRUE(check->balanced) << check->problem;
    EXPECT_GE(check->sales, static_cast<std::int64_t>(acknowledged.size()));
    // What was not acknowledged may be there or not; asked again it is there once.
    const std::int32_t last = *acknowledged.rbegin();
    EXPECT_TRUE(sell(order("k" + std::to_string(last), HouseholdId{last % 39 + 1}, 100 + last % 7))->repeated);
}

TEST_F(Survival, FullDatabaseRefusesSalesKeepsAnsweringAndGoesOnWithRoom) {
    // The log of another program has filled the disk at noon, with a queue at the desk.
    if (on_postgres()) GTEST_SKIP() << "about the pages of an SQLite file; PostgreSQL's is DiskOfTheServerIsFull";
    create();
    open();
    ASSERT_TRUE(sell(order("before", room("3-0101"), 1000)));
    office_.reset();
    options_.database_pages_max = static_cast<std::int64_t>(std::filesystem::file_size(options_.url)) / 4096 + 3;
    open();
    const HouseholdId household = room("3-0101");
    int sold = 0;
    Answer<SaleAnswer> answer;
    for (; sold < 5000; ++sold) {
        answer = sell(order("n" + std::to_string(sold), household, 64));
        if (!answer) break;
    }
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, Reason::kStorageFull);
    EXPECT_TRUE(office_->household(household));
    EXPECT_EQ(office_->desired(household)->ticket.number, static_cast<std::uint32_t>(sold + 1));
    EXPECT_FALSE(office_->sale_by_order("n" + std::to_string(sold)));
    expect_balanced();
    office_.reset();
    options_.database_pages_max = 0;
    open();
    const auto again = sell(order("n" + std::to_string(sold), household, 64));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->repeated);
    expect_balanced();
}

TEST_F(Survival, DiskThatRefusesToWriteIsTriedAgainWithoutARestart) {
    // Somebody makes room; nobody should have to restart the office for it.
    if (on_postgres()) GTEST_SKIP() << "about an SQLite file";
    start();
    const HouseholdId household = room("3-0101");
    for (int k = 0; k < 20; ++k)
        ASSERT_TRUE(sell(order("a" + std::to_string(k), household, 64)));
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    auto* handler = signal(SIGXFSZ, SIG_IGN);
    const rlimit none{1, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    std::vector<Answer<SaleAnswer>> refused;
    for (int k = 0; k < 3; ++k)
        refused.push_back(sell(order("b" + std::to_string(k), household, 64)));
    const auto shown = office_->household(household);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    for (const auto& one : refused) {
        ASSERT_FALSE(one);
        EXPECT_TRUE(one.error().reason == Reason::kStorageFailed || one.error().reason == Reason::kStorageFull);
    }
    EXPECT_TRUE(shown);
    EXPECT_EQ(office_->desired(household)->ticket.number, 20u);
    ASSERT_TRUE(sell(order("b0", household, 64)));
    EXPECT_EQ(office_->desired(household)->ticket.number, 21u);
    expect_balanced();
}

TEST_F(Survival, DatabaseOfANewerVersionIsRefusedAndNotTouched) {
    // An old program on a new database would not know what it overwrites.
    if (on_postgres()) GTEST_SKIP() << "about the head of an SQLite file";
    create();
    std::string content = bytes();
    content[63] = 99;
    write_bytes(content);
    const auto opened = open_office(options_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().error, OpenError::kNewer);
    EXPECT_NE(opened.error().message.find("99"), std::string::npos);
    EXPECT_EQ(bytes(), content);
}

TEST_F(Survival, SecondProcessIsRefused) {
    // Two offices on one database would both reserve the same command counters.
    start();
    EXPECT_EQ(error_of_open(), OpenError::kInUse);
    EXPECT_EQ(create_site(options_, {.name = "x", .owner_user = "o", .owner_password = "long enough", .price = {}})
                  .error()
                  .error,
              OpenError::kInUse);
    office_.reset();
    open();
}

TEST_F(Survival, ForeignAndDamagedFilesAreRefusedAndNotTouched) {
    // The wrong file in the configuration, or a disk that dies: nothing may be written over it.
    if (on_postgres()) GTEST_SKIP() << "about an SQLite file";
    EXPECT_EQ(error_of_open(), OpenError::kMissing);
    write_bytes(
        "this is a letter to the landlord, longer than the head of a database, and it must be the same afterwards....");
    const std::string letter = bytes();
    EXPECT_EQ(error_of_open(), OpenError::kDamaged);
    EXPECT_EQ(bytes(), letter);
    write_bytes("");
    EXPECT_EQ(error_of_open(), OpenError::kDamaged);
    std::filesystem::remove(options_.url);

    create();
    const std::string whole = bytes();
    std::mt19937 random{3};
    int refused = 0;
    for (std::size_t page = 1; page < whole.size() / 4096; ++page) {
        std::string torn = whole;
        for (std::size_t k = 0; k < 4096; ++k)
            torn[page * 4096 + k] = static_cast<char>(random());
        write_bytes(torn);
        const auto opened = open_office(options_);
        if (!opened) {
            EXPECT_EQ(opened.error().error, OpenError::kDamaged) << opened.error().message;
            ++refused;
        }
    }
    EXPECT_EQ(refused, static_cast<int>(whole.size() / 4096) - 1);
    write_bytes(whole.substr(0, whole.size() / 2));
    EXPECT_EQ(error_of_open(), OpenError::kDamaged);
    write_bytes(whole);
    open();
}

TEST_F(Survival, CreatingNeverOverwritesAndLeavesNothingBehindWhenItFails) {
    // "./start" in the wrong folder must not end a year of books.
    if (on_postgres()) GTEST_SKIP() << "about an SQLite file";
    create();
    const std::string content = bytes();
    const SiteSpec site{.name = "x", .owner_user = "o", .owner_password = "long enough", .price = {}};
    EXPECT_EQ(create_site(options_, site).error().error, OpenError::kExists);
    EXPECT_EQ(bytes(), content);
    std::filesystem::remove(options_.url);
    EXPECT_EQ(
        create_site(options_, {.name = "x", .owner_user = "o", .owner_password = "short", .price = {}}).error().error,
        OpenError::kBadSpec);
    options_.database_pages_max = 10;
    EXPECT_FALSE(create_site(options_, site));
    for (const auto& left : std::filesystem::directory_iterator(folder_))
        EXPECT_EQ(left.path().extension(), ".lock");
    options_.database_pages_max = 0;
    ASSERT_TRUE(create_site(options_, site));
    open();
    EXPECT_TRUE(office_->find_households("", 10)->empty());
    EXPECT_EQ(office_->site()->price, UnitPrice{0});
    EXPECT_EQ(office_->users()->size(), 1u);
}

TEST_F(Survival, LedgerDoesNotChangeNotEvenByHand) {
    // Somebody with a database tool who "corrects" a booking takes the proof out of the books.
    start();
    ASSERT_TRUE(sell(order("a", room("3-0101"), 1000)));
    const auto db = beside();
    for (const char* sql : {"UPDATE entries SET amount = amount + 1", "DELETE FROM entries",
                            "UPDATE bookings SET amount_fen = 1", "DELETE FROM bookings"}) {
        db->clear_failure();
        db->execute(sql);
        ASSERT_FALSE(db->ok()) << sql;
        EXPECT_EQ(db->failure()->error, DbError::kConstraint) << db->failure()->message;
    }
    expect_balanced();
}

TEST_F(Survival, CheckFindsBooksThatWereChangedBehindOurBack) {
    // A check that never finds anything proves nothing.
    start();
    ASSERT_TRUE(sell(order("a", room("3-0101"), 1000)));
    ASSERT_TRUE(sell(order("b", room("3-0102"), 3000)));
    office_.reset();
    const auto db = beside();
    for (const char* trigger : {"entries_stay", "entries_remain", "bookings_stay", "bookings_remain"}) {
        const char* table = std::string_view{trigger}.starts_with("entries") ? " ON entries" : " ON bookings";
        db->define(std::string{"DROP TRIGGER "} + trigger + (on_postgres() ? table : ""));
    }
    for (const char* sql :
         {"CREATE TABLE kept_bookings AS SELECT * FROM bookings", "CREATE TABLE kept_entries AS SELECT * FROM entries"})
        db->define(sql);
    for (const char* sql :
         {"UPDATE entries SET amount = amount + 1 WHERE id = 8", "DELETE FROM entries WHERE id = 9",
          "UPDATE bookings SET energy_ckwh = energy_ckwh + 1 WHERE id = 1",
          "UPDATE bookings SET credited_ckwh = credited_ckwh + 1 WHERE id = 2", "DELETE FROM bookings WHERE id = 2",
          "UPDATE bookings SET remainder_e4 = remainder_e4 + 1 WHERE id = 2"}) {
        expect_balanced();
        EXPECT_EQ(db->execute(sql), 1) << sql;
        const auto check = check_ledger(options_.url);
        ASSERT_TRUE(check);
        EXPECT_FALSE(check->balanced) << sql;
        for (const char* repair :
             {"DELETE FROM entries", "DELETE FROM bookings", "INSERT INTO bookings SELECT * FROM kept_bookings",
              "INSERT INTO entries SELECT * FROM kept_entries"})
            db->execute(repair);
        ASSERT_TRUE(db->ok()) << db->failure()->message;
    }
    expect_balanced();
}

TEST_F(Survival, OrdersThatArriveWhileTheOfficeGoesDownAreAnswered) {
    // A page that waits for ever for its receipt is worse than a refusal.
    start();
    const HouseholdId household = room("3-0101");
    std::atomic<int> answered{0};
    for (int k = 0; k < 500; ++k)
        office_->sell(order("a" + std::to_string(k), household, 64), [&](const Answer<SaleAnswer>&) { ++answered; });
    office_.reset();
    EXPECT_EQ(answered, 500);
    expect_balanced();
}

}  // namespace
}  // namespace prewatt::server::store
