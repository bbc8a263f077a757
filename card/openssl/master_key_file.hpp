// The master key of the site, from which each box's keys are made: a file of 32 hexadecimal digits beside the database,
// readable by its owner only. Whoever has it can switch every room; whoever loses it can switch none, so it belongs
// into the backup, apart from the database. Keys come from files only, never from a command line, where every user of
// the machine could read them.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>

#include "card/mac.hpp"

namespace prewatt::card {

struct MasterKey {
    Key key{};
    bool made = false;         // there was none: this one is new
    bool open_to_all = false;  // others may read the file: to be said aloud
};
// The error is a sentence; it never holds a digit of the key.
[[nodiscard]] std::expected<MasterKey, std::string> load_master_key(const std::filesystem::path& file);
// The same; where there is no file one is made with a key from the system's random source. Programs that start at once
// get the same key: the office and a simulated building, say.
[[nodiscard]] std::expected<MasterKey, std::string> load_or_make_master_key(const std::filesystem::path& file);

}  // namespace prewatt::card
