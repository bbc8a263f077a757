// What of the readings may go, and when no more may come. Pure.
//
// Raw readings stay for raw_days, then only as hours; hours for hour_days; days for day_days; months for ever. Nothing
// goes that has not been summed up. When the disk is short of room, raw readings go earlier, the oldest first, down to
// the last kRawDaysMin; and below a floor of free room no reading is taken any more, so that the rest is left for
// sales.
#pragma once
#include "server/domain/office_calendar.hpp"

namespace prewatt::server {

struct RetentionRules {
    int raw_days = 35;
    int hour_days = 400;
    int day_days = 3650;
    std::int64_t floor_bytes = 64LL << 20;   // readings are refused below it
    std::int64_t short_bytes = 128LL << 20;  // raw readings go earlier below it
    friend constexpr bool operator==(const RetentionRules&, const RetentionRules&) = default;
};
inline constexpr int kRawDaysMin = 2;

struct RetentionState {
    UnixTime hours_until;  // of the roll-ups
    UnixTime days_until;
    UnixTime months_until;
    std::optional<UnixTime> oldest_raw_at;   // only asked for when the disk is short of room
    std::optional<std::int64_t> free_bytes;  // nothing: not known
};
// Rows before these times may go.
struct Retention {
    UnixTime raw_before;
    UnixTime hours_before;
    UnixTime days_before;
    bool disk_is_short = false;
};
[[nodiscard]] Retention decide_retention(const RetentionRules& rules, const RetentionState& state, UnixTime now);
[[nodiscard]] constexpr bool is_short_of_room(const RetentionRules& rules, std::optional<std::int64_t> free_bytes) {
    return free_bytes && *free_bytes < rules.short_bytes;
}
[[nodiscard]] constexpr bool takes_readings(const RetentionRules& rules, std::optional<std::int64_t> free_bytes) {
    return !free_bytes || *free_bytes >= rules.floor_bytes;
}

}  // namespace prewatt::server
