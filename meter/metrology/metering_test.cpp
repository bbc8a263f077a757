#include "meter/metrology/metering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "meter/metrology/fake_front_end.hpp"

namespace prewatt::meter {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr Current kBasic = amperes(15);
constexpr Current kMaximum = amperes(60);

// Every channel off by a few percent, 40..140 counts and 0..250 us, as a board before and its calibration after the
// bench.
Calibration scattered_calibration() {
    Calibration c = default_calibration(kBasic, kMaximum);
    int k = 0;
    for (VoltageChannel& v : c.voltage) {
        v.nanovolts_per_count += 150'000 * (k - 1);
        v.offset_counts = static_cast<std::int16_t>(60 - 45 * k++);
    }
    k = 0;
    for (CurrentChannel& i : c.current) {
        i.nanoamperes_per_count += 4'001 * (k - 19);
        i.skew_nanoseconds = k % 4 == 0 ? 120'000 : k % 4 == 1 ? 240'000 : 250'000 * k / 39;
        i.offset_counts = static_cast<std::int16_t>((k % 2 == 0 ? 40 : -40) + 5 * k);
        ++k;
    }
    return c;
}
// The offsets are known to the device only as they were on the bench; here they are not known at all.
Calibration without_offsets(Calibration c) {
    for (VoltageChannel& v : c.voltage)
        v.offset_counts = 0;
    for (CurrentChannel& i : c.current)
        i.offset_counts = 0;
    return c;
}

struct Totals {
    double seconds = 0;
    int windows = 0;
    std::array<double, kCircuitsMax> joules{};  // power times span
    std::array<std::int64_t, kCircuitsMax> forward{};
    std::array<std::int64_t, kCircuitsMax> reverse{};
    Measurement last;

    void add(const Measurement& m) {
        ++windows;
        seconds += static_cast<double>(m.span.count()) * 1e-6;
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            joules[c] +=
                static_cast<double>(m.circuits[c].active.count()) * static_cast<double>(m.span.count()) * 1e-12;
            forward[c] += m.circuits[c].forward.count();
            reverse[c] += m.circuits[c].reverse.count();
        }
        last = m;
    }
    [[nodiscard]] double watts(std::size_t c) const { return joules[c] / seconds; }
};

Totals run(FakeFrontEnd& model, Metering& metering, double seconds) {
    Totals totals;
    SampleBlock block;
    for (int n = 0; n < static_cast<int>(seconds * kSampleRate); n += kBlockSamplesMax) {
        model.fill(block, kBlockSamplesMax);
        if (const Measurement* m = metering.on_samples(block)) totals.add(*m);
    }
    return totals;
}

// All three phases at `volts` and `frequency`; circuit c draws what loads[c] says, at the angle of its phase.
struct Load {
    double amperes_rms = 0;
    double power_factor = 1;  // negative: leading
    bool reversed = false;
    double limit_percent = 1.0;
};
FakeFrontEnd model_of(const Calibration& calibration, double volts_rms, double frequency,
                      const std::vector<Load>& loads) {
    FakeFrontEnd model{.calibration = calibration};
    for (int p = 0; p < kPhasesMax; ++p)
        model.volts[static_cast<std::size_t>(p)] = sine(volts_rms, frequency, phase_angle(p) + 0.3);
    for (std::size_t c = 0; c < loads.size(); ++c) {
        const Load& load = loads[c];
        const double lag = load.power_factor < 0 ? -std::acos(-load.power_factor) : std::acos(load.power_factor);
        model.amperes[c] = sine(load.reversed ? -load.amperes_rms : load.amperes_rms, frequency,
                                phase_angle(static_cast<int>(c % 3)) + 0.3 - lag);
    }
    return model;
}
double watts_of(const Load& load, double volts_rms) {
    return volts_rms * load.amperes_rms * std::abs(load.power_factor) * (load.reversed ? -1 : 1);
}

