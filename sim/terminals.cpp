#include "sim/terminals.hpp"

#include <algorithm>
#include <cmath>

#include "meter/metrology/calibration.hpp"
#include "sim/random.hpp"

namespace prewatt::sim {
namespace {

constexpr std::size_t kNoiseSize = 1 << 14;
constexpr std::int64_t kPicojoulesPerJoule = 1'000'000'000'000;
// Below this much of the nominal voltage a phase is not there (as the metering side decides).
constexpr double kPresent = 0.6;

std::size_t index_of(Phase phase) {
    return static_cast<std::size_t>(phase);
}

// Half of the starting power, 0.4 % Ib x 220 V.
double no_load_watts(int basic_current_amperes) {
    return 0.5 * 0.004 * basic_current_amperes * 220;
}

}  // namespace

Converter nominal_converter(int max_current_amperes) {
    Converter converter;
    converter.volts_per_count = meter::kNanovoltsPerCountNominal * 1e-9;
    converter.amps_per_count = meter::nanoamperes_per_count_nominal(amperes(max_current_amperes)) * 1e-9;
    return converter;
}

Digitiser::Digitiser(const Converter& converter, std::uint64_t seed) : converter_(converter) {
    Random random(seed, {0x616463});
    for (float& offset : offset_)
        offset = static_cast<float>(random.uniform(-converter.offset_counts, converter.offset_counts));
    noise_.resize(kNoiseSize + meter::kBlockSamplesMax);
    for (float& n : noise_)
        n = static_cast<float>(random.normal() * converter.noise_counts);
    noise_at_ = random.bits();
    skewed_ =
        std::any_of(converter_.skew_seconds.begin(), converter_.skew_seconds.end(), [](double s) { return s != 0; });
}

void Digitiser::convert(std::span<std::int16_t> out, std::size_t channel, std::span<const float> values,
                        float counts_per_unit) {
    // Another stretch of the table each time; 40503 is odd, so all of them come round.
    noise_at_ += 40503;
    const float* noise = noise_.data() + noise_at_ % kNoiseSize;
    const float offset = offset_[channel] + 32768.5f;
    for (std::size_t n = 0; n < values.size(); ++n) {
        const float counts = std::clamp(values[n] * counts_per_unit + noise[n] + offset, 0.5f, 65535.0f);
        out[n] = static_cast<std::int16_t>(static_cast<int>(counts) - 32768);
    }
}

void Digitiser::voltage(std::span<std::int16_t> out, std::size_t phase, std::span<const float> volts) {
    const auto scale = static_cast<float>(1 / converter_.volts_per_count);
    if (!skewed_) {
        convert(out, phase, volts, scale);
        return;
    }
    // Two samples late, as the skewed currents are.
    std::array<float, meter::kBlockSamplesMax> late;
    auto& held = held_[phase];
    for (std::size_t n = 0; n < volts.size(); ++n) {
        late[n] = held[1];
        held = {held[1], held[2], volts[n]};
    }
    convert(out, phase, std::span(late).first(volts.size()), scale);
}

void Digitiser::current(std::span<std::int16_t> out, std::size_t circuit, std::span<const float> amps) {
    const std::size_t channel = 3 + circuit;
    const auto scale = static_cast<float>(1 / converter_.amps_per_count);
    if (!skewed_) {
        convert(out, channel, amps, scale);
        return;
    }
    // Cubic through the samples -1, 0, 1, 2 around the wanted place.
    const auto x = static_cast<float>(converter_.skew_seconds[circuit] / kSamplePeriod);
    const float before = -x * (x - 1) * (x - 2) / 6, at = (x + 1) * (x - 1) * (x - 2) / 2,
                next = -(x + 1) * x * (x - 2) / 2, after = (x + 1) * x * (x - 1) / 6;
    std::array<float, meter::kBlockSamplesMax> late;
    auto& held = held_[channel];
    for (std::size_t n = 0; n < amps.size(); ++n) {
        late[n] = before * held[0] + at * held[1] + next * held[2] + after * amps[n];
        held = {held[1], held[2], amps[n]};
    }
    convert(out, channel, std::span(late).first(amps.size()), scale);
}

// --- homes

HomesTerminals::HomesTerminals(const BuildingOptions& options)
    : options_(options),
      grid_(options.grid, options.seed),
      digitiser_(options.converter, mix(options.seed ^ options.box)) {
    for (int number = 1; number <= meter::households(options.wiring); ++number) {
        const Household household{static_cast<std::uint8_t>(number)};
        homes_.emplace_back(options.life ? options.life(household) : Life::kStudents, options.seed,
                            options.box * 100 + static_cast<std::uint64_t>(number));
    }
}

HomesTerminals::~HomesTerminals() = default;

std::size_t HomesTerminals::circuit_for(std::size_t household, Use use) const {
    const int each = meter::circuits_each(options_.wiring);
    const int k = std::min(static_cast<int>(use), each - 1);
    return household * static_cast<std::size_t>(each) + static_cast<std::size_t>(k);
}

void HomesTerminals::let_people_live() {
    const auto now = static_cast<CivilSeconds>(options_.start + grid_.now().microseconds() / 1'000'000);
    for (std::size_t h = 0; h < homes_.size(); ++h)
        if (homes_[h].set_time(now))
            for (int k = 0; k < meter::circuits_each(options_.wiring); ++k)
                circuits_[circuit_for(h, static_cast<Use>(k))].stale = true;
}

// Brings the list of running appliances in line with the contact and the people.
void HomesTerminals::plug(std::size_t circuit, bool closed, bool waveform) {
    CircuitState& state = circuits_[circuit];
    if (state.closed == closed && !state.stale) return;
    state.closed = closed;
    state.stale = false;
    const std::size_t household = circuit / static_cast<std::size_t>(meter::circuits_each(options_.wiring));
    const Home& home = homes_[household];
    const auto wanted = [&](std::size_t a) {
        return closed && home.is_on(a) && circuit_for(household, home.appliances()[a].use) == circuit;
    };
    state.curve_volts = -1;
    std::erase_if(state.plugged, [&](const Plugged& p) { return !wanted(p.appliance); });
    for (std::size_t a = 0; a < home.appliances().size(); ++a) {
        if (!wanted(a)) continue;
        if (std::any_of(state.plugged.begin(), state.plugged.end(), [a](const Plugged& p) { return p.appliance == a; }))
            continue;
        const Appliance& appliance = home.appliances()[a];
        if (waveform) {
            state.plugged.push_back({a, make_load(appliance.kind, appliance.watts), settling_seconds(appliance.kind)});
        } else {
            state.plugged.push_back({a, nullptr, 0});
            state.start_picojoules += static_cast<std::int64_t>(start_joules_of(appliance.kind, appliance.watts) *
                                                                static_cast<double>(kPicojoulesPerJoule));
        }
    }
}

// The curves follow the supply's slow changes in steps of this; a sudden one sends every load back to its circuit.
constexpr double kCurveStepVolts = 0.25;
constexpr double kSuddenVolts = 1;

void HomesTerminals::add_settled(std::size_t circuit, std::size_t phase, std::span<float> amps) {
    CircuitState& state = circuits_[circuit];
    const double volts = volts_.rms[phase];
    if (std::abs(volts - state.curve_volts) > kCurveStepVolts) {
        state.curve_volts = volts;
        state.curve.fill(0);
        state.curve_empty = true;
        const Home& home = homes_[circuit / static_cast<std::size_t>(meter::circuits_each(options_.wiring))];
        for (const Plugged& p : state.plugged) {
            if (p.unsettled_seconds > 0) continue;
            const Appliance& appliance = home.appliances()[p.appliance];
            add_settled_current(appliance.kind, appliance.watts, volts, state.curve);
            state.curve_empty = false;
        }
    }
    if (state.curve_empty) return;
    const Place& place = places_[phase];
    for (std::size_t n = 0; n < amps.size(); ++n) {
        const float* const at = state.curve.data() + place.point[n];
        amps[n] += at[0] + place.part[n] * (at[1] - at[0]);
    }
}

void HomesTerminals::sample(meter::SampleBlock& block, int sample_count, const Contacts& contacts) {
    let_people_live();
    grid_.fill(volts_, sample_count);
    std::array<bool, 3> sudden{};
    for (std::size_t phase = 0; phase < 3; ++phase) {
        sudden[phase] = std::abs(volts_.rms[phase] - volts_before_[phase]) > kSuddenVolts;
        volts_before_[phase] = volts_.rms[phase];
        live_[phase] = volts_.rms[phase] > kPresent * options_.grid.nominal_volts;
        double turns = volts_.turns - static_cast<double>(phase) / 3;
        for (std::size_t n = 0; n < static_cast<std::size_t>(sample_count); ++n, turns += volts_.step) {
            const double at = (turns - std::floor(turns)) * kCurvePoints;
            const auto point = std::min<std::size_t>(static_cast<std::size_t>(at), kCurvePoints - 1);
            places_[phase].point[n] = static_cast<std::uint16_t>(point);
            places_[phase].part[n] = static_cast<float>(at - static_cast<double>(point));
        }
    }
    const double seconds = sample_count * kSamplePeriod;
    block.sample_count = sample_count;
    const auto count = static_cast<std::size_t>(sample_count);
    for (std::size_t phase = 0; phase < 3; ++phase)
        digitiser_.voltage(std::span(block.voltage[phase]).first(count), phase,
                           std::span(volts_.volts[phase]).first(count));
    const auto each = static_cast<std::size_t>(meter::circuits_each(options_.wiring));
    std::array<float, meter::kBlockSamplesMax> amps;
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        std::fill_n(amps.begin(), count, 0.0f);
        const std::size_t household = c / each;
        if (household < homes_.size()) {
            plug(c, contacts[c], true);
            const std::size_t phase = index_of(meter::phase_of(options_.wiring, Circuit{static_cast<std::uint8_t>(c)}));
            const auto volts = std::span<const float>(volts_.volts[phase]).first(count);
            const Home& home = homes_[household];
            if (sudden[phase]) {
                for (Plugged& p : circuits_[c].plugged)
                    p.unsettled_seconds = settling_seconds(home.appliances()[p.appliance].kind);
                circuits_[c].curve_volts = -1;
            }
            if (!circuits_[c].plugged.empty()) add_settled(c, phase, std::span(amps).first(count));
            for (Plugged& p : circuits_[c].plugged) {
                if (p.unsettled_seconds <= 0) continue;
                p.load->add_current(volts, std::span(amps).first(count));
                p.unsettled_seconds -= seconds;
                if (p.unsettled_seconds <= 0) circuits_[c].curve_volts = -1;  // part of it from the next block on
            }
            float joules = 0;
            if (!circuits_[c].plugged.empty())
                for (std::size_t n = 0; n < count; ++n)
                    joules += volts[n] * amps[n];
            true_joules_[c] += static_cast<double>(joules) * kSamplePeriod;
        }
        digitiser_.current(std::span(block.current[c]).first(count), c, std::span<const float>(amps).first(count));
    }
}

