// The managing processor (product.md M14): accounts, relays, display, line, memory. What flows it learns from the
// metering side over the interlink, and tells it what it must know (orders).
//
// Watches the other side: silence of interlink::kSilentAfter is an event, shows in the flags of the box, and pulls the
// reset line. Until the metering side is back relays stay where they are, the line is answered, and live values are
// those of the last window, marked as stale by the flag.
//
// Pure: no clock, no heap. A reset at any instant loses nothing that the books need: they say how far the totals of
// the metering side have been booked.
#pragma once
#include <array>
#include <cstdint>

#include "base/fixed_vector.hpp"
#include "meter/core/display_loop.hpp"
#include "meter/node/box.hpp"
#include "meter/node/card_swipe.hpp"
#include "meter/node/config.hpp"
#include "meter/node/link_messages.hpp"
#include "meter/node/server.hpp"
#include "meter/ports.hpp"
#include "protocols/interlink/link.hpp"

namespace prewatt::meter {

// What has happened between the two processors: for the log (event ring kProcessors).
struct PeerEvent {
    enum class Kind : std::uint8_t {
        kMeteringSilent,      // has not been heard for interlink::kSilentAfter
        kMeteringBack,        // is heard again; `lasted`
        kMeteringStarted,     // has started anew
        kManagementWasSilent  // this side was not heard by the other for `lasted`
    } kind = Kind::kMeteringSilent;
    std::uint16_t session = 0;  // of the metering side, as far as known
    Duration lasted;
    Instant at;
};

class ManagementProcessor final : RelayBank {
  public:
    ManagementProcessor(const NodeConfig& config, Ports ports, PeerReset* metering_reset);
    ManagementProcessor(const ManagementProcessor&) = delete;
    ManagementProcessor& operator=(const ManagementProcessor&) = delete;

    // Once, first. kWrongBox, kStorageDead: it stays dark and dumb.
    // `supply_failed`: false after a reset of this processor alone, when the log shall not tell of a loss of supply.
    StartResult start(Instant now, bool supply_failed = true);
    // Each returns when it wants to be called again, the link apart.
    Instant poll(Instant now);
    Instant on_bus_byte(Byte byte, Instant now, bool bad_parity);
    Instant on_power_fail(Instant now);
    // A reset lets the outputs go, whatever the program is doing.
    void let_outputs_go() { box_.release_coils(); }
    // --- The wire to the metering side.
    void on_link_bytes(Bytes bytes, Instant now);
    // The wire is free: the frame to send now, empty if none. Valid until the next call of any kind.
    [[nodiscard]] Bytes next_frame(Instant now);
    [[nodiscard]] interlink::Link& link() { return link_; }
    [[nodiscard]] const interlink::Link& link() const { return link_; }

    // The oldest event that nobody has taken; false: none. Eight wait, later ones are dropped.
    [[nodiscard]] bool take_event(PeerEvent& event);

    [[nodiscard]] bool alive() const { return alive_; }
    // What the last call returned, and what has come over the link has brought.
    [[nodiscard]] Instant next() const { return next_; }
    [[nodiscard]] const Box& box() const { return box_; }
    [[nodiscard]] HouseholdView household(Household h) const;
    [[nodiscard]] DisplayFrame shown(Instant now) const;
    [[nodiscard]] DisplayFrame window(Household h, Instant now) const;

  private:
    void begin_pulse(Circuit circuit, RelayDrive drive) override;
    void end_pulse(Circuit circuit) override;
    Instant settle(Instant now);
    void watch_metering(Instant now);
    void on_record(const interlink::Message& message, Instant now);
    void request_part();
    void fetch_capture(std::uint8_t number);
    void release_capture(std::uint8_t number);
    void on_capture_part(const CapturePart& part, Instant now);
    void renew_limits();
    void renew_orders();
    void new_orders();
    Instant serve_card(Instant now);
    void update_display(Instant now);
    [[nodiscard]] std::int64_t inspected(Household h, InspectionItem item) const;
    [[nodiscard]] DisplayFrame frame_of(const DisplayLoop::Page& page) const;
    void put_event(PeerEvent::Kind kind, Duration lasted, Instant now);

    Ports ports_;
    PeerReset* metering_reset_;
    bool alive_ = false;
    StartResult started_ = StartResult::kStorageDead;
    Box box_;
    Server server_;
    CardSwipe swipe_;
    DisplayLoop loop_;
    Purchase purchase_{};
    DisplayFrame lit_{};
    Instant next_display_ = kNever;
    Instant next_{};

    MeteringOrders orders_{};
    std::uint16_t orders_followed_ = 0;
    Instant orders_again_{};
    std::uint64_t contacts_known_ = 0;
    std::uint64_t contacts_closed_ = 0;
    Household held_{};
    VerificationSocket::Pins pins_{};
    MeteringWindow window_{};
    FixedQueue<PeerEvent, 8> events_;
    StepCapture capture_{};      // as far as it has come
    std::uint8_t fetching_ = 0;  // its number; 0: none
    std::uint8_t fetched_ = 0;   // parts
    std::uint32_t metering_starts_ = 0;
    std::uint16_t metering_session_ = 0;
    Instant silent_since_ = kNever;
    Instant pull_at_ = kNever;
    std::array<Byte, kWindowSizeMax> receive_{};
    std::array<Byte, kOrdersSize + interlink::kFrameOverhead> send_{};
    interlink::Link link_;
};

}  // namespace prewatt::meter
