#include "server/store/archive_settings.hpp"

#include "server/store/audit.hpp"
#include "server/store/closings.hpp"
#include "server/store/migrations.hpp"
#include "server/store/retention.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {

ArchiveSettings read_archive_settings(Db& db) {
    return {retention_rules(db), closing_hour(db)};
}

void write_archive_settings(Db& db, const ArchiveSettings& settings, const Actor& who, const std::string& reason,
                            UnixTime now) {
    const ArchiveSettings before = read_archive_settings(db);
    for (const ArchiveSettingName& setting : kArchiveSettings) {
        const std::string name{setting.name};
        const std::int64_t old_value = *archive_setting(before, name);
        const std::int64_t value = *archive_setting(settings, name);
        if (old_value == value) continue;
        set_archive_value(db, name.c_str(), value);
        append_audit(db,
                     {0, now, who, "archive.set", name, std::to_string(old_value), std::to_string(value), reason, ""});
    }
}

Opened<ArchiveSettings> archive_settings(const std::string& url) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto db = (*place)->open_reading();
    if (!db) return std::unexpected(db.error());
    const ArchiveSettings settings = read_archive_settings(**db);
    if (!(*db)->ok()) return open_failure((*place)->name(), *(*db)->failure());
    return settings;
}

Opened<ArchiveSettings> set_archive_settings(const std::string& url,
                                             const std::vector<std::pair<std::string, std::int64_t>>& changes,
                                             const Actor& who, const std::string& reason, UnixTime now) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto writing = (*place)->open_writing();
    if (!writing) return std::unexpected(writing.error());
    Db& db = *writing->db;
    if (applied_migration(db) < newest_migration())
        return std::unexpected(
            OpenFailure{OpenError::kDamaged, "Its tables are older than this program; prewatt db migrate first."});
    ArchiveSettings after = read_archive_settings(db);
    for (const auto& [name, value] : changes)
        if (!set_archive_setting(after, name, value))
            return std::unexpected(
                OpenFailure{OpenError::kBadSpec, "There is no setting '" + name + "'; nothing was changed."});
    if (const auto bad = check_archive_settings(after))
        return std::unexpected(OpenFailure{OpenError::kBadSpec, bad->message});

    // From here on it succeeds.
    db.begin_write();
    write_archive_settings(db, after, who, reason, now);
    if (!db.ok() || !db.commit()) {
        const DbFailure why = *db.failure();
        db.rollback();
        return open_failure((*place)->name(), why);
    }
    return after;
}

}  // namespace prewatt::server::store
