// Cards with rights, from the warrant to the box and back: asked for by one person, agreed upon by another, written at
// the desk, obeyed once by the real meter code, and read again.
#include "server/domain/wait.hpp"
#include "tests/desk/corridor_box.hpp"
#include "tests/desk/office_at_desk.hpp"

namespace prewatt {
namespace {

using card::desk::OrderKind;
using server::CardKind;
using server::RightState;

const card::Uid kUid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});
const card::Uid kOtherUid = card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6});
const server::Actor kTechnician{"tan", "desk"};

server::store::BuildingSpec by_card() {
    server::store::BuildingSpec building;
    building.line_url = "card";
    return building;
}

// A household with a card, 100.00 kWh bought and swiped, and a technician beside the owner.
class CardWithRights : public testing::Test {
  protected:
    CardWithRights() : at_(by_card()) {
        household_ = at_.room("3-0101");
        const auto record = at_.office().household(household_);
        number_ = record->desired.number;
        box_number_ = record->box_number;
        server::UserRecord user;
        user.user = kTechnician.user;
        user.role = server::Role::kTechnician;
        EXPECT_TRUE(server::wait<server::UserRecord>(
            [&](auto done) { at_.office().create_user(user, "long enough", at_.kClerk, done); }));
        at_.now_ms += server::kOwnAccountTime.count() / 1000 + 60'000;
        box_.emplace(at_, box_number_, true);
        sell_and_swipe("s1");
    }
    void sell_and_swipe(const std::string& id) {
        at_.sell(id, household_);
        const bool first = at_.card_of(household_).id.value == 0;
        EXPECT_EQ(
            at_desk(home_, first ? card::desk::Order{OrderKind::kIssue, "i-" + id, household_.value, 0, "moved in"}
                                 : card::desk::Order{OrderKind::kTicket, "t-" + id, 0, 0, ""}),
            "");
        box_->swipe(home_);
    }
    // Why not; "": done.
    std::string at_desk(sim::M1Card& plastic, const card::desk::Order& order) {
        field_.put(plastic);
        const auto done = card::desk::carry_out(field_, at_.direct(), order);
        field_.clear();
        return done                                               ? ""
               : done.error().fault == card::desk::Fault::kOffice ? done.error().office.code
                                                                  : std::to_string(int(done.error().fault));
    }
    std::string at_desk(sim::M1Card& plastic, server::WarrantId warrant) {
        return at_desk(plastic, {OrderKind::kWarrant, "w", 0, 0, "", warrant.value});
    }
    server::DeskReport look(sim::M1Card& plastic) {
        field_.put(plastic);
        EXPECT_TRUE(card::desk::look(field_, at_.direct(), card::desk::Depth::kRecords));
        field_.clear();
        return at_.direct().last;
    }
    RightState right_of(sim::M1Card& plastic) {
        const auto report = look(plastic);
        EXPECT_TRUE(report.warrant && report.warrant->states.size() == 1u);
        return report.warrant ? report.warrant->states.at(0) : RightState::kOpen;
    }
    server::Answer<server::WarrantRecord> ask(const std::string& id, server::WarrantWish wish) {
        server::WarrantOrder order{id, kTechnician, "moved out", std::move(wish)};
        return server::wait<server::WarrantRecord>([&](auto done) { at_.office().warrants().ask(order, done); });
    }
    // Asked by the technician, agreed by the owner.
    server::WarrantId agreed(const std::string& id, const server::WarrantWish& wish) {
        const auto asked = ask(id, wish);
        EXPECT_FALSE(asked) << "one person did it alone";
        if (asked) return asked->id;
        EXPECT_EQ(asked.error().reason, server::Reason::kNeedsApproval) << asked.error().message;
        const auto approved = server::wait<server::ApprovalRecord>([&](auto done) {
            at_.office().approvals().approve(server::ApprovalId{asked.error().limit}, at_.kClerk, done);
        });
        EXPECT_TRUE(approved && approved->state == server::ApprovalState::kDone)
            << (approved ? approved->outcome : approved.error().message);
        const auto warrant = ask(id, wish);
        EXPECT_TRUE(warrant) << warrant.error().message;
        return warrant ? warrant->id : server::WarrantId{};
    }
    server::WarrantWish clear_of_household() const {
        server::WarrantWish wish;
        wish.kind = CardKind::kClear;
        wish.household = household_;
        return wish;
    }
    server::WarrantWish restore_of_box() const {
        server::WarrantWish wish;
        wish.kind = CardKind::kRestore;
        wish.boxes = {box_number_};
        wish.restored.cutoff_alarm = true;
        return wish;
    }
    [[nodiscard]] bool is_open() { return box_->node().box().book({number_}).account.is_open(); }
    std::uint32_t sequence() { return box_->node().box().box_book().cards.right_sequence; }
    std::uint32_t count(meter::EventKind kind) { return box_->node().box().archive().events.count(kind, {}); }
    server::CardRecord take_back(server::CardId card) {
        const auto ended = server::wait<server::CardRecord>([&](auto done) {
            at_.office().cards().end({card, server::CardState::kTakenBack, at_.kClerk, "done"}, done);
        });
        EXPECT_TRUE(ended);
        return ended ? *ended : server::CardRecord{};
    }

