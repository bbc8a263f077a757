#include "meter/core/freeze.hpp"

#include <gtest/gtest.h>

#include "meter/core/archive.hpp"
#include "meter/core/fake_storage.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kMemory = 512 * 1024;
constexpr CivilSeconds kHour = 3600;
constexpr CivilSeconds kDay = 24 * kHour;
constexpr int kHouseholds = 12;

CivilSeconds day(int year, int month, int d, int hour = 0) {
    return to_seconds({static_cast<std::uint16_t>(year), static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(d),
                       static_cast<std::uint8_t>(hour), 0, 0});
}
// The registers follow from the time, so a freeze can be checked against when it was made.
Books books_at(CivilSeconds now) {
    Books books;
    for (int n = 0; n < kHouseholds; ++n) {
        HouseholdBook& book = books.households[static_cast<std::size_t>(n)];
        book.forward = energy_of_hundredths(now / 60 + static_cast<CivilSeconds>(n));
        book.reverse = energy_of_hundredths(n);
        book.account.epoch = 1;
        book.account.credited = credit_of_hundredths(100);
        book.account.used = credit_of_hundredths(100 + n);
    }
    return books;
}

struct Box {
    explicit Box(Storage& storage) : archive(storage) { archive.open(kHouseholds); }
    bool at(CivilSeconds now) { return archive.freezes.on_time(now, general, books_at(now)); }
    // A call a minute.
    void run(CivilSeconds from, CivilSeconds to) {
        for (CivilSeconds now = from; now <= to; now += 60)
            at(now);
    }
    [[nodiscard]] std::optional<FreezeHead> daily(int n) const { return archive.freezes.head(FreezeKind::kDaily, n); }
    [[nodiscard]] int dailies() const {
        int n = 0;
        while (n < Freezes::kDailyMax && daily(n + 1))
            ++n;
        return n;
    }
    Archive archive;
    settings::General general;
};

TEST(Freeze, EveryDayAndEveryMonthAtTheHourThatWasSet) {
    // The bill of the first of the month is made of the registers of the third.
    FakeStorage storage(kMemory);
    Box box(storage);
    box.general.freeze_hour = 6;
    box.general.freeze_day = 5;
    box.run(day(2026, 1, 4, 6), day(2026, 3, 10, 12));
    for (int n = 1; n <= Freezes::kDailyMax; ++n) {
        const auto head = box.daily(n);
        ASSERT_TRUE(head) << n;
        EXPECT_EQ(head->due, day(2026, 3, 10, 6) - static_cast<CivilSeconds>(n - 1) * kDay);
        EXPECT_EQ(head->marks, 0) << n;
        const auto values = box.archive.freezes.values(FreezeKind::kDaily, n, {3});
        ASSERT_TRUE(values);
        EXPECT_EQ(values->forward, (head->due / 60 + 2) % 100'000'000);
        EXPECT_EQ(values->reverse, 2u);
        EXPECT_EQ(values->remaining, -2);
        EXPECT_EQ(values->used, 102);
    }
    EXPECT_FALSE(box.daily(63));
    const auto& freezes = box.archive.freezes;
    EXPECT_EQ(freezes.head(FreezeKind::kMonthly, 1)->due, day(2026, 3, 5, 6));
    EXPECT_EQ(freezes.head(FreezeKind::kMonthly, 2)->due, day(2026, 2, 5, 6));
    EXPECT_EQ(freezes.head(FreezeKind::kMonthly, 2)->marks, 0);
}

TEST(Freeze, ThirteenMonthsAreKept) {
    // Last year's January cannot be compared with this one's.
    FakeStorage storage(kMemory);
    Box box(storage);
    for (CivilSeconds now = day(2025, 1, 1); now <= day(2026, 6, 2); now += kHour)
        box.at(now);
    EXPECT_EQ(box.archive.freezes.head(FreezeKind::kMonthly, 13)->due, day(2025, 6, 1));
    EXPECT_EQ(box.archive.freezes.head(FreezeKind::kMonthly, 13)->marks, 0);
}