// IEC 62053-21:2003 table 6, JJG 596-2012 points, 15(60) A direct; then points that stand in no table.
std::vector<Load> points_of_the_table() {
    const double ib = 15, imax = 60;
    return {
        {imax, 1},
        {30, 1},
        {ib, 1},
        {0.1 * ib, 1},
        {0.05 * ib, 1, false, 1.5},
        {imax, 0.5},
        {30, 0.5},
        {ib, 0.5},
        {0.2 * ib, 0.5},
        {0.1 * ib, 0.5, false, 1.5},
        {imax, -0.8},
        {30, -0.8},
        {ib, -0.8},
        {0.2 * ib, -0.8},
        {0.1 * ib, -0.8, false, 1.5},
        {ib, 0.25, false, 3.5},
        {ib, -0.5, false, 2.5},
        {0.2 * ib, 0.25, false, 3.5},
        {imax, 1, true},
        {ib, 1, true},
        {0.1 * ib, 1, true},
        {0.05 * ib, 1, true, 1.5},
        {imax, 0.5, true},
        {ib, 0.5, true},
        {0.1 * ib, -0.8, true, 1.5},
        {0.37 * ib, 0.71},
        {0.37 * ib, -0.71},
        {0.13 * ib, 0.93},
        {2.2 * ib, 0.62, true},
        {0.07 * ib, 1, false, 1.5},
        {1.9 * ib, 1},
        {0.61 * ib, -0.9},
        {72, 1},
        {0.02 * ib, 1, false, 3.0},
        {0.01 * ib, 1, false, 5.0},
    };
}

double worst_share_of_limit(const Calibration& calibration, double volts_rms, double frequency) {
    const std::vector<Load> loads = points_of_the_table();
    FakeFrontEnd model = model_of(calibration, volts_rms, frequency, loads);
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    (void)run(model, metering, 0.6);  // offsets settle
    const Totals totals = run(model, metering, 3);
    double worst = 0;
    for (std::size_t c = 0; c < loads.size(); ++c) {
        const double expected = watts_of(loads[c], volts_rms);
        const double error_percent = (totals.watts(c) / expected - 1) * 100;
        const double share = std::abs(error_percent) / loads[c].limit_percent;
        EXPECT_LT(share, 0.3) << "circuit " << c << ": " << loads[c].amperes_rms << " A at power factor "
                              << loads[c].power_factor << ", " << volts_rms << " V " << frequency
                              << " Hz: " << error_percent << " % of a limit of " << loads[c].limit_percent << " %";
        worst = std::max(worst, share);
        // The registers follow the power to the joule, each direction in its own.
        const std::int64_t joules = expected < 0 ? totals.reverse[c] : totals.forward[c];
        EXPECT_NEAR(static_cast<double>(joules), std::abs(totals.joules[c]), 1.01);
        EXPECT_EQ(expected < 0 ? totals.forward[c] : totals.reverse[c], 0);
    }
    return worst;
}

// A meter that is right only where the verifier looks, or that errs at a low power factor because its channels are read
// one after the other, bills a whole dormitory wrongly for years.
TEST(Metering, ErrorsStayBelowAThirdOfClassOneAtAllPointsOnAndOffTheGrid) {
    const double worst = worst_share_of_limit(scattered_calibration(), 220, 50);
    RecordProperty("worst_share_of_limit", std::to_string(worst));
}

// At the end of a long line there are 150 V in the evening and 250 V at night.
TEST(Metering, ErrorsStayBelowAThirdOfClassOneFrom150To250Volts) {
    (void)worst_share_of_limit(scattered_calibration(), 150, 50);
    (void)worst_share_of_limit(scattered_calibration(), 250, 50);
}

// On a generator the frequency is not 50 Hz, and a window that is cut wrongly counts a fraction of a cycle twice.
TEST(Metering, ErrorsStayBelowAThirdOfClassOneAtOtherFrequencies) {
    for (const double frequency : {45.0, 49.0, 51.0, 55.0, 60.0})
        (void)worst_share_of_limit(scattered_calibration(), 220, frequency);
}

// IEC 62053-21 table 8: a voltage with 10 % and a current with 40 % of the fifth harmonic, in phase, change the error
// by 0.8 % at most.
TEST(Metering, FifthHarmonicIsCountedWhateverTheSkewOfTheChannel) {
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model{.calibration = calibration};
    const double i = 30;
    for (int p = 0; p < kPhasesMax; ++p) {
        const double angle = phase_angle(p);
        model.volts[static_cast<std::size_t>(p)] = [angle](double t) {
            return sine(220, 50, angle)(t) + sine(22, 250, 5 * angle)(t);
        };
    }
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        const double angle = phase_angle(static_cast<int>(c % 3));
        model.amperes[c] = [angle, i](double t) { return sine(i, 50, angle)(t) + sine(0.4 * i, 250, 5 * angle)(t); };
    }
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    (void)run(model, metering, 0.6);
    const Totals totals = run(model, metering, 2);
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        EXPECT_NEAR(totals.watts(c) / (220 * i * 1.04), 1, 0.3 * 0.008)
            << "circuit " << c << ", skew " << calibration.current[c].skew_nanoseconds;
}