    OfficeAtDesk at_;
    server::HouseholdId household_;
    std::uint8_t number_ = 0;
    std::uint64_t box_number_ = 0;
    std::optional<CorridorBox> box_;
    sim::M1Card home_{card::uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44})};
    sim::M1Card plastic_{kUid};
    sim::Field field_;
};

// AC24: one technician empties a meter alone; or copies the card and empties it again when the next resident has
// bought.
TEST_F(CardWithRights, AC24AClearCardOfTwoPeopleIsObeyedOnceItsCopyIsRefusedAndTheNextCardWorks) {
    ASSERT_TRUE(is_open());
    const server::WarrantId first = agreed("clear-1", clear_of_household());
    ASSERT_EQ(at_desk(plastic_, first), "");
    EXPECT_EQ(right_of(plastic_), RightState::kOpen) << "written is not carried out";
    const auto copy = plastic_.dump();

    box_->swipe(plastic_);
    EXPECT_FALSE(is_open());
    EXPECT_EQ(count(meter::EventKind::kOrderCarriedOut), 1u);
    const std::uint32_t carried_out = sequence();
    EXPECT_EQ(right_of(plastic_), RightState::kCarriedOut) << "the box said so on the card";

    // A new account, and the card once more: the box refuses it, and the office says what that means.
    box_->swipe(plastic_);
    EXPECT_EQ(count(meter::EventKind::kOrderRefused), 1u);
    const auto report = look(plastic_);
    EXPECT_EQ(report.warrant->rights.at(0).receipt->code, server::kCodeRightUsed);
    EXPECT_EQ(report.warrant->states.at(0), RightState::kCarriedOut) << "already carried out, and no fault";
    // A copy with the same number, as it was before; and one on other plastic.
    sim::M1Card clone(kUid);
    clone.overwrite(copy);
    box_->swipe(clone);
    const auto of_clone = look(clone);
    EXPECT_EQ(of_clone.warrant->rights.at(0).receipt->code, server::kCodeRightUsed);
    EXPECT_GT(of_clone.warrant->rights.at(0).receipt->at, report.warrant->rights.at(0).receipt->at);
    sim::M1Card other(kOtherUid);
    auto moved = copy;
    moved[0] = other.dump()[0];
    other.overwrite(moved);
    box_->swipe(other);
    EXPECT_EQ(sequence(), carried_out);
    EXPECT_EQ(count(meter::EventKind::kOrderCarriedOut), 1u);

    // The next card of this box works, and the first is void from then on.
    const server::WarrantId second = agreed("clear-2", clear_of_household());
    EXPECT_EQ(at_desk(plastic_, second), "card_in_use") << "this plastic is the first card still";
    take_back(look(plastic_).seen.card->id);
    sim::M1Card next(kOtherUid);
    ASSERT_EQ(at_desk(next, second), "");
    box_->swipe(next);
    EXPECT_EQ(count(meter::EventKind::kOrderCarriedOut), 2u);
    EXPECT_GT(sequence(), carried_out);
    EXPECT_EQ(right_of(next), RightState::kCarriedOut);
    const auto before = at_.office().warrants().warrant(first);
    EXPECT_EQ(before->states.at(0), RightState::kCarriedOut);
}

