#include "card/card_keys.hpp"

#include <cassert>

#include "base/bcd.hpp"

namespace prewatt::card {
namespace {

constexpr char kSystem[] = "PREWATT CARD";  // 12 bytes, keeps every input long enough

// The numbers of docs/formats/card.md; 01 and 02 are the directions of sealed commands.
enum class Label : std::uint8_t { kRecord = 0x10, kSectorRead = 0x11, kSectorDesk = 0x12, kSectorReturn = 0x13 };

Key derived(Mac& mac, const Key& master, Label label) {
    std::array<Byte, 16> block{};
    ByteWriter writer(block);
    writer.put_u8(1);
    for (const char c : {'P', 'R', 'E', 'W', 'A', 'T', 'T'})
        writer.put_u8(static_cast<std::uint8_t>(c));
    writer.put_u8(static_cast<std::uint8_t>(label));
    writer.put_le(0, 5);
    writer.put_u8(0x00);
    writer.put_u8(0x80);
    assert(writer.ok() && writer.size() == block.size());
    return mac.cmac(master, block);
}

void put_system(ByteWriter& writer) {
    for (const char* c = kSystem; *c != '\0'; ++c)
        writer.put_u8(static_cast<std::uint8_t>(*c));
}

Key record_key(Mac& mac, const Key& master, char which, BoxDigits box) {
    std::array<Byte, kDiversificationBytesMax> m{};
    ByteWriter writer(m);
    writer.put_u8('V');
    std::array<Byte, 5> digits{};
    put_bcd(digits, box);
    writer.put(digits);
    writer.put_u8(static_cast<std::uint8_t>(which));
    put_system(writer);
    const auto key = diversify_an10922(mac, master, writer.written());
    assert(writer.ok() && key);
    return *key;
}

}  // namespace

std::optional<Key> diversify_an10922(Mac& mac, const Key& master, Bytes m) {
    if (m.size() < kDiversificationBytesMin || m.size() > kDiversificationBytesMax) return std::nullopt;
    std::array<Byte, 1 + kDiversificationBytesMax> input{};
    ByteWriter writer(input);
    writer.put_u8(1);
    writer.put(m);
    return mac.cmac(master, writer.written());
}

SiteMasters site_masters(Mac& mac, const Key& master) {
    return {derived(mac, master, Label::kRecord), derived(mac, master, Label::kSectorRead),
            derived(mac, master, Label::kSectorDesk), derived(mac, master, Label::kSectorReturn)};
}

RecordKeys record_keys(Mac& mac, const SiteMasters& masters, BoxDigits box) {
    RecordKeys keys;
    keys.box = box;
    keys.mac = record_key(mac, masters.record, 'M', box);
    keys.encryption = record_key(mac, masters.record, 'E', box);
    return keys;
}

MeterCardKeys meter_card_keys(Mac& mac, const SiteMasters& masters, BoxDigits box) {
    return {record_keys(mac, masters, box), record_keys(mac, masters, 0), masters.sector_read, masters.sector_return};
}

SectorKey sector_key(Mac& mac, const Key& sector_master, const Uid& uid, std::uint8_t sector, KeyKind kind) {
    std::array<Byte, kDiversificationBytesMax> m{};
    ByteWriter writer(m);
    writer.put({uid.data(), uid.size()});
    writer.put_u8(sector);
    writer.put_u8(static_cast<std::uint8_t>(kind));
    put_system(writer);
    const auto whole = diversify_an10922(mac, sector_master, writer.written());
    assert(writer.ok() && whole);
    SectorKey key{};
    for (std::size_t k = 0; k < key.size(); ++k)
        key[k] = (*whole)[k];
    return key;
}

}  // namespace prewatt::card
