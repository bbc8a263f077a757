#include "server/domain/account_rules.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "server/domain/refuse.hpp"

namespace prewatt::server {
namespace {

std::int64_t hundredths(Credit credit) {
    return in_hundredths(credit, Round::kDown);
}

// What `taken` of a lot is worth.
Money worth(const Lot& lot, Credit taken) {
    return fen(share_of(lot.paid.count(), hundredths(taken), std::max<std::int64_t>(1, hundredths(lot.given))));
}
Money left_of(const Lot& lot) {
    return std::max(Money{0}, lot.paid - lot.refunded);
}

Booking booking_of(const DecisionMaker& who, BookingKind kind, HouseholdId household, std::size_t k) {
    Booking booking;
    booking.kind = kind;
    booking.order_id = k == 0 ? who.order_id : who.order_id + "\u00b7" + std::to_string(k + 1);
    booking.household = household;
    booking.operator_name = who.operator_name;
    booking.reason = who.reason;
    booking.accepted_at = who.now;
    booking.booked_at = who.now;
    return booking;
}

// Appends to the account and to the decision.
std::optional<Refusal> add(AccountDecision& decision, Account& account, Booking booking) {
    if (booking.ticket.unit != account.ticket.unit && account.ticket.epoch != 0 && !account.closed)
        booking.ticket.unit = account.ticket.unit;
    if (auto full = append(account, booking)) return full;
    decision.bookings.push_back(std::move(booking));
    return std::nullopt;
}

std::optional<Refusal> check_settling(const AccountFacts& facts) {
    const Account& account = facts.account;
    if (!account.open()) return Refusal{Reason::kAccountClosed, "The room has no open account; nothing was done.", 0};
    if (!facts.confirmed || facts.refund_under_way)
        return Refusal{Reason::kMeterBehind,
                       "The meter has not confirmed ticket " + std::to_string(account.ticket.number) +
                           " yet, so it is not known what remains; nothing was done.",
                       account.ticket.number};
    if (account.remaining() < Credit{0})
        return Refusal{Reason::kOwing, "More was used than was paid; sell what is missing first. Nothing was done.",
                       in_hundredths(Credit{0} - account.remaining(), Round::kUp)};
    return std::nullopt;
}

// Out of what one move brought, in proportion to what is left of it.
void take_back(std::vector<Lot>& lots, BookingId move_out, Credit credit, Money money) {
    std::vector<Lot*> of_move;
    std::vector<std::int64_t> credits;
    std::vector<std::int64_t> moneys;
    for (Lot& lot : lots) {
        if (!lot.moved_by || lot.moved_by != move_out) continue;
        of_move.push_back(&lot);
        credits.push_back(std::max<std::int64_t>(0, hundredths(lot.given - lot.taken)));
        moneys.push_back(left_of(lot).count());
    }
    const auto parts = [](std::int64_t total, std::span<const std::int64_t> left) {
        return split(std::min(total, std::accumulate(left.begin(), left.end(), std::int64_t{0})), left);
    };
    const auto taken = parts(hundredths(credit), credits);
    const auto refunded = parts(money.count(), moneys);
    for (std::size_t k = 0; k < of_move.size(); ++k) {
        of_move[k]->taken += credit_of_hundredths(taken[k]);
        of_move[k]->refunded += fen(refunded[k]);
    }
}

}  // namespace

std::vector<Lot> lots_of(std::span<const Booking> tenancy) {
    std::vector<Lot> lots;
    std::map<std::int64_t, std::int64_t> lot_of_refund;
    const auto find = [&](BookingId id) {
        const auto at = std::lower_bound(lots.begin(), lots.end(), id,
                                         [](const Lot& lot, BookingId wanted) { return lot.id < wanted; });
        return at != lots.end() && at->id == id ? at : lots.end();
    };
    for (const Booking& b : tenancy) {
        switch (b.kind) {
            case BookingKind::kSale:
            case BookingKind::kMoveIn:
                lots.push_back({b.id, b.payer, b.channel, b.given - b.free, b.amount - b.fee, {}, {}, {}});
                if (b.kind == BookingKind::kMoveIn) lots.back().moved_by = b.refers;
                break;
            case BookingKind::kCorrection:
                if (const auto lot = find(b.corrects); lot != lots.end()) lots.erase(lot);
                break;
            case BookingKind::kRefund:
            case BookingKind::kReturn: {
                BookingId of = b.refers;
                if (b.kind == BookingKind::kRefund)
                    lot_of_refund[b.id.value] = b.refers.value;
                else if (const auto refund = lot_of_refund.find(b.refers.value); refund != lot_of_refund.end())
                    of = BookingId{refund->second};
                if (const auto lot = find(of); lot != lots.end()) {
                    lot->taken -= b.given - b.free;
                    lot->refunded -= b.amount;
                } else {
                    take_back(lots, of, b.free - b.given, Money{0} - b.amount);
                }
                break;
            }
            default:
                break;
        }
    }
    return lots;
}

Money money_of_move(std::span<const Booking> tenancy, BookingId move_out) {
    Money left;
    for (const Lot& lot : lots_of(tenancy))
        if (lot.moved_by == move_out) left += left_of(lot);
    return left;
}

Money value_of(std::span<const Lot> lots, Credit remaining) {
    Money value;
    for (auto lot = lots.rbegin(); lot != lots.rend() && remaining > Credit{0}; ++lot) {
        const Credit take = std::clamp(lot->given - lot->taken, Credit{0}, remaining);
        value += std::max(Money{0}, worth(*lot, lot->taken + take) - lot->refunded);
        remaining -= take;
    }
    return value;
}

std::vector<Share> paid_by(std::span<const Lot> lots) {
    std::map<std::pair<std::int64_t, Channel>, Money> sums;
    for (const Lot& lot : lots)
        sums[{lot.payer.value, lot.channel}] += left_of(lot);
    std::vector<Share> shares;
    for (const auto& [key, amount] : sums)
        if (amount > Money{0}) shares.push_back({ResidentId{key.first}, key.second, amount});
    return shares;
}

std::vector<std::int64_t> split(std::int64_t total, std::span<const std::int64_t> weights) {
    std::vector<std::int64_t> parts(weights.size(), 0);
    const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    if (sum <= 0 || total <= 0) return parts;
    struct Rest {
        std::int64_t rest;
        std::size_t k;
    };
    std::vector<Rest> rests;
    std::int64_t left = total;
    __extension__ typedef __int128 Wide;
    for (std::size_t k = 0; k < weights.size(); ++k) {
        parts[k] = share_of(total, weights[k], sum);
        rests.push_back({static_cast<std::int64_t>(Wide{total} * weights[k] % sum), k});
        left -= parts[k];
    }
    std::stable_sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) { return a.rest > b.rest; });
    for (std::size_t n = 0; left > 0; ++n, --left)
        ++parts[rests[n].k];
    return parts;
}

