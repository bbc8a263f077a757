// Which household is meant by what somebody typed at the desk. Room 3-0512 is found by 3-0512, 30512, 3-512, 0512 and
// 512; a resident by any part of the name; a box by its number or its last digits. Pure; the order of the matches is
// the rank.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/types.hpp"

namespace prewatt::server {

class RoomSearch {
  public:
    explicit RoomSearch(std::string_view text);
    // Empty or blank text finds everything alike.
    [[nodiscard]] bool finds_all() const { return text_.empty(); }
    // 0: no match; the higher the better. 100 the room itself, 80 its number without the building, 60 begins so, 40
    // resident, 20 box number.
    [[nodiscard]] int rank(std::string_view label, std::string_view resident, std::uint64_t box_number) const;

  private:
    std::string text_;                 // trimmed, ASCII letters lower
    std::vector<std::string> groups_;  // runs of letters and digits
};

}  // namespace prewatt::server
