#include "server/domain/booking.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/civil_time.hpp"

namespace prewatt::server {
namespace {

CivilTime civil_of(UnixTime at) {
    constexpr std::int64_t kSecondsTo2000 = 946'684'800;
    return to_civil(static_cast<CivilSeconds>((at + kOfficeOffset).ms / 1000 - kSecondsTo2000));
}

// A move of an amount that may be negative: then it goes the other way.
struct Leg {
    LedgerAccount from;
    LedgerAccount to;
    LedgerUnit unit;
    std::int64_t amount;
};
using Legs = FixedVector<Leg, kEntriesMax>;

Legs legs_of(const Booking& b) {
    Legs legs;
    const auto add = [&](LedgerAccount from, LedgerAccount to, LedgerUnit unit, std::int64_t amount) {
        if (amount != 0) (void)legs.push_back({from, to, unit, amount});
    };
    switch (b.kind) {
        case BookingKind::kSale:
        case BookingKind::kCorrection: {
            const std::int64_t sign = b.kind == BookingKind::kSale ? 1 : -1;
            const std::int64_t for_credit = (b.amount - b.fee).count() * sign;
            const std::int64_t cost = divide(for_credit * 10'000 - b.remainder_e4 * sign, 10'000, Round::kUp);
            const LedgerAccount channel = account_of(b.channel);
            add(channel, LedgerAccount::kSales, LedgerUnit::kFen, cost * sign);
            add(channel, LedgerAccount::kRounding, LedgerUnit::kFen, (for_credit - cost) * sign);
            add(channel, LedgerAccount::kServiceFees, LedgerUnit::kFen, b.fee.count());
            break;
        }
        case BookingKind::kRefund:
        case BookingKind::kReturn:
        case BookingKind::kSettlement:
        case BookingKind::kMoveOut:
        case BookingKind::kMoveIn:
            add(LedgerAccount::kRefundsDue, LedgerAccount::kSales, LedgerUnit::kFen, b.amount.count());
            break;
        case BookingKind::kGrant:
        case BookingKind::kOpening:
        case BookingKind::kCarryOut:
        case BookingKind::kCarryIn:
        case BookingKind::kTakeOver:
        case BookingKind::kReissue:
            break;
    }
    const LedgerUnit unit = b.ticket.unit == AccountUnit::kEnergy ? LedgerUnit::kHundredths : LedgerUnit::kCreditFen;
    add(LedgerAccount::kGrants, LedgerAccount::kHousehold, unit, in_hundredths(b.free, Round::kDown));
    const LedgerAccount source = b.kind == BookingKind::kTakeOver ? LedgerAccount::kTakenOver : LedgerAccount::kSupply;
    add(source, LedgerAccount::kHousehold, unit, in_hundredths(b.given - b.free, Round::kDown));
    return legs;
}

bool begins_epoch(const Account& account, BookingKind kind) {
    return account.ticket.epoch == 0 || kind == BookingKind::kOpening || kind == BookingKind::kCarryIn ||
           (kind == BookingKind::kMoveIn && account.closed);
}
// What two people decided may go past what the meter has seen of a history that these books have lost.
bool may_skip_epochs(BookingKind kind) {
    return kind == BookingKind::kOpening || kind == BookingKind::kCarryIn;
}
bool may_skip_numbers(BookingKind kind) {
    return may_skip_epochs(kind) || kind == BookingKind::kTakeOver || kind == BookingKind::kReissue;
}

}  // namespace

std::string_view word(BookingKind kind) {
    switch (kind) {
        case BookingKind::kSale:
            return "sale";
        case BookingKind::kGrant:
            return "grant";
        case BookingKind::kRefund:
            return "refund";
        case BookingKind::kReturn:
            return "return";
        case BookingKind::kCorrection:
            return "correction";
        case BookingKind::kSettlement:
            return "settlement";
        case BookingKind::kOpening:
            return "opening";
        case BookingKind::kMoveOut:
            return "move_out";
        case BookingKind::kMoveIn:
            return "move_in";
        case BookingKind::kCarryOut:
            return "carry_out";
        case BookingKind::kCarryIn:
            return "carry_in";
        case BookingKind::kTakeOver:
            return "take_over";
        case BookingKind::kReissue:
            return "reissue";
    }
    return "unknown";
}

std::int64_t month_of(UnixTime at) {
    const CivilTime t = civil_of(at);
    return t.year * 12 + t.month - 1;
}

std::int64_t position_of(const Account& account, StepPeriod period, UnixTime now) {
    if (account.booked_at == UnixTime{}) return 0;
    const std::int64_t then = month_of(account.booked_at);
    const std::int64_t month = month_of(now);
    if (period == StepPeriod::kMonth) return then == month ? account.month_ckwh : 0;
    return then / 12 == month / 12 ? account.year_ckwh : 0;
}

std::optional<Refusal> append(Account& account, Booking& next) {
    const auto too_large = [] {
        return Refusal{Reason::kTotalTooLarge, "The total of the account would be too large; nothing was done.", 0};
    };
    const bool begins = begins_epoch(account, next.kind);
    TicketTotal ticket = account.ticket;
    Account after = account;
    after.household = next.household;
    if (begins) {
        if (ticket.epoch == UINT16_MAX) return too_large();
        ticket = {static_cast<std::uint16_t>(ticket.epoch + 1), 0, Credit{0}, next.ticket.unit};
        if (may_skip_epochs(next.kind)) ticket.epoch = std::max(ticket.epoch, next.ticket.epoch);
        after.used_known = Credit{0};
        after.used = Credit{0};
        after.free_left = Credit{0};
        if (next.kind != BookingKind::kCarryIn) {
            after.tenancy = ticket.epoch;
            after.paid = Money{0};
        }
        if (next.kind != BookingKind::kCarryIn) after.closed = false;
    }
    if (ticket.number == UINT32_MAX) return too_large();
    ++ticket.number;
    if (may_skip_numbers(next.kind)) ticket.number = std::max(ticket.number, next.ticket.number);
    ticket.credited += next.given;
    if (ticket.credited > kCreditedMax || ticket.credited < Credit{0} - kCreditedMax) return too_large();

    // From here on it succeeds.
    if (!begins) {
        after.free_left = account.free_now();
        after.used = std::max(account.used, account.used_known);
    }
    switch (next.kind) {
        case BookingKind::kGrant:
        case BookingKind::kMoveIn:
        case BookingKind::kCarryIn:
            after.free_left += next.free;
            break;
        case BookingKind::kSettlement:
        case BookingKind::kMoveOut:
            after.free_left = Credit{0};
            after.closed = true;
            break;
        case BookingKind::kCarryOut:
            after.free_left = Credit{0};
            break;
        case BookingKind::kReturn:
            // What a move took along and the old meter no longer had; what is given back was used and is not left.
            if (next.free < Credit{0}) after.free_left = std::max(Credit{0}, after.free_left + next.free);
            break;
        case BookingKind::kSale:
        case BookingKind::kRefund:
        case BookingKind::kCorrection:
        case BookingKind::kOpening:
        case BookingKind::kTakeOver:
        case BookingKind::kReissue:
            break;
    }
    std::int64_t month = position_of(account, StepPeriod::kMonth, next.booked_at);
    std::int64_t year = position_of(account, StepPeriod::kYear, next.booked_at);
    if (begins && next.kind != BookingKind::kCarryIn) month = year = 0;
    if (ticket.unit == AccountUnit::kEnergy) {
        const std::int64_t bought = in_hundredths(next.given, Round::kDown);
        if (next.kind == BookingKind::kSale) {
            month += bought;
            year += bought;
        } else if (next.kind == BookingKind::kCorrection) {
            const std::int64_t now = month_of(next.booked_at);
            const std::int64_t then = month_of(next.corrected_at);
            if (then == now) month = std::max<std::int64_t>(0, month + bought);
            if (then / 12 == now / 12) year = std::max<std::int64_t>(0, year + bought);
        }
    }
    after.month_ckwh = month;
    after.year_ckwh = year;
    after.booked_at = next.booked_at;
    after.ticket = ticket;
    after.paid += next.amount;
    next.ticket = ticket;
    after.entries += static_cast<std::int64_t>(legs_of(next).size());
    next.tenancy = after.tenancy;
    next.paid_total = after.paid;
    next.used = after.used;
    next.free_left = after.free_left;
    next.month_ckwh = after.month_ckwh;
    next.year_ckwh = after.year_ckwh;
    next.entries_total = after.entries;
    account = after;
    return std::nullopt;
}

Entries entries_of(const Booking& booking) {
    Entries entries;
    const Legs legs = legs_of(booking);
    std::int64_t number = booking.entries_total - static_cast<std::int64_t>(legs.size());
    Money paid = booking.paid_total - booking.amount;
    Credit credited = booking.ticket.credited - booking.given;
    for (const Leg& leg : legs) {
        if (leg.unit == LedgerUnit::kFen)
            paid += fen(leg.amount);
        else
            credited += credit_of_hundredths(leg.amount);
        LedgerEntry entry;
        entry.household = booking.household;
        entry.number = ++number;
        entry.at = booking.booked_at;
        entry.sale = booking.id;
        entry.epoch = booking.ticket.epoch;
        entry.from = leg.amount > 0 ? leg.from : leg.to;
        entry.to = leg.amount > 0 ? leg.to : leg.from;
        entry.unit = leg.unit;
        entry.amount = leg.amount > 0 ? leg.amount : -leg.amount;
        entry.paid_total = paid;
        entry.credited_total = credited;
        (void)entries.push_back(entry);
    }
    return entries;
}

LedgerAccount account_of(Channel channel) {
    switch (channel) {
        case Channel::kCash:
            return LedgerAccount::kCash;
        case Channel::kTransfer:
            return LedgerAccount::kTransfer;
        case Channel::kWechat:
            return LedgerAccount::kWechat;
        case Channel::kNone:
        case Channel::kOther:
            break;
    }
    return LedgerAccount::kOtherChannel;
}

std::optional<std::string> recompute(const Booking& booking, const PricePlan& plan) {
    if (booking.kind != BookingKind::kSale) return std::nullopt;
    if (!sells(plan, booking.ticket.unit)) return "the plan does not sell in the unit of the account";
    const std::int64_t given = in_hundredths(booking.given, Round::kDown);
    const std::int64_t after = plan.period == StepPeriod::kMonth ? booking.month_ckwh : booking.year_ckwh;
    // A flat plan does not ask for the position; bookings of the first version do not have one.
    const std::int64_t position = plan.kind == PlanKind::kStepped ? after - given : 0;
    const Priced priced = price_sale(plan, booking.ticket.unit, booking.amount, position);
    if (priced.given != booking.given)
        return "the plan gives " + std::to_string(in_hundredths(priced.given, Round::kDown)) + ", booked is " +
               std::to_string(given);
    if (priced.fee != booking.fee) return "the fee of the plan is another";
    if (priced.price != booking.price) return "the price of the plan is another";
    if (priced.remainder_e4 != booking.remainder_e4) return "the remainder is another";
    return std::nullopt;
}

void canonical(const Booking& b, std::string& text) {
    text.clear();
    const auto number = [&text](std::int64_t value) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        text.append(digits, end);
        text.push_back('\n');
    };
    const auto words = [&](const std::string& value) {
        number(static_cast<std::int64_t>(value.size()));
        text += value;
        text.push_back('\n');
    };
    const auto credit = [&](Credit value) { number(in_hundredths(value, Round::kDown)); };
    number(b.id.value);
    number(static_cast<std::int64_t>(b.kind));
    words(b.order_id);
    number(b.household.value);
    number(b.amount.count());
    credit(b.given);
    credit(b.free);
    number(b.price.count());
    number(b.remainder_e4);
    number(b.fee.count());
    number(b.plan.value);
    number(static_cast<std::int64_t>(b.channel));
    number(b.payer.value);
    number(b.drawer.value);
    number(b.corrects.value);
    number(b.refers.value);
    words(b.operator_name);
    words(b.reason);
    number(b.accepted_at.ms);
    number(b.booked_at.ms);
    number(b.ticket.epoch);
    number(b.ticket.number);
    credit(b.ticket.credited);
    number(static_cast<std::int64_t>(b.ticket.unit));
    number(b.tenancy);
    number(b.paid_total.count());
    credit(b.used);
    credit(b.free_left);
    number(b.month_ckwh);
    number(b.year_ckwh);
    number(b.entries_total);
}

std::string receipt_of(BookingId id, UnixTime booked_at) {
    const CivilTime day = civil_of(booked_at);
    char text[48];
    std::snprintf(text, sizeof text, "%04d%02d%02d-%06lld", day.year, day.month, day.day,
                  static_cast<long long>(id.value));
    return text;
}

}  // namespace prewatt::server