// AC24, AC29: whoever has the desk makes a clear card without anybody's word, for a second piece of plastic, or from a
// warrant that was withdrawn.
TEST_F(CardWithRights, AC24OneWarrantIsOneCardAndNoneIsMadeWithoutIt) {
    EXPECT_EQ(at_desk(plastic_, server::WarrantId{77}), "not_found");
    const auto asked = ask("clear-1", clear_of_household());
    ASSERT_FALSE(asked);
    EXPECT_EQ(at_desk(plastic_, server::WarrantId{1}), "not_found") << "nobody has agreed yet";
    const server::WarrantId warrant = agreed("clear-1", clear_of_household());
    ASSERT_EQ(at_desk(plastic_, warrant), "");
    const auto writes = plastic_.writes();
    EXPECT_EQ(at_desk(plastic_, warrant), "") << "the answer was lost: it stands";
    EXPECT_EQ(plastic_.writes(), writes);
    sim::M1Card second(kOtherUid);
    EXPECT_EQ(at_desk(second, warrant), "already_decided");
    EXPECT_EQ(second.writes(), 0u);
    const server::WarrantId other = agreed("restore-1", restore_of_box());
    EXPECT_EQ(at_desk(second, other), "card_in_use") << "two cards for one box: the one used last would be refused";
    const server::CardId lost = look(plastic_).seen.card->id;
    ASSERT_TRUE(server::wait<server::CardRecord>([&](auto done) {
        at_.office().cards().end({lost, server::CardState::kLost, at_.kClerk, "on the bus"}, done);
    }));
    EXPECT_EQ(at_desk(plastic_, warrant), "card_revoked");
    EXPECT_EQ(at_.office().warrants().warrant(warrant)->states.at(0), RightState::kOpen)
        << "lost is not harmless: until its window is over, or a later card was used";
    // The next card outlives it.
    ASSERT_EQ(at_desk(second, other), "");
    box_->swipe(second);
    EXPECT_EQ(right_of(second), RightState::kCarriedOut);
    EXPECT_EQ(at_.office().warrants().warrant(warrant)->states.at(0), RightState::kOvertaken);
    box_->swipe(plastic_);
    EXPECT_TRUE(is_open()) << "the finder clears nothing";
    // Withdrawn before it is written.
    const server::WarrantId third = agreed("clear-3", clear_of_household());
    ASSERT_TRUE(server::wait<server::WarrantRecord>(
        [&](auto done) { at_.office().warrants().withdraw(third, kTechnician, "stays", done); }));
    sim::M1Card blank(card::uid_of(std::array<Byte, 4>{1, 2, 3, 4}));
    EXPECT_EQ(at_desk(blank, third), "already_decided");
}

