// Finds relays that do not obey (product.md M13) within a second: the contact stays closed (current flows, or the load
// side has voltage, although it should be open) or stays open (no voltage behind it although it is closed and its
// phase is there; only where the board senses the load side).
//
// A verdict needs 600 ms of windows without a break that began after the end of the circuit's last pulse, so a window
// that the pulse cuts in two proves nothing. With windows of 200 ms that is 0.8 s after the pulse at the latest.
// Whoever holds this drives a faulty relay again at once (RelayDriver::drive_again) and lets the refresh do the rest.
//
// A fault goes when the contact has been seen to obey for as long. "Stays closed" can only be disproved while the
// contact should be open; a household that has paid meanwhile keeps the mark until the next opening. Where the load
// side is not sensed, missing current proves that the contact is open only if it stopped with a pulse; otherwise
// somebody has switched the load off, and the mark stays for another kUnloaded, so that a welded contact with a
// refrigerator behind it is one fault and not fifty.
//
// Sets of circuits are masks, bit k for circuit k: the whole box is judged with a few operations. Faults are not
// stored: after a start they are found again within a second.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

struct ContactWindow {
    Duration span;
    std::uint64_t judged = 0;    // RelayDriver::resting_since(now - span - ContactWatch::kLate)
    std::uint64_t closed = 0;    // RelayDriver::closed()
    std::uint64_t flowing = 0;   // ContactWatch::kFlowing or more
    std::uint64_t supplied = 0;  // the phase of the circuit is there
    bool sensed = false;         // `live` is known
    std::uint64_t live = 0;      // LoadSense::live()
};

struct ContactNews {  // of this window
    std::uint64_t stays_closed = 0;
    std::uint64_t stays_open = 0;
    std::uint64_t obeys = 0;  // was one of the two, and is no more
    [[nodiscard]] constexpr bool empty() const { return (stays_closed | stays_open | obeys) == 0; }
};

class ContactWatch {
  public:
    // More than an open contact can show: five times what the metering reports as zero, and far above cross-talk.
    static constexpr Current kFlowing = milliamperes(100);
    static constexpr Duration kLate = milliseconds(40);  // a window arrives so long after its end at most
    static constexpr Duration kConfirm = milliseconds(600);
    static constexpr Duration kUnloaded = minutes(30);

    ContactNews on_window(const ContactWindow& window, Instant now);

    [[nodiscard]] std::uint64_t stays_closed() const { return stays_closed_; }
    [[nodiscard]] std::uint64_t stays_open() const { return stays_open_; }
    [[nodiscard]] std::uint64_t faulty() const { return stays_closed_ | stays_open_; }
    // When the present or last fault of this circuit was found.
    [[nodiscard]] Instant since(Circuit circuit) const { return since_[circuit.index]; }

  private:
    // Seen in the last one, two windows without a break.
    struct Streak {
        std::uint64_t one = 0;
        std::uint64_t two = 0;
        std::uint64_t confirm(std::uint64_t seen, Duration span);
    };
    Streak against_open_;    // should be open, is not
    Streak against_closed_;  // should be closed, is not
    Streak for_open_;
    Streak for_closed_;
    std::uint64_t stays_closed_ = 0;
    std::uint64_t stays_open_ = 0;
    std::uint64_t flowed_ = 0;       // in the last window that could be judged
    std::uint64_t pulse_broke_ = 0;  // current flowed before the last pulse and has not since
    std::array<Instant, kCircuitsMax> since_{};
    std::array<Instant, kCircuitsMax> contradicted_{};  // when the contact was last seen not to obey
};

}  // namespace prewatt::meter
