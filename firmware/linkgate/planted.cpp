// What the link gate must find: a heap and a clock of the C library. Linked into linkgate_planted only.
#include <cstdint>
#include <ctime>

extern "C" std::uint32_t planted();

static std::uint32_t* volatile kept;  // an optimiser may drop a heap that nobody can see

std::uint32_t planted() {
    kept = new std::uint32_t(static_cast<std::uint32_t>(std::time(nullptr)));
    const std::uint32_t value = *kept;
    delete kept;
    return value;
}
