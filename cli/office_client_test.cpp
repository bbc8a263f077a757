#include "cli/office_client.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace prewatt::cli {
namespace {

TEST(OfficeClientTest, MoneyIsReadToTheFenOrNotAtAll) {
    // "100.5" is sold as 100.05, "1e3" as one yuan.
    EXPECT_EQ(fen_of("100"), 10'000);
    EXPECT_EQ(fen_of("100.5"), 10'050);
    EXPECT_EQ(fen_of("100.05"), 10'005);
    EXPECT_EQ(fen_of("0.01"), 1);
    EXPECT_EQ(fen_of("1000000"), 100'000'000);
    for (const char* bad : {"", "0", "0.00", "-5", "+5", "1e3", "1,000", "100.", ".5", "1.005", "1000000.01",
                            "99999999", " 5", "5 ", "0x10", "٣"})
        EXPECT_FALSE(fen_of(bad)) << bad;
}

TEST(OfficeClientTest, ASpanOfTimeNeedsItsUnit) {
    // "--for 30" forces power on for 30 hours.
    EXPECT_EQ(span_of("500ms"), std::chrono::milliseconds(500));
    EXPECT_EQ(span_of("10s"), std::chrono::milliseconds(10'000));
    EXPECT_EQ(span_of("30m"), std::chrono::milliseconds(1'800'000));
    EXPECT_EQ(span_of("2h"), std::chrono::milliseconds(7'200'000));
    for (const char* bad : {"", "30", "s", "-5s", "1.5s", "5 s", "5sec", "99999999999999999999s"})
        EXPECT_FALSE(span_of(bad)) << bad;
}

TEST(OfficeClientTest, KeysOfSalesAreNeverTheSame) {
    // Two sales carry one key, and the second is taken for a repeat of the first.
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string key = make_uuid();
        EXPECT_EQ(key.size(), 36u);
        EXPECT_EQ(key[14], '4');
        EXPECT_TRUE(seen.insert(key).second);
    }
}

TEST(OfficeClientTest, AnAddressThatIsNoneIsSaidBeforeAnythingIsSent) {
    // The token goes to another machine because of a slip.
    for (const char* bad : {"https://office", "http://", "http://host:port", "http://host/path/", "ftp://host"})
        EXPECT_FALSE(OfficeClient::open({.server = bad, .token_file = {}})) << bad;
    const auto client = OfficeClient::open({.server = "http://[::1]:8080/", .token_file = {}});
    ASSERT_TRUE(client);
    EXPECT_EQ(client->server(), "http://[::1]:8080");
}

}  // namespace
}  // namespace prewatt::cli
