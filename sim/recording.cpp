#include "sim/recording.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <numbers>
#include <numeric>
#include <optional>

namespace prewatt::sim {
namespace {

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

std::optional<double> number(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Zeroth-order modified Bessel function, by its series.
double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 40; ++k) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}

}  // namespace

double Recording::mean_watts() const {
    double sum = 0;
    for (std::size_t n = 0; n < volts.size(); ++n)
        sum += static_cast<double>(volts[n]) * static_cast<double>(amps[n]);
    return volts.empty() ? 0 : sum / static_cast<double>(volts.size());
}

std::expected<Recording, std::string> read_recording(const std::filesystem::path& file, const RecordingScale& scale) {
    if (!(scale.sample_rate > 0) || !(scale.volts_per_count > 0) || !(scale.amps_per_count > 0))
        return std::unexpected(file.string() + ": its sample rate and scales must be above zero");
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::unexpected(file.string() + ": cannot be opened: " + std::strerror(errno));
    in.seekg(static_cast<std::streamoff>(scale.offset_samples * 4));
    Recording recording;
    recording.name = file.stem().string();
    recording.sample_rate = scale.sample_rate;
    recording.mains_hertz = scale.mains_hertz;
    recording.mains_volts = scale.mains_volts;
    unsigned char pair[4];
    while (in.read(reinterpret_cast<char*>(pair), 4)) {
        const auto v = static_cast<std::int16_t>(pair[0] | pair[1] << 8);
        const auto i = static_cast<std::int16_t>(pair[2] | pair[3] << 8);
        recording.volts.push_back(static_cast<float>(v * scale.volts_per_count));
        recording.amps.push_back(static_cast<float>(i * scale.amps_per_count));
        if (scale.sample_count > 0 && recording.volts.size() == scale.sample_count) break;
    }
    if (recording.volts.empty()) return std::unexpected(file.string() + ": holds no samples there");
    if (scale.sample_count > 0 && recording.volts.size() < scale.sample_count)
        return std::unexpected(file.string() + ": ends after " + std::to_string(recording.volts.size()) +
                               " samples of " + std::to_string(scale.sample_count) + "; is the file whole?");
    return recording;
}

std::expected<Recording, std::string> read_recording(const std::filesystem::path& file, std::size_t row) {
    const auto manifest = file.parent_path() / "manifest.csv";
    if (!std::filesystem::exists(file)) return std::unexpected(file.string() + ": no such file");
    std::ifstream in(manifest);
    std::string line;
    if (!in || !std::getline(in, line))
        return std::unexpected(manifest.string() + ": cannot be read; it must say what the counts of " +
                               file.filename().string() + " mean");
    const std::vector<std::string> header = fields_of(line);
    std::size_t seen = 0;
    while (std::getline(in, line)) {
        const std::vector<std::string> fields = fields_of(line);
        std::map<std::string, std::string> named;
        for (std::size_t k = 0; k < std::min(header.size(), fields.size()); ++k)
            named[header[k]] = fields[k];
        if (named["file"] != file.filename().string() || seen++ != row) continue;
        RecordingScale scale;
        const struct {
            const char* column;
            double low, high;
            double* value;
        } wanted[] = {{"sample_rate_hz", 1000, 1e6, &scale.sample_rate},
                      {"mains_hz", 40, 70, &scale.mains_hertz},
                      {"mains_v_nominal", 50, 500, &scale.mains_volts},
                      {"volts_per_count", 1e-9, 100, &scale.volts_per_count},
                      {"amps_per_count", 1e-9, 100, &scale.amps_per_count}};
        for (const auto& w : wanted) {
            const auto value = number(named[w.column]);
            if (!value || *value < w.low || *value > w.high)
                return std::unexpected(manifest.string() + ": column " + w.column + " of " + file.filename().string() +
                                       " is '" + named[w.column] + "'");
            *w.value = *value;
        }
        const auto offset = number(named["offset_samples"]), count = number(named["n_samples"]);
        if (!offset || !count || *offset < 0 || *count < 1)
            return std::unexpected(manifest.string() + ": offset_samples or n_samples of " + file.filename().string() +
                                   " is no count");
        scale.offset_samples = static_cast<std::uint64_t>(*offset);
        scale.sample_count = static_cast<std::uint64_t>(*count);
        return read_recording(file, scale);
    }
    return std::unexpected(manifest.string() + ": has " +
                           (seen == 0 ? "no row" : "only " + std::to_string(seen) + " rows") + " for " +
                           file.filename().string());
}

void scale_voltage(Recording& recording, double factor) {
    for (float& v : recording.volts)
        v = static_cast<float>(static_cast<double>(v) * factor);
    for (float& i : recording.amps)
        i = static_cast<float>(static_cast<double>(i) / factor);
    recording.mains_volts *= factor;
}

Recording resample(const Recording& in, double sample_rate) {
    if (in.sample_rate == sample_rate || in.volts.empty()) return in;
    Recording out = in;
    out.sample_rate = sample_rate;
    const double ratio = in.sample_rate / sample_rate;  // input samples for each output sample
    const auto count = static_cast<std::size_t>(std::llround(static_cast<double>(in.volts.size()) / ratio));
    out.volts.assign(count, 0);
    out.amps.assign(count, 0);

    // Edge at 0.9 of the lower half rate, in cycles per input sample; 32 zero crossings each side.
    const double edge = 0.45 * std::min(1.0, 1 / ratio);
    const auto reach = static_cast<std::ptrdiff_t>(std::ceil(16 / edge));
    const double beta = 9, window_scale = 1 / bessel_i0(beta);
    const auto size = static_cast<std::ptrdiff_t>(in.volts.size());
    const auto mirrored = [size](std::ptrdiff_t k) {
        const std::ptrdiff_t period = 2 * size;
        k = ((k % period) + period) % period;
        return static_cast<std::size_t>(k < size ? k : period - 1 - k);
    };
    // Output sample n lies `part` behind an input sample; the kernel for a part is made once.
    std::map<long, std::vector<double>> kernels;
    for (std::size_t n = 0; n < count; ++n) {
        const double position = static_cast<double>(n) * ratio;
        const auto base = static_cast<std::ptrdiff_t>(std::floor(position));
        const double part = position - static_cast<double>(base);
        std::vector<double>& kernel = kernels[std::lround(part * 1e6)];
        if (kernel.empty()) {
            double sum = 0;
            for (std::ptrdiff_t k = -reach + 1; k <= reach; ++k) {
                const double x = static_cast<double>(k) - part;
                const double place = x / static_cast<double>(reach);
                const double window =
                    std::fabs(place) < 1 ? bessel_i0(beta * std::sqrt(1 - place * place)) * window_scale : 0;
                const double angle = 2 * std::numbers::pi * edge * x;
                kernel.push_back(window * (std::fabs(angle) < 1e-12 ? 1 : std::sin(angle) / angle));
                sum += kernel.back();
            }
            for (double& h : kernel)
                h /= sum;
        }
        double v = 0, i = 0;
        for (std::ptrdiff_t k = -reach + 1; k <= reach; ++k) {
            const std::size_t at = mirrored(base + k);
            const double h = kernel[static_cast<std::size_t>(k + reach - 1)];
            v += h * static_cast<double>(in.volts[at]);
            i += h * static_cast<double>(in.amps[at]);
        }
        out.volts[n] = static_cast<float>(v);
        out.amps[n] = static_cast<float>(i);
    }
    return out;
}

}  // namespace prewatt::sim
