#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // content: as the act of two people has it; parameters: of a set-up card, as it was sealed.
    "CREATE TABLE warrants (id {id}, order_id TEXT NOT NULL UNIQUE, content TEXT NOT NULL, asked_by TEXT NOT NULL, "
    "asked_from TEXT NOT NULL, agreed_by TEXT NOT NULL, reason TEXT NOT NULL, asked_at BIGINT NOT NULL, withdrawn_at "
    "BIGINT, card_id BIGINT NOT NULL DEFAULT 0, parameters TEXT NOT NULL DEFAULT '', parameters_left BIGINT NOT NULL "
    "DEFAULT 0)",
    "CREATE INDEX warrants_of_card ON warrants (card_id)",
    // What was sealed never changes; what the box said of it is written beside.
    "CREATE TABLE card_rights (card_id BIGINT NOT NULL REFERENCES cards (id), place BIGINT NOT NULL, box_number BIGINT "
    "NOT NULL, household_id BIGINT NOT NULL, number_in_box BIGINT NOT NULL, sequence BIGINT NOT NULL, from_at BIGINT "
    "NOT NULL, until_at BIGINT NOT NULL, said_sequence BIGINT, said_code BIGINT NOT NULL DEFAULT 0, said_at BIGINT, "
    "told_at BIGINT, PRIMARY KEY (card_id, place), UNIQUE (box_number, sequence))",
    "sqlite:CREATE TRIGGER card_rights_remain BEFORE DELETE ON card_rights BEGIN SELECT RAISE(ABORT, 'a right of a "
    "card stays'); END",
    "sqlite:CREATE TRIGGER card_rights_stay BEFORE UPDATE OF card_id, place, box_number, household_id, number_in_box, "
    "sequence, from_at, until_at ON card_rights BEGIN SELECT RAISE(ABORT, 'a right of a card stays'); END",
    "postgres:CREATE TRIGGER card_rights_remain BEFORE DELETE ON card_rights FOR EACH ROW EXECUTE FUNCTION "
    "refuse_change('a right of a card stays')",
    "postgres:CREATE TRIGGER card_rights_stay BEFORE UPDATE OF card_id, place, box_number, household_id, "
    "number_in_box, sequence, from_at, until_at ON card_rights FOR EACH ROW EXECUTE FUNCTION refuse_change('a right of "
    "a card stays')",
};

}  // namespace

Migration warrants_migration() {
    return {"cards with rights: what was agreed upon, what each right is, what the box said", kStatements};
}

}  // namespace prewatt::server::store
