#include "meter/metrology/kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace prewatt::meter::kernel {
namespace {

bool same(const CircuitSums& a, const CircuitSums& b) {
    return a.i == b.i && a.ii == b.ii && a.vi == b.vi && a.vi_quarter == b.vi_quarter;
}

// The device and the virtual meter run different shapes of the kernel; a register that differs by a joule between the
// two would make every comparison of the simulation with the field worthless.
TEST(Kernel, BothShapesGiveExactlyTheSumsOfOneProductPerSample) {
    std::uint32_t random = 1;
    const auto next = [&](int extreme) -> std::int16_t {
        random = random * 1664525 + 1013904223;
        if (extreme == 1) return INT16_MIN;
        if (extreme == 2) return (random & 0x10000) != 0 ? INT16_MIN : INT16_MAX;
        return static_cast<std::int16_t>(random >> 16);
    };
    for (int extreme = 0; extreme < 3; ++extreme)
        for (int count = 1; count <= 82; ++count) {
            kernel::Run run;
            std::array<std::int16_t, 128> v{}, quarter{};
            for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
                run.i[k] = next(extreme);
            for (std::int16_t& x : v)
                x = next(extreme);
            for (std::int16_t& x : quarter)
                x = next(extreme);
            CircuitSums expected{.i = 5, .ii = -7, .vi = {1, 2, 3, 4}, .vi_quarter = {8, 9}};
            CircuitSums narrow = expected, wide = expected;
            for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
                const std::int64_t i = run.i[k];
                expected.i += i;
                expected.ii += i * i;
                for (std::size_t t = 0; t < 4; ++t)
                    expected.vi[t] += i * v[8 + k - 1 + t];
                for (std::size_t t = 0; t < 2; ++t)
                    expected.vi_quarter[t] += i * quarter[k + t];
            }
            add_circuit_narrow(run, count, v.data() + 8, quarter.data(), narrow);
            add_circuit_wide(run, count, v.data() + 8, quarter.data(), wide);
            ASSERT_TRUE(same(narrow, expected)) << count;
            ASSERT_TRUE(same(wide, expected)) << count;
        }
}

// A weight that is off by a thousandth is an error of a thousandth in every bill.
TEST(Kernel, InterpolationWeightsAddUpToOneAndMeetTheSamples) {
    constexpr std::int64_t kOne = 1 << 24;
    for (std::int64_t d = -kOne; d <= 2 * kOne; d += kOne / 16) {
        const auto w = interpolation_weights_q24(d);
        EXPECT_EQ(w[0] + w[1] + w[2] + w[3], kOne);
    }
    EXPECT_EQ(interpolation_weights_q24(0), (std::array<std::int64_t, 4>{0, kOne, 0, 0}));
    EXPECT_EQ(interpolation_weights_q24(kOne), (std::array<std::int64_t, 4>{0, 0, kOne, 0}));
    EXPECT_EQ(interpolation_weights_q24(kOne / 2),
              (std::array<std::int64_t, 4>{-kOne / 16, kOne * 9 / 16, kOne * 9 / 16, -kOne / 16}));
}

// Reactive power stands on this delay: a quarter of 47.5 Hz is 21.05 samples.
TEST(Kernel, VoltageIsDelayedByFractionsOfASample) {
    const double period = 4000 / 47.5;
    std::array<std::int16_t, 200> v{}, out{};
    const auto at = [&](double n) { return 20000 * std::sin(2 * std::numbers::pi * n / period); };
    for (std::size_t k = 0; k < v.size(); ++k)
        v[k] = static_cast<std::int16_t>(std::lround(at(static_cast<double>(k))));
    for (const double delay : {14.25, 20.0, 21.0526, 24.99}) {
        delay_voltage(v.data() + 40, delay_of(static_cast<std::int32_t>(std::lround(delay * 65536))), 97, out.data());
        for (std::size_t k = 0; k < 97; ++k)
            EXPECT_NEAR(out[k], at(40.0 + static_cast<double>(k) - delay), 3);
    }
}

}  // namespace
}  // namespace prewatt::meter::kernel
