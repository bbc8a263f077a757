#include "server/collect/line_address.hpp"

#include <gtest/gtest.h>

namespace prewatt::collect {
namespace {

TEST(LineAddress, ReadsPortsAndGateways) {
    // The line of a building is typed once by hand; what was meant must be what is opened.
    const auto port = parse_line_url("serial:///dev/ttyUSB0?baud=2400");
    ASSERT_TRUE(port);
    EXPECT_EQ(port->host, "/dev/ttyUSB0");
    EXPECT_EQ(port->baud, 2400u);
    const auto gateway = parse_line_url("tcp://[fe80::1]:4001?latency_ms=1500&baud=19200");
    ASSERT_TRUE(gateway);
    EXPECT_EQ(gateway->host, "fe80::1");
    EXPECT_EQ(gateway->port, 4001);
    EXPECT_EQ(gateway->latency_max, milliseconds(1500));
    EXPECT_EQ(gateway->baud, 19200u);
    EXPECT_EQ(parse_line_url("tcp://localhost:9")->baud, 9600u);
}

TEST(LineAddress, NamesTheCardReadersOfTheLine) {
    // A reader that nobody asks is dead plastic on the wall.
    EXPECT_TRUE(parse_line_url("tcp://h:1")->readers.empty());
    EXPECT_EQ(parse_line_url("tcp://h:1?readers=7")->readers, std::vector<std::uint16_t>{7});
    EXPECT_EQ(parse_line_url("tcp://h:1?baud=2400&readers=1,65535&latency_ms=3")->readers,
              (std::vector<std::uint16_t>{1, 65535}));
}

TEST(LineAddress, SaysWhatIsWrong) {
    // "connection failed" for a typing error costs a technician an afternoon.
    for (const char* url :
         {"", "ttyUSB0", "serial://ttyUSB0", "tcp://host", "tcp://:1", "tcp://h:0", "tcp://h:70000",
          "tcp://h:1?baud=9601", "tcp://h:1?baud=", "tcp://h:1?speed=1", "tcp://h:1?readers=", "tcp://h:1?readers=0",
          "tcp://h:1?readers=1,", "tcp://h:1?readers=7,7", "tcp://h:1?readers=65536", "tcp://h:1?readers=1,2,3,4,5",
          "serial:///dev/x?latency_ms=-1"}) {
        const auto address = parse_line_url(url);
        ASSERT_FALSE(address) << url;
        EXPECT_NE(address.error().find(url), std::string::npos);
    }
}

}  // namespace
}  // namespace prewatt::collect
