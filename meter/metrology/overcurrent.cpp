#include "meter/metrology/overcurrent.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

std::int64_t counts_of(Current current, const CurrentChannel& channel) {
    const std::int64_t per_count = std::max<std::int64_t>(
        1, channel.nanoamperes_per_count < 0 ? -channel.nanoamperes_per_count : channel.nanoamperes_per_count);
    return divide(current.count() * 1000, per_count, Round::kNearest);
}

std::int64_t square_root(std::int64_t x) {
    std::int64_t root = 0;
    for (std::int64_t bit = std::int64_t{1} << 20; bit != 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= x) root += bit;
    return root;
}

}  // namespace

OvercurrentWatch::OvercurrentWatch(const Calibration& calibration) : calibration_(&calibration) {
    for (std::size_t c = 0; c < limits_.size(); ++c)
        limits_[c].offset = calibration.current[c].offset_counts;
}

void OvercurrentWatch::set_limit(Circuit circuit, Current limit) {
    Watched& watched = limits_[circuit.index];
    if (watched.limit == limit) return;
    watched.limit = limit;
    watched.cycles = 0;
    const std::int64_t counts = std::min<std::int64_t>(counts_of(limit, calibration_->current[circuit.index]), 65535);
    watched.squares_per_sample = static_cast<std::uint32_t>(counts * counts);
}

void OvercurrentWatch::on_cycle(const CycleCurrents& cycle) {
    const std::int64_t n = cycle.sample_count;
    for (std::size_t c = 0; c < limits_.size(); ++c) {
        Watched& watched = limits_[c];
        if (watched.squares_per_sample == 0) continue;
        const CycleCurrents::Circuit& sums = cycle.circuits[c];
        const std::int64_t offset = watched.offset;
        const std::int64_t squares = sums.ii - 2 * offset * sums.i + n * offset * offset;
        if (n == 0 || squares < n * watched.squares_per_sample) {
            watched.cycles = 0;
            continue;
        }
        ++watched.cycles;
        const bool again = watched.cycles >= kCycles + kAgainCycles;
        if (watched.cycles != kCycles && !again) continue;
        const CurrentChannel& channel = calibration_->current[c];
        const std::int64_t per_count =
            channel.nanoamperes_per_count < 0 ? -channel.nanoamperes_per_count : channel.nanoamperes_per_count;
        // Sixteen counts of a count, so that the report is exact to a milliampere or so.
        const std::int64_t root_q4 = square_root(squares * 256 / n);
        const Current current{root_q4 * per_count / 16'000};
        const bool told = waiting_.push({{static_cast<std::uint8_t>(c)}, current});
        watched.cycles = told ? kCycles : kCycles - 1;
    }
}

bool OvercurrentWatch::take(OvercurrentReport& report) {
    if (waiting_.empty()) return false;
    report = waiting_.front();
    waiting_.pop();
    return true;
}

}  // namespace prewatt::meter
