#include "sim/virtual_meter.hpp"

#include <algorithm>

namespace prewatt::sim {
namespace {
constexpr Duration kBlock = kSampleSpan * meter::kBlockSamplesMax;
// The main loop of a board comes round at least so often, or its watchdog bites.
constexpr Duration kPollMax = seconds(1);
constexpr Duration kForGood = seconds(1'000'000'000);
}  // namespace

VirtualMeter::VirtualMeter(const VirtualMeterOptions& options, meter::Storage& storage,
                           std::unique_ptr<Terminals> terminals, Send send)
    : options_(options),
      terminals_(std::move(terminals)),
      clock_(now_, options.civil),
      load_sense_(relays_, [this](Circuit circuit) { return terminals_->is_live(circuit); }),
      watchdog_(now_),
      metering_watchdog_(now_),
      socket_(now_),
      bus_([this, send = std::move(send)](Bytes bytes) { send(bytes, now_); }) {
    if (options_.level == Level::kCycle) {
        windows_ = dynamic_cast<WindowTerminals*>(terminals_.get());
        if (windows_ == nullptr) options_.level = Level::kWaveform;
    }
    node_ = std::make_unique<meter::Node>(options_.node,
                                          meter::Ports{.storage = storage,
                                                       .relays = relays_,
                                                       .display = display_,
                                                       .bus = bus_,
                                                       .clock = clock_,
                                                       .watchdog = watchdog_,
                                                       .mac = mac_,
                                                       .metering_watchdog = &metering_watchdog_,
                                                       .retained = &retained_,
                                                       .load_sense = &load_sense_,
                                                       .socket = &socket_,
                                                       .card_reader = options_.card_reader ? &card_field_ : nullptr});
}

VirtualMeter::~VirtualMeter() = default;

meter::StartResult VirtualMeter::start(Instant now) {
    now_ = now;
    turns_.clear();
    for (const Fault& fault : options_.faults) {
        turns_.push_back({now + fault.from, fault, true});
        if (fault.span != Duration{}) turns_.push_back({now + fault.from + fault.span, fault, false});
    }
    std::stable_sort(turns_.begin(), turns_.end(), [](const Turn& a, const Turn& b) { return a.at > b.at; });
    suffer(now);
    const meter::StartResult result = node_->start(now);
    if (result == meter::StartResult::kFresh || result == meter::StartResult::kRecovered) {
        next_feed_ = now + (options_.level == Level::kCycle ? options_.window : kBlock);
        node_wants_ = node_->poll(now);
        next_poll_ = now + kPollMax;
    }
    return result;
}

Instant VirtualMeter::next() const {
    return std::min({node_wants_, next_feed_, next_poll_, turns_.empty() ? kNever : turns_.back().at});
}

void VirtualMeter::suffer(Instant now) {
    auto* const homes = dynamic_cast<HomesTerminals*>(terminals_.get());
    while (!turns_.empty() && turns_.back().at <= now) {
        const Turn turn = turns_.back();
        turns_.pop_back();
        const Fault& fault = turn.fault;
        switch (fault.kind) {
            case Fault::Kind::kLostPhase:
                if (homes != nullptr) homes->grid().set_lost(fault.phase, turn.begins);
                break;
            case Fault::Kind::kSag:
                if (homes != nullptr)
                    homes->grid().sag(fault.phase, turn.begins ? fault.factor : 1,
                                      fault.span == Duration{} ? kForGood : fault.span);
                break;
            case Fault::Kind::kStuckOpen:
                relays_.set_stuck(fault.circuit, turn.begins ? Stuck::kOpen : Stuck::kNo);
                break;
            case Fault::Kind::kStuckClosed:
                relays_.set_stuck(fault.circuit, turn.begins ? Stuck::kClosed : Stuck::kNo);
                break;
        }
    }
}

void VirtualMeter::feed() {
    if (options_.level == Level::kCycle) {
        windows_->measure(measurement_, options_.window, relays_.contacts());
        node_wants_ = node_->on_measurement(measurement_, now_);
        next_feed_ = next_feed_ + options_.window;
    } else {
        terminals_->sample(block_, meter::kBlockSamplesMax, relays_.contacts());
        node_wants_ = node_->on_samples(block_, now_);
        next_feed_ = next_feed_ + kBlock;
    }
}

void VirtualMeter::run_until(Instant now) {
    while (next() <= now) {
        now_ = std::max(now_, next());
        suffer(now_);
        if (next_feed_ <= now_) {
            feed();
        } else {
            // At least a microsecond goes by, whatever the node asks for.
            node_wants_ = std::max(node_->poll(now_), now_ + microseconds(1));
            next_poll_ = now_ + kPollMax;
        }
    }
    now_ = std::max(now_, now);
}

void VirtualMeter::on_byte(Byte byte, Instant now, bool bad_parity) {
    run_until(now);
    node_wants_ = std::min(node_wants_, node_->on_bus_byte(byte, now_, bad_parity));
}

void VirtualMeter::reset(meter::Processor which, Instant now) {
    run_until(now);
    node_wants_ = node_->reset(which, now_);
}

void VirtualMeter::hang(meter::Processor which, Instant now) {
    run_until(now);
    node_wants_ = node_->hang(which, now_);
}

void VirtualMeter::power_fail(Instant now) {
    run_until(now);
    node_wants_ = node_->on_power_fail(now_);
}

}  // namespace prewatt::sim
