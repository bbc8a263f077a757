#include "server/store/ticket_answers.hpp"

#include "server/store/accounts.hpp"
#include "server/store/approvals.hpp"
#include "server/store/bookings.hpp"
#include "server/store/estate.hpp"
#include "server/store/situations.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::string_view kNotRead = "unknown";  // the meter's total

std::unexpected<Refusal> nothing_asked() {
    return std::unexpected(Refusal{
        Reason::kNotFound, "Nothing is asked about the ticket of this household (any more); nothing was done.", 0});
}

Answer<AnswerFacts> read_facts(Db& db, HouseholdId household, UnixTime now) {
    AnswerFacts out;
    const auto question = find_ticket_question(db, household);
    auto facts = load_facts(db, household, false);
    if (!db.ok()) return std::unexpected(refusal_of(*db.failure()));
    if (!question || !facts) return nothing_asked();
    out.question = *question;
    out.facts = std::move(*facts);
    out.unit_if_opened = unit_in_force(db, household, now);
    const std::uint16_t epoch = out.facts.account.ticket.epoch;
    db.query("SELECT ticket_number FROM meters WHERE household_id = $1 AND epoch = $2", {household, epoch},
             [&](const Row& row) { out.confirmed_number = row.as<std::uint32_t>(0); });
    db.query(
        "SELECT ticket_number, credited_ckwh FROM bookings WHERE household_id = $1 AND epoch = $2 ORDER BY "
        "ticket_number",
        {household, epoch}, [&](const Row& row) {
            out.tickets.push_back({epoch, row.as<std::uint32_t>(0), row.as<Credit>(1), out.facts.account.ticket.unit});
        });
    return checked(db, std::move(out));
}

DecisionMaker maker_of(const MoneyOrder& order, UnixTime now) {
    return {order.order_id, order.who.user, order.reason, now};
}

// Of an order by itself, so that a repeat is known when there is no question any more.
std::string order_content(const TicketAnswerOrder& order) {
    return "ticket answer " + std::to_string(order.household.value) + " " + std::string{word(order.answer)} + " " +
           (order.contains ? std::to_string(*order.contains) : "-");
}

Act act_of(const TicketAnswerOrder& order, const AnswerGround& ground) {
    Act act;
    act.kind = ActKind::kRestoredReset;
    act.action = kAnswerTicket;
    act.subject = "household " + std::to_string(order.household.value);
    act.content = act_content(
        kAnswerTicket,
        {{"order_id", order.order.order_id},
         {"order", order_content(order)},
         {"household", std::to_string(order.household.value)},
         {"answer", std::string{word(order.answer)}},
         {"named", order.contains ? std::to_string(*order.contains) : "-"},
         {"meter_epoch", std::to_string(ground.meter_epoch)},
         {"meter_number", std::to_string(ground.meter_number)},
         {"meter_credited", ground.meter_credited ? std::to_string(in_hundredths(*ground.meter_credited, Round::kDown))
                                                  : std::string{kNotRead}},
         {"office_epoch", std::to_string(ground.office_epoch)},
         {"open", ground.open ? "1" : "0"},
         {"contains", std::to_string(ground.contains)}});
    return act;
}

struct Asked {
    TicketAnswerOrder order;
    AnswerGround ground;
};
std::optional<Asked> asked_of(const ApprovalRecord& record) {
    const std::string& content = record.content;
    const auto order_id = act_field(content, "order_id");
    const auto household = act_number(content, "household");
    const auto answer = act_field(content, "answer");
    const auto named = act_field(content, "named");
    const auto credited = act_field(content, "meter_credited");
    const auto meter_epoch = act_number(content, "meter_epoch");
    const auto meter_number = act_number(content, "meter_number");
    const auto office_epoch = act_number(content, "office_epoch");
    const auto open = act_number(content, "open");
    const auto contains = act_number(content, "contains");
    if (!order_id || !household || !answer || !named || !credited || !meter_epoch || !meter_number || !office_epoch ||
        !open || !contains || (*answer != "take_meters" && *answer != "take_offices"))
        return std::nullopt;
    Asked out;
    out.order.order = {*order_id, record.asked_by, record.reason};
    out.order.household = HouseholdId{*household};
    out.order.answer = *answer == "take_meters" ? TicketAnswer::kTakeMeters : TicketAnswer::kTakeOffices;
    if (*named != "-") out.order.contains = static_cast<std::uint32_t>(act_number(content, "named").value_or(0));
    out.ground.meter_epoch = static_cast<std::uint16_t>(*meter_epoch);
    out.ground.meter_number = static_cast<std::uint32_t>(*meter_number);
    if (*credited != kNotRead)
        out.ground.meter_credited = credit_of_hundredths(act_number(content, "meter_credited").value_or(0));
    out.ground.office_epoch = static_cast<std::uint16_t>(*office_epoch);
    out.ground.open = *open == 1;
    out.ground.contains = static_cast<std::uint32_t>(*contains);
    return out;
}

