// What the two rows of LED digits show (product.md M7): a function of the state and of the time, nothing else.
//
// The loop: meter number, sales unit number, then every household for four seconds. Upper row the household number
// (0001 ...), lower row what remains to a tenth, rounded down, up to 99999.9. Low credit: the lower row flashes.
// Switched off for want of credit or by the cut-off alarm: it flashes 0.0. A household without an account shows dashes.
// After a ticket the loop is interrupted: the amount bought for four seconds, then the new total for four.
#pragma once
#include <cstdint>

#include "base/hold.hpp"
#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

inline constexpr Duration kPageTime = seconds(4);
inline constexpr Duration kFlashTime = milliseconds(500);  // lit so long, dark so long

// One household's window, as it would stand in the loop. `lit_half`: the lit half of a flash.
[[nodiscard]] DisplayFrame household_frame(Household household, HouseholdState state, std::int64_t remaining_hundredths,
                                           bool lit_half);
[[nodiscard]] bool flashes(HouseholdState state);
// Ten digits: the upper row has the first four, the lower row the last six.
[[nodiscard]] DisplayFrame meter_number_frame(std::uint64_t box_number);
[[nodiscard]] DisplayFrame sales_unit_frame(std::uint16_t sales_unit);
// `household` and an amount; for a purchase.
[[nodiscard]] DisplayFrame amount_frame(Household household, std::int64_t hundredths);

// Which page is on. A page index counts 0 meter number, 1 sales unit, 1+n household n.
class DisplayLoop {
  public:
    struct Page {
        enum class Kind : std::uint8_t {
            kMeterNumber,
            kSalesUnit,
            kHousehold,
            kBought,
            kNewTotal
        } kind = Kind::kMeterNumber;
        Household household{};
        bool lit_half = true;
        Instant until = kNever;       // the next page, unless somebody buys
        Instant next_flash = kNever;  // the next change of lit_half
    };
    void start(Instant now, int households) {
        started_ = now;
        households_ = households;
    }
    void bought(Household household, Instant now) {
        notice_ = household;
        notice_since_ = now;
    }
    [[nodiscard]] Page page(Instant now) const;

  private:
    Instant started_{};
    int households_ = 0;
    Household notice_{};
    Instant notice_since_ = kNever;
};

}  // namespace prewatt::meter
