// What happened, and when (product.md M17). Byte-exact in docs/formats/event-log.md.
//
// Every household has rings of its own for cuts and restores, purchases, cards, changes of its settings and faults; the
// box has rings for the supply, phases, the clock, the processors, wrong passwords and forged commands, its settings
// and clears. So a flood of one kind cannot push out another, nor one household's events another's. What anybody on the
// line can cause without a key is written at most once in 15 minutes a kind, with how often it happened: a flood
// neither wears the memory out nor hides anything.
//
// How often each kind has happened is kept although records are overwritten: each ring has two counter slots that are
// renewed, in turn, before a record that they do not count yet would be overwritten.
//
// Kinds, rings and layouts are one table (kEventKinds); the line and the command read it too. Numbers of kinds stand in
// storage and on the wire and never change; the names of events in `events` below put the data together.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/civil_time.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "meter/core/card_code.hpp"
#include "meter/core/clock_source.hpp"
#include "meter/core/records.hpp"
#include "meter/reports.hpp"

namespace prewatt::meter {

enum class EventRing : std::uint8_t {
    // of each household
    kSwitching = 0,
    kPurchases,
    kCards,
    kChanges,
    kFaults,
    // of the box
    kSupply,
    kPhases,
    kClock,
    kProcessors,
    kSecurity,
    kBoxChanges,
    kClears,
};
inline constexpr int kHouseholdRings = 5;
inline constexpr int kBoxRings = 7;
inline constexpr int kEventRings = kHouseholdRings + kBoxRings;

struct EventRingInfo {
    EventRing ring{};
    const char* name = "";
    std::uint8_t records = 0;  // an even number
};
inline constexpr std::array<EventRingInfo, kEventRings> kEventRingTable{{
    {EventRing::kSwitching, "switching", 32},
    {EventRing::kPurchases, "purchases", 16},
    {EventRing::kCards, "cards", 8},
    {EventRing::kChanges, "changes", 16},
    {EventRing::kFaults, "faults", 16},
    {EventRing::kSupply, "supply", 32},
    {EventRing::kPhases, "phases", 48},
    {EventRing::kClock, "clock", 32},
    {EventRing::kProcessors, "processors", 32},
    {EventRing::kSecurity, "security", 32},
    {EventRing::kBoxChanges, "box changes", 64},
    {EventRing::kClears, "clears", 80},
}};
[[nodiscard]] constexpr bool is_of_household(EventRing ring) {
    return static_cast<int>(ring) < kHouseholdRings;
}
[[nodiscard]] constexpr const EventRingInfo& info(EventRing ring) {
    return kEventRingTable[static_cast<std::size_t>(ring)];
}

enum class EventKind : std::uint8_t {
    kNone = 0,
    // switching
    kCut = 1,
    kRestore = 2,
    kMalignantCut = 3,
    kOverloadCut = 4,
    kLockedOut = 5,
    kForcedPower = 6,
    // purchases
    kPurchase = 10,
    kRefund = 11,
    kAccountOpened = 12,
    // cards
    kCardSwiped = 20,
    kAcknowledged = 21,
    kCardRefused = 22,
    // changes
    kSettingChanged = 30,
    kRemoteOff = 31,
    kRemoteOn = 32,
    kAlarmLevels = 33,
    // faults
    kReverseFlow = 40,
    kMalignantAlarm = 41,
    kContactStaysClosed = 42,
    kContactStaysOpen = 43,
    kContactObeys = 44,
    // supply
    kPowerDown = 50,
    kSupplyGoing = 51,
    // phases
    kPhaseALost = 60,
    kPhaseBLost = 61,
    kPhaseCLost = 62,
    kPhaseABack = 63,
    kPhaseBBack = 64,
    kPhaseCBack = 65,
    // clock
    kClockSet = 70,
    kClockStopped = 71,
    // processors
    kMeteringSilent = 80,
    kMeteringBack = 81,
    kMeteringReset = 82,
    kManagementReset = 83,
    kMemoryFault = 84,
    // security
    kWrongPassword = 90,
    kForgedCommand = 91,
    kReplayedCommand = 92,
    kBadCard = 93,
    kOrderRefused = 94,
    // box changes
    kBoxSettingChanged = 100,
    kPulseConstantChanged = 101,
    kOrderCarriedOut = 102,
    // clears
    kHouseholdCleared = 110,
    kBoxCleared = 111,
};

enum class EventField : std::uint8_t {
    kNumber1,      // u8
    kNumber2,      // u16
    kNumber4,      // u32
    kOperator,     // u32
    kHundredths,   // i32, 0.01 kWh or 0.01 yuan
    kTenthsWatt,   // i32
    kMilliampere,  // u32
    kTenthsVolt,   // u16
    kSeconds2,     // u16
    kSeconds4,     // u32
    kMinutes4,     // u32
    kMoment,       // u32 civil seconds; 0: not known
    kHolds,        // u16
    kShape,        // u8, StepShape
    kFactor,       // u16, 1/10,000
    kClockSource,  // u8, ClockSource
    kCheck,        // u32, checksum of settings
    kCardCode,     // u8, CardCode
};
[[nodiscard]] constexpr std::size_t size_of(EventField field) {
    switch (field) {
        case EventField::kNumber1:
        case EventField::kShape:
        case EventField::kClockSource:
        case EventField::kCardCode:
            return 1;
        case EventField::kNumber2:
        case EventField::kTenthsVolt:
        case EventField::kSeconds2:
        case EventField::kHolds:
        case EventField::kFactor:
            return 2;
        default:
            return 4;
    }
}
struct EventPart {
    const char* name = nullptr;  // null: the layout ends here
    EventField field{};
};
inline constexpr int kEventPartsMax = 8;
inline constexpr std::size_t kEventDataBytes = 16;
struct EventKindInfo {
    EventKind kind{};
    EventRing ring{};
    std::uint8_t counter = 0;        // place in the ring's counter slots, 0..5
    std::uint8_t minutes_apart = 0;  // at most one record in so many minutes; 0: every one
    const char* name = "";
    std::array<EventPart, kEventPartsMax> parts{};
};
inline constexpr int kKindsPerRing = 6;
[[nodiscard]] std::span<const EventKindInfo> event_kinds();
[[nodiscard]] const EventKindInfo* find(EventKind kind);  // null: not in the table

using EventData = std::array<Byte, kEventDataBytes>;

// When something happened. Without a valid clock: how often the box had started and how long it had been running.
struct EventTime {
    std::optional<CivilSeconds> civil;
    std::uint32_t boots = 0;
    Instant uptime;  // the box's own monotonic clock
};

struct Event {
    std::uint32_t sequence = 0;  // of all events of the box; rises with time
    EventKind kind = EventKind::kNone;
    Household household;  // 0: the box
    bool clock_valid = false;
    std::uint32_t time = 0;   // civil seconds, or seconds since the start where the clock was not valid
    std::uint16_t boots = 0;  // modulo 65,536
    EventData data{};
    friend constexpr bool operator==(const Event&, const Event&) = default;
};
// As in a slot between sequence and CRC, and on the line: sequence u32, time u32, boots u16, kind u8, household u8
// (bit 7: the clock was not valid), data 16.
inline constexpr std::size_t kEventWireBytes = 28;
// Bytes written; 0 when `out` is too small.
std::size_t encode(const Event& event, MutableBytes out);
[[nodiscard]] std::optional<Event> decode_event(Bytes in);  // nothing: too short, or a kind that the table has not
// The value of part `index` of an event's layout as an integer.
[[nodiscard]] std::int64_t part_of(const Event& event, int index);

// A set of kinds of one ring.
class EventKinds {
  public:
    constexpr EventKinds() = default;
    template <class... Kinds>
    constexpr explicit EventKinds(EventKind first, Kinds... more) {
        add(first);
        (add(more), ...);
    }
    constexpr void add(EventKind kind) {
        bits_[static_cast<std::size_t>(kind) / 32] |= 1u << (static_cast<unsigned>(kind) % 32);
    }
    [[nodiscard]] constexpr bool has(EventKind kind) const {
        return (bits_[static_cast<std::size_t>(kind) / 32] >> (static_cast<unsigned>(kind) % 32) & 1) != 0;
    }

