// The data items of DL/T 645 as a table: which identifiers mean what, how their bytes are laid out, in which unit, who
// may write them. One row for each kind of item; an identifier of a row may vary byte by byte between `first` and
// `last`, and a byte named in `blocks` may be FF, which asks for all of that dimension at once.
//
// A row says what an identifier means, not that a meter has it: meters answer ERR 02 for what they do not have. Rows
// come from docs/formats/dlt645.md, which also says how sure each is. No heap; rows are constants.
//
//   const Item* item = find_item(DataId{0x00010000});      // "forward active energy", 4 bytes XXXXXX.XX kWh
//   const auto total = number_of(*item, data);             // 12345678 hundredths of a kWh
//
// Values as text and back: item_text.hpp.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::dlt645 {

enum class Format : std::uint8_t {
    kUnsigned,  // BCD, low pair first, `decimals` of its digits behind the point
    kSigned,    // the same; bit 7 of the top byte is the sign, so the top digit is 0..7
    kDigits,    // BCD that identifies: leading zeros count
    kText,      // ASCII, last character first on the wire; shorter texts are filled with 00 or spaces in front
    kTime,      // BCD by `pattern`, two letters a byte in written order: YY MM DD WW (0 = Sunday) hh mm ss, NN a number
    kBits,      // a mask; `bit_names` names its bits
    kSpeed,     // one bit of 02 04 08 10 20 40: 600 .. 19200 bit/s
    kDataId,    // an identifier
    kBytes,     // not taken apart here; size 0: as many as there are
};

enum class Unit : std::uint8_t {
    kNone,
    kKilowattHour,
    kKilovarHour,
    kKilovoltAmpereHour,
    kKilowatt,
    kKilovar,
    kKilovoltAmpere,
    kVolt,
    kAmpere,
    kAmpereHour,
    kHertz,
    kDegree,
    kPercent,
    kCelsius,
    kSecond,
    kMillisecond,
    kMinute,
    kYuan,
    kYuanPerKilowattHour,
    kPulsesPerKilowattHour,
    kPulsesPerKilovarHour,
};

// One value inside an item.
struct Part {
    Format format = Format::kBytes;
    std::uint8_t size = 0;  // bytes
    std::uint8_t decimals = 0;
    Unit unit = Unit::kNone;
    const char* pattern = nullptr;           // kTime
    const char* const* bit_names = nullptr;  // kBits: one name for each bit, null where it has none
    const char* label = nullptr;             // what this value is when the item has several
    std::uint8_t times = 1;                  // so many in a row
};

// What the bytes of an identifier count, for people.
enum class Places : std::uint8_t {
    kNone,
    kTariffSettlement,  // DI1 0 total or tariff, DI0 0 present or settlements back
    kPhase,             // DI1 0 total, 1..3 phase A..C
    kPhaseOrder,        // DI1 phase, DI0 harmonic
    kPhaseRecord,       // DI1 phase, DI0 how many records back
    kRecord,            // DI0 how many records back
    kMonth,             // DI1 phase, DI0 months back
    kNumber,            // DI0 counts the rows of a table
};

enum class Write : std::uint8_t {
    kNever,
    kParameter,  // class 2 of the prepaid extension: a password of level 02 or 04, or level 98
    kPrice,      // class 1: what changes what somebody pays; level 99
    kPassword,   // written, never read
};

// Names of a few DIs' bytes that may be FF, for `blocks`.
inline constexpr std::uint8_t kBlockDi0 = 1;
inline constexpr std::uint8_t kBlockDi1 = 2;

struct Item {
    DataId first;
    DataId last;
    std::uint8_t blocks = 0;
    Places places = Places::kNone;
    bool is_list = false;  // the parts repeat as often as the data holds, also without a block
    std::span<const Part> parts;
    const char* name = "";
    Write write = Write::kNever;

    [[nodiscard]] bool contains(DataId id) const;
    // An FF stands where one may: the parts repeat.
    [[nodiscard]] bool is_block(DataId id) const;
    // Bytes of one value of the item; 0 when it has no fixed size.
    [[nodiscard]] std::size_t size() const;
    // May data of this size stand behind this identifier?
    [[nodiscard]] bool fits(DataId id, std::size_t data_size) const;
    [[nodiscard]] bool readable() const { return write != Write::kPassword; }
};

// All rows, for those who list them.
[[nodiscard]] std::span<const Item> items();
// The row of an identifier; null when the table has none.
[[nodiscard]] const Item* find_item(DataId id);

// The first part of an item as an integer count of its last decimal (XXXXXX.XX kWh: hundredths). Nothing when the data
// is shorter, not decimal, marked as not available (all FF), or the part is no number.
[[nodiscard]] std::optional<std::int64_t> number_of(const Item& item, Bytes data);
// Writes an integer into the first part, low pair first; the bytes written, 0 when the part is no number or `out` is
// too small. Energies and amounts beyond the digits wrap as registers do, everything else stays at the largest that the
// digits show.
[[nodiscard]] std::size_t put_number(const Item& item, std::int64_t value, MutableBytes out);
// Not available: FF in every byte.
[[nodiscard]] bool is_absent(Bytes data);

}  // namespace prewatt::dlt645
