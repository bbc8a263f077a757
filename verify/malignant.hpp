// `prewatt evaluate malignant MANIFEST`: recordings of real appliances through the very code of the meter.
//
// Every row of the manifest becomes a supply and a current at 4 kSa/s, passes the model of the front end (16 bits, 0.7
// counts of noise), Metering, StepDetector and the judge of meter/core/malignant_load. What happens is compared with
// what the row expects, per kind and type, beside a plain rule (step > 200 W, power factor of the step > 0.97,
// distortion < 8 %) on the same samples.
//
// What the kinds become: steady: no current, then all of it | step_cycle: cycles without, then the one cycle for ever |
// event, composite_*: as recorded; what is before and after is lengthened by the recording's own first and last cycles,
// because a meter has been running for longer than the recording. Supplies of 100..130 V are brought to 220 V at the
// same watts. A source whose known heaters show a phase error of more than a degree is calibrated by them, as a channel
// of a meter is on the bench; the result says which and by how much.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/figures.hpp"
#include "meter/core/malignant_load.hpp"
#include "meter/reports.hpp"
#include "settings/settings.hpp"

namespace prewatt::verify {

// What is changed about the recordings, to see whether margins hold.
struct Stress {
    std::string name = "as recorded";
    double noise_counts = 0.7;
    double phase_degrees = 0;  // current after voltage
    double volts_factor = 1;   // resistors follow
    double frequency_factor = 1;
    double distortion_percent = 0;  // of fifth harmonic on the supply; resistors follow
    double current_factor = 1;
    friend bool operator==(const Stress&, const Stress&) = default;
};

struct MalignantOptions {
    std::filesystem::path manifest;
    settings::MalignantProfile profile;
    std::uint64_t seed = 1;
    int every = 1;  // only each so many-th row of a kind and type
    Stress stress;
};

struct MalignantRow {
    std::string file, source, kind, appliance, event, base_load;
    bool expected = false;  // to be cut
    bool synthetic = false;
    bool cut = false;
    bool plain_rule_cuts = false;
    double decision_ms = 0;  // from the step, of a cut
    meter::MalignantVerdict verdict;
    meter::StepReport report;  // of the cut, or the one that came nearest
    // How far from the limit: 1 is the limit, above is a cut. The smaller of sure power / window and sure share / a
    // quarter.
    double nearness = 0;
    int reports = 0;
};

struct SourceCalibration {
    std::string source;  // and house or bench
    double degrees = 0;  // current after voltage, taken out
    int heaters = 0;     // rows that it was found from
};

struct MalignantResult {
    std::vector<MalignantRow> rows;
    std::vector<SourceCalibration> calibrations;  // only those that were applied
};
// Errors are sentences for a person.
[[nodiscard]] std::expected<MalignantResult, std::string> evaluate_malignant(const MalignantOptions& options);

// Recall and false cuts by type, decision times, margins, with the goals.
[[nodiscard]] bench::Figures figures_of(const MalignantResult& result);
// Every kind and type: rows, cuts, the plain rule's cuts.
[[nodiscard]] std::string table_of(const MalignantResult& result);
// What changes between two results of the same rows.
[[nodiscard]] std::string difference_of(const MalignantResult& now, const MalignantResult& then);
[[nodiscard]] std::vector<Stress> stresses();

// A profile from a small TOML file; what is not named keeps its factory value. docs/malignant.md shows one.
[[nodiscard]] std::expected<settings::MalignantProfile, std::string> read_profile(const std::filesystem::path& file);

}  // namespace prewatt::verify