// Someone puts a diode in front of a heater: half of the energy must still be counted, and the current must not be
// shown as what is left after its direct part was taken for an offset.
TEST(Metering, HalfWaveLoadIsCountedInFull) {
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model = model_of(calibration, 220, 50, {});
    const double peak = 60;  // A, of the half wave
    for (std::size_t c = 0; c < kCircuitsMax; c += 2) {
        const double angle = phase_angle(static_cast<int>(c % 3)) + 0.3;
        model.amperes[c] = [=](double t) {
            return t < 1 ? 0 : std::max(0.0, peak * std::sin(2 * kPi * 50 * t + angle));
        };
    }
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    (void)run(model, metering, 1.4);
    const Totals totals = run(model, metering, 3);
    for (std::size_t c = 0; c < kCircuitsMax; c += 2) {
        EXPECT_NEAR(totals.watts(c) / (220 * std::numbers::sqrt2 * peak / 4), 1, 0.3 * 0.03);
        EXPECT_NEAR(static_cast<double>(totals.last.circuits[c].current.count()) * 1e-6, peak / 2, 0.01 * peak);
    }
}

// A dimmer fires at 90 degrees: a jump of the full current twice a cycle, that must not be counted by whichever sample
// it falls on. The filter before the converter (here: the mean over one sample) spreads it; without one the point errs
// by up to 5 %.
TEST(Metering, PhaseFiredLoadIsCountedInFull) {
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model = model_of(calibration, 220, 50, {});
    const double peak = 7.5 * std::numbers::sqrt2;
    for (std::size_t c = 0; c < kCircuitsMax; c += 5) {
        const double angle = phase_angle(static_cast<int>(c % 3)) + 0.3;
        model.amperes[c] = [=](double t) {
            constexpr int kParts = 16;
            double sum = 0;
            for (int k = 0; k < kParts; ++k) {
                const double turn = 2 * kPi * 50 * (t + ((k + 0.5) / kParts - 0.5) / kSampleRate) + angle;
                sum += std::fmod(turn + 2 * kPi, kPi) < kPi / 2 ? 0 : peak * std::sin(turn);
            }
            return sum / kParts;
        };
    }
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    (void)run(model, metering, 0.6);
    const Totals totals = run(model, metering, 2);
    for (std::size_t c = 0; c < kCircuitsMax; c += 5)
        EXPECT_NEAR(totals.watts(c) / (220 * 7.5 / 2), 1, 0.3 * 0.03);
}

// A room in which only a charger is plugged in uses 13 W: class 1 demands that it is counted.
TEST(Metering, StartsAtFourThousandthsOfTheBasicCurrent) {
    for (const double volts_rms : {150.0, 220.0, 250.0}) {
        const Calibration calibration = scattered_calibration();
        const std::vector<Load> loads(kCircuitsMax, Load{0.004 * 15});
        FakeFrontEnd model = model_of(calibration, volts_rms, 50, loads);
        Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
        (void)run(model, metering, 0.6);
        const Totals totals = run(model, metering, 4);
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            // Class B of GB/T 17215.321-2021 allows 15 % here.
            EXPECT_NEAR(totals.watts(c) / (volts_rms * 0.06), 1, 0.3 * 0.15) << "circuit " << c;
            EXPECT_NEAR(static_cast<double>(totals.forward[c]), totals.joules[c], 1.01);
        }
    }
}

// An empty room pays nothing, although its neighbours draw all that they may and the converter is never still.
TEST(Metering, CountsNothingWithoutLoad) {
    const Calibration calibration = scattered_calibration();
    std::vector<Load> loads(kCircuitsMax);
    loads[3] = loads[19] = loads[38] = Load{60};
    FakeFrontEnd model = model_of(calibration, 1.15 * 220, 50, loads);
    model.noise_counts = 2;
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    const Totals totals = run(model, metering, 180);
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        if (loads[c].amperes_rms > 0) continue;
        EXPECT_EQ(totals.forward[c], 0);
        EXPECT_EQ(totals.reverse[c], 0);
        EXPECT_EQ(totals.last.circuits[c].active, ActivePower{});
        EXPECT_EQ(totals.last.circuits[c].current, Current{});
        EXPECT_EQ(totals.last.circuits[c].power_factor, PowerFactor{1000});
    }
}