bool HomesTerminals::is_live(Circuit circuit) const {
    return live_[index_of(meter::phase_of(options_.wiring, circuit))];
}

void HomesTerminals::measure(meter::Measurement& measurement, Duration span, const Contacts& contacts) {
    let_people_live();
    measurement = {};
    measurement.span = span;
    std::array<double, 3> volts{};
    for (std::size_t phase = 0; phase < 3; ++phase) {
        volts[phase] = grid_.rms(static_cast<Phase>(phase));
        auto& out = measurement.phases[phase];
        out.voltage = Voltage{std::llround(volts[phase] * 1000)};
        out.present = volts[phase] > kPresent * options_.grid.nominal_volts;
        live_[phase] = out.present;
        if (out.present) out.frequency = Frequency{std::llround(grid_.hertz() * 1000)};
    }
    const auto each = static_cast<std::size_t>(meter::circuits_each(options_.wiring));
    std::vector<Draw> draws;
    for (std::size_t c = 0; c < homes_.size() * each; ++c) {
        CircuitState& state = circuits_[c];
        const double v = volts[index_of(meter::phase_of(options_.wiring, Circuit{static_cast<std::uint8_t>(c)}))];
        const bool powered = contacts[c] && v > 0;
        plug(c, powered, false);
        if (state.plugged.empty()) {
            state.start_picojoules = 0;
            continue;
        }
        draws.clear();
        const Home& home = homes_[c / each];
        for (const Plugged& p : state.plugged)
            draws.push_back(draw_of(home.appliances()[p.appliance].kind, home.appliances()[p.appliance].watts, v));
        const Draw sum = together(draws, v);
        auto& out = measurement.circuits[c];
        out.active = ActivePower{std::llround(sum.watts * 1e6)};
        out.reactive = ReactivePower{std::llround(sum.vars * 1e6)};
        out.current = Current{std::llround(sum.amps * 1e6)};
        out.apparent = ApparentPower{std::llround(sum.amps * v * 1e6)};
        if (sum.amps > 0) out.power_factor = PowerFactor{std::llround(1000 * sum.watts / (sum.amps * v))};
        // Microwatts x microseconds are picojoules. A slow start takes less at first: what is missing is held back
        // until it is made up.
        std::int64_t picojoules = out.active.count() * span.count() + state.start_picojoules;
        state.start_picojoules = std::min<std::int64_t>(picojoules, 0);
        picojoules = std::max<std::int64_t>(picojoules, 0);
        true_joules_[c] += static_cast<double>(picojoules) / static_cast<double>(kPicojoulesPerJoule);
        if (sum.watts < no_load_watts(options_.basic_current_amperes)) {
            uncounted_joules_[c] += static_cast<double>(picojoules) / static_cast<double>(kPicojoulesPerJoule);
            out = {};
            continue;
        }
        state.residue_picojoules += picojoules;
        out.forward = Energy{state.residue_picojoules / kPicojoulesPerJoule};
        state.residue_picojoules %= kPicojoulesPerJoule;
    }
    grid_.advance(span);
}

