// Cards in the tables: server/domain/cards.hpp, docs/formats/database.md.
#pragma once
#include <memory>

#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Cards> make_cards(Engine& engine);

// What every card in use was read back to carry stands in the books, ticket by ticket, and was ordered; what does not
// is raised. Once in a pass of the reconciliation.
void check_cards(Db& db, UnixTime now);

}  // namespace prewatt::server::store
