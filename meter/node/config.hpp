// What a node is given by its board and by the factory, and what may be looked at from outside.
#pragma once
#include <cstdint>
#include <optional>

#include "base/hold.hpp"
#include "base/units.hpp"
#include "card/card_keys.hpp"
#include "card/layout.hpp"
#include "card/m1_reader.hpp"
#include "card/mac.hpp"
#include "card/seal.hpp"
#include "meter/metrology/calibration.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/node/retained_memory.hpp"
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
    Watchdog* metering_watchdog = nullptr;  // of the metering processor; the one above is the managing one's
    RetainedMemory* retained = nullptr;     // null: one of the node's own, which does not outlive it
    LoadSense* load_sense = nullptr;        // null: a contact that does not close is not noticed
    VerificationSocket* socket = nullptr;   // null: not fitted
    card::M1Reader* card_reader = nullptr;  // null: not fitted; the box may still take cards from a reader on its line
};

// What the factory decides. Kept by the board; a node that finds storage written under another box number or wiring
// refuses to start.
struct NodeConfig {
    dlt645::BoxNumber box;
    Wiring wiring = Wiring::k39x1;
    std::uint8_t basic_current_amperes = 15;
    std::uint8_t max_current_amperes = 60;
    std::uint16_t pulse_constant = 1600;
    std::uint16_t sales_unit = 1;  // shown in the display loop
    card::BoxKeys keys{};
    const Calibration* calibration = nullptr;  // null: the nominal front end. Read by the constructor only
    bool display_fitted = true;                // false: nothing is ever shown and poll() is called less often
    // Plain password writes of the standard (1CH switching, 14H clock). They never touch credit.
    bool plain_writes = false;
    std::uint32_t plain_password = 0;              // six digits, checked whatever the level
    std::optional<card::MeterCardKeys> card_keys;  // none: this box takes no cards
    card::Layout card_layout;
    bool card_clears = false;  // clear cards; an office with a network clears over it
};

enum class StartResult : std::uint8_t {
    kFresh,        // empty storage: a new box, nothing opened
    kRecovered,    // state of before found and taken over
    kWrongBox,     // storage belongs to another box number or wiring: nothing was changed, the node stays dead
    kStorageDead,  // storage does not answer or holds a newer format: nothing was changed, the node stays dead
};

// What a person standing before the box, or a test, may know about a household. A copy as of the last call into the
// node.
struct HouseholdView {
    HouseholdState state;     // as published: holds, relay, alarms
    HoldSet overruled;        // by forced power; empty when none is in force
    bool lit = false;         // every circuit of the household is closed
    Phase phase = Phase::kA;  // of circuit 1; a three-phase household has all three
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

}  // namespace prewatt::meter
