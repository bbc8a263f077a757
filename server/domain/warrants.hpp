// What a card with rights is made for. A household's card carries credit; the others carry a right: one box may do one
// thing once, within a window of time (card/records.hpp). A warrant is the office's decision that there shall be such a
// card: of which kind, for which boxes, why, who asked and who agreed. This file decides which warrants there are,
// which of them need two people, what number and window their rights get, and what is known of a right that has left
// the office.
//
// A warrant is for one card. It is agreed upon first (Approvals where it clears or restores), then written onto
// whatever plastic lies on the desk, with the rights sealed for that piece; a write that was torn goes on with the same
// rights. A second card is a second warrant, also when the first one was lost before anybody used it: nothing takes a
// right back but its window, or a later right of the same box.
//
// Of each box at most one card that changes something is out at a time. So "already carried out" at a box (code 41)
// means what it says: this card was shown there before, or a card that was lost was outlived by this one.
#pragma once
#include "server/domain/approvals.hpp"
#include "server/domain/card_values.hpp"
#include "server/domain/cards.hpp"

namespace prewatt::server {

using WarrantId = Id<struct WarrantTag>;

// Of a restore: what is forgotten.
struct Restored {
    bool overload = false;
    bool malignant = false;
    bool cutoff_alarm = false;
    friend constexpr bool operator==(Restored, Restored) = default;
};
struct WarrantWish {
    CardKind kind = CardKind::kInspection;
    std::vector<std::uint64_t> boxes;  // by their numbers; none where the card only shows, or for one household
    HouseholdId household;             // of a clear or a restore: this one only
    int valid_hours = 24;              // from the writing on
    Restored restored;
    friend bool operator==(const WarrantWish&, const WarrantWish&) = default;
};
// Places for rights behind the identity of a card whose sectors begin at 1; a card of a site with a higher base has
// fewer, which the desk refuses.
inline constexpr std::size_t kWarrantBoxesMax = 14;
// Kinds that change nothing: one right that every box takes.
[[nodiscard]] constexpr bool only_shows(CardKind kind) {
    return kind == CardKind::kInspection || kind == CardKind::kReaderTest;
}
// A clear that lies about is a danger for so long; a caretaker's inspection card serves a year.
[[nodiscard]] constexpr int valid_hours_max(CardKind kind) {
    return kind == CardKind::kClear ? 24 : only_shows(kind) ? 366 * 24 : 7 * 24;
}
// The refusal, or nothing. kBadArgument.
[[nodiscard]] std::optional<Refusal> check_wish(const WarrantWish& wish);
[[nodiscard]] constexpr bool needs_second_person(CardKind kind) {
    return kind == CardKind::kClear || kind == CardKind::kRestore;
}
// "clear", "2026000001", "0", ...: as an act of two people keeps it.
inline constexpr const char* kWarrantAction = "card.warrant";
[[nodiscard]] std::string content_of(const WarrantWish& wish, std::string_view order_id);
[[nodiscard]] std::optional<WarrantWish> warrant_wish_of(std::string_view content);
// "clear of household 12", "set_up of box 2026000001": for people.
[[nodiscard]] std::string in_words(const WarrantWish& wish);

enum class WarrantState : std::uint8_t {
    kAgreed = 1,     // no card yet
    kOnCard = 2,     // its card has its own state (CardRecord)
    kWithdrawn = 3,  // before it was written
};
[[nodiscard]] std::string_view word(WarrantState state);

// What is known of one right that has left the office.
enum class RightState : std::uint8_t {
    kOpen = 1,        // it may be carried out, or has been and nobody has told the office
    kCarriedOut = 2,  // the box says so
    kOvertaken = 3,   // the box has carried out a later one: this one is void there, used before or not
    kExpired = 4,     // its window is over, and the office never heard that it was used
    kRefused = 5,     // the box refused it and said why; until its window is over it may still be carried out
};
[[nodiscard]] std::string_view word(RightState state);

// What a box wrote onto the card that was shown to it.
struct RightReceipt {
    std::uint32_t sequence = 0;  // the newest that the box has carried out
    std::uint8_t code = 0;       // meter::CardCode of the last time that this card was shown
    std::optional<UnixTime> at;  // by the box's clock
    friend constexpr bool operator==(const RightReceipt&, const RightReceipt&) = default;
};
struct CardRight {
    std::uint64_t box_number = 0;  // 0: every box
    HouseholdId household;
    std::uint8_t number = 0;  // in the box; 0: the whole box
    std::uint32_t sequence = 0;
    UnixTime from;
    UnixTime until;
    std::optional<RightReceipt> receipt;
    std::optional<UnixTime> told_at;  // when the office read it
};
// `carried_out_later`: a later right of this box is known to be carried out.
[[nodiscard]] RightState state_of(const CardRight& right, bool carried_out_later, UnixTime now);
// The code of a box that says "this one, or a later one, was carried out before": not a fault where it names this one.
inline constexpr std::uint8_t kCodeRightUsed = 41;

// Above everything that this office has given out for the box, and above the seconds since 2000: so an office that was
// restored from a backup gives out nothing that its boxes call used.
[[nodiscard]] std::uint32_t next_sequence(std::uint32_t last, UnixTime now);
// The window by the boxes' clocks, which may be a little behind the office's.
inline constexpr Duration kWindowBefore = minutes(15);

struct WarrantRecord {
    WarrantId id;
    std::string order_id;
    WarrantWish wish;
    WarrantState state = WarrantState::kAgreed;
    Actor asked_by;
    std::string agreed_by;  // the second person, where there was one
    std::string reason;
    UnixTime asked_at;
    CardId card;  // 0: not written yet
    std::vector<CardRight> rights;
    std::vector<RightState> states;  // of each right, now
    std::vector<CardValue> values;   // of a set-up card
    int values_left = 0;             // that had no room
};

struct WarrantOrder {
    std::string order_id;
    Actor who;
    std::string reason;  // never empty
    WarrantWish wish;
};
struct WarrantWrite {  // a piece of plastic lies on a desk
    WarrantId warrant;
    Actor who;
    std::string uid;
    std::uint32_t identity_generation = 1;  // above what stands on the card
    std::size_t rights_max = kWarrantBoxesMax;
    std::size_t values_bytes_max = kCardValuesBytesMax;
};
struct WarrantOrdered {
    CardWrite write;
    CardRecord card;
    WarrantRecord warrant;
    bool repeated = false;  // it is done already
};

class Warrants {
  public:
    virtual ~Warrants() = default;