  private:
    std::array<std::uint32_t, 4> bits_{};
};
inline constexpr EventKinds kCutKinds{EventKind::kCut, EventKind::kMalignantCut, EventKind::kOverloadCut};

class EventLog {
  public:
    explicit EventLog(RecordMemory& memory) : memory_(memory) {}
    // After RecordMemory::open. Finds the newest record of each ring.
    void open();

    // False: not stored (no memory for records, refused, not a household's or not the box's kind). What is not written
    // because of `minutes_apart` counts as stored.
    bool append(EventKind kind, Household household, const EventData& data, const EventTime& now);

    // The n-th last (1: the last) of these kinds, which are of one ring. Nothing: there are not so many.
    [[nodiscard]] std::optional<Event> nth_last(EventKinds kinds, EventRing ring, Household household, int n) const;
    [[nodiscard]] std::optional<Event> nth_last(EventKind kind, Household household, int n) const;
    // Of a ring, of all kinds.
    [[nodiscard]] std::optional<Event> nth_last(EventRing ring, Household household, int n) const;
    // Has any of these kinds, which are of one ring, happened since `from`? One whose time is not known counts as well.
    [[nodiscard]] bool happened_since(EventKinds kinds, EventRing ring, Household household, CivilSeconds from) const;
    // Does an event of this ring stand here whose time is known, after `from` and not after `to`?
    [[nodiscard]] bool happened_between(EventRing ring, Household household, CivilSeconds from, CivilSeconds to) const;
    // How often it has ever happened; `household` 0 with a kind of households: in all of them.
    [[nodiscard]] std::uint32_t count(EventKind kind, Household household) const;

