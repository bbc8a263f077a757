// One whole device: what happens between the terminals, the display and the line of a box. Both of its processors under
// one clock, joined by nothing but the bytes of the interlink.
//
// The owner (a board with one processor, the virtual meter, the simulator) calls in with everything that happens and
// the time at which it happens, and calls poll() no later than the instant that the last call returned. The node reads
// no clock, allocates nothing and never throws. Time must not run backwards. Two ways to feed energy: sample blocks at
// waveform level, or finished measurements at cycle level (the simulator's fast mode); a node is fed by one of them.
// A board with two processors holds a MeteringProcessor in one and a ManagementProcessor in the other instead.
//
// Either processor may be reset or hang at any instant; the reset line that the other pulls works unless it is told not
// to.
//
// At cycle level, with a wire that is sound and takes no time, heartbeats that would change nothing are not sent: the
// node is both ends and knows that they would have arrived. A year at cycle level has a billion of them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/units.hpp"
#include "meter/node/config.hpp"
#include "meter/node/management_processor.hpp"
#include "meter/node/metering_processor.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

enum class Processor : std::uint8_t { kMetering, kManagement };

// For tests: what happens to the bytes of a frame on their way.
class WireFault {
  public:
    // The bytes that arrive, put into `out`; at most out.size(), which is twice the longest frame.
    virtual std::size_t disturb(Bytes sent, Processor from, MutableBytes out) = 0;

  protected:
    ~WireFault() = default;
};

class Node {
  public:
    Node(const NodeConfig& config, Ports ports);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // Once, before anything else; then every relay is driven to where it belongs, one after the other, by poll().
    StartResult start(Instant now);
    // Each returns the latest instant at which poll() must be called.
    Instant on_samples(const SampleView& block, Instant now);
    Instant on_measurement(const Measurement& measurement, Instant now);
    Instant on_bus_byte(Byte byte, Instant now, bool bad_parity = false);
    Instant poll(Instant now);
    // The supply is going: what is not saved is saved. Harmless when it comes back after all.
    Instant on_power_fail(Instant now);

    // --- Accidents. A reset begins at once; a processor that hangs does nothing until its reset. Each returns as
    // above.
    Instant reset(Processor which, Instant now);
    Instant hang(Processor which, Instant now, bool reset_line_works = true);
    [[nodiscard]] bool hangs(Processor which) const {
        return which == Processor::kMetering ? metering_hangs_ : management_hangs_;
    }
    // Zero: frames arrive at once. A serial line of 1 Mbit/s: 10 us. Not while a frame is on its way.
    void set_byte_time(Duration byte_time) { byte_time_ = byte_time; }
    // Null: the wire is sound. The fault outlives its use.
    void set_wire_fault(WireFault* fault) { fault_ = fault; }
    // What has happened between the processors, oldest first; false: nothing more.
    [[nodiscard]] bool take_event(PeerEvent& event) { return management_->take_event(event); }

    // --- To look at.
    [[nodiscard]] const NodeConfig& config() const { return config_; }
    [[nodiscard]] int household_count() const { return box().household_count(); }
    [[nodiscard]] HouseholdView household(Household h) const { return management_->household(h); }
    [[nodiscard]] const Measurement& present() const { return box().present(); }  // the last one, without energies
    [[nodiscard]] bool relay_closed(Circuit circuit) const { return box().relay_closed(circuit); }
    [[nodiscard]] bool storage_sound() const { return box().storage_sound(); }
    [[nodiscard]] std::uint32_t boot_count() const { return box().box_book().boots; }
    [[nodiscard]] std::uint32_t command_counter() const { return box().box_book().last_command.counter; }
    [[nodiscard]] const Box& box() const { return management_->box(); }
    [[nodiscard]] const MeteringProcessor& metering() const { return *metering_; }
    // What the two rows show at `now`, and what they would show if the loop stood at household h.
    [[nodiscard]] DisplayFrame shown(Instant now) const { return management_->shown(now); }
    [[nodiscard]] DisplayFrame window(Household h, Instant now) const { return management_->window(h, now); }

  private:
    struct ResetLine final : PeerReset {
        void pull() override { pulled = true; }
        bool pulled = false;
        bool works = true;
    };
    // A frame on its way, where the wire takes its time.
    struct Wire {
        std::array<Byte, interlink::kFrameSizeMax> bytes{};
        std::size_t size = 0;  // 0: the wire is free
        Instant sent_at{};
    };
    void make(Processor which);
    [[nodiscard]] bool is_up(Processor which) const;
    [[nodiscard]] bool heartbeats_can_be_left_out() const;
    void before(Instant now);
    Instant after(Instant now);
    [[nodiscard]] bool carry(Processor from, Instant now);
    void deliver(Processor from, Bytes bytes, Instant now);
    void tear(Processor from, Instant now);
    [[nodiscard]] Wire& wire(Processor from) { return wires_[from == Processor::kMetering ? 0 : 1]; }

    NodeConfig config_;
    Ports ports_;
    RetainedMemory own_retained_{};
    ResetLine metering_line_;
    ResetLine management_line_;
    std::optional<ManagementProcessor> management_;
    std::optional<MeteringProcessor> metering_;
    std::array<Wire, 2> wires_{};
    Duration byte_time_{};
    WireFault* fault_ = nullptr;
    bool alive_ = false;
    bool metering_hangs_ = false;
    bool management_hangs_ = false;
    bool sampled_ = false;  // fed at waveform level
    Instant metering_next_ = kNever;
    Measurement measurement_{};  // the last one at cycle level: the metering side tells it when the wire is free
};

}  // namespace prewatt::meter
