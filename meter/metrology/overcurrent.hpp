// Gross overload (product.md M9, the fast path): the rms current of every circuit in every mains cycle against a limit.
//
// Decides when a current has been above its limit for so long that it is no inrush: four mains cycles one after the
// other, so the report is out 80 to 100 ms after the current came (at 50 Hz), and a rush of two cycles, which may touch
// three, is none.
// A current that stays is reported again every second, since a report may meet a relay that does not obey. The limit
// itself (a multiple of the household's load limit) is the managing side's business.
//
// The comparison is of sums of squares, exact integers; the offset of the channel is taken out, a direct component of
// the load stays in.
#pragma once
#include <array>
#include <cstdint>

#include "base/fixed_vector.hpp"
#include "base/units.hpp"
#include "meter/metrology/calibration.hpp"
#include "meter/metrology/sums.hpp"
#include "meter/reports.hpp"

namespace prewatt::meter {

class OvercurrentWatch {
  public:
    static constexpr int kCycles = 4;           // above the limit, one after the other
    static constexpr int kAgainCycles = 50;     // a current that stays
    static constexpr std::size_t kWaitMax = 4;  // reports; when they are not taken the next cycle reports again

    explicit OvercurrentWatch(const Calibration& calibration);
    // Zero: not watched. Above the converter's range: never reached.
    void set_limit(Circuit circuit, Current limit);
    [[nodiscard]] Current limit(Circuit circuit) const { return limits_[circuit.index].limit; }
    void on_cycle(const CycleCurrents& cycle);
    // False: nothing waits.
    [[nodiscard]] bool take(OvercurrentReport& report);

  private:
    struct Watched {
        Current limit;
        std::uint32_t squares_per_sample = 0;  // counts^2; 0: not watched
        std::int16_t offset = 0;
        std::uint8_t cycles = 0;  // above; beyond kCycles: until it is reported again
    };
    Calibration const* calibration_;
    std::array<Watched, kCircuitsMax> limits_{};
    FixedQueue<OvercurrentReport, kWaitMax> waiting_;
};

}  // namespace prewatt::meter
