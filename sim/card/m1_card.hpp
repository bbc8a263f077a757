// A MIFARE Classic 1K card as a model: 64 blocks, two keys and access bits for each sector, enforced as the data sheet
// (NXP MF1S50yyX) has them, and EEPROM cells that a write which lost its power leaves torn or weak. One object is one
// card: a copy of it is a perfect clone, weak cells included. Everything follows from the seed.
//
// What the model decides where the data sheet leaves room, always the less friendly way:
// - A refusal of any kind (wrong key, no authentication, access bits) ends the authentication and halts the card: it
//   answers nothing until select().
// - Access bits that do not agree with their complements block the sector for ever: from then on they stay as they were
//   read, weak or not.
// - A write of a trailer changes the parts (key A, access bits and the byte behind them, key B) that its access bits
//   allow and leaves the others; when they allow none, it is refused.
// - A key B that can be read authenticates, and everything after it is refused.
// Not modelled: Crypto1 and timing on air. It protects nothing, so a cheat has every key: see key().
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "card/layout.hpp"
#include "card/m1_reader.hpp"
#include "card/uid.hpp"

namespace prewatt::sim {

using card::Block;
using card::kBlockBytes;
using card::kBlockCount;
using card::KeyKind;
using card::kSectorCount;
using card::SectorKey;
using card::Uid;

// What a write leaves behind that lost its power: the first `split` bytes (0..16) are the new ones, the others as
// `rest` says. {0, kOld} is a card that left before the cells were touched; {16} one that left before it could
// acknowledge.
struct Tear {
    enum class Rest : std::uint8_t {
        kOld,
        kZeros,    // erased, in cells that erase to 0
        kOnes,     // erased, in cells that erase to 1
        kNoise,    // anything, but always the same from now on
        kWeak,     // bits that were to change read differently from read to read, until they are written again
        kAllWeak,  // every bit does
    };
    std::uint8_t split = 0;
    Rest rest = Rest::kOld;
    friend bool operator==(const Tear&, const Tear&) = default;
};
inline constexpr std::array kTearRests{Tear::Rest::kOld,   Tear::Rest::kZeros, Tear::Rest::kOnes,
                                       Tear::Rest::kNoise, Tear::Rest::kWeak,  Tear::Rest::kAllWeak};

enum class CardAnswer : std::uint8_t {
    kSilence,   // not selected or halted
    kWrongKey,  // or a sector that is blocked for ever; halted
    kNak,       // not authenticated, forbidden by the access bits, no such block, not a value; halted
};

class M1Card {
  public:
    // As it is delivered: all bytes zero, all keys FF FF FF FF FF FF, access bits FF 07 80, 69.
    explicit M1Card(const Uid& uid, std::uint64_t seed = 1);

    // --- what a reader can ask -----------------------------------------------------------------------------------
    void power_up();  // into the field: not selected, nothing authenticated
    Uid select();     // wakes it, also when it is halted; ends the authentication
    std::expected<void, CardAnswer> authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key);
    std::expected<Block, CardAnswer> read(std::uint8_t block);
    // With a tear: power is lost while it writes. Returns as if it had been acknowledged; the field decides what the
    // reader still hears.
    std::expected<void, CardAnswer> write(std::uint8_t block, const Block& data, const std::optional<Tear>& tear = {});
    // The value blocks, which Prewatt does not use and cheats like: from a block into the transfer buffer, and from
    // there into a block of the same sector.
    std::expected<void, CardAnswer> increment(std::uint8_t block, std::int32_t by);
    std::expected<void, CardAnswer> decrement(std::uint8_t block, std::int32_t by);
    std::expected<void, CardAnswer> restore(std::uint8_t block);
    std::expected<void, CardAnswer> transfer(std::uint8_t block, const std::optional<Tear>& tear = {});

    // --- what is known from outside ------------------------------------------------------------------------------
    [[nodiscard]] const Uid& uid() const { return uid_; }
    // What it says about its kind: 08 of 1K, 18 of 4K, of which the model has the first 16 sectors.
    [[nodiscard]] Byte sak() const;
    [[nodiscard]] std::uint64_t writes() const { return writes_; }  // since it was made, torn ones too
    [[nodiscard]] bool is_selected() const { return selected_; }
    [[nodiscard]] bool has_weak_cells() const;

    // --- what a cheat can do: every key is taken to be known -------------------------------------------------------
    using Dump = std::array<Block, kBlockCount>;
    // All bytes, keys included; weak cells as they read this time.
    [[nodiscard]] Dump dump();
    // Onto a card whose every block can be written ("magic"): block 0 too, so it has the dump's number. Keys and access
    // bits do not matter; weak cells are gone.
    void overwrite(const Dump& dump);
    [[nodiscard]] SectorKey key(std::uint8_t sector, KeyKind kind);
    // The same contents under another number, as a shop makes one while you wait.
    [[nodiscard]] M1Card clone_as(const Uid& uid) const;

    // --- as bytes: docs/formats/virtual-card.md ---------------------------------------------------------------------
    [[nodiscard]] std::string to_bytes() const;
    // The error says what is wrong with them.
    static std::expected<M1Card, std::string> from_bytes(std::string_view bytes, std::uint64_t seed = 1);

  private:
    struct Cell {
        Block bits{};
        Block weak{};  // ones where a bit reads differently from read to read
    };
    [[nodiscard]] Block cell(std::uint8_t block);  // as it reads this time
    void set_cell(std::uint8_t block, const Block& data, const std::optional<Tear>& tear);
    [[nodiscard]] std::uint64_t noise();
    [[nodiscard]] std::optional<std::uint8_t> condition(std::uint8_t block);  // C1 C2 C3; nothing: sector blocked
    std::unexpected<CardAnswer> halt(CardAnswer answer);
    // The condition of the block when its sector is open and not with a key B that can be read.
    [[nodiscard]] std::expected<std::uint8_t, CardAnswer> enter(std::uint8_t block);
    [[nodiscard]] bool has(std::uint8_t keys) const;  // the key that opened is among these
    std::expected<void, CardAnswer> load(std::uint8_t block, std::int64_t by, bool is_increment);

    std::array<Cell, kBlockCount> cells_{};
    Uid uid_;
    std::uint64_t noise_;
    std::uint64_t writes_ = 0;
    bool selected_ = false;
    std::optional<std::uint8_t> open_sector_;
    KeyKind open_with_ = KeyKind::kA;
    struct Value {
        std::uint8_t sector;
        std::int32_t value;
        Byte address;
    };
    std::optional<Value> transfer_buffer_;
};

// 16 bytes of a value block: the value, its complement, the value again, the address, its complement, both again.
[[nodiscard]] Block value_block(std::int32_t value, Byte address);

}  // namespace prewatt::sim
