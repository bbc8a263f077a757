// The directory of applications of an M1 card (NXP AN10787, MAD1): which sector belongs to whom, in sector 0, for sites
// whose cards also serve others. Optional: our own programs never read it. Key A of sector 0 is then the public one.
#pragma once
#include <array>

#include "base/bytes.hpp"
#include "card/m1_reader.hpp"

namespace prewatt::card {

inline constexpr SectorKey kDirectoryKey{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5};
inline constexpr Byte kDirectoryGeneralPurposeByte = 0xC1;  // directory available, several applications, version 1

struct ApplicationId {  // 0000: free
    Byte application = 0;
    Byte function_cluster = 0;
    friend constexpr bool operator==(ApplicationId, ApplicationId) = default;
};
// CRC-8, polynomial 1D, preset C7, over the info byte and the fifteen identifiers.
[[nodiscard]] constexpr Byte directory_crc(Bytes behind_crc) {
    unsigned crc = 0xC7;
    for (const Byte byte : behind_crc) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x80) != 0 ? (crc << 1 ^ 0x1D) & 0xFF : crc << 1;
    }
    return static_cast<Byte>(crc);
}
// Blocks 1 and 2. `sectors[k]` is of sector k + 1; `info`: sector of the card's publisher, 0: none.
using Directory = std::array<Byte, 2 * kBlockBytes>;
[[nodiscard]] constexpr Directory make_directory(const std::array<ApplicationId, kSectorCount - 1>& sectors,
                                                 Byte info = 0) {
    Directory bytes{};
    bytes[1] = info;
    for (std::size_t k = 0; k < sectors.size(); ++k) {
        bytes[2 + 2 * k] = sectors[k].application;
        bytes[3 + 2 * k] = sectors[k].function_cluster;
    }
    bytes[0] = directory_crc(Bytes(bytes).subspan(1));
    return bytes;
}

}  // namespace prewatt::card
