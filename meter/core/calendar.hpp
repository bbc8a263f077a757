// Which day table holds on a date, and which of its periods at a minute (product.md M10, M5).
//
// A holiday of that very year goes before a holiday of every year, a holiday before the week. Holidays are the box's:
// they go before the week of every plan, while plan 0 knows neither (always on). Within a table the period
// holds whose minute has come; before the first one of the day the last period of the day before still holds, as its
// own table has it: a Friday that ends with "off from 23:30" stays off on Saturday until Saturday's first period.
//
// Pure functions of settings that have been checked (settings/settings.hpp); civil time of the meter, no clock.
#pragma once
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

inline constexpr CivilSeconds kDaySeconds = 86'400;

// 1..8. `week_plan`: 1..4; `time`: any moment of the day.
[[nodiscard]] int day_table_on(const settings::Settings& settings, int week_plan, CivilSeconds time);

struct PeriodNow {
    settings::SupplyMode mode = settings::SupplyMode::kOn;
    std::uint8_t rate = 1;
    CivilSeconds until = 0;  // the next period begins, which may say the same
    friend constexpr bool operator==(const PeriodNow&, const PeriodNow&) = default;
};
[[nodiscard]] PeriodNow period_at(const settings::Settings& settings, int week_plan, CivilSeconds time);

struct ModeChange {
    CivilSeconds at = 0;
    settings::SupplyMode mode = settings::SupplyMode::kOn;
    friend constexpr bool operator==(const ModeChange&, const ModeChange&) = default;
};
// The next change of the mode; nothing when the eight days to come bring none.
[[nodiscard]] std::optional<ModeChange> next_mode_change(const settings::Settings& settings, int week_plan,
                                                         CivilSeconds time);

// Is the minute of `time` within from..to? The hours may reach over midnight; equal: never.
[[nodiscard]] constexpr bool is_within(CivilSeconds time, std::uint16_t from, std::uint16_t to) {
    const CivilSeconds minute = time % kDaySeconds / 60;
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}
// The next moment after `time` at which it is so many minutes past midnight.
[[nodiscard]] constexpr CivilSeconds next_at(CivilSeconds time, std::uint16_t minute) {
    const CivilSeconds today = time / kDaySeconds * kDaySeconds + minute * 60u;
    return today > time ? today : today + kDaySeconds;
}

}  // namespace prewatt::meter
