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

    "CREATE INDEX audit_by_subject ON audit_journal (subject, number)",

    // Acts of two people: the row of a request, whose act never changes; state: 1 waiting, 2 done, 3 refused, 4 failed.
    "CREATE TABLE approvals (id {id}, kind BIGINT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, content TEXT "
    "NOT NULL, content_hash TEXT NOT NULL, asked_by TEXT NOT NULL, asked_from TEXT NOT NULL, reason TEXT NOT NULL, "
    "asked_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, state BIGINT NOT NULL, decided_by TEXT NOT NULL DEFAULT '', "
    "decided_from TEXT NOT NULL DEFAULT '', decided_at BIGINT, outcome TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX approvals_by_content ON approvals (content_hash)",
    "sqlite:CREATE TRIGGER approvals_stay BEFORE UPDATE OF kind, action, subject, content, content_hash, asked_by, "
    "asked_from, reason, asked_at, expires_at ON approvals BEGIN SELECT RAISE(ABORT, 'a request does not change'); END",
    "sqlite:CREATE TRIGGER approvals_remain BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'a request does not "
    "change'); END",
    "postgres:CREATE FUNCTION approvals_stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a request "
    "does not change'' USING ERRCODE = ''integrity_constraint_violation''; END'",
    "postgres:CREATE TRIGGER approvals_stay BEFORE UPDATE OF kind, action, subject, content, content_hash, asked_by, "
    "asked_from, reason, asked_at, expires_at ON approvals FOR EACH STATEMENT EXECUTE FUNCTION approvals_stay()",
    "postgres:CREATE TRIGGER approvals_remain BEFORE DELETE OR TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE "
    "FUNCTION approvals_stay()",
    "CREATE TABLE approval_rules (id {key}, two_people BIGINT NOT NULL, refund_max_fen BIGINT NOT NULL, households_max "
    "BIGINT NOT NULL, valid_min BIGINT NOT NULL)",

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

    // Reconciliation: what each account is measured against, statements of channels, head meters, when a pass began.
    "CREATE TABLE reconcile_bases (household_id {key}, epoch BIGINT NOT NULL, at BIGINT NOT NULL, forward_ckwh BIGINT "
    "NOT NULL, remaining_ckwh BIGINT NOT NULL, credited_ckwh BIGINT NOT NULL, since_ckwh BIGINT NOT NULL)",
    "CREATE TABLE statement_lines (channel BIGINT NOT NULL, reference TEXT NOT NULL, kind BIGINT NOT NULL, order_id "
    "TEXT NOT NULL, at BIGINT NOT NULL, amount_fen BIGINT NOT NULL, PRIMARY KEY (channel, reference, kind))",
    "CREATE INDEX statement_lines_by_time ON statement_lines (channel, at)",
    "CREATE INDEX statement_lines_by_order ON statement_lines (order_id)",
    "CREATE TABLE statement_spans (channel BIGINT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, user_name "
    "TEXT NOT NULL, imported_at BIGINT NOT NULL, PRIMARY KEY (channel, from_at, to_at))",
    "CREATE INDEX bookings_by_time ON bookings (booked_at)",
    "CREATE TABLE head_readings (building_id BIGINT NOT NULL REFERENCES buildings (id), at BIGINT NOT NULL, "
    "forward_ckwh BIGINT NOT NULL, PRIMARY KEY (building_id, at))",
    "CREATE TABLE reconcile_state (id {key}, begun_at BIGINT NOT NULL)",
};

}  // namespace

Migration audit_migration() {
    return {"audit journal, approvals, work list", kStatements};
}

}  // namespace prewatt::server::store
