// Sudden steps of a circuit's current: how many watts came, how much of them follows the voltage as only a resistor
// does, what left at the same instant (product.md M8, reference in docs/malignant.md). Physics only; what is forbidden
// is decided by meter/core/malignant_load from the reports.
//
// Points. Each mains cycle of each circuit is interpolated at 32 instants of equal phase, counted from the positive
// zero crossing of its own phase and with its channel's skew, so that cycles can be subtracted from each other. Two
// cycles are kept as the base (two, because some electronics differ in alternate cycles).
//
// A step begins with a cycle that differs from its base by more than noise. The base is frozen, and a slot of a small
// pool takes the eight cycles after it: added up for the shape, and each for its own vote. When no slot is free the
// base stays frozen until one is. A current that still falls or rises (inrush, motor, soft start) is looked at for
// longer, up to a second, and then reported as no resistor.
//
// After on_contact_closed, and after a return of the phase, everything behind the contact comes at once: the next step
// is reported as kReclose against the base that was there before.
//
// RAM: see static_assert in step_detector.cpp. No heap, no clock, no floating point. Not for interrupts.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/units.hpp"
#include "meter/metrology/calibration.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/ports.hpp"
#include "meter/reports.hpp"

namespace prewatt::meter {

class StepDetector {
  public:
    static constexpr int kPoints = kCapturePointsPerCycle;
    static constexpr int kSlots = 4;
    static constexpr int kReportsMax = 6;  // that wait; the oldest is dropped when another comes

    StepDetector(const Calibration& calibration, Wiring wiring);

    // After metering.on_samples with the same block.
    void on_samples(const SampleView& block, const Metering& metering);
    // The contact has been told to close, or to open.
    void on_contact_closed(Circuit circuit);
    void on_contact_opened(Circuit circuit);

    // The next report that waits, oldest first.
    [[nodiscard]] std::optional<StepReport> take_report();
    // The waveforms of a report (StepReport::capture). False: the slot has been taken for another step since, or the
    // number is 0.
    [[nodiscard]] bool capture(std::uint8_t number, StepCapture& out) const;
    void release(std::uint8_t number);

  private:
    static constexpr int kHistory = 8;     // samples before the block: the taps and the largest skew
    static constexpr int kSlotCycles = 8;  // that are judged together
    using Cycle = std::array<std::int16_t, kPoints>;

    struct PhaseGrid {
        bool locked = false;
        std::uint8_t point = 0;       // of the cycle under way: the next one
        std::uint8_t parity = 0;      // of the cycle under way
        std::uint8_t cycle = 0;       // counts cycles
        std::int64_t start_q16 = 0;   // of the cycle under way, from the next block's first sample; usually negative
        std::int32_t period_q16 = 0;  // of the cycle under way
        Cycle now{};
        Cycle before{};  // slow mean, without its direct part
        std::array<std::int16_t, kHistory> history{};
    };
    struct Slow {  // microsiemens
        std::int32_t sure = 0;
        std::int32_t total = 0;
    };
    struct CircuitState {
        std::array<Cycle, 2> base{};                   // counts
        std::int32_t difference = 0;                   // of the cycle under way from its base, sum over the points
        std::int32_t limit = 0;                        // above it a step has begun
        std::int32_t resistive_base_microsiemens = 0;  // of the base: what has surely come as a resistor
        Slow slow;                                     // as it was after the last step or slope
        std::uint8_t slot = 0;                         // 1..: is being judged there
        std::uint8_t waiting = 0;                      // cycles since a step that has no slot yet; 0: none
        std::uint8_t reclose = 0;                      // cycles within which a step is everything behind the contact
        bool settled = false;                          // the base has been seen
        std::array<std::int16_t, kHistory> history{};
    };
    struct Channel {
        std::int32_t nanoamperes = 0;  // per count, with its sign
        std::int32_t skew_q16 = 0;     // samples
    };
    struct Slot {
        enum class Use : std::uint8_t { kFree, kFilling, kKept };
        Use use = Use::kFree;
        std::uint8_t circuit = 0;
        std::uint8_t number = 0;        // of the capture
        std::uint8_t cycles = 0;        // taken in this round
        std::uint8_t rounds = 0;        // of kSlotCycles that had not settled
        std::uint8_t first_parity = 0;  // of after[0]
        bool reclose = false;
        std::uint16_t elapsed = 0;  // cycles since the step
        std::int32_t peak = 0;      // largest cycle since the step, rms in counts
        std::array<Cycle, 2> before{};
        Cycle voltage_before{};
        Cycle voltage_after{};
        std::array<Cycle, kSlotCycles> after{};
    };
    struct Features;

    void advance_phase(std::size_t phase, const SampleView& block, const Metering& metering);
    void take_points(std::size_t phase, int from, int count, const SampleView& block);
    void renew_limit(std::size_t circuit);
    void end_cycle(std::size_t phase);
    void end_cycle_of(std::size_t circuit, const PhaseGrid& grid);
    void begin_slot(std::size_t circuit, const PhaseGrid& grid);
    void judge(Slot& slot, const PhaseGrid& grid);
    [[nodiscard]] Features features_of(const Slot& slot) const;
    [[nodiscard]] Slow slow_of(std::size_t circuit, const PhaseGrid& grid) const;
    void follow_slope(std::size_t circuit, const PhaseGrid& grid);
    void report(const StepReport& report);
    void lose_phase(std::size_t phase);

    std::array<std::int32_t, kPhasesMax> nanovolts_{};  // per count
    std::array<Channel, kCircuitsMax> channel_{};
    int circuit_count_;
    std::array<std::uint8_t, kCircuitsMax> circuit_phase_{};
    std::array<PhaseGrid, kPhasesMax> grid_{};
    std::array<CircuitState, kCircuitsMax> circuit_{};
    std::array<Slot, kSlots> slot_{};
    std::uint8_t next_number_ = 1;
    std::array<StepReport, kReportsMax> reports_{};
    std::uint8_t reports_first_ = 0;
    std::uint8_t reports_count_ = 0;
};

}  // namespace prewatt::meter
