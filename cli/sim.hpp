// `prewatt sim`: a building. N boxes of real nodes with simulated homes on ONE RS-485 line, behind a TCP port that
// behaves as a serial gateway.
//
// Flags and the fields that they fill:
//   --boxes N             boxes      2; numbers 2026000001 ...
//   --listen [HOST:]PORT  listen     127.0.0.1:7645
//   --store DIR           store      prewatt-building; one file for each box, made when it is not there
//   --key FILE            key        master key; default prewatt.key in the store
//   --seed N              seed       1
//   --speed X             speed      1
//   --baud N|none         baud       9600, 8E1; every character takes its time in both directions; none = as fast as it
//   comes
//   --wiring W            wiring     39x1, 18x2, 12x3, 13x3phase
//   --level WORD          level      auto, waveform, cycle. auto: waveform for as many boxes as this machine carries
//   easily (4 at speed 1)
//   --for TIME            duration   as in `prewatt meter`
//   --fault WHAT          faults     as in `prewatt meter`, in the first box
//   -o WORD               output     table, json
//
// In the homes of the first box somebody is always at home, so that a ticket makes current flow at any hour; the others
// live as students do. No household is opened: the office opens them by tickets. kill -9 loses nothing that the meters
// had stored. Exit codes as `prewatt meter`.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace prewatt::cli {

struct SimOptions {
    int boxes = 2;
    std::string listen = "127.0.0.1:7645";
    std::filesystem::path store = "prewatt-building";
    std::filesystem::path key;
    std::uint64_t seed = 1;
    std::string speed = "1";
    std::string baud = "9600";
    std::string wiring = "39x1";
    std::string level = "auto";
    std::string duration;
    std::string output = "table";
    std::vector<std::string> faults;
};

[[nodiscard]] int run(const SimOptions& options);

}  // namespace prewatt::cli
