// The settings that are desired of households and boxes, and what the line says of them. On any connection; the
// changing ones on the writing connection, inside the caller's transaction.
#pragma once
#include "server/domain/campaigns.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

enum class SettingOwner : std::uint8_t { kHousehold = 1, kBox = 2 };

// What is desired of this owner's setting so far; version 0: nothing.
struct DesiredSetting {
    Version version;
    bool failed = false;
    std::vector<Byte> bytes;
};
[[nodiscard]] DesiredSetting find_setting(Db& db, SettingOwner owner, std::int64_t id, SettingName name);
// The version that it got.
std::uint32_t set_setting(Db& db, SettingOwner owner, std::int64_t id, SettingName name, const std::vector<Byte>& bytes,
                          UnixTime now, Changes& changes);
[[nodiscard]] Answer<BoxSettings> read_settings_of_box(Db& db, BoxId box);
[[nodiscard]] Answer<std::vector<SettingState>> read_settings_of_household(Db& db, HouseholdId household);
[[nodiscard]] Answer<Done> record_setting(Db& db, const SettingReport& report, Changes& changes);

}  // namespace prewatt::server::store
