#include "server/api/event_hub.hpp"

#include <gtest/gtest.h>

namespace prewatt::server::api {
namespace {

TEST(EventHubTest, AWatcherThatFellBehindIsToldInsteadOfMissingEvents) {
    // A tab that slept through lunch shows rooms as they were before, and nobody knows.
    EventHub hub(3, 100);
    for (int i = 0; i < 5; ++i)
        hub.publish("sale", std::to_string(i));
    EXPECT_EQ(hub.last(), 104u);
    EXPECT_TRUE(hub.news(100, 10).lost);
    EXPECT_EQ(hub.news(100, 10).last, 104u);
    const EventHub::News rest = hub.news(101, 10);
    EXPECT_FALSE(rest.lost);
    ASSERT_EQ(rest.texts.size(), 3u);
    EXPECT_EQ(*rest.texts[0], "id: 102\nevent: sale\ndata: 2\n\n");
}

TEST(EventHubTest, ANumberOfAnEarlierStartIsUnknown) {
    // The office restarts; the page resumes with a number that now means another event.
    EventHub hub(10, 1000);
    EXPECT_TRUE(hub.news(17, 10).lost);
    EXPECT_TRUE(hub.news(1000, 10).lost);
    EXPECT_FALSE(hub.news(999, 10).lost);
}

TEST(EventHubTest, EventsComeInPiecesWithoutAGap) {
    // A burst of 10,000 readings is cut off in the middle.
    EventHub hub(100, 1);
    for (int i = 0; i < 50; ++i)
        hub.publish("household", "{}");
    std::uint64_t after = 0;
    std::size_t count = 0;
    while (true) {
        const EventHub::News news = hub.news(after, 7);
        if (news.texts.empty()) break;
        count += news.texts.size();
        after = news.last;
    }
    EXPECT_EQ(count, 50u);
    EXPECT_EQ(after, 50u);
}

TEST(EventHubTest, WatchersAreWokenUntilTheyLeave) {
    // A closed tab is called for ever.
    EventHub hub(10, 1);
    int woken = 0;
    const std::uint64_t watcher = hub.watch([&] { ++woken; });
    hub.publish("box", "{}");
    EXPECT_EQ(hub.watchers(), 1u);
    hub.unwatch(watcher);
    hub.publish("box", "{}");
    EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace prewatt::server::api
