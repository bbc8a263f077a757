#include "server/domain/ticket_answer.hpp"

#include <algorithm>

#include "server/domain/refuse.hpp"

namespace prewatt::server {
namespace {

Credit whole(Credit credit) {
    return credit_of_hundredths(in_hundredths(credit, Round::kDown));
}
bool is_foreign(Situation situation) {
    return situation == Situation::kAhead || situation == Situation::kOtherTotal;
}

// The bookings of an answer, one after the other.
class Answering {
  public:
    Answering(const DecisionMaker& who, const AnswerFacts& facts)
        : who_(who), facts_(facts), account_(facts.facts.account) {
        const MeterEffect& shown = facts.question.shown;
        if (!is_foreign(facts.question.situation)) return;
        out_.accepted_epoch = shown.epoch;
        out_.accepted_number = shown.ticket_number;
        if (shown.credited) out_.used = std::max(Credit{0}, *shown.credited - shown.remaining);
        if (shown.epoch == account_.ticket.epoch && out_.used)
            account_.used_known = std::max(account_.used_known, *out_.used);
    }

    Answer<TicketAnswerDecision> take_meters(std::optional<std::uint32_t> contains) {
        const MeterEffect& shown = facts_.question.shown;
        if (!is_foreign(facts_.question.situation))
            return refuse(Reason::kBadArgument,
                          "The meter has no account that could be taken over. Answer with the office's figure; what "
                          "then remains may be settled. Nothing was done.");
        if (!shown.credited)
            return refuse(Reason::kMeterBehind,
                          "The meter's total has not been read in full yet; it will be read by itself. Nothing was "
                          "done.",
                          shown.ticket_number);
        if (shown.epoch < account_.ticket.epoch)
            return refuse(Reason::kBadArgument,
                          "The meter still has an older account than the office; it cannot be taken over. Answer with "
                          "the office's figure. Nothing was done.",
                          account_.ticket.epoch);
        if (!account_.open()) {
            if (shown.epoch == account_.ticket.epoch)
                return refuse(Reason::kAccountClosed,
                              "The account is closed in the books, so the meter's total cannot be taken over. Answer "
                              "with the office's figure. Nothing was done.");
            if (!account_.has_meter)
                return refuse(Reason::kNoMeter, "The room has no meter in the books; nothing was done.");
            add(BookingKind::kOpening, Credit{0}, Credit{0}, shown.epoch, shown.ticket_number + 1);
            account_.used_known = *out_.used;
            add(BookingKind::kTakeOver, *shown.credited, Credit{0});
            return answer();
        }
        const auto held = total_held(contains);
        if (!held) return std::unexpected(held.error());
        const Credit on_top = account_.ticket.credited - *held;
        if (shown.epoch == account_.ticket.epoch) {
            add(BookingKind::kTakeOver, *shown.credited - *held, Credit{0}, 0, shown.ticket_number + 1);
            return answer();
        }
        const Credit carried = carry(shown.epoch, shown.ticket_number + 1);
        account_.used_known = *out_.used;
        add(BookingKind::kTakeOver, *shown.credited + on_top - carried, Credit{0});
        return answer();
    }

    Answer<TicketAnswerDecision> take_offices() {
        const MeterEffect& shown = facts_.question.shown;
        const bool foreign = is_foreign(facts_.question.situation);
        if (account_.ticket.epoch == 0 || (account_.closed && facts_.question.situation == Situation::kCleared)) {
            if (!account_.has_meter)
                return refuse(Reason::kNoMeter, "The room has no meter in the books; nothing was done.");
            add(BookingKind::kOpening, Credit{0}, Credit{0}, shown.epoch + 1u, 0);
        } else if (foreign && shown.epoch <= account_.ticket.epoch) {
            const bool same = shown.epoch == account_.ticket.epoch;
            add(BookingKind::kReissue, Credit{0}, Credit{0}, 0, same ? shown.ticket_number + 1 : 0);
        } else {
            (void)carry(shown.epoch + 1u, 0);
        }
        return answer();
    }

