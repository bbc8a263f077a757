// Where what stands on a card. Byte-exact in docs/formats/card.md. A record fills the three data blocks of a sector.
//
//   household card      base  identity | +1 +2  CREDIT, slots 0 and 1 | +3 +4  RETURN, slots 0 and 1 | +5 .. parameters
//   card with rights    base  identity | +1 .. one right after another, then the parameters that they order
//                       where its identity says so: +3 +4 what the boxes of rights 0 and 1 said (receipts), and no
//                       right
//
// A record with two copies stands in the slot of its generation's lowest bit (copies.hpp). The base sector is the
// site's choice, where a card already serves something else; sector 0 is never ours (manufacturer, directory).
#pragma once
#include <optional>

#include "card/m1_reader.hpp"

namespace prewatt::card {

struct Layout {
    std::uint8_t base = 1;  // 1 .. kBaseMax
    friend constexpr bool operator==(Layout, Layout) = default;

    [[nodiscard]] constexpr std::uint8_t identity() const { return base; }
    [[nodiscard]] constexpr std::uint8_t credit(std::uint8_t slot) const {
        return static_cast<std::uint8_t>(base + 1 + (slot & 1));
    }
    [[nodiscard]] constexpr std::uint8_t returns(std::uint8_t slot) const {
        return static_cast<std::uint8_t>(base + 3 + (slot & 1));
    }
    // nullopt: the card has no such sector.
    [[nodiscard]] constexpr std::optional<std::uint8_t> right(std::uint8_t k) const { return nth(1 + k); }
    [[nodiscard]] constexpr std::optional<std::uint8_t> household_parameter(std::uint8_t part) const {
        return nth(5 + part);
    }
    // Behind so many rights.
    [[nodiscard]] constexpr std::optional<std::uint8_t> ordered_parameter(std::uint8_t rights,
                                                                          std::uint8_t part) const {
        return nth(1 + rights + part);
    }
    // Sectors behind the identity: rights and parameters share them.
    [[nodiscard]] constexpr std::uint8_t sectors_behind_identity() const {
        return static_cast<std::uint8_t>(kSectorCount - 1 - base);
    }
    // Whose key B a sector has: true, what boxes and readers write. The same on a card with rights that takes receipts.
    [[nodiscard]] constexpr bool is_return(std::uint8_t sector) const {
        return sector == returns(0) || sector == returns(1);
    }

  private:
    [[nodiscard]] constexpr std::optional<std::uint8_t> nth(int offset) const {
        const int sector = base + offset;
        if (sector >= kSectorCount) return std::nullopt;
        return static_cast<std::uint8_t>(sector);
    }
};
inline constexpr std::uint8_t kBaseMin = 1;
inline constexpr std::uint8_t kBaseMax = 10;  // identity, CREDIT, RETURN and one sector of parameters still fit

[[nodiscard]] constexpr std::uint8_t first_block(std::uint8_t sector) {
    return static_cast<std::uint8_t>(sector * 4);
}
[[nodiscard]] constexpr std::uint8_t trailer_block(std::uint8_t sector) {
    return static_cast<std::uint8_t>(sector * 4 + 3);
}

// Is this a number by which a card can be told again at its next visit? Nothing is concluded from a "yes".
enum class UidFault : std::uint8_t {
    kLength,       // neither 4 nor 7 bytes
    kRandom,       // 08 xx xx xx: made anew at every visit (phones, bank cards)
    kPlaceholder,  // all 00 or all FF: a card that was never given a number
};
[[nodiscard]] constexpr std::optional<UidFault> fault_of(const Uid& uid) {
    if (uid.size() != 4 && uid.size() != 7) return UidFault::kLength;
    bool zeros = true;
    bool ones = true;
    for (const Byte byte : uid) {
        zeros = zeros && byte == 0x00;
        ones = ones && byte == 0xFF;
    }
    if (zeros || ones) return UidFault::kPlaceholder;
    if (uid.size() == 4 && uid[0] == 0x08) return UidFault::kRandom;
    return std::nullopt;
}
[[nodiscard]] constexpr bool same(const Uid& a, const Uid& b) {
    return equal({a.data(), a.size()}, {b.data(), b.size()});
}

}  // namespace prewatt::card
