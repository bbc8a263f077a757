#include "server/domain/approvals.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

ApprovalRecord request() {
    ApprovalRecord record;
    record.id = ApprovalId{1};
    record.asked_by = {"li", "10.0.0.7"};
    record.asked_at = UnixTime{1'000'000};
    record.expires_at = UnixTime{2'000'000};
    return record;
}
UserRecord person(std::string name, Role role = Role::kOwner) {
    UserRecord user;
    user.user = std::move(name);
    user.role = role;
    return user;
}

TEST(ApprovalRule, OfficeOfOnePersonStaysUsableAndOfTwoIsProtected) {
    // A first start that cannot set its price is sent back; a second owner who is never asked protects nothing.
    const Act price{ActKind::kPrice, "price.set", "site", "", {}, 1};
    ApprovalRules rules;
    EXPECT_FALSE(needs_two(rules, price, false));
    EXPECT_TRUE(needs_two(rules, price, true));
    rules.two_people = TwoPeople::kAlways;
    EXPECT_TRUE(needs_two(rules, price, false));
    rules.two_people = TwoPeople::kNever;
    EXPECT_FALSE(needs_two(rules, price, true));
}

TEST(ApprovalRule, LimitsAreWhatOnePersonMayDo) {
    // A limit that is off by one lets the refund through that it was made for.
    ApprovalRules rules;
    Act refund{ActKind::kRefund, "account.refund", "household 1", "", rules.refund_max, 1};
    EXPECT_FALSE(needs_two(rules, refund, true));
    refund.kind = ActKind::kCorrection;
    EXPECT_FALSE(needs_two(rules, refund, true));
    refund.amount += fen(1);
    EXPECT_TRUE(needs_two(rules, refund, true));
    refund.kind = ActKind::kRefund;
    EXPECT_TRUE(needs_two(rules, refund, true));
    Act mass{ActKind::kMassAction, "campaign.start", "group 1", "", {}, rules.households_max};
    EXPECT_FALSE(needs_two(rules, mass, true));
    ++mass.households;
    EXPECT_TRUE(needs_two(rules, mass, true));
    for (const ActKind kind : {ActKind::kPrice, ActKind::kClear, ActKind::kRestoredReset, ActKind::kRules})
        EXPECT_TRUE(needs_two(rules, Act{kind, "", "", "", {}, 1}, true)) << word(kind);
}

TEST(ApprovalRule, NobodyApprovesHisOwnNorWithAnAccountThatHeMade) {
    // The thief with one account makes himself a second one.
    const UnixTime now{1'500'000};
    EXPECT_FALSE(check_decision(request(), person("wang"), false, now));
    EXPECT_EQ(check_decision(request(), person("li"), false, now)->reason, Reason::kNoRight);
    EXPECT_EQ(check_decision(request(), person("wang"), true, now)->reason, Reason::kNoRight);
    EXPECT_EQ(check_decision(request(), person("wang", Role::kAuditor), false, now)->reason, Reason::kNoRight);
    EXPECT_EQ(check_decision(request(), person("wang", Role::kCashier), false, now)->reason, Reason::kNoRight);
    UserRecord gone = person("wang");
    gone.disabled = true;
    EXPECT_EQ(check_decision(request(), gone, false, now)->reason, Reason::kNoRight);
}

TEST(ApprovalRule, WhoMayNoLongerOrderItHasNothingCarriedOut) {
    // A cashier is dismissed at noon; what he asked for in the morning must not pay out in the evening.
    ApprovalRecord refund = request();
    refund.kind = ActKind::kRefund;
    EXPECT_FALSE(check_asker(refund, person("li", Role::kCashier)));
    EXPECT_EQ(check_asker(refund, person("li", Role::kTechnician))->reason, Reason::kNoRight);
    UserRecord dismissed = person("li", Role::kCashier);
    dismissed.disabled = true;
    EXPECT_NE(check_asker(refund, dismissed)->message.find("li"), std::string::npos);
    EXPECT_EQ(check_asker(request(), person("li", Role::kCashier))->reason, Reason::kNoRight) << "a price";
    ApprovalRecord by_campaign = request();
    by_campaign.kind = ActKind::kPrice;
    by_campaign.action = "campaign.start";
    EXPECT_FALSE(check_asker(by_campaign, person("li", Role::kTechnician))) << "technicians order by campaign";
    EXPECT_TRUE(check_asker(by_campaign, person("li", Role::kCashier)));
    for (const ActKind kind : kActKinds) {
        refund.kind = kind;
        EXPECT_FALSE(check_asker(refund, person("li"))) << "an owner may order all, " << word(kind);
        EXPECT_TRUE(check_asker(refund, person("li", Role::kAuditor))) << word(kind);
    }
}

TEST(ApprovalRule, WhatIsDecidedOrExpiredIsNotDecidedAgain) {
    // An approval of last month that is clicked today refunds twice.
    EXPECT_FALSE(check_decision(request(), person("wang"), false, UnixTime{1'999'999}));
    EXPECT_EQ(check_decision(request(), person("wang"), false, UnixTime{2'000'000})->reason, Reason::kAlreadyDecided);
    for (const ApprovalState state :
         {ApprovalState::kDone, ApprovalState::kRefused, ApprovalState::kFailed, ApprovalState::kExpired}) {
        ApprovalRecord record = request();
        record.state = state;
        EXPECT_EQ(check_decision(record, person("wang"), false, UnixTime{1'500'000})->reason, Reason::kAlreadyDecided);
    }
}

TEST(ApprovalRule, ContentIsReadAsItWasWrittenAndNothingCanBeSlippedIn) {
    // A reason with a line break must not become a field of the act.
    const std::string content = act_content("account.refund", {{"note", "x\namount_fen=999"}, {"amount_fen", "100"}});
    EXPECT_EQ(content, "prewatt-act 1\naccount.refund\nnote=x amount_fen=999\namount_fen=100\n");
    EXPECT_EQ(act_number(content, "amount_fen"), 100);
    EXPECT_EQ(act_field(content, "note"), "x amount_fen=999");
    EXPECT_FALSE(act_field(content, "amount"));
    EXPECT_FALSE(act_number(content, "note"));
}

}  // namespace
}  // namespace prewatt::server
