#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // One limit for money that one person gives out. It stood twice, and the smaller one held.
    "INSERT INTO approval_rules (id, two_people, refund_max_fen, households_max, valid_min) SELECT 1, 1, "
    "alone_max_fen, "
    "50, 4320 FROM site WHERE alone_max_fen < 20000 ON CONFLICT (id) DO NOTHING",
    "UPDATE approval_rules SET refund_max_fen = (SELECT alone_max_fen FROM site WHERE id = 1) WHERE refund_max_fen > "
    "(SELECT alone_max_fen FROM site WHERE id = 1)",
    "ALTER TABLE site DROP COLUMN alone_max_fen",
    "CREATE INDEX approvals_by_state ON approvals (state, expires_at)",

    // Who is reached, as it was when the campaign was started (a group that no page shows; NULL: begun before this
    // step, whoever is selected then). settled_to: members up to this one no longer wait.
    "ALTER TABLE campaigns ADD COLUMN members_group BIGINT",
    "ALTER TABLE campaigns ADD COLUMN settled_to BIGINT NOT NULL DEFAULT 0",
};

}  // namespace

Migration two_people_migration() {
    return {"one limit of what one person may do; campaigns reach who was selected", kStatements};
}

}  // namespace prewatt::server::store
