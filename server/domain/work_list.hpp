// Differences between ledger, meter and channel that a person has to look at; never mended silently.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

class WorkList {
  public:
    virtual ~WorkList() = default;
};

}  // namespace prewatt::server
