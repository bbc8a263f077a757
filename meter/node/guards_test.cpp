// The guards of circuit 1 (product.md M5, M9 to M12) in a whole box: set over the line, seen at the contact, kept over
// a loss of supply.
#include <gtest/gtest.h>

#include <functional>

#include "base/crc.hpp"
#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

using card::Result;
using settings::SettingId;
using settings::SettingKey;
using settings::SupplyMode;

constexpr CivilSeconds at(int month, int day, int hour = 0, int minute = 0, int second = 0) {
    return to_seconds({2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                       static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                       static_cast<std::uint8_t>(second)});
}

struct Guarded {
    explicit Guarded(Wiring wiring = Wiring::k39x1) : board(wiring, 512 * 1024) {
        EXPECT_EQ(board.start(), StartResult::kFresh);
        board.run(seconds(4));
    }
    // Sends a setting as the office does: in parts, then the commit.
    void set(SettingKey key, const std::function<void(settings::Settings&)>& change) {
        change(wanted);
        std::array<Byte, settings::kSettingBytesMax> bytes{};
        const std::size_t size = settings::encode(wanted, key, bytes);
        ASSERT_GT(size, 0u);
        for (std::size_t from = 0; from < size; from += card::kSettingPartMax) {
            card::StageSetting part{key.id, key.index, static_cast<std::uint8_t>(from), {}};
            for (std::size_t k = from; k < std::min(size, from + card::kSettingPartMax); ++k)
                part.part.push_back(bytes[k]);
            ASSERT_EQ(board.command({.household = key.household, .command = part}).result, Result::kDone);
        }
        const card::CommitSetting whole{key.id, key.index, static_cast<std::uint8_t>(size),
                                        crc32({bytes.data(), size})};
        ASSERT_EQ(board.command({.household = key.household, .command = whole}).result, Result::kDone);
    }
    void plan(std::uint8_t h, const settings::HouseholdPlan& value) {
        set({SettingId::kHouseholdPlan, h, 0}, [&](settings::Settings& s) { s.households[h - 1u].plan = value; });
    }
    Result sell(std::uint8_t h, std::int64_t total_hundredths) {
        return board
            .command({.household = h,
                      .command = card::Ticket{.epoch = 1, .number = ++ticket, .credited_hundredths = total_hundredths}})
            .result;
    }
    void set_clock(CivilSeconds time) {
        ASSERT_EQ(board.command({.household = 0, .command = card::SetClock{time}}).result, Result::kDone);
        board.run(seconds(1));
    }
    [[nodiscard]] HouseholdView view(std::uint8_t h) const { return board.node->household({h}); }
    [[nodiscard]] std::int64_t remaining_hundredths(std::uint8_t h) const {
        return in_hundredths(view(h).remaining, Round::kDown);
    }
    [[nodiscard]] HoldSet holds(std::uint8_t h) const { return view(h).state.holds(); }
    [[nodiscard]] bool contact(int circuit) const { return board.relays.contact[static_cast<std::size_t>(circuit)]; }

    FakeBoard board;
    settings::Settings wanted;
    std::uint32_t ticket = 0;
};

