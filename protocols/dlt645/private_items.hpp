// Our own items, DI3 = EC: what the standard has no item for. Byte-exact in docs/formats/dlt645-private.md.
// Structures here are what both ends work with; encode writes the data behind the DI, decode reads it.
// decode errors: nothing is returned when the length or the format number does not fit; the caller treats the reply as
// damaged.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/civil_time.hpp"
#include "base/fixed_vector.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::dlt645 {

inline constexpr DataId kHouseholdBlock{0xEC000100};  // box: remaining, forward total and state, all or what changed
inline constexpr DataId kBlockPower{0xEC000101};      // box: present active power of every household
inline constexpr DataId kAccountStatus{0xEC000200};   // household: the account in full
inline constexpr DataId kLiveValues{0xEC000300};      // household: voltage, frequency and every circuit
inline constexpr DataId kGuardStatus{0xEC000500};     // household: why it is dark, and for how long
inline constexpr DataId kBoxStatus{0xEC000400};       // box: what it is and how it is
// Household or box: its settings as they are in force. EC020000: check sums; EC02iikk: the bytes of setting ii, index
// kk (docs/formats/settings.md).
inline constexpr DataId kSettingSums{0xEC020000};
[[nodiscard]] constexpr DataId setting_item(std::uint8_t setting, std::uint8_t index) {
    return DataId{0xEC020000u | static_cast<std::uint32_t>(setting) << 8 | index};
}
[[nodiscard]] constexpr bool is_setting_item(DataId id) {
    return id.value >> 16 == 0xEC02;
}
inline constexpr DataId kSealedCommand{0xEC010000};  // function 03H, docs/formats/sealed-command.md

// --- EC000100. Request: DI + version u32 that the asker holds (0, or none at all: everything).
struct HouseholdRecord {
    std::int32_t remaining_hundredths = 0;  // 28 bits on the wire: +-1,342,177.27
    std::uint32_t forward_hundredths = 0;   // 28 bits, modulo 100,000,000 as the standard's register
    HouseholdState state;
    friend constexpr bool operator==(const HouseholdRecord&, const HouseholdRecord&) = default;
};
struct BoxFlags {  // one byte
    std::uint8_t bits = 0;
    // bits 0..2 phase A..C has voltage, 3 metering runs, 4 storage sound, 5 clock valid, 6 verification plug in
    friend constexpr bool operator==(BoxFlags, BoxFlags) = default;
};
struct HouseholdBlock {
    std::uint32_t version = 0;  // ask with this next time
    BoxFlags flags;
    std::uint8_t household_count = 0;
    std::bitset<kHouseholdsMax + 1> present;  // [n] = household n has a record here; [0] unused
    std::array<HouseholdRecord, kHouseholdsMax + 1> records{};
};
inline constexpr std::size_t kHouseholdBlockHeader = 12;
inline constexpr std::size_t kHouseholdRecordSize = 9;
inline constexpr std::size_t kHouseholdBlockSizeMax = kHouseholdBlockHeader + kHouseholdsMax * kHouseholdRecordSize;
static_assert(kHouseholdBlockSizeMax <= 196 + 195, "a full box must fit one reply and one following frame");
// Every encode returns the bytes written, or 0 when `out` is too small.
[[nodiscard]] std::size_t encode(const HouseholdBlock& block, MutableBytes out);
[[nodiscard]] std::optional<HouseholdBlock> decode_household_block(Bytes data);

// --- EC000101. 0.1 W each, signed 24 bits, saturated.
struct BlockPower {
    std::uint8_t household_count = 0;
    std::array<std::int32_t, kHouseholdsMax + 1> tenths_of_watt{};  // tenths of a watt, by household number
};
[[nodiscard]] std::size_t encode(const BlockPower& power, MutableBytes out);
[[nodiscard]] std::optional<BlockPower> decode_block_power(Bytes data);

// --- EC030300, EC030301: registers as they stood at a stated hour of a day, of a month (docs/formats/event-log.md).
// Request to the box: DI + n u8, 1 the newest.
inline constexpr DataId kDailyFreeze{0xEC030300};
inline constexpr DataId kMonthlyFreeze{0xEC030301};
inline constexpr int kMonthlyFreezesMax = 13;
struct FreezeHead {
    std::uint8_t n = 0;
    CivilSeconds due = 0;   // the instant that it is of
    CivilSeconds made = 0;  // later when the box had no supply then
    std::uint8_t marks = 0;
    std::uint8_t household_count = 0;
    friend constexpr bool operator==(const FreezeHead&, const FreezeHead&) = default;
};
struct FrozenRegisters {
    std::uint32_t forward_hundredths = 0;  // modulo 100,000,000
    std::uint32_t reverse_hundredths = 0;
    std::int32_t remaining_hundredths = 0;
    std::int32_t used_hundredths = 0;  // of the epoch
    friend constexpr bool operator==(const FrozenRegisters&, const FrozenRegisters&) = default;
};
struct FreezeBlock {
    FreezeHead head;
    std::array<FrozenRegisters, kHouseholdsMax + 1> households{};  // by household number
};
inline constexpr std::size_t kFreezeHeadSize = 12;
inline constexpr std::size_t kFrozenRegistersSize = 16;
[[nodiscard]] std::size_t encode(const FreezeBlock& block, MutableBytes out);
// From the first frame of an answer: what follows may be of no interest.
[[nodiscard]] std::optional<FreezeHead> decode_freeze_head(Bytes data);
[[nodiscard]] std::optional<FreezeBlock> decode_freeze_block(Bytes data);

