// From a sale accepted by the office to its confirmation by the meter, on a running building: real boxes with homes on
// one RS-485 line at 9600 8E1 behind a TCP gateway (`prewatt sim`, a process of its own), a real office with its
// database on disk, all over loopback.
//
//   one desk    sells, waits until the meter has confirmed, sells to the next room. The goal: p95 under 2 s
//   a rush      every room at once
//
// Times are those of the sale's own steps (accepted, confirmed, lit), as the pages show them.
#pragma once
#include <expected>
#include <filesystem>
#include <string>

#include "bench/figures.hpp"

namespace prewatt::bench {

struct SaleOptions {
    std::filesystem::path program;  // empty: this one; the building is `PROGRAM sim`
    int boxes = 2;
    int sales = 40;       // of the one desk
    int rush_rooms = 39;  // sold to at once; 0: no rush
};
// An error is a sentence for a person: what did not come up, what did not come.
[[nodiscard]] std::expected<Figures, std::string> run_sale(const SaleOptions& options = {});

}  // namespace prewatt::bench
