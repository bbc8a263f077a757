// From samples to voltage, current, power and energy of every circuit of a box.
//
// Decides: where a mains cycle and a window of ten cycles begin and end, which phase leads, what counts as load, and
// what each window adds to the registers. Integers throughout; two builds fed with the same samples give the same
// registers to the joule.
//
// Windows. A cycle ends at a positive zero crossing of the leading phase (the first live one; when it fails, the next
// live one), or after 80 samples when no phase is alive. Ten cycles are a window. Samples are neither lost nor counted
// twice between windows, and how the samples are cut into blocks makes no difference.
//
// Power. P is the sum of i times the voltage at the instant of i (4-tap Lagrange interpolation between samples, skew
// from the calibration; true for harmonics too). Q takes the voltage of a quarter period ago, at the measured
// frequency: positive for an inductive load. Voltage offsets are tracked and removed; a direct component of the current
// (half-wave loads) stays in.
//
// Energy. Picojoules per circuit, forward and reverse apart, nothing rounded away but 1 pJ a window; whole joules go
// out. A window in which |P| stays below half of the starting power (0.4 % Ib x 220 V; 6.6 W at Ib = 15 A) counts
// nothing: anti-creep. A window above it counts in full. Such a window reports P = 0.
//
// Floors. rms values are not corrected for noise: 1 count rms of noise adds 0.2 % to a reading of the starting current
// and 0.001 % at 5 % Ib. Currents below half of the starting current are reported as zero, with Q = S = 0 and a power
// factor of 1.
//
// RAM: see static_assert in metering.cpp. No heap, no clock, no floating point.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/units.hpp"
#include "meter/metrology/calibration.hpp"
#include "meter/metrology/kernel.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/metrology/sums.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

// Who wants the currents of every mains cycle, not only the windows. Called from within Metering::on_samples, at the
// end of each cycle.
class CurrentSink {
  public:
    virtual void on_cycle(const CycleCurrents& cycle) = 0;

  protected:
    ~CurrentSink() = default;
};

// The same with all sums, for verification: Calibration turns them into physical quantities. The memory for them is the
// sink's, so that a device which asks for less has none.
class CycleSink {
  public:
    virtual void on_cycle(const Sums& cycle) = 0;
    Sums memory;  // for the metering alone: of the window, when the cycle began

  protected:
    ~CycleSink() = default;
};

class Metering {
  public:
    // basic_current (Ib) sets the limits of start and no-load. Values of the calibration out of their range are
    // clamped.
    Metering(const Calibration& calibration, Wiring wiring, Current basic_current);

    // Takes block.sample_count samples of every channel. Not null when this block completed a window (at most one can
    // end in a block): what it measured, valid until the next call. sample_count outside of 1..kBlockSamplesMax is
    // ignored.
    [[nodiscard]] const Measurement* on_samples(const SampleView& block);

    // Nothing: cycles are not reported. The sink outlives the metering.
    // Not in the middle of a window, or the next cycle is left out.
    void report_cycles_to(CycleSink* sink);
    void report_currents_to(CurrentSink* sink);

    // Energy of a circuit that is not a whole joule yet, each below 10^12 pJ: what a memory that survives a reset keeps
    // after each window, and gives back before the first sample.
    class Residue {
      public:
        constexpr Residue() = default;
        constexpr Residue(std::int64_t forward_picojoules, std::int64_t reverse_picojoules)
            : low_{static_cast<std::uint32_t>(forward_picojoules), static_cast<std::uint32_t>(reverse_picojoules)},
              high_{static_cast<std::uint16_t>(forward_picojoules >> 32),
                    static_cast<std::uint16_t>(reverse_picojoules >> 32)} {}
        [[nodiscard]] constexpr std::int64_t forward_picojoules() const { return whole(0); }
        [[nodiscard]] constexpr std::int64_t reverse_picojoules() const { return whole(1); }
        friend constexpr bool operator==(const Residue&, const Residue&) = default;

      private:
        [[nodiscard]] constexpr std::int64_t whole(std::size_t k) const {
            return std::int64_t{high_[k]} << 32 | low_[k];
        }
        std::array<std::uint32_t, 2> low_{};
        std::array<std::uint16_t, 2> high_{};
    };
    [[nodiscard]] Residue residue(Circuit circuit) const { return circuit_[circuit.index].residue; }
    void restore(Circuit circuit, const Residue& residue) { circuit_[circuit.index].residue = residue; }

    [[nodiscard]] const Calibration& calibration() const { return calibration_; }
    // Below it a window counts nothing.
    [[nodiscard]] ActivePower no_load_limit() const { return no_load_limit_; }
    // Mean active power over the samples that were summed up, without the no-load limit. Zero samples: zero.
    [[nodiscard]] ActivePower active_power(Circuit circuit, const Sums& sums) const;
    [[nodiscard]] Phase phase_of(Circuit circuit) const { return static_cast<Phase>(circuit_phase_[circuit.index]); }

