// Orders to many at once (product.md H4): a group, a wish, a schedule; preview, progress, pause, retry of failures. And
// the settings that are desired of households and boxes, which campaigns set.
//
// A campaign gives no orders of its own kind: it makes what is desired of each member so, a few members a transaction,
// and counts those whose meter has shown it. It is rows in the database from the first moment: whenever the office is
// killed, it goes on behind the last member that was written. A daily campaign is a plan that makes one campaign a day,
// under its order id and the day.
//
// Pure functions and texts here; kept by server/store. Refusals: kBadArgument, kNotFound, kOrderIdReused and those of
// the storage.
#pragma once
#include "server/domain/approvals.hpp"

namespace prewatt::server {

using CampaignId = Id<struct CampaignTag>;
using GroupId = Id<struct GroupTag>;

enum class WishKind : std::uint8_t {
    kRemoteOff = 1,
    kRemoteOn = 2,
    kForce = 3,
    kForceEnd = 4,
    kAcknowledge = 5,
    kAlarms = 6,
    kResetLockout = 7,
    kSetting = 8,  // of the household or of its box, by the setting
    kClock = 9,    // of the box
};
struct Wish {
    WishKind kind = WishKind::kRemoteOff;
    int force_minutes = 0;
    AlarmLevels alarms;
    SettingName setting;
    std::vector<Byte> bytes;
    friend bool operator==(const Wish&, const Wish&) = default;
};
[[nodiscard]] std::string hex_of(const std::vector<Byte>& bytes);  // empty: "-"
[[nodiscard]] std::optional<std::vector<Byte>> bytes_of_hex(std::string_view text);
// "remote_off", "force 30", "alarms 1000 200 0", "setting 2 0 803E00000A...", "clock": as in the database.
[[nodiscard]] std::string text_of(const Wish& wish);
[[nodiscard]] std::optional<Wish> wish_of(std::string_view text);
// The refusal, or nothing when the wish is legal (settings::check and its neighbours).
[[nodiscard]] std::optional<Refusal> check_wish(const Wish& wish);
// Members are the boxes of the selected households, not the households.
[[nodiscard]] bool is_of_box(const Wish& wish);

struct Selection {
    enum class Kind : std::uint8_t {
        kAll = 1,
        kBuilding = 2,
        kFloor = 3,
        kLine = 4,
        kBox = 5,
        kGroup = 6,
        kList = 7,
        kPriceGroup = 8,
    };
    Kind kind = Kind::kAll;
    std::int64_t id = 0;     // of the building, line, box, group or price group
    std::int32_t floor = 0;  // kFloor: of the building `id`
    std::vector<HouseholdId> list;
    friend bool operator==(const Selection&, const Selection&) = default;
};
// "all", "building 1", "floor 1 5", "line 2", "box 7", "group 3", "list 4 5 6", "price_group 2".
[[nodiscard]] std::string text_of(const Selection& selection);
[[nodiscard]] std::optional<Selection> selection_of(std::string_view text);

// Orders are given from start_at on, and only between these minutes of the office's day (equal: at any time; a window
// may reach over midnight).
struct Schedule {
    UnixTime start_at;  // 0: now
    bool daily = false;
    int from_minute = 0;
    int to_minute = 0;
    friend constexpr bool operator==(const Schedule&, const Schedule&) = default;
};
[[nodiscard]] bool in_window(const Schedule& schedule, UnixTime now);
// The next instant at which orders may be given: now, or when it starts, or when the window opens.
[[nodiscard]] UnixTime next_start(const Schedule& schedule, UnixTime now);

// What two people have to agree upon (product.md H9): a price of however many, anything else of more households than
// ApprovalRules::households_max.
[[nodiscard]] ActKind kind_of_act(const Wish& wish);

struct CampaignOrder {
    std::string order_id;  // 1..48 characters; a repeat is answered, not executed
    Selection selection;
    Wish wish;
    Schedule schedule;
    std::string reason;
    std::string approved_by;  // the second person, where one was needed
};
enum class CampaignState : std::uint8_t { kScheduled = 1, kRunning = 2, kPaused = 3, kDone = 4, kCancelled = 5 };
[[nodiscard]] std::string_view word(CampaignState state);
struct Cause {
    std::string text;
    std::int64_t members = 0;
};
struct CampaignProgress {
    std::int64_t members = 0;    // that have been reached so far
    std::int64_t confirmed = 0;  // the meter has shown it, or it was so already
    std::int64_t already = 0;    // of these: it was so before
    std::int64_t waiting = 0;
    std::int64_t failed = 0;
    std::int64_t cannot = 0;    // never ordered: no meter, account closed
    std::vector<Cause> causes;  // of `waiting` with a problem, `failed` and `cannot`; most members first
};
// One household or box that a campaign has reached, and how far it is.
enum class MemberState : std::uint8_t { kConfirmed = 1, kAlready = 2, kWaiting = 3, kFailed = 4, kCannot = 5 };
[[nodiscard]] std::string_view word(MemberState state);  // "confirmed", "already", ...
[[nodiscard]] std::optional<MemberState> member_state_of(std::string_view word);
struct CampaignMember {
    std::int64_t member = 0;  // household, or box
    std::string room;         // of a box: its number
    MemberState state = MemberState::kWaiting;
    std::string problem;  // why it waits, has failed or cannot; empty: nothing is wrong
    int tries = 0;        // after the first one
    JobId job;            // 0: it has none (a setting, or never ordered)
};
inline constexpr int kMembersAtOnceMax = 1000;

struct CampaignRecord {
    CampaignId id;
    CampaignOrder order;
    CampaignState state = CampaignState::kScheduled;
    CampaignId parent;      // of one that a daily plan has made
    bool expanded = false;  // every member has been reached
    UnixTime created_at;
    std::optional<UnixTime> started_at;
    std::optional<UnixTime> ended_at;
    std::string operator_name;
    std::string problem;  // why it does not go on, and what to do; empty: nothing is in its way
    CampaignProgress progress;
};
struct PreviewLine {
    std::int64_t member = 0;  // household, or box
    std::string room;         // of a box: its number
    std::string from;         // what is desired now
    std::string to;
    std::string cannot;  // why not; empty: it can
};
struct CampaignPreview {
    std::int64_t members = 0;
    std::int64_t already = 0;
    std::int64_t cannot = 0;
    std::int64_t households = 0;     // that it concerns; a wish for boxes: all that are behind them
    bool needs_two = false;          // for whoever asks
    std::vector<Cause> changes;      // "relay on -> relay off", and how many
    std::vector<Cause> causes;       // of `cannot`
    std::vector<PreviewLine> lines;  // of those that would change or cannot; at most kPreviewLinesMax
};
inline constexpr std::size_t kPreviewLinesMax = 1000;

struct GroupRecord {
    GroupId id;
    std::string name;
    std::int64_t members = 0;
};

// From the line, of one setting (or of the check sum of a household, or of the box).
struct SettingReport {
    enum class Kind : std::uint8_t { kProved, kRefused, kDrifted, kSum };
    Kind kind = Kind::kProved;
    BoxId box;
    std::uint8_t number = 0;
    HouseholdId household;  // 0: the box itself
    SettingName name;
    std::uint32_t version = 0;
    std::string problem;
    bool for_good = false;
    std::vector<Byte> found;
    std::uint32_t sum = 0;
    UnixTime at;
};
struct SettingState {  // as a page shows it
    SettingWish wish;
    UnixTime desired_at;
    std::optional<UnixTime> reached_at;
    std::string last_problem;
};

class Campaigns {
  public:
    virtual ~Campaigns() = default;

