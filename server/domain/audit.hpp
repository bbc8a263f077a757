// The journal of who did what, from where, when, why, old and new; chained by hashes (product.md H9). And what needs
// two people.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

// One act. `subject` names what it was done to ("household 12", "price plan 3"); before and after are short texts that
// a person reads, empty where there is nothing to say. `chain` is the hash over this record and the chain of the one
// before.
struct AuditRecord {
    std::int64_t number = 0;  // 1.. without gaps
    UnixTime at;
    Actor who;
    std::string action;  // "sale.refund", "household.relay_off": subject first, verb last
    std::string subject;
    std::string before;
    std::string after;
    std::string reason;
    std::string chain;
};

class Audit {
  public:
    virtual ~Audit() = default;
};

}  // namespace prewatt::server
