#include "server/store/campaigns.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "server/domain/orders.hpp"
#include "server/store/approvals.hpp"
#include "server/store/audit.hpp"
#include "server/store/desired.hpp"
#include "server/store/desired_settings.hpp"
#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStart = "campaign.start";
constexpr std::size_t kCampaignOrderIdMax = 48;  // the day of a daily one and the member's try are appended
constexpr std::int64_t kDay_ms = 86'400'000;

// Of a campaign from before step 7 that one person may not start and nobody has approved.
constexpr const char* kAnew =
    "It was ordered before the office kept whom a campaign reaches, and what it reaches now needs two people. Cancel "
    "it and order it anew.";
// Of one that is paused: whether two people are needed is decided when it goes on.
constexpr const char* kOld =
    "It was ordered before the office kept whom a campaign reaches. Resume it to keep whom it selects now; if that "
    "needs two people, cancel it and order it anew.";

enum class Reached : std::uint8_t { kToOrder = 0, kOrdered = 1, kAlready = 2, kCannot = 3 };

#define PREWATT_CAMPAIGN_SELECT                                                                                \
    "SELECT id, order_id, selection, wish, state, start_at, daily, window_from, window_to, expanded_to, "      \
    "expanded, COALESCE(parent_id, 0), created_at, started_at, ended_at, operator_name, approved_by, reason, " \
    "COALESCE(members_group, 0), settled_to FROM campaigns "
struct CampaignRow {
    CampaignRecord record;
    std::int64_t expanded_to = 0;
    GroupId members;              // whom it reaches; 0: begun before step 7, whoever is selected
    std::int64_t settled_to = 0;  // members up to this one no longer wait
};
Selection reached_by(const CampaignRow& row) {
    if (!row.members) return row.record.order.selection;
    return {Selection::Kind::kGroup, row.members.value, 0, {}};
}
CampaignRow campaign_of(const Row& row) {
    CampaignRow out;
    CampaignRecord& c = out.record;
    c.id = row.as<CampaignId>(0);
    c.order.order_id = row.as<std::string>(1);
    c.order.selection = selection_of(row.text(2)).value_or(Selection{Selection::Kind::kGroup, 0, 0, {}});
    c.order.wish = wish_of(row.text(3)).value_or(Wish{});
    c.state = row.as<CampaignState>(4);
    c.order.schedule = {row.as<UnixTime>(5), row.as<bool>(6), row.as<int>(7), row.as<int>(8)};
    out.expanded_to = row.integer(9);
    c.expanded = row.as<bool>(10);
    c.parent = row.as<CampaignId>(11);
    c.created_at = row.as<UnixTime>(12);
    c.started_at = row.as<std::optional<UnixTime>>(13);
    c.ended_at = row.as<std::optional<UnixTime>>(14);
    c.operator_name = row.as<std::string>(15);
    c.order.approved_by = row.as<std::string>(16);
    c.order.reason = row.as<std::string>(17);
    out.members = row.as<GroupId>(18);
    out.settled_to = row.integer(19);
    if (!out.members && c.state == CampaignState::kPaused) c.problem = kOld;
    return out;
}
std::optional<CampaignRow> find_campaign(Db& db, CampaignId id) {
    std::optional<CampaignRow> found;
    db.query(PREWATT_CAMPAIGN_SELECT "WHERE id = $1", {id}, [&](const Row& row) { found = campaign_of(row); });
    return found;
}

// One household or box that a campaign reaches, and why it may be out of reach.
struct Member {
    std::int64_t id = 0;
    std::string name;
    bool has_meter = false;
    bool closed = false;
};
#define PREWATT_SELECTED                                                                                          \
    "($2 = 1 OR ($2 = 2 AND r.building_id = $3) OR ($2 = 3 AND r.building_id = $3 AND r.floor = $4) OR ($2 = "    \
    "4 AND x.line_id = $3) OR ($2 = 5 AND h.box_id = $3) OR ($2 = 6 AND EXISTS (SELECT 1 FROM "                   \
    "household_group_members g WHERE g.group_id = $3 AND g.household_id = h.id)) OR ($2 = 8 AND h.price_group = " \
    "$3)) "
std::vector<Member> members_after(Db& db, const Selection& selection, bool of_box, std::int64_t after, int limit) {
    std::vector<Member> members;
    if (of_box)
        db.query(
            "SELECT x.id, x.number FROM boxes x WHERE x.id > $1 AND EXISTS (SELECT 1 FROM households h JOIN rooms r ON "
            "r.id = h.room_id WHERE h.box_id = x.id AND " PREWATT_SELECTED ") ORDER BY x.id LIMIT $5",
            {after, selection.kind, selection.id, selection.floor, limit},
            [&](const Row& row) { members.push_back({row.integer(0), std::to_string(row.integer(1)), true, false}); });
    else
        db.query(
            "SELECT h.id, r.label, h.box_id, h.closed FROM households h JOIN rooms r ON r.id = h.room_id LEFT JOIN "
            "boxes x ON x.id = h.box_id WHERE h.id > $1 AND " PREWATT_SELECTED "ORDER BY h.id LIMIT $5",
            {after, selection.kind, selection.id, selection.floor, limit}, [&](const Row& row) {
                members.push_back({row.integer(0), row.as<std::string>(1), !row.is_null(2), row.as<bool>(3)});
            });
    return members;
}

std::string relay_word(bool off) {
    return off ? "relay off" : "relay on";
}
std::string alarms_text(const AlarmLevels& levels) {
    Wish wish;
    wish.kind = WishKind::kAlarms;
    wish.alarms = levels;
    return text_of(wish);
}

// A version may be settled because the meter refused it for good: then it is not so.
bool was_refused(Db& db, std::int64_t household, Part part, Version version) {
    bool refused = false;
    db.query("SELECT id FROM jobs WHERE household_id = $1 AND part = $2 AND version = $3 AND state = 4",
             {household, part, version.desired}, [&](const Row&) { refused = true; });
    return refused;
}

