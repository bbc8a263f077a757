#include "meter/core/event_log.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

using enum EventField;

constexpr std::array<EventPart, kEventPartsMax> kCutParts{{{"holds", kHolds},
                                                           {"because", kHolds},
                                                           {"power", kTenthsWatt},
                                                           {"remaining", kHundredths},
                                                           {"forward", kHundredths}}};
constexpr std::array<EventPart, kEventPartsMax> kRestoreParts{{{"gone", kHolds},
                                                               {"overruled", kHolds},
                                                               {"dark", kSeconds4},
                                                               {"remaining", kHundredths},
                                                               {"forward", kHundredths}}};
constexpr std::array<EventPart, kEventPartsMax> kMalignantParts{{{"shape", kShape},
                                                                 {"circuit", kNumber1},
                                                                 {"factor", kFactor},
                                                                 {"resistive", kTenthsWatt},
                                                                 {"before", kTenthsWatt},
                                                                 {"restore_after", kSeconds2},
                                                                 {"restores_left", kNumber1},
                                                                 {"capture", kNumber1}}};
constexpr std::array<EventPart, kEventPartsMax> kOverloadParts{{{"current", kMilliampere},
                                                                {"limit", kMilliampere},
                                                                {"circuit", kNumber1},
                                                                {"cuts", kNumber1},
                                                                {"cuts_max", kNumber1},
                                                                {"gross", kNumber1},
                                                                {"restore_after", kSeconds2}}};
constexpr std::array<EventPart, kEventPartsMax> kLockedParts{{{"because", kHolds}, {"cuts", kNumber1}}};
constexpr std::array<EventPart, kEventPartsMax> kForcedParts{
    {{"overruled", kHolds}, {"minutes", kNumber2}, {"operator", kOperator}}};
constexpr std::array<EventPart, kEventPartsMax> kPurchaseParts{
    {{"before", kHundredths}, {"bought", kHundredths}, {"credited", kHundredths}, {"ticket", kNumber4}}};
constexpr std::array<EventPart, kEventPartsMax> kOpenedParts{{{"epoch", kNumber2},
                                                              {"money", kNumber1},
                                                              {"spare", kNumber1},
                                                              {"previous_used", kHundredths},
                                                              {"previous_credited", kHundredths},
                                                              {"ticket", kNumber4}}};
constexpr std::array<EventPart, kEventPartsMax> kCardParts{
    {{"card", kNumber4}, {"result", kCardCode}, {"reader", kNumber2}, {"tap", kNumber4}, {"ticket", kNumber4}}};
constexpr std::array<EventPart, kEventPartsMax> kBadCardParts{
    {{"times", kNumber4}, {"uid", kNumber4}, {"result", kCardCode}, {"reader", kNumber2}, {"tap", kNumber4}}};
constexpr std::array<EventPart, kEventPartsMax> kOrderRefusedParts{
    {{"times", kNumber4}, {"sequence", kNumber4}, {"kind", kNumber1}, {"result", kCardCode}, {"household", kNumber1}}};
constexpr std::array<EventPart, kEventPartsMax> kOrderParts{
    {{"sequence", kNumber4}, {"kind", kNumber1}, {"household", kNumber1}, {"card", kNumber4}}};
constexpr std::array<EventPart, kEventPartsMax> kAcknowledgedParts{
    {{"remaining", kHundredths}, {"operator", kOperator}}};
constexpr std::array<EventPart, kEventPartsMax> kSettingParts{{{"setting", kNumber1},
                                                               {"index", kNumber1},
                                                               {"operator", kOperator},
                                                               {"check_before", kCheck},
                                                               {"check_after", kCheck}}};
constexpr std::array<EventPart, kEventPartsMax> kOperatorParts{{{"operator", kOperator}}};
constexpr std::array<EventPart, kEventPartsMax> kLevelsParts{
    {{"low", kHundredths}, {"cutoff", kHundredths}, {"overdraft", kHundredths}, {"operator", kOperator}}};
