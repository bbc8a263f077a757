#include "meter/core/relay_driver.hpp"

#include <bit>

namespace prewatt::meter {

RelayDriver::RelayDriver(RelayBank& bank, int circuits) : bank_(bank), all_((std::uint64_t{1} << circuits) - 1) {}

void RelayDriver::start(Instant now) {
    closed_ = 0;
    unknown_ = all_;
    refresh_ = 0;
    pulsing_ = false;
    ready_ = now;
    next_refresh_ = now + kRefreshEvery;
}

void RelayDriver::want(Circuit circuit, bool closed) {
    const std::uint64_t bit = std::uint64_t{1} << circuit.index;
    wanted_ = closed ? wanted_ | bit : wanted_ & ~bit;
}

int RelayDriver::pick() const {
    const std::uint64_t changed = ((wanted_ ^ closed_) | unknown_) & all_;
    if (const std::uint64_t open = changed & ~wanted_) return std::countr_zero(open);
    if (changed) return std::countr_zero(changed);
    return std::countr_zero(refresh_);
}

Instant RelayDriver::poll(Instant now) {
    if (now >= next_refresh_) {
        refresh_ = all_;
        next_refresh_ = now + kRefreshEvery;
    }
    if (pulsing_) {
        if (now < ready_) return ready_;
        bank_.end_pulse({circuit_});
        const std::uint64_t bit = std::uint64_t{1} << circuit_;
        closed_ = closing_ ? closed_ | bit : closed_ & ~bit;
        unknown_ &= ~bit;
        refresh_ &= ~bit;
        pulsing_ = false;
        ready_ = now + kRest;
    }
    if (due() == 0) return next_refresh_;
    if (now < ready_) return ready_;
    circuit_ = static_cast<std::uint8_t>(pick());
    closing_ = wanted_ >> circuit_ & 1;
    pulsing_ = true;
    ready_ = now + kPulse;
    bank_.begin_pulse({circuit_}, closing_ ? RelayDrive::kClose : RelayDrive::kOpen);
    return ready_;
}

void RelayDriver::stop() {
    if (!pulsing_) return;
    bank_.end_pulse({circuit_});
    pulsing_ = false;
    unknown_ |= std::uint64_t{1} << circuit_;
}

}  // namespace prewatt::meter
