// The answer to the question which total counts: two people, the bookings of each answer, and that meter and books
// agree afterwards. The story with a real backup is told whole.
#include "server/store/ticket_answers.hpp"

#include "server/domain/orders.hpp"
#include "server/store/accounts_fixture.hpp"
#include "server/store/backup.hpp"

namespace prewatt::server::store {
namespace {

const Actor kOwner{"owner", "10.0.0.7"};
const Actor kWang{"wang", "10.0.0.8"};

// A meter as far as tickets go: keeps the newest, counts its use in the account that it has.
struct SmallMeter {
    std::uint16_t epoch = 0;
    std::uint32_t number = 0;
    std::int64_t credited = 0;  // hundredths
    std::int64_t used = 0;
    void take(const TicketTotal& ticket) {
        if (!is_newer(ticket.epoch, ticket.number, epoch, number)) return;
        if (ticket.epoch != epoch) used = 0;
        epoch = ticket.epoch;
        number = ticket.number;
        credited = in_hundredths(ticket.credited, Round::kDown);
    }
    [[nodiscard]] MeterEffect shown() const {
        MeterEffect effect;
        effect.epoch = epoch;
        effect.ticket_number = number;
        effect.credited = credit_of_hundredths(credited);
        effect.remaining = credit_of_hundredths(credited - used);
        effect.state.set(StateBit::kRelayClosed, true);
        return effect;
    }
};

class TicketAnswers : public AccountsTest {
  protected:
    ~TicketAnswers() override { office_.reset(); }  // before its database
    // An office of two owners for a day, and a room.
    void start_with_two() {
        start();
        UserRecord record;
        record.user = "wang";
        record.role = Role::kOwner;
        ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(record, "long enough", kOwner, done); }));
        move(kOwnAccountTime + minutes(1));
        room_ = room("3-0101");
    }
    // The line: what the office wants goes to the meter unless it is stopped, and the meter shows what it has.
    void deliver() {
        move(minutes(1));
        if (const auto desired = office_->desired(room_); desired->stopped == Situation::kNone)
            meter_.take(desired->ticket);
        shows();
    }
    void shows() {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(room_, meter_.shown(), now(), done); }));
    }
    void sold(const std::string& id) {  // 10 kWh
        ASSERT_TRUE(sell(order(id, room_, 640)));
    }
    Answer<BookingsAnswer> answer(std::string id, TicketAnswer what, std::optional<std::uint32_t> contains = {},
                                  const Actor& who = kOwner) {
        TicketAnswerOrder order;
        order.order = {std::move(id), who, "the backup was of last night"};
        order.household = room_;
        order.answer = what;
        order.contains = contains;
        return wait<BookingsAnswer>([&](auto done) { office_->answer_ticket_question(order, done); });
    }
    ApprovalId asked(std::string id, TicketAnswer what, std::optional<std::uint32_t> contains = {}) {
        const auto waits = answer(std::move(id), what, contains);
        EXPECT_FALSE(waits);
        if (waits) return {};
        EXPECT_EQ(waits.error().reason, Reason::kNeedsApproval) << waits.error().message;
        return ApprovalId{waits.error().limit};
    }
    Answer<ApprovalRecord> approve(ApprovalId id, const Actor& who = kWang) {
        return wait<ApprovalRecord>([&](auto done) { office_->approvals().approve(id, who, done); });
    }
    void both_answer(std::string id, TicketAnswer what, std::optional<std::uint32_t> contains = {}) {
        const auto approved = approve(asked(std::move(id), what, contains));
        ASSERT_TRUE(approved) << approved.error().message;
        ASSERT_EQ(approved->state, ApprovalState::kDone) << approved->outcome;
    }
    // The books and the meter say the same, to the hundredth, and the books hold in themselves.
    void expect_agree() {
        const auto account = office_->accounts().account(room_);
        ASSERT_TRUE(account);
        EXPECT_TRUE(account->confirmed);
        EXPECT_EQ(account->account.ticket.epoch, meter_.epoch);
        EXPECT_EQ(account->account.ticket.number, meter_.number);
        EXPECT_EQ(in_hundredths(account->account.ticket.credited, Round::kDown), meter_.credited);
        EXPECT_EQ(in_hundredths(account->account.used_known, Round::kDown), meter_.used);
        EXPECT_EQ(in_hundredths(account->account.remaining(), Round::kDown), meter_.credited - meter_.used);
        EXPECT_TRUE(office_->ticket_questions()->empty());
        EXPECT_TRUE(open_items().empty());
        expect_balanced();
    }
    std::vector<std::string> open_items() {
        std::vector<std::string> kinds;
        const auto items = office_->work_list().items({});
        for (const WorkRecord& record : *items)
            if (record.item.kind != "books_restored") kinds.push_back(record.item.kind);  // of the other rooms
        return kinds;
    }
    std::int64_t credited() { return in_hundredths(account(room_).ticket.credited, Round::kDown); }

    // 10 kWh sold, taken and 4 of them used; a backup; 20 kWh more sold and taken, 15 used in all; the backup back.
    void restored_from_the_backup() {
        start_with_two();
        sold("a");
        deliver();
        meter_.used = 400;
        deliver();
        const auto file = folder_ / "office.backup";
        ASSERT_TRUE(back_up(options_.url, file, now()));
        sold("b");
        sold("c");
        deliver();
        meter_.used = 1500;
        deliver();
        ASSERT_EQ(meter_.number, 3u);
        office_.reset();
        if (on_postgres()) others_.push_back(std::make_unique<TestDatabase>(false));
        const std::string url = on_postgres() ? others_.back()->url() : (folder_ / "restored.db").string();
        const auto restored = restore(file, url, now());
        ASSERT_TRUE(restored) << restored.error().message;
        options_.url = url;
        open();
        ASSERT_EQ(credited(), 1000);
    }

    std::vector<std::unique_ptr<TestDatabase>> others_;
    HouseholdId room_;
    SmallMeter meter_;
};

