#include "cli/setting_words.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>

namespace prewatt::cli {
namespace {

using settings::SettingId;
using settings::SettingKey;

constexpr SettingId kIds[] = {SettingId::kHouseholdPlan,    SettingId::kLoadLimit,   SettingId::kPermittedAppliance,
                              SettingId::kGeneral,          SettingId::kDayTable,    SettingId::kWeekPlan,
                              SettingId::kMalignantProfile, SettingId::kHolidayPage, SettingId::kPriceSet};

SettingKey key_of(SettingId id) {
    const SettingKey of_box{id, 0, 0};
    return settings::exists(of_box, 39) ? of_box : SettingKey{id, 1, 0};
}
std::vector<Byte> factory(SettingKey key) {
    const auto made = std::make_unique<settings::Settings>();
    std::array<Byte, settings::kSettingBytesMax> bytes{};
    const std::size_t size = settings::encode(*made, key, bytes);
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(SettingWords, FieldsCoverTheBytesOfEverySettingExactly) {
    // A limit is typed, and the delay beside it is changed.
    for (const SettingId id : kIds) {
        std::size_t at = 0;
        for (const SettingField& field : fields_of(id)) {
            EXPECT_EQ(field.offset, at) << field.name;
            at += field.width;
        }
        EXPECT_EQ(at, factory(key_of(id)).size()) << name_of(key_of(id));
    }
}

TEST(SettingWords, WhatIsShownCanBeTypedAgain) {
    // Somebody saves what a meter shows and cannot load it.
    for (const SettingId id : kIds) {
        const SettingKey key = key_of(id);
        const std::vector<Byte> bytes = factory(key);
        std::vector<Byte> typed(bytes.size(), 0xEE);
        for (const SettingField& field : fields_of(id)) {
            const std::string name = name_of(key) + "." + field.name;
            const auto found = find_setting(name, key.household);
            ASSERT_TRUE(found) << found.error();
            EXPECT_EQ(found->key, key);
            const auto put = put_text(*found->field, name, text_of(field, bytes), typed);
            // An unused window has power factor 0, an unused holiday day 0.
            ASSERT_TRUE(put) << put.error();
        }
        EXPECT_EQ(typed, bytes) << name_of(key);
    }
}

TEST(SettingWords, RangesAreThoseOfTheMeter) {
    // The command refuses what the meter takes, or sends what it refuses.
    for (const SettingId id : kIds) {
        const SettingKey key = key_of(id);
        for (const SettingField& field : fields_of(id)) {
            if (field.form == SettingField::Form::kMoment) continue;
            if (id == SettingId::kPermittedAppliance && field.offset != 0) continue;     // of one that is unused
            if (id == SettingId::kPriceSet && field.name.starts_with("step")) continue;  // hang together
            if (id == SettingId::kDayTable && field.name.starts_with("period")) continue;
            if (id == SettingId::kMalignantProfile && field.name.starts_with("window")) continue;
            std::vector<Byte> bytes = factory(key);
            const std::int64_t above = field.high + 1;
            if (above >> (8 * field.width) != 0) continue;
            ByteWriter writer(MutableBytes(bytes).subspan(field.offset));
            writer.put_le(static_cast<std::uint64_t>(above), field.width);
            EXPECT_FALSE(settings::check(key, bytes, 39)) << name_of(key) << "." << field.name << " above its range";
            EXPECT_FALSE(put_text(field, field.name, text_of(field, bytes), bytes)) << field.name;
        }
    }
}

TEST(SettingWords, ARefusalSaysTheRange) {
    // "Wrong value", and the manual is in the office.
    const auto load = find_setting("load.milliamperes", 3);
    ASSERT_TRUE(load);
    std::vector<Byte> bytes = factory(load->key);
    EXPECT_EQ(put_text(*load->field, "load.milliamperes", "499", bytes).error(),
              "load.milliamperes is 0 or 500 to 100000, not '499'");
    EXPECT_TRUE(put_text(*load->field, "load.milliamperes", "0", bytes));
    const auto mode = find_setting("day.2.period.3.mode", 0);
    ASSERT_TRUE(mode);
    EXPECT_EQ(mode->key.index, 1);
    EXPECT_EQ(range_of(*mode->field), "on, off or limited");
    EXPECT_EQ(range_of(*find_setting("general.profile_minutes", 0)->field), "15, 30 or 60");
    EXPECT_EQ(range_of(*find_setting("price.2.pending.rate.1", 0)->field), "0.0000 to 100.0000 yuan/kWh");
    EXPECT_EQ(find_setting("price.2.pending.rate.1", 0)->key.index, 3);
    EXPECT_NE(find_setting("load.milliamperes", 0).error().find("BOX:HOUSEHOLD"), std::string::npos);
    EXPECT_NE(find_setting("load.amperes", 3).error().find("milliamperes"), std::string::npos);
    EXPECT_NE(find_setting("colour", 3).error().find("permitted"), std::string::npos);
}

TEST(SettingWords, ATomlFileHasTheSameNames) {
    // A site's plan is kept in a file, and a wrong line of it is not named.
    const std::string file = ::testing::TempDir() + "settings_words_test.toml";
    std::ofstream(file) << "[week.1]\nmonday = 2\nno_cut_from = \"23:00\"\n[price.1.pending]\nrate.1 = 0.56\n";
    const auto values = flatten_toml(file);
    ASSERT_TRUE(values) << values.error();
    std::map<std::string, std::string> by_name(values->begin(), values->end());
    EXPECT_EQ(by_name["week.1.monday"], "2");
    EXPECT_EQ(by_name["week.1.no_cut_from"], "23:00");
    EXPECT_EQ(by_name["price.1.pending.rate.1"], "0.56");
    std::ofstream(file) << "[week.1]\nmonday == 2\n";
    EXPECT_NE(flatten_toml(file).error().find("line 2"), std::string::npos);
    std::remove(file.c_str());
    EXPECT_FALSE(flatten_toml(file));
}

}  // namespace
}  // namespace prewatt::cli
