// The trial on the host: the same samples, the same registers, no counting.
#include <cstdio>
#include <cstdlib>

#include "firmware/metering/machine.hpp"

namespace prewatt::firmware {

void print(const char* text) {
    std::fputs(text, stdout);
}
void leave(int code) {
    std::exit(code);
}
std::uint32_t ticks() {
    return 0;
}
std::uint32_t stack_used() {
    return 0;
}
std::uint32_t stack_reserved() {
    return 0;
}

}  // namespace prewatt::firmware

int main() {
    return prewatt::firmware::run();
}