constexpr std::array<EventPart, kEventPartsMax> kReverseParts{{{"power", kTenthsWatt}, {"reverse", kHundredths}}};
constexpr std::array<EventPart, kEventPartsMax> kContactParts{
    {{"current", kMilliampere}, {"lasted", kSeconds4}, {"circuit", kNumber1}}};
constexpr std::array<EventPart, kEventPartsMax> kNoParts{};
constexpr std::array<EventPart, kEventPartsMax> kDownParts{{{"from", kMoment}, {"to", kMoment}}};
constexpr std::array<EventPart, kEventPartsMax> kLostParts{{{"voltage", kTenthsVolt}}};
constexpr std::array<EventPart, kEventPartsMax> kBackParts{
    {{"voltage", kTenthsVolt}, {"from", kMoment}, {"lasted", kSeconds4}, {"minutes_in_all", kMinutes4}}};
constexpr std::array<EventPart, kEventPartsMax> kClockParts{
    {{"before", kMoment}, {"after", kMoment}, {"operator", kOperator}, {"source", kClockSource}}};
constexpr std::array<EventPart, kEventPartsMax> kStoppedParts{{{"last_known", kMoment}}};
constexpr std::array<EventPart, kEventPartsMax> kProcessorParts{{{"session", kNumber4}, {"lasted", kSeconds4}}};
constexpr std::array<EventPart, kEventPartsMax> kLineParts{
    {{"times", kNumber4}, {"operator", kOperator}, {"household", kNumber1}}};
constexpr std::array<EventPart, kEventPartsMax> kConstantParts{
    {{"before", kNumber2}, {"after", kNumber2}, {"operator", kOperator}}};
constexpr std::array<EventPart, kEventPartsMax> kClearedParts{
    {{"operator", kOperator}, {"forward", kHundredths}, {"reverse", kHundredths}, {"remaining", kHundredths}}};

constexpr std::uint8_t kLineMinutes = 15;

