#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>

namespace prewatt {
namespace {

TEST(Bytes, WriterRefusesWhatDoesNotFitAndStaysRefused) {
    std::array<Byte, 3> out{};
    ByteWriter writer(out);
    writer.put_u16(0x1234);
    writer.put_u16(0xFFFF);
    writer.put_u8(0x77);
    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(writer.size(), 2u);
    EXPECT_EQ(out, (std::array<Byte, 3>{0x34, 0x12, 0x00}));
}

TEST(Bytes, ReaderRefusesToReadPastItsEnd) {
    const std::array<Byte, 3> in{1, 2, 3};
    ByteReader reader(in);
    EXPECT_EQ(reader.get_u16(), 0x0201);
    EXPECT_EQ(reader.get_u16(), 0);
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.finished());
}

TEST(Bytes, SignedNumbersRoundTrip) {
    std::array<Byte, 8> out{};
    ByteWriter writer(out);
    writer.put_i64(-123'456'789'012);
    ByteReader reader(writer.written());
    EXPECT_EQ(reader.get_i64(), -123'456'789'012);
    EXPECT_TRUE(reader.finished());
}

}  // namespace
}  // namespace prewatt
