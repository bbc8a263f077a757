#include "cli/setting_words.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <sstream>

namespace prewatt::cli {
namespace {

using settings::SettingId;
using settings::SettingKey;
using Form = SettingField::Form;

struct Name {
    SettingId id;
    const char* word;
    bool of_household;
    int count;
};
constexpr Name kNames[] = {
    {SettingId::kHouseholdPlan, "plan", true, 1},
    {SettingId::kLoadLimit, "load", true, 1},
    {SettingId::kPermittedAppliance, "permitted", true, settings::kPermittedPerHousehold},
    {SettingId::kHoardingLimit, "hoarding", true, 1},
    {SettingId::kGeneral, "general", false, 1},
    {SettingId::kMalignantProfile, "malignant", false, settings::kMalignantProfiles},
    {SettingId::kDayTable, "day", false, settings::kDayTables},
    {SettingId::kWeekPlan, "week", false, settings::kWeekPlans},
    {SettingId::kHolidayPage, "holidays", false, settings::kHolidayPages},
    {SettingId::kPriceSet, "price", false, 2 * settings::kPricePlans},
};

class List {
  public:
    List& number(std::string name, std::size_t width, std::int64_t low, std::int64_t high, bool or_zero = false) {
        return add({std::move(name), 0, width, Form::kNumber, low, high, or_zero, {}});
    }
    List& choice(std::string name, std::vector<std::string_view> words) {
        return add(
            {std::move(name), 0, 1, Form::kChoice, 0, static_cast<std::int64_t>(words.size()) - 1, false, words});
    }
    List& form(std::string name, std::size_t width, Form form, std::int64_t low, std::int64_t high) {
        return add({std::move(name), 0, width, form, low, high, false, {}});
    }
    [[nodiscard]] std::vector<SettingField> take() { return std::move(fields_); }

