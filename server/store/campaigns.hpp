// Campaigns in the tables: server/domain/campaigns.hpp.
#pragma once
#include <memory>

#include "server/domain/campaigns.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Members that one transaction of advance() reaches: a mass action must not keep a sale waiting.
inline constexpr int kCampaignChunk = 64;

[[nodiscard]] std::unique_ptr<Campaigns> make_campaigns(Engine& engine);

}  // namespace prewatt::server::store
