#include "protocols/dlt645/item_text.hpp"

#include <algorithm>
#include <array>

#include "base/bcd.hpp"

namespace prewatt::dlt645 {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr const char* kWeekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr int kSpeeds[] = {0, 600, 1200, 2400, 4800, 9600, 19200, 0};
constexpr std::size_t kDigitsMax = 12;  // of a number in text, without leading zeros

class TextWriter {
  public:
    explicit TextWriter(std::span<char> out) : out_(out) {}
    void put(char c) {
        if (size_ < out_.size()) out_[size_++] = c;
    }
    void put(std::string_view text) {
        for (char c : text)
            put(c);
    }
    void put_byte(Byte byte) {
        put(kHex[byte >> 4]);
        put(kHex[byte & 15]);
    }
    void put_number(std::uint64_t value, std::size_t digits_min = 1) {
        std::array<char, 20> digits{};
        std::size_t count = 0;
        for (; count < digits.size() && (value > 0 || count < digits_min); value /= 10)
            digits[count++] = static_cast<char>('0' + value % 10);
        while (count > 0)
            put(digits[--count]);
    }
    [[nodiscard]] std::string_view text() const { return {out_.data(), size_}; }

  private:
    std::span<char> out_;
    std::size_t size_ = 0;
};

void put_bytes(TextWriter& out, Bytes bytes) {
    for (Byte byte : bytes)
        out.put_byte(byte);
}

void put_phase(TextWriter& out, Byte phase) {
    if (phase == 0xFF) {
        out.put(", all phases");
    } else if (phase == 0) {
        out.put(", total");
    } else {
        out.put(", phase ");
        out.put(static_cast<char>('A' + phase - 1));
    }
}

void put_back(TextWriter& out, std::string_view what, Byte number) {
    out.put(what);
    out.put_number(number);
}

// --- one value ---------------------------------------------------------------------------------------------------

void put_decimal(TextWriter& out, const Part& part, Bytes data) {
    std::array<Byte, 9> digits{};
    std::copy(data.begin(), data.end(), digits.begin());
    Byte& top = digits[data.size() - 1];
    const bool negative = part.format == Format::kSigned && (top & 0x80) != 0;
    if (negative) top = static_cast<Byte>(top & 0x7F);
    const auto value = get_bcd(Bytes(digits).first(data.size()));
    if (!value) {
        out.put('?');
        put_bytes(out, data);
        return;
    }
    if (negative && *value != 0) out.put('-');
    std::uint64_t unit = 1;
    for (int k = 0; k < part.decimals; ++k)
        unit *= 10;
    out.put_number(*value / unit);
    if (part.decimals > 0) {
        out.put('.');
        out.put_number(*value % unit, part.decimals);
    }
    if (part.unit != Unit::kNone) {
        out.put(' ');
        out.put(text_of(part.unit));
    }
}

// Written order: the last byte on the wire is the first pair of the pattern.
void put_time(TextWriter& out, const Part& part, Bytes data) {
    char before = 0;
    for (std::size_t k = 0; k < data.size(); ++k) {
        const char letter = part.pattern[2 * k];
        const Byte byte = data[data.size() - 1 - k];
        if (letter == 'N') {
            out.put(" #");
        } else if (letter == 'm' || letter == 's') {
            out.put(before == 'h' || before == 'm' ? ':' : ' ');
        } else if (before != 0) {
            out.put(letter == 'M' || (letter == 'D' && before == 'M') ? '-' : ' ');
        }
        before = letter;
        if (letter == 'W' && byte < 7) {
            out.put(kWeekdays[byte]);
            continue;
        }
        if (letter == 'Y' && is_bcd(byte) && byte != 0x99) out.put("20");
        out.put_byte(byte);
    }
}

void put_text(TextWriter& out, Bytes data) {
    // Filled in front with 00 or spaces; on the wire that is behind.
    std::size_t size = data.size();
    while (size > 0 && (data[size - 1] == 0 || data[size - 1] == ' '))
        --size;
    out.put('"');
    for (std::size_t k = size; k-- > 0;) {
        const Byte byte = data[k];
        const bool plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
        if (plain) {
            out.put(static_cast<char>(byte));
        } else {
            out.put("\\x");
            out.put_byte(byte);
        }
    }
    out.put('"');
}

void put_bits(TextWriter& out, const Part& part, Bytes data) {
    for (std::size_t k = data.size(); k-- > 0;)
        out.put_byte(data[k]);
    out.put('H');
    if (part.bit_names == nullptr) return;
    bool first = true;
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
        if ((data[bit / 8] >> bit % 8 & 1) == 0 || part.bit_names[bit] == nullptr) continue;
        out.put(first ? " (" : ", ");
        out.put(part.bit_names[bit]);
        first = false;
    }
    if (!first) out.put(')');
}

