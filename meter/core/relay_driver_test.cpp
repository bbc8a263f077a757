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

TEST(RelayDriver, ChangeIsAtTheContactWithinTwoTenthsOfASecondEvenDuringARefresh) {
    // Whoever pays during the refresh waits for thirty-eight other relays.
    Bank bank;
    RelayDriver driver(bank, 39);
    driver.start(Instant{});
    Instant now = run(driver, Instant{}, minutes(10) + milliseconds(130));
    EXPECT_GT(bank.driven.size(), 39u) << "the refresh has begun";
    driver.want({38}, true);
    run(driver, now, milliseconds(140));
    EXPECT_TRUE(driver.is_closed({38}));
}

TEST(RelayDriver, RefreshDrivesEveryRelayToWhereItBelongsEveryTenMinutes) {
    // A truck shakes the wall, a latching contact opens, and nothing ever closes it again.
    Bank bank;
    RelayDriver driver(bank, 12);
    driver.want({5}, true);
    driver.start(Instant{});
    Instant now = run(driver, Instant{}, minutes(9));
    ASSERT_EQ(bank.driven.size(), 12u);
    now = run(driver, now, minutes(2));
    EXPECT_EQ(bank.driven.size(), 24u);
    run(driver, now, minutes(60));
    EXPECT_EQ(bank.driven.size(), 24u + 6 * 12);
    for (std::size_t k = 12; k < bank.driven.size(); ++k)
        EXPECT_EQ(bank.driven[k].second, bank.driven[k].first == 5 ? RelayDrive::kClose : RelayDrive::kOpen);
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
