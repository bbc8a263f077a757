#include "server/store/approvals.hpp"

#include <mutex>
#include <thread>

#include "server/store/audit.hpp"
#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

const Actor kOwner{"owner", "10.0.0.7"};
const Actor kWang{"wang", "10.0.0.8"};

class TwoPersons : public OfficeTest {
  protected:
    void make(const std::string& user, Role role, const Actor& by = kOwner) {
        UserRecord record;
        record.user = user;
        record.role = role;
        ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(record, "long enough", by, done); }));
    }
    // An office of two owners for a day.
    void start_with_two() {
        start();
        make("wang", Role::kOwner);
        move(kOwnAccountTime + minutes(1));
    }
    Answer<UserRecord> change(const std::string& user, Role role, bool disabled, const Actor& by) {
        const std::vector<UserRecord> users = *office_->users();
        for (const UserRecord& known : users)
            if (known.user == user)
                return wait<UserRecord>([&](auto done) {
                    office_->change_user({known.id, "as before", role, disabled, "dismissed"}, by, done);
                });
        return std::unexpected(Refusal{Reason::kNotFound, user, 0});
    }
    Answer<Done> set_price(std::int64_t price_e4, const Actor& who = kOwner) {
        return wait<Done>([&](auto done) { office_->set_price(UnitPrice{price_e4}, who, "new tariff", done); });
    }
    ApprovalId ask_price(std::int64_t price_e4) {
        const auto asked = set_price(price_e4);
        EXPECT_FALSE(asked);
        EXPECT_EQ(asked.error().reason, Reason::kNeedsApproval) << asked.error().message;
        return ApprovalId{asked.error().limit};
    }
    Answer<ApprovalRecord> approve(ApprovalId id, const Actor& who) {
        return wait<ApprovalRecord>([&](auto done) { office_->approvals().approve(id, who, done); });
    }
    std::int64_t price() { return office_->site()->price.count(); }
    std::int64_t price_changes() {
        AuditFilter filter;
        filter.action = "price.set";
        return static_cast<std::int64_t>(office_->audit().records(filter)->size());
    }
};

TEST_F(TwoPersons, OfficeOfOnePersonSetsItsPriceAlone) {
    // The first evening of a new site must not end at "ask somebody else".
    start();
    ASSERT_TRUE(set_price(7000));
    EXPECT_EQ(price(), 7000);
    make("li", Role::kCashier);  // may not approve prices
    move(kOwnAccountTime * 2);
    ASSERT_TRUE(set_price(7100));
}

TEST_F(TwoPersons, PriceWaitsForTheOtherOwnerAndIsSetOnceInTheNameOfWhoAsked) {
    // One owner with a grudge halves the price of a whole district overnight.
    start_with_two();
    const ApprovalId id = ask_price(7000);
    EXPECT_EQ(price(), 6400);
    EXPECT_EQ(ask_price(7000), id) << "asked twice is one request";
    reopen();  // a restart loses nothing
    EXPECT_EQ(approve(id, kOwner).error().reason, Reason::kNoRight);
    EXPECT_EQ(approve(id, {"nobody", ""}).error().reason, Reason::kNoRight);
    EXPECT_EQ(price(), 6400);
    const auto done = approve(id, kWang);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->state, ApprovalState::kDone);
    EXPECT_EQ(price(), 7000);
    EXPECT_EQ(approve(id, kWang).error().reason, Reason::kAlreadyDecided);
    AuditFilter filter;
    filter.action = "price.set";
    ASSERT_EQ(office_->audit().records(filter)->size(), 1u);
    EXPECT_EQ(office_->audit().records(filter)->front().who.user, "owner");
    filter.action = "approval";
    const auto records = *office_->audit().records(filter);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].who.user, "wang");
    EXPECT_NE(records[0].after.find(done->content_hash), std::string::npos);
    EXPECT_NE(records[1].after.find(done->content_hash), std::string::npos);
    EXPECT_EQ(office_->audit().verify(std::nullopt)->fault, AuditFault::kNone);
}

