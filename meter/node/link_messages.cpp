#include "meter/node/link_messages.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr std::int64_t kMicroPerMilli = 1000;
constexpr std::int64_t kLimitStep = 100'000;  // uA

std::uint32_t milli(std::int64_t micro) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(
        std::clamp<std::int64_t>(divide(micro, kMicroPerMilli, Round::kNearest), INT32_MIN, INT32_MAX)));
}
std::int64_t micro(std::uint32_t milli_word) {
    return std::int64_t{static_cast<std::int32_t>(milli_word)} * kMicroPerMilli;
}
std::uint32_t saturate(std::int64_t value) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
}
int circuit_count(Wiring wiring) {
    return households(wiring) * circuits_each(wiring);
}

// A total that is taken wrong is money, and the frame's sixteen bits let one damaged frame of 65,536 pass: a second sum
// of another kind (FNV-1a over 32-bit words) over what is booked. Any change of one word changes it.
class TotalsSum {
  public:
    void add(std::uint32_t word) { value_ = (value_ ^ word) * 16'777'619u; }
    [[nodiscard]] std::uint32_t value() const { return value_; }

  private:
    std::uint32_t value_ = 2'166'136'261u;
};

}  // namespace

std::size_t encode_message(const Measurement& m, MeteringHealth health,
                           const std::array<HouseholdTotals, kHouseholdsMax>& totals, Wiring wiring, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u16(health.session);
    writer.put_u16(health.orders);
    writer.put_u32(saturate(m.span.count()));
    for (const PhaseMeasurement& phase : m.phases) {
        writer.put_u32(saturate(phase.voltage.count()));
        writer.put_u16(static_cast<std::uint16_t>(std::clamp<std::int64_t>(phase.frequency.count(), 0, UINT16_MAX)));
        writer.put_u8(phase.present ? 1 : 0);
    }
    // A circuit without load is a bit.
    const auto is_idle = [](const CircuitMeasurement& c) {
        return c.current == Current{} && c.active == ActivePower{} && c.reactive == ReactivePower{} &&
               c.apparent == ApparentPower{};
    };
    const auto circuits = static_cast<std::size_t>(circuit_count(wiring));
    std::uint64_t loaded = 0;
    for (std::size_t c = 0; c < circuits; ++c)
        loaded |= std::uint64_t{is_idle(m.circuits[c]) ? 0u : 1u} << c;
    writer.put_le(loaded, 5);
    for (std::size_t c = 0; c < circuits; ++c) {
        if ((loaded >> c & 1) == 0) continue;
        const CircuitMeasurement& circuit = m.circuits[c];
        writer.put_u32(saturate(circuit.current.count()));
        writer.put_u32(milli(circuit.active.count()));
        writer.put_u32(milli(circuit.reactive.count()));
        writer.put_u32(milli(circuit.apparent.count()));
    }
    const auto count = static_cast<std::size_t>(households(wiring));
    TotalsSum sum;
    sum.add(health.session);
    writer.put_u8(static_cast<std::uint8_t>(count));
    for (std::size_t n = 0; n < count; ++n) {
        writer.put_u32(totals[n].forward);
        writer.put_u32(totals[n].reverse);
        sum.add(totals[n].forward);
        sum.add(totals[n].reverse);
    }
    writer.put_u32(sum.value());
    return writer.size();
}

