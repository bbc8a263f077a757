// The master key of a site in a file: 32 hexadecimal digits, readable by its owner only. The simulated building and the
// office read the same file.
#pragma once
#include <expected>
#include <filesystem>
#include <string>

#include "card/mac.hpp"

namespace prewatt::sim {

struct MasterKey {
    card::Key key{};
    bool made = false;  // there was none: this one is new
};
// Reads the file, or makes it with a key from the operating system's random source and the rights 0600. Two programs
// that start at once get the same key. The error is a sentence; it never holds a digit of the key.
[[nodiscard]] std::expected<MasterKey, std::string> load_or_make_master_key(const std::filesystem::path& file);

}  // namespace prewatt::sim
