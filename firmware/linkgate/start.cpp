// Vectors of the board of memory addresses, and what it does with a failed assertion.
#include "firmware/linkgate/registers.hpp"

extern "C" {
// The board writes where it was, and its watchdog starts the device again from what is stored.
[[noreturn]] void __assert_func(const char* file, int line, const char*, const char*) {
    prewatt::linkgate::reg(0xB0) = reinterpret_cast<std::uintptr_t>(file);
    prewatt::linkgate::reg(0xB4) = static_cast<std::uint32_t>(line);
    for (;;) {
    }
}
#ifdef PREWATT_PLANTED
std::uint32_t planted();
#endif
[[noreturn]] void reset() {
#ifdef PREWATT_PLANTED
    prewatt::linkgate::reg(0xB8) = planted();
#endif
    run_board();
}
__attribute__((section(".vectors"), used)) void (*const vectors[2])() = {nullptr, reset};
}