TEST_F(TicketAnswers, AfterAnOldBackupTheMetersTotalIsTakenOverAndTheNextSaleCountsOnce) {
    // Two days of sales are gone from the books, and the residents have the credit: they must not buy it twice.
    restored_from_the_backup();
    deliver();
    ASSERT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
    ASSERT_EQ(office_->ticket_questions()->size(), 1u);
    both_answer("answer", TicketAnswer::kTakeMeters);
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kNone);
    deliver();
    EXPECT_EQ(meter_.credited, 3000);
    EXPECT_EQ(meter_.number, 4u);
    expect_agree();
    const auto bookings = *office_->accounts().bookings(room_, {}, 10);
    EXPECT_EQ(bookings.front().kind, BookingKind::kTakeOver);
    EXPECT_EQ(bookings.front().given, credit_of_hundredths(2000));
    EXPECT_EQ(bookings.front().amount, Money{0}) << "what was paid for it is not in these books";
    sold("d");
    deliver();
    deliver();
    EXPECT_EQ(meter_.credited, 4000);
    EXPECT_TRUE(office_->sale_by_order("d")->confirmed_at);
    expect_agree();
}

TEST_F(TicketAnswers, AfterAnOldBackupTheOfficesTotalGoesOutUnderAHigherNumber) {
    // The two days were a test of somebody else's: the books are right, the meter is not.
    restored_from_the_backup();
    deliver();
    both_answer("answer", TicketAnswer::kTakeOffices);
    deliver();
    EXPECT_EQ(meter_.credited, 1000);
    EXPECT_EQ(meter_.used, 1500) << "what was used was used";
    EXPECT_EQ(meter_.number, 4u);
    expect_agree();
    sold("d");
    deliver();
    EXPECT_EQ(meter_.credited, 2000);
    expect_agree();
}

TEST_F(TicketAnswers, WhatWasSoldAfterTheQuestionComesOnTopOfTheMetersTotal) {
    // The desk does not stand still for the hour in which two owners look at it.
    restored_from_the_backup();
    deliver();
    sold("d");
    sold("e");
    sold("f");
    deliver();
    both_answer("answer", TicketAnswer::kTakeMeters);
    deliver();
    EXPECT_EQ(meter_.credited, 6000);
    for (const char* id : {"d", "e", "f"}) {
        EXPECT_TRUE(office_->sale_by_order(id)->confirmed_at) << id;
        EXPECT_TRUE(office_->sale_by_order(id)->lit_at) << id;
    }
    expect_agree();
}

TEST_F(TicketAnswers, WhatWasSoldBeforeTheQuestionIsNeverGuessedToBeInTheMetersTotal) {
    // The restored office sold before it had read the meter: in that total, or not? A guess takes 10 kWh from somebody.
    restored_from_the_backup();
    sold("d");
    deliver();
    sold("e");
    const auto unclear = answer("x", TicketAnswer::kTakeMeters);
    ASSERT_FALSE(unclear);
    EXPECT_EQ(unclear.error().reason, Reason::kTicketsUnclear);
    EXPECT_NE(unclear.error().message.find("tickets 2 to 2"), std::string::npos) << unclear.error().message;
    EXPECT_EQ(answer("x", TicketAnswer::kTakeMeters, 3).error().reason, Reason::kBadArgument);
    both_answer("x", TicketAnswer::kTakeMeters, 1);
    deliver();
    EXPECT_EQ(meter_.credited, 5000);
    EXPECT_TRUE(office_->sale_by_order("d")->confirmed_at);
    expect_agree();
}

