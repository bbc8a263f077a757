#include "meter/metrology/pulses.hpp"

#include <algorithm>

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

Duration PulseGenerator::period() const {
    if (spread_joules_ <= 0) return Duration{INT64_MAX};
    return Duration{divide(pulse_joules_ * spread_over_.count(), spread_joules_, Round::kNearest)};
}

void TestOutput::set_width(Duration width) {
    width_ = std::clamp(width, kPulseOnMin, milliseconds(100));
}

void TestOutput::pulse(Duration period, Instant now) {
    silent_ = period < (silent_ ? kResumePeriod : kPulsePeriodMin);
    if (silent_) {
        owed_ = 0;
        return;
    }
    if (!on_ && owed_ == 0 && edge_at_ < now) edge_at_ = now;
    if (owed_ < kOwedMax) ++owed_;
    // Half the period, so that off is as long as on; the shortest pulse makes good what was held up.
    const Duration half{period.count() / 2};
    width_now_ = owed_ > 1 ? kPulseOnMin : std::max(kPulseOnMin, std::min(width_, half));
}

bool TestOutput::poll(Instant now) {
    if (on_ && now >= edge_at_) {
        on_ = false;
        edge_at_ = now + kPulseOffMin;
    } else if (!on_ && owed_ > 0 && now >= edge_at_) {
        on_ = true;
        --owed_;
        edge_at_ = now + width_now_;
    }
    return on_;
}

bool PulseBank::set_constant(int constant) {
    if (!is_pulse_constant(constant)) return false;
    for (std::size_t k = 0; k < households_.size(); ++k) {
        (void)households_[k].set_constant(constant);
        due_[k] = households_[k].next_due();
    }
    return true;
}

void PulseBank::select(Household household) {
    if (household == selected_) return;
    selected_ = household;
    output_.forget();
}

void PulseBank::add(Household household, Energy energy, Duration span, Instant now) {
    const std::size_t k = at(household);
    households_[k].add(energy, span, now);
    due_[k] = households_[k].next_due();
}

PulseBank::Pulses PulseBank::poll(Instant now) {
    Pulses pulses;
    for (std::size_t k = 0; k < households_.size(); ++k) {
        if (now >= due_[k]) {
            if (households_[k].poll(now)) {
                pulses.leds |= std::uint64_t{1} << k;
                if (selected_.index() == static_cast<int>(k)) output_.pulse(households_[k].period(), now);
            }
            due_[k] = households_[k].next_due();
        }
        pulses.next = std::min(pulses.next, due_[k]);
    }
    pulses.output = output_.poll(now);
    pulses.next = std::min(pulses.next, output_.next_edge());
    return pulses;
}

}  // namespace prewatt::meter
