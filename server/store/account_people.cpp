#include "server/store/account_people.hpp"

#include <algorithm>

#include "server/domain/orders.hpp"
#include "server/domain/refuse.hpp"
#include "server/store/approvals.hpp"
#include "server/store/audit.hpp"
#include "server/store/estate.hpp"
#include "server/store/movements.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_RESIDENT_SELECT                                                                                 \
    "SELECT r.id, t.household_id, r.name, r.phone, t.from_at, t.to_at FROM stays t JOIN residents r ON r.id = " \
    "t.resident_id "

ResidentRecord resident_of(const Row& row) {
    return {row.as<ResidentId>(0),  row.as<HouseholdId>(1), row.as<std::string>(2),
            row.as<std::string>(3), row.as<UnixTime>(4),    row.as<std::optional<UnixTime>>(5)};
}
std::optional<ResidentRecord> last_stay(Db& db, ResidentId resident) {
    std::optional<ResidentRecord> found;
    db.query(PREWATT_RESIDENT_SELECT "WHERE r.id = $1 ORDER BY t.id DESC LIMIT 1", {resident},
             [&](const Row& row) { found = resident_of(row); });
    return found;
}
bool has_household(Db& db, HouseholdId household) {
    return db.query("SELECT id FROM households WHERE id = $1", {household}, [](const Row&) {}) > 0;
}

PlanVersion version_of(const Row& row) {
    PlanVersion version;
    version.id = row.as<PlanId>(0);
    version.name = row.as<std::string>(1);
    version.group = row.integer(2);
    version.valid_from = row.as<UnixTime>(3);
    version.plan = plan_of(row.text(4)).value_or(PricePlan{});
    version.operator_name = row.as<std::string>(5);
    version.created_at = row.as<UnixTime>(6);
    return version;
}
#define PREWATT_PLAN_SELECT \
    "SELECT id, name, price_group, valid_from, content, operator_name, created_at FROM price_plans "

}  // namespace

Answer<std::vector<ResidentRecord>> read_residents(Db& db, HouseholdId household) {
    std::vector<ResidentRecord> residents;
    db.query(PREWATT_RESIDENT_SELECT "WHERE t.household_id = $1 ORDER BY t.id", {household},
             [&](const Row& row) { residents.push_back(resident_of(row)); });
    return checked(db, std::move(residents));
}

Answer<ResidentRecord> add_resident(Db& db, const MoneyOrder& order, const ResidentRecord& resident, UnixTime now,
                                    Changes& changes) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(std::move(*bad));
    ResidentId known;
    db.query("SELECT id FROM residents WHERE order_id = $1", {order.order_id},
             [&](const Row& row) { known = row.as<ResidentId>(0); });
    if (known) {
        auto before = last_stay(db, known);
        if (before && before->household == resident.household && before->name == resident.name &&
            before->phone == resident.phone)
            return std::move(*before);
        return refuse(Reason::kOrderIdReused, "This order id was used for another resident; nothing was done.");
    }
    if (!has_household(db, resident.household))
        return refuse(Reason::kNotFound, "There is no such household; nothing was done.");
    if (resident.name.empty() || resident.name.size() > 100 || resident.phone.size() > 40)
        return refuse(Reason::kBadArgument, "A resident has a name of 1 to 100 bytes and a phone number of up to 40.");
    ResidentRecord record = resident;
    record.from = now;
    record.to.reset();
    db.query("INSERT INTO residents (order_id, name, phone) VALUES ($1, $2, $3) RETURNING id",
             {order.order_id, record.name, record.phone}, [&](const Row& row) { record.id = row.as<ResidentId>(0); });
    db.execute("INSERT INTO stays (resident_id, household_id, from_at) VALUES ($1, $2, $3)",
               {record.id, record.household, now});
    append_audit(db, order.who,
                 {"resident.add", "household " + std::to_string(record.household.value), "",
                  "resident " + std::to_string(record.id.value) + " " + record.name},
                 order.reason, now);
    changes.push_back({Change::Kind::kHousehold, record.household.value});
    return record;
}

Answer<ResidentRecord> end_stay(Db& db, const Actor& who, ResidentId resident, UnixTime now, Changes& changes) {
    auto record = last_stay(db, resident);
    if (!record) return refuse(Reason::kNotFound, "There is no such resident; nothing was done.");
    if (record->to) return std::move(*record);
    db.execute("UPDATE stays SET to_at = $2 WHERE resident_id = $1 AND to_at IS NULL", {resident, now});
    record->to = now;
    append_audit(db, who,
                 {"resident.end_stay", "household " + std::to_string(record->household.value),
                  "resident " + std::to_string(resident.value) + " " + record->name},
                 "", now);
    changes.push_back({Change::Kind::kHousehold, record->household.value});
    return std::move(*record);
}

