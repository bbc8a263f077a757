// Recorded voltage and current of real appliances: reads a row of a manifest and its .i16 file, and brings it to the
// converter's 4 kSa/s.
//
// File: little-endian int16 pairs v, i; physical value = count x the row's scale. Manifest: CSV with a header; the
// columns file, offset_samples, n_samples, sample_rate_hz, mains_hz, mains_v_nominal, volts_per_count, amps_per_count
// are used, the rest is ignored.
//
// Resampling is a windowed sinc (polyphase, Kaiser beta 9) with its edge just under the lower of the two half rates:
// flat within 0.01 % up to 1.6 kHz, so the mean of v x i is kept to better than 0.1 % (measured on kettle, rice cooker,
// laptop: recording_test.cpp). What lies above is lost, as it is in front of the real converter. Beyond the ends the
// recording is taken as mirrored.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace prewatt::sim {

struct Recording {
    std::string name;
    double sample_rate = 0;  // per second
    double mains_hertz = 50;
    double mains_volts = 220;  // nominal
    std::vector<float> volts;
    std::vector<float> amps;

    [[nodiscard]] double seconds() const {
        return sample_rate > 0 ? static_cast<double>(volts.size()) / sample_rate : 0;
    }
    [[nodiscard]] double mean_watts() const;
    [[nodiscard]] double joules() const { return mean_watts() * seconds(); }
};

// What one slice of a file means; taken from the manifest, or given by hand.
struct RecordingScale {
    double sample_rate = 0;
    double volts_per_count = 0;
    double amps_per_count = 0;
    double mains_hertz = 50;
    double mains_volts = 220;
    std::uint64_t offset_samples = 0;
    std::uint64_t sample_count = 0;  // 0: all
};

// Errors are sentences for a person: what was wrong with which file, and what to do.
[[nodiscard]] std::expected<Recording, std::string> read_recording(const std::filesystem::path& file,
                                                                   const RecordingScale& scale);
// With the manifest.csv that lies beside the file. `row` picks one where the file holds several (0 = the first).
[[nodiscard]] std::expected<Recording, std::string> read_recording(const std::filesystem::path& file,
                                                                   std::size_t row = 0);

// The same watts at another voltage: v x factor, i / factor. For recordings of 120 V supplies.
void scale_voltage(Recording& recording, double factor);
// At `sample_rate` per second.
[[nodiscard]] Recording resample(const Recording& recording, double sample_rate);

}  // namespace prewatt::sim