// --- EC000200
struct AccountStatus {
    std::uint16_t epoch = 0;  // 0: not opened
    std::uint32_t ticket_number = 0;
    std::int64_t credited_hundredths = 0;  // 6 bytes, signed
    Credit used;                           // since the epoch began; grains, 8 bytes
    Energy forward;                        // of the household, for ever
    Energy reverse;
    HouseholdState state;
    std::uint32_t low_alarm_hundredths = 0;
    std::uint32_t cutoff_alarm_hundredths = 0;
    std::uint32_t overdraft_hundredths = 0;
    std::uint16_t previous_epoch = 0;
    Credit previous_used;  // what the previous epoch had used when it ended: for its settlement
    Credit previous_credited;
    friend constexpr bool operator==(const AccountStatus&, const AccountStatus&) = default;
};
[[nodiscard]] std::size_t encode(const AccountStatus& status, MutableBytes out);
[[nodiscard]] std::optional<AccountStatus> decode_account_status(Bytes data);

// --- EC000300
struct LiveCircuit {
    Current current;     // mA on the wire
    ActivePower active;  // 0.1 W on the wire, signed
    ReactivePower reactive;
    ApparentPower apparent;
    PowerFactor power_factor;  // signed
    bool relay_closed = false;
    friend constexpr bool operator==(const LiveCircuit&, const LiveCircuit&) = default;
};
struct LiveValues {
    Phase phase = Phase::kA;
    Voltage voltage;      // mV
    Frequency frequency;  // mHz
    FixedVector<LiveCircuit, 3> circuits;
    // A household fed by three phases: `phase` and `voltage` are A's, circuit k is on phase k. 03 on the wire in place
    // of the phase; the voltages of B and C follow the circuits.
    bool three_phase = false;
    std::array<Voltage, 2> voltage_b_c{};
};
[[nodiscard]] std::size_t encode(const LiveValues& live, MutableBytes out);
[[nodiscard]] std::optional<LiveValues> decode_live_values(Bytes data);

// --- EC000400
struct BoxStatus {
    std::uint8_t circuits_per_household = 1;
    std::uint8_t household_count = kHouseholdsMax;
    std::uint16_t pulse_constant = 1600;
    std::uint8_t basic_current_amperes = 15;
    std::uint8_t max_current_amperes = 60;
    BoxFlags flags;
    std::uint32_t boot_count = 0;
    std::uint32_t command_counter = 0;  // the last sealed command that was accepted
    CivilSeconds clock = 0;
    std::array<Voltage, 3> voltage{};  // mV, per phase
    Frequency frequency;
    friend constexpr bool operator==(const BoxStatus&, const BoxStatus&) = default;
};
[[nodiscard]] std::size_t encode(const BoxStatus& status, MutableBytes out);
[[nodiscard]] std::optional<BoxStatus> decode_box_status(Bytes data);

// --- EC000500. Numbers of stages, shapes and rules: docs/formats/dlt645-private.md.
struct GuardTries {
    std::uint8_t stage = 0;
    std::uint8_t used = 0;
    std::uint8_t left = 0;
    std::uint32_t seconds_to_restore = 0;  // 0: not waiting for a restore
    friend constexpr bool operator==(const GuardTries&, const GuardTries&) = default;
};
struct GuardStatus {
    HoldSet holds;
    HoldSet overruled;
    HoldSet waiting;  // in the no-cut hours
    std::uint32_t forced_seconds = 0;
    GuardTries load;
    GuardTries malignant;
    CivilSeconds locked_since = 0;  // 0: not locked out, or not known
    HoldSet last_because;           // the last cut by a guard; empty: none yet
    CivilSeconds last_at = 0;
    std::uint16_t last_watts = 0;
    std::uint8_t last_shape = 0;
    std::uint8_t last_rule = 0;
    std::int16_t last_power_factor_ten_thousandths = 0;
    std::uint8_t mode = 0;    // of the schedule: 0 on, 1 off, 2 limited
    std::uint8_t rate = 1;    // 1..4
    CivilSeconds cut_at = 0;  // a timed cut-off is near; 0: none
    friend constexpr bool operator==(const GuardStatus&, const GuardStatus&) = default;
};
[[nodiscard]] std::size_t encode(const GuardStatus& status, MutableBytes out);
[[nodiscard]] std::optional<GuardStatus> decode_guard_status(Bytes data);

// --- EC020000. Equal sums mean equal settings; a household's sum does not cover those of the box.
struct SettingSums {
    std::uint32_t box = 0;
    std::uint8_t household_count = 0;  // that follow: all of them at the address of the box, else the one asked
    std::array<std::uint32_t, kHouseholdsMax> households{};
    friend constexpr bool operator==(const SettingSums&, const SettingSums&) = default;
};
[[nodiscard]] std::size_t encode(const SettingSums& sums, MutableBytes out);
[[nodiscard]] std::optional<SettingSums> decode_setting_sums(Bytes data);
// --- EC02iikk: the setting's bytes behind the format number. Nothing: another format, or empty.
[[nodiscard]] std::optional<Bytes> decode_setting(Bytes data);

}  // namespace prewatt::dlt645
