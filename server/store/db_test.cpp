#include "server/store/db.hpp"

#include <array>
#include <string>
#include <vector>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class Database : public OfficeTest {
  protected:
    Database() {
        db_ = beside();
        db_->begin_write();
        db_->define(
            "CREATE TABLE samples (place TEXT NOT NULL, at BIGINT NOT NULL, level BIGINT, PRIMARY KEY (place, at))");
        EXPECT_TRUE(db_->commit());
    }
    std::int64_t number(const char* sql, std::initializer_list<Value> values = {}) {
        std::int64_t found = -1;
        db_->query(sql, values, [&](const Row& row) { found = row.integer(0); });
        EXPECT_TRUE(db_->ok()) << db_->failure()->message;
        return found;
    }

    std::unique_ptr<Db> db_;
};

TEST_F(Database, AppendsManyRowsAsTheyWereGiven) {
    // A sweep of a district comes as one block of rows: a row in the wrong column bills a neighbour.
    constexpr std::int64_t kRows = 1000;
    std::vector<std::string> places;
    for (std::int64_t k = 0; k < kRows; ++k)
        places.push_back("房间 " + std::to_string(k % 7));
    std::vector<Value> values;
    for (std::int64_t k = 0; k < kRows; ++k) {
        values.emplace_back(k % 3 == 0 ? Value{} : Value{-k * 1'000'000'007});
        values.emplace_back(places[static_cast<std::size_t>(k)]);
        values.emplace_back(k);
    }
    db_->begin_write();
    db_->append_rows("samples", {"level", "place", "at"}, values);
    db_->execute("UPDATE samples SET level = 0 WHERE level IS NULL");  // further statements of the same transaction
    db_->append_rows("samples", {"level", "place", "at"}, {});
    ASSERT_TRUE(db_->commit()) << db_->failure()->message;
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), kRows);
    std::int64_t wrong = 0;
    db_->query("SELECT place, at, level FROM samples", {}, [&](const Row& row) {
        const std::int64_t k = row.integer(1);
        if (row.text(0) != places[static_cast<std::size_t>(k)] ||
            row.integer(2) != (k % 3 == 0 ? 0 : -k * 1'000'000'007))
            ++wrong;
    });
    EXPECT_EQ(wrong, 0);
}

TEST_F(Database, RowsOfAGroupArePostedAsTheyWereGivenWhateverTheirNumber) {
    // The sales of one commit go in as arrays: a text with a comma, a brace or nothing in it must not become two.
    static constexpr std::array<std::string_view, 3> kColumns{"place", "at", "level"};
    const std::vector<std::string> places{"", "{1,2}", "a\"b\\", "房间", "NULL"};
    db_->begin_write();
    for (const std::size_t count : {1u, 5u, 40u}) {
        std::vector<Value> values;
        for (std::size_t k = 0; k < count; ++k) {
            values.emplace_back(places[k % places.size()]);
            values.emplace_back(static_cast<std::int64_t>(count * 100 + k));
            values.emplace_back(-static_cast<std::int64_t>(k) * 1'000'000'007);
        }
        db_->post_rows("samples", kColumns, values);
    }
    db_->post_rows("samples", kColumns, {});
    ASSERT_TRUE(db_->commit()) << db_->failure()->message;
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 46);
    db_->query("SELECT place, at, level FROM samples", {}, [&](const Row& row) {
        const std::int64_t k = row.integer(1) % 100;
        EXPECT_EQ(row.text(0), places[static_cast<std::size_t>(k) % places.size()]);
        EXPECT_EQ(row.integer(2), -k * 1'000'000'007);
    });
    db_->begin_write();
    db_->post_rows("samples", kColumns, std::vector<Value>{"", 500, 1, "{1,2}", 501, 1});  // both are there
    EXPECT_FALSE(db_->commit());
    ASSERT_TRUE(db_->failure());
    EXPECT_EQ(db_->failure()->error, DbError::kConstraint) << db_->failure()->message;
    db_->clear_failure();
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 46);
}

TEST_F(Database, QuestionOfAGroupIsAnsweredToEachAndOneWithoutAnswerTakesNobodysPlace) {
    // Room 12 must not be sold at the limits of room 11 because nobody lives in room 10.
    db_->begin_write();
    for (int k = 0; k < 9; ++k)
        db_->post("INSERT INTO samples (place, at, level) VALUES ($1, $2, $3)", {"a", k, 100 + k});
    std::vector<Value> asked;
    for (const int k : {7, 55, 0, 7, 8})
        asked.insert(asked.end(), {Value{"a"}, Value{k}});
    std::array<std::int64_t, 5> levels{};
    db_->query_together("SELECT level FROM samples WHERE place = $1 AND at = $2",
                        "SELECT s.level, o.k FROM unnest($1, $2) WITH ORDINALITY AS o(place, at, k) JOIN samples s ON "
                        "s.place = o.place AND s.at = o.at",
                        asked, 2, [&](std::size_t k, const Row& row) { levels.at(k) = row.integer(0); });
    ASSERT_TRUE(db_->commit()) << db_->failure()->message;
    EXPECT_EQ(levels, (std::array<std::int64_t, 5>{107, 0, 100, 107, 108}));
}

TEST_F(Database, AppendingARowThatIsThereFailsTheTransaction) {
    // Half a block of readings looks like a whole one in the monthly report.
    db_->begin_write();
    db_->append_rows("samples", {"place", "at"}, std::vector<Value>{"a", 1, "b", 1});
    ASSERT_TRUE(db_->commit());
    db_->begin_write();
    db_->append_rows("samples", {"place", "at"}, std::vector<Value>{"c", 1, "b", 1, "d", 1});
    EXPECT_FALSE(db_->commit());
    ASSERT_TRUE(db_->failure());
    EXPECT_EQ(db_->failure()->error, DbError::kConstraint) << db_->failure()->message;
    db_->clear_failure();
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 2);
}

TEST_F(Database, PostedChangesAreThereAtTheNextQuestionAndTheirFailureAtCommit) {
    // A change that nobody waited for must not fail in silence.
    db_->begin_write();
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 1});
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 2});
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples WHERE place = $1", {"a"}), 2);
    EXPECT_EQ(db_->execute("UPDATE samples SET level = $2 WHERE place = $1", {"a", 5}), 2);
    ASSERT_TRUE(db_->commit());

    db_->begin_write();
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 3});
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 1});
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 4});
    EXPECT_FALSE(db_->commit());
    ASSERT_TRUE(db_->failure());
    EXPECT_EQ(db_->failure()->error, DbError::kConstraint) << db_->failure()->message;
    db_->clear_failure();
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 2);

    // The failure of a posted change overrules what a question after it would find.
    db_->begin_write();
    db_->post("INSERT INTO samples (place, at) VALUES ($1, $2)", {"a", 1});
    EXPECT_EQ(db_->query("SELECT 1 FROM samples", {}, [](const Row&) {}), 0);
    EXPECT_FALSE(db_->ok());
    db_->rollback();
    EXPECT_TRUE(db_->ok());
}

