// A reader with a MIFARE Classic 1K ("M1") card in its field, as a port: what a reader chip on a board, a PC/SC reader
// on a desk (card/pcsc) and the model of a card (sim/card) all can do. One call is one exchange with the card, some
// milliseconds long; it never waits for a card to come. Decides nothing.
//
// Crypto1, the card's own cipher, protects nothing (docs/decisions): who calls must believe no byte that is not sealed.
#pragma once
#include <array>
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"

namespace prewatt::card {

inline constexpr std::size_t kBlockBytes = 16;
inline constexpr std::uint8_t kSectorCount = 16;
inline constexpr std::uint8_t kBlockCount = 64;  // four in each sector, the last of each is the sector's trailer
using Block = std::array<Byte, kBlockBytes>;
using SectorKey = std::array<Byte, 6>;

// What the card says its number is: 4 or 7 bytes. Not unique and easily copied: never an identity, only part of what
// a seal covers.
using Uid = FixedVector<Byte, 7>;

enum class KeyKind : std::uint8_t { kA = 0x60, kB = 0x61 };

enum class CardFault : std::uint8_t {
    kNoCard,    // nothing in the field, or it left during the exchange: what a write left behind is unknown
    kNotM1,     // something else than an M1 card answers
    kSeveral,   // more than one card in the field: none was touched
    kWrongKey,  // the card refused the key; it is halted, select() wakes it again
    kRefused,   // the card refused: not authenticated for this sector, or its access bits forbid it
    kReader,    // the reader itself does not work
};

class M1Reader {
  public:
    // Wakes the card in the field and says who it is; ends what was authenticated. Errors: kNoCard, kNotM1, kSeveral,
    // kReader.
    [[nodiscard]] virtual std::expected<Uid, CardFault> select() = 0;
    // Opens the sector of `block` (0..63); the sector before is closed. Errors: kNoCard, kWrongKey, kReader.
    [[nodiscard]] virtual std::expected<void, CardFault> authenticate(std::uint8_t block, KeyKind kind,
                                                                      const SectorKey& key) = 0;
    // Errors: kNoCard, kRefused, kReader.
    [[nodiscard]] virtual std::expected<Block, CardFault> read(std::uint8_t block) = 0;
    // A success says that the card acknowledged, not that the bytes will stay: read them back. Errors: as read().
    [[nodiscard]] virtual std::expected<void, CardFault> write(std::uint8_t block, const Block& data) = 0;

  protected:
    ~M1Reader() = default;
};

}  // namespace prewatt::card
