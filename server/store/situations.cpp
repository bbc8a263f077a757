#include "server/store/situations.hpp"

#include "server/domain/orders.hpp"
#include "server/store/accounts.hpp"
#include "server/store/estate.hpp"
#include "server/store/sales.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_QUESTION_SELECT                                                                              \
    "SELECT household_id, situation, asked_at, shown_epoch, shown_number, shown_credited, shown_remaining, " \
    "office_epoch, office_number, office_credited, office_unit, used_known, known_at FROM ticket_questions "

TicketQuestion question_of(const Row& row) {
    TicketQuestion q;
    q.household = row.as<HouseholdId>(0);
    q.situation = row.as<Situation>(1);
    q.asked_at = row.as<UnixTime>(2);
    q.shown.epoch = row.as<std::uint16_t>(3);
    q.shown.ticket_number = row.as<std::uint32_t>(4);
    if (!row.is_null(5)) q.shown.credited = row.as<Credit>(5);
    q.shown.remaining = row.as<Credit>(6);
    q.office = {row.as<std::uint16_t>(7), row.as<std::uint32_t>(8), row.as<Credit>(9), row.as<AccountUnit>(10)};
    q.used_known = row.as<Credit>(11);
    q.known_at = row.as<UnixTime>(12);
    return q;
}

// What the meter shows now of the ticket that is asked about, or of a newer one. An older one is no news of it.
void refresh_question(Db& db, HouseholdId household, const MeterEffect& effect, UnixTime at) {
    auto question = find_ticket_question(db, household);
    if (!question) return;
    const MeterEffect before = question->shown;
    if (is_newer(before.epoch, before.ticket_number, effect.epoch, effect.ticket_number)) return;
    const bool same = before.epoch == effect.epoch && before.ticket_number == effect.ticket_number;
    question->shown = effect;
    if (same && !effect.credited) question->shown.credited = before.credited;
    const auto credited = question->shown.credited;
    db.execute(
        "UPDATE ticket_questions SET shown_epoch = $2, shown_number = $3, shown_credited = $4, shown_remaining = $5 "
        "WHERE household_id = $1",
        {household, effect.epoch, effect.ticket_number, credited ? Value{*credited} : Value{}, effect.remaining});
    if (same && credited == before.credited) return;
    WorkItem item = question_item(*question);
    item.at = at;
    raise_work_item(db, item);
}

}  // namespace

Judgement judge_effect(const KnownAccount& known, UnixTime known_at, const MeterEffect& effect) {
    Judgement judgement;
    judgement.known = known;
    judgement.known_at = known_at;
    judgement.situation = judge_account(known, effect);
    judgement.is_ours =
        known.accepted_epoch != effect.epoch || known.accepted_number != effect.ticket_number || effect.epoch == 0;
    return judgement;
}

void stop_tickets(Db& db, HouseholdId household, const Judgement& judgement, const MeterEffect& effect, UnixTime at,
                  Changes& changes) {
    // What the household has now is shown; what its account was stays, so that nothing is forgotten with the meter.
    // Read in full, it has been judged.
    db.execute(
        "UPDATE meters SET effect_at = $2, remaining_ckwh = CASE WHEN read_at IS NULL OR read_at <= $2 THEN $3 ELSE "
        "remaining_ckwh END, state = CASE WHEN read_at IS NULL OR read_at <= $2 THEN $4 ELSE state END, read_at = CASE "
        "WHEN read_at IS NULL OR read_at <= $2 THEN $2 ELSE read_at END, judged_at = COALESCE($5, judged_at) WHERE "
        "household_id = $1",
        {household, at, effect.remaining, effect.state.bits, effect.credited ? Value{at} : Value{}});
    changes.push_back({Change::Kind::kDesired, household.value});
    changes.push_back({Change::Kind::kHousehold, household.value});
    if (judgement.known.stopped == judgement.situation) return refresh_question(db, household, effect, at);

    TicketQuestion question;
    question.household = household;
    question.situation = judgement.situation;
    question.asked_at = at;
    question.shown = effect;
    question.office = judgement.known.newest;
    question.used_known = judgement.known.used;
    question.known_at = judgement.known_at;
    // A lost memory ends by itself: a new account with what is known to remain, and a person learns how old that is.
    const bool lost = judgement.situation == Situation::kForgotten || judgement.situation == Situation::kUsedLess;
    bool reopened = false;
    if (lost) {
        MoneyOrder order;
        order.order_id = "memory-lost-" + std::to_string(household.value) + "-" + std::to_string(question.office.epoch);
        order.who = {"office", "line"};
        order.reason = "the meter lost its memory";
        reopened = reopen_account(db, order, household, at, changes).has_value();
    }
    db.execute("UPDATE desired SET stopped = $2 WHERE household_id = $1",
               {household, reopened ? Situation::kNone : judgement.situation});
    const Value credited = effect.credited ? Value{*effect.credited} : Value{};
    db.execute("DELETE FROM ticket_questions WHERE household_id = $1", {household});
    if (!reopened)
        db.execute(
            "INSERT INTO ticket_questions (household_id, situation, asked_at, shown_epoch, shown_number, "
            "shown_credited, "
            "shown_remaining, office_epoch, office_number, office_credited, office_unit, used_known, known_at) VALUES "
            "($1, "
            "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            {household, question.situation, at, effect.epoch, effect.ticket_number, credited, effect.remaining,
             question.office.epoch, question.office.number, question.office.credited, question.office.unit,
             question.used_known, question.known_at});
    WorkItem item = question_item(question);
    if (reopened)
        item.proposals = {"Nothing is needed when the figure is good enough: a new account holds it.",
                          "Correct the account by what was used since, when it is known."};
    raise_work_item(db, item);
}

void let_tickets_go(Db& db, HouseholdId household, UnixTime at, Changes& changes) {
    db.query("SELECT situation FROM ticket_questions WHERE household_id = $1", {household}, [&](const Row& row) {
        WorkItem item;
        item.kind = "ticket_" + std::string(word(row.as<Situation>(0)));
        item.household = household;
        close_work_item(db, difference_of(item), "the meter shows again what was issued", at);
    });
    db.execute("UPDATE desired SET stopped = 0 WHERE household_id = $1", {household});
    db.execute("DELETE FROM ticket_questions WHERE household_id = $1", {household});
    changes.push_back({Change::Kind::kDesired, household.value});
}

WorkItem question_item(const TicketQuestion& question) {
    WorkItem item;
    item.kind = "ticket_" + std::string(word(question.situation));
    item.household = question.household;
    item.at = question.asked_at;
    item.figures = figures(question);
    item.explanation = explain(question);
    const Credit shown_total = question.shown.credited.value_or(question.shown.remaining + question.used_known);
    item.size = in_hundredths(shown_total - question.office.credited, Round::kDown);
    item.proposals = {proposal(question, TicketAnswer::kTakeMeters), proposal(question, TicketAnswer::kTakeOffices)};
    return item;
}

std::optional<TicketQuestion> find_ticket_question(Db& db, HouseholdId household) {
    std::optional<TicketQuestion> question;
    db.query(PREWATT_QUESTION_SELECT "WHERE household_id = $1", {household},
             [&](const Row& row) { question = question_of(row); });
    return question;
}

Answer<std::vector<TicketQuestion>> read_ticket_questions(Db& db) {
    std::vector<TicketQuestion> questions;
    db.query(PREWATT_QUESTION_SELECT "ORDER BY asked_at, household_id", {},
             [&](const Row& row) { questions.push_back(question_of(row)); });
    return checked(db, std::move(questions));
}

}  // namespace prewatt::server::store
