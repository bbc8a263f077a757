#include "meter/metrology/metering.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "meter/metrology/kernel.hpp"
#include "meter/metrology/sample_copy.hpp"

namespace prewatt::meter {
namespace {

constexpr int kCyclesPerWindow = 10;
constexpr int kFreeCycleSamples = 80;  // 20 ms
// 40..70 Hz: wider than the 45..55 and 60 Hz that are measured, so that a limit is never met by a live phase.
constexpr int kPeriodSamplesMin = 57;
constexpr int kPeriodSamplesMax = 100;
constexpr int kCycleSamplesMax = 110;  // without a crossing of the leading phase: it has failed
constexpr int kCrossingsForFrequency = 3;

constexpr std::int64_t kSampleMicroseconds = 1'000'000 / kSampleRate;
constexpr std::int64_t kSampleNanoseconds = 1000 * kSampleMicroseconds;
constexpr std::int64_t kPicojoulesPerJoule = 1'000'000'000'000;

constexpr Voltage kNominalVoltage = volts(220);
// 60 % of 220 V; a phase that is lost comes back 4 V above.
constexpr Voltage kLostBelow = volts(132);
constexpr Voltage kPresentAbove = volts(136);
constexpr Voltage kCrossingThresholdAtStart = volts(40);
constexpr Voltage kCrossingThresholdMin = volts(10);

constexpr int kVoltageOffsetWindows = 32;
constexpr int kIdleOffsetWindows = 8;
constexpr int kLoadedOffsetWindows = 64;
constexpr int kDriftShareOfLoad =
    16;  // a mean below 1/16 of the rms is drift; more is a direct current (half wave: 0.8)

constexpr std::int64_t magnitude(std::int64_t x) {
    return x < 0 ? -x : x;
}

// floor(sqrt(x)), 0 <= x < 2^62. The upper half of the digits by Newton in 32 bits, the lower by one step in 64.
std::int64_t square_root(std::int64_t x) {
    if (x <= 0) return 0;
    const auto square = static_cast<std::uint64_t>(x);
    // Brought to 2^30 .. 2^32, by an even number of bits.
    const int shift = (std::countl_zero(square) & ~1) - 32;
    const auto upper = static_cast<std::uint32_t>(shift >= 0 ? square << shift : square >> -shift);
    std::uint32_t root = 65536;
    for (int k = 0; k < 4; ++k)
        root = (root + upper / root) / 2;
    std::uint64_t whole = shift >= 0 ? root >> shift / 2 : std::uint64_t{root} << -shift / 2;
    if (shift < 0) whole = (whole + square / whole) / 2;
    while (whole * whole > square)
        --whole;
    while ((whole + 1) * (whole + 1) <= square)
        ++whole;
    return static_cast<std::int64_t>(whole);
}

// Root mean square of n samples about an offset, in 1/65536 counts.
std::int64_t rms_q16(std::int64_t squares, std::int64_t sum, std::int32_t offset_q16, int n) {
    const std::int64_t offset_q8 = offset_q16 / 256;
    std::int64_t about = squares - ((2 * std::int64_t{offset_q16} * sum) >> 16) + ((n * offset_q8 * offset_q8) >> 16);
    if (about < 0) about = 0;
    const std::int64_t mean_q32 = ((about / n) << 32) + ((about % n) << 32) / n;
    return square_root(mean_q32);
}

// sum * weight over several terms, divided by 65536, in 64-bit pieces: |sum| < 2^41, |weight| < 2^35.
struct WeightedSum {
    std::int64_t high = 0;
    std::int64_t low = 0;
    void add(std::int64_t sum, std::int64_t weight) {
        high += (sum >> 20) * weight;
        low += (sum & 0xfffff) * weight;
    }
    [[nodiscard]] std::int64_t whole() const { return high * 16 + (low >> 16); }
};

std::int64_t picojoules_per_square_count_q16(const VoltageChannel& v, const CurrentChannel& i) {
    // nV * nA * 250 us = 2.5e-10 pJ; times 2^16 that is 32 / 1,953,125.
    return divide(std::int64_t{v.nanovolts_per_count} * i.nanoamperes_per_count * 32, 1'953'125, Round::kNearest);
}

// Skew in samples.
std::int64_t position_q24(const CurrentChannel& i) {
    return divide(std::int64_t{i.skew_nanoseconds} * (std::int64_t{1} << 24), kSampleNanoseconds, Round::kNearest);
}

bool is_recent(std::int64_t crossing_q16, std::int64_t index) {
    return index * 65536 - crossing_q16 <= std::int64_t{kPeriodSamplesMax + 2} * 65536;
}

std::int32_t counts_of(Voltage v, const VoltageChannel& channel) {
    return static_cast<std::int32_t>(v.count() * 1'000'000 / channel.nanovolts_per_count);
}

}  // namespace

static_assert(sizeof(Metering) <= 20 * 1024, "the metering processor has 64 KiB of RAM for everything");

Metering::Metering(const Calibration& calibration, Wiring wiring, Current basic_current)
    : calibration_(calibration),
      no_load_limit_(ActivePower{basic_current.count() * kNominalVoltage.count() / 1000 * 4 / 1000 / 2}),
      current_floor_(Current{basic_current.count() * 4 / 1000 / 2}),
      circuit_count_(households(wiring) * circuits_each(wiring)) {
    for (VoltageChannel& v : calibration_.voltage)
        v.nanovolts_per_count = std::clamp<std::int32_t>(v.nanovolts_per_count, 1, 30'000'000);
    for (CurrentChannel& i : calibration_.current) {
        i.nanoamperes_per_count = std::clamp<std::int32_t>(i.nanoamperes_per_count, -16'000'000, 16'000'000);
        i.skew_nanoseconds = std::clamp<std::int32_t>(i.skew_nanoseconds, -250'000, 500'000);
    }
    for (int c = 0; c < circuit_count_; ++c)
        circuit_phase_[static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>(meter::phase_of(wiring, Circuit{static_cast<std::uint8_t>(c)}));
    for (std::size_t p = 0; p < kPhasesMax; ++p) {
        phase_[p].offset_q16 = calibration_.voltage[p].offset_counts * 65536;
        phase_[p].threshold = counts_of(kCrossingThresholdAtStart, calibration_.voltage[p]);
    }
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        const CurrentChannel& channel = calibration_.current[c];
        const auto weights = kernel::interpolation_weights_q24(position_q24(channel));
        circuit_[c].tap_weights_q24 = {static_cast<std::int32_t>(weights[0]), static_cast<std::int32_t>(weights[2]),
                                       static_cast<std::int32_t>(weights[3])};
        circuit_[c].offset_q16 = channel.offset_counts * 65536;
    }
    window_.whole_cycle = true;
    set_quarter_delays();
}

void Metering::set_quarter_delays() {
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        quarter_delay_[p] =
            kernel::delay_of((phase_[p].period_q16 != 0 ? phase_[p].period_q16 : kFreeCycleSamples * 65536) / 4);
}

int Metering::live_phase() const {
    for (int p = 0; p < kPhasesMax; ++p)
        if (phase_[static_cast<std::size_t>(p)].steady &&
            is_recent(phase_[static_cast<std::size_t>(p)].last_crossing_q16, index_))
            return p;
    return -1;
}

const Measurement* Metering::on_samples(const SampleView& block) {
    const int count = block.sample_count;
    if (count < 1 || count > kBlockSamplesMax) return nullptr;
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        copy_samples(block.voltage(p), count, voltage_[p].data() + kHistory);

    // Sample after sample nothing happens but that a phase goes below its threshold or comes back above zero, and that
    // a cycle ends: the samples between are only compared with one number.
    const std::int32_t none = count;
    std::array<std::int32_t, kPhasesMax> turn;  // where the phase next goes below or above
    const auto look_from = [&](std::int32_t k) {
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            turn[p] = next_turn(phase_[p], block.voltage(p), k, none);
    };
    const auto remember_before = [&](std::int32_t k) {
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            phase_[p].before = block.voltage(p)[k] - (phase_[p].offset_q16 >> 16);
    };

    const Measurement* done = nullptr;
    std::int32_t from = 0;
    std::int32_t looked_from = 0;       // the sample before it is in PhaseState::before, offset and all
    std::int32_t block_index = index_;  // of the block's first sample
    look_from(0);
    for (;;) {
        const std::int32_t limit = leading_ >= 0 ? kCycleSamplesMax : kFreeCycleSamples;
        // The last current of the cycle, boundary - 1, has its voltages one sample after the boundary.
        const std::int32_t end = (boundary_ >= 0 ? boundary_ + kLookAhead - 1 : cycle_start_ + limit) - block_index;
        const std::int32_t k = std::min({turn[0], turn[1], turn[2], end});
        if (k >= count) break;
        const std::int32_t at = block_index + k;
        index_ = at + 1;
        bool leading_crossed = false;
        for (std::size_t p = 0; p < kPhasesMax; ++p) {
            if (turn[p] != k) continue;
            PhaseState& phase = phase_[p];
            phase.armed = !phase.armed;
            if (!phase.armed) {
                const std::int16_t* const v = block.voltage(p) + k;
                const std::int32_t offset = phase.offset_q16 >> 16;
                const std::int32_t before = k == looked_from ? phase.before : v[-1] - offset;
                if (cross(phase, v[0] - offset, before, at) && static_cast<int>(p) == leading_) leading_crossed = true;
            }
            turn[p] = next_turn(phase, block.voltage(p), k + 1, none);
        }
        if (boundary_ < 0) {
            if (leading_crossed && at > cycle_start_) {
                boundary_ = at;
                boundary_at_crossing_ = true;
            } else if (at - cycle_start_ == limit) {
                boundary_ = at;
                boundary_at_crossing_ = false;
            }
        } else if (at == boundary_ + kLookAhead - 1) {
            accumulate(block, from, k + 1);
            from = k + 1;
            remember_before(k);
            looked_from = k + 1;
            if (close_cycle()) {
                done = &measurement_;
                block_index = index_ - from;
                look_from(from);  // offsets and thresholds have moved
            }
        }
    }
    accumulate(block, from, count);
    if (looked_from < count) remember_before(count - 1);
    index_ = block_index + count;

    for (std::size_t p = 0; p < kPhasesMax; ++p)
        copy_samples(voltage_[p].data() + count, kHistory, voltage_[p].data());
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        const std::int16_t* const last = block.current(c) + count - 1;
        waiting_[c] = {count >= 2 ? last[-1] : waiting_[c][1], last[0]};
    }
    return done;
}

