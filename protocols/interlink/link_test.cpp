#include "protocols/interlink/link.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace prewatt::interlink {
namespace {

constexpr Type kState{0x01};
constexpr Type kRecord{0x81};

// One processor's end with its buffers, and everything that it was handed.
struct End {
    std::vector<Byte> receive = std::vector<Byte>(kPayloadSizeMax);
    std::vector<Byte> send = std::vector<Byte>(kFrameSizeMax);
    Link link;
    std::vector<std::uint32_t> records;
    std::vector<std::uint32_t> states;
    explicit End(std::uint16_t start, RecordMark taken = {}) : link(start, receive, send, taken) {}

    void feed(Bytes bytes, Instant now) {
        while (const auto message = link.on_bytes(bytes, now)) {
            if (message->type == kHeartbeat) continue;
            ByteReader reader(message->payload);
            (message->type.is_record() ? records : states).push_back(reader.get_u32());
        }
    }
    [[nodiscard]] bool put(std::uint32_t number) {
        std::array<Byte, 4> payload;
        ByteWriter(payload).put_u32(number);
        return link.put_record(kRecord, payload);
    }
    std::vector<Byte> state(std::uint32_t number, Instant now) {
        ByteWriter(link.payload()).put_u32(number);
        const Bytes frame = link.state(kState, 4, now);
        return {frame.begin(), frame.end()};
    }
    std::vector<Byte> poll(Instant now) {
        const Bytes frame = link.poll(now);
        return {frame.begin(), frame.end()};
    }
};

std::vector<std::uint32_t> count_from(std::uint32_t first, std::uint32_t last) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t n = first; n <= last; ++n)
        all.push_back(n);
    return all;
}

std::string hex(Bytes bytes) {
    std::string text;
    for (const Byte byte : bytes) {
        static constexpr const char* kDigits = "0123456789ABCDEF";
        if (!text.empty()) text += ' ';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

TEST(InterlinkFrame, GoldenFramesStayAsTheyAre) {
    // One of the two processors gets a new program and hears only noise from the other.
    std::array<Byte, 64> out{};
    ByteWriter(MutableBytes(out).subspan(kHeaderSize)).put_u32(0x00000001);
    EXPECT_EQ(hex(finish_frame({kHeartbeat, 0x0102, 0, 0, 0}, 4, out)),
              "A5 51 04 00 C7 00 02 01 00 00 00 00 00 00 01 00 00 00 08 4E");
    EXPECT_EQ(hex(finish_frame({{0x7F}, 1, 2, 0, 3}, 0, out)), "A5 51 00 00 C3 7F 01 00 02 00 00 00 03 00 57 09");
    ByteWriter(MutableBytes(out).subspan(kHeaderSize)).put_u32(0xA551A551);
    EXPECT_EQ(hex(finish_frame({{0x81}, 0xFFFE, 0x1234, 0xFFFF, 7}, 4, out)),
              "A5 51 04 00 C7 81 FE FF 34 12 FF FF 07 00 51 A5 51 A5 3A 70");
}

TEST(InterlinkFrame, EveryFrameComesBackAndEverySingleFlippedBitIsNoticed) {
    // A spike on the wire becomes a kilowatt-hour.
    std::array<Byte, kFrameSizeMax> out{};
    std::array<Byte, kPayloadSizeMax> buffer{};
    for (std::size_t k = 0; k < out.size(); ++k)
        out[k] = static_cast<Byte>(k * 7);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{96}, kPayloadSizeMax}) {
        const Head head{{0x42}, 11, 12, 0, 13};
        const Bytes frame = finish_frame(head, size, out);
        ASSERT_EQ(frame.size(), size + kFrameOverhead);
        Decoder decoder(buffer);
        Bytes rest = frame;
        const auto back = decoder.on_bytes(rest, Instant{});
        ASSERT_TRUE(back);
        EXPECT_EQ(back->head, head);
        EXPECT_TRUE(equal(back->payload, frame.subspan(kHeaderSize, size)));
        std::vector<Byte> damaged(frame.begin(), frame.end());
        for (std::size_t bit = 0; bit < 8 * damaged.size(); bit += size > 96 ? 31 : 1) {
            damaged[bit / 8] ^= static_cast<Byte>(1u << bit % 8);
            Decoder fresh(buffer);
            for (const Byte byte : damaged)
                EXPECT_FALSE(fresh.on_byte(byte, Instant{})) << "bit " << bit;
            damaged[bit / 8] ^= static_cast<Byte>(1u << bit % 8);
        }
    }
}