  private:
    // What the meter's total holds of the office's own tickets.
    Answer<Credit> total_held(std::optional<std::uint32_t> contains) {
        const TicketQuestion& q = facts_.question;
        if (q.office.epoch == 0) return Credit{0};  // all that the office has sold was sold since
        if (q.office.epoch != account_.ticket.epoch)
            return refuse(Reason::kQuestionChanged,
                          "The account was opened anew since the question was asked, so the meter's total cannot be "
                          "taken over. Answer with the office's figure. Nothing was done.");
        std::uint32_t most = q.office.number;
        if (q.shown.epoch == account_.ticket.epoch && q.shown.ticket_number <= most)
            most = q.shown.ticket_number - std::min(q.shown.ticket_number, 1u);
        const std::uint32_t least = std::min(facts_.confirmed_number, most);
        const auto first = std::find_if(facts_.tickets.begin(), facts_.tickets.end(),
                                        [&](const TicketTotal& t) { return t.number > least; });
        if (!contains && first != facts_.tickets.end() && first->number <= most)
            return refuse(Reason::kTicketsUnclear,
                          "The office has sold tickets " + std::to_string(first->number) + " to " +
                              std::to_string(most) +
                              ", which the meter has not confirmed, before the question was asked. Say up to which "
                              "ticket the meter's total holds what the office has sold (" +
                              std::to_string(least) + " to " + std::to_string(most) +
                              "); what comes after it is given on top. Nothing was done.",
                          most);
        out_.contains = contains.value_or(most);
        if (out_.contains < least || out_.contains > most)
            return refuse(Reason::kBadArgument,
                          "The meter's total can hold the office's tickets up to a number from " +
                              std::to_string(least) + " to " + std::to_string(most) + "; nothing was done.",
                          most);
        Credit held{0};
        for (const TicketTotal& ticket : facts_.tickets)
            if (ticket.number <= out_.contains) held = ticket.credited;
        return held;
    }

    // Everything that remains goes over into that epoch (or the next one); what was carried.
    Credit carry(unsigned epoch, std::uint32_t number) {
        const Credit remaining = whole(account_.remaining());
        const Credit free = std::clamp(account_.free_now(), Credit{0}, std::max(Credit{0}, remaining));
        add(BookingKind::kCarryOut, Credit{0} - remaining, Credit{0} - free);
        add(BookingKind::kCarryIn, remaining, free, epoch, number);
        return remaining;
    }

    void add(BookingKind kind, Credit given, Credit free, unsigned epoch = 0, std::uint32_t number = 0) {
        if (problem_) return;
        const std::size_t k = out_.account.bookings.size();
        Booking booking;
        booking.kind = kind;
        booking.order_id = k == 0 ? who_.order_id : who_.order_id + "\u00b7" + std::to_string(k + 1);
        booking.household = account_.household;
        booking.given = given;
        booking.free = free;
        booking.operator_name = who_.operator_name;
        booking.reason = who_.reason;
        booking.accepted_at = who_.now;
        booking.booked_at = who_.now;
        booking.ticket.unit =
            account_.ticket.epoch == 0 || kind == BookingKind::kOpening ? facts_.unit_if_opened : account_.ticket.unit;
        if (epoch > UINT16_MAX) {
            problem_ = Refusal{Reason::kTotalTooLarge, "The meter's account has the last number there is.", 0};
            return;
        }
        booking.ticket.epoch = static_cast<std::uint16_t>(epoch);
        booking.ticket.number = number;
        problem_ = append(account_, booking);
        if (!problem_) out_.account.bookings.push_back(std::move(booking));
    }
    Answer<TicketAnswerDecision> answer() {
        if (problem_) return std::unexpected(std::move(*problem_));
        return std::move(out_);
    }

    const DecisionMaker& who_;
    const AnswerFacts& facts_;
    Account account_;
    TicketAnswerDecision out_;
    std::optional<Refusal> problem_;
};

}  // namespace

std::string_view word(TicketAnswer answer) {
    return answer == TicketAnswer::kTakeMeters ? "take_meters" : "take_offices";
}

Answer<TicketAnswerDecision> decide_ticket_answer(const DecisionMaker& who, const AnswerFacts& facts,
                                                  TicketAnswer answer, std::optional<std::uint32_t> contains) {
    Answering answering{who, facts};
    if (answer == TicketAnswer::kTakeMeters) return answering.take_meters(contains);
    if (contains)
        return refuse(Reason::kBadArgument,
                      "Which tickets the meter's total holds is only asked for when it is taken over; nothing was "
                      "done.");
    return answering.take_offices();
}

AnswerGround ground_of(const AnswerFacts& facts, const TicketAnswerDecision& decision) {
    const MeterEffect& shown = facts.question.shown;
    return {shown.epoch,
            shown.ticket_number,
            shown.credited,
            facts.facts.account.ticket.epoch,
            facts.facts.account.open(),
            decision.contains};
}

std::optional<Refusal> check_ground(const AnswerGround& proposed, const AnswerGround& present) {
    if (proposed.open && !present.open)
        return Refusal{Reason::kAccountClosed,
                       "The account was closed since this answer was proposed; nothing was done. Look at the question "
                       "again.",
                       0};
    if (proposed.meter_epoch != present.meter_epoch || proposed.meter_number != present.meter_number ||
        proposed.meter_credited != present.meter_credited)
        return Refusal{Reason::kQuestionChanged,
                       "The meter shows another figure than when this answer was proposed; nothing was done. Look at "
                       "the question again.",
                       0};
    if (proposed != present)
        return Refusal{Reason::kQuestionChanged,
                       "The account is another than when this answer was proposed; nothing was done. Look at the "
                       "question again.",
                       0};
    return std::nullopt;
}

}  // namespace prewatt::server
