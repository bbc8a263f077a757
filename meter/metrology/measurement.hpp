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

// The same as the managing side receives it. Energy crosses as totals that only grow: whoever takes a window books the
// difference to the totals that it has booked last, so a window that is lost, repeated or late changes nothing.
struct HouseholdTotals {  // joules since the session began, modulo 2^32, all circuits together
    std::uint32_t forward = 0;
    std::uint32_t reverse = 0;
    friend constexpr bool operator==(const HouseholdTotals&, const HouseholdTotals&) = default;
};
struct MeteringWindow {
    // Named by the managing side, which never gives a number twice; a metering side that has lost its totals begins a
    // new session. 0: not named yet, nothing may be booked.
    std::uint16_t session = 0;
    Measurement measurement;  // present values; its energies are zero
    std::array<HouseholdTotals, kHouseholdsMax> totals{};
};

// How the channels of the box are wired to households and phases (product.md M1). The numbers stand in the storage
// header and never change.
//   39x1, 18x2, 12x3   single-phase: all circuits of a household are on one phase; households go round the phases:
//                      1 on A, 2 on B, 3 on C, 4 on A ...
//   13x3phase          every household is fed by three phases: its circuits 0, 1, 2 are its A, B, C. They are switched
//                      together and count as one circuit, circuit 1 of M11.
enum class Wiring : std::uint8_t { k39x1 = 0, k18x2 = 1, k12x3 = 2, k13x3phase = 3 };
[[nodiscard]] constexpr bool is_three_phase(Wiring w) {
    return w == Wiring::k13x3phase;
}
[[nodiscard]] constexpr int households(Wiring w) {
    return w == Wiring::k39x1 ? 39 : w == Wiring::k18x2 ? 18 : w == Wiring::k12x3 ? 12 : 13;
}
// Channels of a household.
[[nodiscard]] constexpr int circuits_each(Wiring w) {
    return w == Wiring::k39x1 ? 1 : w == Wiring::k18x2 ? 2 : 3;
}
// The phase of circuit k of household h.
[[nodiscard]] constexpr Phase phase_of(Wiring w, Household h, int k) {
    return static_cast<Phase>(is_three_phase(w) ? k : (h.number - 1) % 3);
}
// Circuits of household h are neighbours: h=1 has 0..c-1, h=2 has c..2c-1 ...
[[nodiscard]] constexpr Circuit circuit_of(Wiring w, Household h, int k) {
    return {static_cast<std::uint8_t>((h.number - 1) * circuits_each(w) + k)};
}
[[nodiscard]] constexpr Household household_of(Wiring w, Circuit circuit) {
    return {static_cast<std::uint8_t>(circuit.index / circuits_each(w) + 1)};
}
[[nodiscard]] constexpr Phase phase_of(Wiring w, Circuit circuit) {
    return phase_of(w, household_of(w, circuit), circuit.index % circuits_each(w));
}

}  // namespace prewatt::meter
