#include "meter/metrology/step_detector.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "meter/metrology/sample_copy.hpp"

namespace prewatt::meter {
namespace {

constexpr int kPoints = StepDetector::kPoints;
constexpr int kHalf = kPoints / 2;
constexpr int kBoth = 2 * kPoints;  // points of two cycles

// A step is looked at from about 20 W: 91 mA rms, 82 mA in the mean of its magnitude. On top of it 1/64 of the base,
// which moves with the voltage.
constexpr std::int32_t kTriggerNanoamperes = 82'000'000;
constexpr int kTriggerBaseDivisor = 64;
constexpr int kBaseShift = 2;  // the base follows with a time constant of four cycles

constexpr int kRoundsMax = 6;                // of eight cycles: what has not settled after a second is no resistor
constexpr int kSettledDivisor = 8;           // first and second half of a round agree within an eighth
constexpr std::uint8_t kRecloseCycles = 50;  // a second
constexpr int kSlopeEveryCycles = 64;

constexpr std::int64_t kReportResistiveMilliwatts = 25'000;
constexpr std::int64_t kReportOtherMilliwatts = 200'000;
constexpr std::int64_t kSlopeMilliwatts = 50'000;

// tan(acos(0.990)): no load but a resistor takes less non-active power than this share of its watts.
constexpr std::int64_t kRhoThousandths = 1425;  // of ten thousand

std::int64_t square_root(std::int64_t x) {
    auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(x, 0));
    std::uint64_t root = 0;
    std::uint64_t bit = std::uint64_t{1} << 62;
    while (bit > rest)
        bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return static_cast<std::int64_t>(root);
}
// 8 bits of fraction.
std::int64_t root_q8(std::int64_t x) {
    return square_root(std::max<std::int64_t>(x, 0) << 16);
}
std::int64_t magnitude(std::int64_t x) {
    return x < 0 ? -x : x;
}

using Wave = std::array<std::int32_t, kPoints>;
// Two cycles, even and odd.
using Pair = std::array<Wave, 2>;

std::int64_t dot(const Wave& a, const Wave& b) {
    std::int64_t sum = 0;
    for (std::size_t k = 0; k < kPoints; ++k)
        sum += std::int64_t{a[k]} * b[k];
    return sum;
}
std::int64_t dot(const Wave& a, const Pair& b) {
    return dot(a, b[0]) + dot(a, b[1]);
}
std::int64_t dot(const Pair& a, const Pair& b) {
    return dot(a[0], b[0]) + dot(a[1], b[1]);
}
// x * y / z with |x| < 2^40 and a quotient x / z below 2^20.
std::int64_t scaled(std::int64_t x, std::int64_t y, std::int64_t z) {
    if (z <= 0) return 0;
    return (((x << 20) / z) * (y >> 10)) >> 10;
}
// a less its part along `along`.
void remove_part(Pair& a, const Wave& along, std::int64_t along_squares) {
    if (along_squares <= 0) return;
    const std::int64_t factor_q20 = (dot(along, a) << 20) / along_squares;
    for (Wave& half : a)
        for (std::size_t k = 0; k < kPoints; ++k)
            half[k] -= static_cast<std::int32_t>((factor_q20 * along[k]) >> 20);
}
void remove_mean(Pair& a) {
    std::int64_t sum = 0;
    for (const Wave& half : a)
        for (const std::int32_t x : half)
            sum += x;
    const auto mean = static_cast<std::int32_t>(sum / kBoth);
    for (Wave& half : a)
        for (std::int32_t& x : half)
            x -= mean;
}

// Which points a resistor behind something may draw at: all, one half, or each half from or up to a point. The point at
// the edge belongs to neither side.
struct Mask {
    StepShape shape = StepShape::kResistive;
    std::uint32_t conducts = 0xFFFF'FFFF;
    std::uint32_t ignored = 0;
};
constexpr std::uint32_t both_halves(std::uint32_t half) {
    return half | half << kHalf;
}

// What a masked resistor explains of a wave.
struct Fit {
    std::int64_t power = 0;     // <V, d> over the conducting points
    std::int64_t squares = 0;   // <V, V> there
    std::int64_t residual = 0;  // squares of what is left of d
};
// `cycles` waves of d, one or two.
Fit fit(const Wave& v, const Wave* d, int cycles, const Mask& mask) {
    Fit out;
    std::int64_t current = 0;
    for (int c = 0; c < cycles; ++c)
        for (std::size_t k = 0; k < kPoints; ++k) {
            if ((mask.ignored >> k & 1) != 0) continue;
            const std::int32_t x = d[c][k];
            current += std::int64_t{x} * x;
            if ((mask.conducts >> k & 1) == 0) continue;
            out.power += std::int64_t{v[k]} * x;
            out.squares += std::int64_t{v[k]} * v[k];
        }
    out.residual = std::max<std::int64_t>(current - scaled(out.power, out.power, out.squares), 0);
    return out;
}

}  // namespace

