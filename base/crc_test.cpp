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

TEST(Crc, SixteenBitsOfAnyLengthAreThoseOfTheDivisionBitByBit) {
    // A table with one wrong number: every eighth frame between the processors is dropped.
    std::array<Byte, 300> bytes{};
    for (std::size_t k = 0; k < bytes.size(); ++k)
        bytes[k] = static_cast<Byte>(k * k * 7 + k);
    std::uint16_t expected = 0xFFFF;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        ASSERT_EQ(crc16(Bytes(bytes).first(size)), expected) << size;
        expected = static_cast<std::uint16_t>(expected ^ (bytes[size] << 8));
        for (int bit = 0; bit < 8; ++bit)
            expected = static_cast<std::uint16_t>(expected & 0x8000 ? (expected << 1) ^ 0x1021 : expected << 1);
    }
}

TEST(Crc, ThirtyTwoBitsAreThoseOfTheDivisionBitByBit) {
    // A table with one wrong number: a commit of the meter's journal in some hundreds is thrown away as torn.
    std::array<Byte, 300> bytes{};
    for (std::size_t k = 0; k < bytes.size(); ++k)
        bytes[k] = static_cast<Byte>(k * k * 7 + k);
    std::uint32_t sum = 0xFFFFFFFF;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        ASSERT_EQ(crc32(Bytes(bytes).first(size)), ~sum) << size;
        ASSERT_EQ(crc32(Bytes(bytes).subspan(size / 2, size - size / 2), crc32(Bytes(bytes).first(size / 2))), ~sum);
        sum ^= bytes[size];
        for (int bit = 0; bit < 8; ++bit)
            sum = sum & 1 ? (sum >> 1) ^ 0xEDB88320u : sum >> 1;
    }
}

TEST(Crc, SixteenBitsContinueOverParts) {
    const std::uint16_t first = crc16(Bytes(kCheck).first(4));
    EXPECT_EQ(crc16(Bytes(kCheck).subspan(4), first), 0x29B1);
}
}  // namespace
}  // namespace prewatt
