// Price plans: what a sum of money gives. A plan version holds from a date on for a group of households and never
// changes; a booking names the version and the position in the steps before it, so what it gave can be recomputed for
// ever (docs/formats/ledger.md).
//
// Flat and stepped plans sell energy: hundredths of a kWh, each step at its price, position = what was bought in the
// calendar month or year of the office. Time of use needs an account in money: the sale credits the money and the meter
// charges each rate. In every account in money a sale credits what was paid less the fee. The fee (fixed, and per mille
// of the sale rounded down to a fen) is taken off first. Pure; integers only.
#pragma once
#include <array>

#include "base/fixed_vector.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server {

using PlanId = Id<struct PlanTag>;

enum class PlanKind : std::uint8_t { kFlat = 1, kStepped = 2, kTimeOfUse = 3 };
[[nodiscard]] std::string_view word(PlanKind kind);  // "flat", "stepped", "time_of_use"
enum class StepPeriod : std::uint8_t { kMonth = 1, kYear = 2 };
inline constexpr UnitPrice kPriceMax{1'000'000};  // 100 yuan per kWh
inline constexpr Money kFeeFixedMax = fen(100'000);
inline constexpr int kFeePerMilleMax = 500;

struct PriceStep {
    std::int64_t upto_ckwh = 0;  // this price holds up to so much in the period; 0: without end (the last step only)
    UnitPrice price;
    friend constexpr bool operator==(const PriceStep&, const PriceStep&) = default;
};
struct PricePlan {
    PlanKind kind = PlanKind::kFlat;
    AccountUnit unit = AccountUnit::kEnergy;  // of accounts that are opened under it
    StepPeriod period = StepPeriod::kMonth;
    FixedVector<PriceStep, settings::kPriceSteps> steps;  // flat: one; stepped: 2..6; time of use: none
    std::array<UnitPrice, settings::kRates> rates{};      // time of use
    Money fee_fixed;
    int fee_per_mille = 0;
};
[[nodiscard]] PricePlan flat_plan(UnitPrice price);

// A version as it is kept. In force at t for a group: the one of the group with the latest valid_from <= t (of several
// the highest id); none: the one of group 0; none: nothing can be sold. A price that was set by itself is a flat plan
// of group 0 from then on.
struct PlanVersion {
    PlanId id;
    std::string name;
    std::int64_t group = 0;  // households.price_group; 0: all that have no plan of their own
    UnixTime valid_from;
    PricePlan plan;
    std::string operator_name;
    UnixTime created_at;
};

// kBadArgument with the reason; nothing when it is sound.
[[nodiscard]] std::optional<Refusal> check_plan(const PricePlan& plan);

// "stepped energy month 5000:6400,0:9000 fee 100 5": how a plan stands in the table. text_of(plan_of(text)) == text.
[[nodiscard]] std::string text_of(const PricePlan& plan);
[[nodiscard]] std::optional<PricePlan> plan_of(std::string_view text);

struct PriceLine {
    std::int64_t ckwh = 0;
    UnitPrice price;
};
struct Priced {
    Money fee;
    Credit given;                                         // of the account's unit; zero: too little for a hundredth
    FixedVector<PriceLine, settings::kPriceSteps> lines;  // energy accounts: how much at which price
    UnitPrice price;                                      // of the last line
    std::int64_t remainder_e4 = 0;                        // (amount - fee) * 10,000 - sum of ckwh * price
    Money cost;                                           // of the energy, rounded up to a fen
    [[nodiscard]] constexpr Money rest(Money amount) const { return amount - fee - cost; }
};
// What `amount` gives. `position_ckwh`: bought in the period before. The plan fits the unit (a time-of-use plan does
// not sell energy): asserted by the caller with sells().
[[nodiscard]] Priced price_sale(const PricePlan& plan, AccountUnit unit, Money amount, std::int64_t position_ckwh);
[[nodiscard]] constexpr bool sells(const PricePlan& plan, AccountUnit unit) {
    return unit == AccountUnit::kMoney || plan.kind != PlanKind::kTimeOfUse;
}

// floor(a * b / c) without overflow; a, b >= 0, c > 0, and the outcome fits.
[[nodiscard]] std::int64_t share_of(std::int64_t a, std::int64_t b, std::int64_t c);
[[nodiscard]] std::int64_t share_up(std::int64_t a, std::int64_t b, std::int64_t c);

}  // namespace prewatt::server
