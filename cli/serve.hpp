// `prewatt serve`: the office. The first start makes the data folder, the master key, the database and its owner.
//
// Flags and the fields that they fill:
//   --data DIR                   data                 prewatt.db, prewatt.key, prewatt.toml                     ./data
//   --db URL                     db                   sqlite:///path/office.db, a path, postgresql://user@host/database
//   DATA/prewatt.db
//   --listen HOST:PORT           listen               where pages and programs reach it 127.0.0.1:8080
//   --ui-dir DIR                 ui_dir               pages from this folder                                    those
//   built beside the program
//   --config FILE                config               a TOML file DATA/prewatt.toml when it is there
//   --line NAME=WHERE            lines                tcp://host:port or /dev/ttyUSB0@9600, for this run; many times
//   --demo BOXES                 demo_boxes           first start: the demonstration building of so many boxes
//   --demo-line URL              demo_line            where its line is; at a later start it replaces what was stored
//   --owner-password-file FILE   owner_password_file  first start: its first line; otherwise a random one is printed,
//   once
//   --log-level WORD             log_level            debug, info, warning, error, off
//
// Words go to standard error; a new owner's random password to standard output. Stops in order on SIGINT and SIGTERM
// (0). Exit codes: 0; 1 the database or the key cannot be used; 2 the flags or the configuration make no sense; 9 the
// port is taken.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace prewatt::cli {

struct ServeOptions {
    std::filesystem::path data = "data";
    std::string db;
    std::string listen;  // empty: what the configuration says, else 127.0.0.1:8080
    std::filesystem::path ui_dir;
    std::filesystem::path config;
    std::vector<std::string> lines;
    int demo_boxes = 0;
    std::string demo_line;
    std::filesystem::path owner_password_file;
    std::string log_level;
    std::string planted_defect;  // not in the help: for `prewatt torture`, which must find it
    std::string version = "0";
};

[[nodiscard]] int run(const ServeOptions& options);

}  // namespace prewatt::cli