constexpr EventKindInfo kEventKinds[] = {
    {EventKind::kCut, EventRing::kSwitching, 0, 0, "cut", kCutParts},
    {EventKind::kRestore, EventRing::kSwitching, 1, 0, "restored", kRestoreParts},
    {EventKind::kMalignantCut, EventRing::kSwitching, 2, 0, "cut for a malignant load", kMalignantParts},
    {EventKind::kOverloadCut, EventRing::kSwitching, 3, 0, "cut for overload", kOverloadParts},
    {EventKind::kLockedOut, EventRing::kSwitching, 4, 0, "locked out", kLockedParts},
    {EventKind::kForcedPower, EventRing::kSwitching, 5, 0, "power forced", kForcedParts},
    {EventKind::kPurchase, EventRing::kPurchases, 0, 0, "purchase", kPurchaseParts},
    {EventKind::kRefund, EventRing::kPurchases, 1, 0, "refund", kPurchaseParts},
    {EventKind::kAccountOpened, EventRing::kPurchases, 2, 0, "account opened", kOpenedParts},
    {EventKind::kCardSwiped, EventRing::kCards, 0, 0, "card swiped", kCardParts},
    {EventKind::kAcknowledged, EventRing::kCards, 1, 0, "alarm acknowledged", kAcknowledgedParts},
    {EventKind::kCardRefused, EventRing::kCards, 2, 0, "card refused", kCardParts},
    {EventKind::kSettingChanged, EventRing::kChanges, 0, 0, "setting changed", kSettingParts},
    {EventKind::kRemoteOff, EventRing::kChanges, 1, 0, "switched off by the office", kOperatorParts},
    {EventKind::kRemoteOn, EventRing::kChanges, 2, 0, "switched on by the office", kOperatorParts},
    {EventKind::kAlarmLevels, EventRing::kChanges, 3, 0, "alarm levels set", kLevelsParts},
    {EventKind::kReverseFlow, EventRing::kFaults, 0, 0, "reverse flow", kReverseParts},
    {EventKind::kMalignantAlarm, EventRing::kFaults, 1, 0, "malignant load noticed", kMalignantParts},
    {EventKind::kContactStaysClosed, EventRing::kFaults, 2, 0, "contact does not open", kContactParts},
    {EventKind::kContactStaysOpen, EventRing::kFaults, 3, 0, "contact does not close", kContactParts},
    {EventKind::kContactObeys, EventRing::kFaults, 4, 0, "contact obeys again", kContactParts},
    {EventKind::kPowerDown, EventRing::kSupply, 0, 0, "supply was away", kDownParts},
    {EventKind::kSupplyGoing, EventRing::kSupply, 1, 0, "supply goes", kNoParts},
    {EventKind::kPhaseALost, EventRing::kPhases, 0, 0, "phase A lost", kLostParts},
    {EventKind::kPhaseBLost, EventRing::kPhases, 1, 0, "phase B lost", kLostParts},
    {EventKind::kPhaseCLost, EventRing::kPhases, 2, 0, "phase C lost", kLostParts},
    {EventKind::kPhaseABack, EventRing::kPhases, 3, 0, "phase A back", kBackParts},
    {EventKind::kPhaseBBack, EventRing::kPhases, 4, 0, "phase B back", kBackParts},
    {EventKind::kPhaseCBack, EventRing::kPhases, 5, 0, "phase C back", kBackParts},
    {EventKind::kClockSet, EventRing::kClock, 0, 0, "clock set", kClockParts},
    {EventKind::kClockStopped, EventRing::kClock, 1, 0, "clock stopped", kStoppedParts},
    {EventKind::kMeteringSilent, EventRing::kProcessors, 0, 0, "metering processor silent", kProcessorParts},
    {EventKind::kMeteringBack, EventRing::kProcessors, 1, 0, "metering processor back", kProcessorParts},
    {EventKind::kMeteringReset, EventRing::kProcessors, 2, 0, "metering processor reset", kProcessorParts},
    {EventKind::kManagementReset, EventRing::kProcessors, 3, 0, "management processor reset", kProcessorParts},
    {EventKind::kMemoryFault, EventRing::kProcessors, 4, 0, "memory fault", kProcessorParts},
    {EventKind::kWrongPassword, EventRing::kSecurity, 0, kLineMinutes, "wrong password", kLineParts},
    {EventKind::kForgedCommand, EventRing::kSecurity, 1, kLineMinutes, "forged command", kLineParts},
    {EventKind::kReplayedCommand, EventRing::kSecurity, 2, kLineMinutes, "replayed command", kLineParts},
    {EventKind::kBadCard, EventRing::kSecurity, 3, kLineMinutes, "bad card", kBadCardParts},
    {EventKind::kOrderRefused, EventRing::kSecurity, 4, kLineMinutes, "order from a card refused", kOrderRefusedParts},
    {EventKind::kBoxSettingChanged, EventRing::kBoxChanges, 0, 0, "setting of the box changed", kSettingParts},
    {EventKind::kPulseConstantChanged, EventRing::kBoxChanges, 1, 0, "pulse constant changed", kConstantParts},
    {EventKind::kOrderCarriedOut, EventRing::kBoxChanges, 2, 0, "order from a card carried out", kOrderParts},
    {EventKind::kHouseholdCleared, EventRing::kClears, 0, 0, "household cleared", kClearedParts},
    {EventKind::kBoxCleared, EventRing::kClears, 1, 0, "box cleared", kClearedParts},
};