// From here on it is certain that it may be done.
Answer<BookingsAnswer> book(Db& db, const TicketAnswerOrder& order, const TicketQuestion& question,
                            TicketAnswerDecision decision, const std::string& approved_by, UnixTime now,
                            Changes& changes) {
    auto booked = book_account_change(db, order.order, order_content(order), kAnswerTicket, now, changes,
                                      [&]() -> Answer<AccountDecision> { return std::move(decision.account); });
    if (!booked) return booked;
    db.execute("UPDATE desired SET stopped = 0, accepted_epoch = $2, accepted_number = $3 WHERE household_id = $1",
               {order.household, decision.accepted_epoch, decision.accepted_number});
    db.execute("DELETE FROM ticket_questions WHERE household_id = $1", {order.household});
    const std::string who = order.order.who.user + (approved_by.empty() ? "" : " and " + approved_by);
    close_work_item(db, difference_of(question_item(question)),
                    "answered by " + who + ": the " +
                        (order.answer == TicketAnswer::kTakeMeters ? "meter's" : "office's") + " figure counts",
                    now);
    changes.push_back({Change::Kind::kDesired, order.household.value});
    changes.push_back({Change::Kind::kHousehold, order.household.value});
    return booked;
}

}  // namespace

Answer<BookingsAnswer> answer_ticket_question(Db& db, const TicketAnswerOrder& order, UnixTime now, Changes& changes) {
    auto known = bookings_of_order(db, order.order, order_content(order));
    if (!known) return std::unexpected(std::move(known.error()));
    if (*known) return std::move(**known);
    const auto facts = read_facts(db, order.household, now);
    if (!facts) return std::unexpected(facts.error());
    auto decision = decide_ticket_answer(maker_of(order.order, now), *facts, order.answer, order.contains);
    if (!decision) return std::unexpected(std::move(decision.error()));
    if (auto waits = wait_for_second_person(db, act_of(order, ground_of(*facts, *decision)), order.order.who,
                                            order.order.reason, now))
        return std::unexpected(std::move(*waits));
    return book(db, order, facts->question, std::move(*decision), "", now, changes);
}

Answer<BookingsAnswer> carry_out_ticket_answer(Db& db, const ApprovalRecord& record, UnixTime now, Changes& changes) {
    const auto asked = asked_of(record);
    if (!asked) return std::unexpected(Refusal{Reason::kBadArgument, "The content of the act is incomplete.", 0});
    const auto facts = read_facts(db, asked->order.household, now);
    if (!facts) return std::unexpected(facts.error());
    if (asked->ground.open && !facts->facts.account.open())
        return std::unexpected(*check_ground(asked->ground, ground_of(*facts, {})));
    auto decision =
        decide_ticket_answer(maker_of(asked->order.order, now), *facts, asked->order.answer, asked->order.contains);
    if (!decision) return std::unexpected(std::move(decision.error()));
    if (auto changed = check_ground(asked->ground, ground_of(*facts, *decision)))
        return std::unexpected(std::move(*changed));
    return book(db, asked->order, facts->question, std::move(*decision), record.decided_by.user, now, changes);
}

HouseholdId household_of_answer(const ApprovalRecord& asked) {
    return HouseholdId{act_number(asked.content, "household").value_or(0)};
}

}  // namespace prewatt::server::store
