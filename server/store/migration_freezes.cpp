#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Since when the household has the meter that it has: what that meter had frozen before belongs to somebody else.
    "ALTER TABLE households ADD COLUMN bound_at BIGINT NOT NULL DEFAULT 0",
    "UPDATE households SET bound_at = COALESCE((SELECT MAX(a.at) FROM audit_journal a WHERE a.action = "
    "'household.change_box' AND "
    "a.subject = 'household ' || CAST(households.id AS TEXT)), 0)",
};

}  // namespace

Migration freezes_migration() {
    return {"freezes: since when a household has its meter", kStatements};
}

}  // namespace prewatt::server::store
