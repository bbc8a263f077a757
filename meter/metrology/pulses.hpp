// The pulse output of one household: one pulse for each 1/constant kWh, from the same whole joules that the registers
// count.
//
// A pulse is a whole number of joules (1600: 2,250 J; 600: 6,000 J; 5000: 720 J), so register and pulses never drift
// apart: after any number of pulses the two differ by less than one pulse. The energy of a window is let out evenly
// over the following span of the same length instead of at once, so an error calculator on the test output sees even
// intervals. A new constant takes the energy over that has not become a pulse yet.
#pragma once
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

[[nodiscard]] constexpr bool is_pulse_constant(int per_kilowatt_hour) {
    return per_kilowatt_hour == 600 || per_kilowatt_hour == 1600 || per_kilowatt_hour == 5000;
}

class PulseGenerator {
  public:
    // Two pulses are at least this far apart: 5000 imp/kWh at three circuits of 60 A and 250 V come every 16 ms.
    static constexpr Duration kSpacingMin = milliseconds(10);

    explicit PulseGenerator(int constant = 1600) { (void)set_constant(constant); }

    // False: not one of the constants above; nothing changed.
    [[nodiscard]] bool set_constant(int constant);
    [[nodiscard]] int constant() const { return static_cast<int>(kJoulesPerKilowattHour / pulse_joules_); }

    // Energy (forward and reverse alike, >= 0) of a window of this span that ended `now`.
    void add(Energy energy, Duration span, Instant now);
    // True: give one pulse now.
    [[nodiscard]] bool poll(Instant now);
    // When the next pulse is due as far as is known; kNever: not before more energy comes.
    [[nodiscard]] Instant next_due() const;

    // Not yet pulses: what a power-fail record keeps, and what add() takes back after the start.
    [[nodiscard]] Energy residue() const { return Energy{ready_joules_ + spread_joules_}; }

  private:
    [[nodiscard]] std::int64_t released(Instant now) const;

    std::int64_t pulse_joules_ = kJoulesPerKilowattHour / 1600;
    std::int64_t ready_joules_ = 0;   // from windows before, all of it due
    std::int64_t spread_joules_ = 0;  // of the last window, let out from spread_from_ over spread_over_
    Instant spread_from_;
    Duration spread_over_;
    Instant not_before_{INT64_MIN};
};

}  // namespace prewatt::meter
