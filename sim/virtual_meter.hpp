// One box on the host: the real node on a virtual board, fed from terminals, run by whoever owns the time.
//
// The owner calls run_until() with times that never go back, no later than next(); in between it may hand in bytes from
// the line. The box brings its own wake-ups into the right order: sample blocks (20 ms each) or measuring windows, and
// what the node asks for.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "meter/node/node.hpp"
#include "sim/card/field.hpp"
#include "sim/faults.hpp"
#include "sim/terminals.hpp"
#include "sim/virtual_board.hpp"

namespace prewatt::sim {

enum class Level : std::uint8_t { kWaveform, kCycle };

struct VirtualMeterOptions {
    meter::NodeConfig node;
    Level level = Level::kWaveform;
    Duration window = milliseconds(200);  // of a measurement at cycle level
    CivilSeconds civil = 0;               // what the battery-backed clock says at the start; 0: it has stopped
    bool card_reader = false;             // fitted; the box takes cards where node.card_keys are set
    std::vector<Fault> faults;            // those of the supply need HomesTerminals, others pass them by
};

class VirtualMeter {
  public:
    // What the node puts on the line, and when. Called from inside run_until() and on_byte().
    using Send = std::function<void(Bytes, Instant)>;

    // storage must outlive the meter. Cycle level needs WindowTerminals.
    VirtualMeter(const VirtualMeterOptions& options, meter::Storage& storage, std::unique_ptr<Terminals> terminals,
                 Send send);
    ~VirtualMeter();
    VirtualMeter(const VirtualMeter&) = delete;
    VirtualMeter& operator=(const VirtualMeter&) = delete;

    // Once, first. After kWrongBox or kStorageDead the box stays dark and dumb.
    meter::StartResult start(Instant now);
    // When it wants to be run at the latest.
    [[nodiscard]] Instant next() const;
    void run_until(Instant now);
    void on_byte(Byte byte, Instant now, bool bad_parity = false);
    // The supply is going: the node saves what is not saved.
    void power_fail(Instant now);

    [[nodiscard]] const meter::Node& node() const { return *node_; }
    [[nodiscard]] const VirtualMeterOptions& options() const { return options_; }
    [[nodiscard]] Relays& relays() { return relays_; }
    [[nodiscard]] LedDisplay& display() { return display_; }
    [[nodiscard]] CountingWatchdog& watchdog() { return watchdog_; }  // of the managing processor
    [[nodiscard]] CountingWatchdog& metering_watchdog() { return metering_watchdog_; }
    [[nodiscard]] TestSocket& socket() { return socket_; }
    // What is held to the box's reader: cards belong to whoever puts them there and must outlive their stay.
    [[nodiscard]] Field& card_field() { return card_field_; }
    // One of the two processors starts anew, or does nothing any more until the other resets it.
    void reset(meter::Processor which, Instant now);
    void hang(meter::Processor which, Instant now);
    [[nodiscard]] bool take_event(meter::PeerEvent& event) { return node_->take_event(event); }
    [[nodiscard]] VirtualRealTimeClock& clock() { return clock_; }
    [[nodiscard]] Terminals& terminals() { return *terminals_; }
    [[nodiscard]] Instant now() const { return now_; }

  private:
    void feed();
    void suffer(Instant now);

    struct Turn {  // of a fault
        Instant at;
        Fault fault;
        bool begins;
    };

    VirtualMeterOptions options_;
    Instant now_{};
    std::vector<Turn> turns_;  // to come, the last one first
    std::unique_ptr<Terminals> terminals_;
    WindowTerminals* windows_ = nullptr;  // *terminals_, at cycle level
    Relays relays_;
    LedDisplay display_;
    VirtualRealTimeClock clock_;
    ContactSense load_sense_;
    CountingWatchdog watchdog_;
    CountingWatchdog metering_watchdog_;
    meter::RetainedMemory retained_{};
    TestSocket socket_;
    Field card_field_;
    CallingBus bus_;
    card::OpensslMac mac_;
    std::unique_ptr<meter::Node> node_;
    Instant node_wants_ = kNever;
    Instant next_feed_ = kNever;
    Instant next_poll_ = kNever;
    meter::SampleBlock block_;
    meter::Measurement measurement_;
};

}  // namespace prewatt::sim