TEST(Metering, NoLoadLimitIsHalfOfTheStartingPower) {
    // 6.6 W: below it the box would bill the losses of an idle charger only on days on which noise helps.
    EXPECT_EQ(Metering(default_calibration(kBasic, kMaximum), Wiring::k39x1, kBasic).no_load_limit(),
              ActivePower{6'600'000});
    EXPECT_EQ(Metering(default_calibration(amperes(10), amperes(40)), Wiring::k39x1, amperes(10)).no_load_limit(),
              ActivePower{4'400'000});
}

std::vector<std::int64_t> flat(const Measurement& m) {
    std::vector<std::int64_t> out{m.span.count()};
    for (const PhaseMeasurement& p : m.phases) {
        out.push_back(p.voltage.count());
        out.push_back(p.frequency.count());
        out.push_back(p.present);
    }
    for (const CircuitMeasurement& c : m.circuits)
        for (const std::int64_t x : {c.current.count(), c.active.count(), c.reactive.count(), c.apparent.count(),
                                     c.power_factor.count(), c.forward.count(), c.reverse.count()})
            out.push_back(x);
    return out;
}

// A driver that delivers 20 samples and one that delivers 80 must not bill differently, nor lose what lies on the seam.
TEST(Metering, HowSamplesAreCutIntoBlocksMakesNoDifference) {
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model = model_of(calibration, 220, 50.7, points_of_the_table());
    auto whole = std::make_unique<std::array<SampleBlock, 80>>();
    for (SampleBlock& block : *whole)
        model.fill(block, kBlockSamplesMax);
    const auto sample = [&](std::size_t n, SampleBlock& into, std::size_t at) {
        const SampleBlock& from = (*whole)[n / kBlockSamplesMax];
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            into.voltage[p][at] = from.voltage[p][n % kBlockSamplesMax];
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            into.current[c][at] = from.current[c][n % kBlockSamplesMax];
    };
    std::vector<std::vector<std::int64_t>> expected;
    for (int length : {80, 1, 2, 3, 20, 79, 0}) {  // 0: lengths that change
        Metering metering(calibration, Wiring::k39x1, kBasic);
        std::vector<std::vector<std::int64_t>> seen;
        const std::size_t total = whole->size() * kBlockSamplesMax;
        std::uint32_t random = 7;
        for (std::size_t n = 0; n < total;) {
            random = random * 1664525 + 1013904223;
            const std::size_t wanted = length > 0 ? static_cast<std::size_t>(length) : 1 + random / 65536 % 80;
            SampleBlock block;
            block.sample_count = static_cast<int>(std::min(wanted, total - n));
            for (std::size_t k = 0; k < static_cast<std::size_t>(block.sample_count); ++k)
                sample(n++, block, k);
            if (const Measurement* m = metering.on_samples(block)) seen.push_back(flat(*m));
        }
        if (expected.empty()) expected = seen;
        ASSERT_GE(seen.size(), 7u);
        EXPECT_EQ(seen, expected) << "blocks of " << length;
    }
}

struct CycleRecord final : CycleSink {
    void on_cycle(const Sums& cycle) override {
        lengths.push_back(cycle.sample_count);
        whole += cycle.whole_cycle ? 1 : 0;
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            i[c] += cycle.circuits[c].i;
            ii[c] += cycle.circuits[c].ii;
        }
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            vv[p] += cycle.phases[p].vv;
        samples += cycle.sample_count;
    }
    std::vector<int> lengths;
    int whole = 0;
    std::int64_t samples = 0;
    std::array<std::int64_t, kCircuitsMax> i{};
    std::array<std::int64_t, kCircuitsMax> ii{};
    std::array<std::int64_t, kPhasesMax> vv{};
};

