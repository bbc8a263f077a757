#include "server/store/retention.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {
namespace {

namespace fs = std::filesystem;

// Spans of one piece in SQLite: 20,000 rows at most, some 10 ms.
constexpr int kSpansOfPiece = 150;
constexpr int kRowsOfPiece = 5000;

// Readings of which all are older; an empty table of a month goes too.
bool drop_partition(Db& db, UnixTime before) {
    std::string name;
    db.query(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = "
        "i.inhparent WHERE p.relname = 'readings' ORDER BY c.relname LIMIT 1",
        {}, [&](const Row& row) { name = row.as<std::string>(0); });
    constexpr std::string_view prefix = "readings_";
    if (!name.starts_with(prefix)) return false;
    const OfficeMonth month = month_of_number(std::stoi(name.substr(prefix.size())));
    if (month.end() > before) return false;
    db.define("postgres:DROP TABLE " + name);
    return true;
}

bool remove_spans(Db& db, UnixTime before) {
    struct Numbers {
        std::int64_t first;
        std::int64_t last;
    };
    std::vector<Numbers> spans;
    db.query("SELECT first_number, last_number FROM reading_spans WHERE last_at < $1 ORDER BY last_at LIMIT $2",
             {before, kSpansOfPiece}, [&](const Row& row) { spans.push_back({row.integer(0), row.integer(1)}); });
    for (const Numbers& span : spans) {
        db.post("DELETE FROM readings WHERE number >= $1 AND number <= $2", {span.first, span.last});
        db.post("DELETE FROM reading_spans WHERE first_number = $1", {span.first});
    }
    return !spans.empty();
}

}  // namespace

RetentionRules retention_rules(Db& db) {
    RetentionRules rules;
    rules.raw_days = static_cast<int>(archive_value(db, "raw_days", rules.raw_days));
    rules.hour_days = static_cast<int>(archive_value(db, "hour_days", rules.hour_days));
    rules.day_days = static_cast<int>(archive_value(db, "day_days", rules.day_days));
    rules.floor_bytes = archive_value(db, "floor_bytes", rules.floor_bytes);
    rules.short_bytes = archive_value(db, "short_bytes", rules.short_bytes);
    return rules;
}

std::optional<UnixTime> oldest_raw_at(Db& db) {
    std::optional<UnixTime> oldest;
    if (has_spans(db)) {
        db.query("SELECT MIN(last_at) FROM reading_spans", {},
                 [&](const Row& row) { oldest = row.as<std::optional<UnixTime>>(0); });
        return oldest;
    }
    db.query(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = "
        "i.inhparent WHERE p.relname = 'readings' ORDER BY c.relname LIMIT 1",
        {}, [&](const Row& row) {
            oldest = month_of_number(std::stoi(row.as<std::string>(0).substr(std::string{"readings_"}.size()))).begin();
        });
    return oldest;
}

Answer<bool> remove_piece(Db& db, const Retention& retention) {
    const bool raw = has_spans(db) ? remove_spans(db, retention.raw_before) : drop_partition(db, retention.raw_before);
    if (raw) {
        if (retention.raw_before.ms > archive_value(db, "raw_from", 0))
            set_archive_value(db, "raw_from", retention.raw_before.ms);
        return true;
    }
    if (db.execute(
            "DELETE FROM hours WHERE at = (SELECT MIN(at) FROM hours) AND at < $1 AND household_id <= (SELECT "
            "MAX(household_id) FROM (SELECT household_id FROM hours WHERE at = (SELECT MIN(at) FROM hours) ORDER "
            "BY household_id LIMIT $2) AS piece)",
            {retention.hours_before, kRowsOfPiece}) > 0)
        return true;
    return db.execute(
               "DELETE FROM days WHERE at = (SELECT MIN(at) FROM days) AND at < $1 AND household_id <= (SELECT "
               "MAX(household_id) FROM (SELECT household_id FROM days WHERE at = (SELECT MIN(at) FROM days) ORDER BY "
               "household_id LIMIT $2) AS piece)",
               {retention.days_before, kRowsOfPiece}) > 0;
}

bool Ballast::give_up() {
    const bool given = unlink(file_.c_str()) == 0;
    if (given) owed_ = true;
    return given;
}

bool Ballast::make() {
    if (is_there()) return true;
    const int descriptor = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return false;
    const bool made = posix_fallocate(descriptor, 0, kBytes) == 0;
    ::close(descriptor);
    if (!made) unlink(file_.c_str());
    if (made) owed_ = false;
    return made;
}

bool Ballast::is_there() const {
    std::error_code error;
    return fs::file_size(file_, error) == static_cast<std::uintmax_t>(kBytes) && !error;
}

std::optional<std::int64_t> free_bytes_of(const fs::path& folder) {
    struct statvfs about{};
    if (statvfs(folder.c_str(), &about) != 0) return std::nullopt;
    return static_cast<std::int64_t>(about.f_bavail) * static_cast<std::int64_t>(about.f_frsize);
}

}  // namespace prewatt::server::store
