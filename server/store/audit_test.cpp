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

}  // namespace
}  // namespace prewatt::server::store
