#include "meter/node/metering_processor.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace prewatt::meter {
namespace {

// A line that was pulled in vain is pulled again after so long.
constexpr Duration kPullAgain = seconds(5);

Calibration calibration_of(const NodeConfig& config) {
    if (config.calibration != nullptr) return *config.calibration;
    return default_calibration(amperes(config.basic_current_amperes), amperes(config.max_current_amperes));
}

// Names this start: with the number after the last one, or, when that is forgotten, whatever the memory gives. True: a
// warm start.
bool begin(RetainedMemory& memory) {
    const std::uint16_t noise = noise_of(memory);
    const bool warm = recall(memory) != nullptr;
    RetainedState& state = warm ? begin_keeping(memory) : begin_keeping_anew(memory);
    if (!warm) state.start = noise;
    state.start = static_cast<std::uint16_t>(state.start == UINT16_MAX ? 1 : state.start + 1);
    end_keeping(memory);
    return warm;
}

}  // namespace

MeteringProcessor::MeteringProcessor(const NodeConfig& config, MeteringPorts ports, RetainedMemory& retained)
    : ports_(ports),
      wiring_(config.wiring),
      pulses_wanted_(config.display_fitted),
      retained_(retained),
      warm_(begin(retained)),
      metering_(calibration_of(config), config.wiring, amperes(config.basic_current_amperes)),
      steps_(metering_.calibration(), config.wiring),
      overcurrent_(metering_.calibration()),
      link_(kept(retained).start, receive_, send_, {kept(retained).taken_start, kept(retained).taken_sequence}) {
    metering_.report_currents_to(this);
}

void MeteringProcessor::start(Instant now) {
    link_.begin(now);
    const RetainedState& state = kept(retained_);
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        metering_.restore({static_cast<std::uint8_t>(c)}, state.residues[c]);
    for (int n = 1; n <= households(wiring_); ++n) {
        const Household h{static_cast<std::uint8_t>(n)};
        if (warm_) pulses_.restore(h, pulse_of(h).recall());
    }
    tell_health();
}

void MeteringProcessor::tell_health() {
    link_.set_health(MeteringHealth{session(), orders_}.word());
}

void MeteringProcessor::keep(RetainedState& next) {
    const interlink::RecordMark taken = link_.taken();
    next.taken_start = taken.start;
    next.taken_sequence = taken.sequence;
    end_keeping(retained_);
}

void MeteringProcessor::on_cycle(const CycleCurrents& cycle) {
    overcurrent_.on_cycle(cycle);
}

// What has no room waits in the detector and the watch. Two places are left for answers.
void MeteringProcessor::tell_reports() {
    std::array<Byte, interlink::kRecordSizeMax> payload;
    OvercurrentReport overcurrent;
    while (link_.records_waiting() + 2 < interlink::kRecordsMax && overcurrent_.take(overcurrent))
        (void)link_.put_record(kOvercurrentMessage, Bytes(payload).first(encode_message(overcurrent, payload)));
    while (link_.records_waiting() + 2 < interlink::kRecordsMax) {
        const std::optional<StepReport> step = steps_.take_report();
        if (!step) return;
        (void)link_.put_record(kStepMessage, Bytes(payload).first(encode_message(*step, payload)));
    }
}

void MeteringProcessor::on_samples(const SampleView& block, Instant now) {
    const Measurement* measurement = metering_.on_samples(block);
    steps_.on_samples(block, metering_);
    tell_reports();
    if (measurement != nullptr) on_measurement(*measurement, now);
}

void MeteringProcessor::on_measurement(const Measurement& measurement, Instant now) {
    const int circuits = circuits_each(wiring_);
    const auto count = static_cast<std::size_t>(households(wiring_));
    const CircuitMeasurement* circuit = measurement.circuits.data();
    if (pulses_wanted_) give_pulses(now);
    RetainedState& next = begin_keeping(retained_);
    for (std::size_t n = 0; n < count; ++n) {
        Energy forward;
        Energy reverse;
        for (int k = 0; k < circuits; ++k, ++circuit) {
            forward += circuit->forward;
            reverse += circuit->reverse;
        }
        next.totals[n].forward += static_cast<std::uint32_t>(forward.count());
        next.totals[n].reverse += static_cast<std::uint32_t>(reverse.count());
        if (!pulses_wanted_) continue;
        const Household h{static_cast<std::uint8_t>(n + 1)};
        pulses_.add(h, forward + reverse, measurement.span, now);
        pulse_of(h).keep(pulses_.residue(h));
    }
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        next.residues[c] = metering_.residue({static_cast<std::uint8_t>(c)});
    // Kept before it is told: what has been booked is never forgotten here.
    keep(next);
    window_ = &measurement;
    if (pulses_wanted_) next_pulse_ = now;
}

void MeteringProcessor::give_pulses(Instant now) {
    const PulseBank::Pulses pulses = pulses_.poll(now);
    next_pulse_ = pulses.next;
    if (ports_.socket != nullptr) ports_.socket->set_output(pulses.output);
    for (std::uint64_t leds = pulses.leds; leds != 0; leds &= leds - 1) {
        const Household h{static_cast<std::uint8_t>(std::countr_zero(leds) + 1)};
        ports_.display.pulse(h);
        // One that was given is not given again after a reset.
        pulse_of(h).keep(pulses_.residue(h));
    }
}

