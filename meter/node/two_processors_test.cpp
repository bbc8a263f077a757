// Accidents of the two processors (product.md M14): resets, hangs and noise at any instant, against a count of joules
// that knows nothing of either.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <vector>

#include "meter/metrology/fake_front_end.hpp"
#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

// Loses, doubles and damages bytes.
class Noisy final : public WireFault {
  public:
    explicit Noisy(unsigned seed) : random_(seed) {}
    double rate = 0;
    std::size_t disturb(Bytes sent, Processor, MutableBytes out) override {
        std::size_t size = 0;
        for (const Byte byte : sent) {
            if (size + 2 > out.size()) break;
            if (chance()) continue;
            out[size++] = chance() ? static_cast<Byte>(random_()) : byte;
            if (chance()) out[size++] = byte;
        }
        return size;
    }

  private:
    bool chance() { return rate > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < rate; }
    std::mt19937 random_;
};

// A building of 39 households, one of them switched off by the office, on a board whose wire may be slow and noisy.
// What each household has used is counted here, from what was fed.
struct Building {
    FakeBoard board;
    std::mt19937 random;
    Noisy noise;
    std::array<std::int64_t, kHouseholdsMax> joules{};
    std::vector<PeerEvent> events;
    std::array<bool, kCircuitsMax> contacts{};

    explicit Building(unsigned seed) : board(Wiring::k39x1, 512 * 1024), random(seed), noise(seed + 1) {}

    static Household household(int n) { return {static_cast<std::uint8_t>(n)}; }
    void open() {
        ASSERT_EQ(board.start(), StartResult::kFresh);
        board.run(seconds(4));
        for (int n = 1; n <= 39; ++n)
            ASSERT_EQ(
                board.command({.household = static_cast<std::uint8_t>(n), .command = card::Ticket{1, 1, 100'000'000}})
                    .result,
                card::Result::kDone);
        ASSERT_EQ(board.command({.household = 9, .command = card::RemoteHold{true}}).result, card::Result::kDone);
        board.run(seconds(10));
        contacts = board.relays.contact;
        ASSERT_FALSE(contacts[8]);
        ASSERT_TRUE(contacts[7]);
        PeerEvent event;
        while (board.node->take_event(event)) {
        }
    }
    int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); }
    // A window of random energies; a metering that hangs has not seen it.
    void feed() {
        Measurement window = board.measurement;
        for (std::size_t c = 0; c < 39; ++c) {
            window.circuits[c] = {};
            if (!board.relays.contact[c]) continue;
            const bool reverse = pick(0, 9) == 0;
            const std::int64_t used = pick(0, 3) == 0 ? 0 : pick(0, 3'000);
            (reverse ? window.circuits[c].reverse : window.circuits[c].forward) = Energy{used};
            if (!board.node->hangs(Processor::kMetering)) joules[c] += used;
        }
        board.next = board.node->on_measurement(window, board.now);
    }
    // The board's two watchdogs: for both processors hanging at once there is nobody else.
    static constexpr Duration kBite = seconds(3);
    struct Dog {
        int kicks = -1;
        Instant kicked{};
    };
    std::array<Dog, 2> dogs{};
    int bites = 0;
    void watch(Dog& dog, int kicks, Processor which) {
        if (kicks != dog.kicks) {
            dog = {kicks, board.now};
        } else if (board.now - dog.kicked > kBite && reset_by_watchdog) {
            ++bites;
            dog.kicked = board.now;
            board.next = board.node->reset(which, board.now);
        }
    }
    bool reset_by_watchdog = true;
    void look() {
        watch(dogs[0], board.watchdog.kicks, Processor::kManagement);
        watch(dogs[1], board.metering_watchdog.kicks, Processor::kMetering);
        board.next = std::min(board.next, board.now + seconds(1));
        EXPECT_EQ(board.relays.contact, contacts) << "a relay moved at " << board.now.microseconds();
        PeerEvent event;
        while (board.node->take_event(event))
            events.push_back(event);
    }
    // Feeds every 200 ms and polls as asked; accidents by `act`, which is called at random instants.
    template <class Act>
    void run(Duration span, Act act, double accidents_a_second) {
        const Instant end = board.now + span;
        std::exponential_distribution<double> gap(accidents_a_second);
        Instant accident =
            accidents_a_second > 0 ? board.now + microseconds(static_cast<std::int64_t>(gap(random) * 1e6)) : kNever;
        for (;;) {
            const Instant at = std::min({board.next, board.next_window, accident});
            if (at > end) break;
            board.now = std::max(board.now, at);
            if (board.now >= accident) {
                act();
                accident = board.now + microseconds(1 + static_cast<std::int64_t>(gap(random) * 1e6));
            } else if (board.next_window <= board.now) {
                feed();
                board.next_window = board.next_window + board.measurement.span;
            } else {
                board.next = std::max(board.node->poll(board.now), board.now + microseconds(1));
            }
            look();
        }
        board.now = end;
    }
    void expect_every_joule_once() {
        // The last window may still be on the wire.
        for (const Instant end = board.now + milliseconds(50); board.now < end; board.now = board.now + milliseconds(1))
            board.next = board.node->poll(board.now);
        for (int n = 1; n <= 39; ++n) {
            const HouseholdView view = board.node->household(household(n));
            EXPECT_EQ((view.forward + view.reverse).count(), joules[static_cast<std::size_t>(n - 1)])
                << "household " << n;
            EXPECT_EQ(view.used.count(), (view.forward + view.reverse).count());
        }
    }
};

