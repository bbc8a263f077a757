// AES-CMAC by Mbed TLS: what a meter brings behind card::Mac, where its processor has no engine of its own. On the
// host by Debian's library, so that the tests compare it with OpenSSL; for the device from the same version's source,
// with memory from a pool of two pieces instead of a heap. Keeps nothing between two calls.
#pragma once
#include "card/mac.hpp"

namespace prewatt::card {

class MbedtlsMac final : public Mac {
  public:
    [[nodiscard]] Tag cmac(const Key& key, Bytes message) override;
};

}  // namespace prewatt::card
