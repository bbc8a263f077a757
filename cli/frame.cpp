#include "cli/frame.hpp"

#include <array>
#include <charconv>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/bcd.hpp"
#include "base/civil_time.hpp"
#include "base/crc.hpp"
#include "card/openssl/master_key_file.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "cli/bus_client.hpp"
#include "cli/frame_words.hpp"
#include "cli/meter_name.hpp"
#include "cli/output.hpp"
#include "protocols/dlt645/item.hpp"
#include "protocols/dlt645/item_text.hpp"

namespace prewatt::cli {
namespace {

using dlt645::DataId;
using dlt645::Frame;
using dlt645::Function;

nlohmann::ordered_json as_json(const Words& words) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [name, text] : words) {
        std::string key = name;
        for (char& c : key)
            if (c == ' ') c = '_';
        object[key] = text;
    }
    return object;
}

std::string as_lines(const Words& words) {
    std::size_t width = 0;
    for (const auto& [name, text] : words)
        width = std::max(width, name.size());
    std::string out;
    for (const auto& [name, text] : words)
        out += name + std::string(width - name.size() + 2, ' ') + text + '\n';
    return out;
}

// --- encode ------------------------------------------------------------------------------------------------------

struct Asked {
    dlt645::Control control;
    std::vector<Byte> data;
};
using Built = std::expected<Asked, std::string>;
using Arguments = std::span<const std::string>;

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}
// "1234.56" in hundredths.
std::optional<std::int64_t> hundredths(std::string_view text) {
    const std::size_t point = text.find('.');
    std::string digits(text.substr(0, point));
    std::string rest = point == std::string_view::npos ? "" : std::string(text.substr(point + 1));
    if (rest.size() > 2 || digits.empty() || digits.size() > 15 || (point != std::string_view::npos && rest.empty()))
        return std::nullopt;
    rest.resize(2, '0');
    return whole_number<std::int64_t>(digits + rest);
}
// Pairs of digits of `text`, last first, as on the wire; other characters separate. A year may have four digits.
std::optional<std::vector<Byte>> time_bytes(std::string_view text, std::size_t count) {
    std::string digits;
    for (char c : text) {
        if (c >= '0' && c <= '9')
            digits += c;
        else if (c != '-' && c != ':' && c != ' ' && c != 'T')
            return std::nullopt;
    }
    if (digits.size() == 2 * count + 2 && digits.starts_with("20")) digits.erase(0, 2);
    if (digits.size() != 2 * count) return std::nullopt;
    std::vector<Byte> out;
    for (std::size_t k = count; k-- > 0;)
        out.push_back(static_cast<Byte>((digits[2 * k] - '0') << 4 | (digits[2 * k + 1] - '0')));
    return out;
}
void put(std::vector<Byte>& out, DataId id) {
    for (int shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<Byte>(id.value >> shift));
}
void put(std::vector<Byte>& out, const std::vector<Byte>& bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::expected<DataId, std::string> item_argument(Arguments arguments) {
    if (arguments.empty()) return std::unexpected("which item? Eight hexadecimal digits, as in 00010000");
    const auto id = parse_data_id(arguments[0]);
    if (!id)
        return std::unexpected("'" + arguments[0] +
                               "' is no data identifier: eight hexadecimal digits, as in 00010000");
    return *id;
}

// The bytes of an item's value from text, or from 'hex:..' as they are.
std::expected<std::vector<Byte>, std::string> value_argument(DataId id, Arguments arguments) {
    std::string text;
    for (const std::string& argument : arguments)
        text += (text.empty() ? "" : " ") + argument;
    if (text.starts_with("hex:")) {
        const auto bytes = parse_hex(std::string_view(text).substr(4));
        if (!bytes || bytes->size() > dlt645::kDataSizeMax - 4) return std::unexpected("'" + text + "' are no bytes");
        return *bytes;
    }
    const dlt645::Item* item = dlt645::find_item(id);
    if (item == nullptr)
        return std::unexpected("item " + printed(id) + " is not in the table: give its bytes as hex:..");
    std::array<Byte, dlt645::kDataSizeMax - 4> bytes{};
    const auto size = parse_value(*item, id, text, bytes);
    if (size) return std::vector<Byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*size));
    const std::string what = "'" + text + "' is no value of " + printed(id) + " (" + item->name + ")";
    switch (size.error()) {
        case dlt645::TextError::kRange:
            return std::unexpected(what + ": more digits than the item has");
        case dlt645::TextError::kNoFormat:
            return std::unexpected(what + ": give its bytes as hex:..");
        case dlt645::TextError::kTooLong:
            return std::unexpected(what + ": too long for one frame");
        case dlt645::TextError::kSyntax:
            break;
    }
    return std::unexpected(what);
}

