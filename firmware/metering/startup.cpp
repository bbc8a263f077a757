// From reset to run(): memory as the linker script lays it out, a painted stack, the FPU, and two services of the
// machine: text out and the end of the program. For QEMU's mps2-an386; the faults of a real board end in its watchdog.
#include "firmware/metering/machine.hpp"

#include <cstdint>

extern "C" {
extern std::uint32_t data_begin[], data_end[], data_load[], bss_begin[], bss_end[], stack_begin[], stack_end[];
[[noreturn]] void reset();
}

namespace prewatt::firmware {
namespace {

constexpr std::uint32_t kPaint = 0x5AFE57AC;

std::uint32_t semihosting(std::uint32_t operation, const void* argument) {
    register std::uint32_t r0 asm("r0") = operation;
    register const void* r1 asm("r1") = argument;
    asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

volatile std::uint32_t& device(std::uint32_t address) {
    return *reinterpret_cast<volatile std::uint32_t*>(address);
}
constexpr std::uint32_t kTimerControl = 0x4000'0000, kTimerValue = 0x4000'0004, kTimerReload = 0x4000'0008;

}  // namespace

void print(const char* text) {
    semihosting(0x04, text);
}

void leave(int code) {
    const std::uint32_t block[2] = {0x20026, static_cast<std::uint32_t>(code)};  // ADP_Stopped_ApplicationExit
    semihosting(0x20, block);
    for (;;) {
    }
}

std::uint32_t ticks() {
    return ~device(kTimerValue);
}

std::uint32_t stack_used() {
    const std::uint32_t* word = stack_begin;
    while (word != stack_end && *word == kPaint)
        ++word;
    return static_cast<std::uint32_t>(stack_end - word) * 4;
}

std::uint32_t stack_reserved() {
    return static_cast<std::uint32_t>(stack_end - stack_begin) * 4;
}

}  // namespace prewatt::firmware

extern "C" {

[[noreturn]] void __assert_func(const char* file, int, const char*, const char* what) {
    using prewatt::firmware::print;
    print("assertion ");
    print(what);
    print(" in ");
    print(file);
    print("\n");
    prewatt::firmware::leave(4);
}

[[noreturn]] void fault() {
    prewatt::firmware::print("fault\n");
    prewatt::firmware::leave(3);
}

// Only memory that nobody has touched yet, and no calls before the FPU is on: the compiler may use its registers
// anywhere.
[[noreturn]] void reset() {
    using namespace prewatt::firmware;
    device(0xE000'ED88) = 0xFu << 20;  // CPACR: full access to the FPU
    asm volatile("dsb\n isb");
    const std::uint32_t* from = data_load;
    for (std::uint32_t* to = data_begin; to != data_end;)
        *to++ = *from++;
    for (std::uint32_t* to = bss_begin; to != bss_end;)
        *to++ = 0;
    std::uint32_t* here;
    asm volatile("mov %0, sp" : "=r"(here));
    for (std::uint32_t* to = stack_begin; to < here - 16;)
        *to++ = kPaint;
    device(kTimerReload) = 0xFFFF'FFFF;
    device(kTimerValue) = 0xFFFF'FFFF;
    device(kTimerControl) = 1;
    leave(run());
}

union Vector {
    void* address;
    void (*handler)();
};
__attribute__((section(".vectors"), used))
const Vector vectors[16] = {{.address = stack_end}, {.handler = reset}, {.handler = fault}, {.handler = fault},
                            {.handler = fault},     {.handler = fault}, {.handler = fault}, {.handler = fault},
                            {.handler = fault},     {.handler = fault}, {.handler = fault}, {.handler = fault},
                            {.handler = fault},     {.handler = fault}, {.handler = fault}, {.handler = fault}};
}
