#include "server/store/situations.hpp"

#include <gtest/gtest.h>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

// What a meter shows when its account is read in full.
MeterEffect account(std::uint16_t epoch, std::uint32_t number, std::int64_t credited, std::int64_t remaining) {
    MeterEffect effect;
    effect.epoch = epoch;
    effect.ticket_number = number;
    effect.remaining = credit_of_hundredths(remaining);
    effect.credited = credit_of_hundredths(credited);
    effect.state.set(StateBit::kRelayClosed, true);
    return effect;
}
MeterEffect empty_meter() {
    MeterEffect effect;
    HoldSet holds;
    holds.set(Hold::kNotOpened, true);
    effect.state.set_holds(holds);
    effect.credited = Credit{};
    return effect;
}

class Situations : public OfficeTest {
  protected:
    Situations() { options_.archive_tends_itself = false; }
    void shows(const MeterEffect& effect) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(room_, effect, now(), done); }));
    }
    void reads(std::int64_t remaining, HouseholdState state) {
        const Reading reading{room_, now(), {}, credit_of_hundredths(remaining), state};
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({reading}, done); }));
    }
    // A room with two sales of 10 kWh, delivered, and 7.50 kWh used.
    void lived_in() {
        start();
        room_ = room("3-0101");
        ASSERT_TRUE(sell(order("a", room_, 640)));
        ASSERT_TRUE(sell(order("b", room_, 640)));
        shows(account(1, 2, 2000, 2000));
        move(minutes(60));
        shows(account(1, 2, 2000, 1250));
        move(minutes(60));
    }
    // The latest values go into the tables.
    void flush() {
        move(minutes(2));
        for (bool more = true; more;) {
            more = office_->archive().tend();
            ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({}, done); }));
        }
    }
    std::vector<TicketQuestion> questions() { return *office_->ticket_questions(); }
    HouseholdId room_;
};

TEST_F(Situations, AMeterThatForgotItsAccountIsNotSentTheOldTicketAgain) {
    // It came back from repair as new: the same ticket would give the 7.50 kWh that were used a second time.
    lived_in();
    shows(empty_meter());
    const DesiredState desired = *office_->desired(room_);
    EXPECT_EQ(desired.ticket.epoch, 2);
    EXPECT_EQ(desired.ticket.credited, credit_of_hundredths(1250)) << "what was last known to remain";
    EXPECT_EQ(desired.stopped, Situation::kNone);
    EXPECT_TRUE(questions().empty());
    const auto work = office_->work_list().items({});
    ASSERT_EQ(work->size(), 1u);
    EXPECT_EQ(work->front().item.kind, "ticket_forgotten");
    EXPECT_NE(work->front().item.figures.find("used 7.50 kWh (60 minutes old)"), std::string::npos)
        << work->front().item.figures;
    move(minutes(1));
    reads(0, empty_meter().state);
    shows(empty_meter());
    EXPECT_EQ(office_->desired(room_)->ticket.epoch, 2) << "once";
    EXPECT_TRUE(office_->desired(room_)->ticket_open());
    move(minutes(1));
    shows(account(2, 1, 1250, 1250));
    EXPECT_FALSE(office_->desired(room_)->ticket_open());
    expect_balanced();
}

TEST_F(Situations, AnEmptyMeterThatIsReadBeforeItsAccountIsDoesNotSpoilWhatIsKnown) {
    // The sweep comes first: remaining 0 of an account that is not there is no use of 20 kWh.
    lived_in();
    reads(0, empty_meter().state);
    move(minutes(1));
    shows(empty_meter());
    EXPECT_EQ(office_->desired(room_)->ticket.credited, credit_of_hundredths(1250));
}

TEST_F(Situations, AMeterOfANewerTicketThanWasEverIssuedStopsTicketsAndAsks) {
    // The database is last week's: since then the meter was sold 50 kWh that these books do not have.
    lived_in();
    shows(account(1, 5, 7000, 6000));
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
    EXPECT_EQ(office_->desired(room_)->ticket.credited, credit_of_hundredths(2000)) << "nothing is taken over silently";
    EXPECT_EQ(office_->household(room_)->remaining, credit_of_hundredths(6000)) << "the page shows what the meter has";
    ASSERT_EQ(questions().size(), 1u);
    EXPECT_NE(figures(questions()[0]).find("ticket 5, credited 70.00 kWh"), std::string::npos);
    // The desk goes on selling until the numbers pass those of the meter: still nothing goes.
    for (const char* id : {"c", "d", "e", "f"})
        ASSERT_TRUE(sell(order(id, room_, 640)));
    move(minutes(10));
    shows(account(1, 5, 7000, 5900));
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
    EXPECT_FALSE(office_->sale_by_order("c")->confirmed_at) << "a foreign ticket confirms no sale of ours";
    reopen();
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
    EXPECT_EQ(questions().size(), 1u);
}

