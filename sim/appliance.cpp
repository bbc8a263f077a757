#include "sim/appliance.hpp"

#include <array>
#include <cmath>
#include <mutex>
#include <numbers>
#include <vector>

#include "sim/grid.hpp"

namespace prewatt::sim {
namespace {

constexpr float kStep = static_cast<float>(kSamplePeriod);
constexpr double kRatedVolts = 220;

// A wire: i = v / R.
class Wire final : public Load {
  public:
    explicit Wire(double watts) : siemens_(static_cast<float>(watts / (kRatedVolts * kRatedVolts))) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n)
            amps[n] += siemens_ * volts[n];
    }

  private:
    float siemens_;
};

// A wire behind a diode: twice the conductance gives the rated power in half the time.
class HalfWave final : public Load {
  public:
    explicit HalfWave(double watts) : siemens_(static_cast<float>(2 * watts / (kRatedVolts * kRatedVolts))) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n)
            if (volts[n] > 0) amps[n] += siemens_ * volts[n];
    }

  private:
    float siemens_;
};

// Tungsten: resistance rises about linearly with temperature, radiation with its fourth power. Temperature relative to
// the settled one at 220 V; cold is 0.1. Heat capacity for a rush of some cycles.
class Filament final : public Load {
  public:
    explicit Filament(double watts) : siemens_(static_cast<float>(watts / (kRatedVolts * kRatedVolts))) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n) {
            const float relative = volts[n] * (1 / static_cast<float>(kRatedVolts));
            const float conductance = 1 / heat_;
            amps[n] += siemens_ * conductance * volts[n];
            const float square = heat_ * heat_;
            heat_ += kStep / 0.35f * (relative * relative * conductance - square * square);
            if (heat_ < 0.1f) heat_ = 0.1f;
        }
    }

  private:
    float siemens_;
    float heat_ = 0.1f;
};

struct RectifierShape {
    double farads_per_watt;
    double ohms_watts;   // series resistance x rated power
    double henry_watts;  // series inductance x rated power; 0 for none
    double efficiency;   // of what stands before the converter
};
// Bridge, capacitor, and behind it a converter that takes constant power. Implicit Euler, so that it is stable with any
// values.
class Rectifier final : public Load {
  public:
    Rectifier(double watts, const RectifierShape& shape)
        : watts_(static_cast<float>(watts * shape.efficiency)),
          farads_(static_cast<float>(shape.farads_per_watt * watts)),
          ohms_(static_cast<float>(shape.ohms_watts / watts)),
          henry_step_(static_cast<float>(shape.henry_watts / watts / kSamplePeriod)) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        const float charge = kStep / farads_;
        for (std::size_t n = 0; n < volts.size(); ++n) {
            // The converter stops below 60 V and starts again above 80 V.
            if (capacitor_ < 60) running_ = false;
            if (capacitor_ > 80) running_ = true;
            const float out = running_ ? watts_ / capacitor_ : 0;
            const float input = std::fabs(volts[n]) - kDiodes;
            float i = (input - capacitor_ + charge * out + henry_step_ * current_) / (ohms_ + henry_step_ + charge);
            if (i < 0) i = 0;
            capacitor_ += charge * (i - out);
            if (capacitor_ < 0) capacitor_ = 0;
            current_ = i;
            amps[n] += volts[n] < 0 ? -i : i;
        }
    }

  private:
    static constexpr float kDiodes = 1.4f;
    float watts_, farads_, ohms_, henry_step_;
    float capacitor_ = 0;
    float current_ = 0;
    bool running_ = false;
};

