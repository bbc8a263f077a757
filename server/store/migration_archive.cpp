#include "server/store/migrations.hpp"

namespace prewatt::server::store {

Migration archive_migration() {
    return {"readings by month, roll-ups, closings", {}};
}

}  // namespace prewatt::server::store
