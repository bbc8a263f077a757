#include "server/store/audit.hpp"

#include <algorithm>

#include "server/store/desired.hpp"
#include "server/store/estate.hpp"
#include "server/store/office_fixture.hpp"
#include "server/store/users.hpp"

namespace prewatt::server::store {
namespace {

class Journal : public OfficeTest {
  protected:
    void note(std::string action, std::string subject = "site") {
        AuditRecord record;
        record.who = {"owner", "10.0.0.7"};
        record.action = std::move(action);
        record.subject = std::move(subject);
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->audit().note(record, done); }));
    }
    std::vector<AuditRecord> all() {
        AuditFilter filter;
        filter.limit = 10'000;
        return *office_->audit().records(filter);
    }
};

TEST(AuditHash, GoldenChainOfTheFormatsPage) {
    // The figures that stand in docs/formats/audit.md, made with sha256sum.
    ASSERT_TRUE(start_secrets());
    AuditRecord first{
        1, UnixTime{1'790'000'000'000}, {"owner", "10.0.0.7"}, "price.set", "site", "0.6400", "0.7000", "", ""};
    const std::string chain = sha256_hex(canonical_bytes(first, kChainBeginning));
    EXPECT_EQ(chain, "67366e1100823bb2b3197d1f49ba3c3e15fe48a805dc54b5391d1b1c7aa54103");
    AuditRecord second{2, UnixTime{1'790'000'060'000}, {"li", "cli"}, "relay.off", "household 12", "", "", "房间空着",
                       ""};
    EXPECT_EQ(sha256_hex(canonical_bytes(second, chain)),
              "7a96279194fd5918a5a561442fd9d7660a02d3bc2ec5c1605a83a7fb164e4f81");
}

TEST_F(Journal, RecordsAreNumberedWithoutGapsAndTheChainIsWhole) {
    // A gap that nobody can explain makes the whole journal worthless in a dispute.
    start();
    const std::int64_t before = office_->audit().head()->number;
    for (int k = 0; k < 20; ++k)
        note("test.act", "household " + std::to_string(k));
    reopen();
    note("test.after_restart");
    const auto records = all();
    ASSERT_EQ(records.size(), static_cast<std::size_t>(before + 21));
    for (std::size_t k = 0; k < records.size(); ++k)
        EXPECT_EQ(records[k].number, static_cast<std::int64_t>(records.size() - k));
    const auto verdict = office_->audit().verify(std::nullopt);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->fault, AuditFault::kNone) << explain(*verdict);
    EXPECT_EQ(verdict->head, *office_->audit().head());
    EXPECT_EQ(verdict->head.number, before + 21);
}

TEST_F(Journal, ListsByWhoWhatAndWhen) {
    // Whoever looks for one order among a year of sign-ins must find it.
    start();
    note("household.relay_off", "household 1");
    move(minutes(10));
    note("household.relay_on", "household 2");
    note("households.move", "household 2");
    AuditFilter filter;
    filter.action = "household";
    EXPECT_EQ(office_->audit().records(filter)->size(), 2u);
    filter.subject = "household 2";
    ASSERT_EQ(office_->audit().records(filter)->size(), 1u);
    EXPECT_EQ(office_->audit().records(filter)->front().action, "household.relay_on");
    filter = {};
    filter.to = now();
    filter.action = "household";
    ASSERT_EQ(office_->audit().records(filter)->size(), 1u);
    EXPECT_EQ(office_->audit().records(filter)->front().subject, "household 1");
    filter = {};
    filter.user = "nobody";
    EXPECT_TRUE(office_->audit().records(filter)->empty());
    filter = {};
    filter.before = 2;
    EXPECT_LE(office_->audit().records(filter)->size(), 1u);
}

