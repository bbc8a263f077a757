// Drives the bank of latching relays to where the holds want them, one coil at a time.
//
// A coil pulse lasts 40 ms, then 20 ms of rest, so the supply of the box feeds one coil only. A change goes before a
// refresh, an opening before a closing. After a start no contact is trusted: every relay is driven once.
//
// Refresh (product.md M12, General.refresh_minutes_min/max, 8..15): so long after it was last driven, every relay is
// driven again to where it belongs, so one that a shock has moved, or that missed its pulse, comes right by itself.
// Each relay draws its own interval from min..max, the first one after a start from 0..max, so the pulses spread over
// the minutes and those of a building's boxes do not meet. Drawn from the box number and a counter: no clock, no random
// source. A command that meets a refresh pulse, of the same or another relay, waits for it (60 ms) and is driven then;
// if its pulse did not move the contact the next refresh does.
//
// Closing after each other: when many contacts close at once (six in the morning, credit for a whole building) the
// households of a box follow each other by 200 to 300 ms, each box at its own pace, so that a building's loads do not
// come in one blow. Circuits of one household are not torn apart: a motor must not wait for its third phase. A single
// purchase waits for nobody. After a return of the supply there is nothing to stagger: latching contacts have stayed
// closed and their loads are there before the box is; driving them again switches nothing.
//
// poll() must be called no later than the instant that it returned; nothing is lost when it comes late, only the pulse
// is longer.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

class RelayDriver {
  public:
    static constexpr Duration kPulse = milliseconds(40);
    static constexpr Duration kRest = milliseconds(20);
    // Between the closings of two households, and what a box adds of its own.
    static constexpr Duration kClosingEvery = milliseconds(200);
    static constexpr Duration kClosingJitter = milliseconds(100);

    // `circuits_each`: of a household, neighbours in the bank.
    RelayDriver(RelayBank& bank, int circuits, int circuits_each = 1);

    // `box`: the number of the box; what is drawn follows from it.
    void start(Instant now, std::uint64_t box = 0);
    // Holds for the intervals that are drawn from now on. 1 <= min <= max.
    void set_refresh(int minutes_min, int minutes_max);
    void want(Circuit circuit, bool closed);
    // This relay has not obeyed: it is driven again at once, as if its refresh were due.
    void drive_again(Circuit circuit) { refresh_ |= std::uint64_t{1} << circuit.index; }
    // Ends and begins pulses as they are due. Returns when it wants to be called again.
    Instant poll(Instant now);
    // The supply is going: no coil stays under current.
    void stop();

    // Where the last pulse left the contact; false until the first one.
    [[nodiscard]] bool is_closed(Circuit circuit) const { return closed_ >> circuit.index & 1; }
    [[nodiscard]] std::uint64_t closed() const { return closed_; }  // bit k: circuit k
    [[nodiscard]] bool is_settled() const { return !pulsing_ && due() == 0; }
    // Bit k: circuit k has been driven since the start, and its last pulse ended no later than `since`.
    [[nodiscard]] std::uint64_t resting_since(Instant since) const;

  private:
    [[nodiscard]] std::uint64_t changes() const { return ((wanted_ ^ closed_) | unknown_) & all_; }
    [[nodiscard]] std::uint64_t due() const { return changes() | (refresh_ & all_); }
    // What may be driven now: bits of circuits.
    [[nodiscard]] std::uint64_t allowed(Instant now) const;
    [[nodiscard]] std::uint32_t draw(std::uint32_t below);
    void find_next_refresh();

    RelayBank& bank_;
    std::uint64_t all_;
    int circuits_;
    int circuits_each_;
    std::uint64_t wanted_ = 0;
    std::uint64_t closed_ = 0;
    std::uint64_t unknown_ = 0;  // not driven since the start
    std::uint64_t refresh_ = 0;
    std::array<Instant, kCircuitsMax> driven_at_{};              // end of the last pulse
    std::array<std::uint16_t, kCircuitsMax> refresh_seconds_{};  // after driven_at_
    Instant next_refresh_ = kNever;
    Instant ready_{};           // end of the pulse, or of the rest after it
    Instant next_household_{};  // may close
    std::uint64_t box_ = 0;
    std::uint32_t drawn_ = 0;
    std::uint16_t refresh_seconds_min_ = 8 * 60;
    std::uint16_t refresh_seconds_max_ = 15 * 60;
    std::uint8_t last_closed_ = 0;  // household, from 0
    std::uint8_t circuit_ = 0;
    bool pulsing_ = false;
    bool closing_ = false;
    bool closing_anew_ = false;  // a contact that was open
};

}  // namespace prewatt::meter
