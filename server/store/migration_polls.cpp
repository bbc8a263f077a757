#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Asked every few minutes, or seconds, of what is nearly always none: which closings still want their freeze, which
    // campaigns are under way. Without these every closing of a year is looked at, and every campaign that ever was.
    // 3: Quality::kFrozen, CampaignState::kPaused.
    "CREATE INDEX closings_without_freeze ON closings (month) WHERE version = 1 AND quality < 3",
    "CREATE INDEX campaigns_under_way ON campaigns (id) WHERE state < 3",
};

}  // namespace

Migration polls_migration() {
    return {"what is asked again and again: found without walking through what is done", kStatements};
}

}  // namespace prewatt::server::store
