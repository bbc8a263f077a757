#include "meter/metrology/pulses.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace prewatt::meter {
namespace {

// Feeds windows of 200 ms and polls only when a pulse is due, as a node does.
std::vector<Instant> pulses_of(PulseGenerator& generator, Instant& now, std::int64_t joules_each, int windows) {
    std::vector<Instant> out;
    for (int w = 0; w < windows; ++w) {
        generator.add(Energy{joules_each}, milliseconds(200), now);
        const Instant end = now + milliseconds(200);
        for (Instant due = generator.next_due(); due < end; due = generator.next_due()) {
            now = std::max(now, due);
            if (!generator.poll(now)) {
                ADD_FAILURE() << "due, but no pulse at " << now.microseconds();
                return out;
            }
            out.push_back(now);
        }
        now = end;
    }
    return out;
}

// The verifier compares the register with the pulses after a day: they may differ by one pulse at most.
TEST(PulseGenerator, PulsesAndRegisterNeverDriftApart) {
    for (const int constant : {600, 1600, 5000}) {
        PulseGenerator generator(constant);
        Instant now;
        const std::int64_t joules_each = 1319, windows = 20'000;  // 6.6 kW for more than an hour
        const auto pulses = static_cast<std::int64_t>(pulses_of(generator, now, joules_each, windows).size());
        EXPECT_EQ(pulses * (3'600'000 / constant) + generator.residue().count(), joules_each * windows);
        EXPECT_LT(generator.residue().count(), 3'600'000 / constant + joules_each);
    }
}

// An error calculator measures the time between two pulses: bursts at the end of each window would read as errors of
// percents.
TEST(PulseGenerator, PulsesComeInEvenIntervals) {
    PulseGenerator generator(5000);
    Instant now;
    // 13.2 kW: a pulse of 720 J each 54.5 ms.
    const std::vector<Instant> pulses = pulses_of(generator, now, 2640, 500);
    ASSERT_GT(pulses.size(), 1800u);
    for (std::size_t k = 2; k < pulses.size(); ++k)
        EXPECT_NEAR(static_cast<double>((pulses[k] - pulses[k - 1]).count()), 720.0 / 13'200 * 1e6, 100);
}

// At the starting current a pulse takes minutes and is made of hundreds of windows of two or three joules.
TEST(PulseGenerator, SlowLoadsGivePulsesToo) {
    PulseGenerator generator(1600);
    Instant now;
    EXPECT_EQ(pulses_of(generator, now, 0, 100).size(), 0u);
    EXPECT_EQ(generator.next_due(), kNever);
    EXPECT_EQ(pulses_of(generator, now, 3, 751).size(),
              1u);  // the last joule of 2,250 goes out with the window after it
    EXPECT_LE(generator.residue().count(), 3);
}

// The verifier switches from 600 to 5000 to save time; the energy of the pulse that was under way still counts, and the
// eight pulses that it is worth come one after the other.
TEST(PulseGenerator, ChangedConstantKeepsTheEnergyAndSpacesThePulses) {
    PulseGenerator generator(600);
    Instant now;
    EXPECT_EQ(pulses_of(generator, now, 590, 10).size(), 0u);  // 5,900 J of 6,000
    EXPECT_TRUE(generator.set_constant(5000));
    EXPECT_EQ(generator.constant(), 5000);
    const std::vector<Instant> pulses = pulses_of(generator, now, 0, 1);
    ASSERT_EQ(pulses.size(), 8u);
    for (std::size_t k = 1; k < pulses.size(); ++k)
        EXPECT_GE(pulses[k] - pulses[k - 1], PulseGenerator::kSpacingMin);
    EXPECT_EQ(generator.residue(), Energy{5900 - 8 * 720});
}

TEST(PulseGenerator, ConstantsThatAreNotWholeJoulesAreRefused) {
    // 7000 imp/kWh is no whole number of joules: it would drift.
    PulseGenerator generator;
    for (const int constant : {0, -1, 7000, 3200})
        EXPECT_FALSE(generator.set_constant(constant));
    EXPECT_EQ(generator.constant(), 1600);
}

// The managing side was busy for a second: what was due comes late, spaced, and complete.
TEST(PulseGenerator, LatePollsLoseNothing) {
    PulseGenerator generator(1600);
    generator.add(Energy{2250 * 5}, milliseconds(200), Instant{});
    int pulses = 0;
    for (Instant now = Instant{} + seconds(1); pulses < 5 && now < Instant{} + seconds(2); now = now + milliseconds(1))
        pulses += generator.poll(now) ? 1 : 0;
    EXPECT_EQ(pulses, 5);
    EXPECT_EQ(generator.residue(), Energy{0});
}

}  // namespace
}  // namespace prewatt::meter
