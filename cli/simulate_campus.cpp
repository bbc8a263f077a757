#include <unistd.h>

#include <cstdio>

#include "bench/figures.hpp"
#include "campus/trials.hpp"
#include "cli/output.hpp"
#include "cli/simulate.hpp"

namespace prewatt::cli {
namespace {

using bench::Figures;
using bench::Goal;

constexpr double kKilowattHour = 3.6e6;
constexpr double kYearInSeconds = 120;  // the goal: a year in two minutes of one core

double of(std::int64_t count) {
    return static_cast<double>(count);
}
double seconds_of(Duration span) {
    return of(span.count()) * 1e-6;
}

void print(const Figures& figures, bool json) {
    std::printf("%s%s", (json ? figures.json() : figures.table()).c_str(), json ? "\n" : "");
}

// What every run tells, of one seed or of many.
void add_speed(Figures& figures, double virtual_days, double processor_seconds) {
    figures.rows.push_back({"campus virtual time", virtual_days, "days", Goal::kNone, 0, ""});
    figures.rows.push_back({"campus processor time", processor_seconds, "s", Goal::kNone, 0, "one core"});
    if (virtual_days > 0)
        figures.rows.push_back({"campus processor time for a year", processor_seconds / virtual_days * 365, "s",
                                Goal::kAtMost, kYearInSeconds, "a year of this campus in two minutes of one core"});
}

Figures figures_of(const campus::CampusReport& r, const SimulateOptions& options) {
    Figures figures;
    const auto told = [&](const char* name, double value, const char* unit, const char* with = "") {
        figures.rows.push_back({name, value, unit, Goal::kNone, 0, with});
    };
    figures.rows.push_back({"campus demands held", r.held ? 1.0 : 0.0, "", Goal::kAtLeast, 1,
                            "every demand at every step, and convergence (campus/world.hpp)"});
    told("campus seed", of(static_cast<std::int64_t>(options.seed)), "");
    told("campus households", options.boxes * options.homes, "");
    add_speed(figures, r.virtual_seconds / 86'400, r.processor_seconds);
    told("campus steps", of(static_cast<std::int64_t>(r.step)), "", "each judged");
    told("campus digest", of(static_cast<std::int64_t>(r.digest >> 32)), "",
         "high half; the same options give the same");
    told("campus orders", of(r.orders), "");
    told("campus orders sold", of(r.sold), "");
    told("campus double clicks", of(r.double_clicks), "");
    told("campus orders asked again", of(r.asked_again), "", "under the same order id");
    told("campus orders given up", of(r.given_up), "", "sold or not, at most once");
    told("campus operators' orders", of(r.jobs), "");
    told("campus clerk's orders", of(r.clerk_orders), "", "refunds, corrections, settlements, moves, grants, payouts");
    told("campus clerk's orders done", of(r.clerk_orders_done), "", "the others were refused by a rule");
    told("campus bookings that gave back", of(r.given_back), "", "what a meter no longer had when a refund reached it");
    told("campus office killed between two steps", of(r.office_kills), "");
    told("campus office died in a write", of(r.office_deaths), "");
    told("campus host lost its supply", of(r.host_power_losses), "", "what was not synchronised is lost by chance");
    told("campus disk errors", of(r.disk_errors), "", "refused writes and syncs, full disks");
    told("campus boxes lost their supply", of(r.supply_losses), "");
    told("campus of these in the middle of a write", of(r.supply_losses_in_write), "");
    told("campus processors reset or hung", of(r.processor_resets), "");
    told("campus clocks that jumped", of(r.clock_jumps), "");
    told("campus times of noise", of(r.noisy_hours), "");
    told("campus frames said again by somebody", of(r.replays), "");
    told("campus messages held back or doubled", of(r.messages_held_back), "",
         "between line masters and office; others go past");
    told("campus boxes away for long", of(r.long_absences), "", "without supply or line, up to a month");
    told("campus boxes changed", of(r.boxes_changed), "", "with all their rooms");
    told("campus memories of boxes lost", of(r.memories_lost), "", "as from the factory, registers too");
    told("campus old backups restored", of(r.backups_restored), "");
    told("campus rooms whose meters knew more", of(r.rooms_ahead), "", "than the restored office: each is asked about");
    told("campus answers that the meter's total counts", of(r.answered_meters), "", "each by two people");
    told("campus answers that the office's total counts", of(r.answered_offices), "");
    told("campus answers refused by the second person", of(r.answers_refused), "");
    told("campus answers that one person tried alone", of(r.answers_by_one), "", "refused");
    told("campus answers that came too late", of(r.answers_failed), "", "something had changed: nothing was done");
    told("campus receipts sold again", of(r.receipts_sold_again), "", "under their order ids");
    told("campus cards written at the desk", of(r.cards_written), "", "and read back");
    told("campus cards torn away at the desk", of(r.cards_torn), "");
    told("campus cards lost and replaced", of(r.cards_lost), "");
    told("campus cards held to a box", of(r.taps), "");
    told("campus of these by cheats", of(r.cheats), "", "copied, rolled back, spliced, changed, swapped");
    told("campus meters that took a newer ticket from a card", of(r.credited_while_tapped), "");
    told("campus of these that the books before a restore had issued", of(r.cards_of_before), "",
         "each is asked about");
    told("campus prices changed", of(r.prices_changed), "");
    told("campus campaigns of settings", of(r.settings_changed), "");
    told("campus characters on the lines", of(static_cast<std::int64_t>(r.characters)), "");
    told("campus characters damaged or lost", of(static_cast<std::int64_t>(r.damaged_characters)), "");
    told("campus energy through the contacts", of(r.through_contacts.count()) / kKilowattHour, "kWh",
         "counted beside the meters");
    told("campus energy in the registers", of(r.in_registers.count()) / kKilowattHour, "kWh");
    told("campus energy used after the office had last read a lost meter", of(r.used_unknown.count()) / kKilowattHour,
         "kWh", "nobody pays it");
    told("campus energy lost at losses of supply", of(r.lost_at_supply_losses.count()) / kKilowattHour, "kWh",
         "0.01 kWh and a window for each is allowed");
    told("campus money taken", of(r.taken.count()) / 100, "yuan");
    told("campus money paid out", of(r.paid_out.count()) / 100, "yuan", "refunds and settlements, after their meters");
    told("campus energy sold", of(r.sold_energy.count()) / kKilowattHour, "kWh");
    told("campus longest lit without credit", seconds_of(r.longest_lit_without_credit), "s", "18 min are allowed");
    told("campus longest dark with credit", seconds_of(r.longest_dark_with_credit), "s", "18 min are allowed");
    told("campus longest delivery of a sale", seconds_of(r.longest_delivery), "s",
         "of undisturbed time; 10 min are allowed");
    told("campus longest without an account after a meter was lost", seconds_of(r.longest_recovery), "s",
         "of undisturbed time; 180 min are allowed");
    told("campus convergence after the faults", seconds_of(r.convergence), "s", "180 min are allowed");
    return figures;
}

int run_controls(const campus::CampusOptions& options, const SimulateOptions& asked) {
    Figures figures;
    for (const campus::ControlReport& control : campus::run_controls(options)) {
        figures.rows.push_back({"campus seeds to find " + std::string(control.entry.name),
                                control.found ? control.seeds : control.seeds + 1.0, "", Goal::kAtMost,
                                of(control.entry.seeds_max), std::string(control.entry.what)});
        if (!asked.json)
            std::fprintf(stderr, "prewatt: %s: %s\n", std::string(control.entry.name).c_str(),
                         control.found ? control.violation.c_str() : "not found");
    }
    print(figures, asked.json);
    if (!figures.all_met()) return fail(ExitCode::kInternal, "simulate campus: a planted defect was not found");
    return code(ExitCode::kDone);
}

}  // namespace

std::string defect_names() {
    std::string names;
    for (const campus::DefectEntry& entry : campus::kDefects)
        names += (names.empty() ? "" : ", ") + std::string(entry.name);
    return names;
}

int run_campus(const SimulateOptions& options) {
    if (!(options.days > 0) || options.days > 3660)
        return fail(ExitCode::kWrongUse, "--days: more than 0, at most 3660");
    if (options.homes < 1) return fail(ExitCode::kWrongUse, "--homes: 1 to 39 in each box");
    campus::CampusOptions campus;
    campus.seed = options.seed;
    campus.days = options.days;
    campus.boxes = options.boxes;
    campus.homes = options.homes;
    campus.lines = options.boxes > 1 ? 2 : 1;
    campus.faults = !options.no_faults;
    campus.cards = options.cards;
    if (!options.defect.empty()) {
        const auto defect = campus::defect_of(options.defect);
        if (!defect)
            return fail(ExitCode::kWrongUse, "--defect: there is nothing called '" + options.defect + "' to plant",
                        "one of " + defect_names());
        campus.defect = *defect;
    }
    if (options.controls) return run_controls(campus, options);
    const bool shows = ::isatty(2) == 1;
    if (options.seeds == 1) {
        if (shows) campus.progress = [](double days) { std::fprintf(stderr, "\rprewatt: %.0f days ", days); };
        const campus::CampusReport report = campus::run_campus(campus);
        if (shows) std::fputc('\n', stderr);
        const Figures figures = figures_of(report, options);
        print(figures, options.json);
        if (!report.story.empty()) std::fprintf(stderr, "%s", report.story.c_str());
        if (!report.held)
            return fail(ExitCode::kInternal, "seed " + std::to_string(options.seed) + ": " + report.violation +
                                                 "; the same options run to the same step again");
        if (options.strict && !figures.all_met())
            return fail(ExitCode::kInternal, "simulate campus: a goal was missed");
        return code(ExitCode::kDone);
    }
    int run = 0;
    const campus::SeedsReport all = campus::run_seeds(campus, options.seeds, [&](const campus::CampusReport&) {
        if (shows && ++run % 10 == 0) std::fprintf(stderr, "\rprewatt: %d seeds ", run);
    });
    if (shows) std::fputc('\n', stderr);
    Figures figures;
    figures.rows.push_back({"campus seeds that held", of(all.seeds - (all.held ? 0 : 1)), "", Goal::kAtLeast,
                            of(options.seeds), "every demand at every step, and convergence (campus/world.hpp)"});
    add_speed(figures, all.virtual_days, all.processor_seconds);
    figures.rows.push_back({"campus orders sold", of(all.sold), "", Goal::kNone, 0, ""});
    figures.rows.push_back(
        {"campus office killed", of(all.kills), "", Goal::kNone, 0, "between two steps or in a write"});
    figures.rows.push_back({"campus boxes lost their supply", of(all.supply_losses), "", Goal::kNone, 0, ""});
    print(figures, options.json);
    if (!all.held)
        return fail(ExitCode::kInternal, "seed " + std::to_string(all.failing_seed) + ": " +
                                             all.first_failure.violation + "; run it again with --seed " +
                                             std::to_string(all.failing_seed));
    if (options.strict && !figures.all_met()) return fail(ExitCode::kInternal, "simulate campus: a goal was missed");
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
