#include "server/domain/sale.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace prewatt::server {
namespace {

constexpr UnixTime kNow{1'790'000'000'000};

SaleOrder order_of(std::int64_t amount_fen) {
    SaleOrder order;
    order.order_id = "b6c1e3c0-0001";
    order.household = HouseholdId{7};
    order.amount = fen(amount_fen);
    return order;
}
Account opened() {
    Account account;
    account.household = HouseholdId{7};
    account.has_meter = true;
    return account;
}
SaleRules rules_at(std::int64_t price_e4) {
    SaleRules rules;
    rules.price = UnitPrice{price_e4};
    return rules;
}
Reason reason_of(const Answer<SaleDecision>& answer) {
    return answer ? Reason{} : answer.error().reason;
}

TEST(Sale, FirstSaleOpensTheAccountWithTicketOne) {
    // A resident who has just moved in pays, and the meter must get a ticket that opens the account.
    const auto sold = decide_sale(order_of(5000), opened(), rules_at(6400), kNow);
    ASSERT_TRUE(sold);
    EXPECT_EQ(sold->after.ticket, (TicketTotal{1, 1, credit_of_hundredths(7812)}));
    EXPECT_EQ(sold->energy, energy_of_hundredths(7812));
    EXPECT_EQ(sold->remainder_e4, 5000 * 10'000 - 7812 * 6400);
}

TEST(Sale, SecondSaleRaisesTheTotalAndTheNumber) {
    // A ticket that carried only the increment would lose the first purchase when both arrive in the wrong order.
    Account account = opened();
    account.ticket = {3, 9, credit_of_hundredths(1000)};
    const auto sold = decide_sale(order_of(640), account, rules_at(6400), kNow);
    ASSERT_TRUE(sold);
    EXPECT_EQ(sold->after.ticket, (TicketTotal{3, 10, credit_of_hundredths(2000)}));
}

TEST(Sale, EveryFenThatWasPaidIsBookedSomewhere) {
    // At 3 yuan a kWh 1.00 yuan buys 0.33 kWh for 0.99: without its own entry the last fen would vanish from the books.
    const auto sold = decide_sale(order_of(100), opened(), rules_at(30'000), kNow);
    ASSERT_TRUE(sold);
    ASSERT_EQ(sold->entries.size(), 3u);
    EXPECT_EQ(sold->entries[0].to, LedgerAccount::kSales);
    EXPECT_EQ(sold->entries[0].amount, 99);
    EXPECT_EQ(sold->entries[1].to, LedgerAccount::kRounding);
    EXPECT_EQ(sold->entries[1].amount, 1);
    EXPECT_EQ(sold->entries[2].to, LedgerAccount::kHousehold);
    EXPECT_EQ(sold->entries[2].amount, 33);
    EXPECT_EQ(sold->after.entries, 3);
    EXPECT_EQ(sold->after.paid, fen(100));
}

TEST(Sale, WrongAmountsAreRefusedWithTheirReason) {
    // A zero, a minus sign or a slipped finger at the desk must never become a ticket.
    const Account account = opened();
    const SaleRules rules = rules_at(6400);
    EXPECT_EQ(reason_of(decide_sale(order_of(0), account, rules, kNow)), Reason::kAmountNotPositive);
    EXPECT_EQ(reason_of(decide_sale(order_of(-1), account, rules, kNow)), Reason::kAmountNotPositive);
    EXPECT_EQ(reason_of(decide_sale(order_of(INT64_MIN), account, rules, kNow)), Reason::kAmountNotPositive);
    EXPECT_EQ(reason_of(decide_sale(order_of(1'000'001), account, rules, kNow)), Reason::kAmountTooLarge);
    EXPECT_EQ(reason_of(decide_sale(order_of(INT64_MAX), account, rules, kNow)), Reason::kAmountTooLarge);
    EXPECT_EQ(reason_of(decide_sale(order_of(1), account, rules_at(20'000), kNow)), Reason::kAmountTooSmall);
    EXPECT_TRUE(decide_sale(order_of(1), account, rules, kNow));
    EXPECT_TRUE(decide_sale(order_of(1'000'000), account, rules, kNow));
}

TEST(Sale, NothingIsSoldToAClosedAccountOrWithoutMeterOrPrice) {
    // Money for a room whose meter is in the store-room, or at a price of nothing, could never be delivered.
    Account closed = opened();
    closed.closed = true;
    Account unbound = opened();
    unbound.has_meter = false;
    EXPECT_EQ(reason_of(decide_sale(order_of(100), closed, rules_at(6400), kNow)), Reason::kAccountClosed);
    EXPECT_EQ(reason_of(decide_sale(order_of(100), unbound, rules_at(6400), kNow)), Reason::kNoMeter);
    EXPECT_EQ(reason_of(decide_sale(order_of(100), opened(), rules_at(0), kNow)), Reason::kPriceNotSet);
    SaleOrder nameless = order_of(100);
    nameless.order_id.clear();
    EXPECT_EQ(reason_of(decide_sale(nameless, opened(), rules_at(6400), kNow)), Reason::kBadArgument);
    nameless.order_id.assign(65, 'x');
    EXPECT_EQ(reason_of(decide_sale(nameless, opened(), rules_at(6400), kNow)), Reason::kBadArgument);
}

TEST(Sale, HoardingLimitLooksAtWhatIsHeldNotAtWhatWasEverBought) {
    // Somebody who has lived here for ten years has a large total and little left: they must be able to buy.
    Account account = opened();
    account.ticket = {1, 500, credit_of_hundredths(5'000'000)};
    account.used_known = credit_of_hundredths(4'999'000);
    SaleRules rules = rules_at(10'000);
    rules.held_max = credit_of_hundredths(2'000);
    EXPECT_TRUE(decide_sale(order_of(1000), account, rules, kNow));
    const auto refused = decide_sale(order_of(1001), account, rules, kNow);
    EXPECT_EQ(reason_of(refused), Reason::kHoarding);
    EXPECT_EQ(refused.error().limit, 2'000);
}

TEST(Sale, TotalBeyondATicketIsRefused) {
    // A total that did not fit would wrap in the ticket and take the household's credit away.
    Account account = opened();
    account.ticket = {1, 2, kCreditedMax};
    account.used_known = kCreditedMax;
    EXPECT_EQ(reason_of(decide_sale(order_of(100), account, rules_at(6400), kNow)), Reason::kTotalTooLarge);
    account.ticket = {1, UINT32_MAX, Credit{0}};
    account.used_known = Credit{0};
    EXPECT_EQ(reason_of(decide_sale(order_of(100), account, rules_at(6400), kNow)), Reason::kTotalTooLarge);
}

TEST(Sale, SameOrderMeansSameHouseholdAmountAndChannel) {
    // An id that comes again for another room must not be answered with the first room's receipt.
    SaleRecord sale;
    sale.household = HouseholdId{7};
    sale.amount = fen(100);
    EXPECT_TRUE(is_same_order(order_of(100), sale));
    EXPECT_FALSE(is_same_order(order_of(101), sale));
    SaleOrder other = order_of(100);
    other.household = HouseholdId{8};
    EXPECT_FALSE(is_same_order(other, sale));
    other = order_of(100);
    other.channel = Channel::kTransfer;
    EXPECT_FALSE(is_same_order(other, sale));
}

TEST(Sale, ReceiptNamesTheDayAndTheSale) {
    // The day is what an auditor files receipts under: the day of the office, which begins at 16:00 UTC.
    EXPECT_EQ(receipt_of(SaleId{42}, UnixTime{1'790'092'800'000}), "20260923-000042");
    EXPECT_EQ(receipt_of(SaleId{12'345'678}, UnixTime{1'790'092'799'999}), "20260922-12345678");
}

// The books over a random year: whatever is sold at whatever price, in every unit all balances add up to zero, the
// totals are those of the sales, and the remainder explains every fraction of a fen.
class RandomSales : public testing::TestWithParam<unsigned> {};

TEST_P(RandomSales, BooksBalanceAndTotalsAreThoseOfTheSales) {
    SCOPED_TRACE(testing::Message() << "seed " << GetParam());
    std::mt19937_64 random{GetParam()};
    std::map<std::int64_t, Account> accounts;
    std::map<LedgerAccount, std::int64_t> balances[2];
    Money paid;
    Energy credited;
    std::int64_t booked_fen = 0;
    for (int k = 0; k < 3000; ++k) {
        const std::int64_t who = static_cast<std::int64_t>(random() % 8) + 1;
        Account& account = accounts.try_emplace(who, opened()).first->second;
        SaleOrder order = order_of(static_cast<std::int64_t>(random() % 1'200'000) - 1000);
        order.household = HouseholdId{who};
        order.channel = static_cast<Channel>(random() % 3 + 1);
        SaleRules rules = rules_at(static_cast<std::int64_t>(random() % 40'000) + 1);
        const Account before = account;
        const auto sold = decide_sale(order, account, rules, kNow);
        if (!sold) continue;
        account = sold->after;
        account.used_known =
            account.ticket.credited;  // used up at once, so that the hoarding limit does not end the test
        paid += order.amount;
        credited += sold->energy;
        EXPECT_EQ(account.ticket.credited - before.ticket.credited, credit_for(sold->energy));
        EXPECT_EQ(account.ticket.number, before.ticket.number + 1);
        EXPECT_EQ(account.paid - before.paid, order.amount);
        EXPECT_EQ(order.amount.count() * 10'000,
                  in_hundredths(sold->energy, Round::kDown) * rules.price.count() + sold->remainder_e4);
        EXPECT_GE(sold->remainder_e4, 0);
        EXPECT_LT(sold->remainder_e4, rules.price.count());
        std::int64_t number = before.entries;
        for (const LedgerEntry& entry : sold->entries) {
            EXPECT_EQ(entry.number, ++number);
            EXPECT_GT(entry.amount, 0);
            auto& unit = balances[entry.unit == LedgerUnit::kFen ? 0 : 1];
            unit[entry.from] -= entry.amount;
            unit[entry.to] += entry.amount;
            if (entry.unit == LedgerUnit::kFen) booked_fen += entry.amount;
        }
        EXPECT_EQ(account.entries, number);
    }
    for (const auto& unit : balances) {
        std::int64_t sum = 0;
        for (const auto& [account, balance] : unit)
            sum += balance;
        EXPECT_EQ(sum, 0);
    }
    EXPECT_EQ(booked_fen, paid.count());
    EXPECT_EQ(energy_of_hundredths(balances[1][LedgerAccount::kHousehold]), credited);
    EXPECT_EQ(energy_of_hundredths(-balances[1][LedgerAccount::kSupply]), credited);
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomSales, testing::Range(1u, 21u));

}  // namespace
}  // namespace prewatt::server
