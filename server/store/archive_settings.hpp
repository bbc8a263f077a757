// The settings of the archive in a database that no office works in: server/domain/archive_settings.hpp.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "server/domain/archive_settings.hpp"
#include "server/store/place.hpp"

namespace prewatt::server::store {

// Also while an office works there.
[[nodiscard]] Opened<ArchiveSettings> archive_settings(const std::string& url);
// All of `changes` or none; each one that changes anything stands in the journal. kBadSpec: an unknown name, or values
// that cannot hold together; kInUse: an office works there.
[[nodiscard]] Opened<ArchiveSettings> set_archive_settings(
    const std::string& url, const std::vector<std::pair<std::string, std::int64_t>>& changes, const Actor& who,
    const std::string& reason, UnixTime now);

}  // namespace prewatt::server::store
