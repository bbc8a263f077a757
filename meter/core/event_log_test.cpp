#include "meter/core/event_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "meter/core/archive.hpp"
#include "meter/core/fake_storage.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kMemory = 512 * 1024;
constexpr Household kHome{7};

EventTime at(CivilSeconds civil) {
    return {civil, 5, Instant{} + seconds(civil % 100'000)};
}
EventData numbered(std::uint32_t n) {
    return events::cut(HoldSet{0x0041}, HoldSet{0x0001}, watts(n), static_cast<std::int32_t>(n), Energy{});
}

struct Log {
    explicit Log(Storage& storage, int households = 12) : memory(storage), log(memory) {
        memory.open(households);
        log.open();
    }
    RecordMemory memory;
    EventLog log;
};

TEST(EventLog, FindsEverythingAgainAfterARestart) {
    // A tenant disputes a cut of last night, and a thunderstorm since then has taken the proof.
    FakeStorage storage(kMemory);
    {
        Log box(storage);
        ASSERT_TRUE(box.log.append(EventKind::kCut, kHome, numbered(1), at(1000)));
        ASSERT_TRUE(box.log.append(EventKind::kPurchase, kHome, events::purchase(-50, 1000, 1950, 3), at(1060)));
        ASSERT_TRUE(box.log.append(EventKind::kRestore, kHome,
                                   events::restore(HoldSet{1}, HoldSet{}, 950, seconds(60), Energy{}), at(1060)));
    }
    Log box(storage);
    const auto last = box.log.nth_last(EventRing::kSwitching, kHome, 1);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->kind, EventKind::kRestore);
    EXPECT_EQ(last->sequence, 3u);
    EXPECT_EQ(last->time, 1060u);
    EXPECT_EQ(last->boots, 5);
    EXPECT_EQ(part_of(*last, 2), 60) << "seconds in the dark";
    const auto cut = box.log.nth_last(EventKind::kCut, kHome, 1);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->data, numbered(1));
    const auto purchase = box.log.nth_last(EventKind::kPurchase, kHome, 1);
    ASSERT_TRUE(purchase);
    EXPECT_EQ(part_of(*purchase, 0), -50);
    EXPECT_FALSE(box.log.nth_last(EventKind::kCut, kHome, 2));
    EXPECT_FALSE(box.log.nth_last(EventKind::kCut, {8}, 1)) << "another household's";
}

TEST(EventLog, AFloodOfOneKindPushesOutNothingElse) {
    // Somebody plays with a heater all night, and the purchase that he denies has gone from the log by morning.
    FakeStorage storage(kMemory);
    Log box(storage);
    ASSERT_TRUE(box.log.append(EventKind::kPurchase, kHome, events::purchase(0, 500, 500, 1), at(10)));
    ASSERT_TRUE(box.log.append(EventKind::kCut, {8}, numbered(9), at(11)));
    ASSERT_TRUE(box.log.append(EventKind::kPowerDown, {}, events::power_down(5, 9), at(12)));
    for (std::uint32_t n = 0; n < 500; ++n)
        ASSERT_TRUE(box.log.append(EventKind::kCut, kHome, numbered(n), at(100 + n)));
    for (int n = 1; n <= 30; ++n) {
        const auto cut = box.log.nth_last(EventRing::kSwitching, kHome, n);
        ASSERT_TRUE(cut) << n << " of the thirty that are promised";
        EXPECT_EQ(cut->data, numbered(500 - static_cast<std::uint32_t>(n)));
    }
    EXPECT_TRUE(box.log.nth_last(EventKind::kPurchase, kHome, 1));
    EXPECT_TRUE(box.log.nth_last(EventKind::kCut, {8}, 1));
    EXPECT_TRUE(box.log.nth_last(EventKind::kPowerDown, {}, 1));
    EXPECT_EQ(box.log.count(EventKind::kCut, kHome), 500u);
    EXPECT_EQ(box.log.count(EventKind::kCut, {}), 501u) << "all households";
}

