#include "server/store/raw_readings.hpp"

#include <algorithm>

#include "server/domain/roll_up.hpp"
#include "server/store/estate.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::int64_t kMicrowattsPerTenth = 100'000;

// Readings that were appended one behind the other, by what they lie between. A span is short in time, so that one
// which reaches into a period begins at most kSpanTimeMax before it.
constexpr std::size_t kSpanReadings = 128;

struct Span {
    explicit Span(const Reading& r) : first_at(r.at), last_at(r.at), first(r.household), last(r.household) {}
    bool take(const Reading& r) {
        if (std::max(last_at, r.at).ms - std::min(first_at, r.at).ms > kSpanTimeMax_ms) return false;
        first_at = std::min(first_at, r.at);
        last_at = std::max(last_at, r.at);
        first = std::min(first, r.household);
        last = std::max(last, r.household);
        return true;
    }
    UnixTime first_at;
    UnixTime last_at;
    HouseholdId first;
    HouseholdId last;
};

constexpr std::size_t kColumns = 6;

std::optional<ActivePower> power_of(const Row& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return ActivePower{row.integer(column) * kMicrowattsPerTenth};
}

}  // namespace

bool has_spans(Db& db) {
    return db.has_table("reading_spans");
}

void find_spans(Db& db) {
    std::int64_t known = 0;
    std::int64_t newest = 0;
    db.query(
        "SELECT COALESCE(MAX(last_number), 0), (SELECT COALESCE(MAX(number), 0) FROM readings) FROM "
        "reading_spans",
        {}, [&](const Row& row) {
            known = row.integer(0);
            newest = row.integer(1);
        });
    // A span is within an hour, so that a reading is found by its time.
    if (known < newest)
        db.execute(
            "INSERT INTO reading_spans (first_number, last_number, first_at, last_at, first_household, "
            "last_household) SELECT MIN(number), MAX(number), MIN(at), MAX(at), MIN(household_id), "
            "MAX(household_id) FROM (SELECT number, at, household_id, SUM(begins) OVER (ORDER BY number) AS "
            "span "
            "FROM (SELECT number, at, household_id, CASE WHEN at / 3600000 = LAG(at) OVER (ORDER BY number) / "
            "3600000 AND number % 128 <> 0 THEN 0 ELSE 1 END AS begins FROM readings WHERE number > $1)) GROUP "
            "BY "
            "span",
            {known});
}

void append_readings(Db& db, std::span<const Reading> readings, bool with_spans, std::vector<Value>& values) {
    if (readings.empty()) return;
    values.clear();
    values.reserve(readings.size() * kColumns);
    for (const Reading& r : readings) {
        values.emplace_back(r.household);
        values.emplace_back(r.at);
        values.emplace_back(r.forward);
        values.emplace_back(r.remaining);
        values.emplace_back(r.state.bits);
        values.push_back(r.power ? Value{r.power->count() / kMicrowattsPerTenth} : Value{});
    }
    db.append_rows("readings", {"household_id", "at", "forward_ckwh", "remaining_ckwh", "state", "power_dw"}, values);
    if (!with_spans) return;
    std::int64_t end = 0;  // numbers count up without gaps, and only the writing thread appends
    db.query("SELECT MAX(number) FROM readings", {}, [&](const Row& row) { end = row.integer(0); });
    std::int64_t number = end - static_cast<std::int64_t>(readings.size()) + 1;
    for (std::size_t from = 0, to = 0; from < readings.size(); from = to) {
        Span span{readings[from]};
        for (to = from + 1; to < readings.size() && to - from < kSpanReadings && span.take(readings[to]); ++to) {
        }
        const auto count = static_cast<std::int64_t>(to - from);
        db.execute(
            "INSERT INTO reading_spans (first_number, last_number, first_at, last_at, first_household, "
            "last_household) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            {number, number + count - 1, span.first_at, span.last_at, span.first, span.last});
        number += count;
    }
}

void make_reading_partition(Db& db, int month) {
    const OfficeMonth m = month_of_number(month);
    db.define("postgres:CREATE TABLE IF NOT EXISTS readings_" + std::to_string(month) +
              " PARTITION OF readings FOR VALUES FROM (" + std::to_string(m.begin().ms) + ") TO (" +
              std::to_string(m.end().ms) + ")");
}

// `each` reading of the household, oldest first; a repetition is passed over.
template <class Each>
void for_each_raw(Db& db, HouseholdId household, UnixTime from, UnixTime to, const Each& each) {
    from = std::max(from, kCalendarBegin);
    to = std::min(to, kCalendarEnd);
    if (from >= to) return;
    UnixTime last{INT64_MIN};
    db.query(
        "SELECT at, forward_ckwh, remaining_ckwh, state, power_dw FROM readings_in_spans WHERE household_id = $1 AND "
        "at >= $2 AND at < $3 AND span_last_at >= $2 AND span_last_at < $4 AND span_first_household <= $1 AND "
        "span_last_household >= $1 ORDER BY at",
        {household, from, to, UnixTime{to.ms + kSpanTimeMax_ms}}, [&](const Row& row) {
            const UnixTime at = row.as<UnixTime>(0);
            if (at == last) return;
            last = at;
            each(Reading{household, at, row.as<Energy>(1), row.as<Credit>(2), HouseholdState{row.as<std::uint16_t>(3)},
                         power_of(row, 4)});
        });
}

// The last raw reading of each period.
static void add_last_of_each(Db& db, HouseholdId household, UnixTime from, UnixTime to, std::int64_t width_ms,
                             std::vector<Reading>& readings) {
    std::int64_t last = -1;
    for_each_raw(db, household, from, to, [&](const Reading& reading) {
        const std::int64_t period = (reading.at.ms - kCalendarBegin.ms) / width_ms;
        if (period != last)
            readings.push_back(reading);
        else
            readings.back() = reading;
        last = period;
    });
}

Answer<std::vector<Reading>> read_readings(Db& db, HouseholdId household, UnixTime from, UnixTime to, Step step) {
    std::vector<Reading> readings;
    if (step == Step::kRaw) {
        for_each_raw(db, household, from, to, [&](const Reading& reading) { readings.push_back(reading); });
        return checked(db, std::move(readings));
    }
    const RollUpStep roll_up = step == Step::kHour ? RollUpStep::kHour : RollUpStep::kDay;
    const std::int64_t width_ms = step == Step::kHour ? kHour_ms : kDay_ms;
    from = std::max(from, kCalendarBegin);
    to = std::min(to, kCalendarEnd);
    const UnixTime until{archive_value(db, step == Step::kHour ? "hours_until" : "days_until", 0)};
    // Whole periods only; the first one is cut where the question begins in its middle.
    UnixTime raw_from = from;
    if (from < until) {
        const UnixTime whole = period_around(roll_up, from).from == from ? from : period_around(roll_up, from).to;
        UnixTime first{archive_value(db, "roll_ups_from", kCalendarBegin.ms)};
        raw_from = std::min(until, period_around(roll_up, to).from);
        if (whole > from) add_last_of_each(db, household, from, std::min(whole, to), width_ms, readings);
        for (const RollUpRow& row : roll_ups_of(db, roll_up, household, std::max(whole, first), raw_from))
            readings.push_back({household, row.last_at, energy_of_hundredths(row.last_forward),
                                credit_of_hundredths(row.remaining), row.state});
        raw_from = std::max(raw_from, whole);
    }
    add_last_of_each(db, household, raw_from, to, width_ms, readings);
    return checked(db, std::move(readings));
}

}  // namespace prewatt::server::store
