#include "protocols/interlink/link.hpp"

#include <algorithm>

namespace prewatt::interlink {

Link::Link(std::uint16_t start, MutableBytes receive, MutableBytes send, RecordMark taken)
    : decoder_(receive), send_(send), own_(start == 0 ? std::uint16_t{1} : start), taken_(taken) {}

void Link::begin(Instant now) {
    heard_at_ = heartbeat_at_ = now;
}

std::optional<Message> Link::on_byte(Byte byte, Instant now) {
    Bytes one(&byte, 1);
    return on_bytes(one, now);
}

std::optional<Message> Link::on_bytes(Bytes& bytes, Instant now) {
    while (const std::optional<Frame> frame = decoder_.on_bytes(bytes, now))
        if (take(*frame, now)) return Message{frame->head.type, frame->payload};
    return std::nullopt;
}

// True: the frame brought something new.
bool Link::take(const Frame& frame, Instant now) {
    const Head& head = frame.head;
    if (head.sender == 0 || head.type.is_record() != (head.sequence != 0)) return false;  // no sender of ours
    heard_at_ = now;
    if (head.sender != peer_) {
        peer_ = head.sender;
        peer_knows_us_ = false;
        ++peer_starts_;
        heartbeat_at_ = repeat_at_ = now;  // it wants to know our number, and has nothing of what waits
    }
    if (head.receiver == own_) {
        peer_knows_us_ = true;
        if (sent_ && head.acknowledge == sequence_) {
            records_.pop();
            sequence_ = sequence_ == UINT16_MAX ? std::uint16_t{1} : static_cast<std::uint16_t>(sequence_ + 1);
            sent_ = false;
        }
    } else if (head.receiver == 0 && peer_knows_us_) {
        // It knew us and does not any more: a start that took the number of the one before.
        peer_knows_us_ = false;
        ++peer_starts_;
        taken_ = {};
        heartbeat_at_ = now;
    }
    if (!head.type.is_record()) return true;
    tell_at_once_ = true;
    const RecordMark mark{head.sender, head.sequence};
    if (mark == taken_) return false;
    taken_ = mark;
    return true;
}

bool Link::put_record(Type type, Bytes payload) {
    if (payload.size() > kRecordSizeMax || !type.is_record()) return false;
    Record record;
    record.type = type;
    record.size = static_cast<std::uint8_t>(payload.size());
    std::copy(payload.begin(), payload.end(), record.payload.begin());
    return records_.push(record);
}

Head Link::head(Type type) const {
    return {.type = type,
            .sender = own_,
            .receiver = peer_,
            .sequence = 0,
            .acknowledge = taken_.start == peer_ ? taken_.sequence : std::uint16_t{0}};
}

Bytes Link::state(Type type, std::size_t payload_size, Instant now) {
    heartbeat_at_ = now + kHeartbeatEvery;
    tell_at_once_ = false;
    return finish_frame(head(type), payload_size, send_);
}

Bytes Link::poll_records(Instant now) {
    if (records_.empty() || (sent_ && now < repeat_at_)) return {};
    const Record& record = records_.front();
    std::copy_n(record.payload.begin(), record.size, send_.begin() + kHeaderSize);
    sent_ = true;
    repeat_at_ = now + kRepeatAfter;
    heartbeat_at_ = now + kHeartbeatEvery;
    tell_at_once_ = false;
    Head with_sequence = head(record.type);
    with_sequence.sequence = sequence_;
    return finish_frame(with_sequence, record.size, send_);
}

Bytes Link::poll(Instant now) {
    if (Bytes record = poll_records(now); !record.empty()) return record;
    if (!tell_at_once_ && now < heartbeat_at_) return {};
    ByteWriter(payload()).put_u32(health_);
    return state(kHeartbeat, sizeof health_, now);
}

Instant Link::next_due(Instant now) const {
    if (tell_at_once_ || (!records_.empty() && !sent_)) return now;
    Instant due = heartbeat_at_;
    if (!is_silent(now)) due = std::min(due, heard_at_ + kSilentAfter);
    if (!records_.empty()) due = std::min(due, repeat_at_);
    return due;
}

void Link::heartbeats_passed(Instant now) {
    if (peer_ == 0) return;
    heard_at_ = std::max(heard_at_, now);
    heartbeat_at_ = std::max(heartbeat_at_, now + kHeartbeatEvery);
}

}  // namespace prewatt::interlink
