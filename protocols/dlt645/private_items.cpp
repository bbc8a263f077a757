#include "protocols/dlt645/private_items.hpp"

#include <algorithm>

namespace prewatt::dlt645 {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint64_t kMask28 = (1u << 28) - 1;
constexpr std::int32_t kRemainingMax = (1 << 27) - 1;
constexpr std::uint32_t kForwardModulus = 100'000'000;

std::int64_t saturate(std::int64_t value, int bits) {
    const std::int64_t limit = std::int64_t{1} << (bits - 1);
    return std::clamp(value, -limit, limit - 1);
}
// A quantity in units of `unit` counts, as an unsigned number of 32 bits.
std::uint32_t unsigned_of(std::int64_t count, std::int64_t unit) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(divide(count, unit, Round::kNearest), 0, UINT32_MAX));
}
// Sign extension of a number of `bits` bits.
std::int64_t sign_extended(std::uint64_t value, int bits) {
    const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
    return static_cast<std::int64_t>((value ^ sign) - sign);
}
std::size_t size_when_whole(const ByteWriter& writer) {
    return writer.ok() ? writer.size() : 0;
}

// Units on the wire, in counts of ours.
constexpr std::int64_t kDeciwatt = 100'000;  // also of var and VA
constexpr std::int64_t kMilliampere = 1000;
constexpr std::uint8_t kThreePhases = 3;  // in place of a phase

}  // namespace

std::size_t encode(const HouseholdBlock& block, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u32(block.version);
    writer.put_u8(block.flags.bits);
    writer.put_u8(block.household_count);
    for (int byte = 0; byte < 5; ++byte) {
        unsigned bits = 0;
        for (int bit = 0; bit < 8; ++bit) {
            const int number = byte * 8 + bit + 1;
            if (number <= kHouseholdsMax && block.present[number]) bits |= 1u << bit;
        }
        writer.put_u8(static_cast<std::uint8_t>(bits));
    }
    for (int number = 1; number <= kHouseholdsMax; ++number) {
        if (!block.present[number]) continue;
        const HouseholdRecord& record = block.records[number];
        const std::int32_t remaining = std::clamp(record.remaining_hundredths, -kRemainingMax - 1, kRemainingMax);
        const std::uint64_t amounts = (static_cast<std::uint64_t>(remaining) & kMask28) |
                                      std::uint64_t{record.forward_hundredths % kForwardModulus} << 28;
        writer.put_le(amounts, 7);
        writer.put_u16(record.state.bits);
    }
    return size_when_whole(writer);
}

std::optional<HouseholdBlock> decode_household_block(Bytes data) {
    ByteReader reader(data);
    HouseholdBlock block;
    if (reader.get_u8() != kFormat) return std::nullopt;
    block.version = reader.get_u32();
    block.flags.bits = reader.get_u8();
    block.household_count = reader.get_u8();
    const std::uint64_t present = reader.get_le(5);
    if (!reader.ok() || block.household_count > kHouseholdsMax || present >> block.household_count != 0)
        return std::nullopt;
    for (int number = 1; number <= block.household_count; ++number) {
        if ((present >> (number - 1) & 1) == 0) continue;
        block.present[static_cast<std::size_t>(number)] = true;
        const std::uint64_t amounts = reader.get_le(7);
        HouseholdRecord& record = block.records[number];
        record.remaining_hundredths = static_cast<std::int32_t>(sign_extended(amounts & kMask28, 28));
        record.forward_hundredths = static_cast<std::uint32_t>(amounts >> 28);
        record.state.bits = reader.get_u16();
        if (record.forward_hundredths >= kForwardModulus) return std::nullopt;
    }
    if (!reader.finished()) return std::nullopt;
    return block;
}

std::size_t encode(const BlockPower& power, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u8(power.household_count);
    for (int number = 1; number <= std::min<int>(power.household_count, kHouseholdsMax); ++number)
        writer.put_le(static_cast<std::uint64_t>(saturate(power.tenths_of_watt[number], 24)), 3);
    return size_when_whole(writer);
}

