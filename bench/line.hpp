// What one RS-485 line carries: 256 boxes of 39 households at 9600 8E1, simulated character by character, with the real
// meter nodes and the real line master. Times are simulated; the run itself takes some seconds.
//
// Two bounds for the full sweep. The first takes the characters that really went over the line for the household blocks
// and the 20 ms that DL/T 645 demands before each reply. The second takes the shortest frames that could carry the same
// records: no FE, no version.
#pragma once
#include <cstdint>

#include "bench/figures.hpp"

namespace prewatt::bench {

struct LineOptions {
    int boxes = 256;
    int tickets = 400;
    std::uint64_t seed = 2026;
};
[[nodiscard]] Figures run_line(const LineOptions& options = {});

}  // namespace prewatt::bench
