// `prewatt db`: what an administrator does with the database of an office. A database is named as for `serve --db`: a
// path, sqlite:///path/office.db or postgresql://user@host/database (a password belongs into ~/.pgpass).
//
//   prewatt db check DB                 the engine's own structures, the ledger, the audit chain, the hash of balances
//   prewatt db backup DB FILE           one file of no engine, of one moment, while the office works
//   prewatt db restore FILE DB          into a new or empty database, whole or not at all
//   prewatt db migrate DB               applies missing steps and names them
//   prewatt db settings DB [NAME=VALUE ...] --reason TEXT    how long readings are kept, when a month is closed;
//   without
//                                       a value only shown. Into the journal, by the user of this machine
//   prewatt db move FROM TO             from one engine to the other; FROM stays as it is
//
// All take --output table|json|csv. Exit codes: 0; 1 the disk, the server or the tables fail; 2 the URL makes no sense;
// 3 there is no such office or file; 5 refused (in use, not empty, damaged, newer; or `check` has found
// something).
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace prewatt::cli {

struct DbCheckOptions {
    std::string db;
    std::string output = "table";
};
struct DbBackupOptions {
    std::string db;
    std::filesystem::path file;
    std::string output = "table";
};
struct DbRestoreOptions {
    std::filesystem::path file;
    std::string db;
    std::string output = "table";
};
struct DbMigrateOptions {
    std::string db;
    std::string output = "table";
};
struct DbMoveOptions {
    std::string from;
    std::string to;
    std::string output = "table";
};
struct DbSettingsOptions {
    std::string db;
    std::vector<std::string> changes;
    std::string reason;
    std::string output = "table";
};
[[nodiscard]] int run(const DbSettingsOptions& options);
[[nodiscard]] int run(const DbCheckOptions& options);
[[nodiscard]] int run(const DbBackupOptions& options);
[[nodiscard]] int run(const DbRestoreOptions& options);
[[nodiscard]] int run(const DbMigrateOptions& options);
[[nodiscard]] int run(const DbMoveOptions& options);

}  // namespace prewatt::cli
