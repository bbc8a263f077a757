#include "sim/building_run.hpp"

#include <gtest/gtest.h>

namespace prewatt::sim {
namespace {

void expect_sound(const BuildingRunReport& report) {
    EXPECT_EQ(report.problem, "");
    EXPECT_EQ(report.refused, 0);
    EXPECT_TRUE(report.books_agree());
    EXPECT_EQ(report.reverse_joules, 0);
    EXPECT_EQ(report.coils_at_once_max, 1);
    EXPECT_LE(report.longest_watchdog_silence, seconds(2));
    EXPECT_LE(report.pulse_gap_joules, 2 * report.pulse_joules);
}

// A building is right for a minute in every test and wrong after an evening.
TEST(BuildingRun, EveningOfAFullBuildingBySamplesBooksWhatWentThroughTheContacts) {
    const BuildingRunReport report =
        run_building({.days = 0.02, .level = Level::kWaveform, .start = to_seconds({2026, 6, 8, 20, 0, 0})});
    expect_sound(report);
    EXPECT_EQ(report.tickets, 39);
    EXPECT_GT(report.true_joules, 10.0 * kJoulesPerKilowattHour);
    EXPECT_NEAR(report.balance_percent(), 0, 0.05);
    EXPECT_NEAR(report.worst_household_percent, 0, 0.1);
    EXPECT_GE(report.relay_pulses, 39u * 2) << "refreshed at least twice in half an hour";
}

// Somebody's light never comes on again after the hundredth ticket.
TEST(BuildingRun, DaysByMeasurementsCutAndRestoreAndLoseNothing) {
    for (const meter::Wiring wiring : {meter::Wiring::k39x1, meter::Wiring::k13x3phase}) {
        const BuildingRunReport report = run_building(
            {.days = 3, .level = Level::kCycle, .wiring = wiring, .start = to_seconds({2026, 6, 8}), .display = false});
        EXPECT_EQ(report.problem, "");
        EXPECT_EQ(report.refused, 0);
        EXPECT_TRUE(report.books_agree());
        EXPECT_NEAR(report.balance_percent(), 0, 0.001);
        EXPECT_GT(report.cuts, 10);
        EXPECT_GT(report.restores, report.cuts) << "in the end most are lit";
    }
}

// A run that cannot be repeated cannot be looked into.
TEST(BuildingRun, SameSeedIsTheSameBuildingToTheJoule) {
    BuildingRunOptions options{.days = 0.3, .level = Level::kCycle, .seed = 5};
    const BuildingRunReport once = run_building(options);
    const BuildingRunReport again = run_building(options);
    EXPECT_EQ(once.forward_joules, again.forward_joules);
    EXPECT_EQ(once.pulses, again.pulses);
    EXPECT_EQ(once.relay_pulses, again.relay_pulses);
    options.seed = 6;
    EXPECT_NE(run_building(options).forward_joules, once.forward_joules);
}

}  // namespace
}  // namespace prewatt::sim