std::vector<Share> split_fairly(Money total, std::span<const Share> paid) {
    std::vector<Share> shares;
    std::vector<std::int64_t> of_payer;
    std::vector<std::vector<std::int64_t>> of_channel;
    std::vector<std::size_t> first;
    for (std::size_t k = 0; k < paid.size(); ++k) {
        if (k == 0 || paid[k].payer != paid[k - 1].payer) {
            of_payer.push_back(0);
            of_channel.emplace_back();
            first.push_back(k);
        }
        of_payer.back() += paid[k].amount.count();
        of_channel.back().push_back(paid[k].amount.count());
    }
    const auto parts = split(total.count(), of_payer);
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const auto by_channel = split(parts[p], of_channel[p]);
        for (std::size_t c = 0; c < by_channel.size(); ++c) {
            const Share& of = paid[first[p] + c];
            if (by_channel[c] > 0) shares.push_back({of.payer, of.channel, fen(by_channel[c])});
        }
    }
    return shares;
}

Answer<AccountDecision> decide_grant(const DecisionMaker& who, const AccountFacts& facts, Credit amount,
                                     AccountUnit unit_if_opened) {
    if (facts.account.closed) return refuse(Reason::kAccountClosed, "The account is closed; nothing was granted.");
    if (!facts.account.has_meter) return refuse(Reason::kNoMeter, "The room has no meter yet; nothing was granted.");
    if (amount <= Credit{0} || amount.count() % kGrainsPerHundredth != 0)
        return refuse(Reason::kAmountNotPositive, "A grant is a whole number of hundredths above zero.");
    AccountDecision decision;
    Account account = facts.account;
    Booking booking = booking_of(who, BookingKind::kGrant, account.household, 0);
    booking.given = amount;
    booking.free = amount;
    booking.ticket.unit = unit_if_opened;
    if (auto full = add(decision, account, std::move(booking))) return std::unexpected(std::move(*full));
    return decision;
}

