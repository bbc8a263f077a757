#include "cli/meter_name.hpp"

#include <algorithm>

#include "base/bcd.hpp"

namespace prewatt::cli {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    for (char c : text)
        value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

}  // namespace

std::optional<MeterName> parse_meter(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view box = text.substr(0, colon);
    if (colon != std::string_view::npos) {
        const std::string_view household = text.substr(colon + 1);
        if (!is_number(box) || box.size() > 10) return std::nullopt;
        if (household == "all") return MeterName{dlt645::address_of({number(box)}, Household{0}), true};
        if (!is_number(household) || household.size() > 2 || number(household) > kHouseholdsMax) return std::nullopt;
        return MeterName{dlt645::address_of({number(box)}, Household{static_cast<std::uint8_t>(number(household))})};
    }
    if (is_number(box) && box.size() <= 10) return MeterName{dlt645::address_of({number(box)}, Household{0})};
    if (box.size() != 12) return std::nullopt;
    MeterName name;
    for (std::size_t k = 0; k < 6; ++k) {
        const int high = hex_digit(box[2 * k]);
        const int low = hex_digit(box[2 * k + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        name.address.bytes[5 - k] = static_cast<Byte>(high << 4 | low);
    }
    return name;
}

std::string printed(const dlt645::Address& address) {
    std::string out;
    constexpr char digits[] = "0123456789ABCDEF";
    for (std::size_t k = 6; k-- > 0;) {
        out += digits[address.bytes[k] >> 4];
        out += digits[address.bytes[k] & 15];
    }
    return out;
}

std::optional<std::uint64_t> box_of(const dlt645::Address& address) {
    const auto box = get_bcd(Bytes(address.bytes).subspan(1));
    if (!box) return std::nullopt;
    return *box;
}

std::optional<std::vector<Byte>> parse_hex(std::string_view text) {
    std::vector<Byte> out;
    int high = -1;
    for (std::size_t k = 0; k < text.size(); ++k) {
        const char c = text[k];
        const bool prefix = c == '0' && high < 0 && k + 1 < text.size() && (text[k + 1] == 'x' || text[k + 1] == 'X');
        if (prefix) {
            ++k;
            continue;
        }
        const int digit = hex_digit(c);
        if (digit < 0) {
            if (high >= 0 || (c != ' ' && c != ',' && c != '\n' && c != '\r' && c != '\t' && c != ':'))
                return std::nullopt;
            continue;
        }
        if (high < 0) {
            high = digit;
        } else {
            out.push_back(static_cast<Byte>(high << 4 | digit));
            high = -1;
        }
    }
    if (high >= 0) return std::nullopt;
    return out;
}

std::optional<dlt645::DataId> parse_data_id(std::string_view text) {
    if (text.size() != 8) return std::nullopt;
    std::uint32_t value = 0;
    for (char c : text) {
        const int digit = hex_digit(c);
        if (digit < 0) return std::nullopt;
        value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return dlt645::DataId{value};
}

std::string printed(dlt645::DataId id) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (int shift = 28; shift >= 0; shift -= 4)
        out += digits[id.value >> shift & 15];
    return out;
}

}  // namespace prewatt::cli
