// Differences between ledger, meter and channel that a person has to look at; never mended silently.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

// One item of work: what was found, with its figures and what may be done about it. Raised again for the same kind and
// subject while it is open, it is brought up to date and not doubled.
struct WorkItem {
    std::string kind;       // "ticket_ahead", "setting_changed_at_meter"
    HouseholdId household;  // 0: of a box or of nothing
    BoxId box;
    UnixTime at;
    std::string figures;
    std::string explanation;
    std::vector<std::string> proposals;
};

class WorkList {
  public:
    virtual ~WorkList() = default;
};

}  // namespace prewatt::server
