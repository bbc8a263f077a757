#include "protocols/dlt645/frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace prewatt::dlt645 {
namespace {

std::vector<Byte> hex(std::string_view text) {
    std::vector<Byte> out;
    int high = -1;
    for (char c : text) {
        if (c == ' ') continue;
        const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            out.push_back(static_cast<Byte>(high << 4 | digit));
            high = -1;
        }
    }
    return out;
}

// Feeds a decoder at one byte a millisecond.
struct Line {
    Decoder decoder;
    Instant now{0};
    std::vector<Frame> frames;
    void feed(Bytes bytes) {
        for (Byte byte : bytes)
            feed_one(byte);
    }
    void feed_one(Byte byte, bool bad_parity = false) {
        now = now + milliseconds(1);
        if (auto frame = decoder.on_byte(byte, now, bad_parity)) frames.push_back(*frame);
    }
};

const std::vector<Byte> kRead = hex("68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16");
const Address kMeter{{0x12, 0x90, 0x78, 0x56, 0x34, 0x12}};

TEST(Frame, AddressOfAHouseholdIsTheBoxNumberFollowedByTheHousehold) {
    // A collector that was set up with the printed number would read the neighbour.
    const Address address = address_of(BoxNumber{1234567890}, Household{39});
    EXPECT_EQ(address, (Address{{0x39, 0x90, 0x78, 0x56, 0x34, 0x12}}));
    EXPECT_EQ(address_of(BoxNumber{7}, Household{0}), (Address{{0x00, 0x07, 0, 0, 0, 0}}));
}

TEST(Frame, WildcardMatchesOnlyInTheHighBytes) {
    // A box that answered to a hole in the middle would collide with its neighbours on the line.
    EXPECT_TRUE(matches(kMeter, kMeter));
    EXPECT_TRUE(matches(kWildcard, kMeter));
    EXPECT_TRUE(matches(Address{{0x12, 0x90, 0xAA, 0xAA, 0xAA, 0xAA}}, kMeter));
    EXPECT_FALSE(matches(Address{{0x13, 0x90, 0xAA, 0xAA, 0xAA, 0xAA}}, kMeter));
    EXPECT_FALSE(matches(Address{{0x12, 0xAA, 0x78, 0x56, 0x34, 0x12}}, kMeter));
    EXPECT_FALSE(matches(Address{{0xAA, 0x90, 0x78, 0x56, 0x34, 0x12}}, kMeter));
    EXPECT_FALSE(matches(kBroadcast, kMeter));
}

TEST(Frame, EncodesWithBiasCheckSumAndPreamble) {
    const auto data = hex("00 00 01 00");
    const FrameBytes plain = encode(kMeter, request(Function::kRead), data, 0);
    EXPECT_TRUE(equal({plain.data(), plain.size()}, kRead));
    const FrameBytes woken = encode(kMeter, request(Function::kRead), data);
    ASSERT_EQ(woken.size(), kRead.size() + 4);
    EXPECT_EQ(woken[0], 0xFE);
    EXPECT_EQ(woken[4], 0x68);
}

TEST(Decoder, FindsAFrameBehindAnyNumberOfFe) {
    // Some converters swallow the preamble, others lengthen it.
    for (std::size_t count : {0u, 1u, 4u, 60u, 300u}) {
        Line line;
        line.feed(std::vector<Byte>(count, 0xFE));
        line.feed(kRead);
        ASSERT_EQ(line.frames.size(), 1u) << count;
        EXPECT_EQ(line.frames[0].address, kMeter);
        EXPECT_EQ(line.frames[0].control, request(Function::kRead));
        EXPECT_EQ(line.frames[0].data_id(), DataId{0x00010000});
        EXPECT_EQ(line.decoder.noise_bytes(), 0u);
    }
}

TEST(Decoder, ResumesAtTheByteAfterAFalseStart) {
    // A glitch just before the request must not cost the request: the household would read as silent.
    Line line;
    line.feed(hex("FE FE 68 68 01 16 AA 12"));
    line.feed(kRead);
    ASSERT_EQ(line.frames.size(), 1u);
    EXPECT_EQ(line.decoder.noise_bytes(), 6u);
}

TEST(Decoder, NoiseThatLooksLikeTheHeadOfALongFrameCostsOneRequestAndNotItsRepetition) {
    // 68 in the noise stands seven bytes before the second start of the request; what follows reads as a reply of 0xB4
    // bytes.
    Line line;
    line.feed(hex("FE FE 68 68 00 00 00 00 00 00 68 91 B4"));
    line.feed(kRead);
    EXPECT_TRUE(line.frames.empty());
    line.now = line.now + milliseconds(600);
    line.feed(kRead);
    EXPECT_EQ(line.frames.size(), 1u);
}

TEST(Decoder, AFrameInsideTheDataOfAnotherIsData) {
    // Text that somebody stored in one meter must not command its neighbours when it is read back.
    std::vector<Byte> inner = kRead;
    for (Byte& byte : inner)
        byte = static_cast<Byte>(byte - 0x33);
    const FrameBytes outer = encode(kMeter, reply(Function::kRead), inner);
    Line line;
    line.feed({outer.data(), outer.size()});
    ASSERT_EQ(line.frames.size(), 1u);
    EXPECT_TRUE(line.frames[0].control.is_reply());
}

