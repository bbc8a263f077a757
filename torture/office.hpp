// `prewatt torture office`: the real office process is killed with -9 at instants that a seed chooses, again and again,
// while desks press it over HTTP and its building runs on; after each restart nothing may be lost, doubled or changed.
//
// How a kill is chosen (each kill from seed and number; the instants themselves are real time, so the same seed is the
// same plan, not the same run):
//   after a while           0 to 40 ms after the desks have begun
//   in the middle of work   0 to 600 ms after it, the desks at a pace that leaves the line time to deliver
//   after the n-th request  by the desk that sent it, before it waits for the answer
//   after the n-th answer   by the desk that heard it: the others of its group of commits are still in between
//   during an orderly stop  SIGTERM, then -9 up to 10 ms later
//   during the first start  of another office in an empty folder, once to three times; it must come up afterwards
//   during the restart      after any of these but the last, with a chance of a quarter, once to three times
//
// What a kill of a process cannot show is the loss of what the system holds in memory for the disk: that is for the
// simulator's disk (`prewatt simulate`), which forgets what was not synced.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/figures.hpp"

namespace prewatt::torture {

struct OfficeOptions {
    std::filesystem::path program{};  // empty: this one
    int kills = 100;                  // of each database
    std::uint64_t seed = 1;
    bool sqlite = true;
    bool postgres = false;
    bool scenes = true;  // full disk, two offices, and what may happen to a database server
    int boxes = 1;
    std::string planted{};                           // a defect that must be found; see server/store/planted_db.hpp
    bool keep = false;                               // the folder, also when nothing was found
    std::function<void(const std::string&)> tell{};  // progress, a line now and then
};
struct OfficeReport {
    bench::Figures figures;
    std::vector<std::string> findings;  // empty: nothing was lost, doubled or changed
};
struct OfficeFailure {
    std::string words;
    bool interrupted = false;  // by Ctrl-C or SIGTERM
};
// An error is a sentence about what torture itself lacks: a port, the program, a database server.
[[nodiscard]] std::expected<OfficeReport, OfficeFailure> torture_office(const OfficeOptions& options);

}  // namespace prewatt::torture
