#include "server/domain/roll_up.hpp"

#include <algorithm>

namespace prewatt::server {
namespace {

// So many hours without a reading are gone through one by one; a longer gap is jumped over.
constexpr std::int64_t kGapMax_ms = 2 * kDay_ms;

}  // namespace

std::string_view word(RollUpStep step) {
    switch (step) {
        case RollUpStep::kHour:
            return "hour";
        case RollUpStep::kDay:
            return "day";
        case RollUpStep::kMonth:
            return "month";
    }
    return "unknown";
}

RollUpPeriod period_around(RollUpStep step, UnixTime at) {
    switch (step) {
        case RollUpStep::kHour: {
            const UnixTime from = begin_of_hour(at);
            return {step, from, UnixTime{from.ms + kHour_ms}};
        }
        case RollUpStep::kDay: {
            const UnixTime from = begin_of_day(at);
            return {step, from, UnixTime{from.ms + kDay_ms}};
        }
        case RollUpStep::kMonth:
            break;
    }
    const OfficeMonth month = office_month_of(at);
    return {RollUpStep::kMonth, month.begin(), month.end()};
}

std::optional<RollUpPeriod> roll_up_due(const RollUpState& state, UnixTime now) {
    if (!is_in_calendar(now)) return std::nullopt;
    // Hours before days before months: the set is in this order.
    if (!state.changed.empty()) return *state.changed.begin();
    // Behind the hours come the day and the month that they complete, so that these are ready on the first.
    if (state.months_until != UnixTime{}) {
        const RollUpPeriod month = period_around(RollUpStep::kMonth, state.months_until);
        if (month.to <= state.days_until) return month;
        const RollUpPeriod day = period_around(RollUpStep::kDay, state.days_until);
        if (day.to <= state.hours_until) return day;
    }
    const bool begun = state.hours_until != UnixTime{};
    if (!begun && !state.next_raw_at) return std::nullopt;
    UnixTime from = state.hours_until;
    // A gap is jumped over in whole hours; its days and months are made all the same, they carry on what was before.
    if (state.next_raw_at && (!begun || state.next_raw_at->ms - from.ms > kGapMax_ms))
        from = std::max(from, begin_of_hour(*state.next_raw_at));
    const RollUpPeriod hour = period_around(RollUpStep::kHour, from);
    if (hour.to + kRollUpSettle > now || hour.from.ms > state.newest_raw_at.ms + kSilenceMax_ms) return std::nullopt;
    return hour;
}

std::vector<RollUpPeriod> changed_with(const RollUpState& state, const RollUpPeriod& done) {
    std::vector<RollUpPeriod> periods;
    if (done.step == RollUpStep::kHour) {
        const RollUpPeriod day = period_around(RollUpStep::kDay, done.from);
        if (day.to <= state.days_until) periods.push_back(day);
    } else if (done.step == RollUpStep::kDay) {
        // The days behind carry it on.
        const RollUpPeriod next{RollUpStep::kDay, done.to, UnixTime{done.to.ms + kDay_ms}};
        if (next.to <= state.days_until) periods.push_back(next);
        const RollUpPeriod month = period_around(RollUpStep::kMonth, done.from);
        if (month.to <= state.months_until) periods.push_back(month);
    }
    return periods;
}

}  // namespace prewatt::server
