// How a meter is named on the command line when it is asked over the line itself:
//   2026000017:12    household 12 of a box        2026000017:all   every household of a box
//   2026000017       the box                      202600001712     any 12-digit address; AA.. for "whoever is there"
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dlt645/frame.hpp"

namespace prewatt::cli {

struct MeterName {
    dlt645::Address address;
    bool all_households = false;  // address is the box
};
[[nodiscard]] std::optional<MeterName> parse_meter(std::string_view text);
// As it is printed on a meter: twelve digits, high ones first.
[[nodiscard]] std::string printed(const dlt645::Address& address);
// The ten digits of the box behind an address of ours; nothing when they are no digits.
[[nodiscard]] std::optional<std::uint64_t> box_of(const dlt645::Address& address);
// Hex bytes, with or without spaces, commas, 0x; nothing when there is anything else or half a byte.
[[nodiscard]] std::optional<std::vector<Byte>> parse_hex(std::string_view text);
// Eight hex digits in written order.
[[nodiscard]] std::optional<dlt645::DataId> parse_data_id(std::string_view text);
[[nodiscard]] std::string printed(dlt645::DataId id);

}  // namespace prewatt::cli