TEST(Freeze, OneThatFellIntoASupplyFailureIsMadeGoodAndMarked) {
    // The lights were out at midnight, and that day is missing from every bill.
    FakeStorage storage(kMemory);
    {
        Box box(storage);
        box.run(day(2026, 4, 1), day(2026, 4, 2, 20));
    }
    Box box(storage);
    box.run(day(2026, 4, 3, 3), day(2026, 4, 3, 4));
    EXPECT_EQ(box.daily(1)->due, day(2026, 4, 3));
    EXPECT_EQ(box.daily(1)->made, day(2026, 4, 3, 3));
    EXPECT_EQ(box.daily(1)->marks, RecordMarks::kLate);
    EXPECT_EQ(box.daily(2)->due, day(2026, 4, 2));
    Box later(storage);
    later.run(day(2026, 4, 9, 3), day(2026, 4, 9, 4));
    EXPECT_EQ(later.daily(1)->due, day(2026, 4, 9));
    EXPECT_EQ(later.daily(1)->marks, RecordMarks::kLate | RecordMarks::kGap) << "five days are missing before it";
    EXPECT_EQ(later.daily(2)->due, day(2026, 4, 3));
}

TEST(Freeze, AClockThatGoesBackMakesNoSecondFreezeOfAnInstant) {
    // The clock is set back two minutes at midnight, and a day is billed twice.
    FakeStorage storage(kMemory);
    Box box(storage);
    box.run(day(2026, 4, 1), day(2026, 4, 3) + 60);
    const int before = box.dailies();
    box.run(day(2026, 4, 3) - 120, day(2026, 4, 3) + 600);
    EXPECT_EQ(box.dailies(), before);
    box.run(day(2026, 4, 1, 5), day(2026, 4, 3, 5));
    EXPECT_EQ(box.dailies(), before) << "two days back, and through them again";
    box.run(day(2026, 4, 3, 6), day(2026, 4, 4, 1));
    EXPECT_EQ(box.daily(1)->due, day(2026, 4, 4));
    EXPECT_EQ(box.daily(1)->marks, 0);
}

TEST(Freeze, AfterAClockOfTheFarFutureTheRightDaysAreFrozenAgain) {
    // A wrong clock of 2090 is put right, and nothing is frozen until 2090.
    FakeStorage storage(kMemory);
    Box box(storage);
    box.run(day(2026, 4, 1), day(2026, 4, 2, 1));
    box.run(day(2090, 1, 1, 5), day(2090, 1, 1, 6));
    box.run(day(2026, 4, 2, 2), day(2026, 4, 4, 1));
    EXPECT_EQ(box.daily(1)->due, day(2026, 4, 4));
    EXPECT_EQ(box.daily(1)->marks, 0);
    EXPECT_EQ(box.daily(2)->due, day(2026, 4, 3));
    EXPECT_EQ(box.daily(2)->marks, RecordMarks::kGap | RecordMarks::kClockBack);
    EXPECT_EQ(box.daily(3)->due, day(2090, 1, 1));
    EXPECT_EQ(box.daily(3)->marks, RecordMarks::kGap | RecordMarks::kLate);
}

TEST(Freeze, WithoutAClockNothingIsFrozen) {
    // A stopped clock freezes the registers under a date that never was.
    FakeStorage storage(kMemory);
    Box box(storage);
    EXPECT_FALSE(box.archive.freezes.on_time(std::nullopt, box.general, books_at(0)));
    EXPECT_FALSE(box.daily(1));
}

TEST(Freeze, ACutAtAnyByteLosesTheOldestAtWorstAndTheFreezeIsMadeAfterwards) {
    // The supply goes at midnight of the first, with half of the month's figures on their way into the memory.
    FakeStorage storage(kMemory);
    Box box(storage);
    for (CivilSeconds now = day(2026, 2, 1); now <= day(2026, 4, 30); now += kDay)
        box.at(now);
    const CivilSeconds midnight = day(2026, 5, 1);
    for (const int damage : {-1, 0, 255, 256}) {
        for (std::int64_t cut = 0;; ++cut) {
            FakeStorage memory = storage;
            memory.power_up({.cut_at_byte = cut, .damaged_byte = damage});
            Box(memory).at(midnight);
            const bool finished = !memory.is_cut();
            memory.power_up();
            Box again(memory);
            again.at(midnight + 30);
            for (int n = 1; n <= Freezes::kDailyMax; ++n) {
                const auto head = again.daily(n);
                ASSERT_TRUE(head) << cut << ": " << n;
                ASSERT_EQ(head->due, midnight - static_cast<CivilSeconds>(n - 1) * kDay) << cut;
                const auto values = again.archive.freezes.values(FreezeKind::kDaily, n, {12});
                ASSERT_EQ(values->forward, head->made / 60 + 11) << cut;
            }
            ASSERT_EQ(again.archive.freezes.head(FreezeKind::kMonthly, 1)->due, midnight) << cut;
            ASSERT_EQ(again.archive.freezes.head(FreezeKind::kMonthly, 2)->due, day(2026, 4, 1)) << cut;
            if (finished) break;
        }
    }
}

