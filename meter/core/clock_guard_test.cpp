#include "meter/core/clock_guard.hpp"

#include <gtest/gtest.h>

#include "meter/core/malignant_load.hpp"

namespace prewatt::meter {
namespace {

constexpr CivilSeconds kDay = 86400;
constexpr CivilSeconds kNoon = to_seconds({2026, 11, 22, 12, 0, 0});
const settings::General kGeneral{.freeze_hour = 6};

// A box whose clock runs with the monotonic one, plus what it drifts.
struct Box {
    ClockGuard guard;
    std::optional<CivilSeconds> clock = kNoon;
    Instant now;

    Box() { EXPECT_TRUE(guard.start({}, clock, now)); }
    std::expected<ClockChange, ClockRefusal> set(CivilSeconds time, ClockSource source = ClockSource::kBroadcast) {
        auto change = guard.propose(source, time, clock, kGeneral);
        if (change) {
            clock = change->after;
            guard.take(*change, now);
        }
        return change;
    }
    std::optional<ClockRefusal> refusal(CivilSeconds time, ClockSource source = ClockSource::kBroadcast) {
        const auto change = set(time, source);
        return change ? std::nullopt : std::optional(change.error());
    }
    void run(std::int64_t time, int drift = 0) {
        now = now + seconds(time);
        clock = static_cast<CivilSeconds>(*clock + time + drift);
    }
};

// Somebody turns the clock of a whole building with frames that carry no password.
TEST(ClockGuard, CorrectsWithoutASealOnceADayByLessThanFiveMinutesFarFromMidnightAndFreeze) {
    for (const ClockSource source : {ClockSource::kBroadcast, ClockSource::kAddressed, ClockSource::kPassword}) {
        Box box;
        EXPECT_EQ(box.refusal(kNoon + 300, source), ClockRefusal::kTooFar);
        EXPECT_EQ(box.refusal(kNoon - 300, source), ClockRefusal::kTooFar);
        EXPECT_EQ(box.refusal(kNoon + 299, source), std::nullopt);
        EXPECT_EQ(*box.clock, kNoon + 299);
        EXPECT_EQ(box.refusal(kNoon, source), ClockRefusal::kOncePerDay);
        box.run(kDay);
        EXPECT_EQ(box.refusal(*box.clock - 100, source), std::nullopt);
    }
    const auto at = [](int hour, int minute, int second, int step) {
        Box box;
        box.clock = to_seconds({2026, 11, 22, static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                                static_cast<std::uint8_t>(second)});
        (void)box.guard.start({}, box.clock, box.now);
        return box.refusal(static_cast<CivilSeconds>(static_cast<std::int64_t>(*box.clock) + step));
    };
    EXPECT_EQ(at(23, 54, 58, 1), std::nullopt);
    EXPECT_EQ(at(23, 54, 58, 2), ClockRefusal::kNearMidnight);
    EXPECT_EQ(at(0, 4, 59, 30), ClockRefusal::kNearMidnight);
    EXPECT_EQ(at(0, 5, 0, 30), std::nullopt);
    EXPECT_EQ(at(0, 5, 0, -1), ClockRefusal::kNearMidnight);
    EXPECT_EQ(at(5, 54, 59, 1), ClockRefusal::kNearFreeze);
    EXPECT_EQ(at(6, 4, 59, 1), ClockRefusal::kNearFreeze);
    EXPECT_EQ(at(6, 5, 0, 1), std::nullopt);
}

// Five minutes a day are thirty hours a year: whole nights without time control.
TEST(ClockGuard, AllCorrectionsWithoutASealTogetherStayWithinWhatACrystalExplains) {
    for (const int direction : {1, -1}) {
        Box box;
        ASSERT_EQ(box.refusal(kNoon, ClockSource::kSealed), std::nullopt);
        std::int64_t walked = 0;
        for (int day = 0; day < 365; ++day) {
            box.run(kDay);
            for (const int step : {299, 60, 5}) {
                const auto change = box.set(static_cast<CivilSeconds>(*box.clock + direction * step));
                if (!change) continue;
                walked += direction * step;
                break;
            }
        }
        EXPECT_GT(walked * direction, 300);
        EXPECT_LE(walked * direction, 300 + 365 * 5) << "50 ppm are 4.3 s a day";
        EXPECT_EQ(box.refusal(static_cast<CivilSeconds>(*box.clock + direction * 299)), ClockRefusal::kOncePerDay);
        ASSERT_EQ(box.refusal(*box.clock, ClockSource::kSealed), std::nullopt);
        box.run(kDay);
        EXPECT_EQ(box.refusal(static_cast<CivilSeconds>(*box.clock + direction * 299)), std::nullopt)
            << "counts anew from a sealed setting";
        box.run(kDay);
        EXPECT_EQ(box.refusal(static_cast<CivilSeconds>(*box.clock + direction * 299)), ClockRefusal::kUsedUp);
        EXPECT_EQ(box.refusal(static_cast<CivilSeconds>(*box.clock - direction * 299)), std::nullopt)
            << "back is allowed";
    }
}

// A battery was changed and the clock is a year off: the office must be able to put it right at once, nobody else.
TEST(ClockGuard, OnlyASealedCommandSetsFarOrStartsAStoppedClock) {
    Box box;
    box.clock.reset();
    EXPECT_FALSE(box.guard.watch(box.clock, box.now)) << "to be logged";
    EXPECT_TRUE(box.guard.watch(box.clock, box.now)) << "once";
    for (const ClockSource source : {ClockSource::kBroadcast, ClockSource::kAddressed, ClockSource::kPassword})
        EXPECT_EQ(box.refusal(kNoon, source), ClockRefusal::kNoClock);
    const auto change = box.set(kNoon + 365 * kDay, ClockSource::kSealed);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->before, std::nullopt);
    EXPECT_EQ(change->after, kNoon + 365 * kDay);
    EXPECT_TRUE(box.guard.believed());
    EXPECT_EQ(box.refusal(to_seconds({.year = 2100}), ClockSource::kSealed), ClockRefusal::kInvalid);
    EXPECT_EQ(box.refusal(kNoon, ClockSource::kSealed), std::nullopt) << "and back";
}

// A sealed setting in the morning must not give the line a second correction on the same day.
TEST(ClockGuard, ASealedSettingGivesNoSecondCorrectionOnTheSameDay) {
    Box box;
    ASSERT_EQ(box.refusal(kNoon + 100), std::nullopt);
    ASSERT_EQ(box.refusal(kNoon + 3600, ClockSource::kSealed), std::nullopt);
    EXPECT_EQ(box.refusal(kNoon + 3700), ClockRefusal::kOncePerDay);
    ASSERT_EQ(box.refusal(kNoon + 400 * kDay, ClockSource::kSealed), std::nullopt) << "a slip of the office";
    ASSERT_EQ(box.refusal(kNoon + kDay, ClockSource::kSealed), std::nullopt) << "put right";
    box.run(kDay);
    EXPECT_EQ(box.refusal(*box.clock + 10), std::nullopt) << "not locked for 400 days";
}

// An empty battery: after a loss of supply the clock starts in the year 2000 or where it had stopped, and runs.
TEST(ClockGuard, AClockThatShowsATimeBeforeOneThatItHadShownIsNotBelieved) {
    Box box;
    ASSERT_EQ(box.refusal(kNoon, ClockSource::kSealed), std::nullopt);
    EXPECT_FALSE(box.guard.wants_save(box.clock));
    box.run(kDay);
    ASSERT_TRUE(box.guard.wants_save(box.clock));
    const ClockBook book = box.guard.fresh_book(box.clock);
    box.guard.saved(book);
    EXPECT_FALSE(box.guard.wants_save(box.clock));
    EXPECT_EQ(book.latest, kNoon + kDay);

    ClockGuard again;
    EXPECT_FALSE(again.start(book, CivilSeconds{5}, Instant{}));
    EXPECT_EQ(again.time(CivilSeconds{5}), std::nullopt);
    EXPECT_FALSE(again.start(book, kNoon + kDay - 301, Instant{}));
    EXPECT_TRUE(again.start(book, kNoon + kDay - 299, Instant{})) << "a correction after the time was stored";
    EXPECT_TRUE(again.start(book, kNoon + 700 * kDay, Instant{})) << "two years without supply";
    EXPECT_FALSE(again.start(book, std::nullopt, Instant{}));
}

// The crystal has stopped but the chip still answers: time control and prices would stand still for ever.
TEST(ClockGuard, AClockThatStandsOrRunsWildIsNoticedWithinAMinute) {
    for (const int wrong : {-60, 60, -5, 1'000'000}) {
        Box box;
        for (int k = 0; k < 10; ++k) {
            box.run(60, k % 2 == 0 ? 1 : -1);
            EXPECT_TRUE(box.guard.watch(box.clock, box.now));
        }
        box.run(60, wrong);
        EXPECT_FALSE(box.guard.watch(box.clock, box.now)) << wrong;
        EXPECT_EQ(box.guard.time(box.clock), std::nullopt);
    }
    Box box;
    box.run(59, -59);
    EXPECT_TRUE(box.guard.watch(box.clock, box.now)) << "not looked at yet";
}

// The office sets clocks every month and wants to know which box needs a new crystal.
TEST(ClockGuard, DriftIsEstimatedFromSealedSettingsAndCountsCorrectionsInBetween) {
    Box box;
    ASSERT_EQ(box.refusal(kNoon, ClockSource::kSealed), std::nullopt);
    for (int month = 0; month < 6; ++month) {
        CivilSeconds truth = *box.clock;
        box.run(30 * kDay, -52);  // 20 ppm slow
        truth += 30 * kDay;
        if (month % 2 == 0) {
            ASSERT_EQ(box.refusal(truth - 12), std::nullopt);
        }
        ASSERT_EQ(box.refusal(truth, ClockSource::kSealed), std::nullopt);
    }
    EXPECT_NEAR(box.guard.book().drift_tenths_ppm, 201, 2);
    EXPECT_EQ(box.guard.book().drift_settings, 6);
    box.run(kDay);
    ASSERT_EQ(box.refusal(*box.clock + 3600, ClockSource::kSealed), std::nullopt);
    EXPECT_NEAR(box.guard.book().drift_tenths_ppm, 201, 2) << "an hour is summer time or a slip, not drift";
    box.run(60);
    ASSERT_EQ(box.refusal(*box.clock + 1, ClockSource::kSealed), std::nullopt);
    EXPECT_EQ(box.guard.book().drift_settings, 6) << "a minute tells nothing";
}

// Five restores a day: whoever sets the clock forth and back gets five more each time.
TEST(DailyCount, OnlyRunningIntoTheNextDayGivesNewOnes) {
    DailyCount restores;
    restores.on_time(std::nullopt);
    restores.count = 5;
    restores.on_time(kNoon);
    EXPECT_EQ(restores.count, 5) << "the clock was not known before";
    restores.on_clock_set(kNoon + kDay);
    restores.on_time(kNoon + kDay);
    EXPECT_EQ(restores.count, 5);
    restores.on_clock_set(kNoon);
    restores.on_time(kNoon);
    EXPECT_EQ(restores.count, 5);
    restores.on_time(kNoon - kDay);
    EXPECT_EQ(restores.count, 5) << "back without being told";
    restores.on_time(kNoon);
    EXPECT_EQ(restores.count, 5);
    restores.on_time(std::nullopt);
    EXPECT_EQ(restores.count, 5) << "stopped";
    restores.on_time(kNoon + kDay / 2);
    EXPECT_EQ(restores.count, 0) << "midnight";
}

// The same in the guard that uses it: five cuts, and the office sets the clock.
TEST(DailyCount, SettingTheClockForthAndBackGivesNoRestoresOfMalignantLoads) {
    MalignantGuard guard;
    MalignantState held;
    held.stage = MalignantStage::kHeld;
    held.restores_used = 4;
    held.day = static_cast<std::uint16_t>(kNoon / kDay);
    held.delay_seconds = 10;
    guard.open(held, Instant{});
    for (const CivilSeconds set : {kNoon + 3 * kDay, kNoon}) {
        EXPECT_TRUE(guard.on_clock_set(set));
        (void)guard.poll({}, guard.next_due(), set, true);
        EXPECT_GE(guard.state().restores_used, 4);
    }
    guard.open({}, Instant{});
    EXPECT_FALSE(guard.on_clock_set(kNoon)) << "nothing to store";
}

// The third step costs twice as much: a clock that visits the next month would begin at the first one again.
TEST(MonthlyCount, AClockThatVisitsAnotherMonthFindsWhatWasUsedInEach) {
    MonthlyCount month;
    month.add(Energy{7});
    month.on_time(kNoon);
    EXPECT_EQ(month.present.used, Energy{7}) << "used before the clock was known";
    month.add(Energy{1000});
    month.on_time(kNoon + 30 * kDay);
    EXPECT_EQ(month.present.used, Energy{0});
    month.add(Energy{30});
    month.on_time(kNoon);
    EXPECT_EQ(month.present.used, Energy{1007});
    month.on_time(std::nullopt);
    month.add(Energy{1});
    month.on_time(kNoon + 9 * kDay);
    EXPECT_EQ(month.present.used, Energy{30}) << "now it has really come";
    month.on_time(to_seconds({2027, 12, 3}));
    EXPECT_EQ(month.present.used, Energy{0});
    EXPECT_EQ(month.other.used, Energy{30});
}

}  // namespace
}  // namespace prewatt::meter
