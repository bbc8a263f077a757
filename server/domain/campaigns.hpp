// Orders to many at once: a group, a wish, a schedule, progress, pause, retry of failures (product.md H4).
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

class Campaigns {
  public:
    virtual ~Campaigns() = default;
};

}  // namespace prewatt::server
