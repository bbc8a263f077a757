#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Once for each version: the tries and lock-out of the guards forgotten; the household cleared.
    "ALTER TABLE desired ADD COLUMN reset_version BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN reset_reached BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN clear_version BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN clear_reached BIGINT NOT NULL DEFAULT 0",
    // Why no ticket goes (Situation), the ticket of the meter that was decided upon, the account that was cleared.
    "ALTER TABLE desired ADD COLUMN stopped BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN accepted_epoch BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN accepted_number BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE desired ADD COLUMN cleared_epoch BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE ticket_questions (household_id INTEGER PRIMARY KEY REFERENCES households (id), situation BIGINT NOT "
    "NULL, asked_at BIGINT NOT NULL, shown_epoch BIGINT NOT NULL, shown_number BIGINT NOT NULL, shown_credited BIGINT, "
    "shown_remaining BIGINT NOT NULL, office_epoch BIGINT NOT NULL, office_number BIGINT NOT NULL, office_credited "
    "BIGINT NOT NULL, office_unit BIGINT NOT NULL, used_known BIGINT NOT NULL, known_at BIGINT NOT NULL)",

    // Bytes of one setting that a household (owner_kind 1) or a box (2) shall have; hexadecimal.
    "CREATE TABLE setting_wishes (owner_kind BIGINT NOT NULL, owner_id BIGINT NOT NULL, setting_id BIGINT NOT NULL, "
    "setting_index BIGINT NOT NULL, version BIGINT NOT NULL, reached BIGINT NOT NULL DEFAULT 0, bytes TEXT NOT NULL, "
    "desired_at BIGINT NOT NULL, reached_at BIGINT, failed BIGINT NOT NULL DEFAULT 0, last_problem TEXT NOT NULL "
    "DEFAULT '', PRIMARY KEY (owner_kind, owner_id, setting_id, setting_index))",
    "CREATE TABLE setting_proofs (box_id BIGINT NOT NULL REFERENCES boxes (id), number_in_box BIGINT NOT NULL, "
    "check_sum BIGINT NOT NULL, proved_at BIGINT NOT NULL, PRIMARY KEY (box_id, number_in_box))",
    // A setting that was right and was found changed at the meter; it is driven back.
    "CREATE TABLE setting_drifts (id {id}, at BIGINT NOT NULL, owner_kind BIGINT NOT NULL, owner_id BIGINT NOT NULL, "
    "setting_id BIGINT NOT NULL, setting_index BIGINT NOT NULL, found TEXT NOT NULL, desired TEXT NOT NULL)",

    "CREATE TABLE household_groups (id {id}, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE household_group_members (group_id BIGINT NOT NULL REFERENCES household_groups (id), household_id "
    "BIGINT NOT NULL REFERENCES households (id), PRIMARY KEY (group_id, household_id))",

    // An order to many. `selection` and `wish` are texts of their own (docs/formats/database.md); expanded_to: members
    // up to this household (or box) have been made, in order of id.
    "CREATE TABLE campaigns (id {id}, order_id TEXT NOT NULL UNIQUE, selection TEXT NOT NULL, wish TEXT NOT NULL, "
    "state BIGINT NOT NULL, start_at BIGINT NOT NULL, daily BIGINT NOT NULL, window_from BIGINT NOT NULL, window_to "
    "BIGINT NOT NULL, expanded_to BIGINT NOT NULL DEFAULT 0, expanded BIGINT NOT NULL DEFAULT 0, parent_id BIGINT, "
    "created_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT, operator_name TEXT NOT NULL, approved_by TEXT NOT "
    "NULL DEFAULT '', reason TEXT NOT NULL)",
    "CREATE INDEX campaigns_by_state ON campaigns (state)",
    // state: 1 ordered, 2 was so already, 3 cannot. Ordered: how far it is stands in the job, or in the setting's wish.
    "CREATE TABLE campaign_members (campaign_id BIGINT NOT NULL REFERENCES campaigns (id), member_id BIGINT NOT NULL, "
    "state BIGINT NOT NULL, job_id BIGINT, version BIGINT NOT NULL DEFAULT 0, tries BIGINT NOT NULL DEFAULT 0, "
    "problem TEXT NOT NULL DEFAULT '', PRIMARY KEY (campaign_id, member_id))",
};

}  // namespace

Migration desired_migration() {
    return {"desired settings, groups, campaigns", kStatements};
}

}  // namespace prewatt::server::store