TEST_F(Journal, WhatAnOperatorOrdersIsWrittenDownWithWhoFromWhereAndWhy) {
    // "It was not me" must have an answer for each of these.
    start();
    const Actor owner{"owner", "10.0.0.7"};
    const auto newest = [&] { return all().front(); };
    EXPECT_EQ(all().back().action, "site.create");
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->set_price(UnitPrice{7000}, owner, "new tariff", done); }));
    EXPECT_EQ(newest().action, "price.set");
    EXPECT_EQ(newest().who.user, "owner");
    EXPECT_EQ(newest().who.from, "10.0.0.7");
    EXPECT_EQ(newest().before, "0.6400");
    EXPECT_EQ(newest().after, "0.7000");
    EXPECT_EQ(newest().reason, "new tariff");
    EXPECT_EQ(newest().at, now());

    const HouseholdId household = room("3-0101");
    JobOrder order{"job-1", household, "owner", "moved out"};
    order.from = "10.0.0.7";
    ASSERT_TRUE(wait<JobRecord>([&](auto done) { office_->set_remote_hold(order, true, done); }));
    EXPECT_EQ(newest().action, "household.relay_off");
    EXPECT_EQ(newest().subject, "household " + std::to_string(household.value));
    EXPECT_EQ(newest().reason, "moved out");
    const std::int64_t number = newest().number;
    ASSERT_TRUE(wait<JobRecord>([&](auto done) { office_->set_remote_hold(order, true, done); }));
    EXPECT_EQ(newest().number, number) << "a repeated order is no second act";

    UserRecord li;
    li.user = "li";
    li.role = Role::kCashier;
    const auto created = wait<UserRecord>([&](auto done) { office_->create_user(li, "first password", owner, done); });
    ASSERT_TRUE(created);
    EXPECT_EQ(newest().action, "user.create");
    EXPECT_EQ(newest().after, "cashier");
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->set_password(created->id, "second password", owner, done); }));
    EXPECT_EQ(newest().action, "user.set_password");
    EXPECT_EQ(newest().subject, "user li");
    for (const AuditRecord& record : all())
        EXPECT_EQ((record.before + record.after).find(" password"), std::string::npos) << record.after;
    EXPECT_EQ(office_->audit().verify(std::nullopt)->fault, AuditFault::kNone);
}

TEST_F(Journal, SignInsAndWrongPasswordsAreWrittenDownAndTypedSecretsAreNot) {
    // Whoever types the password where the name belongs would find it in a journal that cannot be changed.
    start();
    const auto sign_in = [&](const std::string& user, const std::string& password) {
        return wait<Session>([&](auto done) { office_->sign_in(user, password, "10.0.0.9", done); });
    };
    ASSERT_TRUE(sign_in("owner", "correct horse"));
    EXPECT_EQ(all().front().action, "session.begin");
    EXPECT_EQ(all().front().who.from, "10.0.0.9");
    for (int k = 0; k < kWrongPasswordsMax; ++k)
        EXPECT_FALSE(sign_in("owner", "wrong"));
    EXPECT_EQ(all().front().action, "session.refuse");
    EXPECT_EQ(all().front().subject, "user owner");
    EXPECT_EQ(all().front().after, "wrong password; the name is locked for a while");
    const std::int64_t before = all().front().number;
    for (int k = 0; k < 50; ++k)
        EXPECT_FALSE(sign_in("My secret " + std::to_string(k), "wrong"));
    EXPECT_EQ(all().front().number, before + 1) << "a stranger can fill the journal";
    move(minutes(2));
    EXPECT_FALSE(sign_in("My secret", "wrong"));
    EXPECT_EQ(all().front().number, before + 2);
    EXPECT_EQ(all().front().after, "50 since the record before");
    for (const AuditRecord& record : all())
        EXPECT_EQ((record.who.user + record.subject + record.after).find("secret"), std::string::npos);
}

// Whoever can write the database can drop its triggers.
void disarm(Db& db) {
    if (tests_use_postgres()) {
        db.execute("ALTER TABLE audit_journal DISABLE TRIGGER audit_stays");
    } else {
        db.execute("DROP TRIGGER audit_stays");
        db.execute("DROP TRIGGER audit_remains");
    }
    ASSERT_TRUE(db.ok()) << db.failure()->message;
}

TEST_F(Journal, DoesNotChangeNotEvenByHand) {
    // The first thing that somebody tries who has the password of the database.
    start();
    note("test.act");
    auto db = beside();
    for (const char* sql : {"UPDATE audit_journal SET user_name = 'somebody else'", "DELETE FROM audit_journal"}) {
        db->clear_failure();
        db->execute(sql);
        ASSERT_FALSE(db->ok()) << sql;
        EXPECT_EQ(db->failure()->error, DbError::kConstraint) << db->failure()->message;
    }
    EXPECT_EQ(office_->audit().verify(std::nullopt)->fault, AuditFault::kNone);
}