TEST_F(TwoPersons, TwoApproversAtOnceCarryOutOnce) {
    // Two colleagues click at the same moment; the refund goes out twice.
    start_with_two();
    make("zhao", Role::kOwner, kWang);
    for (int round = 0; round < 5; ++round) {
        const ApprovalId id = ask_price(7000 + round);
        int carried_out = 0;
        std::mutex mutex;
        std::vector<std::thread> clicks;
        for (int k = 0; k < 4; ++k)
            clicks.emplace_back([&, k] {
                const auto answer = approve(id, k % 2 == 0 ? kWang : Actor{"zhao", "10.0.0.9"});
                const std::lock_guard lock(mutex);
                if (answer) ++carried_out;
            });
        for (std::thread& click : clicks)
            click.join();
        EXPECT_EQ(carried_out, 1);
    }
    EXPECT_EQ(price_changes(), 5);
}

TEST_F(TwoPersons, OfficeThatDiesBetweenAskingAndApprovingForgetsNothingAndDoesNothingTwice) {
    // "I approved it, then the power went": it is either done or still waiting, and the page says which.
    start_with_two();
    const ApprovalId id = ask_price(7000);
    office_.reset();
    open();
    EXPECT_EQ(office_->approvals().request(id)->state, ApprovalState::kWaiting);
    // The answer of the approval is lost on its way: the office is gone before anybody reads it.
    office_->approvals().approve(id, kWang, [](const Answer<ApprovalRecord>&) {});
    office_.reset();
    open();
    EXPECT_EQ(office_->approvals().request(id)->state, ApprovalState::kDone);
    EXPECT_EQ(price(), 7000);
    EXPECT_EQ(approve(id, kWang).error().reason, Reason::kAlreadyDecided);
    EXPECT_EQ(price_changes(), 1);
}

TEST_F(TwoPersons, ExpiredOrRefusedRequestsAreNotCarriedOut) {
    // A request that somebody forgot must not wait for the day on which it does harm.
    start_with_two();
    const ApprovalId late = ask_price(7000);
    move(ApprovalRules{}.valid_for);
    EXPECT_EQ(office_->approvals().request(late)->state, ApprovalState::kExpired);
    EXPECT_EQ(approve(late, kWang).error().reason, Reason::kAlreadyDecided);
    EXPECT_TRUE(office_->approvals().requests(ApprovalState::kWaiting, {}, 10)->empty());
    EXPECT_EQ(office_->approvals().requests(ApprovalState::kExpired, {}, 10)->size(), 1u);
    const ApprovalId again = ask_price(7000);
    EXPECT_NE(again, late);
    EXPECT_EQ(office_->approvals().requests(ApprovalState::kWaiting, {}, 10)->size(), 1u);
    ASSERT_TRUE(wait<ApprovalRecord>([&](auto done) { office_->approvals().refuse(again, kWang, "too dear", done); }));
    EXPECT_EQ(office_->approvals().request(again)->outcome, "too dear");
    EXPECT_EQ(approve(again, kWang).error().reason, Reason::kAlreadyDecided);
    const ApprovalId mine = ask_price(7200);
    EXPECT_TRUE(wait<ApprovalRecord>([&](auto done) {
        office_->approvals().refuse(mine, kOwner, "a typing error", done);
    })) << "whoever asked may take it back";
    EXPECT_EQ(price(), 6400);
}

TEST_F(TwoPersons, ContentCannotChangeBetweenAskingAndApproving) {
    // Approved was 0.70 yuan; carried out is what somebody wrote into the database meanwhile.
    start_with_two();
    const ApprovalId id = ask_price(7000);
    auto db = beside();
    ASSERT_TRUE(db);
    for (const char* sql : {"UPDATE approvals SET content = 'x'", "UPDATE approvals SET content_hash = 'x'",
                            "UPDATE approvals SET asked_by = 'wang'", "DELETE FROM approvals"}) {
        db->clear_failure();
        db->execute(sql);
        ASSERT_FALSE(db->ok()) << sql;
        EXPECT_EQ(db->failure()->error, DbError::kConstraint) << db->failure()->message;
    }
    db->clear_failure();
    if (on_postgres())
        db->execute("ALTER TABLE approvals DISABLE TRIGGER approvals_stay");
    else
        db->execute("DROP TRIGGER approvals_stay");
    db->execute("UPDATE approvals SET content = 'prewatt-act 1' || content");
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    const auto answer = approve(id, kWang);
    ASSERT_FALSE(answer);
    EXPECT_EQ(price(), 6400);
}

