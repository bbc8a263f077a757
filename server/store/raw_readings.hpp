// The table `readings`: appended in bulk, found again by the bounds of each append (migration_archive.cpp).
#pragma once
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// A span is short in time: one that reaches into a period ends less than this after it.
inline constexpr std::int64_t kSpanTimeMax_ms = 3'600'000;

// Appends them all; the months for which PostgreSQL has no partition yet must have been made. `values`: room to work
// in, kept by the caller from one time to the next.
void append_readings(Db& db, std::span<const Reading> readings, bool with_spans, std::vector<Value>& values);
// Whether this engine finds readings by a table of spans.
[[nodiscard]] bool has_spans(Db& db);
// Makes spans for readings that have none: an office that came from a backup. Where there is a table of spans.
void find_spans(Db& db);
// The partition of a month; nothing to do in SQLite.
void make_reading_partition(Db& db, int month);

// from <= at < to, oldest first. kHour, kDay (of the office): the last reading of each, from the raw readings as long
// as they are kept and from the roll-ups before.
[[nodiscard]] Answer<std::vector<Reading>> read_readings(Db& db, HouseholdId household, UnixTime from, UnixTime to,
                                                         Step step);

}  // namespace prewatt::server::store
