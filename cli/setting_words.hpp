// Settings of a meter by name: "load.milliamperes", "day.1.period.2.at", "price.1.pending.rate.3". The names go over
// the bytes of settings/settings.hpp as docs/formats/settings.md has them; indices count from 1. What a value means for
// the meter is said there; here is only how it is written and within which range.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.hpp"

namespace prewatt::cli {

struct SettingField {
    std::string name;  // without what stands for the setting itself
    std::size_t offset = 0;
    std::size_t width = 0;
    enum class Form : std::uint8_t { kNumber, kChoice, kClock, kMoment, kPrice, kHundredths } form = Form::kNumber;
    std::int64_t low = 0;
    std::int64_t high = 0;
    bool may_be_zero = false;                 // besides low..high
    std::vector<std::string_view> choices{};  // kChoice: by number; empty words are no choices
};

// "plan", "permitted.2", "price.1.pending"
[[nodiscard]] std::string name_of(settings::SettingKey key);
[[nodiscard]] const std::vector<SettingField>& fields_of(settings::SettingId id);
// The key and the field of a full name, for a household's or the box's settings; the error is a sentence.
struct FieldName {
    settings::SettingKey key;
    const SettingField* field = nullptr;
};
[[nodiscard]] std::expected<FieldName, std::string> find_setting(std::string_view name, std::uint8_t household);

[[nodiscard]] std::string text_of(const SettingField& field, Bytes setting);
// Puts the value in. The error is a sentence with the range.
[[nodiscard]] std::expected<void, std::string> put_text(const SettingField& field, std::string_view name,
                                                        std::string_view text, MutableBytes setting);
// "0 or 500 to 100000", "ignore, alarm or cut", "hh:mm"
[[nodiscard]] std::string range_of(const SettingField& field);

// "a.b = 1" of a TOML text as {"a.b", "1"}; the error is a sentence with the line.
[[nodiscard]] std::expected<std::vector<std::pair<std::string, std::string>>, std::string> flatten_toml(
    const std::string& file);

}  // namespace prewatt::cli
