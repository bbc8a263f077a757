// What people plug in: the current that an appliance draws from a voltage, sample by sample.
//
// Each kind is a small circuit that obeys its own physics: a wire with a resistance, a filament whose resistance rises
// with its heat, a rectifier that charges a capacitor at the crests, a motor that lags and starts with a rush, a diode
// that takes one half-wave. All state is inside, so a sag, a lost phase or an opened contact does to it what it would
// do in a room. Currents scale with the rated power.
//
// The cycle level does not integrate waveforms; it looks the same circuits up in a table (`draw_of`) that is made by
// running them once against the supply's own shape at ten voltages. So the two levels agree because they are one model.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace prewatt::sim {

enum class Kind : std::uint8_t {
    kKettle,        // bare wire: power factor 1
    kHeater,        // the same, on for hours
    kRiceCooker,    // the same
    kHairDryer,     // wire and a small motor behind it: still resistive
    kHairDryerLow,  // the same through a diode: one half-wave
    kIncandescent,  // filament: ten times the current when cold
    kLedLamp,       // capacitor-input rectifier, little smoothing
    kCharger,       // telephone
    kRouter,
    kLaptop,
    kTelevision,      // rectifier behind an inductor
    kFan,             // small capacitor-run motor
    kFridge,          // compressor: lags, starts with six times the current
    kWashingMachine,  // the same, larger
    kMicrowave,       // transformer and doubler: flat, leaning peaks
    kAirConditioner,  // inverter behind a power factor corrector: nearly a sine, starts slowly
};
inline constexpr int kKindCount = 16;
[[nodiscard]] std::string_view name_of(Kind kind);

// One appliance that is plugged in and on. Made when it is switched on, destroyed when it is switched off: it starts
// cold.
class Load {
  public:
    virtual ~Load() = default;
    // Adds the current in amperes for each voltage in volts, 1/4000 s apart; equal sizes.
    virtual void add_current(std::span<const float> volts, std::span<float> amps) = 0;
};
// `watts`: what it takes at 220 V when settled, above 0.
[[nodiscard]] std::unique_ptr<Load> make_load(Kind kind, double watts);

// The current of a settled appliance over one mains cycle that begins at the voltage's positive crossing of zero, at
// kCurvePoints equal angles; the last point is the first again. Made by running the circuit once, as draw_of(): for
// stretches in which nothing changes, where it is a hundred times as fast as the circuit itself.
inline constexpr std::size_t kCurvePoints = 320;
using Curve = std::array<float, kCurvePoints + 1>;
// Adds it, for an rms voltage; the voltage has the supply's usual shape.
void add_settled_current(Kind kind, double watts, double volts, Curve& out);
// So long after it was switched on, or after its voltage changed suddenly, a load of this kind has settled. Infinite
// for a bare wire, whose circuit is faster than any table.
[[nodiscard]] double settling_seconds(Kind kind);

// What a settled appliance takes at an rms voltage.
struct Draw {
    double watts = 0;
    double vars = 0;  // fundamental, positive when lagging
    double amps = 0;  // rms
};
[[nodiscard]] Draw draw_of(Kind kind, double watts, double volts);
// What starting takes beyond the settled power, joules at 220 V (negative for one that starts slowly).
[[nodiscard]] double start_joules_of(Kind kind, double watts);

// Draws on one circuit together: watts and vars add, of the currents the distortion adds as squares.
[[nodiscard]] Draw together(std::span<const Draw> draws, double volts);

}  // namespace prewatt::sim
