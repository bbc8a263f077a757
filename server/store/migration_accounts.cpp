#include "server/store/migrations.hpp"

namespace prewatt::server::store {

Migration accounts_migration() {
    return {"accounts: grants, refunds, drawers, price plans", {}};
}

}  // namespace prewatt::server::store
