#include "meter/core/load_guard.hpp"

#include <gtest/gtest.h>

namespace prewatt::meter {
namespace {

constexpr Duration kWindow = milliseconds(200);
const settings::LoadLimit kTenAmperes{.milliamperes = 10'000};

// A room behind the guard: what is plugged in draws only while the contact is closed.
struct Room {
    explicit Room(const settings::LoadLimit& l = kTenAmperes) : limit(l) { guard.start({}, limit, now); }
    // Feeds windows for `time`; returns the last news.
    LoadNews draw(Current current, Duration time, ActivePower active = {}) {
        LoadNews last = LoadNews::kNone;
        for (const Instant end = now + time; now < end;) {
            now = now + kWindow;
            const bool closed = guard.holds().empty() || overruled;
            const Load load{closed ? current : Current{}, closed ? active : ActivePower{}, kWindow};
            note(guard.on_window(load, limit, power_max, overruled, now), last);
            if (now >= guard.next_poll()) note(guard.poll(limit, now), last);
        }
        return last;
    }
    void note(const LoadDecision& decision, LoadNews& last) {
        if (decision.store) ++stores;
        if (decision.news == LoadNews::kNone) return;
        last = decision.news;
        cause = decision.cause;
        ++(decision.news == LoadNews::kCut ? cuts : decision.news == LoadNews::kRestored ? restores : others);
    }
    [[nodiscard]] bool dark() const { return !guard.holds().empty(); }
    [[nodiscard]] bool locked() const { return guard.holds().has(Hold::kLockedOut); }

    settings::LoadLimit limit;
    LoadGuard guard;
    Instant now{};
    ActivePower power_max{};
    bool overruled = false;
    LoadCause cause = LoadCause::kNone;
    int cuts = 0, restores = 0, others = 0, stores = 0;
};

TEST(LoadGuard, CutsAfterTheDelayAndComesBackByItselfWhenTheLoadHasGone) {
    // A room draws 16 A through a wire for 10 A, and nobody is there to pull the plug.
    Room room;
    EXPECT_EQ(room.draw(amperes(10), minutes(60)), LoadNews::kNone) << "the limit itself is allowed";
    room.draw(amperes(16), seconds(10) - kWindow);
    EXPECT_FALSE(room.dark());
    room.draw(amperes(16), kWindow);
    EXPECT_TRUE(room.guard.holds().has(Hold::kOverload));
    EXPECT_FALSE(room.locked());
    EXPECT_EQ(room.cause, LoadCause::kCurrent);
    room.draw(amperes(2), seconds(60) - kWindow);
    EXPECT_TRUE(room.dark());
    EXPECT_EQ(room.draw(amperes(2), kWindow), LoadNews::kRestored);
    EXPECT_FALSE(room.dark());
}

TEST(LoadGuard, SixthCutLocksOutUntilSomebodyResetsIt) {
    // The relay switches a short circuit on and off all night until it is welded.
    Room room;
    room.draw(amperes(16), minutes(60));
    EXPECT_EQ(room.cuts, 5);
    EXPECT_EQ(room.restores, 5);
    EXPECT_TRUE(room.locked());
    EXPECT_TRUE(room.guard.holds().has(Hold::kOverload)) << "everybody sees what has locked it";
    EXPECT_EQ(room.guard.tries_left(room.limit), 0);
    room.draw(Current{}, minutes(60 * 24 * 30));
    EXPECT_TRUE(room.locked()) << "no time heals it";
    EXPECT_EQ(room.guard.next_poll(), kNever);
    EXPECT_EQ(room.guard.reset().news, LoadNews::kReset);
    EXPECT_FALSE(room.dark());
    EXPECT_EQ(room.guard.tries_left(room.limit), 6);
    room.draw(amperes(16), minutes(60));
    EXPECT_EQ(room.cuts, 10) << "and it counts from the beginning";
}

TEST(LoadGuard, GrossOvercurrentCutsAtOnceFromAReportOrAWindow) {
    // Ten seconds of three times the current is a fire in the wall.
    Room room;
    EXPECT_EQ(LoadGuard::gross_limit(room.limit), amperes(30));
    EXPECT_EQ(room.guard.on_gross(amperes(30), room.limit, false, room.now).news, LoadNews::kNone);
    const LoadDecision cut = room.guard.on_gross(amperes(31), room.limit, false, room.now);
    EXPECT_EQ(cut.news, LoadNews::kCut);
    EXPECT_EQ(cut.cause, LoadCause::kGross);
    EXPECT_EQ(room.guard.on_gross(amperes(31), room.limit, false, room.now).news, LoadNews::kNone) << "counted once";
    EXPECT_EQ(room.guard.book().cuts, 1);

    Room lost;  // the report got lost on its way
    EXPECT_EQ(lost.draw(amperes(40), kWindow), LoadNews::kCut);
    EXPECT_EQ(lost.cause, LoadCause::kGross);

    Room never(settings::LoadLimit{.milliamperes = 10'000, .gross_percent = 0});
    EXPECT_EQ(never.guard.on_gross(amperes(90), never.limit, false, never.now).news, LoadNews::kNone);
    EXPECT_EQ(never.draw(amperes(90), seconds(9)), LoadNews::kNone);
    EXPECT_EQ(never.draw(amperes(90), seconds(1)), LoadNews::kCut);
}

TEST(LoadGuard, LoadThatDipsForAMomentDoesNotGetAwayAndAMotorThatStartsIsNotCut) {
    // Whoever switches a heater off for a blink every nine seconds would heat for ever; a fridge must run for ever.
    Room evader;
    for (int k = 0; k < 3 && evader.cuts == 0; ++k) {
        evader.draw(amperes(16), seconds(9));
        evader.draw(amperes(1), seconds(1));
    }
    EXPECT_EQ(evader.cuts, 1);

    Room fridge;
    for (int k = 0; k < 1000; ++k) {
        fridge.draw(amperes(25), seconds(3));
        fridge.draw(amperes(1), seconds(60));
    }
    EXPECT_EQ(fridge.cuts, 0);
}

TEST(LoadGuard, LimitedPowerIsKeptByTheSameGuard) {
    // Half power at night, and the kettle that is allowed by day burns all night.
    Room room(settings::LoadLimit{});
    EXPECT_EQ(room.draw(amperes(9), minutes(10), watts(2000)), LoadNews::kNone) << "no limit by day";
    room.power_max = watts(1000);
    EXPECT_EQ(room.draw(amperes(4), minutes(10), watts(1000)), LoadNews::kNone);
    EXPECT_EQ(room.draw(amperes(9), seconds(10), watts(2000)), LoadNews::kCut);
    EXPECT_EQ(room.cause, LoadCause::kPower);
    room.draw({}, minutes(5));
    EXPECT_FALSE(room.dark());
    EXPECT_EQ(room.draw(amperes(9), seconds(10), watts(-2000)), LoadNews::kCut) << "wires turned round";
    room.draw(amperes(9), minutes(60), watts(2000));
    EXPECT_TRUE(room.locked());
}

TEST(LoadGuard, RestartNeitherUnlocksNorShortensNorForgets) {
    // Whoever can pull the fuse of the landing would have a reset button.
    Room room;
    room.draw(amperes(16), seconds(10));
    ASSERT_TRUE(room.dark());
    room.draw({}, seconds(59));
    const LoadBook stored = room.guard.book();
    room.guard.start(stored, room.limit, room.now);
    room.draw({}, seconds(60) - kWindow);
    EXPECT_TRUE(room.dark()) << "the pause begins anew";
    room.draw({}, kWindow);
    EXPECT_FALSE(room.dark());

    // Twenty-three hours and a half without a cut, then a restart every half hour: never a complete hour.
    room.draw({}, minutes(23 * 60 + 30));
    ASSERT_EQ(room.guard.book().quiet_hours, 23);
    for (int k = 0; k < 48; ++k) {
        room.guard.start(room.guard.book(), room.limit, room.now);
        room.draw({}, minutes(30));
    }
    EXPECT_EQ(room.guard.book().cuts, 1);
    room.draw({}, minutes(31));
    EXPECT_EQ(room.guard.book().cuts, 0);

    room.guard.start({LoadStage::kLockedOut, 6, 0}, room.limit, room.now);
    room.draw({}, minutes(60 * 48));
    EXPECT_TRUE(room.locked());
}

TEST(LoadGuard, CutsAreForgottenAfterADayWithoutOne) {
    // One overload a term adds up, and in the sixth term the room is locked out for a single one.
    Room room;
    for (int day = 0; day < 30; ++day) {
        room.draw(amperes(16), seconds(10));
        ASSERT_TRUE(room.dark());
        ASSERT_FALSE(room.locked());
        room.draw({}, minutes(24 * 60 + 1));
        ASSERT_FALSE(room.dark());
        ASSERT_EQ(room.guard.book(), LoadBook{});
    }
    EXPECT_LE(room.stores, 30 * (2 + 24)) << "one write an hour while cuts are remembered, none afterwards";
}

TEST(LoadGuard, ForcedPowerIsNotCutAndCountsNothing) {
    // The office forces power for a repair; the guard counts six cuts that never happened.
    Room room;
    room.draw(amperes(16), minutes(60));
    ASSERT_TRUE(room.locked());
    room.guard.reset();
    room.overruled = true;
    EXPECT_EQ(room.draw(amperes(40), minutes(60)), LoadNews::kNone);
    EXPECT_EQ(room.guard.on_gross(amperes(40), room.limit, true, room.now).news, LoadNews::kNone);
    EXPECT_EQ(room.guard.book(), LoadBook{});
    room.overruled = false;
    EXPECT_EQ(room.draw(amperes(16), seconds(9)), LoadNews::kNone) << "the delay begins when the force ends";
    EXPECT_EQ(room.draw(amperes(16), seconds(1)), LoadNews::kCut);
}

TEST(LoadGuard, LimitThatIsTakenAwayLetsPowerBackAndALockStays) {
    // The office lifts the limit of a room that is cut: power comes with the end of the pause, not next year.
    Room room;
    room.draw(amperes(16), seconds(10));
    room.limit.milliamperes = 0;
    room.draw(amperes(16), seconds(60));
    EXPECT_FALSE(room.dark());
    room.draw(amperes(90), minutes(60));
    EXPECT_FALSE(room.dark());
    EXPECT_EQ(room.guard.reset().news, LoadNews::kReset) << "one cut was remembered";
    EXPECT_FALSE(room.guard.reset().store) << "nothing to reset, nothing to write";

    Room strict(settings::LoadLimit{.milliamperes = 10'000, .cuts_max = 1});
    strict.draw(amperes(16), seconds(10));
    EXPECT_TRUE(strict.locked()) << "the first cut is the last one";
}

}  // namespace
}  // namespace prewatt::meter
