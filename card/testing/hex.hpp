// Bytes as text, for the tests of this room.
#pragma once
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace prewatt::card {

inline std::string hex(Bytes bytes) {
    std::string out;
    for (const Byte byte : bytes) {
        constexpr char digits[] = "0123456789abcdef";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}
inline std::vector<Byte> bytes_of(const std::string& text) {
    std::vector<Byte> out;
    for (std::size_t k = 0; k + 1 < text.size(); k += 2)
        out.push_back(static_cast<Byte>(std::stoi(text.substr(k, 2), nullptr, 16)));
    return out;
}

}  // namespace prewatt::card
