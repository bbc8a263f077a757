// `prewatt top`: lines, boxes and the rooms that draw most, as they are now. On a terminal the picture renews itself
// until q or Ctrl-C; into a pipe it is printed once, plainly.
//
//   --every TIME   every   2s          --rooms N   rooms   how many rooms are shown
//   -o WORD        output  table, json (one object with lines, boxes, rooms)
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct TopOptions {
    ServerOptions server;
    std::string every = "2s";
    int rooms = 20;
    std::string output = "table";
};
[[nodiscard]] int run(const TopOptions& options);

}  // namespace prewatt::cli
