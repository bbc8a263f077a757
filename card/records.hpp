// What stands on a card, by type of record. Byte-exact in docs/formats/card.md. This file decides what each says and
// what is impossible; what follows from it is decided by the meter (a card is swiped) and by the office (one returns).
//
// The ticket on a card is the ticket of a sealed command (seal.hpp): "credited so far, as of number n". A card that
// comes twice, late, by copy or beside the network therefore changes nothing more.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "base/civil_time.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "card/seal.hpp"
#include "card/sealed_record.hpp"

namespace prewatt::card {

// What a card is for. Stands in clear in the header of the identity, so that a reader without keys can say it.
enum class CardKind : std::uint8_t {
    kHousehold = 1,
    kSetUp = 2,       // orders parameters in the boxes that it has a right for
    kInspection = 3,  // shows what is set; changes nothing
    kClear = 4,       // a household, or a whole box, to nothing
    kRestore = 5,     // forgets lock-outs, cut-off alarms
    kReaderTest = 6,  // shows that a reader reads; changes nothing
};
inline constexpr std::uint8_t kCardKindMax = 6;
// Kinds that change nothing carry one right that any box takes, sealed with the site-wide keys. The others carry one
// right for each box, sealed with that box's keys.
[[nodiscard]] constexpr bool only_shows(CardKind kind) {
    return kind == CardKind::kInspection || kind == CardKind::kReaderTest;
}

// --- Who this card is. Of a household card: sealed for its box. Of all others: sealed site-wide.
struct IdentityRecord {
    CardKind kind = CardKind::kHousehold;
    std::uint8_t household = 0;     // 1..39 of a household card; else 0
    std::uint32_t generation = 0;   // how often it was written
    std::uint32_t serial = 0;       // 1.. ; the office's number of this card
    std::uint8_t issue = 1;         // 1.. ; the household's so-many-th card. A lower one than was seen is dead
    std::uint32_t user_number = 0;  // the office's number of the household; 0: none
    CivilSeconds issued = 0;
    std::uint8_t rights = 0;  // so many sectors of rights follow
    // Of a card with rights: the boxes of its first two rights write what they say into the sectors of RETURN.
    bool receipts = false;
    friend constexpr bool operator==(const IdentityRecord&, const IdentityRecord&) = default;
};

// --- CREDIT: office to meter.
struct CreditRecord {
    std::uint8_t household = 0;  // 1..39
    std::uint32_t generation = 0;
    Ticket ticket;
    std::uint32_t serial = 0;  // of the card, as in the identity
    std::uint8_t issue = 1;
    // For the display: the newest sale and the ticket number that it was booked under (at most 65,535 before the
    // ticket's). An opening, grant or refund may have come after it.
    std::int32_t sale_hundredths = 0;
    std::uint32_t sale_number = 0;
    bool may_release_lockout = false;  // swiping this card forgets a lock-out (overload, malignant load)
    bool courier = false;              // no network reaches this box: whatever is known of it comes back on cards
    friend constexpr bool operator==(const CreditRecord&, const CreditRecord&) = default;
};

// --- RETURN: meter to office, information only: never what a bill or a refund is made from.
enum class Hint : std::uint8_t {
    kClockNotKnown = 0,  // `time` is not to be believed
    kTamper = 1,  // within 62 days: wrong passwords, forged or repeated commands, bad cards; or energy backwards here
    kRelayFault = 2,      // of this household
    kSupplyFailed = 3,    // the supply failed since the last swipe of this household
    kRecordsWaiting = 4,  // an event of the box or of this household has waited for a month to be read over the line
    kMemoryWorn = 5,
    kForcedPower = 6,
    kTicketRefused = 7,  // the ticket of this card was not taken: see `state` and the box's log
};
struct ReturnRecord {
    std::uint8_t household = 0;
    std::uint32_t generation = 0;
    std::uint16_t epoch = 0;          // of the account; 0: never opened
    std::uint32_t ticket_number = 0;  // the newest that the meter has taken
    // Remaining = credited - used, rounded down, so credited = used + remaining (rounded up).
    std::uint64_t used_hundredths = 0;      // below 2^40
    std::int32_t remaining_hundredths = 0;  // as in the answer to a sealed command
    std::uint32_t energy_hundredths = 0;    // the household's register, 0.01 kWh
    CivilSeconds time = 0;                  // of this swipe, by the box's clock
    HouseholdState state;
    std::uint8_t bad_cards = 0;  // that were shown to this box since it was cleared; stays at 255
    std::uint8_t hints = 0;      // one bit for each Hint
    [[nodiscard]] constexpr bool has(Hint hint) const { return hints >> static_cast<int>(hint) & 1; }
    constexpr void set(Hint hint) { hints = static_cast<std::uint8_t>(hints | 1u << static_cast<int>(hint)); }
    [[nodiscard]] constexpr std::int64_t credited_hundredths() const {
        return static_cast<std::int64_t>(used_hundredths) + remaining_hundredths;
    }
    friend constexpr bool operator==(const ReturnRecord&, const ReturnRecord&) = default;
};
inline constexpr std::uint64_t kUsedHundredthsMax = (std::uint64_t{1} << 40) - 1;

// --- A part of a list of parameters (parameters.hpp puts them together). `version` is the record's generation.
inline constexpr std::size_t kParameterPartBytes = 18;
struct ParameterRecord {
    std::uint8_t household = 0;
    std::uint32_t version = 0;
    std::uint8_t part = 0;   // 0 .. parts - 1
    std::uint8_t parts = 1;  // 1 .. kParameterPartsMax
    std::uint32_t crc = 0;   // CRC-32 over the bytes of all parts: no part of another writing fits
    std::array<Byte, kParameterPartBytes> bytes{};
    friend constexpr bool operator==(const ParameterRecord&, const ParameterRecord&) = default;
};
inline constexpr std::uint8_t kParameterPartsMax = 12;

// --- A right: one box may do one thing once, within a window of time.
using ParameterDigest = std::array<Byte, 8>;
struct RightRecord {
    CardKind kind = CardKind::kInspection;  // not kHousehold
    std::uint8_t household = 0;             // 0: the whole box
    std::uint32_t sequence = 0;  // 1.. ; strictly rising for each box, stored by it with the effect. Is the generation
    CivilSeconds from = 0;
    CivilSeconds until = 0;     // the first instant at which it is void
    ResetLockout lockouts;      // kRestore: what is forgotten
    bool cutoff_alarm = false;  // kRestore: the cut-off alarm is acknowledged
    // kSetUp: the parameters, sealed site-wide behind the rights, count only if they have this digest (parameters.hpp).
    std::uint8_t parts = 0;
    ParameterDigest digest{};
    friend constexpr bool operator==(const RightRecord&, const RightRecord&) = default;
};

// --- A receipt: what a box said when this card was shown to it. Information for the office, as a RETURN is; written
// where the identity says so. The sector is written whole or the next visit writes it again.
struct ReceiptRecord {
    std::uint8_t household = 0;  // of the right
    std::uint32_t sequence = 0;  // the newest right that this box has ever carried out. Is the generation
    std::uint32_t serial = 0;    // of the card
    std::uint8_t code = 0;       // as the display showed it: meter/core/card_code.hpp
    std::uint8_t bad_cards = 0;  // that were shown to this box since it was cleared; stays at 255
    bool clock_known = false;
    CivilSeconds time = 0;  // of this visit, by the box's clock
    friend constexpr bool operator==(const ReceiptRecord&, const ReceiptRecord&) = default;
};

enum class RightRefusal : std::uint8_t {
    kUsed,          // this sequence, or a later one, was already carried out
    kClockUnknown,  // the box does not know what time it is, so no window can be judged
    kNotYet,
    kExpired,
};
// May the right be carried out now? Of kinds that only show, `last_sequence` is not looked at. Whoever carries it out
// stores the sequence first.
[[nodiscard]] std::optional<RightRefusal> refusal_of(const RightRecord& right, std::uint32_t last_sequence,
                                                     std::optional<CivilSeconds> now);

// Values out of range assert: whoever seals has checked them (is_legal).
[[nodiscard]] bool is_legal(const IdentityRecord& record);
[[nodiscard]] bool is_legal(const CreditRecord& record);
[[nodiscard]] bool is_legal(const ReturnRecord& record);
[[nodiscard]] bool is_legal(const ParameterRecord& record);
[[nodiscard]] bool is_legal(const RightRecord& record);
[[nodiscard]] bool is_legal(const ReceiptRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const IdentityRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const CreditRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ReturnRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ParameterRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const RightRecord& record);
[[nodiscard]] RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ReceiptRecord& record);
// Errors: all of RecordError; kMisplaced here means another type.
[[nodiscard]] std::expected<IdentityRecord, RecordError> open_identity(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                       const RecordBytes& bytes);
[[nodiscard]] std::expected<CreditRecord, RecordError> open_credit(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                   const RecordBytes& bytes);
[[nodiscard]] std::expected<ReturnRecord, RecordError> open_return(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                   const RecordBytes& bytes);
[[nodiscard]] std::expected<ParameterRecord, RecordError> open_parameter(Mac& mac, const RecordKeys& keys,
                                                                         const Uid& uid, const RecordBytes& bytes);
[[nodiscard]] std::expected<RightRecord, RecordError> open_right(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                 const RecordBytes& bytes);
[[nodiscard]] std::expected<ReceiptRecord, RecordError> open_receipt(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                     const RecordBytes& bytes);

}  // namespace prewatt::card