std::optional<BlockPower> decode_block_power(Bytes data) {
    ByteReader reader(data);
    BlockPower power;
    if (reader.get_u8() != kFormat) return std::nullopt;
    power.household_count = reader.get_u8();
    if (power.household_count > kHouseholdsMax) return std::nullopt;
    for (int number = 1; number <= power.household_count; ++number)
        power.tenths_of_watt[number] = static_cast<std::int32_t>(sign_extended(reader.get_le(3), 24));
    if (!reader.finished()) return std::nullopt;
    return power;
}

std::size_t encode(const AccountStatus& status, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u16(status.epoch);
    writer.put_u32(status.ticket_number);
    writer.put_le(static_cast<std::uint64_t>(saturate(status.credited_hundredths, 48)), 6);
    writer.put_i64(status.used.count());
    writer.put_i64(status.forward.count());
    writer.put_i64(status.reverse.count());
    writer.put_u16(status.state.bits);
    writer.put_u32(status.low_alarm_hundredths);
    writer.put_u32(status.cutoff_alarm_hundredths);
    writer.put_u32(status.overdraft_hundredths);
    writer.put_u16(status.previous_epoch);
    writer.put_i64(status.previous_used.count());
    writer.put_i64(status.previous_credited.count());
    return size_when_whole(writer);
}

std::optional<AccountStatus> decode_account_status(Bytes data) {
    ByteReader reader(data);
    AccountStatus status;
    if (reader.get_u8() != kFormat) return std::nullopt;
    status.epoch = reader.get_u16();
    status.ticket_number = reader.get_u32();
    status.credited_hundredths = sign_extended(reader.get_le(6), 48);
    status.used = Credit{reader.get_i64()};
    status.forward = Energy{reader.get_i64()};
    status.reverse = Energy{reader.get_i64()};
    status.state.bits = reader.get_u16();
    status.low_alarm_hundredths = reader.get_u32();
    status.cutoff_alarm_hundredths = reader.get_u32();
    status.overdraft_hundredths = reader.get_u32();
    status.previous_epoch = reader.get_u16();
    status.previous_used = Credit{reader.get_i64()};
    status.previous_credited = Credit{reader.get_i64()};
    if (!reader.finished()) return std::nullopt;
    return status;
}

std::size_t encode(const LiveValues& live, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u8(live.three_phase ? kThreePhases : static_cast<std::uint8_t>(live.phase));
    writer.put_u32(unsigned_of(live.voltage.count(), 1));
    writer.put_u32(unsigned_of(live.frequency.count(), 1));
    writer.put_u8(static_cast<std::uint8_t>(live.circuits.size()));
    for (const LiveCircuit& circuit : live.circuits) {
        writer.put_u32(unsigned_of(circuit.current.count(), kMilliampere));
        const std::int64_t active = divide(circuit.active.count(), kDeciwatt, Round::kNearest);
        const std::int64_t reactive = divide(circuit.reactive.count(), kDeciwatt, Round::kNearest);
        writer.put_le(static_cast<std::uint64_t>(saturate(active, 32)), 4);
        writer.put_le(static_cast<std::uint64_t>(saturate(reactive, 32)), 4);
        writer.put_u32(unsigned_of(circuit.apparent.count(), kDeciwatt));
        writer.put_le(static_cast<std::uint64_t>(saturate(circuit.power_factor.count(), 16)), 2);
        writer.put_u8(circuit.relay_closed ? 1 : 0);
    }
    if (live.three_phase)
        for (const Voltage voltage : live.voltage_b_c)
            writer.put_u32(unsigned_of(voltage.count(), 1));
    return size_when_whole(writer);
}

