// What the command says to the program that started it. The numbers are part of the interface: scripts branch on them.
#pragma once
#include <span>

namespace prewatt::cli {

enum class ExitCode : int {
    kDone = 0,
    kInternal = 1,
    kWrongUse = 2,
    kNotFound = 3,
    kNoAnswer = 4,
    kRefused = 5,
    kCancelled = 6,
    kPartlyFailed = 7,
    kNoRight = 8,
    kNotReachable = 9,
    kInterrupted = 130,
};
[[nodiscard]] constexpr int code(ExitCode exit) {
    return static_cast<int>(exit);
}

struct ExitMeaning {
    ExitCode exit;
    const char* meaning;
};
inline constexpr ExitMeaning kExitMeanings[] = {
    {ExitCode::kDone, "done"},
    {ExitCode::kInternal, "internal error, or a goal was missed (bench --strict)"},
    {ExitCode::kWrongUse, "wrong use, or a question that cannot be asked here"},
    {ExitCode::kNotFound, "no such household, box, line or file"},
    {ExitCode::kNoAnswer, "the meter did not answer"},
    {ExitCode::kRefused, "refused: by the meter or by a rule of the office; the reason is shown"},
    {ExitCode::kCancelled, "cancelled by the person"},
    {ExitCode::kPartlyFailed, "part of a batch failed"},
    {ExitCode::kNoRight, "not signed in, or no right to do this"},
    {ExitCode::kNotReachable, "server or port not reachable"},
    {ExitCode::kInterrupted, "stopped with Ctrl-C"},
};

}  // namespace prewatt::cli
