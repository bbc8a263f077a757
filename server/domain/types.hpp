// The words of the office: who is who, what is kept of them, and every way in which something can be refused.
//
// Times are milliseconds since 1970 UTC (UnixTime). Money is fen, energy is joules in memory and hundredths of a kWh
// on the wire and in the database; credit of the office is always a whole number of hundredths of the account's unit.
// Everything here is plain data that is copied and owned by whoever holds it.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "settings/settings.hpp"

namespace prewatt::server {

struct UnixTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(UnixTime, UnixTime) = default;
};
[[nodiscard]] constexpr UnixTime operator+(UnixTime t, Duration d) {
    return UnixTime{t.ms + d.count() / 1000};
}
[[nodiscard]] constexpr Duration operator-(UnixTime a, UnixTime b) {
    return milliseconds(a.ms - b.ms);
}

// The day of the office: receipts and daily figures go by it. China has one time zone and no summer time.
inline constexpr Duration kOfficeOffset = minutes(8 * 60);

// The number of a row. Those of one kind do not stand in for another; 0 is nobody.
template <class Tag>
struct Id {
    std::int64_t value = 0;
    friend constexpr auto operator<=>(Id, Id) = default;
    [[nodiscard]] constexpr explicit operator bool() const { return value != 0; }
};
using BuildingId = Id<struct BuildingTag>;
using RoomId = Id<struct RoomTag>;
using LineId = Id<struct LineTag>;
using BoxId = Id<struct BoxTag>;
using HouseholdId = Id<struct HouseholdTag>;
using SaleId = Id<struct SaleTag>;
using JobId = Id<struct JobTag>;
using UserId = Id<struct UserTag>;
using ResidentId = Id<struct ResidentTag>;
using DrawerId = Id<struct DrawerTag>;

// --- Refusals

enum class Reason : std::uint8_t {
    kNotFound,
    kBadArgument,        // malformed; the message says which field
    kAmountNotPositive,  // sale: zero or less
    kAmountTooLarge,     // sale: above the limit of one sale; `limit` in fen
    kAmountTooSmall,     // sale: buys less than 0.01 kWh
    kHoarding,           // sale: what the household could hold would be exceeded; `limit` in hundredths of a kWh
    kTotalTooLarge,      // sale: the credited total would not fit into a ticket
    kAccountClosed,      // sale: the account was closed; nothing can be sold to it
    kNoMeter,            // the household is not bound to a box
    kPriceNotSet,
    kAccountUnit,      // sale, move: the price plan or the other room counts in another unit
    kAccountOpen,      // opening: there is an open account; settle it first
    kMeterBehind,      // the meter has not confirmed the newest ticket yet; `limit` = its number
    kMeterUnread,      // card: the books came back from a backup, and the meter has not been read since
    kNothingToRefund,  // all was used, refunded, corrected or free
    kRefundTooLarge,   // more than is left of what was paid; `limit` in fen
    kOwing,            // settlement: more was used than credited; `limit` in hundredths
    kNotCorrectable,   // it was corrected or refunded before, or is no sale of the open account
    kNotDue,           // payout: nothing is owed there, or it was paid
    kDrawerClosed,     // the drawer has to be opened first
    kNotResident,      // the payer does not live in the room
    kOrderIdReused,    // the order id was used before with other content; nothing was done
    kNameTaken,        // user
    kLastOwner,        // nobody else could sign in as owner
    kPasswordWeak,     // shorter than kPasswordSizeMin
    kSignInRefused,    // user or password wrong, or the user is disabled; never says which
    kLockedOut,        // too many wrong passwords; `limit` = seconds until the next try
    kStorageFull,      // nothing was done; reading goes on; the same order may be sent again
    kStorageFailed,    // nothing was done, or (after an error of COMMIT) ask again with the same order id
    kNeedsApproval,    // kept as a request until another person approves; `limit` = its number; nothing was done
    kAlreadyDecided,   // approval: done, refused or expired before
    kNoRight,          // approval: not by this person
    kCampaignOld,      // ordered before the office kept whom a campaign reaches: to be ordered anew
    kQuestionChanged,  // ticket question: the meter or the account is no longer what was decided upon
    kTicketsUnclear,   // ticket question: up to which ticket the meter's total has the office's sales must be said
    kCardInUse,        // a card stands in the way: this one, or the household's; `limit` = its number
    kCardRevoked,      // lost, taken back or dead: nothing is written onto it; `limit` = its number
    kCardUnlike,       // what stands on the card is not what was ordered
    kCardNotUsable,    // another system's, damaged, or no number by which it is found again
    kStopping,         // the office is going down; nothing was done
};
// "order_id_reused": the code of the REST error.
[[nodiscard]] std::string_view word(Reason reason);

