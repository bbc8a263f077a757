// `prewatt relay ROOM on|off`: switches a household through the office and waits until the meter has confirmed.
//
//   ROOM ACTION            room, action      off: the remote hold; on: its end. Other holds stay (no credit ...)
//   --for TIME             span              on: forces power on for so long, whatever holds it (up to 24 h)
//   --reason TEXT          reason            for the journal; needed
//   --wait TIME            wait              10s; 0s: does not wait for the meter
//   --yes, --dry-run, --idempotency-key, -o  as in `prewatt sell`
//
// Exit codes: 0; 4 not confirmed in that time, the office goes on trying; 5 refused by the meter or a rule; else
// office_client.hpp.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct RelayOptions {
    ServerOptions server;
    std::string room;
    std::string action;
    std::string span;
    std::string reason;
    std::string wait = "10s";
    bool yes = false;
    bool dry_run = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const RelayOptions& options);

}  // namespace prewatt::cli
