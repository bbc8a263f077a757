#include "card/pcsc/atr.hpp"

#include <array>

namespace prewatt::card {

ChipKind kind_of_chip(Bytes atr) {
    // TS, T0 with the number of historical bytes, TD1, TD2: the frame of every contactless card. The check byte at the
    // end is left alone: readers exist that get it wrong.
    if (atr.size() < 4 || atr[0] != 0x3B || (atr[1] & 0xF0) != 0x80 || atr[2] != 0x80 || atr[3] != 0x01)
        return ChipKind::kUnknown;
    const std::size_t length = atr[1] & 0x0F;
    if (atr.size() < 4 + length) return ChipKind::kUnknown;
    const Bytes historical = atr.subspan(4, length);
    constexpr std::array<Byte, 8> kMemoryCard{0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06};
    if (historical.size() != 15 || !equal(historical.first(8), kMemoryCard)) {
        constexpr std::array<Byte, 1> kDesfire{0x80};
        return equal(historical, kDesfire) ? ChipKind::kDesfire : ChipKind::kChipCard;
    }
    const unsigned standard = historical[8];
    const unsigned name = static_cast<unsigned>(historical[9] << 8 | historical[10]);
    if (standard == 0x11 || name == 0xF011 || name == 0xF012 || name == 0x003B) return ChipKind::kFelica;
    if (standard != 0x03) return ChipKind::kOtherMemory;
    switch (name) {
        case 0x0001:
        case 0x0036:  // Plus 2K in its first level
        case 0xFF88:  // as ACS names M1 cards by Infineon
            return ChipKind::kM1;
        case 0x0002:
        case 0x0037:  // Plus 4K in its first level
            return ChipKind::kM1Of4K;
        case 0x0026:
            return ChipKind::kM1Mini;
        case 0x0003:
        case 0x003A:
            return ChipKind::kUltralight;
        case 0x0038:
        case 0x0039:
            return ChipKind::kPlus;
        default:
            return ChipKind::kOtherMemory;
    }
}

std::string_view words_of(ChipKind kind) {
    switch (kind) {
        case ChipKind::kM1:
            return "an M1 card";
        case ChipKind::kM1Of4K:
            return "an M1 card of 4K";
        case ChipKind::kM1Mini:
            return "an M1 card of the small kind (Mini)";
        case ChipKind::kUltralight:
            return "a ticket or sticker (Ultralight or NTAG)";
        case ChipKind::kPlus:
            return "a MIFARE Plus card that no longer works as M1";
        case ChipKind::kDesfire:
            return "a DESFire card";
        case ChipKind::kChipCard:
            return "a bank card, an identity card or a phone";
        case ChipKind::kFelica:
            return "a FeliCa card";
        case ChipKind::kOtherMemory:
            return "a memory card of another kind";
        case ChipKind::kUnknown:
            return "a card that does not say what it is";
    }
    return "a card that does not say what it is";
}

}  // namespace prewatt::card
