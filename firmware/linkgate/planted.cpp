// What the link gate must find: a heap, a clock of the C library, double arithmetic. Linked into the images ..._planted
// only.
#include <cstdint>
#include <ctime>

extern "C" std::uint32_t planted();

static volatile double share = 0.5;
static std::uint32_t* volatile kept;  // an optimiser may drop a heap that nobody can see

std::uint32_t planted() {
    kept = new std::uint32_t(static_cast<std::uint32_t>(std::time(nullptr)));
    share = share * share;
    const std::uint32_t value = *kept;
    delete kept;
    return value;
}
