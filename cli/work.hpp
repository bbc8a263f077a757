// `prewatt work list|show|resolve`: differences that a person has to look at.
// `prewatt reconcile`: compares ledger, meters, statements and head meters now, and prints each difference.
// `prewatt statement CHANNEL FILE --from DAY --to DAY`: takes a channel's statement over (docs/formats/statement.md).
//
// Exit codes: 0 (reconcile: all truths agree); 3 no such item or file; 5 reconcile: there are differences that nobody
// has explained; else office_client.hpp.
#pragma once
#include <cstdint>
#include <filesystem>

#include "cli/office_client.hpp"

namespace prewatt::cli {

struct WorkListOptions {
    ServerOptions server;
    std::string state;  // open, explained, closed; empty: all that are not closed
    std::string kind;
    std::string output = "table";
};
struct WorkShowOptions {
    ServerOptions server;
    std::int64_t number = 0;
    bool json = false;
};
struct WorkResolveOptions {
    ServerOptions server;
    std::int64_t number = 0;
    std::string text;
};
struct ReconcileOptions {
    ServerOptions server;
    bool json = false;
};
struct StatementOptions {
    ServerOptions server;
    std::string channel;
    std::filesystem::path file;
    std::string from;  // 2026-09-23, a day of the office; both days are part of it
    std::string to;
};
[[nodiscard]] int run(const WorkListOptions& options);
[[nodiscard]] int run(const WorkShowOptions& options);
[[nodiscard]] int run(const WorkResolveOptions& options);
[[nodiscard]] int run(const ReconcileOptions& options);
[[nodiscard]] int run(const StatementOptions& options);

}  // namespace prewatt::cli