TEST(TwoProcessors, ResetsHangsAndNoiseAtRandomInstantsCountEveryJouleOnce) {
    // A crash at night: somebody's heater runs for nothing, or his neighbour pays it twice; or all the house goes dark.
    int bites = 0;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        Building b(seed);
        b.open();
        if (testing::Test::HasFatalFailure()) return;
        // The energy up to here has been fed without being counted: nothing had been used.
        if (seed % 3 != 0) b.board.node->set_byte_time(microseconds(10));
        b.board.node->set_wire_fault(&b.noise);
        b.noise.rate = seed % 2 == 0 ? 0.0005 : 0.0;
        int accidents = 0;
        b.run(
            seconds(200),
            [&] {
                ++accidents;
                Node& node = *b.board.node;
                switch (b.pick(0, 3)) {
                    case 0:
                        b.board.next = node.reset(Processor::kMetering, b.board.now);
                        break;
                    case 1:
                        b.board.next = node.reset(Processor::kManagement, b.board.now);
                        break;
                    case 2:
                        b.board.next = node.hang(Processor::kMetering, b.board.now);
                        break;
                    default:
                        b.board.next = node.hang(Processor::kManagement, b.board.now);
                        break;
                }
            },
            0.25);
        EXPECT_GT(accidents, 20);
        bites += b.bites;
        b.noise.rate = 0;
        b.run(seconds(15), [] {}, 0);
        b.run(seconds(1), [] {}, 0);
        b.expect_every_joule_once();
        EXPECT_GT(b.board.node->boot_count(), 3u);
        if (testing::Test::HasFailure()) {
            ADD_FAILURE() << "seed " << seed;
            return;
        }
    }
    EXPECT_GT(bites, 0) << "never did both hang at once";
}

TEST(TwoProcessors, ManagementThatDiesInTheMiddleOfAWriteBooksEveryJouleOnce) {
    // The record of the energy is torn; after the restart it is booked a second time, or never.
    for (unsigned seed = 1; seed <= 8; ++seed) {
        Building b(seed + 100);
        b.open();
        if (testing::Test::HasFatalFailure()) return;
        int cuts = 0;
        FakeStorage& storage = b.board.storage;
        storage.power_up({.cut_at_byte = b.pick(1, 4000)});
        const Instant end = b.board.now + seconds(120);
        while (b.board.now < end) {
            b.run(milliseconds(b.pick(50, 400)), [] {}, 0);
            if (!storage.is_cut()) continue;
            ++cuts;
            storage.power_up({.cut_at_byte = b.pick(1, 4000)});
            b.board.next = b.board.node->reset(Processor::kManagement, b.board.now);
            // A start may be cut as well.
            if (!storage.is_cut()) continue;
            storage.power_up();
            b.board.next = b.board.node->reset(Processor::kManagement, b.board.now);
            storage.power_up({.cut_at_byte = b.pick(1, 4000)});
        }
        storage.power_up();
        b.board.next = b.board.node->reset(Processor::kManagement, b.board.now);
        b.run(seconds(2), [] {}, 0);
        EXPECT_GT(cuts, 5);
        b.expect_every_joule_once();
    }
}