// A sample that falls between two windows is energy that nobody pays, or that somebody pays twice.
TEST(Metering, CyclesJoinWithoutGapAndWithoutOverlap) {
    FakeFrontEnd model = model_of(scattered_calibration(), 220, 49.3, points_of_the_table());
    Metering metering(model.calibration, Wiring::k39x1, kBasic);
    CycleRecord cycles;
    metering.report_cycles_to(&cycles);
    std::vector<SampleBlock> blocks(60);
    std::int64_t spans = 0, window_samples = 0;
    for (SampleBlock& block : blocks) {
        model.fill(block, 73);
        if (const Measurement* m = metering.on_samples(block)) {
            spans += m->span.count();
            window_samples = cycles.samples;
        }
    }
    EXPECT_EQ(spans, window_samples * 250);
    std::array<std::int64_t, kCircuitsMax> i{}, ii{};
    std::array<std::int64_t, kPhasesMax> vv{};
    std::int64_t n = 0;
    for (const SampleBlock& block : blocks)
        for (std::size_t k = 0; k < 73 && n < cycles.samples; ++k, ++n) {
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                i[c] += block.current[c][k];
                ii[c] += block.current[c][k] * block.current[c][k];
            }
            for (std::size_t p = 0; p < kPhasesMax; ++p)
                vv[p] += block.voltage[p][k] * block.voltage[p][k];
        }
    EXPECT_EQ(cycles.i, i);
    EXPECT_EQ(cycles.ii, ii);
    EXPECT_EQ(cycles.vv, vv);
    EXPECT_GE(cycles.whole, static_cast<int>(cycles.lengths.size()) - 3);
    for (std::size_t k = 3; k < cycles.lengths.size(); ++k)
        EXPECT_NEAR(cycles.lengths[k], 4000 / 49.3, 1.5);
}

// The detector of sudden loads looks at single cycles: it must see watts there, as early as the first one.
TEST(Metering, PowerOfASingleCycleIsThatOfTheWindow) {
    struct Recorder final : CycleSink {
        void on_cycle(const Sums& cycle) override {
            ++cycles;
            if (cycle.whole_cycle) last = cycle;
        }
        Sums last;
        int cycles = 0;
    } recorder;
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model = model_of(calibration, 220, 50, std::vector<Load>(kCircuitsMax, Load{12, 0.7}));
    Metering metering(calibration, Wiring::k39x1, kBasic);
    metering.report_cycles_to(&recorder);
    (void)run(model, metering, 1);
    EXPECT_GE(recorder.cycles, 48);
    for (std::uint8_t c = 0; c < kCircuitsMax; ++c)
        EXPECT_NEAR(static_cast<double>(metering.active_power({c}, recorder.last).count()) * 1e-6, 220 * 12 * 0.7, 10);
    EXPECT_EQ(metering.active_power({39}, recorder.last), ActivePower{});
    EXPECT_EQ(metering.active_power({0}, Sums{}), ActivePower{});
}

// A phase fails at night: its rooms are dark, all other rooms must be measured as before.
TEST(Metering, AnotherPhaseLeadsWhenTheLeadingPhaseFails) {
    const Calibration calibration = scattered_calibration();
    const std::vector<Load> loads(kCircuitsMax, Load{10, 0.9});
    FakeFrontEnd model = model_of(calibration, 220, 50, loads);
    Metering metering(calibration, Wiring::k39x1, kBasic);
    Totals before = run(model, metering, 1);
    EXPECT_TRUE(before.last.phases[0].present);
    model.volts[0] = nullptr;
    for (std::size_t c = 0; c < kCircuitsMax; c += 3)
        model.amperes[c] = nullptr;
    (void)run(model, metering, 0.6);
    const Totals after = run(model, metering, 2);
    EXPECT_FALSE(after.last.phases[0].present);
    EXPECT_EQ(after.last.phases[0].frequency, Frequency{});
    EXPECT_LT(after.last.phases[0].voltage, volts(1));
    EXPECT_EQ(after.windows, 10);
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        if (c % 3 == 0)
            EXPECT_EQ(after.forward[c], 0);
        else
            EXPECT_NEAR(after.watts(c) / 1980, 1, 0.003);
    }
    EXPECT_NEAR(static_cast<double>(after.last.phases[1].frequency.count()), 50'000, 5);

    // And comes back.
    model.volts[0] = sine(220, 50, 0.3);
    (void)run(model, metering, 0.6);
    EXPECT_TRUE(run(model, metering, 0.5).last.phases[0].present);
}

