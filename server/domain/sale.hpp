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
#include "base/fixed_vector.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server {

struct Account {
    HouseholdId household;
    bool has_meter = false;
    bool closed = false;
    TicketTotal ticket;        // epoch 0: not opened yet
    Money paid;                // in this epoch
    Credit used_known;         // what the meter is known to have used in this epoch; grows
    std::int64_t entries = 0;  // ledger entries of the household so far
};

struct SaleRules {
    UnitPrice price;                                    // 0: not set
    Money sale_max = fen(1'000'000);                    // of one sale
    Credit held_max = credit_of_hundredths(9'999'990);  // what a household may hold: the display ends at 99,999.9 kWh
};

// A ticket carries 48 bits signed of hundredths; half of it is left as room for joules in 64 bits.
inline constexpr Credit kCreditedMax = credit_of_hundredths((std::int64_t{1} << 46) - 1);
inline constexpr Money kSaleMaxEver = fen(100'000'000'000);

struct SaleDecision {
    Energy energy;
    std::int64_t remainder_e4 = 0;        // 1/10,000 fen, 0 <= remainder < price
    FixedVector<LedgerEntry, 3> entries;  // `sale` is still to be filled in
    Account after;
};

// Refuses with kNoMeter, kAccountClosed, kPriceNotSet, kAmount..., kHoarding, kTotalTooLarge.
[[nodiscard]] Answer<SaleDecision> decide_sale(const SaleOrder& order, const Account& account, const SaleRules& rules,
                                               UnixTime now);

// What makes two orders of one id the same order: household, amount and channel.
[[nodiscard]] bool is_same_order(const SaleOrder& order, const SaleRecord& sale);

// "20260923-000042".
[[nodiscard]] std::string receipt_of(SaleId id, UnixTime booked_at);

[[nodiscard]] constexpr LedgerAccount account_of(Channel channel) {
    switch (channel) {
        case Channel::kCash:
            return LedgerAccount::kCash;
        case Channel::kTransfer:
            return LedgerAccount::kTransfer;
        case Channel::kOther:
            break;
    }
    return LedgerAccount::kOtherChannel;
}

}  // namespace prewatt::server
