#include "settings/settings.hpp"

#include <gtest/gtest.h>

namespace prewatt::settings {
namespace {

constexpr int kAll = kHouseholdsMax;

// An office that reads a meter's settings and writes them to its successor must end with the same settings.
TEST(Settings, EverySettingComesBackFromItsBytes) {
    Settings from;
    from.households[6].load.milliamperes = 10'000;
    from.households[6].plan.week_plan = 4;
    from.households[38].permitted[3] = {20'000, 5, 30, 800'000'000};
    from.households[6].hoarding.hundredths = 50'000;
    from.malignant[3].windows[5] = {500, 1500, 995, MalignantAction::kAlarm};
    from.days[7] = {2, {Period{360, 2, SupplyMode::kOn}, Period{1380, 1, SupplyMode::kLimited}}};
    from.weeks[0].no_cut_from = 22 * 60;
    from.holidays[3].days[11] = {26, 10, 1, 3};
    from.prices[1] = {850'000'000, {5000, 6000, 7000, 8000}, 3, {18'000, 26'000}, {0, 500, 3000}};
    Settings to;
    int count = 0;
    for (auto key = next({}, kAll); key; key = next(*key, kAll), ++count) {
        std::array<Byte, kSettingBytesMax> bytes;
        const std::size_t size = encode(from, *key, bytes);
        ASSERT_GT(size, 0u) << int(key->id);
        ASSERT_TRUE(decode(to, *key, {bytes.data(), size}, kAll)) << int(key->id);
        ASSERT_FALSE(decode(to, *key, {bytes.data(), size - 1}, kAll)) << "a byte short must not pass";
    }
    EXPECT_EQ(count, 39 * 7 + 1 + 4 + 8 + 4 + 4 + 4);
    EXPECT_EQ(to, from);
    EXPECT_EQ(checksum(to, 7), checksum(from, 7));
    EXPECT_NE(checksum(Settings{}, 7), checksum(from, 7));
    EXPECT_NE(checksum(Settings{}, 0), checksum(from, 0));
}

// A table with a hole or a limit of 5 mA would darken rooms at random hours.
TEST(Settings, IllegalValuesAreRefusedAndChangeNothing) {
    Settings settings;
    const auto refuses = [&](SettingKey key, auto change) {
        Settings bad;
        change(bad);
        std::array<Byte, kSettingBytesMax> bytes;
        const std::size_t size = encode(bad, key, bytes);
        const auto done = decode(settings, key, {bytes.data(), size}, kAll);
        EXPECT_FALSE(done);
        if (!done) {
            EXPECT_EQ(done.error(), SettingError::kRange);
        }
    };
    refuses({SettingId::kLoadLimit, 1, 0}, [](Settings& s) { s.households[0].load.milliamperes = 5; });
    refuses({SettingId::kLoadLimit, 1, 0}, [](Settings& s) { s.households[0].load.cuts_max = 0; });
    refuses({SettingId::kHoardingLimit, 1, 0}, [](Settings& s) { s.households[0].hoarding.hundredths = 10'000'000; });
    refuses({SettingId::kDayTable, 0, 0}, [](Settings& s) { s.days[0] = {2, {Period{60}, Period{60}}}; });
    refuses({SettingId::kDayTable, 0, 0}, [](Settings& s) { s.days[0].periods[0].rate = 5; });
    refuses({SettingId::kWeekPlan, 0, 1}, [](Settings& s) { s.weeks[1].tables[6] = 9; });
    refuses({SettingId::kHolidayPage, 0, 0}, [](Settings& s) { s.holidays[0].days[0] = {26, 2, 29, 1}; });
    refuses({SettingId::kPriceSet, 0, 0}, [](Settings& s) { s.prices[0].steps = 7; });
    refuses({SettingId::kPriceSet, 0, 0}, [](Settings& s) {
        s.prices[0].steps = 3;
        s.prices[0].step_limits = {200, 100};
    });
    refuses({SettingId::kMalignantProfile, 0, 0}, [](Settings& s) { s.malignant[0].windows[0].to_watts = 100; });
    refuses({SettingId::kGeneral, 0, 0}, [](Settings& s) { s.general.refresh_minutes_max = 16; });
    EXPECT_EQ(settings, Settings{});
}

TEST(Settings, HoardingLimitThatIsNotSetLeavesTheSumAsItWas) {
    // The office is brought up to date before the meters, sees a wrong sum in each of ten thousand, and writes for
    // days.
    Settings settings;
    EXPECT_EQ(checksum(settings, 7), 0x2EEA5FB7u) << "as before there was a hoarding limit";
    settings.households[6].hoarding.hundredths = 1;
    EXPECT_NE(checksum(settings, 7), checksum(Settings{}, 7));
    EXPECT_EQ(checksum(settings, 8), checksum(Settings{}, 8));
}

TEST(Settings, KeysThatDoNotExistAreRefused) {
    Settings settings;
    std::array<Byte, kSettingBytesMax> bytes{};
    for (const SettingKey key : {SettingKey{SettingId::kLoadLimit, 0, 0}, SettingKey{SettingId::kLoadLimit, 19, 0},
                                 SettingKey{SettingId::kGeneral, 1, 0}, SettingKey{SettingId::kDayTable, 0, 8},
                                 SettingKey{static_cast<SettingId>(0x7F), 0, 0}}) {
        const auto done = decode(settings, key, bytes, 18);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error(), SettingError::kUnknown);
    }
}

TEST(Settings, BytesThatWouldBeReadBackOtherwiseAreRefused) {
    // The office writes a flag as 2, the meter shows 1, and the two never agree again.
    Settings settings;
    const SettingKey key{SettingId::kMalignantProfile, 0, 0};
    std::array<Byte, kSettingBytesMax> bytes{};
    const std::size_t size = encode(settings, key, bytes);
    ASSERT_EQ(bytes[size - 2], 1) << "backs off";
    bytes[size - 2] = 2;
    EXPECT_FALSE(check(key, {bytes.data(), size}, 39));
    bytes[size - 2] = 0;
    EXPECT_TRUE(check(key, {bytes.data(), size}, 39));
}

}  // namespace
}  // namespace prewatt::settings
