// Access bits and trailers of an M1 card (NXP MF1S50yyX, section 8.7). Byte-exact in docs/formats/card.md.
//
// A trailer whose access bits contradict themselves locks its sector for ever, so nobody sends a trailer that
// is_our_trailer() has not passed, only the desk sends any, and it reads back what it can (key A never reads back).
#pragma once
#include <array>
#include <expected>

#include "base/bytes.hpp"
#include "card/m1_reader.hpp"

namespace prewatt::card {

// The three bits C1 C2 C3 of a block as one number, C1 highest: "100" is 4.
using AccessCondition = std::uint8_t;
struct AccessBits {
    std::array<AccessCondition, 4> blocks{};  // three data blocks, then the trailer
    friend constexpr bool operator==(const AccessBits&, const AccessBits&) = default;
};
using AccessBytes = std::array<Byte, 3>;  // bytes 6, 7, 8 of a trailer

// As a card comes from the factory: key A may do everything.
inline constexpr AccessBits kTransportAccess{{0, 0, 0, 1}};
// Ours: data is read with A or B and written with B; keys and access bits are written with B; key B is not readable.
inline constexpr AccessBits kOurAccess{{4, 4, 4, 3}};
// Byte 9 where no directory of applications (mad.hpp) says otherwise.
inline constexpr Byte kGeneralPurposeByte = 0x69;
inline constexpr SectorKey kTransportKey{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

enum class AccessError : std::uint8_t {
    kContradicts,  // the bits and their complements differ: a card with such a trailer has lost the sector
};

[[nodiscard]] constexpr AccessBytes encode_access(const AccessBits& access) {
    unsigned c1 = 0;
    unsigned c2 = 0;
    unsigned c3 = 0;
    for (unsigned k = 0; k < 4; ++k) {
        c1 |= (access.blocks[k] >> 2 & 1u) << k;
        c2 |= (access.blocks[k] >> 1 & 1u) << k;
        c3 |= (access.blocks[k] & 1u) << k;
    }
    return {static_cast<Byte>((~c2 & 15u) << 4 | (~c1 & 15u)), static_cast<Byte>(c1 << 4 | (~c3 & 15u)),
            static_cast<Byte>(c3 << 4 | c2)};
}
[[nodiscard]] constexpr std::expected<AccessBits, AccessError> decode_access(Bytes three) {
    if (three.size() != 3) return std::unexpected(AccessError::kContradicts);
    const unsigned c1 = three[1] >> 4;
    const unsigned c2 = three[2] & 15u;
    const unsigned c3 = three[2] >> 4;
    if ((three[0] & 15u) != (~c1 & 15u) || three[0] >> 4 != static_cast<int>(~c2 & 15u) ||
        (three[1] & 15u) != (~c3 & 15u))
        return std::unexpected(AccessError::kContradicts);
    AccessBits access;
    for (unsigned k = 0; k < 4; ++k)
        access.blocks[k] = static_cast<AccessCondition>((c1 >> k & 1u) << 2 | (c2 >> k & 1u) << 1 | (c3 >> k & 1u));
    return access;
}
static_assert(encode_access(kOurAccess) == AccessBytes{0x78, 0x77, 0x88});
static_assert(encode_access(kTransportAccess) == AccessBytes{0xFF, 0x07, 0x80});

[[nodiscard]] constexpr Block make_trailer(const SectorKey& key_a, const SectorKey& key_b,
                                           const AccessBits& access = kOurAccess,
                                           Byte general_purpose = kGeneralPurposeByte) {
    Block trailer{};
    const AccessBytes bits = encode_access(access);
    for (std::size_t k = 0; k < 6; ++k) {
        trailer[k] = key_a[k];
        trailer[10 + k] = key_b[k];
    }
    for (std::size_t k = 0; k < 3; ++k)
        trailer[6 + k] = bits[k];
    trailer[9] = general_purpose;
    return trailer;
}
// To be asked before a trailer is sent: access bits that are consistent and either ours or those of the factory.
[[nodiscard]] constexpr bool is_our_trailer(const Block& trailer) {
    const auto access = decode_access(Bytes(trailer).subspan(6, 3));
    return access && (*access == kOurAccess || *access == kTransportAccess);
}

}  // namespace prewatt::card