Answer<AccountDecision> decide_refund(const DecisionMaker& who, const AccountFacts& facts, BookingId lot_id,
                                      std::optional<Money> amount) {
    const Account& account = facts.account;
    if (!account.open())
        return refuse(Reason::kAccountClosed,
                      "The account is closed, what remained was settled then; nothing was refunded.");
    if (facts.refund_under_way)
        return refuse(Reason::kMeterBehind,
                      "An earlier refund has not been confirmed by the meter yet; nothing was refunded.",
                      account.ticket.number);
    const std::vector<Lot> lots = lots_of(facts.tenancy);
    const auto lot = std::find_if(lots.begin(), lots.end(), [&](const Lot& l) { return l.id == lot_id; });
    if (lot == lots.end())
        return refuse(Reason::kNotCorrectable,
                      "This is no sale of the open account, or it was corrected; nothing was refunded.");
    const Credit most = std::min(lot->given - lot->taken, account.refundable());
    const Money money_most =
        most > Credit{0} ? std::max(Money{0}, worth(*lot, lot->taken + most) - lot->refunded) : Money{0};
    if (money_most <= Money{0})
        return refuse(Reason::kNothingToRefund, "Nothing of this sale remains; nothing was refunded.");
    Credit take = most;
    Money pay = money_most;
    if (amount) {
        if (*amount <= Money{0})
            return refuse(Reason::kAmountNotPositive, "The amount must be more than zero; nothing was refunded.");
        if (*amount > money_most)
            return refuse(Reason::kRefundTooLarge, "Not so much is left of this sale; nothing was refunded.",
                          money_most.count());
        pay = *amount;
        // As little credit as is worth it.
        take = credit_of_hundredths(share_up((lot->refunded + pay).count(), hundredths(lot->given),
                                             std::max<std::int64_t>(1, lot->paid.count()))) -
               lot->taken;
        take = std::clamp(take, credit_of_hundredths(0), most);
    }
    AccountDecision decision;
    Account after = account;
    Booking booking = booking_of(who, BookingKind::kRefund, account.household, 0);
    booking.amount = Money{0} - pay;
    booking.given = Credit{0} - take;
    booking.channel = lot->channel;
    booking.payer = lot->payer;
    booking.refers = lot_id;
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    decision.dues.push_back({0, 0, {lot->payer, lot->channel, pay}});
    return decision;
}

Answer<AccountDecision> decide_correction(const DecisionMaker& who, const AccountFacts& facts, BookingId sale_id) {
    if (!facts.account.open()) return refuse(Reason::kAccountClosed, "The account is closed; nothing was corrected.");
    const auto sale = std::find_if(facts.tenancy.begin(), facts.tenancy.end(),
                                   [&](const Booking& b) { return b.id == sale_id && b.kind == BookingKind::kSale; });
    const bool touched = std::any_of(facts.tenancy.begin(), facts.tenancy.end(), [&](const Booking& b) {
        return b.corrects == sale_id || (b.kind == BookingKind::kRefund && b.refers == sale_id);
    });
    if (sale == facts.tenancy.end() || touched)
        return refuse(Reason::kNotCorrectable,
                      "This is no sale of the open account, or it was corrected or refunded before; nothing was "
                      "corrected.");
    AccountDecision decision;
    Account after = facts.account;
    Booking booking = booking_of(who, BookingKind::kCorrection, sale->household, 0);
    booking.amount = Money{0} - sale->amount;
    booking.given = Credit{0} - sale->given;
    booking.price = sale->price;
    booking.remainder_e4 = -sale->remainder_e4;
    booking.fee = Money{0} - sale->fee;
    booking.plan = sale->plan;
    booking.channel = sale->channel;
    booking.payer = sale->payer;
    booking.drawer = sale->drawer;
    booking.corrects = sale_id;
    booking.corrected_at = sale->booked_at;
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    return decision;
}