// --- recordings

PlayedTerminals::PlayedTerminals(const Recording& recording, meter::Wiring wiring, Household household,
                                 std::uint64_t repeats, const Converter& converter, std::uint64_t seed)
    : recording_(resample(recording, meter::kSampleRate)),
      circuit_(meter::circuit_of(wiring, household, 0).index),
      phase_(index_of(meter::phase_of(wiring, household, 0))),
      repeats_(repeats),
      grid_(GridConfig{}, seed),
      digitiser_(converter, seed) {}

void PlayedTerminals::sample(meter::SampleBlock& block, int sample_count, const Contacts& contacts) {
    grid_.fill(volts_, sample_count);
    block.sample_count = sample_count;
    const auto count = static_cast<std::size_t>(sample_count);
    std::array<float, meter::kBlockSamplesMax> amps{};
    const bool closed = contacts[circuit_];
    if (closed && !flowing_) position_ = 0;
    flowing_ = closed;
    for (std::size_t n = 0; n < count; ++n) {
        volts_.volts[phase_][n] = recording_.volts[position_];
        if (closed && !finished()) amps[n] = recording_.amps[position_];
        if (++position_ < recording_.volts.size()) continue;
        position_ = 0;
        if (closed) ++played_;
    }
    for (std::size_t phase = 0; phase < 3; ++phase)
        digitiser_.voltage(std::span(block.voltage[phase]).first(count), phase,
                           std::span<const float>(volts_.volts[phase]).first(count));
    const std::array<float, meter::kBlockSamplesMax> none{};
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        digitiser_.current(std::span(block.current[c]).first(count), c,
                           std::span<const float>(c == circuit_ ? amps : none).first(count));
}

}  // namespace prewatt::sim
