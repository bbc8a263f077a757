// Readings by hour, day and month: which period is to be summed up next. Pure; `now` is an argument.
//
// An hour is summed up from the raw readings once it has been over for kRollUpSettle; a day from its hours, a month
// from its days, each as soon as all of it is there. A day and a month have a row for every household that was ever
// read: where nothing was read it carries the day before on, with zero readings. Summing a period up again gives the
// same rows, so it may be broken off anywhere. A reading that comes later than that is a late one: its hour, and the
// day and the month around it, are summed up again.
#pragma once
#include <set>
#include <vector>

#include "server/domain/office_calendar.hpp"

namespace prewatt::server {

enum class RollUpStep : std::uint8_t { kHour = 1, kDay = 2, kMonth = 3 };
[[nodiscard]] std::string_view word(RollUpStep step);  // "hour", ...

inline constexpr Duration kRollUpSettle = minutes(2);
// Hours without any reading are summed up so long after the newest one; a clock that jumps makes no years of them.
inline constexpr std::int64_t kSilenceMax_ms = 40 * kDay_ms;

struct RollUpPeriod {
    RollUpStep step = RollUpStep::kHour;
    UnixTime from;
    UnixTime to;
    friend constexpr auto operator<=>(const RollUpPeriod&, const RollUpPeriod&) = default;
};
[[nodiscard]] RollUpPeriod period_around(RollUpStep step, UnixTime at);

// How far it has come: everything before is summed up, except what has changed since.
struct RollUpState {
    UnixTime hours_until;  // 0: nothing yet
    UnixTime days_until;
    UnixTime months_until;
    std::set<RollUpPeriod> changed;
    std::optional<UnixTime> next_raw_at;  // about when the first reading from hours_until on is; nothing: there is none
    UnixTime newest_raw_at;
};

// The next period; nothing: all is done for now.
[[nodiscard]] std::optional<RollUpPeriod> roll_up_due(const RollUpState& state, UnixTime now);
// A hour that has been summed up again asks for its day and its month, as far as those had been summed up.
[[nodiscard]] std::vector<RollUpPeriod> changed_with(const RollUpState& state, const RollUpPeriod& done);
// Whether a reading of this time comes too late for its hour.
[[nodiscard]] constexpr bool is_late(UnixTime at, UnixTime hours_until) {
    return at < hours_until;
}

}  // namespace prewatt::server
