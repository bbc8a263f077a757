// `prewatt meter`: one virtual meter, the real node on the host, in real time or faster.
//
// Flags and the fields that they fill (all texts are checked by run(), which says what is wrong and returns 2):
//   --box NUMBER10      box                    ten digits
//   --wiring W          wiring                 39x1, 18x2, 12x3, 13x3phase
//   --store FILE        store                  default prewatt-meter-NUMBER10.nvm; a fixed-size file, locked while the
//   meter runs
//   --key FILE          key                    master key, 32 hexadecimal digits; default prewatt.key beside the store;
//   made when it is not there
//   --tcp [HOST:]PORT   tcp                    raw DL/T 645 bytes; several clients, the last talker gets the answers;
//   port 0 = any free one
//   --pty [LINK]        pty, pty_link          pseudo-terminal; its name is printed as the first line of stdout
//   --speed X|max       speed                  1 = real time
//   --homes SEED        homes                  simulated homes (the default, seed 1)
//   --life WORD         life                   students (default), family, shop, lively
//   --play FILE         play                   a recording with its manifest.csv beside it, in one household
//   --row N             row                    which row, where the file holds several (0)
//   --household N       household              where it is played (1)
//   --repeat N|forever  repeat                 forever (default); with N the program ends 2 s after the last repetition
//   --as-recorded       as_recorded            do not bring recordings of 120 V to 220 V (same watts)
//   --display           display                show the LED rows: redrawn on a terminal, one line per change elsewhere
//   --panel             panel                  the whole front on a terminal, with keys (cli/panel.hpp); elsewhere:
//   says so and does as --display
//   --panel-port N      panel_port             the front as JSON over HTTP on 127.0.0.1; 0 = any free one, printed
//   --for TIME          duration               90, 90s, 5m, 2h of virtual time, then end
//   --fault WHAT        faults                 sim/faults.hpp: lost:B:30s:10s, sag:A:60%:20s:2s, stuck-open:12:5s,
//   stuck-closed:12:5s; repeatable
//   --ib A --imax A     basic_current, max_current   15, 60; 10, 40; 10, 50
//   --constant N        pulse_constant         1600, 600, 5000; of a new meter, later the sealed command decides
//   -o WORD             output                 table, json: what is printed at the end
//
// At the end (SIGINT, SIGTERM, --for, --repeat) the meter saves, and prints what every household used and has. kill -9
// loses nothing that the meter had stored: start it again with the same --store. Exit codes: 0 ended in order; 2 wrong
// use (also a store of another box); 3 recording not found; 9 port or terminal not to be had; 1 anything else (disk
// full, store not writable).
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace prewatt::cli {

struct MeterOptions {
    std::string box = "2026000001";
    std::string wiring = "39x1";
    std::filesystem::path store;
    std::filesystem::path key;
    std::string tcp;
    bool pty = false;
    std::filesystem::path pty_link;
    std::string speed = "1";
    std::optional<std::uint64_t> homes;
    std::string life = "students";
    std::filesystem::path play;
    std::uint64_t row = 0;
    int household = 1;
    std::string repeat = "forever";
    bool as_recorded = false;
    bool display = false;
    bool panel = false;
    std::optional<std::uint16_t> panel_port;
    std::filesystem::path card;  // a file; empty: no reader is fitted
    bool card_clears = false;    // it obeys clear cards
    std::string duration;
    int basic_current = 15;
    int max_current = 60;
    int pulse_constant = 1600;
    std::string output = "table";
    std::vector<std::string> faults;
};

[[nodiscard]] int run(const MeterOptions& options);

}  // namespace prewatt::cli
