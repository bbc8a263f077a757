// Message authentication as a port: AES-128-CMAC (NIST SP 800-38B, RFC 4493). The cryptography itself is never ours:
// OpenSSL on the host (card/openssl), mbedTLS or a crypto engine on a device.
#pragma once
#include <array>

#include "base/bytes.hpp"

namespace prewatt::card {

using Key = std::array<Byte, 16>;
using Tag = std::array<Byte, 16>;

class Mac {
  public:
    // AES-CMAC of message under key. Cannot fail: an engine that is broken asserts.
    [[nodiscard]] virtual Tag cmac(const Key& key, Bytes message) = 0;

  protected:
    ~Mac() = default;
};

}  // namespace prewatt::card
