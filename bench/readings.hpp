// Readings stored per second, beside what the same database takes at all of the same rows, in turns in the same run;
// how the cost of a reading grows with the number of households; how long a month's report takes.
//
//   office  boxes of 39 households hand in sweep after sweep, as the lines do; a reading counts when the office has
//   said
//           that it is on the disk. Latest values, their table and all else that an office does go on meanwhile.
//   bare    the same rows by Db::append_rows (binary COPY; in SQLite a prepared INSERT) into a table without any index,
//           in transactions of the size that the office's had, from values that lie ready.
//
// On SQLite and on a PostgreSQL server of the run's own (or the empty database that is named). It takes some 4 GB on
// the disk at most, of the larger of both, and leaves nothing behind.
#pragma once
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/figures.hpp"

namespace prewatt::bench {

struct ReadingsOptions {
    std::filesystem::path folder;  // on the disk that is to be measured; files are made and removed in it
    std::vector<std::int64_t> households = {10'000, 100'000, 1'000'000};
    double seconds = 4;  // of each measurement
    int rounds = 3;      // in which office and bare take turns
    std::string url;     // an empty PostgreSQL database instead of a server of our own
    bool postgres = true;
    bool sqlite = true;
};
// An error is a sentence for a person: the folder, the database.
[[nodiscard]] std::expected<Figures, std::string> run_readings(const ReadingsOptions& options);

}  // namespace prewatt::bench
