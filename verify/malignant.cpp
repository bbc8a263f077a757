#include "verify/malignant.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <set>
#include <utility>

#include "meter/metrology/front_end.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/step_detector.hpp"
#include "sim/recording.hpp"

namespace prewatt::verify {
namespace {

using namespace meter;
using settings::MalignantAction;
using settings::MalignantProfile;

constexpr double kPi = std::numbers::pi;
constexpr double kPreambleSeconds = 1.6;
constexpr double kTailSeconds = 1.2;
constexpr double kCalibrateFromDegrees = 1;

// One line of CSV with quotes.
std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t k = 0; k < line.size(); ++k) {
        const char c = line[k];
        if (c == '"') {
            if (quoted && k + 1 < line.size() && line[k + 1] == '"')
                fields.back() += line[++k];
            else
                quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else if (c != '\r') {
            fields.back() += c;
        }
    }
    return fields;
}

struct ManifestRow {
    MalignantRow row;
    sim::RecordingScale scale;
    std::optional<double> event_sample;
    bool malignant = false;
    std::string bench;  // one channel: source and house
};

std::expected<std::vector<ManifestRow>, std::string> read_manifest(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    if (!in || !std::getline(in, line))
        return std::unexpected(path.string() + ": cannot be read; it is the manifest.csv beside the recordings");
    const std::vector<std::string> header = fields_of(line);
    for (const char* wanted : {"file", "kind", "expect_trip", "sample_rate_hz", "volts_per_count", "amps_per_count"})
        if (std::find(header.begin(), header.end(), wanted) == header.end())
            return std::unexpected(path.string() + ": has no column " + wanted);
    std::vector<ManifestRow> rows;
    for (int number = 2; std::getline(in, line); ++number) {
        if (line.empty() || line == "\r") continue;
        const std::vector<std::string> fields = fields_of(line);
        const auto at = [&](const std::string& name) -> std::string {
            const auto found = std::find(header.begin(), header.end(), name);
            const auto index = static_cast<std::size_t>(found - header.begin());
            return found == header.end() || index >= fields.size() ? "" : fields[index];
        };
        const auto value = [&](const char* name, double usual) {
            try {
                const std::string text = at(name);
                return text.empty() ? usual : std::stod(text);
            } catch (const std::exception&) {
                return -1.0;
            }
        };
        ManifestRow out;
        out.row.file = at("file");
        out.row.source = at("source");
        out.row.kind = at("kind");
        out.row.appliance = at("appliance");
        out.row.event = at("event");
        out.row.base_load = at("base_load");
        out.row.expected = at("expect_trip") == "yes";
        out.row.synthetic = at("synthetic") == "yes" || out.row.kind.starts_with("composite");
        out.malignant = at("malignant") == "yes";
        out.bench = out.row.source + (at("house_id").empty() ? "" : " " + at("house_id"));
        out.scale = {.sample_rate = value("sample_rate_hz", 0),
                     .volts_per_count = value("volts_per_count", 0),
                     .amps_per_count = value("amps_per_count", 0),
                     .mains_hertz = value("mains_hz", 50),
                     .mains_volts = value("mains_v_nominal", 220),
                     .offset_samples = static_cast<std::uint64_t>(std::max(value("offset_samples", 0), 0.0)),
                     .sample_count = static_cast<std::uint64_t>(std::max(value("n_samples", 0), 0.0))};
        const double event = value("event_sample", -1);
        if (event >= 0) out.event_sample = event;
        if (out.row.file.empty() || out.scale.sample_rate <= 0 || out.scale.volts_per_count <= 0 ||
            out.scale.amps_per_count <= 0 || out.scale.mains_hertz < 40 || out.scale.mains_hertz > 70)
            return std::unexpected(path.string() + ": line " + std::to_string(number) +
                                   " lacks a file, a rate or a scale");
        rows.push_back(std::move(out));
    }
    if (rows.empty()) return std::unexpected(path.string() + ": has no rows");
    return rows;
}

// A recording at its own rate, where it is played from and to, in samples (fractions allowed).
struct Material {
    sim::Recording recording;
    double cycle = 0;               // samples
    std::vector<double> crossings;  // of the voltage, upwards
    double event_at = 0;            // samples; of steady and step_cycle: where the current begins
    bool from_nothing = false;      // no current before event_at
};

double interpolated(const std::vector<float>& samples, double at) {
    const auto size = static_cast<std::ptrdiff_t>(samples.size());
    const auto base = static_cast<std::ptrdiff_t>(std::floor(at));
    const double d = at - static_cast<double>(base);
    const auto x = [&](std::ptrdiff_t k) {
        return static_cast<double>(
            samples[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(base + k, 0, size - 1))]);
    };
    return x(0) +
           0.5 * d *
               (x(1) - x(-1) + d * (2 * x(-1) - 5 * x(0) + 4 * x(1) - x(2) + d * (3 * (x(0) - x(1)) + x(2) - x(-1))));
}

