// Values of items as text for people and back: `prewatt read`, `frame decode`, golden data. Kept apart from the table
// so that a meter that prints nothing does not carry it. No heap: text goes into the caller's characters.
//
//   123456.78 kWh | -1.50 kWh | 220.1 V, -, - | 3.2100 kW at 2026-11-05 18:30 | 0050H (relay open, relay commanded
//   open)
//
// "-" is a value that the meter does not have (FF in every byte). Bytes that are not decimal where they should be are
// shown as ?XX.. in wire order and never as a number.
#pragma once
#include <expected>
#include <span>
#include <string_view>

#include "protocols/dlt645/item.hpp"

namespace prewatt::dlt645 {

// Enough for the text of any data that fits a frame.
inline constexpr std::size_t kValueTextMax = 2048;
inline constexpr std::size_t kNameTextMax = 96;

[[nodiscard]] std::string_view text_of(Unit unit);

// "forward active energy, tariff 1, settlement 2 back". The text stands in `out` (kNameTextMax).
[[nodiscard]] std::string_view describe(const Item& item, DataId id, std::span<char> out);

// The data behind the identifier as text. Data whose length does not fit the item is shown as its bytes: "?" and hex.
[[nodiscard]] std::string_view format_value(const Item& item, DataId id, Bytes data, std::span<char> out);

enum class TextError : std::uint8_t {
    kSyntax,    // not of the item's shape
    kRange,     // more digits than the item has
    kNoFormat,  // the table does not take this item apart; give bytes
    kTooLong,   // more values than fit `out`
};
// The reverse: bytes as they stand in a frame, from text as format_value writes it (units and names of bits may be left
// out). The bytes written. What a meter would refuse for its meaning (a 13th month) is the meter's to say.
[[nodiscard]] std::expected<std::size_t, TextError> parse_value(const Item& item, DataId id, std::string_view text,
                                                                MutableBytes out);

}  // namespace prewatt::dlt645