// During a black-out the managing side still needs to hear from the metering side, five times a second.
TEST(Metering, WithoutAnyVoltageWindowsHaveAFixedLengthAndCountNothing) {
    const Calibration calibration = scattered_calibration();
    FakeFrontEnd model{.calibration = calibration};
    Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
    const Totals totals = run(model, metering, 3);
    EXPECT_EQ(totals.windows, 15 - 1);  // the last one waits for two samples more
    EXPECT_EQ(totals.last.span, milliseconds(200));
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        EXPECT_EQ(totals.forward[c] + totals.reverse[c], 0);
    for (const PhaseMeasurement& p : totals.last.phases) {
        EXPECT_FALSE(p.present);
        EXPECT_EQ(p.frequency, Frequency{});
    }
}

// The line sags for a moment around 132 V: the phase must not be reported lost and back with each window.
TEST(Metering, PresenceOfAPhaseHasHysteresis) {
    const Calibration calibration = default_calibration(kBasic, kMaximum);
    Metering metering(calibration, Wiring::k39x1, kBasic);
    FakeFrontEnd model{.calibration = calibration};
    const auto present_at = [&](double rms) {
        model.volts[1] = sine(rms, 50);
        return run(model, metering, 0.8).last.phases[1].present;
    };
    EXPECT_FALSE(present_at(100));
    EXPECT_FALSE(present_at(134));
    EXPECT_TRUE(present_at(140));
    EXPECT_TRUE(present_at(134));
    EXPECT_FALSE(present_at(130));
}

// What the desk reads live: the engineer who compares with a clamp meter must find the same numbers and the same signs.
TEST(Metering, ReadingsHaveTheRightSizeAndSign) {
    for (const double frequency : {47.5, 50.0, 60.0}) {
        const Calibration calibration = scattered_calibration();
        const std::vector<Load> loads(kCircuitsMax, Load{8, 0.6});
        FakeFrontEnd model = model_of(calibration, 230, frequency, loads);
        for (std::size_t c = 1; c < kCircuitsMax; c += 2)
            model.amperes[c] = sine(8, frequency, phase_angle(static_cast<int>(c % 3)) + 0.3 + std::acos(0.6));
        Metering metering(without_offsets(calibration), Wiring::k39x1, kBasic);
        // At some time nothing was drawn, and the offsets showed.
        std::array<std::function<double(double)>, kCircuitsMax> loaded{};
        loaded.swap(model.amperes);
        (void)run(model, metering, 1);
        loaded.swap(model.amperes);
        (void)run(model, metering, 0.4);
        const Totals totals = run(model, metering, 1);
        for (const PhaseMeasurement& p : totals.last.phases) {
            EXPECT_NEAR(static_cast<double>(p.voltage.count()) * 1e-3, 230, 0.2);
            EXPECT_NEAR(static_cast<double>(p.frequency.count()), frequency * 1000, 5);
        }
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            const CircuitMeasurement& m = totals.last.circuits[c];
            const double sign = c % 2 == 0 ? 1 : -1;  // inductive is positive
            EXPECT_NEAR(static_cast<double>(m.current.count()) * 1e-6, 8, 0.02);
            EXPECT_NEAR(static_cast<double>(m.active.count()) * 1e-6, 230 * 8 * 0.6, 5);
            EXPECT_NEAR(static_cast<double>(m.reactive.count()) * 1e-6, sign * 230 * 8 * 0.8, 6)
                << c << " " << frequency;
            EXPECT_NEAR(static_cast<double>(m.apparent.count()) * 1e-6, 230 * 8, 5);
            EXPECT_NEAR(static_cast<double>(m.power_factor.count()), 600, 3);
        }
    }
}

// A heater on the wrong circuit's phase would read half of its power.
TEST(Metering, EveryCircuitIsMultipliedWithTheVoltageOfItsHouseholdsPhase) {
    for (const Wiring wiring : {Wiring::k39x1, Wiring::k18x2, Wiring::k12x3, Wiring::k13x3phase}) {
        const Calibration calibration = default_calibration(kBasic, kMaximum);
        FakeFrontEnd model = model_of(calibration, 220, 50, {});
        for (int h = 1; h <= households(wiring); ++h)
            for (int k = 0; k < circuits_each(wiring); ++k) {
                const Household household{static_cast<std::uint8_t>(h)};
                const int phase = static_cast<int>(phase_of(wiring, household, k));
                model.amperes[circuit_of(wiring, household, k).index] = sine(5, 50, phase_angle(phase) + 0.3);
            }
        Metering metering(calibration, wiring, kBasic);
        (void)run(model, metering, 0.6);
        const Totals totals = run(model, metering, 0.5);
        for (int c = 0; c < kCircuitsMax; ++c) {
            const bool used = c < households(wiring) * circuits_each(wiring);
            EXPECT_NEAR(totals.watts(static_cast<std::size_t>(c)), used ? 1100 : 0, 2) << c;
        }
    }
}