// What is desired of a member now, beside the wish.
struct Standing {
    bool already = false;
    std::string from;
    std::string to;
    std::string cannot;
};
Standing standing_of(Db& db, const Wish& wish, const Member& member) {
    Standing standing;
    standing.to = text_of(wish);
    if (!member.has_meter) standing.cannot = "it has no meter";
    if (member.closed) standing.cannot = "its account is closed";
    if (is_of_box(wish) || wish.kind == WishKind::kSetting) {
        if (wish.kind == WishKind::kClock) return standing;
        const DesiredSetting now =
            find_setting(db, is_of_box(wish) ? SettingOwner::kBox : SettingOwner::kHousehold, member.id, wish.setting);
        standing.from = now.version.desired == 0 ? "not desired so far" : "setting " + hex_of(now.bytes);
        standing.to = "setting " + hex_of(wish.bytes);
        standing.already = now.version.desired != 0 && now.bytes == wish.bytes && !now.version.open() && !now.failed;
        return standing;
    }
    const auto desired = read_desired(db, HouseholdId{member.id});
    if (!desired) {
        if (standing.cannot.empty()) standing.cannot = desired.error().message;
        return standing;
    }
    switch (wish.kind) {
        case WishKind::kRemoteOff:
        case WishKind::kRemoteOn: {
            const bool off = wish.kind == WishKind::kRemoteOff;
            standing.from = relay_word(desired->remote_off);
            standing.to = relay_word(off);
            standing.already = desired->remote_off == off && !desired->remote_version.open() &&
                               !was_refused(db, member.id, Part::kRemoteHold, desired->remote_version);
            break;
        }
        case WishKind::kAlarms:
            standing.from = desired->alarms_version.desired == 0 ? "not desired so far" : alarms_text(desired->alarms);
            standing.already = desired->alarms_version.desired != 0 && desired->alarms == wish.alarms &&
                               !desired->alarms_version.open() &&
                               !was_refused(db, member.id, Part::kAlarms, desired->alarms_version);
            break;
        default:
            break;
    }
    return standing;
}

PartOrder part_of(const Wish& wish, UnixTime now) {
    PartOrder part;
    switch (wish.kind) {
        case WishKind::kRemoteOff:
        case WishKind::kRemoteOn:
            part.part = Part::kRemoteHold;
            part.off = wish.kind == WishKind::kRemoteOff;
            part.kind = part.off ? "relay_off" : "relay_on";
            break;
        case WishKind::kForce:
        case WishKind::kForceEnd:
            part.part = Part::kForce;
            part.kind = wish.kind == WishKind::kForce ? "force" : "force_end";
            part.force_minutes = wish.force_minutes;
            if (wish.kind == WishKind::kForce) part.force_until = now + minutes(wish.force_minutes);
            break;
        case WishKind::kAcknowledge:
            part.part = Part::kAcknowledge;
            part.kind = "acknowledge";
            break;
        case WishKind::kAlarms:
            part.part = Part::kAlarms;
            part.kind = "alarms";
            part.alarms = wish.alarms;
            break;
        case WishKind::kResetLockout:
        case WishKind::kSetting:
        case WishKind::kClock:
            part.part = Part::kResetLockout;
            part.kind = "reset_lockout";
            break;
    }
    return part;
}

// Orders it of one member, or says why not; the row of the member is written with it.
void reach_member(Db& db, const CampaignRecord& campaign, const Member& member, std::int64_t tries, UnixTime now,
                  Changes& changes) {
    const Wish& wish = campaign.order.wish;
    const Standing standing = standing_of(db, wish, member);
    Reached state = Reached::kOrdered;
    Value job;
    std::uint32_t version = 0;
    std::string problem = standing.cannot;
    if (!standing.cannot.empty()) {
        state = Reached::kCannot;
    } else if (standing.already) {
        state = Reached::kAlready;
    } else if (wish.kind == WishKind::kSetting || wish.kind == WishKind::kClock) {
        version = set_setting(db, is_of_box(wish) ? SettingOwner::kBox : SettingOwner::kHousehold, member.id,
                              wish.kind == WishKind::kClock ? kClockWish : wish.setting, wish.bytes, now, changes);
    } else {
        const std::string order_id = "campaign-" + std::to_string(campaign.id.value) + "-" + std::to_string(member.id) +
                                     "-" + std::to_string(tries);
        const auto made =
            order_part(db, {order_id, HouseholdId{member.id}, campaign.operator_name, campaign.order.reason},
                       part_of(wish, now), now, changes);
        if (made) {
            job = Value{made->id};
            version = made->version;
        } else {
            state = Reached::kCannot;
            problem = made.error().message;
        }
    }
    db.execute(
        "INSERT INTO campaign_members (campaign_id, member_id, state, job_id, version, tries, problem) VALUES ($1, $2, "
        "$3, $4, $5, $6, $7) ON CONFLICT (campaign_id, member_id) DO UPDATE SET state = excluded.state, job_id = "
        "excluded.job_id, version = excluded.version, tries = excluded.tries, problem = excluded.problem",
        {campaign.id, member.id, state, job, version, tries, problem});
}

