// A sale: what is checked, what it gives, what is written into the ledger, which ticket the meter is to get.
//
// Energy is money / price, rounded down to 0.01 kWh; its cost is rounded up to a fen; what is left of the money in
// whole fen is booked to the rounding account, and the exact remainder (in 1/10,000 fen) is kept with the sale, so that
// what a sale gave can be recomputed for ever:  amount_fen * 10,000 = energy_hundredths * price_e4 + remainder_e4.
//
//   fen      channel -> sales       cost of the energy
//   fen      channel -> rounding    the rest, when there is one
//   energy   supply  -> household   what was bought
//
// The ticket is a total: the account's credited total including this sale, under the next number. The first sale of an
// account opens it: epoch 1, number 1. Pure; time, account and price are arguments. All refusals are made before
// anything is changed.
#pragma once
#include "server/domain/booking.hpp"

namespace prewatt::server {

struct SaleRules {
    UnitPrice price;                  // the site's one price; 0: not set
    const PricePlan* plan = nullptr;  // the plan in force, when there is one: instead of the price
    PlanId plan_id;
    bool payer_lives_here = true;                       // when the order names a payer
    bool drawer_open = true;                            // when the order names a drawer
    Money sale_max = fen(1'000'000);                    // of one sale
    Credit held_max = credit_of_hundredths(9'999'990);  // what a household may hold: the display ends at 99,999.9 kWh
};

inline constexpr Money kSaleMaxEver = fen(100'000'000'000);

struct SaleDecision {
    Energy energy;                  // of an account in energy
    std::int64_t remainder_e4 = 0;  // 1/10,000 fen; a flat price: 0 <= remainder < price
    Booking booking;                // `id` and `chain` are still to be filled in
    Entries entries;                // `sale` likewise
    Account after;
};

// Refuses with kNoMeter, kAccountClosed, kPriceNotSet, kAccountUnit, kNotResident, kDrawerClosed, kAmount...,
// kHoarding, kTotalTooLarge.
[[nodiscard]] Answer<SaleDecision> decide_sale(const SaleOrder& order, const Account& account, const SaleRules& rules,
                                               UnixTime now);

// What makes two orders of one id the same order: household, amount, channel, payer and drawer.
[[nodiscard]] bool is_same_order(const SaleOrder& order, const SaleRecord& sale);

}  // namespace prewatt::server
