// Randomness of the simulator: one seed, and streams that do not disturb each other. A stream is named by what it is
// for (box 3, household 12, day 7431), so that one more appliance in one home changes nothing in any other. The engine
// is std::mt19937_64, whose output the standard fixes; the distributions are ours, because those of the standard differ
// between libraries.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <random>

namespace prewatt::sim {

// SplitMix64's finaliser: spreads a counter over 64 bits.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

class Random {
  public:
    explicit Random(std::uint64_t seed, std::initializer_list<std::uint64_t> name = {})
        : engine_(combine(seed, name)) {}

    [[nodiscard]] std::uint64_t bits() { return engine_(); }
    // 0 <= x < 1, 53 bits.
    [[nodiscard]] double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
    [[nodiscard]] double uniform(double from, double to) { return from + (to - from) * uniform(); }
    // 0 <= x < n, n > 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t n) {
        return static_cast<std::uint64_t>(uniform() * static_cast<double>(n));
    }
    [[nodiscard]] bool chance(double probability) { return uniform() < probability; }
    // Mean 0, standard deviation 1: the sum of twelve uniforms, which is close enough for noise.
    [[nodiscard]] double normal() {
        double sum = -6;
        for (int k = 0; k < 12; ++k)
            sum += uniform();
        return sum;
    }

    [[nodiscard]] static constexpr std::uint64_t combine(std::uint64_t seed,
                                                         std::initializer_list<std::uint64_t> name) {
        std::uint64_t state = mix(seed);
        for (std::uint64_t part : name)
            state = mix(state ^ part);
        return state;
    }

  private:
    std::mt19937_64 engine_;
};

}  // namespace prewatt::sim
