#include "base/bcd.hpp"

#include <gtest/gtest.h>

#include <array>

namespace prewatt {
namespace {

TEST(Bcd, EightDigitsGoOutLowPairFirst) {
    std::array<Byte, 4> out{};
    put_bcd(out, 12'345'678);
    EXPECT_EQ(out, (std::array<Byte, 4>{0x78, 0x56, 0x34, 0x12}));
    EXPECT_EQ(get_bcd(out).value(), 12'345'678u);
}

// The standard's energy register wraps at 1,000,000.00 kWh.
TEST(Bcd, HigherDigitsAreDropped) {
    std::array<Byte, 4> out{};
    put_bcd(out, 100'000'001);
    EXPECT_EQ(get_bcd(out).value(), 1u);
}

// A hex digit in a written amount must not become some number.
TEST(Bcd, NibbleAboveNineIsRefused) {
    for (const Byte bad : std::array<Byte, 3>{0x0A, 0xA0, 0xFF})
        EXPECT_FALSE(get_bcd(std::array<Byte, 2>{0x12, bad}).has_value());
}

TEST(Bcd, EveryByteRoundTrips) {
    for (unsigned n = 0; n < 100; ++n)
        EXPECT_EQ(from_bcd(to_bcd(n)), n);
}

}  // namespace
}  // namespace prewatt
