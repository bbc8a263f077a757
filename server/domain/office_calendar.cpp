#include "server/domain/office_calendar.hpp"

#include <cstdio>

namespace prewatt::server {
namespace {

// The next `digits` digits of the text; nothing: it is written otherwise.
std::optional<int> take(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}
bool take_sign(std::string_view& text, std::string_view signs) {
    if (text.empty() || signs.find(text.front()) == signs.npos) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<OfficePeriod> period_of(std::string_view text) {
    CivilTime begin;
    const auto year = take(text, 4);
    if (!year || !take_sign(text, "-")) return std::nullopt;
    const auto month = take(text, 2);
    if (!month) return std::nullopt;
    begin.year = static_cast<std::uint16_t>(*year);
    begin.month = static_cast<std::uint8_t>(*month);
    if (!is_valid(begin)) return std::nullopt;
    if (text.empty()) {
        const OfficeMonth whole{*year, *month};
        return OfficePeriod{whole.begin(), whole.end()};
    }
    if (!take_sign(text, "-")) return std::nullopt;
    const auto day = take(text, 2);
    if (!day) return std::nullopt;
    begin.day = static_cast<std::uint8_t>(*day);
    std::int64_t width_ms = kDay_ms;
    if (!text.empty()) {
        if (!take_sign(text, "T ")) return std::nullopt;
        const auto hour = take(text, 2);
        if (!hour) return std::nullopt;
        begin.hour = static_cast<std::uint8_t>(*hour);
        width_ms = kHour_ms;
        if (!text.empty() && text != ":00") return std::nullopt;
    }
    if (!is_valid(begin)) return std::nullopt;
    const UnixTime from = time_in_office(begin);
    return OfficePeriod{from, UnixTime{from.ms + width_ms}};
}

std::string text_of(OfficeMonth month) {
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02d", month.year, month.month);
    return text;
}

std::string text_of(UnixTime t) {
    if (!is_in_calendar(t)) return "never";
    const CivilTime c = civil_in_office(t);
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", c.year, c.month, c.day, c.hour, c.minute);
    return text;
}

}  // namespace prewatt::server
