#include "server/store/audit.hpp"

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

}  // namespace
}  // namespace prewatt::server::store