// The first sample from k on that lies below the threshold, or, when one did, above zero; `none` when there is none.
std::int32_t Metering::next_turn(const PhaseState& p, const std::int16_t* v, std::int32_t k, std::int32_t none) {
    const std::int32_t offset = p.offset_q16 >> 16;
    if (p.armed) {
        while (k < none && v[k] < offset)
            ++k;
    } else {
        while (k < none && v[k] >= offset - p.threshold)
            ++k;
    }
    return k;
}

// A phase has come back above zero. True: at most once a period.
bool Metering::cross(PhaseState& p, std::int32_t x, std::int32_t before, std::int32_t at) {
    // before < 0 <= x
    const std::int64_t time_q16 = std::int64_t{at} * 65536 - std::int64_t{x} * 65536 / (x - before);
    const std::int64_t since = time_q16 - p.last_crossing_q16;
    if (p.crossing_known && since < kPeriodSamplesMin * 65536) return false;  // a spike, not the mains
    p.steady = p.crossing_known && since <= kPeriodSamplesMax * 65536;
    if (p.steady) {
        ++p.crossings;
    } else {
        p.first_crossing_q16 = time_q16;
        p.crossings = 0;
    }
    p.crossing_known = true;
    p.last_crossing_q16 = time_q16;
    return true;
}