TEST_F(TicketAnswers, OneAnswerIsBookedOnceAndAnotherOneFindsNoQuestion) {
    // A double click, and two owners with two opinions.
    restored_from_the_backup();
    deliver();
    const ApprovalId first = asked("one", TicketAnswer::kTakeMeters);
    EXPECT_EQ(asked("one", TicketAnswer::kTakeMeters), first);
    const ApprovalId second = asked("two", TicketAnswer::kTakeOffices);
    EXPECT_EQ(approve(first, kOwner).error().reason, Reason::kNoRight) << "the same person twice";
    EXPECT_EQ(credited(), 1000);
    ASSERT_EQ(approve(first)->state, ApprovalState::kDone);
    EXPECT_EQ(approve(first).error().reason, Reason::kAlreadyDecided);
    const auto late = approve(second);
    ASSERT_TRUE(late);
    EXPECT_EQ(late->state, ApprovalState::kFailed);
    EXPECT_NE(late->outcome.find("Nothing is asked"), std::string::npos) << late->outcome;
    const auto again = answer("one", TicketAnswer::kTakeMeters);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(answer("one", TicketAnswer::kTakeOffices).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(answer("three", TicketAnswer::kTakeOffices).error().reason, Reason::kNotFound);
    EXPECT_EQ(credited(), 3000);
    AuditFilter filter;
    filter.action = kAnswerTicket;
    EXPECT_EQ(office_->audit().records(filter)->size(), 1u);
    deliver();
    expect_agree();
}

TEST_F(TicketAnswers, AnotherFigureOfTheMeterOrAClosedAccountIsNotWhatWasProposed) {
    // Between the proposal and the consent a third ticket reached the meter from the office's old machine.
    restored_from_the_backup();
    deliver();
    ApprovalId id = asked("one", TicketAnswer::kTakeMeters);
    meter_.used = 1600;
    deliver();  // use goes on and changes nothing of the decision
    meter_.take({1, 4, credit_of_hundredths(4000), AccountUnit::kEnergy});
    deliver();
    EXPECT_NE(figures(office_->ticket_questions()->front()).find("ticket 4, credited 40.00 kWh"), std::string::npos);
    auto failed = approve(id);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->state, ApprovalState::kFailed);
    EXPECT_NE(failed->outcome.find("shows another figure"), std::string::npos) << failed->outcome;
    EXPECT_EQ(credited(), 1000);
    EXPECT_EQ(settle("s", room_).error().reason, Reason::kMeterBehind) << "nobody settles while it is asked";

    id = asked("two", TicketAnswer::kTakeMeters);
    beside()->execute("UPDATE households SET closed = 1 WHERE id = $1", {room_});
    failed = approve(id);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->state, ApprovalState::kFailed);
    EXPECT_NE(failed->outcome.find("was closed since"), std::string::npos) << failed->outcome;
    EXPECT_EQ(answer("three", TicketAnswer::kTakeMeters).error().reason, Reason::kAccountClosed);
    beside()->execute("UPDATE households SET closed = 0 WHERE id = $1", {room_});

    both_answer("four", TicketAnswer::kTakeMeters);
    deliver();
    EXPECT_EQ(meter_.credited, 4000);
    EXPECT_EQ(meter_.used, 1600);
    expect_agree();
}

TEST_F(TicketAnswers, AMeterInALaterAccountThanTheBooksGoesOnInItOrInOneAfterIt) {
    // Since the backup the room was settled and opened anew: the meter is in an account that these books never had.
    for (const TicketAnswer what : {TicketAnswer::kTakeMeters, TicketAnswer::kTakeOffices}) {
        if (what == TicketAnswer::kTakeMeters)
            restored_from_the_backup();
        else
            room_ = room("3-0102"), meter_ = {}, sold("a2"), deliver(), meter_.used = 400, deliver();
        meter_.take({3, 2, credit_of_hundredths(7000), AccountUnit::kEnergy});
        meter_.used = 100;
        deliver();
        ASSERT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
        both_answer("answer" + std::to_string(room_.value), what);
        deliver();
        EXPECT_EQ(meter_.epoch, what == TicketAnswer::kTakeMeters ? 3 : 4);
        EXPECT_EQ(meter_.credited, what == TicketAnswer::kTakeMeters ? 7000 : 600);
        expect_agree();
        sold("next" + std::to_string(room_.value));
        deliver();
        EXPECT_EQ(meter_.credited, what == TicketAnswer::kTakeMeters ? 8000 : 1600);
        expect_agree();
    }
}

