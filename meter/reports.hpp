// What the metering processor tells the managing one, beyond the windows of meter/metrology/measurement.hpp. Shared
// vocabulary of the two: the metrology makes it, meter/node carries it over the interlink, meter/core decides on it.
//
// Features of a step are physics, not policy: what is forbidden, permitted or only reported is decided by
// meter/core/malignant_load from these numbers, so thresholds can be tried again on stored reports.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

// The shape of the current that came with a step.
enum class StepShape : std::uint8_t {
    kOther = 0,      // no resistor to speak of
    kResistive = 1,  // follows the voltage's own waveform, possibly mixed with something else
    kHalfWave = 2,   // a resistor behind a diode
    kPhaseCut = 3,   // a resistor behind a dimmer
    kRamp = 4,       // resistive power that has come slowly, without a step
    kReclose = 5,    // everything behind a contact that has just closed, or after a return of the supply
};

struct StepReport {
    Circuit circuit;
    StepShape shape = StepShape::kOther;
    ActivePower power;        // of the step: after minus before; negative when more left than came
    ReactivePower nonactive;  // of the step: what no resistor draws (displacement and distortion), rms, >= 0, after
                              // loads that left at the same instant have been taken out
    ReactivePower
        reactive;         // of `nonactive`, the displacement: > 0 lags the voltage. The rest, as squares, is distortion
    ActivePower leaving;  // estimated power of loads that left at the same instant, >= 0
    ActivePower resistive;  // power + leaving, of the part that follows the voltage: conductance x voltage^2
    std::int32_t conductance_microsiemens = 0;      // of `resistive`
    std::int16_t power_factor_ten_thousandths = 0;  // cosine between the step's current and the voltage waveform
    std::int16_t residual_ten_thousandths = 0;      // sqrt(1 - cosine^2)
    std::uint8_t cycles = 0;                        // that were looked at
    std::uint8_t cycles_agreed = 0;                 // of these, alone, would have given the same shape
    ActivePower base_power;                         // before the step
    std::int32_t base_conductance_microsiemens = 0;
    std::int32_t total_conductance_microsiemens = 0;  // after
    std::uint8_t rush_tenths =
        10;  // largest cycle after the step, rms, of the settled current: 10 = came without a rush
    std::uint16_t decision_ms = 0;  // from the step to this report
    std::uint8_t capture = 0;       // 1..: waveforms are held under this number until released; 0: none
};

// Two mains cycles before and two after a step, points at equal phase, in the calibrated unit.
inline constexpr int kCapturePointsPerCycle = 32;
struct StepCapture {
    std::array<std::int16_t, 2 * kCapturePointsPerCycle> voltage_before{};  // 0.1 V
    std::array<std::int16_t, 2 * kCapturePointsPerCycle> current_before{};  // 10 mA
    std::array<std::int16_t, 2 * kCapturePointsPerCycle> voltage_after{};
    std::array<std::int16_t, 2 * kCapturePointsPerCycle> current_after{};
};

// A circuit's rms current of single cycles has been above its gross limit: act at once.
struct OvercurrentReport {
    Circuit circuit;
    Current current;
};

}  // namespace prewatt::meter