TEST(TwoProcessors, LossOfSupplyAmongOtherAccidentsCostsAHundredthAtMostAndGivesNothing) {
    // The main breaker trips while one processor is being reset: a month is gone.
    for (unsigned seed = 1; seed <= 6; ++seed) {
        Building b(seed + 200);
        b.open();
        if (testing::Test::HasFatalFailure()) return;
        std::int64_t losses = 0;
        b.run(
            seconds(120),
            [&] {
                if (b.pick(0, 2) == 0) {
                    ++losses;
                    ASSERT_EQ(b.board.restart(), StartResult::kRecovered);
                } else {
                    const Processor which = b.pick(0, 1) == 0 ? Processor::kMetering : Processor::kManagement;
                    b.board.next = b.board.node->reset(which, b.board.now);
                }
            },
            0.1);
        b.run(seconds(5), [] {}, 0);
        EXPECT_GT(losses, 0);
        for (int n = 1; n <= 39; ++n) {
            const HouseholdView view = b.board.node->household(Building::household(n));
            const std::int64_t missing =
                b.joules[static_cast<std::size_t>(n - 1)] - (view.forward + view.reverse).count();
            EXPECT_GE(missing, 0) << "seed " << seed << " household " << n;
            EXPECT_LE(missing, losses * energy_of_hundredths(1).count()) << "seed " << seed << " household " << n;
        }
    }
}

TEST(TwoProcessors, SilenceOfMeteringIsNoticedWithinTwoSecondsAndTheBoxGoesOn) {
    // The measuring side is dead, and the box shows yesterday's power, switches nothing and answers nobody.
    for (const bool slow_wire : {false, true}) {
        Building b(7);
        b.open();
        if (testing::Test::HasFatalFailure()) return;
        if (slow_wire) b.board.node->set_byte_time(microseconds(10));
        b.run(seconds(2), [] {}, 0);
        EXPECT_TRUE(b.board.node->box().flags(b.board.now).bits >> 3 & 1);
        b.reset_by_watchdog = false;
        const Instant died = b.board.now;
        b.board.next = b.board.node->hang(Processor::kMetering, died, false);
        b.run(milliseconds(1990), [] {}, 0);
        ASSERT_EQ(b.events.size(), 1u);
        EXPECT_EQ(b.events[0].kind, PeerEvent::Kind::kMeteringSilent);
        EXPECT_LE(b.events[0].at - died, seconds(2));
        EXPECT_FALSE(b.board.node->box().flags(b.board.now).bits >> 3 & 1) << "live values are stale";
        b.run(minutes(1), [] {}, 0);
        // The office can still switch.
        EXPECT_EQ(b.board.command({.household = 3, .command = card::RemoteHold{true}}).result, card::Result::kDone);
        b.contacts[2] = false;
        for (Instant end = b.board.now + seconds(1); b.board.now < end; b.board.now = b.board.now + milliseconds(20))
            b.board.next = b.board.node->poll(b.board.now);
        b.board.next_window = b.board.now;
        EXPECT_FALSE(b.board.relays.contact[2]);
        b.board.next = b.board.node->reset(Processor::kMetering, b.board.now);
        b.run(seconds(3), [] {}, 0);
        EXPECT_TRUE(b.board.node->box().flags(b.board.now).bits >> 3 & 1);
        ASSERT_EQ(b.events.size(), 3u) << "silent, started anew, back";
        EXPECT_EQ(b.events.back().kind, PeerEvent::Kind::kMeteringBack);
        EXPECT_GE(b.events.back().lasted, minutes(1));
        b.expect_every_joule_once();
    }
}

TEST(TwoProcessors, HangingMeteringIsResetByTheOtherSideAndCountsOnInItsSession) {
    // Nobody comes to press a button.
    Building b(8);
    b.open();
    b.run(seconds(5), [] {}, 0);
    const std::uint16_t session = b.board.node->metering().session();
    EXPECT_NE(session, 0);
    b.board.next = b.board.node->hang(Processor::kMetering, b.board.now);
    b.run(seconds(10), [] {}, 0);
    EXPECT_FALSE(b.board.node->hangs(Processor::kMetering));
    EXPECT_TRUE(b.board.node->metering().started_warm());
    EXPECT_EQ(b.board.node->metering().session(), session);
    b.expect_every_joule_once();
}

TEST(TwoProcessors, HangingManagementIsResetWithinTwoSecondsAndWhatWasUsedMeanwhileIsBooked) {
    // The box hangs over the weekend: the line is dead, and three days of electricity are free.
    Building b(9);
    b.open();
    b.run(seconds(5), [] {}, 0);
    const std::uint32_t boots = b.board.node->boot_count();
    const Instant died = b.board.now;
    b.board.next = b.board.node->hang(Processor::kManagement, b.board.now);
    while (b.board.node->boot_count() == boots && b.board.now < died + seconds(10))
        b.run(milliseconds(100), [] {}, 0);
    EXPECT_LE(b.board.now - died, seconds(2));
    b.run(seconds(2), [] {}, 0);
    bool told = false;
    for (const PeerEvent& event : b.events)
        told = told || (event.kind == PeerEvent::Kind::kManagementWasSilent && event.lasted >= milliseconds(1400));
    EXPECT_TRUE(told);
    b.expect_every_joule_once();
    // Without a reset line and a watchdog for an hour: everything comes afterwards, at once.
    b.reset_by_watchdog = false;
    b.board.next = b.board.node->hang(Processor::kManagement, b.board.now, false);
    b.run(minutes(60), [] {}, 0);
    b.board.next = b.board.node->reset(Processor::kManagement, b.board.now);
    b.run(seconds(1), [] {}, 0);
    b.expect_every_joule_once();
}

