#include "card/openssl/openssl_mac.hpp"

#include <gtest/gtest.h>

#include "card/testing/rfc4493.hpp"

namespace prewatt::card {
namespace {

using namespace rfc4493;

TEST(OpensslMac, GivesTheTagsOfRfc4493AlsoWhenAKeyIsUsedAgain) {
    // A tag that differs between office and meter means that nothing can be sold.
    OpensslMac mac;
    for (int round = 0; round < 3; ++round)
        for (const Vector& v : kVectors)
            EXPECT_EQ(mac.cmac(kKey, Bytes(kMessage).first(v.size)), v.tag) << v.size;
}

TEST(OpensslMac, KeepsKeysApartAlsoBeyondWhatItCaches) {
    OpensslMac mac;
    const Tag first = mac.cmac(kKey, kMessage);
    for (unsigned k = 0; k < OpensslMac::kContextsMax + 10; ++k) {
        Key other{};
        other[0] = static_cast<Byte>(k);
        other[1] = static_cast<Byte>(k >> 8);
        EXPECT_NE(mac.cmac(other, kMessage), first);
    }
    EXPECT_EQ(mac.cmac(kKey, kMessage), first);
}

}  // namespace
}  // namespace prewatt::card
