// The tables, as numbered steps (docs/formats/database.md). A step that has been published never changes; a new one is
// appended.
#pragma once
#include <span>

#include "server/store/db.hpp"

namespace prewatt::server::store {

// One step. Statements are plain SQL for every engine; what engines write differently stands in marks that are replaced
// when it is carried out: {id} is the type of a primary key that numbers itself, {key} that of a primary key of one
// integer whose value we give; {compact} behind a table keeps its rows in the order of its primary key where the engine
// can. A statement that only one engine has begins with "sqlite:" or "postgres:". On PostgreSQL every INTEGER becomes
// BIGINT and every TEXT column is given COLLATE "C", so that both engines sort and compare alike and no update of the
// system's locales breaks an index. A table whose rows must stay has triggers: see `entries`; PostgreSQL's function
// refuse_change('why') serves any table.
struct Migration {
    const char* name;
    std::span<const char* const> statements;
};
// In the files migration_*.cpp, one for each subject; their order is their number (migrations.cpp).
[[nodiscard]] Migration audit_migration();
[[nodiscard]] Migration accounts_migration();
[[nodiscard]] Migration desired_migration();
[[nodiscard]] Migration archive_migration();
[[nodiscard]] Migration refunds_migration();
[[nodiscard]] Migration two_people_migration();
[[nodiscard]] Migration freezes_migration();
[[nodiscard]] Migration cards_migration();
[[nodiscard]] Migration proved_use_migration();
[[nodiscard]] Migration refund_searches_migration();
[[nodiscard]] Migration warrants_migration();
[[nodiscard]] Migration polls_migration();
[[nodiscard]] Migration flushes_migration();

// The number of the newest step that this program knows.
[[nodiscard]] int newest_migration();
// Of the open database; 0: empty, or without our table.
[[nodiscard]] int applied_migration(Db& db);
// Applies what is missing up to step `last` (0: the newest), all in one transaction. A failure: nothing was changed.
[[nodiscard]] std::optional<DbFailure> migrate(Db& db, UnixTime now, int last = 0);

}  // namespace prewatt::server::store