TEST(TwoProcessors, ManagementThatStartsAnewMovesNoRelayOfAMissingPhase) {
    // One phase is out; every crash of the box closes thirteen relays for a second.
    Building b(10);
    b.open();
    b.board.measurement.phases[1] = {Voltage{}, Frequency{}, false};
    const Instant end = b.board.now + seconds(5);
    while (b.board.now < end) {
        b.feed();
        b.board.now = b.board.now + milliseconds(10);
        b.board.next = b.board.node->poll(b.board.now);
    }
    b.board.next_window = b.board.now;
    b.contacts = b.board.relays.contact;
    EXPECT_FALSE(b.contacts[1]);
    EXPECT_TRUE(b.contacts[2]);
    for (int k = 0; k < 10; ++k) {
        b.board.next = b.board.node->reset(k % 3 == 0 ? Processor::kMetering : Processor::kManagement, b.board.now);
        b.run(milliseconds(b.pick(10, 6'000)), [] {}, 0);
    }
    b.run(seconds(5), [] {}, 0);
    b.expect_every_joule_once();
}

TEST(TwoProcessors, MeteringThatHasForgottenEverythingBeginsANewSession) {
    // Its memory is empty after a spike: totals of zero are taken for the ones before, and hours are not booked.
    Building b(11);
    b.open();
    b.run(seconds(20), [] {}, 0);
    const std::uint16_t before = b.board.node->metering().session();
    for (int k = 0; k < 3; ++k) {
        b.board.retained = {};
        b.board.next = b.board.node->reset(Processor::kMetering, b.board.now);
        EXPECT_FALSE(b.board.node->metering().started_warm());
        b.run(seconds(20), [] {}, 0);
    }
    EXPECT_EQ(b.board.node->metering().session(), before + 3);
    b.expect_every_joule_once();
}

TEST(TwoProcessors, ATotalThatWasRestoredFromTheOlderCopyTakesNothingBack) {
    // One cell of the memory fails just when the processor is reset: a household gets a present, or pays for a turn of
    // the counter, 1,193 kWh.
    Building b(12);
    b.open();
    b.run(seconds(20), [] {}, 0);
    const HouseholdView before = b.board.node->household({1});
    auto& copies = b.board.retained.copies;
    (copies[0].generation > copies[1].generation ? copies[0] : copies[1]).check ^= 1;
    b.board.next = b.board.node->reset(Processor::kMetering, b.board.now);
    EXPECT_TRUE(b.board.node->metering().started_warm());
    b.run(seconds(20), [] {}, 0);
    for (int n = 1; n <= 39; ++n) {
        const HouseholdView view = b.board.node->household(Building::household(n));
        const std::int64_t missing = b.joules[static_cast<std::size_t>(n - 1)] - (view.forward + view.reverse).count();
        EXPECT_GE(missing, 0);
        EXPECT_LE(missing, 3'000) << "one window";
    }
    EXPECT_GT(b.board.node->household({1}).forward, before.forward);
}

TEST(TwoProcessors, PulsesAreGivenOnceOverResetsOfEitherSide) {
    // The verifier's counter and the register part company with every crash.
    Building b(13);
    b.open();
    const std::array<int, kHouseholdsMax + 1> before = b.board.display.pulses;
    b.run(
        seconds(120),
        [&] {
            const Processor which = b.pick(0, 1) == 0 ? Processor::kMetering : Processor::kManagement;
            b.board.next = b.board.node->reset(which, b.board.now);
        },
        0.5);
    b.run(seconds(1), [] {}, 0);
    for (int n = 1; n <= 39; ++n) {
        const std::int64_t given =
            b.board.display.pulses[static_cast<std::size_t>(n)] - before[static_cast<std::size_t>(n)];
        const std::int64_t used = b.joules[static_cast<std::size_t>(n - 1)];
        EXPECT_LE(given * 2250, used) << n;
        EXPECT_GT((given + 3) * 2250, used) << n;
    }
}

// --- With samples: what a reset in the middle of a window costs.

TEST(TwoProcessors, AResetOfMeteringCostsTheSamplesOfOneWindowAtMost) {
    // Imax at 250 V for an hour with a reset every second: an hour is paid as half an hour.
    for (unsigned seed = 1; seed <= 2; ++seed) {
        FakeBoard board;
        std::mt19937 random(seed);
        FakeFrontEnd front_end{.calibration = default_calibration(amperes(15), amperes(60))};
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            front_end.volts[p] = sine(250, 50, phase_angle(static_cast<int>(p)));
        board.start();
        SampleBlock block;
        // At each step 10 ms.
        const auto step = [&] {
            front_end.amperes[0] = board.relays.contact[0] ? sine(60, 50) : std::function<double(double)>{};
            front_end.fill(block, 40);
            board.now = board.now + milliseconds(10);
            while (board.next <= board.now)
                board.next = std::max(board.node->poll(board.now), board.now + microseconds(1));
            board.next = board.node->on_samples(block, board.now);
        };
        for (int k = 0; k < 600; ++k)
            step();
        ASSERT_EQ(board.command({.household = 1, .command = card::Ticket{1, 1, 1'000'000}}).result,
                  card::Result::kDone);
        while (!board.relays.contact[0])
            step();
        const Energy before = board.node->household({1}).forward;
        double fed = 0;
        std::int64_t resets = 0;
        for (int k = 0; k < 3'000; ++k) {
            step();
            fed += 250 * 60 * 0.01;
            if (random() % 40 != 0) continue;
            ++resets;
            board.next = board.node->reset(Processor::kMetering, board.now);
        }
        for (int k = 0; k < 30; ++k) {
            step();
            fed += 250 * 60 * 0.01;
        }
        const auto counted = static_cast<double>((board.node->household({1}).forward - before).count());
        EXPECT_GT(resets, 40);
        // The last window is under way; beyond that a reset costs kWindowEnergyMax at most, and never gives anything.
        EXPECT_LE(counted, fed * 1.001 + 200);
        EXPECT_GE(counted, fed * 0.999 - static_cast<double>((resets + 1) * kWindowEnergyMax.count()));
        EXPECT_LT(counted, fed - static_cast<double>(resets) * 100) << "a reset does cost something: the test can fail";
    }
}

// --- The memory that survives.

void keep(RetainedMemory& memory, const RetainedState& state) {
    begin_keeping(memory) = state;
    end_keeping(memory);
}

TEST(RetainedMemory, AResetAtAnyByteOfAWriteLeavesTheStateOfBeforeOrAfter) {
    // The reset comes while the totals are being written, and both copies are broken.
    RetainedMemory memory{};
    EXPECT_FALSE(recall(memory)) << "zeros are not believed";
    RetainedState state;
    std::mt19937 random(5);
    keep(memory, state);
    keep(memory, state);
    for (int round = 0; round < 4; ++round) {
        RetainedState next = state;
        for (HouseholdTotals& totals : next.totals)
            totals.forward += static_cast<std::uint32_t>(random() % 5000);
        next.session = static_cast<std::uint16_t>(random());
        RetainedMemory after = memory;
        keep(after, next);
        // Which copy was written, and how: check cleared, state and generation, then the check.
        const std::size_t written =
            std::memcmp(&after.copies[0], &memory.copies[0], sizeof(RetainedMemory::Copy)) != 0 ? 0 : 1;
        constexpr std::size_t kBody = sizeof(RetainedMemory::Copy) - sizeof(std::uint32_t);
        for (std::size_t cut = 0; cut <= kBody; ++cut) {
            RetainedMemory torn = memory;
            torn.copies[written].check = 0;
            std::memcpy(static_cast<void*>(&torn.copies[written]), &after.copies[written], cut);
            const RetainedState* const found = recall(torn);
            ASSERT_TRUE(found && *found == state) << cut;
            // The start after it keeps at once, and may be torn as well.
            RetainedMemory second = torn;
            keep(second, next);
            ASSERT_TRUE(recall(second) && *recall(second) == next);
            const std::size_t again =
                std::memcmp(&second.copies[0], &torn.copies[0], sizeof(RetainedMemory::Copy)) != 0 ? 0 : 1;
            torn.copies[again].check = 0;
            std::memcpy(static_cast<void*>(&torn.copies[again]), &second.copies[again], kBody / 2);
            ASSERT_TRUE(recall(torn) && *recall(torn) == state) << cut;
        }
        memory = after;
        state = next;
        ASSERT_TRUE(recall(memory) && *recall(memory) == next);
    }
}

}  // namespace
}  // namespace prewatt::meter
