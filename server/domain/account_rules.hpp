// What an account goes through besides a sale, decided: which bookings it takes, what is owed to whom, what is refused.
// Pure; every refusal is made before anything is changed. The rules in words, with the reasons: docs/formats/ledger.md.
//
// What is left of a lot (a sale, or what came along from another room) is worth its share of what was paid for it,
// rounded down; the newest lots are what remains. Money is owed when credit is taken out, and paid when the meter has
// confirmed that; what the meter then no longer had is given back and not owed.
#pragma once
#include <span>
#include <vector>

#include "server/domain/sale.hpp"

namespace prewatt::server {

// --- Who paid what

// A sale without its fee, or what was moved in; less what was refunded of it. Corrected sales are none.
struct Lot {
    BookingId id;
    ResidentId payer;
    Channel channel = Channel::kNone;
    Credit given;  // paid credit only
    Money paid;
    Credit taken;        // out of it by refunds, less what was returned
    Money refunded;      // likewise
    BookingId moved_by;  // what was moved in: the move out
    friend constexpr bool operator==(const Lot&, const Lot&) = default;
};
// Of the bookings of one account (one tenancy), oldest first. What a move took along and the old meter no longer had is
// taken out of what came in by it.
[[nodiscard]] std::vector<Lot> lots_of(std::span<const Booking> tenancy);
// What is left of the money that came into an account by this move.
[[nodiscard]] Money money_of_move(std::span<const Booking> tenancy, BookingId move_out);
// What `remaining` of paid credit is worth when the newest lots are what remains.
[[nodiscard]] Money value_of(std::span<const Lot> lots, Credit remaining);

struct Share {
    ResidentId payer;
    Channel channel = Channel::kNone;
    Money amount;
    friend constexpr bool operator==(const Share&, const Share&) = default;
};
// What each payer paid through each channel less refunds, by payer and channel; those with nothing left out.
[[nodiscard]] std::vector<Share> paid_by(std::span<const Lot> lots);
// `total` in proportion to the weights: each gets its share rounded down, the fen that are left go one each to the
// largest remainders (of equal ones to the first). The parts add up to total; none exceeds its weight while total does
// not exceed their sum. All weights zero: nothing to anybody unless total is zero too.
[[nodiscard]] std::vector<std::int64_t> split(std::int64_t total, std::span<const std::int64_t> weights);
// First among the payers, then each payer's part among that payer's channels. Shares of nothing are left out.
[[nodiscard]] std::vector<Share> split_fairly(Money total, std::span<const Share> paid);

// --- Decisions

// An account as it stands when a decision is made.
struct AccountFacts {
    Account account;
    bool confirmed = false;         // the meter has shown the newest ticket
    bool refund_under_way = false;  // a refund of this account whose ticket the meter has not shown
    std::vector<Booking> tenancy;   // its bookings, oldest first
};

// What is owed for one booking of a decision: `booking` is its place in the decision.
struct Due {
    std::size_t booking = 0;
    int part = 0;
    Share share;
};
struct AccountDecision {
    std::vector<Booking> bookings;  // of one household or two, in the order in which they are to be kept
    std::vector<Due> dues;
};

// From here on `order_id` has been checked. `operator_name`, `reason`, times and order ids of the bookings are filled
// in.
struct DecisionMaker {
    std::string order_id;
    std::string operator_name;
    std::string reason;
    UnixTime now;
};

// A grant opens an account that was never opened. kNoMeter, kAccountClosed, kAmountNotPositive, kTotalTooLarge,
// kHoarding never (a quota is not hoarded).
[[nodiscard]] Answer<AccountDecision> decide_grant(const DecisionMaker& who, const AccountFacts& facts, Credit amount,
                                                   AccountUnit unit_if_opened);
// No amount: all that can be refunded of the sale. kAccountClosed, kMeterBehind, kNotCorrectable (no lot of this
// account), kNothingToRefund, kRefundTooLarge, kAmountNotPositive.
[[nodiscard]] Answer<AccountDecision> decide_refund(const DecisionMaker& who, const AccountFacts& facts, BookingId lot,
                                                    std::optional<Money> amount);
// kAccountClosed, kNotCorrectable.
[[nodiscard]] Answer<AccountDecision> decide_correction(const DecisionMaker& who, const AccountFacts& facts,
                                                        BookingId sale);
// Takes out all and closes. kAccountClosed, kMeterBehind, kOwing.
[[nodiscard]] Answer<AccountDecision> decide_settlement(const DecisionMaker& who, const AccountFacts& facts);
// The next account of the room, with nothing in it. kNoMeter, kAccountOpen, kMeterBehind (the settlement before).
[[nodiscard]] Answer<AccountDecision> decide_opening(const DecisionMaker& who, const AccountFacts& facts,
                                                     AccountUnit unit);
// What remains goes along: the old account is settled, the new room's opened (or added to when it is open). As
// decide_settlement, and kNoMeter, kAccountUnit, kMeterBehind for the new room; kBadArgument: to itself.
[[nodiscard]] Answer<AccountDecision> decide_move(const DecisionMaker& who, const AccountFacts& from,
                                                  const AccountFacts& to);
// The account goes on in the next epoch with what is known to remain. kAccountClosed: there is nothing to carry.
[[nodiscard]] Answer<AccountDecision> decide_carry(const DecisionMaker& who, const AccountFacts& facts);
// What a refund, settlement or move out took out and the meter no longer had when it confirmed with `remaining`; its
// money, and no more than `money_most`. No booking: nothing was short.
[[nodiscard]] Answer<AccountDecision> decide_return(const DecisionMaker& who, const Account& account,
                                                    const Booking& refund, Credit remaining,
                                                    std::optional<Money> money_most = {});
// A move out: what was short is taken out of the account that it went into, while that is open. `returned` as of
// decide_return, with no more money than money_of_move(); the booking is the second of its order.
[[nodiscard]] Answer<AccountDecision> decide_take_along(const DecisionMaker& who, const Account& moved_into,
                                                        const Booking& returned);
// What is owed for each due after `returned` of the refund was given back.
[[nodiscard]] std::vector<Money> dues_after(std::span<const Money> dues, Money returned);

}  // namespace prewatt::server
