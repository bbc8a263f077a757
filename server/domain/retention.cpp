#include "server/domain/retention.hpp"

#include <algorithm>

namespace prewatt::server {

Retention decide_retention(const RetentionRules& rules, const RetentionState& state, UnixTime now) {
    Retention out;
    const auto days_ago = [&](int days) { return UnixTime{now.ms - days * kDay_ms}; };
    out.raw_before = days_ago(std::max(rules.raw_days, kRawDaysMin));
    out.disk_is_short = is_short_of_room(rules, state.free_bytes);
    if (out.disk_is_short && state.oldest_raw_at) {
        // One more day each time: it is looked at again when that has gone.
        const UnixTime one_day_more = begin_of_day(UnixTime{state.oldest_raw_at->ms + kDay_ms});
        out.raw_before = std::max(out.raw_before, std::min(one_day_more, days_ago(kRawDaysMin)));
    }
    out.raw_before = begin_of_hour(std::max(std::min(out.raw_before, state.hours_until), kCalendarBegin));
    out.hours_before = std::min(begin_of_day(std::max(days_ago(rules.hour_days), kCalendarBegin)), state.days_until);
    out.days_before = std::min(begin_of_day(std::max(days_ago(rules.day_days), kCalendarBegin)), state.months_until);
    return out;
}

}  // namespace prewatt::server