TEST(Freeze, WritesTheGoldenFreezeByteForByte) {
    // The page of the format and the code part company.
    FakeStorage storage(kMemory);
    Archive archive(storage);
    ASSERT_TRUE(archive.open(12));
    const CivilSeconds now = day(2026, 4, 2) + 61;
    ASSERT_TRUE(archive.freezes.on_time(now, {}, books_at(now)));
    const std::uint32_t start = kRecordsAt + EventLog::bytes(12) + CaptureStore::bytes(12);
    ASSERT_EQ(start, 131'072u + 12 * 98 * 32 + 334 * 32 + 12 * 3 * 580);
    // Written by a program that shares nothing with ours: Python's struct and zlib.crc32 after
    // docs/formats/event-log.md.
    const std::vector<Byte> golden{
        0x01, 0x00, 0x00, 0x00, 0x00, 0x6E, 0x60, 0x31, 0x3D, 0x6E, 0x60, 0x31, 0x01, 0x0C, 0x00, 0x00, 0x81, 0xAC,
        0xD2, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x82, 0xAC, 0xD2, 0x00,
        0x01, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0x65, 0x00, 0x00, 0x00, 0x83, 0xAC, 0xD2, 0x00, 0x02, 0x00,
        0x00, 0x00, 0xFE, 0xFF, 0xFF, 0xFF, 0x66, 0x00, 0x00, 0x00, 0x84, 0xAC, 0xD2, 0x00, 0x03, 0x00, 0x00, 0x00,
        0xFD, 0xFF, 0xFF, 0xFF, 0x67, 0x00, 0x00, 0x00, 0x85, 0xAC, 0xD2, 0x00, 0x04, 0x00, 0x00, 0x00, 0xFC, 0xFF,
        0xFF, 0xFF, 0x68, 0x00, 0x00, 0x00, 0x86, 0xAC, 0xD2, 0x00, 0x05, 0x00, 0x00, 0x00, 0xFB, 0xFF, 0xFF, 0xFF,
        0x69, 0x00, 0x00, 0x00, 0x87, 0xAC, 0xD2, 0x00, 0x06, 0x00, 0x00, 0x00, 0xFA, 0xFF, 0xFF, 0xFF, 0x6A, 0x00,
        0x00, 0x00, 0x88, 0xAC, 0xD2, 0x00, 0x07, 0x00, 0x00, 0x00, 0xF9, 0xFF, 0xFF, 0xFF, 0x6B, 0x00, 0x00, 0x00,
        0x89, 0xAC, 0xD2, 0x00, 0x08, 0x00, 0x00, 0x00, 0xF8, 0xFF, 0xFF, 0xFF, 0x6C, 0x00, 0x00, 0x00, 0x8A, 0xAC,
        0xD2, 0x00, 0x09, 0x00, 0x00, 0x00, 0xF7, 0xFF, 0xFF, 0xFF, 0x6D, 0x00, 0x00, 0x00, 0x8B, 0xAC, 0xD2, 0x00,
        0x0A, 0x00, 0x00, 0x00, 0xF6, 0xFF, 0xFF, 0xFF, 0x6E, 0x00, 0x00, 0x00, 0x8C, 0xAC, 0xD2, 0x00, 0x0B, 0x00,
        0x00, 0x00, 0xF5, 0xFF, 0xFF, 0xFF, 0x6F, 0x00, 0x00, 0x00, 0x1E, 0x7A, 0x45, 0xC4};
    EXPECT_EQ(std::vector<Byte>(storage.bytes().begin() + start, storage.bytes().begin() + start + 212), golden);
}

}  // namespace
}  // namespace prewatt::meter