TEST_F(Database, OneQuestionManyTimesIsAnsweredInOrderAndSeesWhatWasPosted) {
    // The sales of a group ask for their accounts at once: an answer that is given to the question beside it sells to a
    // neighbour.
    db_->begin_write();
    std::vector<Value> asked;
    std::vector<std::string> places;
    for (int k = 0; k < 1300; ++k)
        places.push_back("room " + std::to_string(k));
    for (int k = 0; k < 1300; ++k) {
        if (k % 5 != 0)
            db_->post("INSERT INTO samples (place, at, level) VALUES ($1, $2, $3)",
                      {places[static_cast<std::size_t>(k)], k % 3, k * 11});
        asked.insert(asked.end(), {Value{places[static_cast<std::size_t>(k)]}, Value{k}});
    }
    std::vector<std::int64_t> levels(1300, -1);
    std::size_t last = 0;
    db_->query_each("SELECT level + $2 FROM samples WHERE place = $1", asked, 2, [&](std::size_t k, const Row& row) {
        EXPECT_GE(k, last);
        last = k;
        levels[k] = row.integer(0);
    });
    ASSERT_TRUE(db_->commit()) << db_->failure()->message;
    for (int k = 0; k < 1300; ++k)
        ASSERT_EQ(levels[static_cast<std::size_t>(k)], k % 5 == 0 ? -1 : k * 12) << k;

    db_->begin_write();
    db_->post("INSERT INTO samples (place, at) VALUES ('room 1', 1)");  // is there already
    int answers = 0;
    db_->query_each("SELECT level + $2 FROM samples WHERE place = $1", asked, 2,
                    [&](std::size_t, const Row&) { ++answers; });
    EXPECT_FALSE(db_->commit()) << "a posted failure is not forgotten by the question after it";
    db_->clear_failure();
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 1040);
}

TEST_F(Database, FailureSticksUntilItIsCleared) {
    // The second half of a change must not be carried out when the first half failed.
    db_->begin_write();
    db_->execute("INSERT INTO samples (place) VALUES ($1)", {"no time"});
    EXPECT_FALSE(db_->ok());
    EXPECT_EQ(db_->execute("INSERT INTO samples (place, at) VALUES ($1, $2)", {"b", 1}), 0);
    EXPECT_EQ(db_->query("SELECT 1", {}, [](const Row&) {}), 0);
    db_->append_rows("samples", {"place", "at"}, std::vector<Value>{"c", 1});
    EXPECT_FALSE(db_->commit());
    EXPECT_FALSE(db_->in_transaction());
    db_->clear_failure();
    EXPECT_EQ(number("SELECT COUNT(*) FROM samples"), 0);
}

}  // namespace
}  // namespace prewatt::server::store
