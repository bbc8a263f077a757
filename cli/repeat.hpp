// `--every 5s`: does something again and again until it goes wrong or somebody presses Ctrl-C.
#pragma once
#include <chrono>
#include <functional>
#include <optional>

namespace prewatt::cli {

// From here on Ctrl-C does not kill the program at once but is seen by interrupted().
void catch_interrupt();
[[nodiscard]] bool interrupted();

// `once` gives an exit code. Without `every` it is done once. An empty line stands between two rounds. The exit code:
// the first that is not "done", or that of Ctrl-C.
int repeat(std::optional<std::chrono::milliseconds> every, const std::function<int()>& once);

}  // namespace prewatt::cli
