// Cards as the office knows them: which card is whose, what it was ordered to carry, what it was seen to carry, and
// what came back on it. Sealing, keys and bytes are not here (server/desk, card/): this file decides what may be
// written, what a card that comes back means, and what of it is believed.
//
// A card carries the household's newest ticket, a total. So a sale onto a card is an ordinary sale, and afterwards the
// newest ticket is written onto the card; a write that was torn is simply ordered again and carries whatever is newest
// then. Each record that leaves the office has its order row first (CardWrite): a ticket on a card without one was
// written by somebody who had the keys and no order, and is a difference for a person.
//
// What is believed of a card that comes back: nothing that does not open with the box's keys; of that, generations that
// rise. What the meter said (CardReturn) is information with an age. It is an effect, as an answer on the line is one,
// only where no network reaches the box: docs/decisions/0016-cards-at-the-desk.md says why that is safe for refunds.
#pragma once
#include "server/domain/booking.hpp"
#include "server/domain/work_list.hpp"

namespace prewatt::server {

using CardId = Id<struct CardTag>;  // the serial that stands in the card's identity
using CardWriteId = Id<struct CardWriteTag>;

// The numbers of card::CardKind.
enum class CardKind : std::uint8_t {
    kHousehold = 1,
    kSetUp = 2,
    kInspection = 3,
    kClear = 4,
    kRestore = 5,
    kReaderTest = 6,
};
[[nodiscard]] std::string_view word(CardKind kind);
[[nodiscard]] std::optional<CardKind> card_kind_of(std::string_view word);

enum class CardState : std::uint8_t {
    kIssued = 1,     // ordered, and not yet seen whole
    kWritten = 2,    // in use
    kLost = 3,       // its holder has it no more: whoever finds it gains nothing
    kTakenBack = 4,  // given back: the plastic may be used again
    kDead = 5,       // damaged, or written over by another issue
};
[[nodiscard]] std::string_view word(CardState state);
[[nodiscard]] constexpr bool is_live(CardState state) {
    return state == CardState::kIssued || state == CardState::kWritten;
}

// A household's so-many-th card at most: one byte of the identity.
inline constexpr int kCardIssueMax = 255;

// What the meter wrote onto the card at a swipe.
struct CardReturn {
    std::uint32_t generation = 0;
    std::uint16_t epoch = 0;
    std::uint32_t ticket_number = 0;
    Credit used;
    Credit remaining;
    Energy forward;
    std::optional<UnixTime> swiped_at;  // nothing: the box does not know the time
    HouseholdState state;
    std::uint8_t bad_cards = 0;
    std::uint8_t hints = 0;  // bits of card::Hint
    [[nodiscard]] constexpr Credit credited() const { return used + remaining; }
    friend constexpr bool operator==(const CardReturn&, const CardReturn&) = default;
};
// "clock_not_known", "tamper", "relay_fault", ... for each bit that is set.
[[nodiscard]] std::vector<std::string_view> words_of_hints(std::uint8_t hints);

struct CardRecord {
    CardId id;
    std::string uid;  // "04A1B2C3": upper case, 8 or 14 digits
    CardKind kind = CardKind::kHousehold;
    HouseholdId household;
    std::string room;
    int issue = 1;
    CardState state = CardState::kIssued;
    std::uint64_t box_number = 0;  // that its records are sealed for
    std::uint32_t identity_generation = 0;
    // What is known to stand on it, written and read back; generation 0: nothing yet.
    std::uint32_t generation = 0;
    std::uint32_t generation_begun = 0;  // the highest that was ever ordered onto it, whole or torn
    TicketTotal carries;
    std::optional<UnixTime> written_at;
    bool write_open = false;  // ordered, and not acknowledged: the card may hold either
    // What came back on it.
    std::optional<CardReturn> said;
    std::optional<UnixTime> said_at;  // when the desk read it
    std::optional<UnixTime> seen_at;
    UnixTime issued_at;
    std::string issued_by;
    CardId replaces;
    std::optional<UnixTime> ended_at;
    std::string why;  // it ended
};

enum class CardWriteKind : std::uint8_t { kIssue = 1, kTicket = 2, kFormat = 3 };
[[nodiscard]] std::string_view word(CardWriteKind kind);
enum class CardWriteState : std::uint8_t {
    kOrdered = 1,   // may stand on the card or not
    kDone = 2,      // read back
    kReplaced = 3,  // a later order took its place
};
[[nodiscard]] std::string_view word(CardWriteState state);
// The order row: before anything leaves the office.
struct CardWrite {
    CardWriteId id;
    std::string order_id;  // several attempts of one order have the same
    CardId card;           // 0: format of a card that these books do not know
    CardWriteKind kind = CardWriteKind::kTicket;
    CardWriteState state = CardWriteState::kOrdered;
    std::uint32_t identity_generation = 0;  // 0: the identity is not written
    std::uint32_t generation = 0;           // 0: no ticket is written
    TicketTotal ticket;
    Credit sale;  // the newest sale in this account and its ticket, for the display; number 0: none
    std::uint32_t sale_number = 0;
    std::string operator_name;
    UnixTime ordered_at;
    std::optional<UnixTime> done_at;
};

// What opened on a card that lies on a desk. Whoever fills this in has checked every seal.
struct SeenIdentity {
    CardId serial;
    CardKind kind = CardKind::kHousehold;
    int issue = 1;
    std::uint32_t generation = 0;
};
struct SeenTicket {
    std::uint32_t generation = 0;
    TicketTotal ticket;  // without unit
    CardId serial;
};
struct CardSight {
    std::string uid;
    std::optional<SeenIdentity> identity;
    std::vector<SeenTicket> tickets;  // newest first
    std::optional<CardReturn> said;   // the newest
    std::uint64_t said_box = 0;       // whose it is; of another household than the card's it is not looked at
    std::uint8_t said_number = 0;
};

enum class CardFinding : std::uint8_t {
    kNotOurs,     // blank, or another system's
    kUnknown,     // our seal, and these books know no such card: restored from an older backup, say
    kUnfinished,  // a write was torn or never acknowledged, or the identity is not whole: complete it
    kBehind,      // the books have a newer ticket than the card
    kMoved,       // the household has another box by now: the card has to be written anew
    kUpToDate,
    kRevoked,
};
[[nodiscard]] std::string_view word(CardFinding finding);

// What of the books is needed to judge.
struct CardFacts {
    std::optional<CardRecord> card;
    TicketTotal newest;  // of the household
    bool by_card = false;
    std::uint64_t box_number = 0;  // of the household now
    std::uint16_t meter_epoch = 0;
    Credit used_known;                // in it
    std::optional<Credit> as_issued;  // credited by our ticket of the number that the RETURN shows
    bool tickets_ordered = true;      // each ticket that opened has its order row
};
struct CardJudgement {
    CardFinding finding = CardFinding::kNotOurs;
    bool take_said = false;    // a later RETURN than any before: it is kept
    bool rolled_back = false;  // the card shows less than was read back from it: somebody restored old contents
    std::vector<WorkItem> items;
};
// Items of kinds that a later RETURN ends (CardEnding): when one is taken that does not raise them again. Those of the
// household stay open when its card is replaced; those of the card are closed by this card.
struct CardEnding {
    std::string_view kind;
    std::string_view how;
    bool of_card = false;
};
inline constexpr CardEnding kCardEndings[] = {
    {"card_unlike_ledger", "The card agrees with the books again.", true},
    {"card_says_tamper", "A later swipe says no sign of tampering."},
    {"card_says_unread", "A later swipe says no unread events."},
};
// Is this the very copy that was read back last, with nothing ordered since? A copy of a later generation was written
// and never acknowledged: it can have weak bits, read well now and badly an hour later (card/copies.hpp).
[[nodiscard]] bool still_stands(const CardRecord& card, const std::optional<SeenTicket>& newest);
[[nodiscard]] CardJudgement judge_sight(const CardSight& sight, const CardFacts& facts, UnixTime now);

// When the swipe was, as far as it can be known: by the box's clock, but neither before the office knew that it had not
// happened yet (`earliest`) nor after the card lay on the desk.
[[nodiscard]] UnixTime time_of_swipe(const CardReturn& said, UnixTime earliest, UnixTime now);

// "04A1B2C3" or 14 digits, upper case.
[[nodiscard]] bool is_uid_text(std::string_view text);

struct CardSeen {
    CardFinding finding = CardFinding::kNotOurs;
    bool rolled_back = false;
    bool took_said = false;
    std::optional<CardRecord> card;
    TicketTotal newest;  // of the household
};

struct CardIssue {
    std::string order_id;
    Actor who;
    std::string reason;
    std::string uid;
    HouseholdId household;
    // Of the household's card in use, which is dead from now on (lost: `reason` says how); 0: there is none.
    CardId replaces;
    std::uint32_t identity_generation = 1;  // above what stands on the card
    std::uint32_t generation = 1;
};
struct CardTicketOrder {
    std::string order_id;
    Actor who;
    CardId card;
    std::uint32_t identity_generation = 0;  // 0: the identity stands
    std::uint32_t generation = 1;
    // The newest ticket of this card that opens on what lies on the reader now: an order that is done already is
    // answered as done only while that is what was acknowledged last (still_stands), and is written again otherwise.
    std::optional<SeenTicket> carries;
};
struct CardFormatOrder {
    std::string order_id;
    Actor who;
    std::string uid;
    CardId card;  // 0: not known
};
// What an order writes, with all that the seal needs.
struct CardOrdered {
    CardWrite write;
    CardRecord card;
    std::uint8_t number = 0;  // of the household in its box
    bool by_card = false;
    bool may_release_lockout = false;
    bool repeated = false;  // this order is done already
};
struct CardEnd {
    CardId card;
    CardState how = CardState::kLost;  // not a live one
    Actor who;
    std::string reason;
};

class Cards {
  public:
    virtual ~Cards() = default;

