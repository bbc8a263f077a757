// Acts that need two people: one asks, another one approves (docs/decisions/0013-two-people.md). Pure.
//
// A request keeps the whole act, as canonical text and its hash; it is carried out once, in the transaction of the
// approval, exactly as it was asked for, or not at all. Nobody approves what he asked for himself, nor with an account
// that whoever asked has just made or set the password of.
#pragma once
#include <initializer_list>
#include <utility>

#include "server/domain/types.hpp"

namespace prewatt::server {

using ApprovalId = Id<struct ApprovalTag>;

enum class ActKind : std::uint8_t {
    kPrice = 1,          // a price or a price plan
    kRefund = 2,         // or settlement, above the limit
    kCorrection = 3,     // of the ledger, above the limit
    kClear = 4,          // of a household or a box
    kMassAction = 5,     // on more households than the limit
    kRestoredReset = 6,  // which total counts after an old backup was restored
    kRules = 7,          // of approvals themselves
    kRightsCard = 8,     // a card that clears or restores (warrants.hpp)
};
inline constexpr ActKind kActKinds[] = {ActKind::kPrice, ActKind::kRefund,     ActKind::kCorrection,
                                        ActKind::kClear, ActKind::kMassAction, ActKind::kRestoredReset,
                                        ActKind::kRules, ActKind::kRightsCard};
[[nodiscard]] std::string_view word(ActKind kind);  // "price", "refund", ...
[[nodiscard]] bool may_approve(Role role, ActKind kind);
[[nodiscard]] bool may_ask(Role role, ActKind kind);  // as the routes let them in

// kAuto: as soon as there is a second person who may approve; the office of one person stays usable.
enum class TwoPeople : std::uint8_t { kAuto = 1, kAlways = 2, kNever = 3 };
[[nodiscard]] std::string_view word(TwoPeople mode);
[[nodiscard]] std::optional<TwoPeople> two_people_of(std::string_view word);

struct ApprovalRules {
    TwoPeople two_people = TwoPeople::kAuto;
    Money refund_max = fen(20'000);    // one person may give out so much of a household in a day
    std::int64_t households_max = 50;  // and order something of so many
    Duration valid_for = minutes(3 * 24 * 60);
    friend constexpr bool operator==(const ApprovalRules&, const ApprovalRules&) = default;
};
[[nodiscard]] std::optional<Refusal> check_rules(const ApprovalRules& rules);

struct Act {
    ActKind kind = ActKind::kPrice;
    std::string action;           // as in the journal: "price.set"
    std::string subject;          // for people: "site", "household 12"
    std::string content;          // act_content
    Money amount;                 // refunds, settlements, corrections: with what went out of the household this day
    std::int64_t households = 1;  // mass actions
};
[[nodiscard]] bool needs_two(const ApprovalRules& rules, const Act& act, bool second_person_exists);

// "prewatt-act 1\nprice.set\nprice_e4=7000\n": one line for each field, in the order given; a value is one line.
using ActField = std::pair<std::string_view, std::string>;
[[nodiscard]] std::string act_content(std::string_view action, std::initializer_list<ActField> fields);
[[nodiscard]] std::optional<std::string> act_field(std::string_view content, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> act_number(std::string_view content, std::string_view name);

enum class ApprovalState : std::uint8_t { kWaiting = 1, kDone = 2, kRefused = 3, kFailed = 4, kExpired = 5 };
[[nodiscard]] std::string_view word(ApprovalState state);
[[nodiscard]] std::optional<ApprovalState> approval_state_of(std::string_view word);

struct ApprovalRecord {
    ApprovalId id;
    ActKind kind = ActKind::kPrice;
    std::string action;
    std::string subject;
    std::string content;
    std::string content_hash;  // SHA-256 of the content, hexadecimal
    Actor asked_by;
    std::string reason;
    UnixTime asked_at;
    UnixTime expires_at;
    ApprovalState state = ApprovalState::kWaiting;
    Actor decided_by;
    std::optional<UnixTime> decided_at;
    std::string outcome;  // why it was refused, or could not be carried out
};

// The account was made, or got its password, from whoever asks, within this time: it is no second person.
inline constexpr Duration kOwnAccountTime = minutes(24 * 60);

// Whether this person may decide this request now; nothing: yes. `asker_made_account`: as above.
[[nodiscard]] std::optional<Refusal> check_decision(const ApprovalRecord& request, const UserRecord& by,
                                                    bool asker_made_account, UnixTime now);

// Whether what `asker` asked for may still be carried out: not with an account that was disabled, or whose role may no
// longer order this, while the request waited. Nothing: yes.
[[nodiscard]] std::optional<Refusal> check_asker(const ApprovalRecord& request, const UserRecord& asker);

class Approvals {
  public:
    virtual ~Approvals() = default;

    [[nodiscard]] virtual Answer<ApprovalRules> rules() = 0;
    // Itself an act of two people.
    virtual void set_rules(ApprovalRules rules, Actor who, std::string reason, WhenDone<Done> done) = 0;
    // Newest first; none: all.
    [[nodiscard]] virtual Answer<std::vector<ApprovalRecord>> requests(std::optional<ApprovalState> state,
                                                                       ApprovalId before, int limit) = 0;
    [[nodiscard]] virtual Answer<ApprovalRecord> request(ApprovalId id) = 0;
    // Carries it out. Its state says whether it could be: kDone, or kFailed with nothing done.
    virtual void approve(ApprovalId id, Actor who, WhenDone<ApprovalRecord> done) = 0;
    // Whoever asked may take it back with this too.
    virtual void refuse(ApprovalId id, Actor who, std::string why, WhenDone<ApprovalRecord> done) = 0;
};

}  // namespace prewatt::server