// Upward crossings of the fundamental, found in a mean over a quarter of a cycle.
std::vector<double> crossings_of(const std::vector<float>& volts, double cycle) {
    std::vector<double> out;
    double mean = 0;
    for (const float v : volts)
        mean += static_cast<double>(v);
    mean /= static_cast<double>(std::max<std::size_t>(volts.size(), 1));
    const auto reach = static_cast<std::ptrdiff_t>(cycle / 8);
    const auto size = static_cast<std::ptrdiff_t>(volts.size());
    std::vector<double> smooth(volts.size());
    for (std::ptrdiff_t k = 0; k < size; ++k) {
        double sum = 0;
        for (std::ptrdiff_t j = -reach; j <= reach; ++j)
            sum +=
                static_cast<double>(volts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(k + j, 0, size - 1))]) -
                mean;
        smooth[static_cast<std::size_t>(k)] = sum;
    }
    for (std::size_t k = static_cast<std::size_t>(reach) + 1; k + static_cast<std::size_t>(reach) < smooth.size(); ++k)
        if (smooth[k - 1] < 0 && smooth[k] >= 0) {
            const double at = static_cast<double>(k) - smooth[k] / (smooth[k] - smooth[k - 1]);
            if (out.empty() || at - out.back() > 0.7 * cycle) out.push_back(at);
        }
    return out;
}

std::expected<Material, std::string> material_of(const ManifestRow& row, const std::filesystem::path& folder) {
    auto read = sim::read_recording(folder / row.row.file, row.scale);
    if (!read) return std::unexpected(read.error());
    Material out;
    out.recording = std::move(*read);
    sim::Recording& recording = out.recording;
    if (recording.mains_volts >= 100 && recording.mains_volts <= 130)
        sim::scale_voltage(recording, 220 / recording.mains_volts);
    out.cycle = recording.sample_rate / recording.mains_hertz;
    if (row.row.kind == "step_cycle") {
        // The one cycle, over and over.
        const std::vector<float> v = recording.volts, i = recording.amps;
        double watts = 0;
        for (std::size_t k = 0; k < v.size(); ++k)
            watts += static_cast<double>(v[k]) * static_cast<double>(i[k]);
        for (int n = 1; n < 60; ++n) {
            recording.volts.insert(recording.volts.end(), v.begin(), v.end());
            recording.amps.insert(recording.amps.end(), i.begin(), i.end());
        }
        out.cycle = static_cast<double>(v.size());
        out.from_nothing = true;
    } else if (row.row.kind == "steady") {
        out.from_nothing = true;
    }
    out.crossings = crossings_of(recording.volts, out.cycle);
    if (out.crossings.size() < 5)
        return std::unexpected(row.row.file + ": holds no mains voltage of " + std::to_string(recording.mains_hertz) +
                               " Hz");
    if (out.from_nothing)
        out.event_at = out.crossings[3] + 0.3 * out.cycle;
    else
        out.event_at = row.event_sample.value_or(static_cast<double>(recording.volts.size()) / 2);
    return out;
}

struct Played {
    std::vector<double> volts, amps;  // at 4 kSa/s
    double event_seconds = 0;
};

