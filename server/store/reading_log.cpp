#include "server/store/reading_log.hpp"

#include <algorithm>
#include <unordered_map>

#include "server/domain/reconcile.hpp"
#include "server/domain/roll_up.hpp"
#include "server/store/desired.hpp"
#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {
namespace {

// A reading may come so much later than others of its time without moving the mark.
constexpr Duration kMarkSlack = minutes(1);

constexpr const char* kMark = "values_flushed_at";
constexpr const char* kFirst = "first_raw_at";

// As apply_reading (desired.cpp: what two in a row show, explains_use, is_of_judged_account) for many at once, without
// those whose sale awaits light. The bounds are those of the piece: without them PostgreSQL walks through all meters
// for each.
#define PREWATT_REMAINS_TWICE \
    "CASE WHEN meters.remaining_ckwh > f.remaining_ckwh THEN meters.remaining_ckwh ELSE f.remaining_ckwh END"
constexpr const char* kFlush =
    "UPDATE meters SET used_ckwh = COALESCE((SELECT b.credited_ckwh - " PREWATT_REMAINS_TWICE
    " FROM bookings b JOIN desired d "
    "ON d.household_id = b.household_id WHERE b.household_id = meters.household_id AND b.epoch = meters.epoch AND "
    "b.ticket_number = meters.ticket_number AND meters.ticket_number > 0 AND f.at > meters.effect_at AND d.stopped = 0 "
    "AND (f.state / 128) % 2 = 0 AND (f.at < $3 OR meters.judged_at >= $3) AND b.credited_ckwh - " PREWATT_REMAINS_TWICE
    " > meters.used_ckwh AND (b.unit <> 0 OR meters.proved_epoch <> meters.epoch OR b.credited_ckwh "
    "- " PREWATT_REMAINS_TWICE
    " - meters.proved_used_ckwh <= f.forward_ckwh - meters.proved_forward_ckwh + 5) AND NOT EXISTS (SELECT 1 "
    "FROM bookings n WHERE n.household_id = b.household_id AND (n.epoch, n.ticket_number) > (b.epoch, "
    "b.ticket_number))), meters.used_ckwh), read_at = f.at, forward_ckwh = f.forward_ckwh, "
    "remaining_ckwh = f.remaining_ckwh, state = f.state FROM readings_to_flush f WHERE f.household_id = "
    "meters.household_id AND (meters.read_at IS NULL OR meters.read_at <= f.at) AND meters.household_id >= $1 AND "
    "meters.household_id <= $2";
// Of one connection. SQLite prepares every statement anew after it was made, so there it is made before most of them;
// on PostgreSQL making it is a change of its own, and is not asked for where nothing is to be flushed.
constexpr std::string_view kToFlush =
    "CREATE TEMPORARY TABLE IF NOT EXISTS readings_to_flush (household_id BIGINT PRIMARY KEY, at BIGINT NOT NULL, "
    "forward_ckwh BIGINT NOT NULL, remaining_ckwh BIGINT NOT NULL, state BIGINT NOT NULL)";
static_assert(static_cast<int>(Hold::kNotOpened) == 7,
              "(f.state / 128) % 2: an account that is not opened tells nothing");
static_assert(static_cast<int>(AccountUnit::kEnergy) == 0 && kReadingSlack == energy_of_hundredths(5),
              "b.unit <> 0 OR ... + 5: explains_use");

}  // namespace

Answer<Done> ReadingLog::load(Db& db) {
    if (loaded_) return Done{};
    db.define("sqlite:" + std::string{kToFlush});
    UnixTime newest;
    db.query("SELECT household_id, read_at, CASE WHEN ticket_number > lit_number THEN 1 ELSE 0 END FROM meters", {},
             [&](const Row& row) {
                 latest_.learn(row.as<HouseholdId>(0), row.as<UnixTime>(1), row.as<bool>(2));
                 newest = std::max(newest, row.as<UnixTime>(1));
             });
    db.query("SELECT household_id, at FROM meter_changes", {},
             [&](const Row& row) { latest_.forget(row.as<HouseholdId>(0), row.as<UnixTime>(1)); });
    hours_until_ = UnixTime{archive_value(db, "hours_until", 0)};
    raw_from_ = UnixTime{archive_value(db, "raw_from", 0)};
    with_spans_ = has_spans(db);
    if (with_spans_) find_spans(db);
    first_at_ = UnixTime{archive_value(db, kFirst, 0)};
    if (first_at_ == UnixTime{})
        db.query("SELECT MIN(at) FROM readings", {}, [&](const Row& row) { carried_first_at_ = row.as<UnixTime>(0); });
    mark_ = UnixTime{archive_value(db, kMark, 0)};
    std::unordered_map<std::int64_t, Reading> unsettled;
    db.query(
        "SELECT household_id, at, forward_ckwh, remaining_ckwh, state FROM readings_in_spans WHERE at >= $1 AND "
        "span_last_at >= $1",
        {mark_}, [&](const Row& row) {
            const HouseholdId household = row.as<HouseholdId>(0);
            const UnixTime at = row.as<UnixTime>(1);
            const LatestValue* value = latest_.find(household);
            if (!value || at <= value->in_meters_at) return;
            newest = std::max(newest, at);
            Reading& reading = unsettled[household.value];
            if (reading.household && at < reading.at) return;
            reading = {household, at, row.as<Energy>(2), row.as<Credit>(3), HouseholdState{row.as<std::uint16_t>(4)}};
        });
    if (!db.ok()) return std::unexpected(refusal_of(*db.failure()));
    std::vector<LatestValues::Shown> shown;
    shown.reserve(unsettled.size());
    for (const auto& [household, reading] : unsettled)
        shown.push_back({reading, false});
    latest_.show(shown);
    newest_at_ms_ = newest.ms;
    loaded_ = true;
    return Done{};
}

