// Frames between the two processors of a box (product.md M14): what one looks like, a decoder that eats bytes, an
// encoder. Exact to the byte: docs/formats/interlink.md.
//
//   A5 51 | length u16, its check u8 | type u8 | sender u16 | receiver u16 | sequence u16 | acknowledge u16 | payload |
//   CRC-16
//
// The decoder is fed byte by byte and returns a frame with the byte that completes it. Whatever is damaged costs the
// frame that it hit and at most the one behind it: a length is believed only with its check, a frame only with its CRC,
// and silence of kByteGapMax in the middle of a frame ends it. Senders pause longer than that several times a second.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/units.hpp"

namespace prewatt::interlink {

inline constexpr Byte kStartByte = 0xA5;
inline constexpr Byte kVersionByte = 0x51;  // the low digit counts versions; another one is noise to us
inline constexpr std::size_t kHeaderSize = 14;
inline constexpr std::size_t kFrameOverhead = kHeaderSize + 2;
inline constexpr std::size_t kPayloadSizeMax = 1000;
inline constexpr std::size_t kFrameSizeMax = kPayloadSizeMax + kFrameOverhead;
inline constexpr Duration kByteGapMax = milliseconds(50);

// 00 is the heartbeat, 01..7F are states (the latest one counts), 80..FF records (each arrives, once and in order).
struct Type {
    std::uint8_t code = 0;
    [[nodiscard]] constexpr bool is_record() const { return (code & 0x80) != 0; }
    friend constexpr bool operator==(Type, Type) = default;
};
inline constexpr Type kHeartbeat{0};

struct Head {
    Type type;
    std::uint16_t sender = 0;    // number of the sender's start, 1..65535
    std::uint16_t receiver = 0;  // the receiver's, as far as the sender knows; 0: it has not heard from it yet
    std::uint16_t sequence = 0;  // of a record: 1..65535, after which comes 1; otherwise 0
    std::uint16_t acknowledge =
        0;  // the sequence of the last record that the sender has taken from the receiver; 0: none
    friend constexpr bool operator==(const Head&, const Head&) = default;
};
struct Frame {
    Head head;
    Bytes payload;
};

// Puts head and CRC around the payload, which stands at out[kHeaderSize] already; out holds at least kFrameOverhead +
// payload_size bytes, payload_size <= kPayloadSizeMax. The bytes of the frame: a front part of `out`.
[[nodiscard]] Bytes finish_frame(const Head& head, std::size_t payload_size, MutableBytes out);

class Decoder {
  public:
    // `buffer` takes the payload that is being read; a frame with a longer one is noise. It outlives the decoder.
    explicit Decoder(MutableBytes buffer) : buffer_(buffer) {}
    // One byte in; a frame out when this byte completed one, its payload valid until the next byte.
    [[nodiscard]] std::optional<Frame> on_byte(Byte byte, Instant now);
    // The same for many bytes that have come together: takes bytes from the front of `bytes` up to the end of the
    // next frame.
    [[nodiscard]] std::optional<Frame> on_bytes(Bytes& bytes, Instant now);
    // Frames that began and were not believed in the end: wrong check, wrong CRC, torn.
    [[nodiscard]] std::uint32_t bad_frames() const { return bad_frames_; }

  private:
    enum class State : std::uint8_t {
        kStart,
        kVersion,
        kLengthLow,
        kLengthHigh,
        kLengthCheck,
        kHead,
        kPayload,
        kCrcLow,
        kCrcHigh
    };
    [[nodiscard]] std::optional<Frame> step(Byte byte);
    void fail(Byte byte);

    MutableBytes buffer_;
    State state_ = State::kStart;
    std::array<Byte, kHeaderSize> head_{};
    std::size_t have_ = 0;  // bytes of the head, then of the payload
    std::size_t length_ = 0;
    Byte crc_low_ = 0;
    Instant last_{};
    std::uint32_t bad_frames_ = 0;
};

}  // namespace prewatt::interlink