Answer<AccountDecision> decide_settlement(const DecisionMaker& who, const AccountFacts& facts) {
    if (auto why = check_settling(facts)) return std::unexpected(std::move(*why));
    const std::vector<Lot> lots = lots_of(facts.tenancy);
    AccountDecision decision;
    Account after = facts.account;
    const Money value = value_of(lots, after.refundable());
    Booking booking = booking_of(who, BookingKind::kSettlement, after.household, 0);
    booking.amount = Money{0} - value;
    booking.given = Credit{0} - credit_of_hundredths(hundredths(after.remaining()));
    booking.free = Credit{0} - std::min(after.free_now(), Credit{0} - booking.given);
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    int part = 0;
    for (const Share& share : split_fairly(value, paid_by(lots)))
        decision.dues.push_back({0, part++, share});
    return decision;
}

Answer<AccountDecision> decide_opening(const DecisionMaker& who, const AccountFacts& facts, AccountUnit unit) {
    if (!facts.account.has_meter) return refuse(Reason::kNoMeter, "The room has no meter yet; nothing was opened.");
    if (facts.account.open())
        return refuse(Reason::kAccountOpen, "The room has an open account; settle it first. Nothing was opened.");
    if (facts.account.ticket.epoch != 0 && !facts.confirmed)
        return refuse(Reason::kMeterBehind,
                      "The meter has not confirmed the settlement of the account before; nothing was opened.",
                      facts.account.ticket.number);
    AccountDecision decision;
    Account after = facts.account;
    Booking booking = booking_of(who, BookingKind::kOpening, after.household, 0);
    booking.ticket.unit = unit;
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    return decision;
}

Answer<AccountDecision> decide_move(const DecisionMaker& who, const AccountFacts& from, const AccountFacts& to) {
    if (from.account.household == to.account.household)
        return refuse(Reason::kBadArgument, "Both rooms are the same; nothing was moved.");
    if (auto why = check_settling(from)) return std::unexpected(std::move(*why));
    if (!to.account.has_meter) return refuse(Reason::kNoMeter, "The new room has no meter yet; nothing was moved.");
    const AccountUnit unit = from.account.ticket.unit;
    if (to.account.open() && to.account.ticket.unit != unit)
        return refuse(Reason::kAccountUnit,
                      "One room counts kWh, the other money; settle and sell instead. Nothing was moved.");
    if (to.account.closed && !to.confirmed)
        return refuse(Reason::kMeterBehind,
                      "The meter of the new room has not confirmed the settlement before; nothing was moved.",
                      to.account.ticket.number);
    const std::vector<Lot> lots = lots_of(from.tenancy);
    AccountDecision decision;
    Account old = from.account;
    const Money value = value_of(lots, old.refundable());
    Booking out = booking_of(who, BookingKind::kMoveOut, old.household, 0);
    out.amount = Money{0} - value;
    out.given = Credit{0} - credit_of_hundredths(hundredths(old.remaining()));
    out.free = Credit{0} - std::min(old.free_now(), Credit{0} - out.given);
    const Credit paid_part = out.free - out.given;
    const Credit free_part = Credit{0} - out.free;
    if (auto full = add(decision, old, std::move(out))) return std::unexpected(std::move(*full));

    std::vector<Share> shares = split_fairly(value, paid_by(lots));
    if (shares.empty()) shares.push_back({});
    std::vector<std::int64_t> weights;
    for (const Share& share : shares)
        weights.push_back(value > Money{0} ? share.amount.count() : 1);
    const auto credit = split(hundredths(paid_part), weights);
    Account fresh = to.account;
    for (std::size_t k = 0; k < shares.size(); ++k) {
        Booking in = booking_of(who, BookingKind::kMoveIn, fresh.household, k + 1);
        in.amount = shares[k].amount;
        in.free = k == 0 ? free_part : Credit{0};
        in.given = credit_of_hundredths(credit[k]) + in.free;
        in.channel = shares[k].channel;
        in.payer = shares[k].payer;
        in.ticket.unit = unit;
        if (auto full = add(decision, fresh, std::move(in))) return std::unexpected(std::move(*full));
    }
    return decision;
}

