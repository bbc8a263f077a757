// Sums of products over a run of samples: everything that the metrology takes from a sample. They are exact integers,
// so runs add up in any order and two builds of the same code agree to the bit.
//
// i is a current in counts, v the voltage of the circuit's phase, v' that voltage a quarter of a mains period ago.
// A sum over at most 2^20 samples fits.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

struct PhaseSums {
    std::int64_t v = 0;
    std::int64_t vv = 0;
};
struct CircuitSums {
    std::int64_t i = 0;
    std::int64_t ii = 0;
    // i[n] times v[n-1], v[n], v[n+1], v[n+2]: weighted afterwards they are the product with the voltage at the very
    // instant at which i was taken, so the skew of a channel costs nothing per sample.
    std::array<std::int64_t, 4> vi{};
    std::array<std::int64_t, 2> vi_quarter{};  // i[n] times v'[n], v'[n+1]
};
struct Sums {
    int sample_count = 0;
    // From one positive zero crossing of the leading voltage to the next. False: the run was cut by length.
    bool whole_cycle = false;
    std::array<PhaseSums, kPhasesMax> phases{};
    std::array<CircuitSums, kCircuitsMax> circuits{};
};
// Of one mains cycle: what a watch of currents needs of it.
struct CycleCurrents {
    struct Circuit {
        std::int64_t i = 0;
        std::int64_t ii = 0;
    };
    int sample_count = 0;
    bool whole_cycle = false;
    std::array<Circuit, kCircuitsMax> circuits{};
};

}  // namespace prewatt::meter
