// What a card costs whoever holds it: at the shared reader of a line until the light is on, at the box's own reader
// until the purchase is stored and shown. Virtual time: the line character by character with real nodes, the real
// master and the real reader, cards as models whose exchanges take 10 ms. And the clerk at the desk, in host time.
#pragma once
#include <cstdint>

#include "bench/figures.hpp"

namespace prewatt::bench {

struct CardOptions {
    int boxes = 64;  // on the line of the shared reader; of 39 households each
    int taps = 120;  // at each speed, at random instants of full sweeps
    int desk_sales = 10;
    std::uint64_t seed = 2026;
};
[[nodiscard]] Figures run_card(const CardOptions& options = {});

}  // namespace prewatt::bench
