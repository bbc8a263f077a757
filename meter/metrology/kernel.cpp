#include "meter/metrology/kernel.hpp"

#include <bit>
#include <cstring>

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

namespace prewatt::meter::kernel {

// A current is split as 256 * high + low with low in 0..255. high * v and low * v stay below 2^23, so a run of 96 sums
// up in 32 bits and the compiler finds its 16 x 16 + 32 dot product instruction; the two halves meet in 64 bits once a
// run.
void add_circuit_narrow(const Run& run, int count, const std::int16_t* v, const std::int16_t* quarter,
                        CircuitSums& sums) {
    const int length = padded(count);
    if (length <= 0 || length > kRunMax) __builtin_unreachable();
    if (length % kStep != 0) __builtin_unreachable();
    alignas(32) std::int16_t high[kRunMax];
    alignas(32) std::int16_t low[kRunMax];
    const std::int16_t* const i = run.i.data();
    for (int k = 0; k < length; ++k) {
        high[k] = static_cast<std::int16_t>(i[k] >> 8);
        low[k] = static_cast<std::int16_t>(i[k] & 0xff);
    }
    const std::int16_t* const v0 = v - 1;
    std::int32_t h0 = 0, h1 = 0, h2 = 0, h3 = 0, l0 = 0, l1 = 0, l2 = 0, l3 = 0;
    for (int k = 0; k < length; ++k) {
        h0 += high[k] * v0[k];
        l0 += low[k] * v0[k];
        h1 += high[k] * v0[k + 1];
        l1 += low[k] * v0[k + 1];
        h2 += high[k] * v0[k + 2];
        l2 += low[k] * v0[k + 2];
        h3 += high[k] * v0[k + 3];
        l3 += low[k] * v0[k + 3];
    }
    std::int32_t hq0 = 0, hq1 = 0, hi = 0, lq0 = 0, lq1 = 0, li = 0, si = 0;
    for (int k = 0; k < length; ++k) {
        hq0 += high[k] * quarter[k];
        lq0 += low[k] * quarter[k];
        hq1 += high[k] * quarter[k + 1];
        lq1 += low[k] * quarter[k + 1];
        hi += high[k] * i[k];
        li += low[k] * i[k];
        si += i[k];
    }
    const auto joined = [](std::int32_t h, std::int32_t l) { return std::int64_t{h} * 256 + l; };
    sums.vi[0] += joined(h0, l0);
    sums.vi[1] += joined(h1, l1);
    sums.vi[2] += joined(h2, l2);
    sums.vi[3] += joined(h3, l3);
    sums.vi_quarter[0] += joined(hq0, lq0);
    sums.vi_quarter[1] += joined(hq1, lq1);
    sums.ii += joined(hi, li);
    sums.i += si;
}

// Two neighbouring samples in one word, wherever they lie, and the sums over both of their products: one instruction
// each on a Cortex-M4.
#if defined(__ARM_FEATURE_SIMD32)
using Pair = int16x2_t;
[[gnu::always_inline]] inline void add_products(std::int64_t& sum, Pair a, Pair b) {
    sum = __smlald(a, b, sum);
}
[[gnu::always_inline]] inline void add_products(std::int32_t& sum, Pair a, Pair b) {
    sum = __smlad(a, b, sum);
}
[[gnu::always_inline]] inline std::int16_t clipped(std::int32_t x) {
    return static_cast<std::int16_t>(__ssat(x, 16));
}
#else
using Pair = std::int32_t;
[[gnu::always_inline]] inline std::int32_t first_of(Pair p) {
    return std::bit_cast<std::array<std::int16_t, 2> >(p)[0];
}
[[gnu::always_inline]] inline std::int32_t second_of(Pair p) {
    return std::bit_cast<std::array<std::int16_t, 2> >(p)[1];
}
[[gnu::always_inline]] inline void add_products(std::int64_t& sum, Pair a, Pair b) {
    sum += std::int64_t{first_of(a)} * first_of(b);
    sum += std::int64_t{second_of(a)} * second_of(b);
}
[[gnu::always_inline]] inline void add_products(std::int32_t& sum, Pair a, Pair b) {
    sum += first_of(a) * first_of(b) + second_of(a) * second_of(b);
}
[[gnu::always_inline]] inline std::int16_t clipped(std::int32_t x) {
    return static_cast<std::int16_t>(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
}
#endif
[[gnu::always_inline]] inline Pair pair_at(const std::int16_t* samples) {
    Pair p;
    std::memcpy(&p, samples, sizeof p);
    return p;
}

constexpr Pair kOnes = 0x0001'0001;

// Two loops, because 14 registers hold four sums of 64 bits and their operands, but not seven. Four samples a turn.
void add_circuit_wide(const Run& run, int count, const std::int16_t* v, const std::int16_t* quarter,
                      CircuitSums& sums) {
    static_assert(kStep % 4 == 0);
    if (count <= 0) return;
    const std::int16_t* const begin = run.i.data();
    const std::int16_t* const end = begin + (count + 3) / 4 * 4;
    {
        std::int64_t vi0 = sums.vi[0], vi1 = sums.vi[1], vi2 = sums.vi[2], vi3 = sums.vi[3];
        Pair before = pair_at(v - 1), here = pair_at(v);  // v[n-1] and v[n]; v[n] and v[n+1]
        for (const std::int16_t* k = begin; k != end;) {
            Pair i = pair_at(k);
            add_products(vi0, i, before);
            before = pair_at(v + 1);
            add_products(vi1, i, here);
            add_products(vi2, i, before);
            here = pair_at(v + 2);
            add_products(vi3, i, here);
            i = pair_at(k + 2);
            add_products(vi0, i, before);
            before = pair_at(v + 3);
            add_products(vi1, i, here);
            add_products(vi2, i, before);
            here = pair_at(v + 4);
            add_products(vi3, i, here);
            k += 4;
            v += 4;
        }
        sums.vi = {vi0, vi1, vi2, vi3};
    }
    std::int64_t ii = sums.ii, quarter0 = sums.vi_quarter[0], quarter1 = sums.vi_quarter[1];
    std::int32_t si = 0;
    for (const std::int16_t* k = begin; k != end;) {
        Pair i = pair_at(k);
        add_products(si, i, kOnes);
        add_products(ii, i, i);
        add_products(quarter0, i, pair_at(quarter));
        add_products(quarter1, i, pair_at(quarter + 1));
        i = pair_at(k + 2);
        add_products(si, i, kOnes);
        add_products(ii, i, i);
        add_products(quarter0, i, pair_at(quarter + 2));
        add_products(quarter1, i, pair_at(quarter + 3));
        k += 4;
        quarter += 4;
    }
    sums.ii = ii;
    sums.vi_quarter = {quarter0, quarter1};
    sums.i += si;
}

void add_phase(const std::int16_t* v, int count, PhaseSums& sums) {
    std::int32_t sum = 0;
    std::int64_t squares = 0;
    for (int k = 0; k < count; ++k) {
        sum += v[k];
        squares += std::int64_t{v[k]} * v[k];
    }
    sums.v += sum;
    sums.vv += squares;
}

std::array<std::int64_t, 4> interpolation_weights_q24(std::int64_t position_q24) {
    constexpr std::int64_t kOne = std::int64_t{1} << 24;
    const std::int64_t d = position_q24;
    const auto product = [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t divisor) {
        return divide(divide(a * b, kOne, Round::kNearest) * c, kOne * divisor, Round::kNearest);
    };
    std::array<std::int64_t, 4> w{};
    w[0] = -product(d, d - kOne, d - 2 * kOne, 6);
    w[2] = -product(d + kOne, d, d - 2 * kOne, 2);
    w[3] = product(d + kOne, d, d - kOne, 6);
    w[1] = kOne - w[0] - w[2] - w[3];
    return w;
}

Delay delay_of(std::int32_t delay_q16) {
    Delay delay{.whole = (delay_q16 + 0xffff) >> 16};
    const std::int64_t position_q24 = ((std::int64_t{delay.whole} << 16) - delay_q16) << 8;
    const std::array<std::int64_t, 4> w = interpolation_weights_q24(position_q24);
    // 14 bits: four products of 16-bit samples then stay below 2^31.
    const auto w0 = static_cast<std::int16_t>(w[0] >> 10), w2 = static_cast<std::int16_t>(w[2] >> 10),
               w3 = static_cast<std::int16_t>(w[3] >> 10);
    delay.w_q14 = {w0, static_cast<std::int16_t>((1 << 14) - w0 - w2 - w3), w2, w3};
    return delay;
}

void delay_voltage(const std::int16_t* v, const Delay& delay, int count, std::int16_t* out) {
    const std::int16_t* const from = v - delay.whole - 1;
    const Pair early = pair_at(delay.w_q14.data()), late = pair_at(delay.w_q14.data() + 2);
    for (int k = 0; k < count; ++k) {
        std::int32_t sum = 1 << 13;
        add_products(sum, early, pair_at(from + k));
        add_products(sum, late, pair_at(from + k + 2));
        out[k] = clipped(sum >> 14);
    }
}

}  // namespace prewatt::meter::kernel
