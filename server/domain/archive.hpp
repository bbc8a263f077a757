// Readings kept: every sweep for a while, then by hour, day and month (roll_up.hpp, retention.hpp); what the registers
// stood at when a month ended (closing.hpp); reports of consumption with their quality and gaps (product.md H3).
//
// Threads and errors as office.hpp says.
#pragma once
#include "server/domain/archive_settings.hpp"

namespace prewatt::server {

enum class ReportLevel : std::uint8_t { kHousehold, kBuilding, kSite };
[[nodiscard]] std::string_view word(ReportLevel level);  // "household", "building", "site"
[[nodiscard]] std::optional<ReportLevel> report_level_of(std::string_view word);

// from < to; both on a whole hour. A whole month is told by its closings where they were made.
struct ConsumptionQuestion {
    UnixTime from;
    UnixTime to;
    std::optional<OfficeMonth> month;  // instead of from and to
    ReportLevel level = ReportLevel::kHousehold;
};
struct ConsumptionRow {
    std::int64_t id = 0;   // of the household, building or site
    std::string name;      // room, building or site
    std::string building;  // of a household
    int households = 0;
    int estimated = 0;  // of them: at least one end is an estimate
    int missing = 0;    // of them: nothing is known, or another register came between; not in the sum
    int corrected = 0;  // of them: a closing was corrected
    Energy consumption;
    Quality quality = Quality::kNone;  // the worst end of all that are in the sum
    std::optional<RegisterAt> from;    // of a household
    std::optional<RegisterAt> to;
};
struct ConsumptionReport {
    ReportLevel level = ReportLevel::kHousehold;
    UnixTime from;
    UnixTime to;
    bool closed = false;  // by the closings of the month
    std::vector<ConsumptionRow> rows;
};

// What a meter froze at a stated hour (items EC030300, EC030301, 05060001).
struct Freeze {
    HouseholdId household;
    UnixTime at;  // when it was due
    Energy forward;
    Credit remaining;
};
// A freeze that the office misses: the box was not read since `at`, or did not have it yet.
struct FreezeWish {
    BoxId box;
    UnixTime at;
};
// One version of a closing; it never changes.
struct ClosingRecord {
    OfficeMonth month;
    int version = 1;
    std::optional<int> replaces;
    UnixTime at;  // the instant that it is about
    RegisterAt value;
    std::string why;
    UnixTime made_at;
};

struct ArchiveStatus {
    bool takes_readings = true;
    std::uint64_t refused_readings = 0;  // since the office started, for want of room
    std::optional<std::int64_t> free_bytes;
    UnixTime hours_until;
    UnixTime days_until;
    UnixTime months_until;
    std::optional<OfficeMonth> closed_until;
    std::string problem;  // of the archive's own work, the last one; empty: none
};

class Archive {
  public:
    virtual ~Archive() = default;

    // --- Questions
    [[nodiscard]] virtual Answer<ConsumptionReport> consumption(const ConsumptionQuestion& question) = 0;
    // Of one household, by month and version.
    [[nodiscard]] virtual Answer<std::vector<ClosingRecord>> closings(HouseholdId household) = 0;
    [[nodiscard]] virtual ArchiveStatus status() = 0;
    [[nodiscard]] virtual Answer<ArchiveSettings> settings() = 0;
    // All of them at once. kBadArgument as check_archive_settings. They hold from the next time that something is due;
    // another closing hour is sent to the meters.
    virtual void set_settings(ArchiveSettings settings, Actor who, std::string reason,
                              WhenDone<ArchiveSettings> done) = 0;

    // --- For line masters
    // What is still missing, within the months that meters keep (kFreezesKept): of every box one of whose households
    // has no freeze of a month's end that has passed. Derived from what is stored, so a restart forgets none.
    [[nodiscard]] virtual Answer<std::vector<FreezeWish>> freezes_wanted() = 0;
    // Registers as they stood at a stated hour. Corrects the closing of that instant, however old it is. What was
    // frozen before the household had that meter is not its own and is left out.
    virtual void record_freezes(std::vector<Freeze> freezes, WhenDone<Done> done) = 0;

    // Does what is due, in pieces between which others get their turn: latest values into their table, roll-ups,
    // closings, retention. The office calls it itself, on a thread of its own; the owner of virtual time calls it,
    // again as long as it says that there is more. Does not wait for what it has asked of the writing thread.
    virtual bool tend() = 0;
    // Once, before the office ends: what is only in memory is put away.
    virtual void close() = 0;
};

}  // namespace prewatt::server