TEST_F(Situations, AnAnswerToACommandIsJudgedAsWell) {
    // The restored office sells before it has read anything: the meter says that it has a later ticket.
    lived_in();
    ASSERT_TRUE(sell(order("c", room_, 640)));
    MeterEffect effect = account(1, 6, 9000, 8000);
    effect.credited.reset();
    ASSERT_TRUE(
        wait<Done>([&](auto done) { office_->record_confirmed({room_, Part::kTicket, 1, 3}, effect, now(), done); }));
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kAhead);
    EXPECT_FALSE(office_->sale_by_order("c")->confirmed_at);
}

TEST_F(Situations, TheNumberAloneThatAnotherCommandShowsConfirmsNoSale) {
    // The restored office has sold number 3 a second time. The answer to a switching names number 3, the other one: the
    // sale is not in the meter, and a refund of it would be money for nothing.
    lived_in();
    const SaleId sold = sell(order("c", room_, 640))->sale.id;
    const auto switched = [&](std::uint32_t number, std::int64_t remaining) {
        ASSERT_TRUE(wait<Done>([&](auto done) {
            office_->record_confirmed({room_, Part::kRemoteHold, 0, 1},
                                      {1, number, credit_of_hundredths(remaining), {}}, now(), done);
        }));
        move(seconds(1));
    };
    switched(3, 2250);
    EXPECT_FALSE(office_->sale(sold)->confirmed_at);
    EXPECT_TRUE(office_->desired(room_)->ticket_open());
    EXPECT_EQ(office_->desired(room_)->confirmed_number, 2u);
    EXPECT_EQ(office_->desired(room_)->confirmed_credited, credit_of_hundredths(2000));
    shows(account(1, 3, 3000, 2250));
    EXPECT_TRUE(office_->sale(sold)->confirmed_at) << "its total was read";
    EXPECT_EQ(office_->desired(room_)->confirmed_credited, credit_of_hundredths(3000));
}

