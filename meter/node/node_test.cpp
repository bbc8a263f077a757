#include "meter/node/node.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

using card::Result;

constexpr Household kOne{1};

// A household with an account of so many hundredths, its relay closed.
void open_account(FakeBoard& board, int household, std::int64_t hundredths) {
    ASSERT_EQ(
        board.command({.household = static_cast<std::uint8_t>(household), .command = card::Ticket{1, 1, hundredths}})
            .result,
        Result::kDone);
    board.run(seconds(1));
}
std::string row(const std::array<char, 6>& characters) {
    return {characters.begin(), characters.end()};
}

TEST(Node, TicketLightsADarkRoom) {
    // Somebody pays, and stays in the dark.
    FakeBoard board;
    EXPECT_EQ(board.start(), StartResult::kFresh);
    board.run(seconds(5));
    EXPECT_TRUE(board.node->household(kOne).state.holds().has(Hold::kNotOpened));
    EXPECT_FALSE(board.node->relay_closed({0}));
    const card::Answer answer = board.command({.household = 1, .command = card::Ticket{1, 1, 1000}});
    EXPECT_EQ(answer.result, Result::kDone);
    EXPECT_EQ(answer.effect.ticket_number, 1u);
    EXPECT_EQ(answer.effect.remaining_hundredths, 1000);
    board.run(milliseconds(200));
    EXPECT_TRUE(board.node->relay_closed({0}));
    EXPECT_TRUE(board.node->household(kOne).lit);
    EXPECT_EQ(board.node->household(kOne).remaining, credit_of_hundredths(1000));
    EXPECT_EQ(board.relays.coils_on_max, 1);
    EXPECT_GT(board.watchdog.kicks, 0);
}

TEST(Node, RoomGoesDarkAtZeroAndComesBackWithTheNextTicket) {
    // The last kilowatt-hour is a gift, or the lights stay off after payment.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 100);
    board.load({0}, watts(3600));  // 0.01 kWh in 10 s
    board.run(seconds(990));
    EXPECT_TRUE(board.node->household(kOne).lit);
    board.run(seconds(20));
    EXPECT_FALSE(board.node->household(kOne).lit);
    EXPECT_TRUE(board.node->household(kOne).state.holds().has(Hold::kNoCredit));
    const Credit left = board.node->household(kOne).remaining;
    EXPECT_GT(left, -credit_of_hundredths(1)) << "more than a window was used without credit";
    EXPECT_EQ(board.command({.household = 1, .command = card::Ticket{1, 2, 300}}).result, Result::kDone);
    board.run(seconds(1));
    EXPECT_TRUE(board.node->household(kOne).lit);
    EXPECT_EQ(board.node->household(kOne).credited, credit_of_hundredths(300));
}

TEST(Node, CutoffAlarmOpensOnceAndAnAcknowledgementGivesTheRest) {
    // The resident acknowledges the reminder, and the relay opens again in the next second.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 200);
    EXPECT_EQ(board.command({.household = 1, .command = card::Alarms{150, 100, 0}}).result, Result::kDone);
    board.load({0}, watts(3600));
    board.run(seconds(1020));
    EXPECT_FALSE(board.node->household(kOne).lit);
    EXPECT_TRUE(board.node->household(kOne).state.holds().has(Hold::kCutoffAlarm));
    EXPECT_TRUE(board.node->household(kOne).state.has(StateBit::kLowCredit));
    // The reminder outlives a loss of supply.
    board.restart();
    board.run(seconds(10));
    EXPECT_FALSE(board.node->household(kOne).lit);
    EXPECT_EQ(board.command({.household = 1, .command = card::Acknowledge{}}).result, Result::kDone);
    board.run(seconds(900));
    EXPECT_TRUE(board.node->household(kOne).lit);
    EXPECT_TRUE(board.node->household(kOne).state.has(StateBit::kCutoffAlarmed));
    board.run(seconds(200));
    EXPECT_FALSE(board.node->household(kOne).lit) << "at zero";
}

