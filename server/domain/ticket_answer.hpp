// The answer to the question which total counts, the meter's or the office's (reconcile.hpp): which bookings it takes.
// Two people give it (approvals.hpp); server/store carries it out. Pure; every refusal is made before anything is
// changed. The table of answers with their bookings: docs/formats/ledger.md.
//
// What must hold afterwards: the next ticket is newer than what the meter has, so that the meter takes it; what is
// credited is what remains and what was used; what was sold since the history was lost is credited exactly once.
#pragma once
#include "server/domain/accounts.hpp"
#include "server/domain/reconcile.hpp"

namespace prewatt::server {

struct TicketAnswerOrder {
    MoneyOrder order;
    HouseholdId household;
    TicketAnswer answer = TicketAnswer::kTakeOffices;
    // Taking the meter's: its total holds the office's tickets up to this number (of the office's epoch; 0: none), and
    // what the office has sold after it comes on top. Only needed where it cannot be told (kTicketsUnclear).
    std::optional<std::uint32_t> contains;
};
[[nodiscard]] std::string_view word(TicketAnswer answer);  // "take_meters", "take_offices"

struct AnswerFacts {
    TicketQuestion question;
    AccountFacts facts;
    AccountUnit unit_if_opened = AccountUnit::kEnergy;
    std::uint32_t confirmed_number = 0;  // of the office's epoch, that the meter has confirmed
    std::vector<TicketTotal> tickets;    // of the office's epoch, by number
};
struct TicketAnswerDecision {
    AccountDecision account;
    // The meter's ticket that is not ours is known from now on and asked about no more; epoch 0: it has none.
    std::uint16_t accepted_epoch = 0;
    std::uint32_t accepted_number = 0;
    std::optional<Credit> used;  // of the meter in accepted_epoch
    std::uint32_t contains = 0;
};
// kMeterBehind: the meter's total has not been read yet. kTicketsUnclear: `contains` has to be named, `limit` is the
// highest that is possible. kBadArgument: no such `contains`; nothing of the meter's can be taken over. kAccountClosed,
// kNoMeter, kTotalTooLarge.
[[nodiscard]] Answer<TicketAnswerDecision> decide_ticket_answer(const DecisionMaker& who, const AnswerFacts& facts,
                                                                TicketAnswer answer,
                                                                std::optional<std::uint32_t> contains);

// What is decided upon, as the second person confirms it; a use that went on meanwhile is no change.
struct AnswerGround {
    std::uint16_t meter_epoch = 0;
    std::uint32_t meter_number = 0;
    std::optional<Credit> meter_credited;
    std::uint16_t office_epoch = 0;
    bool open = false;  // the account
    std::uint32_t contains = 0;
    friend constexpr bool operator==(const AnswerGround&, const AnswerGround&) = default;
};
[[nodiscard]] AnswerGround ground_of(const AnswerFacts& facts, const TicketAnswerDecision& decision);
// Whether what was proposed is still so: kQuestionChanged or kAccountClosed with what is different.
[[nodiscard]] std::optional<Refusal> check_ground(const AnswerGround& proposed, const AnswerGround& present);

}  // namespace prewatt::server
