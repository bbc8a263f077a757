#include "cli/events.hpp"

#include <algorithm>
#include <cstdio>
#include <expected>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/bus_client.hpp"
#include "cli/event_words.hpp"
#include "cli/meter_name.hpp"
#include "cli/output.hpp"
#include "meter/node/record_items.hpp"

namespace prewatt::cli {
namespace {

using dlt645::DataId;
using meter::EventRing;
using nlohmann::json;

struct Found {
    std::vector<meter::Event> events;
    std::map<std::uint8_t, std::uint64_t> counts;  // by kind
};

dlt645::Address of_household_address(const dlt645::Address& box, int number) {
    dlt645::Address address = box;
    address.bytes[0] = static_cast<Byte>(number / 10 << 4 | number % 10);
    return address;
}

// All events of one ring; the answers overlap by nothing and end with an empty one.
std::expected<void, BusError> read_ring(BusClient& bus, const dlt645::Address& meter, EventRing ring, Found& found) {
    const DataId id{0xEC030100u | static_cast<unsigned>(ring)};
    for (std::uint16_t from = 1;;) {
        const std::array<Byte, 2> asked{static_cast<Byte>(from), static_cast<Byte>(from >> 8)};
        const auto data = bus.read(meter, id, asked, dlt645::kDataSizeMax);
        if (!data) return std::unexpected(data.error());
        ByteReader reader(*data);
        const bool ours = reader.get_u8() == 1 && reader.get_u8() == static_cast<std::uint8_t>(ring);
        reader.get_u16();
        const int kinds = reader.get_u8();
        if (!ours || !reader.ok()) return std::unexpected(BusError::kDamaged);
        for (int k = 0; k < kinds; ++k) {
            const std::uint8_t kind = reader.get_u8();
            const std::uint32_t count = reader.get_u32();
            if (from == 1) found.counts[kind] += count;
        }
        std::uint16_t here = 0;
        while (reader.left() >= meter::kEventWireBytes) {
            ++here;
            if (const auto event = meter::decode_event(reader.take(meter::kEventWireBytes)))
                found.events.push_back(*event);
        }
        if (!reader.finished()) return std::unexpected(BusError::kDamaged);
        from = static_cast<std::uint16_t>(from + here);
        if (here < 2) return {};
    }
}

std::expected<Found, BusError> read_events(BusClient& bus, const MeterName& meter, int households) {
    Found found;
    const bool box = meter.address.bytes[0] == 0;
    for (int ring = 0; ring < meter::kEventRings; ++ring) {
        const bool of_household = ring < meter::kHouseholdRings;
        if (of_household && box && !meter.all_households) continue;
        if (!of_household && !box) continue;
        const int from = of_household && box ? 1 : 0;
        const int to = of_household && box ? households : 0;
        for (int h = from; h <= to; ++h) {
            const dlt645::Address address = h == 0 ? meter.address : of_household_address(meter.address, h);
            if (const auto done = read_ring(bus, address, static_cast<EventRing>(ring), found); !done)
                return std::unexpected(done.error());
        }
    }
    std::sort(found.events.begin(), found.events.end(),
              [](const meter::Event& a, const meter::Event& b) { return a.sequence > b.sequence; });
    return found;
}

int print_events(const Found& found, const EventsOptions& options, OutputFormat format) {
    std::vector<meter::Event> events;
    for (const meter::Event& event : found.events) {
        const meter::EventKindInfo* kind = meter::find(event.kind);
        if (!options.kind.empty() && std::string(kind->name).find(options.kind) == std::string::npos) continue;
        if (options.limit > 0 && static_cast<int>(events.size()) == options.limit) break;
        events.push_back(event);
    }
    if (format == OutputFormat::kJson) {
        json out{{"format", 1}, {"events", json::array()}, {"counts", json::array()}};
        for (const meter::Event& event : events) {
            json data = json::object();
            for (const auto& [what, text] : words_of(event)) {
                std::string key = what;
                std::replace(key.begin(), key.end(), ' ', '_');
                data[key] = text;
            }
            out["events"].push_back({{"sequence", event.sequence},
                                     {"time", time_of(event)},
                                     {"clock_valid", event.clock_valid},
                                     {"household", event.household.number},
                                     {"kind", static_cast<int>(event.kind)},
                                     {"event", meter::find(event.kind)->name},
                                     {"data", data}});
        }
        for (const auto& [kind, count] : found.counts)
            if (const auto* about = meter::find(static_cast<meter::EventKind>(kind)); about != nullptr && count > 0)
                out["counts"].push_back({{"kind", kind}, {"event", about->name}, {"count", count}});
        std::printf("%s\n", out.dump(2).c_str());
        return code(ExitCode::kDone);
    }
    Table table{"events",
                {{"sequence", "nr", true},
                 {"time", "time"},
                 {"household", "household", true},
                 {"event", "event"},
                 {"details", "details"}},
                {}};
    for (const meter::Event& event : events) {
        std::string details;
        for (const auto& [what, text] : words_of(event))
            details += (details.empty() ? "" : ", ") + what + " " + text;
        table.rows.push_back({std::int64_t{event.sequence}, time_of(event),
                              event.household.number == 0 ? Cell() : Cell(std::int64_t{event.household.number}),
                              std::string(meter::find(event.kind)->name), details});
    }
    print(table, format);
    return code(ExitCode::kDone);
}

int print_capture(BusClient& bus, const MeterName& meter, const EventsOptions& options, OutputFormat format) {
    const std::array<Byte, 1> asked{static_cast<Byte>(options.capture)};
    const auto data = bus.read(meter.address, DataId{0xEC030200}, asked, dlt645::kDataSizeMax);
    if (!data && data.error() == BusError::kRefused)
        return fail(ExitCode::kNotFound, options.meter + " has no capture " + std::to_string(options.capture),
                    "--capture 1, the newest; a meter keeps two of each household at least");
    if (!data) return complain(bus, data.error(), options.meter);
    const auto stored =
        data->empty() || data->front() != 1 ? std::nullopt : meter::decode_capture(Bytes(*data).subspan(1));
    if (!stored) return complain(bus, BusError::kDamaged, options.meter);
    if (format == OutputFormat::kJson) {
        const meter::StepReport& r = stored->report;
        json out{{"format", 1}, {"explanation", json::object()}, {"report", json::object()}};
        for (const auto& [what, text] : words_of(*stored))
            out["explanation"][what] = text;
        const auto tenths = [](std::int64_t micro) { return divide(micro, 100'000, Round::kNearest); };
        out["report"] = {{"circuit", r.circuit.index},
                         {"shape", static_cast<int>(r.shape)},
                         {"power_dw", tenths(r.power.count())},
                         {"nonactive_dvar", tenths(r.nonactive.count())},
                         {"leaving_dw", tenths(r.leaving.count())},
                         {"resistive_dw", tenths(r.resistive.count())},
                         {"base_power_dw", tenths(r.base_power.count())},
                         {"conductance_us", r.conductance_microsiemens},
                         {"base_conductance_us", r.base_conductance_microsiemens},
                         {"total_conductance_us", r.total_conductance_microsiemens},
                         {"power_factor_e4", r.power_factor_ten_thousandths},
                         {"residual_e4", r.residual_ten_thousandths},
                         {"cycles", r.cycles},
                         {"cycles_agreed", r.cycles_agreed},
                         {"decision_ms", r.decision_ms}};
        if (stored->has_waveform)
            out["waveform"] = {{"points_per_cycle", meter::kCapturePointsPerCycle},
                               {"voltage_before_dv", stored->capture.voltage_before},
                               {"current_before_ca", stored->capture.current_before},
                               {"voltage_after_dv", stored->capture.voltage_after},
                               {"current_after_ca", stored->capture.current_after}};
        std::printf("%s\n", out.dump(2).c_str());
        return code(ExitCode::kDone);
    }
    Table table{"capture", {{"what", "what"}, {"value", "value"}}, {}};
    for (const auto& [what, text] : words_of(*stored))
        table.rows.push_back({what, text});
    print(table, format);
    if (format == OutputFormat::kTable)
        std::printf("\n%s", stored->has_waveform ? picture_of(stored->capture).c_str() : "no waveform was held\n");
    return code(ExitCode::kDone);
}

}  // namespace

int run(const EventsOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o is table, json or csv, not '" + options.output + "'");
    const auto meter = parse_meter(options.meter);
    if (!meter || meter->address == dlt645::kWildcard)
        return fail(ExitCode::kWrongUse, "'" + options.meter + "' names no meter on a line",
                    "2026000017:12 (household 12), 2026000017 (the box), 2026000017:all");
    if (options.tries < 1 || options.tries > 100) return fail(ExitCode::kWrongUse, "--tries is 1 to 100");
    if (options.limit < 0) return fail(ExitCode::kWrongUse, "--limit is a number of events");
    if (options.capture < 0 || options.capture > 255) return fail(ExitCode::kWrongUse, "--capture is 1, 2, ...");
    auto bus = BusClient::open({options.bus, options.speed, options.tries, {}});
    if (!bus) {
        const bool wrong = bus.error() == BusError::kWrongName;
        return fail(wrong ? ExitCode::kWrongUse : ExitCode::kNotReachable, BusClient::why(),
                    "--bus tcp://host:port for a serial gateway, --bus /dev/ttyUSB0 for an adapter");
    }
    if (options.capture > 0) return print_capture(*bus, *meter, options, *format);
    const auto overview = bus->read(meter->address, DataId{0xEC030000});
    if (!overview && overview.error() == BusError::kRefused)
        return fail(ExitCode::kRefused,
                    options.meter + " keeps no records: its memory is too small, or its firmware too old");
    if (!overview) return complain(*bus, overview.error(), options.meter);
    const auto found = read_events(*bus, *meter, overview->size() > 2 ? (*overview)[2] : 0);
    if (!found) return complain(*bus, found.error(), options.meter);
    return print_events(*found, options, *format);
}

}  // namespace prewatt::cli
