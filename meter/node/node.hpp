// One whole device: what happens between the terminals, the display and the line of a box. The only stateful top.
//
// The owner (a board, the virtual meter, the simulator) calls in with everything that happens and the time at which it
// happens, and calls poll() no later than the instant that the last call returned. The node reads no clock, allocates
// nothing and never throws. Time must not run backwards. Two ways to feed energy: sample blocks at waveform level, or
// finished measurements at cycle level (the simulator's fast mode); a node is fed by one of them.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"
#include "meter/core/display_loop.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/pulses.hpp"
#include "meter/node/box.hpp"
#include "meter/node/config.hpp"
#include "meter/node/server.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

class Node {
  public:
    Node(const NodeConfig& config, Ports ports);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // Once, before anything else; then every relay is driven to where it belongs, one after the other, by poll().
    StartResult start(Instant now);
    // Each returns the latest instant at which poll() must be called.
    Instant on_samples(const SampleBlock& block, Instant now);
    Instant on_measurement(const Measurement& measurement, Instant now);
    Instant on_bus_byte(Byte byte, Instant now, bool bad_parity = false);
    Instant poll(Instant now);
    // The supply is going: what is not saved is saved. Harmless when it comes back after all.
    Instant on_power_fail(Instant now);

    // --- To look at.
    [[nodiscard]] const NodeConfig& config() const { return box_.config(); }
    [[nodiscard]] int household_count() const { return box_.household_count(); }
    [[nodiscard]] HouseholdView household(Household h) const;
    [[nodiscard]] const Measurement& present() const { return box_.present(); }  // the last one
    [[nodiscard]] bool relay_closed(Circuit circuit) const { return box_.relay_closed(circuit); }
    [[nodiscard]] bool storage_sound() const { return box_.storage_sound(); }
    [[nodiscard]] std::uint32_t boot_count() const { return box_.box_book().boots; }
    [[nodiscard]] std::uint32_t command_counter() const { return box_.box_book().last_command.counter; }
    // What the two rows show at `now`, and what they would show if the loop stood at household h.
    [[nodiscard]] DisplayFrame shown(Instant now) const;
    [[nodiscard]] DisplayFrame window(Household h, Instant now) const;

  private:
    Instant settle(Instant now);
    void count(const Measurement& measurement);
    void add_pulses(const Measurement& measurement, Instant now);
    void give_pulses(Instant now);
    void update_display(Instant now);
    [[nodiscard]] DisplayFrame frame_of(const DisplayLoop::Page& page) const;

    Ports ports_;
    bool alive_ = false;
    StartResult started_ = StartResult::kStorageDead;
    Box box_;
    Server server_;
    Metering metering_;
    MeteringWindow window_{};
    DisplayLoop loop_;
    Purchase purchase_{};
    DisplayFrame lit_{};
    std::array<PulseGenerator, kHouseholdsMax> pulses_;
    Instant next_;
    Instant next_display_ = kNever;
    Instant next_pulse_ = kNever;
};

}  // namespace prewatt::meter
