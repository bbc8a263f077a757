#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_READING_COLUMNS                                                                                        \
    "household_id BIGINT NOT NULL, at BIGINT NOT NULL, forward_ckwh BIGINT NOT NULL, remaining_ckwh BIGINT NOT NULL, " \
    "state BIGINT NOT NULL, power_dw BIGINT"
#define PREWATT_ROLL_UP_COLUMNS                                                                                     \
    "(at BIGINT NOT NULL, household_id BIGINT NOT NULL, readings BIGINT NOT NULL, first_at BIGINT NOT NULL, "       \
    "first_forward_ckwh BIGINT NOT NULL, last_at BIGINT NOT NULL, last_forward_ckwh BIGINT NOT NULL, "              \
    "remaining_ckwh BIGINT NOT NULL, state BIGINT NOT NULL, power_min_dw BIGINT, power_max_dw BIGINT, PRIMARY KEY " \
    "(at, "                                                                                                         \
    "household_id))"

// Readings are appended and never looked up while they are fresh, so they have no key: what a key by household costs
// grows with the number of households (each reading of a sweep lies in a page of its own). What finds them again are
// the bounds of time and household of each append: a table of spans in SQLite, a BRIN index in PostgreSQL. The view
// makes one of both.
constexpr const char* kArchive[] = {
    "ALTER TABLE readings RENAME TO readings_before",
    "sqlite:CREATE TABLE readings (number INTEGER PRIMARY KEY, " PREWATT_READING_COLUMNS ")",
    "sqlite:INSERT INTO readings (household_id, at, forward_ckwh, remaining_ckwh, state) SELECT household_id, at, "
    "forward_ckwh, remaining_ckwh, state FROM readings_before ORDER BY at, household_id",
    "sqlite:CREATE TABLE reading_spans (first_number INTEGER PRIMARY KEY, last_number BIGINT NOT NULL, "
    "first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, first_household BIGINT NOT NULL, "
    "last_household BIGINT NOT NULL)",
    "sqlite:CREATE INDEX reading_spans_of_time ON reading_spans (last_at)",
    "sqlite:CREATE VIEW readings_in_spans AS SELECT r.household_id, r.at, r.forward_ckwh, r.remaining_ckwh, r.state, "
    "r.power_dw, s.first_at AS span_first_at, s.last_at AS span_last_at, s.first_household AS span_first_household, "
    "s.last_household AS span_last_household FROM reading_spans s CROSS JOIN readings r "
    "ON r.number BETWEEN s.first_number AND s.last_number",

    "postgres:CREATE TABLE readings (" PREWATT_READING_COLUMNS ") PARTITION BY RANGE (at)",
    "postgres:CREATE INDEX readings_bounds ON readings USING brin (household_id int8_minmax_multi_ops, "
    "at int8_minmax_multi_ops) WITH (pages_per_range = 8, autosummarize = on)",
    // A partition for each month of the office that has readings already; later ones are made by reading_log.cpp.
    "postgres:DO $do$ DECLARE m TIMESTAMP; BEGIN FOR m IN SELECT DISTINCT date_trunc('month', "
    "to_timestamp(at / 1000.0) AT TIME ZONE 'UTC' + INTERVAL '8 hours') FROM readings_before LOOP "
    "EXECUTE format('CREATE TABLE readings_%s PARTITION OF readings FOR VALUES FROM (%s) TO (%s)', "
    "to_char(m, 'YYYYMM'), CAST(extract(epoch FROM m - INTERVAL '8 hours') * 1000 AS BIGINT), "
    "CAST(extract(epoch FROM m + INTERVAL '1 month' - INTERVAL '8 hours') * 1000 AS BIGINT)); END LOOP; END $do$",
    "postgres:INSERT INTO readings (household_id, at, forward_ckwh, remaining_ckwh, state) SELECT household_id, at, "
    "forward_ckwh, remaining_ckwh, state FROM readings_before ORDER BY at, household_id",
    "postgres:CREATE VIEW readings_in_spans AS SELECT household_id, at, forward_ckwh, remaining_ckwh, state, power_dw, "
    "at AS span_first_at, at AS span_last_at, household_id AS span_first_household, household_id AS "
    "span_last_household FROM readings",
    "DROP TABLE readings_before",

    // Roll-ups. `at`: when the hour, day or month of the office begins. The period comes first in the key, so that one
    // is appended behind the other.
    "sqlite:CREATE TABLE hours " PREWATT_ROLL_UP_COLUMNS " WITHOUT ROWID",
    "sqlite:CREATE TABLE days " PREWATT_ROLL_UP_COLUMNS " WITHOUT ROWID",
    "sqlite:CREATE TABLE months " PREWATT_ROLL_UP_COLUMNS " WITHOUT ROWID",
    "postgres:CREATE TABLE hours " PREWATT_ROLL_UP_COLUMNS,
    "postgres:CREATE TABLE days " PREWATT_ROLL_UP_COLUMNS,
    "postgres:CREATE TABLE months " PREWATT_ROLL_UP_COLUMNS,

    // Periods into which readings came after they had been summed up.
    "CREATE TABLE roll_ups_changed (step BIGINT NOT NULL, at BIGINT NOT NULL, readings BIGINT NOT NULL, PRIMARY KEY "
    "(step, at))",
    // How far the archive's work has come, and its settings.
    "CREATE TABLE archive_state (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",

    // From when on what is read of a household is of the meter that it has now.
    "CREATE TABLE meter_changes (household_id BIGINT PRIMARY KEY, at BIGINT NOT NULL)",
    // What a meter has frozen itself at a stated hour.
    "CREATE TABLE freezes (at BIGINT NOT NULL, household_id BIGINT NOT NULL, forward_ckwh BIGINT NOT NULL, "
    "remaining_ckwh BIGINT NOT NULL, recorded_at BIGINT NOT NULL, PRIMARY KEY (at, household_id))",
    // The register at the end of a month; a correction is a new version that names the one it replaces.
    "CREATE TABLE closings (month BIGINT NOT NULL, household_id BIGINT NOT NULL, version BIGINT NOT NULL, "
    "replaces BIGINT, at BIGINT NOT NULL, forward_ckwh BIGINT NOT NULL, remaining_ckwh BIGINT NOT NULL, "
    "quality BIGINT NOT NULL, before_at BIGINT, after_at BIGINT, made_at BIGINT NOT NULL, why TEXT NOT NULL, "
    "PRIMARY KEY (month, household_id, version))",
    "sqlite:CREATE TRIGGER closings_stay BEFORE UPDATE ON closings BEGIN SELECT RAISE(ABORT, 'a closing does not "
    "change'); END",
};

}  // namespace

Migration archive_migration() {
    return {"readings by month, roll-ups, closings", kArchive};
}

}  // namespace prewatt::server::store
