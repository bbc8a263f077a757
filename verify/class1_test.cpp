#include "verify/class1.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "verify/calibrator.hpp"
#include "verify/reading.hpp"

namespace prewatt::verify {
namespace {

std::string worst_of(const Class1Report& report) {
    return report.rows.empty() ? "nothing was read" : report.rows.front().test + ", " + report.rows.front().point;
}
double worst_before_calibration(const Class1Report& report) {
    double worst = 0;
    for (const Class1Row& row : report.rows)
        if (row.limit <= 0) worst = std::max(worst, std::abs(row.value));
    return worst;
}

// A box leaves the factory that does not hold its class at some point on some channel.
TEST(Class1, EveryErrorStaysWithinThirtyPercentOfItsLimitAfterCalibration) {
    const Class1Report report = run_class1({.quick = true, .channels = {}, .model = {}});
    EXPECT_TRUE(report.all_met()) << worst_of(report);
    EXPECT_GT(report.readings, 5000);
    // The front end was wrong indeed.
    EXPECT_GT(worst_before_calibration(report), 5);
    for (const char* test :
         {"class 1, errors", "class B, errors", "off the grid, errors", "influence, variation", "waveform, variation",
          "both neighbours at Imax", "changing load", "repeatability, S", "start", "no-load", "constant test",
          "three phases, balanced", "three phases, load on one", "three phases, variation", "start, three phases"})
        EXPECT_TRUE(std::any_of(report.rows.begin(), report.rows.end(), [&](const Class1Row& row) {
            return row.test == test && row.limit > 0;
        })) << test;
    EXPECT_TRUE(std::is_sorted(report.rows.begin(), report.rows.end(), [](const Class1Row& a, const Class1Row& b) {
        return a.share_percent() > b.share_percent();
    }));
    const auto json = nlohmann::json::parse(report.json());
    EXPECT_EQ(json["points"].size(), report.rows.size());
    EXPECT_FALSE(json["not_simulated"].empty());
}

// A verification that cannot fail proves nothing: neighbours that are heard a hundred times louder must show.
TEST(Class1, FrontEndWithTooMuchCrossTalkMissesTheGoal) {
    FrontEndModel model;
    model.cross_talk = 1e-3;
    const Class1Report report = run_class1({.quick = true, .channels = {7}, .model = model});
    EXPECT_FALSE(report.all_met());
    for (const char* test : {"both neighbours at Imax", "no-load"})
        EXPECT_TRUE(std::any_of(report.rows.begin(), report.rows.end(), [&](const Class1Row& row) {
            return row.test == test && !row.met();
        })) << test;
    for (const Class1Row& row : report.rows)
        EXPECT_TRUE(row.channel == 7 || row.test.find("three phases") != std::string::npos) << row.test;
}

// The bench writes a wrong constant into a box, and every bill is wrong from then on.
TEST(Calibrator, FindsGainSkewAndOffsetOfEveryChannel) {
    for (const meter::Wiring wiring : {meter::Wiring::k39x1, meter::Wiring::k13x3phase}) {
        FrontEnd front_end({.seed = 3}, wiring);
        const meter::Calibration calibration = calibrate(front_end);
        for (std::uint8_t c = 0; c < kCircuitsMax; ++c)
            EXPECT_NEAR(calibration.current[c].skew_nanoseconds, front_end.skew_seconds({c}) * 1e9, 300) << int{c};
        // At a load at which it was not calibrated.
        front_end.set_all_loads({.amperes = 3.3, .lag_turns = lag_turns_of(0.71)});
        meter::Metering metering(calibration, wiring, amperes(15));
        (void)read(front_end, metering, 0.6);
        const Reading reading = read(front_end, metering, 4);
        for (std::uint8_t c = 0; c < kCircuitsMax; ++c)
            EXPECT_NEAR(reading.watts[c] / front_end.true_watts({c}), 1, 0.0005) << int{c};
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            EXPECT_NEAR(reading.volts[p], 220, 0.02);
    }
}

// The bench believes in a power that its source does not give.
TEST(FrontEnd, GivesThePowerThatItSaysForSinesAndForTables) {
    const Shape table([](double turns) { return std::numbers::sqrt2 * std::sin(2 * std::numbers::pi * turns); });
    FrontEnd front_end({.noise_counts = 0.5, .gain_error = 0, .offset_counts = 0, .skewed = false, .cross_talk = 0},
                       meter::Wiring::k39x1);
    const meter::Calibration nominal = meter::default_calibration(amperes(15), amperes(60));
    for (const double hertz : {45.0, 50.0, 50.37}) {
        for (std::uint8_t c = 0; c < kCircuitsMax; ++c)
            front_end.set_load({c}, {.amperes = 2.0 + c,
                                     .lag_turns = lag_turns_of(c % 2 == 0 ? 0.5 : -0.8),
                                     .shape = c % 4 < 2 ? nullptr : &table});
        front_end.set_supply({.volts = 230, .hertz = hertz});
        meter::Metering metering(nominal, meter::Wiring::k39x1, amperes(15));
        (void)read(front_end, metering, 0.6);
        const Reading reading = read(front_end, metering, 2);
        for (std::uint8_t c = 0; c < kCircuitsMax; ++c) {
            const double ideal = 230 * (2.0 + c) * (c % 2 == 0 ? 0.5 : 0.8);
            EXPECT_NEAR(front_end.true_watts({c}) / ideal, 1, c % 4 < 2 ? 1e-9 : 5e-4);
            EXPECT_NEAR(reading.watts[c] / front_end.true_watts({c}), 1, 4e-4) << int{c} << " at " << hertz;
        }
    }
}

}  // namespace
}  // namespace prewatt::verify
