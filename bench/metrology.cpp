#include "bench/metrology.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include "meter/metrology/fake_front_end.hpp"
#include "meter/metrology/metering.hpp"

namespace prewatt::bench {
namespace {

using namespace meter;

constexpr double kRecordingSeconds = 1;
constexpr int kRounds = 7;

double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// A landing in the evening: kettles, supplies with harmonics, motors, empty rooms. Played over and over.
std::vector<SampleBlock> record(const Calibration& calibration) {
    FakeFrontEnd front_end{.calibration = calibration};
    for (int p = 0; p < kPhasesMax; ++p) {
        const double angle = phase_angle(p);
        front_end.volts[static_cast<std::size_t>(p)] = [angle](double t) {
            return sine(223, 50, angle)(t) + sine(4.1, 150, 3 * angle + 1)(t) + sine(6.3, 250, 5 * angle + 2)(t);
        };
    }
    for (int c = 0; c < kCircuitsMax; ++c) {
        const double angle = phase_angle(c % 3);
        auto& load = front_end.amperes[static_cast<std::size_t>(c)];
        if (c % 5 == 0)
            load = sine(2 + c * 1.2, 50, angle);
        else if (c % 5 == 1)
            load = [angle](double t) {
                return sine(0.4, 50, angle)(t) + sine(0.3, 150, 3 * angle + 3)(t) + sine(0.2, 250, 5 * angle)(t);
            };
        else if (c % 5 == 2)
            load = sine(1.1, 50, angle - 0.9);
        else if (c % 5 == 3)
            load = sine(0.07, 50, angle + 0.2);
    }
    std::vector<SampleBlock> blocks(static_cast<std::size_t>(kRecordingSeconds * kSampleRate / kBlockSamplesMax));
    for (SampleBlock& block : blocks)
        front_end.fill(block, kBlockSamplesMax);
    return blocks;
}

// One product for each sample, and nothing else: what the straightforward program for active energy alone would do.
// Not inlined: the compiler must not see that the same samples come again.
[[gnu::noinline]] void one_product_per_sample(const SampleBlock& block, std::array<std::int64_t, kCircuitsMax>& sums) {
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        const auto& v = block.voltage[c % kPhasesMax];
        const auto& i = block.current[c];
        std::int64_t sum = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(block.sample_count); ++k) {
            sum += std::int64_t{i[k]} * v[k];
#if defined(__GNUC__)
            asm volatile("" : "+r"(sum));  // scalar: one sample after the other
#endif
        }
        sums[c] += sum;
    }
}

// Best of several rounds, in seconds of the mains for a second of the processor.
template <class Play>
double multiple_of_real_time(double seconds_budget, Play play) {
    play();
    double best = 0;
    for (int round = 0; round < kRounds; ++round) {
        const double began = thread_seconds();
        double took = 0;
        int times = 0;
        do {
            play();
            ++times;
            took = thread_seconds() - began;
        } while (took < seconds_budget / kRounds);
        best = std::max(best, times * kRecordingSeconds / took);
    }
    return best;
}

}  // namespace

Figures run_metrology(double seconds_budget) {
    Calibration calibration = default_calibration(amperes(15), amperes(60));
    for (int c = 0; c < kCircuitsMax; ++c) {
        CurrentChannel& channel = calibration.current[static_cast<std::size_t>(c)];
        channel.skew_nanoseconds = 250'000 * c / kCircuitsMax;
        channel.offset_counts = static_cast<std::int16_t>(3 * c - 60);
    }
    const std::vector<SampleBlock> blocks = record(calibration);
    const auto metering = std::make_unique<Metering>(calibration, Wiring::k39x1, amperes(15));

    std::int64_t joules = 0, windows = 0;
    const double whole = multiple_of_real_time(seconds_budget * 0.7, [&] {
        for (const SampleBlock& block : blocks)
            if (const Measurement* m = metering->on_samples(block)) {
                ++windows;
                for (const CircuitMeasurement& c : m->circuits)
                    joules += c.forward.count();
            }
    });
    std::array<std::int64_t, kCircuitsMax> sums{};
    const double plain = multiple_of_real_time(seconds_budget * 0.3, [&] {
        for (const SampleBlock& block : blocks)
            one_product_per_sample(block, sums);
    });
    const double per_second = static_cast<double>(kSampleRate) * (kCircuitsMax + kPhasesMax);
    const double joules_each = windows > 0 ? static_cast<double>(joules) / static_cast<double>(windows) : 0;

    Figures figures;
    figures.rows.push_back(
        {"metrology multiple of real time", whole, "x", Goal::kAtLeast, 1500,
         "39 current and 3 voltage channels at 4 kSa/s; one thread, its processor time, best of 7 rounds"});
    figures.rows.push_back(
        {"metrology samples", whole * per_second, "samples/s", Goal::kNone, 0, "all channels, everything measured"});
    figures.rows.push_back(
        {"metrology one product per sample", plain, "x", Goal::kNone, 0,
         "scalar reference in the same run: active energy alone, no skew, no rms, no reactive, no windows"});
    figures.rows.push_back({"metrology compared with one product per sample", whole / plain, "times as fast",
                            Goal::kNone, 0,
                            "the complete path takes 8 products a sample and measures, the reference 1"});
    figures.rows.push_back({"metrology energy of a window", joules_each, "J", Goal::kNone, 0,
                            "what the 39 circuits were found to use in 200 ms, to show that work was done"});
    return figures;
}

}  // namespace prewatt::bench