// AC08: the card is torn away at some write while it is made: half a right obeys, or the warrant is lost with it.
TEST_F(CardWithRights, AC08ATornCardWithRightsObeysNothingAndIsGoneOnWith) {
    const server::WarrantId warrant = agreed("restore-1", restore_of_box());
    const auto blank = plastic_.dump();
    const auto torn_at = [&](std::uint64_t write) {
        field_.tear_at(write, {3, sim::Tear::Rest::kOld});
        const std::string fault = at_desk(plastic_, warrant);
        field_.forget_plans();
        return fault == "0";
    };
    // 16 trailers, the right, the identity: each write from the beginning; then on from what each tear left.
    for (std::uint64_t write = 0; write < 22; ++write) {
        plastic_.overwrite(blank);
        EXPECT_TRUE(torn_at(write)) << write;
        if (write < 16) continue;
        box_->swipe(plastic_);
        EXPECT_EQ(count(meter::EventKind::kOrderCarriedOut), 0u) << write;
    }
    plastic_.overwrite(blank);
    std::uint32_t goes_on = 0;
    while (goes_on < 40 && torn_at(1))
        ++goes_on;
    EXPECT_GT(goes_on, 10u);
    EXPECT_EQ(at_desk(plastic_, warrant), "");
    EXPECT_EQ(look(plastic_).seen.finding, server::CardFinding::kUpToDate);
    box_->swipe(plastic_);
    EXPECT_EQ(right_of(plastic_), RightState::kCarriedOut);
    EXPECT_EQ(at_.office().warrants().warrants({}, 10)->size(), 1u);
}

// What a set-up card carried counts as set because it was written, and the box never saw it.
TEST_F(CardWithRights, ASetUpCardSetsWhatIsDesiredAndIsBelievedWhenTheBoxHasSaidSo) {
    server::WarrantWish wish;
    wish.kind = CardKind::kSetUp;
    wish.boxes = {box_number_};
    const auto nothing = ask("up-0", wish);
    ASSERT_TRUE(nothing) << "needs no second person";
    EXPECT_EQ(at_desk(plastic_, nothing->id), "bad_argument") << "nothing is desired";

    server::JobOrder order;
    order.order_id = "a1";
    order.household = household_;
    order.operator_name = "owner";
    order.reason = "asked for";
    ASSERT_TRUE(server::wait<server::JobRecord>([&](auto done) {
        at_.office().set_alarms(order, {energy_of_hundredths(700), energy_of_hundredths(300), {}}, done);
    }));
    const auto open = [&] { return at_.office().household(household_)->desired.alarms_version.open(); };
    ASSERT_TRUE(open());
    const auto warrant = ask("up-1", wish);
    ASSERT_EQ(at_desk(plastic_, warrant->id), "");
    EXPECT_TRUE(open()) << "on the card";
    box_->swipe(plastic_);
    EXPECT_EQ(box_->node().box().book({number_}).account.levels.low_hundredths, 700u);
    EXPECT_TRUE(open()) << "in the box, and nobody has told the office";
    EXPECT_EQ(right_of(plastic_), RightState::kCarriedOut);
    EXPECT_FALSE(open());
}

// AC25: the caretaker's inspection card is taken for a household's, or changes something.
TEST_F(CardWithRights, ACardThatOnlyShowsIsForEveryBoxAndNoTicketGoesOntoIt) {
    server::WarrantWish wish;
    wish.kind = CardKind::kInspection;
    wish.valid_hours = 24 * 300;
    const auto warrant = ask("look-1", wish);
    ASSERT_TRUE(warrant) << warrant.error().message;
    ASSERT_EQ(at_desk(plastic_, warrant->id), "");
    box_->swipe(plastic_);
    EXPECT_EQ(count(meter::EventKind::kOrderRefused), 0u);
    EXPECT_EQ(sequence(), 0u);
    EXPECT_EQ(right_of(plastic_), RightState::kOpen);
    EXPECT_EQ(at_desk(plastic_, {OrderKind::kTicket, "t9", 0, 0, ""}), "card_unlike");
    // The plastic becomes a household's when it was taken back.
    take_back(look(plastic_).seen.card->id);
    EXPECT_EQ(look(plastic_).seen.finding, server::CardFinding::kRevoked);
    EXPECT_EQ(at_desk(plastic_, {OrderKind::kFormat, "f1", 0, 0, ""}), "");
}

}  // namespace
}  // namespace prewatt
