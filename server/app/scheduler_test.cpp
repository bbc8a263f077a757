#include "server/app/scheduler.hpp"

#include <gtest/gtest.h>

namespace prewatt::server::app {
namespace {

TEST(SchedulerTest, APartIsBegunWhenItIsDueAndGoesOnAsLongAsThereIsMore) {
    // A campaign for 10,000 households is 157 steps: one a second would take the whole break.
    std::vector<std::string> problems;
    Scheduler scheduler([&](std::string problem) { problems.push_back(std::move(problem)); });
    int steps = 0;
    scheduler.add({"work", [](UnixTime) { return std::optional(UnixTime{1000}); },
                   [&](UnixTime, WhenDone<bool> done) { done(++steps % 5 != 0); }});
    scheduler.add({"broken",
                   [](UnixTime) -> Answer<std::optional<UnixTime>> {
                       return std::unexpected(Refusal{Reason::kStorageFailed, "the disk refuses", 0});
                   },
                   nullptr});
    scheduler.tick(UnixTime{999});
    EXPECT_EQ(steps, 0);
    scheduler.tick(UnixTime{1000});
    EXPECT_EQ(steps, 5);
    EXPECT_EQ(problems.size(), 2u);
    EXPECT_EQ(problems[0], "broken: the disk refuses");
}

TEST(SchedulerTest, OneStepIsUnderWayAtATimeAndNoneAfterTheEnd) {
    // Two chunks at once would order the same members twice; one after the end would find no office.
    Scheduler scheduler([](const std::string&) {});
    std::vector<WhenDone<bool>> waiting;
    scheduler.add({"work", [](UnixTime now) { return std::optional(now); },
                   [&](UnixTime, WhenDone<bool> done) { waiting.push_back(std::move(done)); }});
    scheduler.tick(UnixTime{1});
    scheduler.tick(UnixTime{2});
    ASSERT_EQ(waiting.size(), 1u);
    auto first = std::move(waiting[0]);
    first(true);
    ASSERT_EQ(waiting.size(), 2u);
    scheduler.stop();
    auto second = std::move(waiting[1]);
    second(true);
    scheduler.tick(UnixTime{3});
    EXPECT_EQ(waiting.size(), 2u);
}

}  // namespace
}  // namespace prewatt::server::app
