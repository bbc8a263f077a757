// How many times faster than the mains one core computes everything that a full box measures: 39 current and 3 voltage
// channels at 4 kSa/s through the complete metering processor with all its rules on, with skew, offsets, noise,
// harmonics and reactive loads.
#pragma once
#include "bench/figures.hpp"

namespace prewatt::bench {

// Takes about seconds_budget of processor time. One thread. Time is the processor time of that thread, so other work on
// the machine disturbs the figure only through the caches.
[[nodiscard]] Figures run_metrology(double seconds_budget);

}  // namespace prewatt::bench
