#include "meter/metrology/pulses.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace prewatt::meter {
namespace {

// The LED of one household.
class PulseGenerator {
  public:
    static constexpr Duration kSpacingMin = PulseBank::kSpacingMin;

    explicit PulseGenerator(int constant = 1600) { EXPECT_TRUE(bank_.set_constant(constant)); }
    [[nodiscard]] bool set_constant(int constant) { return bank_.set_constant(constant); }
    [[nodiscard]] int constant() const { return bank_.constant(); }
    void add(Energy energy, Duration span, Instant now) { bank_.add(kHousehold, energy, span, now); }
    [[nodiscard]] bool poll(Instant now) { return (bank_.poll(now).leds >> kHousehold.index() & 1) != 0; }
    [[nodiscard]] Instant next_due() const { return bank_.next_due(kHousehold); }
    [[nodiscard]] Energy residue() const { return bank_.residue(kHousehold); }

  private:
    static constexpr Household kHousehold{17};
    PulseBank bank_;
};

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

// A verifier whose counter needs S0 pulses finds that every fourth one is missing at Imax.
TEST(PulseConstant, IsLegalWhereTheOverloadStillGivesThirtyMillisecondsOnAndOff) {
    EXPECT_TRUE(is_legal_constant(1600, 60, 1));
    EXPECT_TRUE(is_legal_constant(1600, 60, 2)) << "16.2 a second";
    EXPECT_FALSE(is_legal_constant(1600, 60, 3)) << "24.3 a second";
    EXPECT_TRUE(is_legal_constant(1600, 40, 3));
    EXPECT_TRUE(is_legal_constant(600, 60, 3));
    EXPECT_FALSE(is_legal_constant(5000, 60, 1)) << "25.3 a second";
    EXPECT_FALSE(is_legal_constant(5000, 50, 1));
    EXPECT_FALSE(is_legal_constant(5000, 40, 1)) << "16.9 a second";
    EXPECT_FALSE(is_legal_constant(7000, 10, 1));
    EXPECT_EQ(legal_power_max(5000), watts(12'000));
    EXPECT_EQ(legal_power_max(1600), watts(37'500));
    EXPECT_EQ(legal_power_max(600), watts(100'000));
}

struct Edge {
    Instant at;
    bool on;
};
// Feeds windows of 200 ms to every household of the list and polls exactly when the bank wants it.
struct BankRun {
    PulseBank bank;
    Instant now;
    std::vector<Edge> edges;
    std::array<int, kHouseholdsMax + 1> leds{};
    bool level = false;

    void run(std::initializer_list<std::pair<int, std::int64_t>> joules_each, int windows) {
        for (int w = 0; w < windows; ++w) {
            for (const auto& [number, joules] : joules_each)
                bank.add({static_cast<std::uint8_t>(number)}, Energy{joules}, milliseconds(200), now);
            const Instant end = now + milliseconds(200);
            for (;;) {
                const PulseBank::Pulses pulses = bank.poll(now);
                for (std::size_t k = 0; k < kHouseholdsMax; ++k)
                    leds[k + 1] += static_cast<int>(pulses.leds >> k & 1);
                if (pulses.output != level) edges.push_back({now, level = pulses.output});
                if (pulses.next >= end) break;
                ASSERT_GT(pulses.next, now - microseconds(1));
                now = std::max(now + microseconds(1), pulses.next);
            }
            now = end;
        }
    }
    [[nodiscard]] int rises() const {
        return static_cast<int>(std::count_if(edges.begin(), edges.end(), [](const Edge& e) { return e.on; }));
    }
    // The shortest time on and off.
    [[nodiscard]] std::pair<Duration, Duration> shortest() const {
        std::pair<Duration, Duration> out{seconds(1000), seconds(1000)};
        for (std::size_t k = 1; k < edges.size(); ++k) {
            Duration& d = edges[k].on ? out.second : out.first;
            d = std::min(d, edges[k].at - edges[k - 1].at);
        }
        return out;
    }
};

// A pulse of 20 ms is not seen by half of the counters on the market.
TEST(TestOutput, PulsesAreAsWideAsSetAndHalfThePeriodWhereTheyComeFaster) {
    for (const auto& [joules, width] : {std::pair{500, 80}, {3000, 75}, {6000, 37}}) {
        BankRun run;  // 2.5, 15 and 30 kW at 1600: each 900, 150, 75 ms
        run.bank.select({7});
        run.run({{7, joules}}, 500);
        EXPECT_NEAR(run.rises(), joules * 500 / 2250.0, 2);
        EXPECT_EQ(run.rises(), run.leds[7]);
        const auto [on, off] = run.shortest();
        EXPECT_NEAR(static_cast<double>(on.count()), width * 1000, 600);
        EXPECT_GE(off, kPulseOffMin);
    }
}

// At 5000 imp/kWh and 13.2 kW a pulse comes each 54.5 ms: whoever gives some of them makes the meter look wrong.
TEST(TestOutput, IsSilentAboveTheLegalRateAndCompleteBelowIt) {
    BankRun run;
    ASSERT_TRUE(run.bank.set_constant(5000));
    run.bank.select({1});
    run.run({{1, 2640}}, 200);
    EXPECT_EQ(run.rises(), 0);
    EXPECT_NEAR(run.leds[1], 2640 * 200 / 720.0, 4) << "the LED goes on";
    const int before = run.leds[1];
    run.run({{1, 2000}}, 1);  // the rest of the fast window has gone out
    const int rises = run.rises();
    const int leds = run.leds[1];
    run.run({{1, 2000}}, 200);  // 10 kW: each 72 ms
    EXPECT_EQ(run.rises() - rises, run.leds[1] - leds);
    EXPECT_GT(run.leds[1], before + 500);
    EXPECT_GE(run.shortest().first, kPulseOnMin);
    EXPECT_GE(run.shortest().second, kPulseOffMin);
}

// The verifier joins pins 4 and 6 at a household that has used 0.9 of a pulse: this must count.
TEST(TestOutput, ChoosingAHouseholdKeepsItsFractionOfAPulseAndNobodyElsesPulses) {
    BankRun run;
    run.run({{3, 200}, {4, 1000}}, 11);  // 2,200 J of 2,250, nobody chosen
    EXPECT_EQ(run.rises(), 0);
    run.bank.select({3});
    run.run({{3, 60}, {4, 1000}}, 2);
    EXPECT_EQ(run.rises(), 1);
    EXPECT_EQ(run.leds[3], 1);
    EXPECT_GT(run.leds[4], 4);
    // And back: what household 4 had before is on its LED and its residue, not on the output.
    run.bank.select({4});
    const Energy residue = run.bank.residue({4});
    run.run({{3, 0}, {4, 0}}, 4);
    EXPECT_LE(residue.count() - run.bank.residue({4}).count(), 2250);
}

// A reset of the metering processor in the middle of a starting test would lose up to nine minutes of it.
TEST(PulseBank, ResiduesSurviveAReset) {
    BankRun run;
    run.run({{39, 100}}, 20);
    const Energy residue = run.bank.residue({39});
    EXPECT_EQ(residue, Energy{2000});
    BankRun again;
    again.bank.restore({39}, residue);
    again.run({{39, 250}}, 2);
    EXPECT_EQ(again.leds[39], 1);
    EXPECT_EQ(again.bank.residue({39}), Energy{2000 + 500 - 2250});
}

// The front end stands still for an hour: what it measured last still becomes pulses, and the window after it is spread
// as any other.
TEST(PulseBank, AnHourWithoutAWindowLosesNoPulse) {
    PulseBank bank;
    const Household household{5};
    Instant now{};
    bank.add(household, Energy{3 * 2250 + 100}, milliseconds(200), now);
    int pulses = 0;
    now = now + minutes(60);
    for (int k = 0; k < 10; ++k, now = now + milliseconds(10))
        pulses += static_cast<int>(bank.poll(now).leds >> household.index() & 1);
    EXPECT_EQ(pulses, 3);
    EXPECT_EQ(bank.residue(household), Energy{100});
    EXPECT_EQ(bank.next_due(household), kNever);
    bank.add(household, Energy{2 * 2150}, milliseconds(200), now);
    EXPECT_EQ(bank.next_due(household), now + milliseconds(100));
}

// A window that ends between two pulses does not bring them closer together: whoever counts by eye or camera would see
// one.
TEST(PulseBank, PulsesKeepTheirDistanceOverTheEndOfAWindow) {
    PulseBank bank;
    const Household household{39};
    const Instant end{milliseconds(200).count()};
    bank.add(household, Energy{4 * 2250}, milliseconds(1), Instant{});
    const Instant given = end - milliseconds(4);
    EXPECT_NE(bank.poll(given).leds, 0u);
    bank.add(household, Energy{0}, milliseconds(200), end);
    EXPECT_EQ(bank.next_due(household), given + PulseBank::kSpacingMin);
    EXPECT_EQ(bank.poll(end).leds, 0u);
    EXPECT_NE(bank.poll(given + PulseBank::kSpacingMin).leds, 0u);
}

// The constant is changed from 600 to 5000: eight pulses are due at once and the output gives them one after the other.
TEST(TestOutput, OwedPulsesFollowEachOtherLegally) {
    BankRun run;
    ASSERT_TRUE(run.bank.set_constant(600));
    run.bank.select({2});
    run.run({{2, 590}}, 10);
    ASSERT_TRUE(run.bank.set_constant(5000));
    run.run({{2, 0}}, 10);
    EXPECT_EQ(run.leds[2], 8);
    EXPECT_EQ(run.rises(), 8);
    EXPECT_GE(run.shortest().first, kPulseOnMin);
    EXPECT_GE(run.shortest().second, kPulseOffMin);
}

}  // namespace
}  // namespace prewatt::meter