TEST(Decoder, FindsAGoodFrameBehindEveryCutOfAnother) {
    // A request that collided is repeated at once by an impatient master; the second must be heard.
    for (std::size_t cut = 1; cut < kRead.size(); ++cut) {
        Line line;
        line.feed(Bytes(kRead).first(cut));
        line.feed(kRead);
        // The torn head may claim up to one frame's worth of what follows.
        line.feed(std::vector<Byte>(kFrameSizeMax, 0xFE));
        ASSERT_EQ(line.frames.size(), 1u) << cut;
    }
}

TEST(Decoder, FindsTwoFramesBackToBack) {
    Line line;
    line.feed(kRead);
    line.feed(kRead);
    EXPECT_EQ(line.frames.size(), 2u);
    EXPECT_EQ(line.decoder.noise_bytes(), 0u);
}

TEST(Decoder, IsSilentOnEveryDamagedByte) {
    // A frame with one wrong bit that is taken for good may switch somebody off.
    for (std::size_t at = 0; at < kRead.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::vector<Byte> damaged = kRead;
            damaged[at] = static_cast<Byte>(damaged[at] ^ 1 << bit);
            Line line;
            line.feed(damaged);
            line.feed(std::vector<Byte>(kFrameSizeMax, 0xFE));
            EXPECT_TRUE(line.frames.empty()) << at << " bit " << bit;
        }
    }
}

TEST(Decoder, CountsAWrongCheckSum) {
    Line line;
    std::vector<Byte> damaged = kRead;
    damaged[damaged.size() - 2] ^= 1;
    line.feed(damaged);
    EXPECT_EQ(line.decoder.bad_frames(), 1u);
    EXPECT_EQ(line.decoder.noise_bytes(), damaged.size());
}

TEST(Decoder, RefusesALengthAboveTheLimitAtOnce) {
    Line line;
    line.feed(hex("68 12 90 78 56 34 12 68 91 C9"));
    line.feed(kRead);
    EXPECT_EQ(line.frames.size(), 1u);
    // Nobody asks a question of 33 bytes or refuses with 9.
    line.feed(hex("68 12 90 78 56 34 12 68 11 21"));
    line.feed(kRead);
    line.feed(hex("68 12 90 78 56 34 12 68 D1 09"));
    line.feed(kRead);
    EXPECT_EQ(line.frames.size(), 3u);
}

TEST(Decoder, TakesTheLongestFrame) {
    std::vector<Byte> data(kDataSizeMax);
    for (std::size_t k = 0; k < data.size(); ++k)
        data[k] = static_cast<Byte>(k * 7);
    const FrameBytes bytes = encode(kMeter, reply(Function::kRead, true), data);
    Line line;
    line.feed({bytes.data(), bytes.size()});
    ASSERT_EQ(line.frames.size(), 1u);
    EXPECT_TRUE(equal(line.frames[0].bytes(), data));
    EXPECT_TRUE(line.frames[0].control.more_follows());
}

TEST(Decoder, DropsAPartialFrameAfterHalfASecond) {
    // The end of a request that comes seconds late must not complete an old one.
    Line line;
    line.feed(Bytes(kRead).first(kRead.size() - 1));
    line.now = line.now + milliseconds(501);
    line.feed(Bytes(kRead).last(1));
    EXPECT_TRUE(line.frames.empty());
    line.feed(kRead);
    EXPECT_EQ(line.frames.size(), 1u);
}

TEST(Decoder, WaitsHalfASecondForTheNextByte) {
    Line line;
    line.feed(Bytes(kRead).first(kRead.size() - 1));
    line.now = line.now + milliseconds(499);
    line.feed(Bytes(kRead).last(1));
    EXPECT_EQ(line.frames.size(), 1u);
}

TEST(Decoder, AByteWithBadParityIsPartOfNoFrame) {
    const auto read_voltage = hex("68 12 90 78 56 34 12 68 11 04 33 34 34 35 6B 16");
    for (std::size_t at = 0; at < read_voltage.size(); ++at) {
        Line line;
        for (std::size_t k = 0; k < read_voltage.size(); ++k)
            line.feed_one(read_voltage[k], k == at);
        EXPECT_TRUE(line.frames.empty()) << at;
        line.feed(read_voltage);
        EXPECT_EQ(line.frames.size(), 1u) << at;
    }
}

TEST(Decoder, GivesOutTheFrameBehindAFalseStartWhenABadByteEndsIt) {
    Line line;
    line.feed(hex("68 00 00 00 00 00 00 68 91 C8"));
    line.feed(kRead);
    EXPECT_TRUE(line.frames.empty());
    line.feed_one(0x00, true);
    EXPECT_EQ(line.frames.size(), 1u);
}

TEST(Decoder, RandomNoiseNeverStopsIt) {
    const unsigned seed = 20261122;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Line line;
    for (int round = 0; round < 2000; ++round) {
        const std::size_t noise = random() % 60;
        for (std::size_t k = 0; k < noise; ++k) {
            const unsigned choice = random() % 4;
            line.feed_one(choice == 0 ? 0x68 : static_cast<Byte>(random()));
        }
        line.now = line.now + milliseconds(600);
        const std::size_t before = line.frames.size();
        line.feed(kRead);
        ASSERT_EQ(line.frames.size(), before + 1) << round;
        EXPECT_EQ(line.frames.back().address, kMeter);
    }
}

}  // namespace
}  // namespace prewatt::dlt645