// The recording with its first cycles before it and its last ones behind it, resampled.
Played play(const Material& material, const Stress& stress) {
    const sim::Recording& in = material.recording;
    const double first = material.crossings.front(), last = material.crossings.back();
    // Loops of an even number of cycles: some electronics draw differently in alternate ones.
    const auto crossing_near = [&](double limit) {
        std::size_t best = 2;
        for (std::size_t k = 2; k < material.crossings.size() && k <= 10; k += 2)
            if (material.crossings[k] < limit) best = k;
        return material.crossings[best];
    };
    const double loop_end = crossing_near(material.event_at - material.cycle);
    const double loop_begin = material.crossings[material.crossings.size() - 3];
    sim::Recording wave = in;
    wave.volts.clear();
    wave.amps.clear();
    Played out;
    const auto add = [&](double at, bool current) {
        wave.volts.push_back(static_cast<float>(interpolated(in.volts, at)));
        const bool on = current && (!material.from_nothing || at >= material.event_at);
        wave.amps.push_back(on ? static_cast<float>(interpolated(in.amps, at)) : 0.0f);
    };
    const auto loop = [&](double from, double to, double seconds, bool current) {
        const double length = to - from;
        const auto count = static_cast<int>(std::lround(length));
        const int times = static_cast<int>(std::ceil(seconds * in.sample_rate / length));
        for (int n = 0; n < times; ++n)
            for (int k = 0; k < count; ++k)
                add(from + length * k / count, current);
    };
    loop(first, loop_end, kPreambleSeconds, !material.from_nothing);
    out.event_seconds = (static_cast<double>(wave.volts.size()) + material.event_at - first) / in.sample_rate;
    const double end = std::min(last, material.event_at + 1.2 * in.sample_rate);
    double at = first;
    for (; at < end && at < last; at += 1)
        add(at, true);
    if (end >= last) {
        // In phase with where the recording ends.
        const double begin = loop_begin + (at - last);
        loop(begin, begin + (last - loop_begin), kTailSeconds, true);
    }
    wave.sample_rate *= stress.frequency_factor;
    out.event_seconds /= stress.frequency_factor;
    const sim::Recording resampled = sim::resample(wave, kSampleRate);
    double squares = 0, watts = 0;
    for (std::size_t k = 0; k < resampled.volts.size(); ++k) {
        squares += static_cast<double>(resampled.volts[k]) * static_cast<double>(resampled.volts[k]);
        watts += static_cast<double>(resampled.volts[k]) * static_cast<double>(resampled.amps[k]);
    }
    const double cycle = kSampleRate / (in.mains_hertz * stress.frequency_factor);
    const double rms = std::sqrt(squares / static_cast<double>(resampled.volts.size()));
    for (std::size_t k = 0; k < resampled.volts.size(); ++k) {
        double v = static_cast<double>(resampled.volts[k]) * stress.volts_factor;
        double i = static_cast<double>(resampled.amps[k]) * stress.volts_factor * stress.current_factor;
        if (stress.distortion_percent > 0) {
            const double more = rms * std::numbers::sqrt2 * stress.distortion_percent / 100 *
                                std::sin(2 * kPi * 5 * static_cast<double>(k) / cycle + 1);
            // A resistor in it follows; the present share of the cycle's power says how much conductance there is.
            const double conductance = i * v > 0 || std::fabs(i) > 0.02 ? std::max(watts, 0.0) / squares : 0;
            v += more;
            i += conductance * more;
        }
        out.volts.push_back(v);
        out.amps.push_back(i);
    }
    return out;
}

// Degrees by which the current's fundamental is after the voltage's.
double degrees_after(const Material& material) {
    double vc = 0, vs = 0, ic = 0, is = 0;
    std::vector<double> crossings = material.crossings;
    if (!material.from_nothing)
        std::erase_if(crossings, [&](double at) { return at < material.event_at + material.cycle; });
    if (crossings.size() < 2) return 0;
    const double first = crossings.front(), last = crossings.back();
    const double cycle = (last - first) / static_cast<double>(crossings.size() - 1);
    for (double at = first; at < last - 0.5; at += 1) {
        const double angle = 2 * kPi * (at - first) / cycle;
        const double v = interpolated(material.recording.volts, at), i = interpolated(material.recording.amps, at);
        vc += v * std::cos(angle), vs += v * std::sin(angle);
        ic += i * std::cos(angle), is += i * std::sin(angle);
    }
    double degrees = (std::atan2(ic, is) - std::atan2(vc, vs)) * -180 / kPi;
    while (degrees > 180)
        degrees -= 360;
    while (degrees < -180)
        degrees += 360;
    return degrees;
}

class Noise {
  public:
    explicit Noise(std::uint64_t seed) : state_(seed * 2 + 1) {}
    double operator()(double rms) {
        double sum = 0;
        for (int k = 0; k < 4; ++k) {
            state_ ^= state_ << 13;
            state_ ^= state_ >> 7;
            state_ ^= state_ << 17;
            sum += static_cast<double>(state_ >> 11) / 9007199254740992.0;
        }
        return (sum - 2) * std::numbers::sqrt3 * rms;
    }

