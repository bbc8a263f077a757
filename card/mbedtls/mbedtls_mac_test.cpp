#include "card/mbedtls/mbedtls_mac.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "card/records.hpp"
#include "card/testing/golden_card.hpp"
#include "card/testing/rfc4493.hpp"

namespace prewatt::card {
namespace {

TEST(MbedtlsMac, GivesTheTagsOfRfc4493) {
    // A meter whose tags differ from the office's takes no ticket and no card.
    MbedtlsMac mac;
    for (int round = 0; round < 3; ++round)
        for (const auto& v : rfc4493::kVectors)
            EXPECT_EQ(mac.cmac(rfc4493::kKey, Bytes(rfc4493::kMessage).first(v.size)), v.tag) << v.size;
}

TEST(MbedtlsMac, SaysWhatOpensslSaysForEveryLength) {
    const unsigned seed = 20261127;
    std::mt19937 random(seed);
    SCOPED_TRACE(seed);
    MbedtlsMac device;
    OpensslMac office;
    for (std::size_t size = 0; size <= 256; ++size) {
        Key key{};
        std::vector<Byte> message(size);
        for (Byte& byte : key)
            byte = static_cast<Byte>(random());
        for (Byte& byte : message)
            byte = static_cast<Byte>(random());
        ASSERT_EQ(device.cmac(key, message), office.cmac(key, message)) << size;
    }
}

TEST(MbedtlsMac, OpensWhatTheOfficeSealed) {
    // The whole way: keys, sector keys and a record, made by one engine and read by the other.
    GoldenSite office;
    MbedtlsMac device;
    const SiteMasters masters = site_masters(device, kGoldenMaster);
    const MeterCardKeys keys = meter_card_keys(device, masters, kGoldenBox);
    EXPECT_EQ(sector_key(device, keys.sector_read, office.uid, 2, KeyKind::kA),
              sector_key(office.mac, office.masters.sector_read, office.uid, 2, KeyKind::kA));
    const RecordBytes sealed = seal(office.mac, office.box, office.uid, golden_credit());
    EXPECT_EQ(*open_credit(device, keys.own, office.uid, sealed), golden_credit());
    EXPECT_EQ(seal(device, keys.own, office.uid, golden_return()),
              seal(office.mac, office.box, office.uid, golden_return()));
}

}  // namespace
}  // namespace prewatt::card