// Of one step, in milliwatts and microsiemens.
struct StepDetector::Features {
    Mask mask;
    std::int64_t power = 0;
    std::int64_t resistive = 0;
    std::int64_t nonactive = 0;
    std::int64_t reactive = 0;
    std::int64_t leaving = 0;
    std::int64_t conductance = 0;
    std::int64_t base_power = 0;
    std::int64_t base_conductance = 0;
    std::int64_t total_conductance = 0;
    std::int64_t base_sure = 0;  // milliwatts
    std::int64_t total_sure = 0;
    int power_factor = 0;  // 1/10,000
    int residual = 0;
    int agreed = 0;
    std::int32_t settled_rms = 0;  // counts
    std::int32_t peak_rms = 0;
    bool settled = false;
};

namespace {

// Counts to milliwatts and microsiemens of one circuit.
struct Scale {
    std::int64_t picowatts_millionths = 0;  // nV x nA / 10^6
    std::int64_t nanoamperes = 0;
    std::int64_t nanovolts = 1;
    [[nodiscard]] std::int64_t milliwatts(std::int64_t products, int points) const {
        return products / points * picowatts_millionths / 1'000'000'000;
    }
    // Root of the squares of a current, as power with the rms voltage.
    [[nodiscard]] std::int64_t milliwatts_of_roots(std::int64_t current_squares, std::int64_t voltage_squares,
                                                   int points) const {
        return milliwatts((root_q8(current_squares) * root_q8(voltage_squares)) >> 16, points);
    }
    [[nodiscard]] std::int64_t microsiemens(std::int64_t power, std::int64_t squares) const {
        if (squares <= 0) return 0;
        const std::int64_t factor_q20 = (power << 20) / squares;
        return factor_q20 * nanoamperes / 1024 * 1'000'000 / nanovolts / 1024;
    }
};
Scale scale_of(std::int32_t nanovolts, std::int32_t nanoamperes) {
    Scale scale;
    scale.nanovolts = nanovolts;
    scale.nanoamperes = magnitude(nanoamperes);
    scale.picowatts_millionths = scale.nanovolts * scale.nanoamperes / 1'000'000;
    return scale;
}
// Of a total: milliwatts that are surely a resistor's.
std::int64_t sure_of(std::int64_t power, std::int64_t nonactive) {
    return std::max<std::int64_t>(power - nonactive * 10'000 / kRhoThousandths, 0);
}

}  // namespace

static_assert(sizeof(StepDetector) <= 11 * 1024, "the metering processor has 32 KiB of RAM for everything");

StepDetector::StepDetector(const Calibration& calibration, Wiring wiring)
    : circuit_count_(households(wiring) * circuits_each(wiring)) {
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        nanovolts_[p] = std::max<std::int32_t>(calibration.voltage[p].nanovolts_per_count, 1);
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        circuit_phase_[c] = static_cast<std::uint8_t>(meter::phase_of(wiring, Circuit{static_cast<std::uint8_t>(c)}));
        const std::int32_t nanoamperes = calibration.current[c].nanoamperes_per_count;
        channel_[c] = {.nanoamperes = nanoamperes == 0 ? 1 : nanoamperes,
                       .skew_q16 = static_cast<std::int32_t>(
                           std::clamp<std::int64_t>(calibration.current[c].skew_nanoseconds, -250'000, 500'000) *
                           65536 / 250'000)};
        renew_limit(c);
    }
}

void StepDetector::renew_limit(std::size_t c) {
    std::int32_t size = 0;
    for (const std::int16_t x : circuit_[c].base[0])
        size += x < 0 ? -x : x;
    const auto least = static_cast<std::int32_t>(
        kPoints * std::clamp<std::int64_t>(kTriggerNanoamperes / magnitude(channel_[c].nanoamperes), 3, 10'000));
    circuit_[c].limit = least + size / kTriggerBaseDivisor;
}

void StepDetector::on_samples(const SampleView& block, const Metering& metering) {
    if (block.sample_count < 1 || block.sample_count > kBlockSamplesMax) return;
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        advance_phase(p, block, metering);
    const int count = block.sample_count;
    const auto keep = [count](std::array<std::int16_t, kHistory>& history, const std::int16_t* samples) {
        if (count >= kHistory) {
            std::memcpy(history.data(), samples + (count - kHistory), sizeof history);
            return;
        }
        std::copy(history.begin() + count, history.end(), history.begin());
        std::copy_n(samples, count, history.end() - count);
    };
    for (std::size_t p = 0; p < kPhasesMax; ++p)
        keep(grid_[p].history, block.voltage(p));
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c)
        keep(circuit_[c].history, block.current(c));
}

void StepDetector::advance_phase(std::size_t phase, const SampleView& block, const Metering& metering) {
    PhaseGrid& grid = grid_[phase];
    const auto clock = metering.clock_of(static_cast<Phase>(phase));
    const std::int64_t end_q16 = std::int64_t{block.sample_count} * 65536;
    if (!clock) {
        if (grid.locked) lose_phase(phase);
        return;
    }
    const std::int64_t crossing_q16 = end_q16 - clock->since_crossing_q16;
    if (!grid.locked) {
        grid.locked = true;
        grid.point = 0;
        grid.period_q16 = clock->period_q16;
        grid.start_q16 = crossing_q16;
        while (grid.start_q16 < 0)
            grid.start_q16 += clock->period_q16;
        for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c)
            if (circuit_phase_[c] == phase) circuit_[c].settled = false;
    }
    // The last samples wait for the next block: a current may be taken up to one sample before its voltage.
    const std::int64_t available_q16 = end_q16 - 4 * 65536;
    for (;;) {
        const std::int64_t first_q16 = grid.start_q16 + std::int64_t{grid.period_q16} * grid.point / kPoints;
        if (first_q16 > available_q16) break;
        const std::int64_t many = (available_q16 - grid.start_q16) * kPoints / grid.period_q16 - grid.point + 1;
        const int count = static_cast<int>(std::clamp<std::int64_t>(many, 1, kPoints - grid.point));
        take_points(phase, grid.point, count, block);
        grid.point = static_cast<std::uint8_t>(grid.point + count);
        if (grid.point < kPoints) break;
        end_cycle(phase);
        // The next cycle begins where the crossing was, or will be.
        const std::int64_t predicted_q16 = grid.start_q16 + grid.period_q16;
        grid.period_q16 = clock->period_q16;
        std::int64_t error_q16 = (crossing_q16 - predicted_q16) % grid.period_q16;
        if (error_q16 > grid.period_q16 / 2) error_q16 -= grid.period_q16;
        if (error_q16 < -grid.period_q16 / 2) error_q16 += grid.period_q16;
        grid.point = 0;
        grid.parity ^= 1;
        grid.start_q16 = predicted_q16 + error_q16;
        if (grid.start_q16 < -4 * 65536) grid.start_q16 += grid.period_q16;
    }
    grid.start_q16 -= end_q16;
}

namespace {

// A channel's samples, the last ones of the block before in front of them.
struct Line {
    const std::int16_t* samples;
    const std::int16_t* history_end;
    [[nodiscard]] std::int32_t at(std::int32_t at_q16) const {
        const std::int32_t index = at_q16 >> 16;
        std::int32_t a, b;
        if (index >= 0) {
            a = samples[index];
            b = samples[index + 1];
        } else {
            a = history_end[index];
            b = index == -1 ? samples[0] : history_end[index + 1];
        }
        return a + (((b - a) * ((at_q16 & 0xFFFF) >> 2)) >> 14);
    }
};

}  // namespace

// Interpolates `count` points of the cycle under way, the phase's voltage and all its currents.
//
// A circuit without a step is looked at with every second point; in two of eight cycles its base follows with all of
// them, and stops as soon as the cycle has become a step. A circuit that is being judged fills its slot.
void StepDetector::take_points(std::size_t phase, int from, int count, const SampleView& block) {
    PhaseGrid& grid = grid_[phase];
    const std::int64_t first_q16 = grid.start_q16 + std::int64_t{grid.period_q16} * from / kPoints;
    const std::int32_t step_q16 = grid.period_q16 / kPoints;
    const std::int64_t last_q16 = std::int64_t{block.sample_count - 1} * 65536 - 1 - std::int64_t{count - 1} * step_q16;
    const auto begin_at = [&](std::int32_t skew_q16) {
        return static_cast<std::int32_t>(
            std::max<std::int64_t>(std::min(first_q16 - skew_q16, last_q16), -std::int64_t{kHistory} * 65536));
    };
    const int to = from + count;

    const Line voltage{block.voltage(phase), grid.history.data() + kHistory};
    std::int32_t at_q16 = begin_at(0);
    for (int k = from; k < to; ++k, at_q16 += step_q16)
        grid.now[static_cast<std::size_t>(k)] = static_cast<std::int16_t>(voltage.at(at_q16));

    const bool follows = (grid.cycle & 7) < 2;
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        if (circuit_phase_[c] != phase) continue;
        CircuitState& circuit = circuit_[c];
        const Line line{block.current(c), circuit.history.data() + kHistory};
        at_q16 = begin_at(channel_[c].skew_q16);
        if (circuit.slot != 0) {
            Slot& slot = slot_[circuit.slot - 1u];
            std::int16_t* const into = slot.after[slot.cycles].data();
            for (int k = from; k < to; ++k, at_q16 += step_q16)
                into[k] = static_cast<std::int16_t>(line.at(at_q16));
            continue;
        }
        std::int16_t* const base = circuit.base[grid.parity].data();
        std::int32_t difference = circuit.difference;
        if (follows && circuit.waiting == 0 && circuit.settled) {
            // A step that begins in this cycle moves no point by more than a slow change would.
            const std::int32_t limit = circuit.limit, most = limit / kPoints;
            for (int k = from; k < to; ++k, at_q16 += step_q16) {
                const std::int32_t d = line.at(at_q16) - base[k];
                difference += d < 0 ? -d : d;
                if (difference <= limit)
                    base[k] = static_cast<std::int16_t>(base[k] + ((std::clamp(d, -most, most) + 2) >> kBaseShift));
            }
        } else {
            if ((from & 1) != 0) at_q16 += step_q16;
            for (int k = from + (from & 1); k < to; k += 2, at_q16 += 2 * step_q16) {
                const std::int32_t d = line.at(at_q16) - base[k];
                difference += d < 0 ? -2 * d : 2 * d;
            }
        }
        circuit.difference = difference;
    }
}

void StepDetector::end_cycle(std::size_t phase) {
    PhaseGrid& grid = grid_[phase];
    std::int32_t sum = 0;
    for (const std::int16_t x : grid.now)
        sum += x;
    const std::int32_t mean = sum / kPoints;
    for (std::int16_t& x : grid.now)
        x = static_cast<std::int16_t>(std::clamp<std::int32_t>(x - mean, -32768, 32767));
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c)
        if (circuit_phase_[c] == phase) end_cycle_of(c, grid);
    for (std::size_t k = 0; k < kPoints; ++k)
        grid.before[k] = static_cast<std::int16_t>(grid.before[k] + ((grid.now[k] - grid.before[k] + 2) >> kBaseShift));
    ++grid.cycle;
}