std::optional<LiveValues> decode_live_values(Bytes data) {
    ByteReader reader(data);
    LiveValues live;
    if (reader.get_u8() != kFormat) return std::nullopt;
    const std::uint8_t phase = reader.get_u8();
    live.three_phase = phase == kThreePhases;
    if (phase >= kPhasesMax && !live.three_phase) return std::nullopt;
    live.phase = live.three_phase ? Phase::kA : static_cast<Phase>(phase);
    live.voltage = Voltage{reader.get_u32()};
    live.frequency = Frequency{reader.get_u32()};
    const std::size_t circuits = reader.get_u8();
    if (circuits > live.circuits.capacity()) return std::nullopt;
    for (std::size_t k = 0; k < circuits; ++k) {
        LiveCircuit circuit;
        circuit.current = Current{static_cast<std::int64_t>(reader.get_u32()) * kMilliampere};
        circuit.active = ActivePower{sign_extended(reader.get_u32(), 32) * kDeciwatt};
        circuit.reactive = ReactivePower{sign_extended(reader.get_u32(), 32) * kDeciwatt};
        circuit.apparent = ApparentPower{static_cast<std::int64_t>(reader.get_u32()) * kDeciwatt};
        circuit.power_factor = PowerFactor{sign_extended(reader.get_u16(), 16)};
        const std::uint8_t closed = reader.get_u8();
        if (closed > 1) return std::nullopt;
        circuit.relay_closed = closed == 1;
        live.circuits.push_back(circuit);
    }
    if (live.three_phase)
        for (Voltage& voltage : live.voltage_b_c)
            voltage = Voltage{reader.get_u32()};
    if (!reader.finished()) return std::nullopt;
    return live;
}

std::size_t encode(const FreezeBlock& block, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u8(block.head.n);
    writer.put_u32(block.head.due);
    writer.put_u32(block.head.made);
    writer.put_u8(block.head.marks);
    writer.put_u8(block.head.household_count);
    for (std::size_t h = 1; h <= block.head.household_count && h < block.households.size(); ++h) {
        const FrozenRegisters& one = block.households[h];
        writer.put_u32(one.forward_hundredths);
        writer.put_u32(one.reverse_hundredths);
        writer.put_u32(static_cast<std::uint32_t>(one.remaining_hundredths));
        writer.put_u32(static_cast<std::uint32_t>(one.used_hundredths));
    }
    return size_when_whole(writer);
}

std::optional<FreezeHead> decode_freeze_head(Bytes data) {
    ByteReader reader(data);
    FreezeHead head;
    if (reader.get_u8() != kFormat) return std::nullopt;
    head.n = reader.get_u8();
    head.due = reader.get_u32();
    head.made = reader.get_u32();
    head.marks = reader.get_u8();
    head.household_count = reader.get_u8();
    if (!reader.ok() || head.household_count > kHouseholdsMax) return std::nullopt;
    return head;
}

std::optional<FreezeBlock> decode_freeze_block(Bytes data) {
    const auto head = decode_freeze_head(data);
    if (!head) return std::nullopt;
    ByteReader reader(data.subspan(kFreezeHeadSize));
    FreezeBlock block;
    block.head = *head;
    for (std::size_t h = 1; h <= head->household_count; ++h) {
        FrozenRegisters& one = block.households[h];
        one.forward_hundredths = reader.get_u32();
        one.reverse_hundredths = reader.get_u32();
        one.remaining_hundredths = static_cast<std::int32_t>(reader.get_u32());
        one.used_hundredths = static_cast<std::int32_t>(reader.get_u32());
    }
    if (!reader.finished()) return std::nullopt;
    return block;
}

std::size_t encode(const BoxStatus& status, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u8(status.circuits_per_household);
    writer.put_u8(status.household_count);
    writer.put_u16(status.pulse_constant);
    writer.put_u8(status.basic_current_amperes);
    writer.put_u8(status.max_current_amperes);
    writer.put_u8(status.flags.bits);
    writer.put_u32(status.boot_count);
    writer.put_u32(status.command_counter);
    writer.put_u32(status.clock);
    for (Voltage voltage : status.voltage)
        writer.put_u32(unsigned_of(voltage.count(), 1));
    writer.put_u32(unsigned_of(status.frequency.count(), 1));
    return size_when_whole(writer);
}

