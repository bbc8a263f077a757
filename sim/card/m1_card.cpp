#include "sim/card/m1_card.hpp"

#include <algorithm>

namespace prewatt::sim {
namespace {

constexpr std::uint8_t kA = 1;
constexpr std::uint8_t kB = 2;
constexpr std::uint8_t kAB = kA | kB;

// By condition C1 C2 C3 as a number, C1 highest: MF1S50yyX, 8.7.3 (data blocks) and 8.7.2 (trailers).
struct DataRule {
    std::uint8_t read, write, increment, decrement;  // decrement: transfer and restore too
};
constexpr std::array<DataRule, 8> kDataRules{{
    {kAB, kAB, kAB, kAB},  // 000
    {kAB, 0, 0, kAB},      // 001
    {kAB, 0, 0, 0},        // 010
    {kB, kB, 0, 0},        // 011
    {kAB, kB, 0, 0},       // 100
    {kB, 0, 0, 0},         // 101
    {kAB, kB, kB, kAB},    // 110
    {0, 0, 0, 0},          // 111
}};
struct TrailerRule {
    std::uint8_t write_a, read_access, write_access, read_b, write_b;
};
constexpr std::array<TrailerRule, 8> kTrailerRules{{
    {kA, kA, 0, kA, kA},   // 000
    {kA, kA, kA, kA, kA},  // 001
    {0, kA, 0, kA, 0},     // 010
    {kB, kAB, kB, 0, kB},  // 011
    {kB, kAB, 0, 0, kB},   // 100
    {0, kAB, kB, 0, 0},    // 101
    {0, kAB, 0, 0, 0},     // 110
    {0, kAB, 0, 0, 0},     // 111
}};

constexpr std::uint8_t sector_of(std::uint8_t block) {
    return static_cast<std::uint8_t>(block / 4);
}
constexpr std::uint8_t trailer_of(std::uint8_t block) {
    return static_cast<std::uint8_t>(block | 3);
}
constexpr bool is_trailer(std::uint8_t block) {
    return block % 4 == 3;
}

// Bytes 6 to 8 of a trailer say every bit twice, once inverted.
bool agrees(const Block& trailer) {
    const unsigned b6 = trailer[6];
    const unsigned b7 = trailer[7];
    const unsigned b8 = trailer[8];
    return (b6 & 0xF) == (~(b7 >> 4) & 0xF) && (b6 >> 4) == (~b8 & 0xF) && (b7 & 0xF) == (~(b8 >> 4) & 0xF);
}
std::uint8_t condition_in(const Block& trailer, unsigned block_in_sector) {
    const unsigned c1 = trailer[7] >> (4 + block_in_sector) & 1;
    const unsigned c2 = trailer[8] >> block_in_sector & 1;
    const unsigned c3 = trailer[8] >> (4 + block_in_sector) & 1;
    return static_cast<std::uint8_t>(c1 << 2 | c2 << 1 | c3);
}

Block manufacturer_block(const Uid& uid) {
    Block block{};
    std::size_t at = 0;
    for (const Byte byte : uid)
        block[at++] = byte;
    if (uid.size() == 4) block[at++] = static_cast<Byte>(uid[0] ^ uid[1] ^ uid[2] ^ uid[3]);
    block[at++] = 0x08;                           // SAK
    block[at++] = uid.size() == 4 ? 0x04 : 0x44;  // ATQA
    return block;
}
std::optional<Uid> uid_in(const Block& block) {
    const auto is_kind = [&](std::size_t at, Byte atqa) {
        return (block[at] == 0x08 || block[at] == 0x18) && (block[at + 1] & ~0x02) == (atqa & ~0x02) &&
               block[at + 2] == 0;
    };
    const Bytes bytes(block);
    if (block[4] == (block[0] ^ block[1] ^ block[2] ^ block[3]) && is_kind(5, 0x04))
        return card::uid_of(bytes.first(4));
    if (is_kind(7, 0x44)) return card::uid_of(bytes.first(7));
    return {};
}

std::optional<std::int32_t> value_in(const Block& block) {
    for (std::size_t k = 0; k < 4; ++k)
        if (block[k] != block[8 + k] || block[k] != static_cast<Byte>(~block[4 + k])) return {};
    if (block[12] != block[14] || block[13] != block[15] || block[12] != static_cast<Byte>(~block[13])) return {};
    ByteReader reader{Bytes(block)};
    return static_cast<std::int32_t>(reader.get_u32());
}

}  // namespace

Block value_block(std::int32_t value, Byte address) {
    Block block{};
    ByteWriter writer{MutableBytes(block)};
    const auto bits = static_cast<std::uint32_t>(value);
    writer.put_u32(bits);
    writer.put_u32(~bits);
    writer.put_u32(bits);
    for (int twice = 0; twice < 2; ++twice) {
        writer.put_u8(address);
        writer.put_u8(static_cast<Byte>(~address));
    }
    return block;
}

M1Card::M1Card(const Uid& uid, std::uint64_t seed) : uid_(uid), noise_(seed) {
    cells_[0].bits = manufacturer_block(uid);
    constexpr Block kTransport{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07,
                               0x80, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    for (std::size_t sector = 0; sector < kSectorCount; ++sector)
        cells_[4 * sector + 3].bits = kTransport;
}

void M1Card::power_up() {
    selected_ = false;
    open_sector_.reset();
    transfer_buffer_.reset();
}

Uid M1Card::select() {
    power_up();
    selected_ = true;
    return uid_;
}

Byte M1Card::sak() const {
    return cells_[0].bits[uid_.size() == 4 ? 5 : 7];
}

std::expected<void, CardAnswer> M1Card::authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) {
    if (!selected_) return std::unexpected(CardAnswer::kSilence);
    open_sector_.reset();
    transfer_buffer_.reset();
    if (block >= kBlockCount) return halt(CardAnswer::kNak);
    const std::uint8_t sector = sector_of(block);
    if (!condition(block) || this->key(sector, kind) != key) return halt(CardAnswer::kWrongKey);
    open_sector_ = sector;
    open_with_ = kind;
    return {};
}

std::expected<Block, CardAnswer> M1Card::read(std::uint8_t block) {
    const auto condition = enter(block);
    if (!condition) return std::unexpected(condition.error());
    if (!is_trailer(block)) {
        if (!has(kDataRules[*condition].read)) return halt(CardAnswer::kNak);
        return cell(block);
    }
    const TrailerRule& rule = kTrailerRules[*condition];
    Block shown = cell(block);
    std::fill_n(shown.begin(), 6, Byte{0});
    if (!has(rule.read_access)) std::fill_n(shown.begin() + 6, 4, Byte{0});
    if (!has(rule.read_b)) std::fill_n(shown.begin() + 10, 6, Byte{0});
    return shown;
}

std::expected<void, CardAnswer> M1Card::write(std::uint8_t block, const Block& data, const std::optional<Tear>& tear) {
    const auto condition = enter(block);
    if (!condition) return std::unexpected(condition.error());
    Block wanted = data;
    if (is_trailer(block)) {
        const TrailerRule& rule = kTrailerRules[*condition];
        const Block before = cell(block);
        if (!has(rule.write_a | rule.write_access | rule.write_b)) return halt(CardAnswer::kNak);
        if (!has(rule.write_a)) std::copy_n(before.begin(), 6, wanted.begin());
        if (!has(rule.write_access)) std::copy_n(before.begin() + 6, 4, wanted.begin() + 6);
        if (!has(rule.write_b)) std::copy_n(before.begin() + 10, 6, wanted.begin() + 10);
    } else if (block == 0 || !has(kDataRules[*condition].write)) {
        return halt(CardAnswer::kNak);
    }
    set_cell(block, wanted, tear);
    return {};
}

std::expected<void, CardAnswer> M1Card::increment(std::uint8_t block, std::int32_t by) {
    return load(block, by, true);
}
std::expected<void, CardAnswer> M1Card::decrement(std::uint8_t block, std::int32_t by) {
    return load(block, -std::int64_t{by}, false);
}
std::expected<void, CardAnswer> M1Card::restore(std::uint8_t block) {
    return load(block, 0, false);
}

std::expected<void, CardAnswer> M1Card::load(std::uint8_t block, std::int64_t by, bool is_increment) {
    const auto condition = enter(block);
    if (!condition) return std::unexpected(condition.error());
    if (is_trailer(block)) return halt(CardAnswer::kNak);
    const DataRule& rule = kDataRules[*condition];
    if (!has(is_increment ? rule.increment : rule.decrement)) return halt(CardAnswer::kNak);
    const Block now = cell(block);
    const auto value = value_in(now);
    if (!value) return halt(CardAnswer::kNak);
    // 32 bits that run over, as the card's own arithmetic does.
    transfer_buffer_ = Value{sector_of(block), static_cast<std::int32_t>(*value + by), now[12]};
    return {};
}

std::expected<void, CardAnswer> M1Card::transfer(std::uint8_t block, const std::optional<Tear>& tear) {
    const auto condition = enter(block);
    if (!condition) return std::unexpected(condition.error());
    if (is_trailer(block) || block == 0 || !transfer_buffer_ || transfer_buffer_->sector != sector_of(block))
        return halt(CardAnswer::kNak);
    if (!has(kDataRules[*condition].decrement)) return halt(CardAnswer::kNak);
    set_cell(block, value_block(transfer_buffer_->value, transfer_buffer_->address), tear);
    return {};
}

bool M1Card::has_weak_cells() const {
    return std::any_of(cells_.begin(), cells_.end(), [](const Cell& each) { return each.weak != Block{}; });
}

M1Card::Dump M1Card::dump() {
    Dump all;
    for (std::uint8_t block = 0; block < kBlockCount; ++block)
        all[block] = cell(block);
    return all;
}

void M1Card::overwrite(const Dump& dump) {
    for (std::uint8_t block = 0; block < kBlockCount; ++block)
        cells_[block] = {dump[block], {}};
    if (const auto uid = uid_in(dump[0])) uid_ = *uid;
    power_up();
}

SectorKey M1Card::key(std::uint8_t sector, KeyKind kind) {
    const Block trailer = cell(static_cast<std::uint8_t>(4 * sector + 3));
    SectorKey key;
    std::copy_n(trailer.begin() + (kind == KeyKind::kA ? 0 : 10), key.size(), key.begin());
    return key;
}

M1Card M1Card::clone_as(const Uid& uid) const {
    M1Card clone = *this;
    clone.uid_ = uid;
    clone.cells_[0] = {manufacturer_block(uid), {}};
    clone.power_up();
    return clone;
}

std::string M1Card::to_bytes() const {
    std::string bytes;
    for (const Cell& each : cells_)
        bytes.append(each.bits.begin(), each.bits.end());
    if (has_weak_cells())
        for (const Cell& each : cells_)
            bytes.append(each.weak.begin(), each.weak.end());
    return bytes;
}

std::expected<M1Card, std::string> M1Card::from_bytes(std::string_view bytes, std::uint64_t seed) {
    constexpr std::size_t kMemory = kBlockCount * kBlockBytes;
    if (bytes.size() != kMemory && bytes.size() != 2 * kMemory)
        return std::unexpected(std::to_string(bytes.size()) + " bytes; a card has 1024, or 2048 with its weak cells");
    M1Card card(Uid{}, seed);
    for (std::size_t block = 0; block < kBlockCount; ++block) {
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(block * kBlockBytes), kBlockBytes,
                    card.cells_[block].bits.begin());
        if (bytes.size() > kMemory)
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(kMemory + block * kBlockBytes), kBlockBytes,
                        card.cells_[block].weak.begin());
    }
    const auto uid = uid_in(card.cells_[0].bits);
    if (!uid)
        return std::unexpected(
            std::string("block 0 is that of no M1 card: number, check byte, kind (08 or 18) and ATQA "
                        "do not fit"));
    card.uid_ = *uid;
    return card;
}

