#include "server/domain/reconcile.hpp"

#include "server/domain/orders.hpp"

namespace prewatt::server {
namespace {

std::string amount(Credit credit, AccountUnit unit) {
    std::int64_t hundredths = in_hundredths(credit, Round::kDown);
    std::string text = hundredths < 0 ? "-" : "";
    if (hundredths < 0) hundredths = -hundredths;
    const std::int64_t fraction = hundredths % 100;
    return text + std::to_string(hundredths / 100) + (fraction < 10 ? ".0" : ".") + std::to_string(fraction) +
           (unit == AccountUnit::kMoney ? " yuan" : " kWh");
}
std::string ticket(std::uint16_t epoch, std::uint32_t number) {
    return epoch == 0 ? "no account" : "account " + std::to_string(epoch) + ", ticket " + std::to_string(number);
}
std::string age(UnixTime known_at, UnixTime now) {
    if (known_at == UnixTime{}) return "never read before";
    const std::int64_t minutes_old = (now.ms - known_at.ms) / 60'000;
    if (minutes_old < 120) return std::to_string(minutes_old) + " minutes old";
    if (minutes_old < 2 * 24 * 60) return std::to_string(minutes_old / 60) + " hours old";
    return std::to_string(minutes_old / (24 * 60)) + " days old";
}
Credit shown_total(const TicketQuestion& q) {
    return q.shown.credited.value_or(q.shown.remaining + q.used_known);
}

}  // namespace

Situation judge_account(const KnownAccount& known, const MeterEffect& shown) {
    const bool reopened = known.newest.epoch > known.meter_epoch;  // a newer account replaces whatever is there
    if (known.stopped == Situation::kAhead || known.stopped == Situation::kOtherTotal) return known.stopped;
    if (shown.epoch == 0) {
        if (known.meter_epoch == 0) return Situation::kNone;  // as installed
        if (shown.previous_epoch != 0 || known.cleared_epoch >= known.meter_epoch) {
            // A clear keeps the final figures of the account that it closed. A newer account may be opened on it.
            return reopened ? Situation::kNone : Situation::kCleared;
        }
        return reopened ? Situation::kNone : Situation::kForgotten;
    }
    if (shown.epoch == known.accepted_epoch && shown.ticket_number == known.accepted_number) return Situation::kNone;
    if (is_newer(shown.epoch, shown.ticket_number, known.newest.epoch, known.newest.number)) return Situation::kAhead;
    if (!known.as_issued) return Situation::kAhead;
    if (shown.credited && *shown.credited != *known.as_issued) return Situation::kOtherTotal;
    if (shown.epoch < known.meter_epoch) return reopened ? Situation::kNone : Situation::kForgotten;
    if (shown.epoch == known.meter_epoch && !reopened) {
        const Credit used = *known.as_issued - shown.remaining;
        if (used + kUsedSlack < known.used) return Situation::kUsedLess;
    }
    return Situation::kNone;
}

std::string figures(const TicketQuestion& q) {
    return "meter: " + ticket(q.shown.epoch, q.shown.ticket_number) +
           (q.shown.epoch == 0 ? ""
                               : ", credited " + amount(shown_total(q), q.office.unit) + ", remaining " +
                                     amount(q.shown.remaining, q.office.unit)) +
           "; office: " + ticket(q.office.epoch, q.office.number) + ", credited " +
           amount(q.office.credited, q.office.unit) + ", used " + amount(q.used_known, q.office.unit) + " (" +
           age(q.known_at, q.asked_at) + ")";
}

std::string explain(const TicketQuestion& q) {
    switch (q.situation) {
        case Situation::kNone:
            break;
        case Situation::kAhead:
            return "The meter shows a ticket that this office has never issued. This is so after the database was "
                   "restored from a backup that is older than the ticket. No ticket is sent to this household until it "
                   "is decided; its light stays as it is.";
        case Situation::kOtherTotal:
            return "The meter shows a ticket of ours with another total. This is so after the database was restored "
                   "from an old backup and sold again under the same number. No ticket is sent to this household until "
                   "it is decided; its light stays as it is.";
        case Situation::kForgotten:
            return "The meter has lost its account (it was replaced, repaired or reset). The same ticket would give "
                   "all used credit a second time, so a new account opens with what was last known to remain. What was "
                   "used after that knowledge is not known.";
        case Situation::kUsedLess:
            return "The meter shows less use than it had shown before: it lost its memory and took a ticket as if "
                   "nothing had been used. A new account opens with what was last known to remain.";
        case Situation::kCleared:
            return "The household was cleared at the meter; its account is closed there and its old tickets are "
                   "worthless. It stays without electricity until a new account is opened.";
    }
    return {};
}

std::string proposal(const TicketQuestion& q, TicketAnswer answer) {
    if (answer == TicketAnswer::kTakeMeters) {
        const Credit difference = shown_total(q) - q.office.credited;
        if (q.situation != Situation::kAhead && q.situation != Situation::kOtherTotal)
            return "Not possible: the meter has no account of its own that could count. Take the office's figure; what "
                   "remains may be settled and paid out then.";
        return "Take over the meter's total: a correcting booking of " + amount(difference, q.office.unit) + "; " +
               amount(q.shown.remaining, q.office.unit) + " remain. What the office sells meanwhile comes on top.";
    }
    const Credit remains = q.office.credited - q.used_known;
    if (q.situation == Situation::kCleared) return "Open a new account with " + amount(remains, q.office.unit) + ".";
    return "Send the office's total under a higher number: " + amount(remains, q.office.unit) +
           " remain by what the office knows.";
}

}  // namespace prewatt::server
