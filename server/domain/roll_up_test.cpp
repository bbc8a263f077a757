#include "server/domain/roll_up.hpp"

#include <gtest/gtest.h>

#include "server/domain/retention.hpp"

namespace prewatt::server {
namespace {

constexpr UnixTime kDay = OfficeMonth{2026, 11}.begin();

UnixTime later(std::int64_t hours) {
    return UnixTime{kDay.ms + hours * kHour_ms};
}

// As the store does it.
void done(RollUpState& state, const RollUpPeriod& period) {
    if (period.step == RollUpStep::kHour && state.hours_until == UnixTime{}) {
        state.days_until = begin_of_day(period.from);
        state.months_until = office_month_of(period.from).begin();
    }
    state.changed.erase(period);
    for (const RollUpPeriod& next : changed_with(state, period))
        state.changed.insert(next);
    UnixTime& until = period.step == RollUpStep::kHour  ? state.hours_until
                      : period.step == RollUpStep::kDay ? state.days_until
                                                        : state.months_until;
    until = std::max(until, period.to);
}

TEST(RollUp, GoesThroughHoursDaysAndMonthsWithoutAGapAndEnds) {
    // An hour that is left out is missing from every report for ever.
    RollUpState state;
    EXPECT_FALSE(roll_up_due(state, later(0))) << "nothing was ever read";
    state.next_raw_at = UnixTime{later(-40).ms + 5};
    state.newest_raw_at = later(30);
    std::vector<RollUpPeriod> all;
    while (const auto period = roll_up_due(state, later(30))) {
        all.push_back(*period);
        done(state, *period);
        ASSERT_LT(all.size(), 1000u);
    }
    EXPECT_EQ(all.front(), (RollUpPeriod{RollUpStep::kHour, later(-40), later(-39)}));
    const auto count = [&](RollUpStep step) {
        return std::count_if(all.begin(), all.end(), [&](const auto& period) { return period.step == step; });
    };
    EXPECT_EQ(count(RollUpStep::kHour), 69) << "the 70th is not over for two minutes";
    EXPECT_EQ(count(RollUpStep::kDay), 3);
    EXPECT_EQ(count(RollUpStep::kMonth), 1) << "October";
}

TEST(RollUp, LateReadingBringsItsHourItsDaysAndItsMonthAgain) {
    // What came over a mended line is seen by the hour and not by the month that is billed.
    RollUpState state;
    state.hours_until = later(50);
    state.days_until = later(48);
    state.months_until = later(0);
    state.newest_raw_at = later(50);
    state.changed.insert(period_around(RollUpStep::kHour, later(-3)));
    std::vector<RollUpPeriod> all;
    while (const auto period = roll_up_due(state, later(50))) {
        all.push_back(*period);
        done(state, *period);
        ASSERT_LT(all.size(), 100u);
    }
    EXPECT_EQ(all, (std::vector<RollUpPeriod>{{RollUpStep::kHour, later(-3), later(-2)},
                                              {RollUpStep::kDay, later(-24), later(0)},
                                              {RollUpStep::kDay, later(0), later(24)},
                                              {RollUpStep::kDay, later(24), later(48)},
                                              period_around(RollUpStep::kMonth, later(-3))}));
}

TEST(RollUp, ClockThatJumpsMakesNoYearsOfEmptyHours) {
    // The battery of the server is empty, and it believes that it is 2090.
    RollUpState state;
    state.hours_until = later(0);
    state.days_until = later(0);
    state.months_until = later(0);
    state.newest_raw_at = later(0);
    int periods = 0;
    const UnixTime far = (OfficeMonth{2090, 1}.begin());
    while (const auto period = roll_up_due(state, far)) {
        done(state, *period);
        ASSERT_LT(++periods, 2000);
    }
    EXPECT_LE(state.hours_until, later(41 * 24));
    // And readings that begin again after a gap are found without going through it.
    state.next_raw_at = OfficeMonth{2089, 12}.begin();
    state.newest_raw_at = far;
    EXPECT_EQ(roll_up_due(state, state.newest_raw_at)->from.ms, state.next_raw_at->ms);
}

TEST(Retention, NothingGoesThatIsNotSummedUpAndAFullDiskTakesTheOldestDay) {
    // A disk that fills while the roll-ups lag behind must not cost the only copy of a week.
    RetentionRules rules;
    RetentionState state{later(-24), later(-24), later(-720), later(-24 * 90), 1LL << 40};
    auto retention = decide_retention(rules, state, later(0));
    EXPECT_EQ(retention.raw_before, later(-24 * 35));
    EXPECT_EQ(retention.hours_before, later(-24 * 400));
    EXPECT_FALSE(retention.disk_is_short);
    state.hours_until = later(-24 * 60);
    EXPECT_EQ(decide_retention(rules, state, later(0)).raw_before, later(-24 * 60));
    state.hours_until = later(-1);
    state.oldest_raw_at = later(-24 * 20 + 3);
    state.free_bytes = 1;
    retention = decide_retention(rules, state, later(0));
    EXPECT_TRUE(retention.disk_is_short);
    EXPECT_EQ(retention.raw_before, later(-24 * 19));
    EXPECT_FALSE(takes_readings(rules, state.free_bytes));
    state.oldest_raw_at = later(-30);
    EXPECT_EQ(decide_retention(rules, state, later(0)).raw_before, later(-24 * kRawDaysMin));
    EXPECT_TRUE(takes_readings(rules, std::nullopt));
}

TEST(OfficeCalendar, PeriodsAreReadAsPeopleWriteThem) {
    // The report of another month than was asked for.
    EXPECT_EQ(period_of("2026-11")->from, (OfficeMonth{2026, 11}.begin()));
    EXPECT_EQ(period_of("2026-12")->to, (OfficeMonth{2027, 1}.begin()));
    EXPECT_EQ(period_of("2026-11-05T14")->from, later(4 * 24 + 14));
    EXPECT_EQ(period_of("2026-11-05 14:00")->to, later(4 * 24 + 15));
    EXPECT_EQ(period_of("2028-02-29")->to, (OfficeMonth{2028, 3}.begin()));
    for (const char* wrong : {"", "2026", "2026-13", "2026-02-29", "2026-11-05T24", "2026-1-5", "2026-11-05x", "26-11"})
        EXPECT_FALSE(period_of(wrong)) << wrong;
    EXPECT_EQ(text_of(later(14)), "2026-11-01 14:00");
    EXPECT_EQ(begin_of_day(UnixTime{later(30).ms + 5}), later(24));
}

}  // namespace
}  // namespace prewatt::server
