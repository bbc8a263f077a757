#include "cli/output.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace prewatt::cli {
namespace {

// Letters, not bytes: what follows a byte 80..BF is the same letter. Chinese letters are two columns wide.
std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0xE3)
            width += 2;
        else if ((byte & 0xC0) != 0x80)
            width += 1;
    }
    return width;
}

std::string plain(const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
    if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "yes" : "no";
    return "";
}

std::string as_table(const Table& table) {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        std::size_t width = 0;
        for (const auto& row : table.rows)
            width = std::max(width, width_of(plain(row[c])));
        widths.push_back(width == 0 ? 0 : std::max(width, width_of(table.columns[c].title)));
    }
    std::string out;
    const auto line = [&](const auto& cell_text) {
        std::string row;
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
            if (widths[c] == 0) continue;
            const std::string text = cell_text(c);
            const std::string fill(widths[c] - std::min(widths[c], width_of(text)), ' ');
            row += table.columns[c].right ? fill + text : text + fill;
            row += "  ";
        }
        row.erase(row.find_last_not_of(' ') + 1);
        out += row + '\n';
    };
    line([&](std::size_t c) { return table.columns[c].title; });
    for (const auto& row : table.rows)
        line([&](std::size_t c) { return plain(row[c]); });
    return out;
}

std::string as_csv(const Table& table) {
    std::string out;
    const auto field = [&](const std::string& text, bool last) {
        if (text.find_first_of(",\"\r\n") == std::string::npos) {
            out += text;
        } else {
            out += '"';
            for (char c : text)
                out += c == '"' ? std::string("\"\"") : std::string(1, c);
            out += '"';
        }
        out += last ? "\r\n" : ",";
    };
    for (std::size_t c = 0; c < table.columns.size(); ++c)
        field(table.columns[c].key, c + 1 == table.columns.size());
    for (const auto& row : table.rows)
        for (std::size_t c = 0; c < row.size(); ++c)
            field(plain(row[c]), c + 1 == row.size());
    return out;
}

std::string as_json(const Table& table) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& row : table.rows) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (std::size_t c = 0; c < row.size(); ++c)
            std::visit(
                [&](const auto& value) {
                    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
                        object[table.columns[c].key] = nullptr;
                    else
                        object[table.columns[c].key] = value;
                },
                row[c]);
        list.push_back(std::move(object));
    }
    const nlohmann::ordered_json whole{{"format", 1}, {table.name, std::move(list)}};
    return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::optional<OutputFormat> output_format(std::string_view word) {
    if (word == "table") return OutputFormat::kTable;
    if (word == "json") return OutputFormat::kJson;
    if (word == "csv") return OutputFormat::kCsv;
    return std::nullopt;
}

std::string text_of(const Table& table, OutputFormat format) {
    switch (format) {
        case OutputFormat::kTable:
            return as_table(table);
        case OutputFormat::kJson:
            return as_json(table);
        case OutputFormat::kCsv:
            return as_csv(table);
    }
    return {};
}

void print(const Table& table, OutputFormat format) {
    const std::string text = text_of(table, format);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

std::string decimal(std::int64_t hundredths) {
    const std::uint64_t magnitude =
        hundredths < 0 ? -static_cast<std::uint64_t>(hundredths) : static_cast<std::uint64_t>(hundredths);
    const std::string rest = std::to_string(magnitude % 100);
    return (hundredths < 0 ? "-" : "") + std::to_string(magnitude / 100) + (rest.size() == 1 ? ".0" : ".") + rest;
}

std::string hex_of(const std::uint8_t* bytes, std::size_t size) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (std::size_t k = 0; k < size; ++k) {
        if (k > 0) out += ' ';
        out += digits[bytes[k] >> 4];
        out += digits[bytes[k] & 15];
    }
    return out;
}

int fail(ExitCode exit, std::string_view what, std::string_view what_to_try) {
    std::fflush(stdout);
    std::fprintf(stderr, "prewatt: %.*s\n", static_cast<int>(what.size()), what.data());
    if (!what_to_try.empty())
        std::fprintf(stderr, "Try: %.*s\n", static_cast<int>(what_to_try.size()), what_to_try.data());
    return code(exit);
}

}  // namespace prewatt::cli
