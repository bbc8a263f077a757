#include "meter/core/schedule.hpp"

#include <gtest/gtest.h>

#include <array>

#include "meter/core/calendar.hpp"

namespace prewatt::meter {
namespace {

using settings::Settings;
using settings::SupplyMode;

constexpr CivilSeconds at(int month, int day, int hour = 0, int minute = 0, int second = 0) {
    return to_seconds({2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                       static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                       static_cast<std::uint8_t>(second)});
}
constexpr HoldSet kNothing{};
constexpr HoldSet of(Hold hold) {
    HoldSet set;
    set.set(hold, true);
    return set;
}

// Workdays dark 23:30..06:00 and half power until 07:00; weekends on.
Settings dormitory() {
    Settings s;
    s.days[2] = {
        3, {settings::Period{360, 2, SupplyMode::kLimited}, {420, 1, SupplyMode::kOn}, {1410, 4, SupplyMode::kOff}}};
    s.days[3] = {2, {settings::Period{0, 3, SupplyMode::kOn}, {720, 2, SupplyMode::kOn}}};
    s.weeks[0] = {.tables = {4, 3, 3, 3, 3, 3, 4}, .warning_minutes = 15, .no_cut_from = 1320, .no_cut_to = 480};
    s.holidays[0].days[0] = {26, 10, 1, 4};
    return s;
}

TEST(Schedule, EveryMinuteOfAYearIsWhatTheTablesSay) {
    // A year of evenings: one night in which the house stays lit, one morning in which it stays dark, is a call to the
    // caretaker. The tables are laid out minute by minute by other means and compared.
    const Settings s = dormitory();
    Schedule schedule;
    const CivilSeconds begin = to_seconds({2026, 1, 1});
    const CivilSeconds end = to_seconds({2027, 1, 1});
    int changes = 0;
    std::array<int, 3> minutes_of_mode{};
    CivilSeconds promised = begin;
    for (CivilSeconds day = begin; day < end; day += kDaySeconds) {
        const CivilTime date = to_civil(day);
        const bool holiday = date.month == 10 && date.day == 1;
        const bool weekend = holiday || weekday(day) == 0 || weekday(day) == 6;
        const CivilTime eve = to_civil(day - 1);
        const bool eve_weekend = (eve.month == 10 && eve.day == 1) || weekday(day - 1) == 0 || weekday(day - 1) == 6;
        for (CivilSeconds minute = 0; minute < 1440; ++minute) {
            const CivilSeconds now = day + minute * 60;
            const unsigned changed = schedule.update(s, now);
            changes += changed & 1;
            ASSERT_TRUE(!(changed & 1) || now >= promised) << "earlier than promised: " << now;
            promised = *schedule.next_change();
            ASSERT_GT(promised, now);
            SupplyMode mode = SupplyMode::kOn;
            int rate = minute < 720 ? 3 : 2;
            if (!weekend) {
                const bool night = minute >= 1410 || (minute < 360 && !eve_weekend);
                mode = night                           ? SupplyMode::kOff
                       : minute >= 360 && minute < 420 ? SupplyMode::kLimited
                                                       : SupplyMode::kOn;
                rate = night ? 4 : minute < 360 ? 2 : minute < 420 ? 2 : 1;
            }
            const bool warned = !weekend && minute >= 1395 && minute < 1410;
            const PlanState expected{mode, static_cast<std::uint8_t>(rate), minute >= 1320 || minute < 480,
                                     warned ? day + 1410 * 60 : 0};
            ASSERT_EQ(schedule.of(1), expected) << +date.month << '-' << +date.day << " minute " << minute;
            ASSERT_EQ(schedule.of(2).mode, SupplyMode::kOn);
            ASSERT_EQ(schedule.of(0), PlanState{});
            ++minutes_of_mode[static_cast<std::size_t>(mode)];
        }
    }
    EXPECT_GT(minutes_of_mode[1], 0);
    EXPECT_GT(minutes_of_mode[2], 0);
    EXPECT_LT(changes, 365 * 8);
}

TEST(Schedule, ClockThatIsNotKnownCutsNobodyAndGivesNothingAway) {
    // The battery is flat, the clock says midnight at noon, and the whole house is dark; or it is always "no-cut" and
    // nobody pays any more.
    Settings s = dormitory();
    Schedule schedule;
    EXPECT_EQ(schedule.update(s, std::nullopt), 0);
    EXPECT_EQ(schedule.of(1), PlanState{});
    EXPECT_EQ(schedule.next_change(), std::nullopt);
    EXPECT_EQ(schedule.update(s, at(11, 20, 23, 45)), 1);
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOff);
    EXPECT_EQ(schedule.update(s, std::nullopt), 1);
    EXPECT_EQ(schedule.of(1), PlanState{});
}

TEST(Schedule, ClockThatJumpsEndsInWhatTheTablesSay) {
    // A correction over the edge of a period, forward and back, and the edge is never met.
    const Settings s = dormitory();
    Schedule schedule;
    schedule.update(s, at(11, 20, 23, 29, 59));
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOn);
    EXPECT_EQ(schedule.update(s, at(11, 20, 23, 31)), 1);
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOff);
    EXPECT_EQ(schedule.update(s, at(11, 20, 23, 28)), 1) << "back before the edge";
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOn);
    EXPECT_EQ(schedule.of(1).cut_at, at(11, 20, 23, 30));
    schedule.update(s, at(11, 25, 3));
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOff) << "days ahead";
    schedule.update(s, at(2, 1, 12));
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOn) << "months back";
}

