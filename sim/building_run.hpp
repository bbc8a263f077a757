// A full building by itself: one box with all its homes, an office that sells, people who let their credit run out, for
// days or for a year, as fast as this machine goes. The real node, samples or windows from simulated appliances, sealed
// commands over the box's own line; nothing is told to the meter that a building would not tell it.
//
// Decides what such a run proves: what went through the contacts (known exactly, independent of any meter) stands in
// the registers, every joule in the registers was charged once, pulses and registers agree, one coil at a time, the
// watchdog is never kept waiting. One seed makes the same run again.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/civil_time.hpp"
#include "base/units.hpp"
#include "meter/metrology/measurement.hpp"
#include "sim/home.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::sim {

struct BuildingRunOptions {
    double days = 7;
    Level level = Level::kWaveform;
    Duration window = seconds(1);  // cycle level: one measurement covers so much
    meter::Wiring wiring = meter::Wiring::k39x1;
    int homes = kHouseholdsMax;  // with an account; no more than the wiring has
    Life life = Life::kStudents;
    std::uint64_t seed = 1;
    CivilSeconds start = to_seconds({2026, 6, 8});
    bool display = true;                        // false: the box has none, and gives no pulses
    std::function<void(double)> progress = {};  // with every day that is over; may be empty
};

struct BuildingRunReport {
    double virtual_seconds = 0;
    double host_seconds = 0;       // on the wall
    double processor_seconds = 0;  // of this thread
    std::string problem;           // why it broke off; empty: it did not

    double true_joules = 0;       // through all contacts
    double uncounted_joules = 0;  // cycle level: of circuits below the no-load limit, as the standard wants it
    std::int64_t forward_joules = 0;
    std::int64_t reverse_joules = 0;
    double worst_household_percent = 0;  // registers against the truth, signed, of households with 1 kWh or more
    int worst_household = 0;
    std::int64_t charged_grains = 0;  // one a joule
    std::int64_t credited_hundredths = 0;
    std::int64_t remaining_grains = 0;

    int tickets = 0;
    int acknowledgements = 0;
    int refused = 0;  // commands that were not answered with "done"
    int cuts = 0;     // a household that was lit goes dark
    int restores = 0;
    std::uint64_t relay_pulses = 0;
    int coils_at_once_max = 0;
    std::uint64_t pulses = 0;  // of the LEDs
    std::int64_t pulse_joules = 0;
    std::int64_t pulse_gap_joules = 0;  // largest difference of a household's register and its pulses
    Duration longest_watchdog_silence;
    std::uint64_t bytes_written = 0;  // to the box's memory

    // Of one processor, whatever else runs on the machine.
    [[nodiscard]] double times_real_time() const {
        return processor_seconds > 0 ? virtual_seconds / processor_seconds : 0;
    }
    // Registers against truth, all households.
    [[nodiscard]] double balance_percent() const;
    // Every joule in the registers was charged, and what was credited is used or remains.
    [[nodiscard]] bool books_agree() const;
};
[[nodiscard]] BuildingRunReport run_building(const BuildingRunOptions& options);

}  // namespace prewatt::sim
