// The pulses of the households (product.md M3, M16): one pulse for each 1/constant kWh, from the same whole joules that
// the registers count, on the LED of every household and on the one test output of the box.
//
// A pulse is a whole number of joules (1600: 2,250 J; 600: 6,000 J; 5000: 720 J), so register and pulses never drift
// apart: after any number of pulses the two differ by less than one pulse. The energy of a window is let out evenly
// over the following span of the same length instead of at once, so an error calculator on the test output sees even
// intervals. A new constant takes the energy over that has not become a pulse yet.
//
// The LED has no shortest pulse. The test output is S0 (IEC 62053-31, reference metrology.md 1.6): at least 30 ms on
// and 30 ms off, so at most 16.6 pulses a second, or 60 MW divided by the constant: 12.0 kW at 5000, 37.5 kW at 1600,
// 100 kW at 600 imp/kWh. A constant is legal for a household when this is enough up to 1.2 Imax and 1.15 Un on all its
// channels (is_legal_constant). All three constants can be set on every box, as the product promises; where one is not
// legal the output gives every pulse as long as the load allows legal ones, and above that it is silent: never a short
// pulse, never some of the pulses, which would read as an error of the meter. The LED goes on. So at 5000 imp/kWh and
// 15(60) A everything up to 12.0 kW (47 A at 250 V) can be tested at the socket, the points above it by the LED or at
// 1600.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

[[nodiscard]] constexpr bool is_pulse_constant(int per_kilowatt_hour) {
    return per_kilowatt_hour == 600 || per_kilowatt_hour == 1600 || per_kilowatt_hour == 5000;
}

inline constexpr Duration kPulseOnMin = milliseconds(30);
inline constexpr Duration kPulseOffMin = milliseconds(30);
inline constexpr Duration kPulsePeriodMin = kPulseOnMin + kPulseOffMin;

// The power at which legal pulses follow each other without a gap. `constant` is one of the three.
[[nodiscard]] constexpr ActivePower legal_power_max(int constant) {
    return watts(kJoulesPerKilowattHour * 1'000'000 / (constant * kPulsePeriodMin.count()));
}
// 1.2 Imax at 1.15 Un = 253 V on every channel: the circuits of a household, or its three phases.
[[nodiscard]] constexpr ActivePower overload_power(int max_current_amperes, int channels) {
    return ActivePower{std::int64_t{max_current_amperes} * 1'200'000 * 253 * channels};
}
// Does every load up to the overload give legal pulses on the test output? False does not forbid the constant: see
// above.
[[nodiscard]] constexpr bool is_legal_constant(int constant, int max_current_amperes, int channels) {
    return is_pulse_constant(constant) && overload_power(max_current_amperes, channels) <= legal_power_max(constant);
}

// The edges of the test output: pins 1 and 7 of the socket.
class TestOutput {
  public:
    // Silent above this rate; gives pulses again when they have become a little slower, so that a load at the limit
    // does not make it stutter.
    static constexpr Duration kResumePeriod = milliseconds(66);
    static constexpr int kOwedMax = 64;

    // 30..100 ms; a value outside is brought to the nearer end.
    void set_width(Duration width);
    // The LED gave a pulse and pulses come at this period: give it here too, now or as soon as the law allows.
    void pulse(Duration period, Instant now);
    // Another household, or none: what is owed for the one before is dropped. A pulse that is on ends as it should.
    void forget() { owed_ = 0, silent_ = false; }
    // The level from now on.
    [[nodiscard]] bool poll(Instant now);
    [[nodiscard]] Instant next_edge() const { return on_ || owed_ > 0 ? edge_at_ : kNever; }
    [[nodiscard]] bool is_silent() const { return silent_; }  // the load gives more than legal pulses

  private:
    Duration width_ = milliseconds(80);
    Duration width_now_ = milliseconds(80);
    Instant edge_at_{INT64_MIN};  // on: when it ends; off: not on before
    int owed_ = 0;
    bool on_ = false;
    bool silent_ = false;
};

// All LEDs and the test output of a box. One accumulator for each household, whether it is looked at or not: choosing a
// household for the test output begins with whatever fraction of a pulse it had.
//
// All households are measured in the same windows, so the window is kept once and the instants of each are 32 bits of
// microseconds since it ended. The constant is one for the box.
class PulseBank {
  public:
    // Two pulses of an LED are at least this far apart: 5000 imp/kWh at three circuits of 60 A and 250 V come every 16
    // ms.
    static constexpr Duration kSpacingMin = milliseconds(10);

    struct Pulses {
        std::uint64_t leds = 0;  // bit k: household k+1 gives one pulse now
        bool output = false;     // level of the test output from now on
        Instant next = kNever;   // poll again then, at the latest
    };

    // False: not one of the constants above; nothing changed.
    [[nodiscard]] bool set_constant(int constant);
    [[nodiscard]] int constant() const { return static_cast<int>(kJoulesPerKilowattHour / pulse_joules_); }
    void set_width(Duration width) { output_.set_width(width); }
    // Whose pulses the test output gives; household 0: nobody's.
    void select(Household household);
    [[nodiscard]] Household selected() const { return selected_; }
    // Of a window of this span (at most half an hour) that ended `now`: what the household used, forward and reverse
    // alike (0..2^31-1 J with what it has still to give). What was left of an earlier window is due at once, of every
    // household. Call poll() after the last one.
    void add(Household household, Energy energy, Duration span, Instant now);
    [[nodiscard]] Pulses poll(Instant now);
    // When the next pulse of a household is due as far as is known; kNever: not before more energy comes.
    [[nodiscard]] Instant next_due(Household household) const { return due_of(leds_[at(household)]); }

    // Not yet pulses: what a memory that survives a reset keeps.
    [[nodiscard]] Energy residue(Household household) const {
        const Led& led = leds_[at(household)];
        return Energy{std::int64_t{led.ready_joules} + led.spread_joules};
    }
    // After a reset, before anything else: what residue() said.
    void restore(Household household, Energy residue) {
        leds_[at(household)].ready_joules = static_cast<std::int32_t>(residue.count());
    }

  private:
    static constexpr std::uint32_t kNotDue = UINT32_MAX;
    static constexpr std::int64_t kSinceMax = INT32_MAX;  // microseconds; later is as good as then

    struct Led {
        std::int32_t ready_joules = 0;   // from windows before, all of it due
        std::int32_t spread_joules = 0;  // of the last window, let out from from_ over span_
        // Microseconds since from_.
        std::uint32_t not_before = 0;
        std::uint32_t due = kNotDue;
    };

    static constexpr std::size_t at(Household household) { return static_cast<std::size_t>(household.index()); }
    [[nodiscard]] std::uint32_t since(Instant now) const;
    void begin_window(Duration span, Instant now);
    void renew_due(Led& led) const;
    [[nodiscard]] bool give(Led& led, std::uint32_t since) const;
    [[nodiscard]] Duration period_of(const Led& led) const;
    [[nodiscard]] Instant due_of(const Led& led) const {
        return led.due == kNotDue ? kNever : from_ + Duration{led.due};
    }

    std::array<Led, kHouseholdsMax> leds_{};
    std::int64_t pulse_joules_ = kJoulesPerKilowattHour / 1600;
    Instant from_;  // end of the last window
    Duration span_;
    TestOutput output_;
    Household selected_{};
};
static_assert(sizeof(PulseBank) <= 720, "of the 32 KiB of the metering processor");

}  // namespace prewatt::meter