// Adds the samples [from, to) of the stream "two currents that waited, then the block".
void Metering::accumulate(const SampleView& block, int from, int to) {
    const int count = to - from;
    if (count <= 0) return;
    const int length = kernel::padded(count);
    // A stream position is kLookAhead samples behind the block position of the same number.
    const std::size_t first = static_cast<std::size_t>(kHistory - kLookAhead) + static_cast<std::size_t>(from);

    alignas(32) std::array<std::array<std::int16_t, kernel::kRunMax + 1>, kPhasesMax> quarter;
    kernel::Run run;
    for (std::size_t p = 0; p < kPhasesMax; ++p) {
        const std::int16_t* const v = voltage_[p].data() + first;
        kernel::delay_voltage(v, quarter_delay_[p], length + 1, quarter[p].data());
        kernel::add_phase(v, count, window_.phases[p]);
    }
    for (int k = count; k < length; ++k)
        run.i[static_cast<std::size_t>(k)] = 0;
    const int from_waiting = std::clamp(kLookAhead - from, 0, count);
    const int block_first = std::max(from - kLookAhead, 0);
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        if (from_waiting == kLookAhead)
            std::memcpy(run.i.data(), waiting_[c].data(), sizeof waiting_[c]);
        else if (from_waiting > 0)
            run.i[0] = waiting_[c][static_cast<std::size_t>(from)];
        copy_samples(block.current(c) + block_first, count - from_waiting, run.i.data() + from_waiting);
        const std::size_t p = circuit_phase_[c];
        kernel::add_circuit(run, count, voltage_[p].data() + first, quarter[p].data(), window_.circuits[c]);
    }
}

