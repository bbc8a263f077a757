#include "sim/grid.hpp"

#include <cmath>
#include <numbers>

#include "sim/random.hpp"

namespace prewatt::sim {
namespace {
constexpr double kTwoPi = 2 * std::numbers::pi;
// Periods of the slow changes: the day's load, tap changers and large consumers, the neighbours.
constexpr double kWanderPeriods[] = {86'400, 5'100, 740, 67, 11};
constexpr double kWanderShares[] = {0.40, 0.25, 0.20, 0.10, 0.05};
}  // namespace

double supply_shape(const GridConfig& config, double turns) {
    const double angle = kTwoPi * turns;
    return std::numbers::sqrt2 * (std::sin(angle) + config.third_harmonic * std::sin(3 * angle) +
                                  config.fifth_harmonic * std::sin(5 * angle));
}

double supply_shape_rms(const GridConfig& config) {
    return std::sqrt(1 + config.third_harmonic * config.third_harmonic + config.fifth_harmonic * config.fifth_harmonic);
}

Grid::Grid(const GridConfig& config, std::uint64_t seed) : config_(config) {
    Random random(seed, {0x67726964});
    for (auto& wander : voltage_wander_)
        for (std::size_t k = 0; k < std::size(kWanderPeriods); ++k)
            wander.push_back(
                {config.wander * kWanderShares[k], random.uniform(0.9, 1.1) / kWanderPeriods[k], random.uniform()});
    for (std::size_t k = 0; k < std::size(kWanderPeriods); ++k)
        frequency_wander_.push_back(
            {config.drift_hertz * kWanderShares[k], random.uniform(0.9, 1.1) / kWanderPeriods[k], random.uniform()});
}

double Grid::magnitude(std::size_t phase, double t) const {
    if (lost_[phase]) return 0;
    double relative = 1;
    for (const Wander& w : voltage_wander_[phase])
        relative += w.amplitude * std::sin(kTwoPi * (w.hertz * t + w.turns));
    if (t < sags_[phase].until) relative *= sags_[phase].factor;
    return config_.nominal_volts * relative / supply_shape_rms(config_);
}

double Grid::rms(Phase phase) const {
    return magnitude(static_cast<std::size_t>(phase), seconds()) * supply_shape_rms(config_);
}

double Grid::hertz() const {
    double f = config_.nominal_hertz;
    for (const Wander& w : frequency_wander_)
        f += w.amplitude * std::sin(kTwoPi * (w.hertz * seconds() + w.turns));
    return f;
}

void Grid::sag(Phase phase, double factor, Duration span) {
    sags_[static_cast<std::size_t>(phase)] = {factor, seconds() + static_cast<double>(span.count()) * 1e-6};
}

// The same as supply_shape(), by a rotating vector: sin 3x = 3 s - 4 s^3, sin 5x = 5 s - 20 s^3 + 16 s^5.
void Grid::fill(VoltageBlock& block, int sample_count) {
    block.sample_count = sample_count;
    const double step = hertz() * kSamplePeriod;
    block.turns = turns_;
    block.step = step;
    const double turn_sine = std::sin(kTwoPi * step);
    const double turn_cosine = std::cos(kTwoPi * step);
    const double first = 1 + 3 * config_.third_harmonic + 5 * config_.fifth_harmonic;
    const double third = -4 * config_.third_harmonic - 20 * config_.fifth_harmonic;
    const double fifth = 16 * config_.fifth_harmonic;
    for (std::size_t phase = 0; phase < 3; ++phase) {
        const double volts = magnitude(phase, seconds());
        block.rms[phase] = volts * supply_shape_rms(config_);
        const double crest = volts * std::numbers::sqrt2;
        const double angle = kTwoPi * (turns_ - static_cast<double>(phase) / 3);
        double sine = std::sin(angle);
        double cosine = std::cos(angle);
        auto& out = block.volts[phase];
        for (int n = 0; n < sample_count; ++n) {
            const double square = sine * sine;
            out[static_cast<std::size_t>(n)] =
                static_cast<float>(crest * sine * (first + square * (third + square * fifth)));
            const double next = sine * turn_cosine + cosine * turn_sine;
            cosine = cosine * turn_cosine - sine * turn_sine;
            sine = next;
        }
    }
    turns_ += step * sample_count;
    turns_ -= std::floor(turns_);
    now_ = now_ + kSampleSpan * sample_count;
}

void Grid::advance(Duration span) {
    turns_ += hertz() * static_cast<double>(span.count()) * 1e-6;
    turns_ -= std::floor(turns_);
    now_ = now_ + span;
}

}  // namespace prewatt::sim