// level:digits and the operator, eight bytes.
std::expected<std::vector<Byte>, std::string> password_bytes(const FrameEncodeOptions& options) {
    const std::string& text = options.password;
    const auto level = parse_hex(text.substr(0, 2));
    const auto digits = text.size() == 9 && text[2] == ':' ? parse_hex(text.substr(3)) : std::nullopt;
    if (!level || !digits || !is_bcd(*digits)) return std::unexpected("--password is level:digits, as in 02:123456");
    const auto who =
        options.operator_number.empty() ? std::optional(std::vector<Byte>(4)) : parse_hex(options.operator_number);
    if (!who || who->size() != 4) return std::unexpected("--operator is eight hexadecimal digits, as in 11223344");
    std::vector<Byte> out{(*level)[0]};
    out.insert(out.end(), digits->rbegin(), digits->rend());
    out.insert(out.end(), who->rbegin(), who->rend());
    return out;
}

// stage and commit: a setting by the two hexadecimal digits of docs/formats/settings.md.
std::expected<card::Command, std::string> setting_command(const std::string& what, Arguments arguments) {
    const auto id = arguments.size() >= 3 ? parse_hex(arguments[0]) : std::nullopt;
    const auto index = arguments.size() >= 3 ? whole_number<std::uint8_t>(arguments[1]) : std::nullopt;
    const auto bytes = arguments.size() >= 3 ? parse_hex(arguments.back()) : std::nullopt;
    const bool good = id && id->size() == 1 && index && bytes && !bytes->empty();
    if (what == "stage") {
        const auto offset = arguments.size() == 4 ? whole_number<std::uint8_t>(arguments[2]) : std::nullopt;
        if (!good || !offset || bytes->size() > card::kSettingPartMax)
            return std::unexpected("stage SETTING INDEX OFFSET BYTES (at most 12), as in: stage 02 0 0 803e00000a");
        card::StageSetting stage;
        stage.setting = static_cast<settings::SettingId>((*id)[0]);
        stage.index = *index;
        stage.offset = *offset;
        for (const Byte byte : *bytes)
            stage.part.push_back(byte);
        return stage;
    }
    if (!good || arguments.size() != 3 || bytes->size() > settings::kSettingBytesMax)
        return std::unexpected(
            "commit SETTING INDEX BYTES (all of the setting), as in: commit 02 0 803e00000a2c013c000618");
    return card::CommitSetting{static_cast<settings::SettingId>((*id)[0]), *index,
                               static_cast<std::uint8_t>(bytes->size()), crc32(*bytes)};
}