void put_value(TextWriter& out, const Part& part, Bytes data) {
    if (is_absent(data) && part.format != Format::kBits) {
        out.put('-');
        return;
    }
    switch (part.format) {
        case Format::kUnsigned:
        case Format::kSigned:
            put_decimal(out, part, data);
            break;
        case Format::kDigits:
        case Format::kDataId:
            for (std::size_t k = data.size(); k-- > 0;)
                out.put_byte(data[k]);
            break;
        case Format::kText:
            put_text(out, data);
            break;
        case Format::kTime:
            put_time(out, part, data);
            break;
        case Format::kBits:
            put_bits(out, part, data);
            break;
        case Format::kSpeed: {
            int speed = 0;
            for (int bit = 0; bit < 8; ++bit)
                if (data[0] == 1 << bit) speed = kSpeeds[bit];
            if (speed == 0) {
                out.put('?');
                put_bytes(out, data);
            } else {
                out.put_number(static_cast<std::uint64_t>(speed));
                out.put(" bit/s");
            }
            break;
        }
        case Format::kBytes:
            put_bytes(out, data);
            break;
    }
}

// --- and back ----------------------------------------------------------------------------------------------------

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char upper = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

struct Cursor {
    std::string_view rest;
    [[nodiscard]] bool at(char c) const { return !rest.empty() && rest.front() == c; }
    bool skip(char c) {
        if (!at(c)) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool skip(std::string_view word) {
        if (!rest.starts_with(word)) return false;
        rest.remove_prefix(word.size());
        return true;
    }
    void skip_spaces() {
        while (skip(' ')) {
        }
    }
};
using Done = std::expected<void, TextError>;

Done parse_decimal(Cursor& in, const Part& part, MutableBytes out) {
    const bool negative = in.skip('-');
    if (negative && part.format != Format::kSigned) return std::unexpected(TextError::kRange);
    std::uint64_t value = 0;
    std::size_t digits = 0;
    int decimals = -1;  // -1: before the point
    for (; !in.rest.empty(); in.rest.remove_prefix(1)) {
        const char c = in.rest.front();
        if (c == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (!is_digit(c)) break;
        if (decimals >= part.decimals) return std::unexpected(TextError::kRange);
        if (decimals >= 0) ++decimals;
        value = value * 10 + static_cast<unsigned>(c - '0');
        if (value != 0 && ++digits > kDigitsMax) return std::unexpected(TextError::kRange);
    }
    for (int k = std::max(decimals, 0); k < part.decimals; ++k)
        value *= 10;
    std::uint64_t all = part.format == Format::kSigned ? 8 : 10;
    for (std::size_t k = 1; k < 2 * out.size(); ++k)
        all *= 10;
    if (value >= all) return std::unexpected(TextError::kRange);
    put_bcd(out, value);
    if (negative && value != 0) out.back() = static_cast<Byte>(out.back() | 0x80);
    in.skip_spaces();
    if (part.unit != Unit::kNone) in.skip(text_of(part.unit));
    return {};
}

// Exactly two hex digits for each byte of `out`, last byte on the wire first.
Done parse_pairs(Cursor& in, MutableBytes out) {
    for (std::size_t k = out.size(); k-- > 0;) {
        if (in.rest.size() < 2) return std::unexpected(TextError::kSyntax);
        const int high = hex_digit(in.rest[0]);
        const int low = hex_digit(in.rest[1]);
        if (high < 0 || low < 0) return std::unexpected(TextError::kSyntax);
        out[k] = static_cast<Byte>(high << 4 | low);
        in.rest.remove_prefix(2);
    }
    return {};
}

Done parse_time(Cursor& in, const Part& part, MutableBytes out) {
    for (std::size_t k = 0; k < out.size(); ++k) {
        const char letter = part.pattern[2 * k];
        Byte& byte = out[out.size() - 1 - k];
        while (in.at(' ') || in.at('-') || in.at(':') || in.at('#'))
            in.rest.remove_prefix(1);
        if (letter == 'W') {
            const auto* day = std::find_if(std::begin(kWeekdays), std::end(kWeekdays),
                                           [&](const char* name) { return in.skip(name); });
            if (day != std::end(kWeekdays)) {
                byte = static_cast<Byte>(day - std::begin(kWeekdays));
                continue;
            }
        }
        if (letter == 'Y' && in.rest.size() >= 4 && is_digit(in.rest[2]) && is_digit(in.rest[3])) in.skip("20");
        if (auto done = parse_pairs(in, {&byte, 1}); !done) return done;
    }
    return {};
}

Done parse_text(Cursor& in, MutableBytes out) {
    const bool quoted = in.skip('"');
    std::array<Byte, kDataSizeMax> characters{};
    std::size_t count = 0;
    while (!in.rest.empty() && !(quoted && in.at('"'))) {
        if (count == out.size()) return std::unexpected(TextError::kRange);
        Byte& byte = characters[count++];
        if (in.skip("\\x")) {
            if (auto done = parse_pairs(in, {&byte, 1}); !done) return done;
        } else {
            byte = static_cast<Byte>(in.rest.front());
            in.rest.remove_prefix(1);
        }
    }
    if (quoted && !in.skip('"')) return std::unexpected(TextError::kSyntax);
    std::fill(out.begin(), out.end(), Byte{0});
    std::reverse_copy(characters.begin(), characters.begin() + static_cast<std::ptrdiff_t>(count), out.begin());
    return {};
}

Done parse_one(Cursor& in, const Part& part, MutableBytes out) {
    const bool negative_number = in.rest.size() > 1 && is_digit(in.rest[1]);
    if (in.at('-') && !negative_number && part.format != Format::kText) {
        in.skip('-');
        std::fill(out.begin(), out.end(), Byte{0xFF});
        return {};
    }
    if (in.rest.empty() && part.format != Format::kText) return std::unexpected(TextError::kSyntax);
    switch (part.format) {
        case Format::kUnsigned:
        case Format::kSigned: {
            if (!is_digit(in.rest.front()) && !negative_number) return std::unexpected(TextError::kSyntax);
            return parse_decimal(in, part, out);
        }
        case Format::kDigits: {
            if (auto done = parse_pairs(in, out); !done) return done;
            return is_bcd(out) ? Done{} : std::unexpected(TextError::kSyntax);
        }
        case Format::kDataId:
            return parse_pairs(in, out);
        case Format::kText:
            return parse_text(in, out);
        case Format::kTime:
            return parse_time(in, part, out);
        case Format::kBits: {
            if (auto done = parse_pairs(in, out); !done) return done;
            in.skip('H');
            in.skip_spaces();
            if (in.skip('(')) {
                const std::size_t end = in.rest.find(')');
                if (end == std::string_view::npos) return std::unexpected(TextError::kSyntax);
                in.rest.remove_prefix(end + 1);
            }
            return {};
        }
        case Format::kSpeed: {
            int speed = 0;
            while (!in.rest.empty() && is_digit(in.rest.front()) && speed < 100'000) {
                speed = speed * 10 + (in.rest.front() - '0');
                in.rest.remove_prefix(1);
            }
            in.skip_spaces();
            in.skip("bit/s");
            for (int bit = 1; bit < 7; ++bit) {
                if (kSpeeds[bit] != speed) continue;
                out[0] = static_cast<Byte>(1 << bit);
                return {};
            }
            return std::unexpected(TextError::kRange);
        }
        case Format::kBytes:
            break;
    }
    return std::unexpected(TextError::kNoFormat);
}

}  // namespace

std::string_view text_of(Unit unit) {
    switch (unit) {
        case Unit::kNone:
            return "";
        case Unit::kKilowattHour:
            return "kWh";
        case Unit::kKilovarHour:
            return "kvarh";
        case Unit::kKilovoltAmpereHour:
            return "kVAh";
        case Unit::kKilowatt:
            return "kW";
        case Unit::kKilovar:
            return "kvar";
        case Unit::kKilovoltAmpere:
            return "kVA";
        case Unit::kVolt:
            return "V";
        case Unit::kAmpere:
            return "A";
        case Unit::kAmpereHour:
            return "Ah";
        case Unit::kHertz:
            return "Hz";
        case Unit::kDegree:
            return "deg";
        case Unit::kPercent:
            return "%";
        case Unit::kCelsius:
            return "degC";
        case Unit::kSecond:
            return "s";
        case Unit::kMillisecond:
            return "ms";
        case Unit::kMinute:
            return "min";
        case Unit::kYuan:
            return "yuan";
        case Unit::kYuanPerKilowattHour:
            return "yuan/kWh";
        case Unit::kPulsesPerKilowattHour:
            return "imp/kWh";
        case Unit::kPulsesPerKilovarHour:
            return "imp/kvarh";
    }
    return "";
}

std::string_view describe(const Item& item, DataId id, std::span<char> out) {
    TextWriter text(out);
    text.put(item.name);
    const bool all_rows = item.is_block(id) && id.di0() == 0xFF;
    switch (item.places) {
        case Places::kNone:
            break;
        case Places::kTariffSettlement:
            if (id.di1() == 0xFF) {
                text.put(", total and tariffs");
            } else if (id.di1() != 0) {
                put_back(text, ", tariff ", id.di1());
            } else {
                text.put(", total");
            }
            if (id.di0() == 0xFF) {
                text.put(", present and settlements");
            } else if (id.di0() != 0) {
                put_back(text, ", settlement ", id.di0());
                text.put(" back");
            }
            break;
        case Places::kPhase:
            put_phase(text, id.di1());
            break;
        case Places::kPhaseOrder:
            put_phase(text, id.di1());
            if (all_rows) {
                text.put(", all orders");
            } else {
                put_back(text, ", order ", id.di0());
            }
            break;
        case Places::kPhaseRecord:
            put_phase(text, id.di1());
            put_back(text, ", record ", id.di0());
            break;
        case Places::kRecord:
            put_back(text, ", record ", id.di0());
            break;
        case Places::kMonth:
            put_phase(text, id.di1());
            put_back(text, ", months back ", id.di0());
            break;
        case Places::kNumber:
            if (all_rows) {
                text.put(", all");
            } else {
                put_back(text, " ", id.di0());
            }
            break;
    }
    return text.text();
}

std::string_view format_value(const Item& item, DataId id, Bytes data, std::span<char> out) {
    TextWriter text(out);
    if (!item.fits(id, data.size())) {
        text.put('?');
        put_bytes(text, data);
        return text.text();
    }
    if (item.size() == 0) {
        put_bytes(text, data);
        return text.text();
    }
    bool first = true;
    while (!data.empty()) {
        if (!first) text.put(", ");
        first = true;
        for (const Part& part : item.parts) {
            if (!first) text.put(' ');
            first = false;
            if (part.label != nullptr) {
                text.put(part.label);
                text.put(' ');
            }
            for (int k = 0; k < part.times; ++k) {
                if (k > 0) text.put(' ');
                put_value(text, part, data.first(part.size));
                data = data.subspan(part.size);
            }
        }
    }
    return text.text();
}

std::expected<std::size_t, TextError> parse_value(const Item& item, DataId id, std::string_view text,
                                                  MutableBytes out) {
    const std::size_t one_value = item.size();
    if (one_value == 0) return std::unexpected(TextError::kNoFormat);
    const bool many = item.is_list || item.is_block(id);
    Cursor in{text};
    std::size_t size = 0;
    do {
        if (out.size() - size < one_value) return std::unexpected(TextError::kTooLong);
        for (const Part& part : item.parts) {
            in.skip_spaces();
            if (part.label != nullptr && in.skip(part.label)) in.skip_spaces();
            for (int k = 0; k < part.times; ++k) {
                in.skip_spaces();
                if (auto done = parse_one(in, part, out.subspan(size, part.size)); !done)
                    return std::unexpected(done.error());
                size += part.size;
            }
        }
        in.skip_spaces();
    } while (many && in.skip(','));
    if (!in.rest.empty()) return std::unexpected(TextError::kSyntax);
    return size;
}

}  // namespace prewatt::dlt645
