// Ledger, meters, statements and head meters compared (server/domain/three_truths.hpp): finds the facts in the tables,
// raises what differs as items of work and closes what differs no more. In pieces; a pass that is broken off is begun
// anew, and doing it twice changes nothing. On the writing connection only.
#pragma once
#include "server/domain/three_truths.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

inline constexpr Duration kReconcileEvery = minutes(24 * 60);
inline constexpr int kHouseholdsInPiece = 50;
// How far back head meters are compared.
inline constexpr int kHeadDays = 35;

struct ReconcilePass {
    enum class Stage : std::uint8_t {
        kBegin,
        kAccounts,
        kStatements,
        kBuildings,
        kMoves,
        kCards,
        kEnd
    } stage = Stage::kBegin;
    UnixTime begun_at;  // later than that of any pass before
    HouseholdId household;
    Channel channel{};  // statements: this span, up to this day
    UnixTime span_from;
    UnixTime span_to;
    UnixTime day;
    BuildingId building;
    UnixTime head_at;
    ReconcileAnswer answer;
};
// Does one piece; whether there is another one. A pass keeps no transaction open: a piece that was rolled back is
// simply done again by the next pass.
[[nodiscard]] Answer<bool> reconcile_piece(Db& db, ReconcilePass& pass, const ReconcileRules& rules, UnixTime now);
[[nodiscard]] UnixTime last_pass(Db& db);

[[nodiscard]] Answer<StatementAnswer> import_statement(Db& db, const StatementOrder& order, const Actor& who,
                                                       UnixTime now);
[[nodiscard]] Answer<Done> record_head_readings(Db& db, const std::vector<HeadReading>& readings, const Actor& who,
                                                UnixTime now);

}  // namespace prewatt::server::store
