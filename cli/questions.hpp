// `prewatt questions list|answer`: accounts whose tickets are stopped until it is decided which total counts, the
// meter's or the office's (docs/decisions/0011-reconciling-desired-and-actual.md). The answer is an act of two people:
// `prewatt approvals approve` carries it out.
//
//   ROOM          room      as printed on the door, or BOX:HOUSEHOLD
//   ANSWER        answer    meters, offices
//   --contains    contains  meters: the meter's total holds what the office has sold up to this ticket; what was sold
//                           later comes on top
//   --reason      reason    for the journal
//   --yes                   does not ask
//
// Exit codes: 0; 3 no such room, or nothing is asked about it; 5 refused by a rule, or it waits for a second person;
// else office_client.hpp.
#pragma once
#include <cstdint>

#include "cli/office_client.hpp"

namespace prewatt::cli {

struct QuestionsListOptions {
    ServerOptions server;
    std::string output = "table";
};
struct QuestionsAnswerOptions {
    ServerOptions server;
    std::string room;
    std::string answer;
    std::int64_t contains = -1;  // -1: not said
    std::string reason;
    bool yes = false;
    std::string idempotency_key;
};
[[nodiscard]] int run(const QuestionsListOptions& options);
[[nodiscard]] int run(const QuestionsAnswerOptions& options);

}  // namespace prewatt::cli