TEST_F(TwoPersons, AccountThatTheAskerMadeOrTookOverIsNoSecondPerson) {
    // One owner, two sessions: makes an account or sets a colleague's password, and approves himself.
    start_with_two();
    make("straw", Role::kOwner);
    ApprovalId id = ask_price(7000);
    EXPECT_EQ(approve(id, {"straw", ""}).error().reason, Reason::kNoRight);
    const auto users = *office_->users();
    for (const UserRecord& user : users) {
        if (user.user != "wang") continue;
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->set_password(user.id, "taken over", kOwner, done); }));
    }
    EXPECT_EQ(approve(id, kWang).error().reason, Reason::kNoRight);
    EXPECT_EQ(ask_price(7000), id) << "taking over the only second person does not end the rule";
    EXPECT_EQ(price(), 6400);
}

TEST_F(TwoPersons, WhatALockedOutPersonAskedForIsNotCarriedOut) {
    // Dismissed at noon; the price that he asked for in the morning must not come at night.
    start_with_two();
    make("zhao", Role::kOwner, kWang);
    move(kOwnAccountTime + minutes(1));
    const ApprovalId id = ask_price(7000);
    ASSERT_TRUE(change("owner", Role::kOwner, true, kWang));
    const auto approved = approve(id, {"zhao", ""});
    ASSERT_FALSE(approved);
    EXPECT_EQ(approved.error().reason, Reason::kNoRight);
    EXPECT_EQ(price(), 6400);
    EXPECT_EQ(office_->approvals().request(id)->state, ApprovalState::kWaiting) << "it can be refused, or waits";
    ASSERT_TRUE(change("owner", Role::kOwner, false, kWang));
    EXPECT_TRUE(approve(id, {"zhao", ""})) << "back in office, his request stands";
    EXPECT_EQ(price(), 7000);
}

TEST_F(TwoPersons, WhoLocksTheOnlySecondPersonOutIsNotAloneAtOnce) {
    // One owner locks the other out, or makes her an auditor, and refunds alone.
    start_with_two();
    ASSERT_TRUE(change("wang", Role::kOwner, true, kOwner));
    ask_price(7000);
    ASSERT_TRUE(change("wang", Role::kAuditor, false, kOwner));
    ask_price(7000);
    EXPECT_EQ(price(), 6400);
    move(kOwnAccountTime + minutes(1));
    EXPECT_TRUE(set_price(7000)) << "an office of one person stays usable";
}

TEST_F(TwoPersons, RulesThemselvesNeedTwoPeopleAndAFailedActDoesNothing) {
    // Otherwise the first step of a fraud is to switch the rule off.
    start_with_two();
    ApprovalRules rules;
    rules.two_people = TwoPeople::kNever;
    const auto asked = wait<Done>([&](auto done) { office_->approvals().set_rules(rules, kOwner, "", done); });
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().reason, Reason::kNeedsApproval);
    EXPECT_EQ(office_->approvals().rules()->two_people, TwoPeople::kAuto);
    ASSERT_TRUE(approve(ApprovalId{asked.error().limit}, kWang));
    EXPECT_EQ(*office_->approvals().rules(), rules);
    EXPECT_TRUE(set_price(7000));
    rules.valid_for = minutes(1);
    EXPECT_EQ(wait<Done>([&](auto done) { office_->approvals().set_rules(rules, kOwner, "", done); }).error().reason,
              Reason::kBadArgument);
}

TEST_F(TwoPersons, ClearOfAHouseholdIsOrderedOnceItIsApproved) {
    // A clear takes a household's credit off the meter for good.
    start_with_two();
    const HouseholdId household = room("3-0101");
    const JobOrder order{"clear-1", household, "owner", "moved out", "10.0.0.7"};
    const auto clear = [&] { return wait<JobRecord>([&](auto done) { office_->clear_household(order, done); }); };
    const auto asked = clear();
    ASSERT_FALSE(asked);
    ASSERT_EQ(asked.error().reason, Reason::kNeedsApproval);
    EXPECT_TRUE(office_->jobs(household, 10)->empty());
    const auto approved = approve(ApprovalId{asked.error().limit}, kWang);
    ASSERT_TRUE(approved) << approved.error().message;
    ASSERT_EQ(office_->jobs(household, 10)->size(), 1u);
    EXPECT_EQ(office_->jobs(household, 10)->front().operator_name, "owner");
    EXPECT_TRUE(clear()) << "the same order id answers the job that it made";
    EXPECT_EQ(office_->jobs(household, 10)->size(), 1u);
}

}  // namespace
}  // namespace prewatt::server::store
