// Frames of DL/T 645-2007: what one looks like, a decoder that eats bytes, an encoder.
//
//   68 A0..A5 68 C L DATA CS 16      DATA bytes travel as (value + 33H); everything here holds them without that bias.
//
// The decoder is fed byte by byte and never trusts a length: it keeps the last bytes only as far as they can be part of
// a frame, drops a partial frame after 500 ms of silence, and after a false start resumes the search at the byte
// after it, so a good frame that follows noise, a torn frame or another frame is found. FE preambles are ordinary noise
// to it. A start that may still become a frame wins over what stands inside it, so data that looks like a frame is
// never taken for one; the price is that a head torn off by noise may hide one request, whose repetition after the
// time-out is found. Sources and the points where they disagree: docs/formats/dlt645.md.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"
#include "base/units.hpp"

namespace prewatt::dlt645 {

inline constexpr std::size_t kDataSizeMax = 200;
inline constexpr std::size_t kFrameOverhead = 12;
inline constexpr std::size_t kFrameSizeMax = kDataSizeMax + kFrameOverhead;
inline constexpr std::size_t kPreambleSize = 4;
inline constexpr Duration kByteGapMax = milliseconds(500);

// Six address bytes in wire order, low pair of digits first.
struct Address {
    std::array<Byte, 6> bytes{};
    friend constexpr bool operator==(const Address&, const Address&) = default;
};
inline constexpr Address kBroadcast{{0x99, 0x99, 0x99, 0x99, 0x99, 0x99}};
inline constexpr Address kWildcard{{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}};

// 10-digit number of a box; with the two digits of a household it makes the address of that household.
struct BoxNumber {
    std::uint64_t value = 0;  // 0 .. 9,999,999,999
    friend constexpr auto operator<=>(BoxNumber, BoxNumber) = default;
};
[[nodiscard]] Address address_of(BoxNumber box, Household household);
// Does a request to `pattern` mean the meter `own`? Equal bytes, or AA from some byte upwards (never from a middle byte
// only).
[[nodiscard]] bool matches(const Address& pattern, const Address& own);

enum class Function : std::uint8_t {
    kSecurity = 0x03,
    kSetTime = 0x08,
    kRead = 0x11,
    kReadFollowing = 0x12,
    kReadAddress = 0x13,
    kWrite = 0x14,
    kWriteAddress = 0x15,
    kFreeze = 0x16,
    kSetSpeed = 0x17,
    kSetPassword = 0x18,
    kClearDemand = 0x19,
    kClearMeter = 0x1A,
    kClearEvents = 0x1B,
    kControl = 0x1C,
    kTerminal = 0x1D,
};

// The control code C.
struct Control {
    std::uint8_t code = 0;
    [[nodiscard]] constexpr Function function() const { return static_cast<Function>(code & 0x1F); }
    [[nodiscard]] constexpr bool is_reply() const { return (code & 0x80) != 0; }
    [[nodiscard]] constexpr bool is_error() const { return (code & 0x40) != 0; }
    [[nodiscard]] constexpr bool more_follows() const { return (code & 0x20) != 0; }
    friend constexpr bool operator==(Control, Control) = default;
};
[[nodiscard]] constexpr Control request(Function f) {
    return {static_cast<std::uint8_t>(f)};
}
[[nodiscard]] constexpr Control reply(Function f, bool more = false) {
    return {static_cast<std::uint8_t>(static_cast<unsigned>(f) | 0x80u | (more ? 0x20u : 0u))};
}
[[nodiscard]] constexpr Control error_reply(Function f) {
    return {static_cast<std::uint8_t>(static_cast<unsigned>(f) | 0xC0u)};
}

// The ERR byte of an error reply; bits may be combined.
enum class Error : std::uint8_t {
    kOther = 0x01,
    kNoSuchData = 0x02,
    kNotAuthorised = 0x04,
    kSpeed = 0x08,
    kYearZones = 0x10,
    kDayPeriods = 0x20,
    kTariffs = 0x40,
};

// A data identifier as a number in written order: DI3 DI2 DI1 DI0 = 0x00010000.
struct DataId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(DataId, DataId) = default;
    [[nodiscard]] constexpr Byte di3() const { return static_cast<Byte>(value >> 24); }
    [[nodiscard]] constexpr Byte di2() const { return static_cast<Byte>(value >> 16); }
    [[nodiscard]] constexpr Byte di1() const { return static_cast<Byte>(value >> 8); }
    [[nodiscard]] constexpr Byte di0() const { return static_cast<Byte>(value); }
};

struct Frame {
    Address address;
    Control control;
    FixedVector<Byte, kDataSizeMax> data;  // without the 33H bias
    [[nodiscard]] Bytes bytes() const { return {data.data(), data.size()}; }
    // The first four data bytes as an identifier; nothing when there are fewer.
    [[nodiscard]] std::optional<DataId> data_id() const;
};

using FrameBytes = FixedVector<Byte, kPreambleSize + kFrameSizeMax>;
// The bytes on the line. `preamble` FE bytes first (0..4). data longer than kDataSizeMax is a caller's bug.
[[nodiscard]] FrameBytes encode(const Address& address, Control control, Bytes data,
                                std::size_t preamble = kPreambleSize);

class Decoder {
  public:
    // One byte in; a frame out when this byte completed one. `now` is when the byte came. `bad_parity` marks a byte
    // that the receiver knows to be damaged: it can be part of no frame. When a byte ends a false start behind which
    // two whole frames stand, the second comes out with the next byte.
    std::optional<Frame> on_byte(Byte byte, Instant now, bool bad_parity = false);
    void reset();
    // How many bytes were dropped because they belonged to no frame (FE is not counted), and how many frames had a
    // wrong check sum or end.
    [[nodiscard]] std::uint32_t noise_bytes() const { return noise_bytes_; }
    [[nodiscard]] std::uint32_t bad_frames() const { return bad_frames_; }

  private:
    std::optional<Frame> scan(bool final);
    void drop(std::size_t n);
    void forget(std::size_t n);
    FixedVector<Byte, kFrameSizeMax> pending_;
    Instant last_{};
    std::uint32_t noise_bytes_ = 0;
    std::uint32_t bad_frames_ = 0;
};

}  // namespace prewatt::dlt645
