#include "verify/calibrator.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "verify/reading.hpp"

namespace prewatt::verify {
namespace {

constexpr double kSettleSeconds = 0.6;
constexpr double kReadSeconds = 2;

// Means of all channels, in counts.
class Means final : public meter::CycleSink {
  public:
    void on_cycle(const meter::Sums& cycle) override {
        samples_ += cycle.sample_count;
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            v_[p] += cycle.phases[p].v;
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            i_[c] += cycle.circuits[c].i;
    }
    [[nodiscard]] std::int16_t voltage(std::size_t phase) const { return mean(v_[phase]); }
    [[nodiscard]] std::int16_t current(std::size_t circuit) const { return mean(i_[circuit]); }

  private:
    [[nodiscard]] std::int16_t mean(std::int64_t sum) const {
        return static_cast<std::int16_t>(divide(sum, samples_, Round::kNearest));
    }
    std::int64_t samples_ = 0;
    std::array<std::int64_t, kPhasesMax> v_{};
    std::array<std::int64_t, kCircuitsMax> i_{};
};

Reading settled(FrontEnd& front_end, const meter::Calibration& calibration, double amperes, double power_factor) {
    front_end.set_supply({});
    front_end.set_all_loads({.amperes = amperes, .lag_turns = lag_turns_of(power_factor)});
    meter::Metering metering(calibration, front_end.wiring(), front_end.model().basic);
    (void)read(front_end, metering, kSettleSeconds);
    return read(front_end, metering, kReadSeconds);
}

}  // namespace

meter::Calibration calibrate(FrontEnd& front_end, double reference_error) {
    const Current basic = front_end.model().basic;
    const double ib = static_cast<double>(basic.count()) * 1e-6;
    const double volts = Supply{}.volts;
    const int circuits = meter::households(front_end.wiring()) * meter::circuits_each(front_end.wiring());
    meter::Calibration calibration = meter::default_calibration(basic, front_end.model().maximum);
    {
        front_end.set_supply({.volts = 0});
        front_end.set_all_loads({});
        meter::Metering metering(calibration, front_end.wiring(), basic);
        Means means;
        metering.report_cycles_to(&means);
        (void)read(front_end, metering, kReadSeconds);
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            calibration.voltage[p].offset_counts = means.voltage(p);
        for (std::size_t c = 0; c < static_cast<std::size_t>(circuits); ++c)
            calibration.current[c].offset_counts = means.current(c);
    }
    const auto scaled = [](std::int32_t& constant, double factor) {
        constant = static_cast<std::int32_t>(std::lround(static_cast<double>(constant) * factor));
    };
    for (int round = 0; round < 2; ++round) {
        const Reading in_phase = settled(front_end, calibration, ib, 1);
        const Reading lagging = settled(front_end, calibration, ib, 0.5);
        std::array<double, kPhasesMax> voltage_factor{};
        for (std::size_t p = 0; p < kPhasesMax; ++p) {
            voltage_factor[p] = volts * (1 + reference_error) / in_phase.volts[p];
            scaled(calibration.voltage[p].nanovolts_per_count, voltage_factor[p]);
        }
        for (std::size_t c = 0; c < static_cast<std::size_t>(circuits); ++c) {
            // P = g V I cos(lag - x), where x is the angle of the skew that is not known yet.
            const double cosine = in_phase.watts[c] / (volts * ib);
            const double sine = (lagging.watts[c] / (volts * ib) - 0.5 * cosine) / std::sin(std::numbers::pi / 3);
            const double gain = std::hypot(cosine, sine);
            const auto phase =
                static_cast<std::size_t>(meter::phase_of(front_end.wiring(), Circuit{static_cast<std::uint8_t>(c)}));
            scaled(calibration.current[c].nanoamperes_per_count,
                   (1 + reference_error) / (gain * voltage_factor[phase]));
            calibration.current[c].skew_nanoseconds +=
                static_cast<std::int32_t>(std::lround(std::atan2(sine, cosine) / (2 * std::numbers::pi * 50) * 1e9));
        }
    }
    front_end.set_supply({});
    front_end.set_all_loads({});
    return calibration;
}

}  // namespace prewatt::verify
