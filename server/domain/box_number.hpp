// The number of a box as people read it.
#pragma once
#include <cstdint>
#include <string>

namespace prewatt::server {

// Ten digits, as they stand on the box.
[[nodiscard]] std::string box_digits(std::uint64_t number);

}  // namespace prewatt::server
