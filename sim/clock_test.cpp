#include "sim/clock.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/grid.hpp"
#include "sim/random.hpp"

namespace prewatt::sim {
namespace {

// If two events of one instant ran in any order, a failing run of a whole building could not be run again.
TEST(Clock, EventsOfOneInstantRunInTheOrderInWhichTheyWereAskedFor) {
    Clock clock;
    std::vector<int> ran;
    clock.at(Instant{50}, [&] { ran.push_back(2); });
    clock.at(Instant{10}, [&] {
        ran.push_back(1);
        clock.at(Instant{50}, [&] { ran.push_back(4); });
    });
    clock.at(Instant{50}, [&] { ran.push_back(3); });
    clock.run_until(Instant{49});
    EXPECT_EQ(ran, (std::vector{1}));
    clock.run_until(Instant{100});
    EXPECT_EQ(ran, (std::vector{1, 2, 3, 4}));
    EXPECT_EQ(clock.now(), Instant{100});
    EXPECT_EQ(clock.next(), kNever);
}

// A wake-up that was moved must not also come at its old time.
TEST(Clock, ACancelledEventDoesNotHappen) {
    Clock clock;
    int ran = 0;
    const auto ticket = clock.after(seconds(1), [&] { ++ran; });
    EXPECT_TRUE(clock.cancel(ticket));
    EXPECT_FALSE(clock.cancel(ticket));
    clock.run_for(seconds(2));
    EXPECT_EQ(ran, 0);
}

// One more lamp in one room must not change the fridge of another: otherwise no two runs can be compared.
TEST(Random, StreamsOfOneSeedAreIndependentAndRepeat) {
    Random a(7, {1, 2}), again(7, {1, 2}), other(7, {1, 3}), seed(8, {1, 2});
    const auto first = a.bits();
    EXPECT_EQ(first, again.bits());
    EXPECT_NE(first, other.bits());
    EXPECT_NE(first, seed.bits());
    double sum = 0, square = 0;
    for (int k = 0; k < 10000; ++k) {
        const double x = a.normal();
        sum += x;
        square += x * x;
    }
    EXPECT_NEAR(sum / 10000, 0, 0.05);
    EXPECT_NEAR(square / 10000, 1, 0.05);
}

// A supply outside the limits of a real one would make every figure of a simulated building worthless.
TEST(Grid, VoltageAndFrequencyStayWithinWhatASupplyDoes) {
    Grid grid(GridConfig{}, 1);
    for (int hour = 0; hour < 48; ++hour) {
        VoltageBlock block;
        for (Phase phase : {Phase::kA, Phase::kB, Phase::kC}) {
            EXPECT_NEAR(grid.rms(phase), 220, 220 * 0.025);
        }
        EXPECT_NEAR(grid.hertz(), 50, 0.05);
        double square = 0;
        int samples = 0;
        for (int k = 0; k < 50; ++k) {
            grid.fill(block, 80);
            for (int n = 0; n < 80; ++n, ++samples)
                square += std::pow(static_cast<double>(block.volts[1][static_cast<std::size_t>(n)]), 2);
        }
        EXPECT_NEAR(std::sqrt(square / samples), grid.rms(Phase::kB), 0.3);
        grid.advance(minutes(59));
    }
}

// A lost phase that kept a voltage would hide that its households are dark.
TEST(Grid, ALostPhaseIsZeroAndASagEnds) {
    Grid grid(GridConfig{}, 1);
    grid.set_lost(Phase::kC, true);
    grid.sag(Phase::kA, 0.5, milliseconds(100));
    EXPECT_EQ(grid.rms(Phase::kC), 0);
    EXPECT_NEAR(grid.rms(Phase::kA), 110, 5);
    VoltageBlock block;
    grid.fill(block, 80);
    for (int n = 0; n < 80; ++n)
        EXPECT_EQ(block.volts[2][static_cast<std::size_t>(n)], 0);
    grid.advance(milliseconds(100));
    EXPECT_NEAR(grid.rms(Phase::kA), 220, 8);
    grid.set_lost(Phase::kC, false);
    EXPECT_NEAR(grid.rms(Phase::kC), 220, 8);
}

}  // namespace
}  // namespace prewatt::sim