bool decode(Bytes in, Wiring wiring, MeteringWindow& window, std::uint16_t& orders) {
    ByteReader reader(in);
    window.session = reader.get_u16();
    orders = reader.get_u16();
    Measurement& m = window.measurement;
    m.span = Duration{reader.get_u32()};
    for (PhaseMeasurement& phase : m.phases) {
        phase.voltage = Voltage{reader.get_u32()};
        phase.frequency = Frequency{reader.get_u16()};
        phase.present = reader.get_u8() != 0;
    }
    const std::uint64_t loaded = reader.get_le(5);
    const auto circuits = static_cast<std::size_t>(circuit_count(wiring));
    if (loaded >> circuits != 0) return false;
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        CircuitMeasurement& circuit = m.circuits[c];
        circuit = {};
        circuit.power_factor = PowerFactor{1000};
        if ((loaded >> c & 1) == 0) continue;
        circuit.current = Current{reader.get_u32()};
        circuit.active = ActivePower{micro(reader.get_u32())};
        circuit.reactive = ReactivePower{micro(reader.get_u32())};
        circuit.apparent = ApparentPower{micro(reader.get_u32())};
        if (circuit.apparent > ApparentPower{})
            circuit.power_factor = PowerFactor{std::clamp<std::int64_t>(
                divide(circuit.active.count() * 1000, circuit.apparent.count(), Round::kNearest), -1000, 1000)};
    }
    const auto count = static_cast<std::size_t>(households(wiring));
    if (reader.get_u8() != count) return false;
    TotalsSum sum;
    sum.add(window.session);
    for (std::size_t n = 0; n < count; ++n) {
        HouseholdTotals& totals = window.totals[n];
        totals.forward = reader.get_u32();
        totals.reverse = reader.get_u32();
        sum.add(totals.forward);
        sum.add(totals.reverse);
    }
    const std::uint32_t told = reader.get_u32();
    return reader.finished() && told == sum.value();
}

std::size_t encode_message(const MeteringOrders& orders, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u16(orders.version);
    writer.put_u16(orders.session_name);
    writer.put_u16(orders.session_replaces);
    writer.put_u16(orders.pulse_constant);
    writer.put_u8(orders.pulse_width_ms);
    writer.put_u8(orders.test_household);
    writer.put_le(orders.contacts_known, 5);
    writer.put_le(orders.contacts_closed, 5);
    for (const Current limit : orders.gross_limit)
        writer.put_u16(static_cast<std::uint16_t>(std::clamp<std::int64_t>(limit.count() / kLimitStep, 0, UINT16_MAX)));
    return writer.size();
}

std::optional<MeteringOrders> decode_orders(Bytes in) {
    ByteReader reader(in);
    MeteringOrders orders;
    orders.version = reader.get_u16();
    orders.session_name = reader.get_u16();
    orders.session_replaces = reader.get_u16();
    orders.pulse_constant = reader.get_u16();
    orders.pulse_width_ms = reader.get_u8();
    orders.test_household = reader.get_u8();
    orders.contacts_known = reader.get_le(5);
    orders.contacts_closed = reader.get_le(5);
    for (Current& limit : orders.gross_limit)
        limit = Current{reader.get_u16() * kLimitStep};
    if (!reader.finished()) return std::nullopt;
    return orders;
}

std::size_t encode_message(const StepReport& report, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(report.circuit.index);
    writer.put_u8(static_cast<std::uint8_t>(report.shape));
    writer.put_u32(milli(report.power.count()));
    writer.put_u32(milli(report.nonactive.count()));
    writer.put_u32(milli(report.reactive.count()));
    writer.put_u32(milli(report.leaving.count()));
    writer.put_u32(milli(report.resistive.count()));
    writer.put_u32(static_cast<std::uint32_t>(report.conductance_microsiemens));
    writer.put_u16(static_cast<std::uint16_t>(report.power_factor_ten_thousandths));
    writer.put_u16(static_cast<std::uint16_t>(report.residual_ten_thousandths));
    writer.put_u8(report.cycles);
    writer.put_u8(report.cycles_agreed);
    writer.put_u32(milli(report.base_power.count()));
    writer.put_u32(static_cast<std::uint32_t>(report.base_conductance_microsiemens));
    writer.put_u32(static_cast<std::uint32_t>(report.total_conductance_microsiemens));
    writer.put_u8(report.rush_tenths);
    writer.put_u16(report.decision_ms);
    writer.put_u8(report.capture);
    return writer.size();
}

