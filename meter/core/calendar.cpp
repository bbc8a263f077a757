#include "meter/core/calendar.hpp"

namespace prewatt::meter {
namespace {

using settings::DayTable;
using settings::Period;
using settings::Settings;

constexpr int kDaysAhead = 8;

const DayTable& table_on(const Settings& settings, int week_plan, CivilSeconds time) {
    return settings.days[static_cast<std::size_t>(day_table_on(settings, week_plan, time) - 1)];
}

}  // namespace

int day_table_on(const Settings& settings, int week_plan, CivilSeconds time) {
    const CivilTime date = to_civil(time);
    int every_year = 0;
    for (const settings::HolidayPage& page : settings.holidays)
        for (const settings::Holiday& holiday : page.days) {
            if (holiday.month != date.month || holiday.day != date.day) continue;
            if (holiday.year == date.year % 100 && holiday.year != 0) return holiday.table;
            if (holiday.year == 0 && every_year == 0) every_year = holiday.table;
        }
    if (every_year != 0) return every_year;
    return settings.weeks[static_cast<std::size_t>(week_plan - 1)].tables[static_cast<std::size_t>(weekday(time))];
}

PeriodNow period_at(const Settings& settings, int week_plan, CivilSeconds time) {
    const CivilSeconds midnight = time / kDaySeconds * kDaySeconds;
    const CivilSeconds minute = time % kDaySeconds / 60;
    const DayTable& today = table_on(settings, week_plan, time);
    int begun = 0;
    while (begun < today.count && today.periods[static_cast<std::size_t>(begun)].minute <= minute)
        ++begun;
    Period period;
    if (begun > 0) {
        period = today.periods[static_cast<std::size_t>(begun - 1)];
    } else {
        // There is no day before the first one of the calendar: it is taken to have been like today.
        const DayTable& yesterday = midnight == 0 ? today : table_on(settings, week_plan, midnight - 1);
        period = yesterday.periods[yesterday.count - 1u];
    }
    const CivilSeconds until =
        begun < today.count
            ? midnight + today.periods[static_cast<std::size_t>(begun)].minute * 60u
            : midnight + kDaySeconds + table_on(settings, week_plan, midnight + kDaySeconds).periods[0].minute * 60u;
    return {period.mode, period.rate, until};
}

std::optional<ModeChange> next_mode_change(const Settings& settings, int week_plan, CivilSeconds time) {
    const PeriodNow now = period_at(settings, week_plan, time);
    const CivilSeconds end = time + kDaysAhead * kDaySeconds;
    for (CivilSeconds at = now.until; at < end;) {
        const PeriodNow then = period_at(settings, week_plan, at);
        if (then.mode != now.mode) return ModeChange{at, then.mode};
        at = then.until;
    }
    return std::nullopt;
}

}  // namespace prewatt::meter
