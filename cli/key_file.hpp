// The master key of a site from its file: 32 hexadecimal digits. Keys come from files and never from the command line,
// where every user of the machine could read them. `prewatt meter` makes such a file (sim/master_key.hpp).
#pragma once
#include <expected>
#include <filesystem>
#include <fstream>
#include <string>

#include "card/mac.hpp"
#include "cli/meter_name.hpp"

namespace prewatt::cli {

// The error is a sentence without a digit of the key.
[[nodiscard]] inline std::expected<card::Key, std::string> load_key(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string text;
    if (!in || !std::getline(in, text)) return std::unexpected("the key file " + file.string() + " cannot be read");
    const auto bytes = parse_hex(text);
    card::Key key{};
    if (!bytes || bytes->size() != key.size())
        return std::unexpected("the key file " + file.string() + " does not hold 32 hexadecimal digits");
    std::copy(bytes->begin(), bytes->end(), key.begin());
    return key;
}

}  // namespace prewatt::cli