    [[nodiscard]] virtual Answer<WarrantRecord> warrant(WarrantId id) = 0;
    // Newest first; before = 0: from the newest.
    [[nodiscard]] virtual Answer<std::vector<WarrantRecord>> warrants(WarrantId before, int limit) = 0;
    [[nodiscard]] virtual Answer<WarrantRecord> of_card(CardId card) = 0;
    // Of an order whose card is being written: what is sealed, or was.
    [[nodiscard]] virtual Answer<WarrantOrdered> ordered(CardWriteId write) = 0;

    // kBadArgument, kNotFound, kNoMeter, kOrderIdReused; kNeedsApproval: it is agreed upon when a second person
    // approves, and the same order id answers it then.
    virtual void ask(WarrantOrder order, WhenDone<WarrantRecord> done) = 0;
    // kAlreadyDecided: it is on a card.
    virtual void withdraw(WarrantId id, Actor who, std::string reason, WhenDone<WarrantRecord> done) = 0;
    // kCardInUse: this plastic, or another card with a right for one of the boxes, is out; kAlreadyDecided: withdrawn,
    // or written onto other plastic; kCardRevoked: its card has ended; kCardNotUsable: too many boxes for the card;
    // kBadArgument: a set-up card with nothing to set.
    virtual void write(WarrantWrite order, WhenDone<WarrantOrdered> done) = 0;
    // What a box wrote onto the card; kept where it opens with that box's keys, which whoever calls has checked.
    virtual void take_receipt(CardId card, std::uint64_t box_number, RightReceipt receipt, Actor who,
                              WhenDone<WarrantRecord> done) = 0;
};

}  // namespace prewatt::server
