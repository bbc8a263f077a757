#include "meter/core/load_profile.hpp"

#include <algorithm>
#include <array>

namespace prewatt::meter {
namespace {

constexpr CivilSeconds kInTime = 60;
constexpr std::size_t kHead = 12;
constexpr std::size_t kOne = 6;
constexpr std::uint32_t kMask = 0xFFFFFF;
constexpr std::size_t kBytesMax = record_map::profile_bytes(kHouseholdsMax);

std::uint64_t hundredths(Energy energy) {
    return static_cast<std::uint64_t>(in_hundredths(energy, Round::kDown));
}
// What a total was, from its low 24 bits and what it is now.
std::uint64_t whole(std::uint32_t low, std::uint64_t present) {
    return present - ((present - low) & kMask);
}

}  // namespace

void LoadProfile::open(std::uint32_t start) {
    ring_ = {};
    end_ = {};
    rows_ = 0;
    newest_ = 0;
    settled_ = 0;
    if (!memory_.available()) return;
    const std::uint16_t bytes = record_map::profile_bytes(memory_.households());
    ring_ = {start, bytes, static_cast<std::uint16_t>((memory_.size() - start) / bytes)};
    end_ = memory_.find_end(ring_);
    rows_ = static_cast<int>(std::min<std::uint32_t>(end_.sequence, ring_.slots));
    if (const auto newest = head(1)) newest_ = newest->time;
}

bool LoadProfile::exists(CivilSeconds time) const {
    for (int n = 1; n <= rows_; ++n)
        if (const auto row = head(n); row && row->time == time) return true;
    return false;
}

bool LoadProfile::on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books) {
    if (!memory_.available() || !now || general.profile_minutes == 0) return false;
    const CivilSeconds interval = general.profile_minutes * 60u;
    const CivilSeconds time = *now / interval * interval;
    if (time == 0 || time == settled_) return false;
    const bool first = end_.sequence == 0;
    if (!first && time <= newest_ && exists(time)) {
        settled_ = time;
        return false;
    }
    std::uint8_t marks = 0;
    if (*now - time > kInTime) marks |= RecordMarks::kLate;
    if (!first && newest_ != time - interval) marks |= RecordMarks::kGap;
    if (!first && time < newest_) marks |= RecordMarks::kClockBack;

    std::array<Byte, kBytesMax> slot{};
    ByteWriter writer(slot);
    writer.put_u32(0);
    writer.put_u32(time);
    writer.put_u8(general.profile_minutes);
    writer.put_u8(marks);
    writer.put_u16(0);
    for (int n = 0; n < memory_.households(); ++n) {
        const HouseholdBook& book = books.households[static_cast<std::size_t>(n)];
        writer.put_le(hundredths(book.forward) & kMask, 3);
        writer.put_le(hundredths(book.reverse) & kMask, 3);
    }
    if (!memory_.append(ring_, end_, end_.sequence + 1, {slot.data(), ring_.slot_bytes})) return false;
    rows_ = std::min<int>(rows_ + 1, ring_.slots);
    newest_ = time;
    settled_ = time;
    return true;
}

std::optional<ProfileHead> LoadProfile::head(int n) const {
    if (!memory_.available() || n < 1 || n > rows_) return std::nullopt;
    std::array<Byte, kBytesMax> slot;
    const MutableBytes bytes{slot.data(), ring_.slot_bytes};
    if (!memory_.read(ring_, slot_back(ring_, end_, n - 1), bytes)) return std::nullopt;
    ByteReader reader(bytes);
    ProfileHead head;
    head.sequence = reader.get_u32();
    head.time = reader.get_u32();
    head.minutes = reader.get_u8();
    head.marks = reader.get_u8();
    if (head.sequence != end_.sequence - static_cast<std::uint32_t>(n) + 1) return std::nullopt;
    return head;
}

std::optional<ProfileTotals> LoadProfile::totals(int n, Household household, const HouseholdBook& present) const {
    if (!head(n) || household.number < 1 || household.number > memory_.households()) return std::nullopt;
    std::array<Byte, kOne> bytes;
    const auto slot = static_cast<std::uint32_t>(slot_back(ring_, end_, n - 1));
    if (!memory_.peek(ring_.start + slot * ring_.slot_bytes + static_cast<std::uint32_t>(kHead) +
                          static_cast<std::uint32_t>(household.index()) * static_cast<std::uint32_t>(kOne),
                      bytes))
        return std::nullopt;
    ByteReader reader(bytes);
    const auto forward = static_cast<std::uint32_t>(reader.get_le(3));
    const auto reverse = static_cast<std::uint32_t>(reader.get_le(3));
    return ProfileTotals{whole(forward, hundredths(present.forward)), whole(reverse, hundredths(present.reverse))};
}

int LoadProfile::first_at_or_after(CivilSeconds time) const {
    int found = 0;
    for (int n = 1; n <= rows_; ++n) {
        const auto row = head(n);
        if (!row) continue;
        if (row->time < time) break;
        found = n;
    }
    return found;
}

}  // namespace prewatt::meter
