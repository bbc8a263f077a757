#include "card/card_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string>
#include <vector>

#include "card/access_bits.hpp"
#include "card/layout.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/testing/hex.hpp"

namespace prewatt::card {
namespace {

Key key_of(const std::string& text) {
    Key key{};
    ByteWriter(key).put(bytes_of(text));
    return key;
}

// One block of AES, which the port does not offer: only to compute what AN10922 says for short inputs.
Block aes(const Key& key, const Block& in) {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr);
    EVP_CIPHER_CTX_set_padding(context, 0);
    Block out{};
    int size = 0;
    EVP_EncryptUpdate(context, out.data(), &size, in.data(), static_cast<int>(in.size()));
    EVP_CIPHER_CTX_free(context);
    return out;
}
Block doubled(const Block& in) {
    Block out{};
    for (std::size_t k = 0; k < in.size(); ++k)
        out[k] = static_cast<Byte>(in[k] << 1 | (k + 1 < in.size() ? in[k + 1] >> 7 : 0));
    if ((in[0] & 0x80) != 0) out[15] = static_cast<Byte>(out[15] ^ 0x87);
    return out;
}
// AN10922, section 2.2: 01 | m, padded with 80 00 .. to two blocks whatever its length, and then with K2.
Key an10922_with_aes(const Key& master, Bytes m) {
    std::array<Byte, 32> d{};
    ByteWriter writer(d);
    writer.put_u8(1);
    writer.put(m);
    Block last = doubled(aes(master, {}));
    if (writer.size() < d.size()) {
        d[writer.size()] = 0x80;
        last = doubled(last);
    }
    Block first{};
    ByteWriter(first).put(Bytes(d).first(16));
    const Block chained = aes(master, first);
    for (std::size_t k = 0; k < 16; ++k)
        last[k] = static_cast<Byte>(last[k] ^ chained[k] ^ d[16 + k]);
    return aes(master, last);
}

constexpr Key kMaster{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
Uid uid_of(const std::string& text) {
    Uid uid;
    for (const Byte byte : bytes_of(text))
        uid.push_back(byte);
    return uid;
}

TEST(CardKeys, DiversifiesAsAn10922Says) {
    // Keys that differ from those of a secure module or another maker's desk open no sector.
    OpensslMac mac;
    const Key master = key_of("00112233445566778899aabbccddeeff");
    const auto m = bytes_of("04782e21801d803042f54e585020416275");
    EXPECT_EQ(hex(*diversify_an10922(mac, master, m)), "a8dd63a3b89d54b37ca802473fda9175");
    EXPECT_EQ(hex(an10922_with_aes(master, m)), "a8dd63a3b89d54b37ca802473fda9175");
    for (std::size_t size = kDiversificationBytesMin; size <= kDiversificationBytesMax; ++size) {
        const std::vector<Byte> input(size, 0x5A);
        EXPECT_EQ(*diversify_an10922(mac, master, input), an10922_with_aes(master, input)) << size;
    }
}

TEST(CardKeys, ShortInputThatPlainCmacWouldGetWrongIsRefused) {
    // Plain CMAC pads one block where AN10922 pads two: a key that looks right and opens nothing.
    OpensslMac mac;
    const Key master = key_of("f3f9377698707b688eaf84abe39e3791");
    const auto m = bytes_of("04deadbeeffeed");
    EXPECT_EQ(hex(an10922_with_aes(master, m)), "0bb408baff98b6ee9f2e1585777f6a51");
    EXPECT_EQ(hex(mac.cmac(master, bytes_of("0104deadbeeffeed"))), "721e2c01e81af85d815633969cea2607");
    for (std::size_t size = 0; size < kDiversificationBytesMin; ++size)
        EXPECT_FALSE(diversify_an10922(mac, master, std::vector<Byte>(size, 0x5A))) << size;
    EXPECT_FALSE(diversify_an10922(mac, master, std::vector<Byte>(kDiversificationBytesMax + 1, 0x5A)));
}

TEST(CardKeys, NoKeyIsTheSameAsAnother) {
    // A key that serves two purposes gives away the second with the first: a reader's key that opens a box's records.
    OpensslMac mac;
    const SiteMasters masters = site_masters(mac, kMaster);
    const BoxKeys commands = diversify(mac, kMaster, 2026000017);
    const RecordKeys box = record_keys(mac, masters, 2026000017);
    const RecordKeys next = record_keys(mac, masters, 2026000018);
    const RecordKeys site = record_keys(mac, masters, 0);
    const std::vector<Key> keys{kMaster,
                                masters.record,
                                masters.sector_read,
                                masters.sector_desk,
                                masters.sector_return,
                                commands.to_meter,
                                commands.from_meter,
                                box.mac,
                                box.encryption,
                                next.mac,
                                next.encryption,
                                site.mac,
                                site.encryption};
    for (std::size_t a = 0; a < keys.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
            EXPECT_NE(keys[a], keys[b]) << a << " " << b;
}

TEST(CardKeys, EverySectorOfEveryCardHasItsOwnKeys) {
    // One card that is read out would open all others of the campus with the tools of any phone.
    OpensslMac mac;
    const SiteMasters masters = site_masters(mac, kMaster);
    std::vector<SectorKey> keys;
    for (const char* uid : {"a1b2c3d4", "a1b2c3d5", "04782e21801d80"})
        for (std::uint8_t sector = 0; sector < kSectorCount; ++sector) {
            keys.push_back(sector_key(mac, masters.sector_read, uid_of(uid), sector, KeyKind::kA));
            keys.push_back(sector_key(mac, masters.sector_desk, uid_of(uid), sector, KeyKind::kB));
            keys.push_back(sector_key(mac, masters.sector_return, uid_of(uid), sector, KeyKind::kB));
        }
    for (std::size_t a = 0; a < keys.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
            EXPECT_NE(keys[a], keys[b]) << a << " " << b;
}

TEST(CardKeys, TheseAreTheKeysOfTheGoldenSite) {
    // Written into boxes at the factory and into cards at the desk; a program that makes others locks every card out.
    OpensslMac mac;
    const SiteMasters masters = site_masters(mac, kMaster);
    const RecordKeys box = record_keys(mac, masters, 2026000017);
    EXPECT_EQ(hex(masters.record), "b124f20b018363bcfff80e07673b93eb");
    EXPECT_EQ(hex(box.mac), "faf30d2ae7379a8cce41d803b2324760");
    EXPECT_EQ(hex(box.encryption), "c67d48083febc6b41645f11998d7f47e");
    EXPECT_EQ(hex(sector_key(mac, masters.sector_read, uid_of("a1b2c3d4"), 2, KeyKind::kA)), "aa18bb3c888b");
    EXPECT_EQ(hex(sector_key(mac, masters.sector_desk, uid_of("a1b2c3d4"), 2, KeyKind::kB)), "f108f89ba73d");
    EXPECT_EQ(hex(sector_key(mac, masters.sector_return, uid_of("a1b2c3d4"), 4, KeyKind::kB)), "6883c2931166");
}

TEST(AccessBits, TheseAreTheBytes) {
    // Wrong access bytes lock a sector for ever.
    const struct {
        AccessBits access;
        const char* bytes;
    } vectors[] = {
        {{{0, 0, 0, 1}}, "ff0780"}, {{{0, 0, 0, 3}}, "7f0788"}, {{{4, 4, 4, 3}}, "787788"}, {{{3, 3, 3, 3}}, "0f00ff"},
        {{{6, 6, 6, 3}}, "08778f"}, {{{4, 4, 4, 6}}, "70ff08"}, {{{2, 2, 2, 6}}, "078f0f"},
    };
    for (const auto& vector : vectors) {
        EXPECT_EQ(hex(encode_access(vector.access)), vector.bytes);
        const auto back = decode_access(bytes_of(vector.bytes));
        ASSERT_TRUE(back) << vector.bytes;
        EXPECT_EQ(*back, vector.access);
    }
}

TEST(AccessBits, AC27EveryTrailerThatWouldLockASectorIsKnownBeforeItIsSent) {
    // A trailer with one bit flipped on its way out makes the card waste.
    for (unsigned all = 0; all < 1u << 12; ++all) {
        AccessBits access;
        for (unsigned k = 0; k < 4; ++k)
            access.blocks[k] = static_cast<AccessCondition>(all >> (3 * k) & 7);
        const AccessBytes bytes = encode_access(access);
        ASSERT_EQ(decode_access(bytes), access);
        for (std::size_t bit = 0; bit < 24; ++bit) {
            AccessBytes flipped = bytes;
            flipped[bit / 8] = static_cast<Byte>(flipped[bit / 8] ^ 1 << bit % 8);
            ASSERT_FALSE(decode_access(flipped)) << all << " " << bit;
        }
    }
    const Block trailer = make_trailer({1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12});
    EXPECT_EQ(hex(trailer),
              "0102030405067877886907080"
              "90a0b0c");
    EXPECT_TRUE(is_our_trailer(trailer));
    EXPECT_TRUE(is_our_trailer(make_trailer(kTransportKey, kTransportKey, kTransportAccess)));
    EXPECT_FALSE(is_our_trailer(make_trailer({}, {}, AccessBits{{4, 4, 4, 6}}))) << "keys could never be changed again";
    EXPECT_FALSE(is_our_trailer(Block{}));
}

TEST(Layout, NothingLiesOnAnotherAndNothingBeyondTheCard) {
    // Two records in one sector: selling destroys what the meter wrote.
    for (std::uint8_t base = kBaseMin; base <= kBaseMax; ++base) {
        const Layout layout{base};
        std::vector<int> sectors{layout.identity(), layout.credit(0), layout.credit(1), layout.returns(0),
                                 layout.returns(1)};
        for (std::uint8_t part = 0; part < kSectorCount; ++part)
            if (const auto sector = layout.household_parameter(part)) sectors.push_back(*sector);
        EXPECT_EQ(static_cast<int>(sectors.size()), kSectorCount - base);
        for (std::size_t k = 0; k < sectors.size(); ++k) {
            EXPECT_EQ(sectors[k], base + static_cast<int>(k));
            EXPECT_EQ(layout.is_return(static_cast<std::uint8_t>(sectors[k])), k == 3 || k == 4);
        }
        int rights = 0;
        while (layout.right(static_cast<std::uint8_t>(rights)))
            ++rights;
        EXPECT_EQ(rights, layout.sectors_behind_identity());
        EXPECT_EQ(layout.ordered_parameter(2, 0), layout.right(2));
    }
}

TEST(Layout, AC28NumbersThatAreMadeUpAtEveryVisitAreNotTaken) {
    // A phone shows another number each time: what was sealed for it never opens again.
    EXPECT_FALSE(fault_of(uid_of("a1b2c3d4")));
    EXPECT_FALSE(fault_of(uid_of("04782e21801d80")));
    EXPECT_FALSE(fault_of(uid_of("08782e21801d80"))) << "only a number of four bytes is random with 08";
    EXPECT_EQ(fault_of(uid_of("08b2c3d4")), UidFault::kRandom);
    EXPECT_EQ(fault_of(uid_of("ffffffff")), UidFault::kPlaceholder);
    EXPECT_EQ(fault_of(uid_of("00000000000000")), UidFault::kPlaceholder);
    EXPECT_EQ(fault_of(uid_of("a1b2c3d4e5")), UidFault::kLength);
    EXPECT_EQ(fault_of(Uid{}), UidFault::kLength);
}

}  // namespace
}  // namespace prewatt::card
