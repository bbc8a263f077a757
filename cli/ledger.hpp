// `prewatt refund` and `prewatt ledger show`: money at the desk, over the office's REST interface.
//
// A refund takes credit out of the account and says what is owed; it is paid (page, or POST /bookings/{id}/payout) when
// the meter has confirmed. `ledger show` lists the bookings of a room, newest first.
//
// Exit codes: as in office_client.hpp; 5: refused by a rule, nothing was done.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct RefundOptions {
    ServerOptions server;
    std::int64_t sale = 0;
    std::string yuan;  // empty: all that is left of it
    std::string reason;
    bool yes = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const RefundOptions& options);

struct LedgerShowOptions {
    ServerOptions server;
    std::string room;
    int limit = 50;
    std::string output = "table";
};
[[nodiscard]] int run(const LedgerShowOptions& options);

}  // namespace prewatt::cli
