// Roll-ups in the tables `hours`, `days`, `months`: what server/domain/roll_up.hpp has planned. A period is summed up
// on a connection for questions, so the writing thread only takes the finished rows, piece by piece; each piece
// replaces what was there, and only the last one says that the period is done.
#pragma once
#include "server/domain/roll_up.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// Rows of one piece: some 10 ms of the writing thread on either database (measured: docs/decisions/0012).
inline constexpr std::size_t kRollUpPiece = 2000;

// Energies and credits in hundredths, powers in tenths of a watt, as in the tables.
struct RollUpRow {
    HouseholdId household;
    std::int64_t readings = 0;
    UnixTime first_at;
    std::int64_t first_forward = 0;
    UnixTime last_at;
    std::int64_t last_forward = 0;
    std::int64_t remaining = 0;  // at last_at
    HouseholdState state;        // the worst: every hold that there was; the relay closed when it was so all the time
    std::optional<std::int64_t> power_min;
    std::optional<std::int64_t> power_max;
};

[[nodiscard]] Answer<RollUpState> read_roll_up_state(Db& db, UnixTime now, UnixTime newest_raw_at);
// In order of households. `changed`: of roll_ups_changed, to be given back to finish_roll_up.
struct SummedUp {
    std::vector<RollUpRow> rows;
    std::int64_t changed = 0;
};
[[nodiscard]] Answer<SummedUp> sum_up(Db& db, const RollUpPeriod& period);
// rows[from ..] replace what there is of their households; how many are left to do.
std::size_t store_piece(Db& db, const RollUpPeriod& period, const std::vector<RollUpRow>& rows, std::size_t from);
// The period is done.
void finish_roll_up(Db& db, const RollUpState& state, const RollUpPeriod& period, std::int64_t changed);

// The last reading of each hour or day of one household as far as it is summed up, oldest first.
[[nodiscard]] std::vector<RollUpRow> roll_ups_of(Db& db, RollUpStep step, HouseholdId household, UnixTime from,
                                                 UnixTime to);

[[nodiscard]] std::int64_t archive_value(Db& db, const char* name, std::int64_t otherwise);
void set_archive_value(Db& db, const char* name, std::int64_t value);

}  // namespace prewatt::server::store
