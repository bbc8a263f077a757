#include "meter/core/malignant_load.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace prewatt::meter {
namespace {

using settings::MalignantAction;
using settings::MalignantProfile;
using settings::MalignantWindow;
using settings::PermittedAppliance;

constexpr CivilSeconds kNow = 800'000'000;

ReactivePower vars(double n) {
    return ReactivePower{static_cast<std::int64_t>(n * 1e6)};
}
ActivePower power(double watts) {
    return ActivePower{static_cast<std::int64_t>(watts * 1e6)};
}

// A settled step of so many watts with displacement (lagging > 0) and distortion in var.
StepReport step(double watts, double displacement = 0, double distortion = 0) {
    StepReport report;
    report.shape = StepShape::kResistive;
    report.power = report.resistive = power(watts);
    report.reactive = vars(displacement);
    const double other = std::hypot(displacement, distortion);
    report.nonactive = vars(other);
    report.conductance_microsiemens = static_cast<std::int32_t>(watts / 220 / 220 * 1e6);
    report.total_conductance_microsiemens = report.conductance_microsiemens;
    const double apparent = std::hypot(watts, other);
    report.power_factor_ten_thousandths = static_cast<std::int16_t>(watts / apparent * 10'000);
    report.residual_ten_thousandths = static_cast<std::int16_t>(other / apparent * 10'000);
    report.cycles = report.cycles_agreed = 8;
    return report;
}
StepReport shaped(StepReport report, StepShape shape) {
    report.shape = shape;
    return report;
}
StepReport mixed(StepReport a, const StepReport& b) {
    const double q = static_cast<double>((a.reactive + b.reactive).count()) * 1e-6;
    const auto distortion = [](const StepReport& r) {
        const double n = static_cast<double>(r.nonactive.count()), d = static_cast<double>(r.reactive.count());
        return std::sqrt(std::max(n * n - d * d, 0.0)) * 1e-6;
    };
    return step(static_cast<double>((a.power + b.power).count()) * 1e-6, q, std::hypot(distortion(a), distortion(b)));
}
StepReport returning(double total_watts, double base_watts_of_other_shape = 0) {
    StepReport report = shaped(step(total_watts, 0, base_watts_of_other_shape), StepShape::kReclose);
    return report;
}
std::int32_t microsiemens(double watts) {
    return static_cast<std::int32_t>(watts / 220 / 220 * 1e6);
}
MalignantVerdict judged(const StepReport& report, const MalignantProfile& profile = {},
                        std::vector<PermittedAppliance> permitted = {}) {
    return judge(report, profile, permitted, kNow);
}
// Loads as the recordings show them.
const StepReport kKettle = step(1280, 2, 5);
const StepReport kInverter = step(950, -145, 28);
const StepReport kLaptop = step(41, -10, 30);
const StepReport kFridge = step(69, 100, 12);
const StepReport kWashingMachine = step(165, 23, 14);

// The purpose of it all.
TEST(MalignantLoad, AKettleIsCut) {
    const MalignantVerdict v = judged(kKettle);
    EXPECT_EQ(v.action, MalignantAction::kCut);
    EXPECT_EQ(v.rule, MalignantRule::kWindow);
    EXPECT_GT(v.sure, watts(1200));
    EXPECT_LE(v.sure, watts(1280));
}

// The air conditioner that the school has installed itself: a dark room on the hottest night.
TEST(MalignantLoad, AnInverterAirConditionerOfAnySizeIsNotCut) {
    for (const double factor : {0.3, 0.5, 1.0, 1.5, 2.0, 4.0}) {
        const MalignantVerdict v = judged(step(950 * factor, -145 * factor, 28 * factor));
        EXPECT_EQ(v.action, MalignantAction::kIgnore) << factor;
        EXPECT_EQ(v.sure, ActivePower{}) << factor;
    }
}

TEST(MalignantLoad, LaptopFridgeAndWashingMachineAreNotCut) {
    for (const StepReport& report : {kLaptop, kFridge, kWashingMachine, step(1200, 167, 102)})
        EXPECT_EQ(judged(report).action, MalignantAction::kIgnore);
}

// Evasion: something harmless is switched on with the kettle, on one strip.
TEST(MalignantLoad, AHeaterThatStartsTogetherWithAnotherLoadIsCut) {
    for (const StepReport& other : {kLaptop, kInverter, kFridge, kWashingMachine})
        EXPECT_EQ(judged(mixed(kKettle, other)).rule, MalignantRule::kWindow);
    EXPECT_EQ(judged(mixed(step(620), kInverter)).rule, MalignantRule::kWindow);
    EXPECT_EQ(judged(mixed(step(620), kFridge)).rule, MalignantRule::kWindow);
}

// A compressor lags cleanly at its best power factor too, but it starts with a rush.
TEST(MalignantLoad, ALaggingLoadThatCameWithARushIsAMotor) {
    StepReport motor = step(1000, 200, 20);
    motor.rush_tenths = 40;
    EXPECT_EQ(judged(motor).action, MalignantAction::kIgnore);
}

// A heater of the swap: the room's watts have fallen, and yet one has come.
TEST(MalignantLoad, WhatLeftAtTheSameInstantIsGivenBackToTheHeater) {
    StepReport swap = step(-330, 0, 10);
    swap.leaving = watts(735);
    swap.resistive = swap.power + swap.leaving;
    EXPECT_EQ(judged(swap).action, MalignantAction::kCut);
    swap.leaving = ActivePower{};
    swap.resistive = swap.power;
    EXPECT_EQ(judged(swap).action, MalignantAction::kIgnore);
}

TEST(MalignantLoad, SingleCyclesMustSayTheSame) {
    StepReport report = kKettle;
    report.cycles_agreed = 6;
    EXPECT_EQ(judged(report).action, MalignantAction::kCut);
    report.cycles_agreed = 5;
    EXPECT_EQ(judged(report).rule, MalignantRule::kCyclesDisagree);
}

TEST(MalignantLoad, BelowTheSetPointNothingIsCut) {
    EXPECT_EQ(judged(step(190)).rule, MalignantRule::kTooSmall);
    EXPECT_EQ(judged(step(215)).action, MalignantAction::kCut);
}

// Windows are how a school permits the water dispenser of 400 W and still forbids what is larger and smaller.
TEST(MalignantLoad, EachWindowHasItsOwnActionAndPowerFactor) {
    MalignantProfile profile;
    profile.windows = {MalignantWindow{100, 350, 990, MalignantAction::kAlarm},
                       MalignantWindow{350, 450, 990, MalignantAction::kIgnore},
                       MalignantWindow{450, 20'000, 960, MalignantAction::kCut}};
    EXPECT_EQ(judged(step(200), profile).action, MalignantAction::kAlarm);
    EXPECT_EQ(judged(step(400), profile).action, MalignantAction::kIgnore);
    EXPECT_EQ(judged(step(400), profile).rule, MalignantRule::kWindow);
    EXPECT_EQ(judged(step(700), profile).action, MalignantAction::kCut);
    EXPECT_EQ(judged(step(700), profile).window, 2);
    // At 0.960 even the air conditioner holds something that counts; the office asked for it.
    EXPECT_EQ(judged(kInverter, profile).action, MalignantAction::kCut);
    profile.windows[2].to_watts = 600;
    EXPECT_EQ(judged(step(700), profile).rule, MalignantRule::kOutsideWindows);
    profile.windows = {};
    EXPECT_EQ(judged(kKettle, profile).action, MalignantAction::kIgnore);
}

TEST(MalignantLoad, HalfWaveAndPhaseCutHaveActionsOfTheirOwn) {
    MalignantProfile profile;
    EXPECT_EQ(judged(shaped(step(310, 0, 8), StepShape::kHalfWave)).rule, MalignantRule::kHalfWave);
    EXPECT_EQ(judged(shaped(step(310, 0, 12), StepShape::kPhaseCut)).rule, MalignantRule::kPhaseCut);
    EXPECT_EQ(judged(shaped(step(150, 0, 3), StepShape::kHalfWave)).rule, MalignantRule::kTooSmall);
    profile.half_wave = MalignantAction::kAlarm;
    profile.phase_cut = MalignantAction::kIgnore;
    EXPECT_EQ(judged(shaped(step(310, 0, 8), StepShape::kHalfWave), profile).action, MalignantAction::kAlarm);
    EXPECT_EQ(judged(shaped(step(310, 0, 8), StepShape::kPhaseCut), profile).action, MalignantAction::kIgnore);
}

// The rice cooker that the office has allowed until the end of term.
TEST(MalignantLoad, APermittedApplianceIsLeftAloneUntilItsDay) {
    const StepReport cooker = step(620, 2, 5);
    const PermittedAppliance permitted = learn(cooker, kNow + 100);
    EXPECT_EQ(judged(cooker, {}, {permitted}).rule, MalignantRule::kPermitted);
    EXPECT_EQ(judged(step(640, 2, 5), {}, {permitted}).rule, MalignantRule::kPermitted);
    EXPECT_EQ(judged(step(700, 2, 5), {}, {permitted}).action, MalignantAction::kCut);
    EXPECT_EQ(judge(cooker, {}, std::vector{permitted}, kNow + 100).action, MalignantAction::kCut);
    // Two permitted ones at one instant.
    const PermittedAppliance second = learn(step(300), kNow + 100);
    EXPECT_EQ(judged(step(920), {}, {permitted, second}).rule, MalignantRule::kPermitted);
    EXPECT_EQ(judged(step(920), {}, {permitted}).action, MalignantAction::kCut);
}

class MalignantGuardTest : public ::testing::Test {
  protected:
    MalignantDecision report(const StepReport& r, CivilSeconds civil = kNow) {
        return guard.on_report(r, profile, permitted, now, civil, clock_valid);
    }
    MalignantDecision wait(int seconds_to_wait, CivilSeconds civil = kNow) {
        now = now + seconds(seconds_to_wait);
        return guard.poll(profile, now, civil, clock_valid);
    }
    StepReport kettle_over(double base_watts) {
        StepReport r = kKettle;
        r.base_conductance_microsiemens = microsiemens(base_watts);
        return r;
    }
    MalignantGuard guard;
    MalignantProfile profile;
    std::vector<PermittedAppliance> permitted;
    Instant now{1'000'000};
    bool clock_valid = true;
};

TEST_F(MalignantGuardTest, CutsWaitsAndRestoresByItself) {
    const MalignantDecision cut = report(kKettle);
    EXPECT_TRUE(cut.cut);
    EXPECT_TRUE(cut.store);
    EXPECT_EQ(cut.restore_after, seconds(180));
    EXPECT_EQ(cut.restores_left, 5);
    EXPECT_TRUE(guard.is_held());
    EXPECT_FALSE(wait(179).restored);
    EXPECT_TRUE(wait(1).restored);
    EXPECT_FALSE(guard.is_held());
    EXPECT_EQ(guard.next_due(), now + seconds(10));
}

// The whole room comes back at once; only the load that was cut must lead to another cut.
TEST_F(MalignantGuardTest, CutsAgainWhenTheLoadIsStillThereAfterTheRestore) {
    (void)report(kettle_over(300));
    (void)wait(180);
    const MalignantDecision again = report(returning(1580));
    EXPECT_TRUE(again.cut);
    EXPECT_EQ(again.verdict.rule, MalignantRule::kReclosed);
    EXPECT_EQ(again.restore_after, seconds(360));
}
TEST_F(MalignantGuardTest, StaysOnWhenTheLoadIsGoneAfterTheRestore) {
    (void)report(kettle_over(300));
    (void)wait(180);
    const MalignantDecision clear = report(returning(300, 150));
    EXPECT_FALSE(clear.cut);
    EXPECT_EQ(clear.verdict.rule, MalignantRule::kRecloseClear);
    EXPECT_EQ(guard.next_due(), kNever);
    EXPECT_EQ(guard.state().stage, MalignantStage::kWatching);
}
// The base has been unplugged while it was dark; the kettle alone is there.
TEST_F(MalignantGuardTest, CutsAgainWhenOnlyTheLoadIsLeft) {
    (void)report(kettle_over(600));
    (void)wait(180);
    EXPECT_TRUE(report(returning(1280)).cut);
}
// Somebody adds an inverter to hide the kettle in the total.
TEST_F(MalignantGuardTest, CutsAgainWhenMoreHasComeWithTheLoad) {
    (void)report(kKettle);
    (void)wait(180);
    StepReport both = shaped(mixed(kKettle, kInverter), StepShape::kReclose);
    both.total_conductance_microsiemens = microsiemens(2230);
    EXPECT_TRUE(report(both).cut);
    (void)guard.reset();
    (void)report(kKettle);
    (void)wait(180);
    StepReport laptop = shaped(mixed(step(1400), kLaptop), StepShape::kReclose);
    EXPECT_TRUE(report(laptop).cut);
}
// After a supply failure of the building everything comes at once, and nobody has done anything forbidden.
TEST_F(MalignantGuardTest, ReturnOfTheSupplyWithoutACutBeforeIsNoReason) {
    EXPECT_FALSE(report(returning(2500)).cut);
}

TEST_F(MalignantGuardTest, WaitsTwiceAsLongEachTimeAndLocksOutWhenTheDaysTriesAreUsedUp) {
    int expected = 180;
    for (int k = 0; k < 5; ++k) {
        const MalignantDecision cut = report(kKettle);
        ASSERT_TRUE(cut.cut);
        EXPECT_EQ(cut.restore_after, seconds(std::min(expected, 3600)));
        EXPECT_EQ(cut.restores_left, 5 - k);
        EXPECT_TRUE(wait(expected).restored);
        expected *= 2;
    }
    const MalignantDecision last = report(kKettle);
    EXPECT_TRUE(last.cut);
    EXPECT_EQ(last.restore_after, Duration{});
    EXPECT_TRUE(guard.is_locked_out());
    EXPECT_EQ(guard.next_due(), kNever);
    EXPECT_FALSE(wait(1'000'000, kNow + 1'000'000).restored);
    EXPECT_TRUE(guard.reset());
    EXPECT_FALSE(guard.is_held());
    EXPECT_EQ(report(kKettle).restores_left, 5);
}

TEST_F(MalignantGuardTest, ANewDayBringsNewTriesAndAClockThatIsSetBackDoesNot) {
    for (int k = 0; k < 3; ++k) {
        (void)report(kKettle);
        (void)wait(3600);
    }
    EXPECT_EQ(report(kKettle, kNow - 86'400).restores_left, 2);
    (void)wait(3600, kNow - 86'400);
    EXPECT_EQ(report(kKettle, kNow + 86'400).restores_left, 5);
}
TEST_F(MalignantGuardTest, WithoutAClockNoDayEnds) {
    clock_valid = false;
    for (int k = 0; k < 5; ++k) {
        (void)report(kKettle, kNow + static_cast<CivilSeconds>(k) * 90'000);
        (void)wait(3600, kNow + static_cast<CivilSeconds>(k) * 90'000);
    }
    EXPECT_TRUE(report(kKettle, kNow + 900'000).cut);
    EXPECT_TRUE(guard.is_locked_out());
}

// Pulling the main switch must not be a reset button.
TEST_F(MalignantGuardTest, ARestartKeepsHoldTriesAndSignatureAndStartsTheDelayAnew) {
    (void)report(kettle_over(300));
    (void)wait(100);
    MalignantGuard restarted;
    restarted.open(guard.state(), now);
    EXPECT_TRUE(restarted.is_held());
    EXPECT_EQ(restarted.next_due(), now + seconds(180));
    EXPECT_EQ(restarted.state().signature.conductance_microsiemens, kKettle.conductance_microsiemens);
    for (int k = 0; k < 6; ++k) {
        (void)guard.reset();
    }
    MalignantState locked;
    locked.stage = MalignantStage::kLockedOut;
    restarted.open(locked, now);
    EXPECT_TRUE(restarted.is_locked_out());
    EXPECT_EQ(restarted.next_due(), kNever);
}

// Evasion: three immersion heaters of 120 W, one after the other.
TEST_F(MalignantGuardTest, SmallResistiveStepsAddUpWithinTheirMinutes) {
    EXPECT_FALSE(report(step(120)).cut);
    (void)wait(300);
    const MalignantDecision second = report(step(120));
    EXPECT_TRUE(second.cut);
    EXPECT_EQ(second.verdict.rule, MalignantRule::kStepByStep);
}
TEST_F(MalignantGuardTest, SmallStepsThatAreOldOrHaveGoneDoNotAddUp) {
    EXPECT_FALSE(report(step(120)).cut);
    now = now + seconds(31 * 60);
    EXPECT_FALSE(report(step(120)).cut);
    EXPECT_FALSE(report(step(-120)).cut);
    EXPECT_FALSE(report(step(120)).cut);
    EXPECT_FALSE(report(kLaptop).cut);
}
TEST_F(MalignantGuardTest, ASlowSlopeAddsUpToo) {
    int reports = 0;
    while (!report(shaped(step(52), StepShape::kRamp)).cut && reports < 10) {
        ++reports;
        now = now + seconds(60);
    }
    EXPECT_EQ(reports, 3);
}
TEST_F(MalignantGuardTest, StepByStepCanBeSwitchedOff) {
    profile.step_by_step = MalignantAction::kIgnore;
    for (int k = 0; k < 10; ++k)
        EXPECT_FALSE(report(step(120)).cut);
}

TEST_F(MalignantGuardTest, AnAlarmWindowReportsAndDoesNotCut) {
    profile.windows[0].action = MalignantAction::kAlarm;
    const MalignantDecision d = report(kKettle);
    EXPECT_TRUE(d.alarm);
    EXPECT_FALSE(d.cut);
    EXPECT_FALSE(guard.is_held());
}

TEST_F(MalignantGuardTest, WithoutBackOffEveryDelayIsTheSame) {
    profile.restore_backs_off = false;
    for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(report(kKettle).restore_after, seconds(180));
        (void)wait(180);
    }
}

}  // namespace
}  // namespace prewatt::meter
