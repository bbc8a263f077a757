#include "cli/read.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

#include "cli/bus_client.hpp"
#include "cli/frame_words.hpp"
#include "cli/meter_name.hpp"
#include "cli/output.hpp"
#include "cli/repeat.hpp"
#include "protocols/dlt645/item.hpp"
#include "protocols/dlt645/item_text.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::cli {
namespace {

using dlt645::DataId;

// What a household meter of any maker answers, and what ours answers besides. What a meter does not have is left out.
constexpr DataId kUsual[] = {{0x00900100}, {0x00900101}, {0x00900200}, {0x00900201}, {0x00010000}, {0x00020000},
                             {0x0201FF00}, {0x0202FF00}, {0x02030000}, {0x02040000}, {0x02050000}, {0x02060000},
                             {0x02800002}, {0x04000101}, {0x04000102}, {0x04000503}, {0x04000409}, {0x04000401}};

std::optional<std::chrono::milliseconds> interval(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value == 0 || value > 1'000'000) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (unit == "ms") return std::chrono::milliseconds(value);
    if (unit == "s" || unit.empty()) return std::chrono::seconds(value);
    if (unit == "m") return std::chrono::minutes(value);
    return std::nullopt;
}

struct Line {
    DataId id;
    std::string name;
    std::optional<std::string> value;
};

void add_line(std::vector<Line>& lines, DataId id, Bytes data) {
    const dlt645::Item* item = dlt645::find_item(id);
    std::array<char, dlt645::kNameTextMax> name{};
    const std::string name_text = item != nullptr ? std::string(describe(*item, id, name)) : "not in the table";
    if (const auto ours = private_words(id, data)) {
        for (const auto& [what, text] : *ours)
            lines.push_back({id, what, text});
        return;
    }
    if (item == nullptr || item->size() == 0) {
        lines.push_back({id, name_text, hex_of(data.data(), data.size())});
        return;
    }
    std::array<char, dlt645::kValueTextMax> text{};
    lines.push_back({id, name_text, std::string(format_value(*item, id, data, text))});
}

int read_items(BusClient& bus, const MeterName& meter, const std::vector<DataId>& ids, bool usual,
               const ReadOptions& options, OutputFormat format) {
    std::vector<Line> lines;
    for (DataId id : ids) {
        const auto data = bus.read(meter.address, id);
        if (!data && usual && data.error() == BusError::kRefused) continue;
        if (!data) return complain(bus, data.error(), options.meter);
        add_line(lines, id, *data);
        if (interrupted()) return code(ExitCode::kInterrupted);
    }
    if (lines.empty())
        return fail(ExitCode::kRefused, "meter " + options.meter + " has none of the usual items", "--item 00010000");
    Table table{"items", {{"item", "item"}, {"name", "name"}, {"value", "value"}}, {}};
    for (const Line& line : lines)
        table.rows.push_back({printed(line.id), line.name, line.value ? Cell(*line.value) : Cell()});
    print(table, format);
    return code(ExitCode::kDone);
}

int read_households(BusClient& bus, const MeterName& meter, const ReadOptions& options, OutputFormat format) {
    const auto data = bus.read(meter.address, dlt645::kHouseholdBlock, {}, dlt645::kDataSizeMax);
    if (!data) return complain(bus, data.error(), options.meter);
    const auto block = dlt645::decode_household_block(*data);
    if (!block) return complain(bus, BusError::kDamaged, options.meter);
    Table table{"households",
                {{"household", "household", true},
                 {"remaining", "remaining", true},
                 {"forward_kwh", "kWh", true},
                 {"state", "state"}},
                {}};
    for (int n = 1; n <= block->household_count; ++n) {
        if (!block->present[static_cast<std::size_t>(n)]) continue;
        const dlt645::HouseholdRecord& record = block->records[static_cast<std::size_t>(n)];
        table.rows.push_back({std::int64_t{n}, decimal(record.remaining_hundredths), decimal(record.forward_hundredths),
                              words_of_state(record.state)});
    }
    print(table, format);
    return code(ExitCode::kDone);
}

}  // namespace

int run(const ReadOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o is table, json or csv, not '" + options.output + "'");
    const auto meter = parse_meter(options.meter);
    if (!meter)
        return fail(ExitCode::kWrongUse, "'" + options.meter + "' names no meter on a line",
                    "2026000017:12 (household 12), 2026000017:all, or the twelve digits on the meter");
    if (options.tries < 1 || options.tries > 100) return fail(ExitCode::kWrongUse, "--tries is 1 to 100");
    std::vector<DataId> ids;
    for (const std::string& text : options.items) {
        const auto id = parse_data_id(text);
        if (!id)
            return fail(ExitCode::kWrongUse, "'" + text + "' is no data identifier",
                        "eight hexadecimal digits, as in --item 00010000");
        ids.push_back(*id);
    }
    std::optional<std::chrono::milliseconds> every;
    if (!options.every.empty()) {
        every = interval(options.every);
        if (!every) return fail(ExitCode::kWrongUse, "--every takes 500ms, 5s or 2m, not '" + options.every + "'");
    }
    const bool usual = ids.empty();
    if (usual) ids.assign(std::begin(kUsual), std::end(kUsual));

    BusOptions bus_options{options.bus, options.speed, options.tries, {}};
    if (options.raw)
        bus_options.trace = [](bool outgoing, Bytes bytes) {
            std::fprintf(stderr, "%s %s\n", outgoing ? ">" : "<", hex_of(bytes.data(), bytes.size()).c_str());
        };
    auto bus = BusClient::open(bus_options);
    if (!bus) {
        const bool wrong = bus.error() == BusError::kWrongName;
        return fail(wrong ? ExitCode::kWrongUse : ExitCode::kNotReachable, BusClient::why(),
                    "--bus tcp://host:port for a serial gateway, --bus /dev/ttyUSB0 for an adapter");
    }
    catch_interrupt();
    return repeat(every, [&] {
        MeterName asked = *meter;
        if (asked.address == dlt645::kWildcard) {
            const auto reply = bus->ask(asked.address, dlt645::request(dlt645::Function::kReadAddress), {});
            if (!reply) return complain(*bus, reply.error(), options.meter);
            asked.address = reply->address;
            std::fprintf(stderr, "prewatt: the meter is %s\n", printed(asked.address).c_str());
        }
        return asked.all_households && usual ? read_households(*bus, asked, options, *format)
                                             : read_items(*bus, asked, ids, usual, options, *format);
    });
}

}  // namespace prewatt::cli
