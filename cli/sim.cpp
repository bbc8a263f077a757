#include "cli/sim.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "card/card_keys.hpp"
#include "card/openssl/master_key_file.hpp"
#include "card/seal.hpp"
#include "cli/output.hpp"
#include "sim/host_run.hpp"
#include "sim/line_port.hpp"
#include "sim/serial_line.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::cli {
namespace {

constexpr std::uint64_t kFirstBox = 2026000001;
constexpr int kBoxesMax = 256;                        // on a line: B3 of the product
constexpr double kWaveformBoxSecondsPerSecond = 4;    // what level auto allows itself: some percent of a core
constexpr std::uint32_t kUnlimitedBaud = 11'000'000;  // a character takes a microsecond

// A box on the line.
class BoxStation final : public sim::Station {
  public:
    BoxStation(sim::SerialLine& line, std::unique_ptr<sim::FileStorage> storage,
               const sim::VirtualMeterOptions& options, std::unique_ptr<sim::Terminals> terminals,
               std::function<void(std::size_t, Instant)> on_send)
        : storage_(std::move(storage)),
          meter_(options, *storage_, std::move(terminals),
                 [this, &line, on_send = std::move(on_send)](Bytes bytes, Instant at) {
                     line.send(id_, bytes, at);
                     on_send(bytes.size(), at);
                 }) {}
    void set_id(sim::SerialLine::Id id) { id_ = id; }
    [[nodiscard]] sim::VirtualMeter& meter() { return meter_; }

    Heard on_character(const sim::Character& character) override {
        meter_.on_byte(character.value, character.at, character.bad_parity);
        return {meter_.next(), false};
    }
    Instant on_time(Instant now) override {
        meter_.run_until(now);
        return meter_.next();
    }

  private:
    sim::SerialLine::Id id_ = 0;
    std::unique_ptr<sim::FileStorage> storage_;
    sim::VirtualMeter meter_;
};

// The gateway's ear: what comes from the line and is not yet on its way to the client.
class GatewayStation final : public sim::Station {
  public:
    Heard on_character(const sim::Character& character) override {
        // As a serial port does, a character with bad parity is passed on; the check sum of its frame tells.
        heard_.push_back(character.value);
        last_ = character.at;
        return {};
    }
    Instant on_time(Instant) override { return kNever; }
    [[nodiscard]] Instant last() const { return last_; }
    void flush_to(sim::LinePort& port) {
        if (!heard_.empty()) port.send(heard_);
        heard_.clear();
    }

  private:
    std::vector<Byte> heard_;
    Instant last_{};
};

void print_end(const std::vector<std::unique_ptr<BoxStation>>& boxes, Instant now, const sim::LineCounts& counts,
               bool json) {
    std::int64_t joules = 0;
    int opened = 0, lit = 0;
    for (const auto& box : boxes) {
        const meter::Node& node = box->meter().node();
        for (int number = 1; number <= node.household_count(); ++number) {
            const meter::HouseholdView v = node.household(Household{static_cast<std::uint8_t>(number)});
            joules += v.forward.count();
            opened += v.epoch > 0 ? 1 : 0;
            lit += v.lit ? 1 : 0;
        }
    }
    if (json)
        std::printf(
            "{\"format\": 1, \"boxes\": %zu, \"virtual_ms\": %lld, \"households_opened\": %d, \"households_lit\": %d, "
            "\"forward_j\": %lld, "
            "\"characters\": %llu, \"collided\": %llu}\n",
            boxes.size(), static_cast<long long>(now.microseconds() / 1000), opened, lit,
            static_cast<long long>(joules), static_cast<unsigned long long>(counts.characters),
            static_cast<unsigned long long>(counts.collided));
    else
        std::printf("%zu boxes, %d households opened, %d lit, %lld.%02lld kWh used, %llu characters on the line\n",
                    boxes.size(), opened, lit, static_cast<long long>(joules / kJoulesPerKilowattHour),
                    static_cast<long long>(joules % kJoulesPerKilowattHour / kJoulesPerHundredth),
                    static_cast<unsigned long long>(counts.characters));
}

}  // namespace

