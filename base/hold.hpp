// Why a household is dark. A relay is closed when nothing holds it open: each feature owns one bit of this set and
// nobody else touches it. The numbers stand on the wire, in storage and in the REST description; they never change.
#pragma once
#include <cstdint>

namespace prewatt {

enum class Hold : std::uint8_t {
    kNoCredit = 0,     // remaining + overdraft is used up
    kCutoffAlarm = 1,  // the reminder at the cut-off level waits for a card or an acknowledgement
    kMalignant = 2,
    kOverload = 3,
    kLockedOut = 4,
    kSchedule = 5,
    kRemote = 6,     // switched off by the office
    kNotOpened = 7,  // no account: no ticket has ever come
    kSupply = 8,     // the phase is missing or out of 150..250 V
};
inline constexpr int kHoldCount = 9;

class HoldSet {
  public:
    constexpr HoldSet() = default;
    constexpr explicit HoldSet(std::uint16_t bits) : bits_(bits) {}
    [[nodiscard]] constexpr std::uint16_t bits() const { return bits_; }
    [[nodiscard]] constexpr bool has(Hold hold) const { return bits_ >> static_cast<int>(hold) & 1; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    constexpr void set(Hold hold, bool on) {
        const auto bit = static_cast<std::uint16_t>(1u << static_cast<int>(hold));
        bits_ = static_cast<std::uint16_t>(on ? bits_ | bit : bits_ & ~bit);
    }
    [[nodiscard]] constexpr HoldSet without(HoldSet other) const {
        return HoldSet{static_cast<std::uint16_t>(bits_ & ~other.bits_)};
    }
    friend constexpr bool operator==(HoldSet, HoldSet) = default;

  private:
    std::uint16_t bits_ = 0;
};

// The 16 state bits of a household: bits 0..8 the holds, then what follows. Published in the household block, in the
// answer to a sealed command, in readings.
enum class StateBit : std::uint8_t {
    kRelayClosed = 9,
    kLowCredit = 10,
    kForced = 11,      // forced power is in force: some holds are overruled
    kRelayFault = 12,  // the contact does not obey
    kMoneyAccount = 13,
    kReverse = 14,        // reverse energy has been counted since the account opened
    kCutoffAlarmed = 15,  // the cut-off reminder of this purchase has already happened
};

struct HouseholdState {
    std::uint16_t bits = 0;
    [[nodiscard]] constexpr HoldSet holds() const { return HoldSet{static_cast<std::uint16_t>(bits & 0x1FF)}; }
    [[nodiscard]] constexpr bool has(StateBit bit) const { return bits >> static_cast<int>(bit) & 1; }
    constexpr void set(StateBit bit, bool on) {
        const auto mask = static_cast<std::uint16_t>(1u << static_cast<int>(bit));
        bits = static_cast<std::uint16_t>(on ? bits | mask : bits & ~mask);
    }
    constexpr void set_holds(HoldSet holds) {
        bits = static_cast<std::uint16_t>((bits & ~0x1FF) | (holds.bits() & 0x1FF));
    }
    friend constexpr bool operator==(HouseholdState, HouseholdState) = default;
};

}  // namespace prewatt
