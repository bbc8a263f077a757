// An M1 card in a reader, for the tests of this room: memory, keys, access bits of data blocks, and one accident at a
// time as data. A card that is torn away in the middle of a write keeps the first bytes of the new block, then what
// `rest` says; from then on it is out of the field until put_back(). sim/card has the whole model with weak bits.
#pragma once
#include <array>
#include <optional>

#include "card/access_bits.hpp"
#include "card/layout.hpp"
#include "card/m1_reader.hpp"

namespace prewatt::card {

struct FakeCard final : M1Reader {
    enum class Rest : std::uint8_t { kOld, kZeros, kOnes };

    explicit FakeCard(const Uid& uid) : uid_(uid) {
        for (std::uint8_t sector = 0; sector < kSectorCount; ++sector)
            memory[trailer_block(sector)] = make_trailer(kTransportKey, kTransportKey, kTransportAccess);
        for (std::size_t k = 0; k < uid.size(); ++k)
            memory[0][k] = uid[k];
    }

    std::array<Block, kBlockCount> memory{};
    int exchanges = 0;
    int writes = 0;
    int tear_at_write = 0;        // the so-many-th write from now on is torn; 0: none
    std::size_t tear_bytes = 0;   // so many bytes of the new block are already there
    Rest rest = Rest::kOld;       // what the others are
    int vanish_at_exchange = 0;   // the card leaves before the so-many-th exchange from now on; 0: never
    bool swallow_writes = false;  // acknowledges and keeps nothing: a worn out cell
    std::optional<Uid> swap_uid;  // from the next select() on another card lies there

    void put_back() {
        present_ = true;
        open_.reset();
        exchanges = 0;
        writes = 0;
        tear_at_write = 0;
        vanish_at_exchange = 0;
    }

    std::expected<Uid, CardFault> select() override {
        if (!meets()) return std::unexpected(CardFault::kNoCard);
        open_.reset();
        return swap_uid.value_or(uid_);
    }
    std::expected<void, CardFault> authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) override {
        if (!meets()) return std::unexpected(CardFault::kNoCard);
        open_.reset();
        const std::uint8_t sector = block / 4;
        const Block& trailer = memory[trailer_block(sector)];
        const Bytes stored = Bytes(trailer).subspan(kind == KeyKind::kA ? 0 : 10, 6);
        if (!equal(stored, key)) return std::unexpected(CardFault::kWrongKey);
        open_ = Open{sector, kind};
        return {};
    }
    std::expected<Block, CardFault> read(std::uint8_t block) override {
        if (!meets()) return std::unexpected(CardFault::kNoCard);
        if (!open_ || open_->sector != block / 4) return std::unexpected(CardFault::kRefused);
        Block out = memory[block];
        if (block % 4 == 3)
            for (std::size_t k = 0; k < 6; ++k)
                out[k] = out[10 + k] = 0;
        return out;
    }
    std::expected<void, CardFault> write(std::uint8_t block, const Block& data) override {
        if (!meets()) return std::unexpected(CardFault::kNoCard);
        const auto access = decode_access(Bytes(memory[trailer_block(block / 4)]).subspan(6, 3));
        if (!open_ || open_->sector != block / 4 || !access) return std::unexpected(CardFault::kRefused);
        const AccessCondition condition = access->blocks[block % 4];
        const bool open_to_all = block % 4 != 3 && condition == 0;
        const bool by_b = block % 4 != 3 ? condition == 4 : condition == 3;
        const bool by_a = block % 4 == 3 && condition == 1;
        if (!open_to_all && !(by_b && open_->kind == KeyKind::kB) && !(by_a && open_->kind == KeyKind::kA))
            return std::unexpected(CardFault::kRefused);
        ++writes;
        if (writes == tear_at_write) {
            for (std::size_t k = 0; k < kBlockBytes; ++k) {
                if (k < tear_bytes)
                    memory[block][k] = data[k];
                else if (rest != Rest::kOld)
                    memory[block][k] = rest == Rest::kZeros ? 0x00 : 0xFF;
            }
            present_ = false;
            return std::unexpected(CardFault::kNoCard);
        }
        if (!swallow_writes) memory[block] = data;
        return {};
    }

  private:
    struct Open {
        std::uint8_t sector = 0;
        KeyKind kind = KeyKind::kA;
    };
    bool meets() {
        ++exchanges;
        if (exchanges == vanish_at_exchange) present_ = false;
        return present_;
    }
    Uid uid_;
    std::optional<Open> open_;
    bool present_ = true;
};

}  // namespace prewatt::card