// How far one member is, from its job or its setting.
template <class F>
void each_outcome(Db& db, const CampaignRecord& campaign, const F& each) {
    const Wish& wish = campaign.order.wish;
    const auto plain = [&](const Row& row, Reached state) {
        if (state == Reached::kToOrder) each(row.integer(0), MemberState::kWaiting, std::string());
        if (state == Reached::kAlready) each(row.integer(0), MemberState::kAlready, std::string());
        if (state == Reached::kCannot) each(row.integer(0), MemberState::kCannot, row.as<std::string>(2));
        return state == Reached::kOrdered;
    };
    if (wish.kind == WishKind::kSetting || wish.kind == WishKind::kClock) {
        const SettingName name = wish.kind == WishKind::kClock ? kClockWish : wish.setting;
        db.query(
            "SELECT m.member_id, m.state, m.problem, m.version, w.version, w.reached, w.failed, w.last_problem FROM "
            "campaign_members m LEFT JOIN setting_wishes w ON w.owner_kind = $2 AND w.owner_id = m.member_id AND "
            "w.setting_id = $3 AND w.setting_index = $4 WHERE m.campaign_id = $1",
            {campaign.id, is_of_box(wish) ? SettingOwner::kBox : SettingOwner::kHousehold, name.id, name.index},
            [&](const Row& row) {
                if (!plain(row, row.as<Reached>(1))) return;
                const auto version = row.integer(3);
                const bool failed = row.as<bool>(6);
                MemberState outcome = row.integer(5) >= version ? MemberState::kConfirmed : MemberState::kWaiting;
                std::string problem = row.as<std::string>(7);
                if (row.integer(4) == version && failed) outcome = MemberState::kFailed;
                if (outcome == MemberState::kConfirmed) problem.clear();
                if (outcome == MemberState::kWaiting && row.integer(4) > version) {
                    outcome = MemberState::kFailed;
                    problem = "replaced by a later order";
                }
                each(row.integer(0), outcome, problem);
            });
        return;
    }
    db.query(
        "SELECT m.member_id, m.state, m.problem, j.state, j.last_problem FROM campaign_members m LEFT JOIN jobs j ON "
        "j.id = m.job_id WHERE m.campaign_id = $1",
        {campaign.id}, [&](const Row& row) {
            if (!plain(row, row.as<Reached>(1))) return;
            const auto state = row.as<JobState>(3);
            const MemberState outcome = state == JobState::kConfirmed ? MemberState::kConfirmed
                                        : state == JobState::kFailed  ? MemberState::kFailed
                                                                      : MemberState::kWaiting;
            each(row.integer(0), outcome, row.as<std::string>(4));
        });
}

// The first member that waits as each_outcome has it; 0: nobody does.
std::int64_t first_waiting(Db& db, const CampaignRow& row) {
    const Wish& wish = row.record.order.wish;
    std::int64_t first = 0;
    const auto keep = [&first](const Row& member) { first = member.integer(0); };
    if (wish.kind == WishKind::kSetting || wish.kind == WishKind::kClock) {
        const SettingName name = wish.kind == WishKind::kClock ? kClockWish : wish.setting;
        db.query(
            "SELECT m.member_id FROM campaign_members m LEFT JOIN setting_wishes w ON w.owner_kind = $3 AND w.owner_id "
            "= m.member_id AND w.setting_id = $4 AND w.setting_index = $5 WHERE m.campaign_id = $1 AND m.member_id > "
            "$2 AND (m.state = 0 OR (m.state = 1 AND COALESCE(w.reached, 0) < m.version AND COALESCE(w.version, 0) <= "
            "m.version AND NOT (COALESCE(w.version, 0) = m.version AND COALESCE(w.failed, 0) <> 0))) ORDER BY "
            "m.member_id LIMIT 1",
            {row.record.id, row.settled_to, is_of_box(wish) ? SettingOwner::kBox : SettingOwner::kHousehold, name.id,
             name.index},
            keep);
    } else {
        db.query(
            "SELECT m.member_id FROM campaign_members m LEFT JOIN jobs j ON j.id = m.job_id WHERE m.campaign_id = $1 "
            "AND m.member_id > $2 AND (m.state = 0 OR (m.state = 1 AND COALESCE(j.state, 0) NOT IN (3, 4))) ORDER BY "
            "m.member_id LIMIT 1",
            {row.record.id, row.settled_to}, keep);
    }
    return first;
}

std::vector<Cause> sorted(const std::map<std::string, std::int64_t>& counts) {
    std::vector<Cause> causes;
    for (const auto& [text, members] : counts)
        causes.push_back({text, members});
    std::stable_sort(causes.begin(), causes.end(),
                     [](const Cause& a, const Cause& b) { return a.members > b.members; });
    return causes;
}

void add_progress(Db& db, CampaignRecord& campaign) {
    std::map<std::string, std::int64_t> causes;
    CampaignProgress& p = campaign.progress;
    each_outcome(db, campaign, [&](std::int64_t, MemberState outcome, const std::string& problem) {
        ++p.members;
        if (!problem.empty() && outcome != MemberState::kConfirmed) ++causes[problem];
        switch (outcome) {
            case MemberState::kAlready:
                ++p.already;
                [[fallthrough]];
            case MemberState::kConfirmed:
                ++p.confirmed;
                break;
            case MemberState::kWaiting:
                ++p.waiting;
                break;
            case MemberState::kFailed:
                ++p.failed;
                break;
            case MemberState::kCannot:
                ++p.cannot;
                break;
        }
    });
    p.causes = sorted(causes);
}

Answer<CampaignRecord> read_campaign(Db& db, CampaignId id) {
    auto found = find_campaign(db, id);
    std::optional<CampaignRecord> record;
    if (found) {
        add_progress(db, found->record);
        record = std::move(found->record);
    }
    return checked(db, std::move(record), "campaign");
}

