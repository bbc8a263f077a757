// `prewatt campaign ...`: one order to many, through the office.
//
//   preview SELECTION WISH   what it would change of whom; nothing is done
//   start SELECTION WISH     --reason TEXT needed; --at MILLISECONDS, --daily, --window HH:MM-HH:MM; --yes
//   list, show N             progress and causes
//   members N                each household or box, how far it is and why; --state failed
//   pause N, resume N, cancel N, retry N
//
// SELECTION and WISH are the texts of docs/formats/rest.md: "all", "floor 1 5", "box 2"; "remote_off",
// "alarms 1000 200 0", "setting 2 0 HEX". Exit codes as in office_client.hpp; 7 when the question was answered with no.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct CampaignOptions {
    ServerOptions server;
    std::string action;  // "preview", "start", "list", "show", "members", "pause", "resume", "cancel", "retry"
    std::string selection;
    std::string wish;
    std::int64_t number = 0;
    std::string state;  // of members; empty: all
    std::string reason;
    std::string at;
    bool daily = false;
    std::string window;
    bool yes = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const CampaignOptions& options);

}  // namespace prewatt::cli