// A workshop's three wires were taken for three single-phase circuits: two of them would be billed at half, backwards.
TEST(Wiring, CircuitsOfAThreePhaseHouseholdAreItsPhasesAndAllOthersStayOnOne) {
    EXPECT_EQ(households(Wiring::k13x3phase), 13);
    EXPECT_EQ(circuits_each(Wiring::k13x3phase), 3);
    for (const Wiring wiring : {Wiring::k39x1, Wiring::k18x2, Wiring::k12x3, Wiring::k13x3phase}) {
        EXPECT_LE(households(wiring) * circuits_each(wiring), kCircuitsMax);
        for (int h = 1; h <= households(wiring); ++h)
            for (int k = 0; k < circuits_each(wiring); ++k) {
                const Household household{static_cast<std::uint8_t>(h)};
                const Circuit circuit = circuit_of(wiring, household, k);
                EXPECT_EQ(household_of(wiring, circuit), household);
                EXPECT_EQ(phase_of(wiring, circuit), phase_of(wiring, household, k));
                EXPECT_EQ(static_cast<int>(phase_of(wiring, circuit)), is_three_phase(wiring) ? k : (h - 1) % 3);
            }
    }
}

// A transformer that was pushed over the wire the wrong way round is put right by the calibration, not by a
// screwdriver.
TEST(Metering, NegativeGainTurnsAChannelRound) {
    Calibration calibration = default_calibration(kBasic, kMaximum);
    FakeFrontEnd model = model_of(calibration, 220, 50, std::vector<Load>(kCircuitsMax, Load{5, 1, true}));
    calibration.current[4].nanoamperes_per_count *= -1;
    Metering metering(calibration, Wiring::k39x1, kBasic);
    const Totals totals = run(model, metering, 2);
    EXPECT_GT(totals.forward[4], 1800);
    EXPECT_EQ(totals.reverse[4], 0);
    EXPECT_GT(totals.reverse[5], 1800);
    EXPECT_GT(totals.last.circuits[4].current, amperes(4));
}

