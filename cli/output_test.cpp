#include "cli/output.hpp"

#include <gtest/gtest.h>

#include "cli/meter_name.hpp"

namespace prewatt::cli {
namespace {

const Table kTable{"rooms",
                   {{"room", "room"}, {"remaining", "kWh", true}, {"note", "note"}, {"on", "on"}},
                   {{"3-0512", "42.70", std::monostate{}, true}, {"宿舍, \"A\"", "-1.50", std::monostate{}, false}}};

TEST(Output, ATableLinesUpAndLeavesEmptyColumnsOut) {
    EXPECT_EQ(text_of(kTable, OutputFormat::kTable),
              "room         kWh  on\n"
              "3-0512     42.70  yes\n"
              "宿舍, \"A\"  -1.50  no\n");
}

TEST(Output, JsonKeepsAmountsAsTextAndEmptyAsNull) {
    // A balance that a script reads as a float is wrong by a fen some day.
    EXPECT_EQ(
        text_of({"rooms", {{"remaining", ""}, {"n", ""}, {"x", ""}}, {{"0.10", std::int64_t{3}, std::monostate{}}}},
                OutputFormat::kJson),
        "{\n  \"format\": 1,\n  \"rooms\": [\n    {\n      \"remaining\": \"0.10\",\n      \"n\": 3,\n      \"x\": "
        "null\n    }\n  ]\n}\n");
}

TEST(Output, CsvQuotesWhatNeedsIt) {
    EXPECT_EQ(text_of(kTable, OutputFormat::kCsv),
              "room,remaining,note,on\r\n3-0512,42.70,,yes\r\n\"宿舍, \"\"A\"\"\",-1.50,,no\r\n");
}

TEST(Output, DecimalsAreExact) {
    EXPECT_EQ(decimal(0), "0.00");
    EXPECT_EQ(decimal(-5), "-0.05");
    EXPECT_EQ(decimal(123'456), "1234.56");
    EXPECT_EQ(decimal(INT64_MIN), "-92233720368547758.08");
}

TEST(MeterName, EveryFormIsUnderstood) {
    EXPECT_EQ(printed(parse_meter("2026000017:12")->address), "202600001712");
    EXPECT_EQ(printed(parse_meter("2026000017")->address), "202600001700");
    EXPECT_EQ(printed(parse_meter("202600001739")->address), "202600001739");
    EXPECT_EQ(parse_meter("AAAAAAAAAAAA")->address, dlt645::kWildcard);
    EXPECT_TRUE(parse_meter("2026000017:all")->all_households);
    EXPECT_EQ(box_of(parse_meter("2026000017:12")->address), 2026000017u);
    for (const char* wrong : {"", "x", "2026000017:40", "2026000017:", "2026000017:1x", ":1", "20260000171:1",
                              "20260000171", "3-0512", "2026000017123"})
        EXPECT_FALSE(parse_meter(wrong)) << wrong;
}

TEST(MeterName, HexIsTakenAsPeopleWriteItAndHalfBytesAreNot) {
    EXPECT_EQ(parse_hex("68 12,90\n0x78"), (std::vector<Byte>{0x68, 0x12, 0x90, 0x78}));
    EXPECT_EQ(parse_hex("6812"), (std::vector<Byte>{0x68, 0x12}));
    EXPECT_FALSE(parse_hex("6"));
    EXPECT_FALSE(parse_hex("6 8"));
    EXPECT_FALSE(parse_hex("zz"));
    EXPECT_FALSE(parse_data_id("0001000"));
    EXPECT_EQ(parse_data_id("02800002")->value, 0x02800002u);
}

}  // namespace
}  // namespace prewatt::cli