Answer<std::vector<CampaignMember>> read_members(Db& db, CampaignId id, std::optional<MemberState> state,
                                                 std::int64_t after, int limit) {
    const auto found = find_campaign(db, id);
    if (!db.ok() || !found) return checked(db, std::optional<std::vector<CampaignMember>>{}, "campaign");
    std::vector<CampaignMember> members;
    each_outcome(db, found->record, [&](std::int64_t member, MemberState is, const std::string& problem) {
        if (member > after && (!state || *state == is)) members.push_back({member, "", is, problem, 0, {}});
    });
    std::sort(members.begin(), members.end(),
              [](const CampaignMember& a, const CampaignMember& b) { return a.member < b.member; });
    members.resize(std::min(members.size(), static_cast<std::size_t>(std::clamp(limit, 1, kMembersAtOnceMax))));
    const bool of_box = is_of_box(found->record.order.wish);
    for (CampaignMember& member : members) {
        db.query("SELECT tries, COALESCE(job_id, 0) FROM campaign_members WHERE campaign_id = $1 AND member_id = $2",
                 {id, member.member}, [&](const Row& row) {
                     member.tries = row.as<int>(0);
                     member.job = row.as<JobId>(1);
                 });
        if (of_box)
            db.query("SELECT number FROM boxes WHERE id = $1", {member.member},
                     [&](const Row& row) { member.room = std::to_string(row.integer(0)); });
        else
            db.query("SELECT r.label FROM households h JOIN rooms r ON r.id = h.room_id WHERE h.id = $1",
                     {member.member}, [&](const Row& row) { member.room = row.as<std::string>(0); });
    }
    return checked(db, std::move(members));
}

std::string date_of(UnixTime time) {
    const std::int64_t days = (time.ms + kOfficeOffset.count() / 1000) / kDay_ms;
    return std::to_string(days);
}

std::int64_t insert_campaign(Db& db, const CampaignOrder& order, GroupId members, CampaignId parent,
                             const std::string& operator_name, UnixTime now, Changes& changes) {
    std::int64_t id = 0;
    const Value parent_id = parent ? Value{parent} : Value{};
    const std::string selection = text_of(order.selection);
    const std::string wish = text_of(order.wish);
    db.query(
        "INSERT INTO campaigns (order_id, selection, wish, state, start_at, daily, window_from, window_to, parent_id, "
        "created_at, operator_name, approved_by, reason, members_group) VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, "
        "$10, $11, $12, $13) RETURNING id",
        {order.order_id, selection, wish, order.schedule.start_at, order.schedule.daily, order.schedule.from_minute,
         order.schedule.to_minute, parent_id, now, operator_name, order.approved_by, order.reason,
         members ? Value{members} : Value{}},
        [&](const Row& row) { id = row.integer(0); });
    changes.push_back({Change::Kind::kCampaign, id});
    return id;
}

std::optional<Refusal> check_order(const CampaignOrder& order) {
    if (order.order_id.size() > kCampaignOrderIdMax)
        return Refusal{Reason::kBadArgument, "The order id of a campaign has 1 to 48 characters; nothing was done.",
                       48};
    if (auto bad = check_order_id(order.order_id)) return bad;
    const auto minute = [](int value) { return value >= 0 && value < 24 * 60; };
    if (!minute(order.schedule.from_minute) || !minute(order.schedule.to_minute))
        return Refusal{Reason::kBadArgument, "A window is between minutes 0 and 1439 of the day; nothing was done.",
                       1439};
    return check_wish(order.wish);
}

std::int64_t make_group(Db& db, const std::string& name, const std::vector<HouseholdId>& members) {
    std::int64_t id = 0;
    db.query(
        "INSERT INTO household_groups (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name "
        "RETURNING id",
        {name}, [&](const Row& row) { id = row.integer(0); });
    db.execute("DELETE FROM household_group_members WHERE group_id = $1", {id});
    for (const HouseholdId member : members)
        db.execute(
            "INSERT INTO household_group_members (group_id, household_id) SELECT $1, id FROM households WHERE id = $2 "
            "ON CONFLICT (group_id, household_id) DO NOTHING",
            {id, member});
    return id;
}

void write_down(Db& db, const Actor& actor, const char* action, CampaignId id, std::string before, std::string after,
                std::string reason, UnixTime now) {
    AuditRecord record;
    record.at = now;
    record.who = actor;
    record.action = action;
    record.subject = "campaign " + std::to_string(id.value);
    record.before = std::move(before);
    record.after = std::move(after);
    record.reason = std::move(reason);
    append_audit(db, record);
}

// The households that a selection means now.
std::vector<std::int64_t> selected_households(Db& db, const Selection& selection) {
    std::vector<std::int64_t> selected;
    if (selection.kind == Selection::Kind::kList) {
        for (const HouseholdId household : selection.list)
            db.query("SELECT id FROM households WHERE id = $1", {household},
                     [&](const Row& row) { selected.push_back(row.integer(0)); });
        std::sort(selected.begin(), selected.end());
        selected.erase(std::unique(selected.begin(), selected.end()), selected.end());
    } else {
        for (const Member& member : members_after(db, selection, false, 0, INT32_MAX))
            selected.push_back(member.id);
    }
    return selected;
}
// How many it concerns: of a wish for boxes, all that are behind them.
std::int64_t households_concerned(Db& db, const Selection& selection, const Wish& wish) {
    const std::vector<std::int64_t> selected = selected_households(db, selection);
    if (!is_of_box(wish)) return static_cast<std::int64_t>(selected.size());
    std::map<std::int64_t, std::int64_t> behind;  // a box: how many
    std::map<std::int64_t, std::int64_t> box_of;
    db.query("SELECT id, box_id FROM households WHERE box_id IS NOT NULL", {}, [&](const Row& row) {
        ++behind[row.integer(1)];
        box_of[row.integer(0)] = row.integer(1);
    });
    std::int64_t concerned = 0;
    for (const std::int64_t household : selected)
        if (const auto box = box_of.find(household); box != box_of.end())
            concerned += std::exchange(behind[box->second], 0);
    return concerned;
}

