// What changes an account besides a sale: grants, refunds and their payout, corrections, settlement at check-out,
// room change, change of box, closing; price plans; cash drawers; payers. Decisions are pure and stand beside it.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

class Accounts {
  public:
    virtual ~Accounts() = default;
};

}  // namespace prewatt::server