TEST_F(Journal, EachWayOfTamperingIsFoundWithItsNumber) {
    // An auditor who is told "whole" after one of these will not be believed again.
    start();
    for (int k = 0; k < 12; ++k)
        note("test.act", "household " + std::to_string(k));
    const AuditHead head = *office_->audit().head();
    auto db = beside();
    disarm(*db);
    struct Tampering {
        std::vector<const char*> statements;
        AuditFault fault;
        std::int64_t number;
    };
    const std::vector<Tampering> ways = {
        {{"UPDATE audit_journal SET at = at + 1 WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET user_name = 'owneR' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET from_address = '10.0.0.8' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET action = 'test.acts' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET subject = 'household 9' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET old_text = ' ' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET new_text = '0' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET reason = 'x' WHERE number = 5"}, AuditFault::kChanged, 5},
        {{"UPDATE audit_journal SET chain = substr(chain, 1, 63) || 'g' WHERE number = 5"}, AuditFault::kChanged, 5},
        // Moved from one column into its neighbour.
        {{"UPDATE audit_journal SET action = '', subject = action || subject WHERE number = 5"},
         AuditFault::kChanged,
         5},
        {{"DELETE FROM audit_journal WHERE number = 5"}, AuditFault::kMissing, 5},
        {{"DELETE FROM audit_journal WHERE number = 1"}, AuditFault::kMissing, 1},
        {{"DELETE FROM audit_journal WHERE number = 5", "UPDATE audit_journal SET number = -number WHERE number > 5",
          "UPDATE audit_journal SET number = -number - 1 WHERE number < 0"},
         AuditFault::kChanged,
         5},
        // Two records change places.
        {{"UPDATE audit_journal SET number = 99 WHERE number = 5",
          "UPDATE audit_journal SET number = 5 WHERE number = 6",
          "UPDATE audit_journal SET number = 6 WHERE number = 99"},
         AuditFault::kChanged,
         5},
        // One is put in.
        {{"UPDATE audit_journal SET number = -number WHERE number > 4",
          "UPDATE audit_journal SET number = 1 - number WHERE number < 0",
          "INSERT INTO audit_journal SELECT 5, at, user_name, from_address, action, subject, old_text, new_text, "
          "reason, "
          "chain FROM audit_journal WHERE number = 4"},
         AuditFault::kChanged,
         5},
        {{"DELETE FROM audit_journal WHERE number > 9"}, AuditFault::kCutOff, 10},
        {{"DELETE FROM audit_journal"}, AuditFault::kCutOff, 1},
    };
    for (const Tampering& way : ways) {
        db->begin_write();
        for (const char* sql : way.statements)
            db->execute(sql);
        ASSERT_TRUE(db->ok()) << db->failure()->message;
        const auto verdict = verify_audit(*db, head);
        db->rollback();
        ASSERT_TRUE(verdict);
        EXPECT_EQ(verdict->fault, way.fault) << way.statements[0] << ": " << explain(*verdict);
        EXPECT_EQ(verdict->number, way.number) << way.statements[0];
    }
    EXPECT_EQ(office_->audit().verify(head)->fault, AuditFault::kNone);
}

TEST_F(Journal, OneThatWasWrittenAnewIsFoundByTheHeadThatWasNotedDown) {
    // With the whole database in hand anybody can compute a whole chain; only what was noted down elsewhere tells.
    start();
    for (int k = 0; k < 5; ++k)
        note("test.act", "household " + std::to_string(k));
    const AuditHead head = *office_->audit().head();
    auto db = beside();
    disarm(*db);
    std::vector<AuditRecord> records = all();
    std::reverse(records.begin(), records.end());
    db->begin_write();
    db->execute("DELETE FROM audit_journal");
    for (AuditRecord& record : records) {
        if (record.number == 3) record.reason = "never happened";
        append_audit(*db, record);
    }
    ASSERT_TRUE(db->commit());
    EXPECT_EQ(office_->audit().verify(std::nullopt)->fault, AuditFault::kNone) << "without a note it looks whole";
    const auto verdict = office_->audit().verify(head);
    EXPECT_EQ(verdict->fault, AuditFault::kReplaced);
    EXPECT_EQ(verdict->number, head.number);
}

