// Readings kept: every sweep for a while, then by hour, day and month; closings; reports (product.md H3).
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

class Archive {
  public:
    virtual ~Archive() = default;
};

}  // namespace prewatt::server