void move_residents(Db& db, HouseholdId from, HouseholdId to, UnixTime now) {
    db.execute(
        "INSERT INTO stays (resident_id, household_id, from_at) SELECT resident_id, $2, $3 FROM stays WHERE "
        "household_id = $1 AND to_at IS NULL",
        {from, to, now});
    db.execute("UPDATE stays SET to_at = $2 WHERE household_id = $1 AND to_at IS NULL", {from, now});
}

Answer<std::vector<DrawerRecord>> read_drawers(Db& db) {
    std::vector<DrawerRecord> drawers;
    db.query("SELECT id, name, is_open, operator_name FROM drawers ORDER BY id", {}, [&](const Row& row) {
        DrawerRecord& drawer = drawers.emplace_back();
        drawer.id = row.as<DrawerId>(0);
        drawer.name = row.as<std::string>(1);
        drawer.open = row.as<bool>(2);
        drawer.operator_name = row.as<std::string>(3);
    });
    for (DrawerRecord& drawer : drawers)
        drawer.expected = drawer_holds(db, drawer.id);
    return checked(db, std::move(drawers));
}

Answer<DrawerRecord> add_drawer(Db& db, const Actor& who, const std::string& name, UnixTime now) {
    if (name.empty() || name.size() > 100)
        return refuse(Reason::kBadArgument, "A cash drawer has a name of 1 to 100 bytes.", 100);
    if (db.query("SELECT id FROM drawers WHERE name = $1", {name}, [](const Row&) {}) > 0)
        return refuse(Reason::kNameTaken, "There is a cash drawer of this name already.");
    DrawerRecord drawer;
    drawer.name = name;
    db.query("INSERT INTO drawers (name) VALUES ($1) RETURNING id", {name},
             [&](const Row& row) { drawer.id = row.as<DrawerId>(0); });
    append_audit(db, who, {"drawer.add", "drawer " + std::to_string(drawer.id.value), "", name}, "", now);
    return drawer;
}

Answer<std::vector<PlanVersion>> read_plans(Db& db) {
    std::vector<PlanVersion> plans;
    db.query(PREWATT_PLAN_SELECT "ORDER BY price_group, valid_from DESC, id DESC", {},
             [&](const Row& row) { plans.push_back(version_of(row)); });
    return checked(db, std::move(plans));
}

Answer<PlanVersion> add_plan(Db& db, const MoneyOrder& order, const PlanVersion& plan, Consent consent, UnixTime now,
                             Changes& changes) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(std::move(*bad));
    const std::string content = text_of(plan.plan);
    const std::string name = journal_text(plan.name);  // as the act of two people keeps it
    std::optional<PlanVersion> known;
    db.query(PREWATT_PLAN_SELECT "WHERE order_id = $1", {order.order_id},
             [&](const Row& row) { known = version_of(row); });
    if (known) {
        if (known->name == name && known->group == plan.group && known->valid_from == plan.valid_from &&
            text_of(known->plan) == content)
            return std::move(*known);
        return refuse(Reason::kOrderIdReused, "This order id was used for another price plan; nothing was changed.");
    }
    if (auto bad = check_plan(plan.plan)) return std::unexpected(std::move(*bad));
    if (plan.name.empty() || plan.name.size() > 100 || plan.group < 0)
        return refuse(Reason::kBadArgument, "A price plan has a name of 1 to 100 bytes and a group from 0 upwards.");
    // What was sold before cannot come to be sold under another plan afterwards.
    if (plan.valid_from < now)
        return refuse(Reason::kBadArgument, "A price plan holds from now on or later; nothing was changed.", now.ms);
    if (consent == Consent::kToAsk) {
        const std::string group = std::to_string(plan.group);
        const std::string from = std::to_string(plan.valid_from.ms);
        const std::string wanted = "plan " + group + " " + from + " " + content + " " + name;
        if (auto taken = check_waiting_orders(db, order.order_id, wanted, now)) return std::unexpected(*taken);
        const Act act{ActKind::kPrice,
                      kAddPlan,
                      "price group " + group,
                      act_content(kAddPlan, {{"order_id", order.order_id},
                                             {"order", wanted},
                                             {"name", name},
                                             {"group", group},
                                             {"valid_from", from},
                                             {"plan", content}}),
                      {},
                      1};
        if (auto waits = wait_for_second_person(db, act, order.who, order.reason, now)) return std::unexpected(*waits);
    }
    PlanVersion kept = plan;
    kept.name = name;
    kept.operator_name = order.who.user;
    kept.created_at = now;
    db.query(
        "INSERT INTO price_plans (order_id, name, price_group, valid_from, content, operator_name, created_at) VALUES "
        "($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        {order.order_id, name, plan.group, plan.valid_from, content, kept.operator_name, now},
        [&](const Row& row) { kept.id = row.as<PlanId>(0); });
    append_audit(db, order.who,
                 {kAddPlan, "price plan " + std::to_string(kept.id.value), "",
                  name + ": " + content + ", group " + std::to_string(plan.group) + ", from " +
                      std::to_string(plan.valid_from.ms)},
                 order.reason, now);
    changes.push_back({Change::Kind::kSite, 1});
    return kept;
}

