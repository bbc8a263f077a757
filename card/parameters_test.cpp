#include "card/parameters.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/crc.hpp"
#include "card/testing/golden_card.hpp"

namespace prewatt::card {
namespace {

std::expected<ParameterList, ParameterError> gathered(const ParameterList& list, std::uint8_t household,
                                                      std::uint32_t version) {
    ParameterGatherer gatherer;
    for (std::uint8_t k = list.parts(); k-- > 0;)
        if (const auto taken = gatherer.take(list.part(k, household, version)); !taken)
            return std::unexpected(taken.error());
    return gatherer.list();
}

TEST(Parameters, ComeBackAsTheyWentIn) {
    // A limit of 5 A arrives as one of 50.
    const ParameterList list = golden_parameters();
    EXPECT_EQ(list.parts(), 2);
    const auto back = gathered(list, 12, 5);
    ASSERT_TRUE(back);
    ASSERT_TRUE(back->check(std::uint8_t{12}, 39));
    std::size_t at = 0;
    const auto limit = *back->next(at);
    ASSERT_TRUE(limit);
    EXPECT_EQ(limit->key(), (settings::SettingKey{settings::SettingId::kLoadLimit, 12, 0}));
    settings::Settings all;
    ASSERT_TRUE(settings::decode(all, limit->key(), limit->bytes, 39));
    EXPECT_EQ(all.households[11].load.milliamperes, 5'000u);
    const auto alarms = *back->next(at);
    ASSERT_TRUE(alarms);
    EXPECT_EQ(alarms->id, kAlarmsParameter);
    EXPECT_EQ(alarms_of(alarms->bytes), (Alarms{1000, 500, 0}));
    EXPECT_FALSE(*back->next(at));
}

TEST(Parameters, EverySettingThatABoxHasFitsOnACard) {
    // A parameter that only the line can set is missing where no line is.
    settings::Settings all;
    for (auto key = settings::next({}, 39); key; key = settings::next(*key, 39)) {
        std::array<Byte, settings::kSettingBytesMax> bytes{};
        const std::size_t size = settings::encode(all, *key, bytes);
        ParameterList list;
        ASSERT_TRUE(list.add(*key, Bytes(bytes).first(size)));
        const auto back = gathered(list, key->household, 1);
        ASSERT_TRUE(back);
        EXPECT_TRUE(back->check(std::nullopt, 39));
        if (key->household != 0) {
            EXPECT_TRUE(back->check(key->household, 39));
        }
    }
}

TEST(Parameters, AreTakenWholeOrNotAtAll) {
    // Half of a new list and half of an old one: a limit without its delay.
    const ParameterList list = golden_parameters();
    ParameterGatherer one;
    EXPECT_EQ(one.list().error(), ParameterError::kMissing);
    ASSERT_TRUE(one.take(list.part(0, 12, 5)));
    EXPECT_EQ(one.list().error(), ParameterError::kMissing);
    EXPECT_EQ(one.take(list.part(1, 12, 6)).error(), ParameterError::kPart) << "another version";
    ParameterList other = golden_parameters();
    ASSERT_TRUE(other.add_alarms(13, {}));
    EXPECT_EQ(one.take(other.part(1, 12, 5)).error(), ParameterError::kPart) << "another writing of the same version";
    EXPECT_EQ(one.take(list.part(1, 13, 5)).error(), ParameterError::kPart) << "another household's";
    ASSERT_TRUE(one.take(list.part(1, 12, 5)));
    EXPECT_TRUE(one.list());

    ParameterRecord wrong = list.part(1, 12, 5);
    wrong.bytes[17] ^= 1;
    ParameterGatherer damaged;
    ASSERT_TRUE(damaged.take(list.part(0, 12, 5)));
    ASSERT_TRUE(damaged.take(wrong));
    EXPECT_EQ(damaged.list().error(), ParameterError::kPart);
}

TEST(Parameters, NothingForeignImpossibleOrMalformedGetsThrough) {
    // A student's card that sets the neighbour's limit, or the price of the whole box.
    EXPECT_EQ(golden_parameters().check(std::uint8_t{13}, 39).error(), ParameterError::kForeign);
    ParameterList box;
    const std::vector<Byte> general = bytes_of("080f3c0100045000");
    ASSERT_TRUE(box.add({settings::SettingId::kGeneral, 0, 0}, general));
    EXPECT_TRUE(box.check(std::nullopt, 39));
    EXPECT_EQ(box.check(std::uint8_t{12}, 39).error(), ParameterError::kForeign);
    ParameterList range;
    ASSERT_TRUE(range.add({settings::SettingId::kGeneral, 0, 0}, bytes_of("ff0f3c0100045000")));
    EXPECT_EQ(range.check(std::nullopt, 39).error(), ParameterError::kValue);
    ParameterList nobody;
    ASSERT_TRUE(nobody.add_alarms(30, {}));
    EXPECT_TRUE(nobody.check(std::nullopt, 39));
    EXPECT_EQ(nobody.check(std::nullopt, 13).error(), ParameterError::kValue) << "a box of 13 households";

    // Authentic parts that are no list: a length beyond the end, something behind the end.
    for (const char* text : {"020c000f8813", "020c0000", "00000000000001"}) {
        ParameterRecord part;
        part.household = 12;
        part.version = 1;
        const auto bytes = bytes_of(text);
        ByteWriter(part.bytes).put(bytes);
        part.crc = crc32(part.bytes);
        ParameterGatherer gatherer;
        ASSERT_TRUE(gatherer.take(part));
        const auto list = gatherer.list();
        ASSERT_TRUE(list);
        EXPECT_EQ(list->check(std::nullopt, 39).error(), ParameterError::kMalformed) << text;
    }
}

TEST(Parameters, WhatDoesNotFitIsRefusedAndLeavesTheRestAlone) {
    ParameterList list;
    const std::vector<Byte> big(64, 1);
    int added = 0;
    while (list.add({settings::SettingId::kPriceSet, 0, 0}, big))
        ++added;
    EXPECT_EQ(added, 3);
    EXPECT_EQ(list.parts(), 12);
    EXPECT_FALSE(list.add({settings::SettingId::kPriceSet, 0, 0}, std::vector<Byte>(65, 1)));
    EXPECT_FALSE(list.add({settings::SettingId::kPriceSet, 0, 0}, Bytes{}));
}

TEST(Parameters, AC30AnOrderForOneBoxFitsNoOtherListAndNoOtherBox) {
    // The list of a set-up card is sealed with keys that every box holds: whoever opened one can put another list
    // there.
    GoldenSite site;
    const ParameterList list = golden_parameters();
    ParameterList forged = golden_parameters();
    ASSERT_TRUE(forged.add_alarms(13, {}));
    const RecordKeys neighbour = record_keys(site.mac, site.masters, kGoldenBox + 1);
    EXPECT_EQ(list.digest(site.mac, site.box), gathered(list, 0, 5)->digest(site.mac, site.box));
    EXPECT_NE(list.digest(site.mac, site.box), forged.digest(site.mac, site.box));
    EXPECT_NE(list.digest(site.mac, site.box), list.digest(site.mac, neighbour));

    RightRecord right = golden_right(CardKind::kSetUp);
    right.parts = list.parts();
    right.digest = list.digest(site.mac, site.box);
    EXPECT_TRUE(list.is_ordered_by(right, site.mac, site.box));
    EXPECT_FALSE(forged.is_ordered_by(right, site.mac, site.box));
    EXPECT_FALSE(list.is_ordered_by(right, site.mac, neighbour));
    RightRecord site_wide = right;
    site_wide.digest = list.digest(site.mac, site.site);
    EXPECT_FALSE(list.is_ordered_by(site_wide, site.mac, site.site)) << "keys that every box holds order nothing";
    right.kind = CardKind::kClear;
    EXPECT_FALSE(list.is_ordered_by(right, site.mac, site.box));
}

}  // namespace
}  // namespace prewatt::card