constexpr bool table_is_sound() {
    for (const EventKindInfo& kind : kEventKinds) {
        std::size_t size = 0;
        for (const EventPart& part : kind.parts)
            if (part.name != nullptr) size += size_of(part.field);
        if (size > kEventDataBytes || kind.counter >= kKindsPerRing || static_cast<unsigned>(kind.kind) >= 128)
            return false;
        for (const EventKindInfo& other : kEventKinds)
            if (&other != &kind &&
                (other.kind == kind.kind || (other.ring == kind.ring && other.counter == kind.counter)))
                return false;
    }
    for (std::size_t k = 0; k < kEventRingTable.size(); ++k)
        if (static_cast<std::size_t>(kEventRingTable[k].ring) != k || kEventRingTable[k].records % 2 != 0 ||
            kEventRingTable[k].records >= 0xFF)
            return false;
    return true;
}
static_assert(table_is_sound(), "layouts fit, counters and kinds are unique, rings stand in order and have two halves");

// Slots of one household, of the box.
constexpr int slots_of(bool of_household) {
    int slots = 0;
    for (const EventRingInfo& ring : kEventRingTable)
        if (is_of_household(ring.ring) == of_household) slots += ring.records + record_map::kCounterSlots;
    return slots;
}
constexpr std::uint32_t kHouseholdBytes = std::uint32_t{slots_of(true)} * record_map::kEventBytes;
constexpr std::uint32_t kBoxBytes = std::uint32_t{slots_of(false)} * record_map::kEventBytes;

int limited_index(const EventKindInfo& kind) {
    int k = 0;
    for (const EventKindInfo& other : kEventKinds) {
        if (&other == &kind) return k;
        if (other.minutes_apart != 0) ++k;
    }
    return k;
}
constexpr int limited_kinds() {
    int k = 0;
    for (const EventKindInfo& kind : kEventKinds)
        if (kind.minutes_apart != 0) ++k;
    return k;
}

std::int32_t saturated(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN, INT32_MAX));
}
std::uint32_t saturated_unsigned(std::int64_t value, std::uint32_t most = UINT32_MAX) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, most));
}