Answer<Done> set_price_group(Db& db, const Actor& who, HouseholdId household, std::int64_t group,
                             const std::string& reason, Consent consent, UnixTime now, Changes& changes) {
    if (group < 0) return refuse(Reason::kBadArgument, "Price groups are numbered from 0 upwards.");
    std::int64_t before = -1;
    db.query("SELECT price_group FROM households WHERE id = $1", {household},
             [&](const Row& row) { before = row.integer(0); });
    if (before < 0) return refuse(Reason::kNotFound, "There is no such household; nothing was changed.");
    if (before == group) return Done{};
    if (consent == Consent::kToAsk) {
        const std::string number = std::to_string(household.value);
        const Act act{ActKind::kPrice,
                      kSetPriceGroup,
                      "household " + number,
                      act_content(kSetPriceGroup, {{"household", number}, {"group", std::to_string(group)}}),
                      {},
                      1};
        if (auto waits = wait_for_second_person(db, act, who, reason, now)) return std::unexpected(*waits);
    }
    db.execute("UPDATE households SET price_group = $2 WHERE id = $1", {household, group});
    append_audit(
        db, who,
        {kSetPriceGroup, "household " + std::to_string(household.value), std::to_string(before), std::to_string(group)},
        reason, now);
    changes.push_back({Change::Kind::kHousehold, household.value});
    return Done{};
}

std::vector<QuotaRule> read_quota_rules(Db& db) {
    std::vector<QuotaRule> rules;
    db.query(
        "SELECT price_group, per, quota_ckwh, quota_fen FROM quota_rules WHERE id IN (SELECT MAX(id) FROM quota_rules "
        "GROUP BY price_group) ORDER BY price_group",
        {}, [&](const Row& row) {
            rules.push_back({row.integer(0), row.as<QuotaPer>(1), row.as<Credit>(2), row.as<Credit>(3)});
        });
    return rules;
}

Answer<Done> set_quota_rule(Db& db, const Actor& who, const QuotaRule& rule, const std::string& reason, UnixTime now) {
    const Credit most = credit_of_hundredths(10'000'000);
    if (rule.group < 0 || rule.quota < Credit{0} || rule.quota > most || rule.quota_money < Credit{0} ||
        rule.quota_money > most)
        return refuse(Reason::kBadArgument, "A quota is 0 to 100,000.00 kWh or yuan; nothing was changed.", 10'000'000);
    bool is_so = false;
    db.query(
        "SELECT per, quota_ckwh, quota_fen FROM quota_rules WHERE id = (SELECT MAX(id) FROM quota_rules WHERE "
        "price_group = $1)",
        {rule.group}, [&](const Row& row) {
            is_so = row.as<QuotaPer>(0) == rule.per && row.as<Credit>(1) == rule.quota &&
                    row.as<Credit>(2) == rule.quota_money;
        });
    if (is_so) return Done{};
    db.execute(
        "INSERT INTO quota_rules (price_group, per, quota_ckwh, quota_fen, at, operator_name) VALUES ($1, $2, $3, $4, "
        "$5, $6)",
        {rule.group, rule.per, rule.quota, rule.quota_money, now, who.user});
    append_audit(db, who,
                 {"quota.rule", "price group " + std::to_string(rule.group), "",
                  std::to_string(in_hundredths(rule.quota, Round::kDown)) + " ckwh or " +
                      std::to_string(in_hundredths(rule.quota_money, Round::kDown)) + " fen per " +
                      (rule.per == QuotaPer::kRoom ? "room" : "resident")},
                 reason, now);
    return Done{};
}

}  // namespace prewatt::server::store
