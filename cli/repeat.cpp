#include "cli/repeat.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "cli/exit_code.hpp"

namespace prewatt::cli {
namespace {
std::atomic<bool> pressed{false};
}

void catch_interrupt() {
    std::signal(SIGINT, [](int) { pressed = true; });
}

bool interrupted() {
    return pressed;
}

int repeat(std::optional<std::chrono::milliseconds> every, const std::function<int()>& once) {
    for (;;) {
        const int done = once();
        if (done != code(ExitCode::kDone) || !every) return done;
        const auto next = std::chrono::steady_clock::now() + *every;
        while (!pressed && std::chrono::steady_clock::now() < next)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        if (pressed) return code(ExitCode::kInterrupted);
        std::printf("\n");
    }
}

}  // namespace prewatt::cli
