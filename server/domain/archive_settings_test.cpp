#include "server/domain/archive_settings.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

TEST(ArchiveSetting, EveryNameIsSetAndReadBackAndNothingElse) {
    // "raw_days" that sets the days of the hours throws a year of readings away.
    std::int64_t value = 10;
    ArchiveSettings settings;
    for (const ArchiveSettingName& setting : kArchiveSettings) {
        ASSERT_TRUE(set_archive_setting(settings, setting.name, ++value)) << setting.name;
        EXPECT_EQ(archive_setting(settings, setting.name), value);
    }
    value = 10;
    for (const ArchiveSettingName& setting : kArchiveSettings)
        EXPECT_EQ(archive_setting(settings, setting.name), ++value) << "another name has changed " << setting.name;
    EXPECT_FALSE(set_archive_setting(settings, "days", 1));
    EXPECT_FALSE(archive_setting(settings, "closed_until"));
}

TEST(ArchiveSetting, WhatWouldLoseReadingsOrNeverCloseIsRefused) {
    // A nought too few, and the hours are gone before the month is closed.
    EXPECT_FALSE(check_archive_settings({}));
    for (const auto& [name, value] :
         {std::pair{"raw_days", 1}, std::pair{"raw_days", 401}, std::pair{"hour_days", 34}, std::pair{"day_days", 399},
          std::pair{"day_days", 36'501}, std::pair{"close_day", 0}, std::pair{"close_day", 29},
          std::pair{"close_hour", 24}, std::pair{"close_hour", -1}, std::pair{"floor_bytes", 0},
          std::pair{"short_bytes", 1 << 20}}) {
        ArchiveSettings settings;
        ASSERT_TRUE(set_archive_setting(settings, name, value));
        EXPECT_TRUE(check_archive_settings(settings)) << name << " " << value;
    }
    ArchiveSettings settings;
    ASSERT_TRUE(set_archive_setting(settings, "close_day", 28));
    ASSERT_TRUE(set_archive_setting(settings, "close_hour", 23));
    ASSERT_TRUE(set_archive_setting(settings, "raw_days", 2));
    EXPECT_FALSE(check_archive_settings(settings));
    ASSERT_TRUE(set_archive_setting(settings, "raw_days", INT64_C(1) << 40));
    EXPECT_TRUE(check_archive_settings(settings)) << "it does not fit, and must not become something that does";
}

}  // namespace
}  // namespace prewatt::server
