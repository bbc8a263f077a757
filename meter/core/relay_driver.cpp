#include "meter/core/relay_driver.hpp"

#include <algorithm>
#include <bit>

namespace prewatt::meter {
namespace {

constexpr int kQueueSeconds = 5;  // a refresh may wait so long for other relays: 39 pulses and what comes between

constexpr int kLeastSeconds = 8 * 60;

constexpr std::uint64_t bit(int circuit) {
    return std::uint64_t{1} << circuit;
}

}  // namespace

RelayDriver::RelayDriver(RelayBank& bank, int circuits, int circuits_each)
    : bank_(bank), all_(bit(circuits) - 1), circuits_(circuits), circuits_each_(circuits_each), unknown_(all_) {}

void RelayDriver::start(Instant now, std::uint64_t box) {
    box_ = box;
    drawn_ = 0;
    closed_ = 0;
    unknown_ = all_;
    refresh_ = 0;
    pulsing_ = false;
    ready_ = next_household_ = now;
    driven_at_.fill(now);
    // The first refresh of all relays is spread evenly, beginning with any of them.
    const std::uint32_t first = draw(static_cast<std::uint32_t>(circuits_));
    for (std::uint32_t k = 0; k < static_cast<std::uint32_t>(circuits_); ++k) {
        const std::uint32_t place = (k + first) % static_cast<std::uint32_t>(circuits_) + 1;
        refresh_seconds_[k] = static_cast<std::uint16_t>((refresh_seconds_max_ - kQueueSeconds) * place /
                                                         static_cast<std::uint32_t>(circuits_));
    }
    find_next_refresh();
}

void RelayDriver::set_refresh(int minutes_min, int minutes_max) {
    refresh_seconds_min_ = static_cast<std::uint16_t>(minutes_min * 60);
    refresh_seconds_max_ = static_cast<std::uint16_t>(minutes_max * 60);
}

// A mixing function in the manner of a counter-based generator: equal arguments, equal numbers.
std::uint32_t RelayDriver::draw(std::uint32_t below) {
    std::uint64_t x = box_ * 0x9E37'79B9'7F4A'7C15u + ++drawn_;
    x = (x ^ x >> 30) * 0xBF58'476D'1CE4'E5B9u;
    x = (x ^ x >> 27) * 0x94D0'49BB'1331'11EBu;
    return static_cast<std::uint32_t>((x >> 32) * below >> 32);
}

void RelayDriver::find_next_refresh() {
    next_refresh_ = kNever;
    for (int k = 0; k < circuits_; ++k)
        if (!(refresh_ & bit(k)))
            next_refresh_ = std::min(next_refresh_, driven_at_[static_cast<std::size_t>(k)] +
                                                        seconds(refresh_seconds_[static_cast<std::size_t>(k)]));
}

void RelayDriver::want(Circuit circuit, bool closed) {
    wanted_ = closed ? wanted_ | bit(circuit.index) : wanted_ & ~bit(circuit.index);
}

std::uint64_t RelayDriver::allowed(Instant now) const {
    const std::uint64_t changed = changes();
    if (const std::uint64_t open = changed & ~wanted_) return open;
    if (const std::uint64_t unknown = changed & unknown_) return unknown;
    if (now >= next_household_ && changed != 0) return changed;
    const std::uint64_t same_household = (bit(circuits_each_) - 1) << last_closed_ * circuits_each_;
    if (const std::uint64_t rest = changed & same_household) return rest;
    return refresh_ & all_ & ~changed;
}

Instant RelayDriver::poll(Instant now) {
    if (now >= next_refresh_) {
        for (int k = 0; k < circuits_; ++k) {
            const auto i = static_cast<std::size_t>(k);
            if (now >= driven_at_[i] + seconds(refresh_seconds_[i])) refresh_ |= bit(k);
        }
        find_next_refresh();
    }
    if (pulsing_) {
        if (now < ready_) return ready_;
        bank_.end_pulse({circuit_});
        const bool first = unknown_ & bit(circuit_);
        closed_ = closing_ ? closed_ | bit(circuit_) : closed_ & ~bit(circuit_);
        unknown_ &= ~bit(circuit_);
        refresh_ &= ~bit(circuit_);
        pulsing_ = false;
        ready_ = now + kRest;
        driven_at_[circuit_] = now;
        // What start() has given to the first interval stands.
        if (!first) {
            const int latest = std::max(kLeastSeconds, refresh_seconds_max_ - kQueueSeconds);
            const int earliest = std::min<int>(refresh_seconds_min_, latest);
            refresh_seconds_[circuit_] =
                static_cast<std::uint16_t>(earliest + draw(static_cast<std::uint32_t>(latest - earliest + 1)));
        }
        if (closing_anew_) {
            last_closed_ = static_cast<std::uint8_t>(circuit_ / circuits_each_);
            next_household_ = now + kClosingEvery + Duration{draw(static_cast<std::uint32_t>(kClosingJitter.count()))};
        }
        find_next_refresh();
    }
    if (due() == 0) return next_refresh_;
    if (now < ready_) return ready_;
    const std::uint64_t candidates = allowed(now);
    if (candidates == 0) return std::min(next_household_, next_refresh_);
    circuit_ = static_cast<std::uint8_t>(std::countr_zero(candidates));
    closing_ = wanted_ >> circuit_ & 1;
    closing_anew_ = closing_ && !(closed_ >> circuit_ & 1) && !(unknown_ >> circuit_ & 1);
    pulsing_ = true;
    ready_ = now + kPulse;
    bank_.begin_pulse({circuit_}, closing_ ? RelayDrive::kClose : RelayDrive::kOpen);
    return ready_;
}

void RelayDriver::stop() {
    if (!pulsing_) return;
    bank_.end_pulse({circuit_});
    pulsing_ = false;
    unknown_ |= bit(circuit_);
}

std::uint64_t RelayDriver::resting_since(Instant since) const {
    std::uint64_t resting = 0;
    for (int k = 0; k < circuits_; ++k)
        if (driven_at_[static_cast<std::size_t>(k)] <= since) resting |= bit(k);
    return resting & ~unknown_ & ~(pulsing_ ? bit(circuit_) : 0);
}

}  // namespace prewatt::meter
