// `prewatt card ...`: household cards at the desk, through the office and a reader of this machine
// (cli/card_place.hpp). The office seals and keeps the books; this command holds no key but those of the card that lies
// there, for that long.
//
//   read                      what the card is, what it carries, what came back on it; the office hears of it
//   inspect                   the same with every sector and the orders that were written onto it
//   dump                      all sectors as they read; the office is only asked for the keys
//   issue ROOM                makes a card for the household of a room
//   sell [ROOM] --yuan N      sells, then writes the newest ticket onto the household's card; done when it was read
//   back repair                    whatever was broken off is completed: the newest ticket, a torn issue replace ROOM
//   --reason     makes another card; the household's card in use is dead from now on take-back --reason        the card
//   comes back: it is ended in the books and empty again format                    a card that is ended, or that the
//   books do not know, is empty again lost CARD --reason        without the card: it is dead from now on list [ROOM]
//   cards, with what they were read back to carry and what came back on them, each with its age
//   issue --kind set-up|inspection|clear|restore|reader-test [ROOM | --box N ...] --reason [--restores WHAT ...]
//         [--valid 24h]       makes a card with rights; where a second person has to agree first: 5, and once he has,
//         the
//                             same with the key that was named, or issue --warrant N
//   warrants                  what cards with rights are made for, who agreed, what the boxes said
//   withdraw WARRANT --reason before it is on a card
//   rules                     what a swipe may do, of the whole site; --swipe-after-lockout refused|releases changes it
//
// A command that needs a card and finds none says on stderr what it waits for, how long, and how to end it.
//
// Exit codes: 0 done and read back; 4 no card, or it was torn away: put it back, `card repair`; 5 refused, by the
// office or by the card; 2, 3, 8, 9 as in office_client.hpp.
#pragma once
#include <vector>

#include "cli/card_place.hpp"

namespace prewatt::cli {

struct CardOptions {
    ServerOptions server;
    CardPlaceOptions place;
    std::string action;  // as above
    std::string room;
    std::int64_t card = 0;
    std::string yuan;
    std::string pay = "cash";
    std::string reason;
    std::string kind = "household";     // issue; another one: a card with rights
    std::vector<std::string> boxes;     // --box, once for each
    std::vector<std::string> restores;  // --restores overload, malignant, cutoff-alarm
    std::string valid;                  // --valid 24h
    std::int64_t warrant = 0;           // issue, withdraw: one that was agreed upon
    std::string swipe_after_lockout;    // empty: the rules are only shown
    bool yes = false;
    std::string idempotency_key;
    std::string output = "table";
};
[[nodiscard]] int run(const CardOptions& options);

}  // namespace prewatt::cli