  private:
    std::uint64_t state_;
};

// 1 is the limit: sure power of the first cutting window, and a quarter of the step.
double nearness_of(const StepReport& report, const MalignantProfile& profile) {
    if (report.shape == StepShape::kOther || report.shape == StepShape::kReclose || report.resistive <= ActivePower{})
        return report.shape == StepShape::kReclose ? -1000 : -100;
    const auto resistive = static_cast<double>(report.resistive.count()) * 1e-6;
    double best = -50;
    const auto offer = [&](double from, int power_factor) {
        const double sure = resistive - static_cast<double>(explained_otherwise(report, power_factor).count()) * 1e-6;
        best = std::max(best, std::min(sure / from, 4 * sure / resistive));
    };
    if (report.shape == StepShape::kHalfWave || report.shape == StepShape::kPhaseCut ||
        report.shape == StepShape::kRamp)
        offer(profile.evasion_watts, 990);
    else
        for (const auto& window : profile.windows)
            if (window.to_watts > window.from_watts && window.action == MalignantAction::kCut)
                offer(std::max<int>(window.from_watts, 1), window.power_factor_thousandths);
    return best;
}

void run_meter(const Played& played, double skew_nanoseconds, const MalignantOptions& options, MalignantRow& row) {
    Calibration calibration = default_calibration(amperes(15), amperes(60));
    calibration.current[0].skew_nanoseconds = static_cast<std::int32_t>(std::lround(skew_nanoseconds));
    const auto metering = std::make_unique<Metering>(calibration, Wiring::k39x1, amperes(15));
    const auto detector = std::make_unique<StepDetector>(calibration, Wiring::k39x1);
    MalignantGuard guard;
    std::uint64_t seed = options.seed * 1'000'003;
    for (const char c : row.file)
        seed = seed * 31 + static_cast<unsigned char>(c);
    Noise noise(seed);
    const auto block = std::make_unique<SampleBlock>();
    const double volts_counts = counts_per_volt(calibration.voltage[0]);
    const double amps_counts = counts_per_ampere(calibration.current[0]);
    constexpr std::size_t kBlock = 40;  // 10 ms: how long a finished cycle may wait
    for (std::size_t at = 0; at + kBlock <= played.volts.size() && !row.cut; at += kBlock) {
        block->sample_count = static_cast<int>(kBlock);
        for (std::size_t k = 0; k < kBlock; ++k) {
            block->voltage[0][k] = quantise(played.volts[at + k] * volts_counts + noise(options.stress.noise_counts));
            block->current[0][k] = quantise(played.amps[at + k] * amps_counts + noise(options.stress.noise_counts));
        }
        (void)metering->on_samples(*block);
        detector->on_samples(*block, *metering);
        const double seconds_now = static_cast<double>(at + kBlock) / kSampleRate;
        const Instant now{static_cast<std::int64_t>(seconds_now * 1e6)};
        while (const auto report = detector->take_report()) {
            ++row.reports;
            const MalignantDecision decision = guard.on_report(*report, options.profile, {}, now, 0, false);
            const double nearness = nearness_of(*report, options.profile);
            if (decision.cut || (!row.cut && (row.reports == 1 || nearness > row.nearness))) {
                row.nearness = nearness;
                row.report = *report;
                row.verdict = decision.verdict;
            }
            if (!decision.cut) continue;
            row.cut = true;
            row.decision_ms = (seconds_now - played.event_seconds) * 1000;
            break;
        }
    }
}