    // Where a live phase is in its cycle, for whoever looks at points of equal phase. Call between blocks.
    struct PhaseClock {
        std::int64_t since_crossing_q16 = 0;  // 1/65536 samples from its last positive zero crossing to the next sample
        std::int32_t period_q16 = 0;
    };
    // Nothing: no voltage, or not yet known for a whole window.
    [[nodiscard]] std::optional<PhaseClock> clock_of(Phase phase) const {
        const PhaseState& p = phase_[static_cast<std::size_t>(phase)];
        const std::int64_t since = index_ * 65536 - p.last_crossing_q16;
        if (!p.steady || p.period_q16 == 0 || since > 2 * std::int64_t{p.period_q16}) return std::nullopt;
        return PhaseClock{since, p.period_q16};
    }

  private:
    static constexpr int kHistory = 32;   // a quarter of the longest period, and the taps
    static constexpr int kLookAhead = 2;  // a current waits for the voltage of two samples later
    // The kernel reads, and multiplies by zero, so much beyond the end.
    static constexpr int kPadding = 2 * kernel::kStep;
    static constexpr int kVoltageBuffer = kHistory + kBlockSamplesMax + kPadding;

    struct PhaseState {
        std::int32_t offset_q16 = 0;  // counts
        int windows_tracked = 0;      // that the offset is the mean of, up to a limit
        std::int32_t threshold = 0;   // counts that the voltage must go below zero before a crossing counts again
        std::int32_t before = 0;      // last sample less offset
        bool armed = false;           // it did
        bool crossing_known = false;
        bool steady = false;  // the last crossing came a plausible period after the one before
        bool alive = false;   // at the end of the last window
        // In 1/65536 sample since the window began; negative: before it.
        std::int64_t first_crossing_q16 = 0;
        std::int64_t last_crossing_q16 = 0;
        int crossings = 0;            // since the first one
        std::int32_t period_q16 = 0;  // samples; zero: never measured
    };
    struct CircuitState {
        // Of the voltages one sample before, one and two samples after the current; what is left to one is the weight
        // of the voltage beside it.
        std::array<std::int32_t, 3> tap_weights_q24{};
        Residue residue;
        std::int32_t offset_q16 = 0;
        std::uint8_t windows_tracked = 0;  // that the offset is the mean of, up to a limit
        bool idle_seen = false;            // the offset was met without load
    };

    [[nodiscard]] static std::int32_t next_turn(const PhaseState& p, const std::int16_t* v, std::int32_t k,
                                                std::int32_t none);
    [[nodiscard]] bool cross(PhaseState& p, std::int32_t x, std::int32_t before, std::int32_t at);
    void accumulate(const SampleView& block, int from, int to);
    [[nodiscard]] bool close_cycle();
    void report_cycle(int sample_count, bool whole_cycle);
    void begin_cycle();
    void close_window();
    [[nodiscard]] std::int64_t scale_q16(std::size_t circuit) const;
    [[nodiscard]] std::int64_t picojoules(std::size_t circuit, const Sums& sums, std::int64_t scale_q16) const;
    void measure_phase(std::size_t phase);
    void measure_circuit(std::size_t circuit);
    [[nodiscard]] std::array<std::int64_t, 2> quarter_weights_q16(std::size_t circuit, std::int64_t scale_q16) const;
    [[nodiscard]] int live_phase() const;
    void set_quarter_delays();

    Calibration calibration_;
    ActivePower no_load_limit_;
    Current current_floor_;
    int circuit_count_;
    std::array<std::uint8_t, kCircuitsMax> circuit_phase_{};
    CycleSink* sink_ = nullptr;
    CurrentSink* current_sink_ = nullptr;
    bool cycle_is_known_ = false;  // what the sinks need of its beginning

    std::array<PhaseState, kPhasesMax> phase_{};
    std::array<CircuitState, kCircuitsMax> circuit_{};
    std::array<kernel::Delay, kPhasesMax> quarter_delay_{};

    alignas(32) std::array<std::array<std::int16_t, kVoltageBuffer>, kPhasesMax> voltage_{};
    alignas(4) std::array<std::array<std::int16_t, kLookAhead>,
                          kCircuitsMax> waiting_{};  // currents without their voltages yet

    int leading_ = -1;        // phase, or none
    std::int32_t index_ = 0;  // voltage samples taken since the window began; a window has some 1,000
    std::int32_t cycle_start_ = 0;
    std::int32_t boundary_ = -1;  // first sample of the next cycle, once known
    bool boundary_at_crossing_ = false;
    bool began_at_crossing_ = false;
    int cycles_in_window_ = 0;
    CycleCurrents cycle_;  // sums of the window, when the cycle began
    Sums window_;
    Measurement measurement_;
};

}  // namespace prewatt::meter