void StepDetector::end_cycle_of(std::size_t c, const PhaseGrid& grid) {
    CircuitState& circuit = circuit_[c];
    const std::int32_t difference = circuit.difference;
    circuit.difference = 0;
    if (circuit.slot != 0) {
        Slot& slot = slot_[circuit.slot - 1u];
        if (slot.cycles == 0) slot.first_parity = grid.parity;
        ++slot.cycles;
        ++slot.elapsed;
        if (slot.cycles == kSlotCycles) judge(slot, grid);
        return;
    }
    if (!circuit.settled) {
        // Dark until now: everything comes at once, against nothing.
        circuit.settled = true;
        circuit.base = {};
        circuit.reclose = kRecloseCycles;
        renew_limit(c);
        return;
    }
    if (difference > circuit.limit) {
        if (circuit.waiting < 255) ++circuit.waiting;
        begin_slot(c, grid);
        return;
    }
    circuit.waiting = 0;
    if (circuit.reclose > 0) --circuit.reclose;
    if ((grid.cycle + c) % kSlopeEveryCycles == 0) {
        renew_limit(c);
        follow_slope(c, grid);
    }
}

// The cycle that has just ended holds the step; those after it are taken. No free slot: the base stays as it is.
void StepDetector::begin_slot(std::size_t c, const PhaseGrid& grid) {
    CircuitState& circuit = circuit_[c];
    Slot* chosen = nullptr;
    for (Slot& slot : slot_) {
        if (slot.use == Slot::Use::kFilling) continue;
        if (chosen == nullptr ||
            (chosen->use == Slot::Use::kKept &&
             (slot.use == Slot::Use::kFree || static_cast<std::uint8_t>(next_number_ - slot.number) >
                                                  static_cast<std::uint8_t>(next_number_ - chosen->number))))
            chosen = &slot;
    }
    if (chosen == nullptr) return;
    *chosen = Slot{};
    chosen->use = Slot::Use::kFilling;
    chosen->circuit = static_cast<std::uint8_t>(c);
    chosen->number = next_number_;
    next_number_ = static_cast<std::uint8_t>(next_number_ == 255 ? 1 : next_number_ + 1);
    chosen->reclose = circuit.reclose > 0;
    chosen->elapsed = circuit.waiting;
    chosen->before = circuit.base;
    chosen->voltage_before = grid.before;
    circuit.waiting = 0;
    circuit.slot = static_cast<std::uint8_t>(chosen - slot_.data() + 1);
}