// A motor seen from its terminals: resistance in series with inductance for the settled power factor; while it runs up,
// both are smaller. Trapezoidal rule.
class Motor final : public Load {
  public:
    Motor(double watts, double power_factor, double inrush, double run_up_seconds)
        : inrush_(static_cast<float>(inrush - 1)),
          decay_(static_cast<float>(std::exp(-20 * kSamplePeriod / run_up_seconds))) {
        const double impedance = kRatedVolts * kRatedVolts * power_factor / watts;
        ohms_ = static_cast<float>(impedance * power_factor);
        henry_step_ = static_cast<float>(impedance * std::sqrt(1 - power_factor * power_factor) /
                                         (2 * std::numbers::pi * 50) / kSamplePeriod);
    }
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n) {
            if (sample_++ % 20 == 0) {
                factor_ = 1 / (1 + inrush_ * run_up_);
                run_up_ = run_up_ < 1e-4f ? 0 : run_up_ * decay_;
            }
            const float l = henry_step_ * factor_;
            const float r = ohms_ * factor_ / 2;
            current_ = (current_ * (l - r) + (volts[n] + last_) / 2) / (l + r);
            last_ = volts[n];
            amps[n] += current_;
        }
    }

  private:
    float inrush_, decay_;
    float ohms_ = 0, henry_step_ = 0;
    float factor_ = 1, run_up_ = 1, current_ = 0, last_ = 0;
    unsigned sample_ = 0;
};

// High-voltage transformer, doubler and magnetron: the tube takes current only above a threshold, one way harder than
// the other; the core's magnetising current lags.
class Microwave final : public Load {
  public:
    explicit Microwave(double watts) : scale_(static_cast<float>(watts / 1315)) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n) {
            const float v = volts[n];
            // Leaks slowly so that no direct flux stays in the core.
            flux_ = flux_ * 0.998f + v * kStep;
            float i = 0;
            if (v > kThreshold) i = (v - kThreshold) * 0.0484f;
            if (v < -kThreshold) i = (v + kThreshold) * 0.0363f;
            amps[n] += scale_ * (i + flux_ * 3.0f);
        }
    }

  private:
    static constexpr float kThreshold = 90;
    float scale_;
    float flux_ = 0;
};

// Active power factor correction: the current copies the voltage's shape, with a filter capacitor before it and a
// compressor that takes its time. Below 150 V the current does not rise further.
class Corrected final : public Load {
  public:
    explicit Corrected(double watts)
        : siemens_(static_cast<float>(watts / (kRatedVolts * kRatedVolts))),
          farads_step_(static_cast<float>(2.5e-9 * watts / kSamplePeriod)) {}
    void add_current(std::span<const float> volts, std::span<float> amps) override {
        for (std::size_t n = 0; n < volts.size(); ++n) {
            const float v = volts[n];
            square_ += kStep / 0.05f * (v * v - square_);
            const float held = square_ < 150.0f * 150.0f ? 150.0f * 150.0f : square_;
            const float conductance = siemens_ * ramp_ * static_cast<float>(kRatedVolts * kRatedVolts) / held;
            // Around the crossing of zero the corrector rests.
            const float active = std::fabs(v) < 12 ? 0 : v;
            amps[n] += conductance * active + farads_step_ * (v - last_);
            last_ = v;
            if (ramp_ < 1) ramp_ += kStep / 8;
        }
    }

  private:
    float siemens_, farads_step_;
    float square_ = 0, last_ = 0;
    float ramp_ = 0.12f;
};

// --- The table of the cycle level: each kind once, per rated watt, at these voltages.
constexpr double kTableVolts[] = {80, 110, 140, 160, 180, 200, 210, 220, 230, 240, 250, 280};
constexpr std::size_t kTableSize = std::size(kTableVolts);
constexpr double kReferenceWatts = 100;

struct Characteristic {
    std::array<Draw, kTableSize> at{};
    double start_joules = 0;
};

