// What became of a card that was shown to a box: on the display ("Err-32"), in the log, in the answer to a reader on
// the line. The numbers stand in storage and on the wire and never change; two digits, in the manner of State Grid's
// meters ("Err-31" ...), though what each says is ours. docs/formats/card-codes.md has them with what to do.
#pragma once
#include <cstdint>

namespace prewatt::meter {

enum class CardCode : std::uint8_t {
    kDone = 0,           // taken, or nothing new on it: the swipe counts
    kShowOther = 1,      // this copy does not open: show the other one (never displayed)
    kNoReader = 2,       // this box takes no cards (never displayed)
    kNotStored = 31,     // the box's memory refused: nothing changed, try again
    kInvalid = 32,       // altered, forged, copied onto another card, or a card of the site with nothing on it
    kNotYours = 33,      // of another box, or of a household that this box has not
    kOldAccount = 34,    // the account that it was written for is closed
    kGone = 35,          // taken away too early, swapped or not readable: show it again
    kHoarding = 36,      // more than a household may hold: nothing changed
    kPaused = 37,        // three bad cards: wait a minute
    kLowSupply = 38,     // below 0.75 of the rated voltage
    kReplaced = 39,      // reported as lost: another card of this household is in use
    kSeveral = 40,       // more than one card before the reader
    kRightUsed = 41,     // this order was already carried out, or a later one
    kClockUnknown = 42,  // the box does not know what time it is, so no order can be judged
    kNotYet = 43,        // the order's window has not begun
    kExpired = 44,       // ... is over
    kNotAllowed = 45,    // this box does not take such orders from cards
    kBadContents = 46,   // authentic, and cannot be carried out: the office's mistake
    kOtherKeys = 47,     // sealed with keys that this box does not hold
    kNewerFormat = 48,   // of a format that this firmware does not know
    kDamagedCard = 49,   // the card does not let itself be read or written: a new one is due
};
[[nodiscard]] constexpr bool is_shown(CardCode code) {
    return static_cast<int>(code) >= 31;
}

}  // namespace prewatt::meter
