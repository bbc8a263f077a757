// Check sums of stored records and of the link between the two processors.
//   crc16  CRC-16/IBM-3740 ("CCITT-FALSE"): poly 1021, init FFFF, no reflection; check("123456789") = 29B1
//   crc32  CRC-32/ISO-HDLC (zip, ethernet): poly 04C11DB7 reflected, init and xorout FFFFFFFF; check = CBF43926
#pragma once
#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace prewatt {
namespace detail {

constexpr std::array<std::uint16_t, 256> crc16_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        auto crc = static_cast<std::uint16_t>(byte << 8);
        for (int bit = 0; bit < 8; ++bit)
            crc = static_cast<std::uint16_t>(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
        table[byte] = crc;
    }
    return table;
}
// A kilobyte and more crosses between the processors five times a second: eight steps a byte would be most of the
// work. 512 bytes of program memory.
inline constexpr std::array<std::uint16_t, 256> kCrc16Table = crc16_table();

}  // namespace detail

[[nodiscard]] constexpr std::uint16_t crc16(Bytes bytes, std::uint16_t crc = 0xFFFF) {
    for (const Byte byte : bytes)
        crc = static_cast<std::uint16_t>((crc << 8) ^ detail::kCrc16Table[(crc >> 8) ^ byte]);
    return crc;
}

// `before`: the sum of what stands in front, so that bytes can be summed piece by piece; 0 when nothing does.
[[nodiscard]] constexpr std::uint32_t crc32(Bytes bytes, std::uint32_t before = 0) {
    std::uint32_t crc = ~before;
    for (Byte byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 1 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

}  // namespace prewatt
