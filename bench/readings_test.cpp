#include "bench/readings.hpp"

#include <gtest/gtest.h>

namespace prewatt::bench {
namespace {

TEST(BenchReadings, SmallRunMeasuresTheOfficeBesideBareRowsAndTheReport) {
    // The large run is made by hand; this notices that it has stopped to work, or that readings cost ten times as much.
    ReadingsOptions options;
    options.households = {10'000};
    options.seconds = 0.3;
    options.rounds = 1;
    options.postgres = false;
    const auto figures = run_readings(options);
    ASSERT_TRUE(figures) << figures.error();
    ASSERT_EQ(figures->rows.size(), 5u);
    EXPECT_GT(figures->rows[0].value, 10'000) << "readings a second";
    EXPECT_GT(figures->rows[2].value, 6) << "% of bare rows";
    EXPECT_EQ(figures->rows[4].met(), std::optional(true)) << "report of a month: " << figures->rows[4].value << " s";
}

}  // namespace
}  // namespace prewatt::bench