// True: this was the last cycle of a window.
bool Metering::close_cycle() {
    const int count = boundary_ - cycle_start_;
    const bool whole = boundary_at_crossing_ && began_at_crossing_;
    window_.sample_count += count;
    window_.whole_cycle = window_.whole_cycle && whole;
    if (cycle_is_known_) report_cycle(count, whole);

    if (!boundary_at_crossing_) leading_ = live_phase();
    began_at_crossing_ = boundary_at_crossing_;
    cycle_start_ = boundary_;
    boundary_ = -1;
    const bool last = ++cycles_in_window_ == kCyclesPerWindow;
    if (last) close_window();
    begin_cycle();
    return last;
}

void Metering::report_cycles_to(CycleSink* sink) {
    sink_ = sink;
    cycle_is_known_ = false;
    if (index_ == 0) begin_cycle();
}

void Metering::report_currents_to(CurrentSink* sink) {
    current_sink_ = sink;
    cycle_is_known_ = false;
    if (index_ == 0) begin_cycle();
}

// The sums of a cycle are those of the window less what they were when it began.
void Metering::report_cycle(int sample_count, bool whole_cycle) {
    if (current_sink_ != nullptr) {
        cycle_.sample_count = sample_count;
        cycle_.whole_cycle = whole_cycle;
        for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
            CycleCurrents::Circuit& circuit = cycle_.circuits[c];
            circuit = {window_.circuits[c].i - circuit.i, window_.circuits[c].ii - circuit.ii};
        }
        current_sink_->on_cycle(cycle_);
    }
    if (sink_ == nullptr) return;
    Sums& cycle = sink_->memory;
    cycle.sample_count = sample_count;
    cycle.whole_cycle = whole_cycle;
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        cycle.phases[p] = {window_.phases[p].v - cycle.phases[p].v, window_.phases[p].vv - cycle.phases[p].vv};
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        const CircuitSums& now = window_.circuits[c];
        CircuitSums& of = cycle.circuits[c];
        of.i = now.i - of.i;
        of.ii = now.ii - of.ii;
        for (std::size_t k = 0; k < of.vi.size(); ++k)
            of.vi[k] = now.vi[k] - of.vi[k];
        for (std::size_t k = 0; k < of.vi_quarter.size(); ++k)
            of.vi_quarter[k] = now.vi_quarter[k] - of.vi_quarter[k];
    }
    sink_->on_cycle(cycle);
}

void Metering::begin_cycle() {
    cycle_is_known_ = sink_ != nullptr || current_sink_ != nullptr;
    if (sink_ != nullptr) sink_->memory = window_;
    if (current_sink_ != nullptr)
        for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c)
            cycle_.circuits[c] = {window_.circuits[c].i, window_.circuits[c].ii};
}

void Metering::close_window() {
    measurement_.span = Duration{window_.sample_count * kSampleMicroseconds};
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        measure_phase(p);
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c)
        measure_circuit(c);
    set_quarter_delays();

    window_ = Sums{};
    window_.whole_cycle = true;
    cycles_in_window_ = 0;
    index_ -= cycle_start_;
    for (PhaseState& p : phase_) {
        p.last_crossing_q16 -= std::int64_t{cycle_start_} * 65536;
        p.first_crossing_q16 = p.last_crossing_q16;
        p.crossings = 0;
        if (!is_recent(p.last_crossing_q16, index_)) p.crossing_known = p.steady = false;
    }
    cycle_start_ = 0;
}