TEST(InterlinkFrame, BehindAnyDamageTheFrameAfterAPauseIsFound) {
    // One lost byte, and the decoder waits for the end of a frame that never comes.
    std::mt19937 random(20261122);
    std::array<Byte, 80> out{};
    std::array<Byte, kPayloadSizeMax> buffer{};
    Decoder decoder(buffer);
    Instant now{};
    int at_once = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::size_t size = random() % 60;
        for (std::size_t k = 0; k < size; ++k)
            out[kHeaderSize + k] = random() % 3 == 0   ? kStartByte
                                   : random() % 2 == 0 ? kVersionByte
                                                       : static_cast<Byte>(random());
        const Bytes frame = finish_frame({{0x01}, 1, 2, 0, 3}, size, out);
        std::vector<Byte> damaged(frame.begin(), frame.end());
        const auto at = static_cast<std::ptrdiff_t>(random() % damaged.size());
        switch (random() % 4) {
            case 0:
                damaged.resize(static_cast<std::size_t>(at));
                break;
            case 1:
                damaged.erase(damaged.begin() + at);
                break;
            case 2:
                damaged.insert(damaged.begin() + at, static_cast<Byte>(random()));
                break;
            default:
                damaged[static_cast<std::size_t>(at)] ^= static_cast<Byte>(1 + random() % 255);
        }
        for (const Byte byte : damaged)
            (void)decoder.on_byte(byte, now);
        if (round % 2 == 0) now = now + kByteGapMax + microseconds(1);
        Bytes rest = frame;
        const auto found = decoder.on_bytes(rest, now);
        if (round % 2 == 0)
            ASSERT_TRUE(found && rest.empty()) << "round " << round;
        else
            at_once += found ? 1 : 0;
        now = now + kByteGapMax + microseconds(1);
    }
    EXPECT_GT(at_once, 7'000) << "of 10,000 frames right behind a damaged one";
    EXPECT_GT(decoder.bad_frames(), 10'000u);
}

TEST(InterlinkFrame, LongerThanTheBufferIsNoise) {
    // The small processor writes past its memory.
    std::array<Byte, 200> out{};
    std::array<Byte, 32> small{};
    Decoder decoder(small);
    for (const std::size_t size : {std::size_t{33}, std::size_t{100}}) {
        Bytes frame = finish_frame({{1}, 1, 0, 0, 0}, size, out);
        EXPECT_FALSE(decoder.on_bytes(frame, Instant{}));
    }
    Bytes frame = finish_frame({{1}, 1, 0, 0, 0}, 32, out);
    EXPECT_TRUE(decoder.on_bytes(frame, Instant{seconds(1).count()}));
}

TEST(Interlink, ARecordIsRepeatedUntilItIsAcknowledgedAndTakenOnce) {
    // The report of a cut is lost on the wire, or stands in the log twice.
    End metering(5);
    End managing(9);
    Instant now{};
    metering.link.begin(now);
    managing.link.begin(now);
    ASSERT_TRUE(metering.put(70));
    const std::vector<Byte> first = metering.poll(now);
    ASSERT_FALSE(first.empty()) << "lost on the wire";
    EXPECT_TRUE(metering.poll(now + milliseconds(1)).empty());
    now = now + kRepeatAfter;
    const std::vector<Byte> second = metering.poll(now);
    EXPECT_EQ(first, second);
    managing.feed(second, now);
    managing.feed(second, now);
    EXPECT_EQ(managing.records, count_from(70, 70));
    EXPECT_EQ(metering.link.records_waiting(), 1u);
    metering.feed(managing.poll(now), now);
    EXPECT_EQ(metering.link.records_waiting(), 0u);
    EXPECT_TRUE(managing.poll(now).empty());
}

TEST(Interlink, EightRecordsWaitAndTheNinthIsRefused) {
    // Somebody believes that a report is safe which nobody holds.
    End metering(5);
    for (std::uint32_t n = 1; n <= kRecordsMax; ++n)
        EXPECT_TRUE(metering.put(n));
    EXPECT_FALSE(metering.put(9));
    const std::array<Byte, kRecordSizeMax + 1> long_one{};
    End fresh(6);
    EXPECT_FALSE(fresh.link.put_record(kRecord, long_one));
    EXPECT_FALSE(fresh.link.put_record(kState, {})) << "a state is no record";
}

TEST(Interlink, SilenceIsNoticedWithinTwoSecondsAndNotBefore) {
    // The measuring side hangs, and the box sells yesterday's power for a whole night.
    End metering(5);
    End managing(9);
    Instant now{};
    metering.link.begin(now);
    managing.link.begin(now);
    int frames = 0;
    Instant last = now;
    for (; now < Instant{seconds(10).count()}; now = now + milliseconds(1))
        if (const auto frame = metering.poll(now); !frame.empty()) {
            EXPECT_LE(now - last, milliseconds(200)) << "heartbeat every 200 ms or less";
            last = now;
            ++frames;
            managing.feed(frame, now);
            EXPECT_FALSE(managing.link.is_silent(now));
        }
    EXPECT_GE(frames, 50);
    EXPECT_FALSE(managing.link.is_silent(last + milliseconds(1000)));
    EXPECT_TRUE(managing.link.is_silent(last + milliseconds(2000)));
    // Noise is no sign of life.
    std::mt19937 random(7);
    for (int k = 0; k < 20'000; ++k) {
        const Byte byte = static_cast<Byte>(random());
        EXPECT_FALSE(managing.link.on_byte(byte, last + microseconds(100 * k)));
    }
    EXPECT_TRUE(managing.link.is_silent(last + milliseconds(2000)));
    // Nobody was ever heard: that is noticed as well, and told with a wake-up.
    End alone(3);
    alone.link.begin(now);
    EXPECT_LE(alone.link.next_due(now), now + seconds(2));
    EXPECT_TRUE(alone.link.is_silent(now + seconds(2)));
    EXPECT_GT(alone.link.next_due(now + seconds(3)) + milliseconds(200), now);
}

TEST(Interlink, ASideThatStartsAnewUnderTheSameNumberIsStillNoticed) {
    // The memory that counts starts is broken too; the first report after the reset looks like the last one before it.
    End managing(9);
    Instant now{};
    {
        End metering(5);
        ASSERT_TRUE(metering.put(1));
        managing.feed(metering.poll(now), now);
        metering.feed(managing.poll(now), now);
        now = now + kHeartbeatEvery;
        managing.feed(metering.poll(now), now);
        EXPECT_EQ(metering.link.records_waiting(), 0u);
    }
    End again(5);
    ASSERT_TRUE(again.put(2));
    managing.feed(again.poll(now), now);
    EXPECT_EQ(managing.records, count_from(1, 2));
    EXPECT_EQ(managing.link.peer_starts(), 2u);
}

TEST(Interlink, ASideThatKeepsItsMarkTakesNothingTwiceOverItsReset) {
    // The acknowledgement is lost with the processor that sent it, and the cut is counted twice.
    End metering(5);
    Instant now{};
    ASSERT_TRUE(metering.put(1));
    RecordMark mark;
    {
        End managing(9);
        managing.feed(metering.poll(now), now);
        EXPECT_EQ(managing.records, count_from(1, 1));
        mark = managing.link.taken();
    }
    End again(10, mark);
    now = now + kRepeatAfter;
    again.feed(metering.poll(now), now);
    EXPECT_TRUE(again.records.empty());
    metering.feed(again.poll(now), now);
    EXPECT_EQ(metering.link.records_waiting(), 0u);
    ASSERT_TRUE(metering.put(2));
    again.feed(metering.poll(now), now);
    EXPECT_EQ(again.records, count_from(2, 2));
}

TEST(Interlink, SequenceGoesRoundWithoutALoss) {
    // After 65,535 reports the link stands still.
    End metering(5);
    End managing(9);
    Instant now{};
    for (std::uint32_t n = 1; n <= 140'000; ++n) {
        ASSERT_TRUE(metering.put(n));
        managing.feed(metering.poll(now), now);
        metering.feed(managing.poll(now), now);
        ASSERT_EQ(metering.link.records_waiting(), 0u);
    }
    EXPECT_EQ(managing.records, count_from(1, 140'000));
}

// Two ends, a wire that takes ten microseconds a byte, and every fault that a wire can have; both ends start anew now
// and then. What the receiver keeps over its reset is the list of what it took and the mark.
struct Rig {
    explicit Rig(unsigned seed) : random(seed) {}
    std::mt19937 random;
    Instant now{};
    std::uint16_t starts = 100;
    std::array<std::unique_ptr<End>, 2> ends;
    std::array<std::vector<Byte>, 2> on_wire;
    std::array<Instant, 2> wire_free{};
    double fault = 0;

    bool chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random) < p; }
    void start(std::size_t side, RecordMark mark = {}) {
        ends[side] = std::make_unique<End>(starts++, mark);
        ends[side]->link.begin(now);
        on_wire[side].clear();
    }
    void put_on_wire(std::size_t side, std::vector<Byte> frame) {
        if (frame.empty()) return;
        wire_free[side] = now + microseconds(10 * static_cast<std::int64_t>(frame.size()));
        std::vector<Byte>& wire = on_wire[side];
        wire.clear();
        for (const Byte byte : frame) {
            if (chance(fault)) continue;
            wire.push_back(chance(fault) ? static_cast<Byte>(random()) : byte);
            if (chance(fault)) wire.push_back(byte);
        }
    }
    void step() {
        now = now + microseconds(200);
        for (std::size_t side = 0; side < 2; ++side) {
            if (now < wire_free[side]) continue;
            if (!on_wire[side].empty()) ends[1 - side]->feed(on_wire[side], now);
            on_wire[side].clear();
            put_on_wire(side, ends[side]->poll(now));
        }
    }
};

TEST(Interlink, RandomlyLostDoubledAndDamagedBytesLoseNoRecordAndDoubleNone) {
    // A relay coil sparks beside the wire for a minute.
    for (unsigned seed = 1; seed <= 20; ++seed) {
        Rig rig(seed);
        rig.start(0);
        rig.start(1);
        rig.fault = seed % 4 == 0 ? 0.0 : 0.002 * seed;
        std::array<std::uint32_t, 2> sent{};
        while (rig.now < Instant{seconds(20).count()}) {
            for (std::size_t side = 0; side < 2; ++side)
                if (rig.chance(0.01) && rig.ends[side]->put(sent[side] + 1)) ++sent[side];
            rig.step();
        }
        rig.fault = 0;
        for (int k = 0; k < 10'000; ++k)
            rig.step();
        for (std::size_t side = 0; side < 2; ++side) {
            EXPECT_GT(sent[side], 20u) << "seed " << seed;
            EXPECT_EQ(rig.ends[1 - side]->records, count_from(1, sent[side])) << "seed " << seed;
        }
    }
}

TEST(Interlink, ResetsOfEitherSideAtAnyInstantDoubleNothingAndReorderNothing) {
    // A crash while a report is on its way: it stands in the log twice, or the next hundred are taken for old ones.
    for (unsigned seed = 1; seed <= 20; ++seed) {
        Rig rig(seed + 1000);
        rig.start(0);
        rig.start(1);
        rig.fault = seed % 2 == 0 ? 0.0 : 0.003;
        std::uint32_t next = 1;
        std::vector<std::uint32_t> taken;
        const auto collect = [&] {
            taken.insert(taken.end(), rig.ends[1]->records.begin(), rig.ends[1]->records.end());
            rig.ends[1]->records.clear();
        };
        std::vector<std::uint32_t> gone;  // that waited in a sender when it started anew, of which some had arrived
        std::uint32_t resets = 0;
        while (rig.now < Instant{seconds(30).count()}) {
            if (rig.chance(0.01) && rig.ends[0]->put(next)) ++next;
            rig.step();
            collect();
            if (rig.chance(0.0005)) {
                ++resets;
                const std::size_t side = rig.random() % 2;
                if (side == 0)
                    for (std::uint32_t k = 0; k < rig.ends[0]->link.records_waiting(); ++k)
                        gone.push_back(next - 1 - k);
                rig.start(side, rig.ends[side]->link.taken());
            }
        }
        rig.fault = 0;
        for (int k = 0; k < 10'000; ++k)
            rig.step();
        collect();
        EXPECT_GT(resets, 20u);
        for (std::size_t k = 1; k < taken.size(); ++k)
            ASSERT_LT(taken[k - 1], taken[k]) << "seed " << seed << ": twice, or out of order";
        for (std::uint32_t n = 1; n < next; ++n) {
            const bool arrived = std::binary_search(taken.begin(), taken.end(), n);
            const bool lost_with_sender = std::find(gone.begin(), gone.end(), n) != gone.end();
            ASSERT_TRUE(arrived || lost_with_sender) << "seed " << seed << " record " << n;
        }
    }
}

TEST(Interlink, AStateIsNeverRepeatedAndTheLatestCounts) {
    // A relay follows an order of a minute ago.
    End metering(5);
    End managing(9);
    Instant now{};
    (void)metering.state(1, now);  // lost
    managing.feed(metering.state(2, now), now);
    for (; now < Instant{seconds(5).count()}; now = now + milliseconds(10))
        managing.feed(metering.poll(now), now);
    EXPECT_EQ(managing.states, count_from(2, 2));
}

}  // namespace
}  // namespace prewatt::interlink
