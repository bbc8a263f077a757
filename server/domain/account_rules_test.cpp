#include "server/domain/account_rules.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace prewatt::server {
namespace {

TEST(PricePlan, TextIsReadBackAndNonsenseIsNone) {
    // A plan that is read back as another one would change what every later sale gives.
    for (const char* text :
         {"flat energy month 0:6400 fee 0 0", "stepped energy year 5000:6400,9000:8000,0:9000 fee 100 5",
          "time_of_use money month 9000,7000,5000,3000 fee 0 10"}) {
        const auto plan = plan_of(text);
        ASSERT_TRUE(plan) << text;
        EXPECT_EQ(text_of(*plan), text);
    }
    for (const char* text :
         {"", "flat", "flat energy month 0:0 fee 0 0", "flat energy month 0:6400", "flat energy day 0:6400 fee 0 0",
          "stepped energy month 0:6400 fee 0 0", "stepped energy month 9:6400,5:1,0:2 fee 0 0",
          "time_of_use energy month 1,2,3,4 fee 0 0", "flat energy month 0:6400 fee -1 0",
          "flat energy month 0:6400 fee 0 501", "flat energy month 0:x fee 0 0"})
        EXPECT_FALSE(plan_of(text)) << text;
}

TEST(PricePlan, StepsAreBoughtOneAfterTheOtherFromThePosition) {
    // At the border of a step one cent decides: neither step may be charged at the other's price.
    const PricePlan plan = *plan_of("stepped energy month 5000:6400,9000:8000,0:10000 fee 100 10");
    const Priced golden = price_sale(*plan_of("stepped energy month 5000:6400,0:9000 fee 100 10"), AccountUnit::kEnergy,
                                     fen(10'000), 1000);
    EXPECT_EQ(golden.fee, fen(200));
    EXPECT_EQ(golden.given, credit_of_hundredths(12'044));
    EXPECT_EQ(golden.remainder_e4, 4'000);
    const Priced exact = price_sale(plan, AccountUnit::kEnergy, fen(740), 4'000);  // fee 107, 633 buy 989
    EXPECT_EQ(exact.given, credit_of_hundredths(989));
    EXPECT_EQ(exact.lines.size(), 1u);
    const Priced over = price_sale(plan, AccountUnit::kEnergy, fen(20'000), 8'999);
    ASSERT_EQ(over.lines.size(), 2u);
    EXPECT_EQ(over.lines[0].ckwh, 1);
    EXPECT_EQ(over.price, UnitPrice{10'000});
    EXPECT_EQ(price_sale(plan, AccountUnit::kEnergy, fen(100), 0).given, Credit{0}) << "all of it is fee";
}

TEST(PricePlan, EveryFenIsEnergyRestOrFee) {
    // Whatever the plan, amount, position: what is paid is accounted for to the ten-thousandth of a fen.
    const unsigned seed = 20261127;
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    for (int k = 0; k < 20'000; ++k) {
        PricePlan plan;
        plan.kind = PlanKind::kStepped;
        std::int64_t upto = 0;
        const int steps = 2 + static_cast<int>(random() % 5);
        for (int s = 0; s < steps; ++s) {
            upto += 1 + static_cast<std::int64_t>(random() % 3000);
            (void)plan.steps.push_back(
                {s + 1 == steps ? 0 : upto, UnitPrice{1 + static_cast<std::int64_t>(random() % 20'000)}});
        }
        plan.fee_fixed = fen(static_cast<std::int64_t>(random() % 50));
        plan.fee_per_mille = static_cast<int>(random() % 100);
        ASSERT_FALSE(check_plan(plan));
        const Money amount = fen(1 + static_cast<std::int64_t>(random() % 20'000));
        const Priced priced =
            price_sale(plan, AccountUnit::kEnergy, amount, static_cast<std::int64_t>(random() % 20'000));
        if (priced.given <= Credit{0}) continue;
        std::int64_t cost_e4 = 0;
        std::int64_t given = 0;
        for (const PriceLine& line : priced.lines) {
            cost_e4 += line.ckwh * line.price.count();
            given += line.ckwh;
        }
        EXPECT_EQ(credit_of_hundredths(given), priced.given);
        EXPECT_EQ((amount - priced.fee).count() * 10'000, cost_e4 + priced.remainder_e4);
        EXPECT_GE(priced.remainder_e4, 0);
        EXPECT_GE(priced.rest(amount), Money{0});
    }
}

TEST(FairSplit, SumsUpExactlyAndNobodyGetsMoreThanWasPaid) {
    // Three people divide 100 fen: a cent that nobody owns, or that two own, is what they will quarrel about.
    EXPECT_EQ(split(100, std::vector<std::int64_t>{1, 1, 1}), (std::vector<std::int64_t>{34, 33, 33}));
    EXPECT_EQ(split(10, std::vector<std::int64_t>{2000, 1500}), (std::vector<std::int64_t>{6, 4}));
    EXPECT_EQ(split(5, std::vector<std::int64_t>{0, 0}), (std::vector<std::int64_t>{0, 0}));
    const unsigned seed = 4;
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    for (int k = 0; k < 5000; ++k) {
        std::vector<std::int64_t> weights(1 + random() % 9);
        for (auto& weight : weights)
            weight = static_cast<std::int64_t>(random() % (k % 2 ? 10 : 100'000'000'000));
        const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
        if (sum == 0) continue;
        const std::int64_t total = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(sum + 1));
        const auto parts = split(total, weights);
        EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}), total);
        for (std::size_t p = 0; p < parts.size(); ++p)
            EXPECT_LE(parts[p], weights[p]);
        std::vector<Share> paid;
        for (std::size_t p = 0; p < weights.size(); ++p)
            paid.push_back(
                {ResidentId{static_cast<std::int64_t>(p / 2)}, static_cast<Channel>(1 + p % 2), fen(weights[p])});
        Money fair;
        for (const Share& share : split_fairly(fen(total), paid)) {
            fair += share.amount;
            for (const Share& p : paid)
                if (p.payer == share.payer && p.channel == share.channel) {
                    EXPECT_LE(share.amount, p.amount);
                }
        }
        EXPECT_EQ(fair, fen(total));
    }
}

TEST(Lots, NewestIsWhatRemainsAndPartsAreTheWhole) {
    // Prices rose: what is left in March is what was bought in March, not what was bought in September.
    std::vector<Lot> lots(2);
    lots[0] = {BookingId{1}, {}, Channel::kCash, credit_of_hundredths(1000), fen(500), {}, {}, {}};
    lots[1] = {BookingId{2}, {}, Channel::kCash, credit_of_hundredths(1000), fen(900), {}, {}, {}};
    EXPECT_EQ(value_of(lots, credit_of_hundredths(1500)), fen(900 + 250));
    EXPECT_EQ(value_of(lots, credit_of_hundredths(9999)), fen(1400)) << "what nobody paid for is worth nothing";
    lots[1].taken = credit_of_hundredths(333);
    lots[1].refunded = fen(299);
    EXPECT_EQ(value_of(lots, credit_of_hundredths(667)), fen(601));
}

// An account as its bookings make it.
std::vector<Booking> tenancy_of(std::vector<Booking> bookings) {
    Account account;
    std::int64_t id = 100;
    for (Booking& booking : bookings) {
        booking.id = BookingId{++id};
        EXPECT_FALSE(append(account, booking));
    }
    return bookings;
}
Booking booking(BookingKind kind, std::int64_t amount_fen, std::int64_t hundredths, std::int64_t payer = 0,
                std::int64_t refers = 0) {
    Booking b;
    b.kind = kind;
    b.amount = fen(amount_fen);
    b.given = credit_of_hundredths(hundredths);
    b.payer = ResidentId{payer};
    b.channel = Channel::kCash;
    b.refers = BookingId{refers};
    return b;
}

TEST(Lots, WhatAMoveTookTooMuchOfIsPaidBackToNobody) {
    // Two people moved and let the old heater run: what was taken out of the new room again was still theirs at
    // check-out, as soon as credit that nobody had paid for lay on top of it.
    constexpr std::int64_t kMoveOut = 77;
    const std::vector<Booking> tenancy =
        tenancy_of({booking(BookingKind::kSale, 100, 1000, 1), booking(BookingKind::kMoveIn, 150, 240, 2, kMoveOut),
                    booking(BookingKind::kMoveIn, 77, 100, 3, kMoveOut), booking(BookingKind::kTakeOver, 0, 500),
                    booking(BookingKind::kReturn, -9, -13, 0, kMoveOut)});
    const std::vector<Lot> lots = lots_of(tenancy);
    ASSERT_EQ(lots.size(), 3u);
    EXPECT_EQ(lots[0].refunded, Money{0}) << "the sale has nothing to do with the move";
    EXPECT_EQ(lots[1].refunded, fen(6));
    EXPECT_EQ(lots[2].refunded, fen(3));
    EXPECT_EQ(lots[1].taken + lots[2].taken, credit_of_hundredths(13));
    EXPECT_EQ(value_of(lots, credit_of_hundredths(9999)), tenancy.back().paid_total);
    EXPECT_EQ(money_of_move(tenancy, BookingId{kMoveOut}), fen(218));
    EXPECT_EQ(money_of_move(tenancy, BookingId{78}), Money{0});
}

TEST(Lots, OfAMoveNoMoreIsTakenBackThanIsLeft) {
    // It was paid out in the new room before the old meter told what it had burnt.
    constexpr std::int64_t kMoveOut = 77;
    const std::vector<Booking> tenancy = tenancy_of(
        {booking(BookingKind::kMoveIn, 227, 340, 2, kMoveOut), booking(BookingKind::kRefund, -220, -330, 2, 101)});
    EXPECT_EQ(money_of_move(tenancy, BookingId{kMoveOut}), fen(7));
    Booking out = booking(BookingKind::kMoveOut, -227, -340);
    out.id = BookingId{kMoveOut};
    const auto all = decide_return({}, {}, out, credit_of_hundredths(-13));
    ASSERT_TRUE(all && all->bookings.size() == 1);
    EXPECT_EQ(all->bookings[0].amount, fen(9));
    const auto some = decide_return({}, {}, out, credit_of_hundredths(-13), fen(7));
    ASSERT_TRUE(some && some->bookings.size() == 1);
    EXPECT_EQ(some->bookings[0].amount, fen(7));
    EXPECT_EQ(some->bookings[0].given, credit_of_hundredths(13)) << "what was burnt was burnt";
    auto with_return = tenancy;
    with_return.push_back(booking(BookingKind::kReturn, -7, -13, 0, kMoveOut));
    EXPECT_EQ(lots_of(with_return)[0].taken, credit_of_hundredths(340)) << "10 of 13 were left";
    EXPECT_EQ(lots_of(with_return)[0].refunded, fen(227));
}

TEST(Recompute, SaysWhatIsWrongWithABookingThatWasChanged) {
    // Somebody adds ten kWh to a friend's sale by hand: the plan does not give that.
    Account account;
    account.household = HouseholdId{1};
    account.has_meter = true;
    SaleOrder order;
    order.order_id = "x";
    order.household = account.household;
    order.amount = fen(5000);
    SaleRules rules;
    const PricePlan plan = *plan_of("stepped energy month 5000:6400,0:9000 fee 10 5");
    rules.plan = &plan;
    rules.plan_id = PlanId{1};
    const auto sold = decide_sale(order, account, rules, UnixTime{1'790'000'000'000});
    ASSERT_TRUE(sold);
    EXPECT_FALSE(recompute(sold->booking, plan));
    for (const auto& change : std::vector<std::function<void(Booking&)>>{
             [](Booking& b) { b.given += credit_of_hundredths(1); }, [](Booking& b) { b.fee += fen(1); },
             [](Booking& b) { ++b.remainder_e4; }, [](Booking& b) { b.month_ckwh += 4000; },
             [](Booking& b) { b.amount += fen(1); }, [](Booking& b) { b.price = UnitPrice{6399}; }}) {
        Booking changed = sold->booking;
        change(changed);
        EXPECT_TRUE(recompute(changed, plan));
    }
}

}  // namespace
}  // namespace prewatt::server
