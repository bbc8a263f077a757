// The memory of Mbed TLS on a device, which has no heap. One CMAC takes two pieces, an AES context and the state of
// the chain, and gives both back before it returns; so two places are enough, and a third request is refused. Static,
// since the library's hooks know no instance: there is one engine in a device, in one thread.
#include <mbedtls/aes.h>
#include <mbedtls/cmac.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "card/mbedtls/device_config.h"

namespace {

constexpr std::size_t larger(std::size_t a, std::size_t b) {
    return a > b ? a : b;
}
struct Place {
    alignas(std::max_align_t)
        std::array<std::uint8_t, larger(sizeof(mbedtls_aes_context), sizeof(mbedtls_cmac_context_t))> bytes{};
    bool taken = false;
};
std::array<Place, 2> places;

}  // namespace

extern "C" void* prewatt_mbedtls_calloc(std::size_t count, std::size_t size) {
    const std::size_t limit = places[0].bytes.size();
    if (count == 0 || size == 0 || size > limit || count > limit / size) return nullptr;
    for (Place& place : places) {
        if (place.taken) continue;
        place.taken = true;
        place.bytes.fill(0);
        return place.bytes.data();
    }
    return nullptr;
}

extern "C" void prewatt_mbedtls_free(void* memory) {
    for (Place& place : places)
        if (memory == place.bytes.data()) place.taken = false;
}
