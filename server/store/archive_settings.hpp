// The settings of the archive (server/domain/archive_settings.hpp) in the tables, and in a database that no office
// works in.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "server/domain/archive_settings.hpp"
#include "server/store/place.hpp"

namespace prewatt::server::store {

// Inside the caller's transaction; each one that changes anything stands in the journal.
[[nodiscard]] ArchiveSettings read_archive_settings(Db& db);
void write_archive_settings(Db& db, const ArchiveSettings& settings, const Actor& who, const std::string& reason,
                            UnixTime now);

// Also while an office works there.
[[nodiscard]] Opened<ArchiveSettings> archive_settings(const std::string& url);
// All of `changes` or none; each one that changes anything stands in the journal. kBadSpec: an unknown name, or values
// that cannot hold together; kInUse: an office works there.
[[nodiscard]] Opened<ArchiveSettings> set_archive_settings(
    const std::string& url, const std::vector<std::pair<std::string, std::int64_t>>& changes, const Actor& who,
    const std::string& reason, UnixTime now);

}  // namespace prewatt::server::store
