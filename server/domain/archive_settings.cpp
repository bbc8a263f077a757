#include "server/domain/archive_settings.hpp"

namespace prewatt::server {
namespace {

constexpr int kDaysMax = 36'500;
constexpr std::int64_t kFloorMin = 1 << 20;

}  // namespace

std::optional<std::int64_t> archive_setting(const ArchiveSettings& settings, std::string_view name) {
    const RetentionRules& kept = settings.retention;
    if (name == "raw_days") return kept.raw_days;
    if (name == "hour_days") return kept.hour_days;
    if (name == "day_days") return kept.day_days;
    if (name == "close_day") return settings.closing.day;
    if (name == "close_hour") return settings.closing.hour;
    if (name == "short_bytes") return kept.short_bytes;
    if (name == "floor_bytes") return kept.floor_bytes;
    return std::nullopt;
}

bool set_archive_setting(ArchiveSettings& settings, std::string_view name, std::int64_t value) {
    RetentionRules& kept = settings.retention;
    // What does not fit is out of range for check_archive_settings.
    const int small = value < -1 || value > kDaysMax ? -1 : static_cast<int>(value);
    if (name == "raw_days")
        kept.raw_days = small;
    else if (name == "hour_days")
        kept.hour_days = small;
    else if (name == "day_days")
        kept.day_days = small;
    else if (name == "close_day")
        settings.closing.day = small;
    else if (name == "close_hour")
        settings.closing.hour = small;
    else if (name == "short_bytes")
        kept.short_bytes = value;
    else if (name == "floor_bytes")
        kept.floor_bytes = value;
    else
        return false;
    return true;
}

std::optional<Refusal> check_archive_settings(const ArchiveSettings& settings) {
    const auto refuse = [](const char* message) { return Refusal{Reason::kBadArgument, message, 0}; };
    const RetentionRules& kept = settings.retention;
    if (kept.raw_days < kRawDaysMin || kept.hour_days < kept.raw_days || kept.day_days < kept.hour_days ||
        kept.day_days > kDaysMax)
        return refuse(
            "Readings are kept 2 days to 100 years, by hour at least as long as all of them, by day at least as long "
            "as by hour; nothing was changed.");
    if (settings.closing.day < 1 || settings.closing.day > 28 || settings.closing.hour < 0 ||
        settings.closing.hour > 23)
        return refuse("A month is closed on day 1 to 28 at hour 0 to 23; nothing was changed.");
    if (kept.floor_bytes < kFloorMin || kept.short_bytes < kept.floor_bytes)
        return refuse("floor_bytes is at least 1 MiB, and short_bytes not below it; nothing was changed.");
    return std::nullopt;
}

}  // namespace prewatt::server
