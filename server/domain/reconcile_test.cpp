#include "server/domain/reconcile.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

Credit ckwh(std::int64_t hundredths) {
    return credit_of_hundredths(hundredths);
}
// Ticket 3 of account 1: 30.00 credited, 12.00 used as last known; the meter shows what it should.
KnownAccount known() {
    KnownAccount k;
    k.newest = {1, 3, ckwh(3000), {}};
    k.meter_epoch = 1;
    k.meter_number = 3;
    k.as_issued = ckwh(3000);
    k.used = ckwh(1200);
    return k;
}
MeterEffect shown() {
    MeterEffect s;
    s.epoch = 1;
    s.ticket_number = 3;
    s.remaining = ckwh(1800);
    s.credited = ckwh(3000);
    return s;
}

TEST(JudgeAccount, WhatWasIssuedIsDrivenOn) {
    // The ordinary day must raise no question, else nobody reads the list.
    EXPECT_EQ(judge_account(known(), shown()), Situation::kNone);
    MeterEffect later = shown();
    later.remaining = ckwh(100);
    EXPECT_EQ(judge_account(known(), later), Situation::kNone) << "use went on";
    EXPECT_EQ(judge_account(KnownAccount{}, MeterEffect{}), Situation::kNone) << "as installed";
    KnownAccount first;
    first.newest = {1, 1, ckwh(1000), {}};
    EXPECT_EQ(judge_account(first, MeterEffect{}), Situation::kNone) << "the first ticket is not there yet";
    KnownAccount pending = known();
    pending.newest = {1, 4, ckwh(4000), {}};
    EXPECT_EQ(judge_account(pending, shown()), Situation::kNone) << "ticket 4 is on its way";
}

TEST(JudgeAccount, OlderTicketOfTheSameAccountIsSentAgain) {
    // One record of the memory was damaged and the one before came up: ticket 2, and the use that goes with it.
    KnownAccount k = known();
    k.as_issued = ckwh(2000);
    MeterEffect s = shown();
    s.ticket_number = 2;
    s.credited = ckwh(2000);
    s.remaining = ckwh(805);
    EXPECT_EQ(judge_account(k, s), Situation::kNone) << "0.05 kWh less use is within what a supply failure costs";
    s.remaining = ckwh(811);
    EXPECT_EQ(judge_account(k, s), Situation::kUsedLess);
}

TEST(JudgeAccount, TicketThatWasNeverIssuedIsAQuestion) {
    // The database came from last week's backup: the meter knows of sales that the books do not have.
    MeterEffect s = shown();
    s.ticket_number = 5;
    KnownAccount k = known();
    k.as_issued.reset();
    EXPECT_EQ(judge_account(k, s), Situation::kAhead);
    s.epoch = 2;
    s.ticket_number = 1;
    EXPECT_EQ(judge_account(k, s), Situation::kAhead);
    EXPECT_EQ(judge_account(KnownAccount{}, s), Situation::kAhead) << "the backup has no account at all";
    k.newest = {3, 1, ckwh(500), {}};
    EXPECT_EQ(judge_account(k, s), Situation::kAhead) << "an account between ours that we never opened";
}

TEST(JudgeAccount, SameNumberWithAnotherTotalIsAQuestion) {
    // After the restore the desk sold once: number 4 again, but not the number 4 that the meter has.
    KnownAccount k = known();
    k.newest = {1, 4, ckwh(3500), {}};
    k.as_issued = ckwh(3500);
    MeterEffect s = shown();
    s.ticket_number = 4;
    s.credited = ckwh(8000);
    s.remaining = ckwh(6800);
    EXPECT_EQ(judge_account(k, s), Situation::kOtherTotal);
    k.stopped = Situation::kOtherTotal;
    EXPECT_EQ(judge_account(k, shown()), Situation::kOtherTotal) << "only an answer ends the question";
    k.stopped = Situation::kNone;
    k.accepted_epoch = 1;
    k.accepted_number = 4;
    EXPECT_EQ(judge_account(k, s), Situation::kNone) << "this ticket was decided upon";
}

