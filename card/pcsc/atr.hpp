// What lies on a PC/SC reader, from the answer to reset that the reader makes for it (PC/SC part 3, 3.1.3.2.3). Decides
// which kinds Prewatt works with: M1 of 1K, and of 4K as if it were one of 1K, for its first sixteen sectors are the
// same.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace prewatt::card {

enum class ChipKind : std::uint8_t {
    kM1,           // 1K; MIFARE Plus in its first level looks the same
    kM1Of4K,       // 4K
    kM1Mini,       // five sectors: too small
    kUltralight,   // Ultralight, NTAG: tickets and stickers
    kPlus,         // MIFARE Plus beyond its first level
    kDesfire,      // DESFire
    kChipCard,     // any other that speaks ISO 14443-4: bank card, identity card, phone
    kFelica,       // FeliCa
    kOtherMemory,  // a memory card of another kind
    kUnknown,      // a card with contacts, or an answer that says nothing
};

[[nodiscard]] ChipKind kind_of_chip(Bytes atr);
[[nodiscard]] constexpr bool is_m1(ChipKind kind) {
    return kind == ChipKind::kM1 || kind == ChipKind::kM1Of4K;
}
// With its article, as in "This is ...".
[[nodiscard]] std::string_view words_of(ChipKind kind);

}  // namespace prewatt::card