Answer<Done> ReadingLog::record(Db& db, const std::vector<Reading>& readings, Changes& changes) {
    if (const auto loaded = load(db); !loaded) return loaded;
    if (!takes_) {
        refused_ += readings.size();
        return std::unexpected(Refusal{Reason::kStorageFull,
                                       "The disk is nearly full; what room is left is kept for sales. The readings "
                                       "were not kept.",
                                       0});
    }
    for (const Reading& reading : readings) {
        if (!is_in_calendar(reading.at) || reading.at < raw_from_) continue;
        const LatestValue* value = latest_.find(reading.household);
        if (!value) {
            // A household that is new, or one that was taken away meanwhile.
            db.query(
                "SELECT read_at, CASE WHEN ticket_number > lit_number THEN 1 ELSE 0 END FROM meters WHERE "
                "household_id = $1",
                {reading.household},
                [&](const Row& row) { latest_.learn(reading.household, row.as<UnixTime>(0), row.as<bool>(1)); });
            value = latest_.find(reading.household);
            if (!value) continue;
        }
        const bool repeated = value->at == reading.at && value->forward == reading.forward &&
                              value->remaining == reading.remaining && value->state == reading.state;
        if (repeated) continue;
        gathered_.rows.push_back(reading);
        gathered_.newest_at = std::max(gathered_.newest_at, reading.at);
        if (const UnixTime first = gathered_.first_at == UnixTime{} ? first_at_ : gathered_.first_at;
            first == UnixTime{} || reading.at < first)
            gathered_.first_at = carried_first_at_ == UnixTime{} ? reading.at : std::min(carried_first_at_, reading.at);
        if (is_late(reading.at, hours_until_)) ++gathered_.late[begin_of_hour(reading.at)];
        if (reading.at < value->newest()) continue;
        if (value->careful && !apply_reading(db, reading, runs_since_, changes))
            gathered_.no_longer_careful.push_back(reading.household);
        gathered_.shown.push_back({reading, value->careful});
        if (!value->careful && reading.at < gathered_.mark.value_or(mark_)) gathered_.mark = reading.at;
        changes.push_back({Change::Kind::kHousehold, reading.household.value});
    }
    return Done{};
}

void ReadingLog::settle(Db& db, HouseholdId household, Changes& changes) {
    const LatestValue* value = latest_.find(household);
    if (!value) return;
    std::optional<Reading> newest;
    if (value->waiting) newest = Reading{household, value->at, value->forward, value->remaining, value->state};
    for (const auto& [reading, in_meters] : gathered_.shown)
        if (reading.household == household && (!newest || reading.at >= newest->at)) {
            newest = reading;
            if (in_meters) newest.reset();
        }
    if (!newest) return;
    if (!apply_reading(db, *newest, runs_since_, changes)) gathered_.no_longer_careful.push_back(household);
    gathered_.settled.emplace_back(household, newest->at);
}

void ReadingLog::forget(Db& db, HouseholdId household, UnixTime now) {
    db.execute(
        "INSERT INTO meter_changes (household_id, at) VALUES ($1, $2) ON CONFLICT (household_id) DO UPDATE SET at = "
        "excluded.at",
        {household, now});
    gathered_.forgotten.emplace_back(household, now);
}

void ReadingLog::touch(HouseholdId household) {
    latest_.set_careful(household, true);
    std::erase(gathered_.no_longer_careful, household);
}

