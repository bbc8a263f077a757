#include "server/store/movements.hpp"

#include "server/store/bookings.hpp"

namespace prewatt::server::store {

Movement movement_of(const Row& row) {
    Movement m;
    int column = 0;
    m.id = row.as<std::int64_t>(column++);
    m.kind = row.as<MovementKind>(column++);
    m.order_id = row.as<std::string>(column++);
    m.from = row.as<LedgerAccount>(column++);
    m.to = row.as<LedgerAccount>(column++);
    m.amount = row.as<Money>(column++);
    m.drawer = row.as<DrawerId>(column++);
    m.booking = row.as<BookingId>(column++);
    m.part = row.as<int>(column++);
    m.counted_fen = row.as<std::int64_t>(column++);
    m.operator_name = row.as<std::string>(column++);
    m.reason = row.as<std::string>(column++);
    m.at = row.as<UnixTime>(column++);
    m.chain = row.as<std::string>(column++);
    return m;
}

void insert_movement(Db& db, Movement& m) {
    std::string before;
    m.id = 1;
    db.query("SELECT id, chain FROM movements ORDER BY id DESC LIMIT 1", {}, [&](const Row& row) {
        m.id = row.integer(0) + 1;
        before = row.as<std::string>(1);
    });
    std::string text;
    canonical(m, text);
    m.chain = chain_of(before, text);
    db.execute(
        "INSERT INTO movements (id, kind, order_id, from_account, to_account, amount_fen, drawer_id, booking_id, part, "
        "counted_fen, operator_name, reason, at, chain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
        "$13, "
        "$14)",
        {m.id, m.kind, m.order_id, m.from, m.to, m.amount, m.drawer, m.booking, m.part, m.counted_fen, m.operator_name,
         m.reason, m.at, m.chain});
}

Money drawer_holds(Db& db, DrawerId drawer) {
    // Since it was last emptied, when it held nothing.
    std::int64_t movement = 0;
    std::int64_t booking = 0;
    db.query("SELECT id, booking_id FROM movements WHERE drawer_id = $1 AND kind = 4 ORDER BY id DESC LIMIT 1",
             {drawer}, [&](const Row& row) {
                 movement = row.integer(0);
                 booking = row.integer(1);
             });
    Money holds;
    db.query(
        "SELECT COALESCE(SUM(CASE WHEN from_account = 1 THEN amount_fen WHEN to_account = 1 THEN -amount_fen ELSE 0 "
        "END), 0) FROM movements WHERE drawer_id = $1 AND id > $2",
        {drawer, movement}, [&](const Row& row) { holds += row.as<Money>(0); });
    db.query(
        "SELECT COALESCE(SUM(amount_fen), 0) FROM bookings WHERE id > $2 AND drawer_id = $1 AND channel = 1 AND kind "
        "IN (1, 5)",
        {drawer, booking}, [&](const Row& row) { holds += row.as<Money>(0); });
    return holds;
}

}  // namespace prewatt::server::store
