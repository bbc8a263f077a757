#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

// Money that moves without a ticket: each row is one entry of the ledger by itself.
#define PREWATT_STAYS(table, words)                                                                                \
    "sqlite:CREATE TRIGGER " table "_stay BEFORE UPDATE ON " table " BEGIN SELECT RAISE(ABORT, '" words "'); END", \
        "sqlite:CREATE TRIGGER " table "_remain BEFORE DELETE ON " table " BEGIN SELECT RAISE(ABORT, '" words      \
        "'); END",                                                                                                 \
        "postgres:CREATE TRIGGER " table "_stay BEFORE UPDATE OR DELETE ON " table                                 \
        " FOR EACH ROW EXECUTE FUNCTION refuse_change('" words "')",                                               \
        "postgres:CREATE TRIGGER " table "_remain BEFORE TRUNCATE ON " table                                       \
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('" words "')"

constexpr const char* kStatements[] = {
    // unit: 0 hundredths of a kWh, 1 of a yuan. *_ckwh of a booking are hundredths of its unit. Bookings of the first
    // version have what stands here, and no chain.
    "ALTER TABLE bookings ADD COLUMN unit BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN free_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN free_left_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN used_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN tenancy BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE bookings ADD COLUMN month_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN year_ckwh BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN fee_fen BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN plan_id BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN payer_id BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN drawer_id BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN corrects BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN refers BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE bookings ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE bookings ADD COLUMN chain TEXT NOT NULL DEFAULT ''",
    // A booking is corrected at most once, a refund's shortage returned at most once to a household.
    "CREATE UNIQUE INDEX bookings_corrected ON bookings (corrects) WHERE corrects > 0",
    "CREATE UNIQUE INDEX bookings_returned ON bookings (refers, household_id) WHERE kind = 4",
    "CREATE INDEX bookings_not_sales ON bookings (household_id, id) WHERE kind <> 1",

    // What the meter showed to remain when it first confirmed the booking's ticket.
    "ALTER TABLE progress ADD COLUMN remaining_ckwh BIGINT",

    // Every order that was executed, other than plain sales (bookings.order_id): what it was and what it made.
    "CREATE TABLE money_orders (order_id TEXT PRIMARY KEY, content TEXT NOT NULL, first_booking BIGINT NOT NULL, "
    "last_booking BIGINT NOT NULL, first_movement BIGINT NOT NULL, last_movement BIGINT NOT NULL)",
    PREWATT_STAYS("money_orders", "an order does not change"),
    "CREATE TABLE dues (booking_id BIGINT NOT NULL REFERENCES bookings (id), part BIGINT NOT NULL, payer_id BIGINT NOT "
    "NULL, channel BIGINT NOT NULL, amount_fen BIGINT NOT NULL CHECK (amount_fen > 0), PRIMARY KEY (booking_id, part))",
    PREWATT_STAYS("dues", "what is owed does not change"),
    "CREATE TABLE movements (id BIGINT PRIMARY KEY, kind BIGINT NOT NULL, order_id TEXT NOT NULL, from_account BIGINT "
    "NOT NULL, to_account BIGINT NOT NULL, amount_fen BIGINT NOT NULL CHECK (amount_fen >= 0), drawer_id BIGINT NOT "
    "NULL, booking_id BIGINT NOT NULL, part BIGINT NOT NULL, counted_fen BIGINT NOT NULL, operator_name TEXT NOT NULL, "
    "reason TEXT NOT NULL, at BIGINT NOT NULL, chain TEXT NOT NULL)",
    "CREATE INDEX movements_of_drawer ON movements (drawer_id, id)",
    // What is owed is paid once.
    "CREATE UNIQUE INDEX movements_paid ON movements (booking_id, part) WHERE kind = 1",
    PREWATT_STAYS("movements", "the ledger does not change"),

    "CREATE TABLE drawers (id {id}, name TEXT NOT NULL UNIQUE, is_open BIGINT NOT NULL DEFAULT 0, operator_name TEXT "
    "NOT "
    "NULL DEFAULT '')",
    "CREATE TABLE residents (id {id}, order_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, phone TEXT NOT NULL)",
    // Who lives where from when to when; to_at NULL: still.
    "CREATE TABLE stays (id {id}, resident_id BIGINT NOT NULL REFERENCES residents (id), household_id BIGINT NOT NULL "
    "REFERENCES households (id), from_at BIGINT NOT NULL, to_at BIGINT)",
    "CREATE INDEX stays_of_household ON stays (household_id, resident_id)",
    "CREATE INDEX stays_of_resident ON stays (resident_id)",

    "CREATE TABLE price_plans (id {id}, order_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, price_group BIGINT NOT "
    "NULL, "
    "valid_from BIGINT NOT NULL, content TEXT NOT NULL, operator_name TEXT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE INDEX price_plans_of_group ON price_plans (price_group, valid_from, id)",
    PREWATT_STAYS("price_plans", "a price plan does not change"),
    "ALTER TABLE households ADD COLUMN price_group BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE quota_rules (id {id}, price_group BIGINT NOT NULL, per BIGINT NOT NULL, quota_ckwh BIGINT NOT NULL, "
    "quota_fen BIGINT NOT NULL, at BIGINT NOT NULL, operator_name TEXT NOT NULL)",
    // Year * 12 + month - 1: who had the quota of which month.
    "CREATE TABLE quotas_given (household_id BIGINT NOT NULL REFERENCES households (id), month BIGINT NOT NULL, "
    "booking_id BIGINT NOT NULL REFERENCES bookings (id), PRIMARY KEY (household_id, month))",
    "ALTER TABLE site ADD COLUMN alone_max_fen BIGINT NOT NULL DEFAULT 20000",
};

}  // namespace

Migration accounts_migration() {
    return {"accounts: grants, refunds, drawers, price plans", kStatements};
}

}  // namespace prewatt::server::store
