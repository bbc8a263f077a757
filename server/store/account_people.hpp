// What stands around accounts, in the tables: residents and where they live, cash drawers by name, price plans, quotas.
#pragma once
#include "server/domain/accounts.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

[[nodiscard]] Answer<std::vector<ResidentRecord>> read_residents(Db& db, HouseholdId household);
[[nodiscard]] Answer<ResidentRecord> add_resident(Db& db, const MoneyOrder& order, const ResidentRecord& resident,
                                                  UnixTime now, Changes& changes);
[[nodiscard]] Answer<ResidentRecord> end_stay(Db& db, const Actor& who, ResidentId resident, UnixTime now,
                                              Changes& changes);
// All who live in `from` live in `to` from now on.
void move_residents(Db& db, HouseholdId from, HouseholdId to, UnixTime now);

[[nodiscard]] Answer<std::vector<DrawerRecord>> read_drawers(Db& db);
[[nodiscard]] Answer<DrawerRecord> add_drawer(Db& db, const Actor& who, const std::string& name, UnixTime now);

// kGiven: a second person has just approved it, it is being carried out.
enum class Consent : std::uint8_t { kToAsk, kGiven };
// Acts of two people (docs/formats/audit.md).
inline constexpr const char* kAddPlan = "price.add_plan";
inline constexpr const char* kSetPriceGroup = "household.price_group";

[[nodiscard]] Answer<std::vector<PlanVersion>> read_plans(Db& db);
[[nodiscard]] Answer<PlanVersion> add_plan(Db& db, const MoneyOrder& order, const PlanVersion& plan, Consent consent,
                                           UnixTime now, Changes& changes);
[[nodiscard]] Answer<Done> set_price_group(Db& db, const Actor& who, HouseholdId household, std::int64_t group,
                                           const std::string& reason, Consent consent, UnixTime now, Changes& changes);
// The newest of each group, group 0 first.
[[nodiscard]] std::vector<QuotaRule> read_quota_rules(Db& db);
[[nodiscard]] Answer<Done> set_quota_rule(Db& db, const Actor& who, const QuotaRule& rule, const std::string& reason,
                                          UnixTime now);

}  // namespace prewatt::server::store