std::optional<BoxStatus> decode_box_status(Bytes data) {
    ByteReader reader(data);
    BoxStatus status;
    if (reader.get_u8() != kFormat) return std::nullopt;
    status.circuits_per_household = reader.get_u8();
    status.household_count = reader.get_u8();
    status.pulse_constant = reader.get_u16();
    status.basic_current_amperes = reader.get_u8();
    status.max_current_amperes = reader.get_u8();
    status.flags.bits = reader.get_u8();
    status.boot_count = reader.get_u32();
    status.command_counter = reader.get_u32();
    status.clock = reader.get_u32();
    for (Voltage& voltage : status.voltage)
        voltage = Voltage{reader.get_u32()};
    status.frequency = Frequency{reader.get_u32()};
    if (!reader.finished()) return std::nullopt;
    return status;
}

std::size_t encode(const GuardStatus& status, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u16(status.holds.bits());
    writer.put_u16(status.overruled.bits());
    writer.put_u16(status.waiting.bits());
    writer.put_u32(status.forced_seconds);
    for (const GuardTries& tries : {status.load, status.malignant}) {
        writer.put_u8(tries.stage);
        writer.put_u8(tries.used);
        writer.put_u8(tries.left);
        writer.put_u32(tries.seconds_to_restore);
    }
    writer.put_u32(status.locked_since);
    writer.put_u16(status.last_because.bits());
    writer.put_u32(status.last_at);
    writer.put_u16(status.last_watts);
    writer.put_u8(status.last_shape);
    writer.put_u8(status.last_rule);
    writer.put_u16(static_cast<std::uint16_t>(status.last_power_factor_ten_thousandths));
    writer.put_u8(status.mode);
    writer.put_u8(status.rate);
    writer.put_u32(status.cut_at);
    return size_when_whole(writer);
}

std::optional<GuardStatus> decode_guard_status(Bytes data) {
    ByteReader reader(data);
    GuardStatus status;
    if (reader.get_u8() != kFormat) return std::nullopt;
    status.holds = HoldSet{reader.get_u16()};
    status.overruled = HoldSet{reader.get_u16()};
    status.waiting = HoldSet{reader.get_u16()};
    status.forced_seconds = reader.get_u32();
    for (GuardTries* tries : {&status.load, &status.malignant}) {
        tries->stage = reader.get_u8();
        tries->used = reader.get_u8();
        tries->left = reader.get_u8();
        tries->seconds_to_restore = reader.get_u32();
    }
    status.locked_since = reader.get_u32();
    status.last_because = HoldSet{reader.get_u16()};
    status.last_at = reader.get_u32();
    status.last_watts = reader.get_u16();
    status.last_shape = reader.get_u8();
    status.last_rule = reader.get_u8();
    status.last_power_factor_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    status.mode = reader.get_u8();
    status.rate = reader.get_u8();
    status.cut_at = reader.get_u32();
    if (!reader.finished()) return std::nullopt;
    return status;
}

std::size_t encode(const SettingSums& sums, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u32(sums.box);
    writer.put_u8(sums.household_count);
    for (std::size_t k = 0; k < sums.household_count; ++k)
        writer.put_u32(sums.households[k]);
    return size_when_whole(writer);
}

std::optional<SettingSums> decode_setting_sums(Bytes data) {
    ByteReader reader(data);
    SettingSums sums;
    if (reader.get_u8() != kFormat) return std::nullopt;
    sums.box = reader.get_u32();
    sums.household_count = reader.get_u8();
    if (sums.household_count > kHouseholdsMax) return std::nullopt;
    for (std::size_t k = 0; k < sums.household_count; ++k)
        sums.households[k] = reader.get_u32();
    if (!reader.finished()) return std::nullopt;
    return sums;
}

std::optional<Bytes> decode_setting(Bytes data) {
    if (data.size() < 2 || data[0] != kFormat) return std::nullopt;
    return data.subspan(1);
}

}  // namespace prewatt::dlt645
