// Packed binary coded decimal, as DL/T 645 sends numbers: two digits a byte, low-order pair of digits first.
#pragma once
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"

namespace prewatt {

enum class BcdError : std::uint8_t {
    kNotDecimal,  // a nibble above 9; the caller may conclude nothing of the value
};

[[nodiscard]] constexpr bool is_bcd(Byte byte) {
    return (byte & 0x0F) <= 9 && (byte >> 4) <= 9;
}
[[nodiscard]] constexpr bool is_bcd(Bytes bytes) {
    for (Byte byte : bytes)
        if (!is_bcd(byte)) return false;
    return true;
}
// 0..99 to one byte.
[[nodiscard]] constexpr Byte to_bcd(unsigned value) {
    return static_cast<Byte>((value / 10 % 10) << 4 | value % 10);
}
[[nodiscard]] constexpr unsigned from_bcd(Byte byte) {
    return (byte >> 4) * 10u + (byte & 0x0F);
}

// The low 2*out.size() decimal digits of `value`, low pair first. Higher digits are dropped: the standard's registers
// wrap.
constexpr void put_bcd(MutableBytes out, std::uint64_t value) {
    for (Byte& byte : out) {
        byte = to_bcd(static_cast<unsigned>(value % 100));
        value /= 100;
    }
}
// At most 9 bytes (18 digits).
[[nodiscard]] constexpr std::expected<std::uint64_t, BcdError> get_bcd(Bytes in) {
    std::uint64_t value = 0;
    for (std::size_t k = in.size(); k-- > 0;) {
        if (!is_bcd(in[k])) return std::unexpected(BcdError::kNotDecimal);
        value = value * 100 + from_bcd(in[k]);
    }
    return value;
}

}  // namespace prewatt
