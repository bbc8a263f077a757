// `prewatt audit verify`: recomputes the journal's chain over the database itself, without the server.
// `prewatt audit show [NUMBER]`, `prewatt audit head`: its records; number and chain of the newest, to be noted down.
//
//   --db      db        URL of the database, or --data: the folder with prewatt.db (place.hpp)
//   --expect  expect    verify: NUMBER:CHAIN as `head` printed it once, so that a journal cut off at its end is found
//   --canonical         show: the bytes of one record that SHA-256 goes over, and nothing else (docs/formats/audit.md)
//   --json    json
//
// Exit codes: 0 whole; 1 not whole, the database cannot be read; 2 wrong use; 3 no such record.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace prewatt::cli {

struct AuditOptions {
    std::string db;
    std::filesystem::path data = "data";
    bool json = false;
};
struct AuditVerifyOptions : AuditOptions {
    std::string expect;
};
struct AuditShowOptions : AuditOptions {
    std::int64_t number = 0;  // 0: the newest `limit`
    int limit = 50;
    std::string user;
    std::string action;
    std::string subject;
    bool canonical = false;
};
struct AuditHeadOptions : AuditOptions {};
[[nodiscard]] int run(const AuditVerifyOptions& options);
[[nodiscard]] int run(const AuditShowOptions& options);
[[nodiscard]] int run(const AuditHeadOptions& options);

}  // namespace prewatt::cli
