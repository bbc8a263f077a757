// Writes values as the items of DL/T 645 hold them: BCD, low pair first, text reversed, FF where there is nothing.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/bcd.hpp"
#include "base/bytes.hpp"

namespace prewatt::meter {

class ItemWriter {
  public:
    explicit ItemWriter(MutableBytes out) : writer_(out) {}
    // Saturated decimal digits, low pair first.
    void unsigned_bcd(std::int64_t value, std::size_t bytes) {
        std::int64_t limit = 1;
        for (std::size_t k = 0; k < 2 * bytes; ++k)
            limit *= 10;
        put(static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, limit - 1)), bytes, false);
    }
    // The sign is bit 7 of the top byte, so the top digit is 0..7.
    void signed_bcd(std::int64_t value, std::size_t bytes) {
        std::int64_t limit = 8;
        for (std::size_t k = 0; k < 2 * bytes - 1; ++k)
            limit *= 10;
        const bool negative = value < 0;
        put(static_cast<std::uint64_t>(std::min(negative ? -value : value, limit - 1)), bytes, negative);
    }
    void absent(std::size_t bytes) {
        for (std::size_t k = 0; k < bytes; ++k)
            writer_.put_u8(0xFF);
    }
    void byte(unsigned value) { writer_.put_u8(static_cast<std::uint8_t>(value)); }
    void word(std::uint16_t value) { writer_.put_u16(value); }
    void bytes(Bytes bytes) { writer_.put(bytes); }
    // ASCII items are stored low byte first: on the wire the text is reversed, behind the padding.
    void text(std::string_view text, std::size_t width) {
        for (std::size_t k = 0; k < width; ++k) {
            const std::size_t from_front = width - 1 - k;
            writer_.put_u8(from_front < text.size() ? static_cast<Byte>(text[from_front]) : 0);
        }
    }
    [[nodiscard]] std::size_t size() const { return writer_.size(); }

  private:
    void put(std::uint64_t value, std::size_t bytes, bool negative) {
        std::array<Byte, 8> digits{};
        const MutableBytes used{digits.data(), bytes};
        put_bcd(used, value);
        if (negative) used[bytes - 1] = static_cast<Byte>(used[bytes - 1] | 0x80);
        writer_.put(used);
    }
    ByteWriter writer_;
};

}  // namespace prewatt::meter
