// A sale at the desk, from the card on the reader to read back and counted: the real desk (card/desk), the real office
// on SQLite (server/desk, server/store), over a model of a card that really takes 10 ms for each exchange. Host time.
#pragma once
#include <string>
#include <vector>

#include "base/units.hpp"

namespace prewatt::bench {

struct DeskSales {
    std::vector<double> took;       // seconds: the card read, sold, written, read back, the office's word
    std::vector<double> exchanges;  // with the card, of each
    std::string problem;            // why there are not as many as were wanted; empty: there are
};
[[nodiscard]] DeskSales sell_at_desk(int sales, Duration exchange);

}  // namespace prewatt::bench
