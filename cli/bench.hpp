// `prewatt bench NAME`: measures this machine and compares with the goals. Prints figures as a table, or with --json as
// {"figures": [...]}; --strict makes a missed goal exit code 1.
#pragma once
#include <filesystem>
#include <string>

namespace prewatt::cli {

struct BenchOptions {
    std::string name;  // metrology, line, ledger, sale
    bool json = false;
    bool strict = false;
    double seconds = 0;             // how long to measure; 0: what the benchmark thinks right
    int boxes = 0;                  // line, sale: so many boxes; 0: what the goal is set for
    std::string database = "both";  // ledger: sqlite, postgres, both
    std::filesystem::path folder;   // ledger: on the disk that is to be measured; empty: the temporary folder
};
[[nodiscard]] int run(const BenchOptions& options);
// The names that this build knows, one space between them.
[[nodiscard]] std::string bench_names();

}  // namespace prewatt::cli
