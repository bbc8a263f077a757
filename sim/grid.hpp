// The supply of a building: three phases of 220 V, 50 Hz, with the slow wander, the flat-topped shape, the sags and the
// lost phases of a real one. Decides the voltage at the terminals of a box as a function of time and seed, nothing
// else.
//
// Magnitude and frequency are functions of time alone, so both levels of the simulator see the same supply: the
// waveform level asks for samples (fill), the cycle level for rms values (rms). Volts, hertz, seconds in double: this
// is the physical world, not a register.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::sim {

inline constexpr double kSamplePeriod = 1.0 / meter::kSampleRate;
inline constexpr Duration kSampleSpan{1'000'000 / meter::kSampleRate};

// Instantaneous voltages of the three phases for one sample block.
struct VoltageBlock {
    int sample_count = 0;
    // Angle of phase A at the first sample, 0..1, and what it goes on by with each; B and C are 1/3 and 2/3 behind.
    double turns = 0;
    double step = 0;
    std::array<double, 3> rms{};
    std::array<std::array<float, meter::kBlockSamplesMax>, 3> volts{};
};

struct GridConfig {
    double nominal_volts = 220;
    double nominal_hertz = 50;
    double wander = 0.02;          // relative amplitude of the slow changes of voltage
    double drift_hertz = 0.03;     // amplitude of the changes of frequency
    double third_harmonic = 0.01;  // of the fundamental; a negative fifth makes the top flat, as supplies are
    double fifth_harmonic = 0.02;
};

// One cycle of the supply's shape with fundamental rms 1, at the angle `turns` (1 = one cycle).
[[nodiscard]] double supply_shape(const GridConfig& config, double turns);
// rms of that shape.
[[nodiscard]] double supply_shape_rms(const GridConfig& config);

class Grid {
  public:
    Grid(const GridConfig& config, std::uint64_t seed);

    // The next `sample_count` samples; time goes on by that much.
    void fill(VoltageBlock& block, int sample_count);
    // Time goes on without samples (cycle level).
    void advance(Duration span);
    [[nodiscard]] Instant now() const { return now_; }

    // rms volts now, zero for a lost phase; hertz now.
    [[nodiscard]] double rms(Phase phase) const;
    [[nodiscard]] double hertz() const;

    // A phase goes (0 V) or comes back, at the next sample.
    void set_lost(Phase phase, bool lost) { lost_[static_cast<std::size_t>(phase)] = lost; }
    // The phase stands at `factor` of its voltage for so long from now on.
    void sag(Phase phase, double factor, Duration span);

  private:
    struct Wander {
        double amplitude, hertz, turns;
    };

    [[nodiscard]] double seconds() const { return static_cast<double>(now_.microseconds()) * 1e-6; }
    [[nodiscard]] double magnitude(std::size_t phase, double t) const;

    GridConfig config_;
    std::array<std::vector<Wander>, 3> voltage_wander_;
    std::vector<Wander> frequency_wander_;
    std::array<bool, 3> lost_{};
    struct Sag {
        double factor = 1, until = 0;
    };
    std::array<Sag, 3> sags_{};
    Instant now_{};
    double turns_ = 0;  // angle of phase A, 0..1
};

}  // namespace prewatt::sim
