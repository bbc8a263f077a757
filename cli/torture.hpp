// `prewatt torture office`: kills the real office again and again under load and looks at the books;
// torture/office.hpp. `prewatt torture card`: tears cards away inside their writes, at the desk and at the box, and
// looks at all three; torture/card.hpp.
//
// Prints figures as a table, or with --json as {"figures": [...]}; progress and findings go to standard error. Exit
// codes: 0 nothing was lost, doubled or changed; 1 something was, or with --strict a goal was missed, or it broke off;
// 2 wrong use; 130 stopped with Ctrl-C.
#pragma once
#include <cstdint>
#include <string>

namespace prewatt::cli {

struct TortureOptions {
    std::string name;           // office, card
    std::int64_t tears = 3000;  // card
    int kills = 100;
    std::uint64_t seed = 1;
    std::string database = "sqlite";  // sqlite, postgres, both
    int boxes = 1;
    bool no_scenes = false;
    bool json = false;
    bool strict = false;
    bool keep = false;
    std::string planted_defect;  // not in the help
};
[[nodiscard]] int run(const TortureOptions& options);

}  // namespace prewatt::cli