TEST(Node, WireTurnedRoundIsChargedAllTheSame) {
    // Somebody swaps in and out, and the credit grows.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 1000);
    board.load({0}, -watts(3600));
    board.run(seconds(100));
    const HouseholdView view = board.node->household(kOne);
    EXPECT_EQ(view.forward, Energy{});
    EXPECT_NEAR(static_cast<double>(view.reverse.count()), 360'000.0, 800.0);
    EXPECT_EQ(view.used.count(), view.reverse.count());
    EXPECT_TRUE(view.state.has(StateBit::kReverse));
}

TEST(Node, ReplayedForgedAndMisaddressedCommandsChangeNothing) {
    // AC16, AC32: whoever records the line lights his room for nothing, or darkens his neighbour's.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    const card::Request ticket{
        .operator_number = 3, .counter = 10, .household = 1, .command = card::Ticket{1, 1, 1000}};
    EXPECT_EQ(board.command(ticket).result, Result::kDone);
    card::Answer answer = board.command(ticket);
    EXPECT_EQ(answer.result, Result::kDone);
    EXPECT_TRUE(answer.repeated);
    EXPECT_EQ(board.command({.counter = 11, .household = 2, .command = card::RemoteHold{true}}).result, Result::kDone);
    answer = board.command(ticket);
    EXPECT_EQ(answer.result, Result::kOldCounter);
    EXPECT_EQ(answer.last_counter, 11u);
    // The same counter for something else.
    answer = board.command({.counter = 11, .household = 1, .command = card::RemoteHold{true}});
    EXPECT_EQ(answer.result, Result::kOldCounter);
    EXPECT_EQ(board.command({.counter = 12, .household = 40, .command = card::RemoteHold{true}}).result,
              Result::kNoHousehold);
    EXPECT_EQ(board.command({.counter = 13, .household = 1, .command = card::SetClock{5}}).result,
              Result::kBadArgument);
    EXPECT_EQ(board.command({.counter = 14, .household = 0, .command = card::RemoteHold{true}}).result,
              Result::kBadArgument);
    EXPECT_EQ(board.command({.counter = 15, .household = 0, .command = card::SetConstant{1234}}).result,
              Result::kBadArgument);
    EXPECT_EQ(board.command({.counter = 16, .household = 1, .command = card::Ticket{0, 1, 5}}).result,
              Result::kBadArgument);
    answer = board.command({.counter = 16, .household = 1, .command = card::Ticket{0, 1, 5}});
    EXPECT_EQ(answer.result, Result::kBadArgument) << "a repeat is answered as the first time";
    EXPECT_TRUE(answer.repeated);
    // Sealed with another box's key: the whole frame is not for us.
    const card::BoxKeys own = board.config.keys;
    board.config.keys = card::diversify(board.mac, card::Key{9}, board.config.box.value);
    EXPECT_EQ(
        static_cast<int>(board.command({.counter = 17, .household = 1, .command = card::RemoteHold{true}}).result),
        0x7F);
    board.config.keys = own;
    EXPECT_EQ(board.node->command_counter(), 16u);
    EXPECT_TRUE(board.node->household(kOne).state.holds().empty());
    // To the address of household 2, about household 1.
    const auto sealed = card::seal_request(board.mac, own, board.config.box.value,
                                           {.counter = 18, .household = 1, .command = card::RemoteHold{true}});
    const auto frame = dlt645::encode(dlt645::address_of(board.config.box, {2}),
                                      dlt645::request(dlt645::Function::kSecurity), {sealed.data(), sealed.size()});
    EXPECT_FALSE(board.exchange({frame.begin(), frame.end()}).empty());
    EXPECT_TRUE(board.node->household(kOne).state.holds().empty());
    EXPECT_EQ(board.node->command_counter(), 18u);
}

