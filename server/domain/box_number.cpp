#include "server/domain/box_number.hpp"

namespace prewatt::server {

std::string box_digits(std::uint64_t number) {
    std::string digits = std::to_string(number);
    if (digits.size() < 10) digits.insert(0, 10 - digits.size(), '0');
    return digits;
}

}  // namespace prewatt::server