std::expected<card::Command, std::string> sealed_command(const std::string& what, Arguments arguments) {
    const auto want = [&](std::size_t n) { return arguments.size() == n; };
    if (what == "ticket") {
        if (want(3)) {
            const auto epoch = whole_number<std::uint16_t>(arguments[0]);
            const auto number = whole_number<std::uint32_t>(arguments[1]);
            const auto total = hundredths(arguments[2]);
            if (epoch && number && total) return card::Ticket{*epoch, *number, *total};
        }
        return std::unexpected("ticket EPOCH NUMBER TOTAL, as in: ticket 1 2 1234.56");
    }
    if (what == "remote") {
        if (want(1) && (arguments[0] == "off" || arguments[0] == "on")) return card::RemoteHold{arguments[0] == "off"};
        return std::unexpected("remote off | on");
    }
    if (what == "force") {
        const auto minutes = arguments.empty() ? std::nullopt : whole_number<std::uint16_t>(arguments[0]);
        const auto holds = want(2) ? parse_hex(arguments[1]) : std::optional(std::vector<Byte>{0x01, 0xFF});
        if (minutes && holds && holds->size() == 2)
            return card::ForcePower{*minutes, HoldSet{static_cast<std::uint16_t>((*holds)[0] << 8 | (*holds)[1])}};
        return std::unexpected("force MINUTES [HOLDS as four hex digits, 01FF: all], as in: force 30 0041");
    }
    if (what == "acknowledge") {
        if (want(0)) return card::Acknowledge{};
        return std::unexpected("acknowledge takes nothing");
    }
    if (what == "alarms") {
        if (want(3)) {
            std::array<std::optional<std::int64_t>, 3> amounts{hundredths(arguments[0]), hundredths(arguments[1]),
                                                               hundredths(arguments[2])};
            bool good = true;
            for (const auto& amount : amounts)
                good = good && amount && *amount >= 0 && *amount <= UINT32_MAX;
            if (good)
                return card::Alarms{static_cast<std::uint32_t>(*amounts[0]), static_cast<std::uint32_t>(*amounts[1]),
                                    static_cast<std::uint32_t>(*amounts[2])};
        }
        return std::unexpected("alarms LOW CUT-OFF OVERDRAFT, as in: alarms 10 5 0");
    }
    if (what == "clock") {
        std::string text;
        for (const std::string& argument : arguments)
            text += argument + " ";
        if (const auto bytes = time_bytes(text, 6)) {
            CivilTime t;
            const auto at = [&](std::size_t k) { return static_cast<std::uint8_t>(from_bcd((*bytes)[k])); };
            t = {static_cast<std::uint16_t>(2000 + at(5)), at(4), at(3), at(2), at(1), at(0)};
            if (is_valid(t)) return card::SetClock{to_seconds(t)};
        }
        return std::unexpected("clock TIME, as in: clock 2026-11-22 16:59:30");
    }
    if (what == "constant") {
        const auto pulses = want(1) ? whole_number<std::uint16_t>(arguments[0]) : std::nullopt;
        if (pulses) return card::SetConstant{*pulses};
        return std::unexpected("constant 600 | 1600 | 5000");
    }
    if (what == "clear") {
        if (want(1) && arguments[0] == "announce") return card::Clear{card::ClearStep::kAnnounce};
        if (want(0)) return card::Clear{card::ClearStep::kCarryOut};
        return std::unexpected("clear, or for a whole box: clear announce, then clear");
    }
    if (what == "unlock") {
        if (want(0)) return card::ResetLockout{true, true};
        if (want(1) && (arguments[0] == "overload" || arguments[0] == "malignant"))
            return card::ResetLockout{arguments[0] == "overload", arguments[0] == "malignant"};
        return std::unexpected("unlock [overload | malignant]");
    }
    if (what == "learn") {
        const auto slot = want(2) ? whole_number<std::uint8_t>(arguments[0]) : std::nullopt;
        const auto days = want(2) ? whole_number<std::uint16_t>(arguments[1]) : std::nullopt;
        if (slot && *slot < settings::kPermittedPerHousehold && days) return card::LearnAppliance{*slot, *days};
        return std::unexpected("learn SLOT DAYS, as in: learn 0 120");
    }
    return setting_command(what, arguments);
}