TEST(EventLog, CountsAreThoseOfEverythingThatEverHappenedWhateverWasOverwritten) {
    // The log says "31 cuts" because no more fit, and a worn contact with 40,000 of them is never changed.
    FakeStorage storage(kMemory);
    std::mt19937 random(20261122);
    std::array<std::array<std::uint32_t, 13>, 128> truth{};
    auto box = std::make_unique<Log>(storage);
    for (int n = 0; n < 3000; ++n) {
        const auto all = event_kinds();
        const EventKindInfo& kind = all[random() % all.size()];
        if (kind.minutes_apart != 0) continue;
        const Household h{static_cast<std::uint8_t>(is_of_household(kind.ring) ? 1 + random() % 3 : 0)};
        ASSERT_TRUE(box->log.append(kind.kind, h, {}, at(1000 + static_cast<CivilSeconds>(n))));
        ++truth[static_cast<std::size_t>(kind.kind)][h.number];
        if (random() % 50 == 0) box = std::make_unique<Log>(storage);
    }
    for (const EventKindInfo& kind : event_kinds())
        for (std::uint8_t h = is_of_household(kind.ring) ? 1 : 0; h <= (is_of_household(kind.ring) ? 3 : 0); ++h)
            EXPECT_EQ(box->log.count(kind.kind, {h}), truth[static_cast<std::size_t>(kind.kind)][h])
                << kind.name << " of " << int{h};
}

TEST(EventLog, ACutAtAnyByteOfAnyWriteLosesTheOldestAtWorstAndNeverShowsAWrongOne) {
    // Lightning strikes while a cut is being recorded, and the log shows a purchase that nobody made.
    constexpr int kSlots = info(EventRing::kSwitching).records;
    FakeStorage storage(kMemory);
    std::vector<EventData> truth;
    for (std::uint32_t n = 0; n < 2 * kSlots + 3; ++n) {
        const FakeStorage before = storage;
        for (const int damage : {-1, 0, 255, 256}) {
            for (std::int64_t cut = 0;; ++cut) {
                FakeStorage memory = before;
                memory.power_up({.cut_at_byte = cut, .damaged_byte = damage});
                const bool stored = Log(memory).log.append(EventKind::kCut, kHome, numbered(n), at(1000 + n));
                const bool finished = !memory.is_cut();
                memory.power_up();
                Log box(memory);
                const std::string where = "event " + std::to_string(n) + " byte " + std::to_string(cut);
                if (stored) {
                    ASSERT_TRUE(finished) << where;
                }
                // Sequence k + 1 is truth[k], or this one, whatever is shown.
                int seen = 0;
                bool has_new = false;
                while (const auto event = box.log.nth_last(EventRing::kSwitching, kHome, seen + 1)) {
                    ++seen;
                    ASSERT_GE(event->sequence, 1u) << where;
                    ASSERT_LE(event->sequence, n + 1) << where;
                    has_new = has_new || event->sequence == n + 1;
                    ASSERT_EQ(event->data, numbered(event->sequence - 1)) << where;
                    ASSERT_EQ(event->time, 1000 + event->sequence - 1) << where;
                }
                ASSERT_GE(seen, std::min<int>(static_cast<int>(n), kSlots - 1)) << where;
                ASSERT_EQ(box.log.count(EventKind::kCut, kHome), has_new ? n + 1 : n) << where;
                if (finished) {
                    ASSERT_TRUE(has_new) << where;
                }
                // And it goes on.
                ASSERT_TRUE(box.log.append(EventKind::kRestore, kHome, {}, at(5000))) << where;
                ASSERT_EQ(box.log.count(EventKind::kRestore, kHome), 1u) << where;
                if (finished) break;
            }
        }
        Log box(storage);
        ASSERT_TRUE(box.log.append(EventKind::kCut, kHome, numbered(n), at(1000 + n)));
    }
}

