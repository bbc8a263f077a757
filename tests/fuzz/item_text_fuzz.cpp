// Arbitrary data behind arbitrary identifiers, and arbitrary text as a value. Text that is a value reads back as the
// same bytes' text; nothing writes past its end.
//   DI 4 | 00 data      or      DI 4 | other  text
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "protocols/dlt645/item.hpp"
#include "protocols/dlt645/item_text.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::dlt645;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader reader(Bytes(data, size));
    const DataId id{reader.get_u32()};
    const bool is_text = reader.get_u8() != 0;
    if (!reader.ok()) return 0;
    const Item* item = find_item(id);
    if (item == nullptr) return 0;
    std::array<char, kNameTextMax> name{};
    FUZZ_CHECK(describe(*item, id, name).size() < name.size());

    std::array<char, kValueTextMax> text{};
    std::array<Byte, kDataSizeMax> bytes{};
    const Bytes rest = reader.take(std::min<std::size_t>(reader.left(), is_text ? 4096 : kDataSizeMax));
    if (!is_text) {
        FUZZ_CHECK(format_value(*item, id, rest, text).size() < text.size());
        (void)number_of(*item, rest);
        return 0;
    }
    const std::string given(rest.begin(), rest.end());
    const auto parsed = parse_value(*item, id, given, bytes);
    if (!parsed) return 0;
    FUZZ_CHECK(*parsed <= bytes.size());
    FUZZ_CHECK(item->fits(id, *parsed));
    const std::string shown(format_value(*item, id, Bytes(bytes).first(*parsed), text));
    if (shown.find('?') != std::string::npos || shown.find("\\x") != std::string::npos) return 0;
    std::array<Byte, kDataSizeMax> again{};
    const auto reparsed = parse_value(*item, id, shown, again);
    FUZZ_CHECK(reparsed && *reparsed == *parsed);
    std::array<char, kValueTextMax> shown_again{};
    FUZZ_CHECK(shown == format_value(*item, id, Bytes(again).first(*reparsed), shown_again));
    return 0;
}
