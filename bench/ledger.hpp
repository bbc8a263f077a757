// Durable sales per second, beside what the same database on the same disk can commit at all, measured in turns in the
// same run; on SQLite, and on a PostgreSQL server of its own with its settings as durable as they come.
//
//   1 caller            sells, waits until the sale is on the disk, sells again. Beside: one row in one transaction,
//                       again and again.
//   8 and 64 callers    each waits for its own sale before the next one. Beside: transactions of the same shape, that
//   is,
//                       as many groups of rows as the office put sales into one transaction, each with the rows and
//                       keys of a sale, by bare statements on one thread that asks nothing of the database. Also told,
//                       without a goal: the same number of one-row inserts.
#pragma once
#include <expected>
#include <filesystem>
#include <string>

#include "bench/figures.hpp"

namespace prewatt::bench {

struct LedgerOptions {
    std::filesystem::path folder;  // on the disk that is to be measured; files are made and removed in it
    double seconds = 2;            // of each measurement
    int rounds = 5;  // in which the measurements take turns, so that a disk that changes its pace cheats nobody
    bool sqlite = true;
    bool postgres = false;
};
// An error is a sentence for a person: the folder, the database.
[[nodiscard]] std::expected<Figures, std::string> run_ledger(const LedgerOptions& options);

}  // namespace prewatt::bench
