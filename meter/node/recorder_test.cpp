// What a box writes down, seen through the frames of the line.
#include "meter/node/recorder.hpp"

#include <gtest/gtest.h>

#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

constexpr Household kHome{3};

struct Board : FakeBoard {
    Board() : FakeBoard(Wiring::k12x3, 512 * 1024) {}
    card::Answer order(int household, card::Command command) {
        return FakeBoard::command({7, 0, static_cast<std::uint8_t>(household), command});
    }
    // Data of an item; empty: refused.
    std::vector<Byte> read(int meter, std::uint32_t id, std::vector<Byte> more = {}) {
        std::vector<Byte> data;
        for (int k = 0; k < 4; ++k)
            data.push_back(static_cast<Byte>(id >> (8 * k)));
        std::vector<Byte> all;
        std::uint8_t part = 0;
        for (;;) {
            std::vector<Byte> request = data;
            if (part == 0)
                request.insert(request.end(), more.begin(), more.end());
            else
                request.push_back(part);
            const auto function = part == 0 ? dlt645::Function::kRead : dlt645::Function::kReadFollowing;
            const auto frame = dlt645::encode(dlt645::address_of(config.box, {static_cast<std::uint8_t>(meter)}),
                                              dlt645::request(function), request);
            const std::vector<Byte> reply = exchange({frame.begin(), frame.end()});
            dlt645::Decoder decoder;
            std::optional<dlt645::Frame> got;
            for (const Byte byte : reply)
                if (const auto whole = decoder.on_byte(byte, now)) got = whole;
            if (!got || got->control.is_error()) return {};
            const Bytes bytes = got->bytes().subspan(4, got->data.size() - 4 - (part == 0 ? 0 : 1));
            all.insert(all.end(), bytes.begin(), bytes.end());
            if (!got->control.more_follows()) return all;
            ++part;
        }
    }
    // Newest first.
    std::vector<Event> events(int meter, EventRing ring) {
        const std::vector<Byte> data = read(meter, 0xEC030100u | static_cast<unsigned>(ring), {1, 0});
        std::vector<Event> found;
        if (data.size() < 5) return found;
        ByteReader reader(data);
        reader.take(4);
        reader.take(reader.get_u8() * 5u);
        while (reader.left() >= kEventWireBytes)
            found.push_back(*decode_event(reader.take(kEventWireBytes)));
        return found;
    }
    std::vector<EventKind> kinds(int meter, EventRing ring) {
        std::vector<EventKind> kinds;
        for (const Event& event : events(meter, ring))
            kinds.push_back(event.kind);
        return kinds;
    }
};
using Kinds = std::vector<EventKind>;

TEST(Recorder, PurchaseLightCutAndRestoreAreWrittenWithTheirFigures) {
    // "You cut me off although I had paid": nobody can look it up.
    Board board;
    board.start();
    board.run(seconds(3));
    board.order(3, card::Ticket{1, 1, 100});
    board.run(seconds(3));
    board.order(3, card::RemoteHold{true});
    board.run(seconds(10));
    board.order(3, card::RemoteHold{false});
    board.run(seconds(3));
    EXPECT_EQ(board.kinds(3, EventRing::kPurchases), (Kinds{EventKind::kPurchase, EventKind::kAccountOpened}));
    EXPECT_EQ(board.kinds(3, EventRing::kChanges), (Kinds{EventKind::kRemoteOn, EventKind::kRemoteOff}));
    const auto moves = board.events(3, EventRing::kSwitching);
    ASSERT_EQ(moves.size(), 3u);
    EXPECT_EQ(moves[0].kind, EventKind::kRestore);
    EXPECT_EQ(moves[1].kind, EventKind::kCut);
    EXPECT_EQ(moves[2].kind, EventKind::kRestore) << "the first light";
    EXPECT_EQ(part_of(moves[1], 1), 1 << static_cast<int>(Hold::kRemote));
    EXPECT_EQ(part_of(moves[1], 3), 100) << "remaining";
    EXPECT_EQ(part_of(moves[0], 0), 1 << static_cast<int>(Hold::kRemote)) << "what had held it";
    EXPECT_NE(part_of(moves[2], 0) & 1 << static_cast<int>(Hold::kNotOpened), 0);
    EXPECT_NEAR(static_cast<double>(part_of(moves[0], 2)), 10, 1) << "seconds in the dark";
    EXPECT_TRUE(board.events(4, EventRing::kSwitching).empty());
    EXPECT_FALSE(board.read(3, 0x1D000001).empty()) << "and as the standard has it";
}

