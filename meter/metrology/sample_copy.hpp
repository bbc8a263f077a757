// Samples from one place to another, forward. On the device the library's copy costs more than what it copies.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

namespace prewatt::meter {

inline void copy_samples(const std::int16_t* from, int count, std::int16_t* to) {
#if defined(__ARM_ARCH) && !defined(__ARM_NEON)
    constexpr int kWords = 4;  // two instructions
    if (((reinterpret_cast<std::uintptr_t>(from) | reinterpret_cast<std::uintptr_t>(to)) & 3) == 0) {
        for (; count >= 2 * kWords; count -= 2 * kWords, from += 2 * kWords, to += 2 * kWords) {
            std::memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), 4 * kWords);
            asm volatile("");  // or the compiler calls the library after all
        }
    }
    for (; count >= 2; count -= 2, from += 2, to += 2) {
        std::uint32_t two;
        std::memcpy(&two, from, sizeof two);
        std::memcpy(to, &two, sizeof two);
        asm volatile("");
    }
    if (count > 0) *to = *from;
#else
    std::copy_n(from, count, to);
#endif
}

}  // namespace prewatt::meter
