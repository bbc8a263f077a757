#include "meter/core/freeze.hpp"

#include <algorithm>
#include <array>

namespace prewatt::meter {
namespace {

constexpr CivilSeconds kDay = 86'400;
constexpr CivilSeconds kInTime = 60;
constexpr std::uint64_t kRegister = 100'000'000;
constexpr std::size_t kHead = 16;
constexpr std::size_t kOne = 16;
constexpr std::size_t kBytesMax = record_map::freeze_bytes(kHouseholdsMax);

std::int32_t saturated(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN, INT32_MAX));
}
std::uint32_t as_register(Energy energy) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(in_hundredths(energy, Round::kDown)) % kRegister);
}
CivilSeconds monthly(int year, int month, const settings::General& general) {
    const CivilTime t{static_cast<std::uint16_t>(year),
                      static_cast<std::uint8_t>(month),
                      general.freeze_day,
                      general.freeze_hour,
                      0,
                      0};
    return to_seconds(t);
}
// The due time before `due`.
CivilSeconds due_before(FreezeKind kind, const settings::General& general, CivilSeconds due) {
    return due == 0 ? 0 : freeze_due(kind, general, due - 1);
}

}  // namespace

FreezeValues freeze_values(const HouseholdBook& book) {
    FreezeValues values;
    values.forward = as_register(book.forward);
    values.reverse = as_register(book.reverse);
    values.remaining = saturated(in_hundredths(book.account.remaining(), Round::kDown));
    values.used = saturated(in_hundredths(book.account.used, Round::kDown));
    return values;
}

CivilSeconds freeze_due(FreezeKind kind, const settings::General& general, CivilSeconds now) {
    if (kind == FreezeKind::kDaily) {
        const CivilSeconds hour = general.freeze_hour * 3600u;
        return now < hour ? 0 : (now - hour) / kDay * kDay + hour;
    }
    const CivilTime t = to_civil(now);
    const CivilSeconds this_month = monthly(t.year, t.month, general);
    if (this_month <= now) return this_month;
    if (t.month > 1) return monthly(t.year, t.month - 1, general);
    return t.year > 2000 ? monthly(t.year - 1, 12, general) : 0;
}

std::uint32_t Freezes::bytes(int households) {
    return std::uint32_t{record_map::freeze_bytes(households)} * (record_map::kDailySlots + record_map::kMonthlySlots);
}

void Freezes::open(std::uint32_t start) {
    states_ = {};
    if (!memory_.available()) return;
    const std::uint16_t slot = record_map::freeze_bytes(memory_.households());
    states_[0].ring = {start, slot, record_map::kDailySlots};
    states_[1].ring = {states_[0].ring.end(), slot, record_map::kMonthlySlots};
    for (State& s : states_)
        s.end = memory_.find_end(s.ring);
    for (const FreezeKind kind : {FreezeKind::kDaily, FreezeKind::kMonthly})
        if (const auto newest = head(kind, 1)) state(kind).newest = newest->due;
}

bool Freezes::exists(const State& s, CivilSeconds due) const {
    std::array<Byte, kBytesMax> slot;
    for (int k = 0; k < s.ring.slots; ++k) {
        const MutableBytes bytes{slot.data(), s.ring.slot_bytes};
        if (!memory_.read(s.ring, k, bytes)) continue;
        ByteReader reader(bytes);
        reader.get_u32();
        if (reader.get_u32() == due) return true;
    }
    return false;
}

bool Freezes::settle(FreezeKind kind, CivilSeconds now, const settings::General& general, const Books& books) {
    State& s = state(kind);
    const CivilSeconds due = freeze_due(kind, general, now);
    if (due == 0 || due == s.settled) return false;
    const bool first = s.end.sequence == 0;
    if (!first && due <= s.newest && exists(s, due)) {
        s.settled = due;
        return false;
    }
    std::uint8_t marks = 0;
    if (now - due > kInTime) marks |= RecordMarks::kLate;
    if (!first && s.newest != due_before(kind, general, due)) marks |= RecordMarks::kGap;
    if (!first && due < s.newest) marks |= RecordMarks::kClockBack;

    std::array<Byte, kBytesMax> slot{};
    ByteWriter writer(slot);
    writer.put_u32(0);
    writer.put_u32(due);
    writer.put_u32(now);
    writer.put_u8(marks);
    writer.put_u8(static_cast<std::uint8_t>(memory_.households()));
    writer.put_u16(0);
    for (int n = 0; n < memory_.households(); ++n) {
        const FreezeValues values = freeze_values(books.households[static_cast<std::size_t>(n)]);
        writer.put_u32(values.forward);
        writer.put_u32(values.reverse);
        writer.put_u32(static_cast<std::uint32_t>(values.remaining));
        writer.put_u32(static_cast<std::uint32_t>(values.used));
    }
    if (!memory_.append(s.ring, s.end, s.end.sequence + 1, {slot.data(), s.ring.slot_bytes})) return false;
    s.newest = due;
    s.settled = due;
    return true;
}

bool Freezes::on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books) {
    if (!memory_.available() || !now) return false;
    const bool daily = settle(FreezeKind::kDaily, *now, general, books);
    return settle(FreezeKind::kMonthly, *now, general, books) || daily;
}

std::optional<FreezeHead> Freezes::head(FreezeKind kind, int n) const {
    const State& s = state(kind);
    if (!memory_.available() || s.end.sequence == 0 || n < 1 || n >= s.ring.slots) return std::nullopt;
    std::array<Byte, kBytesMax> slot;
    const MutableBytes bytes{slot.data(), s.ring.slot_bytes};
    if (!memory_.read(s.ring, slot_back(s.ring, s.end, n - 1), bytes)) return std::nullopt;
    ByteReader reader(bytes);
    FreezeHead head;
    head.sequence = reader.get_u32();
    head.due = reader.get_u32();
    head.made = reader.get_u32();
    head.marks = reader.get_u8();
    head.household_count = reader.get_u8();
    if (head.sequence != s.end.sequence - static_cast<std::uint32_t>(n) + 1) return std::nullopt;
    return head;
}

std::optional<FreezeValues> Freezes::values(FreezeKind kind, int n, Household household) const {
    const auto found = head(kind, n);
    if (!found || household.number < 1 || household.number > found->household_count) return std::nullopt;
    const State& s = state(kind);
    std::array<Byte, kOne> bytes;
    const auto slot = static_cast<std::uint32_t>(slot_back(s.ring, s.end, n - 1));
    if (!memory_.peek(s.ring.start + slot * s.ring.slot_bytes + static_cast<std::uint32_t>(kHead) +
                          static_cast<std::uint32_t>(household.index()) * static_cast<std::uint32_t>(kOne),
                      bytes))
        return std::nullopt;
    ByteReader reader(bytes);
    FreezeValues values;
    values.forward = reader.get_u32();
    values.reverse = reader.get_u32();
    values.remaining = static_cast<std::int32_t>(reader.get_u32());
    values.used = static_cast<std::int32_t>(reader.get_u32());
    return values;
}

}  // namespace prewatt::meter
