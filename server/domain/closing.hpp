// What a register stood at, at one instant: from what the meter froze, or from the readings around it; and how good
// that is. Pure.
//
// In this order: a freeze of the instant; readings on both sides that are equal (a register does not go back, so it
// stood still between them); a reading within kMeasuredWithin; a straight line between the readings around it; the
// reading before it, when none has come since; the first reading after it, when there was none before. The last three
// are estimates and are corrected when something better comes: both stay, the later says why.
#pragma once
#include <optional>
#include <vector>

#include "server/domain/office_calendar.hpp"

namespace prewatt::server {

// The better the higher.
enum class Quality : std::uint8_t { kNone = 0, kEstimated = 1, kMeasured = 2, kFrozen = 3 };
[[nodiscard]] std::string_view word(Quality quality);  // "none", "estimated", "measured", "frozen"

inline constexpr Duration kMeasuredWithin = minutes(2);
inline constexpr int kFreezesKept = 13;  // months' ends that a meter keeps (meter/core/freeze.hpp)
// Of the meters and of the office: a total is counted modulo this (meter/core/freeze.hpp).
inline constexpr std::int64_t kRegisterTurn_ckwh = 100'000'000;

struct RegisterReading {
    UnixTime at;
    Energy forward;
    Credit remaining;
    friend constexpr bool operator==(const RegisterReading&, const RegisterReading&) = default;
};
struct RegisterFacts {
    std::optional<RegisterReading> frozen;  // of exactly this instant
    std::optional<RegisterReading> before;  // the last one before it
    std::optional<RegisterReading> after;   // the first one at or after it
};
struct RegisterAt {
    Energy forward;
    Credit remaining;
    Quality quality = Quality::kNone;
    std::optional<UnixTime> before_at;  // of the readings that it comes from
    std::optional<UnixTime> after_at;
    const char* why = "";  // in words
};
// Nothing: nothing is known of it.
[[nodiscard]] std::optional<RegisterAt> register_at(UnixTime instant, const RegisterFacts& facts);

// Energy between two values of one register; it may have turned over once. Nothing: it went back, so it is another
// register or it was set.
[[nodiscard]] std::optional<Energy> consumption_between(Energy from, Energy to);

// Whether a closing is to be corrected: something better is known, or another estimate.
[[nodiscard]] bool is_better(const RegisterAt& fresh, Quality known_quality, Energy known_forward);

// The instant at which a month ends, which is the beginning of the next at the hour of the freezes.
struct ClosingHour {
    int day = 1;   // of the month, 1..28
    int hour = 0;  // 0..23
    friend constexpr bool operator==(ClosingHour, ClosingHour) = default;
};
[[nodiscard]] UnixTime closing_of(OfficeMonth month, ClosingHour when);
// The meters freeze at the hour that their general setting names (docs/formats/settings.md). What is to be desired of
// it so that it is the closing hour: `desired` is what is desired so far, empty for nothing. Nothing: it is right as it
// is; of a meter of which nothing is desired that is so when the closing hour is that of a new meter.
inline constexpr SettingName kGeneralSetting{0x10, 0};
[[nodiscard]] std::optional<std::vector<Byte>> general_for_closing(const std::vector<Byte>& desired, ClosingHour when);

// The month that ended at this instant; nothing: none did.
[[nodiscard]] std::optional<OfficeMonth> closed_at(UnixTime instant, ClosingHour when);
// The month whose closing is to be made or looked at again at `now`: `closed_until` is the newest that is closed,
// `looked_at` when its last look was. A closing is made an hour after its instant, and looked at again every day for
// ten days.
struct ClosingState {
    std::optional<OfficeMonth> newest;  // closed
    UnixTime newest_looked_at;
    UnixTime hours_until;  // of the roll-ups
    UnixTime days_until;
    std::optional<UnixTime> first_reading_at;
};
[[nodiscard]] std::optional<OfficeMonth> closing_due(const ClosingState& state, ClosingHour when, UnixTime now);

}  // namespace prewatt::server