TEST(Node, EverythingIsBackAfterALossOfSupplyWithoutWarning) {
    // A power cut at night, and thirty-nine families have the credit of last month.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    for (int n = 1; n <= 39; ++n)
        open_account(board, n, 1000 * n);
    EXPECT_EQ(board.command({.household = 7, .command = card::RemoteHold{true}}).result, Result::kDone);
    EXPECT_EQ(board.command({.household = 0, .command = card::SetConstant{5000}}).result, Result::kDone);
    for (int n = 1; n <= 39; ++n)
        board.load({static_cast<std::uint8_t>(n - 1)}, watts(100 * n));
    board.run(seconds(300));
    std::array<HouseholdView, 40> before;
    for (int n = 1; n <= 39; ++n)
        before[static_cast<std::size_t>(n)] = board.node->household({static_cast<std::uint8_t>(n)});
    board.relays.pulses.clear();
    EXPECT_EQ(board.restart(), StartResult::kRecovered);
    EXPECT_EQ(board.node->boot_count(), 2u);
    for (int n = 1; n <= 39; ++n) {
        const HouseholdView view = board.node->household({static_cast<std::uint8_t>(n)});
        const HouseholdView& was = before[static_cast<std::size_t>(n)];
        EXPECT_LE((was.forward - view.forward).count(), 36'000) << n;
        EXPECT_GE(was.forward, view.forward);
        EXPECT_EQ(view.used.count(), view.forward.count());
        EXPECT_EQ(view.credited, was.credited);
    }
    board.run(seconds(5));
    EXPECT_EQ(board.relays.pulses.size(), 39u) << "every relay once";
    EXPECT_EQ(board.relays.coils_on_max, 1);
    for (int n = 1; n <= 39; ++n)
        EXPECT_EQ(board.node->household({static_cast<std::uint8_t>(n)}).lit, n != 7);
}

TEST(Node, AnnouncedLossOfSupplyCostsNothingAtAll) {
    // Every switching of the main breaker gives each household a little electricity.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 1000);
    board.load({0}, watts(1000));
    board.run(milliseconds(12'345));
    const HouseholdView before = board.node->household(kOne);
    board.node->on_power_fail(board.now);
    board.restart();
    EXPECT_EQ(board.node->household(kOne).forward, before.forward);
    EXPECT_EQ(board.node->household(kOne).used, before.used);
}

TEST(Node, ForcedPowerOverrulesItsHoldsUntilItEnds) {
    // The fire brigade needs light; a week later the room still has it for nothing.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    HoldSet overruled;
    overruled.set(Hold::kNotOpened, true);
    overruled.set(Hold::kRemote, true);
    EXPECT_EQ(board.command({.household = 3, .command = card::RemoteHold{true}}).result, Result::kDone);
    EXPECT_EQ(board.command({.household = 3, .command = card::ForcePower{30, overruled}}).result, Result::kDone);
    board.run(seconds(1));
    EXPECT_TRUE(board.node->household({3}).lit);
    EXPECT_TRUE(board.node->household({3}).state.has(StateBit::kForced));
    EXPECT_TRUE(board.node->household({3}).state.holds().has(Hold::kRemote)) << "the holds are still told";
    board.run(minutes(10));
    // The supply is away for five of the thirty minutes; the clock goes on.
    board.clock.time = *board.clock.time + 15 * 60;
    board.restart();
    board.run(minutes(14));
    EXPECT_TRUE(board.node->household({3}).lit);
    board.run(minutes(2));
    EXPECT_FALSE(board.node->household({3}).lit);
    // Without a clock nobody knows how long the supply was away: the holds count again.
    EXPECT_EQ(board.command({.household = 3, .command = card::ForcePower{30, overruled}}).result, Result::kDone);
    board.clock.time.reset();
    board.restart();
    board.run(seconds(5));
    EXPECT_FALSE(board.node->household({3}).lit);
}

TEST(Node, ForcedPowerEndsAsOrderedThoughTheClockIsSetBack) {
    // Thirty minutes of forced power, and the clock is put right by an hour in between: 90 minutes, or none.
    for (const int hours : {-1, 1}) {
        FakeBoard board;
        board.start();
        board.run(seconds(4));
        HoldSet overruled;
        overruled.set(Hold::kNotOpened, true);
        EXPECT_EQ(board.command({.household = 3, .command = card::ForcePower{30, overruled}}).result, Result::kDone);
        board.run(minutes(10));
        const CivilSeconds put_right = *board.clock.read() + static_cast<CivilSeconds>(hours * 3600);
        EXPECT_EQ(board.command({.household = 0, .command = card::SetClock{put_right}}).result, Result::kDone);
        board.restart();
        board.run(minutes(18));
        EXPECT_TRUE(board.node->household({3}).lit) << hours;
        board.run(minutes(4));
        EXPECT_FALSE(board.node->household({3}).lit) << hours;
    }
}

TEST(Node, MissingPhaseDarkensItsHouseholdsOnly) {
    // One blown fuse on the landing, and all the house is dark; or it comes back with 380 V.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    for (int n = 1; n <= 39; ++n)
        open_account(board, n, 1000);
    board.measurement.phases[1] = {Voltage{}, Frequency{}, false};
    board.run(seconds(5));
    for (int n = 1; n <= 39; ++n) {
        const HouseholdView view = board.node->household({static_cast<std::uint8_t>(n)});
        EXPECT_EQ(view.state.holds().has(Hold::kSupply), n % 3 == 2);
        EXPECT_EQ(view.lit, n % 3 != 2);
    }
    board.measurement.phases[1] = board.measurement.phases[0];
    board.run(seconds(8));
    EXPECT_TRUE(board.node->household({2}).lit);
}

TEST(Node, DeadMemoryRefusesTicketsSaysSoAndGoesOnMeasuring) {
    // The office hears "done", and after the next power cut the payment is gone.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 1000);
    board.storage.power_up({.fail_at_write = 0, .fail_writes = 1'000'000});
    const card::Request more{.counter = 90, .household = 1, .command = card::Ticket{1, 2, 5000}};
    const card::Answer refused = board.command(more);
    EXPECT_EQ(refused.result, Result::kNotStored);
    EXPECT_EQ(refused.effect.ticket_number, 1u);
    EXPECT_FALSE(board.node->storage_sound());
    EXPECT_EQ(board.node->household(kOne).credited, credit_of_hundredths(1000));
    board.load({0}, watts(3600));
    board.run(seconds(60));
    EXPECT_GT(board.node->household(kOne).forward, energy_of_hundredths(5));
    board.storage.power_up();
    const card::Answer done = board.command(more);
    EXPECT_EQ(done.result, Result::kDone);
    EXPECT_FALSE(done.repeated);
    EXPECT_TRUE(board.node->storage_sound());
    board.restart();
    EXPECT_EQ(board.node->household(kOne).credited, credit_of_hundredths(5000));
    EXPECT_GT(board.node->household(kOne).forward, energy_of_hundredths(5));
}

TEST(Node, BoardThatBelongsToAnotherBoxStaysDeadAndTouchesNothing) {
    // A board is swapped between two boxes and switches the wrong thirty-nine families.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 1000);
    const std::vector<Byte> image = board.storage.bytes();
    board.config.box = dlt645::BoxNumber{2026000002};
    board.relays.pulses.clear();
    EXPECT_EQ(board.start(), StartResult::kWrongBox);
    board.next = board.node->on_measurement(board.measurement, board.now);
    EXPECT_EQ(board.next, kNever);
    EXPECT_TRUE(board.relays.pulses.empty());
    EXPECT_TRUE(board.exchange({0x68, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0x68, 0x13, 0x00, 0xDF, 0x16}).empty());
    EXPECT_EQ(board.storage.bytes(), image);
    EXPECT_EQ(row(board.display.frames.back().upper), "   Err");
}

TEST(Node, CircuitsOfAHouseholdAreSwitchedTogetherAndCountedTogether) {
    // The air conditioner runs on for nothing.
    FakeBoard board(Wiring::k12x3);
    board.start();
    board.run(seconds(4));
    open_account(board, 2, 1000);
    for (int k = 0; k < 36; ++k)
        EXPECT_EQ(board.node->relay_closed({static_cast<std::uint8_t>(k)}), k >= 3 && k < 6) << k;
    for (int k = 3; k < 6; ++k)
        board.load({static_cast<std::uint8_t>(k)}, watts(1000));
    board.run(seconds(36));
    EXPECT_NEAR(static_cast<double>(board.node->household({2}).forward.count()), 108'000.0, 700.0);
    EXPECT_EQ(board.node->household({2}).active, watts(3000));
    EXPECT_EQ(board.command({.household = 2, .command = card::RemoteHold{true}}).result, Result::kDone);
    board.run(seconds(1));
    for (int k = 3; k < 6; ++k)
        EXPECT_FALSE(board.node->relay_closed({static_cast<std::uint8_t>(k)}));
}

TEST(Node, ThreePhasesOfAHouseholdAreSwitchedTogetherAndBothDirectionsOfEachAreCharged) {
    // A workshop turns one phase round and pays for the difference of two.
    FakeBoard board(Wiring::k13x3phase);
    board.start();
    board.run(seconds(4));
    open_account(board, 13, 1000);
    for (int k = 0; k < 39; ++k)
        EXPECT_EQ(board.node->relay_closed({static_cast<std::uint8_t>(k)}), k >= 36) << k;
    board.load({36}, watts(1000));
    board.load({37}, watts(-600));
    board.load({38}, watts(2000));
    board.run(seconds(20));
    const HouseholdView view = board.node->household({13});
    EXPECT_EQ(view.active, watts(2400));
    EXPECT_NEAR(static_cast<double>(view.forward.count()), 60'000.0, 700.0);
    EXPECT_NEAR(static_cast<double>(view.reverse.count()), 12'000.0, 200.0);
    EXPECT_EQ(view.remaining, credit_of_hundredths(1000) - credit_for(view.forward + view.reverse));
    EXPECT_EQ(board.command({.household = 13, .command = card::RemoteHold{true}}).result, Result::kDone);
    board.run(seconds(1));
    for (int k = 36; k < 39; ++k)
        EXPECT_FALSE(board.node->relay_closed({static_cast<std::uint8_t>(k)}));
}

TEST(Node, ThreePhaseHouseholdIsHeldWhenAnyOfItsPhasesIsOutOfRange) {
    // A motor runs on two phases until it burns.
    FakeBoard board(Wiring::k13x3phase);
    board.start();
    board.run(seconds(4));
    open_account(board, 1, 1000);
    for (std::size_t phase = 0; phase < 3; ++phase) {
        EXPECT_TRUE(board.node->household({1}).lit);
        board.measurement.phases[phase] = {volts(140), millihertz(50'000), true};
        board.run(seconds(3));
        EXPECT_TRUE(board.node->household({1}).state.holds().has(Hold::kSupply)) << phase;
        for (int k = 0; k < 3; ++k)
            EXPECT_FALSE(board.node->relay_closed({static_cast<std::uint8_t>(k)})) << phase;
        board.measurement.phases[phase] = {volts(220), millihertz(50'000), true};
        board.run(seconds(6));
        EXPECT_TRUE(board.node->household({1}).state.holds().empty()) << phase;
    }
}

TEST(Node, DisplayShowsThePurchaseAndThenTheNewTotal) {
    // Somebody stands before the box after paying and sees the neighbour's credit.
    FakeBoard board;
    board.start();
    board.run(seconds(5));
    open_account(board, 5, 12'345);
    EXPECT_EQ(row(board.node->shown(board.now).upper), "  0005");
    EXPECT_EQ(row(board.node->shown(board.now).lower), "  1234");
    EXPECT_EQ(board.display.frames.back(), board.node->shown(board.now));
    EXPECT_EQ(board.command({.household = 5, .command = card::Ticket{1, 2, 20'000}}).result, Result::kDone);
    board.run(seconds(1));
    EXPECT_EQ(row(board.node->shown(board.now).lower), "   765");
    board.run(seconds(4));
    EXPECT_EQ(row(board.node->shown(board.now).lower), "  2000");
    EXPECT_EQ(row(board.node->window({6}, board.now).lower), "  ----");
}

TEST(Node, PulsesGoWithTheEnergyAtEveryConstant) {
    // The test bench counts another energy than the register.
    for (const std::uint16_t constant : std::initializer_list<std::uint16_t>{1600, 600, 5000}) {
        FakeBoard board;
        board.start();
        board.run(seconds(4));
        EXPECT_EQ(board.command({.household = 0, .command = card::SetConstant{constant}}).result, Result::kDone);
        open_account(board, 1, 100'000);
        board.load({0}, watts(1000));
        board.run(minutes(36));
        const double kilowatt_hours = static_cast<double>(board.node->household(kOne).forward.count()) / 3.6e6;
        EXPECT_NEAR(board.display.pulses[1], kilowatt_hours * constant, 2.0) << constant;
        EXPECT_EQ(board.display.pulses[2], 0);
    }
}

// Runs until a household is on the display, joins pins 4 and 6, and says which one it was.
int join_at_a_household(FakeBoard& board) {
    board.socket.at = {true, false};
    board.run(seconds(1));
    for (int k = 0; k < 20 && !board.display.frames.back().lower_dots; ++k)
        board.run(seconds(1));
    board.socket.at = {true, true};
    board.run(milliseconds(500));
    return std::atoi(row(board.display.frames.back().upper).c_str());
}

TEST(Node, JoinedPinsGiveTheShownHouseholdsPulsesWithLegalEdgesAndTwoDecimals) {
    // The error calculator sees another household's pulses, or pulses that it cannot count.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    for (int n = 1; n <= 3; ++n) {
        open_account(board, n, 100'000);
        board.load({static_cast<std::uint8_t>(n - 1)}, watts(3300 * n));
    }
    board.run(seconds(41 * 4 - 8));
    const int held = join_at_a_household(board);
    ASSERT_GE(held, 1);
    ASSERT_LE(held, 3);
    const int before = board.display.pulses[static_cast<std::size_t>(held)];
    const std::size_t edges_before = board.socket.edges.size();
    board.run(minutes(5));
    const int pulses = board.display.pulses[static_cast<std::size_t>(held)] - before;
    EXPECT_NEAR(pulses, 3300.0 * held / 12'000 * 1600, 3);
    EXPECT_NEAR(static_cast<double>(board.socket.edges.size() - edges_before), 2.0 * pulses, 3);
    for (std::size_t k = 1; k < board.socket.edges.size(); ++k)
        EXPECT_GE(board.socket.edges[k] - board.socket.edges[k - 1], milliseconds(30)) << k;
    const DisplayFrame shown = board.display.frames.back();
    EXPECT_EQ(std::atoi(row(shown.upper).c_str()), held) << "it stays";
    EXPECT_EQ(shown.lower_dots, 1u << 3);
    const HouseholdView view = board.node->household({static_cast<std::uint8_t>(held)});
    EXPECT_NEAR(std::atoi(row(shown.lower).c_str()),
                static_cast<int>(in_hundredths(view.forward + view.reverse, Round::kDown)), 2);

    board.socket.at = {};
    board.run(seconds(1));
    const std::size_t edges = board.socket.edges.size();
    board.run(minutes(1));
    EXPECT_EQ(board.socket.edges.size(), edges) << "nobody's pulses without the plug";
    EXPECT_FALSE(board.socket.level);
}

TEST(Node, WhatIsPublishedIsWhatTheBooksSayWhateverFlows) {
    // The page shows 3.20 kWh left, the box switches off.
    std::mt19937 random(7);
    FakeBoard board(Wiring::k12x3);
    board.config.display_fitted = false;
    board.start();
    board.run(seconds(4));
    for (int n = 1; n <= 12; ++n) {
        EXPECT_EQ(board
                      .command({.household = static_cast<std::uint8_t>(n),
                                .command = card::Alarms{60, 30, n % 3 == 0 ? 10u : 0u}})
                      .result,
                  Result::kDone);
        open_account(board, n, 80 + n);
    }
    for (int k = 0; k < 5000; ++k) {
        Measurement m = board.measurement;
        for (int c = 0; c < 36; ++c) {
            m.circuits[static_cast<std::size_t>(c)].forward = Energy{static_cast<int>(random() % 400)};
            if (random() % 50 == 0)
                m.circuits[static_cast<std::size_t>(c)].reverse = Energy{static_cast<int>(random() % 90)};
        }
        board.now = board.now + milliseconds(200);
        board.node->on_measurement(m, board.now);
        for (int n = 1; n <= 12; ++n) {
            const Household h{static_cast<std::uint8_t>(n)};
            const HouseholdView view = board.node->household(h);
            const std::int64_t overdraft = n % 3 == 0 ? 10 : 0;
            ASSERT_EQ(view.used.count(), view.forward.count() + view.reverse.count());
            ASSERT_EQ(view.state.holds().has(Hold::kNoCredit), view.remaining.count() <= -overdraft * 36'000)
                << k << " " << n;
            ASSERT_EQ(view.state.has(StateBit::kLowCredit), view.remaining.count() <= 60 * 36'000) << k << " " << n;
            ASSERT_EQ(view.state.holds().has(Hold::kCutoffAlarm), view.remaining.count() <= 30 * 36'000)
                << k << " " << n;
            ASSERT_EQ(view.state.has(StateBit::kReverse), view.reverse.count() > 0) << k << " " << n;
        }
    }
}

TEST(Node, SamplesBecomeEnergyAndEnergyLowersTheCredit) {
    // The metrology measures, and nobody books it.
    FakeBoard board;
    board.start();
    board.run(seconds(4));
    open_account(board, 4, 1000);
    const Calibration calibration = default_calibration(amperes(15), amperes(60));
    SampleBlock block;
    block.sample_count = kBlockSamplesMax;
    const double volt_counts = 220.0 * std::sqrt(2.0) * 1e9 / calibration.voltage[0].nanovolts_per_count;
    const double ampere_counts = 10.0 * std::sqrt(2.0) * 1e9 / calibration.current[3].nanoamperes_per_count;
    for (std::size_t k = 0; k < kBlockSamplesMax; ++k) {  // 80 samples are one cycle of 50 Hz
        for (std::size_t p = 0; p < 3; ++p)
            block.voltage[p][k] = static_cast<std::int16_t>(
                std::lround(volt_counts * std::sin(2 * 3.14159265358979 *
                                                   (static_cast<double>(k) / 80.0 - static_cast<double>(p) / 3.0))));
        block.current[3][k] = static_cast<std::int16_t>(
            std::lround(ampere_counts * std::sin(2 * 3.14159265358979 * static_cast<double>(k) / 80.0)));
    }
    for (int k = 0; k < 50 * 20; ++k) {
        board.now = board.now + milliseconds(20);
        const Instant next = board.node->on_samples(block, board.now);
        if (next <= board.now) board.node->poll(board.now);
    }
    const HouseholdView view = board.node->household({4});
    EXPECT_NEAR(static_cast<double>(view.active.count()) / 1e6, 2200.0, 11.0);
    EXPECT_NEAR(static_cast<double>(view.forward.count()), 2200.0 * 20, 2200.0 * 0.8);
    EXPECT_EQ(view.remaining, credit_of_hundredths(1000) - credit_for(view.forward));
}

}  // namespace
}  // namespace prewatt::meter
