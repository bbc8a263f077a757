#include "meter/core/credit.hpp"

#include <gtest/gtest.h>

#include "meter/core/clear.hpp"

#include <algorithm>
#include <array>

namespace prewatt::meter {
namespace {

constexpr CreditTotal ticket(std::uint16_t epoch, std::uint32_t number, std::int64_t hundredths) {
    return {epoch, number, hundredths};
}

TEST(Credit, TicketsInAnyOrderAndAnyNumberOfTimesEndAtTheNewestTotal) {
    // AC15, AC16: a ticket comes by card and by network, late and twice; the resident gains or loses money.
    std::array<CreditTotal, 4> tickets{ticket(1, 1, 1000), ticket(1, 2, 3000), ticket(1, 3, 2500), ticket(1, 4, 6000)};
    std::sort(tickets.begin(), tickets.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    do {
        Account account;
        for (const CreditTotal& t : tickets) {
            (void)take_ticket(account, t, Energy{});
            EXPECT_EQ(take_ticket(account, t, Energy{}).effect, TicketEffect::kKnown);
        }
        EXPECT_EQ(account.credited, credit_of_hundredths(6000));
        EXPECT_EQ(account.ticket_number, 4u);
    } while (std::next_permutation(tickets.begin(), tickets.end(),
                                   [](const auto& a, const auto& b) { return a.number < b.number; }));
}

TEST(Credit, SameNumberWithAnotherTotalChangesNothing) {
    // A forged copy of a ticket with a better total.
    Account account;
    (void)take_ticket(account, ticket(1, 5, 1000), Energy{});
    EXPECT_EQ(take_ticket(account, ticket(1, 5, 9000), Energy{}).effect, TicketEffect::kKnown);
    EXPECT_EQ(account.credited, credit_of_hundredths(1000));
}

TEST(Credit, NewEpochKeepsTheFiguresOfTheOldOneForTheSettlement) {
    // The old tenant moves out; what he had left can no longer be paid back.
    Account account;
    (void)take_ticket(account, ticket(1, 1, 1000), Energy{});
    charge(account, energy_of_hundredths(300));
    const Taken taken = take_ticket(account, ticket(2, 1, 5000), Energy{77});
    EXPECT_EQ(taken.effect, TicketEffect::kOpened);
    EXPECT_EQ(taken.bought, credit_of_hundredths(5000));
    EXPECT_EQ(account.previous_epoch, 1);
    EXPECT_EQ(account.previous_used, credit_of_hundredths(300));
    EXPECT_EQ(account.previous_credited, credit_of_hundredths(1000));
    EXPECT_EQ(account.used, Credit{});
    EXPECT_EQ(account.reverse_at_opening, Energy{77});
    EXPECT_EQ(account.remaining(), credit_of_hundredths(5000));
    EXPECT_EQ(take_ticket(account, ticket(1, 9, 99'999), Energy{}).effect, TicketEffect::kKnown)
        << "a ticket of the old tenant";
}

TEST(Credit, MalformedTicketsAreRefusedWhole) {
    // A ticket that no office has made opens an account that no office knows.
    Account account;
    for (const CreditTotal& t : {ticket(0, 1, 100), ticket(1, 0, 100), ticket(1, 1, kCreditedHundredthsMax + 1)})
        EXPECT_EQ(take_ticket(account, t, Energy{}).effect, TicketEffect::kMalformed);
    EXPECT_EQ(account, Account{});
}

TEST(Credit, OffExactlyAtZeroAndOnAgainWithTheNextTicket) {
    // The last hundredth is given away, or the room stays dark after payment.
    Account account;
    EXPECT_TRUE(credit_holds(account).has(Hold::kNotOpened));
    (void)take_ticket(account, ticket(1, 1, 1), Energy{});
    EXPECT_TRUE(credit_holds(account).empty());
    charge(account, Energy{35'999});
    EXPECT_TRUE(credit_holds(account).empty());
    charge(account, Energy{1});
    EXPECT_TRUE(credit_holds(account).has(Hold::kNoCredit));
    (void)take_ticket(account, ticket(1, 2, 2), Energy{});
    EXPECT_TRUE(credit_holds(account).empty());
}

TEST(Credit, OverdraftLetsTheHouseholdGoSoFarBelowZero) {
    // A hospital ward goes dark at midnight although an overdraft was agreed.
    Account account;
    account.levels.overdraft_hundredths = 100;
    (void)take_ticket(account, ticket(1, 1, 100), Energy{});
    charge(account, energy_of_hundredths(199));
    EXPECT_TRUE(credit_holds(account).empty());
    EXPECT_EQ(in_hundredths(account.remaining(), Round::kDown), -99);
    charge(account, energy_of_hundredths(1));
    EXPECT_TRUE(credit_holds(account).has(Hold::kNoCredit));
}

TEST(Credit, RefundThatFallsBelowTheCutoffLevelReminds) {
    // Credit is taken out, and the reminder that the remaining resident should get never comes.
    Account account;
    account.levels.cutoff_hundredths = 500;
    (void)take_ticket(account, ticket(1, 1, 2000), Energy{});
    const Taken taken = take_ticket(account, ticket(1, 2, 400), Energy{});
    EXPECT_EQ(taken.bought, -credit_of_hundredths(1600));
    EXPECT_EQ(account.cutoff, CutoffStage::kReminding);
}

TEST(Credit, LevelThatIsSetOrTakenAwayActsAtOnce) {
    // The office switches the alarm off, and the room stays dark until somebody buys.
    Account account;
    (void)take_ticket(account, ticket(1, 1, 400), Energy{});
    account.levels = {600, 500, 0};
    EXPECT_TRUE(watch_cutoff(account));
    EXPECT_TRUE(credit_holds(account).has(Hold::kCutoffAlarm));
    EXPECT_TRUE(is_low(account));
    acknowledge(account);
    EXPECT_TRUE(credit_holds(account).empty());
    account.levels.cutoff_hundredths = 0;
    EXPECT_TRUE(watch_cutoff(account));
    EXPECT_EQ(account.cutoff, CutoffStage::kArmed);
}

TEST(Credit, AccountThatWasNeverOpenedIsNotCharged) {
    // The electricians' test current is on the first tenant's bill.
    Account account;
    charge(account, energy_of_hundredths(10));
    EXPECT_EQ(account.used, Credit{});
}

TEST(Credit, TicketsOfBeforeAClearStayWorthlessAfterIt) {
    // A box is cleared for the next tenant, and somebody plays last year's purchase into it again.
    HouseholdBook book;
    take_ticket(book.account, {3, 5, 10'000}, Energy{});
    book.account.used = credit_of_hundredths(400);
    clear(book);
    EXPECT_FALSE(book.account.is_open());
    EXPECT_EQ(take_ticket(book.account, {3, 6, 20'000}, Energy{}).effect, TicketEffect::kKnown);
    EXPECT_EQ(take_ticket(book.account, {2, 9, 20'000}, Energy{}).effect, TicketEffect::kKnown);
    EXPECT_FALSE(book.account.is_open());
    EXPECT_EQ(take_ticket(book.account, {4, 1, 700}, Energy{}).effect, TicketEffect::kOpened);
    EXPECT_EQ(book.account.previous_epoch, 3) << "the settlement of the account before the clear is still to come";
    EXPECT_EQ(book.account.previous_used, credit_of_hundredths(400));
}

}  // namespace
}  // namespace prewatt::meter
