// `prewatt approvals list|approve|refuse`: acts that wait for a second person (docs/decisions/0013-two-people.md).
//
//   NUMBER    number     of the request
//   --state   state      list: waiting, done, refused, failed, expired, or all
//   --reason  reason     refuse
//   --yes                does not ask
//
// Exit codes: 0; 3 no such request; 5 refused by a rule, or approved and could not be carried out; else
// office_client.hpp.
#pragma once
#include <cstdint>

#include "cli/office_client.hpp"

namespace prewatt::cli {

struct ApprovalsListOptions {
    ServerOptions server;
    std::string state = "waiting";
    std::string output = "table";
};
struct ApprovalsDecideOptions {
    ServerOptions server;
    std::int64_t number = 0;
    bool approve = false;
    std::string reason;
    bool yes = false;
    std::string output = "table";
};
[[nodiscard]] int run(const ApprovalsListOptions& options);
[[nodiscard]] int run(const ApprovalsDecideOptions& options);

}  // namespace prewatt::cli
