// What is said between a box and whatever has a card in its field: the box's own reader (card_swipe) or a reader on the
// line that many boxes share. The box decides; a reader carries records that it cannot open.
#pragma once
#include <cstdint>

#include "base/units.hpp"
#include "card/copies.hpp"
#include "card/parameters.hpp"
#include "card/records.hpp"
#include "meter/core/card_code.hpp"
#include "meter/core/card_guard.hpp"

namespace prewatt::meter {

// Where a card lies. The own reader has no number and counts no taps.
struct CardPlace {
    std::uint16_t reader = 0;  // 0: the box's own
    std::uint32_t tap = 0;     // a reader that hears no answer asks again with the same one
    [[nodiscard]] constexpr CardPath path() const { return reader == 0 ? CardPath::kOwnReader : CardPath::kLine; }
    friend constexpr bool operator==(CardPlace, CardPlace) = default;
};

// One copy of a household card's CREDIT. A reader that holds no keys shows the copy that newest_by_header() names,
// with `has_other`; where that one does not open, the answer is kShowOther, and it shows the other without.
struct CardShown {
    card::Uid uid;
    card::RecordBytes credit{};
    std::uint8_t slot = 0;  // where it stands: 0 or 1
    bool has_other = false;
    // Both RETURN copies, where the reader has read them for the box; null: the box goes by what it remembers.
    const card::Copies* returns = nullptr;
    CardPlace place;
};

// What the box makes of it. Whoever has the card writes `return_record` into the sector of return_slot() and then says
// Box::card_written(); a card that is gone by then loses nothing.
struct CardAnswer {
    CardCode code = CardCode::kNoReader;
    Household household{};                  // 0: not known, or not this box's
    Credit bought;                          // by this swipe; negative where credit was taken out
    std::int32_t remaining_hundredths = 0;  // of the household, when it is known
    bool has_return = false;
    std::uint32_t return_generation = 0;
    card::RecordBytes return_record{};
    [[nodiscard]] std::uint8_t return_slot() const { return static_cast<std::uint8_t>(return_generation & 1); }
};

// A right (card/records.hpp) that was shown to a box. `parameters`: of a set-up card, all parts put together.
struct OrderShown {
    card::Uid uid;
    card::RecordBytes right{};
    const card::ParameterList* parameters = nullptr;
    std::uint32_t card_serial = 0;
    CardPlace place;
};
struct OrderAnswer {
    CardCode code = CardCode::kNoReader;
    card::CardKind kind = card::CardKind::kInspection;
    Household household{};  // 0: the box
    // For the card, where its identity wants receipts: whoever has it writes this into the sector of the right's place.
    bool has_receipt = false;
    card::RecordBytes receipt{};
};

}  // namespace prewatt::meter
