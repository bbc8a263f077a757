// Desired and actual account of one household: is what the meter shows something that this office has issued, and may
// it be driven on? Pure; decided anew for every effect and every account that was read in full. The table of situations
// and how each ends is docs/decisions/0011-reconciling-desired-and-actual.md.
//
// What must hold: a total that the office no longer knows to be right is never sent, a total that the office has not
// issued is never taken over silently, and credit that was used is never given a second time.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

struct KnownAccount {
    TicketTotal newest;              // of all bookings; epoch 0: none
    std::uint16_t meter_epoch = 0;   // that the meter has shown before; 0: none
    std::uint32_t meter_number = 0;  // likewise
    std::optional<Credit>
        as_issued;  // total of OUR ticket with the epoch and number that are shown now; none: not ours
    Credit used;    // of meter_epoch, the most that is known
    std::uint16_t accepted_epoch = 0;  // a ticket of the meter that was not ours and has been decided upon
    std::uint32_t accepted_number = 0;
    Situation stopped = Situation::kNone;  // a question is open
    std::uint16_t cleared_epoch = 0;       // a clear was ordered or seen while this epoch was the newest
};

// Both figures are rounded to a hundredth, and a supply failure may cost the meter 0.01 kWh or a fen (product.md M14):
// a use that fell by no more than this is no lost memory.
inline constexpr Credit kUsedSlack = credit_of_hundredths(10);

[[nodiscard]] Situation judge_account(const KnownAccount& known, const MeterEffect& shown);

// A plain reading tells use by what remains of the total that the office believes in. After an old backup came back the
// meter may have a lower total: then more seems to be used than went through since the account was last read in full.
// Such a reading tells nothing (of an account in energy; in money the price decides): what was wrongly learned could
// never be unlearned within the account. What a reversed wire used is learned when the account is read.
inline constexpr Energy kReadingSlack = energy_of_hundredths(5);
[[nodiscard]] constexpr bool explains_use(AccountUnit unit, Credit more_used, Energy more_forward) {
    return unit == AccountUnit::kMoney || more_used <= credit_for(more_forward + kReadingSlack);
}

// Nor does it say of which account it is. An office that starts may stand on yesterday's backup: the room may have had
// another account since, and what is used of that one is no use of ours. So what is read since the start tells of use
// only after the account was read in full since then; what was read before it was judged by the books of before.
[[nodiscard]] constexpr bool is_of_judged_account(UnixTime read_at, UnixTime judged_at, UnixTime runs_since) {
    return read_at < runs_since || judged_at >= runs_since;
}

// What a new epoch opens with after the meter has lost its memory: all that was credited less what is known to have
// been used. What was used since that knowledge is lost to the office; never negative beyond the overdraft that was
// known.
[[nodiscard]] constexpr Credit remaining_known(const KnownAccount& known) {
    return known.newest.epoch == known.meter_epoch ? known.newest.credited - known.used : known.newest.credited;
}

// A ticket that follows directly on the one that the meter has shown since the office runs may go out unseen: a meter
// that has it already, or a later one, changes nothing and says so. Any other is sent only after the account was read
// in full and judged.
[[nodiscard]] constexpr bool follows(const TicketTotal& ticket, std::uint16_t epoch, std::uint32_t number) {
    if (epoch == 0) return ticket.epoch == 1 && ticket.number == 1;
    return ticket.epoch == epoch && ticket.number == number + 1;
}

// The question for a person, when a situation cannot end by itself: both figures, and what each answer would do.
enum class TicketAnswer : std::uint8_t {
    kTakeMeters = 1,  // the meter's total counts: a correcting booking brings the books to it
    kTakeOffices =
        2,  // the office's total counts: a higher number (a new epoch where the old one is worthless) goes out
};
struct TicketQuestion {
    HouseholdId household;
    Situation situation = Situation::kNone;
    UnixTime asked_at;
    MeterEffect shown;
    TicketTotal office;  // newest booking when it was asked
    Credit used_known;   // of the office's epoch
    UnixTime known_at;   // how old that knowledge was
};
// In sentences, for the work list.
[[nodiscard]] std::string explain(const TicketQuestion& question);
[[nodiscard]] std::string figures(const TicketQuestion& question);
[[nodiscard]] std::string proposal(const TicketQuestion& question, TicketAnswer answer);

}  // namespace prewatt::server