struct Refusal {
    Reason reason = Reason::kBadArgument;
    std::string message;  // a sentence for a person: what was wrong, what was not done
    std::int64_t limit = 0;
};
template <class T>
using Answer = std::expected<T, Refusal>;
struct Done {};
// Called exactly once with the outcome of a change, after it is on disk or when it was refused (office.hpp).
template <class T>
using WhenDone = std::function<void(Answer<T>)>;

// Who asks for a change, and from where ("10.0.0.7", "cli", "office"): for the audit journal.
struct Actor {
    std::string user;
    std::string from;
};

// --- The estate

struct BuildingRecord {
    BuildingId id;
    std::string name;
};
struct RoomRecord {
    RoomId id;
    BuildingId building;
    std::string label;  // "3-0512"
    std::int32_t floor = 0;
    HouseholdId household;  // 0: none
};
struct LineRecord {
    LineId id;
    std::string name;
    std::string url;  // "tcp://host:port", "serial:///dev/ttyS0", what server/collect understands; or kCardLine
};
// The url of a line that is none: its boxes are reached by cards alone (product.md B2).
inline constexpr std::string_view kCardLine = "card";
enum class Wiring : std::uint8_t { k39x1 = 1, k18x2 = 2, k12x3 = 3 };  // the value is circuits per household
[[nodiscard]] constexpr int households_of(Wiring wiring) {
    return wiring == Wiring::k39x1 ? 39 : wiring == Wiring::k18x2 ? 18 : 12;
}
[[nodiscard]] std::string_view word(Wiring wiring);  // "39x1"
struct BoxRecord {
    BoxId id;
    std::uint64_t number = 0;  // the ten digits
    LineId line;
    Wiring wiring = Wiring::k39x1;
    bool answering = false;
    std::optional<UnixTime> last_seen_at;
    std::optional<UnixTime> values_at;  // what is known of its households held at this time: a whole sweep of the box
    std::uint8_t flags = 0;  // of the last household block: bit 0..2 phase A..C, 3 metering, 4 storage, 5 clock
    std::optional<UnixTime> clock_at;  // what the box's clock showed, as a UTC time
};
struct SiteRecord {
    std::int64_t id = 1;
    std::string name;
    UnitPrice price;  // 0: not set
    std::vector<BuildingRecord> buildings;
    std::vector<RoomRecord> rooms;
    std::vector<LineRecord> lines;
    std::vector<BoxRecord> boxes;
};

// --- Desired state. Each part carries a version that rises with every change; it is reached when the meter has
// confirmed that version. A ticket's version is its number (within the epoch).

enum class Part : std::uint8_t {
    kTicket = 1,
    kRemoteHold = 2,
    kForce = 3,
    kAcknowledge = 4,
    kAlarms = 5,
    kResetLockout = 6,  // once for each version, as kAcknowledge: tries and lock-out of both guards
    kClear = 7,         // once for each version: registers and account to nothing
};
inline constexpr std::size_t kParts = 8;         // numbers 1..7
[[nodiscard]] std::string_view word(Part part);  // "ticket", "remote_hold", ...

