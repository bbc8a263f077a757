// Warrants in the tables, on both databases: agreed upon once, on one card, with numbers that rise.
#include "server/domain/warrants.hpp"

#include "server/store/accounts_fixture.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::uint64_t kBox = 2026000001;
const Actor kOwner{"owner", "desk"};
const Actor kTan{"tan", "desk"};

class WarrantsTest : public AccountsTest {
  protected:
    WarrantsTest() { start(); }
    void bring_technician() {
        UserRecord user;
        user.user = "tan";
        user.role = Role::kTechnician;
        ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(user, "long enough", kOwner, done); }));
        move(kOwnAccountTime + minutes(1));
    }
    Warrants& warrants() { return office_->warrants(); }
    static WarrantWish restore() {
        WarrantWish wish;
        wish.kind = CardKind::kRestore;
        wish.boxes = {kBox};
        wish.restored.overload = true;
        return wish;
    }
    Answer<WarrantRecord> ask(std::string id, WarrantWish wish, Actor who = kOwner, std::string reason = "works") {
        return wait<WarrantRecord>([&](auto done) { warrants().ask({id, who, reason, wish}, done); });
    }
    Answer<WarrantOrdered> write(WarrantId warrant, std::string uid = "A1B2C3D4", std::size_t rights_max = 14) {
        WarrantWrite order;
        order.warrant = warrant;
        order.who = kOwner;
        order.uid = std::move(uid);
        order.rights_max = rights_max;
        return wait<WarrantOrdered>([&](auto done) { warrants().write(order, done); });
    }
    void written(CardWriteId id) {
        EXPECT_TRUE(wait<CardRecord>([&](auto done) { office_->cards().written(id, kOwner, done); }));
    }
    std::size_t journal(std::string action) {
        AuditFilter filter;
        filter.action = std::move(action);
        return office_->audit().records(filter)->size();
    }
};

// A clear is done by one person, or twice because he clicked twice.
TEST_F(WarrantsTest, ARestoreWaitsForASecondPersonAndIsMadeExactlyOnce) {
    ASSERT_TRUE(ask("alone", restore())) << "an office of one person stays usable";
    bring_technician();
    const auto asked = ask("r1", restore(), kTan);
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().reason, Reason::kNeedsApproval);
    const ApprovalId id{asked.error().limit};
    EXPECT_EQ(ask("r1", restore(), kTan).error().limit, id.value) << "a double click is one request";
    reopen();
    const auto approve = [&](const Actor& who) {
        return wait<ApprovalRecord>([&](auto done) { office_->approvals().approve(id, who, done); });
    };
    EXPECT_EQ(approve(kTan).error().reason, Reason::kNoRight);
    ASSERT_EQ(approve(kOwner)->state, ApprovalState::kDone);
    const auto warrant = ask("r1", restore(), kTan);
    ASSERT_TRUE(warrant) << warrant.error().message;
    EXPECT_EQ(warrant->agreed_by, "owner");
    EXPECT_EQ(warrant->asked_by.user, "tan");
    EXPECT_EQ(warrant->state, WarrantState::kAgreed);
    WarrantWish other = restore();
    other.valid_hours = 3;
    EXPECT_EQ(ask("r1", other, kTan).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(warrants().warrants({}, 10)->size(), 2u);
    EXPECT_EQ(journal(kWarrantAction), 2u);
}

TEST_F(WarrantsTest, WhatIsAskedForIsCheckedBeforeAnybodyIsBothered) {
    WarrantWish wish = restore();
    wish.boxes = {2099999999};
    EXPECT_EQ(ask("r1", wish).error().reason, Reason::kNotFound);
    wish.boxes.clear();
    wish.household = HouseholdId{9999};
    EXPECT_EQ(ask("r1", wish).error().reason, Reason::kNotFound);
    EXPECT_EQ(ask("r1", restore(), kOwner, "").error().reason, Reason::kBadArgument) << "without a reason";
    EXPECT_EQ(write(WarrantId{1}).error().reason, Reason::kNotFound);
}

