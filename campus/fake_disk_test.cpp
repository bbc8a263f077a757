#include "campus/fake_disk.hpp"

#include <gtest/gtest.h>

#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

using server::store::Db;
using server::store::open_sqlite;
using server::store::Row;

class FakeDisks : public testing::Test {
  protected:
    std::unique_ptr<Db> open() {
        auto db = open_sqlite("t.db", {.create = true, .read_only = false, .pages_max = 0, .vfs = disk_.vfs()});
        EXPECT_TRUE(db) << (db ? "" : db.error().message);
        return db ? std::move(*db) : nullptr;
    }
    void make() {
        auto db = open();
        db->define("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)");
        db->query("PRAGMA wal_checkpoint(TRUNCATE)", {}, [](const Row&) {});
        ASSERT_TRUE(db->ok());
    }
    std::int64_t count(Db& db) {
        std::int64_t rows = -1;
        db.query("SELECT COUNT(*) FROM t", {}, [&](const Row& row) { rows = row.integer(0); });
        std::string verdict;
        db.query("PRAGMA quick_check(1)", {}, [&](const Row& row) { verdict = row.as<std::string>(0); });
        EXPECT_EQ(verdict, "ok");
        return rows;
    }
    FakeDisk disk_{7};
};

TEST_F(FakeDisks, WhatWasCommittedSurvivesALostSupply) {
    // Else the simulator would call every office a liar.
    make();
    for (int round = 0; round < 50; ++round) {
        auto db = open();
        for (int k = 0; k <= round % 5; ++k)
            db->execute("INSERT INTO t (text) VALUES ($1)", {std::string(700, 'x')});
        const std::int64_t before = count(*db);
        disk_.die();
        db.reset();
        disk_.lose_power();
        auto again = open();
        EXPECT_EQ(count(*again), before) << "round " << round;
    }
}

TEST_F(FakeDisks, AtEachWriteOfATransactionADeathLeavesAllOfItOrNothing) {
    // The kill that matters is the one in the middle of the commit.
    make();
    std::int64_t before = 0;
    int deaths = 0;
    for (std::int64_t at = 0; at < 40; ++at) {
        auto db = open();
        before = count(*db);
        disk_.set_faults({.die_at_write = at});
        db->begin_write();
        for (int k = 0; k < 10; ++k)
            db->execute("INSERT INTO t (text) VALUES ($1)", {std::string(2000, 'y')});
        const bool said = db->commit();
        const bool died = disk_.is_dead();
        deaths += died;
        db.reset();
        if (!died) disk_.die();
        at % 2 == 0 ? disk_.kill_process() : disk_.lose_power();
        disk_.set_faults({});
        auto again = open();
        const std::int64_t after = count(*again);
        EXPECT_TRUE(after == before + 10 || (!said && after == before))
            << "write " << at << ": " << before << " " << after;
    }
    EXPECT_GT(deaths, 3);
}

TEST_F(FakeDisks, ALyingDiskLosesWhatItSaidWasThere) {
    // The control of the control: a disk that does not synchronise must be noticed.
    make();
    disk_.set_faults({.lies = true});
    {
        auto db = open();
        for (int k = 0; k < 200; ++k)
            db->execute("INSERT INTO t (text) VALUES ($1)", {std::string(700, 'z')});
        disk_.die();
    }
    disk_.lose_power();
    auto again = open();
    EXPECT_LT(count(*again), 200);
}

TEST_F(FakeDisks, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
    make();
    auto db = open();
    disk_.set_faults({.bytes_max = disk_.bytes() + 10'000});
    db->execute("INSERT INTO t (text) VALUES ($1)", {std::string(100'000, 'x')});
    ASSERT_FALSE(db->ok());
    EXPECT_EQ(db->failure()->error, server::store::DbError::kFull);
    db->clear_failure();
    disk_.set_faults({});
    db->execute("INSERT INTO t (text) VALUES ('a')");
    EXPECT_EQ(count(*db), 1);
}

TEST_F(FakeDisks, ARefusedSyncIsARefusedCommit) {
    // After an fsync that failed nobody may say that it was done.
    make();
    auto db = open();
    disk_.set_faults({.fail_at_sync = 0});
    db->execute("INSERT INTO t (text) VALUES ('lost')");
    EXPECT_FALSE(db->ok());
    db->clear_failure();
    db->execute("INSERT INTO t (text) VALUES ('kept')");
    EXPECT_TRUE(db->ok());
    disk_.die();
    db.reset();
    disk_.lose_power();
    auto again = open();
    EXPECT_EQ(count(*again), 1);
}

TEST_F(FakeDisks, ACopyOfAnInstantComesBackAsItWas) {
    // A backup that is taken while the office works must be of one moment, or its return is a fault of its own.
    make();
    auto db = open();
    db->execute("INSERT INTO t (text) VALUES ('before')");
    const FakeDisk::Copy copy = disk_.copy();
    db->execute("INSERT INTO t (text) VALUES ('after')");
    EXPECT_EQ(count(*db), 2);
    disk_.restore(copy);
    db->clear_failure();
    db->execute("INSERT INTO t (text) VALUES ('from a handle of before')");
    EXPECT_FALSE(db->ok());
    db.reset();
    auto again = open();
    EXPECT_EQ(count(*again), 1);
    again.reset();
    disk_.lose_power();
    EXPECT_EQ(count(*open()), 1) << "it is on the disk for good";
}

TEST_F(FakeDisks, TwoConnectionsSeeEachOther) {
    make();
    auto writer = open();
    auto reader = open();
    writer->begin_write();
    writer->execute("INSERT INTO t (text) VALUES ('a')");
    EXPECT_EQ(count(*reader), 0);
    ASSERT_TRUE(writer->commit());
    EXPECT_EQ(count(*reader), 1);
}

}  // namespace
}  // namespace prewatt::campus