// Why no ticket goes to a household (reconcile.hpp decides it, docs/decisions/0011). kNone: tickets go.
enum class Situation : std::uint8_t {
    kNone = 0,
    kAhead = 1,       // the meter shows a ticket that this office has never issued: an old backup was restored
    kOtherTotal = 2,  // the meter's ticket has the number of one of ours and another total: likewise
    kForgotten = 3,   // the meter shows an older account than before: it lost its memory
    kUsedLess = 4,    // the meter's use fell: it lost its memory and took a ticket as if nothing had been used
    kCleared = 5,     // the household was cleared at the meter; the old account is closed there
};
[[nodiscard]] std::string_view word(Situation situation);  // "ahead", ...

struct Version {
    std::uint32_t desired = 0;  // 0: nothing was ever desired
    std::uint32_t reached = 0;  // settled: confirmed by the meter, or refused for good
    [[nodiscard]] constexpr bool open() const { return desired > reached; }
};
// What an account counts: hundredths of a kWh, or of a yuan (the meter then charges at the price in force).
using settings::AccountUnit;
struct TicketTotal {
    std::uint16_t epoch = 0;                  // 0: no account was opened
    std::uint32_t number = 0;                 // of the newest ticket
    Credit credited;                          // all sales and grants of the epoch less refunds
    AccountUnit unit = AccountUnit::kEnergy;  // of `credited`, for the whole epoch
    friend constexpr bool operator==(const TicketTotal&, const TicketTotal&) = default;
};
struct AlarmLevels {
    Energy low;
    Energy cutoff;
    Energy overdraft;
    friend constexpr bool operator==(const AlarmLevels&, const AlarmLevels&) = default;
};
struct DesiredState {
    HouseholdId household;
    BoxId box;
    std::uint8_t number = 0;  // 1..39 in the box
    TicketTotal ticket;
    std::uint16_t confirmed_epoch = 0;  // newest ticket that the meter has shown
    std::uint32_t confirmed_number = 0;
    Credit confirmed_credited;  // its total, as it was issued
    Version remote_version;
    bool remote_off = false;
    Version force_version;
    UnixTime force_until;  // the minutes to send are what is left; in the past: end it now
    HoldSet force_overruled;
    Version acknowledge_version;
    Version alarms_version;
    AlarmLevels alarms;
    Version reset_version;
    Version clear_version;
    Situation stopped = Situation::kNone;  // not kNone: no ticket is sent until a person or the office has decided
    UnixTime judged_at;                    // the office has judged the accounts that were read in full up to this time
    [[nodiscard]] constexpr bool ticket_open() const {
        return ticket.epoch > confirmed_epoch || (ticket.epoch == confirmed_epoch && ticket.number > confirmed_number);
    }
    [[nodiscard]] constexpr bool open() const {
        return ticket_open() || remote_version.open() || force_version.open() || acknowledge_version.open() ||
               alarms_version.open() || reset_version.open() || clear_version.open();
    }
};

// --- Settings as desired state: the bytes of one setting (settings/settings.hpp, docs/formats/settings.md) for one
// household or one box, each with its version. What the office does not desire is left as it is in the meter.
struct SettingName {
    std::uint8_t id = 0;
    std::uint8_t index = 0;
    friend constexpr auto operator<=>(SettingName, SettingName) = default;
};
// Not a setting that is read back, but driven like one: the clock of the box is set once for each version.
inline constexpr SettingName kClockWish{0xF0, 0};
struct SettingWish {
    BoxId box;
    HouseholdId household;    // 0: of the box itself
    std::uint8_t number = 0;  // in the box; 0: the box itself
    SettingName name;
    Version version;
    bool given_up = false;  // this version was refused for good
    std::vector<Byte> bytes;
};
// The check sum that a meter showed when all that is desired of it had been read back; as long as it shows the same,
// nothing is read.
struct SettingProof {
    std::uint8_t number = 0;  // household in the box; 0: the box itself
    std::uint32_t sum = 0;
};
struct BoxSettings {
    BoxId box;
    std::vector<SettingWish> wishes;
    std::vector<SettingProof> proofs;
};

// --- Households as the pages show them: what the office knows, beside what the meter last said and when.

