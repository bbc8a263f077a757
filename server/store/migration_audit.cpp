#include "server/store/migrations.hpp"

namespace prewatt::server::store {

Migration audit_migration() {
    return {"audit journal, approvals, work list", {}};
}

}  // namespace prewatt::server::store