// Who is selected now, under a name that no page shows.
GroupId keep_members(Db& db, const CampaignOrder& order) {
    const GroupId group{make_group(db, "list of " + order.order_id, order.selection.list)};
    if (order.selection.kind != Selection::Kind::kList)
        db.execute(
            "INSERT INTO household_group_members (group_id, household_id) SELECT $1, h.id FROM households h JOIN rooms "
            "r ON r.id = h.room_id LEFT JOIN boxes x ON x.id = h.box_id WHERE " PREWATT_SELECTED,
            {group, order.selection.kind, order.selection.id, order.selection.floor});
    return group;
}
std::string hash_of(const std::vector<std::int64_t>& households) {
    std::string list;
    for (const std::int64_t household : households)
        list += std::to_string(household) + "\n";
    return sha256_hex(list);
}
std::string hash_of_members(Db& db, GroupId group) {
    return hash_of(selected_households(db, {Selection::Kind::kGroup, group.value, 0, {}}));
}
std::string text_of(const Schedule& schedule) {
    return std::to_string(schedule.start_at.ms) + " " + (schedule.daily ? "daily" : "once") + " " +
           std::to_string(schedule.from_minute) + " " + std::to_string(schedule.to_minute);
}

// From here on it starts. The selection of a campaign that names its households one by one is the group of them.
Answer<CampaignRecord> begin_campaign(Db& db, CampaignOrder order, GroupId members, const Actor& actor, UnixTime now,
                                      Changes& changes) {
    if (order.schedule.start_at == UnixTime{}) order.schedule.start_at = now;
    const CampaignId id{insert_campaign(db, order, members, {}, actor.user, now, changes)};
    write_down(db, actor, kStart, id, "", text_of(order.selection) + ": " + text_of(order.wish), order.reason, now);
    return read_campaign(db, id);
}

Answer<CampaignRecord> start_campaign(Db& db, CampaignOrder order, const Actor& actor, UnixTime now, Changes& changes) {
    if (auto bad = check_order(order)) return std::unexpected(*bad);
    std::optional<CampaignRow> known;
    db.query(PREWATT_CAMPAIGN_SELECT "WHERE order_id = $1", {order.order_id},
             [&](const Row& row) { known = campaign_of(row); });
    const bool listed = order.selection.kind == Selection::Kind::kList;
    if (known) {
        const CampaignOrder& before = known->record.order;
        const bool same_members = listed ? before.selection.kind == Selection::Kind::kGroup &&
                                               hash_of_members(db, GroupId{before.selection.id}) ==
                                                   hash_of(selected_households(db, order.selection))
                                         : before.selection == order.selection;
        const bool same = before.wish == order.wish && same_members;
        if (same) return read_campaign(db, known->record.id);
        return std::unexpected(Refusal{Reason::kOrderIdReused,
                                       "This order id was used for another campaign; nothing was done.",
                                       known->record.id.value});
    }
    const std::string selection =
        listed ? "list " + hash_of(selected_households(db, order.selection)).substr(0, 16) : text_of(order.selection);
    const std::string schedule = text_of(order.schedule);
    const std::string text = selection + ": " + text_of(order.wish) + ": " + schedule;
    if (auto taken = check_waiting_orders(db, order.order_id, text, now)) return std::unexpected(*taken);
    const std::int64_t households = households_concerned(db, order.selection, order.wish);
    const GroupId members = keep_members(db, order);
    if (listed) order.selection = {Selection::Kind::kGroup, members.value, 0, {}};
    Act act;
    act.kind = kind_of_act(order.wish);
    act.action = kStart;
    act.subject =
        std::to_string(households) + " households (" + (listed ? "list" : selection) + "): " + text_of(order.wish);
    act.content = act_content(kStart, {{"order_id", order.order_id},
                                       {"order", text},
                                       {"selection", text_of(order.selection)},
                                       {"wish", text_of(order.wish)},
                                       {"start_at", std::to_string(order.schedule.start_at.ms)},
                                       {"repeat", order.schedule.daily ? "daily" : "once"},
                                       {"window_from", std::to_string(order.schedule.from_minute)},
                                       {"window_to", std::to_string(order.schedule.to_minute)},
                                       {"households", std::to_string(households)},
                                       {"members_group", std::to_string(members.value)},
                                       {"members_hash", hash_of_members(db, members)}});
    act.households = households;
    if (auto waits = wait_for_second_person(db, act, actor, order.reason, now)) return std::unexpected(*waits);
    return begin_campaign(db, std::move(order), members, actor, now, changes);
}

// What a second person has approved, for exactly those households that were selected when it was asked for.
Answer<std::string> start_approved(Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) {
    const auto refuse = [](Reason reason, const char* message) { return std::unexpected(Refusal{reason, message, 0}); };
    CampaignOrder order;
    order.order_id = act_field(asked.content, "order_id").value_or("");
    const auto selection = selection_of(act_field(asked.content, "selection").value_or(""));
    const auto wish = wish_of(act_field(asked.content, "wish").value_or(""));
    const auto start_at = act_number(asked.content, "start_at");
    const auto from = act_number(asked.content, "window_from");
    const auto to = act_number(asked.content, "window_to");
    const GroupId members{act_number(asked.content, "members_group").value_or(0)};
    if (selection && wish && start_at && !members)
        return refuse(Reason::kCampaignOld,
                      "It was asked for before the office kept whom a campaign reaches; nothing was done. Ask for it "
                      "again.");
    if (!selection || !wish || !start_at || !from || !to)
        return refuse(Reason::kBadArgument, "The content of the act is incomplete; nothing was done.");
    order.selection = *selection;
    order.wish = *wish;
    order.schedule = {UnixTime{*start_at}, act_field(asked.content, "repeat") == "daily", static_cast<int>(*from),
                      static_cast<int>(*to)};
    order.reason = asked.reason;
    order.approved_by = asked.decided_by.user;
    if (auto bad = check_order(order)) return std::unexpected(*bad);
    bool known = false;
    db.query("SELECT id FROM campaigns WHERE order_id = $1", {order.order_id}, [&](const Row&) { known = true; });
    if (known)
        return refuse(Reason::kOrderIdReused,
                      "A campaign was started under this order id meanwhile; nothing more was done.");
    if (hash_of_members(db, members) != act_field(asked.content, "members_hash"))
        return refuse(Reason::kAlreadyDecided,
                      "Other households were selected under this order id meanwhile; nothing was done. Ask for it "
                      "again.");
    const auto begun = begin_campaign(db, std::move(order), members, asked.asked_by, now, changes);
    if (!begun) return std::unexpected(begun.error());
    return "Started, campaign " + std::to_string(begun->id.value) + ".";
}

