// A demonstration building in a folder of its own, for tests: one box of 39 rooms (3-0101 ...), price 0.6400, a clock
// that stands still until it is moved. In an SQLite file, or with PREWATT_DB=postgres in a PostgreSQL database of its
// own (postgres_for_tests.hpp); ctest runs every test on both.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"
#include "server/store/postgres_db.hpp"
#include "server/store/postgres_for_tests.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::server::store {

class OfficeTest : public testing::Test {
  protected:
    OfficeTest() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::temp_directory_path() /
                  ("prewatt-" + std::to_string(getpid()) + "-" + test->test_suite_name() + "-" + test->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        if (on_postgres()) database_.emplace(true);
        options_.url = on_postgres() ? database_->url() : (folder_ / "office.db").string();
        options_.clock = [this] { return UnixTime{now_.load()}; };
        options_.cheap_password_hash = true;
    }
    ~OfficeTest() override {
        office_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    [[nodiscard]] static bool on_postgres() { return tests_use_postgres(); }
    // A connection beside the office, as an administrator has one.
    std::unique_ptr<Db> beside() const {
        auto db = on_postgres() ? open_postgres(options_.url, {})
                                : open_sqlite(options_.url, {.create = true, .read_only = false, .pages_max = 0});
        EXPECT_TRUE(db) << db.error().message;
        return db ? std::move(*db) : nullptr;
    }

    void create() {
        const auto created = create_demo(
            options_, {.name = "Campus", .owner_user = "owner", .owner_password = "correct horse", .price = {}},
            building_);
        ASSERT_TRUE(created) << created.error().message;
    }
    void open() {
        auto opened = open_office(options_);
        ASSERT_TRUE(opened) << opened.error().message;
        office_ = std::move(*opened);
    }
    void start() {
        create();
        open();
    }
    void reopen() {
        office_.reset();
        open();
    }
    UnixTime now() const { return UnixTime{now_.load()}; }
    void move(Duration by) { now_ += by.count() / 1000; }

    HouseholdId room(std::string_view label) {
        const auto found = office_->find_households(label, 1);
        EXPECT_TRUE(found && found->size() == 1u) << label;
        return found && !found->empty() ? found->front().id : HouseholdId{};
    }
    static SaleOrder order(std::string id, HouseholdId household, std::int64_t amount_fen) {
        SaleOrder order;
        order.order_id = std::move(id);
        order.household = household;
        order.amount = fen(amount_fen);
        order.operator_name = "owner";
        return order;
    }
    Answer<SaleAnswer> sell(const SaleOrder& order) {
        return wait<SaleAnswer>([&](auto done) { office_->sell(order, done); });
    }
    void expect_balanced() {
        const auto check = check_ledger(options_.url);
        ASSERT_TRUE(check) << check.error().message;
        EXPECT_TRUE(check->balanced) << check->problem;
    }

    std::filesystem::path folder_;
    std::optional<TestDatabase> database_;
    std::atomic<std::int64_t> now_{1'790'000'000'000};
    OfficeOptions options_;
    BuildingSpec building_;
    std::unique_ptr<Office> office_;
};

}  // namespace prewatt::server::store
