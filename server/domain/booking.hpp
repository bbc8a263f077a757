// A booking: one change of a household's credited total under the next ticket number; and the account that bookings add
// up to. The newest booking of a household is its account and its ticket at once; an account is nothing but its
// bookings, one after the other: `append` is the only way to make the next one and the way to check old ones.
//
//   sale          money came, credit was given            grant         credit was given for nothing
//   refund        of a sale, in part or whole: credit is   return        what a meter no longer had when a refund
//                 taken out, money is owed                               reached it: given back, no longer owed
//   correction    a sale that never happened so            settlement    all that remains is taken out; money is owed
//   opening       a new account: next epoch, ticket 1      move out, in  what remains goes along to another room
//   carry out, in what remains goes over into the next epoch of the same account: another box, or a meter that lost its
//                 memory
//   take over     a total that a meter had and these books did not:      reissue   nothing is changed; the office's
//   total
//                 given is the difference; two people decided            goes out under a number above the meter's
//
// Credit that was granted is used before credit that was paid. `free_left` of a booking is what was left of the granted
// then: what was left before, less all that was used since, not below zero; plus what was granted. An account begins
// with an opening (or the first booking of all) and its `tenancy` is the epoch of that; carrying over keeps it.
// Pure; docs/formats/ledger.md.
#pragma once
#include "base/fixed_vector.hpp"
#include "server/domain/price_plan.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server {

using BookingId = SaleId;  // a sale is a booking, numbered without gaps among all

enum class BookingKind : std::uint8_t {
    kSale = 1,
    kGrant = 2,
    kRefund = 3,
    kReturn = 4,
    kCorrection = 5,
    kSettlement = 6,
    kOpening = 7,
    kMoveOut = 8,
    kMoveIn = 9,
    kCarryOut = 10,
    kCarryIn = 11,
    kTakeOver = 12,
    kReissue = 13,
};
[[nodiscard]] std::string_view word(BookingKind kind);  // "sale", "grant", ... "move_out", "carry_in"

struct Booking {
    BookingId id;
    BookingKind kind = BookingKind::kSale;
    std::string order_id;  // of several under one order the first has it as it is, the k-th "ID\u00b7k"
    HouseholdId household;
    Money amount;  // change of what was paid; negative when money is owed or was corrected
    Credit given;  // change of the credited total
    Credit free;   // how much of it is granted credit
    UnitPrice price;
    std::int64_t remainder_e4 = 0;
    Money fee;    // of the amount
    PlanId plan;  // 0: the site's one price
    Channel channel = Channel::kNone;
    ResidentId payer;
    DrawerId drawer;
    BookingId corrects;  // correction: the sale
    BookingId refers;    // refund: the sale or move in; return: what it returns; move in: the move out; carry in: out
    std::string operator_name;
    std::string reason;
    UnixTime accepted_at;
    UnixTime booked_at;
    UnixTime corrected_at;  // correction: when the sale was booked; not kept with it, looked up
    // After it, filled in by append().
    TicketTotal ticket;
    std::uint16_t tenancy = 0;
    Money paid_total;  // of the account
    Credit used;       // what the meter was known to have used in this epoch
    Credit free_left;
    std::int64_t month_ckwh = 0;  // bought in the calendar month and year of booked_at
    std::int64_t year_ckwh = 0;
    std::int64_t entries_total = 0;
    std::string chain;  // SHA-256 over the chain of the booking before and canonical(*this); the store fills it in
};

// What the bookings of a household up to now add up to, and what is known of its meter.
struct Account {
    HouseholdId household;
    bool has_meter = false;
    bool closed = false;
    TicketTotal ticket;        // epoch 0: not opened yet
    Money paid;                // in this account, less what is owed or was paid back
    Credit used_known;         // what the meter is known to have used in this epoch; grows
    std::int64_t entries = 0;  // ledger entries of the household so far
    std::uint16_t tenancy = 0;
    Credit used;       // as known at the newest booking
    Credit free_left;  // as of the newest booking
    std::int64_t month_ckwh = 0;
    std::int64_t year_ckwh = 0;
    UnixTime booked_at;  // of the newest booking
    [[nodiscard]] constexpr bool open() const { return ticket.epoch != 0 && !closed; }
    [[nodiscard]] constexpr Credit remaining() const { return ticket.credited - used_known; }
    [[nodiscard]] constexpr Credit free_now() const {
        const Credit since = used_known > used ? used_known - used : Credit{0};
        return free_left > since ? free_left - since : Credit{0};
    }
    // What remains of what was paid: the most that can be refunded.
    [[nodiscard]] constexpr Credit refundable() const {
        const Credit paid_part = remaining() - free_now();
        return paid_part > Credit{0} ? paid_part : Credit{0};
    }
};

// A ticket carries 48 bits signed of hundredths; half of it is left as room for joules in 64 bits.
inline constexpr Credit kCreditedMax = credit_of_hundredths((std::int64_t{1} << 46) - 1);

// Makes `next` the next booking of the account: fills in what stands after it and moves the account on. What it says of
// itself (kind, amount, given, free, price ..., booked_at) is given. The unit is kept; a new account takes
// next.ticket.unit, a carry out or in too. The ticket number is the next one; a take over, a reissue and what begins an
// epoch may go past numbers (and a carry in or opening past epochs) that the meter has seen and these books have not:
// next.ticket then names where to. Refuses with kTotalTooLarge; then nothing was changed.
[[nodiscard]] std::optional<Refusal> append(Account& account, Booking& next);

// What was bought in the period of the plan before `now`.
[[nodiscard]] std::int64_t position_of(const Account& account, StepPeriod period, UnixTime now);
// Year * 12 + month - 1 of the office.
[[nodiscard]] std::int64_t month_of(UnixTime at);

inline constexpr std::size_t kEntriesMax = 5;  // numbered booking * 8 + 0 ... 4
using Entries = FixedVector<LedgerEntry, kEntriesMax>;
// Its entries in the ledger, from what stands in the booking alone. `number` ends at entries_total.
[[nodiscard]] Entries entries_of(const Booking& booking);
[[nodiscard]] LedgerAccount account_of(Channel channel);

// What the booking says that it gave, priced anew: nothing when plan, position and amount explain it (and for kinds
// that have no price); else what is wrong. `plan` is the version that it names; for version 0 a flat plan at its price.
[[nodiscard]] std::optional<std::string> recompute(const Booking& booking, const PricePlan& plan);

// The text that the chain covers, byte for byte: docs/formats/ledger.md.
void canonical(const Booking& booking, std::string& text);

// "20260923-000042".
[[nodiscard]] std::string receipt_of(BookingId id, UnixTime booked_at);

}  // namespace prewatt::server
