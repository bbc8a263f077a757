// `prewatt events METER --bus BUS`: what a meter has written down, newest first.
//
//   METER         2026000017:12 a household, 2026000017 the box itself, 2026000017:all everything of both
//   --kind WORD   only events whose name holds this word: cut, purchase, phase, ...   --limit 20
//   --capture N   instead of the list: the explanation and the waveforms of the n-th last malignant load
//
// JSON: {"format": 1, "events": [{"sequence", "time", "household", "kind", "event", "data": {...}}], "counts": [...]}.
// Exit codes: 0; 2 wrong use; 3 no such capture; 4 no answer; 5 refused, also: the meter keeps no records; 9 the line
// does not open.
#pragma once
#include <string>

namespace prewatt::cli {

struct EventsOptions {
    std::string meter;
    std::string bus;
    int speed = 9600;
    int tries = 3;
    std::string kind;
    int limit = 0;  // 0: all
    int capture = 0;
    std::string output = "table";
};
[[nodiscard]] int run(const EventsOptions& options);

}  // namespace prewatt::cli
