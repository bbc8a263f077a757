#include "server/domain/ticket_answer.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

Credit ckwh(std::int64_t hundredths) {
    return credit_of_hundredths(hundredths);
}
const DecisionMaker kWho{"order", "owner", "old backup", UnixTime{1'790'000'000'000}};

// The books: ticket 2 of account 1, 20.00 credited, 7.50 used, of the granted 3.00 left. The meter: ticket 5, 70.00
// credited, 60.00 remaining.
AnswerFacts facts() {
    AnswerFacts f;
    Account& a = f.facts.account;
    a.household = HouseholdId{3};
    a.has_meter = true;
    a.ticket = {1, 2, ckwh(2000), AccountUnit::kEnergy};
    a.tenancy = 1;
    a.used_known = a.used = ckwh(750);
    a.free_left = ckwh(300);
    f.confirmed_number = 2;
    f.tickets = {{1, 1, ckwh(1000), AccountUnit::kEnergy}, {1, 2, ckwh(2000), AccountUnit::kEnergy}};
    f.question.household = a.household;
    f.question.situation = Situation::kAhead;
    f.question.shown.epoch = 1;
    f.question.shown.ticket_number = 5;
    f.question.shown.credited = ckwh(7000);
    f.question.shown.remaining = ckwh(6000);
    f.question.office = a.ticket;
    f.question.used_known = ckwh(750);
    return f;
}

TEST(TicketAnswerDecision, WhatIsTakenOverHasAnAccountOfItsOwnAndIsNoSale) {
    // Fifty kWh that nobody of this office sold must not appear among its sales, and must not unbalance it.
    const auto made = decide_ticket_answer(kWho, facts(), TicketAnswer::kTakeMeters, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->account.bookings.size(), 1u);
    const Booking& b = made->account.bookings[0];
    EXPECT_EQ(b.kind, BookingKind::kTakeOver);
    EXPECT_EQ(b.ticket, (TicketTotal{1, 6, ckwh(7000), AccountUnit::kEnergy}));
    EXPECT_EQ(b.used, ckwh(1000)) << "the use that the meter shows";
    EXPECT_EQ(b.free_left, ckwh(50)) << "and it used granted credit first";
    EXPECT_EQ(b.amount, Money{0});
    EXPECT_EQ(b.month_ckwh, 0);
    const Entries entries = entries_of(b);
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].from, LedgerAccount::kTakenOver);
    EXPECT_EQ(entries[0].to, LedgerAccount::kHousehold);
    EXPECT_EQ(entries[0].amount, 5000);
    EXPECT_EQ(made->accepted_epoch, 1);
    EXPECT_EQ(made->accepted_number, 5u);
}

TEST(TicketAnswerDecision, TheOfficesFigureIsTheSameTotalUnderANumberThatTheMeterTakes) {
    // A number below the meter's changes nothing there, and the room would keep what it should not have.
    const auto made = decide_ticket_answer(kWho, facts(), TicketAnswer::kTakeOffices, {});
    ASSERT_TRUE(made);
    ASSERT_EQ(made->account.bookings.size(), 1u);
    EXPECT_EQ(made->account.bookings[0].kind, BookingKind::kReissue);
    EXPECT_EQ(made->account.bookings[0].ticket, (TicketTotal{1, 6, ckwh(2000), AccountUnit::kEnergy}));
    EXPECT_TRUE(entries_of(made->account.bookings[0]).empty());
    EXPECT_EQ(decide_ticket_answer(kWho, facts(), TicketAnswer::kTakeOffices, 2).error().reason, Reason::kBadArgument);
}

