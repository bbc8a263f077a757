// `prewatt settings show METER --bus BUS`: what a meter is set to.
// `prewatt settings set METER NAME=VALUE ... --bus BUS --key FILE`: changes it.
//
//   METER         2026000017:12 a household, 2026000017 the box
//   NAME=VALUE    as `show` prints them: load.milliamperes=16000, day.1.period.2.at=08:00; or --file FILE.toml
//   --all         also settings that are as the factory made them
//   --dry-run     says what would change; --yes does not ask
//   --counter N   of the first command; without: the box is asked for its last one
//
// Everything is checked here first, and nothing is sent when one value is out of its range (the message gives the
// range). Each setting goes in staged parts and a commit, which takes effect as a whole or not at all; at the end the
// meter is read again. Two settings are two commits: what was committed before a refusal stays.
//
// Exit codes: 0; 2 wrong use; 3 no such key file; 4 no answer; 5 refused; 6 cancelled; 7 part of it was committed; 9
// the line does not open.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace prewatt::cli {

struct SettingsOptions {
    std::string meter;
    std::string bus;
    int speed = 9600;
    int tries = 3;
    std::string output = "table";
};
struct SettingsShowOptions : SettingsOptions {
    bool all = false;
};
struct SettingsSetOptions : SettingsOptions {
    std::vector<std::string> values;
    std::string file;
    std::string key;
    std::uint32_t operator_number = 0;
    std::uint32_t counter = 0;
    bool dry_run = false;
    bool yes = false;
};
[[nodiscard]] int run(const SettingsShowOptions& options);
[[nodiscard]] int run(const SettingsSetOptions& options);

}  // namespace prewatt::cli
