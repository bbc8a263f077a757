#include "sim/serial_line.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace prewatt::sim {
namespace {

// Writes down what it hears.
class Listener final : public Station {
  public:
    Heard on_character(const Character& character) override {
        heard.push_back(character);
        return {when_heard ? when_heard(character.at) : kNever, skip_after != 0 && heard.size() % skip_after == 0};
    }
    Instant on_time(Instant now) override {
        woken.push_back(now);
        return when_woken ? when_woken(now) : kNever;
    }
    std::vector<Character> heard;
    std::vector<Instant> woken;
    std::size_t skip_after = 0;
    std::function<Instant(Instant)> when_woken;
    std::function<Instant(Instant)> when_heard;
};

struct Building {
    explicit Building(const LineFaults& faults = {}, std::uint64_t seed = 1) : line(9600, faults, seed) {
        for (Listener& station : stations)
            ids.push_back(line.attach(station));
    }
    std::array<Listener, 3> stations;
    SerialLine line;
    std::vector<SerialLine::Id> ids;
};

const std::vector<Byte> kFive{1, 2, 3, 4, 5};

TEST(SerialLine, ACharacterTakesElevenBitsAndTheSpeakerHearsNothing) {
    // A simulator that hands frames over whole would promise sweep times that no copper line can keep.
    Building b;
    b.line.send(b.ids[0], kFive, Instant{1000});
    b.line.run_until(Instant{1'000'000});
    EXPECT_TRUE(b.stations[0].heard.empty());
    ASSERT_EQ(b.stations[1].heard.size(), 5u);
    for (int k = 0; k < 5; ++k) {
        const Character& c = b.stations[1].heard[k];
        EXPECT_EQ(c.value, kFive[k]);
        EXPECT_FALSE(c.bad_parity);
        EXPECT_NEAR(static_cast<double>(c.at.microseconds()), 1000 + (k + 1) * 11e6 / 9600, 1);
    }
    EXPECT_EQ(b.stations[2].heard.size(), 5u);
}

TEST(SerialLine, WhatIsSentWhileSpeakingFollowsWithoutAGap) {
    // A frame that is written in two pieces must not overlap itself.
    Building b;
    b.line.send(b.ids[0], kFive, Instant{0});
    b.line.send(b.ids[0], kFive, Instant{0});
    b.line.run_until(Instant{1'000'000});
    ASSERT_EQ(b.stations[1].heard.size(), 10u);
    EXPECT_EQ(b.stations[1].heard[9].at - Instant{0}, b.line.character_time(10));
    EXPECT_EQ(b.line.counts().collided, 0u);
}

TEST(SerialLine, TwoTalkersDestroyEachOther) {
    // Two boxes with one number answer at once: the master must see rubbish, not the better half of both.
    Building b;
    b.line.send(b.ids[0], kFive, Instant{0});
    b.line.send(b.ids[1], kFive, Instant{500});
    b.line.run_until(Instant{1'000'000});
    EXPECT_EQ(b.line.counts().collided, 10u);
    EXPECT_EQ(b.stations[2].heard.size(), 10u);
    EXPECT_TRUE(b.stations[0].heard.size() <= 1 && b.stations[1].heard.size() <= 1) << "a talker is deaf";
}

TEST(SerialLine, WhoSpeaksBeforeTheDriverIsReleasedLosesItsFirstCharacter) {
    // An answer that comes at once, not after 20 ms, runs into the master's driver.
    Building b(LineFaults{.driver_hold = microseconds(300)});
    b.line.send(b.ids[0], kFive, Instant{0});
    const Instant end = Instant{0} + b.line.character_time(5);
    b.line.run_until(end);
    b.line.send(b.ids[1], kFive, end + microseconds(100));
    b.line.run_until(Instant{1'000'000});
    EXPECT_EQ(b.line.counts().collided, 1u);
    EXPECT_EQ(b.stations[0].heard.size(), 5u);
}

TEST(SerialLine, NoiseDamagesAboutAsManyCharactersAsItShould) {
    // Faults that are announced and not injected make every test of them worthless. One bit in 1,000: 1.1 % of the
    // characters.
    Building b(LineFaults{.bit_errors_per_million = 1000}, 42);
    for (int k = 0; k < 2000; ++k)
        b.line.send(b.ids[0], kFive, Instant{0});
    b.line.run_until(Instant{100'000'000});
    int wrong = 0;
    int unseen = 0;
    for (std::size_t k = 0; k < b.stations[1].heard.size(); ++k) {
        const Character& c = b.stations[1].heard[k];
        if (c.bad_parity)
            ++wrong;
        else if (c.value != kFive[k % 5])
            ++unseen;
    }
    EXPECT_EQ(b.stations[1].heard.size(), 10'000u);
    EXPECT_NEAR(wrong, 110, 40);
    EXPECT_LE(unseen, 5);
    EXPECT_EQ(b.stations[1].heard.size(), b.stations[2].heard.size());
}

TEST(SerialLine, LossRemovesWholeCharacters) {
    // An overrun in a gateway: the length of the frame no longer fits.
    Building b(LineFaults{.lost_characters_per_million = 10'000}, 7);
    for (int k = 0; k < 2000; ++k)
        b.line.send(b.ids[0], kFive, Instant{0});
    b.line.run_until(Instant{100'000'000});
    EXPECT_NEAR(static_cast<double>(b.line.counts().lost), 100, 40);
    EXPECT_EQ(b.stations[1].heard.size() + b.line.counts().lost, 10'000u);
}

TEST(SerialLine, ASilentLineMakesCharactersOfItsOwn) {
    // No bias resistors: the receiver of every box sees starts of frames all day.
    Building b(LineFaults{.idle_characters_per_minute = 60}, 3);
    b.line.run_until(Instant{60'000'000});
    EXPECT_NEAR(static_cast<double>(b.stations[0].heard.size()), 60, 25);
}

TEST(SerialLine, AStationThatIsUnpluggedNeitherHearsNorIsHeard) {
    Building b;
    b.line.set_connected(b.ids[1], false);
    b.line.send(b.ids[1], kFive, Instant{0});
    b.line.run_until(Instant{100'000});
    b.line.send(b.ids[0], kFive, Instant{100'000});
    b.line.run_until(Instant{200'000});
    EXPECT_TRUE(b.stations[1].heard.empty());
    EXPECT_TRUE(b.stations[0].heard.empty());
    EXPECT_EQ(b.stations[2].heard.size(), 5u);
}

TEST(SerialLine, WhoSkipsAFrameIsBackForTheNext) {
    // 256 boxes do not each read every byte that is meant for another; none may miss a frame of its own for that.
    Building b;
    b.stations[1].skip_after = 2;
    b.line.send(b.ids[0], kFive, Instant{0});
    b.line.run_until(Instant{20'000});
    EXPECT_EQ(b.stations[1].heard.size(), 2u);
    b.line.send(b.ids[0], kFive, Instant{20'000});
    b.line.run_until(Instant{40'000});
    EXPECT_EQ(b.stations[1].heard.size(), 4u);
    EXPECT_EQ(b.stations[2].heard.size(), 10u);
}

TEST(SerialLine, WakesEachStationWhenItWantedTo) {
    // A reply that is due in 20 ms and comes in 21 would make every figure of the sweep wrong.
    Building b;
    b.stations[0].when_woken = [](Instant now) {
        return now.microseconds() < 30'000 ? now + microseconds(10'000) : kNever;
    };
    b.line.wake(b.ids[0], Instant{10'000});
    b.line.run_until(Instant{1'000'000});
    EXPECT_EQ(b.stations[0].woken, (std::vector<Instant>{Instant{10'000}, Instant{20'000}, Instant{30'000}}));
}

TEST(SerialLine, AWakeUpThatIsMovedComesOnceAtTheTimeThatWasSaidLast) {
    // The end of a frame is found by a pause that each character puts off: woken at an old time, a station takes a
    // frame for whole that is not; not woken at the new one, it never answers.
    Building b;
    b.stations[1].when_heard = [](Instant at) { return at + microseconds(5000); };
    b.line.send(b.ids[0], kFive, Instant{0});
    b.line.run_until(Instant{1'000'000});
    ASSERT_EQ(b.stations[1].heard.size(), 5u);
    EXPECT_EQ(b.stations[1].woken, (std::vector<Instant>{b.stations[1].heard.back().at + microseconds(5000)}));

    // Put off, then moved forward, then not wanted any more.
    std::vector<Instant> wanted{Instant{1'300'000}, Instant{1'100'000}, Instant{1'200'000}, Instant{1'150'000}, kNever};
    std::size_t next = 0;
    b.stations[1].when_heard = [&](Instant) { return wanted[next++]; };
    b.stations[1].woken.clear();
    b.line.send(b.ids[0], Bytes(kFive).first(4), Instant{1'000'000});
    b.line.run_until(Instant{1'500'000});
    EXPECT_EQ(b.stations[1].woken, (std::vector<Instant>{Instant{1'150'000}}));
    b.stations[1].woken.clear();
    next = 3;
    wanted[3] = Instant{2'900'000};
    b.line.send(b.ids[0], Bytes(kFive).first(2), Instant{2'000'000});
    b.line.run_until(Instant{4'000'000});
    EXPECT_TRUE(b.stations[1].woken.empty());

    // Earlier than what is waited for, by wake().
    b.line.wake(b.ids[1], Instant{4'900'000});
    b.line.wake(b.ids[1], Instant{4'500'000});
    b.line.wake(b.ids[1], Instant{4'700'000});
    b.line.run_until(Instant{6'000'000});
    EXPECT_EQ(b.stations[1].woken, (std::vector<Instant>{Instant{4'500'000}}));
}

TEST(SerialLine, TheSameSeedGivesTheSameRun) {
    // A fault that cannot be repeated cannot be mended.
    const auto run = [](std::uint64_t seed) {
        Building b(
            LineFaults{
                .bit_errors_per_million = 3000, .lost_characters_per_million = 3000, .idle_characters_per_minute = 100},
            seed);
        for (int k = 0; k < 200; ++k)
            b.line.send(b.ids[k % 2], kFive, b.line.now());
        b.line.run_until(Instant{10'000'000});
        std::vector<int> values;
        for (const Character& c : b.stations[2].heard)
            values.push_back(c.value + 256 * c.bad_parity);
        return values;
    };
    EXPECT_EQ(run(5), run(5));
    EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace prewatt::sim