Built build_sealed(const FrameEncodeOptions& options, const dlt645::Address& address, Arguments arguments) {
    auto command = sealed_command(options.what, arguments);
    if (!command) return std::unexpected(command.error());
    const auto box = box_of(address);
    if (!box || !is_bcd(address.bytes[0]))
        return std::unexpected("a sealed command is for a box: BOX:HOUSEHOLD, as in 2026000017:12");
    if (options.key.empty() || options.counter == 0)
        return std::unexpected(
            "a sealed command needs --key FILE and --counter NUMBER (greater than the last one of this box)");
    const auto key = card::load_master_key(options.key);
    if (!key) return std::unexpected(key.error());
    const auto who = options.operator_number.empty() ? std::optional<std::uint32_t>(0)
                                                     : whole_number<std::uint32_t>(options.operator_number);
    if (!who) return std::unexpected("--operator is a number here");
    card::OpensslMac mac;
    const card::Request request{*who, options.counter, static_cast<std::uint8_t>(from_bcd(address.bytes[0])), *command};
    const auto sealed = seal_request(mac, diversify(mac, key->key, *box), *box, request);
    return Asked{dlt645::request(Function::kSecurity), {sealed.begin(), sealed.end()}};
}

Built build_read(Arguments arguments, Function function) {
    const auto id = item_argument(arguments);
    if (!id) return std::unexpected(id.error());
    Asked asked{request(function), {}};
    put(asked.data, *id);
    if (function == Function::kReadFollowing) {
        const auto part = arguments.size() == 2 ? whole_number<std::uint8_t>(arguments[1]) : std::nullopt;
        if (!part) return std::unexpected("following ITEM PART, as in: following 00010000 1");
        asked.data.push_back(*part);
    } else if (arguments.size() == 2) {
        const auto more = parse_hex(arguments[1]);
        if (!more) return std::unexpected("'" + arguments[1] + "' are no bytes");
        put(asked.data, *more);
    } else if (arguments.size() > 2) {
        return std::unexpected("read ITEM [BYTES]");
    }
    return asked;
}

Built build_write(const FrameEncodeOptions& options, Arguments arguments) {
    const auto id = item_argument(arguments);
    if (!id) return std::unexpected(id.error());
    const auto password = password_bytes(options);
    if (!password) return std::unexpected(password.error());
    const auto value = value_argument(*id, arguments.subspan(1));
    if (!value) return std::unexpected(value.error());
    Asked asked{request(Function::kWrite), {}};
    put(asked.data, *id);
    put(asked.data, *password);
    put(asked.data, *value);
    return asked;
}

Built build_reply(Arguments arguments) {
    const auto id = item_argument(arguments);
    if (!id) return std::unexpected(id.error());
    const auto value = value_argument(*id, arguments.subspan(1));
    if (!value) return std::unexpected(value.error());
    Asked asked{dlt645::reply(Function::kRead), {}};
    put(asked.data, *id);
    put(asked.data, *value);
    return asked;
}

Built build_control(const FrameEncodeOptions& options, Arguments arguments) {
    constexpr std::pair<const char*, Byte> kCommands[] = {{"trip", 0x1A},     {"permit", 0x1B},    {"close", 0x1C},
                                                          {"alarm-on", 0x2A}, {"alarm-off", 0x2B}, {"keep-on", 0x3A},
                                                          {"keep-off", 0x3B}};
    const auto password = password_bytes(options);
    if (!password) return std::unexpected(password.error());
    std::string until;
    for (const std::string& argument : arguments.subspan(std::min<std::size_t>(1, arguments.size())))
        until += argument + " ";
    const auto time = time_bytes(until, 6);
    for (const auto& [word, number] : kCommands) {
        if (arguments.empty() || arguments[0] != word || !time) continue;
        Asked asked{request(Function::kControl), *password};
        asked.data.push_back(number);
        asked.data.push_back(0);
        put(asked.data, *time);
        return asked;
    }
    return std::unexpected(
        "control trip|permit|close|alarm-on|alarm-off|keep-on|keep-off VALID-UNTIL, as in: control trip 2026-11-25 "
        "12:30:00");
}

