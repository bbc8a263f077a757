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
};

enum class StartResult : std::uint8_t {
    kFresh,        // empty storage: a new box, nothing opened
    kRecovered,    // state of before found and taken over
    kWrongBox,     // storage belongs to another box number or wiring: nothing was changed, the node stays dead
    kStorageDead,  // storage does not answer or holds a newer format: nothing was changed, the node stays dead
};

// The declaration of class Node follows in this header; the shape that its owner sees:
//
//   class Node {
//     public:
//       Node(const NodeConfig&, Ports);
//       StartResult start(Instant now);                    // once, before anything else; also drives every relay to where it belongs
//       Instant on_samples(const SampleBlock&, Instant now);
//       Instant on_measurement(const Measurement&, Instant now);
//       Instant on_bus_byte(Byte, Instant now, bool bad_parity = false);
//       Instant poll(Instant now);
//       Instant on_power_fail(Instant now);                // supply is going: save what is not saved
//       // What a person or a test may look at:
//       const HouseholdView& household(Household) const;   // account, energies, holds, alarms, present measurement, relay
//       ...
//   };

}  // namespace prewatt::meter