std::optional<StepReport> decode_step(Bytes in) {
    ByteReader reader(in);
    StepReport report;
    report.circuit = {reader.get_u8()};
    report.shape = static_cast<StepShape>(reader.get_u8());
    report.power = ActivePower{micro(reader.get_u32())};
    report.nonactive = ReactivePower{micro(reader.get_u32())};
    report.reactive = ReactivePower{micro(reader.get_u32())};
    report.leaving = ActivePower{micro(reader.get_u32())};
    report.resistive = ActivePower{micro(reader.get_u32())};
    report.conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.power_factor_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    report.residual_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    report.cycles = reader.get_u8();
    report.cycles_agreed = reader.get_u8();
    report.base_power = ActivePower{micro(reader.get_u32())};
    report.base_conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.total_conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.rush_tenths = reader.get_u8();
    report.decision_ms = reader.get_u16();
    report.capture = reader.get_u8();
    const bool good = reader.finished() && report.circuit.index < kCircuitsMax && report.shape <= StepShape::kReclose;
    return good ? std::optional(report) : std::nullopt;
}

std::size_t encode_message(const OvercurrentReport& report, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(report.circuit.index);
    writer.put_u32(saturate(report.current.count()));
    return writer.size();
}

std::optional<OvercurrentReport> decode_overcurrent(Bytes in) {
    ByteReader reader(in);
    OvercurrentReport report;
    report.circuit = {reader.get_u8()};
    report.current = Current{reader.get_u32()};
    return reader.finished() && report.circuit.index < kCircuitsMax ? std::optional(report) : std::nullopt;
}

// The four runs of a capture, two parts each.
static_assert(2 * kCapturePointsPerCycle == 2 * kCapturePartPoints && kCaptureParts == 8);
CapturePart part_of(const StepCapture& capture, std::uint8_t number, std::uint8_t part) {
    const std::array<const std::int16_t*, 4> runs{capture.voltage_before.data(), capture.current_before.data(),
                                                  capture.voltage_after.data(), capture.current_after.data()};
    CapturePart out{number, part, {}};
    std::copy_n(runs[part / 2] + (part % 2) * kCapturePartPoints, kCapturePartPoints, out.points.begin());
    return out;
}

void put_part(const CapturePart& part, StepCapture& capture) {
    if (part.part >= kCaptureParts) return;
    const std::array<std::int16_t*, 4> runs{capture.voltage_before.data(), capture.current_before.data(),
                                            capture.voltage_after.data(), capture.current_after.data()};
    std::copy(part.points.begin(), part.points.end(), runs[part.part / 2] + (part.part % 2) * kCapturePartPoints);
}

std::size_t encode_message(const CapturePart& part, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(part.capture);
    writer.put_u8(part.part);
    for (const std::int16_t point : part.points)
        writer.put_u16(static_cast<std::uint16_t>(point));
    return writer.size();
}

std::optional<CapturePart> decode_capture_part(Bytes in) {
    ByteReader reader(in);
    CapturePart part;
    part.capture = reader.get_u8();
    part.part = reader.get_u8();
    for (std::int16_t& point : part.points)
        point = static_cast<std::int16_t>(reader.get_u16());
    const bool good = reader.finished() && (part.part < kCaptureParts || part.part == kCapturePartGone);
    return good ? std::optional(part) : std::nullopt;
}

std::size_t encode_message(const CaptureRequest& request, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(request.capture);
    writer.put_u8(request.part);
    return writer.size();
}

std::optional<CaptureRequest> decode_capture_request(Bytes in) {
    ByteReader reader(in);
    CaptureRequest request;
    request.capture = reader.get_u8();
    request.part = reader.get_u8();
    return reader.finished() && request.part < kCaptureParts ? std::optional(request) : std::nullopt;
}

std::size_t encode_message(const PeerSilence& silence, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u32(saturate(silence.lasted.count() / 1000));
    writer.put_u8(silence.reset_pulled ? 1 : 0);
    return writer.size();
}

std::optional<PeerSilence> decode_peer_silence(Bytes in) {
    ByteReader reader(in);
    PeerSilence silence;
    silence.lasted = milliseconds(reader.get_u32());
    silence.reset_pulled = reader.get_u8() != 0;
    return reader.finished() ? std::optional(silence) : std::nullopt;
}

}  // namespace prewatt::meter