// The rule that most meters have: a step of more than 200 W, power factor above 0.97, distortion below 8 %; means of
// four cycles before and four after, 64 points a cycle, at any place of the recording.
bool plain_rule(const Played& played, double cycle) {
    constexpr int kPlainPoints = 64;
    const std::vector<float> volts(played.volts.begin(), played.volts.end());
    const std::vector<float> amps(played.amps.begin(), played.amps.end());
    const std::vector<double> crossings = crossings_of(volts, cycle);
    std::vector<std::array<double, kPlainPoints>> v, i;
    for (std::size_t n = 0; n + 1 < crossings.size(); ++n) {
        std::array<double, kPlainPoints> a{}, b{};
        for (int k = 0; k < kPlainPoints; ++k) {
            const double at = crossings[n] + (crossings[n + 1] - crossings[n]) * k / kPlainPoints;
            a[static_cast<std::size_t>(k)] = interpolated(volts, at);
            b[static_cast<std::size_t>(k)] = interpolated(amps, at);
        }
        v.push_back(a);
        i.push_back(b);
    }
    for (std::size_t n = 5; n + 4 <= v.size(); ++n) {
        double power = 0, vv = 0, ii = 0, c = 0, s = 0;
        for (std::size_t k = 0; k < kPlainPoints; ++k) {
            double step = 0, volt = 0;
            for (std::size_t m = 0; m < 4; ++m) {
                step += (i[n + m][k] - i[n - 5 + m][k]) / 4;
                volt += v[n + m][k] / 4;
            }
            power += volt * step / kPlainPoints;
            vv += volt * volt / kPlainPoints;
            ii += step * step / kPlainPoints;
            c += step * std::cos(2 * kPi * static_cast<double>(k) / kPlainPoints) * 2 / kPlainPoints;
            s += step * std::sin(2 * kPi * static_cast<double>(k) / kPlainPoints) * 2 / kPlainPoints;
        }
        const double fundamental = (c * c + s * s) / 2;
        if (power <= 200 || fundamental <= 0) continue;
        if (power / std::sqrt(vv * ii) > 0.97 && std::sqrt(std::max(ii - fundamental, 0.0) / fundamental) < 0.08)
            return true;
    }
    return false;
}

// --- groups
const char* group_of(const MalignantRow& row) {
    if (row.kind == "composite_on") return "composite on";
    if (row.kind == "composite_swap") return "swap";
    if (row.kind == "composite_simul") return "simultaneous";
    if (row.kind == "composite_off") return "composite off";
    if (row.kind == "composite_scaled") return "scaled PFC load";
    if (row.kind == "composite_diode" || row.kind == "composite_phasecut90") return "evasion";
    if (row.kind.starts_with("composite")) return "other composite";
    return "single";
}

struct Share {
    int rows = 0, cuts = 0, plain = 0;
};
// Mean over types of the share of rows that are cut, in percent.
struct Balanced {
    double cut = 0, plain = 0;
    int types = 0;
};
template <class Wanted>
Balanced balanced(const MalignantResult& result, Wanted wanted) {
    std::map<std::string, Share> types;
    for (const MalignantRow& row : result.rows) {
        if (!wanted(row)) continue;
        Share& share = types[row.source + "/" + row.kind + "/" + row.appliance];
        ++share.rows;
        share.cuts += row.cut ? 1 : 0;
        share.plain += row.plain_rule_cuts ? 1 : 0;
    }
    Balanced out;
    for (const auto& [name, share] : types) {
        out.cut += 100.0 * share.cuts / share.rows;
        out.plain += 100.0 * share.plain / share.rows;
    }
    out.types = static_cast<int>(types.size());
    if (out.types > 0) out.cut /= out.types, out.plain /= out.types;
    return out;
}

std::string number_text(double value, const char* format = "%.1f") {
    char text[40];
    std::snprintf(text, sizeof text, format, value);
    return text;
}
double in_watts(ActivePower p) {
    return static_cast<double>(p.count()) * 1e-6;
}

}  // namespace

std::expected<MalignantResult, std::string> evaluate_malignant(const MalignantOptions& options) {
    auto manifest = read_manifest(options.manifest);
    if (!manifest) return std::unexpected(manifest.error());
    const std::filesystem::path folder = options.manifest.parent_path();

    // The known heaters of a source say how far its channel is off.
    std::map<std::string, std::vector<double>> angles;
    for (const ManifestRow& row : *manifest) {
        if (!row.malignant || row.row.synthetic || !row.row.expected) continue;
        if (row.row.kind.starts_with("composite") || angles[row.bench].size() >= 40) continue;
        auto material = material_of(row, folder);
        if (!material) return std::unexpected(material.error());
        double degrees = degrees_after(*material);
        if (degrees > 90) degrees -= 180;  // an off edge
        if (degrees < -90) degrees += 180;
        angles[row.bench].push_back(degrees);
    }
    MalignantResult result;
    std::map<std::string, double> corrections;
    for (auto& [source, found] : angles) {
        std::sort(found.begin(), found.end());
        const double median = found[found.size() / 2];
        if (std::fabs(median) < kCalibrateFromDegrees) continue;
        corrections[source] = median;
        result.calibrations.push_back({source, median, static_cast<int>(found.size())});
    }

    std::map<std::string, int> seen;
    for (const ManifestRow& row : *manifest) {
        if (seen[row.row.kind + row.row.appliance]++ % std::max(options.every, 1) != 0) continue;
        auto material = material_of(row, folder);
        if (!material) return std::unexpected(material.error());
        const Played played = play(*material, options.stress);
        MalignantRow out = row.row;
        // A current that comes late was taken early: the skew is negative.
        const double hertz = material->recording.mains_hertz * options.stress.frequency_factor;
        const double degrees =
            (corrections.contains(row.bench) ? corrections[row.bench] : 0) + options.stress.phase_degrees;
        run_meter(played, -degrees / 360 / hertz * 1e9, options, out);
        out.plain_rule_cuts = plain_rule(played, kSampleRate / hertz);
        result.rows.push_back(std::move(out));
    }
    return result;
}

