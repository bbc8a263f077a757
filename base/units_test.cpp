#include "base/units.hpp"

#include <gtest/gtest.h>

namespace prewatt {
namespace {

// A pulse that were not a whole number of joules would leave a remainder in every meter for ever.
TEST(Units, APulseIsAWholeNumberOfJoulesAtEveryConstant) {
    for (int constant : {1600, 600, 5000})
        EXPECT_EQ(kJoulesPerKilowattHour % constant, 0) << constant;
}

// A remainder rounded the wrong way shows 0.01 kWh that is not there, or switches a lit room off early.
TEST(Units, DivisionRoundsAsItSays) {
    EXPECT_EQ(divide(7, 2, Round::kDown), 3);
    EXPECT_EQ(divide(-7, 2, Round::kDown), -4);
    EXPECT_EQ(divide(7, 2, Round::kUp), 4);
    EXPECT_EQ(divide(-7, 2, Round::kUp), -3);
    EXPECT_EQ(divide(7, 2, Round::kNearest), 4);
    EXPECT_EQ(divide(-7, 2, Round::kNearest), -4);
    EXPECT_EQ(divide(6, 4, Round::kNearest), 2);
    EXPECT_EQ(divide(5, 4, Round::kNearest), 1);
}

TEST(Units, HundredYuanAt64FenBuy15625HundredthsOfAKilowattHour) {
    EXPECT_EQ(in_hundredths(energy_for(fen(10'000), UnitPrice{6400}, Round::kDown), Round::kDown), 15'625);
    EXPECT_EQ(cost_of(energy_of_hundredths(15'625), UnitPrice{6400}, Round::kNearest), fen(10'000));
}

TEST(Units, InstantsSubtractToADuration) {
    EXPECT_EQ((Instant{5'000'000} - Instant{2'000'000}), seconds(3));
    EXPECT_EQ(Instant{} + minutes(2), Instant{120'000'000});
}

}  // namespace
}  // namespace prewatt
