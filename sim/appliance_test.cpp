#include "sim/appliance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/grid.hpp"

namespace prewatt::sim {
namespace {

struct Seen {
    double watts = 0, amps = 0, volts = 0, crest = 0, direct = 0;
    [[nodiscard]] double power_factor() const { return watts / (amps * volts); }
    [[nodiscard]] double crest_factor() const { return crest / amps; }
};
// The appliance on a quiet 220 V supply, over whole cycles of the last `measured` seconds.
Seen look_at(Load& load, double settle_seconds, double measured, double volts = 220) {
    GridConfig config;
    config.nominal_volts = volts;
    config.wander = 0;
    config.drift_hertz = 0;
    Grid grid(config, 1);
    VoltageBlock block;
    Seen seen;
    const int settle = static_cast<int>(settle_seconds * 50), count = static_cast<int>(measured * 50);
    for (int c = 0; c < settle + count; ++c) {
        grid.fill(block, 80);
        std::vector<float> amps(80, 0.0f);
        load.add_current(block.volts[0], amps);
        if (c < settle) continue;
        for (std::size_t n = 0; n < 80; ++n) {
            const double v = static_cast<double>(block.volts[0][n]), i = static_cast<double>(amps[n]);
            seen.watts += v * i;
            seen.amps += i * i;
            seen.volts += v * v;
            seen.direct += i;
            seen.crest = std::max(seen.crest, std::fabs(i));
        }
    }
    const double n = 80.0 * count;
    seen.watts /= n;
    seen.direct /= n;
    seen.amps = std::sqrt(seen.amps / n);
    seen.volts = std::sqrt(seen.volts / n);
    return seen;
}

// A settled appliance that takes another power than its plate says makes every home's consumption wrong.
TEST(Appliance, EachKindTakesItsRatedPowerAt220Volts) {
    for (int k = 0; k < kKindCount; ++k) {
        const Kind kind = static_cast<Kind>(k);
        const auto load = make_load(kind, 500);
        const Seen seen = look_at(*load, kind == Kind::kAirConditioner ? 12 : 4, 1);
        EXPECT_NEAR(seen.watts, 500, 500 * 0.06)
            << name_of(kind) << " pf " << seen.power_factor() << " crest " << seen.crest_factor();
    }
}

// The rules against malignant loads tell a kettle from a laptop by just this; a simulated laptop that is a resistor
// would test nothing.
TEST(Appliance, PowerFactorAndCrestAreThoseOfTheRealOnes) {
    struct Row {
        Kind kind;
        double power_factor_min, power_factor_max, crest_min, crest_max;
    };
    const Row rows[] = {
        {Kind::kKettle, 0.999, 1.001, 1.35, 1.50},     {Kind::kHairDryerLow, 0.69, 0.72, 1.9, 2.1},
        {Kind::kIncandescent, 0.995, 1.001, 1.3, 1.5}, {Kind::kLaptop, 0.40, 0.70, 2.5, 6},
        {Kind::kLedLamp, 0.45, 0.75, 2.2, 6},          {Kind::kCharger, 0.40, 0.70, 2.5, 6},
        {Kind::kFridge, 0.55, 0.70, 1.3, 1.6},         {Kind::kFan, 0.85, 0.97, 1.3, 1.6},
        {Kind::kMicrowave, 0.80, 0.97, 1.4, 2.2},      {Kind::kAirConditioner, 0.96, 1.0, 1.3, 1.6},
    };
    for (const Row& row : rows) {
        const auto load = make_load(row.kind, 300);
        const Seen seen = look_at(*load, 12, 1);
        EXPECT_GE(seen.power_factor(), row.power_factor_min) << name_of(row.kind);
        EXPECT_LE(seen.power_factor(), row.power_factor_max) << name_of(row.kind);
        EXPECT_GE(seen.crest_factor(), row.crest_min) << name_of(row.kind);
        EXPECT_LE(seen.crest_factor(), row.crest_max) << name_of(row.kind);
    }
}

// A kettle on a low phase boils slower; a laptop takes the same power and more current.
TEST(Appliance, ResistorsFollowTheSquareOfTheVoltageAndConvertersDoNot) {
    EXPECT_NEAR(look_at(*make_load(Kind::kKettle, 1000), 1, 1, 180).watts, 1000 * std::pow(180.0 / 220, 2), 1);
    EXPECT_NEAR(look_at(*make_load(Kind::kLaptop, 60), 4, 1, 180).watts,
                look_at(*make_load(Kind::kLaptop, 60), 4, 1).watts, 1);
    EXPECT_NEAR(look_at(*make_load(Kind::kAirConditioner, 900), 12, 1, 180).watts, 900, 30);
}

// Without a rush at the start a fridge would never look like the step that a guard must not take for a kettle.
TEST(Appliance, MotorsAndFilamentsStartWithARush) {
    const auto fridge = make_load(Kind::kFridge, 120);
    const double start = look_at(*fridge, 0, 0.06).amps;
    const double settled = look_at(*fridge, 3, 1).amps;
    EXPECT_GT(start, 3 * settled);
    const auto lamp = make_load(Kind::kIncandescent, 60);
    const double cold = look_at(*lamp, 0, 0.02).crest;
    EXPECT_GT(cold, 3 * look_at(*lamp, 1, 1).crest);
}

// An open contact must stop every current at once, and the phase coming back must find a charged or cold appliance, not
// a number that blew up.
TEST(Appliance, NothingFlowsWithoutVoltageAndEverythingSurvivesItsReturn) {
    for (int k = 0; k < kKindCount; ++k) {
        const Kind kind = static_cast<Kind>(k);
        const auto load = make_load(kind, 200);
        (void)look_at(*load, 3, 1);
        std::vector<float> dark(80, 0.0f), amps(80, 0.0f);
        for (int c = 0; c < 50; ++c) {
            std::fill(amps.begin(), amps.end(), 0.0f);
            load->add_current(dark, amps);
        }
        EXPECT_NEAR(*std::max_element(amps.begin(), amps.end()), 0, 0.05) << name_of(kind);
        EXPECT_NEAR(*std::min_element(amps.begin(), amps.end()), 0, 0.05) << name_of(kind);
        EXPECT_NEAR(look_at(*load, 12, 1).watts, 200, 12) << name_of(kind);
    }
}

// A campus at cycle level must use the electricity that it would use sample by sample.
TEST(Appliance, TheTableOfTheCycleLevelAgreesWithTheWaveform) {
    for (int k = 0; k < kKindCount; ++k) {
        const Kind kind = static_cast<Kind>(k);
        for (double volts : {195.0, 216.0, 224.0, 235.0}) {
            const Seen seen = look_at(*make_load(kind, 150), 12, 1, volts);
            const Draw draw = draw_of(kind, 150, volts);
            EXPECT_NEAR(draw.watts, seen.watts, 0.005 * seen.watts) << name_of(kind) << " at " << volts;
            EXPECT_NEAR(draw.amps, seen.amps, 0.02 * seen.amps) << name_of(kind) << " at " << volts;
        }
    }
    EXPECT_GT(start_joules_of(Kind::kFridge, 100), 20);
    EXPECT_LT(start_joules_of(Kind::kAirConditioner, 1000), -1000);
}

// Lagging and leading currents of one circuit cancel in part; adding plain amperes would trip an overload that is none.
TEST(Appliance, DrawsOnOneCircuitAddAsPhasors) {
    const Draw both[] = {{300, 400, 500 / 220.0}, {300, -400, 500 / 220.0}};
    const Draw sum = together(both, 220);
    EXPECT_DOUBLE_EQ(sum.watts, 600);
    EXPECT_DOUBLE_EQ(sum.vars, 0);
    EXPECT_NEAR(sum.amps, 600 / 220.0, 1e-9);
}

// A building is calculated from curves, a single meter from circuits: the laptop of the one must be the laptop of the
// other.
TEST(Appliance, SettledCurveIsTheCurrentOfTheCircuit) {
    const GridConfig grid;
    for (int k = 0; k < kKindCount; ++k) {
        const Kind kind = static_cast<Kind>(k);
        for (const double rms : {200.0, 214.0, 227.0}) {
            constexpr std::size_t kCycle = 80;
            std::array<float, kCycle> volts{};
            for (std::size_t n = 0; n < kCycle; ++n)
                volts[n] = static_cast<float>(rms / supply_shape_rms(grid) *
                                              supply_shape(grid, static_cast<double>(n) / kCycle));
            const auto load = make_load(kind, 60);
            std::array<float, kCycle> amps{};
            for (int cycle = 0; cycle < 15 * 50; ++cycle) {
                amps.fill(0);
                load->add_current(volts, amps);
            }
            Curve curve{};
            add_settled_current(kind, 60, rms, curve);
            EXPECT_EQ(curve.front(), curve.back());
            double power = 0, power_of_curve = 0, rest = 0, all = 0;
            for (std::size_t n = 0; n < kCycle; ++n) {
                const double i = static_cast<double>(amps[n]);
                const double i_of_curve = static_cast<double>(curve[n * (kCurvePoints / kCycle)]);
                power += static_cast<double>(volts[n]) * i;
                power_of_curve += static_cast<double>(volts[n]) * i_of_curve;
                rest += (i - i_of_curve) * (i - i_of_curve);
                all += i * i;
            }
            EXPECT_NEAR(power_of_curve / power, 1, 0.01) << name_of(kind) << " at " << rms;
            EXPECT_LT(std::sqrt(rest / all), rms == 200 ? 0.01 : 0.12) << name_of(kind) << " at " << rms;
        }
    }
}

}  // namespace
}  // namespace prewatt::sim
