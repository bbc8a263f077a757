// How every verb speaks: data to stdout as a table for people, JSON or CSV for programs; words to stderr.
// JSON: {"format": 1, "NAME": [ {...}, ... ]}. Decimal amounts are strings, so no program reads them as a float.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/exit_code.hpp"

namespace prewatt::cli {

enum class OutputFormat : std::uint8_t { kTable, kJson, kCsv };
[[nodiscard]] std::optional<OutputFormat> output_format(std::string_view word);

using Cell = std::variant<std::monostate, std::string, std::int64_t, bool>;

struct Column {
    std::string key;    // in JSON and CSV
    std::string title;  // in a table
    bool right = false;
};

struct Table {
    std::string name;  // of the list in JSON
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;  // as many cells as columns
};
// The same contents in one of the three shapes. A table for people leaves columns out that are empty in every row.
[[nodiscard]] std::string text_of(const Table& table, OutputFormat format);
void print(const Table& table, OutputFormat format);

// Hundredths as a decimal: -150 is "-1.50".
[[nodiscard]] std::string decimal(std::int64_t hundredths);
[[nodiscard]] std::string hex_of(const std::uint8_t* bytes, std::size_t size);

// "prewatt: WHAT" on stderr, then "Try: TRY" when there is something to try. Gives the exit code back.
int fail(ExitCode exit, std::string_view what, std::string_view what_to_try = {});

}  // namespace prewatt::cli
