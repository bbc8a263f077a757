#include "meter/metrology/pulses.hpp"

#include <algorithm>

namespace prewatt::meter {

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
    pulse_joules_ = kJoulesPerKilowattHour / constant;
    for (Led& led : leds_)
        renew_due(led);
    return true;
}

void PulseBank::select(Household household) {
    if (household == selected_) return;
    selected_ = household;
    output_.forget();
}

std::uint32_t PulseBank::since(Instant now) const {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>((now - from_).count(), 0, kSinceMax));
}

void PulseBank::begin_window(Duration span, Instant now) {
    const std::uint32_t passed = since(now);
    from_ = now;
    span_ = Duration{std::clamp<std::int64_t>(span.count(), 0, kSinceMax)};
    for (Led& led : leds_) {
        led.not_before = led.not_before > passed ? led.not_before - passed : 0;
        if (led.spread_joules == 0 && led.due == kNotDue) continue;
        led.ready_joules += led.spread_joules;
        led.spread_joules = 0;
        renew_due(led);
    }
}

void PulseBank::add(Household household, Energy energy, Duration span, Instant now) {
    if (now != from_ || span != span_) begin_window(span, now);
    Led& led = leds_[at(household)];
    led.ready_joules += led.spread_joules;
    led.spread_joules = static_cast<std::int32_t>(energy.count());
    renew_due(led);
}

void PulseBank::renew_due(Led& led) const {
    const std::int64_t missing = pulse_joules_ - led.ready_joules;
    led.due = kNotDue;
    if (missing > led.spread_joules) return;
    std::int64_t due = 0;
    // Rounded up: at that very instant enough is released.
    if (missing > 0) due = divide(missing * span_.count(), led.spread_joules, Round::kUp);
    led.due = std::max(static_cast<std::uint32_t>(due), led.not_before);
}

bool PulseBank::give(Led& led, std::uint32_t since) const {
    if (since < led.not_before) return false;
    std::int64_t released = led.spread_joules;
    if (since < span_.count()) released = released * since / span_.count();
    if (led.ready_joules + released < pulse_joules_) return false;
    // Below zero when the pulse is paid in part by what the running window has let out so far.
    led.ready_joules -= static_cast<std::int32_t>(pulse_joules_);
    led.not_before = static_cast<std::uint32_t>(std::min(since + kSpacingMin.count(), kSinceMax));
    return true;
}

// From pulse to pulse at the power of the last window; INT64_MAX when there was none.
Duration PulseBank::period_of(const Led& led) const {
    if (led.spread_joules <= 0) return Duration{INT64_MAX};
    return Duration{divide(pulse_joules_ * span_.count(), led.spread_joules, Round::kNearest)};
}

PulseBank::Pulses PulseBank::poll(Instant now) {
    Pulses pulses;
    const std::uint32_t passed = since(now);
    std::uint32_t next = kNotDue;
    for (std::size_t k = 0; k < leds_.size(); ++k) {
        Led& led = leds_[k];
        if (passed >= led.due) {
            if (give(led, passed)) {
                pulses.leds |= std::uint64_t{1} << k;
                if (selected_.index() == static_cast<int>(k)) output_.pulse(period_of(led), now);
            }
            renew_due(led);
        }
        next = std::min(next, led.due);
    }
    if (next != kNotDue) pulses.next = from_ + Duration{next};
    pulses.output = output_.poll(now);
    pulses.next = std::min(pulses.next, output_.next_edge());
    return pulses;
}

}  // namespace prewatt::meter
