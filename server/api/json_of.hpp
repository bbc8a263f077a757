// The office's records as docs/formats/rest.md writes them: integers with their unit in the name, null where nothing is
// known.
#pragma once
#include <nlohmann/json.hpp>

#include "server/api/field.hpp"
#include "server/domain/box_number.hpp"
#include "server/domain/campaigns.hpp"
#include "server/domain/reconcile.hpp"
#include "server/domain/types.hpp"
#include "server/domain/warrants.hpp"

namespace prewatt::server::api {

[[nodiscard]] std::string_view word(Hold hold);

[[nodiscard]] nlohmann::json holds_of(HoldSet holds);
[[nodiscard]] nlohmann::json json_of(const HouseholdRecord& household);
[[nodiscard]] nlohmann::json json_of(const SaleRecord& sale);
[[nodiscard]] nlohmann::json json_of(const LedgerEntry& entry);
[[nodiscard]] nlohmann::json json_of(const Reading& reading);
[[nodiscard]] nlohmann::json json_of(const JobRecord& job);
[[nodiscard]] nlohmann::json json_of(const BoxRecord& box);
[[nodiscard]] nlohmann::json json_of(const LineStatus& line);
// How each of its boxes answers.
[[nodiscard]] nlohmann::json quality_of(const LineStatus& line);
[[nodiscard]] nlohmann::json json_of(const TicketQuestion& question);
[[nodiscard]] nlohmann::json json_of(const LiveValues& live);
[[nodiscard]] nlohmann::json json_of(const CampaignRecord& campaign);
[[nodiscard]] nlohmann::json json_of(const CampaignPreview& preview);
[[nodiscard]] nlohmann::json json_of(const SettingState& setting);
[[nodiscard]] nlohmann::json json_of(const WarrantRecord& warrant);
[[nodiscard]] nlohmann::json json_of(const UserRecord& user);
[[nodiscard]] nlohmann::json json_of(const SiteRecord& site, const std::vector<LineStatus>& lines);
// Every window of the box, bound or not.
[[nodiscard]] nlohmann::json wall_of(const BoxRecord& box, const std::vector<HouseholdRecord>& households);

}  // namespace prewatt::server::api
