// `prewatt sell ROOM --yuan 100`: sells electricity through the office, waits until the meter has confirmed, prints the
// receipt.
//
//   ROOM                   room              "3-0512", or BOX:HOUSEHOLD
//   --yuan N               yuan              100, 100.50
//   --pay WORD             pay               cash, transfer, other
//   --payer NAME           payer             a resident of the room, by name or number: who pays
//   --drawer NAME          drawer            the open cash drawer that the money goes into, by name or number
//   --wait TIME            wait              10s; 0s: does not wait for the meter
//   --yes                  yes               does not ask
//   --dry-run              dry_run           says what would be sold, books nothing
//   --idempotency-key KEY  idempotency_key   the same key never sells twice
//   -o WORD                output            table, json, csv
//
// Exit codes: 0 confirmed (with --wait 0s: booked); 4 booked, but the meter has not answered in that time: it gets its
// ticket as soon as it does, nothing is to be repeated; 2, 3, 5, 6, 8, 9 as in office_client.hpp: nothing was sold.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct SellOptions {
    ServerOptions server;
    std::string room;
    std::string yuan;
    std::string pay = "cash";
    std::string payer;
    std::string drawer;
    std::string wait = "10s";
    bool yes = false;
    bool dry_run = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const SellOptions& options);

}  // namespace prewatt::cli
