// Where events, freezes, the load profile and captures lie in the memory, and how a ring of them is written so that the
// supply may fail at any byte. Byte-exact in docs/formats/event-log.md.
//
// A memory of 512 KiB has the journal's two banks at 0 and 64 KiB and the records from 128 KiB on. A smaller one (boxes
// of the first years have 32 KiB) has a journal and no records: everything here then says so and does nothing.
//
// A ring is a row of slots of equal size. A slot starts with a sequence number that rises and ends with a CRC over the
// format, the number of households (which fixes the map), the slot's own address and its bytes: what an earlier map
// left behind, or a write that was cut, is no record. A new record goes into the slot of the oldest one, so a cut costs
// that one at worst and a wrong one is never shown. Nothing has to be erased and there is no header to lose.
#pragma once
#include <cstdint>

#include "base/bytes.hpp"
#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

inline constexpr std::uint32_t kRecordsAt = 128 * 1024;
inline constexpr std::uint32_t kRecordsStorageSizeMin = 512 * 1024;
inline constexpr std::uint8_t kRecordsFormat = 1;

struct Ring {
    std::uint32_t start = 0;
    std::uint16_t slot_bytes = 0;
    std::uint16_t slots = 0;
    [[nodiscard]] constexpr std::uint32_t bytes() const { return std::uint32_t{slot_bytes} * slots; }
    [[nodiscard]] constexpr std::uint32_t end() const { return start + bytes(); }
};

// The newest record of a ring. sequence 0: the ring is empty.
struct RingEnd {
    std::uint32_t sequence = 0;
    std::uint16_t slot = 0;
};

inline constexpr std::size_t kSlotHead = 4;   // sequence
inline constexpr std::size_t kSlotCheck = 4;  // CRC

class RecordMemory {
  public:
    explicit RecordMemory(Storage& storage) : storage_(storage) {}

    // False: the memory is too small for records. `households` of the box's wiring, 1..39.
    bool open(int households);
    [[nodiscard]] bool available() const { return households_ != 0; }
    [[nodiscard]] int households() const { return households_; }
    [[nodiscard]] std::uint32_t size() const { return storage_.size(); }

    [[nodiscard]] RingEnd find_end(const Ring& ring) const;
    // The whole slot, `out` of slot_bytes. False: no record there, damaged, or the memory does not answer.
    [[nodiscard]] bool read(const Ring& ring, int slot, MutableBytes out) const;
    // Bytes of a slot that read() or find_end() has found whole.
    [[nodiscard]] bool peek(std::uint32_t address, MutableBytes out) const { return storage_.read(address, out); }
    // Puts sequence and CRC into `bytes` (slot_bytes of them), writes and reads back. False: not stored.
    [[nodiscard]] bool write(const Ring& ring, int slot, std::uint32_t sequence, MutableBytes bytes) const;
    // Behind the newest; moves `end` when it is stored.
    [[nodiscard]] bool append(const Ring& ring, RingEnd& end, std::uint32_t sequence, MutableBytes bytes) const;

  private:
    [[nodiscard]] std::uint32_t seed(std::uint32_t address) const;
    [[nodiscard]] bool is_whole(const Ring& ring, int slot) const;
    Storage& storage_;
    std::uint8_t households_ = 0;
};

[[nodiscard]] constexpr int slot_after(const Ring& ring, const RingEnd& end) {
    return end.sequence == 0 ? 0 : (end.slot + 1) % ring.slots;
}
// The slot of the record that was appended `back` records before the newest.
[[nodiscard]] constexpr int slot_back(const Ring& ring, const RingEnd& end, int back) {
    return (end.slot + ring.slots - back % ring.slots) % ring.slots;
}

// --- The map

namespace record_map {

inline constexpr std::uint16_t kEventBytes = 32;
inline constexpr int kCounterSlots = 2;
inline constexpr std::uint16_t kCaptureBytes = 580;
inline constexpr std::uint16_t kCapturesPerHousehold = 3;  // so two whole ones remain while a third is written
inline constexpr std::uint16_t kDailySlots = 62 + 1;
inline constexpr std::uint16_t kMonthlySlots = 13 + 1;

[[nodiscard]] constexpr std::uint16_t freeze_bytes(int households) {
    return static_cast<std::uint16_t>(20 + 16 * households);
}
[[nodiscard]] constexpr std::uint16_t profile_bytes(int households) {
    return static_cast<std::uint16_t>(16 + 6 * households);
}

}  // namespace record_map

}  // namespace prewatt::meter
