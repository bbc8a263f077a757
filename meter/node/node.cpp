#include "meter/node/node.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

// What one event sets off: an order, its acknowledgement and whatever follows. More are sent with the next event.
constexpr int kRoundsMax = 64;

constexpr Processor other(Processor which) {
    return which == Processor::kMetering ? Processor::kManagement : Processor::kMetering;
}

}  // namespace

Node::Node(const NodeConfig& config, Ports ports) : config_(config), ports_(ports) {
    make(Processor::kManagement);
    make(Processor::kMetering);
}

void Node::make(Processor which) {
    if (which == Processor::kManagement) {
        management_.emplace(config_, ports_, &metering_line_);
        return;
    }
    RetainedMemory& retained = ports_.retained != nullptr ? *ports_.retained : own_retained_;
    metering_.emplace(
        config_, MeteringPorts{ports_.display, ports_.metering_watchdog, ports_.socket, &management_line_}, retained);
}

StartResult Node::start(Instant now) {
    const StartResult result = management_->start(now);
    alive_ = management_->alive();
    if (!alive_) return result;
    metering_->start(now);
    metering_next_ = metering_->poll(now);
    after(now);
    return result;
}

bool Node::is_up(Processor which) const {
    return which == Processor::kMetering ? !metering_hangs_ : !management_hangs_ && management_->alive();
}

// --- The wire

void Node::deliver(Processor from, Bytes bytes, Instant now) {
    std::array<Byte, 2 * interlink::kFrameSizeMax> disturbed;
    if (fault_ != nullptr) bytes = Bytes(disturbed).first(fault_->disturb(bytes, from, disturbed));
    if (!is_up(other(from))) return;
    if (from == Processor::kMetering)
        management_->on_link_bytes(bytes, now);
    else
        metering_->on_link_bytes(bytes, now);
}

// True: something moved.
bool Node::carry(Processor from, Instant now) {
    Wire& w = wire(from);
    const Duration span = byte_time_ * static_cast<std::int64_t>(w.size);
    if (w.size != 0 && now - w.sent_at < span) return false;
    bool moved = false;
    if (w.size != 0) {
        const Bytes bytes = Bytes(w.bytes).first(w.size);
        w.size = 0;
        deliver(from, bytes, now);
        moved = true;
    }
    if (!is_up(from)) return moved;
    const Bytes frame = from == Processor::kMetering ? metering_->next_frame(now) : management_->next_frame(now);
    if (frame.empty()) return moved;
    if (byte_time_ == Duration{}) {
        deliver(from, frame, now);
    } else {
        std::copy(frame.begin(), frame.end(), w.bytes.begin());
        w.size = frame.size();
        w.sent_at = now;
    }
    return true;
}

// The sender starts anew in the middle of a frame: what has left it arrives.
void Node::tear(Processor from, Instant now) {
    Wire& w = wire(from);
    if (w.size == 0) return;
    const auto gone = static_cast<std::size_t>((now - w.sent_at).count() / byte_time_.count());
    const Bytes bytes = Bytes(w.bytes).first(std::min(w.size, gone));
    w.size = 0;
    deliver(from, bytes, now);
}

// --- Every event

bool Node::heartbeats_can_be_left_out() const {
    return !sampled_ && fault_ == nullptr && byte_time_ == Duration{} && is_up(Processor::kMetering) &&
           is_up(Processor::kManagement) && metering_->link().has_heard() && management_->link().has_heard();
}

void Node::before(Instant now) {
    if (!heartbeats_can_be_left_out()) return;
    metering_->link().heartbeats_passed(now);
    management_->link().heartbeats_passed(now);
}

Instant Node::after(Instant now) {
    for (int round = 0; round < kRoundsMax; ++round) {
        const bool up = carry(Processor::kMetering, now);
        const bool down = carry(Processor::kManagement, now);
        if (!up && !down) break;
    }
    for (const Processor which : {Processor::kMetering, Processor::kManagement}) {
        ResetLine& line = which == Processor::kMetering ? metering_line_ : management_line_;
        const bool pulled = line.pulled && line.works;
        line.pulled = false;
        if (pulled) return reset(which, now);
    }
    Instant next = is_up(Processor::kManagement) ? management_->next() : kNever;
    if (!metering_hangs_) next = std::min(next, metering_next_);
    for (const Wire& w : wires_)
        if (w.size != 0) next = std::min(next, w.sent_at + byte_time_ * static_cast<std::int64_t>(w.size));
    if (heartbeats_can_be_left_out()) return next;
    if (!metering_hangs_ && wires_[0].size == 0) next = std::min(next, metering_->link().next_due(now));
    if (is_up(Processor::kManagement) && wires_[1].size == 0) next = std::min(next, management_->link().next_due(now));
    return next;
}

Instant Node::poll(Instant now) {
    if (!alive_) return kNever;
    before(now);
    if (is_up(Processor::kManagement)) (void)management_->poll(now);
    if (!metering_hangs_) metering_next_ = metering_->poll(now);
    return after(now);
}

Instant Node::on_samples(const SampleView& block, Instant now) {
    if (!alive_) return kNever;
    sampled_ = true;
    if (!metering_hangs_) {
        metering_->on_samples(block, now);
        metering_next_ = metering_->poll(now);
    }
    return after(now);
}

Instant Node::on_measurement(const Measurement& measurement, Instant now) {
    if (!alive_) return kNever;
    before(now);
    if (!metering_hangs_) {
        measurement_ = measurement;
        metering_->on_measurement(measurement_, now);
        metering_next_ = metering_->poll(now);
    }
    return after(now);
}

Instant Node::on_bus_byte(Byte byte, Instant now, bool bad_parity) {
    if (!alive_) return kNever;
    before(now);
    if (is_up(Processor::kManagement)) (void)management_->on_bus_byte(byte, now, bad_parity);
    return after(now);
}

Instant Node::on_power_fail(Instant now) {
    if (!alive_) return kNever;
    before(now);
    if (is_up(Processor::kManagement)) (void)management_->on_power_fail(now);
    return after(now);
}

// --- Accidents

Instant Node::reset(Processor which, Instant now) {
    if (!alive_) return kNever;
    before(now);
    tear(which, now);
    if (which == Processor::kManagement) management_->let_outputs_go();
    make(which);
    if (which == Processor::kMetering) {
        metering_hangs_ = false;
        metering_->start(now);
        metering_next_ = metering_->poll(now);
    } else {
        management_hangs_ = false;
        (void)management_->start(now, false);
    }
    return after(now);
}

Instant Node::hang(Processor which, Instant now, bool reset_line_works) {
    if (!alive_) return kNever;
    before(now);
    (which == Processor::kMetering ? metering_hangs_ : management_hangs_) = true;
    (which == Processor::kMetering ? metering_line_ : management_line_).works = reset_line_works;
    return after(now);
}

}  // namespace prewatt::meter
