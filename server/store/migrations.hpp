// The tables, as numbered steps (docs/formats/database.md). A step that has been published never changes; a new one is
// appended.
#pragma once
#include "server/store/db.hpp"

namespace prewatt::server::store {

// The number of the newest step that this program knows.
[[nodiscard]] int newest_migration();
// Of the open database; 0: empty, or without our table.
[[nodiscard]] int applied_migration(Db& db);
// Applies what is missing, all in one transaction. A failure: nothing was changed.
[[nodiscard]] std::optional<DbFailure> migrate(Db& db, UnixTime now);

}  // namespace prewatt::server::store
