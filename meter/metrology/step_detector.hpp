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
    static constexpr int kSlots = 6;
    static constexpr int kReportsMax = 8;  // that wait; the oldest is dropped when another comes

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
};

}  // namespace prewatt::meter
