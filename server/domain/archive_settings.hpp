// What an administrator sets about readings that are kept and months that are closed. Pure.
#pragma once
#include <string_view>

#include "server/domain/closing.hpp"
#include "server/domain/retention.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server {

struct ArchiveSettings {
    RetentionRules retention;
    ClosingHour closing;
    friend constexpr bool operator==(const ArchiveSettings&, const ArchiveSettings&) = default;
};

// A setting by its name in the table archive_state: "raw_days", "close_hour" ...
struct ArchiveSettingName {
    std::string_view name;
    std::string_view words;  // for people
};
inline constexpr ArchiveSettingName kArchiveSettings[] = {
    {"raw_days", "every reading is kept for so many days"},
    {"hour_days", "the readings by hour"},
    {"day_days", "the readings by day; months stay for ever"},
    {"close_day", "a month is closed on this day of the next one"},
    {"close_hour", "and at this hour, as the meters freeze it"},
    {"short_bytes", "readings go earlier when less room is free"},
    {"floor_bytes", "no reading is taken when less room is free"},
};
// Nothing: there is no such setting.
[[nodiscard]] std::optional<std::int64_t> archive_setting(const ArchiveSettings& settings, std::string_view name);
[[nodiscard]] bool set_archive_setting(ArchiveSettings& settings, std::string_view name, std::int64_t value);
// kBadArgument, when they cannot hold together: finer readings stay no longer than coarser ones (2 days to 100 years),
// day 1 to 28, hour 0 to 23, floor_bytes at least 1 MiB and not above short_bytes.
[[nodiscard]] std::optional<Refusal> check_archive_settings(const ArchiveSettings& settings);

}  // namespace prewatt::server
