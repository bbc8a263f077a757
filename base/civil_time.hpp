// Civil time of the meter and of the line: local time without a zone, Gregorian, years 2000..2099 (the wire has two
// digits of the year). CivilSeconds counts seconds since 2000-01-01 00:00:00 of the same local time, so it subtracts.
// Day arithmetic after the public "days from civil" construction (era of 400 years); exact for all dates in range.
#pragma once
#include <compare>
#include <cstdint>
#include <expected>

#include "base/bcd.hpp"
#include "base/bytes.hpp"

namespace prewatt {

using CivilSeconds = std::uint32_t;

struct CivilTime {
    std::uint16_t year = 2000;
    std::uint8_t month = 1;  // 1..12
    std::uint8_t day = 1;    // 1..31
    std::uint8_t hour = 0;
    std::uint8_t minute = 0;
    std::uint8_t second = 0;
    friend constexpr auto operator<=>(const CivilTime&, const CivilTime&) = default;
};

// Days since 2000-01-01; negative before.
[[nodiscard]] constexpr std::int32_t days_since_2000(int year, int month, int day) {
    const int y = month <= 2 ? year - 1 : year;
    const int era = y / 400;
    const int year_of_era = y - era * 400;
    const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 730425;
}
[[nodiscard]] constexpr int days_in_month(int year, int month) {
    constexpr std::uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}
[[nodiscard]] constexpr bool is_valid(const CivilTime& t) {
    return t.year >= 2000 && t.year <= 2099 && t.month >= 1 && t.month <= 12 && t.day >= 1 &&
           t.day <= days_in_month(t.year, t.month) && t.hour <= 23 && t.minute <= 59 && t.second <= 59;
}
[[nodiscard]] constexpr CivilSeconds to_seconds(const CivilTime& t) {
    return static_cast<CivilSeconds>(days_since_2000(t.year, t.month, t.day)) * 86400u + t.hour * 3600u +
           t.minute * 60u + t.second;
}
[[nodiscard]] constexpr CivilTime to_civil(CivilSeconds seconds) {
    CivilTime t;
    const int days = static_cast<int>(seconds / 86400u) + 730425;
    const int era = days / 146097;
    const int day_of_era = days - era * 146097;
    const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int shifted_month = (5 * day_of_year + 2) / 153;
    t.day = static_cast<std::uint8_t>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    t.month = static_cast<std::uint8_t>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    t.year = static_cast<std::uint16_t>(year_of_era + era * 400 + (t.month <= 2 ? 1 : 0));
    const unsigned rest = seconds % 86400u;
    t.hour = static_cast<std::uint8_t>(rest / 3600);
    t.minute = static_cast<std::uint8_t>(rest / 60 % 60);
    t.second = static_cast<std::uint8_t>(rest % 60);
    return t;
}
// 0 = Sunday .. 6 = Saturday, the numbering of DL/T 645 item 04000101. 2000-01-01 was a Saturday.
[[nodiscard]] constexpr int weekday(CivilSeconds seconds) {
    return static_cast<int>((seconds / 86400u + 6u) % 7u);
}

}  // namespace prewatt
