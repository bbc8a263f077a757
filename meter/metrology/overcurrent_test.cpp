#include "meter/metrology/overcurrent.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <optional>

#include "meter/metrology/fake_front_end.hpp"
#include "meter/metrology/metering.hpp"

namespace prewatt::meter {
namespace {

// A box behind a real front end: what the watch says about currents in amperes.
struct Bench final : CurrentSink {
    FakeFrontEnd front_end;
    Metering metering;
    OvercurrentWatch watch;
    double rms = 0;
    int samples_until_report = 0;
    std::optional<OvercurrentReport> report;

    static Calibration calibration() {
        Calibration c = default_calibration(amperes(15), amperes(60));
        c.current[4].offset_counts = 90;
        c.current[4].nanoamperes_per_count = -c.current[4].nanoamperes_per_count * 98 / 100;
        return c;
    }
    Bench()
        : front_end{.calibration = calibration()},
          metering(front_end.calibration, Wiring::k39x1, amperes(15)),
          watch(front_end.calibration) {
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            front_end.volts[p] = sine(220, 50, phase_angle(static_cast<int>(p)));
        front_end.amperes[4] = [this](double t) {
            return rms * std::numbers::sqrt2 * std::sin(2 * std::numbers::pi * 50 * t + 1);
        };
        metering.report_currents_to(this);
    }
    void on_cycle(const CycleCurrents& cycle) override { watch.on_cycle(cycle); }
    // Runs for so many milliseconds, at most until a report.
    bool run(int milliseconds) {
        SampleBlock block;
        report.reset();
        for (int k = 0; k < milliseconds * kSampleRate / 1000; k += 4) {
            front_end.fill(block, 4);
            (void)metering.on_samples(block);
            OvercurrentReport taken;
            if (!watch.take(taken)) continue;
            report = taken;
            samples_until_report = k + 4;
            return true;
        }
        return false;
    }
};

TEST(Overcurrent, GrossOverloadIsReportedWithinAHundredMilliseconds) {
    // Somebody bridges the room to the neighbour's flat, and the wire in the wall glows before the slow limit acts.
    for (int phase = 0; phase < 10; ++phase) {
        Bench bench;
        bench.watch.set_limit({4}, amperes(30));
        bench.rms = 12;
        EXPECT_FALSE(bench.run(300 + 2 * phase));
        bench.rms = 45;
        ASSERT_TRUE(bench.run(200));
        EXPECT_LE(bench.samples_until_report, kSampleRate * 100 / 1000) << phase;
        EXPECT_EQ(bench.report->circuit, Circuit{4});
        EXPECT_NEAR(static_cast<double>(bench.report->current.count()), 45e6, 0.3e6);
    }
}

TEST(Overcurrent, InrushOfTwoCyclesIsNoOverload) {
    // Every refrigerator that starts takes the room with it.
    Bench bench;
    bench.watch.set_limit({4}, amperes(30));
    EXPECT_FALSE(bench.run(301));
    for (int start = 0; start < 20; ++start) {
        bench.rms = 80;
        EXPECT_FALSE(bench.run(38)) << "two cycles";
        bench.rms = 5;
        EXPECT_FALSE(bench.run(103));
    }
}

TEST(Overcurrent, CurrentAtTheLimitIsToldFromOneBelowToAPercent) {
    // The limit that the office has set is another one in the meter.
    for (const double rms : {29.7, 30.3}) {
        Bench bench;
        bench.watch.set_limit({4}, amperes(30));
        bench.rms = rms;
        EXPECT_EQ(bench.run(400), rms > 30) << rms;
    }
}

TEST(Overcurrent, OverloadThatStaysIsReportedEverySecondUntilItGoes) {
    // The first report meets a relay that is being refreshed, and nobody hears of it again.
    Bench bench;
    bench.watch.set_limit({4}, amperes(30));
    bench.rms = 50;
    EXPECT_TRUE(bench.run(200));
    EXPECT_FALSE(bench.run(900));
    EXPECT_TRUE(bench.run(200));
    bench.rms = 20;
    EXPECT_FALSE(bench.run(2000));
}

TEST(Overcurrent, NoLimitIsNeverReachedAndReportsThatNobodyTakesComeAgain) {
    // A household without a limit is cut; or the fifth of five overloads at once is lost for good.
    Calibration calibration = default_calibration(amperes(15), amperes(60));
    OvercurrentWatch watch(calibration);
    CycleCurrents cycle;
    cycle.sample_count = 80;
    for (CycleCurrents::Circuit& sums : cycle.circuits)
        sums.ii = std::int64_t{80} * 20'000 * 20'000;
    OvercurrentReport report;
    for (int k = 0; k < 200; ++k)
        watch.on_cycle(cycle);
    EXPECT_FALSE(watch.take(report));
    for (std::uint8_t c = 0; c < 6; ++c)
        watch.set_limit({c}, amperes(30));
    std::uint64_t seen = 0;
    for (int k = 0; k < 10; ++k) {
        watch.on_cycle(cycle);
        while (k > 4 && watch.take(report))
            seen |= std::uint64_t{1} << report.circuit.index;
    }
    EXPECT_EQ(seen, 0x3Fu);
}

}  // namespace
}  // namespace prewatt::meter
