#include "sim/host_run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sim/line_port.hpp"

namespace prewatt::sim {
namespace {

// "5" that is taken for five hours instead of five seconds, or a box number with a digit too few, is found out too
// late.
TEST(HostRun, WordsMeanOneThingOrAreRefused) {
    EXPECT_EQ(parse_duration("90"), seconds(90));
    EXPECT_EQ(parse_duration("5m"), minutes(5));
    EXPECT_EQ(parse_duration("0.5h"), minutes(30));
    for (const char* bad : {"", "0", "-5", "5x", "m", "1e99", "nan"})
        EXPECT_FALSE(parse_duration(bad)) << bad;
    EXPECT_EQ(parse_box_number("0000000042"), 42u);
    for (const char* bad : {"", "202600001", "20260000011", "20260000a1", "+202600001"})
        EXPECT_FALSE(parse_box_number(bad)) << bad;
    EXPECT_FALSE(parse_speed("max").value());
    EXPECT_EQ(parse_speed("2.5").value().value_or(0), 2.5);
    for (const char* bad : {"", "0", "fast", "inf", "-1"})
        EXPECT_FALSE(parse_speed(bad)) << bad;
    EXPECT_EQ(parse_wiring("18x2"), meter::Wiring::k18x2);
    EXPECT_FALSE(parse_wiring("39"));
    EXPECT_EQ(parse_life("shop"), Life::kShop);
    EXPECT_FALSE(parse_life("hermit"));
}

TEST(HostRun, HostAndPortAreToldApart) {
    const auto plain = parse_host_port("7001");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "127.0.0.1");
    EXPECT_EQ(plain->port, 7001);
    EXPECT_EQ(parse_host_port("0.0.0.0:1")->host, "0.0.0.0");
    EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
    for (const char* bad : {"", "host", "host:", "::1:80", "1:65536", "h:-1", "h:8x"})
        EXPECT_FALSE(parse_host_port(bad)) << bad;
}

// A host that slept for an hour must not make up for it by an hour of deafness.
TEST(HostRun, ADebtOfTimeIsDropped) {
    Pace pace(1e6);
    const Instant due = pace.due(Instant{});
    EXPECT_LE(due - Instant{}, seconds(1'000'000));
    EXPECT_GE(pace.due(due), due);
    EXPECT_EQ(pace.until(due, due), Duration{});
    EXPECT_TRUE(Pace(std::nullopt).is_max());
}

}  // namespace
}  // namespace prewatt::sim
