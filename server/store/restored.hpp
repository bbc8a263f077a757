// Books that came back from a backup are older than the meters and the cards. What a line does about it stands in
// server/domain/reconcile.hpp: an account is read before its first ticket. A card is written without that look, so here
// is what keeps a ticket of the restored books from stepping over one of the lost books that the meter has already.
#pragma once
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Inside the transaction that ends a restore: an item of work, an entry of the journal, and the numbers of the cards
// (`issue`), of which the lost books may have given out some, go on above them.
void mark_restored(Db& db, UnixTime now);
// The books came back and the household's meter, which a line reaches, has not been read in full since; until a person
// has explained the item of work.
[[nodiscard]] bool is_unread_since_restore(Db& db, HouseholdId household);
// Brings the item up to date; when all have been read it is not seen again, and closes with the pass.
void check_restored(Db& db, UnixTime at);

}  // namespace prewatt::server::store
