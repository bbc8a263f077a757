#include "server/domain/closing.hpp"

#include <algorithm>
#include <cstdlib>

#include "settings/settings.hpp"

namespace prewatt::server {
namespace {

constexpr std::int64_t kLookAgainEvery_ms = kDay_ms;
constexpr std::int64_t kLookAgainFor_ms = 10 * kDay_ms;

// value at `at` on the line from a to b, rounded down to a hundredth.
std::int64_t on_the_line(std::int64_t a, std::int64_t b, std::int64_t from_ms, std::int64_t to_ms, std::int64_t at_ms) {
    if (to_ms <= from_ms) return a;
    __extension__ using Wide = __int128;
    return a + static_cast<std::int64_t>(Wide{b - a} * (at_ms - from_ms) / (to_ms - from_ms));
}
std::int64_t hundredths(Energy e) {
    return in_hundredths(e, Round::kDown);
}

}  // namespace

std::string_view word(Quality quality) {
    switch (quality) {
        case Quality::kNone:
            return "none";
        case Quality::kEstimated:
            return "estimated";
        case Quality::kMeasured:
            return "measured";
        case Quality::kFrozen:
            return "frozen";
    }
    return "unknown";
}

std::optional<RegisterAt> register_at(UnixTime instant, const RegisterFacts& facts) {
    RegisterAt out;
    if (facts.before) out.before_at = facts.before->at;
    if (facts.after) out.after_at = facts.after->at;
    const auto take = [&](const RegisterReading& reading, Quality quality, const char* why) {
        out.forward = reading.forward;
        out.remaining = reading.remaining;
        out.quality = quality;
        out.why = why;
        return out;
    };
    if (facts.frozen) return take(*facts.frozen, Quality::kFrozen, "frozen by the meter");
    const auto& before = facts.before;
    const auto& after = facts.after;
    if (!before && !after) return std::nullopt;
    if (before && after && before->forward == after->forward)
        return take(*before, Quality::kMeasured, "the register stood still around it");
    const bool close_before = before && instant - before->at <= kMeasuredWithin;
    const bool close_after = after && after->at - instant <= kMeasuredWithin;
    if (close_before && (!close_after || instant - before->at <= after->at - instant))
        return take(*before, Quality::kMeasured, "read right before it");
    if (close_after) return take(*after, Quality::kMeasured, "read right after it");
    if (!after) return take(*before, Quality::kEstimated, "no reading has come since");
    if (!before) return take(*after, Quality::kEstimated, "first reading of the household");
    const auto gone = consumption_between(before->forward, after->forward);
    if (!gone) return take(*before, Quality::kEstimated, "the register went back after it: another meter");
    const bool nearer_before = instant - before->at <= after->at - instant;
    take(nearer_before ? *before : *after, Quality::kEstimated, "on a straight line between two readings");
    const std::int64_t from = hundredths(before->forward);
    out.forward = energy_of_hundredths(
        on_the_line(from, from + hundredths(*gone), before->at.ms, after->at.ms, instant.ms) % kRegisterTurn_ckwh);
    return out;
}

std::optional<Energy> consumption_between(Energy from, Energy to) {
    if (to >= from) return to - from;
    // A register that turned over was near its end and is near its beginning.
    const std::int64_t a = hundredths(from);
    const std::int64_t b = hundredths(to);
    if (a >= kRegisterTurn_ckwh / 10 * 9 && a < kRegisterTurn_ckwh && b >= 0 && b < kRegisterTurn_ckwh / 10)
        return energy_of_hundredths(kRegisterTurn_ckwh - a + b);
    return std::nullopt;
}

bool is_better(const RegisterAt& fresh, Quality known_quality, Energy known_forward) {
    if (fresh.quality != known_quality) return fresh.quality > known_quality;
    return fresh.quality != Quality::kMeasured && fresh.forward != known_forward;
}

UnixTime closing_of(OfficeMonth month, ClosingHour when) {
    const OfficeMonth next = month.next();
    return UnixTime{next.begin().ms + (when.day - 1) * kDay_ms + when.hour * kHour_ms};
}

std::optional<std::vector<Byte>> general_for_closing(const std::vector<Byte>& desired, ClosingHour when) {
    const settings::SettingKey key{settings::SettingId::kGeneral, 0, 0};
    static_assert(static_cast<std::uint8_t>(settings::SettingId::kGeneral) == kGeneralSetting.id);
    settings::Settings all;
    if (!desired.empty() && !settings::decode(all, key, desired, kHouseholdsMax)) return std::nullopt;
    if (all.general.freeze_day == when.day && all.general.freeze_hour == when.hour) return std::nullopt;
    all.general.freeze_day = static_cast<std::uint8_t>(when.day);
    all.general.freeze_hour = static_cast<std::uint8_t>(when.hour);
    std::vector<Byte> bytes(settings::kSettingBytesMax);
    bytes.resize(settings::encode(all, key, bytes));
    return bytes;
}

std::optional<OfficeMonth> closed_at(UnixTime instant, ClosingHour when) {
    if (!is_in_calendar(instant)) return std::nullopt;
    const OfficeMonth month = office_month_of(instant).before();
    return closing_of(month, when) == instant ? std::optional{month} : std::nullopt;
}

std::optional<OfficeMonth> closing_due(const ClosingState& state, ClosingHour when, UnixTime now) {
    if (!is_in_calendar(now) || !state.first_reading_at || !is_in_calendar(*state.first_reading_at))
        return std::nullopt;
    // The first hour behind the instant is summed up, and the day before it.
    const auto ready = [&](OfficeMonth month) {
        const UnixTime instant = closing_of(month, when);
        return instant.ms + kHour_ms <= state.hours_until.ms && begin_of_day(instant) <= state.days_until &&
               instant <= now;
    };
    if (!state.newest) {
        // The first closing is that at the beginning of the first full month, so that this month can be told.
        OfficeMonth first = office_month_of(*state.first_reading_at);
        while (closing_of(first, when) < *state.first_reading_at)
            first = first.next();
        return ready(first) ? std::optional{first} : std::nullopt;
    }
    if (ready(state.newest->next())) return state.newest->next();
    const UnixTime instant = closing_of(*state.newest, when);
    const bool again = now.ms - state.newest_looked_at.ms >= kLookAgainEvery_ms &&
                       state.newest_looked_at.ms - instant.ms < kLookAgainFor_ms;
    return again ? state.newest : std::nullopt;
}

}  // namespace prewatt::server
