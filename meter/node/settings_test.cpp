// Settings over the line (product.md B5, M17): staged, committed whole or not at all, kept, read back.
#include <gtest/gtest.h>

#include "base/crc.hpp"
#include "meter/node/fake_board.hpp"
#include "meter/node/items.hpp"

namespace prewatt::meter {
namespace {

using card::Result;
using settings::SettingId;
using settings::SettingKey;

struct SettingsOverTheLine : testing::Test {
    FakeBoard board;
    void SetUp() override {
        ASSERT_EQ(board.start(), StartResult::kFresh);
        board.run(seconds(4));
    }
    std::vector<Byte> bytes_of(const settings::Settings& all, SettingKey key) {
        std::vector<Byte> bytes(settings::kSettingBytesMax);
        bytes.resize(settings::encode(all, key, bytes));
        return bytes;
    }
    void stage(SettingKey key, const std::vector<Byte>& bytes, std::size_t from, std::size_t size) {
        card::StageSetting part;
        part.setting = key.id;
        part.index = key.index;
        part.offset = static_cast<std::uint8_t>(from);
        for (std::size_t k = from; k < from + size; ++k)
            part.part.push_back(bytes[k]);
        ASSERT_EQ(board.command({.household = key.household, .command = part}).result, Result::kDone);
    }
    void stage(SettingKey key, const std::vector<Byte>& bytes) {
        for (std::size_t from = 0; from < bytes.size(); from += card::kSettingPartMax)
            stage(key, bytes, from, std::min(card::kSettingPartMax, bytes.size() - from));
    }
    Result commit(SettingKey key, const std::vector<Byte>& bytes) {
        const card::CommitSetting whole{key.id, key.index, static_cast<std::uint8_t>(bytes.size()), crc32(bytes)};
        return board.command({.household = key.household, .command = whole}).result;
    }
    Result set(SettingKey key, const std::vector<Byte>& bytes) {
        stage(key, bytes);
        return commit(key, bytes);
    }
    // The data behind the identifier; empty: refused or silent.
    std::vector<Byte> read(std::uint8_t household, std::uint32_t id) {
        const std::array<Byte, 4> data{static_cast<Byte>(id), static_cast<Byte>(id >> 8), static_cast<Byte>(id >> 16),
                                       static_cast<Byte>(id >> 24)};
        const auto frame = dlt645::encode(dlt645::address_of(board.config.box, {household}),
                                          dlt645::request(dlt645::Function::kRead), data);
        dlt645::Decoder decoder;
        for (const Byte byte : board.exchange({frame.begin(), frame.end()}))
            if (const auto got = decoder.on_byte(byte, board.now)) {
                if (got->control.is_error()) return {};
                return {got->data.begin() + 4, got->data.end()};
            }
        return {};
    }
};

TEST_F(SettingsOverTheLine, SettingSentInPartsTakesEffectWholeAndCanBeReadBack) {
    // A day table arrives in five frames; if each took effect at once, a house would be dark between the second and the
    // third.
    settings::Settings wanted;
    wanted.days[3].count = 3;
    wanted.days[3].periods[1] = {360, 2, settings::SupplyMode::kLimited};
    wanted.days[3].periods[2] = {1380, 3, settings::SupplyMode::kOff};
    const SettingKey key{SettingId::kDayTable, 0, 3};
    const std::vector<Byte> bytes = bytes_of(wanted, key);
    const std::vector<Byte> factory = read(0, 0xEC021203);
    ASSERT_EQ(factory.size(), bytes.size() + 1);
    stage(key, bytes);
    EXPECT_EQ(read(0, 0xEC021203), factory) << "nothing but the commit changes anything";
    ASSERT_EQ(commit(key, bytes), Result::kDone);
    std::vector<Byte> expected{1};
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    EXPECT_EQ(read(0, 0xEC021203), expected);
    ASSERT_EQ(board.restart(), StartResult::kRecovered);
    EXPECT_EQ(read(0, 0xEC021203), expected) << "and it is still there after a loss of supply";
    // What the standard can say of it: 12 periods of rate, minute, hour; the last one repeats.
    const std::vector<Byte> standard = read(7, 0x04010004);
    ASSERT_EQ(standard.size(), 36u);
    EXPECT_EQ((std::vector<Byte>{standard.begin(), standard.begin() + 12}),
              (std::vector<Byte>{1, 0, 0, 2, 0, 6, 3, 0, 0x23, 3, 0, 0x23}));
    EXPECT_TRUE(read(7, 0xEC021203).empty()) << "a day table is the box's, not a household's";
}

TEST_F(SettingsOverTheLine, CommitWithAMissingPartAWrongSumOrAnIllegalValueChangesNothing) {
    // Half of an old day table and half of a new one are in force, and nobody has ever ordered that.
    settings::Settings wanted;
    wanted.malignant[0].evasion_watts = 300;
    const SettingKey key{SettingId::kMalignantProfile, 0, 0};
    const std::vector<Byte> bytes = bytes_of(wanted, key);
    const std::vector<Byte> before = read(0, 0xEC021100);
    stage(key, bytes, 0, 12);
    stage(key, bytes, 24, 12);
    EXPECT_EQ(commit(key, bytes), Result::kBadArgument);
    stage(key, bytes);
    std::vector<Byte> other = bytes;
    other.back() ^= 1;
    EXPECT_EQ(commit(key, other), Result::kBadArgument);
    other = bytes;
    other[4] = 0xFF;  // power factor far above 0.999
    other[5] = 0xFF;
    EXPECT_EQ(set(key, other), Result::kBadArgument);
    EXPECT_EQ(set({SettingId::kLoadLimit, 5, 0}, {1, 2, 3}), Result::kBadArgument) << "too short";
    EXPECT_EQ(read(0, 0xEC021100), before);
    // A restart forgets parts; the office hears so and sends them again.
    stage(key, bytes);
    ASSERT_EQ(board.restart(), StartResult::kRecovered);
    EXPECT_EQ(commit(key, bytes), Result::kBadArgument);
    EXPECT_EQ(set(key, bytes), Result::kDone);
}

TEST_F(SettingsOverTheLine, PartOfAnotherSettingDropsWhatWasStaged) {
    // Two engineers set two households at once, and one gets the limit of the other.
    settings::Settings wanted;
    wanted.households[4].load.milliamperes = 10'000;
    wanted.households[5].load.milliamperes = 20'000;
    const SettingKey five{SettingId::kLoadLimit, 5, 0};
    const SettingKey six{SettingId::kLoadLimit, 6, 0};
    stage(five, bytes_of(wanted, five));
    stage(six, bytes_of(wanted, six));
    EXPECT_EQ(commit(five, bytes_of(wanted, five)), Result::kBadArgument);
    EXPECT_EQ(commit(six, bytes_of(wanted, six)), Result::kDone);
    EXPECT_EQ(read(6, 0x04001402), (std::vector<Byte>{0x00, 0x00, 0x02})) << "20.000 A as the standard says it";
    EXPECT_EQ(read(5, 0x04001402), (std::vector<Byte>{0, 0, 0}));
}

TEST_F(SettingsOverTheLine, ChecksumsTellWhetherABoxIsSetAsTheOfficeWants) {
    // The office would have to read three hundred settings to know that one limit of one room is still the old one.
    const auto sums = dlt645::decode_setting_sums(read(0, 0xEC020000));
    ASSERT_TRUE(sums);
    EXPECT_EQ(sums->household_count, 39);
    EXPECT_EQ(sums->box, settings::checksum({}, 0));
    settings::Settings wanted;
    wanted.households[8].plan.week_plan = 2;
    const SettingKey key{SettingId::kHouseholdPlan, 9, 0};
    ASSERT_EQ(set(key, bytes_of(wanted, key)), Result::kDone);
    const auto after = dlt645::decode_setting_sums(read(0, 0xEC020000));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->box, sums->box);
    for (std::size_t k = 0; k < 39; ++k)
        EXPECT_EQ(after->households[k] == sums->households[k], k != 8) << k;
    const auto own = dlt645::decode_setting_sums(read(9, 0xEC020000));
    ASSERT_TRUE(own);
    EXPECT_EQ(own->household_count, 1);
    EXPECT_EQ(own->households[0], settings::checksum(wanted, 9));
}

TEST_F(SettingsOverTheLine, OnlyALaterCounterSetsAgain) {
    // Whoever recorded the line last month plays the old, higher limit into the box again.
    settings::Settings wanted;
    wanted.households[4].load.milliamperes = 10'000;
    const SettingKey key{SettingId::kLoadLimit, 5, 0};
    const std::vector<Byte> high = bytes_of(wanted, key);
    ASSERT_EQ(set(key, high), Result::kDone);
    const std::uint32_t recorded = board.counter;
    wanted.households[4].load.milliamperes = 5'000;
    ASSERT_EQ(set(key, bytes_of(wanted, key)), Result::kDone);
    const card::CommitSetting old{key.id, 0, static_cast<std::uint8_t>(high.size()), crc32(high)};
    EXPECT_EQ(board.command({.counter = recorded, .household = 5, .command = old}).result, Result::kOldCounter);
    EXPECT_EQ(read(5, 0x04001402), (std::vector<Byte>{0x00, 0x50, 0x00}));
}

// --- Clear (product.md M18)

TEST_F(SettingsOverTheLine, ClearOfAHouseholdClosesItsAccountAndEmptiesItsRegisters) {
    // A room is handed over with the kilowatt-hours of the tenant before.
    ASSERT_EQ(board.command({.household = 5, .command = card::Ticket{1, 1, 10'000}}).result, Result::kDone);
    board.load({4}, watts(1000));
    board.run(minutes(5));
    ASSERT_GT(board.node->household({5}).forward, Energy{250'000});
    EXPECT_EQ(board.command({.household = 5, .command = card::Clear{card::ClearStep::kAnnounce}}).result,
              Result::kBadArgument);
    const card::Answer answer = board.command({.household = 5, .command = card::Clear{card::ClearStep::kCarryOut}});
    EXPECT_EQ(answer.result, Result::kDone);
    EXPECT_TRUE(answer.effect.state.holds().has(Hold::kNotOpened));
    EXPECT_EQ(board.node->household({5}).forward, Energy{});
    EXPECT_EQ(board.command({.household = 5, .command = card::Ticket{1, 2, 20'000}}).effect.epoch, 0)
        << "a ticket of the account that was cleared opens nothing";
    EXPECT_EQ(board.command({.household = 5, .command = card::Ticket{2, 1, 500}}).effect.epoch, 2);
}

TEST_F(SettingsOverTheLine, WholeBoxIsClearedOnlyByTwoCommandsThatFollowEachOther) {
    // One frame with a wrong household number empties forty accounts.
    for (std::uint8_t h = 1; h <= 39; ++h)
        ASSERT_EQ(board.command({.household = h, .command = card::Ticket{1, 1, 10'000}}).result, Result::kDone);
    const card::Clear announce{card::ClearStep::kAnnounce};
    const card::Clear carry_out{card::ClearStep::kCarryOut};
    EXPECT_EQ(board.command({.household = 0, .command = carry_out}).result, Result::kBadArgument);
    ASSERT_EQ(board.command({.household = 0, .command = announce}).result, Result::kDone);
    ASSERT_EQ(board.command({.household = 1, .command = card::RemoteHold{false}}).result, Result::kDone);
    EXPECT_EQ(board.command({.household = 0, .command = carry_out}).result, Result::kBadArgument)
        << "another command came between";
    ASSERT_EQ(board.command({.household = 0, .command = announce}).result, Result::kDone);
    board.run(minutes(6));
    EXPECT_EQ(board.command({.household = 0, .command = carry_out}).result, Result::kBadArgument) << "too late";
    ASSERT_EQ(board.command({.household = 0, .command = announce}).result, Result::kDone);
    ASSERT_EQ(board.restart(), StartResult::kRecovered);
    EXPECT_EQ(board.command({.household = 0, .command = carry_out}).result, Result::kBadArgument) << "forgotten";
    for (std::uint8_t h = 1; h <= 39; ++h)
        ASSERT_EQ(board.node->household({h}).epoch, 1);
    ASSERT_EQ(board.command({.household = 0, .command = announce}).result, Result::kDone);
    ASSERT_EQ(board.command({.household = 0, .command = carry_out}).result, Result::kDone);
    ASSERT_EQ(board.restart(), StartResult::kRecovered);
    for (std::uint8_t h = 1; h <= 39; ++h)
        ASSERT_EQ(board.node->household({h}).epoch, 0);
}

TEST_F(SettingsOverTheLine, PendingPricesAndTheirTimeAreReadAsTheStandardHasThem) {
    // The collector of the grid asks when the price changes, and the office tells the residents another hour.
    EXPECT_EQ(read(1, 0x04000108), (std::vector<Byte>{0, 0, 0, 0, 0})) << "nothing is to come";
    settings::Settings wanted;
    wanted.prices[0].valid_from = 1;
    wanted.prices[0].rates = {5600, 3100, 8000, 0};
    wanted.prices[1] = wanted.prices[0];
    wanted.prices[1].valid_from = to_seconds({2027, 1, 31, 18, 5, 0});
    wanted.prices[1].rates[1] = 12'3456;
    wanted.prices[1].steps = 2;
    wanted.prices[1].step_limits[0] = 180'00;
    wanted.prices[1].step_prices[1] = 500;
    ASSERT_EQ(set({SettingId::kPriceSet, 0, 0}, bytes_of(wanted, {SettingId::kPriceSet, 0, 0})), Result::kDone);
    ASSERT_EQ(set({SettingId::kPriceSet, 0, 1}, bytes_of(wanted, {SettingId::kPriceSet, 0, 1})), Result::kDone);
    EXPECT_EQ(read(1, 0x04000108), (std::vector<Byte>{0x05, 0x18, 0x31, 0x01, 0x27}));
    EXPECT_EQ(read(1, 0x04000109), read(1, 0x04000108));
    EXPECT_EQ(read(1, 0x04050102), (std::vector<Byte>{0x00, 0x31, 0x00, 0x00})) << "0.3100 yuan/kWh";
    EXPECT_EQ(read(1, 0x04050202), (std::vector<Byte>{0x56, 0x34, 0x12, 0x00})) << "12.3456 yuan/kWh";
    EXPECT_EQ(read(1, 0x04060201), (std::vector<Byte>{0x00, 0x80, 0x01, 0x00})) << "180.00 kWh";
    EXPECT_EQ(read(1, 0x04060302), (std::vector<Byte>{0x00, 0x05, 0x00, 0x00}));
}

}  // namespace
}  // namespace prewatt::meter
