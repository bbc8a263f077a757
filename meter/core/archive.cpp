#include "meter/core/archive.hpp"

namespace prewatt::meter {
namespace {

std::uint32_t profile_start(int households) {
    return kRecordsAt + EventLog::bytes(households) + CaptureStore::bytes(households) + Freezes::bytes(households);
}

}  // namespace

bool Archive::open(int households) {
    const bool fits = memory_.open(households);
    events.open();
    captures.open(kRecordsAt + EventLog::bytes(households));
    freezes.open(kRecordsAt + EventLog::bytes(households) + CaptureStore::bytes(households));
    profile.open(profile_start(households));
    return fits;
}

bool Archive::log_phase_back(Phase phase, Voltage voltage, std::optional<CivilSeconds> from, Duration lasted,
                             const EventTime& now) {
    const auto before = events.nth_last(phase_back(phase), {}, 1);
    const auto minutes_before = static_cast<std::uint32_t>(before ? part_of(*before, 3) : 0);
    return log(phase_back(phase), {}, events::phase_back(voltage, from, lasted, minutes_before), now);
}

void Archive::on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books) {
    freezes.on_time(now, general, books);
    profile.on_time(now, general, books);
}

}  // namespace prewatt::meter
