// The metering processor (product.md M14): samples in; totals, windows, overcurrent and step reports, pulses out. Knows
// nothing of credit, settings or relays; what it must know of them comes as orders over the interlink.
//
// What it counts are totals of a session, which it keeps in memory that survives its reset (RetainedMemory) before it
// tells them, so whoever books their growth books every joule once. A reset at any instant loses the samples that were
// not yet part of a finished window and nothing else: at most kWindowEnergyMax of a circuit at Imax, 3.6 kJ = 0.001
// kWh. While the managing side is silent it counts on, and tells everything with the next window that arrives.
//
// Watches the other side: silence of interlink::kSilentAfter pulls its reset line, and is reported when it is back.
//
// Fed with sample blocks, or at cycle level with finished measurements; one of them. Pure: no clock, no heap. RAM: see
// the end of this file.
#pragma once
#include <array>
#include <cstdint>

#include "meter/metrology/measurement.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/overcurrent.hpp"
#include "meter/metrology/pulses.hpp"
#include "meter/metrology/step_detector.hpp"
#include "meter/node/config.hpp"
#include "meter/node/link_messages.hpp"
#include "meter/node/retained_memory.hpp"
#include "meter/ports.hpp"
#include "protocols/interlink/link.hpp"

namespace prewatt::meter {

struct MeteringPorts {
    Display& display;  // its pulses
    Watchdog* watchdog = nullptr;
    VerificationSocket* socket = nullptr;  // its test output
    PeerReset* management_reset = nullptr;
};

// 250 V x 60 A for one window of 200 ms and the block that ends it.
inline constexpr Energy kWindowEnergyMax{3'600};

class MeteringProcessor final : CurrentSink {
  public:
    MeteringProcessor(const NodeConfig& config, MeteringPorts ports, RetainedMemory& retained);
    MeteringProcessor(const MeteringProcessor&) = delete;
    MeteringProcessor& operator=(const MeteringProcessor&) = delete;

    // Once, first. A warm start goes on with what was kept.
    void start(Instant now);
    // Watchdog, pulses, the other side's silence. Returns when it wants to be called again, the link included.
    Instant poll(Instant now);
    void on_samples(const SampleView& block, Instant now);
    // `measurement` stays as it is until the next one: it is told when the wire is free.
    void on_measurement(const Measurement& measurement, Instant now);
    // --- The wire to the managing side.
    void on_link_bytes(Bytes bytes, Instant now);
    // The wire is free: the frame to send now, empty if none. Valid until the next call of any kind.
    [[nodiscard]] Bytes next_frame(Instant now);

    [[nodiscard]] bool started_warm() const { return warm_; }
    [[nodiscard]] std::uint16_t session() const { return kept(retained_).session; }
    [[nodiscard]] const HouseholdTotals& totals(Household h) const {
        return kept(retained_).totals[static_cast<std::size_t>(h.index())];
    }
    [[nodiscard]] Current gross_limit(Circuit circuit) const { return overcurrent_.limit(circuit); }
    [[nodiscard]] interlink::Link& link() { return link_; }
    [[nodiscard]] const interlink::Link& link() const { return link_; }

  private:
    void on_cycle(const CycleCurrents& cycle) override;
    void follow(const MeteringOrders& orders, Instant now);
    void follow_contacts(const MeteringOrders& orders);
    void tell_reports();
    void send_capture(const CaptureRequest& request);
    void watch_management(Instant now);
    void give_pulses(Instant now);
    void keep(RetainedState& next);  // what begin_keeping() gave
    [[nodiscard]] RetainedPulse& pulse_of(Household h) { return retained_.pulses[static_cast<std::size_t>(h.index())]; }
    void tell_health();

    MeteringPorts ports_;
    Wiring wiring_;
    bool pulses_wanted_;
    RetainedMemory& retained_;
    bool warm_;
    Metering metering_;
    StepDetector steps_;
    OvercurrentWatch overcurrent_;
    PulseBank pulses_;
    Instant next_pulse_ = kNever;
    const Measurement* window_ = nullptr;  // to be told
    std::uint16_t orders_ = 0;             // version
    std::uint64_t contacts_ = 0;
    std::uint64_t contacts_known_ = 0;
    // The other side.
    Instant silent_since_ = kNever;
    Instant pull_at_ = kNever;
    bool pulled_ = false;
    std::array<Byte, kOrdersSize> receive_{};
    std::array<Byte, kWindowSizeMax + interlink::kFrameOverhead> send_{};
    interlink::Link link_;
};

}  // namespace prewatt::meter
