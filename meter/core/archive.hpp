// All that a box remembers besides its books, in the memory behind the journal: events, freezes, load profile,
// captures. One object for the box to hold: open() once the journal has been recovered, on_time() at least once a
// minute, log() when something happens. Without the memory for it (available() false) everything is accepted and
// nothing is kept.
#pragma once
#include "meter/core/capture_store.hpp"
#include "meter/core/event_log.hpp"
#include "meter/core/freeze.hpp"
#include "meter/core/load_profile.hpp"

namespace prewatt::meter {

class Archive {
  public:
    explicit Archive(Storage& storage)
        : memory_(storage), events(memory_), freezes(memory_), profile(memory_), captures(memory_) {}
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    // False: the memory is too small for records.
    bool open(int households);
    [[nodiscard]] bool available() const { return memory_.available(); }
    [[nodiscard]] int households() const { return memory_.households(); }

    bool log(EventKind kind, Household household, const EventData& data, const EventTime& now) {
        return events.append(kind, household, data, now);
    }
    // A phase has come back: the record with its loss, and the minutes of all losses so far.
    bool log_phase_back(Phase phase, Voltage voltage, std::optional<CivilSeconds> from, Duration lasted,
                        const EventTime& now);
    // Freezes and load profile that are due.
    void on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books);

  private:
    RecordMemory memory_;

  public:
    EventLog events;
    Freezes freezes;
    LoadProfile profile;
    CaptureStore captures;
};

[[nodiscard]] constexpr EventKind phase_lost(Phase phase) {
    return static_cast<EventKind>(static_cast<int>(EventKind::kPhaseALost) + static_cast<int>(phase));
}
[[nodiscard]] constexpr EventKind phase_back(Phase phase) {
    return static_cast<EventKind>(static_cast<int>(EventKind::kPhaseABack) + static_cast<int>(phase));
}

}  // namespace prewatt::meter
