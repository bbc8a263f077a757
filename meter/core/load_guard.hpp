// Load control (product.md M9, and the lower power of M10): cuts circuit 1 of a household that draws more than it may,
// lets it come back by itself, and after so many cuts keeps it off until somebody with the right forces power on.
//
//   watching --trip--> cut --pause over--> watching --last trip--> locked out --reset--> watching
//
// What trips: the time above the limit reaches the delay. Time below the limit pays back at the same rate, so a load
// that dips for a moment every few seconds does not get away, and a motor that starts now and then is never cut. Above
// the gross limit there is no delay. In a period of SupplyMode::kLimited the household's limited_watts stand beside the
// limit in amperes: whichever is exceeded; delay, pause and counting are the same, because it is the same relay that
// wears (with milliamperes = 0 the other fields of LoadLimit still hold). The power is that of both directions.
//
// The circuit is closed again after the pause, whatever is plugged in: with the contact open nobody can see the load.
// If it is still there the guard cuts again, and the cut counts.
//
// Time here is powered time of this box, counted by the monotonic clock. No calendar takes part: a clock that is wrong,
// or set, can neither unlock, nor shorten a pause, nor forget a cut. After a restart a pause begins anew, and of the
// hours without a cut those are kept that were complete. Storage: LoadBook, three bytes, at every cut, restore and
// reset, and once an hour while cuts are remembered.
//
// Holds: kOverload while cut; kOverload and kLockedOut when locked out, so that everybody sees what locked it.
#pragma once
#include <array>
#include <cstdint>

#include "base/hold.hpp"
#include "base/units.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// The numbers stand in storage.
enum class LoadStage : std::uint8_t { kWatching = 0, kCut = 1, kLockedOut = 2 };
enum class LoadEvent : std::uint8_t { kTrip, kLastTrip, kPauseOver, kReset };

inline constexpr int kLoadStages = 3;
inline constexpr int kLoadEvents = 4;
// One line for each stage, one column for each event: trip, last trip, pause over, reset.
inline constexpr std::array<std::array<LoadStage, kLoadEvents>, kLoadStages> kLoadTable{{
    {LoadStage::kCut, LoadStage::kLockedOut, LoadStage::kWatching, LoadStage::kWatching},         // watching
    {LoadStage::kCut, LoadStage::kCut, LoadStage::kWatching, LoadStage::kWatching},               // cut
    {LoadStage::kLockedOut, LoadStage::kLockedOut, LoadStage::kLockedOut, LoadStage::kWatching},  // locked out
}};
[[nodiscard]] constexpr LoadStage next(LoadStage stage, LoadEvent event) {
    return kLoadTable[static_cast<std::size_t>(stage)][static_cast<std::size_t>(event)];
}

consteval bool only_a_reset_unlocks() {
    for (int e = 0; e < kLoadEvents; ++e) {
        const auto event = static_cast<LoadEvent>(e);
        if ((next(LoadStage::kLockedOut, event) != LoadStage::kLockedOut) != (event == LoadEvent::kReset)) return false;
    }
    return true;
}
consteval bool only_a_trip_darkens() {
    for (int e = 0; e < kLoadEvents; ++e) {
        const auto event = static_cast<LoadEvent>(e);
        const bool trip = event == LoadEvent::kTrip || event == LoadEvent::kLastTrip;
        if ((next(LoadStage::kWatching, event) != LoadStage::kWatching) != trip) return false;
    }
    return true;
}
static_assert(only_a_reset_unlocks());
static_assert(only_a_trip_darkens());
static_assert(next(LoadStage::kCut, LoadEvent::kPauseOver) == LoadStage::kWatching, "power comes back by itself");
static_assert(next(LoadStage::kCut, LoadEvent::kLastTrip) == LoadStage::kCut, "an open contact is not cut again");

struct LoadBook {  // what is stored
    LoadStage stage = LoadStage::kWatching;
    std::uint8_t cuts = 0;         // that are remembered
    std::uint8_t quiet_hours = 0;  // complete hours since the last of them
    friend constexpr bool operator==(const LoadBook&, const LoadBook&) = default;
};

struct Load {            // circuit 1 of a household in one window
    Current current;     // rms; of a three-phase household the largest of its phases
    ActivePower active;  // of a three-phase household the sum of the three
    Duration span;
};

enum class LoadCause : std::uint8_t { kNone = 0, kCurrent = 1, kGross = 2, kPower = 3 };
enum class LoadNews : std::uint8_t { kNone, kCut, kLockedOut, kRestored, kReset };

struct LoadDecision {
    LoadNews news = LoadNews::kNone;  // for the log; anything but kNone moves the holds
    LoadCause cause = LoadCause::kNone;
    bool store = false;  // book() has changed
};

class LoadGuard {
  public:
    static constexpr Duration kHour = seconds(3600);

    // After a start: the pause of a cut begins anew.
    void start(const LoadBook& book, const settings::LoadLimit& limit, Instant now);

    // With every window. `power_max`: what a period of limited power allows, zero when there is none. `overruled`:
    // forced power overrules the hold of this guard, so nothing is cut and nothing counted.
    LoadDecision on_window(const Load& load, const settings::LoadLimit& limit, ActivePower power_max, bool overruled,
                           Instant now);
    // OvercurrentReport: single cycles above the gross limit. Checked again, for the limit may have changed since.
    LoadDecision on_gross(Current current, const settings::LoadLimit& limit, bool overruled, Instant now);
    // Ends a pause, counts quiet hours. Due at next_poll() at the latest.
    LoadDecision poll(const settings::LoadLimit& limit, Instant now);
    // Forced power that overrules kOverload or kLockedOut, or a reset by the office: power at once, counting anew.
    LoadDecision reset();

    [[nodiscard]] Instant next_poll() const { return pause_end_ < quiet_hour_ ? pause_end_ : quiet_hour_; }
    [[nodiscard]] HoldSet holds() const;
    [[nodiscard]] const LoadBook& book() const { return book_; }
    // Cuts that are left before the lock-out, the one that locks out included.
    [[nodiscard]] int tries_left(const settings::LoadLimit& limit) const;

    // The current above which single cycles are to be reported; zero: never.
    [[nodiscard]] static constexpr Current gross_limit(const settings::LoadLimit& limit) {
        return Current{std::int64_t{limit.milliamperes} * 1000 * limit.gross_percent / 100};
    }

  private:
    LoadDecision trip(LoadCause cause, const settings::LoadLimit& limit, Instant now);

    LoadBook book_;
    Duration above_;               // time above the limit less time below it
    Instant pause_end_ = kNever;   // of a cut
    Instant quiet_hour_ = kNever;  // when the next hour without a cut is complete
};

}  // namespace prewatt::meter
