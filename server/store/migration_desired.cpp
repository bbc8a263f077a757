#include "server/store/migrations.hpp"

namespace prewatt::server::store {

Migration desired_migration() {
    return {"desired settings, groups, campaigns", {}};
}

}  // namespace prewatt::server::store
