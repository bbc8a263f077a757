#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // generation, epoch ...: what is known to stand on the card; said_...: what came back on it. No household: a card
    // with rights.
    "CREATE TABLE cards (id {id}, order_id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL, kind BIGINT NOT NULL, household_id "
    "BIGINT REFERENCES households (id), issue BIGINT NOT NULL, state BIGINT NOT NULL, box_number BIGINT NOT "
    "NULL, identity_generation BIGINT NOT NULL DEFAULT 0, generation BIGINT NOT NULL DEFAULT 0, epoch BIGINT NOT NULL "
    "DEFAULT 0, ticket_number BIGINT NOT NULL DEFAULT 0, credited_ckwh BIGINT NOT NULL DEFAULT 0, unit BIGINT NOT NULL "
    "DEFAULT 0, written_at BIGINT, said_generation BIGINT NOT NULL DEFAULT 0, said_epoch BIGINT NOT NULL DEFAULT 0, "
    "said_number BIGINT NOT NULL DEFAULT 0, said_used BIGINT NOT NULL DEFAULT 0, said_remaining BIGINT NOT NULL "
    "DEFAULT "
    "0, said_forward BIGINT NOT NULL DEFAULT 0, said_state BIGINT NOT NULL DEFAULT 0, said_bad_cards BIGINT NOT NULL "
    "DEFAULT 0, said_hints BIGINT NOT NULL DEFAULT 0, swiped_at BIGINT, said_at BIGINT, seen_at BIGINT, issued_at "
    "BIGINT "
    "NOT NULL, issued_by TEXT NOT NULL, replaces BIGINT NOT NULL DEFAULT 0, ended_at BIGINT, why TEXT NOT NULL DEFAULT "
    "'')",
    "CREATE INDEX cards_of_household ON cards (household_id)",
    // One card in use for a household, and one use for a card.
    "CREATE UNIQUE INDEX cards_in_use_of_household ON cards (household_id) WHERE state < 3 AND kind = 1",
    "CREATE UNIQUE INDEX cards_in_use ON cards (uid) WHERE state < 3",
    "CREATE INDEX cards_by_uid ON cards (uid)",
    // Everything that ever left the office for a card; card 0: format of a card that is not known here.
    "CREATE TABLE card_writes (id {id}, order_id TEXT NOT NULL, card_id BIGINT NOT NULL, uid TEXT NOT NULL, kind "
    "BIGINT "
    "NOT NULL, state BIGINT NOT NULL, identity_generation BIGINT NOT NULL, generation BIGINT NOT NULL, epoch BIGINT "
    "NOT "
    "NULL, ticket_number BIGINT NOT NULL, credited_ckwh BIGINT NOT NULL, unit BIGINT NOT NULL, sale_ckwh BIGINT NOT "
    "NULL, sale_number BIGINT NOT NULL, operator_name TEXT NOT NULL, ordered_at BIGINT NOT NULL, done_at BIGINT)",
    "CREATE INDEX card_writes_of_card ON card_writes (card_id, generation)",
    "CREATE INDEX card_writes_of_order ON card_writes (order_id)",
    "sqlite:CREATE TRIGGER card_writes_remain BEFORE DELETE ON card_writes BEGIN SELECT RAISE(ABORT, 'an order of a "
    "card "
    "stays'); END",
    "sqlite:CREATE TRIGGER card_writes_stay BEFORE UPDATE OF order_id, card_id, uid, kind, identity_generation, "
    "generation, epoch, ticket_number, credited_ckwh, unit, sale_ckwh, sale_number, operator_name, ordered_at ON "
    "card_writes BEGIN SELECT RAISE(ABORT, 'an order of a card stays'); END",
    "postgres:CREATE TRIGGER card_writes_remain BEFORE DELETE ON card_writes FOR EACH ROW EXECUTE FUNCTION "
    "refuse_change('an order of a card stays')",
    "postgres:CREATE TRIGGER card_writes_stay BEFORE UPDATE OF order_id, card_id, uid, kind, identity_generation, "
    "generation, epoch, ticket_number, credited_ckwh, unit, sale_ckwh, sale_number, operator_name, ordered_at ON "
    "card_writes FOR EACH ROW EXECUTE FUNCTION refuse_change('an order of a card stays')",
    "CREATE TABLE card_rules (id {key}, may_release_lockout BIGINT NOT NULL)",
    "ALTER TABLE households ADD COLUMN card_issue BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE progress ADD COLUMN card_at BIGINT",
};

}  // namespace

Migration cards_migration() {
    return {"cards: whose they are, what was ordered onto them, what came back", kStatements};
}

}  // namespace prewatt::server::store
