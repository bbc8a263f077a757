#include "meter/core/command_guard.hpp"

#include <gtest/gtest.h>

namespace prewatt::meter {
namespace {

TEST(CommandGuard, OnlyAHigherCounterIsExecuted) {
    // Whoever recorded the line last month plays "off" again.
    constexpr LastCommand last{100, 0xABCD, 0};
    EXPECT_EQ(judge(last, 101, 0), Freshness::kNew);
    EXPECT_EQ(judge(last, 4'000'000'000u, 0), Freshness::kNew);
    EXPECT_EQ(judge(last, 99, 0xABCD), Freshness::kOld);
    EXPECT_EQ(judge(last, 0, 0), Freshness::kOld);
}

TEST(CommandGuard, LastCommandIsAnsweredAgainButAnotherOneWithItsCounterIsNot) {
    // An office restored from a backup reuses a counter and takes the "done" of another command for its own.
    constexpr LastCommand last{100, 0xABCD, 0};
    EXPECT_EQ(judge(last, 100, 0xABCD), Freshness::kRepeat);
    EXPECT_EQ(judge(last, 100, 0xABCE), Freshness::kOld);
}

TEST(CommandGuard, NewBoxTakesNoCounterZero) {
    // A box that has never heard a command takes silence for a repeat.
    EXPECT_EQ(judge(LastCommand{}, 0, 0), Freshness::kOld);
    EXPECT_EQ(judge(LastCommand{}, 1, 0), Freshness::kNew);
}

}  // namespace
}  // namespace prewatt::meter
