#include "server/store/roll_up.hpp"

#include <algorithm>

#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"

namespace prewatt::server::store {
namespace {

// The first and the last value in one pass, in the SQL of both engines: the time since the beginning of the period
// above the value (32 bits), as one number. The time is in ms within an hour, in hours else, so that it fits.
constexpr std::int64_t kPack = std::int64_t{1} << 32;
constexpr std::int64_t kSignedOffset = std::int64_t{1} << 31;
#define PREWATT_IN_HOUR(value) "(at - $1) * 4294967296 + " value
#define PREWATT_IN_PERIOD(value) "((at - $1) / 3600000) * 4294967296 + " value

std::int64_t value_in(std::int64_t packed) {
    return packed % kPack;
}

struct Tables {
    const char* name;
    const char* remove;  // $1 period, $2 .. $3 households
    const char* mark;
    const char* of_household;
};
#define PREWATT_ROLL_UP_SELECT(table)                                                                            \
    "WITH RECURSIVE period (begin_at) AS (SELECT CAST($2 AS BIGINT) UNION ALL SELECT begin_at + $4 FROM period " \
    "WHERE begin_at + $4 < $3) SELECT household_id, readings, first_at, first_forward_ckwh, last_at, "           \
    "last_forward_ckwh, remaining_ckwh, state, power_min_dw, power_max_dw FROM period JOIN " table               \
    " ON at = begin_at WHERE household_id = $1 AND readings > 0 ORDER BY at"
const Tables& tables_of(RollUpStep step) {
    static constexpr Tables tables[] = {
        {"hours", "DELETE FROM hours WHERE at = $1 AND household_id >= $2 AND household_id <= $3", "hours_until",
         PREWATT_ROLL_UP_SELECT("hours")},
        {"days", "DELETE FROM days WHERE at = $1 AND household_id >= $2 AND household_id <= $3", "days_until",
         PREWATT_ROLL_UP_SELECT("days")},
        {"months", "DELETE FROM months WHERE at = $1 AND household_id >= $2 AND household_id <= $3", "months_until",
         PREWATT_ROLL_UP_SELECT("months")},
    };
    return tables[static_cast<std::size_t>(step) - 1];
}

std::optional<std::int64_t> maybe(const Row& row, int column) {
    return row.is_null(column) ? std::optional<std::int64_t>{} : row.integer(column);
}

// Columns: household, readings, first and last time, first packed with forward, last packed with forward, last packed
// with remaining, all states or-ed, and-ed, least and greatest power.
RollUpRow summed(const Row& row) {
    RollUpRow out;
    out.household = row.as<HouseholdId>(0);
    out.readings = row.integer(1);
    out.first_at = row.as<UnixTime>(2);
    out.last_at = row.as<UnixTime>(3);
    out.first_forward = value_in(row.integer(4));
    out.last_forward = value_in(row.integer(5));
    out.remaining = value_in(row.integer(6)) - kSignedOffset;
    out.state = HouseholdState{static_cast<std::uint16_t>(row.integer(7))};
    const HouseholdState always{static_cast<std::uint16_t>(row.integer(8))};
    out.state.set(StateBit::kRelayClosed, always.has(StateBit::kRelayClosed));
    out.power_min = maybe(row, 9);
    out.power_max = maybe(row, 10);
    return out;
}

std::vector<RollUpRow> sum_raw(Db& db, const RollUpPeriod& period) {
    std::vector<RollUpRow> rows;
    db.query("SELECT household_id, COUNT(*), MIN(at), MAX(at), MIN(" PREWATT_IN_HOUR("forward_ckwh") "), MAX("
             PREWATT_IN_HOUR("forward_ckwh") "), MAX(" PREWATT_IN_HOUR("remaining_ckwh + 2147483648") "), "
             "BIT_OR(state), BIT_AND(state), MIN(power_dw), MAX(power_dw) FROM readings_in_spans WHERE at >= $1 AND "
             "at < $2 AND span_last_at >= $1 AND span_last_at < $3 GROUP BY household_id ORDER BY household_id",
             {period.from, period.to, UnixTime{period.to.ms + kSpanTimeMax_ms}},
             [&](const Row& row) { rows.push_back(summed(row)); });
    return rows;
}

#define PREWATT_SUM_ROLL_UPS(table) \
    "SELECT household_id, SUM(readings), MIN(first_at), MAX(last_at), MIN(" PREWATT_IN_PERIOD(                  \
        "first_forward_ckwh") "), MAX(" PREWATT_IN_PERIOD("last_forward_ckwh") "), MAX(" PREWATT_IN_PERIOD(     \
        "remaining_ckwh + 2147483648") "), BIT_OR(state), BIT_AND(state), MIN(power_min_dw), MAX(power_max_dw) " \
    "FROM " table " WHERE at >= $1 AND at < $2 AND readings > 0 GROUP BY household_id ORDER BY household_id"

std::vector<RollUpRow> sum_rows(Db& db, const RollUpPeriod& period) {
    std::vector<RollUpRow> rows;
    const char* sql = period.step == RollUpStep::kDay ? PREWATT_SUM_ROLL_UPS("hours") : PREWATT_SUM_ROLL_UPS("days");
    db.query(sql, {period.from, period.to}, [&](const Row& row) { rows.push_back(summed(row)); });
    return rows;
}

// What stood in the period before, for those of whom nothing was read.
std::vector<RollUpRow> carried(Db& db, const RollUpPeriod& period) {
    std::vector<RollUpRow> rows;
    const auto each = [&](const Row& row) {
        RollUpRow out;
        out.household = row.as<HouseholdId>(0);
        out.first_at = out.last_at = row.as<UnixTime>(1);
        out.first_forward = out.last_forward = row.integer(2);
        out.remaining = row.integer(3);
        out.state = HouseholdState{row.as<std::uint16_t>(4)};
        rows.push_back(out);
    };
    if (period.step == RollUpStep::kDay)
        db.query(
            "SELECT household_id, last_at, last_forward_ckwh, remaining_ckwh, state FROM days WHERE at = $1 ORDER BY "
            "household_id",
            {UnixTime{period.from.ms - kDay_ms}}, each);
    else
        db.query(
            "SELECT household_id, last_at, last_forward_ckwh, remaining_ckwh, state FROM months WHERE at = $1 ORDER BY "
            "household_id",
            {office_month_of(period.from).before().begin()}, each);
    return rows;
}

}  // namespace

std::int64_t archive_value(Db& db, const char* name, std::int64_t otherwise) {
    std::int64_t value = otherwise;
    db.query("SELECT value FROM archive_state WHERE name = $1", {name},
             [&](const Row& row) { value = row.integer(0); });
    return value;
}

void set_archive_value(Db& db, const char* name, std::int64_t value) {
    db.execute(
        "INSERT INTO archive_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
        "excluded.value",
        {name, value});
}

Answer<RollUpState> read_roll_up_state(Db& db, UnixTime now, UnixTime newest_raw_at) {
    RollUpState state;
    state.hours_until = UnixTime{archive_value(db, "hours_until", 0)};
    state.days_until = UnixTime{archive_value(db, "days_until", 0)};
    state.months_until = UnixTime{archive_value(db, "months_until", 0)};
    state.newest_raw_at = newest_raw_at;
    db.query("SELECT step, at FROM roll_ups_changed", {},
             [&](const Row& row) { state.changed.insert(period_around(row.as<RollUpStep>(0), row.as<UnixTime>(1))); });
    if (state.hours_until == UnixTime{}) {
        // Kept by whoever appends: a walk through a table that grows would take longer each time.
        if (const std::int64_t first = archive_value(db, "first_raw_at", 0)) state.next_raw_at = UnixTime{first};
    } else if (const UnixTime soon{state.hours_until.ms + 2 * kDay_ms}; soon < now) {
        db.query(
            "SELECT at FROM readings_in_spans WHERE at >= $1 AND at < $2 AND span_last_at >= $1 AND span_last_at < $3 "
            "LIMIT 1",
            {state.hours_until, soon, UnixTime{soon.ms + kSpanTimeMax_ms}},
            [&](const Row&) { state.next_raw_at = state.hours_until; });
        if (!state.next_raw_at)
            db.query("SELECT MIN(at) FROM readings_in_spans WHERE at >= $1 AND span_last_at >= $1", {soon},
                     [&](const Row& row) { state.next_raw_at = row.as<std::optional<UnixTime>>(0); });
    }
    return checked(db, std::move(state));
}

Answer<SummedUp> sum_up(Db& db, const RollUpPeriod& period) {
    SummedUp out;
    db.query("SELECT readings FROM roll_ups_changed WHERE step = $1 AND at = $2", {period.step, period.from},
             [&](const Row& row) { out.changed = row.integer(0); });
    if (period.step == RollUpStep::kHour) {
        out.rows = sum_raw(db, period);
        return checked(db, std::move(out));
    }
    const auto fresh = sum_rows(db, period);
    const auto old = carried(db, period);
    out.rows.reserve(std::max(fresh.size(), old.size()));
    auto next = fresh.begin();
    for (const RollUpRow& before : old) {
        for (; next != fresh.end() && next->household < before.household; ++next)
            out.rows.push_back(*next);
        if (next != fresh.end() && next->household == before.household)
            out.rows.push_back(*next++);
        else
            out.rows.push_back(before);
    }
    out.rows.insert(out.rows.end(), next, fresh.end());
    return checked(db, std::move(out));
}

std::size_t store_piece(Db& db, const RollUpPeriod& period, const std::vector<RollUpRow>& rows, std::size_t from) {
    const Tables& table = tables_of(period.step);
    const std::size_t to = std::min(rows.size(), from + kRollUpPiece);
    // Those between this piece and the next go too, and with the last piece all behind it.
    const HouseholdId first = from == 0 ? HouseholdId{0} : rows[from].household;
    const HouseholdId last = to == rows.size() ? HouseholdId{INT64_MAX} : HouseholdId{rows[to].household.value - 1};
    db.execute(table.remove, {period.from, first, last});
    std::vector<Value> values;
    values.reserve((to - from) * 11);
    const auto maybe_value = [](const std::optional<std::int64_t>& v) { return v ? Value{*v} : Value{}; };
    for (std::size_t k = from; k < to; ++k) {
        const RollUpRow& r = rows[k];
        for (const Value& value : {Value{period.from}, Value{r.household}, Value{r.readings}, Value{r.first_at},
                                   Value{r.first_forward}, Value{r.last_at}, Value{r.last_forward}, Value{r.remaining},
                                   Value{r.state.bits}, maybe_value(r.power_min), maybe_value(r.power_max)})
            values.push_back(value);
    }
    if (!values.empty())
        db.append_rows(table.name,
                       {"at", "household_id", "readings", "first_at", "first_forward_ckwh", "last_at",
                        "last_forward_ckwh", "remaining_ckwh", "state", "power_min_dw", "power_max_dw"},
                       values);
    return rows.size() - to;
}

void finish_roll_up(Db& db, const RollUpState& state, const RollUpPeriod& period, std::int64_t changed) {
    // Readings that came meanwhile let it stand, for another turn.
    if (changed > 0)
        db.execute("DELETE FROM roll_ups_changed WHERE step = $1 AND at = $2 AND readings = $3",
                   {period.step, period.from, changed});
    const UnixTime until = period.step == RollUpStep::kHour  ? state.hours_until
                           : period.step == RollUpStep::kDay ? state.days_until
                                                             : state.months_until;
    if (period.to > until) set_archive_value(db, tables_of(period.step).mark, period.to.ms);
    // The days and months begin with the first hour.
    if (period.step == RollUpStep::kHour && state.hours_until == UnixTime{}) {
        set_archive_value(db, "days_until", begin_of_day(period.from).ms);
        set_archive_value(db, "months_until", office_month_of(period.from).begin().ms);
        set_archive_value(db, "roll_ups_from", period.from.ms);
    }
    for (const RollUpPeriod& next : changed_with(state, period))
        db.execute(
            "INSERT INTO roll_ups_changed (step, at, readings) VALUES ($1, $2, 1) ON CONFLICT (step, at) DO UPDATE SET "
            "readings = roll_ups_changed.readings + 1",
            {next.step, next.from});
}

std::vector<RollUpRow> roll_ups_of(Db& db, RollUpStep step, HouseholdId household, UnixTime from, UnixTime to) {
    std::vector<RollUpRow> rows;
    const std::int64_t width_ms = step == RollUpStep::kHour ? kHour_ms : kDay_ms;
    if (from < to)
        db.query(tables_of(step).of_household, {household, from, to, width_ms}, [&](const Row& row) {
            RollUpRow r;
            r.household = row.as<HouseholdId>(0);
            r.readings = row.integer(1);
            r.first_at = row.as<UnixTime>(2);
            r.first_forward = row.integer(3);
            r.last_at = row.as<UnixTime>(4);
            r.last_forward = row.integer(5);
            r.remaining = row.integer(6);
            r.state = HouseholdState{row.as<std::uint16_t>(7)};
            r.power_min = maybe(row, 8);
            r.power_max = maybe(row, 9);
            rows.push_back(r);
        });
    return rows;
}

}  // namespace prewatt::server::store
