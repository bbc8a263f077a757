// The recognised situations in the tables: judges what a meter showed (server/domain/reconcile.hpp), stops tickets
// where it must, and asks a person (ticket_answers.hpp carries out the answer). All on the writing connection, inside
// the caller's transaction.
#pragma once
#include "server/domain/reconcile.hpp"
#include "server/domain/work_list.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

struct Judgement {
    Situation situation = Situation::kNone;
    KnownAccount known;
    UnixTime known_at;    // of known.used
    bool is_ours = true;  // false: a foreign ticket that was decided upon
};
[[nodiscard]] Judgement judge_effect(const KnownAccount& known, UnixTime known_at, const MeterEffect& effect);

// No ticket goes any more; the meters row keeps what was known of the account before. A question is asked once, and
// brought up to date by what the meter shows later.
void stop_tickets(Db& db, HouseholdId household, const Judgement& judgement, const MeterEffect& effect, UnixTime at,
                  Changes& changes);
// The meter shows again what it should.
void let_tickets_go(Db& db, HouseholdId household, UnixTime at, Changes& changes);

[[nodiscard]] std::optional<TicketQuestion> find_ticket_question(Db& db, HouseholdId household);
[[nodiscard]] WorkItem question_item(const TicketQuestion& question);
[[nodiscard]] Answer<std::vector<TicketQuestion>> read_ticket_questions(Db& db);

}  // namespace prewatt::server::store