struct HouseholdRecord {
    HouseholdId id;
    std::string room;  // label
    std::string building;
    std::int32_t floor = 0;
    std::string resident;
    std::uint64_t box_number = 0;  // 0: not bound
    bool box_answering = false;
    bool by_card = false;  // no network reaches its box: tickets go out and states come back on cards
    bool closed = false;   // the account was closed
    DesiredState desired;
    UnitPrice price;
    // From the meter; nothing is known before the first reading.
    std::optional<UnixTime> read_at;  // the values below were so at this time
    std::optional<UnixTime> told_at;  // the meter told them at this time
    std::optional<UnixTime> held_at;  // all values of its box were still so at this time
    HouseholdState state;
    Credit remaining;                  // rounded down to a hundredth; negative within the overdraft
    Energy forward;                    // total
    std::optional<ActivePower> power;  // present; forgotten at a restart
};

// --- Sales

enum class Channel : std::uint8_t { kNone = 0, kCash = 1, kTransfer = 2, kOther = 3, kWechat = 4 };
[[nodiscard]] std::string_view word(Channel channel);
[[nodiscard]] std::optional<Channel> channel_of(std::string_view word);  // "none" is no channel to pay through

struct SaleOrder {
    std::string order_id;  // made by whoever asks, 1..64 characters; a repeat is answered, not executed
    HouseholdId household;
    Money amount;
    Channel channel = Channel::kCash;
    std::string operator_name;
    UnixTime accepted_at;  // when the request arrived
    ResidentId payer;      // a resident of the room; 0: nobody said
    DrawerId drawer;       // where the cash is put; 0: no drawers here
};
struct SaleRecord {
    SaleId id;
    std::string receipt;  // "20260923-000042": day of the sale in the office and its number
    std::string order_id;
    HouseholdId household;
    std::string room;
    Money amount;
    Energy energy;  // of an account in energy
    Credit given;   // what it gave, in the unit of ticket
    Money fee;
    UnitPrice price;  // of the last step that it reached; an account in money: 0
    Channel channel = Channel::kCash;
    ResidentId payer;
    DrawerId drawer;
    bool corrected = false;  // a later booking says that it never happened so
    std::string operator_name;
    TicketTotal ticket;  // as of this sale
    UnixTime accepted_at;
    UnixTime booked_at;
    UnixTime desired_at;
    std::optional<UnixTime> sent_at;
    std::optional<UnixTime> card_at;  // a card of the household carries its ticket since then, read back
    std::optional<UnixTime> confirmed_at;
    std::optional<UnixTime> lit_at;
    std::uint32_t attempts = 0;
    std::string last_problem;
};
struct SaleAnswer {
    SaleRecord sale;
    bool repeated = false;  // this order had been executed before
};

// --- Ledger. Each entry moves an amount of ONE unit from one account to another, so the ledger balances by
// construction: in every unit all balances add up to zero.

enum class LedgerAccount : std::uint8_t {
    kCash = 1,          // fen: money taken at the desks
    kTransfer = 2,      // fen: money that came by bank
    kOtherChannel = 3,  // fen
    kSales = 4,         // fen: energy sold
    kRounding = 5,      // fen: whole fen that did not buy 0.01 kWh
    kSupply = 6,        // credit: all that was ever sold, negative
    kHousehold = 7,     // credit: what was credited to the household of the entry
    kWechat = 8,        // fen: money that came by WeChat Pay
    kGrants = 9,        // credit: what was given for nothing, negative
    kRefundsDue = 10,   // fen: what is owed to residents
    kServiceFees = 11,  // fen
    kSafe = 12,         // fen: what was carried from the drawers into the safe, negative
    kDifference = 13,   // fen: counted more (positive) or less than the books say
    kTakenOver = 14,    // credit: what meters held of tickets that these books had lost, negative
};
[[nodiscard]] std::string_view word(LedgerAccount account);
// fen, credit in hundredths of a kWh, credit in hundredths of a yuan (of accounts in money; no coin has it).
enum class LedgerUnit : std::uint8_t { kFen = 1, kHundredths = 2, kCreditFen = 3 };

