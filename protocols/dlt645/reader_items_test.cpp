#include "protocols/dlt645/reader_items.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace prewatt::dlt645 {
namespace {

std::vector<Byte> bytes_of(const std::string& text) {
    std::vector<Byte> out;
    for (std::size_t k = 0; k + 1 < text.size(); k += 2)
        out.push_back(static_cast<Byte>(std::stoi(text.substr(k, 2), nullptr, 16)));
    return out;
}
std::string hex(Bytes bytes) {
    std::string out;
    for (const Byte byte : bytes) {
        constexpr char digits[] = "0123456789abcdef";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}
CardRecordBytes record_of(const std::string& text) {
    CardRecordBytes record{};
    const std::vector<Byte> bytes = bytes_of(text);
    std::copy(bytes.begin(), bytes.end(), record.begin());
    return record;
}

// CREDIT of generation 6 and RETURN of generation 41 of the golden household card (docs/formats/card.md).
const CardRecordBytes kCredit =
    record_of("c102010017000026200c06000000030021b302924aae3aab09f4d62dc67c50ab1d5cb4c18fd000cb2218f2a9623e9d29");
const CardRecordBytes kReturn =
    record_of("c103010817000026200c29000000030025c7831f76affbff7c916520310f488819cf601b435bf9c56706bc7be0a9fd1c");
constexpr ReaderNumber kReader{7};
constexpr std::uint32_t kTap = 258;

ShownCard golden_card() {
    ShownCard card;
    for (const int byte : {0xA1, 0xB2, 0xC3, 0xD4})
        card.uid.push_back(static_cast<Byte>(byte));
    card.has_other = true;
    card.credit = kCredit;
    return card;
}
CardOutcome golden_outcome() {
    return {kReader, kTap, 0, kCodeDone, 12, 5'000, 23'456, true, kReturn};
}

template <class Item>
std::string frame_with(const Address& address, Control control, DataId id, const Item& item) {
    std::array<Byte, kDataSizeMax> data{};
    ByteWriter(data).put_u32(id.value);
    const std::size_t size = encode(item, MutableBytes(data).subspan(4));
    const FrameBytes frame = encode(address, control, Bytes(data).first(4 + size), 0);
    return hex({frame.data(), frame.size()});
}

TEST(ReaderItems, HaveTheseFrames) {
    // The reader on the wall, the office and the boxes come from different years and must agree to the byte.
    const Address reader = address_of(kReader);
    const Address box = address_of(BoxNumber{2026000017}, Household{0});
    const Control answer = reply(Function::kRead);
    EXPECT_EQ(frame_with(reader, answer, kReaderTap, ReaderTap{}), "689007000000006891063334371f34332216");
    EXPECT_EQ(frame_with(reader, answer, kReaderTap, ReaderTap{.state = TapState::kBusy, .card = {}}),
              "689007000000006891063334371f34342316");
    EXPECT_EQ(
        frame_with(reader, answer, kReaderTap, ReaderTap{TapState::kWaiting, kTap, golden_card(), false, 0}),
        "689007000000006891423334371f34353534333347d4e5f607333333f43534334a333359533f39333333363354e635c57de16dde3c"
        "270960f9af83de508fe7f4c20333fe554b25dc9571d05c6016");
    EXPECT_EQ(frame_with(reader, answer, kReaderTap, ReaderTap{TapState::kReport, kTap, {}, true, 41}),
              "6890070000000068910f3334371f343635343333345c3333332616");
    EXPECT_EQ(
        frame_with(box, request(Function::kSecurity), kCardShown, CardPresented{kReader, kTap, golden_card()}),
        "680017000026206803433336371f343a333534333347d4e5f607333333f43534334a333359533f39333333363354e635c57de16dde"
        "3c270960f9af83de508fe7f4c20333fe554b25dc9571d05cd316");
    EXPECT_EQ(
        frame_with(box, reply(Function::kSecurity), kCardShown, golden_outcome()),
        "680017000026206883463336371f343a333534333335333fbb463333d38e3333f436343b4a333359533f5c333333363358fab652a9"
        "e22e32afc4985364427bbb4c02934e768e2cf89a39efae13dc304f4016");
    EXPECT_EQ(
        frame_with(reader, request(Function::kSecurity), kReaderOutcome, golden_outcome()),
        "689007000000006803463335371f343a333534333335333fbb463333d38e3333f436343b4a333359533f5c333333363358fab652a9"
        "e22e32afc4985364427bbb4c02934e768e2cf89a39efae13dc304ff916");
    const CardOutcome off_line{kReader, kTap, 0, kCodeBoxOffLine, 0, 0, 0, false, {}};
    EXPECT_EQ(frame_with(reader, request(Function::kSecurity), kReaderOutcome, off_line),
              "689007000000006803163335371f343a333534333333b33333333333333333335f16");
    EXPECT_EQ(frame_with(box, request(Function::kSecurity), kCardWritten, CardWritten{kReader, kTap, 12, 41}),
              "680017000026206803103337371f343a33353433333f5c333333a416");
}

TEST(ReaderItems, GoThereAndBack) {
    std::array<Byte, kDataSizeMax> out{};
    const auto data = [&](std::size_t size) { return Bytes(out).first(size); };
    for (const ReaderTap& tap : {ReaderTap{}, ReaderTap{.state = TapState::kBusy, .card = {}},
                                 ReaderTap{TapState::kWaiting, 0xFFFFFFFF, golden_card(), false, 0},
                                 ReaderTap{TapState::kReport, 1, {}, false, 7}})
        EXPECT_EQ(decode_reader_tap(data(encode(tap, out))), tap);
    ShownCard seven = golden_card();
    seven.slot = 1;
    seven.has_other = false;
    for (const int byte : {1, 2, 3})
        seven.uid.push_back(static_cast<Byte>(byte));
    const CardPresented presented{kReader, 9, seven};
    EXPECT_EQ(decode_card_presented(data(encode(presented, out))), presented);
    CardOutcome outcome = golden_outcome();
    EXPECT_EQ(decode_card_outcome(data(encode(outcome, out))), outcome);
    outcome.bought_hundredths = -1;
    outcome.remaining_hundredths = INT32_MIN;
    outcome.has_return = false;
    outcome.return_record = {};
    EXPECT_EQ(decode_card_outcome(data(encode(outcome, out))), outcome);
    const CardWritten written{kReader, 3, 39, 0x01020304};
    EXPECT_EQ(decode_card_written(data(encode(written, out))), written);
}

TEST(ReaderItems, RefuseWhatDoesNotFit) {
    // A damaged frame that is taken for a card would make the box count it as a forgery.
    std::array<Byte, kDataSizeMax> out{};
    const std::size_t size = encode(CardPresented{kReader, kTap, golden_card()}, out);
    ASSERT_EQ(size, kCardPresentedSize);
    for (std::size_t shorter = 0; shorter < size; ++shorter)
        EXPECT_FALSE(decode_card_presented(Bytes(out).first(shorter)));
    EXPECT_FALSE(decode_card_presented(Bytes(out).first(size + 1)));
    const auto with = [&](std::size_t at, Byte value) {
        std::array<Byte, kDataSizeMax> changed = out;
        changed[at] = value;
        return decode_card_presented(Bytes(changed).first(size));
    };
    EXPECT_TRUE(with(7, 0x14));
    EXPECT_FALSE(with(0, 2)) << "another format";
    EXPECT_FALSE(with(1, 0)) << "reader 0 is the box's own";
    EXPECT_FALSE(with(7, 0x15)) << "a number of five bytes";
    EXPECT_FALSE(with(7, 0x34)) << "a bit that means nothing yet";
    EXPECT_FALSE(with(12, 1)) << "the fifth byte of a number of four";
    for (std::size_t small = 0; small < size; ++small)
        EXPECT_EQ(encode(CardPresented{kReader, kTap, golden_card()}, MutableBytes(out).first(small)), 0u);
}

TEST(ReaderItems, NoBoxStandsWhereAReaderStands) {
    // A reader that had the address of a household would answer over the box, and both would be unreadable.
    for (const int each : {1, 17, 65'535}) {
        const auto number = static_cast<std::uint16_t>(each);
        const Address reader = address_of(ReaderNumber{number});
        EXPECT_NE(reader, kBroadcast);
        for (std::uint8_t household = 0; household <= 39; ++household)
            EXPECT_NE(reader, address_of(BoxNumber{number}, Household{household}));
    }
    EXPECT_EQ(hex(address_of(ReaderNumber{65'535}).bytes), "903555060000");
}

}  // namespace
}  // namespace prewatt::dlt645