Block M1Card::cell(std::uint8_t block) {
    const Cell& it = cells_[block];
    if (it.weak == Block{}) return it.bits;
    Block read = it.bits;
    for (std::size_t half = 0; half < kBlockBytes; half += 8) {
        std::uint64_t drawn = noise();
        for (std::size_t k = half; k < half + 8; ++k, drawn >>= 8)
            read[k] = static_cast<Byte>(read[k] ^ (drawn & it.weak[k]));
    }
    return read;
}

void M1Card::set_cell(std::uint8_t block, const Block& data, const std::optional<Tear>& tear) {
    ++writes_;
    Cell& it = cells_[block];
    if (!tear) {
        it = {data, {}};
        return;
    }
    for (std::size_t k = 0; k < kBlockBytes; ++k) {
        if (k < tear->split) {
            it.bits[k] = data[k];
            it.weak[k] = 0;
            continue;
        }
        switch (tear->rest) {
            case Tear::Rest::kOld:
                break;
            case Tear::Rest::kZeros:
                it.bits[k] = 0x00;
                it.weak[k] = 0;
                break;
            case Tear::Rest::kOnes:
                it.bits[k] = 0xFF;
                it.weak[k] = 0;
                break;
            case Tear::Rest::kNoise:
                it.bits[k] = static_cast<Byte>(noise());
                it.weak[k] = 0;
                break;
            case Tear::Rest::kWeak:
                it.weak[k] = static_cast<Byte>(it.weak[k] | (it.bits[k] ^ data[k]));
                break;
            case Tear::Rest::kAllWeak:
                it.weak[k] = 0xFF;
                break;
        }
    }
}

