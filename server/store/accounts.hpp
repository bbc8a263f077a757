// Accounts in the tables: server/domain/accounts.hpp.
#pragma once
#include <memory>

#include "server/domain/accounts.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Accounts> make_accounts(Engine& engine);

}  // namespace prewatt::server::store