Built build_time(Arguments arguments, Function function, std::size_t count, const char* usage) {
    std::string text;
    for (const std::string& argument : arguments)
        text += argument + " ";
    const auto bytes = time_bytes(text, count);
    if (!bytes) return std::unexpected(usage);
    return Asked{request(function), *bytes};
}

Built build_hex(Arguments arguments, dlt645::Control control, std::size_t size, bool reversed, const char* usage) {
    std::string text;
    for (const std::string& argument : arguments)
        text += argument + " ";
    auto bytes = parse_hex(text);
    if (!bytes || (size != SIZE_MAX && bytes->size() != size) || bytes->size() > dlt645::kDataSizeMax)
        return std::unexpected(usage);
    if (reversed) std::reverse(bytes->begin(), bytes->end());
    return Asked{control, *bytes};
}

struct Kind {
    const char* word;
    const char* usage;
    std::function<Built(const FrameEncodeOptions&, const dlt645::Address&, Arguments)> build;
};

const std::vector<Kind>& kinds() {
    using Options = const FrameEncodeOptions&;
    using To = const dlt645::Address&;
    static const std::vector<Kind> list = {
        {"read", "ITEM [BYTES]", [](Options, To, Arguments a) { return build_read(a, Function::kRead); }},
        {"following", "ITEM PART", [](Options, To, Arguments a) { return build_read(a, Function::kReadFollowing); }},
        {"reply", "ITEM VALUE", [](Options, To, Arguments a) { return build_reply(a); }},
        {"refuse", "FUNCTION ERROR, both hex: refuse 11 02",
         [](Options, To, Arguments a) -> Built {
             const auto function = a.size() == 2 ? parse_hex(a[0]) : std::nullopt;
             const auto error = a.size() == 2 ? parse_hex(a[1]) : std::nullopt;
             if (!function || function->size() != 1 || (*function)[0] > 0x1F || !error || error->empty() ||
                 error->size() > 2)
                 return std::unexpected("refuse FUNCTION ERROR, both hex, as in: refuse 11 02");
             return Asked{dlt645::error_reply(static_cast<Function>((*function)[0])), *error};
         }},
        {"write", "ITEM VALUE  [--password 02:123456 --operator 11223344]",
         [](Options options, To, Arguments a) { return build_write(options, a); }},
        {"read-address", "(meter AAAAAAAAAAAA)",
         [](Options, To, Arguments a) {
             return build_hex(a, request(Function::kReadAddress), 0, false, "read-address takes nothing");
         }},
        {"write-address", "TWELVE-DIGITS (meter AAAAAAAAAAAA)",
         [](Options, To, Arguments a) {
             return build_hex(a, request(Function::kWriteAddress), 6, true, "write-address takes twelve digits");
         }},
        {"set-time", "TIME (meter 999999999999)",
         [](Options, To, Arguments a) {
             return build_time(a, Function::kSetTime, 6, "set-time TIME, as in: set-time 2026-11-22 16:59:30");
         }},
        {"freeze", "MMDDhhmm, 99 for every; 99999999 now",
         [](Options, To, Arguments a) {
             return build_time(a, Function::kFreeze, 4, "freeze MMDDhhmm, as in: freeze 99990005");
         }},
        {"speed", "CODE: 02 600, 04 1200, 08 2400, 10 4800, 20 9600, 40 19200",
         [](Options, To, Arguments a) {
             return build_hex(a, request(Function::kSetSpeed), 1, false, "speed CODE, as in: speed 20");
         }},
        {"control", "trip|permit|close|alarm-on|alarm-off|keep-on|keep-off VALID-UNTIL",
         [](Options options, To, Arguments a) { return build_control(options, a); }},
        {"raw", "CONTROL [BYTES], hex",
         [](Options, To, Arguments a) -> Built {
             const auto control = a.empty() ? std::nullopt : parse_hex(a[0]);
             if (!control || control->size() != 1)
                 return std::unexpected("raw CONTROL [BYTES], as in: raw 11 00 00 01 00");
             return build_hex(a.subspan(1), {(*control)[0]}, SIZE_MAX, false, "raw CONTROL [BYTES], at most 200 bytes");
         }},
        {"ticket", "EPOCH NUMBER TOTAL  (sealed: --key --counter)", build_sealed},
        {"remote", "off|on  (sealed)", build_sealed},
        {"force", "MINUTES [HOLDS]  (sealed)", build_sealed},
        {"acknowledge", "(sealed)", build_sealed},
        {"alarms", "LOW CUT-OFF OVERDRAFT  (sealed)", build_sealed},
        {"clock", "TIME  (sealed)", build_sealed},
        {"constant", "600|1600|5000  (sealed)", build_sealed},
        {"stage", "SETTING INDEX OFFSET BYTES  (sealed)", build_sealed},
        {"commit", "SETTING INDEX BYTES  (sealed)", build_sealed},
        {"clear", "[announce]  (sealed)", build_sealed},
        {"unlock", "[overload|malignant]  (sealed)", build_sealed},
        {"learn", "SLOT DAYS  (sealed)", build_sealed},
    };
    return list;
}

}  // namespace

