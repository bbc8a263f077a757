#include "bench/line.hpp"

#include <gtest/gtest.h>

namespace prewatt::bench {
namespace {

TEST(BenchLine, ASmallLineMeetsTheGoalsOfTheLargeOne) {
    // The figure in the README is made by hand once; this notices the change that makes every building slower.
    const Figures figures = run_line({.boxes = 24, .tickets = 60});
    ASSERT_FALSE(figures.rows.empty()) << "the sweep never ended";
    for (const Figure& figure : figures.rows)
        EXPECT_NE(figure.met(), std::optional(false)) << figure.name << " " << figure.value;
}

}  // namespace
}  // namespace prewatt::bench
