#include "meter/core/schedule.hpp"

#include <algorithm>

#include "meter/core/calendar.hpp"

namespace prewatt::meter {

std::uint8_t Schedule::update(const settings::Settings& settings, std::optional<CivilSeconds> now) {
    unsigned changed = 0;
    for (int plan = 1; plan <= settings::kWeekPlans; ++plan) {
        const auto k = static_cast<std::size_t>(plan - 1);
        if (now && *now >= known_[k].from && *now < known_[k].until) continue;
        PlanState state;
        known_[k] = {};
        if (now) {
            const settings::WeekPlan& week = settings.weeks[k];
            const CivilSeconds warning = week.warning_minutes * 60u;
            const PeriodNow period = period_at(settings, plan, *now);
            CivilSeconds until = period.until;
            state = {period.mode, period.rate, is_within(*now, week.no_cut_from, week.no_cut_to), 0};
            // The periods that begin within the warning time, up to the first that switches off.
            CivilSeconds begins = period.until;
            while (state.mode != settings::SupplyMode::kOff && warning > 0) {
                if (begins > *now + warning) {
                    until = std::min(until, begins - warning);
                    break;
                }
                const PeriodNow then = period_at(settings, plan, begins);
                if (then.mode == settings::SupplyMode::kOff) {
                    state.cut_at = begins;
                    break;
                }
                begins = then.until;
            }
            if (week.no_cut_from != week.no_cut_to)
                until = std::min({until, next_at(*now, week.no_cut_from), next_at(*now, week.no_cut_to)});
            known_[k] = {*now, until};
        }
        PlanState& known = plans_[static_cast<std::size_t>(plan)];
        if (known != state) changed |= 1u << k;
        known = state;
    }
    return static_cast<std::uint8_t>(changed);
}

std::optional<CivilSeconds> Schedule::next_change() const {
    std::optional<CivilSeconds> next;
    for (const Span& span : known_)
        if (span.until != 0 && (!next || span.until < *next)) next = span.until;
    return next;
}

}  // namespace prewatt::meter
