// What energy costs in a money account (product.md M5): price of a joule = rate of the period + step of the month, both
// as they stand when it is used. Up to four rates and six steps; a present and a pending set of prices.
//
// Credit is counted in grains, 36,000 to the fen, because then joules x price (1e-4 yuan/kWh) is a whole number of
// ten-thousandths of a grain: 1 J x 1e-4 yuan/kWh = 1e-4 grain (docs/decisions/0001). Whole grains are charged, the
// rest below one grain is carried in the household's TariffBook to the next window and never lost: after any number of
// windows the sum charged is the exact cost rounded down to a grain. No other rounding exists.
//
// Steps count the energy of the calendar month, both directions, by the meter's clock (MonthlyCount in clock_guard.hpp:
// a clock that is set back finds the month as it was, so nothing is reset twice; without a clock the month goes on).
// Energy that crosses a step is split at the joule, a window over the first of the month by time. A new account begins
// its month with nothing used.
//
// The pending set becomes the present one when its time has come and it is younger than the present one; then both hold
// the same (as in DL/T 645, 04000108), so a clock that goes back undoes nothing, and a present set that is written
// later with a later date is not overwritten.
//
// A set that is not in use (valid_from 0) has no prices, so nothing is charged by it: no money account may be opened
// on such a plan. is_priced() is for whoever opens accounts.
#pragma once
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "base/units.hpp"
#include "meter/core/clock_guard.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

inline constexpr std::int64_t kPartsPerGrain = 10'000;

struct TariffBook {  // of a household, stored with its energy
    MonthlyCount month;
    std::uint16_t parts = 0;  // of a grain, 0..9999: used, not yet charged
    friend constexpr bool operator==(const TariffBook&, const TariffBook&) = default;
};

[[nodiscard]] constexpr bool is_priced(const settings::PriceSet& prices) {
    return prices.valid_from != 0;
}
// 1..6: the step of the next joule after so much in the month.
[[nodiscard]] int step_at(const settings::PriceSet& prices, Energy used_in_month);
// Of the next joule. `rate`: 1..4.
[[nodiscard]] UnitPrice price_at(const settings::PriceSet& prices, int rate, Energy used_in_month);

// Energy used at one rate, within one month: what it costs in whole grains. Up to 10^12 J at a time.
[[nodiscard]] Credit charge_money(TariffBook& book, const settings::PriceSet& prices, int rate, Energy used);

struct EnergyWindow {
    Energy used;
    Duration span;                    // that it took, up to an hour
    std::optional<CivilSeconds> now;  // its end by the meter's clock
};
// The same with the clock: begins a new month and splits the window there.
[[nodiscard]] Credit charge_money(TariffBook& book, const settings::PriceSet& prices, int rate,
                                  const EnergyWindow& window);

// The first joule that makes the cost reach `credit`, or ends the step: nobody needs to look before. 1 J .. 1 kWh.
[[nodiscard]] Energy energy_until(const TariffBook& book, const settings::PriceSet& prices, int rate, Credit credit);

// The pending set is to become the present one: copy it, store both, log it.
[[nodiscard]] constexpr bool is_changeover_due(const settings::PriceSet& present, const settings::PriceSet& pending,
                                               std::optional<CivilSeconds> now) {
    return now && pending.valid_from > present.valid_from && *now >= pending.valid_from;
}

}  // namespace prewatt::meter
