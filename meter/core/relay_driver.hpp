// Drives the bank of latching relays to where the holds want them, one coil at a time.
//
// A coil pulse lasts 40 ms, then 20 ms of rest, so the supply of the box feeds one coil only. A change goes before a
// refresh, an opening before a closing. After a start no contact is trusted: every relay is driven once. Every ten
// minutes (product.md M12: 8 to 15) every relay is driven again to where it belongs, so one that a shock has moved, or
// that missed its pulse, comes right by itself.
//
// poll() must be called no later than the instant that it returned; nothing is lost when it comes late, only the pulse
// is longer.
#pragma once
#include <cstdint>

#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

class RelayDriver {
  public:
    static constexpr Duration kPulse = milliseconds(40);
    static constexpr Duration kRest = milliseconds(20);
    static constexpr Duration kRefreshEvery = minutes(10);

    RelayDriver(RelayBank& bank, int circuits);

    void start(Instant now);
    void want(Circuit circuit, bool closed);
    // Ends and begins pulses as they are due. Returns when it wants to be called again.
    Instant poll(Instant now);
    // The supply is going: no coil stays under current.
    void stop();

    // Where the last pulse left the contact; false until the first one.
    [[nodiscard]] bool is_closed(Circuit circuit) const { return closed_ >> circuit.index & 1; }
    [[nodiscard]] std::uint64_t closed() const { return closed_; }  // bit k: circuit k
    [[nodiscard]] bool is_settled() const { return !pulsing_ && due() == 0; }

  private:
    [[nodiscard]] std::uint64_t due() const { return ((wanted_ ^ closed_) | unknown_ | refresh_) & all_; }
    [[nodiscard]] int pick() const;

    RelayBank& bank_;
    std::uint64_t all_;
    std::uint64_t wanted_ = 0;
    std::uint64_t closed_ = 0;
    std::uint64_t unknown_ = 0;  // not driven since the start
    std::uint64_t refresh_ = 0;
    Instant ready_{};  // end of the pulse, or of the rest after it
    Instant next_refresh_ = kNever;
    std::uint8_t circuit_ = 0;
    bool pulsing_ = false;
    bool closing_ = false;
};

}  // namespace prewatt::meter