bench::Figures figures_of(const MalignantResult& result) {
    using bench::Goal;
    bench::Figures figures;
    const auto in = [](const char* group) {
        return [group](const MalignantRow& row) { return row.expected && std::string_view(group_of(row)) == group; };
    };
    const auto recall = [&](const char* name, auto wanted, double goal) {
        const Balanced b = balanced(result, wanted);
        if (b.types == 0) return;
        figures.rows.push_back(
            {std::string("malignant recall, ") + name, b.cut, "%", Goal::kAtLeast, goal,
             "mean over " + std::to_string(b.types) + " types; the plain rule: " + number_text(b.plain) + " %"});
    };
    recall("single steps", in("single"), 99);
    recall("on, other loads running", in("composite on"), 99);
    recall("another load leaves", in("swap"), 90);
    recall("another load comes", in("simultaneous"), 90);
    recall(
        "swap and simultaneous", [&](const MalignantRow& row) { return in("swap")(row) || in("simultaneous")(row); },
        90);
    recall("evasion", in("evasion"), 80);
    int false_real = 0, false_rows = 0, plain_false_real = 0;
    std::vector<double> times;
    const MalignantRow *weakest = nullptr, *nearest = nullptr;
    for (const MalignantRow& row : result.rows) {
        if (!row.expected && row.cut) (row.synthetic ? false_rows : false_real) += 1;
        if (!row.expected && !row.synthetic && row.plain_rule_cuts) ++plain_false_real;
        if (row.expected && row.cut) {
            times.push_back(row.decision_ms);
            if (weakest == nullptr || row.nearness < weakest->nearness) weakest = &row;
        }
        if (!row.expected && (nearest == nullptr || row.nearness > nearest->nearness)) nearest = &row;
    }
    figures.rows.push_back({"malignant false cuts on real recordings", static_cast<double>(false_real), "rows",
                            Goal::kAtMost, 0, "the plain rule: " + std::to_string(plain_false_real)});
    const Balanced wrong = balanced(result, [](const MalignantRow& row) { return !row.expected; });
    figures.rows.push_back({"malignant false cuts, composites", static_cast<double>(false_rows), "rows", Goal::kAtMost,
                            0, "currents of recordings added up by calculation"});
    figures.rows.push_back(
        {"malignant false cuts, all", wrong.cut, "%", Goal::kNone, 0,
         "mean over " + std::to_string(wrong.types) + " types; the plain rule: " + number_text(wrong.plain) + " %"});
    if (!times.empty()) {
        std::sort(times.begin(), times.end());
        figures.rows.push_back(
            {"malignant decision, median", times[times.size() / 2], "ms", Goal::kNone, 0, "from the step"});
        figures.rows.push_back({"malignant decision, 95 of 100", times[times.size() * 95 / 100], "ms", Goal::kAtMost,
                                200, "from the step"});
        figures.rows.push_back({"malignant decision, longest", times.back(), "ms", Goal::kNone, 0, "from the step"});
    }
    if (weakest != nullptr)
        figures.rows.push_back({"malignant margin of the weakest cut", weakest->nearness, "x limit", Goal::kAtLeast, 1,
                                weakest->file + ": " + number_text(in_watts(weakest->verdict.sure)) + " W sure of " +
                                    number_text(in_watts(weakest->report.resistive))});
    if (nearest != nullptr)
        figures.rows.push_back({"malignant margin of the nearest miss", nearest->nearness, "x limit", Goal::kAtMost, 1,
                                nearest->file + ": power factor " +
                                    number_text(nearest->report.power_factor_ten_thousandths / 10000.0, "%.4f") + ", " +
                                    number_text(in_watts(nearest->report.resistive)) + " W"});
    return figures;
}