// Whom it reaches, for a campaign that was ordered before step 7: whoever is selected when it starts, or goes on.
// Nothing: that is too many for one person and no other one has agreed.
std::optional<GroupId> freeze_old(Db& db, const CampaignRow& row, UnixTime now) {
    const CampaignOrder& order = row.record.order;
    bool listed = false;  // household by household: it is kept already
    if (order.selection.kind == Selection::Kind::kGroup)
        db.query("SELECT id FROM household_groups WHERE id = $1 AND name LIKE 'list of %'", {order.selection.id},
                 [&](const Row&) { listed = true; });
    const std::int64_t households = households_concerned(db, order.selection, order.wish);
    const Actor asker{row.record.operator_name, "office"};
    if (order.approved_by.empty() &&
        needs_second_person(db, {kind_of_act(order.wish), kStart, "", "", {}, households}, asker, now))
        return std::nullopt;
    const GroupId members = listed ? GroupId{order.selection.id} : keep_members(db, order);
    db.execute("UPDATE campaigns SET members_group = $2 WHERE id = $1", {row.record.id, members});
    write_down(db, {"office", "office"}, "campaign.freeze", row.record.id, "",
               std::to_string(households) + " households (" + text_of(order.selection) + ")", "", now);
    return members;
}

Answer<CampaignRecord> change_state(Db& db, CampaignId id, CampaignState to, const Actor& actor, const char* action,
                                    UnixTime now, Changes& changes) {
    const auto found = find_campaign(db, id);
    if (!found) return std::unexpected(Refusal{Reason::kNotFound, "There is no such campaign; nothing was done.", 0});
    const CampaignState from = found->record.state;
    if (from == CampaignState::kCancelled || (from == CampaignState::kDone && to != CampaignState::kRunning))
        return std::unexpected(Refusal{Reason::kBadArgument,
                                       "The campaign is " + std::string(word(from)) + "; nothing was done.", id.value});
    if (to == CampaignState::kRunning && from == CampaignState::kPaused && !found->members &&
        !freeze_old(db, *found, now))
        return std::unexpected(
            Refusal{Reason::kCampaignOld, std::string{kAnew} + " Nothing was done.", found->record.id.value});
    if (to == CampaignState::kRunning && !found->record.started_at && from == CampaignState::kPaused)
        to = CampaignState::kScheduled;
    if (from != to) {
        const Value ended = to == CampaignState::kCancelled ? Value{now} : Value{};
        db.execute("UPDATE campaigns SET state = $2, ended_at = $3 WHERE id = $1", {id, to, ended});
        write_down(db, actor, action, id, std::string(word(from)), std::string(word(to)), "", now);
        changes.push_back({Change::Kind::kCampaign, id.value});
    }
    return read_campaign(db, id);
}

Answer<CampaignRecord> retry_failures(Db& db, CampaignId id, const Actor& actor, UnixTime now, Changes& changes) {
    const auto found = find_campaign(db, id);
    if (!found) return std::unexpected(Refusal{Reason::kNotFound, "There is no such campaign; nothing was done.", 0});
    if (found->record.state == CampaignState::kCancelled)
        return std::unexpected(Refusal{Reason::kBadArgument, "The campaign is cancelled; nothing was done.", id.value});
    std::vector<std::int64_t> failed;
    each_outcome(db, found->record, [&](std::int64_t member, MemberState outcome, const std::string&) {
        if (outcome == MemberState::kFailed || outcome == MemberState::kCannot) failed.push_back(member);
    });
    for (const std::int64_t member : failed)
        db.execute(
            "UPDATE campaign_members SET state = 0, tries = tries + 1, problem = '' WHERE campaign_id = $1 AND "
            "member_id = $2",
            {id, member});
    if (!failed.empty()) {
        db.execute("UPDATE campaigns SET state = 2, expanded = 0, settled_to = 0, ended_at = NULL WHERE id = $1", {id});
        write_down(db, actor, "campaign.retry", id, "", std::to_string(failed.size()) + " members", "", now);
        changes.push_back({Change::Kind::kCampaign, id.value});
    }
    return read_campaign(db, id);
}

