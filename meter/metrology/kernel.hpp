// The sums over samples, in two shapes with the same exact results: `narrow` for processors that multiply 16-bit
// numbers side by side, `wide` for those with one 16 x 16 + 64 multiply-accumulate (Cortex-M4). Internal to the room;
// public for its tests and for the benchmark.
#pragma once
#include <array>
#include <cstdint>

#include "meter/metrology/sums.hpp"

namespace prewatt::meter::kernel {

inline constexpr int kRunMax = 96;  // samples; a multiple of kStep
// Runs are filled with zeros up to a multiple of this.
#if defined(__ARM_ARCH) && !defined(__ARM_NEON)
inline constexpr int kStep = 4;
#else
inline constexpr int kStep = 16;
#endif

// One run of a channel. i[count .. padded(count)) is zero.
struct Run {
    alignas(32) std::array<std::int16_t, kRunMax> i{};
};
[[nodiscard]] constexpr int padded(int count) {
    return (count + kStep - 1) / kStep * kStep;
}

// Adds a run of `count` samples. v points at the voltage of the run's first sample; v[-1 .. padded + 1] and
// quarter[0 .. padded] are read (what lies beyond the run is multiplied by zero).
using AddCircuit = void(const Run& run, int count, const std::int16_t* v, const std::int16_t* quarter,
                        CircuitSums& sums);
AddCircuit add_circuit_narrow;
AddCircuit add_circuit_wide;
void add_phase(const std::int16_t* v, int count, PhaseSums& sums);

#if defined(__ARM_ARCH) && !defined(__ARM_NEON)
inline constexpr AddCircuit* add_circuit = add_circuit_wide;
#else
inline constexpr AddCircuit* add_circuit = add_circuit_narrow;
#endif

// Weights of the cubic Lagrange interpolation at `position` between the second (0) and the third (1) of four equally
// spaced points, all in 1/2^24. They add up to one exactly.
[[nodiscard]] std::array<std::int64_t, 4> interpolation_weights_q24(std::int64_t position_q24);

// A voltage delayed by a fixed time, 1 sample or more: what reactive power is made with.
struct Delay {
    std::int32_t whole = 0;                          // samples, rounded up
    alignas(4) std::array<std::int16_t, 4> w_q14{};  // of v[n - whole - 1] .. v[n - whole + 2]; they add up to one
};
[[nodiscard]] Delay delay_of(std::int32_t delay_q16);  // 1/65536 samples
// out[k] = v[k] delayed, for k in [0, count). Reads v[k - whole - 1] onwards.
void delay_voltage(const std::int16_t* v, const Delay& delay, int count, std::int16_t* out);

}  // namespace prewatt::meter::kernel
