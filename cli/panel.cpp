#include "cli/panel.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "cli/output.hpp"
#include "server/api/http_server.hpp"
#include "sim/host_run.hpp"

namespace prewatt::cli {
namespace {

namespace api = server::api;

constexpr const char* kHoldWords[kHoldCount] = {"no_credit", "cutoff_alarm", "malignant",  "overload", "locked_out",
                                                "schedule",  "remote",       "not_opened", "supply"};
constexpr std::int64_t kDrawEvery = 50'000;  // microseconds of the host

std::string words_of(HoldSet holds, const char* between) {
    std::string out;
    for (int h = 0; h < kHoldCount; ++h)
        if (holds.has(static_cast<Hold>(h)))
            out += (out.empty() ? "" : between) + std::string(kHoldWords[static_cast<std::size_t>(h)]);
    return out;
}

std::string time_of_day(CivilSeconds civil) {
    const CivilTime t = to_civil(civil);
    char text[24];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d", t.hour, t.minute, t.second);
    return text;
}

std::string in_milliseconds(Duration d) {
    return d.count() == INT64_MAX ? "-" : std::to_string(d.count() / 1000) + " ms";
}

// Twelve places, whatever the dots.
std::string digits(const std::array<char, 6>& row, std::uint8_t dots) {
    std::string text;
    for (std::size_t k = 0; k < row.size(); ++k) {
        text += row[k];
        text += dots >> k & 1 ? '.' : ' ';
    }
    return text;
}

Household household(int number) {
    return {static_cast<std::uint8_t>(number)};
}

nlohmann::json frame_json(const meter::DisplayFrame& frame) {
    return {{"upper", sim::text_of(frame.upper, frame.upper_dots)},
            {"lower", sim::text_of(frame.lower, frame.lower_dots)}};
}

}  // namespace

std::string panel_json(sim::VirtualMeter& meter, CivilSeconds civil) {
    const meter::Node& node = meter.node();
    const sim::TestSocket& socket = meter.socket();
    nlohmann::json out;
    out["format"] = 1;
    out["box"] = node.config().box.value;
    out["time"] = time_of_day(civil);
    out["virtual_ms"] = meter.now().microseconds() / 1000;
    out["display"] = frame_json(meter.display().frame());
    const auto shortest = [](Duration d) {
        return d.count() == INT64_MAX ? nlohmann::json(nullptr) : nlohmann::json(d.count() / 1000);
    };
    out["socket"] = {{"plugged", socket.plugged()},
                     {"hold", socket.joined()},
                     {"output", socket.output()},
                     {"pulses", socket.pulses()},
                     {"shortest_on_ms", shortest(socket.shortest_on())},
                     {"shortest_off_ms", shortest(socket.shortest_off())}};
    auto& households = out["households"] = nlohmann::json::array();
    for (int n = 1; n <= node.household_count(); ++n) {
        const meter::HouseholdView view = node.household(household(n));
        nlohmann::json holds = nlohmann::json::array();
        for (int h = 0; h < kHoldCount; ++h)
            if (view.state.holds().has(static_cast<Hold>(h))) holds.push_back(kHoldWords[static_cast<std::size_t>(h)]);
        households.push_back({{"number", n},
                              {"relay_closed", view.lit},
                              {"holds", std::move(holds)},
                              {"forced", view.state.has(StateBit::kForced)},
                              {"pulses", meter.display().pulses(household(n))},
                              {"watts", view.active.count() / 1'000'000},
                              {"remaining", decimal(in_hundredths(view.remaining, Round::kDown))},
                              {"window", frame_json(node.window(household(n), meter.now()))}});
    }
    return out.dump();
}

// --- Terminal

bool TerminalPanel::possible() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

TerminalPanel::TerminalPanel(std::string box) : box_(std::move(box)) {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios keys = before_;
    // Single keys without echo; Ctrl-C still ends the program.
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    std::fputs("\033[?1049h\033[?25l\033[2J", stdout);
    std::fflush(stdout);
}

TerminalPanel::~TerminalPanel() {
    std::fputs("\033[?25h\033[?1049l", stdout);
    std::fflush(stdout);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void TerminalPanel::add_to(std::vector<pollfd>& wanted) const {
    wanted.push_back({STDIN_FILENO, POLLIN, 0});
}

bool TerminalPanel::keys(sim::VirtualMeter& meter) {
    std::array<char, 64> pressed;
    const ssize_t count = ::read(STDIN_FILENO, pressed.data(), pressed.size());
    const int last = meter.node().household_count();
    for (ssize_t k = 0; k < count; ++k) {
        const char key = pressed[static_cast<std::size_t>(k)];
        if (key == '\033') {
            escape_ = key;
            continue;
        }
        if (!escape_.empty()) {
            escape_ += key;
            if (escape_.size() < 3) continue;
            if (key == 'C' || key == 'B') looked_at_ = looked_at_ % last + 1;
            if (key == 'D' || key == 'A') looked_at_ = (looked_at_ + last - 2) % last + 1;
            escape_.clear();
            continue;
        }
        if (key == 'q') return true;
        if (key == 'p') meter.socket().plug(!meter.socket().plugged());
        if (key == 'h' && meter.socket().plugged()) meter.socket().join(!meter.socket().joined());
        if (!meter.socket().plugged()) meter.socket().join(false);
    }
    return false;
}

std::string TerminalPanel::picture(sim::VirtualMeter& meter, CivilSeconds civil) {
    const meter::Node& node = meter.node();
    const sim::TestSocket& socket = meter.socket();
    const meter::DisplayFrame& frame = meter.display().frame();
    const auto line = [](const std::string& text) { return text + "\033[K\r\n"; };
    const auto red = [](const std::string& text) { return "\033[1;31m" + text + "\033[0m"; };
    std::string out = "\033[H" + line("box " + box_ + "   " + time_of_day(civil)) + line("");
    out += line("  +--------------+   socket: " + std::string(socket.plugged() ? "plug in" : "no plug") +
                (socket.joined() ? ", pins 4 and 6 joined" : ""));
    out += line("  | " + red(digits(frame.upper, frame.upper_dots)) + " |   test output: " +
                (socket.output() ? red("on ") : "off") + "  " + std::to_string(socket.pulses()) + " pulses");
    out += line("  | " + red(digits(frame.lower, frame.lower_dots)) + " |   shortest on " +
                in_milliseconds(socket.shortest_on()) + ", off " + in_milliseconds(socket.shortest_off()));
    out += line("  +--------------+") + line("");
    for (int from = 1; from <= node.household_count(); from += 10) {
        std::string row = "  ";
        for (int n = from; n < from + 10 && n <= node.household_count(); ++n) {
            const std::uint64_t pulses = meter.display().pulses(household(n));
            const bool flash = pulses != std::exchange(pulses_seen_[static_cast<std::size_t>(n)], pulses);
            const meter::HouseholdView view = node.household(household(n));
            char number[16];
            std::snprintf(number, sizeof number, "%02d", n);
            row += (n == looked_at_ ? "\033[7m" : "") + std::string(number) + "\033[0m" + (flash ? red("*") : ".") +
                   (view.lit ? "-- " : "/- ");
        }
        out += line(row);
    }
    const meter::HouseholdView view = node.household(household(looked_at_));
    const std::string holds = words_of(view.state.holds(), ", ");
    const meter::DisplayFrame window = node.window(household(looked_at_), meter.now());
    out += line("") + line("  household " + std::to_string(looked_at_) + ": relay " + (view.lit ? "closed" : "open") +
                           (holds.empty() ? "" : ", held by " + holds) +
                           (view.state.has(StateBit::kForced) ? ", forced power" : ""));
    out += line("  " + sim::text_of(window) + "   " + decimal(in_hundredths(view.remaining, Round::kDown)) + " left, " +
                std::to_string(view.active.count() / 1'000'000) + " W, " +
                std::to_string(meter.display().pulses(household(looked_at_))) + " pulses");
    out += line("") + line("  p plug   h pins 4-6   arrows household   q quit") + "\033[J";
    return out;
}

void TerminalPanel::draw(sim::VirtualMeter& meter, CivilSeconds civil) {
    const std::int64_t now = sim::host_now();
    if (now - drawn_at_ < kDrawEvery) return;
    drawn_at_ = now;
    std::string next = picture(meter, civil);
    if (next == drawn_) return;
    drawn_ = std::move(next);
    std::fputs(drawn_.c_str(), stdout);
    std::fflush(stdout);
}

// --- HTTP

namespace {
enum class Act : std::uint8_t { kLook, kPlug, kUnplug, kHold, kRelease };
struct Asked {
    Act act = Act::kLook;
    std::promise<std::string> answer;
};
}  // namespace

struct PanelPort::Inside {
    api::EventHub hub{1, 1};
    std::mutex mutex;
    std::deque<Asked> asked;
    std::unique_ptr<api::HttpServer> server;
    std::thread thread;

    api::Response handle(const api::Request& request) {
        // A page of somebody else in a browser on this machine is nobody who stands before the box.
        if (!request.header("origin").empty() || !request.header("sec-fetch-site").empty())
            return api::Problem{403, "not_from_a_page", "this port is for programs on this machine", nullptr, {}}
                .response();
        const std::pair<const char*, Act> posts[] = {
            {"/plug", Act::kPlug}, {"/unplug", Act::kUnplug}, {"/hold", Act::kHold}, {"/release", Act::kRelease}};
        std::optional<Act> act;
        bool known = request.path == "/";
        if (known && request.method == api::Method::kGet) act = Act::kLook;
        for (const auto& [path, meant] : posts) {
            if (request.path != path) continue;
            known = true;
            if (request.method == api::Method::kPost) act = meant;
        }
        if (!act)
            return api::Problem{known ? 405 : 404,
                                known ? "wrong_method" : "not_found",
                                "GET / and POST /plug, /unplug, /hold, /release",
                                nullptr,
                                {}}
                .response();
        std::future<std::string> answer;
        {
            const std::lock_guard lock(mutex);
            asked.push_back({*act, {}});
            answer = asked.back().answer.get_future();
        }
        api::Response response;
        // The meter is asked every 20 ms, or it has ended.
        if (answer.wait_for(std::chrono::seconds(5)) != std::future_status::ready)
            return api::Problem{503, "ended", "the meter does not run any more", nullptr, {}}.response();
        try {
            response.body = std::make_shared<const std::string>(answer.get());
        } catch (const std::future_error&) {
            return api::Problem{503, "ended", "the meter does not run any more", nullptr, {}}.response();
        }
        return response;
    }
};

PanelPort::PanelPort(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

std::expected<std::unique_ptr<PanelPort>, std::string> PanelPort::listen(std::uint16_t port) {
    auto inside = std::make_unique<Inside>();
    api::HttpServerOptions options;
    options.port = port;
    options.handler_threads = 2;
    options.connections_max = 16;
    options.stop_grace = std::chrono::milliseconds(200);
    auto server = api::HttpServer::listen(
        options, inside->hub, [at = inside.get()](const api::Request& request) { return at->handle(request); });
    if (!server) return std::unexpected(server.error().words);
    inside->server = std::move(*server);
    inside->thread = std::thread([at = inside.get()] { at->server->run(); });
    return std::unique_ptr<PanelPort>(new PanelPort(std::move(inside)));
}

PanelPort::~PanelPort() {
    {
        // Whoever still waits gets no answer.
        const std::lock_guard lock(inside_->mutex);
        inside_->asked.clear();
    }
    inside_->server->stop();
    inside_->thread.join();
}

std::uint16_t PanelPort::port() const {
    return inside_->server->port();
}

void PanelPort::service(sim::VirtualMeter& meter, CivilSeconds civil) {
    std::deque<Asked> asked;
    {
        const std::lock_guard lock(inside_->mutex);
        asked.swap(inside_->asked);
    }
    for (Asked& one : asked) {
        sim::TestSocket& socket = meter.socket();
        if (one.act == Act::kPlug) socket.plug(true);
        if (one.act == Act::kUnplug) socket.plug(false);
        if (one.act == Act::kHold) socket.join(true);
        if (one.act == Act::kRelease || one.act == Act::kUnplug) socket.join(false);
        one.answer.set_value(panel_json(meter, civil));
    }
}

}  // namespace prewatt::cli
