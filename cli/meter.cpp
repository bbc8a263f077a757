#include "cli/meter.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

#include "card/card_keys.hpp"
#include "card/openssl/master_key_file.hpp"
#include "card/seal.hpp"
#include "cli/card_slot.hpp"
#include "cli/output.hpp"
#include "cli/panel.hpp"
#include "sim/host_run.hpp"
#include "sim/line_port.hpp"
#include "sim/recording.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::cli {
namespace {

constexpr std::array<const char*, kHoldCount> kHoldNames = {
    "no_credit", "cutoff_alarm", "malignant", "overload", "locked_out", "schedule", "remote", "not_opened", "supply"};

class DisplayOnTerminal {
  public:
    explicit DisplayOnTerminal(std::FILE* out) : out_(out), redraw_(::isatty(::fileno(out)) == 1) {}
    void show(const sim::LedDisplay& display, CivilSeconds now) {
        if (display.changes() == seen_) return;
        seen_ = display.changes();
        const meter::DisplayFrame& frame = display.frame();
        if (redraw_) {
            std::fprintf(out_, "%s  +------------+\n  |%s|\n  |%s|\n  +------------+\n", drawn_ ? "\033[4A" : "",
                         row(frame.upper, frame.upper_dots).c_str(), row(frame.lower, frame.lower_dots).c_str());
            drawn_ = true;
        } else if (std::any_of(frame.lower.begin(), frame.lower.end(), [](char c) { return c != ' '; }) &&
                   !(frame == last_)) {
            // The dark half of a flashing row is no news.
            last_ = frame;
            const CivilTime t = to_civil(now);
            std::fprintf(out_, "%02d:%02d:%02d  %s\n", t.hour, t.minute, t.second, sim::text_of(frame).c_str());
        }
        std::fflush(out_);
    }

