#include "protocols/dlt645/frame.hpp"

#include <cassert>

#include "base/bcd.hpp"

namespace prewatt::dlt645 {
namespace {

constexpr Byte kStart = 0x68;
constexpr Byte kEnd = 0x16;
constexpr Byte kPreamble = 0xFE;
constexpr Byte kAnyDigits = 0xAA;
constexpr Byte kBias = 0x33;
constexpr std::size_t kSecondStart = 7;
constexpr std::size_t kControlAt = 8;
constexpr std::size_t kLengthAt = 9;
constexpr std::size_t kDataAt = 10;
static_assert(kFrameOverhead == kDataAt + 2);

// The most data that a frame with this control code carries anywhere. A head that claims more is noise; knowing so
// early finds the good frame behind it sooner.
std::size_t data_size_max(Control control) {
    constexpr std::size_t kErrorMax = 8;      // 1 or 2 bytes in every source
    constexpr std::size_t kQuestionMax = 32;  // the longest is a class 98 clear, 28
    if (control.is_reply()) return control.is_error() ? kErrorMax : kDataSizeMax;
    switch (control.function()) {
        case Function::kSetTime:
        case Function::kRead:
        case Function::kReadFollowing:
        case Function::kReadAddress:
        case Function::kWriteAddress:
        case Function::kFreeze:
        case Function::kSetSpeed:
        case Function::kSetPassword:
        case Function::kClearDemand:
        case Function::kClearMeter:
        case Function::kClearEvents:
        case Function::kTerminal:
            return kQuestionMax;
        case Function::kSecurity:
        case Function::kWrite:
        case Function::kControl:
            break;
    }
    return kDataSizeMax;
}

Byte sum_of(Bytes bytes) {
    unsigned sum = 0;
    for (Byte byte : bytes)
        sum += byte;
    return static_cast<Byte>(sum);
}

}  // namespace

Address address_of(BoxNumber box, Household household) {
    Address address;
    address.bytes[0] = to_bcd(household.number);
    put_bcd(MutableBytes(address.bytes).subspan(1), box.value);
    return address;
}

bool matches(const Address& pattern, const Address& own) {
    std::size_t known = pattern.bytes.size();
    while (known > 0 && pattern.bytes[known - 1] == kAnyDigits)
        --known;
    return equal(Bytes(pattern.bytes).first(known), Bytes(own.bytes).first(known));
}

std::optional<DataId> Frame::data_id() const {
    if (data.size() < 4) return std::nullopt;
    ByteReader reader(bytes());
    return DataId{reader.get_u32()};
}

FrameBytes encode(const Address& address, Control control, Bytes data, std::size_t preamble) {
    assert(data.size() <= kDataSizeMax && preamble <= kPreambleSize);
    FrameBytes out;
    for (std::size_t k = 0; k < preamble; ++k)
        out.push_back(kPreamble);
    out.push_back(kStart);
    for (Byte byte : address.bytes)
        out.push_back(byte);
    out.push_back(kStart);
    out.push_back(control.code);
    out.push_back(static_cast<Byte>(data.size()));
    for (Byte byte : data)
        out.push_back(static_cast<Byte>(byte + kBias));
    out.push_back(sum_of({out.data() + preamble, out.size() - preamble}));
    out.push_back(kEnd);
    return out;
}

std::optional<Frame> Decoder::on_byte(Byte byte, Instant now, bool bad_parity) {
    if (!pending_.empty() && now - last_ > kByteGapMax) drop(pending_.size());
    last_ = now;
    if (bad_parity) {
        // No frame reaches across this byte, but a whole one may stand behind a false start before it.
        std::optional<Frame> frame = scan(true);
        drop(pending_.size());
        ++noise_bytes_;
        return frame;
    }
    pending_.push_back(byte);
    return scan(false);
}

void Decoder::reset() {
    pending_.clear();
}

// Forgets the first n pending bytes, which belong to no frame.
void Decoder::drop(std::size_t n) {
    for (std::size_t k = 0; k < n; ++k)
        if (pending_[k] != kPreamble) ++noise_bytes_;
    forget(n);
}

void Decoder::forget(std::size_t n) {
    if (n == 0) return;  // most bytes: the frame is not complete yet
    for (std::size_t k = n; k < pending_.size(); ++k)
        pending_[k - n] = pending_[k];
    pending_.resize(pending_.size() - n);
}

// The first frame that stands complete in the pending bytes. Bytes before it that can start no frame are dropped;
// unless `final`, a start that could still become a frame stops the search, so pending_ never holds more than one
// frame's size.
std::optional<Frame> Decoder::scan(bool final) {
    std::size_t at = 0;  // everything before is noise
    for (; at < pending_.size(); ++at) {
        const Bytes rest(pending_.data() + at, pending_.size() - at);
        if (rest[0] != kStart) continue;
        if (rest.size() > kSecondStart && rest[kSecondStart] != kStart) continue;
        if (rest.size() > kLengthAt && rest[kLengthAt] > data_size_max({rest[kControlAt]})) continue;
        const std::size_t size = rest.size() > kLengthAt ? rest[kLengthAt] + kFrameOverhead : kFrameSizeMax;
        if (rest.size() < size) {
            if (final) continue;
            break;
        }
        if (rest[size - 1] != kEnd || sum_of(rest.first(size - 2)) != rest[size - 2]) {
            ++bad_frames_;
            continue;
        }
        Frame frame;
        for (std::size_t k = 0; k < frame.address.bytes.size(); ++k)
            frame.address.bytes[k] = rest[1 + k];
        frame.control = {rest[kControlAt]};
        for (std::size_t k = kDataAt; k < size - 2; ++k)
            frame.data.push_back(static_cast<Byte>(rest[k] - kBias));
        drop(at);
        forget(size);
        return frame;
    }
    drop(at);
    return std::nullopt;
}

}  // namespace prewatt::dlt645
