// One whole device: what happens between the terminals, the display and the line of a box. The only stateful top.
//
// The owner (a board, the virtual meter, the simulator) calls in with everything that happens and the time at which it happens,
// and calls poll() no later than the instant that the last call returned. The node reads no clock, allocates nothing and never throws.
// Time must not run backwards. Two ways to feed energy: sample blocks at waveform level, or finished measurements at cycle level (the
// simulator's fast mode); a node is fed by one of them.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"
#include "card/mac.hpp"
#include "card/seal.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/ports.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::meter {

struct Ports {
    Storage& storage;
    RelayBank& relays;
    Display& display;
    Bus& bus;
    RealTimeClock& clock;
    Watchdog& watchdog;
    card::Mac& mac;
};

// What the factory decides. Kept by the board; a node that finds storage written under another box number or wiring refuses to start.
struct NodeConfig {
    dlt645::BoxNumber box;
    Wiring wiring = Wiring::k39x1;
    std::uint8_t basic_current_amperes = 15;
    std::uint8_t max_current_amperes = 60;
    std::uint16_t pulse_constant = 1600;
    std::uint16_t sales_unit = 1;  // shown in the display loop
    card::BoxKeys keys{};
    bool display_fitted = true;  // false: nothing is ever shown and poll() is called less often
    // Plain password writes of the standard (1CH switching, 14H clock). They never touch credit.
    bool plain_writes = false;
    std::uint32_t plain_password = 0;  // six digits, checked whatever the level
};

enum class StartResult : std::uint8_t {
    kFresh,        // empty storage: a new box, nothing opened
    kRecovered,    // state of before found and taken over
    kWrongBox,     // storage belongs to another box number or wiring: nothing was changed, the node stays dead
    kStorageDead,  // storage does not answer or holds a newer format: nothing was changed, the node stays dead
};

// What a person standing before the box, or a test, may know about a household. A copy as of the last call into the node.
struct HouseholdView {
    HouseholdState state;  // as published: holds, relay, alarms
    HoldSet overruled;     // by forced power; empty when none is in force
    bool lit = false;      // every circuit of the household is closed
    Phase phase = Phase::kA;
    std::uint16_t epoch = 0;
    std::uint32_t ticket_number = 0;
    Credit credited;
    Credit used;       // in this epoch
    Credit remaining;  // credited - used
    Energy forward;    // for ever
    Energy reverse;
    ActivePower active;  // all circuits, present
    std::uint32_t low_alarm_hundredths = 0;
    std::uint32_t cutoff_alarm_hundredths = 0;
    std::uint32_t overdraft_hundredths = 0;
};

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
    [[nodiscard]] const NodeConfig& config() const;
    [[nodiscard]] int household_count() const;
    [[nodiscard]] HouseholdView household(Household h) const;
    [[nodiscard]] const Measurement& present() const;  // the last one
    [[nodiscard]] bool relay_closed(Circuit circuit) const;
    [[nodiscard]] bool storage_sound() const;
    [[nodiscard]] std::uint32_t boot_count() const;
    [[nodiscard]] std::uint32_t command_counter() const;
    // What the two rows show at `now`, and what they would show if the loop stood at household h.
    [[nodiscard]] DisplayFrame shown(Instant now) const;
    [[nodiscard]] DisplayFrame window(Household h, Instant now) const;
};

}  // namespace prewatt::meter
