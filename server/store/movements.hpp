// Money that moves without a ticket, in the tables: payouts and cash drawers.
#pragma once
#include "server/domain/accounts.hpp"
#include "server/store/db.hpp"

// Columns of a Movement, in the order of `movement_of`: v movements.
#define PREWATT_MOVEMENT_COLUMNS                                                                                \
    "v.id, v.kind, v.order_id, v.from_account, v.to_account, v.amount_fen, v.drawer_id, v.booking_id, v.part, " \
    "v.counted_fen, v.operator_name, v.reason, v.at, v.chain"

namespace prewatt::server::store {

[[nodiscard]] Movement movement_of(const Row& row);
// Gives it the next number and its link of the chain, and keeps it.
void insert_movement(Db& db, Movement& movement);
// What the books say is in the drawer.
[[nodiscard]] Money drawer_holds(Db& db, DrawerId drawer);

}  // namespace prewatt::server::store