    // --- Questions
    [[nodiscard]] virtual Answer<CardRecord> card(CardId id) = 0;
    // Newest first; before = 0: from the newest. household = 0: all.
    [[nodiscard]] virtual Answer<std::vector<CardRecord>> cards(HouseholdId household, CardId before, int limit) = 0;
    [[nodiscard]] virtual Answer<std::vector<CardWrite>> writes(CardId card, int limit) = 0;  // newest first
    [[nodiscard]] virtual Answer<CardWrite> write(CardWriteId id) = 0;
    // May a swipe of a household's card forget a lock-out? Of the whole site.
    [[nodiscard]] virtual Answer<bool> may_release_lockout() = 0;

    // --- Changes
    // A card lies on a desk. Keeps what came back on it and says what it is.
    virtual void see(CardSight sight, Actor who, WhenDone<CardSeen> done) = 0;
    // kCardInUse: the household has a card (unless it is `replaces`), or this card is in use. kNoMeter. kCardNotUsable:
    // the household has had all the issues that a card can count. kAccountClosed: nobody lives there. kMeterBehind,
    // kMeterUnread: as order_ticket.
    virtual void issue(CardIssue order, WhenDone<CardOrdered> done) = 0;
    // The newest ticket of the card's household. kCardRevoked; kAccountClosed: there is no account; kMeterBehind: a
    // person has to decide about the account first; kMeterUnread: the books came back from a backup, and the meter
    // has not been read since, nor has a person explained the item of work (store/restored.hpp); kCardUnlike: this
    // generation is not above what was read back, or the card is sealed for another box and its identity would stay.
    virtual void order_ticket(CardTicketOrder order, WhenDone<CardOrdered> done) = 0;
    // Refused with kCardInUse while it is: it is taken back or lost first.
    virtual void order_format(CardFormatOrder order, WhenDone<CardWrite> done) = 0;
    // What was ordered was read back. kCardUnlike: a later order took its place.
    virtual void written(CardWriteId write, Actor who, WhenDone<CardRecord> done) = 0;
    virtual void end(CardEnd end, WhenDone<CardRecord> done) = 0;
    virtual void set_may_release_lockout(bool may, Actor who, std::string reason, WhenDone<Done> done) = 0;
};

}  // namespace prewatt::server