  private:
    // Twelve places, whatever the dots; lit as LEDs are.
    static std::string row(const std::array<char, 6>& characters, std::uint8_t dots) {
        std::string text = "\033[1;31m";
        for (std::size_t k = 0; k < characters.size(); ++k) {
            text += characters[k];
            text += dots >> k & 1 ? '.' : ' ';
        }
        return text + "\033[0m";
    }
    std::FILE* out_;
    bool redraw_;
    bool drawn_ = false;
    std::uint64_t seen_ = 0;
    meter::DisplayFrame last_;
};

void print_table(const meter::Node& node) {
    std::printf(
        "household  epoch  ticket  credited kWh      used kWh  remaining kWh   forward J   reverse J  relay  held "
        "by\n");
    for (int number = 1; number <= node.household_count(); ++number) {
        const meter::HouseholdView v = node.household(Household{static_cast<std::uint8_t>(number)});
        if (v.epoch == 0 && v.forward.count() == 0 && v.reverse.count() == 0) continue;
        std::string holds;
        for (int h = 0; h < kHoldCount; ++h)
            if (v.state.holds().has(static_cast<Hold>(h)))
                holds += std::string(holds.empty() ? "" : ",") + kHoldNames[static_cast<std::size_t>(h)];
        std::printf("%9d  %5u  %6u  %12s  %12s  %13s  %10lld  %10lld  %-6s %s\n", number, v.epoch, v.ticket_number,
                    decimal(in_hundredths(v.credited, Round::kDown)).c_str(),
                    decimal(in_hundredths(v.used, Round::kDown)).c_str(),
                    decimal(in_hundredths(v.remaining, Round::kDown)).c_str(),
                    static_cast<long long>(v.forward.count()), static_cast<long long>(v.reverse.count()),
                    v.lit ? "closed" : "open", holds.c_str());
    }
}

void print_json(const meter::Node& node, const std::string& box, std::string_view wiring, Instant ended,
                double host_seconds, const sim::PlayedTerminals* played, const sim::Recording& raw) {
    std::printf(
        "{\"format\": 1, \"box\": \"%s\", \"wiring\": \"%s\", \"virtual_ms\": %lld, \"host_ms\": %lld, \"boots\": %u",
        box.c_str(), std::string(wiring).c_str(), static_cast<long long>(ended.microseconds() / 1000),
        static_cast<long long>(host_seconds * 1000), node.boot_count());
    if (played != nullptr)
        std::printf(
            ", \"recording\": {\"name\": \"%s\", \"samples\": %zu, \"repetitions\": %llu, \"mean_mw\": %lld, \"mj\": "
            "%lld}",
            raw.name.c_str(), raw.volts.size(), static_cast<unsigned long long>(played->played()),
            static_cast<long long>(raw.mean_watts() * 1000), static_cast<long long>(raw.joules() * 1000));
    std::printf(", \"households\": [");
    for (int number = 1; number <= node.household_count(); ++number) {
        const meter::HouseholdView v = node.household(Household{static_cast<std::uint8_t>(number)});
        std::string holds;
        for (int h = 0; h < kHoldCount; ++h)
            if (v.state.holds().has(static_cast<Hold>(h)))
                holds += std::string(holds.empty() ? "\"" : ", \"") + kHoldNames[static_cast<std::size_t>(h)] + "\"";
        std::printf(
            "%s\n  {\"number\": %d, \"epoch\": %u, \"ticket_number\": %u, \"credited_ckwh\": %lld, \"used_grains\": "
            "%lld, "
            "\"remaining_ckwh\": %lld, \"forward_j\": %lld, \"reverse_j\": %lld, \"power_dw\": %lld, \"relay_closed\": "
            "%s, "
            "\"state_bits\": %u, \"holds\": [%s]}",
            number == 1 ? "" : ",", number, v.epoch, v.ticket_number,
            static_cast<long long>(in_hundredths(v.credited, Round::kDown)), static_cast<long long>(v.used.count()),
            static_cast<long long>(in_hundredths(v.remaining, Round::kDown)), static_cast<long long>(v.forward.count()),
            static_cast<long long>(v.reverse.count()), static_cast<long long>(v.active.count() / 100'000),
            v.lit ? "true" : "false", v.state.bits, holds.c_str());
    }
    std::printf("\n]}\n");
}

}  // namespace

int run(const MeterOptions& options) {
    const auto box = sim::parse_box_number(options.box);
    if (!box) return fail(ExitCode::kWrongUse, "--box: " + box.error());
    const auto wiring = sim::parse_wiring(options.wiring);
    if (!wiring) return fail(ExitCode::kWrongUse, "--wiring: " + wiring.error());
    const auto speed = sim::parse_speed(options.speed);
    if (!speed) return fail(ExitCode::kWrongUse, "--speed: " + speed.error());
    const auto life = sim::parse_life(options.life);
    if (!life) return fail(ExitCode::kWrongUse, "--life: " + life.error());
    Instant end = kNever;
    if (!options.duration.empty()) {
        const auto duration = sim::parse_duration(options.duration);
        if (!duration) return fail(ExitCode::kWrongUse, "--for: " + duration.error());
        end = Instant{} + *duration;
    }
    if (!options.tcp.empty() && options.pty)
        return fail(ExitCode::kWrongUse, "--tcp and --pty: a meter has one line, choose one of them");
    if (!options.play.empty() && options.homes)
        return fail(ExitCode::kWrongUse, "--homes and --play: choose one of them");
    if (options.output != "table" && options.output != "json")
        return fail(ExitCode::kWrongUse, "-o: '" + options.output + "' is not to be had here: table or json");
    if (options.household < 1 || options.household > meter::households(*wiring))
        return fail(ExitCode::kWrongUse, "--household: " + std::to_string(options.household) + " is not on a box of " +
                                             options.wiring + ", which has 1 to " +
                                             std::to_string(meter::households(*wiring)));
    std::uint64_t repeats = 0;
    if (options.repeat != "forever") {
        const auto [stop, error] =
            std::from_chars(options.repeat.data(), options.repeat.data() + options.repeat.size(), repeats);
        if (error != std::errc{} || stop != options.repeat.data() + options.repeat.size() || repeats == 0)
            return fail(ExitCode::kWrongUse,
                        "--repeat: '" + options.repeat + "' is neither a count above 0 nor forever");
    }
    const std::pair<int, int> ratings[] = {{15, 60}, {10, 40}, {10, 50}};
    if (std::find(std::begin(ratings), std::end(ratings), std::pair{options.basic_current, options.max_current}) ==
        std::end(ratings))
        return fail(ExitCode::kWrongUse, "--ib, --imax: boxes are made for 15 and 60, 10 and 40, or 10 and 50 A");
    if (options.pulse_constant != 1600 && options.pulse_constant != 600 && options.pulse_constant != 5000)
        return fail(ExitCode::kWrongUse, "--constant: 1600, 600 or 5000 imp/kWh");

    std::vector<sim::Fault> faults;
    for (const std::string& text : options.faults) {
        const auto fault = sim::parse_fault(text);
        if (!fault) return fail(ExitCode::kWrongUse, "--fault: " + fault.error());
        if (!options.play.empty() && fault->is_of_supply())
            return fail(ExitCode::kWrongUse,
                        "--fault: a recording brings its own supply; '" + text + "' needs --homes");
        faults.push_back(*fault);
    }

    const sim::Converter converter = sim::nominal_converter(options.max_current);
    sim::Recording recording;
    std::unique_ptr<sim::Terminals> terminals;
    const sim::PlayedTerminals* played = nullptr;
    const CivilSeconds civil = sim::host_civil_time();
    if (!options.play.empty()) {
        auto read = sim::read_recording(options.play, options.row);
        if (!read) return fail(ExitCode::kNotFound, "--play: " + read.error());
        recording = std::move(*read);
        if (recording.mains_volts < 150 && !options.as_recorded) {
            std::fprintf(stderr, "prewatt: %s is of a supply of %.0f V: played at 220 V with the same watts\n",
                         recording.name.c_str(), recording.mains_volts);
            sim::scale_voltage(recording, 220 / recording.mains_volts);
        }
        auto made = std::make_unique<sim::PlayedTerminals>(
            recording, *wiring, Household{static_cast<std::uint8_t>(options.household)}, repeats, converter, 1);
        played = made.get();
        terminals = std::move(made);
    } else {
        sim::BuildingOptions building;
        building.wiring = *wiring;
        building.box = *box;
        building.seed = options.homes.value_or(1);
        building.life = [life](Household) { return *life; };
        building.start = civil;
        building.basic_current_amperes = options.basic_current;
        building.converter = converter;
        terminals = std::make_unique<sim::HomesTerminals>(building);
    }

    const std::filesystem::path store =
        options.store.empty() ? std::filesystem::path("prewatt-meter-" + options.box + ".nvm") : options.store;
    const auto storage = sim::FileStorage::open(store);
    if (!storage) return fail(ExitCode::kInternal, storage.error());
    const auto key =
        card::load_or_make_master_key(options.key.empty() ? store.parent_path() / "prewatt.key" : options.key);
    if (!key) return fail(ExitCode::kWrongUse, "--key: " + key.error());

    std::optional<sim::LinePort> port;
    if (!options.tcp.empty()) {
        const auto at = sim::parse_host_port(options.tcp);
        if (!at) return fail(ExitCode::kWrongUse, "--tcp: " + at.error());
        auto opened = sim::LinePort::listen(*at);
        if (!opened) return fail(ExitCode::kNotReachable, "--tcp: " + opened.error());
        port.emplace(std::move(*opened));
    } else if (options.pty) {
        auto opened = sim::LinePort::open_terminal(options.pty_link);
        if (!opened) return fail(ExitCode::kNotReachable, "--pty: " + opened.error());
        port.emplace(std::move(*opened));
        std::printf("%s\n", port->name().c_str());
        std::fflush(stdout);
    }

    card::OpensslMac mac;
    sim::VirtualMeterOptions meter_options;
    meter_options.node.box = {*box};
    meter_options.node.wiring = *wiring;
    meter_options.node.basic_current_amperes = static_cast<std::uint8_t>(options.basic_current);
    meter_options.node.max_current_amperes = static_cast<std::uint8_t>(options.max_current);
    meter_options.node.pulse_constant = static_cast<std::uint16_t>(options.pulse_constant);
    meter_options.node.keys = card::diversify(mac, key->key, *box);
    meter_options.node.card_keys = card::meter_card_keys(mac, card::site_masters(mac, key->key), *box);
    meter_options.node.card_clears = options.card_clears;
    meter_options.card_reader = !options.card.empty();
    meter_options.civil = civil;
    meter_options.faults = std::move(faults);
    sim::VirtualMeter meter(meter_options, **storage, std::move(terminals), [&port](Bytes bytes, Instant) {
        if (port) port->send(bytes);
    });
    sim::catch_stop_signals();
    const meter::StartResult started = meter.start(Instant{});
    if (const std::string problem = sim::problem_of(started, *box, *wiring, store.string()); !problem.empty())
        return fail(started == meter::StartResult::kWrongBox ? ExitCode::kWrongUse : ExitCode::kInternal, problem);
    std::fprintf(stderr, "prewatt: meter %s (%s), %s%s%s\n", options.box.c_str(), options.wiring.c_str(),
                 started == meter::StartResult::kFresh ? "new" : "as it was left", port ? ", on " : "",
                 port ? port->name().c_str() : "");

    std::optional<CardSlot> card_slot;
    if (!options.card.empty()) card_slot.emplace(options.card);
    std::unique_ptr<PanelPort> panel_port;
    if (options.panel_port) {
        auto opened = PanelPort::listen(*options.panel_port);
        if (!opened) return fail(ExitCode::kNotReachable, "--panel-port: " + opened.error());
        panel_port = std::move(*opened);
        std::fprintf(stderr, "prewatt: panel on http://127.0.0.1:%u/\n", panel_port->port());
    }
    std::optional<TerminalPanel> panel;
    const bool panel_possible = options.panel && TerminalPanel::possible();
    if (options.panel && !panel_possible)
        std::fprintf(stderr, "prewatt: --panel: this is no terminal; the display is shown line by line instead\n");
    if (panel_possible) panel.emplace(options.box);
    const bool show_display = !panel_possible && (options.display || options.panel);
    DisplayOnTerminal screen(options.output == "json" ? stderr : stdout);
    sim::Pace pace(*speed);
    const std::int64_t host_start = sim::host_now();
    Instant now{};
    std::vector<pollfd> handles;
    std::int64_t synced = host_start;
    const auto civil_at = [civil](Instant at) {
        return civil + static_cast<CivilSeconds>(at.microseconds() / 1'000'000);
    };
    while (!sim::stop_asked() && now < end) {
        // A stretch of virtual time, but no longer than 10 ms of the host's before the line is looked at again.
        const std::int64_t host_before = sim::host_now();
        const Instant due = pace.is_max() ? kNever : pace.due(now);
        do {
            now = std::min({now + milliseconds(pace.is_max() ? 200 : 20), due, end});
            meter.run_until(now);
            if (played != nullptr && played->finished() && end == kNever) end = now + seconds(2);
            if (show_display) screen.show(meter.display(), civil_at(now));
            if (panel) panel->draw(meter, civil_at(now));
        } while (now < due && now < end && sim::host_now() - host_before < 10'000);

        handles.clear();
        if (port) port->add_to(handles);
        if (panel) panel->add_to(handles);
        sim::wait_for(handles, now < due ? Duration{} : pace.until(std::min(meter.next(), end), now));
        if (port) {
            // While bytes are coming in, virtual time waits: at high speeds a frame would otherwise be torn by its own
            // time limit.
            for (std::vector<Byte> bytes = port->service(); !bytes.empty(); bytes = port->service()) {
                if (!pace.is_max()) now = std::max(now, std::min(pace.due(now), end));
                for (Byte byte : bytes)
                    meter.on_byte(byte, now);
                if (pace.is_max()) sim::wait_for(handles, milliseconds(1));
            }
        }
        if (card_slot) card_slot->service(meter.card_field(), sim::host_now());
        if (panel && panel->keys(meter)) break;
        if (panel_port) panel_port->service(meter, civil_at(now));
        if (sim::host_now() - synced > 5'000'000) {
            (*storage)->sync();
            synced = sim::host_now();
        }
    }
    panel.reset();
    meter.power_fail(now);
    const double host_seconds = static_cast<double>(sim::host_now() - host_start) * 1e-6;
    if (options.output == "json")
        print_json(meter.node(), options.box, options.wiring, now, host_seconds, played, recording);
    else
        print_table(meter.node());
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