Answer<bool> ReadingLog::flush(Db& db, UnixTime now, std::size_t households_max, Changes& changes) {
    if (const auto loaded = load(db); !loaded) return std::unexpected(loaded.error());
    // Several pieces in one transaction go on where the one before ended.
    if (gathered_.round_complete) return true;
    std::size_t cursor = gathered_.cursor_moved ? gathered_.cursor : cursor_;
    if (cursor == 0) round_began_at_ = now;
    const auto households = latest_.waiting(cursor, households_max);
    const bool complete = cursor >= latest_.size();
    std::vector<Value> rows;
    for (const HouseholdId household : households) {
        const LatestValue& value = *latest_.find(household);
        if (value.careful) {
            settle(db, household, changes);
            continue;
        }
        for (const Value& one :
             {Value{household}, Value{value.at}, Value{value.forward}, Value{value.remaining}, Value{value.state.bits}})
            rows.push_back(one);
        gathered_.settled.emplace_back(household, value.at);
    }
    if (!rows.empty()) {
        const HouseholdId first = households.front();
        const HouseholdId last = households.back();
        db.define(std::string{kToFlush});
        // A temporary table is never vacuumed: with DELETE, PostgreSQL would walk through all rows of all flushes
        // before.
        db.define("postgres:TRUNCATE readings_to_flush");
        db.define("sqlite:DELETE FROM readings_to_flush");
        db.append_rows("readings_to_flush", {"household_id", "at", "forward_ckwh", "remaining_ckwh", "state"}, rows);
        db.execute(kFlush, {first, last, runs_since_});
    }
    gathered_.cursor = complete ? 0 : cursor;
    gathered_.cursor_moved = true;
    gathered_.round_complete = complete;
    if (complete) {
        // What came since the round began may still be missing, and what comes late.
        std::sort(gathered_.settled.begin(), gathered_.settled.end());
        UnixTime mark{round_began_at_.ms - kMarkSlack.count() / 1000};
        if (const auto oldest = latest_.oldest_waiting(gathered_.settled)) mark = std::min(mark, *oldest);
        for (const auto& [reading, in_meters] : gathered_.shown)
            if (!in_meters) mark = std::min(mark, reading.at);
        gathered_.mark = mark;
    }
    return complete;
}

// The memory of what is many serves again: to give it back to the system and to get it anew costs more than to fill it.
void ReadingLog::on_begin() {
    Gathered next;
    const auto keep_memory = [](auto& from, auto& to) {
        from.clear();
        to.swap(from);
    };
    keep_memory(gathered_.shown, next.shown);
    keep_memory(gathered_.rows, next.rows);
    keep_memory(gathered_.settled, next.settled);
    gathered_ = std::move(next);
}

void ReadingLog::before_commit(Db& db) {
    if (!gathered_.rows.empty()) {
        for (const Reading& reading : gathered_.rows)
            if (const int month = office_month_of(reading.at).number();
                !partitions_.contains(month) && std::find(gathered_.partitions.begin(), gathered_.partitions.end(),
                                                          month) == gathered_.partitions.end()) {
                make_reading_partition(db, month);
                gathered_.partitions.push_back(month);
            }
        append_readings(db, gathered_.rows, with_spans_, values_);
    }
    for (const auto& [hour, count] : gathered_.late)
        db.execute(
            "INSERT INTO roll_ups_changed (step, at, readings) VALUES ($1, $2, $3) ON CONFLICT (step, at) DO UPDATE "
            "SET "
            "readings = roll_ups_changed.readings + excluded.readings",
            {RollUpStep::kHour, hour, count});
    if (gathered_.first_at != UnixTime{}) set_archive_value(db, kFirst, gathered_.first_at.ms);
    if (gathered_.mark && *gathered_.mark != mark_) set_archive_value(db, kMark, gathered_.mark->ms);
}

void ReadingLog::on_committed() {
    for (const HouseholdId household : gathered_.no_longer_careful)
        latest_.set_careful(household, false);
    if (!gathered_.shown.empty()) latest_.show(gathered_.shown);
    for (const auto& [household, at] : gathered_.settled)
        latest_.settled(household, at);
    for (const auto& [household, at] : gathered_.forgotten)
        latest_.forget(household, at);
    if (gathered_.newest_at.ms > newest_at_ms_) newest_at_ms_ = gathered_.newest_at.ms;
    if (gathered_.first_at != UnixTime{}) first_at_ = gathered_.first_at;
    if (gathered_.mark) mark_ = *gathered_.mark;
    if (gathered_.cursor_moved) cursor_ = gathered_.cursor;
    partitions_.insert(gathered_.partitions.begin(), gathered_.partitions.end());
}

}  // namespace prewatt::server::store
