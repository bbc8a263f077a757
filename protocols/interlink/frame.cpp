#include "protocols/interlink/frame.hpp"

#include <algorithm>
#include <cassert>

#include "base/crc.hpp"

namespace prewatt::interlink {
namespace {

constexpr std::size_t kLengthAt = 2;
constexpr std::size_t kTypeAt = 5;
constexpr Byte kLengthMask = 0xC3;  // so that a run of equal bytes is no length

constexpr Byte length_check(Byte low, Byte high) {
    return static_cast<Byte>(low ^ high ^ kLengthMask);
}

}  // namespace

Bytes finish_frame(const Head& head, std::size_t payload_size, MutableBytes out) {
    assert(payload_size <= kPayloadSizeMax && out.size() >= payload_size + kFrameOverhead);
    ByteWriter writer(out.first(kHeaderSize));
    writer.put_u8(kStartByte);
    writer.put_u8(kVersionByte);
    writer.put_u16(static_cast<std::uint16_t>(payload_size));
    writer.put_u8(length_check(out[kLengthAt], out[kLengthAt + 1]));
    writer.put_u8(head.type.code);
    writer.put_u16(head.sender);
    writer.put_u16(head.receiver);
    writer.put_u16(head.sequence);
    writer.put_u16(head.acknowledge);
    const std::size_t crc_at = kHeaderSize + payload_size;
    ByteWriter(out.subspan(crc_at, 2)).put_u16(crc16(Bytes(out).first(crc_at).subspan(kLengthAt)));
    return Bytes(out).first(crc_at + 2);
}

void Decoder::fail(Byte byte) {
    ++bad_frames_;
    // The next frame may begin with the very byte that ended this one.
    state_ = byte == kStartByte ? State::kVersion : State::kStart;
}

std::optional<Frame> Decoder::step(Byte byte) {
    switch (state_) {
        case State::kStart:
            if (byte == kStartByte) state_ = State::kVersion;
            return std::nullopt;
        case State::kVersion:
            if (byte == kVersionByte)
                state_ = State::kLengthLow;
            else if (byte != kStartByte)
                state_ = State::kStart;
            return std::nullopt;
        case State::kLengthLow:
            head_[kLengthAt] = byte;
            state_ = State::kLengthHigh;
            return std::nullopt;
        case State::kLengthHigh:
            head_[kLengthAt + 1] = byte;
            state_ = State::kLengthCheck;
            return std::nullopt;
        case State::kLengthCheck:
            length_ = static_cast<std::size_t>(head_[kLengthAt] | head_[kLengthAt + 1] << 8);
            if (byte != length_check(head_[kLengthAt], head_[kLengthAt + 1]) || length_ > buffer_.size()) {
                fail(byte);
                return std::nullopt;
            }
            head_[kLengthAt + 2] = byte;
            have_ = kTypeAt;
            state_ = State::kHead;
            return std::nullopt;
        case State::kHead:
            head_[have_++] = byte;
            if (have_ < kHeaderSize) return std::nullopt;
            have_ = 0;
            state_ = length_ == 0 ? State::kCrcLow : State::kPayload;
            return std::nullopt;
        case State::kPayload:
            buffer_[have_++] = byte;
            if (have_ == length_) state_ = State::kCrcLow;
            return std::nullopt;
        case State::kCrcLow:
            crc_low_ = byte;
            state_ = State::kCrcHigh;
            return std::nullopt;
        case State::kCrcHigh:
            break;
    }
    const Bytes payload = Bytes(buffer_).first(length_);
    const std::uint16_t crc = crc16(payload, crc16(Bytes(head_).subspan(kLengthAt)));
    if (crc != static_cast<std::uint16_t>(crc_low_ | byte << 8)) {
        fail(byte);
        return std::nullopt;
    }
    state_ = State::kStart;
    ByteReader reader(Bytes(head_).subspan(kTypeAt));
    Frame frame;
    frame.head.type = {reader.get_u8()};
    frame.head.sender = reader.get_u16();
    frame.head.receiver = reader.get_u16();
    frame.head.sequence = reader.get_u16();
    frame.head.acknowledge = reader.get_u16();
    frame.payload = payload;
    return frame;
}

std::optional<Frame> Decoder::on_byte(Byte byte, Instant now) {
    Bytes one(&byte, 1);
    return on_bytes(one, now);
}

std::optional<Frame> Decoder::on_bytes(Bytes& bytes, Instant now) {
    if (bytes.empty()) return std::nullopt;
    if (state_ != State::kStart && now - last_ > kByteGapMax) {
        ++bad_frames_;
        state_ = State::kStart;
    }
    last_ = now;
    while (!bytes.empty()) {
        // Most bytes of a long frame need no decision.
        if (state_ == State::kPayload) {
            const std::size_t n = std::min(length_ - have_, bytes.size());
            std::copy_n(bytes.begin(), n, buffer_.begin() + static_cast<std::ptrdiff_t>(have_));
            have_ += n;
            bytes = bytes.subspan(n);
            if (have_ == length_) state_ = State::kCrcLow;
            continue;
        }
        const Byte byte = bytes.front();
        bytes = bytes.subspan(1);
        if (const std::optional<Frame> frame = step(byte)) return frame;
    }
    return std::nullopt;
}

}  // namespace prewatt::interlink