Answer<AccountDecision> decide_carry(const DecisionMaker& who, const AccountFacts& facts) {
    Account account = facts.account;
    if (account.ticket.epoch == 0)
        return refuse(Reason::kAccountClosed, "The room never had an account; there is nothing to carry over.");
    const Credit remaining = credit_of_hundredths(hundredths(account.remaining()));
    const Credit free = std::clamp(account.free_now(), Credit{0}, std::max(Credit{0}, remaining));
    const AccountUnit unit = account.ticket.unit;
    AccountDecision decision;
    Booking out = booking_of(who, BookingKind::kCarryOut, account.household, 0);
    out.given = Credit{0} - remaining;
    out.free = Credit{0} - free;
    if (auto full = add(decision, account, std::move(out))) return std::unexpected(std::move(*full));
    Booking in = booking_of(who, BookingKind::kCarryIn, account.household, 1);
    in.given = remaining;
    in.free = free;
    in.ticket.unit = unit;
    if (auto full = append(account, in)) return std::unexpected(std::move(*full));
    decision.bookings.push_back(std::move(in));
    return decision;
}

Answer<AccountDecision> decide_return(const DecisionMaker& who, const Account& account, const Booking& refund,
                                      Credit remaining, std::optional<Money> money_most) {
    AccountDecision decision;
    const std::int64_t free_out = hundredths(Credit{0} - refund.free);
    const std::int64_t paid_out = hundredths(refund.free - refund.given);
    const std::int64_t missing = remaining < Credit{0} ? in_hundredths(Credit{0} - remaining, Round::kUp) : 0;
    const std::int64_t free_missing = std::min(missing, free_out);
    const std::int64_t paid_missing = std::min(missing - free_missing, paid_out);
    if (free_missing + paid_missing <= 0) return decision;
    const Money owed = Money{0} - refund.amount;
    const Money still_owed = paid_out > 0 ? fen(share_of(owed.count(), paid_out - paid_missing, paid_out)) : owed;
    Account after = account;
    Booking booking = booking_of(who, BookingKind::kReturn, refund.household, 0);
    booking.amount = std::min(owed - still_owed, money_most.value_or(owed));
    booking.given = credit_of_hundredths(free_missing + paid_missing);
    booking.free = credit_of_hundredths(free_missing);
    booking.channel = refund.channel;
    booking.payer = refund.payer;
    booking.refers = refund.id;
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    return decision;
}

Answer<AccountDecision> decide_take_along(const DecisionMaker& who, const Account& moved_into,
                                          const Booking& returned) {
    AccountDecision decision;
    Account after = moved_into;
    Booking booking = booking_of(who, BookingKind::kReturn, moved_into.household, 1);
    booking.amount = Money{0} - returned.amount;
    booking.given = Credit{0} - returned.given;
    booking.free = Credit{0} - std::min(returned.free, moved_into.free_now());
    booking.refers = returned.refers;
    if (auto full = add(decision, after, std::move(booking))) return std::unexpected(std::move(*full));
    return decision;
}

std::vector<Money> dues_after(std::span<const Money> dues, Money returned) {
    std::vector<std::int64_t> weights;
    std::int64_t total = 0;
    for (const Money due : dues) {
        weights.push_back(due.count());
        total += due.count();
    }
    std::vector<Money> after;
    for (const std::int64_t part : split(std::max<std::int64_t>(0, total - returned.count()), weights))
        after.push_back(fen(part));
    return after;
}

}  // namespace prewatt::server