TEST(Recorder, ARestartIsOneSupplyLossAndNoRestoreOfAnybody) {
    // Thirty power cuts of a building push every real cut out of the log.
    Board board;
    board.start();
    board.order(3, card::Ticket{1, 1, 100});
    board.run(seconds(5));
    for (int n = 0; n < 3; ++n) {
        board.next = board.node->on_power_fail(board.now);
        board.restart();
        board.run(seconds(20));
    }
    EXPECT_EQ(board.kinds(3, EventRing::kSwitching), (Kinds{EventKind::kRestore}));
    const auto supply = board.events(0, EventRing::kSupply);
    ASSERT_EQ(supply.size(), 6u);
    EXPECT_EQ(supply[0].kind, EventKind::kPowerDown);
    EXPECT_EQ(supply[1].kind, EventKind::kSupplyGoing);
    EXPECT_EQ(part_of(supply[0], 0), static_cast<std::int64_t>(supply[1].time));
    EXPECT_EQ(board.read(0, 0x03110000), (std::vector<Byte>{3, 0, 0}));
}

TEST(Recorder, ForgeriesReplaysAndClearsAreWritten) {
    // Somebody tries keys on the line for a week, and the office learns of it from the one that fits.
    Board board;
    board.start();
    board.run(seconds(3));
    board.order(3, card::Ticket{1, 1, 100});
    card::Request old{7, 1, 3, card::RemoteHold{true}};
    board.FakeBoard::command(old);
    const auto keys = board.config.keys;
    board.config.keys = card::diversify(board.mac, card::Key{9}, 1);
    for (int n = 0; n < 20; ++n)
        board.order(3, card::RemoteHold{true});
    board.config.keys = keys;
    EXPECT_EQ(board.kinds(0, EventRing::kSecurity), (Kinds{EventKind::kForgedCommand, EventKind::kReplayedCommand}));
    board.order(3, card::Clear{card::ClearStep::kCarryOut});
    const auto clears = board.events(0, EventRing::kClears);
    ASSERT_EQ(clears.size(), 1u);
    EXPECT_EQ(clears[0].household, kHome);
    EXPECT_EQ(part_of(clears[0], 0), 7) << "who";
    EXPECT_EQ(part_of(clears[0], 3), 100) << "what remained";
}

TEST(Recorder, APhaseThatGoesAndComesBackIsWritten) {
    // The fitter finds nothing wrong in the morning.
    Board board;
    board.start();
    board.run(seconds(5));
    board.measurement.phases[1] = {volts(3), {}, false};
    board.run(minutes(3));
    board.measurement.phases[1] = {volts(220), millihertz(50'000), true};
    board.run(minutes(3));
    const auto phases = board.events(0, EventRing::kPhases);
    ASSERT_EQ(phases.size(), 2u);
    EXPECT_EQ(phases[0].kind, EventKind::kPhaseBBack);
    EXPECT_EQ(phases[1].kind, EventKind::kPhaseBLost);
    EXPECT_EQ(part_of(phases[1], 0), 30) << "tenths of a volt";
    EXPECT_GE(part_of(phases[0], 2), 170);
}

TEST(Recorder, FreezesAndProfileAreMadeWhileTheBoxMeasures) {
    // The first of the month comes and no figures with it.
    Board board;
    board.start();
    board.run(seconds(20));
    const auto overview = board.read(0, 0xEC030000);
    ASSERT_GE(overview.size(), 14u);
    EXPECT_EQ(overview[3], 1) << "a row of the profile at the first look";
    EXPECT_EQ(overview[12], 1) << "and a freeze";
    EXPECT_EQ(board.read(0, 0xEC030300, {1}).size(), 12u + 12u * 16u);
    EXPECT_FALSE(board.read(3, 0x05060001).empty());
}

TEST(Recorder, AnOldBoxWithASmallMemorySaysThatItHasNone) {
    FakeBoard board;
    board.start();
    board.run(seconds(5));
    const auto frame =
        dlt645::encode(dlt645::address_of(board.config.box, {0}), dlt645::request(dlt645::Function::kRead),
                       std::vector<Byte>{0x00, 0x00, 0x03, 0xEC});
    const auto reply = board.exchange({frame.begin(), frame.end()});
    dlt645::Decoder decoder;
    std::optional<dlt645::Frame> got;
    for (const Byte byte : reply)
        if (const auto whole = decoder.on_byte(byte, board.now)) got = whole;
    ASSERT_TRUE(got);
    EXPECT_EQ(got->data[0], static_cast<Byte>(dlt645::Error::kNoSuchData));
}

}  // namespace
}  // namespace prewatt::meter
