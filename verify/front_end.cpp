#include "verify/front_end.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "meter/metrology/front_end.hpp"

namespace prewatt::verify {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr std::size_t kNoisePoints = 1 << 16;
constexpr double kSamplesPerCycle = meter::kSampleRate / 50.0;

// 0 <= x < 1, the same everywhere.
class Scatter {
  public:
    explicit Scatter(std::uint64_t seed) : engine_(seed) {}
    double operator()() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
    double around_zero(double bound) { return (2 * (*this)() - 1) * bound; }

  private:
    std::mt19937_64 engine_;
};

std::uint32_t table_turns(double turns) {
    const double part = turns / Shape::kCycles;
    return static_cast<std::uint32_t>(static_cast<std::int64_t>((part - std::floor(part)) * 0x1.0p32));
}

}  // namespace

double lag_turns_of(double power_factor) {
    const double lag = std::acos(std::abs(power_factor)) / kTwoPi;
    return power_factor < 0 ? -lag : lag;
}

Shape::Shape(const std::function<double(double)>& of_turns) {
    constexpr int kParts = 64;
    points_.reserve(kPoints + 1);
    for (int k = 0; k <= kPoints; ++k) {
        double sum = 0;
        for (int part = 0; part < kParts; ++part) {
            const double turns =
                static_cast<double>(k) * kCycles / kPoints + ((part + 0.5) / kParts - 0.5) / kSamplesPerCycle;
            sum += of_turns(turns - kCycles * std::floor(turns / kCycles));
        }
        points_.push_back(static_cast<float>(sum / kParts));
    }
}

FrontEnd::FrontEnd(const FrontEndModel& model, meter::Wiring wiring)
    : model_(model), wiring_(wiring), noise_state_(model.seed * 2 + 1) {
    const meter::Calibration nominal = meter::default_calibration(model.basic, model.maximum);
    Scatter scatter(model.seed);
    for (std::size_t k = 0; k < kChannels; ++k) {
        const double nominal_counts = k < kPhasesMax ? meter::counts_per_volt(nominal.voltage[k])
                                                     : meter::counts_per_ampere(nominal.current[k - kPhasesMax]);
        // The first two of each kind are as wrong as allowed.
        const double gain = k % kPhasesMax == 0   ? model.gain_error
                            : k % kPhasesMax == 1 ? -model.gain_error
                                                  : scatter.around_zero(model.gain_error);
        const double drift = scatter.around_zero(model.gain_drift) * model.kelvin;
        Channel& channel = channels_[k];
        channel.counts_per_unit = static_cast<float>(nominal_counts * (1 + gain) * (1 + drift));
        channel.offset = static_cast<float>(scatter.around_zero(model.offset_counts) +
                                            scatter.around_zero(model.offset_drift_counts) * model.kelvin);
        const double anywhere = scatter() * 250e-6;
        const double skew_drift = scatter.around_zero(model.skew_drift_seconds) * model.kelvin;
        if (k >= kPhasesMax && model.skewed)
            channel.skew_seconds = (k % 3 == 0 ? 120e-6 : k % 3 == 1 ? 240e-6 : anywhere) + skew_drift;
    }
    noise_.resize(kNoisePoints + meter::kBlockSamplesMax);
    for (float& value : noise_) {
        double sum = -6;
        for (int n = 0; n < 12; ++n)
            sum += scatter();
        value = static_cast<float>(sum * model.noise_counts);
    }
}

double FrontEnd::angle_of(std::size_t phase) const {
    return (supply_.reversed_sequence ? 1.0 : -1.0) * static_cast<double>(phase) / 3;
}

double FrontEnd::true_watts(Circuit circuit) const {
    const Load& load = loads_[circuit.index];
    const auto phase = static_cast<std::size_t>(meter::phase_of(wiring_, circuit));
    if (supply_.lost[phase] || load.amperes == 0) return 0;
    if (supply_.shape == nullptr && load.shape == nullptr)
        return supply_.volts * load.amperes * std::cos(kTwoPi * load.lag_turns);
    const auto value = [](const Shape* shape, double turns) {
        return shape != nullptr ? static_cast<double>(shape->at(table_turns(turns)))
                                : std::numbers::sqrt2 * std::sin(kTwoPi * turns);
    };
    double sum = 0;
    for (int k = 0; k < Shape::kPoints; ++k) {
        const double turns = static_cast<double>(k) * Shape::kCycles / Shape::kPoints;
        sum += value(supply_.shape, turns) * value(load.shape, turns - load.lag_turns);
    }
    return supply_.volts * load.amperes * sum / Shape::kPoints;
}

