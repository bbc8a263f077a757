// Many seeds, and the negative controls: each planted defect must be found within the seeds that it is given. A judge
// who finds nothing proves nothing until he has been seen to find.
#pragma once
#include <functional>
#include <vector>

#include "campus/world.hpp"

namespace prewatt::campus {

struct SeedsReport {
    int seeds = 0;  // that were run
    double processor_seconds = 0;
    double virtual_days = 0;
    std::int64_t boxes_changed = 0;
    std::int64_t memories_lost = 0;
    std::int64_t long_absences = 0;
    std::int64_t backups_restored = 0;
    std::int64_t rooms_ahead = 0;
    std::int64_t answered_meters = 0;
    std::int64_t answered_offices = 0;
    std::int64_t sold = 0;
    std::int64_t kills = 0;  // of the office, deaths in a write with them
    std::int64_t supply_losses = 0;
    bool held = true;
    CampusReport first_failure;  // when it did not
    std::uint64_t failing_seed = 0;
};
// seeds options.seed, options.seed + 1 ... Stops at the first that does not hold. `each` may be empty.
[[nodiscard]] SeedsReport run_seeds(CampusOptions options, int seeds,
                                    const std::function<void(const CampusReport&)>& each = {});

// Where a defect is looked for: with cards if it needs them, and then at one box of few rooms, so that a seed is soon
// tried; a forged card needs no week.
[[nodiscard]] CampusOptions campus_for(Defect defect, CampusOptions options);

struct ControlReport {
    DefectEntry entry;
    int seeds = 0;  // that it took, or that were tried
    bool found = false;
    std::string violation;
};
// Each defect alone, in a week with faults, until a demand is not met or its seeds are used up.
[[nodiscard]] std::vector<ControlReport> run_controls(const CampusOptions& options);

}  // namespace prewatt::campus
