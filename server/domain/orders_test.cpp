#include "server/domain/orders.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

TEST(Orders, ForceNeverOverrulesAMissingPhaseOrAMissingAccount) {
    // Forcing power on a phase at 260 V burns what is plugged in; forcing it without an account gives electricity away.
    EXPECT_FALSE(overruled_by_force().has(Hold::kSupply));
    EXPECT_FALSE(overruled_by_force().has(Hold::kNotOpened));
    EXPECT_TRUE(overruled_by_force().has(Hold::kNoCredit));
    EXPECT_TRUE(overruled_by_force().has(Hold::kLockedOut));
    EXPECT_TRUE(overruled_by_force().has(Hold::kRemote));
}

TEST(Orders, ForceHasAnEnd) {
    // Power that is forced without an end is electricity for nothing until somebody remembers.
    EXPECT_FALSE(check_force(0));
    EXPECT_FALSE(check_force(1440));
    EXPECT_TRUE(check_force(1441));
    EXPECT_TRUE(check_force(-1));
}

TEST(Orders, AlarmLevelsFitTheMeter) {
    // A level that wrapped in 32 bits would switch an alarm off or cut a room that has credit.
    EXPECT_FALSE(check_alarms({Energy{0}, Energy{0}, Energy{0}}));
    EXPECT_FALSE(check_alarms({kAlarmMax, kAlarmMax, kAlarmMax}));
    EXPECT_TRUE(check_alarms({kAlarmMax + energy_of_hundredths(1), Energy{0}, Energy{0}}));
    EXPECT_TRUE(check_alarms({Energy{0}, energy_of_hundredths(-1), Energy{0}}));
    EXPECT_TRUE(check_alarms({Energy{0}, Energy{0}, Energy{35'999}}));
}

TEST(Orders, OrderIdIsShortAndPrintable) {
    // The id comes from outside and ends up in receipts and logs.
    EXPECT_FALSE(check_order_id("3e0e8a2c-9a0b-4b6e-8a55-0a51cf9f6d0d"));
    EXPECT_TRUE(check_order_id(""));
    EXPECT_TRUE(check_order_id("a b"));
    EXPECT_TRUE(check_order_id("a\nb"));
    EXPECT_TRUE(check_order_id("\xE5\x8D\x95"));
    EXPECT_TRUE(check_order_id(std::string(65, 'a')));
}

TEST(Orders, NewerTicketIsAHigherEpochOrAHigherNumberOfTheSame) {
    // The first ticket of a new tenant beats the last one of the old.
    EXPECT_TRUE(is_newer(2, 1, 1, 99));
    EXPECT_TRUE(is_newer(1, 2, 1, 1));
    EXPECT_FALSE(is_newer(1, 1, 1, 1));
    EXPECT_FALSE(is_newer(1, 99, 2, 1));
}

}  // namespace
}  // namespace prewatt::server