    [[nodiscard]] static std::uint32_t bytes(int households);
    [[nodiscard]] Ring ring(EventRing ring, Household household) const;

  private:
    static constexpr int kRingsMax = kHouseholdsMax * kHouseholdRings + kBoxRings;
    static constexpr std::uint8_t kEmpty = 0xFF;
    using Counts = std::array<std::uint32_t, kKindsPerRing>;
    struct Checkpoint {
        std::uint32_t sequence = 0;  // everything up to here is counted
        Counts counts{};
    };
    [[nodiscard]] int index(EventRing ring, Household household) const;
    [[nodiscard]] Ring records(int index) const;
    [[nodiscard]] Ring counters(int index) const;
    [[nodiscard]] Checkpoint checkpoint(int index) const;
    [[nodiscard]] Counts counts(int index) const;
    [[nodiscard]] bool write_checkpoint(int index, int copy) const;

    RecordMemory& memory_;
    std::uint32_t sequence_ = 0;                    // of the newest event
    std::array<std::uint8_t, kRingsMax> newest_{};  // slot of the newest record
    static constexpr int kLimitedKinds = 5;
    struct Limited {
        Instant written{INT64_MIN / 2};
        std::uint32_t times = 0;  // since then
    };
    std::array<Limited, kLimitedKinds> limited_{};
};

// --- What is put into `data`. One function for each layout; the table says the same to readers.
namespace events {

// `holds`: all that hold now; `because`: those that are not overruled.
[[nodiscard]] EventData cut(HoldSet holds, HoldSet because, ActivePower power, std::int32_t remaining_hundredths,
                            Energy forward);
// `gone`: what held it last; `dark`: since the cut.
[[nodiscard]] EventData restore(HoldSet gone, HoldSet overruled, std::int32_t remaining_hundredths, Duration dark,
                                Energy forward);
// kMalignantCut and kMalignantAlarm. `capture`: sequence of the capture that belongs to it, low 8 bits; 0 none.
[[nodiscard]] EventData malignant(const StepReport& report, Duration restore_after, int restores_left, int capture);
[[nodiscard]] EventData overload(Circuit circuit, Current current, Current limit, int cuts, int cuts_max, bool gross,
                                 Duration restore_after);
[[nodiscard]] EventData locked_out(HoldSet because, int cuts);
[[nodiscard]] EventData forced_power(HoldSet overruled, std::uint16_t for_minutes, std::uint32_t operator_number);
// kPurchase, kRefund: hundredths of the account's unit.
[[nodiscard]] EventData purchase(std::int64_t before, std::int64_t bought, std::int64_t credited, std::uint32_t ticket);
[[nodiscard]] EventData account_opened(std::uint16_t epoch, std::uint8_t unit, std::int64_t previous_used,
                                       std::int64_t previous_credited, std::uint32_t ticket);
// kCardSwiped, kCardRefused. `card`: its serial number; `reader` 0: the box's own; `ticket`: on the card.
[[nodiscard]] EventData card_swiped(std::uint32_t card, CardCode code, std::uint16_t reader, std::uint32_t tap,
                                    std::uint32_t ticket);
// `uid`: the first four bytes of what the card says its number is, low first.
[[nodiscard]] EventData bad_card(std::uint32_t uid, CardCode code, std::uint16_t reader, std::uint32_t tap);
// kOrderRefused, kOrderCarriedOut: an order from a card (set-up, clear, restore). `kind`: card::CardKind.
[[nodiscard]] EventData order_refused(std::uint32_t sequence, std::uint8_t kind, CardCode code, std::uint8_t household);
[[nodiscard]] EventData order_carried_out(std::uint32_t sequence, std::uint8_t kind, std::uint8_t household,
                                          std::uint32_t card);
[[nodiscard]] EventData acknowledged(std::int32_t remaining_hundredths, std::uint32_t operator_number);
// kSettingChanged, kBoxSettingChanged: checksums of that setting's bytes before and after.
[[nodiscard]] EventData setting_changed(std::uint8_t setting, std::uint8_t index, std::uint32_t operator_number,
                                        std::uint32_t before, std::uint32_t after);
[[nodiscard]] EventData by_operator(std::uint32_t operator_number);  // kRemoteOff, kRemoteOn
[[nodiscard]] EventData alarm_levels(std::uint32_t low, std::uint32_t cutoff, std::uint32_t overdraft,
                                     std::uint32_t operator_number);
[[nodiscard]] EventData reverse_flow(ActivePower power, Energy reverse);
[[nodiscard]] EventData contact(Circuit circuit, Current current, Duration lasted);  // all three kinds
[[nodiscard]] EventData power_down(std::optional<CivilSeconds> from, std::optional<CivilSeconds> to);
[[nodiscard]] EventData phase_lost(Voltage voltage);
// `minutes_before`: of all earlier losses of this phase; Archive::log_phase_back knows them.
[[nodiscard]] EventData phase_back(Voltage voltage, std::optional<CivilSeconds> from, Duration lasted,
                                   std::uint32_t minutes_before);
[[nodiscard]] EventData clock_set(std::optional<CivilSeconds> before, CivilSeconds after, std::uint32_t operator_number,
                                  ClockSource source);
[[nodiscard]] EventData clock_stopped(CivilSeconds last_known);
[[nodiscard]] EventData processor(std::uint32_t session, Duration lasted);             // all kinds of the ring
[[nodiscard]] EventData on_line(std::uint8_t address, std::uint32_t operator_number);  // the security kinds
[[nodiscard]] EventData pulse_constant(std::uint16_t before, std::uint16_t after, std::uint32_t operator_number);
[[nodiscard]] EventData cleared(std::uint32_t operator_number, Energy forward, Energy reverse,
                                std::int64_t remaining_hundredths);

}  // namespace events

}  // namespace prewatt::meter
