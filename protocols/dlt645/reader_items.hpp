// The shared reader on the line: its address, and the items by which a card's record goes up from the reader, to the
// box that it names, and an answer comes back. Byte-exact in docs/formats/dlt645-private.md (EC04xxxx).
//
//   reader  EC040100 tap      read 11H    is a card waiting? Its number, tap, and one copy of its CREDIT
//   box     EC040300 card     03H         {reader, tap, UID, CREDIT} -> {code, bought, remaining, RETURN}
//   reader  EC040200 outcome  03H         what the box said, or why no box could be asked
//   box     EC040400 written  03H         that RETURN stands on the card
//
// Records are sealed and nobody on the way can open them: what these frames may do is what a sealed record allows, so
// they carry no password and no tag of their own. A reader is the slave of the line's master like any box; it never
// speaks by itself.
//
// decode errors: nothing is returned when the length, the format number or a number does not fit.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::dlt645 {

// Household numbers end at 39 (63 with room for later), so no box of any number ever stands at 90, and neither does the
// broadcast at 99.
inline constexpr std::uint8_t kReaderHousehold = 90;
// 1 .. 65,535, unique on the site so that a box's log names the reader.
struct ReaderNumber {
    std::uint16_t value = 0;
    friend constexpr auto operator<=>(ReaderNumber, ReaderNumber) = default;
};
[[nodiscard]] Address address_of(ReaderNumber reader);

inline constexpr DataId kReaderTap{0xEC040100};
inline constexpr DataId kReaderOutcome{0xEC040200};
inline constexpr DataId kCardShown{0xEC040300};
inline constexpr DataId kCardWritten{0xEC040400};

inline constexpr std::size_t kCardRecordBytes = 48;
using CardRecordBytes = std::array<Byte, kCardRecordBytes>;
using CardUid = FixedVector<Byte, 7>;

// One copy of CREDIT, as it goes from the reader to the box.
struct ShownCard {
    CardUid uid;  // 4 or 7 bytes
    std::uint8_t slot = 0;
    bool has_other = false;  // the other copy may open where this one does not
    CardRecordBytes credit{};
    friend bool operator==(const ShownCard& a, const ShownCard& b) {
        return equal({a.uid.data(), a.uid.size()}, {b.uid.data(), b.uid.size()}) && a.slot == b.slot &&
               a.has_other == b.has_other && a.credit == b.credit;
    }
};

// --- EC040100. Request: DI, and when there is one the tap whose report has been heard, u32.
enum class TapState : std::uint8_t {
    kNothing = 0,
    kBusy = 1,     // a card is being read or written: ask again soon
    kWaiting = 2,  // `card` is to be brought to its box
    kReport = 3,   // what became of the card of `tap`; stands until it has been heard
};
struct ReaderTap {
    TapState state = TapState::kNothing;
    std::uint32_t tap = 0;  // kWaiting, kReport
    ShownCard card;         // kWaiting
    bool written = false;   // kReport: RETURN of `generation` stands whole on the card, which is still the same one
    std::uint32_t generation = 0;
    friend bool operator==(const ReaderTap&, const ReaderTap&) = default;
};
inline constexpr std::size_t kReaderTapSizeMax = 2 + 4 + 1 + 7 + kCardRecordBytes;
[[nodiscard]] std::size_t encode(const ReaderTap& tap, MutableBytes out);
[[nodiscard]] std::optional<ReaderTap> decode_reader_tap(Bytes data);

// --- EC040300, behind the DI of the request.
struct CardPresented {
    ReaderNumber reader;
    std::uint32_t tap = 0;
    ShownCard card;
    friend bool operator==(const CardPresented&, const CardPresented&) = default;
};
inline constexpr std::size_t kCardPresentedSize = 1 + 2 + 4 + 1 + 7 + kCardRecordBytes;
[[nodiscard]] std::size_t encode(const CardPresented& presented, MutableBytes out);
[[nodiscard]] std::optional<CardPresented> decode_card_presented(Bytes data);

// --- The answer to EC040300, and as it is the request of EC040200.
// Codes below 128 are a box's (docs/formats/card-codes.md); those from 128 on are said by the master of the line.
inline constexpr std::uint8_t kCodeDone = 0;
inline constexpr std::uint8_t kCodeShowOther = 1;
inline constexpr std::uint8_t kCodeNoReader = 2;      // this box takes no cards
inline constexpr std::uint8_t kCodeEmptyCard = 32;    // "Err-32": nothing on it that opens
inline constexpr std::uint8_t kCodeBoxOffLine = 128;  // it did not answer: nothing is lost, the card is as it was
inline constexpr std::uint8_t kCodeUnknownBox = 129;  // no box of this number stands on this line
inline constexpr std::uint8_t kCodeTooMany = 130;     // taps come faster than people do
struct CardOutcome {
    ReaderNumber reader;
    std::uint32_t tap = 0;
    std::uint8_t slot = 0;  // which copy it was said to
    std::uint8_t code = kCodeDone;
    std::uint8_t household = 0;
    std::int32_t bought_hundredths = 0;
    std::int32_t remaining_hundredths = 0;
    bool has_return = false;
    CardRecordBytes return_record{};
    friend bool operator==(const CardOutcome&, const CardOutcome&) = default;
};
inline constexpr std::size_t kCardOutcomeSizeMax = 1 + 2 + 4 + 1 + 1 + 1 + 4 + 4 + kCardRecordBytes;
[[nodiscard]] std::size_t encode(const CardOutcome& outcome, MutableBytes out);
[[nodiscard]] std::optional<CardOutcome> decode_card_outcome(Bytes data);

// --- EC040400, behind the DI of the request; answered with the same bytes.
struct CardWritten {
    ReaderNumber reader;
    std::uint32_t tap = 0;
    std::uint8_t household = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const CardWritten&, const CardWritten&) = default;
};
inline constexpr std::size_t kCardWrittenSize = 1 + 2 + 4 + 1 + 4;
[[nodiscard]] std::size_t encode(const CardWritten& written, MutableBytes out);
[[nodiscard]] std::optional<CardWritten> decode_card_written(Bytes data);

}  // namespace prewatt::dlt645
