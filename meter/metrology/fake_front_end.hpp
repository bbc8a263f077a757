// A front end for tests and benchmarks: known voltages and currents at known instants become counts with gain errors,
// offsets, skews, noise and quantisation. What is measured can then be compared with what was put in.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>

#include "meter/metrology/calibration.hpp"
#include "meter/metrology/front_end.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

// Noise of about the given rms: the sum of four uniform numbers. Fast, and the same everywhere.
class Noise {
  public:
    explicit Noise(std::uint64_t seed) : state_(seed * 2 + 1) {}
    double operator()(double rms) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        const std::uint64_t s = state_;
        const auto sum = static_cast<double>((s & 0xffff) + (s >> 16 & 0xffff) + (s >> 32 & 0xffff) + (s >> 48));
        return (sum / 65536 - 2) * std::numbers::sqrt3 * rms;
    }

  private:
    std::uint64_t state_;
};

// Functions of time in seconds, giving volts and amperes; nothing: 0.
struct FakeFrontEnd {
    Calibration calibration;
    std::array<std::function<double(double)>, kPhasesMax> volts{};
    std::array<std::function<double(double)>, kCircuitsMax> amperes{};
    double noise_counts = 0.7;
    Noise noise{1};
    std::int64_t sample = 0;

    void fill(SampleBlock& block, int count) {
        block.sample_count = count;
        for (int k = 0; k < count; ++k, ++sample) {
            const double t = static_cast<double>(sample) / kSampleRate;
            const auto n = static_cast<std::size_t>(k);
            for (std::size_t p = 0; p < kPhasesMax; ++p) {
                const VoltageChannel& channel = calibration.voltage[p];
                const double value = volts[p] ? volts[p](t) : 0.0;
                block.voltage[p][n] =
                    quantise(value * counts_per_volt(channel) + channel.offset_counts + noise(noise_counts));
            }
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                const CurrentChannel& channel = calibration.current[c];
                const double value = amperes[c] ? amperes[c](t + channel.skew_nanoseconds * 1e-9) : 0.0;
                block.current[c][n] =
                    quantise(value * counts_per_ampere(channel) + channel.offset_counts + noise(noise_counts));
            }
        }
    }
};

// rms * sqrt(2) * sin(2 pi frequency t + angle)
inline std::function<double(double)> sine(double rms, double frequency, double angle = 0) {
    return [=](double t) { return rms * std::numbers::sqrt2 * std::sin(2 * std::numbers::pi * frequency * t + angle); };
}
// The angle of phase 0, 1, 2: 0, -120, +120 degrees.
inline double phase_angle(int phase) {
    return -2 * std::numbers::pi / 3 * phase;
}

}  // namespace prewatt::meter
