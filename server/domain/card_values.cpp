#include "server/domain/card_values.hpp"

#include <algorithm>
#include <charconv>

#include "server/domain/campaigns.hpp"

namespace prewatt::server {
namespace {

constexpr std::size_t kBesideValue = 4;

std::optional<std::uint32_t> number_in(std::string_view& line, std::uint32_t max) {
    const std::size_t end = std::min(line.find(' '), line.size());
    std::uint32_t value = 0;
    const auto [stop, fault] = std::from_chars(line.data(), line.data() + end, value);
    if (fault != std::errc{} || stop != line.data() + end || value > max) return std::nullopt;
    line.remove_prefix(std::min(line.size(), end + 1));
    return value;
}

}  // namespace

std::size_t size_on_card(const CardValue& value) {
    return kBesideValue + value.bytes.size();
}

std::vector<std::uint8_t> bytes_of(const AlarmLevels& levels) {
    std::vector<std::uint8_t> bytes;
    for (const Energy level : {levels.low, levels.cutoff, levels.overdraft}) {
        const auto hundredths = static_cast<std::uint32_t>(in_hundredths(level, Round::kDown));
        for (int shift = 0; shift < 32; shift += 8)
            bytes.push_back(static_cast<std::uint8_t>(hundredths >> shift));
    }
    return bytes;
}

FittedValues fit(std::vector<CardValue> wanted, std::size_t bytes_max) {
    FittedValues fitted;
    std::size_t used = 0;
    for (CardValue& value : wanted) {
        if (used + size_on_card(value) > bytes_max) {
            ++fitted.left;
            continue;
        }
        used += size_on_card(value);
        fitted.values.push_back(std::move(value));
    }
    return fitted;
}

std::string text_of(const std::vector<CardValue>& values) {
    std::string text;
    for (const CardValue& value : values)
        text += std::to_string(value.id) + " " + std::to_string(value.number) + " " + std::to_string(value.index) +
                " " + std::to_string(value.version) + " " + hex_of(value.bytes) + "\n";
    return text;
}

std::optional<std::vector<CardValue>> card_values_of(std::string_view text) {
    std::vector<CardValue> values;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto id = number_in(line, UINT8_MAX);
        const auto number = number_in(line, UINT8_MAX);
        const auto index = number_in(line, UINT8_MAX);
        const auto version = number_in(line, UINT32_MAX);
        if (!id || !number || !index || !version) return std::nullopt;
        auto bytes = bytes_of_hex(line);
        if (!bytes || bytes->empty()) return std::nullopt;
        values.push_back({static_cast<std::uint8_t>(*id), static_cast<std::uint8_t>(*number),
                          static_cast<std::uint8_t>(*index), *version, std::move(*bytes)});
    }
    return values;
}

}  // namespace prewatt::server
