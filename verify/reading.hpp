// What a meter under test says about a source that stands still: powers, voltages, registers over so many seconds.
#pragma once
#include <array>
#include <cstdint>

#include "meter/metrology/metering.hpp"
#include "verify/front_end.hpp"

namespace prewatt::verify {

struct Reading {
    double seconds = 0;  // whole windows
    int windows = 0;
    std::array<double, kCircuitsMax> watts{};  // mean
    std::array<double, kPhasesMax> volts{};
    std::array<std::int64_t, kCircuitsMax> forward{};  // joules that the registers took
    std::array<std::int64_t, kCircuitsMax> reverse{};
};
// Feeds blocks until windows of that many seconds have been seen, calling on_window (may be null) with each.
template <class OnWindow>
Reading read(FrontEnd& front_end, meter::Metering& metering, double seconds, OnWindow on_window) {
    Reading reading;
    meter::SampleBlock block;
    while (reading.seconds < seconds) {
        front_end.fill(block, meter::kBlockSamplesMax);
        const meter::Measurement* m = metering.on_samples(block);
        if (m == nullptr) continue;
        const double span = static_cast<double>(m->span.count()) * 1e-6;
        ++reading.windows;
        reading.seconds += span;
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            reading.volts[p] += static_cast<double>(m->phases[p].voltage.count()) * 1e-3 * span;
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            reading.watts[c] += static_cast<double>(m->circuits[c].active.count()) * 1e-6 * span;
            reading.forward[c] += m->circuits[c].forward.count();
            reading.reverse[c] += m->circuits[c].reverse.count();
        }
        on_window(*m);
    }
    for (double& watts : reading.watts)
        watts /= reading.seconds;
    for (double& volts : reading.volts)
        volts /= reading.seconds;
    return reading;
}
inline Reading read(FrontEnd& front_end, meter::Metering& metering, double seconds) {
    return read(front_end, metering, seconds, [](const meter::Measurement&) {});
}

}  // namespace prewatt::verify
