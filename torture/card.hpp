// `prewatt torture card`: cards that are torn away for years. A desk and a meter take turns at the same cards
// (sim/card) and have them torn out of the field inside their writes; between their visits cheats restore, clone,
// splice and edit them; a judge who keeps books of his own looks after every visit.
//
// All that decides is real: the desk's procedure (card/desk), the office that seals (server/desk) and its books
// (server/store, a site without a line, so that whatever it knows of the meters came back on cards), the box with its
// journal (meter/node) and its reader's state machine. Cards, field, memory of the box and clock are models.
//
// What happens to a visit, all of it chosen by the seed:
//   torn            the card leaves inside its n-th write: so many bytes of the block are new, the rest is old, zeros,
//                   ones, noise, weak where it was to change, or weak everywhere; visits follow each other at random,
//                   so the same card is often torn twice and more in a row
//   gone            it leaves between two exchanges
//   cut             the box loses its supply at some byte that it stores, alone or with a card torn at the same visit
//   unheard         the desk's report to the office is lost, before or after the office has booked it
// Also: cards are replaced, taken back, emptied and made anew, torn while that is done; sales are paid back; the finder
// of a lost card swipes it.
//
// What is judged after each visit:
//   lost, doubled   what the box has credited is the sum of the first n sales, for its ticket n; n never falls; after
//   an
//                   untorn visit at the desk and an untorn one at the box it is all that was sold
//   unreadable      the newest CREDIT (RETURN) that the desk (the box) has acknowledged on this card, or a later one,
//                   opens. A card that somebody has written back is exempt until the next acknowledged write: counted
//   hidden          a card that carries less than was sold is never said to be up to date
//   paid            money leaves the office only after the box has taken the ticket that takes the credit out
//   believed        the office never takes a ticket for confirmed that the box does not have
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/figures.hpp"

namespace prewatt::torture {

struct CardOptions {
    std::int64_t tears = 3000;
    std::uint64_t seed = 1;
    // A defect that must be found: "naive-slot" (the office forgets what it has acknowledged, and the slot is chosen by
    // what reads well), "no-tag" (the tag of a record says nothing), "early-payout" (the office takes the card that it
    // has written for the meter's word).
    std::string planted{};
    std::function<void(const std::string&)> tell{};  // progress, a line now and then
};
struct CardReport {
    bench::Figures figures;
    std::vector<std::string> findings;  // empty: nothing was lost, doubled, unreadable, hidden or paid too early
    std::string what_happened;          // tears by side, block and kind, and all else that was done to the cards
    std::uint64_t digest = 0;           // of all that happened: the same seed is the same run
};
// A campaign with a planted defect ends with its first findings. Throws BrokenOff (child.hpp) where the office cannot
// be made, Interrupted after Ctrl-C.
[[nodiscard]] CardReport torture_cards(const CardOptions& options);

}  // namespace prewatt::torture