// Runs the circuit on a 50 Hz supply of the usual shape. Sums over whole cycles of the last second.
Draw settle(Kind kind, double volts, double seconds, double* joules) {
    const GridConfig grid;
    const auto load = make_load(kind, kReferenceWatts);
    const double crest = volts / supply_shape_rms(grid);
    constexpr std::size_t kCycle = 80;
    std::array<float, kCycle> wave{};
    std::array<double, kCycle> lag{};
    for (std::size_t n = 0; n < kCycle; ++n) {
        wave[n] = static_cast<float>(crest * supply_shape(grid, static_cast<double>(n) / kCycle));
        lag[n] = -std::cos(2 * std::numbers::pi * static_cast<double>(n) / kCycle) * std::numbers::sqrt2 * crest;
    }
    const int cycles = static_cast<int>(seconds * 50);
    Draw draw;
    double total = 0;
    for (int c = 0; c < cycles; ++c) {
        std::array<float, kCycle> amps{};
        load->add_current(wave, amps);
        const bool counted = c >= cycles - 50;
        for (std::size_t n = 0; n < kCycle; ++n) {
            const double i = static_cast<double>(amps[n]);
            const double p = static_cast<double>(wave[n]) * i;
            total += p;
            if (!counted) continue;
            draw.watts += p;
            draw.vars += lag[n] * i;
            draw.amps += i * i;
        }
    }
    const double n = 50.0 * kCycle;
    draw.watts /= n;
    draw.vars /= n;
    draw.amps = std::sqrt(draw.amps / n);
    if (joules) *joules = total * kSamplePeriod - draw.watts * seconds;
    return draw;
}

Characteristic characterise(Kind kind) {
    Characteristic c;
    const double seconds = kind == Kind::kAirConditioner ? 12 : 6;
    for (std::size_t k = 0; k < kTableSize; ++k)
        c.at[k] = settle(kind, kTableVolts[k], seconds, kTableVolts[k] == kRatedVolts ? &c.start_joules : nullptr);
    return c;
}

const Characteristic& characteristic_of(Kind kind) {
    static const std::array<Characteristic, kKindCount> table = [] {
        std::array<Characteristic, kKindCount> made{};
        for (std::size_t k = 0; k < made.size(); ++k)
            made[k] = characterise(static_cast<Kind>(k));
        return made;
    }();
    return table[static_cast<std::size_t>(kind)];
}

// --- The curves of settled loads, per kReferenceWatts, at the table's voltages.
using Curves = std::array<Curve, kTableSize>;

// The circuit is sampled at 4 kSa/s whatever is asked of it; runs that begin a quarter of a sample later fill the
// points between.
Curve settled_curve(Kind kind, double volts) {
    const GridConfig grid;
    const double crest = volts / supply_shape_rms(grid);
    constexpr std::size_t kCycle = 80;
    constexpr std::size_t kBetween = kCurvePoints / kCycle;
    // A bare wire remembers nothing.
    const int cycles = std::isfinite(settling_seconds(kind)) ? static_cast<int>(settling_seconds(kind) * 50) : 1;
    Curve curve{};
    for (std::size_t shift = 0; shift < kBetween; ++shift) {
        std::array<float, kCycle> wave{};
        for (std::size_t n = 0; n < kCycle; ++n)
            wave[n] = static_cast<float>(crest *
                                         supply_shape(grid, static_cast<double>(n * kBetween + shift) / kCurvePoints));
        const auto load = make_load(kind, kReferenceWatts);
        std::array<float, kCycle> amps{};
        for (int c = 0; c < cycles; ++c) {
            amps.fill(0);
            load->add_current(wave, amps);
        }
        for (std::size_t n = 0; n < kCycle; ++n)
            curve[n * kBetween + shift] = amps[n];
    }
    curve[kCurvePoints] = curve[0];
    return curve;
}

const Curves& curves_of(Kind kind) {
    static std::array<std::once_flag, kKindCount> once;
    static std::array<Curves, kKindCount> made;
    Curves& curves = made[static_cast<std::size_t>(kind)];
    std::call_once(once[static_cast<std::size_t>(kind)], [&] {
        for (std::size_t k = 0; k < kTableSize; ++k)
            curves[k] = settled_curve(kind, kTableVolts[k]);
    });
    return curves;
}

}  // namespace

double settling_seconds(Kind kind) {
    switch (kind) {
        case Kind::kKettle:
        case Kind::kHeater:
        case Kind::kRiceCooker:
        case Kind::kHairDryer:
        case Kind::kHairDryerLow:
            return HUGE_VAL;
        case Kind::kAirConditioner:
            return 12;
        case Kind::kIncandescent:
            return 6;
        default:
            return 4;
    }
}

