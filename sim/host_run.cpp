#include "sim/host_run.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <ctime>

namespace prewatt::sim {
namespace {

volatile std::sig_atomic_t stop = 0;
constexpr Duration kDebtMax = seconds(1);

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

}  // namespace

std::expected<std::uint64_t, std::string> parse_box_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.size() != 10 || error != std::errc{} || end != text.data() + text.size())
        return std::unexpected("'" + std::string(text) + "' is not the number of a box: ten digits, as 2026000001");
    return value;
}

std::expected<meter::Wiring, std::string> parse_wiring(std::string_view text) {
    for (meter::Wiring w :
         {meter::Wiring::k39x1, meter::Wiring::k18x2, meter::Wiring::k12x3, meter::Wiring::k13x3phase})
        if (text == name_of(w)) return w;
    return std::unexpected("'" + std::string(text) +
                           "' is no wiring: 39x1, 18x2, 12x3 (households x circuits) or 13x3phase");
}

std::string_view name_of(meter::Wiring wiring) {
    static constexpr std::string_view names[] = {"39x1", "18x2", "12x3", "13x3phase"};
    return names[static_cast<std::size_t>(wiring)];
}

std::expected<Life, std::string> parse_life(std::string_view text) {
    for (Life life : {Life::kStudents, Life::kFamily, Life::kShop, Life::kLively})
        if (text == name_of(life)) return life;
    return std::unexpected("'" + std::string(text) + "' is no way of life: students, family, shop or lively");
}

std::expected<Duration, std::string> parse_duration(std::string_view text) {
    std::string_view digits = text;
    double factor = 1;
    if (!digits.empty()) {
        const char unit = digits.back();
        if (unit == 's' || unit == 'm' || unit == 'h') digits.remove_suffix(1);
        factor = unit == 'm' ? 60 : unit == 'h' ? 3600 : 1;
    }
    const auto value = number(digits);
    if (!value || *value <= 0 || *value * factor > 1e10)
        return std::unexpected("'" + std::string(text) + "' is no time: 90, 90s, 5m or 2h");
    return microseconds(static_cast<std::int64_t>(*value * factor * 1e6));
}

std::expected<std::optional<double>, std::string> parse_speed(std::string_view text) {
    if (text == "max") return std::optional<double>{};
    const auto value = number(text);
    if (!value || *value <= 0 || *value > 1e6)
        return std::unexpected("'" + std::string(text) + "' is no speed: a number above 0 (1 = real time), or max");
    return value;
}

std::string problem_of(meter::StartResult result, std::uint64_t box, meter::Wiring wiring, const std::string& store) {
    switch (result) {
        case meter::StartResult::kFresh:
        case meter::StartResult::kRecovered:
            return {};
        case meter::StartResult::kWrongBox:
            return store + ": belongs to a box of another number or wiring than " + std::to_string(box) + " " +
                   std::string(name_of(wiring)) + "; nothing was changed, choose another store";
        case meter::StartResult::kStorageDead:
            return store +
                   ": cannot be read as a meter's storage, or was written by a newer program; nothing was changed";
    }
    return {};
}

std::int64_t host_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

Pace::Pace(std::optional<double> speed) : speed_(speed), host_origin_(host_now()) {}

Instant Pace::due(Instant reached) {
    if (!speed_) return reached;
    const std::int64_t host = host_now();
    const Instant due =
        virtual_origin_ + microseconds(static_cast<std::int64_t>(static_cast<double>(host - host_origin_) * *speed_));
    const Duration debt_max = microseconds(static_cast<std::int64_t>(static_cast<double>(kDebtMax.count()) * *speed_));
    if (due - reached > debt_max) {
        host_origin_ = host;
        virtual_origin_ = reached + debt_max;
        return virtual_origin_;
    }
    return std::max(due, reached);
}

Duration Pace::until(Instant at, Instant reached) const {
    if (!speed_ || at <= reached) return {};
    if (at - reached > seconds(3600)) return seconds(3600);
    return microseconds(static_cast<std::int64_t>(static_cast<double>((at - reached).count()) / *speed_));
}

void catch_stop_signals() {
    struct sigaction action{};
    action.sa_handler = [](int) { stop = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    // Blocked but while waiting, so that none comes between the look at the flag and the wait.
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool stop_asked() {
    return stop != 0;
}

void wait_for(std::vector<pollfd>& handles, Duration longest) {
    const timespec time{longest.count() / 1'000'000, longest.count() % 1'000'000 * 1000};
    sigset_t none;
    ::sigemptyset(&none);
    ::ppoll(handles.data(), handles.size(), &time, &none);
}

}  // namespace prewatt::sim