void Metering::measure_phase(std::size_t phase) {
    PhaseState& p = phase_[phase];
    const VoltageChannel& channel = calibration_.voltage[phase];
    const PhaseSums& sums = window_.phases[phase];
    const int n = window_.sample_count;

    p.alive = p.steady && p.crossings >= kCrossingsForFrequency && is_recent(p.last_crossing_q16, index_);
    if (p.alive) p.period_q16 = static_cast<std::int32_t>((p.last_crossing_q16 - p.first_crossing_q16) / p.crossings);
    // Means over other than whole cycles say nothing about the offset.
    if (p.alive && window_.whole_cycle) {
        p.windows_tracked = std::min(p.windows_tracked + 1, kVoltageOffsetWindows);
        const auto mean_q16 = static_cast<std::int32_t>(sums.v * 65536 / n);
        p.offset_q16 += (mean_q16 - p.offset_q16) / p.windows_tracked;
    }

    const std::int64_t rms = rms_q16(sums.vv, sums.v, p.offset_q16, n);
    p.threshold = std::max(counts_of(kCrossingThresholdMin, channel), static_cast<std::int32_t>(rms >> 18));
    PhaseMeasurement& out = measurement_.phases[phase];
    out.voltage = Voltage{divide(rms * channel.nanovolts_per_count, std::int64_t{65536} * 1'000'000, Round::kNearest)};
    out.present = out.voltage >= (out.present ? kLostBelow : kPresentAbove);
    out.frequency = Frequency{};
    if (p.alive && out.present)
        out.frequency = Frequency{divide(std::int64_t{kSampleRate} * 1000 * 65536, p.period_q16, Round::kNearest)};
}

// Picojoules per count^2 and sample.
std::int64_t Metering::scale_q16(std::size_t circuit) const {
    return picojoules_per_square_count_q16(calibration_.voltage[circuit_phase_[circuit]],
                                           calibration_.current[circuit]);
}

// What the offsets have put into the sums is taken out: the voltage's part matters for a direct current, the current's
// part where the run holds a fraction of a cycle.
std::int64_t Metering::picojoules(std::size_t circuit, const Sums& sums, std::int64_t scale_q16) const {
    const CircuitState& state = circuit_[circuit];
    const std::int64_t voltage_offset_q16 = phase_[circuit_phase_[circuit]].offset_q16;
    const PhaseSums& voltage = sums.phases[circuit_phase_[circuit]];
    const std::int64_t voltage_left = voltage.v - ((voltage_offset_q16 * sums.sample_count) >> 16);
    const std::int64_t by_offsets = ((voltage_offset_q16 * sums.circuits[circuit].i) >> 16) +
                                    ((std::int64_t{state.offset_q16} * voltage_left) >> 16);
    constexpr std::int64_t kOne = std::int64_t{1} << 24;
    const auto [before, after, second] = state.tap_weights_q24;
    const std::array<std::int64_t, 4> weights{before, kOne - before - after - second, after, second};
    WeightedSum energy;
    for (std::size_t k = 0; k < 4; ++k)
        energy.add(sums.circuits[circuit].vi[k] - by_offsets, divide(scale_q16 * weights[k], kOne, Round::kNearest));
    return energy.whole();
}

ActivePower Metering::active_power(Circuit circuit, const Sums& sums) const {
    if (circuit.index >= circuit_count_ || sums.sample_count <= 0) return {};
    // pJ / us = uW
    return ActivePower{divide(picojoules(circuit.index, sums, scale_q16(circuit.index)),
                              sums.sample_count * kSampleMicroseconds, Round::kNearest)};
}

