// `prewatt read METER --bus BUS`: asks a meter over the line itself.
//
//   METER       as in meter_name.hpp: 2026000017:12, 2026000017:all, 2026000017, a 12-digit address, AAAAAAAAAAAA
//   --bus       tcp://host:port, /dev/ttyUSB0, a pseudo-terminal    --baud 9600
//   --item DI   what to read instead of the usual items of a household; repeatable
//   --raw       every frame that goes and comes, on stderr
//   --every 5s  again and again until Ctrl-C;  --tries 3
//
// Exit codes: 0; 2 wrong use; 4 no answer; 5 refused; 9 the line does not open; 130 Ctrl-C.
#pragma once
#include <string>
#include <vector>

namespace prewatt::cli {

struct ReadOptions {
    std::string meter;
    std::string bus;
    int speed = 9600;
    int tries = 3;
    std::vector<std::string> items;
    bool raw = false;
    std::string every;  // 500ms, 5s, 2m; empty: once
    std::string output = "table";
};
[[nodiscard]] int run(const ReadOptions& options);

}  // namespace prewatt::cli
