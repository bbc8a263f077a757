#include "meter/core/calendar.hpp"

#include <gtest/gtest.h>

namespace prewatt::meter {
namespace {

using settings::Settings;
using settings::SupplyMode;

constexpr CivilSeconds at(int month, int day, int hour = 0, int minute = 0, int second = 0) {
    return to_seconds({2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                       static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                       static_cast<std::uint8_t>(second)});
}

// A dormitory: workdays off 23:30..06:00 and at half power until 07:00, weekends always on at rate 2, one holiday
// table.
Settings dormitory() {
    Settings s;
    s.days[0] = {4,
                 {settings::Period{360, 2, SupplyMode::kLimited},
                  {420, 1, SupplyMode::kOn},
                  {1320, 3, SupplyMode::kOn},
                  {1410, 4, SupplyMode::kOff}}};
    s.days[1] = {1, {settings::Period{480, 2, SupplyMode::kOn}}};
    s.days[2] = {1, {settings::Period{0, 4, SupplyMode::kOn}}};
    s.weeks[0].tables = {2, 1, 1, 1, 1, 1, 2};
    s.holidays[0].days[0] = {26, 10, 1, 3};  // a Thursday
    s.holidays[3].days[11] = {0, 10, 1, 1};  // of every year: the one of this year goes before
    s.holidays[1].days[4] = {0, 5, 1, 2};    // a Friday
    return s;
}

TEST(Calendar, HolidayOfThisYearGoesBeforeOneOfEveryYearAndBothBeforeTheWeek) {
    // The first of May is a Friday, and the house is dark at 23:30 as on any other Friday.
    const Settings s = dormitory();
    EXPECT_EQ(day_table_on(s, 1, at(4, 30, 23, 59, 59)), 1);
    EXPECT_EQ(day_table_on(s, 1, at(5, 1)), 2);
    EXPECT_EQ(day_table_on(s, 1, at(5, 1, 23, 59, 59)), 2);
    EXPECT_EQ(day_table_on(s, 1, at(5, 2)), 2) << "Saturday";
    EXPECT_EQ(day_table_on(s, 1, at(5, 3)), 2) << "Sunday";
    EXPECT_EQ(day_table_on(s, 1, at(5, 4)), 1);
    EXPECT_EQ(day_table_on(s, 1, at(10, 1)), 3);
    EXPECT_EQ(day_table_on(s, 1, to_seconds({2027, 10, 1})), 1);
    EXPECT_EQ(day_table_on(s, 2, at(5, 2)), 1) << "another plan, its own week";
}

TEST(Calendar, LastPeriodReachesOverMidnightAsItsOwnDayHasIt) {
    // On Saturday the light would come at midnight, in the middle of Friday's night.
    const Settings s = dormitory();
    const CivilSeconds friday = at(11, 20);
    EXPECT_EQ(period_at(s, 1, friday + 1410 * 60 - 1), (PeriodNow{SupplyMode::kOn, 3, friday + 1410 * 60}));
    const PeriodNow night{SupplyMode::kOff, 4, friday + kDaySeconds + 480 * 60};
    EXPECT_EQ(period_at(s, 1, friday + 1410 * 60), night);
    EXPECT_EQ(period_at(s, 1, friday + kDaySeconds), night);
    EXPECT_EQ(period_at(s, 1, night.until - 1), night);
    EXPECT_EQ(period_at(s, 1, night.until).mode, SupplyMode::kOn);
    // From Sunday to Monday the other way: Sunday's table has it on until Monday's first period.
    const CivilSeconds monday = at(11, 23);
    EXPECT_EQ(period_at(s, 1, monday), (PeriodNow{SupplyMode::kOn, 2, monday + 360 * 60}));
    EXPECT_EQ(period_at(s, 1, monday + 360 * 60).mode, SupplyMode::kLimited);
    // The first morning of the calendar has no evening before it.
    EXPECT_EQ(period_at(s, 1, 0).mode, SupplyMode::kOn);
}

TEST(Calendar, NextChangeOfTheModeIsFoundOverTheWeekendAndThereMayBeNone) {
    // A page says "dark at 23:30" and means the rate that changes at 22:00.
    const Settings s = dormitory();
    EXPECT_EQ(next_mode_change(s, 1, at(11, 20, 12)), (ModeChange{at(11, 20, 23, 30), SupplyMode::kOff}));
    EXPECT_EQ(next_mode_change(s, 1, at(11, 20, 23, 30)), (ModeChange{at(11, 21, 8), SupplyMode::kOn}));
    EXPECT_EQ(next_mode_change(s, 1, at(11, 21, 8)), (ModeChange{at(11, 23, 6), SupplyMode::kLimited}));
    EXPECT_EQ(next_mode_change(Settings{}, 1, at(11, 21, 8)), std::nullopt);
}

TEST(Calendar, HoursThatReachOverMidnight) {
    // "No cut from 22:00 to 06:00" that ends at midnight, or never.
    EXPECT_TRUE(is_within(at(1, 1, 23), 1320, 360));
    EXPECT_TRUE(is_within(at(1, 2, 5, 59, 59), 1320, 360));
    EXPECT_FALSE(is_within(at(1, 2, 6), 1320, 360));
    EXPECT_FALSE(is_within(at(1, 2, 21, 59, 59), 1320, 360));
    EXPECT_TRUE(is_within(at(1, 2, 12), 700, 721));
    EXPECT_FALSE(is_within(at(1, 2, 12), 720, 720));
    EXPECT_EQ(next_at(at(1, 1, 12), 720), at(1, 2, 12));
    EXPECT_EQ(next_at(at(1, 1, 11, 59, 59), 720), at(1, 1, 12));
}

}  // namespace
}  // namespace prewatt::meter
