// By what a clock was set. The numbers stand in the event log and on the wire; they never change.
#pragma once
#include <cstdint>

namespace prewatt::meter {

enum class ClockSource : std::uint8_t {
    kBroadcast = 0,  // 08H to all
    kPassword = 1,   // a plain write
    kSealed = 2,     // a sealed command
    kAddressed = 3,  // 08H to this box
};

}  // namespace prewatt::meter