// A contactor on the landing chatters: its spikes must neither end cycles early nor move the frequency.
TEST(Metering, SpikesOnTheVoltageDoNotMoveTheWindows) {
    const Calibration calibration = default_calibration(kBasic, kMaximum);
    FakeFrontEnd model = model_of(calibration, 220, 50, std::vector<Load>(kCircuitsMax, Load{10}));
    const auto clean = model.volts[0];
    model.volts[0] = [clean](double t) {
        const double sample = t * kSampleRate;
        const bool spike = std::fmod(sample + 0.5, 133) < 1;
        return clean(t) + (spike ? (std::fmod(sample, 266) < 133 ? -500 : 500) : 0);
    };
    Metering metering(calibration, Wiring::k39x1, kBasic);
    (void)run(model, metering, 1);
    SampleBlock block;
    for (int n = 0; n < 100; ++n) {
        model.fill(block, kBlockSamplesMax);
        const Measurement* m = metering.on_samples(block);
        if (m == nullptr) continue;
        EXPECT_NEAR(static_cast<double>(m->span.count()), 200'000, 5'000);
        EXPECT_NEAR(static_cast<double>(m->phases[0].frequency.count()), 50'000, 1'500);
        EXPECT_NEAR(static_cast<double>(m->phases[1].frequency.count()), 50'000, 20);
        EXPECT_NEAR(static_cast<double>(m->circuits[1].active.count()) * 1e-6, 2200, 30);
    }
}

// The office compares a meter with the virtual meter that runs the same samples: another compiler or processor may not
// give another bill. The samples here are made without floating point; the figures were the same with g++ 12 and clang
// 19, -O0 to -O3, in both shapes of the kernel. A deliberate change of the algorithm changes them.
TEST(Metering, TheSameSamplesGiveTheSameRegistersEverywhere) {
    Calibration calibration = scattered_calibration();
    Metering metering(calibration, Wiring::k39x1, kBasic);
    // A rotating vector in 1/2^30: 50 Hz is 4.5 degrees a sample.
    constexpr std::int64_t kCosine = 1070431486, kSine = 84244668;
    std::int64_t x = 24000LL << 15, y = 0;
    std::uint32_t random = 12345;
    std::uint64_t hash = 14695981039346656037u;
    std::int64_t joules = 0;
    for (int n = 0; n < 150; ++n) {
        SampleBlock block;
        block.sample_count = kBlockSamplesMax;
        for (std::size_t k = 0; k < static_cast<std::size_t>(kBlockSamplesMax); ++k) {
            const std::int64_t turned = (x * kCosine - y * kSine) >> 30;
            y = (x * kSine + y * kCosine) >> 30;
            x = turned;
            const auto noise = [&] {
                random = random * 1664525 + 1013904223;
                return static_cast<std::int64_t>(random >> 29) - 4;
            };
            const std::array<std::int64_t, 3> phase{x >> 15, (-x / 2 + y * 887 / 1024) >> 15,
                                                    (-x / 2 - y * 887 / 1024) >> 15};
            for (std::size_t p = 0; p < kPhasesMax; ++p)
                block.voltage[p][k] = static_cast<std::int16_t>(phase[p] + noise());
            for (std::size_t c = 0; c < kCircuitsMax; ++c)
                block.current[c][k] =
                    static_cast<std::int16_t>(phase[c % 3] * static_cast<std::int64_t>(c) / 40 +
                                              phase[(c + 1) % 3] / (3 + static_cast<std::int64_t>(c)) + noise());
        }
        if (const Measurement* m = metering.on_samples(block)) {
            for (const std::int64_t value : flat(*m))
                hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211u;
            for (const CircuitMeasurement& c : m->circuits)
                joules += c.forward.count() - c.reverse.count();
        }
    }
    EXPECT_EQ(joules, 675261);
    EXPECT_EQ(hash, 16701435405757791613u);
}

// A broken wire lets the converter saturate: nothing may overflow, and the other channels go on.
TEST(Metering, SaturatedChannelsOverflowNothing) {
    Calibration calibration = default_calibration(kBasic, kMaximum);
    calibration.voltage[0].nanovolts_per_count = INT32_MAX;
    calibration.current[0].nanoamperes_per_count = INT32_MIN;
    calibration.current[1].skew_nanoseconds = INT32_MAX;
    calibration.current[2].skew_nanoseconds = INT32_MIN;
    calibration.current[3].offset_counts = INT16_MIN;
    calibration.voltage[1].offset_counts = INT16_MIN;
    Metering metering(calibration, Wiring::k39x1, kBasic);
    SampleBlock block;
    block.sample_count = 80;
    int windows = 0;
    for (int n = 0; n < 100; ++n) {
        const bool square = n >= 50;
        for (int k = 0; k < 80; ++k) {
            const std::int16_t value = square && k < 40 ? INT16_MAX : INT16_MIN;
            for (auto& row : block.voltage)
                row[static_cast<std::size_t>(k)] = value;
            for (auto& row : block.current)
                row[static_cast<std::size_t>(k)] = value;
        }
        windows += metering.on_samples(block) != nullptr ? 1 : 0;
    }
    EXPECT_GE(windows, 9);
}

TEST(Metering, BlocksOfAnImpossibleLengthAreIgnored) {
    // A driver's mistake must not read beyond the block.
    Metering metering(default_calibration(kBasic, kMaximum), Wiring::k39x1, kBasic);
    SampleBlock block;
    for (const int count : {0, -1, 81, 1'000'000}) {
        block.sample_count = count;
        EXPECT_EQ(metering.on_samples(block), nullptr);
    }
}

// What a reset leaves is kept in 48 bits: a joule less a picojoule must not come back as less.
TEST(Metering, AResidueOfAlmostAJouleComesBackAsItWas) {
    Metering metering(default_calibration(amperes(15), amperes(60)), Wiring::k39x1, amperes(15));
    constexpr Metering::Residue kAlmost{999'999'999'999, 0x12'3456'789A};
    metering.restore({38}, kAlmost);
    EXPECT_EQ(metering.residue({38}), kAlmost);
    EXPECT_EQ(metering.residue({38}).forward_picojoules(), 999'999'999'999);
    EXPECT_EQ(metering.residue({38}).reverse_picojoules(), 0x12'3456'789A);
    EXPECT_EQ(metering.residue({37}), Metering::Residue{});
}

}  // namespace
}  // namespace prewatt::meter
