// The front end the other way round: volts and amperes to what the converter would give. For simulators and tests,
// which make waveforms in floating point; nothing of this is used on the way from samples to registers.
#pragma once
#include <cstdint>

#include "meter/metrology/calibration.hpp"

namespace prewatt::meter {

[[nodiscard]] constexpr double counts_per_volt(const VoltageChannel& channel) {
    return 1e9 / channel.nanovolts_per_count;
}
[[nodiscard]] constexpr double counts_per_ampere(const CurrentChannel& channel) {
    return 1e9 / channel.nanoamperes_per_count;
}
// Rounds to the nearest count and clips as the converter does. The caller adds noise of half a count or more before, as
// every converter has: without it a periodic signal meets the same steps in every cycle and the steps no longer average
// out.
[[nodiscard]] constexpr std::int16_t quantise(double counts) {
    if (counts >= 32767.0) return 32767;
    if (counts <= -32768.0) return -32768;
    return static_cast<std::int16_t>(counts < 0 ? counts - 0.5 : counts + 0.5);
}

}  // namespace prewatt::meter
