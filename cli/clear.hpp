// `prewatt clear ROOM --reason TEXT`: takes registers and account of a household off its meter, for good; the values
// before go to the meter's log. An act of two people: 5 and the number of the request, until another person approves
// (`prewatt approvals approve`); the same --idempotency-key then answers the job.
//
// Exit codes: 0 ordered; 5 it waits for approval, or was refused by a rule; else office_client.hpp.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct ClearOptions {
    ServerOptions server;
    std::string room;
    std::string reason;
    bool yes = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const ClearOptions& options);

}  // namespace prewatt::cli
