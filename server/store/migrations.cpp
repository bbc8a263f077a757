#include "server/store/migrations.hpp"

#include <algorithm>
#include <array>

namespace prewatt::server::store {
namespace {

// Money in fen, energy in hundredths of a kWh, price in 1/10,000 yuan per kWh, times in ms since 1970 UTC.
constexpr const char* kFirst[] = {
    "CREATE TABLE site (id {key}, name TEXT NOT NULL, sale_max_fen BIGINT NOT NULL, "
    "held_max_ckwh BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE prices (id {id}, at BIGINT NOT NULL, price_e4 BIGINT NOT NULL CHECK (price_e4 >= 0), "
    "operator_name TEXT NOT NULL)",

    "CREATE TABLE users (id {id}, user_name TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role BIGINT NOT "
    "NULL, "
    "disabled BIGINT NOT NULL DEFAULT 0, password_hash TEXT NOT NULL)",
    "CREATE TABLE sign_in_failures (user_name TEXT PRIMARY KEY, wrong BIGINT NOT NULL, last_at BIGINT NOT NULL, "
    "locked_until BIGINT NOT NULL DEFAULT 0)",
    "CREATE TABLE sessions (token_hash TEXT PRIMARY KEY, user_id BIGINT NOT NULL REFERENCES users (id), "
    "created_at BIGINT NOT NULL, used_at BIGINT NOT NULL)",

    "CREATE TABLE buildings (id {id}, name TEXT NOT NULL)",
    "CREATE TABLE rooms (id {id}, building_id BIGINT NOT NULL REFERENCES buildings (id), label TEXT NOT "
    "NULL, "
    "floor BIGINT NOT NULL, UNIQUE (building_id, label))",
    "CREATE TABLE lines (id {id}, name TEXT NOT NULL, url TEXT NOT NULL)",
    "CREATE TABLE boxes (id {id}, number BIGINT NOT NULL UNIQUE, line_id BIGINT NOT NULL REFERENCES "
    "lines (id), "
    "wiring BIGINT NOT NULL, counter_next BIGINT NOT NULL DEFAULT 1, answering BIGINT NOT NULL DEFAULT 0, "
    "last_seen_at BIGINT, values_at BIGINT, flags BIGINT NOT NULL DEFAULT 0, clock_at BIGINT)",
    "CREATE INDEX boxes_of_line ON boxes (line_id)",
    "CREATE TABLE households (id {id}, room_id BIGINT NOT NULL UNIQUE REFERENCES rooms (id), "
    "resident TEXT NOT NULL DEFAULT '', box_id BIGINT REFERENCES boxes (id), number_in_box BIGINT, "
    "closed BIGINT NOT NULL DEFAULT 0, UNIQUE (box_id, number_in_box))",

    // What the office wants of each household beside the ticket, which is the newest booking.
    "CREATE TABLE desired (household_id {key} REFERENCES households (id), "
    "remote_version BIGINT NOT NULL DEFAULT 0, remote_reached BIGINT NOT NULL DEFAULT 0, remote_off BIGINT NOT NULL "
    "DEFAULT 0, "
    "force_version BIGINT NOT NULL DEFAULT 0, force_reached BIGINT NOT NULL DEFAULT 0, force_until BIGINT NOT NULL "
    "DEFAULT 0, "
    "force_overruled BIGINT NOT NULL DEFAULT 0, "
    "acknowledge_version BIGINT NOT NULL DEFAULT 0, acknowledge_reached BIGINT NOT NULL DEFAULT 0, "
    "alarms_version BIGINT NOT NULL DEFAULT 0, alarms_reached BIGINT NOT NULL DEFAULT 0, low_ckwh BIGINT NOT NULL "
    "DEFAULT 0, "
    "cutoff_ckwh BIGINT NOT NULL DEFAULT 0, overdraft_ckwh BIGINT NOT NULL DEFAULT 0)",
    // What the meter showed last.
    "CREATE TABLE meters (household_id {key} REFERENCES households (id), read_at BIGINT, "
    "forward_ckwh BIGINT NOT NULL DEFAULT 0, remaining_ckwh BIGINT NOT NULL DEFAULT 0, state BIGINT NOT NULL DEFAULT "
    "0, "
    "effect_at BIGINT NOT NULL DEFAULT 0, epoch BIGINT NOT NULL DEFAULT 0, ticket_number BIGINT NOT NULL DEFAULT 0, "
    "lit_number BIGINT NOT NULL DEFAULT 0, used_ckwh BIGINT NOT NULL DEFAULT 0)",

    // Every change of a credited total is one booking under the next ticket number; `entries` are its entries in the
    // ledger, numbered booking * 8 + 0, 1, 2. paid_total_fen and entries_total: of the household up to and with this
    // booking.
    "CREATE TABLE bookings (id {key}, kind BIGINT NOT NULL, order_id TEXT NOT NULL UNIQUE, "
    "household_id BIGINT NOT NULL REFERENCES households (id), amount_fen BIGINT NOT NULL, energy_ckwh BIGINT NOT NULL, "
    "price_e4 BIGINT NOT NULL, remainder_e4 BIGINT NOT NULL, channel BIGINT NOT NULL, operator_name TEXT NOT NULL, "
    "epoch BIGINT NOT NULL, ticket_number BIGINT NOT NULL, credited_ckwh BIGINT NOT NULL, paid_total_fen BIGINT NOT "
    "NULL, "
    "entries_total BIGINT NOT NULL, accepted_at BIGINT NOT NULL, booked_at BIGINT NOT NULL, "
    "UNIQUE (household_id, epoch, ticket_number))",
    "CREATE TABLE entries (id {key}, from_account BIGINT NOT NULL, to_account BIGINT NOT NULL, "
    "unit BIGINT NOT NULL, amount BIGINT NOT NULL CHECK (amount > 0), number BIGINT NOT NULL, "
    "paid_total_fen BIGINT NOT NULL, credited_total_ckwh BIGINT NOT NULL)",
    "sqlite:CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger does not "
    "change'); END",
    "sqlite:CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger does not "
    "change'); "
    "END",
    "sqlite:CREATE TRIGGER bookings_stay BEFORE UPDATE ON bookings BEGIN SELECT RAISE(ABORT, 'a booking does not "
    "change'); "
    "END",
    "sqlite:CREATE TRIGGER bookings_remain BEFORE DELETE ON bookings BEGIN SELECT RAISE(ABORT, 'a booking does not "
    "change'); "
    "END",
    "postgres:CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
    "RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $body$",
    "postgres:CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON entries FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change('the ledger does not change')",
    "postgres:CREATE TRIGGER entries_remain BEFORE TRUNCATE ON entries FOR EACH STATEMENT "
    "EXECUTE FUNCTION refuse_change('the ledger does not change')",
    "postgres:CREATE TRIGGER bookings_stay BEFORE UPDATE OR DELETE ON bookings FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change('a booking does not change')",
    "postgres:CREATE TRIGGER bookings_remain BEFORE TRUNCATE ON bookings FOR EACH STATEMENT "
    "EXECUTE FUNCTION refuse_change('a booking does not change')",
    "CREATE TABLE progress (booking_id {key} REFERENCES bookings (id), sent_at BIGINT, confirmed_at "
    "BIGINT, "
    "lit_at BIGINT, attempts BIGINT NOT NULL DEFAULT 0, last_problem TEXT NOT NULL DEFAULT '')",

    "CREATE TABLE jobs (id {id}, order_id TEXT NOT NULL UNIQUE, "
    "household_id BIGINT NOT NULL REFERENCES households (id), part BIGINT NOT NULL, kind TEXT NOT NULL, "
    "content TEXT NOT NULL, version BIGINT NOT NULL, state BIGINT NOT NULL, created_at BIGINT NOT NULL, confirmed_at "
    "BIGINT, "
    "attempts BIGINT NOT NULL DEFAULT 0, last_problem TEXT NOT NULL DEFAULT '', operator_name TEXT NOT NULL, "
    "reason TEXT NOT NULL)",
    "CREATE INDEX jobs_of_household ON jobs (household_id)",
    "CREATE TABLE readings (household_id BIGINT NOT NULL REFERENCES households (id), at BIGINT NOT NULL, "
    "forward_ckwh BIGINT NOT NULL, remaining_ckwh BIGINT NOT NULL, state BIGINT NOT NULL, "
    "PRIMARY KEY (household_id, at)){compact}",
};

const std::array<Migration, 14> kMigrations{{
    {"estate, money, desired state, readings, users", kFirst},
    audit_migration(),
    accounts_migration(),
    desired_migration(),
    archive_migration(),
    refunds_migration(),
    two_people_migration(),
    freezes_migration(),
    cards_migration(),
    proved_use_migration(),
    refund_searches_migration(),
    warrants_migration(),
    polls_migration(),
    flushes_migration(),
}};

}  // namespace

int newest_migration() {
    return static_cast<int>(kMigrations.size());
}

int applied_migration(Db& db) {
    int number = 0;
    if (db.has_table("migrations"))
        db.query("SELECT COALESCE(MAX(number), 0) FROM migrations", {},
                 [&](const Row& row) { number = row.as<int>(0); });
    return number;
}

std::optional<DbFailure> migrate(Db& db, UnixTime now, int last) {
    if (last == 0) last = newest_migration();
    db.begin_write();
    db.define("CREATE TABLE IF NOT EXISTS migrations (number {key}, name TEXT NOT NULL, applied_at BIGINT NOT NULL)");
    for (int number = applied_migration(db) + 1; number <= last && db.ok(); ++number) {
        const Migration& step = kMigrations[static_cast<std::size_t>(number - 1)];
        for (const char* statement : step.statements)
            db.define(statement);
        db.execute("INSERT INTO migrations (number, name, applied_at) VALUES ($1, $2, $3)", {number, step.name, now});
    }
    db.mark_version(std::max(last, applied_migration(db)));
    if (db.ok() && db.commit()) return std::nullopt;
    DbFailure why = *db.failure();
    db.rollback();
    return why;
}

}  // namespace prewatt::server::store