TEST(JudgeAccount, AMeterThatForgotItsAccountIsNotGivenTheOldTicketAgain) {
    // Back from the repair shop as new: 30.00 once more would give the 12.00 that were used a second time.
    EXPECT_EQ(judge_account(known(), MeterEffect{}), Situation::kForgotten);
    EXPECT_EQ(remaining_known(known()), ckwh(1800));
    KnownAccount pending = known();
    pending.newest = {1, 5, ckwh(5000), {}};
    EXPECT_EQ(judge_account(pending, MeterEffect{}), Situation::kForgotten);
    EXPECT_EQ(remaining_known(pending), ckwh(3800)) << "with what was bought since";
    KnownAccount next_tenant = known();
    next_tenant.newest = {2, 1, ckwh(700), {}};
    EXPECT_EQ(judge_account(next_tenant, MeterEffect{}), Situation::kNone) << "a new account opens there anyway";
    EXPECT_EQ(remaining_known(next_tenant), ckwh(700));
}

TEST(JudgeAccount, AMeterThatTookATicketAfterItForgotIsFoundByItsUse) {
    // The sale came before the reading: the empty meter took 40.00 as if nothing had been used.
    KnownAccount k = known();
    k.newest = {1, 4, ckwh(4000), {}};
    k.as_issued = ckwh(4000);
    MeterEffect s = shown();
    s.ticket_number = 4;
    s.credited.reset();
    s.remaining = ckwh(4000);
    EXPECT_EQ(judge_account(k, s), Situation::kUsedLess);
    EXPECT_EQ(remaining_known(k), ckwh(2800));
}

TEST(JudgeAccount, AClearIsToldFromALostMemory) {
    // Cleared on purpose: nobody wants the old credit back by itself.
    MeterEffect s;
    s.previous_epoch = 1;
    s.previous_remaining = ckwh(1800);
    EXPECT_EQ(judge_account(known(), s), Situation::kCleared);
    KnownAccount reopened = known();
    reopened.newest = {2, 1, ckwh(700), {}};
    EXPECT_EQ(judge_account(reopened, s), Situation::kNone);
    KnownAccount ordered = known();
    ordered.cleared_epoch = 1;
    EXPECT_EQ(judge_account(ordered, MeterEffect{}), Situation::kCleared);
}

TEST(JudgeAccount, OnlyTheNextTicketMayGoOutUnseen) {
    // Number 6 after 3 may step over a 4 and 5 that a lost database had issued.
    EXPECT_TRUE(follows({1, 4, {}, {}}, 1, 3));
    EXPECT_FALSE(follows({1, 5, {}, {}}, 1, 3));
    EXPECT_FALSE(follows({2, 1, {}, {}}, 1, 3));
    EXPECT_TRUE(follows({1, 1, {}, {}}, 0, 0));
    EXPECT_FALSE(follows({2, 1, {}, {}}, 0, 0));
    EXPECT_FALSE(follows({1, 2, {}, {}}, 0, 0));
}

TEST(TicketQuestionTest, SaysBothFiguresAndWhatEachAnswerDoes) {
    // A person decides about money: the sentence must hold all that the decision needs.
    TicketQuestion q;
    q.situation = Situation::kAhead;
    q.shown = shown();
    q.shown.ticket_number = 5;
    q.shown.credited = ckwh(5000);
    q.shown.remaining = ckwh(3650);
    q.office = {1, 3, ckwh(3000), {}};
    q.used_known = ckwh(1200);
    q.asked_at = UnixTime{1'790'000'000'000};
    q.known_at = q.asked_at + minutes(-3 * 24 * 60);
    EXPECT_EQ(figures(q),
              "meter: account 1, ticket 5, credited 50.00 kWh, remaining 36.50 kWh; office: account 1, ticket 3, "
              "credited 30.00 kWh, used 12.00 kWh (3 days old)");
    EXPECT_EQ(proposal(q, TicketAnswer::kTakeMeters),
              "Take over the meter's total: a correcting booking of 20.00 kWh; 36.50 kWh remain. What the office sells "
              "meanwhile comes on top.");
    EXPECT_EQ(proposal(q, TicketAnswer::kTakeOffices),
              "Send the office's total under a higher number: 18.00 kWh remain by what the office knows.");
    EXPECT_NE(explain(q).find("backup"), std::string::npos);
}

}  // namespace
}  // namespace prewatt::server