    [[nodiscard]] virtual Answer<CampaignPreview> preview(const Selection& selection, const Wish& wish,
                                                          const Actor& actor) = 0;
    // It reaches who is selected now, whenever it is carried out. kNeedsApproval: it starts when a second person
    // approves, for exactly those.
    virtual void start(CampaignOrder order, Actor actor, WhenDone<CampaignRecord> done) = 0;
    [[nodiscard]] virtual Answer<CampaignRecord> campaign(CampaignId id) = 0;
    [[nodiscard]] virtual Answer<std::vector<CampaignRecord>> campaigns(int limit) = 0;  // newest first
    // Those that have been reached so far, in the order of their numbers: beyond `after`, at most `limit`
    // (1..kMembersAtOnceMax); no state: all.
    [[nodiscard]] virtual Answer<std::vector<CampaignMember>> members(CampaignId id, std::optional<MemberState> state,
                                                                      std::int64_t after, int limit) = 0;
    // No further member is ordered; what was ordered goes on.
    virtual void pause(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) = 0;
    // kNeedsApproval never: one that was ordered before the office kept whom it reaches, and is too large for one
    // person, is refused with kCampaignOld (cancel it, order it anew).
    virtual void resume(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) = 0;
    // As pause, for ever.
    virtual void cancel(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) = 0;
    // Members that have failed are ordered again.
    virtual void retry(CampaignId id, Actor actor, WhenDone<CampaignRecord> done) = 0;

    virtual void set_group(std::string name, std::vector<HouseholdId> members, Actor actor,
                           WhenDone<GroupRecord> done) = 0;
    [[nodiscard]] virtual Answer<std::vector<GroupRecord>> groups() = 0;

    // For the scheduler: when advance() has something to do, and one bounded step of it. `done` says whether there is
    // more to do at once.
    [[nodiscard]] virtual Answer<std::optional<UnixTime>> due(UnixTime now) = 0;
    virtual void advance(UnixTime now, WhenDone<bool> done) = 0;

    // For line masters.
    [[nodiscard]] virtual Answer<BoxSettings> settings_of_box(BoxId box) = 0;
    [[nodiscard]] virtual Answer<std::vector<SettingState>> settings_of_household(HouseholdId household) = 0;
    virtual void record_setting(SettingReport report, WhenDone<Done> done) = 0;
};

}  // namespace prewatt::server
