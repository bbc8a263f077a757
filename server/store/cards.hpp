// Cards in the tables: server/domain/cards.hpp, docs/formats/database.md.
#pragma once
#include <memory>

#include "server/domain/cards.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Cards> make_cards(Engine& engine);

// What the warrants (warrants.cpp) share with them. On any connection; the last on the writing one.
[[nodiscard]] std::optional<CardRecord> find_card(Db& db, CardId id);
[[nodiscard]] std::optional<CardRecord> find_live_card(Db& db, std::string_view uid);  // in use under this number
[[nodiscard]] std::optional<CardWrite> find_card_write(Db& db, CardWriteId id);
[[nodiscard]] std::optional<CardWrite> find_card_write(Db& db, std::string_view order_id);  // its newest attempt
// Fills in the number; what was ordered onto the card before and not read back is replaced.
void insert_card_write(Db& db, CardWrite& write, std::string_view uid);

// What every card in use was read back to carry stands in the books, ticket by ticket, and was ordered; what does not
// is raised. Once in a pass of the reconciliation.
void check_cards(Db& db, UnixTime now);

}  // namespace prewatt::server::store