void add_settled_current(Kind kind, double watts, double volts, Curve& out) {
    if (volts < kTableVolts[0] / 2) return;
    const Curves& curves = curves_of(kind);
    std::size_t k = 1;
    while (k + 1 < kTableSize && volts > kTableVolts[k])
        ++k;
    const auto part = static_cast<float>((volts - kTableVolts[k - 1]) / (kTableVolts[k] - kTableVolts[k - 1]));
    const auto scale = static_cast<float>(watts / kReferenceWatts);
    const float a = scale * (1 - part);
    const float b = scale * part;
    for (std::size_t n = 0; n <= kCurvePoints; ++n)
        out[n] += a * curves[k - 1][n] + b * curves[k][n];
}

std::string_view name_of(Kind kind) {
    static constexpr std::string_view names[kKindCount] = {
        "kettle",   "heater",          "rice cooker", "hair dryer",     "hair dryer (low)", "incandescent lamp",
        "led lamp", "charger",         "router",      "laptop",         "television",       "fan",
        "fridge",   "washing machine", "microwave",   "air conditioner"};
    return names[static_cast<std::size_t>(kind)];
}

std::unique_ptr<Load> make_load(Kind kind, double watts) {
    switch (kind) {
        case Kind::kKettle:
        case Kind::kHeater:
        case Kind::kRiceCooker:
        case Kind::kHairDryer:
            return std::make_unique<Wire>(watts);
        case Kind::kHairDryerLow:
            return std::make_unique<HalfWave>(watts);
        case Kind::kIncandescent:
            return std::make_unique<Filament>(watts);
        case Kind::kLedLamp:
            return std::make_unique<Rectifier>(watts, RectifierShape{0.6e-6, 1200, 0, 0.92});
        case Kind::kCharger:
        case Kind::kRouter:
            return std::make_unique<Rectifier>(watts, RectifierShape{1.5e-6, 600, 0, 0.95});
        case Kind::kLaptop:
            return std::make_unique<Rectifier>(watts, RectifierShape{1.3e-6, 500, 0, 0.96});
        case Kind::kTelevision:
            return std::make_unique<Rectifier>(watts, RectifierShape{1.8e-6, 300, 0.9, 0.98});
        case Kind::kFan:
            return std::make_unique<Motor>(watts, 0.92, 1.6, 0.4);
        case Kind::kFridge:
            return std::make_unique<Motor>(watts, 0.62, 6, 0.15);
        case Kind::kWashingMachine:
            return std::make_unique<Motor>(watts, 0.70, 4, 0.25);
        case Kind::kMicrowave:
            return std::make_unique<Microwave>(watts);
        case Kind::kAirConditioner:
            return std::make_unique<Corrected>(watts);
    }
    return nullptr;
}

Draw draw_of(Kind kind, double watts, double volts) {
    const Characteristic& c = characteristic_of(kind);
    if (volts < kTableVolts[0] / 2) return {};
    std::size_t k = 1;
    while (k + 1 < kTableSize && volts > kTableVolts[k])
        ++k;
    const double part = (volts - kTableVolts[k - 1]) / (kTableVolts[k] - kTableVolts[k - 1]);
    const double scale = watts / kReferenceWatts;
    const Draw& a = c.at[k - 1];
    const Draw& b = c.at[k];
    return {scale * std::lerp(a.watts, b.watts, part), scale * std::lerp(a.vars, b.vars, part),
            scale * std::lerp(a.amps, b.amps, part)};
}

double start_joules_of(Kind kind, double watts) {
    return characteristic_of(kind).start_joules * watts / kReferenceWatts;
}

Draw together(std::span<const Draw> draws, double volts) {
    Draw sum;
    double distortion = 0;
    for (const Draw& d : draws) {
        sum.watts += d.watts;
        sum.vars += d.vars;
        if (volts <= 0) continue;
        const double fundamental = (d.watts * d.watts + d.vars * d.vars) / (volts * volts);
        distortion += std::max(0.0, d.amps * d.amps - fundamental);
    }
    if (volts > 0) sum.amps = std::sqrt((sum.watts * sum.watts + sum.vars * sum.vars) / (volts * volts) + distortion);
    return sum;
}

}  // namespace prewatt::sim
