// Hours, days and months of the office: one zone, kOfficeOffset from UTC, no summer time. Valid for 2000..2099; whoever
// has a time from elsewhere asks is_in_calendar first.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/civil_time.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server {

inline constexpr std::int64_t kHour_ms = 3'600'000;
inline constexpr std::int64_t kDay_ms = 24 * kHour_ms;
inline constexpr UnixTime kCalendarBegin{946'684'800'000 - 8 * kHour_ms};  // 2000-01-01 00:00 in the office

[[nodiscard]] constexpr UnixTime begin_of_hour(UnixTime t) {
    return UnixTime{t.ms - (t.ms - kCalendarBegin.ms) % kHour_ms};
}
[[nodiscard]] constexpr UnixTime begin_of_day(UnixTime t) {
    return UnixTime{t.ms - (t.ms - kCalendarBegin.ms) % kDay_ms};
}

struct OfficeMonth {
    int year = 2000;
    int month = 1;
    [[nodiscard]] constexpr int number() const { return year * 100 + month; }  // 202611
    [[nodiscard]] constexpr OfficeMonth next() const {
        return month == 12 ? OfficeMonth{year + 1, 1} : OfficeMonth{year, month + 1};
    }
    [[nodiscard]] constexpr OfficeMonth before() const {
        return month == 1 ? OfficeMonth{year - 1, 12} : OfficeMonth{year, month - 1};
    }
    [[nodiscard]] constexpr UnixTime begin() const {
        return UnixTime{kCalendarBegin.ms + days_since_2000(year, month, 1) * kDay_ms};
    }
    [[nodiscard]] constexpr UnixTime end() const { return next().begin(); }
    friend constexpr auto operator<=>(OfficeMonth, OfficeMonth) = default;
};
inline constexpr UnixTime kCalendarEnd = OfficeMonth{2100, 1}.begin();

[[nodiscard]] constexpr bool is_in_calendar(UnixTime t) {
    return t >= kCalendarBegin && t < kCalendarEnd;
}
[[nodiscard]] constexpr CivilTime civil_in_office(UnixTime t) {
    return to_civil(static_cast<CivilSeconds>((t.ms - kCalendarBegin.ms) / 1000));
}
[[nodiscard]] constexpr UnixTime time_in_office(const CivilTime& t) {
    return UnixTime{kCalendarBegin.ms + std::int64_t{to_seconds(t)} * 1000};
}
[[nodiscard]] constexpr OfficeMonth office_month_of(UnixTime t) {
    const CivilTime civil = civil_in_office(t);
    return {civil.year, civil.month};
}
[[nodiscard]] constexpr OfficeMonth month_of_number(int number) {
    return {number / 100, number % 100};
}
// "2026-11", "2026-11-05", "2026-11-05T14" (or with a space): a month, a day, an hour of the office.
struct OfficePeriod {
    UnixTime from;
    UnixTime to;
};
[[nodiscard]] std::optional<OfficePeriod> period_of(std::string_view text);
[[nodiscard]] std::string text_of(OfficeMonth month);  // "2026-11"
[[nodiscard]] std::string text_of(UnixTime t);         // "2026-11-05 14:00", in the office

}  // namespace prewatt::server
