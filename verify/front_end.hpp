// The front end of a box on a test bench: a three-phase source of known voltages and currents, and what the box's
// converter makes of them, with everything that a real one does wrong: gain errors, offsets, skew between channels,
// noise, quantisation, cross-talk from the neighbours, drift with temperature. Decides nothing about the meter; the
// meter sees blocks of counts, as on a board.
//
// Fast: a second of all 42 channels takes well under a millisecond, so that hours of a test bench fit into minutes.
// Sines come from one rotating vector for all channels, other shapes from a table.
//
// Limits: a linear front end. Saturation of transformers, magnets and electromagnetic disturbances are no part of it.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/units.hpp"
#include "meter/metrology/calibration.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/ports.hpp"

namespace prewatt::verify {

// How wrong the front end is. Each channel draws its own errors from the seed, within these bounds.
struct FrontEndModel {
    Current basic = amperes(15);
    Current maximum = amperes(60);
    std::uint64_t seed = 1;
    double noise_counts = 0.7;  // rms
    double gain_error = 0.03;   // voltage and current channels, +-
    double offset_counts = 60;  // +-
    // A third of the channels lies at 120 us, a third at 240 us, the rest anywhere in between.
    bool skewed = true;
    double cross_talk = 1e-5;  // of the current of each neighbouring channel (-100 dB)
    // Away from the temperature at which the box was calibrated, and what each channel does per kelvin, +-.
    double kelvin = 0;
    double gain_drift = 50e-6;
    double offset_drift_counts = 0.1;
    double skew_drift_seconds = 5e-9;
};

// A waveform over four mains cycles, for what is no sine. Given as a function of turns (0..4); what the anti-alias
// filter leaves of it (the mean over one sample of 50 Hz) is kept.
class Shape {
  public:
    static constexpr int kCycles = 4;
    static constexpr int kPoints = kCycles * 4096;
    explicit Shape(const std::function<double(double)>& of_turns);
    // turns in 1/2^32 of kCycles.
    [[nodiscard]] float at(std::uint32_t turns) const {
        constexpr int kShift = 32 - 14;
        const std::uint32_t k = turns >> kShift;
        const auto part = static_cast<float>(turns & ((1u << kShift) - 1)) * (1.0f / (1u << kShift));
        return points_[k] + part * (points_[k + 1] - points_[k]);
    }

  private:
    static_assert(kPoints == 1 << 14);
    std::vector<float> points_;  // one more than kPoints
};

struct Supply {
    double volts = 220;  // rms of the sine, or the factor of `shape`
    double hertz = 50;
    std::array<bool, kPhasesMax> lost{};
    bool reversed_sequence = false;  // A, C, B
    const Shape* shape = nullptr;    // null: sine
};
struct Load {
    double amperes = 0;            // rms of the sine, or the factor of `shape`; negative: energy flows back
    double lag_turns = 0;          // behind the voltage of its phase
    const Shape* shape = nullptr;  // null: sine
};
// Lag of a power factor: positive inductive, negative capacitive.
[[nodiscard]] double lag_turns_of(double power_factor);

class FrontEnd {
  public:
    FrontEnd(const FrontEndModel& model, meter::Wiring wiring);

    void set_supply(const Supply& supply) { supply_ = supply; }
    void set_load(Circuit circuit, const Load& load) { loads_[circuit.index] = load; }
    void set_all_loads(const Load& load) { loads_.fill(load); }
    // Active power as the physical world has it.
    [[nodiscard]] double true_watts(Circuit circuit) const;

    // How long after the voltage the channel is sampled.
    [[nodiscard]] double skew_seconds(Circuit circuit) const {
        return channels_[kPhasesMax + circuit.index].skew_seconds;
    }

    // The next `count` samples of every channel; time goes on.
    void fill(meter::SampleBlock& block, int count);

    [[nodiscard]] const FrontEndModel& model() const { return model_; }
    [[nodiscard]] meter::Wiring wiring() const { return wiring_; }
    [[nodiscard]] Supply supply() const { return supply_; }

  private:
    static constexpr std::size_t kChannels = kPhasesMax + kCircuitsMax;
    struct Channel {
        float counts_per_unit = 0;
        float offset = 0;
        double skew_seconds = 0;
    };
    using Row = std::array<float, meter::kBlockSamplesMax>;

    [[nodiscard]] double angle_of(std::size_t phase) const;
    void wave(Row& out, int count, double amplitude, double angle_turns, const Shape* shape) const;
    void convert(std::array<std::int16_t, meter::kBlockSamplesMax>& out, const Row& values, int count,
                 const Channel& channel);

    FrontEndModel model_;
    meter::Wiring wiring_;
    std::array<Channel, kChannels> channels_{};
    Supply supply_;
    std::array<Load, kCircuitsMax> loads_{};
    std::vector<float> noise_;
    std::uint64_t noise_state_;
    double turns_ = 0;  // of phase A, 0..Shape::kCycles
    Row sine_{};        // of the block being filled
    Row cosine_{};
    std::array<std::uint32_t, meter::kBlockSamplesMax> table_turns_{};
    std::array<Row, kCircuitsMax> amperes_{};
};

}  // namespace prewatt::verify
