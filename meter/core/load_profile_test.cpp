#include "meter/core/load_profile.hpp"

#include <gtest/gtest.h>

#include "meter/core/archive.hpp"
#include "meter/core/fake_storage.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kMemory = 512 * 1024;
constexpr CivilSeconds kStart = 829'440'000;  // a whole hour
constexpr int kHouseholds = 39;

Books books_at(CivilSeconds now) {
    Books books;
    for (int n = 0; n < kHouseholds; ++n) {
        HouseholdBook& book = books.households[static_cast<std::size_t>(n)];
        book.forward = energy_of_hundredths(90'000'000 + now / 60 * static_cast<CivilSeconds>(n % 3));
        book.reverse = energy_of_hundredths(n);
    }
    return books;
}
struct Box {
    explicit Box(Storage& storage) : archive(storage) { archive.open(kHouseholds); }
    bool at(CivilSeconds now) { return archive.profile.on_time(now, general, books_at(now)); }
    void run(CivilSeconds from, CivilSeconds to) {
        for (CivilSeconds now = from; now <= to; now += 60)
            at(now);
    }
    [[nodiscard]] const LoadProfile& profile() const { return archive.profile; }
    Archive archive;
    settings::General general;
};

TEST(LoadProfile, EveryIntervalHasItsRowAndTheRingIsAsLongAsPromised) {
    // A complaint about last week's consumption cannot be looked into.
    FakeStorage storage(kMemory);
    Box box(storage);
    box.general.profile_minutes = 15;
    const CivilSeconds end = kStart + 15 * 60 * static_cast<CivilSeconds>(box.profile().rows_max() + 20);
    box.run(kStart, end);
    ASSERT_EQ(box.profile().rows(), box.profile().rows_max());
    for (int n = 1; n <= box.profile().rows(); ++n) {
        const auto row = box.profile().head(n);
        ASSERT_TRUE(row) << n;
        ASSERT_EQ(row->time, end - static_cast<CivilSeconds>(n - 1) * 15 * 60);
        ASSERT_EQ(row->marks, 0);
        ASSERT_EQ(row->minutes, 15);
        const auto totals = box.profile().totals(n, {3}, books_at(end).households[2]);
        ASSERT_TRUE(totals);
        ASSERT_EQ(totals->forward, 90'000'000 + row->time / 60 * 2) << "more than 24 bits, made whole again";
        ASSERT_EQ(totals->reverse, 2u);
    }
}

TEST(LoadProfile, AGapIsMarkedAndLosesNoEnergy) {
    // An hour without supply shows as an hour without consumption, and the one after it as twice the usual.
    FakeStorage storage(kMemory);
    {
        Box box(storage);
        box.run(kStart, kStart + 2 * 3600);
    }
    Box box(storage);
    box.run(kStart + 5 * 3600 + 600, kStart + 6 * 3600);
    EXPECT_EQ(box.profile().head(1)->time, kStart + 6 * 3600);
    EXPECT_EQ(box.profile().head(1)->marks, 0);
    EXPECT_EQ(box.profile().head(2)->time, kStart + 5 * 3600);
    EXPECT_EQ(box.profile().head(2)->marks, RecordMarks::kGap | RecordMarks::kLate);
    EXPECT_EQ(box.profile().head(3)->time, kStart + 2 * 3600);
}

TEST(LoadProfile, AClockThatGoesBackMakesNoSecondRow) {
    // The clock is set back an hour, and an hour's energy is shown twice.
    FakeStorage storage(kMemory);
    Box box(storage);
    box.run(kStart, kStart + 5 * 3600);
    const int rows = box.profile().rows();
    box.run(kStart + 3 * 3600 + 60, kStart + 5 * 3600);
    EXPECT_EQ(box.profile().rows(), rows);
    box.run(kStart - 3600, kStart - 3000);
    EXPECT_EQ(box.profile().rows(), rows + 1);
    EXPECT_EQ(box.profile().head(1)->marks, RecordMarks::kGap | RecordMarks::kClockBack);
}

TEST(LoadProfile, FindsTheFirstRowFromATime) {
    // "Since Monday" gives everything or nothing.
    FakeStorage storage(kMemory);
    Box box(storage);
    EXPECT_EQ(box.profile().first_at_or_after(kStart), 0);
    box.run(kStart, kStart + 5 * 3600);
    EXPECT_EQ(box.profile().first_at_or_after(kStart + 3600 + 1), 4);
    EXPECT_EQ(box.profile().first_at_or_after(0), 6);
    EXPECT_EQ(box.profile().first_at_or_after(kStart + 5 * 3600 + 1), 0);
}

TEST(LoadProfile, ACutAtAnyByteLosesTheOldestRowAtWorst) {
    // The supply goes on the hour, and the profile shows a peak that no wire could carry.
    FakeStorage storage(kMemory);
    {
        Box box(storage);
        for (CivilSeconds now = kStart; now < kStart + 3600u * 600; now += 3600)
            box.at(now);
        ASSERT_EQ(box.profile().rows(), box.profile().rows_max()) << "the ring is full, so old rows are overwritten";
    }
    const CivilSeconds hour = kStart + 3600u * 600;
    for (const int damage : {-1, 0, 255, 256}) {
        for (std::int64_t cut = 0;; ++cut) {
            FakeStorage memory = storage;
            memory.power_up({.cut_at_byte = cut, .damaged_byte = damage});
            Box(memory).at(hour);
            const bool finished = !memory.is_cut();
            memory.power_up();
            Box again(memory);
            again.at(hour + 30);
            for (int n = 1; n < again.profile().rows_max(); n += n < 4 || n > again.profile().rows_max() - 4 ? 1 : 50) {
                const auto row = again.profile().head(n);
                ASSERT_TRUE(row) << cut << ": " << n;
                ASSERT_EQ(row->time, hour - static_cast<CivilSeconds>(n - 1) * 3600) << cut;
                ASSERT_EQ(again.profile().totals(n, {39}, books_at(hour).households[38])->reverse, 38u);
            }
            if (finished) break;
        }
    }
}

TEST(LoadProfile, WritesTheGoldenRowByteForByte) {
    // The page of the format and the code part company.
    FakeStorage storage(kMemory);
    Box box(storage);
    ASSERT_TRUE(box.at(kStart + 70));
    const std::uint32_t start = kRecordsAt + EventLog::bytes(39) + CaptureStore::bytes(39) + Freezes::bytes(39);
    ASSERT_EQ(start, 131'072u + 39 * 98 * 32 + 334 * 32 + 39 * 3 * 580 + 77 * 644);
    const std::vector<Byte> golden{
        0x01, 0x00, 0x00, 0x00, 0x00, 0x40, 0x70, 0x31, 0x3C, 0x01, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x00, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x01, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x02, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x03, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x04, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x05, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x06, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x07, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x08, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x09, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x0A, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x0B, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x0C, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x0D, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x0E, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x0F, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x10, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x11, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x12, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x13, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x14, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x15, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x16, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x17, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x18, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x19, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x1A, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x1B, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x1C, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x1D, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x1E, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x1F, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x20, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x21, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x22, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x23, 0x00, 0x00, 0x80, 0x4A, 0x5D, 0x24, 0x00, 0x00,
        0x81, 0x3A, 0x30, 0x25, 0x00, 0x00, 0x82, 0x2A, 0x03, 0x26, 0x00, 0x00, 0xA4, 0x17, 0xCB, 0x06};
    EXPECT_EQ(std::vector<Byte>(storage.bytes().begin() + start, storage.bytes().begin() + start + 250), golden);
}

}  // namespace
}  // namespace prewatt::meter
