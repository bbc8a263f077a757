#include "meter/core/supply_guard.hpp"

#include <gtest/gtest.h>

namespace prewatt::meter {
namespace {

Instant feed(SupplyGuard& guard, Instant now, Duration time, Voltage voltage, bool present = true) {
    for (const Instant end = now + time; now < end; now = now + milliseconds(200))
        guard.on_voltage(voltage, present, now);
    return now;
}

TEST(SupplyGuard, HoldsOneSecondAfterTheVoltageLeftItsBandAndReleasesAfterThree) {
    // A broken neutral puts 380 V on a room.
    SupplyGuard guard;
    Instant now = feed(guard, Instant{}, seconds(5), volts(220));
    EXPECT_FALSE(guard.is_held());
    now = feed(guard, now, milliseconds(800), volts(260));
    EXPECT_FALSE(guard.is_held());
    now = feed(guard, now, milliseconds(600), volts(260));
    EXPECT_TRUE(guard.is_held());
    now = feed(guard, now, milliseconds(2800), volts(230));
    EXPECT_TRUE(guard.is_held());
    feed(guard, now, milliseconds(600), volts(230));
    EXPECT_FALSE(guard.is_held());
}

TEST(SupplyGuard, LineThatSagsRoundTheLimitDoesNotMakeRelaysChatter) {
    // Forty relays click all evening until they are worn out.
    SupplyGuard guard;
    Instant now = feed(guard, Instant{}, seconds(2), volts(149));
    EXPECT_TRUE(guard.is_held());
    int changes = 0;
    for (int k = 0; k < 600; ++k) {
        now = now + milliseconds(200);
        changes += guard.on_voltage(k % 2 ? volts(149) : volts(152), true, now);
    }
    EXPECT_EQ(changes, 0);
    // And from the good side: a dip of half a second is no reason to switch.
    SupplyGuard calm;
    now = feed(calm, now, seconds(2), volts(220));
    now = feed(calm, now, milliseconds(500), volts(100));
    feed(calm, now, seconds(2), volts(220));
    EXPECT_FALSE(calm.is_held());
}

TEST(SupplyGuard, FirstVoltageAfterAStartDecidesWithoutDelay) {
    // The managing processor starts anew while a phase is missing, and thirteen relays close and open again.
    SupplyGuard guard;
    guard.begin(volts(0), false);
    EXPECT_TRUE(guard.is_held());
    feed(guard, Instant{}, milliseconds(3400), volts(220));
    EXPECT_FALSE(guard.is_held());
    guard.begin(volts(152), true);
    EXPECT_FALSE(guard.is_held());
}

TEST(SupplyGuard, MissingPhaseHolds) {
    // A phase comes back with a spike while every heater is still plugged in.
    SupplyGuard guard;
    feed(guard, Instant{}, seconds(2), volts(220), false);
    EXPECT_TRUE(guard.is_held());
}

TEST(SupplyGuard, SaysWhatIsWrongAndFollowsWhenItGetsWorse) {
    // The log has a sag and no loss, although the phase was gone for an hour.
    SupplyGuard guard;
    Instant now = feed(guard, Instant{}, seconds(2), volts(220));
    EXPECT_EQ(guard.state(), SupplyState::kGood);
    now = feed(guard, now, seconds(2), volts(140));
    EXPECT_EQ(guard.state(), SupplyState::kLow);
    now = feed(guard, now, milliseconds(800), volts(20), false);
    EXPECT_EQ(guard.state(), SupplyState::kLow);
    now = feed(guard, now, milliseconds(600), volts(20), false);
    EXPECT_EQ(guard.state(), SupplyState::kMissing);
    now = feed(guard, now, seconds(2), volts(300));
    EXPECT_EQ(guard.state(), SupplyState::kHigh);
    EXPECT_TRUE(guard.is_held());
    now = feed(guard, now, seconds(4), volts(220));
    EXPECT_EQ(guard.state(), SupplyState::kGood);
}

TEST(SupplyGuard, PhaseThatIsBadNowInThisWayNowInThatIsHeldAllTheSame) {
    // A loose wire crackles between nothing and 300 V, and each time the delay begins anew.
    SupplyGuard guard;
    Instant now{};
    for (int k = 0; k < 6; ++k, now = now + milliseconds(200))
        guard.on_voltage(k % 2 ? volts(0) : volts(300), k % 2 == 0, now);
    EXPECT_TRUE(guard.is_held());
}

}  // namespace
}  // namespace prewatt::meter
