#include "meter/core/capture_store.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr std::int64_t kTenth = 100'000;  // micro to tenths
constexpr std::uint8_t kClockInvalid = 0x80;
constexpr std::uint8_t kHasWaveform = 1;

std::uint32_t tenths(std::int64_t micro) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(
        std::clamp<std::int64_t>(divide(micro, kTenth, Round::kNearest), INT32_MIN, INT32_MAX)));
}
std::int64_t micro(std::uint32_t tenths) {
    return static_cast<std::int64_t>(static_cast<std::int32_t>(tenths)) * kTenth;
}
template <class Points>
void put_points(ByteWriter& writer, const Points& points) {
    for (const std::int16_t point : points)
        writer.put_u16(static_cast<std::uint16_t>(point));
}
template <class Points>
void get_points(ByteReader& reader, Points& points) {
    for (std::int16_t& point : points)
        point = static_cast<std::int16_t>(reader.get_u16());
}

}  // namespace

std::size_t encode(const StepReport& report, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(report.circuit.index);
    writer.put_u8(static_cast<std::uint8_t>(report.shape));
    writer.put_u8(report.cycles);
    writer.put_u8(report.cycles_agreed);
    writer.put_u32(tenths(report.power.count()));
    writer.put_u32(tenths(report.nonactive.count()));
    writer.put_u32(tenths(report.leaving.count()));
    writer.put_u32(tenths(report.resistive.count()));
    writer.put_u32(tenths(report.base_power.count()));
    writer.put_u32(static_cast<std::uint32_t>(report.conductance_microsiemens));
    writer.put_u32(static_cast<std::uint32_t>(report.base_conductance_microsiemens));
    writer.put_u32(static_cast<std::uint32_t>(report.total_conductance_microsiemens));
    writer.put_u16(static_cast<std::uint16_t>(report.power_factor_ten_thousandths));
    writer.put_u16(static_cast<std::uint16_t>(report.residual_ten_thousandths));
    writer.put_u16(report.decision_ms);
    writer.put_u8(report.capture);
    writer.put_u8(report.rush_tenths);
    writer.put_u32(tenths(report.reactive.count()));
    return writer.ok() ? writer.size() : 0;
}

std::size_t encode(const StoredCapture& stored, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u32(stored.sequence);
    writer.put_u32(stored.time);
    writer.put_u16(stored.boots);
    writer.put_u8(static_cast<std::uint8_t>(stored.household | (stored.clock_valid ? 0 : kClockInvalid)));
    writer.put_u8(stored.verdict);
    writer.put_u8(stored.has_waveform ? kHasWaveform : 0);
    writer.put_le(0, 3);
    std::array<Byte, kStepReportBytes> report;
    encode(stored.report, report);
    writer.put(report);
    put_points(writer, stored.capture.voltage_before);
    put_points(writer, stored.capture.current_before);
    put_points(writer, stored.capture.voltage_after);
    put_points(writer, stored.capture.current_after);
    return writer.ok() ? writer.size() : 0;
}

std::optional<StoredCapture> decode_capture(Bytes in) {
    if (in.size() != kCaptureWireBytes) return std::nullopt;
    ByteReader reader(in);
    StoredCapture stored;
    stored.sequence = reader.get_u32();
    stored.time = reader.get_u32();
    stored.boots = reader.get_u16();
    const std::uint8_t household = reader.get_u8();
    stored.household = household & 0x7F;
    stored.clock_valid = (household & kClockInvalid) == 0;
    stored.verdict = reader.get_u8();
    stored.has_waveform = (reader.get_u8() & kHasWaveform) != 0;
    reader.take(3);
    StepReport& report = stored.report;
    report.circuit.index = reader.get_u8();
    report.shape = static_cast<StepShape>(reader.get_u8());
    report.cycles = reader.get_u8();
    report.cycles_agreed = reader.get_u8();
    report.power = ActivePower{micro(reader.get_u32())};
    report.nonactive = ReactivePower{micro(reader.get_u32())};
    report.leaving = ActivePower{micro(reader.get_u32())};
    report.resistive = ActivePower{micro(reader.get_u32())};
    report.base_power = ActivePower{micro(reader.get_u32())};
    report.conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.base_conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.total_conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    report.power_factor_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    report.residual_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    report.decision_ms = reader.get_u16();
    report.capture = reader.get_u8();
    report.rush_tenths = reader.get_u8();
    report.reactive = ReactivePower{micro(reader.get_u32())};
    get_points(reader, stored.capture.voltage_before);
    get_points(reader, stored.capture.current_before);
    get_points(reader, stored.capture.voltage_after);
    get_points(reader, stored.capture.current_after);
    if (!reader.finished() || stored.household < 1 || stored.household > kHouseholdsMax) return std::nullopt;
    return stored;
}

void CaptureStore::open(std::uint32_t start) {
    start_ = start;
}

std::uint32_t CaptureStore::bytes(int households) {
    return static_cast<std::uint32_t>(households) * record_map::kCapturesPerHousehold * record_map::kCaptureBytes;
}

Ring CaptureStore::ring(Household household) const {
    Ring ring{start_, record_map::kCaptureBytes, record_map::kCapturesPerHousehold};
    ring.start += static_cast<std::uint32_t>(household.index()) * ring.bytes();
    return ring;
}

std::uint32_t CaptureStore::put(Household household, const StepReport& report, const StepCapture* capture,
                                std::uint8_t verdict, const EventTime& now) {
    if (!memory_.available() || household.number < 1 || household.number > memory_.households()) return 0;
    const Ring where = ring(household);
    RingEnd end = memory_.find_end(where);
    StoredCapture stored;
    stored.sequence = end.sequence + 1;
    stored.clock_valid = now.civil.has_value();
    stored.time = now.civil.value_or(static_cast<std::uint32_t>(now.uptime.microseconds() / 1'000'000));
    stored.boots = static_cast<std::uint16_t>(now.boots);
    stored.household = household.number;
    stored.verdict = verdict;
    stored.has_waveform = capture != nullptr;
    stored.report = report;
    if (capture != nullptr) stored.capture = *capture;
    std::array<Byte, record_map::kCaptureBytes> slot{};
    encode(stored, slot);
    return memory_.append(where, end, stored.sequence, slot) ? stored.sequence : 0;
}

std::size_t CaptureStore::read(Household household, int n, MutableBytes out) const {
    if (!memory_.available() || household.number < 1 || household.number > memory_.households()) return 0;
    const Ring where = ring(household);
    if (n < 1 || n > where.slots || out.size() < kCaptureWireBytes) return 0;
    const RingEnd end = memory_.find_end(where);
    if (end.sequence < static_cast<std::uint32_t>(n)) return 0;
    std::array<Byte, record_map::kCaptureBytes> slot;
    if (!memory_.read(where, slot_back(where, end, n - 1), slot)) return 0;
    ByteReader reader(slot);
    if (reader.get_u32() != end.sequence - static_cast<std::uint32_t>(n) + 1) return 0;
    std::copy_n(slot.begin(), kCaptureWireBytes, out.begin());
    return kCaptureWireBytes;
}

}  // namespace prewatt::meter
