#include "meter/node/record_items.hpp"

#include <algorithm>
#include <array>

#include "base/bcd.hpp"
#include "meter/node/item_writer.hpp"

namespace prewatt::meter {
namespace {

using dlt645::DataId;
using dlt645::Error;

constexpr Byte kBlock = 0xFF;
constexpr int kRecordsMax = 10;  // of an event, as the standard numbers them
constexpr int kDailyMax = 62;
constexpr int kTimedMax = 12;
constexpr Byte kFormat = 1;  // of the private items
constexpr std::uint64_t kRegister = 100'000'000;

// What one read is about.
struct Asked {
    const Archive& archive;
    const Books& books;
    std::uint8_t meter = 0;
    DataId id;
    Bytes more;  // behind the identifier

    [[nodiscard]] bool of_household() const { return meter != 0; }
    [[nodiscard]] Household household() const { return {meter}; }
    [[nodiscard]] const HouseholdBook& book() const { return books.households[meter - 1u]; }
    [[nodiscard]] std::uint32_t count(EventKind kind) const { return archive.events.count(kind, household()); }
};

// --- values

void put_pair(ItemWriter& out, unsigned value) {
    out.byte(to_bcd(value));
}
void put_minute(ItemWriter& out, CivilSeconds seconds) {  // mm hh DD MM YY
    const CivilTime t = to_civil(seconds);
    put_pair(out, t.minute);
    put_pair(out, t.hour);
    put_pair(out, t.day);
    put_pair(out, t.month);
    put_pair(out, t.year % 100u);
}
void put_moment(ItemWriter& out, CivilSeconds seconds) {  // ss mm hh DD MM YY; 0: not known
    if (seconds == 0) return out.absent(6);
    put_pair(out, seconds % 60);
    put_minute(out, seconds);
}
// An event's own time; FF where the clock was not valid.
void put_moment(ItemWriter& out, const Event& event) {
    put_moment(out, event.clock_valid ? event.time : 0);
}
void put_operator(ItemWriter& out, std::int64_t number) {
    out.unsigned_bcd(number % 100'000'000, 4);
}
void put_energy(ItemWriter& out, std::uint64_t hundredths) {
    out.unsigned_bcd(static_cast<std::int64_t>(hundredths % kRegister), 4);
}
void put_count(ItemWriter& out, std::uint32_t count) {
    out.unsigned_bcd(count, 3);
}

// --- DI3 = 03, 1D, 1E: events in the standard's shape

// The n-th last clear of this meter: a household's own, or those of the whole box.
std::optional<Event> nth_clear(const Asked& asked, int n) {
    for (int k = 1;; ++k) {
        const auto event = asked.archive.events.nth_last(EventRing::kClears, {}, k);
        if (!event) return std::nullopt;
        const bool own =
            event->kind == EventKind::kBoxCleared || (asked.of_household() && event->household == asked.household());
        if (own && --n == 0) return event;
    }
}

bool put_programming(const Asked& asked, int n, ItemWriter& out) {
    const EventRing ring = asked.of_household() ? EventRing::kChanges : EventRing::kBoxChanges;
    const EventKind kind = asked.of_household() ? EventKind::kSettingChanged : EventKind::kBoxSettingChanged;
    if (n == 0) {
        put_count(out, asked.count(kind));
        return true;
    }
    const auto event = asked.archive.events.nth_last(EventKinds(kind), ring, asked.household(), n);
    if (!event) return false;
    put_moment(out, *event);
    put_operator(out, part_of(*event, 2));
    // The setting that was written, as the private item that reads it back.
    const auto setting = static_cast<unsigned>(part_of(*event, 0));
    const auto index = static_cast<unsigned>(part_of(*event, 1));
    out.byte(index);
    out.byte(setting);
    out.byte(0x02);
    out.byte(0xEC);
    out.absent(9 * 4);
    return true;
}

bool put_meter_clear(const Asked& asked, int n, ItemWriter& out) {
    if (n == 0) {
        // Of a household: those that are still on record.
        std::uint32_t count = asked.of_household() ? 0 : asked.archive.events.count(EventKind::kBoxCleared, {});
        while (asked.of_household() && nth_clear(asked, static_cast<int>(count) + 1))
            ++count;
        put_count(out, count);
        return true;
    }
    const auto event = nth_clear(asked, n);
    if (!event) return false;
    put_moment(out, *event);
    put_operator(out, part_of(*event, 0));
    for (const int part : {1, 2}) {  // forward, reverse: total, A, B, C
        put_energy(out, static_cast<std::uint64_t>(std::max<std::int64_t>(0, part_of(*event, part))));
        out.absent(3 * 4);
    }
    out.absent(4 * 4 * 4);  // reactive, by quadrant
    return true;
}

bool put_clock_set(const Asked& asked, int n, ItemWriter& out) {
    if (n == 0) {
        put_count(out, asked.archive.events.count(EventKind::kClockSet, {}));
        return true;
    }
    const auto event = asked.archive.events.nth_last(EventKind::kClockSet, {}, n);
    if (!event) return false;
    put_operator(out, part_of(*event, 2));
    put_moment(out, static_cast<CivilSeconds>(part_of(*event, 0)));
    put_moment(out, static_cast<CivilSeconds>(part_of(*event, 1)));
    return true;
}

bool put_power_down(const Asked& asked, int n, ItemWriter& out) {
    if (n == 0) {
        put_count(out, asked.archive.events.count(EventKind::kPowerDown, {}));
        return true;
    }
    const auto event = asked.archive.events.nth_last(EventKind::kPowerDown, {}, n);
    if (!event) return false;
    put_moment(out, static_cast<CivilSeconds>(part_of(*event, 0)));
    put_moment(out, static_cast<CivilSeconds>(part_of(*event, 1)));
    return true;
}

// 0301: of the box, by phase. Of the energies and values at the beginning nothing is kept: FF.
bool put_voltage_lost(const Asked& asked, ItemWriter& out) {
    if (asked.of_household()) return false;
    const EventLog& log = asked.archive.events;
    if (asked.id.di1() == 0 && asked.id.di0() == 0) {
        for (int phase = 0; phase < kPhasesMax; ++phase) {
            put_count(out, log.count(phase_lost(static_cast<Phase>(phase)), {}));
            const auto last = log.nth_last(phase_back(static_cast<Phase>(phase)), {}, 1);
            put_count(out, last ? static_cast<std::uint32_t>(part_of(*last, 3)) : 0);
        }
        return true;
    }
    if (asked.id.di1() < 1 || asked.id.di1() > kPhasesMax || asked.id.di0() < 1 || asked.id.di0() > kRecordsMax)
        return false;
    const auto phase = static_cast<Phase>(asked.id.di1() - 1);
    // Pairs, newest first. A loss that has not ended, or whose end was not seen, has no end.
    int n = asked.id.di0();
    std::optional<Event> back;
    const EventKinds both(phase_lost(phase), phase_back(phase));
    for (int k = 1;; ++k) {
        const auto event = log.nth_last(both, EventRing::kPhases, {}, k);
        if (!event) return false;
        if (event->kind == phase_back(phase)) {
            back = event;
            continue;
        }
        if (--n == 0) {
            put_moment(out, *event);
            if (back)
                put_moment(out, *back);
            else
                out.absent(6);
            out.absent(131 - 12);
            return true;
        }
        back.reset();
    }
}

// 030F: of a household, whose phase is its A. Of the 115 bytes only the beginning is known.
bool put_overload(const Asked& asked, ItemWriter& out) {
    if (!asked.of_household()) return false;
    if (asked.id.di1() == 0 && asked.id.di0() == 0) {
        put_count(out, asked.count(EventKind::kOverloadCut));
        out.absent(3 + 2 * 6);
        return true;
    }
    if (asked.id.di1() != 1 || asked.id.di0() < 1 || asked.id.di0() > kRecordsMax) return false;
    const auto event = asked.archive.events.nth_last(EventKind::kOverloadCut, asked.household(), asked.id.di0());
    if (!event) return false;
    put_moment(out, *event);
    out.absent(115 - 6);
    return true;
}

bool put_relay_fault(const Asked& asked, int n, ItemWriter& out) {
    if (n == 0) {
        put_count(out, asked.count(EventKind::kContactStaysClosed) + asked.count(EventKind::kContactStaysOpen));
        return true;
    }
    if (!asked.of_household()) return false;
    const EventKinds faults(EventKind::kContactStaysClosed, EventKind::kContactStaysOpen);
    const auto event = asked.archive.events.nth_last(faults, EventRing::kFaults, asked.household(), n);
    if (!event) return false;
    put_moment(out, *event);
    // When it obeyed again, where that is on record and belongs to this fault.
    std::optional<Event> over;
    for (int k = 1;; ++k) {
        const auto obeys = asked.archive.events.nth_last(EventKind::kContactObeys, asked.household(), k);
        if (!obeys || obeys->sequence < event->sequence) break;
        if (part_of(*obeys, 2) == part_of(*event, 2)) over = obeys;
    }
    if (over)
        put_moment(out, *over);
    else
        out.absent(6);
    return true;
}

// 0332 energy, 0333 money, 0334 refunds: one field an item.
bool put_purchase(const Asked& asked, ItemWriter& out) {
    const bool money = asked.of_household() && asked.book().account.unit == settings::AccountUnit::kMoney;
    const bool refund = asked.id.di2() == 0x34;
    if (!asked.of_household() || asked.id.di0() < 1 || asked.id.di0() > kRecordsMax) return false;
    if (!refund && money != (asked.id.di2() == 0x33)) return false;
    const EventKind kind = refund ? EventKind::kRefund : EventKind::kPurchase;
    const auto event = asked.archive.events.nth_last(kind, asked.household(), asked.id.di0());
    if (!event) return false;
    const std::int64_t before = part_of(*event, 0);
    const std::int64_t bought = part_of(*event, 1);
    switch (asked.id.di1()) {
        case 0x01:
            if (event->clock_valid)
                put_minute(out, event->time);
            else
                out.absent(5);
            return true;
        case 0x02:
            return out.unsigned_bcd(part_of(*event, 3) % 10'000, 2), true;
        case 0x03:
            return out.unsigned_bcd(refund ? -bought : bought, 4), true;
        case 0x04:
            return out.unsigned_bcd(before, 4), true;
        case 0x05:
            return out.unsigned_bcd(before + bought, 4), true;
        case 0x06:
            if (refund) return false;
            return out.unsigned_bcd(part_of(*event, 2), 4), true;
        default:
            return false;
    }
}

bool put_event(const Asked& asked, ItemWriter& out) {
    const DataId id = asked.id;
    const int n = id.di0();
    switch (id.di2()) {
        case 0x01:
            return put_voltage_lost(asked, out);
        case 0x0F:
            return put_overload(asked, out);
        case 0x32:
        case 0x33:
        case 0x34:
            return put_purchase(asked, out);
        default:
            break;
    }
    if (n > kRecordsMax) return false;
    if (id.di2() == 0x11 && id.di1() == 0) return put_power_down(asked, n, out);
    if (id.di2() == 0x36 && id.di1() == 0) return put_relay_fault(asked, n, out);
    if (id.di2() != 0x30) return false;
    if (id.di1() == 0) return put_programming(asked, n, out);
    if (id.di1() == 1) return put_meter_clear(asked, n, out);
    if (id.di1() == 4) return put_clock_set(asked, n, out);
    return false;
}

// 1D, 1E: trips and closings of a household's relay.
bool put_switching(const Asked& asked, ItemWriter& out) {
    const DataId id = asked.id;
    if (!asked.of_household() || id.di2() != 0) return false;
    const bool trip = id.di3() == 0x1D;
    if (id.di1() == 0 && id.di0() == 1) {
        std::uint32_t count = asked.count(trip ? EventKind::kCut : EventKind::kRestore);
        if (trip) count += asked.count(EventKind::kMalignantCut) + asked.count(EventKind::kOverloadCut);
        put_count(out, count);
        return true;
    }
    if (id.di1() < 1 || id.di1() > 3 || id.di0() < 1 || id.di0() > kRecordsMax) return false;
    const auto event = asked.archive.events.nth_last(trip ? kCutKinds : EventKinds(EventKind::kRestore),
                                                     EventRing::kSwitching, asked.household(), id.di0());
    if (!event) return false;
    if (id.di1() == 1) {
        put_moment(out, *event);
    } else if (id.di1() == 3 && (event->kind == EventKind::kCut || event->kind == EventKind::kRestore)) {
        put_energy(out, static_cast<std::uint64_t>(std::max<std::int64_t>(0, part_of(*event, 4))));
    } else {
        out.absent(4);
    }
    return true;
}

// --- DI3 = 05: freezes. 06 daily; 00 timed, which is the monthly one.

std::optional<FreezeValues> frozen(const Asked& asked, FreezeKind kind, int n) {
    if (asked.of_household()) return asked.archive.freezes.values(kind, n, asked.household());
    std::uint64_t forward = 0;
    std::uint64_t reverse = 0;
    for (int h = 1; h <= asked.archive.households(); ++h) {
        const auto one = asked.archive.freezes.values(kind, n, {static_cast<std::uint8_t>(h)});
        if (!one) return std::nullopt;
        forward += one->forward;
        reverse += one->reverse;
    }
    FreezeValues sum;
    sum.forward = static_cast<std::uint32_t>(forward % kRegister);
    sum.reverse = static_cast<std::uint32_t>(reverse % kRegister);
    return sum;
}

bool put_freeze(const Asked& asked, ItemWriter& out) {
    const DataId id = asked.id;
    if (id.di2() != 0x00 && id.di2() != 0x06) return false;
    const FreezeKind kind = id.di2() == 0x06 ? FreezeKind::kDaily : FreezeKind::kMonthly;
    const int n = id.di0();
    if (n < 1 || n > (kind == FreezeKind::kDaily ? kDailyMax : kTimedMax)) return false;
    const auto head = asked.archive.freezes.head(kind, n);
    const auto values = frozen(asked, kind, n);
    if (!head || !values) return false;
    const auto total_and_tariff = [&out](std::uint32_t hundredths) {  // there is one tariff, so it holds everything
        put_energy(out, hundredths);
        put_energy(out, hundredths);
    };
    switch (id.di1()) {
        case 0x00:
            return put_minute(out, head->due), true;
        case 0x01:
            return total_and_tariff(values->forward), true;
        case 0x02:
            return total_and_tariff(values->reverse), true;
        case kBlock:
            // The fixed layout of newer meters, without separators.
            put_minute(out, head->due);
            total_and_tariff(values->forward);
            total_and_tariff(values->reverse);
            out.absent(2 * 8 + 4 * 8);  // reactive: combined 1 and 2, quadrants
            out.absent(2 * 2 * 8);      // demand forward, reverse
            out.absent(2 * 4 * 3);      // active, reactive power
            return true;
        default:
            return false;
    }
}

// --- DI3 = 06: load records

constexpr std::size_t kLoadBlock = 2 + 1 + 5 + 16 + 6 + 2;

bool put_load_block(const Asked& asked, int n, ItemWriter& out) {
    const auto head = asked.archive.profile.head(n);
    ProfileTotals totals;
    const int from = asked.of_household() ? asked.meter : 1;
    const int to = asked.of_household() ? asked.meter : asked.archive.households();
    for (int h = from; head && h <= to; ++h) {
        const auto one = asked.archive.profile.totals(n, {static_cast<std::uint8_t>(h)},
                                                      asked.books.households[static_cast<std::size_t>(h - 1)]);
        if (!one) continue;
        totals.forward += one->forward;
        totals.reverse += one->reverse;
    }
    std::array<Byte, kLoadBlock> block;
    ItemWriter writer(block);
    const Byte mark = head ? 0xA0 : 0xE0;
    writer.byte(mark);
    writer.byte(mark);
    writer.byte(static_cast<unsigned>(kLoadBlock - 5));  // from the time to the last AA
    if (head)
        put_minute(writer, head->time);
    else
        writer.absent(5);
    for (int group = 1; group <= 6; ++group) {
        if (group == 4 && head) {
            put_energy(writer, totals.forward);
            put_energy(writer, totals.reverse);
            writer.absent(2 * 4);
        } else if (group == 4) {
            writer.absent(16);
        }
        writer.byte(0xAA);
    }
    Byte sum = 0;
    for (std::size_t k = 0; k < writer.size(); ++k)
        sum = static_cast<Byte>(sum + block[k]);
    writer.byte(sum);
    writer.byte(0xE5);
    out.bytes(block);
    return true;
}

std::expected<std::size_t, Error> read_load(const Asked& asked, MutableBytes out) {
    const DataId id = asked.id;
    // All classes, or that of energies.
    if ((id.di2() != 0 && id.di2() != 4) || id.di1() != 0 || id.di0() > 2) return std::unexpected(Error::kNoSuchData);
    const std::size_t size = id.di0() == 1 ? 6 : 1;
    if (asked.more.size() != size || asked.more[0] == 0) return std::unexpected(Error::kOther);
    const LoadProfile& profile = asked.archive.profile;
    int first = profile.rows();
    if (id.di0() == 1) {
        const Bytes t = asked.more.subspan(1);
        if (!is_bcd(t)) return std::unexpected(Error::kOther);
        CivilTime time;
        time.minute = static_cast<std::uint8_t>(from_bcd(t[0]));
        time.hour = static_cast<std::uint8_t>(from_bcd(t[1]));
        time.day = static_cast<std::uint8_t>(from_bcd(t[2]));
        time.month = static_cast<std::uint8_t>(from_bcd(t[3]));
        time.year = static_cast<std::uint16_t>(2000 + from_bcd(t[4]));
        if (!is_valid(time)) return std::unexpected(Error::kOther);
        first = profile.first_at_or_after(to_seconds(time));
    } else if (id.di0() == 2) {
        first = std::min<int>(profile.rows(), asked.more[0]);
    }
    const int count = std::min({static_cast<int>(asked.more[0]), first, static_cast<int>(out.size() / kLoadBlock)});
    if (count == 0) return std::unexpected(Error::kNoSuchData);
    ItemWriter writer(out);
    for (int k = 0; k < count; ++k)
        put_load_block(asked, first - k, writer);
    return writer.size();
}

// --- DI3 = EC, DI2 = 03: ours

std::expected<std::size_t, Error> read_overview(const Asked& asked, ByteWriter& out) {
    if (!asked.more.empty()) return std::unexpected(Error::kOther);
    const Archive& archive = asked.archive;
    out.put_u8(kFormat);
    out.put_u8(kRecordsFormat);
    out.put_u8(static_cast<std::uint8_t>(archive.households()));
    out.put_u16(static_cast<std::uint16_t>(archive.profile.rows()));
    out.put_u16(static_cast<std::uint16_t>(archive.profile.rows_max()));
    const auto newest = archive.profile.head(1);
    out.put_u32(newest ? newest->time : 0);
    out.put_u8(newest ? newest->minutes : 0);
    for (const FreezeKind kind : {FreezeKind::kDaily, FreezeKind::kMonthly}) {
        const int most = kind == FreezeKind::kDaily ? Freezes::kDailyMax : Freezes::kMonthlyMax;
        const auto last = archive.freezes.head(kind, 1);
        out.put_u8(static_cast<std::uint8_t>(last ? std::min<std::uint32_t>(last->sequence, most) : 0));
    }
    for (const EventRingInfo& ring : kEventRingTable)
        out.put_u8(ring.records);
    return out.size();
}

std::expected<std::size_t, Error> read_events(const Asked& asked, ByteWriter& out) {
    if (asked.more.size() != 2) return std::unexpected(Error::kOther);
    ByteReader reader(asked.more);
    const int from = reader.get_u16();
    if (asked.id.di0() >= kEventRings || from == 0) return std::unexpected(Error::kOther);
    const auto ring = static_cast<EventRing>(asked.id.di0());
    if (is_of_household(ring) != asked.of_household()) return std::unexpected(Error::kNoSuchData);
    const EventLog& log = asked.archive.events;
    out.put_u8(kFormat);
    out.put_u8(asked.id.di0());
    out.put_u16(static_cast<std::uint16_t>(from));
    std::uint8_t kinds = 0;
    for (const EventKindInfo& kind : event_kinds())
        if (kind.ring == ring) ++kinds;
    out.put_u8(kinds);
    for (const EventKindInfo& kind : event_kinds()) {
        if (kind.ring != ring) continue;
        out.put_u8(static_cast<std::uint8_t>(kind.kind));
        out.put_u32(log.count(kind.kind, asked.household()));
    }
    for (int n = from; out.size() + kEventWireBytes <= kRecordItemSizeMax; ++n) {
        const auto event = log.nth_last(ring, asked.household(), n);
        if (!event) break;
        std::array<Byte, kEventWireBytes> bytes;
        encode(*event, bytes);
        out.put(bytes);
    }
    return out.size();
}

std::expected<std::size_t, Error> read_capture(const Asked& asked, ByteWriter& out) {
    if (asked.more.size() != 1) return std::unexpected(Error::kOther);
    std::array<Byte, kCaptureWireBytes> bytes;
    const std::size_t size =
        asked.of_household() ? asked.archive.captures.read(asked.household(), asked.more[0], bytes) : 0;
    if (size == 0) return std::unexpected(Error::kNoSuchData);
    out.put_u8(kFormat);
    out.put({bytes.data(), size});
    return out.size();
}

std::expected<std::size_t, Error> read_frozen(const Asked& asked, FreezeKind kind, ByteWriter& out) {
    if (asked.more.size() != 1) return std::unexpected(Error::kOther);
    const int n = asked.more[0];
    const auto head = asked.archive.freezes.head(kind, n);
    if (!head) return std::unexpected(Error::kNoSuchData);
    const int from = asked.of_household() ? asked.meter : 1;
    const int to = asked.of_household() ? asked.meter : head->household_count;
    out.put_u8(kFormat);
    out.put_u8(static_cast<std::uint8_t>(n));
    out.put_u32(head->due);
    out.put_u32(head->made);
    out.put_u8(head->marks);
    out.put_u8(static_cast<std::uint8_t>(to - from + 1));
    for (int h = from; h <= to; ++h) {
        const auto values = asked.archive.freezes.values(kind, n, {static_cast<std::uint8_t>(h)});
        if (!values) return std::unexpected(Error::kNoSuchData);
        out.put_u32(values->forward);
        out.put_u32(values->reverse);
        out.put_u32(static_cast<std::uint32_t>(values->remaining));
        out.put_u32(static_cast<std::uint32_t>(values->used));
    }
    return out.size();
}

// A household: rows from the n-th last backwards. The box: the n-th last row of all households.
std::expected<std::size_t, Error> read_profile(const Asked& asked, ByteWriter& out) {
    if (asked.more.size() != 2) return std::unexpected(Error::kOther);
    ByteReader reader(asked.more);
    const int from = reader.get_u16();
    const LoadProfile& profile = asked.archive.profile;
    if (from < 1 || from > profile.rows()) return std::unexpected(Error::kNoSuchData);
    const auto put = [&out](const ProfileTotals& totals) {
        out.put_u32(static_cast<std::uint32_t>(totals.forward % kRegister));
        out.put_u32(static_cast<std::uint32_t>(totals.reverse % kRegister));
    };
    const auto put_head = [&out](const ProfileHead& head) {
        out.put_u32(head.time);
        out.put_u8(head.minutes);
        out.put_u8(head.marks);
    };
    out.put_u8(kFormat);
    out.put_u16(static_cast<std::uint16_t>(from));
    if (!asked.of_household()) {
        const auto head = profile.head(from);
        if (!head) return std::unexpected(Error::kNoSuchData);
        put_head(*head);
        out.put_u8(static_cast<std::uint8_t>(asked.archive.households()));
        for (int h = 1; h <= asked.archive.households(); ++h) {
            const auto& book = asked.books.households[static_cast<std::size_t>(h - 1)];
            put(profile.totals(from, {static_cast<std::uint8_t>(h)}, book).value_or(ProfileTotals{}));
        }
        return out.size();
    }
    constexpr std::size_t kRow = 14;
    for (int n = from; n <= profile.rows() && out.size() + kRow <= kRecordItemSizeMax; ++n) {
        const auto head = profile.head(n);
        const auto totals = profile.totals(n, asked.household(), asked.book());
        // A damaged row keeps its place: time 0.
        put_head(head.value_or(ProfileHead{}));
        put(totals.value_or(ProfileTotals{}));
    }
    return out.size();
}

std::expected<std::size_t, Error> read_private(const Asked& asked, MutableBytes out) {
    ByteWriter writer(out.first(std::min(out.size(), kRecordItemSizeMax)));
    const DataId id = asked.id;
    auto size = [&]() -> std::expected<std::size_t, Error> {
        if (id.di1() == 0 && id.di0() == 0) return read_overview(asked, writer);
        if (id.di1() == 1) return read_events(asked, writer);
        if (id.di1() == 2 && id.di0() == 0) return read_capture(asked, writer);
        if (id.di1() == 3 && id.di0() <= 1) return read_frozen(asked, static_cast<FreezeKind>(id.di0()), writer);
        if (id.di1() == 4 && id.di0() == 0) return read_profile(asked, writer);
        return std::unexpected(Error::kNoSuchData);
    }();
    if (size && !writer.ok()) return std::unexpected(Error::kOther);
    return size;
}

}  // namespace

bool is_record_item(DataId id) {
    switch (id.di3()) {
        case 0x03:
        case 0x05:
        case 0x06:
        case 0x1D:
        case 0x1E:
            return true;
        case 0xEC:
            return id.di2() == 0x03;
        default:
            return false;
    }
}

std::expected<std::size_t, Error> read_record_item(const Archive& archive, const Books& books, std::uint8_t meter,
                                                   DataId id, Bytes asked, MutableBytes out) {
    if (!archive.available() || meter > archive.households()) return std::unexpected(Error::kNoSuchData);
    const Asked what{archive, books, meter, id, asked};
    if (id.di3() == 0xEC) return read_private(what, out);
    if (id.di3() == 0x06) return read_load(what, out);
    ItemWriter writer(out);
    bool known = false;
    if (id.di3() == 0x03) known = put_event(what, writer);
    if (id.di3() == 0x05) known = put_freeze(what, writer);
    if (id.di3() == 0x1D || id.di3() == 0x1E) known = put_switching(what, writer);
    if (!known) return std::unexpected(Error::kNoSuchData);
    if (!asked.empty()) return std::unexpected(Error::kOther);
    return writer.size();
}

}  // namespace prewatt::meter
