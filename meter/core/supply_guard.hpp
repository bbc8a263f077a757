// Keeps a household off while its phase is missing or outside 150..250 V (product.md M1), with a delay and a hysteresis
// so that a sagging line does not make forty relays chatter.
//
// Held after 1 s outside 150..250 V; released after 3 s inside 155..245 V. Between the two bands nothing changes. The
// first voltage after a start decides without delay, so a management that starts anew moves no relay of a phase that is
// missing.
#pragma once
#include "base/units.hpp"

namespace prewatt::meter {

class SupplyGuard {
  public:
    static constexpr Voltage kLowest = volts(150);
    static constexpr Voltage kHighest = volts(250);
    static constexpr Voltage kMargin = volts(5);
    static constexpr Duration kHoldAfter = seconds(1);
    static constexpr Duration kReleaseAfter = seconds(3);

    // True when `is_held` changed.
    constexpr bool on_voltage(Voltage voltage, bool present, Instant now) {
        const bool bad = !present || voltage < kLowest || voltage > kHighest;
        const bool good = present && voltage >= kLowest + kMargin && voltage <= kHighest - kMargin;
        if (held_ ? !good : !bad) {
            since_ = kNever;
            return false;
        }
        if (since_ == kNever) since_ = now;
        if (now - since_ < (held_ ? kReleaseAfter : kHoldAfter)) return false;
        held_ = !held_;
        since_ = kNever;
        return true;
    }
    // The first voltage after a start decides at once.
    constexpr void begin(Voltage voltage, bool present) {
        held_ = !present || voltage < kLowest || voltage > kHighest;
        since_ = kNever;
    }
    [[nodiscard]] constexpr bool is_held() const { return held_; }

  private:
    bool held_ = false;
    Instant since_ = kNever;  // since when the opposite has been seen without a break
};

}  // namespace prewatt::meter
