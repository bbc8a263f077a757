#include "server/store/desired_settings.hpp"

#include "server/store/estate.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {

DesiredSetting find_setting(Db& db, SettingOwner owner, std::int64_t id, SettingName name) {
    DesiredSetting setting;
    db.query(
        "SELECT version, reached, failed, bytes FROM setting_wishes WHERE owner_kind = $1 AND owner_id = $2 AND "
        "setting_id = $3 AND setting_index = $4",
        {owner, id, name.id, name.index}, [&](const Row& row) {
            setting.version = {row.as<std::uint32_t>(0), row.as<std::uint32_t>(1)};
            setting.failed = row.as<bool>(2);
            setting.bytes = bytes_of_hex(row.text(3)).value_or(std::vector<Byte>{});
        });
    return setting;
}

std::uint32_t set_setting(Db& db, SettingOwner owner, std::int64_t id, SettingName name, const std::vector<Byte>& bytes,
                          UnixTime now, Changes& changes) {
    std::uint32_t version = 0;
    const std::string hex = hex_of(bytes);
    db.query(
        "INSERT INTO setting_wishes (owner_kind, owner_id, setting_id, setting_index, version, bytes, desired_at) "
        "VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT (owner_kind, owner_id, setting_id, setting_index) DO UPDATE "
        "SET version = setting_wishes.version + 1, bytes = excluded.bytes, desired_at = excluded.desired_at, "
        "reached_at = NULL, failed = 0, last_problem = '' RETURNING version",
        {owner, id, name.id, name.index, hex, now}, [&](const Row& row) { version = row.as<std::uint32_t>(0); });
    if (owner == SettingOwner::kBox) {
        changes.push_back({Change::Kind::kSettings, id});
    } else {
        db.query("SELECT box_id FROM households WHERE id = $1 AND box_id IS NOT NULL", {id},
                 [&](const Row& row) { changes.push_back({Change::Kind::kSettings, row.integer(0)}); });
    }
    return version;
}

Answer<BoxSettings> read_settings_of_box(Db& db, BoxId box) {
    BoxSettings settings;
    settings.box = box;
    const auto add = [&](const Row& row) {
        SettingWish& wish = settings.wishes.emplace_back();
        wish.box = box;
        wish.household = row.as<HouseholdId>(0);
        wish.number = row.as<std::uint8_t>(1);
        wish.name = {row.as<std::uint8_t>(2), row.as<std::uint8_t>(3)};
        wish.version = {row.as<std::uint32_t>(4), row.as<std::uint32_t>(5)};
        wish.given_up = row.as<bool>(6);
        wish.bytes = bytes_of_hex(row.text(7)).value_or(std::vector<Byte>{});
    };
    db.query(
        "SELECT 0, 0, setting_id, setting_index, version, reached, failed, bytes FROM setting_wishes WHERE owner_kind "
        "= 2 AND owner_id = $1 ORDER BY setting_id, setting_index",
        {box}, add);
    db.query(
        "SELECT h.id, h.number_in_box, w.setting_id, w.setting_index, w.version, w.reached, w.failed, w.bytes FROM "
        "households h JOIN setting_wishes w ON w.owner_kind = 1 AND w.owner_id = h.id WHERE h.box_id = $1 ORDER BY "
        "h.number_in_box, w.setting_id, w.setting_index",
        {box}, add);
    db.query("SELECT number_in_box, check_sum FROM setting_proofs WHERE box_id = $1", {box},
             [&](const Row& row) { settings.proofs.push_back({row.as<std::uint8_t>(0), row.as<std::uint32_t>(1)}); });
    return checked(db, std::move(settings));
}

