// What benchmarks under virtual time share: figures of a sample, and chance that is the same in every run.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/units.hpp"

namespace prewatt::bench {

inline double seconds_of(Duration d) {
    return static_cast<double>(d.count()) * 1e-6;
}

// The value below which `share` of them lie; 0 of none.
inline double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const auto index = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return values[std::min(index, values.size() - 1)];
}

// SplitMix64.
struct Random {
    std::uint64_t state;
    double uniform() {
        std::uint64_t z = state += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
    }
    int below(int n) { return static_cast<int>(uniform() * n); }
};

}  // namespace prewatt::bench
