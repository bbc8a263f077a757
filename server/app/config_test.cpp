#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "server/app/office_app.hpp"

namespace prewatt::server::app {
namespace {

class ConfigTest : public testing::Test {
  protected:
    ConfigTest() {
        char name[] = "/tmp/prewatt-config-XXXXXX";
        folder_ = mkdtemp(name);
    }
    ~ConfigTest() override { std::filesystem::remove_all(folder_); }
    std::expected<void, std::string> read(const std::string& text) {
        std::ofstream(folder_ / "prewatt.toml") << text;
        return read_config_file(folder_ / "prewatt.toml", config_);
    }
    std::filesystem::path folder_;
    AppConfig config_;
};

TEST_F(ConfigTest, EveryFieldIsReadIntoItsPlace) {
    // The office listens where nobody looks for it.
    const auto done = read(R"(
listen = "0.0.0.0:9000"
site = "North campus"
price_e4 = 6400
log_level = "debug"
card_base = 4
[[building]]
name = "3"
line = "East"
url = "/dev/ttyUSB0@19200"
first_box = 2026000101
boxes = 4
wiring = "18x2"
[[line]]
name = "West"
url = "tcp://10.0.0.2:4001"
)");
    ASSERT_TRUE(done) << done.error();
    EXPECT_EQ(config_.address, "0.0.0.0");
    EXPECT_EQ(config_.port, 9000);
    EXPECT_EQ(config_.site, "North campus");
    EXPECT_EQ(config_.price_e4, 6400);
    EXPECT_EQ(config_.card_base, 4);
    ASSERT_EQ(config_.buildings.size(), 1u);
    EXPECT_EQ(config_.buildings[0].url, "serial:///dev/ttyUSB0?baud=19200");
    EXPECT_EQ(config_.buildings[0].first_box, 2026000101u);
    EXPECT_EQ(config_.buildings[0].wiring, "18x2");
    ASSERT_EQ(config_.lines.size(), 1u);
    EXPECT_EQ(config_.lines[0].url, "tcp://10.0.0.2:4001");
}

TEST_F(ConfigTest, AMistakeIsNamedWithItsLine) {
    // A misspelt word is passed over, and the office runs with another price than was written.
    const auto unknown = read("site = \"A\"\nprize_e4 = 6400\n");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().find("line 2: 'prize_e4' is not known here"), std::string::npos) << unknown.error();
    const auto wrong_type = read("price_e4 = \"6400\"\n");
    ASSERT_FALSE(wrong_type);
    EXPECT_NE(wrong_type.error().find("must be a whole number"), std::string::npos);
    EXPECT_FALSE(read("price_e4 = -1\n"));
    EXPECT_FALSE(read("price_e4 = 0.64\n"));
    EXPECT_FALSE(read("building = \"3\"\n"));
    EXPECT_FALSE(read("listen = \"nowhere\"\n"));
    EXPECT_FALSE(read("this is no TOML\n"));
    // The manufacturer's sector, and one behind which the records do not fit.
    const auto sector = read("card_base = 0\n");
    ASSERT_FALSE(sector);
    EXPECT_NE(sector.error().find("one of 1 to 10"), std::string::npos) << sector.error();
    EXPECT_FALSE(read("card_base = 11\n"));
    EXPECT_TRUE(read("card_base = 10\n"));
    EXPECT_FALSE(read_config_file(folder_ / "missing.toml", config_));
}

TEST_F(ConfigTest, AnAddressToListenOnIsReadStrictly) {
    // "80800" becomes another port.
    for (const char* bad : {"", "80800", "-1", "127.0.0.1:", "127.0.0.1:x", "8080x"})
        EXPECT_FALSE(parse_listen(bad, config_)) << bad;
    EXPECT_TRUE(parse_listen("9000", config_));
    EXPECT_EQ(config_.address, "127.0.0.1");
    EXPECT_TRUE(parse_listen("[::1]:9001", config_));
    EXPECT_EQ(config_.address, "::1");
    EXPECT_EQ(config_.port, 9001);
}

}  // namespace
}  // namespace prewatt::server::app