  private:
    List& add(SettingField field) {
        field.offset = size_;
        size_ += field.width;
        fields_.push_back(std::move(field));
        return *this;
    }
    std::vector<SettingField> fields_;
    std::size_t size_ = 0;
};

const std::vector<std::string_view> kActions{"ignore", "alarm", "cut"};
const std::vector<std::string_view> kNoYes{"no", "yes"};
constexpr std::int64_t kMinutes = 24 * 60 - 1;
constexpr std::int64_t kPriceMax = 1'000'000;

std::string nth(const char* what, int n, const char* field = nullptr) {
    return std::string(what) + "." + std::to_string(n) + (field != nullptr ? std::string(".") + field : "");
}

std::vector<SettingField> make_fields(SettingId id) {
    List list;
    switch (id) {
        case SettingId::kHouseholdPlan:
            list.number("malignant_profile", 1, 0, settings::kMalignantProfiles)
                .number("week_plan", 1, 0, settings::kWeekPlans)
                .number("price_plan", 1, 1, settings::kPricePlans)
                .choice("unit", {"energy", "money"})
                .number("limited_watts", 2, 50, 20'000);
            break;
        case SettingId::kLoadLimit:
            list.number("milliamperes", 4, 500, 100'000, true)
                .number("delay_seconds", 1, 1, 255)
                .number("gross_percent", 2, 110, 1000, true)
                .number("restore_seconds", 2, 10, 3600)
                .number("cuts_max", 1, 1, 99)
                .number("forget_hours", 1, 1, 255);
            break;
        case SettingId::kPermittedAppliance:
            list.number("conductance_microsiemens", 4, 0, 10'000'000)
                .number("tolerance_percent", 1, 1, 20)
                .number("residual_thousandths_max", 2, 0, 1000)
                .form("until", 4, Form::kMoment, 0, UINT32_MAX);
            break;
        case SettingId::kHoardingLimit:
            list.form("limit", 4, Form::kHundredths, 0, settings::kHoardingMax);
            break;
        case SettingId::kGeneral:
            list.number("refresh_minutes_min", 1, 8, 15)
                .number("refresh_minutes_max", 1, 8, 15)
                .choice("profile_minutes",
                        {"", "", "", "", "", "", "", "", "", "",   "", "", "", "", "", "15", "", "", "",  "", "",
                         "", "", "", "", "", "", "", "", "", "30", "", "", "", "", "", "",   "", "", "",  "", "",
                         "", "", "", "", "", "", "", "", "", "",   "", "", "", "", "", "",   "", "", "60"})
                .number("freeze_day", 1, 1, 28)
                .number("freeze_hour", 1, 0, 23)
                .number("page_seconds", 1, 1, 20)
                .number("pulse_width_ms", 2, 30, 100);
            break;
        case SettingId::kMalignantProfile:
            for (int n = 1; n <= settings::kMalignantWindows; ++n)
                list.number(nth("window", n, "from_watts"), 2, 0, 65'535)
                    .number(nth("window", n, "to_watts"), 2, 0, 65'535)
                    .number(nth("window", n, "power_factor_thousandths"), 2, 900, 999, true)
                    .choice(nth("window", n, "action"), kActions);
            list.choice("half_wave", kActions)
                .choice("phase_cut", kActions)
                .choice("step_by_step", kActions)
                .number("evasion_watts", 2, 30, 20'000)
                .number("step_by_step_minutes", 2, 1, 240)
                .number("restore_seconds", 2, 10, 3600)
                .choice("restore_backs_off", kNoYes)
                .number("restores_per_day", 1, 0, 99);
            break;
        case SettingId::kDayTable:
            list.number("count", 1, 1, settings::kPeriodsPerDay);
            for (int n = 1; n <= settings::kPeriodsPerDay; ++n)
                list.form(nth("period", n, "at"), 2, Form::kClock, 0, kMinutes)
                    .number(nth("period", n, "rate"), 1, 1, settings::kRates)
                    .choice(nth("period", n, "mode"), {"on", "off", "limited"});
            break;
        case SettingId::kWeekPlan:
            for (const char* day : {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"})
                list.number(day, 1, 1, settings::kDayTables);
            list.number("warning_minutes", 1, 0, 120)
                .form("no_cut_from", 2, Form::kClock, 0, kMinutes)
                .form("no_cut_to", 2, Form::kClock, 0, kMinutes);
            break;
        case SettingId::kHolidayPage:
            for (int n = 1; n <= settings::kHolidaysPerPage; ++n)
                list.number(nth("day", n, "year"), 1, 0, 99)
                    .number(nth("day", n, "month"), 1, 0, 12)
                    .number(nth("day", n, "day"), 1, 0, 31)
                    .number(nth("day", n, "table"), 1, 1, settings::kDayTables);
            break;
        case SettingId::kPriceSet:
            list.form("valid_from", 4, Form::kMoment, 0, UINT32_MAX);
            for (int n = 1; n <= settings::kRates; ++n)
                list.form(nth("rate", n), 4, Form::kPrice, 0, kPriceMax);
            list.number("steps", 1, 1, settings::kPriceSteps);
            for (int n = 1; n < settings::kPriceSteps; ++n)
                list.form(nth("step_limit", n), 4, Form::kHundredths, 0, 100'000'000);
            for (int n = 1; n <= settings::kPriceSteps; ++n)
                list.form(nth("step_price", n), 3, Form::kPrice, 0, kPriceMax);
            break;
    }
    return list.take();
}

std::int64_t raw(const SettingField& field, Bytes setting) {
    ByteReader reader(setting.subspan(field.offset));
    return static_cast<std::int64_t>(reader.get_le(field.width));
}

std::string decimals(std::int64_t value, std::int64_t unit, int digits) {
    std::string rest = std::to_string(value % unit);
    rest.insert(0, static_cast<std::size_t>(digits) - rest.size(), '0');
    return std::to_string(value / unit) + "." + rest;
}
std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}
std::optional<std::int64_t> decimal_value(std::string_view text, int digits) {
    const std::size_t point = text.find('.');
    std::string number(text.substr(0, point));
    std::string rest = point == std::string_view::npos ? "" : std::string(text.substr(point + 1));
    if (number.empty() || rest.size() > static_cast<std::size_t>(digits) || number.size() > 12) return std::nullopt;
    rest.resize(static_cast<std::size_t>(digits), '0');
    return whole(number + rest);
}
std::optional<std::int64_t> moment_value(std::string_view text) {
    if (text == "never") return 0;
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    char rest = 0;
    const std::string copy(text);
    const int got = std::sscanf(copy.c_str(), "%4u-%2u-%2u%*[ T]%2u:%2u:%2u%c", &year, &month, &day, &hour, &minute,
                                &second, &rest);
    const int date = std::sscanf(copy.c_str(), "%4u-%2u-%2u%c", &year, &month, &day, &rest);
    if (got != 6 && got != 5 && date != 3) return std::nullopt;
    const CivilTime t{static_cast<std::uint16_t>(year),  static_cast<std::uint8_t>(month),
                      static_cast<std::uint8_t>(day),    static_cast<std::uint8_t>(hour),
                      static_cast<std::uint8_t>(minute), static_cast<std::uint8_t>(second)};
    if (!is_valid(t)) return std::nullopt;
    return to_seconds(t);
}
std::string moment_text(std::int64_t seconds) {
    if (seconds == 0) return "never";
    const CivilTime t = to_civil(static_cast<CivilSeconds>(seconds));
    char text[32];
    std::snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", unsigned{t.year}, unsigned{t.month},
                  unsigned{t.day}, unsigned{t.hour}, unsigned{t.minute}, unsigned{t.second});
    return text;
}

std::optional<std::int64_t> parse(const SettingField& field, std::string_view text) {
    switch (field.form) {
        case Form::kNumber:
            return whole(text);
        case Form::kChoice:
            for (std::size_t k = 0; k < field.choices.size(); ++k)
                if (!field.choices[k].empty() && field.choices[k] == text) return static_cast<std::int64_t>(k);
            if (field.choices[0] == "no" && (text == "true" || text == "false")) return text == "true" ? 1 : 0;
            return std::nullopt;
        case Form::kClock: {
            const std::size_t colon = text.find(':');
            if (colon == std::string_view::npos) return std::nullopt;
            const auto hour = whole(text.substr(0, colon));
            const auto minute = whole(text.substr(colon + 1));
            if (!hour || !minute || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59) return std::nullopt;
            return *hour * 60 + *minute;
        }
        case Form::kMoment:
            return moment_value(text);
        case Form::kPrice:
            return decimal_value(text, 4);
        case Form::kHundredths:
            return decimal_value(text, 2);
    }
    return std::nullopt;
}

// "a.2.b" from "malignant.2.window.1.action"; nothing when `name` does not begin with `word`.
std::optional<std::string_view> behind(std::string_view name, std::string_view word) {
    if (!name.starts_with(word)) return std::nullopt;
    name.remove_prefix(word.size());
    if (!name.starts_with('.')) return std::nullopt;
    return name.substr(1);
}

void flatten(const toml::table& table, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
        if (const auto* inner = node.as_table()) {
            flatten(*inner, name, out);
        } else if (const auto text = node.value_exact<std::string>()) {
            out.emplace_back(name, *text);
        } else if (const auto number = node.value_exact<double>()) {
            // As it was typed: no setting has more than 15 digits.
            char digits[32];
            std::snprintf(digits, sizeof digits, "%.15g", *number);
            out.emplace_back(name, digits);
        } else {
            std::ostringstream written;
            written << toml::node_view<const toml::node>(node);
            out.emplace_back(name, written.str());
        }
    }
}

}  // namespace

const std::vector<SettingField>& fields_of(SettingId id) {
    static const std::map<SettingId, std::vector<SettingField>> all = [] {
        std::map<SettingId, std::vector<SettingField>> made;
        for (const Name& name : kNames)
            made[name.id] = make_fields(name.id);
        return made;
    }();
    return all.at(id);
}

std::string name_of(SettingKey key) {
    if (key.id == SettingId::kPriceSet)
        return "price." + std::to_string(key.index / 2 + 1) + (key.index % 2 == 0 ? ".present" : ".pending");
    for (const Name& name : kNames)
        if (name.id == key.id) return name.count == 1 ? name.word : nth(name.word, key.index + 1);
    return "?";
}

std::expected<FieldName, std::string> find_setting(std::string_view name, std::uint8_t household) {
    for (const Name& setting : kNames) {
        for (int k = 0; k < setting.count; ++k) {
            const SettingKey key{setting.id, setting.of_household ? household : std::uint8_t{0},
                                 static_cast<std::uint8_t>(k)};
            const auto rest = behind(name, name_of(key));
            if (!rest) continue;
            for (const SettingField& field : fields_of(setting.id)) {
                if (field.name != *rest) continue;
                if (setting.of_household == (household != 0)) return FieldName{key, &field};
                return std::unexpected(std::string(name) + " is a setting of " +
                                       (setting.of_household ? "a household: BOX:HOUSEHOLD" : "the box: BOX alone"));
            }
            std::string known;
            for (const SettingField& field : fields_of(setting.id))
                if (known.size() < 160) known += (known.empty() ? "" : ", ") + field.name;
            return std::unexpected("'" + std::string(name) + "' is no setting; " + name_of(key) + " has " + known);
        }
    }
    return std::unexpected("'" + std::string(name) +
                           "' is no setting; a household has plan, load and permitted.1 to .4, a box has general, "
                           "malignant.1 to .4, day.1 to .8, week.1 to .4, holidays.1 to .4, price.1.present ...");
}

std::string text_of(const SettingField& field, Bytes setting) {
    const std::int64_t value = raw(field, setting);
    switch (field.form) {
        case Form::kChoice: {
            const auto k = static_cast<std::size_t>(value);
            return k < field.choices.size() && !field.choices[k].empty() ? std::string(field.choices[k])
                                                                         : std::to_string(value);
        }
        case Form::kClock: {
            char text[8];
            std::snprintf(text, sizeof text, "%02d:%02d", static_cast<int>(value / 60 % 100),
                          static_cast<int>(value % 60));
            return text;
        }
        case Form::kMoment:
            return moment_text(value);
        case Form::kPrice:
            return decimals(value, 10'000, 4);
        case Form::kHundredths:
            return decimals(value, 100, 2);
        case Form::kNumber:
            break;
    }
    return std::to_string(value);
}

std::string range_of(const SettingField& field) {
    switch (field.form) {
        case Form::kChoice: {
            std::vector<std::string_view> words;
            for (const std::string_view word : field.choices)
                if (!word.empty()) words.push_back(word);
            std::string text;
            for (std::size_t k = 0; k < words.size(); ++k)
                text += std::string(k == 0 ? "" : k + 1 == words.size() ? " or " : ", ") + std::string(words[k]);
            return text;
        }
        case Form::kClock:
            return "00:00 to 23:59";
        case Form::kMoment:
            return "never, or as in 2026-11-22 16:59:30";
        case Form::kPrice:
            return decimals(field.low, 10'000, 4) + " to " + decimals(field.high, 10'000, 4) + " yuan/kWh";
        case Form::kHundredths:
            return decimals(field.low, 100, 2) + " to " + decimals(field.high, 100, 2) + " kWh";
        case Form::kNumber:
            break;
    }
    return (field.may_be_zero ? "0 or " : "") + std::to_string(field.low) + " to " + std::to_string(field.high);
}

std::expected<void, std::string> put_text(const SettingField& field, std::string_view name, std::string_view text,
                                          MutableBytes setting) {
    const auto value = parse(field, text);
    const bool good = value && ((*value >= field.low && *value <= field.high) || (field.may_be_zero && *value == 0));
    if (!good)
        return std::unexpected(std::string(name) + " is " + range_of(field) + ", not '" + std::string(text) + "'");
    ByteWriter writer(setting.subspan(field.offset));
    writer.put_le(static_cast<std::uint64_t>(*value), field.width);
    return {};
}

std::expected<std::vector<std::pair<std::string, std::string>>, std::string> flatten_toml(const std::string& file) {
    try {
        std::vector<std::pair<std::string, std::string>> out;
        flatten(toml::parse_file(file), "", out);
        return out;
    } catch (const toml::parse_error& error) {
        return std::unexpected(file + ", line " + std::to_string(error.source().begin.line) + ": " +
                               std::string(error.description()));
    }
}

}  // namespace prewatt::cli
