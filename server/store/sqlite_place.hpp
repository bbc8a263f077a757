// An office in one SQLite file: docs/formats/database.md. A lock file beside it keeps other processes out; a new one is
// made beside it and renamed.
#pragma once
#include <filesystem>

#include "server/store/place.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Place> make_sqlite_place(const std::filesystem::path& file, std::int64_t pages_max);

}  // namespace prewatt::server::store