// One bounded step; whether there is more to do at once.
Answer<bool> advance_once(Db& db, UnixTime now, Changes& changes) {
    std::vector<CampaignRow> open;
    db.query(PREWATT_CAMPAIGN_SELECT "WHERE state < 3 ORDER BY id", {},
             [&](const Row& row) { open.push_back(campaign_of(row)); });
    for (const CampaignRow& row : open) {
        const CampaignRecord& c = row.record;
        const bool starts = c.state == CampaignState::kScheduled && c.order.schedule.start_at <= now;
        const bool goes_on = c.state == CampaignState::kRunning && !c.expanded;
        if (row.members || !(starts || goes_on) || !in_window(c.order.schedule, now)) continue;
        if (!freeze_old(db, row, now)) {
            db.execute("UPDATE campaigns SET state = 3 WHERE id = $1", {c.id});
            write_down(db, {"office", "office"}, "campaign.pause", c.id, std::string(word(c.state)), "paused", kAnew,
                       now);
        }
        changes.push_back({Change::Kind::kCampaign, c.id.value});
        return true;
    }
    for (CampaignRow& row : open) {
        CampaignRecord& c = row.record;
        const Schedule& schedule = c.order.schedule;
        if (c.state != CampaignState::kScheduled || schedule.start_at > now || !in_window(schedule, now)) continue;
        if (schedule.daily) {
            CampaignOrder today = c.order;
            today.order_id += "#" + date_of(now);
            today.schedule.daily = false;
            today.schedule.start_at = now;
            bool made = false;
            db.query("SELECT id FROM campaigns WHERE order_id = $1", {today.order_id},
                     [&](const Row&) { made = true; });
            if (!made) insert_campaign(db, today, row.members, c.id, c.operator_name, now, changes);
            std::int64_t next = schedule.start_at.ms;
            while (next <= now.ms)
                next += kDay_ms;
            db.execute("UPDATE campaigns SET start_at = $2 WHERE id = $1", {c.id, next});
        } else {
            db.execute("UPDATE campaigns SET state = 2, started_at = $2 WHERE id = $1", {c.id, now});
        }
        changes.push_back({Change::Kind::kCampaign, c.id.value});
        return true;
    }
    for (CampaignRow& row : open) {
        CampaignRecord& c = row.record;
        if (c.state != CampaignState::kRunning || c.expanded || !in_window(c.order.schedule, now)) continue;
        // Those that are to be tried again, then those that have not been reached.
        std::vector<std::pair<std::int64_t, std::int64_t>> again;
        db.query(
            "SELECT member_id, tries FROM campaign_members WHERE campaign_id = $1 AND state = 0 ORDER BY member_id "
            "LIMIT $2",
            {c.id, kCampaignChunk}, [&](const Row& r) { again.emplace_back(r.integer(0), r.integer(1)); });
        for (const auto& [id, tries] : again) {
            const auto member = members_after(db, {}, is_of_box(c.order.wish), id - 1, 1);
            if (!member.empty() && member[0].id == id) reach_member(db, c, member[0], tries, now, changes);
        }
        const int room = kCampaignChunk - static_cast<int>(again.size());
        if (room > 0) {
            const auto members = members_after(db, reached_by(row), is_of_box(c.order.wish), row.expanded_to, room);
            for (const Member& member : members)
                reach_member(db, c, member, 0, now, changes);
            const bool all = static_cast<int>(members.size()) < room;
            const std::int64_t to = members.empty() ? row.expanded_to : members.back().id;
            db.execute("UPDATE campaigns SET expanded_to = $2, expanded = $3 WHERE id = $1", {c.id, to, all});
        }
        changes.push_back({Change::Kind::kCampaign, c.id.value});
        return true;
    }
    for (CampaignRow& row : open) {
        CampaignRecord& c = row.record;
        if (c.state != CampaignState::kRunning || !c.expanded) continue;
        // Only the first that waits is looked at, and those behind it when it no longer does.
        if (const std::int64_t waits = first_waiting(db, row); waits > 0) {
            if (waits - 1 > row.settled_to)
                db.execute("UPDATE campaigns SET settled_to = $2 WHERE id = $1", {c.id, waits - 1});
            continue;
        }
        db.execute("UPDATE campaigns SET state = 4, ended_at = $2 WHERE id = $1", {c.id, now});
        changes.push_back({Change::Kind::kCampaign, c.id.value});
    }
    return false;
}

