// Which numbers of a card Prewatt works with. A number is copied for less than the card costs, so this keeps nobody
// out; it keeps out what cannot carry a record that must be found again at the next visit.
#pragma once
#include <algorithm>

#include "card/m1_reader.hpp"

namespace prewatt::card {

[[nodiscard]] constexpr Bytes bytes_of(const Uid& uid) {
    return {uid.data(), uid.size()};
}
[[nodiscard]] constexpr bool same_uid(const Uid& a, const Uid& b) {
    return equal(bytes_of(a), bytes_of(b));
}
[[nodiscard]] constexpr Uid uid_of(Bytes bytes) {
    Uid uid;
    for (const Byte byte : bytes)
        uid.push_back(byte);
    return uid;
}
// Four or seven bytes; of four: not 08 in front (drawn anew each time, as phones do: ISO 14443-3), not the cascade tag
// 88 in front, which says that more is to follow; not all bytes 00 or FF, as copies without a number have.
[[nodiscard]] constexpr bool is_usable(const Uid& uid) {
    if (uid.size() != 4 && uid.size() != 7) return false;
    if (uid.size() == 4 && (uid[0] == 0x08 || uid[0] == 0x88)) return false;
    return !std::all_of(uid.begin(), uid.end(), [](Byte byte) { return byte == 0x00; }) &&
           !std::all_of(uid.begin(), uid.end(), [](Byte byte) { return byte == 0xFF; });
}

}  // namespace prewatt::card