namespace {

int send(const FrameEncodeOptions& options, OutputFormat format, const dlt645::Address& meter, const Asked& asked) {
    auto bus = BusClient::open({options.bus, options.speed, 3, {}});
    if (!bus)
        return fail(bus.error() == BusError::kWrongName ? ExitCode::kWrongUse : ExitCode::kNotReachable,
                    BusClient::why(), "--bus tcp://host:port for a serial gateway, --bus /dev/ttyUSB0 for an adapter");
    const auto reply = bus->ask(meter, asked.control, asked.data, dlt645::kDataSizeMax);
    if (!reply) return complain(*bus, reply.error(), options.meter);
    card::OpensslMac mac;
    std::optional<SealReader> seals;
    if (!options.key.empty()) {
        const auto key = card::load_master_key(options.key);
        if (!key) return fail(ExitCode::kNotFound, key.error());
        // An answer is bound to its question: the reader has to see both.
        Frame question;
        question.address = meter;
        question.control = asked.control;
        for (const Byte byte : asked.data)
            question.data.push_back(byte);
        (void)words_of(question, &seals.emplace(mac, key->key));
    }
    const Words words = words_of(*reply, seals ? &*seals : nullptr);
    if (format == OutputFormat::kTable)
        std::printf("%s", as_lines(words).c_str());
    else
        std::printf("%s\n", nlohmann::ordered_json{{"format", 1}, {"answer", as_json(words)}}.dump(2).c_str());
    return code(ExitCode::kDone);
}

}  // namespace

std::string frame_encode_help() {
    std::string out = "WHAT is one of:\n";
    for (const Kind& kind : kinds())
        out += std::string("  ") + kind.word + " " + kind.usage + "\n";
    return out;
}

