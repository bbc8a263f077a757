#include "server/domain/cards.hpp"

#include <algorithm>
#include <array>

#include "server/domain/office_calendar.hpp"
#include "server/domain/orders.hpp"
#include "server/domain/reconcile.hpp"

namespace prewatt::server {
namespace {

constexpr std::array<std::string_view, 6> kKindWords{"household", "set_up",  "inspection",
                                                     "clear",     "restore", "reader_test"};
// In the order of card::Hint.
constexpr std::array<std::string_view, 8> kHintWords{"clock_not_known", "tamper",          "relay_fault",
                                                     "supply_failed",   "records_waiting", "memory_worn",
                                                     "forced_power",    "ticket_refused"};

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

WorkItem item_of(const CardRecord& card, std::string_view kind, UnixTime now) {
    WorkItem item;
    item.kind = kind;
    item.household = card.household;
    item.at = now;
    item.subject = "card " + std::to_string(card.id.value);
    return item;
}

// What the meter said, against what these books hold; nothing: they agree.
std::optional<WorkItem> compare_return(const CardRecord& card, const CardReturn& said, const CardFacts& facts,
                                       UnixTime now) {
    if (said.epoch == 0) return std::nullopt;  // never opened: the line or the next swipe says more
    WorkItem item = item_of(card, "card_unlike_ledger", now);
    const AccountUnit unit = facts.newest.unit;
    item.figures = "card: " + ticket(said.epoch, said.ticket_number) + ", credited " + amount(said.credited(), unit) +
                   ", used " + amount(said.used, unit) + ", remaining " + amount(said.remaining, unit) +
                   "; office: " + ticket(facts.newest.epoch, facts.newest.number) + ", credited " +
                   amount(facts.newest.credited, unit);
    if (!facts.as_issued || is_newer(said.epoch, said.ticket_number, facts.newest.epoch, facts.newest.number)) {
        item.size = in_hundredths(said.credited() - facts.newest.credited, Round::kDown);
        item.explanation =
            "The meter says on the card that it holds a ticket which these books have never issued. This is so after "
            "the "
            "books were restored from a backup that is older than the ticket.";
        item.proposals = {"Look for the sale in the receipts and the channel's statement, and book it again.",
                          "Read the box itself and compare."};
        return item;
    }
    if (said.credited() != *facts.as_issued) {
        item.size = in_hundredths(said.credited() - *facts.as_issued, Round::kDown);
        item.explanation =
            "The meter says on the card that this ticket credited another total than these books have for its number.";
        item.proposals = {"Read the box itself and compare.", "Correct the account when the box is right."};
        return item;
    }
    if (said.epoch == facts.meter_epoch && said.used + kUsedSlack < facts.used_known) {
        item.size = in_hundredths(said.used - facts.used_known, Round::kDown);
        item.figures += ", used " + amount(facts.used_known, unit) + " known";
        item.explanation =
            "The meter says on the card that less was used than it had shown before. A meter that lost its memory "
            "would "
            "say so, and so would somebody who can seal what a box seals.";
        item.proposals = {"Read the box itself and compare.", "Look at the box: was it opened?"};
        return item;
    }
    return std::nullopt;
}

// What the meter has noticed and says by its household's card. Of the household and not of this card: the next card of
// the household ends it, also when this one is lost and replaced.
void say_hints(const CardRecord& card, const CardReturn& said, UnixTime now, std::vector<WorkItem>& items) {
    const auto words = words_of_hints(said.hints);
    const auto says = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const auto add = [&](std::string_view kind) -> WorkItem& {
        WorkItem& item = items.emplace_back(item_of(card, kind, now));
        item.subject.clear();
        item.figures =
            "box " + std::to_string(card.box_number) + ", said at the swipe of " +
            (said.swiped_at ? text_of(*said.swiped_at) : std::string{"an unknown time: the box's clock was not set"});
        return item;
    };
    if (says("tamper")) {
        WorkItem& item = add("card_says_tamper");
        item.figures += "; bad cards shown to this box so far: " + std::to_string(said.bad_cards);
        item.size = said.bad_cards;
        item.explanation =
            "In the 62 days before the swipe the meter saw at least one of these: a wrong password, a forged or "
            "repeated "
            "command or a bad card at its box, which each household of the box then says; or energy that flowed "
            "backwards in this household, as with meter terminals exchanged or a generator behind the meter. The card "
            "does not say which.";
        item.proposals = {
            "Read the event log of the box (over its line, or with a computer at the box): the rings \"security\" and "
            "\"faults\" say what it was and when.",
            "When households of the same box say so together: look at the box, its seal and its cables. When only this "
            "one does: look at its outgoing cable and for a solar inverter or generator in the room.",
            "Note here what was found; then it is out of the way until the box counts another bad card. It closes by "
            "itself when a card of the household comes back from a swipe without the sign, at the earliest 62 days "
            "after the last one."};
    }
    if (says("records_waiting")) {
        WorkItem& item = add("card_says_unread");
        item.explanation =
            "Events of the box or of this household lie in the meter for more than 31 days, and nobody has read its "
            "event log since they happened, or the box has been without supply since it was read. Each part of the log "
            "keeps only its newest entries; what is overwritten before it was read cannot be looked up any more.";
        item.proposals = {"Read the event log of the box: over its line, or with a computer at the box.",
                          "Nothing is wrong with credit or supply. It closes by itself when a card of the household "
                          "comes back from a swipe after that reading."};
    }
}

}  // namespace

std::string_view word(CardKind kind) {
    const auto k = static_cast<std::size_t>(kind) - 1;
    return k < kKindWords.size() ? kKindWords[k] : "unknown";
}
std::optional<CardKind> card_kind_of(std::string_view word) {
    const auto found = std::find(kKindWords.begin(), kKindWords.end(), word);
    if (found == kKindWords.end()) return std::nullopt;
    return static_cast<CardKind>(found - kKindWords.begin() + 1);
}
std::string_view word(CardState state) {
    switch (state) {
        case CardState::kIssued:
            return "issued";
        case CardState::kWritten:
            return "written";
        case CardState::kLost:
            return "lost";
        case CardState::kTakenBack:
            return "taken_back";
        case CardState::kDead:
            return "dead";
    }
    return "unknown";
}
std::string_view word(CardWriteKind kind) {
    switch (kind) {
        case CardWriteKind::kIssue:
            return "issue";
        case CardWriteKind::kTicket:
            return "ticket";
        case CardWriteKind::kFormat:
            return "format";
    }
    return "unknown";
}
std::string_view word(CardWriteState state) {
    switch (state) {
        case CardWriteState::kOrdered:
            return "ordered";
        case CardWriteState::kDone:
            return "done";
        case CardWriteState::kReplaced:
            return "replaced";
    }
    return "unknown";
}
std::string_view word(CardFinding finding) {
    switch (finding) {
        case CardFinding::kNotOurs:
            return "not_ours";
        case CardFinding::kUnknown:
            return "unknown";
        case CardFinding::kUnfinished:
            return "unfinished";
        case CardFinding::kBehind:
            return "behind";
        case CardFinding::kMoved:
            return "moved";
        case CardFinding::kUpToDate:
            return "up_to_date";
        case CardFinding::kRevoked:
            return "revoked";
    }
    return "unknown";
}

std::vector<std::string_view> words_of_hints(std::uint8_t hints) {
    std::vector<std::string_view> words;
    for (std::size_t k = 0; k < kHintWords.size(); ++k)
        if (hints >> k & 1) words.push_back(kHintWords[k]);
    return words;
}

bool is_uid_text(std::string_view text) {
    return (text.size() == 8 || text.size() == 14) && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
           });
}