// The n-th statement and all after it fail, as on a disk that is full from then on.
class FailingDb final : public Db {
  public:
    FailingDb(Db& db, int statements) : db_(db), left_(statements) {}
    void define(const std::string& sql) override { db_.define(sql); }
    void begin_write() override { db_.begin_write(); }
    void begin_read() override { db_.begin_read(); }
    bool commit() override {
        if (ok()) return db_.commit();
        db_.rollback();
        return false;
    }
    void rollback() override { db_.rollback(); }
    bool in_transaction() const override { return db_.in_transaction(); }
    bool has_table(std::string_view name) override { return db_.has_table(name); }
    void mark_version(int number) override { db_.mark_version(number); }
    void append_rows(std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        if (may()) db_.append_rows(table, columns, values);
        failure_ = failure_ ? failure_ : db_.failure();
    }
    [[nodiscard]] bool reached_the_end() const { return left_ > 0; }

  protected:
    std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                     void (*each)(const void*, const Row&)) override {
        if (!may()) return 0;
        const std::int64_t rows = db_.pass_on(sql, values, context, each);
        failure_ = db_.failure();
        return rows;
    }
    std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) override {
        return may() ? db_.pass_on_stream(sql, context, each) : 0;
    }
    void run_later(const char* sql, std::span<const Value> values) override {
        if (may()) db_.pass_on_later(sql, values);
    }

  private:
    bool may() {
        if (ok() && --left_ <= 0) failure_ = DbFailure{DbError::kFull, "the disk is full"};
        return ok();
    }
    Db& db_;
    int left_;
};

TEST_F(Journal, ActAndRecordAreThereTogetherOrNotAtAllWhateverStatementFails) {
    // A price that changed without a record, or a record of a price that never changed.
    create();
    auto db = beside();
    const auto count = [&](const char* sql) {
        std::int64_t rows = 0;
        db->query(sql, {}, [&](const Row& row) { rows = row.integer(0); });
        return rows;
    };
    const Actor owner{"owner", "cli"};
    const std::vector<std::pair<std::function<void(Db&, int, Changes&)>, std::pair<const char*, const char*>>> acts = {
        {[&](Db& on, int k, Changes& changes) { (void)set_price(on, UnitPrice{7000 + k}, owner, "", now(), changes); },
         {"SELECT COUNT(*) FROM prices WHERE price_e4 >= 7000",
          "SELECT COUNT(*) FROM audit_journal WHERE action = 'price.set'"}},
        {[&](Db& on, int k, Changes& changes) {
             PartOrder wanted;
             wanted.kind = "relay_off";
             wanted.off = true;
             (void)order_part(on, {"order-" + std::to_string(k), HouseholdId{1}, "owner", "", "cli"}, wanted, now(),
                              changes);
         },
         {"SELECT COUNT(*) FROM jobs", "SELECT COUNT(*) FROM audit_journal WHERE action = 'household.relay_off'"}},
        {[&](Db& on, int k, Changes&) {
             UserRecord user;
             user.user = "user-" + std::to_string(k);
             (void)create_user(on, user, "hash", owner, now());
         },
         {"SELECT COUNT(*) FROM users WHERE user_name LIKE 'user-%'",
          "SELECT COUNT(*) FROM audit_journal WHERE action = 'user.create' AND user_name = 'owner'"}},
    };
    for (const auto& [act, counts] : acts) {
        bool whole = false;
        for (int k = 1; k < 40 && !whole; ++k) {
            FailingDb failing(*db, k);
            Changes changes;
            failing.begin_write();
            act(failing, k, changes);
            whole = failing.ok() && failing.reached_the_end();
            (void)failing.commit();
            EXPECT_EQ(count(counts.first), count(counts.second)) << counts.second << " at statement " << k;
            EXPECT_EQ(count(counts.first), whole ? 1 : 0) << counts.second << " at statement " << k;
        }
        EXPECT_TRUE(whole) << counts.second;
    }
    const auto verdict = verify_audit(*db, std::nullopt);
    EXPECT_EQ(verdict->fault, AuditFault::kNone) << explain(*verdict);
}

}  // namespace
}  // namespace prewatt::server::store
