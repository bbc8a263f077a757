// Two copies of a record, so that a card that is torn away in the middle of a write keeps one of them. Pure; the same
// for meter, desk and shared reader.
//
// Slot = lowest bit of the generation. Which slot may be overwritten is not decided by what the card shows: a copy that
// was torn can have weak bits, read well now and badly an hour later. It is decided by the generation whose write was
// acknowledged (all blocks written and read back) and remembered by whoever wrote it. That copy is never touched before
// another one is acknowledged: a generation that was not acknowledged is written again into its own slot.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "card/records.hpp"

namespace prewatt::card {

using Copies = std::array<RecordBytes, 2>;

// What became of one copy.
struct CopyState {
    std::uint32_t generation = 0;
    std::optional<RecordError> error = RecordError::kEmpty;  // none: it is good
};
enum class PairError : std::uint8_t {
    kEmpty,       // nothing was ever written
    kTorn,        // the only copy that was ever begun does not open: most likely the desk's first write was torn
    kVersion,     // as RecordError
    kNotYours,    // both are another box's
    kKeyVersion,  // as RecordError
    kTag,         // no copy opens: altered, forged, copied from another card, or torn twice
    kMisplaced,   // authentic, but not where they belong: somebody moved blocks
    kContents,    // as RecordError
};
// Should the meter count it as an attempt (card.md AC26: three of them, then a pause)?
[[nodiscard]] constexpr bool is_attempt(PairError error) {
    return error == PairError::kTag || error == PairError::kMisplaced || error == PairError::kTorn;
}

// Index of the newest copy that is good, or why there is none.
[[nodiscard]] std::expected<std::uint8_t, PairError> newest_of(const std::array<CopyState, 2>& copies);

struct NextWrite {
    std::uint8_t slot = 0;
    std::uint32_t generation = 0;
};
// Where the next generation goes. `acknowledged`: the newest one that this writer knows to be whole on the card;
// nullopt: it remembers nothing of this card (new, or its memory was lost), and what is read decides, as it does where
// the remembered copy no longer stands on the card (somebody restored an old one). Higher than all that was read or
// remembered, so generations rise. `begun`: the highest that this writer has ever begun on this card, whole or not: a
// torn copy that does not open today may open tomorrow, and must not be the newest then. nullopt: the generations are
// used up (2^32 - 1): a new card is due.
[[nodiscard]] std::optional<NextWrite> next_write(const std::array<CopyState, 2>& copies,
                                                  std::optional<std::uint32_t> acknowledged, std::uint32_t begun = 0);

template <class Record>
struct OpenedPair {
    std::array<CopyState, 2> copies;
    std::expected<Record, PairError> newest = std::unexpected(PairError::kEmpty);
    // The other copy was begun and is not good, though one is: a write was torn, and the next visit makes it good.
    [[nodiscard]] bool is_torn() const {
        return newest.has_value() && ((copies[0].error && *copies[0].error != RecordError::kEmpty) ||
                                      (copies[1].error && *copies[1].error != RecordError::kEmpty));
    }
};
[[nodiscard]] OpenedPair<CreditRecord> open_credits(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                    const Copies& copies);
[[nodiscard]] OpenedPair<ReturnRecord> open_returns(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                    const Copies& copies);

// Without keys: which copy a shared reader offers to the box first, by the clear header alone. nullopt: neither is a
// record of this type.
[[nodiscard]] std::optional<std::uint8_t> newest_by_header(const Copies& copies, RecordType type);

}  // namespace prewatt::card