int run(const FrameEncodeOptions& options) {
    const auto format = output_format(options.output);
    if (!format || *format == OutputFormat::kCsv) return fail(ExitCode::kWrongUse, "-o is table or json here");
    if (options.preamble < 0 || options.preamble > static_cast<int>(dlt645::kPreambleSize))
        return fail(ExitCode::kWrongUse, "--preamble is 0 to 4");
    const auto meter = parse_meter(options.meter);
    if (!meter || meter->all_households)
        return fail(ExitCode::kWrongUse, "'" + options.meter + "' names no meter",
                    "twelve digits, or BOX:HOUSEHOLD as in 2026000017:12");
    for (const Kind& kind : kinds()) {
        if (options.what != kind.word) continue;
        const Built built = kind.build(options, meter->address, options.arguments);
        if (!built)
            return fail(ExitCode::kWrongUse, built.error(),
                        std::string("prewatt frame encode METER ") + kind.word + " " + kind.usage);
        if (built->data.size() > dlt645::kDataSizeMax)
            return fail(ExitCode::kWrongUse, "more than 200 data bytes do not fit a frame");
        const auto bytes =
            encode(meter->address, built->control, built->data, static_cast<std::size_t>(options.preamble));
        const std::string text = hex_of(bytes.data(), bytes.size());
        if (!options.bus.empty()) return send(options, *format, meter->address, *built);
        if (*format == OutputFormat::kTable) {
            std::printf("%s\n", text.c_str());
            return code(ExitCode::kDone);
        }
        Frame frame;
        frame.address = meter->address;
        frame.control = built->control;
        for (Byte byte : built->data)
            frame.data.push_back(byte);
        const nlohmann::ordered_json whole{{"format", 1}, {"frame", text}, {"words", as_json(words_of(frame))}};
        std::printf("%s\n", whole.dump(2).c_str());
        return code(ExitCode::kDone);
    }
    return fail(ExitCode::kWrongUse, "'" + options.what + "' is nothing that can be encoded",
                "prewatt frame encode --help");
}

int run(const FrameDecodeOptions& options) {
    const auto format = output_format(options.output);
    if (!format || *format == OutputFormat::kCsv) return fail(ExitCode::kWrongUse, "-o is table or json here");
    std::string text;
    for (const std::string& one : options.hex)
        text += one + " ";
    if (options.hex.empty()) text.assign(std::istreambuf_iterator<char>(std::cin), {});
    const auto bytes = parse_hex(text);
    if (!bytes)
        return fail(ExitCode::kWrongUse, "those are no bytes",
                    "hexadecimal digits in pairs: \"68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16\"");

    card::OpensslMac mac;
    std::optional<SealReader> seals;
    if (!options.key.empty()) {
        const auto key = card::load_master_key(options.key);
        if (!key) return fail(ExitCode::kNotFound, key.error());
        seals.emplace(mac, key->key);
    }
    dlt645::Decoder decoder;
    std::vector<Words> frames;
    const auto take = [&](std::optional<Frame> frame) {
        if (frame) frames.push_back(words_of(*frame, seals ? &*seals : nullptr));
    };
    for (Byte byte : *bytes)
        take(decoder.on_byte(byte, Instant{}));
    // What still waits for more bytes gets none: a byte that cannot belong to a frame ends it.
    const std::uint32_t bad_frames = decoder.bad_frames();
    take(decoder.on_byte(0, Instant{}, true));
    const std::uint32_t noise = decoder.noise_bytes() - 1;

    if (*format == OutputFormat::kJson) {
        nlohmann::ordered_json list = nlohmann::ordered_json::array();
        for (const Words& words : frames)
            list.push_back(as_json(words));
        const nlohmann::ordered_json whole{
            {"format", 1}, {"frames", std::move(list)}, {"noise_bytes", noise}, {"bad_frames", bad_frames}};
        std::printf("%s\n", whole.dump(2).c_str());
    } else {
        for (std::size_t k = 0; k < frames.size(); ++k)
            std::printf("%s%s", k == 0 ? "" : "\n", as_lines(frames[k]).c_str());
    }
    std::fflush(stdout);
    if (frames.empty()) {
        std::string why = "no whole frame in " + std::to_string(bytes->size()) + " bytes";
        if (bad_frames > 0) why += "; " + std::to_string(bad_frames) + " with a wrong check sum or end";
        return fail(ExitCode::kRefused, why,
                    "a frame is 68, six address bytes, 68, control, length, data, check sum, 16");
    }
    if (noise > 0) std::fprintf(stderr, "prewatt: %u bytes belong to no frame\n", noise);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
