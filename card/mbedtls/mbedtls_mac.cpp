#include "card/mbedtls/mbedtls_mac.hpp"

#include <mbedtls/cipher.h>
#include <mbedtls/cmac.h>

#include <cassert>

namespace prewatt::card {

Tag MbedtlsMac::cmac(const Key& key, Bytes message) {
    Tag tag{};
    static constexpr Byte kNothing = 0;  // the library takes no null pointer, also for no bytes
    const int error =
        mbedtls_cipher_cmac(mbedtls_cipher_info_from_type(MBEDTLS_CIPHER_AES_128_ECB), key.data(), 8 * key.size(),
                            message.empty() ? &kNothing : message.data(), message.size(), tag.data());
    assert(error == 0);
    (void)error;
    return tag;
}

}  // namespace prewatt::card
