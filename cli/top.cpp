#include "cli/top.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

std::atomic<bool> interrupted{false};

struct Picture {
    json lines;
    json boxes;
    json households;
};

std::expected<Picture, OfficeFailure> look(const OfficeClient& client) {
    auto site = client.get("/site");
    if (!site) return std::unexpected(site.error());
    auto found = client.get("/households?limit=10000");
    if (!found) return std::unexpected(found.error());
    // Looking at a box is what makes the office read its power.
    for (const json& box : (*site)["boxes"])
        if ((*site)["boxes"].size() <= 8) (void)client.get("/boxes/" + box["number"].get<std::string>() + "/wall");
    return Picture{(*site)["lines"], (*site)["boxes"], (*found)["households"]};
}

Cell whole(const json& value) {
    return value.is_number_integer() ? Cell(value.get<std::int64_t>()) : Cell();
}
Cell hundredths(const json& value) {
    return value.is_number_integer() ? Cell(decimal(value.get<std::int64_t>())) : Cell();
}
std::string state_of(const json& household) {
    if (household["read_at"].is_null() || household["answering"] == false) return "offline";
    constexpr const char* order[] = {"supply",   "not_opened", "locked_out",   "malignant", "overload",
                                     "schedule", "remote",     "cutoff_alarm", "no_credit"};
    for (const char* hold : order)
        for (const json& one : household["holds"])
            if (one == hold) return hold;
    return "on";
}

Table lines_of(const Picture& picture) {
    Table table{"lines",
                {{"name", "Line"},
                 {"state", "State"},
                 {"sweep_ms", "Sweep, ms", true},
                 {"frames_sent", "Sent", true},
                 {"frames_received", "Received", true},
                 {"retries", "Again", true},
                 {"bad_frames", "Bad", true},
                 {"silent", "Silent boxes", true},
                 {"problem", "Problem"}},
                {}};
    for (const json& line : picture.lines)
        table.rows.push_back({line["name"].get<std::string>(), line["state"].get<std::string>(),
                              whole(line["sweep_ms"]), whole(line["frames_sent"]), whole(line["frames_received"]),
                              whole(line["retries"]), whole(line["bad_frames"]),
                              static_cast<std::int64_t>(line["silent_boxes"].size()),
                              line["problem"].get<std::string>()});
    return table;
}

Table boxes_of(const Picture& picture) {
    Table table{"boxes",
                {{"number", "Box"},
                 {"answering", "Answers"},
                 {"on", "On", true},
                 {"off", "Off", true},
                 {"power_w", "Power, W", true}},
                {}};
    for (const json& box : picture.boxes) {
        std::int64_t on = 0;
        std::int64_t off = 0;
        std::int64_t power_dw = 0;
        for (const json& household : picture.households) {
            if (household["box_number"] != box["number"]) continue;
            if (household["relay_closed"].is_boolean()) ++(household["relay_closed"].get<bool>() ? on : off);
            if (household["power_dw"].is_number_integer()) power_dw += household["power_dw"].get<std::int64_t>();
        }
        table.rows.push_back(
            {box["number"].get<std::string>(), box["answering"].get<bool>(), on, off, (power_dw + 5) / 10});
    }
    return table;
}