void Metering::measure_circuit(std::size_t circuit) {
    CircuitState& state = circuit_[circuit];
    const std::size_t phase = circuit_phase_[circuit];
    const PhaseState& p = phase_[phase];
    const CircuitSums& sums = window_.circuits[circuit];
    const int n = window_.sample_count;
    const std::int64_t span = measurement_.span.count();
    const std::int64_t nanoamperes = magnitude(calibration_.current[circuit].nanoamperes_per_count);
    const auto in_current = [nanoamperes](std::int64_t rms) {
        return Current{divide(rms * nanoamperes, std::int64_t{65536} * 1000, Round::kNearest)};
    };

    const std::int64_t scale = scale_q16(circuit);
    const std::int64_t new_energy = picojoules(circuit, window_, scale);
    const bool counted = magnitude(new_energy) >= no_load_limit_.count() * span;  // uW * us = pJ

    const std::int64_t mean_q16 = sums.i * 65536 / n;
    const std::int64_t alternating = rms_q16(sums.ii, sums.i, static_cast<std::int32_t>(mean_q16), n);
    const bool idle = !counted && in_current(alternating) < current_floor_;
    const std::int64_t drift = mean_q16 - state.offset_q16;
    if (idle) {
        state.offset_q16 += static_cast<std::int32_t>(state.idle_seen ? drift / kIdleOffsetWindows : drift);
        state.idle_seen = true;
        state.windows_tracked = kLoadedOffsetWindows;
    } else if (window_.whole_cycle && magnitude(drift) < alternating / kDriftShareOfLoad) {
        state.windows_tracked = static_cast<std::uint8_t>(std::min(state.windows_tracked + 1, kLoadedOffsetWindows));
        state.offset_q16 += static_cast<std::int32_t>(drift / state.windows_tracked);
    }

    CircuitMeasurement& out = measurement_.circuits[circuit];
    out = CircuitMeasurement{};
    out.power_factor = PowerFactor{1000};
    if (counted) {
        std::int64_t forward = state.residue.forward_picojoules(), reverse = state.residue.reverse_picojoules();
        std::int64_t& rest = new_energy > 0 ? forward : reverse;
        rest += magnitude(new_energy);
        const std::int64_t joules = rest / kPicojoulesPerJoule;
        rest -= joules * kPicojoulesPerJoule;
        state.residue = {forward, reverse};
        (new_energy > 0 ? out.forward : out.reverse) = Energy{joules};
        out.active = ActivePower{divide(new_energy, span, Round::kNearest)};
    }
    const Current current = in_current(rms_q16(sums.ii, sums.i, state.offset_q16, n));
    if (!counted && (idle || current < current_floor_)) return;
    out.current = current;

    const std::array<std::int64_t, 2> weights = quarter_weights_q16(circuit, scale);
    const std::int64_t by_offset = (std::int64_t{p.offset_q16} * sums.i) >> 16;
    WeightedSum reactive;
    for (std::size_t k = 0; k < 2; ++k)
        reactive.add(sums.vi_quarter[k] - by_offset, weights[k]);
    out.reactive = ReactivePower{divide(reactive.whole(), span, Round::kNearest)};
    // mV * uA = nVA
    out.apparent = ApparentPower{measurement_.phases[phase].voltage.count() * current.count() / 1000};
    if (out.apparent > ApparentPower{})
        out.power_factor = PowerFactor{std::clamp<std::int64_t>(
            divide(out.active.count() * 1000, out.apparent.count(), Round::kNearest), -1000, 1000)};
}

// Two taps a sample apart, weighted sin((1-d)w)/sin(w) and sin(dw)/sin(w) with w = 2 pi / period: exact at the
// fundamental. sin(aw)/sin(w) is a (1 + w^2 (1 - a^2) / 6) to 1e-6 for the periods that are measured.
std::array<std::int64_t, 2> Metering::quarter_weights_q16(std::size_t circuit, std::int64_t scale_q16) const {
    const PhaseState& phase = phase_[circuit_phase_[circuit]];
    const std::int64_t position = position_q24(calibration_.current[circuit]);
    constexpr std::int64_t kOne = std::int64_t{1} << 24;
    constexpr std::int64_t kFourPiSquaredBySixQ24 = 110'389'657;
    const std::int64_t period_q8 = (phase.period_q16 != 0 ? phase.period_q16 : kFreeCycleSamples * 65536) >> 8;
    const std::int64_t bend_q24 = kFourPiSquaredBySixQ24 * 65536 / (period_q8 * period_q8);
    std::array<std::int64_t, 2> weights{};
    for (std::size_t k = 0; k < 2; ++k) {
        const std::int64_t a = k == 0 ? kOne - position : position;
        const std::int64_t lift = bend_q24 * (kOne - ((a * a) >> 24)) >> 24;
        const std::int64_t weight = a + (a * lift >> 24);
        weights[k] = divide(scale_q16 * weight, kOne, Round::kNearest);
    }
    return weights;
}

}  // namespace prewatt::meter