std::string table_of(const MalignantResult& result) {
    std::map<std::pair<std::string, std::string>, std::array<Share, 2>> groups;
    for (const MalignantRow& row : result.rows) {
        Share& share =
            groups[{std::string(group_of(row)) + " | " + row.kind,
                    row.source + " " + row.appliance + (row.event == "off" ? " (off)" : "")}][row.expected ? 1 : 0];
        ++share.rows;
        share.cuts += row.cut ? 1 : 0;
        share.plain += row.plain_rule_cuts ? 1 : 0;
    }
    std::string out;
    char line[240];
    std::snprintf(line, sizeof line, "%-40s %-44s %-7s %5s %5s %10s\n", "kind", "type", "to cut", "rows", "cut",
                  "plain rule");
    out += line;
    for (const auto& [name, shares] : groups)
        for (std::size_t expected = 0; expected < 2; ++expected) {
            const Share& share = shares[expected];
            if (share.rows == 0) continue;
            const bool wrong = expected == 1 ? share.cuts < share.rows : share.cuts > 0;
            std::snprintf(line, sizeof line, "%-40s %-44s %-7s %5d %5d %10d%s\n", name.first.c_str(),
                          name.second.c_str(), expected == 1 ? "yes" : "no", share.rows, share.cuts, share.plain,
                          wrong ? "  <" : "");
            out += line;
        }
    for (const SourceCalibration& c : result.calibrations) {
        std::snprintf(line, sizeof line,
                      "calibrated: the current of %s is %.2f degrees after its voltage, by its %d known heaters; taken "
                      "out of all its rows\n",
                      c.source.c_str(), c.degrees, c.heaters);
        out += line;
    }
    bool first = true;
    for (const MalignantRow& row : result.rows) {
        if (row.cut == row.expected) continue;
        if (first) out += "\nnot as expected\n";
        first = false;
        std::snprintf(
            line, sizeof line,
            "  %-44s %-28s %s: rule %d, shape %d, %.0f W, left %.0f W, other %.0f var (%.0f), pf %.4f, %d of %d, base "
            "%.0f W\n",
            row.file.c_str(), row.base_load.c_str(), row.cut ? "cut" : "not cut", static_cast<int>(row.verdict.rule),
            static_cast<int>(row.report.shape), in_watts(row.report.power), in_watts(row.report.leaving),
            static_cast<double>(row.report.nonactive.count()) * 1e-6,
            static_cast<double>(row.report.reactive.count()) * 1e-6, row.report.power_factor_ten_thousandths / 10000.0,
            row.report.cycles_agreed, row.report.cycles, in_watts(row.report.base_power));
        out += line;
    }
    return out;
}

std::string difference_of(const MalignantResult& now, const MalignantResult& then) {
    std::map<std::string, std::array<int, 3>> types;  // rows, cuts now, cuts then
    for (std::size_t k = 0; k < std::min(now.rows.size(), then.rows.size()); ++k) {
        const MalignantRow& row = now.rows[k];
        auto& counts = types[row.kind + " " + row.appliance + (row.expected ? " (to cut)" : "")];
        ++counts[0];
        counts[1] += row.cut ? 1 : 0;
        counts[2] += then.rows[k].cut ? 1 : 0;
    }
    std::string out;
    char line[200];
    std::snprintf(line, sizeof line, "%-70s %6s %8s %8s\n", "what changes", "rows", "now", "then");
    out += line;
    int changes = 0;
    for (const auto& [name, counts] : types) {
        if (counts[1] == counts[2]) continue;
        ++changes;
        std::snprintf(line, sizeof line, "%-70s %6d %8d %8d\n", name.c_str(), counts[0], counts[1], counts[2]);
        out += line;
    }
    if (changes == 0) out += "nothing\n";
    return out;
}

std::vector<Stress> stresses() {
    std::vector<Stress> out(1);
    out.push_back({.name = "noise of 3 counts", .noise_counts = 3});
    out.push_back({.name = "channel 1 degree early", .phase_degrees = -1});
    out.push_back({.name = "channel 1 degree late", .phase_degrees = 1});
    out.push_back({.name = "channel 2 degrees early", .phase_degrees = -2});
    out.push_back({.name = "channel 2 degrees late", .phase_degrees = 2});
    out.push_back({.name = "180 V", .volts_factor = 180.0 / 220});
    out.push_back({.name = "250 V", .volts_factor = 250.0 / 220});
    out.push_back({.name = "frequency -1 %", .frequency_factor = 0.99});
    out.push_back({.name = "frequency +1 %", .frequency_factor = 1.01});
    out.push_back({.name = "5 % of fifth harmonic", .distortion_percent = 5});
    out.push_back({.name = "currents x 0.7", .current_factor = 0.7});
    out.push_back({.name = "currents x 2", .current_factor = 2});
    return out;
}

