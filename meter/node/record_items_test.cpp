#include "meter/node/record_items.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "meter/core/fake_storage.hpp"
#include "protocols/dlt645/item.hpp"
#include "protocols/dlt645/item_text.hpp"

namespace prewatt::meter {
namespace {

using dlt645::DataId;
using dlt645::Error;

CivilSeconds moment(int day, int hour, int minute = 0, int second = 0) {
    return to_seconds({2026, 11, static_cast<std::uint8_t>(day), static_cast<std::uint8_t>(hour),
                       static_cast<std::uint8_t>(minute), static_cast<std::uint8_t>(second)});
}
EventTime at(CivilSeconds civil) {
    return {civil, 1, Instant{}};
}

struct Box {
    Box() : archive(storage) {
        archive.open(12);
        for (int n = 0; n < 12; ++n) {
            HouseholdBook& book = books->households[static_cast<std::size_t>(n)];
            book.forward = energy_of_hundredths(123'456'700 + n);
            book.reverse = energy_of_hundredths(n);
        }
    }
    std::expected<std::vector<Byte>, Error> read(std::uint8_t meter, std::uint32_t id, std::vector<Byte> asked = {}) {
        std::array<Byte, kRecordItemSizeMax> out;
        const auto size = read_record_item(archive, *books, meter, DataId{id}, asked, out);
        if (!size) return std::unexpected(size.error());
        return std::vector<Byte>(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
    }
    // As a person sees it; the table must know the item and its length must fit.
    std::string text(std::uint8_t meter, std::uint32_t id) {
        const auto data = read(meter, id);
        if (!data) return "refused " + std::to_string(static_cast<int>(data.error()));
        const dlt645::Item* item = dlt645::find_item(DataId{id});
        if (item == nullptr) return "not in the table";
        if (!item->fits(DataId{id}, data->size())) return "does not fit";
        std::array<char, dlt645::kValueTextMax> text;
        return std::string(dlt645::format_value(*item, DataId{id}, *data, text));
    }
    FakeStorage storage{512 * 1024};
    Archive archive;
    std::unique_ptr<Books> books = std::make_unique<Books>();
};
const std::string kNoSuch = "refused " + std::to_string(static_cast<int>(Error::kNoSuchData));

TEST(RecordItems, PurchasesReadAsTheStandardHasThem) {
    // Another maker's collector shows a resident somebody else's purchases, or shows them a hundredfold.
    Box box;
    EXPECT_EQ(box.text(3, 0x03320101), kNoSuch);
    ASSERT_TRUE(
        box.archive.log(EventKind::kPurchase, {3}, events::purchase(-50, 1000, 1950, 17), at(moment(22, 16, 59, 30))));
    EXPECT_EQ(box.text(3, 0x03320101), "2026-11-22 16:59");
    EXPECT_EQ(box.text(3, 0x03320201), "17");
    EXPECT_EQ(box.text(3, 0x03320301), "10.00 kWh");
    EXPECT_EQ(box.text(3, 0x03320401), "0.00 kWh") << "less than nothing has no digits in the standard";
    EXPECT_EQ(box.text(3, 0x03320501), "9.50 kWh");
    EXPECT_EQ(box.text(3, 0x03320601), "19.50 kWh");
    EXPECT_EQ(box.text(3, 0x03330301), kNoSuch) << "an energy account bought no money";
    EXPECT_EQ(box.text(4, 0x03320301), kNoSuch);
    EXPECT_EQ(box.text(0, 0x03320301), kNoSuch);
    box.books->households[2].account.unit = settings::AccountUnit::kMoney;
    EXPECT_EQ(box.text(3, 0x03330301), "10.00 yuan");
    EXPECT_EQ(box.text(3, 0x03320301), kNoSuch);
}

TEST(RecordItems, TripsAndClosingsOverloadsAndRelayFaultsOfAHousehold) {
    // The collector of the utility says that this meter has never switched.
    Box box;
    const Energy forward = energy_of_hundredths(4321);
    box.archive.log(EventKind::kCut, {3}, events::cut(HoldSet{1}, HoldSet{1}, watts(900), 0, forward),
                    at(moment(20, 1)));
    box.archive.log(EventKind::kRestore, {3}, events::restore(HoldSet{1}, {}, 100, seconds(60), forward),
                    at(moment(20, 2)));
    box.archive.log(EventKind::kOverloadCut, {3},
                    events::overload({2}, amperes(12), amperes(5), 1, 6, true, seconds(60)), at(moment(20, 3)));
    EXPECT_EQ(box.text(3, 0x1D000001), "2");
    EXPECT_EQ(box.text(3, 0x1D000101), "2026-11-20 03:00:00");
    EXPECT_EQ(box.text(3, 0x1D000102), "2026-11-20 01:00:00");
    EXPECT_EQ(box.text(3, 0x1D000302), "43.21 kWh");
    EXPECT_EQ(box.text(3, 0x1D000301), "-");
    EXPECT_EQ(box.text(3, 0x1D000103), kNoSuch);
    EXPECT_EQ(box.text(3, 0x1E000001), "1");
    EXPECT_EQ(box.text(3, 0x1E000101), "2026-11-20 02:00:00");
    EXPECT_EQ(box.text(3, 0x030F0000), "A count 1 lasted - B count - lasted - C count - lasted -");
    EXPECT_EQ(box.read(3, 0x030F0101)->size(), 115u);
    EXPECT_EQ(box.text(3, 0x03360000), "0");
    box.archive.log(EventKind::kContactStaysClosed, {3}, events::contact({2}, amperes(3), seconds(1)),
                    at(moment(21, 5)));
    EXPECT_EQ(box.text(3, 0x03360000), "1");
    EXPECT_EQ(box.text(0, 0x03360000), "1");
    auto fault = *box.read(3, 0x03360001);
    EXPECT_EQ(fault, (std::vector<Byte>{0x00, 0x00, 0x05, 0x21, 0x11, 0x26, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
    box.archive.log(EventKind::kContactObeys, {3}, events::contact({2}, {}, seconds(60)), at(moment(21, 6)));
    EXPECT_EQ((*box.read(3, 0x03360001))[8], 0x06) << "and its end";
}

TEST(RecordItems, SupplyPhasesClockProgrammingAndClearsOfTheBox) {
    // Nobody can say afterwards when the supply was gone and who has set the clock.
    Box box;
    const EventTime now = at(moment(22, 12));
    box.archive.log(EventKind::kPowerDown, {}, events::power_down(moment(21, 1), moment(21, 2, 3, 4)), now);
    EXPECT_EQ(box.text(0, 0x03110000), "1");
    EXPECT_EQ(box.text(0, 0x03110001), "from 2026-11-21 01:00:00 to 2026-11-21 02:03:04");
    box.archive.log(EventKind::kClockSet, {}, events::clock_set(std::nullopt, moment(22, 8), 7, ClockSource::kSealed),
                    now);
    EXPECT_EQ(box.text(0, 0x03300400), "1");
    EXPECT_EQ(box.text(5, 0x03300401), "operator 00000007 before - after 2026-11-22 08:00:00");
    box.archive.log(EventKind::kBoxSettingChanged, {}, events::setting_changed(0x12, 3, 42, 1, 2), now);
    box.archive.log(EventKind::kSettingChanged, {5}, events::setting_changed(0x02, 0, 42, 1, 2), now);
    EXPECT_EQ(box.text(0, 0x03300000), "1");
    EXPECT_EQ(box.text(0, 0x03300001).substr(0, 59), "at 2026-11-22 12:00:00 operator 00000042 wrote EC021203 - -");
    EXPECT_NE(box.text(5, 0x03300001).find("wrote EC020200"), std::string::npos);
    EXPECT_EQ(box.text(6, 0x03300001), kNoSuch);
    box.archive.log(EventKind::kHouseholdCleared, {5},
                    events::cleared(42, energy_of_hundredths(500), energy_of_hundredths(7), -3), now);
    EXPECT_EQ(box.text(5, 0x03300100), "1");
    EXPECT_EQ(box.text(6, 0x03300100), "0");
    EXPECT_EQ(box.text(0, 0x03300100), "0");
    const auto clear = *box.read(5, 0x03300101);
    ASSERT_EQ(clear.size(), 106u);
    EXPECT_EQ((std::vector<Byte>(clear.begin() + 10, clear.begin() + 14)), (std::vector<Byte>{0x00, 0x05, 0x00, 0x00}));
    box.archive.log(phase_lost(Phase::kB), {}, events::phase_lost(volts(90)), at(moment(22, 1)));
    EXPECT_EQ((*box.read(0, 0x03010201))[6], 0xFF) << "it has not ended";
    box.archive.log_phase_back(Phase::kB, volts(220), moment(22, 1), minutes(3), at(moment(22, 1, 3)));
    EXPECT_EQ(box.text(0, 0x03010000), "A count 0 lasted 0 min B count 1 lasted 3 min C count 0 lasted 0 min");
    const auto lost = *box.read(0, 0x03010201);
    ASSERT_EQ(lost.size(), 131u);
    EXPECT_EQ((std::vector<Byte>(lost.begin(), lost.begin() + 12)),
              (std::vector<Byte>{0x00, 0x00, 0x01, 0x22, 0x11, 0x26, 0x00, 0x03, 0x01, 0x22, 0x11, 0x26}));
    EXPECT_EQ(box.text(0, 0x03010202), kNoSuch);
    EXPECT_EQ(box.text(0, 0x03010101), kNoSuch);
}

TEST(RecordItems, FreezesOfAHouseholdAndOfTheBox) {
    // The monthly bill of the building is not the sum of its households'.
    Box box;
    for (int day = 1; day <= 3; ++day)
        box.archive.on_time(moment(day, 0), {}, *box.books);
    EXPECT_EQ(box.text(2, 0x05060001), "2026-11-03 00:00");
    EXPECT_EQ(box.text(2, 0x05060003), "2026-11-01 00:00");
    EXPECT_EQ(box.text(2, 0x05060004), kNoSuch);
    EXPECT_EQ(box.text(2, 0x05060101), "234567.01 kWh, 234567.01 kWh");
    EXPECT_EQ(box.text(2, 0x05060201), "0.01 kWh, 0.01 kWh");
    EXPECT_EQ(box.text(2, 0x05000001), "2026-11-01 00:00") << "the monthly one";
    EXPECT_EQ(box.text(0, 0x05060201), "0.66 kWh, 0.66 kWh");
    EXPECT_EQ(box.read(2, 0x0506FF01)->size(), 125u);
    // All households in one answer.
    const auto all = *box.read(0, 0xEC030300, {1});
    ASSERT_EQ(all.size(), 12u + 12u * 16u);
    ByteReader reader(all);
    EXPECT_EQ(reader.get_u8(), 1);
    EXPECT_EQ(reader.get_u8(), 1);
    EXPECT_EQ(reader.get_u32(), moment(3, 0));
    EXPECT_EQ(reader.get_u32(), moment(3, 0));
    EXPECT_EQ(reader.get_u8(), 0);
    EXPECT_EQ(reader.get_u8(), 12);
    reader.take(16);
    EXPECT_EQ(reader.get_u32(), 23'456'701u);
    EXPECT_EQ(reader.get_u32(), 1u);
    EXPECT_EQ(box.read(5, 0xEC030301, {1})->size(), 28u) << "the monthly one of one household";
    EXPECT_FALSE(box.read(0, 0xEC030300, {4}));
    EXPECT_FALSE(box.read(0, 0xEC030300));
}

TEST(RecordItems, LoadRecordsHaveTheStandardsFrameAndSum) {
    // A collector throws the whole profile away because the sum of one block is wrong.
    Box box;
    EXPECT_EQ(box.read(2, 0x06000002, {1}).error(), Error::kNoSuchData);
    for (int hour = 0; hour < 5; ++hour)
        box.archive.on_time(moment(22, hour), {}, *box.books);
    const auto newest = *box.read(2, 0x06000002, {1});
    std::vector<Byte> golden{0xA0, 0xA0, 0x1B, 0x00, 0x04, 0x22, 0x11, 0x26, 0xAA, 0xAA, 0xAA, 0x01, 0x67, 0x45, 0x23,
                             0x01, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xAA, 0xAA, 0xAA};
    Byte sum = 0;
    for (const Byte byte : golden)
        sum = static_cast<Byte>(sum + byte);
    golden.push_back(sum);
    golden.push_back(0xE5);
    EXPECT_EQ(newest, golden);
    EXPECT_EQ(box.read(2, 0x06040000, {3})->size(), 3 * golden.size()) << "the oldest three";
    const auto from = *box.read(2, 0x06000001, {9, 0x30, 0x02, 0x22, 0x11, 0x26});
    ASSERT_EQ(from.size(), 2 * golden.size()) << "from half past two: three and four o'clock";
    EXPECT_EQ(from[4], 0x03);
    EXPECT_EQ(box.read(2, 0x06000002, {200})->size(), 5 * golden.size());
    EXPECT_EQ(box.read(2, 0x06000002).error(), Error::kOther);
    EXPECT_EQ(box.read(2, 0x06000001, {9, 0x30, 0x02, 0x22, 0x13, 0x26}).error(), Error::kOther);
    EXPECT_EQ(box.read(2, 0x06030002, {1}).error(), Error::kNoSuchData) << "no record of power factors";
    // Ours.
    const auto rows = *box.read(2, 0xEC030400, {2, 0});
    ASSERT_EQ(rows.size(), 3u + 4u * 14u);
    ByteReader reader(rows);
    reader.take(3);
    EXPECT_EQ(reader.get_u32(), moment(22, 3));
    EXPECT_EQ(reader.get_u8(), 60);
    EXPECT_EQ(reader.get_u8(), 0);
    EXPECT_EQ(reader.get_u32(), 23'456'701u);
    EXPECT_EQ(box.read(0, 0xEC030400, {5, 0})->size(), 10u + 12u * 8u);
    EXPECT_EQ(box.read(2, 0xEC030400, {6, 0}).error(), Error::kNoSuchData);
}

TEST(RecordItems, TheWholeListComesInPieces) {
    // More events than one answer holds, and the oldest are never seen.
    Box box;
    for (int n = 0; n < 40; ++n)
        box.archive.log(EventKind::kCut, {2}, events::cut({}, {}, watts(n), n, {}), at(moment(22, 1)));
    const auto first = *box.read(2, 0xEC030100, {1, 0});
    ASSERT_LE(first.size(), kRecordItemSizeMax);
    ByteReader reader(first);
    EXPECT_EQ(reader.get_u8(), 1);
    EXPECT_EQ(reader.get_u8(), 0);
    EXPECT_EQ(reader.get_u16(), 1);
    EXPECT_EQ(reader.get_u8(), 6);
    EXPECT_EQ(reader.get_u8(), 1) << "kCut";
    EXPECT_EQ(reader.get_u32(), 40u);
    reader.take(5 * 5);
    std::vector<std::uint32_t> seen;
    while (reader.left() > 0)
        seen.push_back(decode_event(reader.take(kEventWireBytes))->sequence);
    ASSERT_EQ(seen.size(), 22u);
    const auto rest = *box.read(2, 0xEC030100, {23, 0});
    ByteReader more(rest);
    more.take(5 + 6 * 5);
    while (more.left() > 0)
        seen.push_back(decode_event(more.take(kEventWireBytes))->sequence);
    ASSERT_EQ(seen.size(), 32u);
    for (std::size_t k = 0; k < seen.size(); ++k)
        EXPECT_EQ(seen[k], 40 - k);
    EXPECT_EQ(box.read(0, 0xEC030100, {1, 0}).error(), Error::kNoSuchData) << "a household's ring";
    EXPECT_EQ(box.read(2, 0xEC03010C, {1, 0}).error(), Error::kOther);
    EXPECT_EQ(box.read(2, 0xEC030100, {0, 0}).error(), Error::kOther);
    EXPECT_TRUE(box.read(0, 0xEC030105, {1, 0}));
}

TEST(RecordItems, ACaptureComesWhole) {
    // The picture of a step is cut off at the length of the longest item.
    Box box;
    StepReport report;
    report.resistive = watts(1500);
    StepCapture capture;
    capture.current_after[63] = -1234;
    ASSERT_EQ(box.archive.captures.put({2}, report, &capture, 2, at(moment(22, 1))), 1u);
    const auto data = *box.read(2, 0xEC030200, {1});
    ASSERT_EQ(data.size(), 1 + kCaptureWireBytes);
    const auto stored = decode_capture(Bytes(data).subspan(1));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->report.resistive, watts(1500));
    EXPECT_EQ(stored->capture.current_after[63], -1234);
    EXPECT_EQ(box.read(2, 0xEC030200, {2}).error(), Error::kNoSuchData);
    EXPECT_EQ(box.read(0, 0xEC030200, {1}).error(), Error::kNoSuchData);
}

TEST(RecordItems, WhateverIsAskedNothingGoesOutOfBounds) {
    // One frame with a strange identifier stops a box.
    Box box;
    box.archive.on_time(moment(22, 1), {}, *box.books);
    for (const std::uint32_t di3 : {0x03u, 0x05u, 0x06u, 0x1Du, 0x1Eu, 0xECu})
        for (std::uint32_t di2 = 0; di2 < 256; ++di2)
            for (const std::uint32_t di1 : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 0x0Au, 0x7Fu, 0xFFu})
                for (const std::uint32_t di0 : {0u, 1u, 2u, 3u, 0x0Au, 0x0Bu, 0x3Eu, 0x3Fu, 0x7Fu, 0xFFu})
                    for (const std::uint8_t meter : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{12}})
                        for (const std::size_t more : {0u, 1u, 2u, 6u})
                            (void)box.read(meter, di3 << 24 | di2 << 16 | di1 << 8 | di0,
                                           std::vector<Byte>(more, 0xFF));
}

TEST(RecordItems, ABoxWithoutTheMemoryHasNone) {
    // An old box answers with freezes of noughts, and a bill is made of them.
    FakeStorage storage(32 * 1024);
    Archive archive(storage);
    archive.open(12);
    const auto books = std::make_unique<Books>();
    std::array<Byte, kRecordItemSizeMax> out;
    for (const std::uint32_t id : {0x03110000u, 0x05060001u, 0x1D000001u, 0xEC030000u})
        EXPECT_EQ(read_record_item(archive, *books, 1, DataId{id}, {}, out).error(), Error::kNoSuchData);
}

}  // namespace
}  // namespace prewatt::meter
