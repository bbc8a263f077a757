#include "bench/metrology.hpp"

#include <gtest/gtest.h>

namespace prewatt::bench {
namespace {

// A benchmark that measures a meter which measures nothing would be very fast. How fast it is says nothing on a shared
// machine.
TEST(MetrologyBenchmark, MeasuresAMeterThatFindsTheEnergyOfItsCircuits) {
    const Figures figures = run_metrology(0.05);
    ASSERT_EQ(figures.rows.size(), 9u);
    EXPECT_EQ(figures.rows[0].name, "metrology multiple of real time");
    EXPECT_EQ(figures.rows[0].goal, 1500);
    EXPECT_GT(figures.rows[0].value, 0);
    EXPECT_GT(figures.rows[5].value, 0);
    // What was put in: 43,079.5 W in 39 circuits, for a window of 200 ms.
    EXPECT_NEAR(figures.rows[7].value, 8615.9, 9);
    // Each second has five windows; at least one round of one second was played.
    EXPECT_GE(figures.rows[8].value, 4);
}

}  // namespace
}  // namespace prewatt::bench
