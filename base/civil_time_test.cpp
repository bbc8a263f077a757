#include "base/civil_time.hpp"

#include <gtest/gtest.h>

namespace prewatt {
namespace {

TEST(CivilTime, EverySecondOfInterestRoundTripsOverTheCentury) {
    for (CivilSeconds s = 0; s < 36525u * 86400u - 86400u; s += 86'399u) {
        const CivilTime t = to_civil(s);
        ASSERT_TRUE(is_valid(t)) << s;
        ASSERT_EQ(to_seconds(t), s);
    }
}

TEST(CivilTime, KnownDays) {
    EXPECT_EQ(to_seconds({2000, 1, 1, 0, 0, 0}), 0u);
    EXPECT_EQ(weekday(to_seconds({2026, 11, 22, 12, 0, 0})), 0);  // a Sunday
    EXPECT_EQ(weekday(to_seconds({2000, 1, 1, 0, 0, 0})), 6);
    EXPECT_EQ(days_since_2000(2024, 3, 1) - days_since_2000(2024, 2, 28), 2);
}

// A frame that sets 31 February must be refused, not wrapped into March.
TEST(CivilTime, DatesThatDoNotExistAreInvalid) {
    EXPECT_FALSE(is_valid({2026, 2, 29, 0, 0, 0}));
    EXPECT_TRUE(is_valid({2028, 2, 29, 0, 0, 0}));
    EXPECT_FALSE(is_valid({2026, 13, 1, 0, 0, 0}));
    EXPECT_FALSE(is_valid({2026, 1, 1, 24, 0, 0}));
    EXPECT_FALSE(is_valid({1999, 12, 31, 0, 0, 0}));
}

}  // namespace
}  // namespace prewatt
