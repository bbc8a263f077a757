#include "base/crc.hpp"

#include <gtest/gtest.h>

#include <array>

namespace prewatt {
namespace {
constexpr std::array<Byte, 9> kCheck{'1', '2', '3', '4', '5', '6', '7', '8', '9'};

TEST(Crc, AgreesWithThePublishedCheckValues) {
    EXPECT_EQ(crc16(kCheck), 0x29B1);
    EXPECT_EQ(crc32(kCheck), 0xCBF43926u);
}

TEST(Crc, SixteenBitsContinueOverParts) {
    const std::uint16_t first = crc16(Bytes(kCheck).first(4));
    EXPECT_EQ(crc16(Bytes(kCheck).subspan(4), first), 0x29B1);
}
}  // namespace
}  // namespace prewatt
