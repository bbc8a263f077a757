// What a box sees at its terminals: the supply, the currents behind its contacts, and how its converter turns both into
// counts.
//
// Waveform level: blocks of samples as the converter of a real box delivers them, with its quantiser, noise, offsets
// and the skew between channels. Cycle level: finished measurements from the appliances' tables, energy to the joule
// with the rest carried over. A contact that is open lets no current through, whatever the node believes.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/civil_time.hpp"
#include "base/units.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/ports.hpp"
#include "sim/grid.hpp"
#include "sim/home.hpp"
#include "sim/recording.hpp"

namespace prewatt::sim {

using Contacts = std::bitset<kCircuitsMax>;  // by circuit; set: closed

// The front end of a box. The scales are the nominal ones of meter/metrology/calibration.hpp, so an uncalibrated node
// reads right.
struct Converter {
    double volts_per_count = 0;
    double amps_per_count = 0;
    double noise_counts =
        0.7;  // rms; real converters have it, and without it a steady load would be rounded the same way for ever
    double offset_counts = 3;  // largest offset of a channel; each has its own
    std::array<double, kCircuitsMax>
        skew_seconds{};  // a current's sample is taken so much after the voltage's: 0 .. 250 us
};
// With the nominal scales, for a box of this largest current.
[[nodiscard]] Converter nominal_converter(int max_current_amperes);

class Terminals {
  public:
    virtual ~Terminals() = default;
    // The next `sample_count` samples of every channel. Time goes on by that much.
    virtual void sample(meter::SampleBlock& block, int sample_count, const Contacts& contacts) = 0;
    // Is there mains voltage before this circuit's contact?
    [[nodiscard]] virtual bool is_live(Circuit circuit) const = 0;
};

// Terminals that can also give finished windows: the cycle level.
class WindowTerminals : public Terminals {
  public:
    // The next `span` as one window. A node is fed by this or by sample(), not by both.
    virtual void measure(meter::Measurement& measurement, Duration span, const Contacts& contacts) = 0;
};

// Counts from volts and amperes. Keeps two samples back for the skew, where there is any.
class Digitiser {
  public:
    Digitiser(const Converter& converter, std::uint64_t seed);
    void voltage(std::span<std::int16_t> out, std::size_t phase, std::span<const float> volts);
    void current(std::span<std::int16_t> out, std::size_t circuit, std::span<const float> amps);

  private:
    void convert(std::span<std::int16_t> out, std::size_t channel, std::span<const float> values,
                 float counts_per_unit);
    Converter converter_;
    bool skewed_ = false;
    std::array<float, 3 + kCircuitsMax> offset_{};
    std::vector<float> noise_;
    std::uint64_t noise_at_;
    std::array<std::array<float, 3>, 3 + kCircuitsMax> held_{};
};

struct BuildingOptions {
    meter::Wiring wiring = meter::Wiring::k39x1;
    std::uint64_t box = 0;  // its number: names its homes within the seed
    std::uint64_t seed = 1;
    std::function<Life(Household)> life;  // students everywhere when empty
    CivilSeconds start = 0;               // the people's clock at the beginning
    int basic_current_amperes = 15;       // cycle level: what is below the no-load limit of such a box is not measured
    GridConfig grid;
    Converter converter;
};

// Simulated homes behind every contact.
class HomesTerminals final : public WindowTerminals {
  public:
    explicit HomesTerminals(const BuildingOptions& options);
    ~HomesTerminals() override;

    void sample(meter::SampleBlock& block, int sample_count, const Contacts& contacts) override;
    void measure(meter::Measurement& measurement, Duration span, const Contacts& contacts) override;
    [[nodiscard]] bool is_live(Circuit circuit) const override;

    [[nodiscard]] Grid& grid() { return grid_; }
    [[nodiscard]] Home& home(Household h) { return homes_[static_cast<std::size_t>(h.index())]; }
    [[nodiscard]] int household_count() const { return static_cast<int>(homes_.size()); }
    // What went through each circuit so far, joules, as the physical world has it; independent of any meter.
    [[nodiscard]] double true_joules(Circuit circuit) const { return true_joules_[circuit.index]; }
    // The part of it that no meter of this rating has to count: below the no-load limit. Cycle level only.
    [[nodiscard]] double uncounted_joules(Circuit circuit) const { return uncounted_joules_[circuit.index]; }

  private:
    struct Plugged {
        std::size_t appliance;
        std::unique_ptr<Load> load;    // waveform level only
        double unsettled_seconds = 0;  // so long its circuit is still calculated; then it is part of the curve
    };
    struct CircuitState {
        bool closed = false;
        bool stale = true;  // somebody switched something
        std::vector<Plugged> plugged;
        // What all settled loads take together, at this rms voltage; negative: to be made anew.
        Curve curve{};
        double curve_volts = -1;
        bool curve_empty = true;
        std::int64_t residue_picojoules = 0;
        std::int64_t start_picojoules = 0;  // of appliances that have just started, not yet counted
    };
    void let_people_live();
    void plug(std::size_t circuit, bool closed, bool waveform);
    [[nodiscard]] std::size_t circuit_for(std::size_t household, Use use) const;

    BuildingOptions options_;
    Grid grid_;
    Digitiser digitiser_;
    std::vector<Home> homes_;
    std::array<CircuitState, kCircuitsMax> circuits_;
    std::array<double, kCircuitsMax> true_joules_{};
    std::array<double, kCircuitsMax> uncounted_joules_{};
    void add_settled(std::size_t circuit, std::size_t phase, std::span<float> amps);

    VoltageBlock volts_;
    std::array<double, 3> volts_before_{};
    std::array<bool, 3> live_{};
    // Where in a curve the samples of this block lie, by phase.
    struct Place {
        std::array<std::uint16_t, meter::kBlockSamplesMax> point;
        std::array<float, meter::kBlockSamplesMax> part;
    };
    std::array<Place, 3> places_;
};

// One recorded appliance in one household; the recording's voltage is that household's phase, the other phases come
// from the grid. While the contact is open the recorded voltage goes on and the recorded current does not flow; when it
// closes, the recording begins anew from its first sample (the appliance is switched on by the power that comes), and
// only repetitions with a closed contact are counted.
class PlayedTerminals final : public Terminals {
  public:
    // `recording` at any sample rate. repeats: 0 = for ever.
    PlayedTerminals(const Recording& recording, meter::Wiring wiring, Household household, std::uint64_t repeats,
                    const Converter& converter, std::uint64_t seed);

    void sample(meter::SampleBlock& block, int sample_count, const Contacts& contacts) override;
    [[nodiscard]] bool is_live(Circuit) const override { return true; }
    // All repetitions have been played (never, with repeats 0).
    [[nodiscard]] bool finished() const { return repeats_ > 0 && played_ >= repeats_; }
    [[nodiscard]] std::uint64_t played() const { return played_; }
    [[nodiscard]] const Recording& recording() const { return recording_; }

  private:
    Recording recording_;  // at 4 kSa/s
    std::size_t circuit_;
    std::size_t phase_;
    std::uint64_t repeats_;
    Grid grid_;
    Digitiser digitiser_;
    VoltageBlock volts_;
    std::size_t position_ = 0;
    std::uint64_t played_ = 0;
    bool flowing_ = false;
};

}  // namespace prewatt::sim
