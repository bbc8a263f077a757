// What the metering side tells the managing side: whole windows of about ten mains cycles (200 ms), in integers.
// Energy in a Measurement is new energy since the one before; whoever takes it books it exactly once.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

struct PhaseMeasurement {
    Voltage voltage;       // rms
    Frequency frequency;   // zero when there is no voltage
    bool present = false;  // the supply is there (above 60 % of 220 V)
};
struct CircuitMeasurement {
    Current current;  // rms
    ActivePower active;
    ReactivePower reactive;
    ApparentPower apparent;
    PowerFactor power_factor;  // signed as the active power
    // Whole joules that this window completed; the rest below one joule stays with the metering side.
    Energy forward;
    Energy reverse;
};
struct Measurement {
    Duration span;  // the time that the window covers
    std::array<PhaseMeasurement, 3> phases{};
    std::array<CircuitMeasurement, kCircuitsMax> circuits{};
};

// How the channels of the box are wired to households and phases.
enum class Wiring : std::uint8_t { k39x1, k18x2, k12x3 };
[[nodiscard]] constexpr int households(Wiring w) {
    return w == Wiring::k39x1 ? 39 : w == Wiring::k18x2 ? 18 : 12;
}
[[nodiscard]] constexpr int circuits_each(Wiring w) {
    return w == Wiring::k39x1 ? 1 : w == Wiring::k18x2 ? 2 : 3;
}
// All circuits of a household are on one phase; households go round the phases: 1 on A, 2 on B, 3 on C, 4 on A ...
[[nodiscard]] constexpr Phase phase_of(Household h) {
    return static_cast<Phase>((h.number - 1) % 3);
}
// Circuits of household h are neighbours: h=1 has 0..c-1, h=2 has c..2c-1 ...
[[nodiscard]] constexpr Circuit circuit_of(Wiring w, Household h, int k) {
    return {static_cast<std::uint8_t>((h.number - 1) * circuits_each(w) + k)};
}

}  // namespace prewatt::meter