std::expected<MalignantProfile, std::string> read_profile(const std::filesystem::path& file) {
    try {
        const toml::table table = toml::parse_file(file.string());
        MalignantProfile profile;
        std::string wrong;
        const auto action = [&](const toml::node_view<const toml::node>& node, MalignantAction usual) {
            if (!node) return usual;
            const auto word = node.value<std::string>().value_or("");
            if (word == "ignore") return MalignantAction::kIgnore;
            if (word == "alarm") return MalignantAction::kAlarm;
            if (word == "cut") return MalignantAction::kCut;
            wrong = "'" + word + "' is none of ignore, alarm, cut";
            return usual;
        };
        const auto whole = [&](const toml::node_view<const toml::node>& node, int usual, int low, int high,
                               const char* name) {
            const auto value = node ? node.value<std::int64_t>() : std::optional<std::int64_t>(usual);
            if (value && *value >= low && *value <= high) return static_cast<int>(*value);
            wrong = std::string(name) + " must be " + std::to_string(low) + ".." + std::to_string(high);
            return usual;
        };
        static const std::set<std::string, std::less<>> known = {
            "half_wave",       "phase_cut",         "step_by_step",     "evasion_watts", "step_by_step_minutes",
            "restore_seconds", "restore_backs_off", "restores_per_day", "window"};
        for (const auto& [key, node] : table)
            if (!known.contains(key.str())) wrong = "'" + std::string(key.str()) + "' is no setting";
        profile.half_wave = action(table["half_wave"], profile.half_wave);
        profile.phase_cut = action(table["phase_cut"], profile.phase_cut);
        profile.step_by_step = action(table["step_by_step"], profile.step_by_step);
        profile.evasion_watts = static_cast<std::uint16_t>(
            whole(table["evasion_watts"], profile.evasion_watts, 30, 20'000, "evasion_watts"));
        profile.step_by_step_minutes = static_cast<std::uint16_t>(
            whole(table["step_by_step_minutes"], profile.step_by_step_minutes, 1, 240, "step_by_step_minutes"));
        profile.restore_seconds = static_cast<std::uint16_t>(
            whole(table["restore_seconds"], profile.restore_seconds, 10, 3600, "restore_seconds"));
        profile.restore_backs_off = table["restore_backs_off"].value_or(profile.restore_backs_off);
        profile.restores_per_day = static_cast<std::uint8_t>(
            whole(table["restores_per_day"], profile.restores_per_day, 0, 99, "restores_per_day"));
        if (const toml::array* windows = table["window"].as_array()) {
            if (windows->size() > settings::kMalignantWindows) wrong = "there are more than six windows";
            profile.windows = {};
            for (std::size_t k = 0; k < std::min<std::size_t>(windows->size(), settings::kMalignantWindows); ++k) {
                const toml::table* one = (*windows)[k].as_table();
                if (one == nullptr) {
                    wrong = "a window is written as [[window]]";
                    break;
                }
                settings::MalignantWindow& window = profile.windows[k];
                const auto& at = *one;
                window.from_watts = static_cast<std::uint16_t>(whole(at["from_watts"], 200, 0, 65'535, "from_watts"));
                window.to_watts = static_cast<std::uint16_t>(whole(at["to_watts"], 20'000, 0, 65'535, "to_watts"));
                window.power_factor_thousandths = static_cast<std::uint16_t>(
                    whole(at["power_factor_thousandths"], 990, 900, 999, "power_factor_thousandths"));
                window.action = action(at["action"], MalignantAction::kCut);
                if (window.from_watts >= window.to_watts) wrong = "from_watts must be below to_watts";
            }
        }
        if (!wrong.empty()) return std::unexpected(file.string() + ": " + wrong);
        return profile;
    } catch (const toml::parse_error& fault) {
        return std::unexpected(file.string() + ": " + std::string(fault.description()));
    }
}

}  // namespace prewatt::verify