Answer<CampaignPreview> preview_of(Db& db, Selection selection, const Wish& wish, const Actor& actor, UnixTime now) {
    if (auto bad = check_wish(wish)) return std::unexpected(*bad);
    CampaignPreview preview;
    std::map<std::string, std::int64_t> changes;
    std::map<std::string, std::int64_t> causes;
    const auto look_at = [&](const Member& member) {
        const Standing standing = standing_of(db, wish, member);
        ++preview.members;
        if (!standing.cannot.empty()) {
            ++preview.cannot;
            ++causes[standing.cannot];
        } else if (standing.already) {
            ++preview.already;
            return;
        } else {
            ++changes[standing.from.empty() ? standing.to : standing.from + " -> " + standing.to];
        }
        if (preview.lines.size() < kPreviewLinesMax)
            preview.lines.push_back({member.id, member.name, standing.from, standing.to, standing.cannot});
    };
    if (selection.kind == Selection::Kind::kList) {
        std::vector<std::int64_t> seen;
        for (const HouseholdId household : selection.list) {
            std::int64_t id = household.value;
            if (is_of_box(wish)) {
                id = 0;
                db.query("SELECT box_id FROM households WHERE id = $1 AND box_id IS NOT NULL", {household},
                         [&](const Row& row) { id = row.integer(0); });
            }
            if (id == 0 || std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
            seen.push_back(id);
            const auto member = members_after(db, {}, is_of_box(wish), id - 1, 1);
            if (!member.empty() && member[0].id == id) look_at(member[0]);
        }
    } else {
        std::int64_t after = 0;
        for (;;) {
            const auto members = members_after(db, selection, is_of_box(wish), after, 1000);
            if (members.empty()) break;
            for (const Member& member : members)
                look_at(member);
            after = members.back().id;
        }
    }
    preview.changes = sorted(changes);
    preview.causes = sorted(causes);
    preview.households = households_concerned(db, selection, wish);
    preview.needs_two =
        needs_second_person(db, {kind_of_act(wish), kStart, "", "", {}, preview.households}, actor, now);
    return checked(db, std::move(preview));
}

class CampaignsOnDb final : public Campaigns {
  public:
    explicit CampaignsOnDb(Engine& engine) : engine_(engine) { engine_.acts.offer(kStart, start_approved); }

    Answer<CampaignPreview> preview(const Selection& selection, const Wish& wish, const Actor& actor) override {
        return engine_.pool.ask([&](Db& db) { return preview_of(db, selection, wish, actor, engine_.clock()); });
    }
    void start(CampaignOrder order, Actor actor, WhenDone<CampaignRecord> done) override {
        engine_.writer.submit<CampaignRecord>(
            [this, order = std::move(order), actor = std::move(actor)](Db& db, Changes& changes) {
                return start_campaign(db, order, actor, engine_.clock(), changes);
            },
            std::move(done));
    }
    Answer<CampaignRecord> campaign(CampaignId id) override {
        return engine_.pool.ask([&](Db& db) { return read_campaign(db, id); });
    }
    Answer<std::vector<CampaignRecord>> campaigns(int limit) override {
        return engine_.pool.ask([&](Db& db) -> Answer<std::vector<CampaignRecord>> {
            std::vector<CampaignRecord> list;
            db.query(PREWATT_CAMPAIGN_SELECT "ORDER BY id DESC LIMIT $1", {std::clamp(limit, 1, 1000)},
                     [&](const Row& row) { list.push_back(campaign_of(row).record); });
            for (CampaignRecord& one : list)
                add_progress(db, one);
            return checked(db, std::move(list));
        });
    }
    Answer<std::vector<CampaignMember>> members(CampaignId id, std::optional<MemberState> state, std::int64_t after,
                                                int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_members(db, id, state, after, limit); });
    }
    void pause(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) override {
        change(id, CampaignState::kPaused, std::move(actor), "campaign.pause", std::move(done));
    }
    void resume(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) override {
        change(id, CampaignState::kRunning, std::move(actor), "campaign.resume", std::move(done));
    }
    void cancel(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) override {
        change(id, CampaignState::kCancelled, std::move(actor), "campaign.cancel", std::move(done));
    }
    void retry(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) override {
        engine_.writer.submit<CampaignRecord>(
            [this, id, actor = std::move(actor)](Db& db, Changes& changes) {
                return retry_failures(db, id, actor, engine_.clock(), changes);
            },
            std::move(done));
    }
    void set_group(std::string name, std::vector<HouseholdId> members, Actor actor,
                   WhenDone<GroupRecord> done) override {
        engine_.writer.submit<GroupRecord>(
            [this, name = std::move(name), members = std::move(members), actor = std::move(actor)](
                Db& db, Changes&) -> Answer<GroupRecord> {
                if (name.empty() || name.size() > 64 || name.starts_with("list of "))
                    return std::unexpected(
                        Refusal{Reason::kBadArgument, "A group has a name of 1 to 64 bytes; nothing was done.", 64});
                GroupRecord group;
                group.id = {make_group(db, name, members)};
                group.name = name;
                db.query("SELECT COUNT(*) FROM household_group_members WHERE group_id = $1", {group.id},
                         [&](const Row& row) { group.members = row.integer(0); });
                AuditRecord record;
                record.at = engine_.clock();
                record.who = actor;
                record.action = "group.set";
                record.subject = "group " + name;
                record.after = std::to_string(group.members) + " households";
                append_audit(db, record);
                return group;
            },
            std::move(done));
    }
    Answer<std::vector<GroupRecord>> groups() override {
        return engine_.pool.ask([&](Db& db) -> Answer<std::vector<GroupRecord>> {
            std::vector<GroupRecord> list;
            db.query(
                "SELECT g.id, g.name, (SELECT COUNT(*) FROM household_group_members m WHERE m.group_id = g.id) FROM "
                "household_groups g WHERE g.name NOT LIKE 'list of %' ORDER BY g.name",
                {},
                [&](const Row& row) { list.push_back({row.as<GroupId>(0), row.as<std::string>(1), row.integer(2)}); });
            return checked(db, std::move(list));
        });
    }
    Answer<std::optional<UnixTime>> due(UnixTime now) override {
        return engine_.pool.ask([&](Db& db) -> Answer<std::optional<UnixTime>> {
            std::optional<UnixTime> due;
            std::vector<CampaignRow> open;
            db.query(PREWATT_CAMPAIGN_SELECT "WHERE state < 3", {},
                     [&](const Row& row) { open.push_back(campaign_of(row)); });
            for (const CampaignRow& row : open) {
                const CampaignRecord& c = row.record;
                // While its first member waits there is nothing to write, for weeks if that one has no supply.
                if (c.expanded && first_waiting(db, row) == row.settled_to + 1) continue;
                const UnixTime at = c.expanded ? now : next_start(c.order.schedule, now);
                due = due ? std::min(*due, at) : at;
            }
            return checked(db, std::move(due));
        });
    }
    void advance(UnixTime now, WhenDone<bool> done) override {
        engine_.writer.submit<bool>([now](Db& db, Changes& changes) { return advance_once(db, now, changes); },
                                    std::move(done));
    }
    Answer<BoxSettings> settings_of_box(BoxId box) override {
        return engine_.pool.ask([&](Db& db) { return read_settings_of_box(db, box); });
    }
    Answer<std::vector<SettingState>> settings_of_household(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_settings_of_household(db, household); });
    }
    void record_setting(SettingReport report, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [report = std::move(report)](Db& db, Changes& changes) {
                return store::record_setting(db, report, changes);
            },
            std::move(done));
    }

  private:
    void change(CampaignId id, CampaignState to, Actor actor, const char* action, WhenDone<CampaignRecord> done) {
        engine_.writer.submit<CampaignRecord>(
            [this, id, to, actor = std::move(actor), action](Db& db, Changes& changes) {
                return change_state(db, id, to, actor, action, engine_.clock(), changes);
            },
            std::move(done));
    }
    Engine& engine_;
};

}  // namespace

std::unique_ptr<Campaigns> make_campaigns(Engine& engine) {
    return std::make_unique<CampaignsOnDb>(engine);
}

}  // namespace prewatt::server::store