// AC24: the number of a right is given out twice, or to two cards.
TEST_F(WarrantsTest, AC24NumbersRiseForEachBoxAndARightNeverChanges) {
    const auto first = ask("r1", restore());
    const auto ordered = write(first->id);
    ASSERT_TRUE(ordered) << ordered.error().message;
    ASSERT_EQ(ordered->warrant.rights.size(), 1u);
    const CardRight right = ordered->warrant.rights.front();
    EXPECT_EQ(right.until.ms, now().ms + 24 * 3'600'000);
    EXPECT_LT(right.from, now());
    move(minutes(3));
    const auto again = write(first->id);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->warrant.rights.front().sequence, right.sequence) << "torn: the same right";
    EXPECT_EQ(again->warrant.rights.front().until, right.until);
    EXPECT_FALSE(again->repeated);
    written(again->write.id);
    EXPECT_TRUE(write(first->id)->repeated);
    EXPECT_EQ(write(first->id, "11223344").error().reason, Reason::kAlreadyDecided);
    const auto second = ask("r2", restore());
    EXPECT_EQ(write(second->id, "11223344").error().reason, Reason::kCardInUse) << "one card for a box at a time";
    EXPECT_EQ(write(second->id).error().reason, Reason::kCardInUse) << "the plastic too";
    ASSERT_TRUE(wait<CardRecord>(
        [&](auto done) { office_->cards().end({ordered->card.id, CardState::kLost, kOwner, "gone"}, done); }));
    const auto next = write(second->id, "11223344");
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_GT(next->warrant.rights.front().sequence, right.sequence);
    EXPECT_EQ(warrants().warrant(first->id)->states.at(0), RightState::kOpen);
    move(minutes(25 * 60));
    EXPECT_EQ(warrants().warrant(first->id)->states.at(0), RightState::kExpired);
    const auto db = beside();
    db->execute("UPDATE card_rights SET until_at = 0 WHERE card_id = $1", {ordered->card.id});
    EXPECT_FALSE(db->ok()) << "a right can be made to last longer in the books";
}

// A receipt of before is put back, and the office believes that the card was never used.
TEST_F(WarrantsTest, AReceiptIsTakenWhenItSaysMore) {
    const auto warrant = ask("r1", restore());
    const auto ordered = write(warrant->id);
    written(ordered->write.id);
    const std::uint32_t sequence = ordered->warrant.rights.front().sequence;
    const auto take = [&](std::uint64_t box, RightReceipt receipt) {
        return wait<WarrantRecord>(
            [&](auto done) { warrants().take_receipt(ordered->card.id, box, receipt, kOwner, done); });
    };
    EXPECT_EQ(take(kBox + 1, {sequence, 0, now()})->states.at(0), RightState::kOpen) << "another box's word";
    EXPECT_EQ(take(kBox, {5, 43, now()})->states.at(0), RightState::kRefused);
    EXPECT_EQ(take(kBox, {sequence, 0, now()})->states.at(0), RightState::kCarriedOut);
    EXPECT_EQ(take(kBox, {5, 43, now()})->states.at(0), RightState::kCarriedOut) << "of before";
    EXPECT_EQ(take(kBox, {sequence, kCodeRightUsed, now()})->states.at(0), RightState::kCarriedOut);
    EXPECT_EQ(journal("card.carried_out"), 1u);
    EXPECT_EQ(write(ask("r2", restore())->id, "11223344")->warrant.states.at(0), RightState::kOpen)
        << "a card that was carried out stands in nobody's way";
}

// A card of a site with other sectors in use has less room.
TEST_F(WarrantsTest, ARightForMoreBoxesThanTheCardHasRoomIsRefused) {
    const auto warrant = ask("r1", restore());
    EXPECT_EQ(write(warrant->id, "A1B2C3D4", 0).error().reason, Reason::kCardNotUsable);
    EXPECT_EQ(warrants().warrant(warrant->id)->state, WarrantState::kAgreed);
    ASSERT_TRUE(wait<WarrantRecord>([&](auto done) { warrants().withdraw(warrant->id, kOwner, "no", done); }));
    EXPECT_EQ(write(warrant->id).error().reason, Reason::kAlreadyDecided);
    EXPECT_EQ(journal("card.withdraw"), 1u);
}

}  // namespace
}  // namespace prewatt::server::store