void MeteringProcessor::follow(const MeteringOrders& orders, Instant now) {
    if (orders.session_name != 0 && orders.session_replaces == session() && orders.session_name != session()) {
        RetainedState& next = begin_keeping(retained_);
        // Nobody knows how much of a strange session has been booked.
        if (next.session != 0) next.totals = {};
        next.session = orders.session_name;
        keep(next);
    }
    (void)pulses_.set_constant(orders.pulse_constant);
    pulses_.set_width(milliseconds(orders.pulse_width_ms));
    if (pulses_.selected().number != orders.test_household) {
        pulses_.select({orders.test_household});
        next_pulse_ = now;
    }
    follow_contacts(orders);
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        overcurrent_.set_limit({static_cast<std::uint8_t>(c)}, orders.gross_limit[c]);
    orders_ = orders.version;
    tell_health();
}

// Behind a contact that closes everything comes at once: the detector must know. A contact that is heard of for the
// first time was where it is.
void MeteringProcessor::follow_contacts(const MeteringOrders& orders) {
    const std::uint64_t before = contacts_;
    contacts_ = (contacts_ & ~orders.contacts_known) | (orders.contacts_closed & orders.contacts_known);
    for (std::uint64_t moved = (contacts_ ^ before) & contacts_known_; moved != 0; moved &= moved - 1) {
        const Circuit circuit{static_cast<std::uint8_t>(std::countr_zero(moved))};
        if (circuit.index >= kCircuitsMax) break;
        if ((contacts_ >> circuit.index & 1) != 0)
            steps_.on_contact_closed(circuit);
        else
            steps_.on_contact_opened(circuit);
    }
    contacts_known_ |= orders.contacts_known;
}

void MeteringProcessor::send_capture(const CaptureRequest& request) {
    std::array<Byte, interlink::kRecordSizeMax> payload;
    StepCapture capture;
    CapturePart part{request.capture, kCapturePartGone, {}};
    if (request.part < kCaptureParts && steps_.capture(request.capture, capture))
        part = part_of(capture, request.capture, request.part);
    (void)link_.put_record(kCapturePartMessage, Bytes(payload).first(encode_message(part, payload)));
}

void MeteringProcessor::on_link_bytes(Bytes bytes, Instant now) {
    while (const std::optional<interlink::Message> message = link_.on_bytes(bytes, now)) {
        if (message->type == kOrdersMessage) {
            if (const auto orders = decode_orders(message->payload)) follow(*orders, now);
        } else if (message->type == kCaptureRequestMessage) {
            if (const auto request = decode_capture_request(message->payload)) send_capture(*request);
        } else if (message->type == kCaptureReleaseMessage) {
            if (const auto request = decode_capture_request(message->payload)) steps_.release(request->capture);
        }
    }
}

Bytes MeteringProcessor::next_frame(Instant now) {
    if (Bytes frame = link_.poll_records(now); !frame.empty()) return frame;
    if (window_ != nullptr) {
        const MeteringHealth health{session(), orders_};
        const std::size_t size = encode_message(*window_, health, kept(retained_).totals, wiring_, link_.payload());
        window_ = nullptr;
        return link_.state(kWindowMessage, size, now);
    }
    return link_.poll(now);
}

void MeteringProcessor::watch_management(Instant now) {
    if (!link_.is_silent(now)) {
        if (silent_since_ == kNever) return;
        std::array<Byte, interlink::kRecordSizeMax> payload;
        const PeerSilence silence{now - silent_since_, pulled_};
        (void)link_.put_record(kPeerSilenceMessage, Bytes(payload).first(encode_message(silence, payload)));
        silent_since_ = pull_at_ = kNever;
        pulled_ = false;
        return;
    }
    if (silent_since_ == kNever) {
        silent_since_ = now - interlink::kSilentAfter;
        pull_at_ = now;
    }
    if (now < pull_at_) return;
    pull_at_ = now + kPullAgain;
    if (ports_.management_reset == nullptr) return;
    pulled_ = true;
    ports_.management_reset->pull();
}

Instant MeteringProcessor::poll(Instant now) {
    if (ports_.watchdog != nullptr) ports_.watchdog->kick();
    watch_management(now);
    if (pulses_wanted_ && now >= next_pulse_) give_pulses(now);
    return std::min(next_pulse_, pull_at_);
}

// Both halves of the converter's buffer, 5 ms each, and what remains of the goal of 32 KiB when the stack has its part.
constexpr std::size_t kConverterBuffer = 2 * 20 * (kPhasesMax + kCircuitsMax) * sizeof(std::int16_t);
constexpr std::size_t kStack = 4096;
static_assert(sizeof(MeteringProcessor) + sizeof(RetainedMemory) + kConverterBuffer + kStack <= 32 * 1024,
              "all that the metering processor holds");

}  // namespace prewatt::meter