TEST(Schedule, ChangedTableActsAtOnce) {
    // The office gives a night of light and the house stays dark until the morning.
    Settings s = dormitory();
    Schedule schedule;
    schedule.update(s, at(11, 20, 23, 45));
    s.weeks[0].tables.fill(4);
    EXPECT_EQ(schedule.update(s, at(11, 20, 23, 45)), 0) << "nothing is looked up between two changes";
    schedule.forget();
    EXPECT_EQ(schedule.update(s, at(11, 20, 23, 45)), 1);
    EXPECT_EQ(schedule.of(1).mode, SupplyMode::kOn);
}

TEST(Schedule, WarningSeesAPeriodBehindAShortOne) {
    // Two hours' warning and a half hour at another rate just before the cut: nobody is warned in time.
    Settings s;
    s.days[0] = {3, {settings::Period{0, 1, SupplyMode::kOn}, {1380, 2, SupplyMode::kOn}, {1410, 2, SupplyMode::kOff}}};
    s.weeks[0].warning_minutes = 120;
    Schedule schedule;
    schedule.update(s, at(3, 3, 21, 29, 59));
    EXPECT_EQ(schedule.of(1).cut_at, 0u);
    EXPECT_EQ(schedule.next_change(), at(3, 3, 21, 30)) << "the earliest of what is to come";
    schedule.update(s, at(3, 3, 21, 30));
    EXPECT_EQ(schedule.of(1).cut_at, at(3, 3, 23, 30));
    s.weeks[0].warning_minutes = 0;
    schedule.forget();
    schedule.update(s, at(3, 3, 23, 29));
    EXPECT_EQ(schedule.of(1).cut_at, 0u);
}

TEST(CreditWait, CutForWantOfCreditWaitsForTheEndOfTheNoCutHours) {
    // At two in the morning a room goes cold because nobody can buy electricity before eight.
    CreditWait wait;
    wait.start(kNothing);
    EXPECT_EQ(wait.update(of(Hold::kNoCredit), true), kNothing);
    EXPECT_EQ(wait.waiting(), of(Hold::kNoCredit));
    EXPECT_EQ(wait.update(of(Hold::kNoCredit), true), kNothing);
    EXPECT_EQ(wait.update(of(Hold::kNoCredit), false), of(Hold::kNoCredit)) << "eight o'clock";
    EXPECT_EQ(wait.update(of(Hold::kNoCredit), true), of(Hold::kNoCredit)) << "and no light in the next night";
    EXPECT_EQ(wait.update(kNothing, true), kNothing) << "paid";
    EXPECT_EQ(wait.update(of(Hold::kCutoffAlarm), true), kNothing);
    HoldSet both = of(Hold::kCutoffAlarm);
    both.set(Hold::kNoCredit, true);
    EXPECT_EQ(wait.update(both, true), kNothing) << "reminder and zero in one night";
    EXPECT_EQ(wait.update(both, false), both);
}

TEST(CreditWait, NobodyGetsLightThatWasNotThereWhenTheHoursBegan) {
    // Whoever did not pay by day has free light every night; an account opened at night without credit has it too.
    CreditWait dark;
    dark.start(of(Hold::kNoCredit));
    EXPECT_EQ(dark.update(of(Hold::kNoCredit), true), of(Hold::kNoCredit));
    CreditWait opened;
    opened.start(of(Hold::kNotOpened));
    EXPECT_EQ(opened.update(of(Hold::kNoCredit), true), of(Hold::kNoCredit));
}

TEST(CreditWait, RestartInTheNightIsNoCutAndNoGift) {
    // A box that restarts at three in the morning darkens those who wait, or lights those who are dark.
    CreditWait before;
    before.start(kNothing);
    before.update(of(Hold::kNoCredit), true);
    CreditWait after(before.waiting());
    after.start(of(Hold::kNoCredit));
    EXPECT_EQ(after.update(of(Hold::kNoCredit), true), kNothing);
    CreditWait late(before.waiting());
    late.start(of(Hold::kNoCredit));
    EXPECT_EQ(late.update(of(Hold::kNoCredit), false), of(Hold::kNoCredit)) << "or the clock is not known";
    EXPECT_EQ(late.waiting(), kNothing);
}

}  // namespace
}  // namespace prewatt::meter