TEST_F(TicketAnswers, ARoomThatTheBooksHaveNeverSoldToIsTakenOverOrOpenedEmpty) {
    // The backup is older than the building's first day.
    start_with_two();
    for (const TicketAnswer what : {TicketAnswer::kTakeMeters, TicketAnswer::kTakeOffices}) {
        if (what == TicketAnswer::kTakeOffices) room_ = room("3-0102");
        meter_ = {1, 5, 7000, 2500};
        shows();
        both_answer("answer" + std::to_string(room_.value), what);
        deliver();
        EXPECT_EQ(meter_.credited, what == TicketAnswer::kTakeMeters ? 7000 : 0);
        expect_agree();
    }
}

TEST_F(TicketAnswers, TheSameNumberWithAnotherTotalIsAnsweredBothWays) {
    // One sale after the restore took the number of one before it: 10 kWh in the books, 54 in the meter.
    start_with_two();
    for (const TicketAnswer what : {TicketAnswer::kTakeMeters, TicketAnswer::kTakeOffices}) {
        if (what == TicketAnswer::kTakeOffices) room_ = room("3-0102"), meter_ = {};
        const std::string id = std::to_string(room_.value);
        sold("a" + id);
        deliver();
        sold("b" + id);
        meter_.take({1, 2, credit_of_hundredths(6400), AccountUnit::kEnergy});
        meter_.used = 300;
        shows();
        ASSERT_EQ(office_->desired(room_)->stopped, Situation::kOtherTotal);
        both_answer("answer" + id, what);
        deliver();
        EXPECT_EQ(meter_.number, 3u);
        EXPECT_EQ(meter_.credited, what == TicketAnswer::kTakeMeters ? 7400 : 2000);
        EXPECT_TRUE(office_->sale_by_order("b" + id)->confirmed_at);
        expect_agree();
    }
}

TEST_F(TicketAnswers, AMeterWhoseTotalWasNotReadYetIsNotTakenOverByAGuess) {
    // An answer to a command shows what remains and not what was credited.
    start_with_two();
    sold("a");
    deliver();
    MeterEffect effect;
    effect.epoch = 1;
    effect.ticket_number = 6;
    effect.remaining = credit_of_hundredths(8000);
    move(minutes(1));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(room_, effect, now(), done); }));
    EXPECT_EQ(answer("x", TicketAnswer::kTakeMeters).error().reason, Reason::kMeterBehind);
    meter_ = {1, 6, 9000, 1000};
    deliver();
    both_answer("x", TicketAnswer::kTakeMeters);
    deliver();
    EXPECT_EQ(meter_.credited, 9000);
    expect_agree();
}

TEST_F(TicketAnswers, AClearedRoomGoesOnInANewAccountWithWhatRemained) {
    // The wrong room was cleared: its resident has 6 kWh in the books and none in the meter.
    start_with_two();
    sold("a");
    deliver();
    meter_.used = 400;
    deliver();
    meter_ = {};
    MeterEffect cleared;
    cleared.previous_epoch = 1;
    cleared.credited = Credit{0};
    move(minutes(1));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(room_, cleared, now(), done); }));
    ASSERT_EQ(office_->desired(room_)->stopped, Situation::kCleared);
    EXPECT_EQ(answer("x", TicketAnswer::kTakeMeters).error().reason, Reason::kBadArgument);
    both_answer("y", TicketAnswer::kTakeOffices);
    deliver();
    EXPECT_EQ(meter_.epoch, 2);
    EXPECT_EQ(meter_.credited, 600);
    expect_agree();
}

TEST_F(TicketAnswers, OfficeOfOnePersonAnswersAlone) {
    // The owner of a site of one has nobody to ask, and a street without tickets.
    start();
    room_ = room("3-0101");
    sold("a");
    deliver();
    meter_.take({1, 2, credit_of_hundredths(5000), AccountUnit::kEnergy});
    deliver();
    const auto booked = answer("alone", TicketAnswer::kTakeMeters);
    ASSERT_TRUE(booked) << booked.error().message;
    deliver();
    EXPECT_EQ(meter_.credited, 5000);
    expect_agree();
}

}  // namespace
}  // namespace prewatt::server::store
