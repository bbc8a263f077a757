#include "cli/simulate.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "bench/figures.hpp"
#include "cli/output.hpp"
#include "sim/building_run.hpp"
#include "sim/host_run.hpp"

namespace prewatt::cli {
namespace {

constexpr double kKilowattHour = static_cast<double>(kJoulesPerKilowattHour);

bench::Figures figures_of(const sim::BuildingRunReport& r, sim::Level level) {
    using bench::Goal;
    bench::Figures figures;
    const auto told = [&](const char* name, double value, const char* unit, const char* compared_with = "") {
        figures.rows.push_back({name, value, unit, Goal::kNone, 0, compared_with});
    };
    const auto wanted = [&](const char* name, double value, const char* unit, Goal goal, double at, const char* with) {
        figures.rows.push_back({name, value, unit, goal, at, with});
    };
    told("building virtual time", r.virtual_seconds / 86'400, "days");
    told("building time that it took", r.host_seconds, "s", "on the wall");
    told("building processor time", r.processor_seconds, "s", "one core");
    if (level == sim::Level::kWaveform)
        wanted("building multiple of real time", r.times_real_time(), "x", Goal::kAtLeast, 168,
               "a week in an hour; samples of 39 homes made, converted, measured, booked");
    else
        wanted("building multiple of real time", r.times_real_time(), "x", Goal::kAtLeast, 8760,
               "a year in an hour; one measurement of all circuits each second");
    told("building energy through the contacts", r.true_joules / kKilowattHour, "kWh", "summed up beside the meter");
    told("building energy in the registers, forward", static_cast<double>(r.forward_joules) / kKilowattHour, "kWh");
    told("building energy in the registers, reverse", static_cast<double>(r.reverse_joules) / kKilowattHour, "kWh");
    told("building energy below the no-load limit", r.uncounted_joules / kKilowattHour, "kWh", "known at cycle level");
    wanted("building balance", std::abs(r.balance_percent()), "%", Goal::kAtMost, 0.3,
           "registers against contacts; 30 % of class 1");
    wanted("building worst household", std::abs(r.worst_household_percent), "%", Goal::kAtMost, 0.3,
           "of those with 1 kWh or more");
    wanted("building books that agree", r.books_agree() ? 1 : 0, "", Goal::kAtLeast, 1,
           "charged = forward + reverse and credited = charged + remaining, to the grain");
    told("building tickets", r.tickets, "");
    told("building cut-off alarms acknowledged", r.acknowledgements, "");
    wanted("building commands refused", r.refused, "", Goal::kAtMost, 0, "sealed commands over the line");
    told("building cuts", r.cuts, "");
    told("building restores", r.restores, "");
    told("building coil pulses", static_cast<double>(r.relay_pulses), "");
    wanted("building coils at once", r.coils_at_once_max, "", Goal::kAtMost, 1, "what the box can supply");
    told("building LED pulses", static_cast<double>(r.pulses), "");
    wanted("building register beyond its pulses", static_cast<double>(r.pulse_gap_joules), "J", Goal::kAtMost,
           static_cast<double>(2 * r.pulse_joules), "one pulse, and the window that is let out");
    wanted("building watchdog silence", static_cast<double>(r.longest_watchdog_silence.count()) * 1e-6, "s",
           Goal::kAtMost, 2, "longest");
    told("building bytes written to the memory", static_cast<double>(r.bytes_written), "B");
    return figures;
}

}  // namespace

int run(const SimulateOptions& options) {
    if (options.name == "campus") return run_campus(options);
    if (options.name != "building")
        return fail(ExitCode::kWrongUse, "there is nothing called '" + options.name + "' to simulate",
                    "campus or building");
    const auto wiring = sim::parse_wiring(options.wiring);
    if (!wiring) return fail(ExitCode::kWrongUse, "--wiring: " + wiring.error());
    const auto life = sim::parse_life(options.life);
    if (!life) return fail(ExitCode::kWrongUse, "--life: " + life.error());
    if (options.level != "waveform" && options.level != "cycle")
        return fail(ExitCode::kWrongUse, "--level: '" + options.level + "' is neither waveform nor cycle");
    if (!(options.days > 0) || options.days > 3660)
        return fail(ExitCode::kWrongUse, "--days: more than 0, at most 3660");
    sim::BuildingRunOptions building;
    building.days = options.days;
    building.level = options.level == "cycle" ? sim::Level::kCycle : sim::Level::kWaveform;
    building.wiring = *wiring;
    building.homes = options.homes;
    building.life = *life;
    building.seed = options.seed;
    const std::int64_t began = sim::host_now();
    if (::isatty(2) == 1)
        building.progress = [began](double seconds) {
            const double host = static_cast<double>(sim::host_now() - began) * 1e-6;
            std::fprintf(stderr, "\rprewatt: %.0f days, %.0f x real time ", seconds / 86'400, seconds / host);
        };
    const sim::BuildingRunReport report = sim::run_building(building);
    if (building.progress) std::fputc('\n', stderr);
    if (!report.problem.empty()) return fail(ExitCode::kInternal, report.problem);
    const bench::Figures figures = figures_of(report, building.level);
    std::printf("%s%s", (options.json ? figures.json() : figures.table()).c_str(), options.json ? "\n" : "");
    if (options.strict && !figures.all_met()) return fail(ExitCode::kInternal, "simulate building: a goal was missed");
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