TEST(Guards, NightIsDarkFromTheMinuteOfTheTableAndLightWithoutAClock) {
    // Lights out at 23:30; and a battery that dies at noon must not be lights out.
    Guarded box;
    box.set({SettingId::kDayTable, 0, 0}, [](settings::Settings& s) {
        s.days[0] = {2, {settings::Period{360, 1, SupplyMode::kOn}, {1410, 1, SupplyMode::kOff}}};
    });
    box.plan(7, {.week_plan = 1});
    ASSERT_EQ(box.sell(7, 100'00), Result::kDone);
    ASSERT_EQ(box.sell(8, 100'00), Result::kDone);
    box.set_clock(at(11, 23, 23, 29, 30));
    EXPECT_TRUE(box.contact(6));
    box.board.run(seconds(31));
    EXPECT_FALSE(box.contact(6)) << "23:30:02";
    EXPECT_TRUE(box.contact(7)) << "the neighbour follows no plan";
    ASSERT_EQ(box.board.restart(), StartResult::kRecovered);
    box.board.run(minutes(10));
    EXPECT_FALSE(box.contact(6));
    box.set_clock(at(11, 24, 5, 59, 50));
    box.board.run(seconds(12));
    EXPECT_TRUE(box.contact(6));
    box.set_clock(at(11, 24, 23, 45));
    box.board.run(seconds(2));
    EXPECT_FALSE(box.contact(6));
    box.board.clock.time.reset();
    box.board.run(minutes(3));
    EXPECT_TRUE(box.contact(6)) << "nobody is cut by a clock that is not known";
}

TEST(Guards, CreditThatEndsInTheNoCutHoursCutsWhenTheyEndAndNotByARestart) {
    // Two in the morning, minus ten degrees, nobody sells electricity before eight.
    Guarded box;
    box.set({SettingId::kWeekPlan, 0, 0}, [](settings::Settings& s) {
        s.weeks[0].no_cut_from = 1320;
        s.weeks[0].no_cut_to = 480;
    });
    box.plan(9, {.week_plan = 1});
    box.plan(10, {.week_plan = 1});
    ASSERT_EQ(box.sell(9, 10), Result::kDone);
    ASSERT_EQ(box.sell(10, 1), Result::kDone);
    box.board.load({8}, watts(1000));
    box.board.load({9}, watts(1000));
    box.set_clock(at(11, 23, 21, 58));
    box.board.run(minutes(1));
    EXPECT_FALSE(box.contact(9)) << "used up before ten: dark";
    box.board.run(minutes(30));
    EXPECT_TRUE(box.contact(8)) << "used up after ten: not cut";
    EXPECT_FALSE(box.contact(9)) << "and nobody is lit on debt";
    EXPECT_LT(box.remaining_hundredths(9), -10);
    ASSERT_EQ(box.board.restart(), StartResult::kRecovered);
    box.board.run(minutes(1));
    EXPECT_TRUE(box.contact(8)) << "a restart is no cut";
    EXPECT_FALSE(box.contact(9));
    box.set_clock(at(11, 24, 7, 59, 50));
    EXPECT_TRUE(box.contact(8));
    box.board.run(seconds(15));
    EXPECT_FALSE(box.contact(8)) << "eight o'clock";
    EXPECT_TRUE(box.holds(9).has(Hold::kNoCredit));
}

TEST(Guards, RefreshFollowsTheSettingsAndDisturbsNothing) {
    // Twice as many pulses as the relays can stand, because the setting is not read.
    Guarded box;
    box.set({SettingId::kGeneral, 0, 0}, [](settings::Settings& s) {
        s.general.refresh_minutes_min = 14;
        s.general.refresh_minutes_max = 15;
    });
    ASSERT_EQ(box.sell(1, 100'00), Result::kDone);
    ASSERT_EQ(box.board.restart(), StartResult::kRecovered);
    box.board.run(minutes(16));
    std::array<int, kCircuitsMax> pulses{};
    const std::size_t from = box.board.relays.pulses.size();
    box.board.run(minutes(140));
    for (std::size_t k = from; k < box.board.relays.pulses.size(); ++k)
        ++pulses[static_cast<std::size_t>(box.board.relays.pulses[k].circuit)];
    for (const int n : pulses) {
        EXPECT_GE(n, 9);
        EXPECT_LE(n, 10);
    }
    EXPECT_EQ(box.board.relays.coils_on_max, 1);
    EXPECT_TRUE(box.contact(0));
}

TEST(Guards, NoVoltageBehindAClosedContactIsShownAndMadeGoodByTheRefresh) {
    // A household has paid and sits in the dark; the office sees "on".
    Guarded box;
    box.board.relays.stuck[1] = true;
    ASSERT_EQ(box.sell(2, 100'00), Result::kDone);
    box.board.run(seconds(1));
    EXPECT_TRUE(box.view(2).lit) << "the last pulse said so";
    EXPECT_TRUE(box.view(2).state.has(StateBit::kRelayFault));
    EXPECT_FALSE(box.view(3).state.has(StateBit::kRelayFault));
    box.board.relays.stuck[1] = false;
    box.board.run(minutes(16));
    EXPECT_TRUE(box.contact(1));
    EXPECT_FALSE(box.view(2).state.has(StateBit::kRelayFault));
}

}  // namespace
}  // namespace prewatt::meter
