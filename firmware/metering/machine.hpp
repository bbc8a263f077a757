// What the trial asks of the machine that it runs on: QEMU's mps2-an386 (startup.cpp) or the host (host.cpp).
#pragma once
#include <cstdint>

namespace prewatt::firmware {

// The program; returns its exit code.
int run();

void print(const char* text);
[[noreturn]] void leave(int code);

// A counter of 25 MHz, which wraps. Under QEMU's `-icount shift=6` an instruction takes 64 ns, so an instruction is 1.6
// of these ticks. 0 for ever on a machine where instructions are not counted.
[[nodiscard]] std::uint32_t ticks();

// Bytes of the stack that were touched since reset; 0 where this is not measured.
[[nodiscard]] std::uint32_t stack_used();
[[nodiscard]] std::uint32_t stack_reserved();

}  // namespace prewatt::firmware