// Puts a layout together; what does not stand in it stays zero.
class Put {
  public:
    Put& u8(std::uint32_t value) { return writer_.put_u8(static_cast<std::uint8_t>(value)), *this; }
    Put& u16(std::uint32_t value) { return writer_.put_u16(static_cast<std::uint16_t>(value)), *this; }
    Put& u32(std::uint32_t value) { return writer_.put_u32(value), *this; }
    Put& hundredths(std::int64_t value) { return u32(static_cast<std::uint32_t>(saturated(value))); }
    Put& energy(Energy value) { return hundredths(in_hundredths(value, Round::kDown)); }
    Put& power(ActivePower value) { return hundredths(divide(value.count(), 100'000, Round::kNearest)); }
    Put& current(Current value) { return u32(saturated_unsigned(divide(value.count(), 1000, Round::kNearest))); }
    Put& voltage(Voltage value) { return u16(saturated_unsigned(divide(value.count(), 100, Round::kNearest), 0xFFFF)); }
    Put& seconds2(Duration value) { return u16(saturated_unsigned(value.count() / 1'000'000, 0xFFFF)); }
    Put& seconds4(Duration value) { return u32(saturated_unsigned(value.count() / 1'000'000)); }
    operator EventData() const { return data_; }

  private:
    EventData data_{};
    ByteWriter writer_{data_};
};

}  // namespace

std::span<const EventKindInfo> event_kinds() {
    return kEventKinds;
}

const EventKindInfo* find(EventKind kind) {
    for (const EventKindInfo& info : kEventKinds)
        if (info.kind == kind) return &info;
    return nullptr;
}

std::size_t encode(const Event& event, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u32(event.sequence);
    writer.put_u32(event.time);
    writer.put_u16(event.boots);
    writer.put_u8(static_cast<std::uint8_t>(event.kind));
    writer.put_u8(static_cast<std::uint8_t>(event.household.number | (event.clock_valid ? 0u : 0x80u)));
    writer.put(event.data);
    return writer.ok() ? writer.size() : 0;
}

std::optional<Event> decode_event(Bytes in) {
    if (in.size() < kEventWireBytes) return std::nullopt;
    ByteReader reader(in);
    Event event;
    event.sequence = reader.get_u32();
    event.time = reader.get_u32();
    event.boots = reader.get_u16();
    event.kind = static_cast<EventKind>(reader.get_u8());
    const std::uint8_t household = reader.get_u8();
    event.household = {static_cast<std::uint8_t>(household & 0x7F)};
    event.clock_valid = (household & 0x80) == 0;
    const Bytes data = reader.take(kEventDataBytes);
    std::copy(data.begin(), data.end(), event.data.begin());
    if (find(event.kind) == nullptr || event.household.number > kHouseholdsMax) return std::nullopt;
    return event;
}

std::int64_t part_of(const Event& event, int index) {
    const EventKindInfo* kind = find(event.kind);
    if (kind == nullptr || index < 0 || index >= kEventPartsMax) return 0;
    ByteReader reader(event.data);
    for (int k = 0; k < index; ++k) {
        const EventPart& part = kind->parts[static_cast<std::size_t>(k)];
        if (part.name != nullptr) reader.take(size_of(part.field));
    }
    const EventPart& part = kind->parts[static_cast<std::size_t>(index)];
    if (part.name == nullptr) return 0;
    const std::uint64_t raw = reader.get_le(size_of(part.field));
    if (part.field == kHundredths || part.field == kTenthsWatt) return static_cast<std::int32_t>(raw);
    return static_cast<std::int64_t>(raw);
}

// --- the rings

std::uint32_t EventLog::bytes(int households) {
    return static_cast<std::uint32_t>(households) * kHouseholdBytes + kBoxBytes;
}

int EventLog::index(EventRing ring, Household household) const {
    const int number = static_cast<int>(ring);
    if (!is_of_household(ring)) return kHouseholdsMax * kHouseholdRings + number - kHouseholdRings;
    if (household.number < 1 || household.number > memory_.households()) return -1;
    return household.index() * kHouseholdRings + number;
}

Ring EventLog::counters(int index) const {
    const bool of_household = index < kHouseholdsMax * kHouseholdRings;
    std::uint32_t start = kRecordsAt;
    int first = 0;
    int number = 0;
    if (of_household) {
        start += static_cast<std::uint32_t>(index / kHouseholdRings) * kHouseholdBytes;
        number = index % kHouseholdRings;
    } else {
        start += static_cast<std::uint32_t>(memory_.households()) * kHouseholdBytes;
        first = kHouseholdRings;
        number = index - kHouseholdsMax * kHouseholdRings + kHouseholdRings;
    }
    for (int k = first; k < number; ++k)
        start += (kEventRingTable[static_cast<std::size_t>(k)].records + std::uint32_t{record_map::kCounterSlots}) *
                 record_map::kEventBytes;
    return {start, record_map::kEventBytes, record_map::kCounterSlots};
}

Ring EventLog::records(int index) const {
    const int number = index < kHouseholdsMax * kHouseholdRings
                           ? index % kHouseholdRings
                           : index - kHouseholdsMax * kHouseholdRings + kHouseholdRings;
    return {counters(index).end(), record_map::kEventBytes, kEventRingTable[static_cast<std::size_t>(number)].records};
}

Ring EventLog::ring(EventRing ring, Household household) const {
    const int at = index(ring, household);
    return at < 0 ? Ring{} : records(at);
}

void EventLog::open() {
    static_assert(limited_kinds() == kLimitedKinds);
    newest_.fill(kEmpty);
    sequence_ = 0;
    if (!memory_.available()) return;
    for (int n = 0; n < kRingsMax; ++n) {
        if (n < kHouseholdsMax * kHouseholdRings && n / kHouseholdRings >= memory_.households()) continue;
        const RingEnd end = memory_.find_end(records(n));
        if (end.sequence != 0) newest_[static_cast<std::size_t>(n)] = static_cast<std::uint8_t>(end.slot);
        sequence_ = std::max(sequence_, end.sequence);
    }
}

EventLog::Checkpoint EventLog::checkpoint(int index) const {
    Checkpoint newest;
    for (int copy = 0; copy < record_map::kCounterSlots; ++copy) {
        std::array<Byte, record_map::kEventBytes> slot;
        if (!memory_.read(counters(index), copy, slot)) continue;
        ByteReader reader(slot);
        const std::uint32_t sequence = reader.get_u32();
        if (sequence <= newest.sequence) continue;
        newest.sequence = sequence;
        for (std::uint32_t& count : newest.counts)
            count = reader.get_u32();
    }
    return newest;
}

EventLog::Counts EventLog::counts(int index) const {
    Checkpoint known = checkpoint(index);
    const Ring ring = records(index);
    for (int slot = 0; slot < ring.slots; ++slot) {
        std::array<Byte, record_map::kEventBytes> bytes;
        if (!memory_.read(ring, slot, bytes)) continue;
        const auto event = decode_event(bytes);
        // One behind the newest was refused by the memory, and yet it is there.
        if (!event || event->sequence <= known.sequence || event->sequence > sequence_) continue;
        ++known.counts[find(event->kind)->counter];
    }
    return known.counts;
}

bool EventLog::write_checkpoint(int index, int copy) const {
    std::array<Byte, record_map::kEventBytes> slot{};
    ByteWriter writer(slot);
    writer.put_u32(0);
    for (const std::uint32_t count : counts(index))
        writer.put_u32(count);
    return memory_.write(counters(index), copy, sequence_, slot);
}

bool EventLog::append(EventKind kind, Household household, const EventData& data, const EventTime& now) {
    const EventKindInfo* about = find(kind);
    if (about == nullptr || !memory_.available()) return false;
    if (household.number > memory_.households()) return false;
    const int at = index(about->ring, household);
    if (at < 0) return false;

    Event event;
    event.data = data;
    if (about->minutes_apart != 0) {
        Limited& limited = limited_[static_cast<std::size_t>(limited_index(*about))];
        if (limited.times < UINT32_MAX) ++limited.times;
        if (now.uptime - limited.written < minutes(about->minutes_apart)) return true;
        ByteWriter times(event.data);
        times.put_u32(limited.times);
        limited = {now.uptime, 0};
    }
    event.sequence = sequence_ + 1;
    event.kind = kind;
    event.household = household;
    event.clock_valid = now.civil.has_value();
    event.time = now.civil.value_or(saturated_unsigned(now.uptime.microseconds() / 1'000'000));
    event.boots = static_cast<std::uint16_t>(now.boots);

    const Ring ring = records(at);
    std::uint8_t& newest = newest_[static_cast<std::size_t>(at)];
    const int next = newest == kEmpty ? 0 : (newest + 1) % ring.slots;
    // Two times a round everything so far is counted, before the first of what is not counted yet could be overwritten.
    const int half = ring.slots / 2;
    if (next % half == 0 && newest != kEmpty && !write_checkpoint(at, next / half)) return false;

    std::array<Byte, record_map::kEventBytes> slot{};
    encode(event, slot);
    if (!memory_.write(ring, next, event.sequence, slot)) return false;
    newest = static_cast<std::uint8_t>(next);
    sequence_ = event.sequence;
    return true;
}

std::optional<Event> EventLog::nth_last(EventKinds kinds, EventRing wanted, Household household, int n) const {
    const int at = memory_.available() ? index(wanted, household) : -1;
    if (at < 0 || n < 1) return std::nullopt;
    const Ring ring = records(at);
    const std::uint8_t newest = newest_[static_cast<std::size_t>(at)];
    if (newest == kEmpty) return std::nullopt;
    std::uint32_t before = UINT32_MAX;
    for (int back = 0; back < ring.slots; ++back) {
        std::array<Byte, record_map::kEventBytes> bytes;
        if (!memory_.read(ring, (newest + ring.slots - back) % ring.slots, bytes)) continue;
        const auto event = decode_event(bytes);
        if (!event || event->sequence >= before) continue;
        before = event->sequence;
        if (kinds.has(event->kind) && --n == 0) return event;
    }
    return std::nullopt;
}

std::optional<Event> EventLog::nth_last(EventKind kind, Household household, int n) const {
    const EventKindInfo* about = find(kind);
    if (about == nullptr) return std::nullopt;
    return nth_last(EventKinds(kind), about->ring, household, n);
}

std::optional<Event> EventLog::nth_last(EventRing ring, Household household, int n) const {
    EventKinds all;
    for (const EventKindInfo& kind : kEventKinds)
        all.add(kind.kind);
    return nth_last(all, ring, household, n);
}

bool EventLog::happened_since(EventKinds kinds, EventRing ring, Household household, CivilSeconds from) const {
    for (int n = 1;; ++n) {
        const std::optional<Event> event = nth_last(kinds, ring, household, n);
        if (!event) return false;
        if (!event->clock_valid || event->time >= from) return true;
    }
}

bool EventLog::happened_between(EventRing ring, Household household, CivilSeconds from, CivilSeconds to) const {
    // Not in order of time where the clock was set back, so all of them.
    for (int n = 1;; ++n) {
        const std::optional<Event> event = nth_last(ring, household, n);
        if (!event) return false;
        if (event->clock_valid && event->time > from && event->time <= to) return true;
    }
}

std::uint32_t EventLog::count(EventKind kind, Household household) const {
    const EventKindInfo* about = find(kind);
    if (about == nullptr || !memory_.available()) return 0;
    if (is_of_household(about->ring) && household.number == 0) {
        std::uint32_t sum = 0;
        for (int n = 1; n <= memory_.households(); ++n)
            sum += count(kind, {static_cast<std::uint8_t>(n)});
        return sum;
    }
    const int at = index(about->ring, household);
    return at < 0 ? 0 : counts(at)[about->counter];
}

// --- the data

namespace events {

EventData cut(HoldSet holds, HoldSet because, ActivePower power, std::int32_t remaining_hundredths, Energy forward) {
    return Put().u16(holds.bits()).u16(because.bits()).power(power).hundredths(remaining_hundredths).energy(forward);
}
EventData restore(HoldSet gone, HoldSet overruled, std::int32_t remaining_hundredths, Duration dark, Energy forward) {
    return Put().u16(gone.bits()).u16(overruled.bits()).seconds4(dark).hundredths(remaining_hundredths).energy(forward);
}
EventData malignant(const StepReport& report, Duration restore_after, int restores_left, int capture) {
    return Put()
        .u8(static_cast<std::uint8_t>(report.shape))
        .u8(report.circuit.index)
        .u16(saturated_unsigned(report.power_factor_ten_thousandths, 0xFFFF))
        .power(report.resistive)
        .power(report.base_power)
        .seconds2(restore_after)
        .u8(saturated_unsigned(restores_left, 0xFF))
        .u8(static_cast<std::uint32_t>(capture));
}
EventData overload(Circuit circuit, Current current, Current limit, int cuts, int cuts_max, bool gross,
                   Duration restore_after) {
    return Put()
        .current(current)
        .current(limit)
        .u8(circuit.index)
        .u8(saturated_unsigned(cuts, 0xFF))
        .u8(saturated_unsigned(cuts_max, 0xFF))
        .u8(gross ? 1 : 0)
        .seconds2(restore_after);
}
EventData locked_out(HoldSet because, int cuts) {
    return Put().u16(because.bits()).u8(saturated_unsigned(cuts, 0xFF));
}
EventData forced_power(HoldSet overruled, std::uint16_t for_minutes, std::uint32_t operator_number) {
    return Put().u16(overruled.bits()).u16(for_minutes).u32(operator_number);
}
EventData purchase(std::int64_t before, std::int64_t bought, std::int64_t credited, std::uint32_t ticket) {
    return Put().hundredths(before).hundredths(bought).hundredths(credited).u32(ticket);
}
EventData account_opened(std::uint16_t epoch, std::uint8_t unit, std::int64_t previous_used,
                         std::int64_t previous_credited, std::uint32_t ticket) {
    return Put().u16(epoch).u8(unit).u8(0).hundredths(previous_used).hundredths(previous_credited).u32(ticket);
}
EventData card_swiped(std::uint32_t card, CardCode code, std::uint16_t reader, std::uint32_t tap,
                      std::uint32_t ticket) {
    return Put().u32(card).u8(static_cast<std::uint8_t>(code)).u16(reader).u32(tap).u32(ticket);
}
EventData bad_card(std::uint32_t uid, CardCode code, std::uint16_t reader, std::uint32_t tap) {
    return Put().u32(1).u32(uid).u8(static_cast<std::uint8_t>(code)).u16(reader).u32(tap);
}
EventData order_refused(std::uint32_t sequence, std::uint8_t kind, CardCode code, std::uint8_t household) {
    return Put().u32(1).u32(sequence).u8(kind).u8(static_cast<std::uint8_t>(code)).u8(household);
}
EventData order_carried_out(std::uint32_t sequence, std::uint8_t kind, std::uint8_t household, std::uint32_t card) {
    return Put().u32(sequence).u8(kind).u8(household).u32(card);
}
EventData acknowledged(std::int32_t remaining_hundredths, std::uint32_t operator_number) {
    return Put().hundredths(remaining_hundredths).u32(operator_number);
}
EventData setting_changed(std::uint8_t setting, std::uint8_t index, std::uint32_t operator_number, std::uint32_t before,
                          std::uint32_t after) {
    return Put().u8(setting).u8(index).u32(operator_number).u32(before).u32(after);
}
EventData by_operator(std::uint32_t operator_number) {
    return Put().u32(operator_number);
}
EventData alarm_levels(std::uint32_t low, std::uint32_t cutoff, std::uint32_t overdraft,
                       std::uint32_t operator_number) {
    return Put().hundredths(low).hundredths(cutoff).hundredths(overdraft).u32(operator_number);
}
EventData reverse_flow(ActivePower power, Energy reverse) {
    return Put().power(power).energy(reverse);
}
EventData contact(Circuit circuit, Current current, Duration lasted) {
    return Put().current(current).seconds4(lasted).u8(circuit.index);
}
EventData power_down(std::optional<CivilSeconds> from, std::optional<CivilSeconds> to) {
    return Put().u32(from.value_or(0)).u32(to.value_or(0));
}
EventData phase_lost(Voltage voltage) {
    return Put().voltage(voltage);
}
EventData phase_back(Voltage voltage, std::optional<CivilSeconds> from, Duration lasted, std::uint32_t minutes_before) {
    const std::uint32_t minutes_now = saturated_unsigned(divide(lasted.count(), 60'000'000, Round::kUp));
    return Put().voltage(voltage).u32(from.value_or(0)).seconds4(lasted).u32(minutes_before + minutes_now);
}
EventData clock_set(std::optional<CivilSeconds> before, CivilSeconds after, std::uint32_t operator_number,
                    ClockSource source) {
    return Put().u32(before.value_or(0)).u32(after).u32(operator_number).u8(static_cast<std::uint8_t>(source));
}
EventData clock_stopped(CivilSeconds last_known) {
    return Put().u32(last_known);
}
EventData processor(std::uint32_t session, Duration lasted) {
    return Put().u32(session).seconds4(lasted);
}
EventData on_line(std::uint8_t address, std::uint32_t operator_number) {
    return Put().u32(1).u32(operator_number).u8(address);
}
EventData pulse_constant(std::uint16_t before, std::uint16_t after, std::uint32_t operator_number) {
    return Put().u16(before).u16(after).u32(operator_number);
}
EventData cleared(std::uint32_t operator_number, Energy forward, Energy reverse, std::int64_t remaining_hundredths) {
    return Put().u32(operator_number).energy(forward).energy(reverse).hundredths(remaining_hundredths);
}

}  // namespace events

}  // namespace prewatt::meter
