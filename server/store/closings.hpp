// Registers at an instant, closings and reports from the tables; what they are worth is decided by
// server/domain/closing.hpp.
#pragma once
#include "server/domain/archive.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

inline constexpr std::size_t kClosingPiece = 2000;

struct RegisterOf {
    HouseholdId household;
    RegisterAt value;
};
// Of all households of which anything is known, in their order. A question: for a connection of its own.
[[nodiscard]] std::vector<RegisterOf> registers_at(Db& db, UnixTime instant);

struct ClosingToMake {
    HouseholdId household;
    int version = 1;
    std::optional<int> replaces;
    RegisterAt value;
    std::string why;
};
// What is new in the closing of a month: all of it the first time, corrections later.
[[nodiscard]] Answer<std::vector<ClosingToMake>> closing_to_make(Db& db, OfficeMonth month, ClosingHour when);
// closings[from ..]; how many are left to do.
std::size_t store_closings(Db& db, OfficeMonth month, ClosingHour when, const std::vector<ClosingToMake>& closings,
                           std::size_t from, UnixTime now);
[[nodiscard]] Answer<std::vector<ClosingRecord>> read_closings(Db& db, HouseholdId household);

[[nodiscard]] Answer<std::vector<FreezeWish>> freezes_wanted(Db& db, UnixTime now);
// Each is kept once. A closing of its instant that was not frozen gets its next version.
[[nodiscard]] Answer<Done> record_freezes(Db& db, const std::vector<Freeze>& freezes, UnixTime now);

[[nodiscard]] ClosingHour closing_hour(Db& db);
// The meters freeze at the closing hour: boxes of which another hour is desired, or none while the site's is not that
// of a new meter, get it into their general setting.
void desire_closing_hour(Db& db, UnixTime now, Changes& changes);
[[nodiscard]] Answer<ConsumptionReport> read_consumption(Db& db, const ConsumptionQuestion& question);

}  // namespace prewatt::server::store
