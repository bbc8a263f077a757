// The answer to a ticket question in the tables (server/domain/ticket_answer.hpp): what is decided upon, the second
// person, the bookings, and that tickets go again. On the writing connection, inside the caller's transaction.
#pragma once
#include "server/domain/accounts.hpp"
#include "server/domain/approvals.hpp"
#include "server/domain/ticket_answer.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

inline constexpr const char* kAnswerTicket = "ticket.answer";  // as in the journal and in requests for approval

[[nodiscard]] Answer<BookingsAnswer> answer_ticket_question(Db& db, const TicketAnswerOrder& order, UnixTime now,
                                                            Changes& changes);
// What an approved request says; refused when meter or account are no longer what was decided upon.
[[nodiscard]] Answer<BookingsAnswer> carry_out_ticket_answer(Db& db, const ApprovalRecord& asked, UnixTime now,
                                                             Changes& changes);
// The household of the content of such a request.
[[nodiscard]] HouseholdId household_of_answer(const ApprovalRecord& asked);

}  // namespace prewatt::server::store
