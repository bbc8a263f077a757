#include "meter/core/relay_driver.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace prewatt::meter {
namespace {

class Bank final : public RelayBank {
  public:
    void begin_pulse(Circuit circuit, RelayDrive drive) override {
        on.push_back(circuit.index);
        most_on = std::max(most_on, on.size());
        driven.push_back({circuit.index, drive});
    }
    void end_pulse(Circuit circuit) override { std::erase(on, circuit.index); }
    std::vector<int> on;
    std::size_t most_on = 0;
    std::vector<std::pair<int, RelayDrive>> driven;
};

Instant run(RelayDriver& driver, Instant now, Duration time) {
    const Instant end = now + time;
    for (Instant next = driver.poll(now); next <= end; next = driver.poll(now))
        now = next;
    return end;
}

TEST(RelayDriver, DrivesEveryRelayOnceAfterAStartAndNeverTwoCoilsAtATime) {
    // A box that was carried up the stairs has contacts in any position; two coils at once pull its supply down.
    Bank bank;
    RelayDriver driver(bank, 39);
    driver.want({3}, true);
    driver.start(Instant{});
    run(driver, Instant{}, seconds(5));
    EXPECT_EQ(bank.driven.size(), 39u);
    EXPECT_EQ(bank.most_on, 1u);
    EXPECT_TRUE(bank.on.empty());
    EXPECT_EQ(driver.closed(), 8u);
    EXPECT_TRUE(driver.is_settled());
    EXPECT_EQ(bank.driven.back(), (std::pair<int, RelayDrive>{3, RelayDrive::kClose})) << "openings go first";
}

TEST(RelayDriver, CommandThatMeetsARefreshPulseOfAnyRelayIsAtTheContactATenthOfASecondLater) {
    // Whoever swipes a card while the relays are refreshed stands in the dark for another quarter of an hour.
    for (const int met : {0, 38}) {
        Bank bank;
        RelayDriver driver(bank, 39);
        driver.start(Instant{}, 1234567890);
        Instant now{};
        const auto pulsing = [&] {
            return bank.on.size() == 1 && bank.on[0] == met && now > Instant{seconds(10).count()};
        };
        while (!pulsing())
            now = std::max(driver.poll(now), now);
        ASSERT_LE(now, Instant{minutes(15).count()});
        const std::size_t before = bank.driven.size();
        driver.want({38}, true);
        run(driver, now, milliseconds(110));
        EXPECT_TRUE(driver.is_closed({38}));
        EXPECT_EQ(bank.driven[before], (std::pair<int, RelayDrive>{38, RelayDrive::kClose})) << "the very next pulse";
    }
}

TEST(RelayDriver, EveryRelayIsDrivenEvery8To15MinutesAndThePulsesSpread) {
    // A truck shakes the wall, a latching contact opens, and nothing ever closes it again. Or all coils of a building
    // are pulsed in one second.
    for (const auto& [low, high] : {std::pair{8, 15}, {8, 8}, {15, 15}, {10, 12}}) {
        Bank bank;
        RelayDriver driver(bank, 39);
        driver.set_refresh(low, high);
        driver.want({5}, true);
        driver.start(Instant{}, 77);
        Instant now = run(driver, Instant{}, seconds(3));
        ASSERT_EQ(bank.driven.size(), 39u);
        std::array<Instant, 39> last{};
        std::array<int, 39> times{};
        int in_minute = 0;
        Instant minute = now;
        std::size_t seen = 39;
        for (const Instant end = now + minutes(24 * 60); now < end; now = driver.poll(now)) {
            if (now - minute > minutes(1)) {
                EXPECT_LE(in_minute, 15) << low << ".." << high;
                in_minute = 0;
                minute = now;
            }
            for (; seen < bank.driven.size(); ++seen, ++in_minute) {
                const auto [circuit, drive] = bank.driven[seen];
                const auto k = static_cast<std::size_t>(circuit);
                ASSERT_EQ(drive, circuit == 5 ? RelayDrive::kClose : RelayDrive::kOpen);
                ASSERT_LE(now - last[k], minutes(high) + (high == 8 ? seconds(5) : Duration{})) << circuit;
                // The first one after the start comes earlier, so that they spread.
                if (times[k]++ > 0) {
                    ASSERT_GE(now - last[k], minutes(low) - (low == 15 ? seconds(5) : Duration{})) << circuit;
                }
                last[k] = now;
            }
        }
        for (const int n : times)
            EXPECT_GE(n, 24 * 60 / high - 1);
        EXPECT_EQ(bank.most_on, 1u);
    }
}

TEST(RelayDriver, TwoBoxesDoNotPulseTogetherAndABoxDoesTheSameAgain) {
    // Two hundred boxes of a building, restarted by the same loss of supply, load the line in step for ever.
    const auto day = [](std::uint64_t box) {
        Bank bank;
        RelayDriver driver(bank, 12);
        driver.start(Instant{}, box);
        run(driver, Instant{}, minutes(24 * 60));
        return bank.driven;
    };
    EXPECT_EQ(day(1), day(1));
    EXPECT_NE(day(1), day(2));
}

TEST(RelayDriver, RefreshGoesOnWhileCommandsComeEverySecond) {
    // One household that is switched all the time takes the refresh from its neighbours.
    Bank bank;
    RelayDriver driver(bank, 39);
    driver.start(Instant{}, 3);
    Instant now = run(driver, Instant{}, seconds(5));
    std::array<int, 39> times{};
    const std::size_t begin = bank.driven.size();
    for (int k = 0; k < 16 * 60; ++k) {
        driver.want({7}, k % 2 == 0);
        now = run(driver, now, seconds(1));
        ASSERT_EQ(driver.is_closed({7}), k % 2 == 0);
    }
    for (std::size_t k = begin; k < bank.driven.size(); ++k)
        ++times[static_cast<std::size_t>(bank.driven[k].first)];
    for (const int n : times)
        EXPECT_GE(n, 1);
    EXPECT_EQ(bank.most_on, 1u);
}

TEST(RelayDriver, BuildingComesOnHouseholdAfterHouseholdAndASinglePurchaseWaitsForNobody) {
    // Six o'clock: two thousand kettles in one second take the transformer's fuse with them.
    Bank bank;
    RelayDriver driver(bank, 39, 3);
    driver.start(Instant{}, 9);
    Instant now = run(driver, Instant{}, seconds(10));
    for (std::uint8_t k = 0; k < 39; ++k)
        driver.want({k}, true);
    std::array<Instant, 13> lit{};
    const Instant begin = now;
    for (Instant next = now; !driver.is_settled();) {
        now = next;
        next = driver.poll(now);
        for (std::size_t h = 0; h < lit.size(); ++h)
            if (lit[h] == Instant{} && (driver.closed() >> 3 * h & 7) == 7) lit[h] = now;
    }
    EXPECT_LE(lit[0] - begin, milliseconds(250)) << "all three contacts of a household follow each other";
    for (std::size_t h = 1; h < lit.size(); ++h) {
        EXPECT_GE(lit[h] - lit[h - 1], milliseconds(200));
        EXPECT_LE(lit[h] - lit[h - 1], milliseconds(500));
    }
    // Nor does an opening wait.
    driver.want({20}, false);
    now = run(driver, now, milliseconds(120));
    EXPECT_FALSE(driver.is_closed({20}));
    now = run(driver, now, seconds(1));
    driver.want({20}, true);
    run(driver, now, milliseconds(60));
    EXPECT_TRUE(driver.is_closed({20}));
}

TEST(RelayDriver, RelayThatDidNotObeyIsDrivenAgainAtOnce) {
    // A contact that hangs is left alone until the next refresh, and a room burns electricity that nobody sold.
    Bank bank;
    RelayDriver driver(bank, 3);
    EXPECT_EQ(driver.resting_since(Instant{}), 0u) << "before the start nothing is known";
    driver.start(Instant{});
    const Instant now = run(driver, Instant{}, seconds(1));
    EXPECT_EQ(driver.resting_since(now), 0b111u);
    EXPECT_EQ(driver.resting_since(Instant{milliseconds(60).count()}), 0b001u);
    driver.drive_again({1});
    EXPECT_FALSE(driver.is_settled());
    driver.poll(now);
    EXPECT_EQ(driver.resting_since(now), 0b101u) << "no verdict during a pulse";
    run(driver, now, milliseconds(60));
    EXPECT_EQ(bank.driven.size(), 4u);
    EXPECT_EQ(bank.driven.back(), (std::pair<int, RelayDrive>{1, RelayDrive::kOpen}));
    EXPECT_EQ(driver.resting_since(now), 0b101u) << "nor for what was measured before its end";
}

TEST(RelayDriver, WishThatChangesDuringThePulseIsDrivenAfterIt) {
    // On and off in quick succession, and the contact stays where the first one put it.
    Bank bank;
    RelayDriver driver(bank, 2);
    driver.start(Instant{});
    Instant now = run(driver, Instant{}, seconds(1));
    driver.want({0}, true);
    driver.poll(now);
    driver.want({0}, false);
    run(driver, now, seconds(1));
    EXPECT_FALSE(driver.is_closed({0}));
    EXPECT_TRUE(driver.is_settled());
    EXPECT_EQ(bank.driven.back().second, RelayDrive::kOpen);
}

TEST(RelayDriver, SupplyThatGoesLeavesNoCoilUnderCurrentAndTheContactIsDrivenAgain) {
    // A coil that stays under current for an hour burns.
    Bank bank;
    RelayDriver driver(bank, 2);
    driver.start(Instant{});
    Instant now = run(driver, Instant{}, seconds(1));
    driver.want({1}, true);
    driver.poll(now);
    driver.stop();
    EXPECT_TRUE(bank.on.empty());
    EXPECT_FALSE(driver.is_settled());
    run(driver, now, seconds(1));
    EXPECT_TRUE(driver.is_closed({1}));
}

}  // namespace
}  // namespace prewatt::meter