int run(const SimOptions& options) {
    if (options.boxes < 1 || options.boxes > kBoxesMax)
        return fail(ExitCode::kWrongUse,
                    "--boxes: " + std::to_string(options.boxes) + " does not go on one line: 1 to 256");
    const auto wiring = sim::parse_wiring(options.wiring);
    if (!wiring) return fail(ExitCode::kWrongUse, "--wiring: " + wiring.error());
    const auto speed = sim::parse_speed(options.speed);
    if (!speed) return fail(ExitCode::kWrongUse, "--speed: " + speed.error());
    if (!*speed)
        return fail(ExitCode::kWrongUse, "--speed: a line that others talk on has a time of its own; give a number");
    const auto at = sim::parse_host_port(options.listen);
    if (!at) return fail(ExitCode::kWrongUse, "--listen: " + at.error());
    if (options.output != "table" && options.output != "json")
        return fail(ExitCode::kWrongUse, "-o: '" + options.output + "' is not to be had here: table or json");
    std::vector<sim::Fault> faults;
    for (const std::string& text : options.faults) {
        const auto fault = sim::parse_fault(text);
        if (!fault) return fail(ExitCode::kWrongUse, "--fault: " + fault.error());
        faults.push_back(*fault);
    }
    Instant end = kNever;
    if (!options.duration.empty()) {
        const auto duration = sim::parse_duration(options.duration);
        if (!duration) return fail(ExitCode::kWrongUse, "--for: " + duration.error());
        end = Instant{} + *duration;
    }
    std::uint32_t baud = kUnlimitedBaud;
    if (options.baud != "none") {
        const std::uint32_t allowed[] = {600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200};
        const auto found = std::find_if(std::begin(allowed), std::end(allowed),
                                        [&](std::uint32_t b) { return options.baud == std::to_string(b); });
        if (found == std::end(allowed))
            return fail(ExitCode::kWrongUse,
                        "--baud: '" + options.baud + "' is no speed of such a line: 600 to 115200, or none");
        baud = *found;
    }
    if (options.level != "auto" && options.level != "waveform" && options.level != "cycle")
        return fail(ExitCode::kWrongUse, "--level: '" + options.level + "' is neither auto, waveform nor cycle");
    const int waveform_boxes = options.level == "waveform" ? options.boxes
                               : options.level == "cycle"  ? 0
                                                           : static_cast<int>(kWaveformBoxSecondsPerSecond / **speed);

    std::error_code error;
    std::filesystem::create_directories(options.store, error);
    if (error) return fail(ExitCode::kInternal, "--store: " + options.store.string() + ": " + error.message());
    const auto key = card::load_or_make_master_key(options.key.empty() ? options.store / "prewatt.key" : options.key);
    if (!key) return fail(ExitCode::kWrongUse, "--key: " + key.error());
    auto port = sim::LinePort::listen(*at);
    if (!port) return fail(ExitCode::kNotReachable, "--listen: " + port.error());

    sim::catch_stop_signals();
    card::OpensslMac mac;
    sim::SerialLine line(baud, {}, options.seed);
    GatewayStation gateway;
    const sim::SerialLine::Id gateway_id = line.attach(gateway);
    // Until when somebody's characters are on the line, as far as is known.
    Instant busy_until{};
    std::vector<std::unique_ptr<BoxStation>> boxes;
    const CivilSeconds civil = sim::host_civil_time();
    int fresh = 0;
    for (int k = 0; k < options.boxes; ++k) {
        const std::uint64_t number = kFirstBox + static_cast<std::uint64_t>(k);
        const std::filesystem::path file = options.store / ("box-" + std::to_string(number) + ".nvm");
        auto storage = sim::FileStorage::open(file);
        if (!storage) return fail(ExitCode::kInternal, storage.error());
        sim::BuildingOptions building;
        building.wiring = *wiring;
        building.box = number;
        building.seed = options.seed;
        building.start = civil;
        building.life = [k](Household) { return k == 0 ? sim::Life::kLively : sim::Life::kStudents; };
        building.converter = sim::nominal_converter(60);
        sim::VirtualMeterOptions meter;
        meter.node.box = {number};
        meter.node.wiring = *wiring;
        meter.node.keys = card::diversify(mac, key->key, number);
        meter.node.card_keys = card::meter_card_keys(mac, card::site_masters(mac, key->key), number);
        meter.level = k < waveform_boxes ? sim::Level::kWaveform : sim::Level::kCycle;
        meter.civil = civil;
        if (k == 0) meter.faults = faults;
        boxes.push_back(std::make_unique<BoxStation>(
            line, std::move(*storage), meter, std::make_unique<sim::HomesTerminals>(building),
            [&busy_until, &line](std::size_t bytes, Instant when) {
                busy_until = std::max(busy_until, when) + line.character_time(static_cast<std::int64_t>(bytes));
            }));
        BoxStation& station = *boxes.back();
        const meter::StartResult started = station.meter().start(Instant{});
        if (const std::string problem = sim::problem_of(started, number, *wiring, file.string()); !problem.empty())
            return fail(started == meter::StartResult::kWrongBox ? ExitCode::kWrongUse : ExitCode::kInternal, problem);
        fresh += started == meter::StartResult::kFresh ? 1 : 0;
        station.set_id(line.attach(station, station.meter().next()));
    }
    std::fprintf(stderr, "prewatt: %d boxes of %d households (%d new), %u baud, on %s; %s\n", options.boxes,
                 meter::households(*wiring), fresh, baud, port->name().c_str(),
                 waveform_boxes >= options.boxes ? "sample by sample"
                 : waveform_boxes == 0           ? "cycle by cycle"
                                       : ("the first " + std::to_string(waveform_boxes) + " sample by sample").c_str());

    sim::Pace pace(*speed);
    Instant now{};
    std::vector<pollfd> handles;
    // A gateway begins to speak when the line has been quiet for a little.
    const Duration quiet = line.character_time(1) + microseconds(200);
    while (!sim::stop_asked() && now < end) {
        const std::int64_t host_before = sim::host_now();
        const Instant due = std::min(pace.due(now), end);
        while (now < due && sim::host_now() - host_before < 10'000) {
            now = std::min(now + milliseconds(20), due);
            line.run_until(now);
        }
        gateway.flush_to(*port);

        Instant next = end;
        for (const auto& box : boxes)
            next = std::min(next, box->meter().next());
        // While somebody speaks, the client gets what there is every 5 ms and at the end of it.
        if (busy_until > now) next = std::min({next, busy_until, now + milliseconds(5)});
        handles.clear();
        port->add_to(handles);
        sim::wait_for(handles, now < due ? Duration{} : pace.until(next, now));
        if (const std::vector<Byte> bytes = port->service(); !bytes.empty()) {
            now = std::max(now, std::min(pace.due(now), end));
            line.run_until(now);
            const Instant start = std::max(now, gateway.last() + quiet);
            line.send(gateway_id, bytes, start);
            busy_until = std::max(busy_until, start) + line.character_time(static_cast<std::int64_t>(bytes.size()));
        }
    }
    for (const auto& box : boxes)
        box->meter().power_fail(now);
    print_end(boxes, now, line.counts(), options.output == "json");
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
