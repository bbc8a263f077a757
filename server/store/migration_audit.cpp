#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // docs/formats/audit.md.
    "CREATE TABLE audit_journal (number {key}, at BIGINT NOT NULL, user_name TEXT NOT NULL, from_address "
    "TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, old_text TEXT NOT NULL, new_text TEXT NOT NULL, "
    "reason TEXT NOT NULL, chain TEXT NOT NULL)",
    "sqlite:CREATE TRIGGER audit_stays BEFORE UPDATE ON audit_journal BEGIN SELECT RAISE(ABORT, 'the journal does not "
    "change'); END",
    "sqlite:CREATE TRIGGER audit_remains BEFORE DELETE ON audit_journal BEGIN SELECT RAISE(ABORT, 'the journal does "
    "not change'); END",
    "postgres:CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the journal "
    "does not change'' USING ERRCODE = ''integrity_constraint_violation''; END'",
    "postgres:CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_journal FOR EACH STATEMENT "
    "EXECUTE FUNCTION audit_stays()",

    // What a person has to look at. state: 1 open, 2 explained by a person while the difference is still there, 3
    // closed. Of one difference at most one item is not closed.
    "CREATE TABLE work_items (id {id}, difference TEXT NOT NULL, kind TEXT NOT NULL, household_id BIGINT NOT NULL, "
    "box_id BIGINT NOT NULL, subject TEXT NOT NULL, state BIGINT NOT NULL, size BIGINT NOT NULL, first_at BIGINT NOT "
    "NULL, last_at BIGINT NOT NULL, times_seen BIGINT NOT NULL, figures TEXT NOT NULL, explanation TEXT NOT NULL, "
    "proposals TEXT NOT NULL, assigned_to TEXT NOT NULL DEFAULT '', resolved_at BIGINT, resolved_by TEXT NOT NULL "
    "DEFAULT '', resolution TEXT NOT NULL DEFAULT '', closed_at BIGINT)",
    "CREATE UNIQUE INDEX work_items_open ON work_items (difference) WHERE state < 3",
    "CREATE INDEX work_items_by_state ON work_items (state, id)",
    "CREATE TABLE work_comments (id {id}, item_id BIGINT NOT NULL REFERENCES work_items (id), at BIGINT NOT NULL, "
    "user_name TEXT NOT NULL, comment TEXT NOT NULL)",
    "CREATE INDEX work_comments_of_item ON work_comments (item_id, id)",
};

}  // namespace

Migration audit_migration() {
    return {"audit journal, approvals, work list", kStatements};
}

}  // namespace prewatt::server::store