struct LedgerEntry {
    HouseholdId household;
    std::int64_t number = 0;  // 1.. within the household
    UnixTime at;
    SaleId sale;
    std::uint16_t epoch = 0;
    LedgerAccount from = LedgerAccount::kCash;
    LedgerAccount to = LedgerAccount::kSales;
    LedgerUnit unit = LedgerUnit::kFen;
    std::int64_t amount = 0;  // of the unit; always positive
    // Running totals of the household up to and with this entry: what was paid and what was credited in this epoch.
    Money paid_total;
    Credit credited_total;
};

// --- Readings

struct Reading {
    HouseholdId household;
    UnixTime at;
    Energy forward;    // rounded down to 0.01 kWh
    Credit remaining;  // likewise, in the unit of the account
    HouseholdState state;
    std::optional<ActivePower> power = std::nullopt;  // when it was known at that time
};
enum class Step : std::uint8_t { kRaw, kHour, kDay };
struct PowerReading {
    HouseholdId household;
    UnixTime at;
    ActivePower power;
};

// --- Jobs: what an operator wants of a household; the desired state carries it, the job shows how far it is.

enum class JobState : std::uint8_t { kWaiting = 1, kSent = 2, kConfirmed = 3, kFailed = 4 };
[[nodiscard]] std::string_view word(JobState state);
struct JobRecord {
    JobId id;
    HouseholdId household;
    Part part = Part::kRemoteHold;
    std::string kind;  // "relay_on", "relay_off", "force", "force_end", "acknowledge", "alarms"
    std::uint32_t version = 0;
    JobState state = JobState::kWaiting;
    UnixTime created_at;
    std::optional<UnixTime> confirmed_at;
    std::uint32_t attempts = 0;
    std::string last_problem;  // also "replaced by a later order"
    std::string operator_name;
    std::string reason;
};
// Who asks and why; the same order id with the same content answers the job that it made.
struct JobOrder {
    std::string order_id;
    HouseholdId household;
    std::string operator_name;
    std::string reason;
    std::string from{};  // as Actor::from
};

// --- Users

enum class Role : std::uint8_t { kOwner = 1, kCashier = 2, kTechnician = 3, kAuditor = 4 };
[[nodiscard]] std::string_view word(Role role);
[[nodiscard]] std::optional<Role> role_of(std::string_view word);
inline constexpr std::size_t kPasswordSizeMin = 8;
inline constexpr int kWrongPasswordsMax = 5;
inline constexpr Duration kLockOut = minutes(15);
inline constexpr Duration kSessionIdleMax = minutes(12 * 60);

struct UserRecord {
    UserId id;
    std::string user;  // signs in with it
    std::string name;  // as shown
    Role role = Role::kAuditor;
    bool disabled = false;
};
struct Session {
    UserRecord user;
    std::string token;  // secret; kept only as a hash
};

// --- From the line

// What a meter showed in an authenticated answer (card::Effect), or in a reading.
struct MeterEffect {
    std::uint16_t epoch = 0;
    std::uint32_t ticket_number = 0;
    Credit remaining;
    HouseholdState state;
    std::optional<Credit> credited{};  // of this ticket, where the account was read in full
    std::uint16_t previous_epoch = 0;  // of the account before, where it was read in full
    Credit previous_remaining{};       // what that one held when it ended
    std::optional<Energy> forward{};   // where the account was read in full
};
// One part of the desired state at one version, as it went over the line. For a ticket: its epoch and number.
struct Delivery {
    HouseholdId household;
    Part part = Part::kTicket;
    std::uint16_t epoch = 0;    // ticket only
    std::uint32_t version = 0;  // ticket: its number
};
struct BoxSeen {
    BoxId box;
    UnixTime at;
    bool answering = true;
    // Every household of the box that no newer reading was given for is as it was last told (an answer to "what
    // changed").
    bool values_hold = false;
    std::optional<std::uint8_t> flags;
    std::optional<UnixTime> clock_at;
};

}  // namespace prewatt::server
