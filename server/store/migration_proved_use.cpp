#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Use and register of the account as it was last read in full, of one instant: what later readings tell of use is
    // measured from there (server/domain/reconcile.hpp, explains_use). Epoch 0: not read in full since.
    "ALTER TABLE meters ADD COLUMN proved_epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE meters ADD COLUMN proved_used_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE meters ADD COLUMN proved_forward_ckwh BIGINT NOT NULL DEFAULT 0",
    // Up to when accounts that were read in full have been judged. Another effect that came past one is no judgement.
    "ALTER TABLE meters ADD COLUMN judged_at BIGINT NOT NULL DEFAULT 0",
};

}  // namespace

Migration proved_use_migration() {
    return {"meters: what the account proved when it was read in full", kStatements};
}

}  // namespace prewatt::server::store