TEST_F(Situations, ALowerTotalThatIsNotOursTeachesNoUse) {
    // Yesterday's books have a refund less than the meter. What remains there is 5.00 kWh lower: taken for use, the
    // resident would lose it at the next change of the meter, and the true use would look like a lost memory.
    start();
    // A room whose light is awaited is looked at with each reading, the others in bulk.
    for (const bool awaits_light : {true, false}) {
        room_ = room(awaits_light ? "3-0101" : "3-0102");
        ASSERT_TRUE(sell(order(awaits_light ? "a" : "b", room_, 1280)));
        const auto full = [&](std::int64_t remaining, std::int64_t forward) {
            MeterEffect effect = account(1, 1, 2000, remaining);
            effect.state.set(StateBit::kRelayClosed, !awaits_light);
            effect.forward = energy_of_hundredths(forward);
            shows(effect);
        };
        const auto reading = [&](std::int64_t remaining, std::int64_t forward) {
            move(minutes(10));
            HouseholdState state;
            state.set(StateBit::kRelayClosed, !awaits_light);
            const Reading one{room_, now(), energy_of_hundredths(forward), credit_of_hundredths(remaining), state};
            ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({one}, done); }));
        };
        const auto used = [&] {
            flush();
            return in_hundredths(office_->accounts().account(room_)->account.used_known, Round::kDown);
        };
        full(1250, 90'750);
        reading(1230, 90'770);
        flush();
        reading(1210, 90'790);
        EXPECT_EQ(used(), 770) << "what two in a row show";
        reading(700, 90'791);
        flush();
        reading(690, 90'801);
        EXPECT_EQ(used(), 790) << "no more than went through";
        move(seconds(1));
        full(1100, 90'900);
        EXPECT_EQ(used(), 900) << "its own account says so";
    }
}

TEST_F(Situations, AfterAStartAReadingTeachesNoUseBeforeTheAccountWasRead) {
    // The books are of yesterday. Since then the room was settled and another tenant has moved in: what he used is no
    // use of the account that the books know, although so much went through the meter since. Taken for it, the account
    // would be carried on with more used than there was, and nobody could unlearn it.
    start();
    for (const bool awaits_light : {true, false}) {
        room_ = room(awaits_light ? "3-0101" : "3-0102");
        ASSERT_TRUE(sell(order(awaits_light ? "a" : "b", room_, 1280)));
        const auto full = [&](std::uint16_t epoch, std::int64_t credited, std::int64_t remaining) {
            MeterEffect effect = account(epoch, 1, credited, remaining);
            effect.state.set(StateBit::kRelayClosed, !awaits_light);
            effect.forward = energy_of_hundredths(90'000 + credited - remaining);
            shows(effect);
        };
        const auto reading = [&](std::int64_t remaining, std::int64_t forward) {
            move(minutes(10));
            HouseholdState state;
            state.set(StateBit::kRelayClosed, !awaits_light);
            const Reading one{room_, now(), energy_of_hundredths(forward), credit_of_hundredths(remaining), state};
            ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({one}, done); }));
            flush();
        };
        const auto used = [&] {
            return in_hundredths(office_->accounts().account(room_)->account.used_known, Round::kDown);
        };
        full(1, 2000, 1900);
        reading(1880, 90'120);
        reading(1870, 90'130);
        EXPECT_EQ(used(), 120);
        move(minutes(60));
        reopen();
        reading(400, 92'000);
        reading(390, 92'010);
        EXPECT_EQ(used(), 120) << "it says 16.00, of an account that these books do not have";
        move(seconds(1));
        full(1, 2000, 1860);
        reading(1850, 90'150);
        reading(1850, 90'150);
        EXPECT_EQ(used(), 150) << "it was their own account, as nearly always";
    }
}

TEST_F(Situations, TheSameNumberWithAnotherTotalStopsTickets) {
    // One sale after the restore has the number of one before it.
    lived_in();
    ASSERT_TRUE(sell(order("c", room_, 640)));
    shows(account(1, 3, 6400, 5500));
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kOtherTotal);
}

TEST_F(Situations, ATicketThatAnEmptyMeterTookIsFoundByItsUse) {
    // Nobody had noticed the new box yet, and the resident bought: 30 kWh instead of 22.50 kWh.
    lived_in();
    ASSERT_TRUE(sell(order("c", room_, 640)));
    MeterEffect effect = account(1, 3, 3000, 3000);
    effect.credited.reset();
    ASSERT_TRUE(
        wait<Done>([&](auto done) { office_->record_confirmed({room_, Part::kTicket, 1, 3}, effect, now(), done); }));
    EXPECT_EQ(office_->desired(room_)->ticket.epoch, 1) << "its account is read back before anything is concluded";
    EXPECT_FALSE(office_->sale_by_order("c")->confirmed_at);
    move(seconds(1));
    shows(account(1, 3, 3000, 3000));
    EXPECT_EQ(office_->desired(room_)->ticket.epoch, 2);
    EXPECT_EQ(office_->desired(room_)->ticket.credited, credit_of_hundredths(2250));
}

TEST_F(Situations, ACardOfBeforeARestoreIsNoLostMemoryAndConfirmsNoSaleOfItsNumber) {
    // It was written before the backup came back, and was held to the box between two sweeps: number 3, another total
    // than these books give it. Then the same number is sold and goes out on the line, and the meter says that it has
    // it. A higher total looks like a memory that was lost, a lower one like the sale. Taken for either, the credit of
    // one of the two is gone and nobody is asked.
    for (const bool higher : {true, false}) {
        if (higher)
            lived_in();
        else
            room_ = room("3-0102");
        const std::string k = higher ? "h" : "l";
        if (!higher) {
            ASSERT_TRUE(sell(order("la", room_, 640)));
            ASSERT_TRUE(sell(order("lb", room_, 640)));
        }
        MeterEffect full = account(1, 2, 2000, 1250);
        full.forward = energy_of_hundredths(750);
        shows(full);
        move(minutes(1));
        ASSERT_TRUE(sell(order(k, room_, 640)));
        const std::int64_t total = higher ? 5000 : 2500;
        MeterEffect effect = account(1, 3, total, total - 751);
        effect.credited.reset();
        ASSERT_TRUE(wait<Done>(
            [&](auto done) { office_->record_confirmed({room_, Part::kTicket, 1, 3}, effect, now(), done); }));
        EXPECT_EQ(office_->desired(room_)->ticket.epoch, 1);
        EXPECT_FALSE(office_->sale_by_order(k)->confirmed_at);
        move(seconds(1));
        shows(account(1, 3, total, total - 751));
        EXPECT_EQ(office_->desired(room_)->stopped, Situation::kOtherTotal);
        EXPECT_FALSE(office_->sale_by_order(k)->confirmed_at);
        EXPECT_EQ(office_->desired(room_)->ticket.epoch, 1);
    }
}

TEST_F(Situations, AnOlderTicketOfTheSameAccountIsOpenAgainAndNoQuestion) {
    // One record of the memory was bad, the one before came up with its use: the ticket goes again, and that is all.
    lived_in();
    shows(account(1, 1, 1000, 250));
    EXPECT_TRUE(office_->desired(room_)->ticket_open());
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kNone);
    EXPECT_TRUE(questions().empty());
    move(minutes(1));
    shows(account(1, 2, 2000, 1240));
    EXPECT_FALSE(office_->desired(room_)->ticket_open());
}

TEST_F(Situations, AClearThatWasOrderedEndsTheAccountAndDoesNotSendItsTicketAgain) {
    // The room was cleared for its next resident: the old credit must not come back by itself.
    lived_in();
    const auto job =
        wait<JobRecord>([&](auto done) { office_->clear_household({"k", room_, "owner", "moved"}, done); });
    ASSERT_TRUE(job);
    EXPECT_TRUE(office_->desired(room_)->clear_version.open());
    MeterEffect effect = empty_meter();
    effect.credited.reset();
    ASSERT_TRUE(wait<Done>(
        [&](auto done) { office_->record_confirmed({room_, Part::kClear, 0, job->version}, effect, now(), done); }));
    EXPECT_EQ(office_->job(job->id)->state, JobState::kConfirmed);
    EXPECT_FALSE(office_->desired(room_)->clear_version.open());
    EXPECT_EQ(office_->desired(room_)->stopped, Situation::kCleared);
}

}  // namespace
}  // namespace prewatt::server::store
