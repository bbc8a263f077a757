// Every key that has to do with cards, made from the site's one master key (card/openssl/master_key_file). Byte-exact
// in docs/formats/card.md. This file decides who must hold which key, so that a thing that is stolen gives away little:
//
//   site's master key   the office only
//    +- record master   the office and its desks       -> per box: one pair for its records. A box holds its own pair
//    +- sector read     office, desks, boxes, readers  -> key A of every sector
//    +- sector return   office, desks, boxes, readers  -> key B of the sectors that a box writes
//    +- sector desk     office, desks                  -> key B of all other sectors
//
// A box that is opened gives away the records of its own households and whatever anybody can do to a sector anyway:
// sector keys keep accidents away, not people (docs/decisions/0014).
#pragma once
#include <optional>

#include "base/bytes.hpp"
#include "card/m1_reader.hpp"
#include "card/mac.hpp"
#include "card/seal.hpp"

namespace prewatt::card {

// AN10922 for AES-128: CMAC over 01 | m, always as two blocks. Through the port `Mac` this is exact where m has 16 to
// 31 bytes, which all our inputs have; nullopt for any other length, where plain CMAC would give another key (below 15
// bytes it pads one block instead of two; card_keys_test shows the wrong value that comes of it).
inline constexpr std::size_t kDiversificationBytesMin = 16;
inline constexpr std::size_t kDiversificationBytesMax = 31;
[[nodiscard]] std::optional<Key> diversify_an10922(Mac& mac, const Key& master, Bytes m);

struct SiteMasters {
    Key record{};
    Key sector_read{};
    Key sector_desk{};
    Key sector_return{};
};
[[nodiscard]] SiteMasters site_masters(Mac& mac, const Key& master);

// What seals and opens records. `box` 0: the site-wide pair, for what only shows (every box holds it, so whoever opened
// one box can forge it).
struct RecordKeys {
    std::uint8_t version = 1;  // of the site's master key; a record says with which one it was sealed
    BoxDigits box = 0;
    Key mac{};
    Key encryption{};
};
[[nodiscard]] RecordKeys record_keys(Mac& mac, const SiteMasters& masters, BoxDigits box);

// What is written into a box at the factory or by its set-up.
struct MeterCardKeys {
    RecordKeys own;
    RecordKeys site;
    Key sector_read{};
    Key sector_return{};
};
[[nodiscard]] MeterCardKeys meter_card_keys(Mac& mac, const SiteMasters& masters, BoxDigits box);

// Key A is made from sector_read; key B from sector_return or sector_desk (layout.hpp says which: key_b_owner).
[[nodiscard]] SectorKey sector_key(Mac& mac, const Key& sector_master, const Uid& uid, std::uint8_t sector,
                                   KeyKind kind);

}  // namespace prewatt::card
