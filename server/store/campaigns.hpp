// Campaigns in the tables: server/domain/campaigns.hpp.
#pragma once
#include <memory>

#include "server/domain/campaigns.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Campaigns> make_campaigns(Engine& engine);

}  // namespace prewatt::server::store