Answer<std::vector<SettingState>> read_settings_of_household(Db& db, HouseholdId household) {
    std::vector<SettingState> states;
    db.query(
        "SELECT w.owner_kind, h.number_in_box, w.setting_id, w.setting_index, w.version, w.reached, w.failed, w.bytes, "
        "w.desired_at, w.reached_at, w.last_problem, h.box_id FROM households h JOIN setting_wishes w ON (w.owner_kind "
        "= 1 AND w.owner_id = h.id) OR (w.owner_kind = 2 AND w.owner_id = h.box_id) WHERE h.id = $1 ORDER BY "
        "w.owner_kind, w.setting_id, w.setting_index",
        {household}, [&](const Row& row) {
            SettingState& state = states.emplace_back();
            const bool own = row.as<SettingOwner>(0) == SettingOwner::kHousehold;
            state.wish.household = own ? household : HouseholdId{};
            state.wish.number = own ? row.as<std::uint8_t>(1) : std::uint8_t{0};
            state.wish.name = {row.as<std::uint8_t>(2), row.as<std::uint8_t>(3)};
            state.wish.version = {row.as<std::uint32_t>(4), row.as<std::uint32_t>(5)};
            state.wish.given_up = row.as<bool>(6);
            state.wish.bytes = bytes_of_hex(row.text(7)).value_or(std::vector<Byte>{});
            state.desired_at = row.as<UnixTime>(8);
            state.reached_at = row.as<std::optional<UnixTime>>(9);
            state.last_problem = row.as<std::string>(10);
            state.wish.box = row.as<BoxId>(11);
        });
    return checked(db, std::move(states));
}

Answer<Done> record_setting(Db& db, const SettingReport& report, Changes& changes) {
    const SettingOwner owner = report.household ? SettingOwner::kHousehold : SettingOwner::kBox;
    const std::int64_t id = report.household ? report.household.value : report.box.value;
    switch (report.kind) {
        case SettingReport::Kind::kProved:
            db.execute(
                "UPDATE setting_wishes SET reached = $5, reached_at = $6, failed = 0, last_problem = '' WHERE "
                "owner_kind = $1 AND owner_id = $2 AND setting_id = $3 AND setting_index = $4 AND version = $5",
                {owner, id, report.name.id, report.name.index, report.version, report.at});
            break;
        case SettingReport::Kind::kRefused:
            db.execute(
                "UPDATE setting_wishes SET last_problem = $6, failed = CASE WHEN $7 <> 0 THEN 1 ELSE failed END, "
                "reached = CASE WHEN $7 <> 0 THEN version ELSE reached END WHERE owner_kind = $1 AND owner_id = $2 AND "
                "setting_id = $3 AND setting_index = $4 AND version = $5",
                {owner, id, report.name.id, report.name.index, report.version, report.problem, report.for_good});
            break;
        case SettingReport::Kind::kDrifted: {
            const DesiredSetting desired = find_setting(db, owner, id, report.name);
            const std::string found = hex_of(report.found);
            const std::string wanted = hex_of(desired.bytes);
            db.execute(
                "INSERT INTO setting_drifts (at, owner_kind, owner_id, setting_id, setting_index, found, desired) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                {report.at, owner, id, report.name.id, report.name.index, found, wanted});
            WorkItem item;
            item.kind = "setting_changed_at_meter";
            item.household = report.household;
            item.box = report.box;
            item.at = report.at;
            item.subject = "setting " + std::to_string(report.name.id) + " " + std::to_string(report.name.index);
            item.figures = item.subject + ": meter " + found + ", office " + wanted;
            item.explanation =
                "The meter had shown this setting as the office desires it, and shows another value: it was changed at "
                "the meter. It is driven back.";
            item.proposals = {"Nothing is needed when it was a mistake: it is driven back.",
                              "Desire the other value in the office when it was meant."};
            raise_work_item(db, item);
            break;
        }
        case SettingReport::Kind::kSum:
            db.execute(
                "INSERT INTO setting_proofs (box_id, number_in_box, check_sum, proved_at) VALUES ($1, $2, $3, $4) ON "
                "CONFLICT (box_id, number_in_box) DO UPDATE SET check_sum = excluded.check_sum, proved_at = "
                "excluded.proved_at",
                {report.box, report.number, report.sum, report.at});
            break;
    }
    if (report.household) changes.push_back({Change::Kind::kHousehold, report.household.value});
    return Done{};
}

}  // namespace prewatt::server::store