// SplitMix64.
std::uint64_t M1Card::noise() {
    noise_ += 0x9E3779B97F4A7C15u;
    std::uint64_t x = noise_;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

std::optional<std::uint8_t> M1Card::condition(std::uint8_t block) {
    const std::uint8_t trailer = trailer_of(block);
    const Block read = cell(trailer);
    if (agrees(read)) return condition_in(read, block % 4);
    std::copy_n(read.begin() + 6, 3, cells_[trailer].bits.begin() + 6);
    std::fill_n(cells_[trailer].weak.begin() + 6, 3, Byte{0});
    return {};
}

std::unexpected<CardAnswer> M1Card::halt(CardAnswer answer) {
    power_up();
    return std::unexpected(answer);
}

std::expected<std::uint8_t, CardAnswer> M1Card::enter(std::uint8_t block) {
    if (!selected_) return std::unexpected(CardAnswer::kSilence);
    if (block >= kBlockCount || open_sector_ != sector_of(block)) return halt(CardAnswer::kNak);
    const auto of_trailer = condition(trailer_of(block));
    if (!of_trailer) return halt(CardAnswer::kNak);
    if (open_with_ == KeyKind::kB && kTrailerRules[*of_trailer].read_b != 0) return halt(CardAnswer::kNak);
    const auto of_block = is_trailer(block) ? of_trailer : condition(block);
    if (!of_block) return halt(CardAnswer::kNak);
    return *of_block;
}

bool M1Card::has(std::uint8_t keys) const {
    return (keys & (open_with_ == KeyKind::kA ? kA : kB)) != 0;
}

}  // namespace prewatt::sim
