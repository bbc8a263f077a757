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

// The next version may come; each is kept once.
[[nodiscard]] Answer<Done> record_freezes(Db& db, const std::vector<Freeze>& freezes, UnixTime now);

[[nodiscard]] ClosingHour closing_hour(Db& db);
[[nodiscard]] Answer<ConsumptionReport> read_consumption(Db& db, const ConsumptionQuestion& question);

}  // namespace prewatt::server::store
