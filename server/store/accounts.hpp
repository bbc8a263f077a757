// Accounts in the tables: server/domain/accounts.hpp.
#pragma once
#include <memory>

#include "server/domain/accounts.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Accounts::reopen inside the caller's transaction, on the writing connection.
[[nodiscard]] Answer<BookingsAnswer> reopen_account(Db& db, const MoneyOrder& order, HouseholdId household,
                                                    UnixTime now, Changes& changes);

[[nodiscard]] std::unique_ptr<Accounts> make_accounts(Engine& engine);

}  // namespace prewatt::server::store
