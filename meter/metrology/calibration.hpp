// What the analogue front end is, as numbers: how many nanovolts or nanoamperes one count of the converter stands for,
// and how long after the voltage a current channel is sampled.
//
// The converter gives 16-bit two's complement counts at 4 kSa/s and channel. Nominal full scale (count 32767):
//   voltage  410 V peak, whatever the box: 250 V rms is 354 V peak, so 15 % are left for distortion
//   current  twice Imax as peak (120 A for 15(60) A): 1.41 times the peak of a sine of Imax
// One count is then 12.5 mV and, for 60 A, 3.66 mA; the starting current of 60 mA is 16 counts rms.
// A calibration bench writes gain, skew and offset of each channel; a channel that was never calibrated keeps the
// nominal values. The gain does not depend on the load: one number holds from starting current to Imax.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

inline constexpr std::int32_t kCountsFullScale = 32767;
inline constexpr std::int64_t kVoltagePeakFullScaleMicrovolts = 410'000'000;

struct VoltageChannel {
    std::int32_t nanovolts_per_count = 0;  // 1..30'000'000
    std::int16_t offset_counts = 0;        // what the converter gives at 0 V; tracked from here on
};
struct CurrentChannel {
    std::int32_t nanoamperes_per_count =
        0;  // negative: the transformer is mounted the other way; magnitude 1..16'000'000
    // How long after the voltage's sample n this channel's sample n is taken. -250,000..500,000; most exact in
    // 0..250,000.
    std::int32_t skew_nanoseconds = 0;
    std::int16_t offset_counts = 0;
};
struct Calibration {
    std::array<VoltageChannel, kPhasesMax> voltage{};
    std::array<CurrentChannel, kCircuitsMax> current{};
};

inline constexpr std::int32_t kNanovoltsPerCountNominal =
    static_cast<std::int32_t>(kVoltagePeakFullScaleMicrovolts * 1000 / kCountsFullScale);
[[nodiscard]] constexpr std::int32_t nanoamperes_per_count_nominal(Current maximum) {
    return static_cast<std::int32_t>(2 * maximum.count() * 1000 / kCountsFullScale);
}

// The nominal front end of a box for `basic` (Ib) and `maximum` (Imax) current: no offset, no skew.
[[nodiscard]] constexpr Calibration default_calibration([[maybe_unused]] Current basic, Current maximum) {
    Calibration c;
    for (VoltageChannel& v : c.voltage)
        v.nanovolts_per_count = kNanovoltsPerCountNominal;
    for (CurrentChannel& i : c.current)
        i.nanoamperes_per_count = nanoamperes_per_count_nominal(maximum);
    return c;
}

}  // namespace prewatt::meter
