#include "verify/storage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "meter/core/save_budget.hpp"

namespace prewatt::verify {
namespace {

// The counts are what everything here rests on.
TEST(CountingStorage, CountsBytesPagesAndWritesWhereTheyFall) {
    CountingStorage storage(256);
    const std::array<Byte, 10> ten{};
    ASSERT_TRUE(storage.write(60, ten));
    ASSERT_TRUE(storage.write(60, {ten.data(), 4}));
    ASSERT_TRUE(storage.write(63, {ten.data(), 1}));
    EXPECT_FALSE(storage.write(250, ten));
    EXPECT_EQ(storage.traffic().writes, 3u);
    EXPECT_EQ(storage.traffic().bytes, 15u);
    EXPECT_EQ(storage.traffic().pages, 4u);
    EXPECT_EQ(storage.hottest_byte(0, 256).address, 63u);
    EXPECT_EQ(storage.hottest_byte(0, 256).writes, 3u);
    EXPECT_EQ(storage.hottest_page(0, 256).writes, 3u);
    EXPECT_EQ(storage.hottest_page(64, 256).address, 64u);
    EXPECT_EQ(storage.hottest_page(64, 256).writes, 1u);
    EXPECT_EQ(storage.hottest_byte(70, 256).writes, 0u);
}

// What waits for a save, the window, the interlink and the write together must not exceed what may be lost.
TEST(SaveBudget, LeavesRoomForWhatIsUnderWayAtTheLargestLoad) {
    EXPECT_EQ(meter::save_threshold(60, 1, 39), Energy{29'100});
    EXPECT_EQ(meter::save_threshold(60, 3, 12), Energy{20'700});
    EXPECT_GT(meter::save_threshold(60, 3, 12), Energy{60 * 250 * 3 / 5}) << "not with every window";
}

// In small what `prewatt verify storage` shows in full: ten years, the warning, no warning.
TEST(VerifyStorage, MemoryLastsTenYearsAndNothingIsLostBeyondTheBudget) {
    const bench::Figures figures = run_storage({.days = 0.15});
    for (const bench::Figure& row : figures.rows)
        if (const auto met = row.met()) {
            EXPECT_TRUE(*met) << row.name << ": " << row.value << " " << row.unit << ", " << row.compared_with;
        }
    const auto has = [&](const char* part) {
        return std::any_of(figures.rows.begin(), figures.rows.end(),
                           [&](const bench::Figure& row) { return row.name.starts_with(part) && row.value > 0; });
    };
    for (const char* part : {"journal: hottest byte", "journal: hottest page", "event log", "captures", "freezes",
                             "load profile", "power-fail warning: EEPROM", "loss without warning"})
        EXPECT_TRUE(has(part)) << part;
}

}  // namespace
}  // namespace prewatt::verify
