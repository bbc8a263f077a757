// `prewatt bench NAME`: measures this machine and compares with the goals. Prints figures as a table, or with --json as
// {"figures": [...]}; --strict makes a missed goal exit code 1.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace prewatt::cli {

struct BenchOptions {
    std::string name;  // metrology, line, ledger, readings, sale
    bool json = false;
    bool strict = false;
    double seconds = 0;           // how long to measure; 0: what the benchmark thinks right
    int boxes = 0;                // line, sale: so many boxes; 0: what the goal is set for
    std::int64_t households = 0;  // readings: one size only; 0: 10,000, 100,000 and 1,000,000
    std::string database =
        "both";  // ledger, readings: sqlite, postgres, both; readings: or the URL of an empty database
    std::filesystem::path folder;  // ledger, readings: on the disk that is to be measured; empty: the temporary folder
};
[[nodiscard]] int run(const BenchOptions& options);
// The names that this build knows, one space between them.
[[nodiscard]] std::string bench_names();

}  // namespace prewatt::cli