Table rooms_of(const Picture& picture, int limit) {
    Table table{"rooms",
                {{"room", "Room"},
                 {"state", "State"},
                 {"power_w", "Power, W", true},
                 {"remaining_kwh", "Left, kWh", true},
                 {"forward_kwh", "Total, kWh", true},
                 {"on_its_way", "On its way"}},
                {}};
    std::vector<const json*> rooms;
    for (const json& household : picture.households)
        rooms.push_back(&household);
    const auto power = [](const json& h) {
        return h["power_dw"].is_number_integer() ? h["power_dw"].get<std::int64_t>() : -1;
    };
    std::stable_sort(rooms.begin(), rooms.end(), [&](const json* a, const json* b) {
        const auto rank = [&](const json& h) { return std::pair(h["pending"].empty() ? 0 : 1, power(h)); };
        return rank(*a) > rank(*b);
    });
    for (std::size_t i = 0; i < rooms.size() && i < static_cast<std::size_t>(limit); ++i) {
        const json& h = *rooms[i];
        std::string pending;
        for (const json& one : h["pending"])
            pending += (pending.empty() ? "" : " ") + one.get<std::string>();
        table.rows.push_back({h["room"].get<std::string>(), state_of(h),
                              power(h) < 0 ? Cell() : Cell((power(h) + 5) / 10), hundredths(h["remaining_ckwh"]),
                              hundredths(h["forward_ckwh"]), pending});
    }
    return table;
}

std::string text_of(const Picture& picture, int rooms) {
    return text_of(lines_of(picture), OutputFormat::kTable) + "\n" + text_of(boxes_of(picture), OutputFormat::kTable) +
           "\n" + text_of(rooms_of(picture, rooms), OutputFormat::kTable);
}

// The alternate screen without echo, and back whatever happens.
class Screen {
  public:
    Screen() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        std::fputs("\x1b[?1049h\x1b[?25l", stdout);
    }
    ~Screen() {
        std::fputs("\x1b[?25h\x1b[?1049l", stdout);
        std::fflush(stdout);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    static int height() {
        winsize size{};
        return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 8 ? size.ws_row : 24;
    }
    static void show(const std::string& text, const std::string& head) {
        std::string out = "\x1b[H" + head + "\x1b[K\n";
        int left = height() - 2;
        for (std::size_t at = 0; at < text.size() && left > 0; --left) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            out.append(text, at, end - at).append("\x1b[K\n");
            at = end + 1;
        }
        out += "\x1b[J";
        std::fputs(out.c_str(), stdout);
        std::fflush(stdout);
    }

  private:
    termios before_{};
};

}  // namespace

int run(const TopOptions& options) {
    const auto every = span_of(options.every);
    if (!every || every->count() < 100)
        return fail(ExitCode::kWrongUse, every ? "--every is 100ms at least" : every.error());
    if (options.rooms < 0) return fail(ExitCode::kWrongUse, "--rooms is a number of rooms");
    if (options.output != "table" && options.output != "json")
        return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    auto picture = look(*client);
    if (!picture) return fail(picture.error());
    if (options.output == "json") {
        std::printf(
            "%s\n",
            json{{"format", 1}, {"lines", picture->lines}, {"boxes", picture->boxes}, {"rooms", picture->households}}
                .dump(2)
                .c_str());
        return code(ExitCode::kDone);
    }
    if (::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) {
        std::fputs(text_of(*picture, options.rooms).c_str(), stdout);
        return code(ExitCode::kDone);
    }
    std::signal(SIGINT, [](int) { interrupted = true; });
    std::signal(SIGTERM, [](int) { interrupted = true; });
    OfficeFailure failure;
    {
        const Screen screen;
        while (!interrupted) {
            if (picture)
                Screen::show(text_of(*picture, options.rooms), "prewatt top   " + client->server() + "   q: quit");
            else if (picture.error().exit == ExitCode::kNoRight)
                break;
            else
                Screen::show(picture.error().what + "\n",
                             "prewatt top   " + client->server() + "   trying again   q: quit");
            pollfd key{STDIN_FILENO, POLLIN, 0};
            char pressed = 0;
            if (::poll(&key, 1, static_cast<int>(every->count())) > 0 && ::read(STDIN_FILENO, &pressed, 1) == 1 &&
                (pressed == 'q' || pressed == 'Q'))
                return code(ExitCode::kDone);
            picture = look(*client);
        }
    }
    if (!interrupted && !picture) return fail(picture.error());
    return code(ExitCode::kInterrupted);
}

}  // namespace prewatt::cli
