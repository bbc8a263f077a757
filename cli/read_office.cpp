#include "cli/read_office.hpp"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output.hpp"
#include "cli/repeat.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

// The office leaves a figure out (null) until it has been read.
std::optional<std::int64_t> number(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}
Cell hundredths(const json& object, const char* key) {
    const auto value = number(object, key);
    return value ? Cell(decimal(*value)) : Cell();
}
// Tenths, thousandths as a decimal.
Cell scaled(const json& object, const char* key, std::int64_t unit, std::size_t digits) {
    const auto value = number(object, key);
    if (!value) return {};
    const std::int64_t magnitude = *value < 0 ? -*value : *value;
    std::string rest = std::to_string(magnitude % unit);
    rest.insert(0, digits - rest.size(), '0');
    return (*value < 0 ? "-" : "") + std::to_string(magnitude / unit) + "." + rest;
}
Cell word(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}
Cell clock_of(const json& object, const char* key) {
    const auto value = number(object, key);
    if (!value) return {};
    const auto seconds = static_cast<std::time_t>(*value / 1000);
    std::tm local{};
    char text[32];
    if (::localtime_r(&seconds, &local) == nullptr) return {};
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return std::string(text);
}
Cell state(const json& household) {
    if (household.value("answering", true) == false) return std::string("not answering");
    std::string text;
    for (const json& hold : household.value("holds", json::array()))
        text += (text.empty() ? "off: " : ", ") + hold.get<std::string>();
    if (!text.empty()) return text;
    const auto closed = household.find("relay_closed");
    if (closed == household.end() || !closed->is_boolean()) return {};
    return std::string(closed->get<bool>() ? "on" : "off");
}

int print_rooms(const json& households, OutputFormat format) {
    Table table{"households",
                {{"room", "room"},
                 {"resident", "resident"},
                 {"box", "box"},
                 {"household", "nr", true},
                 {"state", "state"},
                 {"remaining", "remaining", true},
                 {"forward_kwh", "kWh", true},
                 {"power_w", "W", true},
                 {"read_at", "read at"}},
                {}};
    for (const json& h : households) {
        const auto nr = number(h, "household_number");
        table.rows.push_back({word(h, "room"), word(h, "resident"), word(h, "box_number"), nr ? Cell(*nr) : Cell(),
                              state(h), hundredths(h, "remaining_ckwh"), hundredths(h, "forward_ckwh"),
                              scaled(h, "power_dw", 10, 1), clock_of(h, "read_at")});
    }
    print(table, format);
    return code(ExitCode::kDone);
}

int print_live(const json& live, OutputFormat format) {
    Table table{"circuits",
                {{"circuit", "circuit", true},
                 {"voltage_v", "V", true},
                 {"frequency_hz", "Hz", true},
                 {"current_a", "A", true},
                 {"active_w", "W", true},
                 {"reactive_var", "var", true},
                 {"apparent_va", "VA", true},
                 {"power_factor", "factor", true},
                 {"relay", "relay"},
                 {"read_at", "read at"}},
                {}};
    std::int64_t n = 0;
    for (const json& circuit : live.value("circuits", json::array()))
        table.rows.push_back({++n, scaled(live, "voltage_mv", 1000, 3), scaled(live, "frequency_mhz", 1000, 3),
                              scaled(circuit, "current_ma", 1000, 3), scaled(circuit, "active_dw", 10, 1),
                              scaled(circuit, "reactive_dvar", 10, 1), scaled(circuit, "apparent_dva", 10, 1),
                              scaled(circuit, "power_factor_e3", 1000, 3),
                              std::string(circuit.value("relay_closed", false) ? "closed" : "open"),
                              clock_of(live, "read_at")});
    print(table, format);
    return code(ExitCode::kDone);
}

int read_once(const OfficeClient& office, const ReadOfficeOptions& options, OutputFormat format) {
    if (options.room == "all") {
        const auto list = office.get("/households?limit=10000");
        if (!list) return fail(list.error());
        return print_rooms(list->value("households", json::array()), format);
    }
    const auto household = office.find_household(options.room);
    if (!household) return fail(household.error());
    if (!options.live) return print_rooms(json::array({*household}), format);
    const auto live = office.get("/households/" + std::to_string(number(*household, "id").value_or(0)) + "/live");
    if (!live) return fail(live.error());
    return print_live(*live, format);
}

}  // namespace

int run(const ReadOfficeOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o is table, json or csv, not '" + options.output + "'");
    if (options.live && options.room == "all")
        return fail(ExitCode::kWrongUse, "--live asks one meter", "one room, or without --live");
    std::optional<std::chrono::milliseconds> every;
    if (!options.every.empty()) {
        const auto span = span_of(options.every);
        if (!span) return fail(ExitCode::kWrongUse, span.error());
        every = *span;
    }
    const auto office = OfficeClient::open(options.server);
    if (!office) return fail(office.error());
    if (every) catch_interrupt();
    return repeat(every, [&] { return read_once(*office, options, *format); });
}

}  // namespace prewatt::cli
