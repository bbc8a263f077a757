// Keeps a household off while its phase is missing or outside 150..250 V (product.md M1), with a delay and a hysteresis
// so that a sagging line does not make forty relays chatter; and says what is wrong with the phase (M4), for the
// display, the log and the flags of the block.
//
// Held after 1 s outside 150..250 V; released after 3 s inside 155..245 V. Between the two bands nothing changes. What
// is wrong may change while it is held (a phase that sags and then fails): the state follows after 1 s, the hold stays.
// The first voltage after a start decides without delay, so a management that starts anew moves no relay of a phase
// that is missing.
//
// For the log: a loss begins when the state becomes kMissing and ends when it is no longer that. A household fed by
// three phases is held while any of them is held: a motor must not run on two, and what is fed by the other two alone
// is not worth a burnt one. Its circuits on sound phases open with it.
#pragma once
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

enum class SupplyState : std::uint8_t {
    kGood = 0,
    kLow = 1,      // below 150 V
    kHigh = 2,     // above 250 V
    kMissing = 3,  // the metering side sees no supply
};

class SupplyGuard {
  public:
    static constexpr Voltage kLowest = volts(150);
    static constexpr Voltage kHighest = volts(250);
    static constexpr Voltage kMargin = volts(5);
    static constexpr Duration kHoldAfter = seconds(1);
    static constexpr Duration kReleaseAfter = seconds(3);

    // True when `state` changed.
    constexpr bool on_voltage(Voltage voltage, bool present, Instant now) {
        SupplyState seen = judge(voltage, present);
        const bool inside = voltage >= kLowest + kMargin && voltage <= kHighest - kMargin;
        if (seen == SupplyState::kGood && !inside) seen = state_;
        if (seen == state_) {
            since_ = kNever;
            return false;
        }
        // A phase that is bad now in this way, now in that, has been bad all the time.
        const bool still_coming = since_ != kNever && (seen == coming_ || !is_held());
        if (!still_coming) since_ = now;
        coming_ = seen;
        if (now - since_ < (seen == SupplyState::kGood ? kReleaseAfter : kHoldAfter)) return false;
        state_ = seen;
        since_ = kNever;
        return true;
    }
    // The first voltage after a start decides at once.
    constexpr void begin(Voltage voltage, bool present) {
        state_ = judge(voltage, present);
        since_ = kNever;
    }
    [[nodiscard]] constexpr bool is_held() const { return state_ != SupplyState::kGood; }
    [[nodiscard]] constexpr SupplyState state() const { return state_; }

  private:
    static constexpr SupplyState judge(Voltage voltage, bool present) {
        if (!present) return SupplyState::kMissing;
        if (voltage < kLowest) return SupplyState::kLow;
        return voltage > kHighest ? SupplyState::kHigh : SupplyState::kGood;
    }

    SupplyState state_ = SupplyState::kGood;
    SupplyState coming_ = SupplyState::kGood;
    Instant since_ = kNever;  // since when something else has been seen without a break
};

}  // namespace prewatt::meter
