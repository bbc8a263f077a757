#include "server/store/campaigns.hpp"

namespace prewatt::server::store {
namespace {

class CampaignsOnDb final : public Campaigns {
  public:
    explicit CampaignsOnDb(Engine& engine) : engine_(engine) {}

  private:
    [[maybe_unused]] Engine& engine_;
};

}  // namespace

std::unique_ptr<Campaigns> make_campaigns(Engine& engine) {
    return std::make_unique<CampaignsOnDb>(engine);
}

}  // namespace prewatt::server::store