UnixTime time_of_swipe(const CardReturn& said, UnixTime earliest, UnixTime now) {
    earliest = std::min(earliest, now);
    return said.swiped_at ? std::clamp(*said.swiped_at, earliest, now) : earliest;
}

bool still_stands(const CardRecord& card, const std::optional<SeenTicket>& newest) {
    return !card.write_open && card.generation != 0 && newest && newest->serial == card.id &&
           newest->generation == card.generation && newest->ticket.epoch == card.carries.epoch &&
           newest->ticket.number == card.carries.number && newest->ticket.credited == card.carries.credited;
}

CardJudgement judge_sight(const CardSight& sight, const CardFacts& facts, UnixTime now) {
    CardJudgement judgement;
    if (!facts.card) {
        // Sealed by us and in no book.
        judgement.finding = sight.identity || !sight.tickets.empty() ? CardFinding::kUnknown : CardFinding::kNotOurs;
        return judgement;
    }
    const CardRecord& card = *facts.card;
    const SeenTicket* newest = sight.tickets.empty() ? nullptr : &sight.tickets.front();
    const std::uint32_t said_before = card.said ? card.said->generation : 0;

    // A generation that was read back cannot go away by itself: two copies, and the one that stands is never
    // overwritten.
    // Nor can its ticket: a write that was not acknowledged is followed by one of the same generation, and a copy or a
    // dump may hold the first.
    judgement.rolled_back =
        (newest && (newest->generation < card.generation ||
                    is_newer(card.carries.epoch, card.carries.number, newest->ticket.epoch, newest->ticket.number))) ||
        (sight.said && sight.said->generation < said_before);
    judgement.take_said = is_live(card.state) && sight.said && sight.said->generation > said_before;
    if (judgement.rolled_back) {
        WorkItem item = item_of(card, "card_rolled_back", now);
        item.figures = "card: generation " + std::to_string(newest ? newest->generation : 0) + ", returned " +
                       std::to_string(sight.said ? sight.said->generation : 0) +
                       "; office: " + std::to_string(card.generation) + ", " + std::to_string(said_before);
        item.explanation =
            "The card shows less than was read back from it before: somebody has put old contents onto it, or this is "
            "a "
            "copy. Nothing is gained by that: a meter takes each ticket once, and what was said before is not believed "
            "again.";
        item.proposals = {"Write the newest ticket again and ask the holder.", "Replace the card."};
        judgement.items.push_back(std::move(item));
    }
    if (!facts.tickets_ordered) {
        WorkItem item = item_of(card, "card_without_order", now);
        item.figures = newest ? "card: " + ticket(newest->ticket.epoch, newest->ticket.number) + ", credited " +
                                    amount(newest->ticket.credited, facts.newest.unit) + ", generation " +
                                    std::to_string(newest->generation)
                              : "";
        item.size = newest ? in_hundredths(newest->ticket.credited - facts.newest.credited, Round::kDown) : 0;
        item.explanation =
            "A ticket with a good seal stands on the card, and no order of this office wrote it. Either these books "
            "were "
            "restored from a backup that is older than the ticket, or somebody seals tickets who should not.";
        item.proposals = {"Find out when the books were restored last.",
                          "If they were not: change the master key, and look who could read it."};
        judgement.items.push_back(std::move(item));
    }
    if (judgement.take_said && !facts.by_card)
        if (auto item = compare_return(card, *sight.said, facts, now)) judgement.items.push_back(std::move(*item));

    if (judgement.take_said) say_hints(card, *sight.said, now, judgement.items);

    if (!is_live(card.state))
        judgement.finding = CardFinding::kRevoked;
    else if (card.box_number != facts.box_number)
        judgement.finding = CardFinding::kMoved;
    else if (card.state == CardState::kIssued || card.write_open || judgement.rolled_back || !sight.identity ||
             ((card.generation != 0 || newest) && !still_stands(card, newest ? std::optional(*newest) : std::nullopt)))
        judgement.finding = CardFinding::kUnfinished;
    else if (is_newer(facts.newest.epoch, facts.newest.number, card.carries.epoch, card.carries.number))
        judgement.finding = CardFinding::kBehind;
    else
        judgement.finding = CardFinding::kUpToDate;
    return judgement;
}

}  // namespace prewatt::server