TEST(TicketAnswerDecision, OfficeThatIsPastTheMetersNumberGoesOnFromItsOwn) {
    // The desk sold six times before anybody answered.
    AnswerFacts f = facts();
    f.facts.account.ticket = {1, 8, ckwh(8000), AccountUnit::kEnergy};
    for (std::uint32_t k = 3; k <= 8; ++k)
        f.tickets.push_back({1, k, ckwh(k * 1000), AccountUnit::kEnergy});
    EXPECT_EQ(decide_ticket_answer(kWho, f, TicketAnswer::kTakeOffices, {})->account.bookings[0].ticket.number, 9u);
    const auto made = decide_ticket_answer(kWho, f, TicketAnswer::kTakeMeters, {});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->account.bookings[0].ticket, (TicketTotal{1, 9, ckwh(13'000), AccountUnit::kEnergy}));
}

TEST(TicketAnswerDecision, TotalOfALaterAccountKeepsWhatWasGrantedAndBalances) {
    // The meter's account began after the backup; what remained of the old one is in it or was paid out, nobody knows.
    AnswerFacts f = facts();
    f.question.shown.epoch = 4;
    f.question.shown.ticket_number = 1;
    const auto made = decide_ticket_answer(kWho, f, TicketAnswer::kTakeMeters, {});
    ASSERT_TRUE(made);
    ASSERT_EQ(made->account.bookings.size(), 3u);
    EXPECT_EQ(made->account.bookings[1].ticket.epoch, 4);
    EXPECT_EQ(made->account.bookings[1].ticket.number, 2u) << "never the number of a ticket that is not ours";
    EXPECT_EQ(made->account.bookings[2].ticket, (TicketTotal{4, 3, ckwh(7000), AccountUnit::kEnergy}));
    EXPECT_EQ(made->account.bookings[2].tenancy, 1);
    std::int64_t sum = 0;
    for (const Booking& b : made->account.bookings)
        for (const LedgerEntry& e : entries_of(b))
            sum += e.to == LedgerAccount::kHousehold ? e.amount : -e.amount;
    EXPECT_EQ(sum, 7000 - 1250);
    f.question.shown.epoch = UINT16_MAX;
    EXPECT_EQ(decide_ticket_answer(kWho, f, TicketAnswer::kTakeOffices, {}).error().reason, Reason::kTotalTooLarge);
}

TEST(TicketAnswerDecision, MeterInAnOlderAccountGetsTheOfficesOnly) {
    // The office has opened a new account since: the old meter's total would be the credit of who moved out.
    AnswerFacts f = facts();
    f.facts.account.ticket.epoch = 2;
    f.question.office.epoch = 2;
    EXPECT_EQ(decide_ticket_answer(kWho, f, TicketAnswer::kTakeMeters, {}).error().reason, Reason::kBadArgument);
    const auto made = decide_ticket_answer(kWho, f, TicketAnswer::kTakeOffices, {});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->account.bookings[0].ticket, (TicketTotal{2, 3, ckwh(2000), AccountUnit::kEnergy}));
}

TEST(TicketAnswerDecision, GroundIsEverythingButTheUseThatGoesOn) {
    // Two people agree on figures; a kettle between them is no reason to ask again, another ticket is.
    const AnswerFacts f = facts();
    const auto made = decide_ticket_answer(kWho, f, TicketAnswer::kTakeMeters, {});
    const AnswerGround ground = ground_of(f, *made);
    AnswerFacts later = f;
    later.question.shown.remaining = ckwh(5000);
    EXPECT_FALSE(check_ground(ground, ground_of(later, *made)));
    later.question.shown.credited = ckwh(7001);
    EXPECT_EQ(check_ground(ground, ground_of(later, *made))->reason, Reason::kQuestionChanged);
    later = f;
    later.facts.account.closed = true;
    EXPECT_EQ(check_ground(ground, ground_of(later, *made))->reason, Reason::kAccountClosed);
    later = f;
    later.facts.account.ticket.epoch = 2;
    EXPECT_EQ(check_ground(ground, ground_of(later, *made))->reason, Reason::kQuestionChanged);
}

}  // namespace
}  // namespace prewatt::server
