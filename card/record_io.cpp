#include "card/record_io.hpp"

#include "card/layout.hpp"

namespace prewatt::card {
namespace {

constexpr std::uint8_t kWriteOrder[kRecordBlocks] = {1, 0, 2};

WriteFault as_write_fault(CardFault fault) {
    switch (fault) {
        case CardFault::kNoCard:
            return WriteFault::kNoCard;
        case CardFault::kWrongKey:
            return WriteFault::kWrongKey;
        case CardFault::kRefused:
            return WriteFault::kRefused;
        case CardFault::kNotM1:
        case CardFault::kSeveral:
            return WriteFault::kSwapped;
        case CardFault::kReader:
            break;
    }
    return WriteFault::kReader;
}

}  // namespace

Progress RecordReader::step(M1Reader& reader) {
    if (progress_ != Progress::kBusy) return progress_;
    if (next_ == 0) {
        if (const auto opened = reader.authenticate(first_block(sector_), kind_, key_); !opened) {
            fault_ = opened.error();
            return progress_ = Progress::kFailed;
        }
        next_ = 1;
        return progress_;
    }
    const std::uint8_t k = static_cast<std::uint8_t>(next_ - 1);
    const auto block = reader.read(static_cast<std::uint8_t>(first_block(sector_) + k));
    if (!block) {
        fault_ = block.error();
        return progress_ = Progress::kFailed;
    }
    for (std::size_t at = 0; at < kBlockBytes; ++at)
        record_[k * kBlockBytes + at] = (*block)[at];
    if (k == 0 && wanted_box_) {
        const auto header = read_header(*block);
        if (header && header->box != *wanted_box_) return progress_ = Progress::kDone;
    }
    if (++next_ > kRecordBlocks) progress_ = Progress::kDone;
    return progress_;
}

Progress RecordWriter::fail(WriteFault fault) {
    fault_ = fault;
    return progress_ = Progress::kFailed;
}

Progress RecordWriter::step(M1Reader& reader) {
    if (progress_ != Progress::kBusy) return progress_;
    const std::uint8_t first = first_block(sector_);
    if (next_ == 0) {
        const auto opened = reader.authenticate(first, KeyKind::kB, key_);
        if (!opened) return fail(as_write_fault(opened.error()));
    } else if (next_ <= kCommit) {
        const std::uint8_t k = kWriteOrder[next_ - 1];
        Block block{};
        for (std::size_t at = 0; at < kBlockBytes; ++at)
            block[at] = record_[k * kBlockBytes + at];
        const bool commits = next_ == kCommit;
        if (commits) ++next_;  // sent: whatever is answered, it may stand there
        const auto written = reader.write(static_cast<std::uint8_t>(first + k), block);
        if (!written) return fail(as_write_fault(written.error()));
        if (commits) return progress_;
    } else if (next_ <= kCommit + kRecordBlocks) {
        const std::uint8_t k = static_cast<std::uint8_t>(next_ - kCommit - 1);
        const auto block = reader.read(static_cast<std::uint8_t>(first + k));
        if (!block) return fail(as_write_fault(block.error()));
        if (!equal(*block, Bytes(record_).subspan(k * kBlockBytes, kBlockBytes))) return fail(WriteFault::kNotVerified);
    } else {
        const auto who = reader.select();
        if (!who) return fail(as_write_fault(who.error()));
        if (!same(*who, uid_)) return fail(WriteFault::kSwapped);
        return progress_ = Progress::kDone;
    }
    ++next_;
    return progress_;
}

}  // namespace prewatt::card
