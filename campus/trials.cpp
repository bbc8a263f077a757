#include "campus/trials.hpp"

#include <algorithm>

namespace prewatt::campus {

SeedsReport run_seeds(CampusOptions options, int seeds, const std::function<void(const CampusReport&)>& each) {
    SeedsReport all;
    for (; all.seeds < seeds; ++options.seed) {
        const CampusReport report = run_campus(options);
        ++all.seeds;
        all.processor_seconds += report.processor_seconds;
        all.virtual_days += report.virtual_seconds / 86'400;
        all.sold += report.sold;
        all.boxes_changed += report.boxes_changed;
        all.memories_lost += report.memories_lost;
        all.long_absences += report.long_absences;
        all.backups_restored += report.backups_restored;
        all.rooms_ahead += report.rooms_ahead;
        all.answered_meters += report.answered_meters;
        all.answered_offices += report.answered_offices;
        all.kills += report.office_kills + report.office_deaths;
        all.supply_losses += report.supply_losses;
        if (each) each(report);
        if (report.held) continue;
        all.held = false;
        all.first_failure = report;
        all.failing_seed = options.seed;
        break;
    }
    return all;
}

CampusOptions campus_for(Defect defect, CampusOptions options) {
    options.defect = defect;
    options.cards = needs_cards(defect);
    if (!options.cards) return options;
    options.boxes = options.lines = 1;
    options.homes = std::min(options.homes, 12);
    if (defect == Defect::kForgedCardTaken) options.days = 3;
    return options;
}

std::vector<ControlReport> run_controls(const CampusOptions& options) {
    std::vector<ControlReport> reports;
    const std::uint64_t first = options.seed;
    for (const DefectEntry& entry : kDefects) {
        ControlReport& control = reports.emplace_back();
        control.entry = entry;
        CampusOptions campus = campus_for(entry.defect, options);
        for (campus.seed = first; control.seeds < entry.seeds_max && !control.found; ++campus.seed) {
            const CampusReport report = run_campus(campus);
            ++control.seeds;
            control.found = !report.held;
            control.violation = report.violation;
        }
    }
    return reports;
}

}  // namespace prewatt::campus
