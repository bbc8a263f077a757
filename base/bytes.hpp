// Bytes on wires and in storage: spans, little-endian integers, a bounded writer and reader.
//
// Reader and Writer never step outside their span: a call that would is refused, leaves the contents alone and sets
// `ok()` to false for good, so a codec checks once at its end.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace prewatt {

using Byte = std::uint8_t;
using Bytes = std::span<const Byte>;
using MutableBytes = std::span<Byte>;

class ByteWriter {
  public:
    constexpr explicit ByteWriter(MutableBytes out) : out_(out) {}
    [[nodiscard]] constexpr bool ok() const { return ok_; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr Bytes written() const { return out_.first(size_); }

    constexpr void put(Bytes bytes) {
        if (!take(bytes.size())) return;
        for (std::size_t k = 0; k < bytes.size(); ++k)
            out_[size_ - bytes.size() + k] = bytes[k];
    }
    // The low `width` bytes of `value`, lowest first; width 1..8.
    constexpr void put_le(std::uint64_t value, std::size_t width) {
        if (!take(width)) return;
        for (std::size_t k = 0; k < width; ++k)
            out_[size_ - width + k] = static_cast<Byte>(value >> (8 * k));
    }
    constexpr void put_u8(std::uint8_t value) { put_le(value, 1); }
    constexpr void put_u16(std::uint16_t value) { put_le(value, 2); }
    constexpr void put_u32(std::uint32_t value) { put_le(value, 4); }
    constexpr void put_i64(std::int64_t value) { put_le(static_cast<std::uint64_t>(value), 8); }

  private:
    constexpr bool take(std::size_t n) {
        if (!ok_ || n > out_.size() - size_) return ok_ = false;
        size_ += n;
        return true;
    }
    MutableBytes out_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

class ByteReader {
  public:
    constexpr explicit ByteReader(Bytes in) : in_(in) {}
    [[nodiscard]] constexpr bool ok() const { return ok_; }
    [[nodiscard]] constexpr std::size_t left() const { return in_.size(); }
    // All bytes were read and none was missing.
    [[nodiscard]] constexpr bool finished() const { return ok_ && in_.empty(); }

    constexpr Bytes take(std::size_t n) {
        if (!ok_ || n > in_.size()) {
            ok_ = false;
            return {};
        }
        const Bytes taken = in_.first(n);
        in_ = in_.subspan(n);
        return taken;
    }
    constexpr std::uint64_t get_le(std::size_t width) {
        const Bytes bytes = take(width);
        std::uint64_t value = 0;
        for (std::size_t k = 0; k < bytes.size(); ++k)
            value |= std::uint64_t{bytes[k]} << (8 * k);
        return value;
    }
    constexpr std::uint8_t get_u8() { return static_cast<std::uint8_t>(get_le(1)); }
    constexpr std::uint16_t get_u16() { return static_cast<std::uint16_t>(get_le(2)); }
    constexpr std::uint32_t get_u32() { return static_cast<std::uint32_t>(get_le(4)); }
    constexpr std::int64_t get_i64() { return static_cast<std::int64_t>(get_le(8)); }

  private:
    Bytes in_;
    bool ok_ = true;
};

[[nodiscard]] constexpr bool equal(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    for (std::size_t k = 0; k < a.size(); ++k)
        if (a[k] != b[k]) return false;
    return true;
}
// The same in a time that does not depend on where they differ; for tags.
[[nodiscard]] constexpr bool equal_constant_time(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
        difference |= static_cast<unsigned>(a[k] ^ b[k]);
    return difference == 0;
}

}  // namespace prewatt
