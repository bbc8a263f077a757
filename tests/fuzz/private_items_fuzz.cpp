// Arbitrary data as one of our private items. What decodes encodes to the same bytes: a box and an office never see two
// things in one answer.
//   which item u8 | data
#include <array>
#include <cstdint>

#include "protocols/dlt645/private_items.hpp"
#include "protocols/dlt645/reader_items.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::dlt645;

namespace {

template <class Item>
void same_bytes(const std::optional<Item>& item, Bytes data) {
    if (!item) return;
    std::array<Byte, 512> out{};
    const std::size_t size = encode(*item, out);
    FUZZ_CHECK(equal(Bytes(out).first(size), data));
    for (std::size_t small = 0; small < size; ++small)
        FUZZ_CHECK(encode(*item, MutableBytes(out).first(small)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest(data + 1, size - 1);
    switch (data[0] % 11) {
        case 0:
            same_bytes(decode_household_block(rest), rest);
            break;
        case 1:
            same_bytes(decode_block_power(rest), rest);
            break;
        case 2:
            same_bytes(decode_account_status(rest), rest);
            break;
        case 3:
            same_bytes(decode_live_values(rest), rest);
            break;
        case 4:
            same_bytes(decode_box_status(rest), rest);
            break;
        case 5:
            same_bytes(decode_guard_status(rest), rest);
            break;
        case 6:
            same_bytes(decode_setting_sums(rest), rest);
            break;
        case 7:
            same_bytes(decode_reader_tap(rest), rest);
            break;
        case 8:
            same_bytes(decode_card_presented(rest), rest);
            break;
        case 9:
            same_bytes(decode_card_outcome(rest), rest);
            break;
        case 10:
            same_bytes(decode_card_written(rest), rest);
            break;
    }
    return 0;
}
