// Accounts in the tables: server/domain/accounts.hpp.
#pragma once
#include <functional>
#include <memory>

#include "server/domain/accounts.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Accounts::reopen inside the caller's transaction, on the writing connection.
[[nodiscard]] Answer<BookingsAnswer> reopen_account(Db& db, const MoneyOrder& order, HouseholdId household,
                                                    UnixTime now, Changes& changes);

// The frame of every change of an account, inside the caller's transaction: an order that was done before is answered,
// else what `decide` says is kept and written into the journal as `action`.
[[nodiscard]] Answer<BookingsAnswer> book_account_change(Db& db, const MoneyOrder& order, const std::string& content,
                                                         const char* action, UnixTime now, Changes& changes,
                                                         const std::function<Answer<AccountDecision>()>& decide);
// The bookings of that order when it was done before; nothing: it was not. Refuses a malformed order id, and one that
// was used for something else.
[[nodiscard]] Answer<std::optional<BookingsAnswer>> bookings_of_order(Db& db, const MoneyOrder& order,
                                                                      const std::string& content);
[[nodiscard]] AccountUnit unit_in_force(Db& db, HouseholdId household, UnixTime now);

[[nodiscard]] std::unique_ptr<Accounts> make_accounts(Engine& engine);

}  // namespace prewatt::server::store
