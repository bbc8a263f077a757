// The number of a card as bytes and back; which numbers we work with is decided by layout.hpp (fault_of, same).
#pragma once
#include "card/m1_reader.hpp"

namespace prewatt::card {

[[nodiscard]] constexpr Bytes bytes_of(const Uid& uid) {
    return {uid.data(), uid.size()};
}
// At most seven bytes; what is beyond is left out.
[[nodiscard]] constexpr Uid uid_of(Bytes bytes) {
    Uid uid;
    for (const Byte byte : bytes)
        uid.push_back(byte);
    return uid;
}

}  // namespace prewatt::card