void FrontEnd::wave(Row& out, int count, double amplitude, double angle_turns, const Shape* shape) const {
    if (shape == nullptr) {
        const auto a = static_cast<float>(amplitude * std::numbers::sqrt2 * std::cos(kTwoPi * angle_turns));
        const auto b = static_cast<float>(amplitude * std::numbers::sqrt2 * std::sin(kTwoPi * angle_turns));
        for (int n = 0; n < count; ++n)
            out[static_cast<std::size_t>(n)] =
                a * sine_[static_cast<std::size_t>(n)] + b * cosine_[static_cast<std::size_t>(n)];
        return;
    }
    const std::uint32_t angle = table_turns(angle_turns);
    for (int n = 0; n < count; ++n)
        out[static_cast<std::size_t>(n)] =
            static_cast<float>(amplitude) * shape->at(table_turns_[static_cast<std::size_t>(n)] + angle);
}

void FrontEnd::convert(std::array<std::int16_t, meter::kBlockSamplesMax>& out, const Row& values, int count,
                       const Channel& channel) {
    noise_state_ ^= noise_state_ << 13;
    noise_state_ ^= noise_state_ >> 7;
    noise_state_ ^= noise_state_ << 17;
    const float* const noise = noise_.data() + noise_state_ % kNoisePoints;
    const float scale = channel.counts_per_unit;
    const float offset = channel.offset + 32768.5f;
    for (int n = 0; n < count; ++n) {
        float counts = values[static_cast<std::size_t>(n)] * scale + (noise[n] + offset);
        counts = counts < 0.5f ? 0.5f : counts > 65535.0f ? 65535.0f : counts;
        out[static_cast<std::size_t>(n)] = static_cast<std::int16_t>(static_cast<int>(counts) - 32768);
    }
}

void FrontEnd::fill(meter::SampleBlock& block, int count) {
    block.sample_count = count;
    const double step = supply_.hertz / meter::kSampleRate;
    double s = std::sin(kTwoPi * turns_);
    double c = std::cos(kTwoPi * turns_);
    const double turn_s = std::sin(kTwoPi * step);
    const double turn_c = std::cos(kTwoPi * step);
    for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n) {
        sine_[n] = static_cast<float>(s);
        cosine_[n] = static_cast<float>(c);
        table_turns_[n] = table_turns(turns_ + step * static_cast<double>(n));
        const double next = s * turn_c + c * turn_s;
        c = c * turn_c - s * turn_s;
        s = next;
    }
    turns_ += step * count;
    turns_ -= Shape::kCycles * std::floor(turns_ / Shape::kCycles);

    Row row;
    for (std::size_t p = 0; p < kPhasesMax; ++p) {
        wave(row, count, supply_.lost[p] ? 0 : supply_.volts, angle_of(p), supply_.shape);
        convert(block.voltage[p], row, count, channels_[p]);
    }
    for (std::size_t k = 0; k < kCircuitsMax; ++k) {
        const auto phase = static_cast<std::size_t>(meter::phase_of(wiring_, Circuit{static_cast<std::uint8_t>(k)}));
        const Load& load = loads_[k];
        wave(amperes_[k], count, load.amperes,
             angle_of(phase) - load.lag_turns + channels_[kPhasesMax + k].skew_seconds * supply_.hertz, load.shape);
    }
    const auto share = static_cast<float>(model_.cross_talk);
    for (std::size_t k = 0; k < kCircuitsMax; ++k) {
        const Channel& channel = channels_[kPhasesMax + k];
        if (share == 0) {
            convert(block.current[k], amperes_[k], count, channel);
            continue;
        }
        static constexpr Row kNobody{};
        const Row& before = k > 0 ? amperes_[k - 1] : kNobody;
        const Row& behind = k + 1 < kCircuitsMax ? amperes_[k + 1] : kNobody;
        for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n)
            row[n] = amperes_[k][n] + share * (before[n] + behind[n]);
        convert(block.current[k], row, count, channel);
    }
}

}  // namespace prewatt::verify
