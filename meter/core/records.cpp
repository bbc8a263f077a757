#include "meter/core/records.hpp"

#include <algorithm>
#include <array>

#include "base/crc.hpp"

namespace prewatt::meter {
namespace {

constexpr std::size_t kPiece = 64;

std::uint32_t get_u32(Bytes bytes) {
    ByteReader reader(bytes);
    return reader.get_u32();
}

}  // namespace

bool RecordMemory::open(int households) {
    const bool fits = storage_.size() >= kRecordsStorageSizeMin && households >= 1 && households <= kHouseholdsMax;
    households_ = static_cast<std::uint8_t>(fits ? households : 0);
    return fits;
}

std::uint32_t RecordMemory::seed(std::uint32_t address) const {
    std::array<Byte, 6> bytes;
    ByteWriter writer(bytes);
    writer.put_u8(kRecordsFormat);
    writer.put_u8(households_);
    writer.put_u32(address);
    return crc32(bytes);
}

bool RecordMemory::is_whole(const Ring& ring, int slot) const {
    const std::uint32_t address = ring.start + static_cast<std::uint32_t>(slot) * ring.slot_bytes;
    std::uint32_t sum = seed(address);
    std::array<Byte, kPiece> piece;
    std::uint32_t at = 0;
    const std::uint32_t covered = ring.slot_bytes - static_cast<std::uint32_t>(kSlotCheck);
    while (at < covered) {
        const MutableBytes part{piece.data(), std::min<std::size_t>(kPiece, covered - at)};
        if (!storage_.read(address + at, part)) return false;
        sum = crc32(part, sum);
        at += static_cast<std::uint32_t>(part.size());
    }
    const MutableBytes check{piece.data(), kSlotCheck};
    return storage_.read(address + covered, check) && get_u32(check) == sum;
}

RingEnd RecordMemory::find_end(const Ring& ring) const {
    RingEnd found;
    if (!available()) return found;
    // A damaged slot may claim any number: the highest that is whole counts. FFFFFFFF is blank memory.
    std::uint32_t below = UINT32_MAX;
    for (int tries = 0; tries < ring.slots; ++tries) {
        found = {};
        for (int slot = 0; slot < ring.slots; ++slot) {
            std::array<Byte, kSlotHead> head;
            if (!storage_.read(ring.start + static_cast<std::uint32_t>(slot) * ring.slot_bytes, head)) continue;
            const std::uint32_t sequence = get_u32(head);
            if (sequence < below && sequence > found.sequence) found = {sequence, static_cast<std::uint16_t>(slot)};
        }
        if (found.sequence == 0 || is_whole(ring, found.slot)) return found;
        below = found.sequence;
    }
    return {};
}

bool RecordMemory::read(const Ring& ring, int slot, MutableBytes out) const {
    if (!available() || slot < 0 || slot >= ring.slots || out.size() != ring.slot_bytes) return false;
    const std::uint32_t address = ring.start + static_cast<std::uint32_t>(slot) * ring.slot_bytes;
    if (!storage_.read(address, out)) return false;
    const std::uint32_t sequence = get_u32(out.first(kSlotHead));
    if (sequence == 0 || sequence == UINT32_MAX) return false;
    const std::size_t covered = out.size() - kSlotCheck;
    return get_u32(out.subspan(covered)) == crc32(out.first(covered), seed(address));
}

bool RecordMemory::write(const Ring& ring, int slot, std::uint32_t sequence, MutableBytes bytes) const {
    if (!available() || slot < 0 || slot >= ring.slots || bytes.size() != ring.slot_bytes) return false;
    const std::uint32_t address = ring.start + static_cast<std::uint32_t>(slot) * ring.slot_bytes;
    const std::size_t covered = bytes.size() - kSlotCheck;
    ByteWriter head(bytes.first(kSlotHead));
    head.put_u32(sequence);
    ByteWriter check(bytes.subspan(covered));
    check.put_u32(crc32(bytes.first(covered), seed(address)));
    if (!storage_.write(address, bytes)) return false;
    std::array<Byte, kPiece> piece;
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
        const Bytes part = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
        const MutableBytes back{piece.data(), part.size()};
        if (!storage_.read(address + static_cast<std::uint32_t>(at), back) || !equal(back, part)) return false;
    }
    return true;
}

bool RecordMemory::append(const Ring& ring, RingEnd& end, std::uint32_t sequence, MutableBytes bytes) const {
    const int slot = slot_after(ring, end);
    if (!write(ring, slot, sequence, bytes)) return false;
    end = {sequence, static_cast<std::uint16_t>(slot)};
    return true;
}

}  // namespace prewatt::meter
