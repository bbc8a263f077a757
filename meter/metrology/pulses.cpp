#include "meter/metrology/pulses.hpp"

namespace prewatt::meter {

bool PulseGenerator::set_constant(int constant) {
    if (!is_pulse_constant(constant)) return false;
    pulse_joules_ = kJoulesPerKilowattHour / constant;
    return true;
}

std::int64_t PulseGenerator::released(Instant now) const {
    const std::int64_t elapsed = (now - spread_from_).count();
    if (elapsed >= spread_over_.count()) return spread_joules_;
    if (elapsed <= 0) return 0;
    return spread_joules_ * elapsed / spread_over_.count();
}

void PulseGenerator::add(Energy energy, Duration span, Instant now) {
    ready_joules_ += spread_joules_;
    spread_joules_ = energy.count();
    spread_from_ = now;
    spread_over_ = span;
}

bool PulseGenerator::poll(Instant now) {
    if (now < not_before_ || ready_joules_ + released(now) < pulse_joules_) return false;
    // Below zero when the pulse is paid in part by what the running window has let out so far.
    ready_joules_ -= pulse_joules_;
    not_before_ = now + kSpacingMin;
    return true;
}

Instant PulseGenerator::next_due() const {
    const std::int64_t missing = pulse_joules_ - ready_joules_;
    if (missing > spread_joules_) return kNever;
    Instant due = spread_from_;
    // Rounded up: at that very instant enough is released.
    if (missing > 0) due = due + Duration{divide(missing * spread_over_.count(), spread_joules_, Round::kUp)};
    return due < not_before_ ? not_before_ : due;
}

}  // namespace prewatt::meter