StepDetector::Features StepDetector::features_of(const Slot& slot) const {
    const std::size_t c = slot.circuit;
    const std::size_t phase = circuit_phase_[c];
    const Scale scale = scale_of(nanovolts_[phase], channel_[c].nanoamperes);
    Features out;

    Wave v, quadrature;
    std::copy(slot.voltage_after.begin(), slot.voltage_after.end(), v.begin());
    for (std::size_t k = 0; k < kPoints; ++k)
        quadrature[k] = v[(k + kPoints - kPoints / 4) % kPoints];
    const std::int64_t voltage_one = dot(v, v), voltage_both = 2 * voltage_one;
    std::int64_t before_both = 0, before_squares = 0;
    for (std::size_t k = 0; k < kPoints; ++k) {
        before_both += std::int64_t{v[k]} * slot.voltage_before[k];
        before_squares += std::int64_t{slot.voltage_before[k]} * slot.voltage_before[k];
    }
    // What was there before draws with the voltage.
    const std::int64_t ratio_q16 = before_squares > 0 ? (before_both << 16) / before_squares : 65536;

    Pair before, step{};  // `step` holds what is there after until the base is taken off
    std::array<int, 2> cycles{};
    for (std::size_t n = 0; n < kSlotCycles; ++n) {
        const std::size_t parity = (slot.first_parity + n) % 2;
        ++cycles[parity];
        for (std::size_t k = 0; k < kPoints; ++k)
            step[parity][k] += slot.after[n][k];
    }
    int sign = channel_[c].nanoamperes < 0 ? -1 : 1;
    const auto prepare = [&](std::size_t parity, std::size_t k) {
        step[parity][k] = step[parity][k] * sign / cycles[parity];
        before[parity][k] = static_cast<std::int32_t>((slot.before[parity][k] * ratio_q16) >> 16) * sign;
    };
    const auto everywhere = [](auto&& each) {
        for (std::size_t parity = 0; parity < 2; ++parity)
            for (std::size_t k = 0; k < kPoints; ++k)
                each(parity, k);
    };
    everywhere(prepare);
    // A wire that is turned round turns everything.
    if (dot(v, step) + dot(v, before) < 0) {
        sign = -sign;
        everywhere([&](std::size_t parity, std::size_t k) {
            step[parity][k] = -step[parity][k];
            before[parity][k] = -before[parity][k];
        });
    }

    // `rest`: what no resistor draws of something, without its direct part.
    Pair rest = step;
    const auto reduce = [&] {
        remove_mean(rest);
        remove_part(rest, v, voltage_both);
        return scale.milliwatts_of_roots(dot(rest, rest), voltage_both, kBoth);
    };
    out.total_conductance = scale.microsiemens(dot(v, step), voltage_both);
    out.total_sure = sure_of(scale.milliwatts(dot(v, step), kBoth), reduce());
    rest = before;
    out.base_power = scale.milliwatts(dot(v, before), kBoth);
    out.base_conductance = scale.microsiemens(dot(v, before), voltage_both);
    out.base_sure = sure_of(out.base_power, reduce());  // `rest` is the base's from here on

    everywhere([&](std::size_t parity, std::size_t k) { step[parity][k] -= before[parity][k]; });
    if (slot.reclose) remove_mean(step);
    const std::int64_t step_products = dot(v, step);
    out.power = scale.milliwatts(step_products, kBoth);

    // --- what left at the same instant: the base's own non-resistive part as a whole.
    //
    // A step whose rest lags is what a leading load leaves behind: corrected supplies, filters. What comes and lags is
    // a motor, with a rush or distortion of its own, so the explanation may be in two parts, displacement and
    // distortion. A step whose rest leads is what a motor leaves behind, and just as well what an inverter brings that
    // starts: only an explanation of everything, to about the noise, is taken.
    Pair distortion = rest;
    remove_part(distortion, quadrature, voltage_both);
    const std::int64_t rest_squares =
        std::max<std::int64_t>(dot(step, step) - scaled(step_products, step_products, voltage_both), 0);
    const std::int64_t step_reactive = dot(quadrature, step);
    const std::int64_t base_rest_squares = dot(rest, rest), distortion_squares = dot(distortion, distortion);
    constexpr std::int64_t kNoise = kBoth * 16;  // four counts
    bool left = false;
    std::int64_t displacement_q16 = 0, distortion_q16 = 0;
    if (rest_squares >= kNoise) {
        const std::int64_t by_rest = dot(rest, step), by_distortion = dot(distortion, step);
        const auto factor_q16 = [](std::int64_t product, std::int64_t squares) {
            return squares < kNoise ? 0 : (product << 16) / squares;
        };
        if (step_reactive > 0) {
            displacement_q16 = factor_q16(by_rest - by_distortion, base_rest_squares - distortion_squares);
            distortion_q16 = std::clamp<std::int64_t>(factor_q16(by_distortion, distortion_squares), -65'536, 0);
        } else {
            displacement_q16 = distortion_q16 = factor_q16(by_rest, base_rest_squares);
        }
        left = displacement_q16 >= -70'800 && displacement_q16 <= -58'000;  // -1.08 .. -0.885
    }
    Pair gone{};
    if (left) {
        everywhere([&](std::size_t parity, std::size_t k) {
            gone[parity][k] = -static_cast<std::int32_t>((displacement_q16 * (rest[parity][k] - distortion[parity][k]) +
                                                          distortion_q16 * distortion[parity][k]) >>
                                                         16);
            step[parity][k] += gone[parity][k];
        });
        const std::int64_t products = dot(v, step);
        const std::int64_t remaining = dot(step, step) - scaled(products, products, voltage_both);
        const std::int64_t remaining_power = scale.milliwatts_of_roots(remaining, voltage_both, kBoth);
        // A quarter of the non-active current may remain; of what leads, a hundredth of the power.
        left = remaining * 16 <= rest_squares &&
               (step_reactive > 0 || remaining_power * 100 <= std::max<std::int64_t>(out.power, 0));
        if (!left) {
            everywhere([&](std::size_t parity, std::size_t k) { step[parity][k] -= gone[parity][k]; });
            gone = {};
        }
    }
    if (left) {
        // Power that went with it: surely some only of a load that leads without distortion, a corrected supply; where
        // the base itself is mostly no resistor, else a phase error of the channel would do.
        const std::int64_t displaced = dot(quadrature, gone), size = dot(gone, gone);
        if (displaced < 0 && scaled(displaced, displaced, voltage_both) * 8 > size * 7 &&
            out.base_sure * 3 <= out.base_power) {
            const std::int64_t known = circuit_[c].resistive_base_microsiemens * out.base_power /
                                       std::max<std::int64_t>(out.base_conductance, 1);
            const std::int64_t elsewhere = std::max(out.base_sure, known);
            out.leaving = std::clamp<std::int64_t>(5 * scale.milliwatts_of_roots(size, voltage_both, kBoth), 0,
                                                   std::max<std::int64_t>(out.base_power - elsewhere, 0));
        }
    }

    // --- the shape
    Fit chosen = fit(v, step.data(), 2, out.mask);
    const std::int64_t plain_residual = chosen.residual;
    const auto nonactive = [&](const Fit& f) { return scale.milliwatts_of_roots(f.residual, voltage_both, kBoth); };
    // Only where a plain resistor explains little: more than 30 % of the current is something else.
    if (chosen.power > 0 && nonactive(chosen) * 10 > scale.milliwatts(chosen.power, kBoth) * 3) {
        std::uint32_t positive = 0;
        for (std::size_t k = 0; k < kPoints; ++k)
            if (v[k] > 0) positive |= 1u << k;
        const auto offer = [&](const Mask& mask) {
            const Fit f = fit(v, step.data(), 2, mask);
            if (f.power <= 0 || f.residual * 8 > plain_residual || f.residual >= chosen.residual) return;
            chosen = f;
            out.mask = mask;
        };
        offer({StepShape::kHalfWave, positive, 0});
        offer({StepShape::kHalfWave, ~positive, 0});
        for (int edge = 2; edge <= kHalf - 3; ++edge) {
            const std::uint32_t at = 1u << edge;
            const std::uint32_t behind = 0xFFFFu & ~((at << 1) - 1), in_front = at - 1;
            offer({StepShape::kPhaseCut, both_halves(behind), both_halves(at)});
            offer({StepShape::kPhaseCut, both_halves(in_front), both_halves(at)});
        }
    }
    const bool plain = out.mask.shape == StepShape::kResistive;
    out.nonactive = nonactive(chosen);
    out.reactive = plain ? scale.milliwatts(dot(quadrature, step), kBoth) : 0;
    out.resistive = out.power + (plain ? out.leaving : 0);
    out.conductance = scale.microsiemens(chosen.power, chosen.squares);
    if (plain && out.leaving > 0 && out.base_power > 0)
        out.conductance += out.base_conductance * out.leaving / out.base_power;
    const std::int64_t apparent = square_root(out.resistive * out.resistive + out.nonactive * out.nonactive);
    if (apparent > 0) {
        out.power_factor = static_cast<int>(out.resistive * 10'000 / apparent);
        out.residual = static_cast<int>(out.nonactive * 10'000 / apparent);
    }

    // --- single cycles
    std::int64_t first = 0, second = 0, first_rms = 0, second_rms = 0;
    const std::int64_t wanted = scale.milliwatts(chosen.power, kBoth);
    for (std::size_t n = 0; n < kSlotCycles; ++n) {
        const std::size_t parity = (slot.first_parity + n) % 2;
        Wave one;
        std::int64_t squares = 0;
        for (std::size_t k = 0; k < kPoints; ++k) {
            const std::int32_t x = slot.after[n][k] * sign - before[parity][k];
            squares += std::int64_t{x} * x;
            one[k] = x + gone[parity][k];
        }
        const Fit f = fit(v, &one, 1, out.mask);
        const std::int64_t power = scale.milliwatts(f.power, kPoints);
        const std::int64_t rms = square_root(squares / kPoints);
        (n < kSlotCycles / 2 ? first : second) += power;
        (n < kSlotCycles / 2 ? first_rms : second_rms) += rms;
        const std::int64_t other = scale.milliwatts_of_roots(f.residual, voltage_one, kPoints);
        const bool same_power = magnitude(power - wanted) * 100 <= magnitude(wanted) * 15;
        if (same_power && other * 100 <= out.nonactive * 150 + magnitude(wanted) * 3) ++out.agreed;
        out.peak_rms = std::max(out.peak_rms, static_cast<std::int32_t>(rms));
    }
    out.settled_rms = static_cast<std::int32_t>(second_rms / (kSlotCycles / 2));
    out.settled = magnitude(first - second) * kSettledDivisor <= magnitude(second) + 4 * 5'000 &&
                  magnitude(first_rms - second_rms) * kSettledDivisor <= second_rms + 4 * 2;
    return out;
}

void StepDetector::judge(Slot& slot, const PhaseGrid& grid) {
    CircuitState& circuit = circuit_[slot.circuit];
    slot.voltage_after = grid.now;
    const Features f = features_of(slot);
    slot.peak = std::max(slot.peak, f.peak_rms);
    const bool give_up = slot.rounds + 1 >= kRoundsMax;
    StepReport out;
    out.circuit = Circuit{slot.circuit};
    out.power = ActivePower{f.power * 1000};
    out.nonactive = ReactivePower{f.nonactive * 1000};
    out.reactive = ReactivePower{f.reactive * 1000};
    out.leaving = ActivePower{f.leaving * 1000};
    out.resistive = ActivePower{f.resistive * 1000};
    out.conductance_microsiemens = static_cast<std::int32_t>(f.conductance);
    out.power_factor_ten_thousandths = static_cast<std::int16_t>(f.power_factor);
    out.residual_ten_thousandths = static_cast<std::int16_t>(f.residual);
    out.cycles = kSlotCycles;
    out.cycles_agreed = static_cast<std::uint8_t>(f.agreed);
    out.base_power = ActivePower{f.base_power * 1000};
    out.base_conductance_microsiemens = static_cast<std::int32_t>(f.base_conductance);
    out.total_conductance_microsiemens = static_cast<std::int32_t>(f.total_conductance);
    out.rush_tenths = static_cast<std::uint8_t>(
        std::clamp<std::int32_t>(slot.peak * 10 / std::max<std::int32_t>(f.settled_rms, 1), 0, 255));
    out.decision_ms = static_cast<std::uint16_t>(
        std::min<std::int64_t>(std::int64_t{slot.elapsed} * grid.period_q16 / 65536 / (kSampleRate / 1000), 60'000));
    // What draws more than it gives, or has not settled, is no resistor.
    out.shape = slot.reclose                                         ? StepShape::kReclose
                : !f.settled || f.nonactive > magnitude(f.resistive) ? StepShape::kOther
                                                                     : f.mask.shape;
    const bool worth = slot.reclose                     ? f.power >= kReportResistiveMilliwatts
                       : out.shape == StepShape::kOther ? magnitude(f.power) >= kReportOtherMilliwatts
                                                        : magnitude(f.resistive) >= kReportResistiveMilliwatts;
    const bool wait = !f.settled && !give_up;
    if (worth && (!wait || slot.reclose)) {
        out.capture = slot.number;
        report(out);
    }
    if (wait) {
        slot.cycles = 0;
        ++slot.rounds;
        return;
    }

    // The base is what is there now.
    for (std::size_t parity = 0; parity < 2; ++parity)
        for (std::size_t k = 0; k < kPoints; ++k) {
            std::int32_t sum = 0;
            int count = 0;
            for (std::size_t n = kSlotCycles / 2; n < kSlotCycles; ++n)
                if ((slot.first_parity + n) % 2 == parity) {
                    sum += slot.after[n][k];
                    ++count;
                }
            circuit.base[parity][k] = static_cast<std::int16_t>(sum / count);
        }
    const std::int64_t total_power = f.base_power + f.power;
    const auto sure_after = static_cast<std::int32_t>(
        total_power > 0 ? f.total_conductance * (f.total_sure / 10) / std::max<std::int64_t>(total_power / 10, 1) : 0);
    circuit.slow = slow_of(slot.circuit, grid);
    const std::int64_t came_sure = sure_of(magnitude(f.resistive), f.nonactive);
    if (slot.reclose) {
        circuit.resistive_base_microsiemens = sure_after;
    } else if (f.resistive != 0 && f.mask.shape == StepShape::kResistive) {
        circuit.resistive_base_microsiemens += static_cast<std::int32_t>(
            f.conductance * (came_sure / 10) / std::max<std::int64_t>(magnitude(f.resistive) / 10, 1));
    }
    circuit.resistive_base_microsiemens =
        std::clamp<std::int32_t>(circuit.resistive_base_microsiemens, 0,
                                 static_cast<std::int32_t>(std::max<std::int64_t>(f.total_conductance, 0)));
    renew_limit(slot.circuit);
    circuit.slot = 0;
    circuit.reclose = 0;
    slot.use = out.capture != 0 ? Slot::Use::kKept : Slot::Use::kFree;
}

// What the base surely takes as a resistor, and altogether.
StepDetector::Slow StepDetector::slow_of(std::size_t c, const PhaseGrid& grid) const {
    const CircuitState& circuit = circuit_[c];
    const Scale scale = scale_of(nanovolts_[circuit_phase_[c]], channel_[c].nanoamperes);
    Wave v;
    std::int64_t squares = 0;
    for (std::size_t k = 0; k < kPoints; ++k) {
        v[k] = grid.before[k];
        squares += 2 * std::int64_t{v[k]} * v[k];
    }
    Pair base;
    for (std::size_t parity = 0; parity < 2; ++parity)
        std::copy(circuit.base[parity].begin(), circuit.base[parity].end(), base[parity].begin());
    remove_mean(base);
    const std::int64_t products = magnitude(dot(v, base));
    const std::int64_t power = scale.milliwatts(products, kBoth);
    const std::int64_t conductance = scale.microsiemens(products, squares);
    remove_part(base, v, squares);
    const std::int64_t sure = sure_of(power, scale.milliwatts_of_roots(dot(base, base), squares, kBoth));
    // Half of the total must be a resistor: an inverter that speeds up behind its filter looks like one by its change.
    Slow out{.sure = 0, .total = static_cast<std::int32_t>(conductance)};
    if (2 * sure >= power && power > 0)
        out.sure = static_cast<std::int32_t>(conductance * (sure / 10) / (power / 10 + 1));
    return out;
}

// Power that comes without a step: the sure resistive part of the base grows, and the base with it.
void StepDetector::follow_slope(std::size_t c, const PhaseGrid& grid) {
    CircuitState& circuit = circuit_[c];
    const Slow now = slow_of(c, grid);
    const std::int32_t sure = now.sure - circuit.slow.sure, total = now.total - circuit.slow.total;
    const std::int32_t change = (sure < 0) != (total < 0) ? 0 : magnitude(sure) < magnitude(total) ? sure : total;
    std::int64_t squares = 0;
    for (const std::int16_t x : grid.before)
        squares += std::int64_t{x} * x;
    const std::int64_t volts_squared = squares / kPoints * (nanovolts_[circuit_phase_[c]] / 1000) / 1000 *
                                       (nanovolts_[circuit_phase_[c]] / 1000) / 1'000'000'000;
    const std::int64_t change_power = volts_squared * change / 1000;
    if (magnitude(change_power) < kSlopeMilliwatts) return;
    circuit.slow = now;
    StepReport out;
    out.circuit = Circuit{static_cast<std::uint8_t>(c)};
    out.shape = StepShape::kRamp;
    out.power = out.resistive = ActivePower{change_power * 1000};
    out.conductance_microsiemens = change;
    out.power_factor_ten_thousandths = 10'000;
    out.base_power = ActivePower{volts_squared * (now.total - change)};
    out.base_conductance_microsiemens = now.total - change;
    out.total_conductance_microsiemens = now.total;
    out.cycles = out.cycles_agreed = 2;
    report(out);
}

void StepDetector::report(const StepReport& report) {
    if (reports_count_ == kReportsMax) {
        reports_first_ = static_cast<std::uint8_t>((reports_first_ + 1) % kReportsMax);
        --reports_count_;
    }
    reports_[(reports_first_ + reports_count_) % kReportsMax] = report;
    ++reports_count_;
}

std::optional<StepReport> StepDetector::take_report() {
    if (reports_count_ == 0) return std::nullopt;
    const StepReport out = reports_[reports_first_];
    reports_first_ = static_cast<std::uint8_t>((reports_first_ + 1) % kReportsMax);
    --reports_count_;
    return out;
}

bool StepDetector::capture(std::uint8_t number, StepCapture& out) const {
    if (number == 0) return false;
    for (const Slot& slot : slot_) {
        if (slot.number != number || slot.use == Slot::Use::kFree) continue;
        const std::size_t c = slot.circuit;
        const std::int64_t nanovolts = nanovolts_[circuit_phase_[c]];
        const std::int64_t nanoamperes = channel_[c].nanoamperes;
        const auto in = [](std::int64_t counts, std::int64_t nano, std::int64_t unit) {
            return static_cast<std::int16_t>(
                std::clamp<std::int64_t>(divide(counts * nano, unit, Round::kNearest), -32768, 32767));
        };
        for (std::size_t k = 0; k < kPoints; ++k)
            for (std::size_t n = 0; n < 2; ++n) {
                const std::size_t at = n * kPoints + k;
                out.voltage_before[at] = in(slot.voltage_before[k], nanovolts, 100'000'000);
                out.voltage_after[at] = in(slot.voltage_after[k], nanovolts, 100'000'000);
                const std::size_t parity = (slot.first_parity + n) % 2;
                out.current_before[at] = in(slot.before[parity][k], nanoamperes, 10'000'000);
                out.current_after[at] = in(slot.after[kSlotCycles - 2 + n][k], nanoamperes, 10'000'000);
            }
        return true;
    }
    return false;
}

void StepDetector::release(std::uint8_t number) {
    if (number == 0) return;
    for (Slot& slot : slot_)
        if (slot.number == number && slot.use == Slot::Use::kKept) slot.use = Slot::Use::kFree;
}

void StepDetector::on_contact_closed(Circuit circuit) {
    if (circuit.index < circuit_count_) circuit_[circuit.index].reclose = kRecloseCycles;
}

void StepDetector::on_contact_opened(Circuit circuit) {
    if (circuit.index < circuit_count_) circuit_[circuit.index].reclose = 0;
}

void StepDetector::lose_phase(std::size_t phase) {
    grid_[phase].locked = false;
    for (std::size_t c = 0; c < static_cast<std::size_t>(circuit_count_); ++c) {
        if (circuit_phase_[c] != phase) continue;
        CircuitState& circuit = circuit_[c];
        if (circuit.slot != 0) slot_[circuit.slot - 1u].use = Slot::Use::kFree;
        circuit.slot = circuit.waiting = 0;
        circuit.difference = 0;
        circuit.settled = false;
    }
}

}  // namespace prewatt::meter
