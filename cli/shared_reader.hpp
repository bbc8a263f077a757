// `prewatt reader`: the program of a shared card reader (reader/), over PC/SC or over a card in a file.
//
//   --number N            number      1..65535, of the reader on its site
//   --line URL            line        serial:///dev/ttyUSB0?baud=9600: it hangs on the boxes' segment as a slave; or
//                                     tcp://host:port, a gateway that passes everything to everybody
//   --tcp [HOST:]PORT     tcp         where the office connects to; with --line, frames go on to the boxes and back, so
//   that
//                                     it stands beside a simulated building (`prewatt sim`)
//   --pcsc NAME           pcsc        a reader of this machine, by a part of its name
//   --card FILE           card        docs/formats/virtual-card.md; lies there as long as the file does
//   --key-file FILE       key_file    two lines of 32 hex digits: sector read, sector return
//   --make-keys FILE      master_key  makes --key-file from the site's master key, and ends
//   --base N, --for TIME  base, duration
//
// What is shown goes to stdout, a line for each change. Exit codes: 0; 2 wrong use; 3 no key file; 9 line, port or
// reader not reachable.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace prewatt::cli {

struct ReaderOptions {
    int number = 1;
    std::string line;
    std::string tcp;
    std::optional<std::string> pcsc;
    std::filesystem::path card;
    std::filesystem::path key_file;
    std::filesystem::path master_key;
    int base = 1;
    std::string duration;
};
[[nodiscard]] int run(const ReaderOptions& options);

}  // namespace prewatt::cli
