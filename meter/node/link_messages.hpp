// What the two processors of a box say to each other (product.md M14), as payloads of protocols/interlink. Exact to the
// byte: docs/formats/interlink.md, section "Payloads". Every decoder takes any bytes and says nothing when they are not
// just what the encoder makes.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/reports.hpp"
#include "protocols/interlink/frame.hpp"

namespace prewatt::meter {

// From the metering side.
inline constexpr interlink::Type kWindowMessage{0x01};
inline constexpr interlink::Type kStepMessage{0x81};
inline constexpr interlink::Type kOvercurrentMessage{0x82};
inline constexpr interlink::Type kCapturePartMessage{0x83};
inline constexpr interlink::Type kPeerSilenceMessage{0x84};
// From the managing side.
inline constexpr interlink::Type kOrdersMessage{0x11};
inline constexpr interlink::Type kCaptureRequestMessage{0x91};
inline constexpr interlink::Type kCaptureReleaseMessage{0x92};

// The health word of the metering side's heartbeat, and what heads each window.
struct MeteringHealth {
    std::uint16_t session = 0;  // 0: not named yet
    std::uint16_t orders = 0;   // the version that it works by; 0: none
    [[nodiscard]] constexpr std::uint32_t word() const { return static_cast<std::uint32_t>(session) << 16 | orders; }
    [[nodiscard]] static constexpr MeteringHealth of(std::uint32_t word) {
        return {static_cast<std::uint16_t>(word >> 16), static_cast<std::uint16_t>(word)};
    }
    friend constexpr bool operator==(MeteringHealth, MeteringHealth) = default;
};

// What the metering side is to do and must know. Sent until it says that it works by this version.
struct MeteringOrders {
    std::uint16_t version = 0;
    // While it counts under `replaces` it takes the name; see Box::SessionOrder.
    std::uint16_t session_name = 0;
    std::uint16_t session_replaces = 0;
    std::uint16_t pulse_constant = 1600;
    std::uint8_t pulse_width_ms = 80;
    std::uint8_t test_household = 0;                  // whose pulses the test output gives; 0: nobody's
    std::uint64_t contacts_known = 0;                 // bit k: the managing side has driven circuit k since its start
    std::uint64_t contacts_closed = 0;                // of these
    std::array<Current, kCircuitsMax> gross_limit{};  // whole 0.1 A, 0: not watched
    friend bool operator==(const MeteringOrders&, const MeteringOrders&) = default;
};

// A part of a StepCapture; `part` kCapturePartGone: the waveforms are no longer held.
inline constexpr std::size_t kCapturePartPoints = 32;
inline constexpr std::uint8_t kCaptureParts = 8 * kCapturePointsPerCycle / kCapturePartPoints;
inline constexpr std::uint8_t kCapturePartGone = 0xFF;
struct CapturePart {
    std::uint8_t capture = 0;
    std::uint8_t part = 0;
    std::array<std::int16_t, kCapturePartPoints> points{};
};
[[nodiscard]] CapturePart part_of(const StepCapture& capture, std::uint8_t number, std::uint8_t part);
void put_part(const CapturePart& part, StepCapture& capture);
struct CaptureRequest {
    std::uint8_t capture = 0;
    std::uint8_t part = 0;
};
// The managing side was silent for so long and its reset line was pulled, or it came back by itself.
struct PeerSilence {
    Duration lasted;
    bool reset_pulled = false;
};

// --- Each writes into `out` and gives the number of bytes; `out` is large enough, see the sizes.
inline constexpr std::size_t kWindowSizeMax = 4 + 4 + 21 + 5 + 16 * kCircuitsMax + 1 + 8 * kHouseholdsMax + 4;
inline constexpr std::size_t kOrdersSize = 10 + 10 + 2 * kCircuitsMax;
static_assert(kWindowSizeMax <= interlink::kPayloadSizeMax);
// A window: `m` without its energies, and the totals.
std::size_t encode_message(const Measurement& m, MeteringHealth health,
                           const std::array<HouseholdTotals, kHouseholdsMax>& totals, Wiring wiring, MutableBytes out);
std::size_t encode_message(const MeteringOrders& orders, MutableBytes out);
std::size_t encode_message(const StepReport& report, MutableBytes out);
std::size_t encode_message(const OvercurrentReport& report, MutableBytes out);
std::size_t encode_message(const CapturePart& part, MutableBytes out);
std::size_t encode_message(const CaptureRequest& request, MutableBytes out);
std::size_t encode_message(const PeerSilence& silence, MutableBytes out);

// False: not a window of a box with this wiring; `window` is then worthless. Voltage x current gives what the window
// does not carry: apparent power stands in it, the power factor follows from it.
[[nodiscard]] bool decode(Bytes in, Wiring wiring, MeteringWindow& window, std::uint16_t& orders);
[[nodiscard]] std::optional<MeteringOrders> decode_orders(Bytes in);
[[nodiscard]] std::optional<StepReport> decode_step(Bytes in);
[[nodiscard]] std::optional<OvercurrentReport> decode_overcurrent(Bytes in);
[[nodiscard]] std::optional<CapturePart> decode_capture_part(Bytes in);
[[nodiscard]] std::optional<CaptureRequest> decode_capture_request(Bytes in);
[[nodiscard]] std::optional<PeerSilence> decode_peer_silence(Bytes in);

}  // namespace prewatt::meter
