// One whole office as a file that belongs to no engine, and back: docs/formats/backup.md. The tables are those that the
// schema has, not those of a list, so that a new one cannot be forgotten. `prewatt db` is a thin skin over this.
//
// What was copied is proved: every backup carries a hash over all of itself and the hash of all balances; restoring and
// moving compare both, and the number of rows of each table, before they commit.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "server/store/place.hpp"

namespace prewatt::server::store {

// SHA-256 in hexadecimal digits over the balances as docs/formats/backup.md writes them down. Inside a transaction.
[[nodiscard]] std::string hash_of_balances(Db& db);

struct Copied {
    std::string from;
    std::string to;
    int version = 0;  // the newest migration of what was copied
    std::int64_t tables = 0;
    std::int64_t rows = 0;
    std::string balances_before;  // hash_of_balances there ...
    std::string balances_after;   // ... and here; of a backup: the same
};

// Of one moment, also while an office works there. `file` must not exist; it is written beside itself as FILE.part,
// brought to the disk and renamed.
[[nodiscard]] Opened<Copied> back_up(const std::string& url, const std::filesystem::path& file, UnixTime now);
// Into a place where there is no office; whole, or there is still none.
[[nodiscard]] Opened<Copied> restore(const std::filesystem::path& file, const std::string& url, UnixTime now);
// From a place that no office has open, which stays as it is, into one where there is none.
[[nodiscard]] Opened<Copied> move_office(const std::string& from, const std::string& to, UnixTime now);

struct Migrated {
    std::string name;
    int version_before = 0;
    std::vector<std::string> steps;  // "2: audit journal, approvals, work list"
};
// Applies what is missing; no office may have it open.
[[nodiscard]] Opened<Migrated> migrate_office(const std::string& url, UnixTime now);

struct Finding {
    std::string subject;  // "engine", "ledger", "audit", "balances"
    bool sound = false;
    std::string words;
};
// Looks and touches nothing, also while an office works there.
[[nodiscard]] Opened<std::vector<Finding>> check_office(const std::string& url);

}  // namespace prewatt::server::store
