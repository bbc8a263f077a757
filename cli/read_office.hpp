// `prewatt read ROOM` through the office: what it knows of a room and when it was read, or what the meter says now.
//
//   ROOM      room       "3-0512", BOX:HOUSEHOLD, or all (at most 10,000 rooms)
//   --live    live       asks the meter now: voltage, current, power of every circuit
//   --every   every      again and again: 500ms, 5s, 2m
//   -o WORD   output     table, json, csv
//
// Exit codes: 0; 3 no such room; 4 --live: the meter was silent; else office_client.hpp; 130 Ctrl-C.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct ReadOfficeOptions {
    ServerOptions server;
    std::string room;
    bool live = false;
    std::string every;
    std::string output = "table";
};
[[nodiscard]] int run(const ReadOfficeOptions& options);

}  // namespace prewatt::cli