TEST(EventLog, ARefusedWriteIsSaidAndCostsNothing) {
    // The memory does not answer for a moment, and everything after it is written over the newest record.
    constexpr int kSlots = info(EventRing::kSwitching).records;
    for (std::int64_t refused = 0; refused < 2 * kSlots; ++refused) {
        for (const bool arrives : {false, true}) {
            FakeStorage storage(kMemory, {.fail_at_write = refused, .failed_writes_arrive = arrives});
            Log box(storage);
            std::uint32_t stored = 0;
            while (stored < 2 * kSlots) {
                if (box.log.append(EventKind::kCut, kHome, numbered(stored), at(1000))) ++stored;
                ASSERT_EQ(box.log.count(EventKind::kCut, kHome), stored);
                if (stored > 0) {
                    ASSERT_EQ(box.log.nth_last(EventKind::kCut, kHome, 1)->data, numbered(stored - 1));
                }
            }
        }
    }
}

TEST(EventLog, AFloodOnTheLineIsOneRecordInFifteenMinutesAndSaysHowMany) {
    // A script guesses passwords all year and has worn the memory out by then.
    FakeStorage storage(kMemory);
    Log box(storage);
    EventTime now{1000, 1, Instant{}};
    for (int n = 0; n < 10'000; ++n) {
        EXPECT_TRUE(box.log.append(EventKind::kForgedCommand, {}, events::on_line(3, 77), now));
        now.uptime = now.uptime + milliseconds(100);
    }
    EXPECT_EQ(box.log.count(EventKind::kForgedCommand, {}), 2u) << "16.7 minutes";
    const auto last = box.log.nth_last(EventKind::kForgedCommand, {}, 1);
    ASSERT_TRUE(last);
    EXPECT_EQ(part_of(*last, 0), 9'000) << "times since the record before";
    EXPECT_EQ(part_of(*last, 1), 77);
    EXPECT_TRUE(box.log.append(EventKind::kWrongPassword, {}, events::on_line(3, 0), now));
    EXPECT_EQ(box.log.count(EventKind::kWrongPassword, {}), 1u) << "the other kind is not hidden";
}

TEST(EventLog, WithoutAClockItSaysSoAndCountsFromTheStart) {
    // The clock's battery is empty, and everything seems to have happened on the first of January 2000.
    FakeStorage storage(kMemory);
    Log box(storage);
    ASSERT_TRUE(box.log.append(EventKind::kCut, kHome, numbered(1), {std::nullopt, 70'001, Instant{} + seconds(90)}));
    const auto event = box.log.nth_last(EventRing::kSwitching, kHome, 1);
    ASSERT_TRUE(event);
    EXPECT_FALSE(event->clock_valid);
    EXPECT_EQ(event->time, 90u);
    EXPECT_EQ(event->boots, 70'001 % 65'536);
}

TEST(EventLog, AnOldBoxWithASmallMemorySaysThatItKeepsNone) {
    // New firmware in an old box writes its log over the accounts.
    FakeStorage storage(32 * 1024);
    const std::vector<Byte> before = storage.bytes();
    Archive archive(storage);
    EXPECT_FALSE(archive.open(39));
    EXPECT_FALSE(archive.available());
    EXPECT_FALSE(archive.log(EventKind::kCut, kHome, numbered(1), at(5)));
    archive.on_time(800'000'000, {}, {});
    StepReport report;
    EXPECT_EQ(archive.captures.put(kHome, report, nullptr, 2, at(5)), 0u);
    EXPECT_FALSE(archive.events.nth_last(EventRing::kSwitching, kHome, 1));
    EXPECT_EQ(archive.profile.rows_max(), 0);
    EXPECT_EQ(storage.bytes(), before);
}

TEST(EventLog, AMapForAnotherNumberOfHouseholdsIsNotReadAsThisOne) {
    // A board goes into a box with other wiring, and household 5 gets the purchases of household 12.
    FakeStorage storage(kMemory);
    {
        Log box(storage, 39);
        for (std::uint8_t h = 1; h <= 39; ++h)
            for (int n = 0; n < 40; ++n)
                ASSERT_TRUE(box.log.append(EventKind::kCut, {h}, numbered(h), at(5)));
    }
    Log box(storage, 18);
    for (std::uint8_t h = 1; h <= 18; ++h)
        for (int ring = 0; ring < kHouseholdRings; ++ring)
            EXPECT_FALSE(box.log.nth_last(static_cast<EventRing>(ring), {h}, 1));
}

TEST(EventLog, HouseholdsAndTheBoxHaveTheirOwnKinds) {
    // A cut of "household 0" lands in somebody's ring.
    FakeStorage storage(kMemory);
    Log box(storage);
    EXPECT_FALSE(box.log.append(EventKind::kCut, {0}, {}, at(5)));
    EXPECT_FALSE(box.log.append(EventKind::kCut, {13}, {}, at(5)));
    EXPECT_FALSE(box.log.append(EventKind::kHouseholdCleared, {13}, {}, at(5)));
    EXPECT_FALSE(box.log.append(static_cast<EventKind>(99), kHome, {}, at(5)));
    EXPECT_TRUE(box.log.append(EventKind::kHouseholdCleared, kHome, {}, at(5)));
    EXPECT_EQ(box.log.nth_last(EventKind::kHouseholdCleared, {}, 1)->household, kHome);
}

TEST(EventLog, TheMapFitsAndLeavesThreeWeeksOfHourlyProfile) {
    // Two areas overlap, and a freeze appears as a purchase.
    for (const int households : {39, 18, 13, 12}) {
        FakeStorage storage(kMemory);
        Archive archive(storage);
        ASSERT_TRUE(archive.open(households));
        std::vector<Ring> rings;
        for (int ring = 0; ring < kEventRings; ++ring)
            for (std::uint8_t h = 1; h <= (ring < kHouseholdRings ? households : 1); ++h)
                rings.push_back(archive.events.ring(static_cast<EventRing>(ring), {h}));
        std::sort(rings.begin(), rings.end(), [](const Ring& a, const Ring& b) { return a.start < b.start; });
        EXPECT_GE(rings.front().start, kRecordsAt);
        for (std::size_t k = 0; k + 1 < rings.size(); ++k)
            EXPECT_LE(rings[k].end(), rings[k + 1].start);
        EXPECT_LE(rings.back().end(), kRecordsAt + EventLog::bytes(households));
        EXPECT_GE(archive.profile.rows_max(), 23 * 24) << households;
    }
}

TEST(EventLog, WritesTheGoldenRecordByteForByte) {
    // The page of the format and the code part company, and no other tool can read the log of a box.
    FakeStorage storage(kMemory);
    Log box(storage, 39);
    ASSERT_TRUE(box.log.append(EventKind::kPurchase, {2}, events::purchase(-50, 1000, 1950, 3),
                               {CivilSeconds{0x32A1B2C3}, 0x0102, Instant{}}));
    const Ring ring = box.log.ring(EventRing::kPurchases, {2});
    // Household 2's rings begin 98 slots of 32 bytes behind household 1's; before purchases stand two counter slots and
    // switching's 32 + 2. The check sum is Python's zlib.crc32 of: 01 27, address, the 28 bytes.
    ASSERT_EQ(ring.start, kRecordsAt + 98 * 32 + 34 * 32 + 2 * 32);
    const std::vector<Byte> golden{0x01, 0x00, 0x00, 0x00, 0xC3, 0xB2, 0xA1, 0x32, 0x02, 0x01, 0x0A,
                                   0x02, 0xCE, 0xFF, 0xFF, 0xFF, 0xE8, 0x03, 0x00, 0x00, 0x9E, 0x07,
                                   0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0xCE, 0x1F, 0xF3, 0x16};
    EXPECT_EQ(std::vector<Byte>(storage.bytes().begin() + ring.start, storage.bytes().begin() + ring.start + 32),
              golden);
}

TEST(Archive, MinutesOfAPhaseAddUpOverItsLosses) {
    // The office asks how long phase B was gone this year and gets the last time only.
    FakeStorage storage(kMemory);
    Archive archive(storage);
    ASSERT_TRUE(archive.open(12));
    for (int n = 1; n <= 60; ++n)
        ASSERT_TRUE(archive.log_phase_back(Phase::kB, volts(221), 1000, minutes(2), at(1120)));
    EXPECT_EQ(part_of(*archive.events.nth_last(EventKind::kPhaseBBack, {}, 1), 3), 120);
    EXPECT_EQ(archive.events.count(EventKind::kPhaseBBack, {}), 60u);
}

}  // namespace
}  // namespace prewatt::meter
