#include "protocols/dlt645/private_items.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace prewatt::dlt645 {
namespace {

template <class Item>
std::vector<Byte> bytes_of(const Item& item) {
    std::array<Byte, kHouseholdBlockSizeMax> out{};
    const std::size_t size = encode(item, out);
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(FreezeBlock, HasTheseBytes) {
    // A month's bill is made of them.
    FreezeBlock block;
    block.head = {3, 0x32A1B2C3, 0x32A1B2D0, 1, 2};
    block.households[1] = {12'345'678, 5, -150, 4270};
    block.households[2] = {99'999'999, 0, 1, -1};
    const std::vector<Byte> golden{0x01, 0x03, 0xC3, 0xB2, 0xA1, 0x32, 0xD0, 0xB2, 0xA1, 0x32, 0x01,
                                   0x02, 0x4E, 0x61, 0xBC, 0x00, 0x05, 0x00, 0x00, 0x00, 0x6A, 0xFF,
                                   0xFF, 0xFF, 0xAE, 0x10, 0x00, 0x00, 0xFF, 0xE0, 0xF5, 0x05, 0x00,
                                   0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF};
    EXPECT_EQ(bytes_of(block), golden);
    EXPECT_EQ(decode_freeze_head(Bytes(golden).first(kFreezeHeadSize)), block.head);
    const auto back = decode_freeze_block(golden);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->head, block.head);
    EXPECT_EQ(back->households, block.households);
    for (std::size_t size = 0; size < golden.size(); ++size)
        EXPECT_FALSE(decode_freeze_block(Bytes(golden).first(size))) << size;
    std::vector<Byte> longer = golden;
    longer.push_back(0);
    EXPECT_FALSE(decode_freeze_block(longer));
    longer = golden;
    longer[11] = 40;
    EXPECT_FALSE(decode_freeze_head(longer)) << "more households than a box has";
    longer[11] = 2;
    longer[0] = 2;
    EXPECT_FALSE(decode_freeze_head(longer)) << "another format";
}

HouseholdBlock some_block() {
    HouseholdBlock block;
    block.version = 0x01020304;
    block.flags.bits = 0x3F;
    block.household_count = 39;
    block.present.set(2);
    block.records[2] = {-150, 12'345'678, {0x0201}};
    block.present.set(39);
    block.records[39] = {4270, 99'999'999, {0x0600}};
    return block;
}

TEST(HouseholdBlock, HasTheseBytes) {
    // Boxes that hang in buildings speak these bytes for ten years; an office that reads them otherwise shows wrong
    // balances.
    const std::vector<Byte> golden{0x01, 0x04, 0x03, 0x02, 0x01, 0x3F, 0x27, 0x02, 0x00, 0x00,
                                   0x00, 0x40, 0x6A, 0xFF, 0xFF, 0xEF, 0x14, 0xC6, 0x0B, 0x01,
                                   0x02, 0xAE, 0x10, 0x00, 0xF0, 0x0F, 0x5E, 0x5F, 0x00, 0x06};
    EXPECT_EQ(bytes_of(some_block()), golden);
    const auto back = decode_household_block(golden);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->version, 0x01020304u);
    EXPECT_EQ(back->flags, some_block().flags);
    EXPECT_EQ(back->present, some_block().present);
    EXPECT_EQ(back->records, some_block().records);
}

TEST(HouseholdBlock, AFullBoxFitsAReplyAndOneFollowingFrame) {
    HouseholdBlock block;
    block.household_count = kHouseholdsMax;
    for (int number = 1; number <= kHouseholdsMax; ++number)
        block.present.set(static_cast<std::size_t>(number));
    EXPECT_EQ(bytes_of(block).size(), 363u);
    EXPECT_TRUE(decode_household_block(bytes_of(block)));
}

TEST(HouseholdBlock, AmountsBeyondTheFieldAreSaturatedNotWrapped) {
    // A wrapped balance would light a dark room or darken a paid one.
    HouseholdBlock block = some_block();
    block.records[2].remaining_hundredths = INT32_MAX;
    block.records[39].remaining_hundredths = INT32_MIN;
    block.records[39].forward_hundredths = 100'000'001;
    const auto back = decode_household_block(bytes_of(block));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->records[2].remaining_hundredths, (1 << 27) - 1);
    EXPECT_EQ(back->records[39].remaining_hundredths, -(1 << 27));
    EXPECT_EQ(back->records[39].forward_hundredths, 1u);
}

TEST(HouseholdBlock, RefusesEveryOtherLengthFormatAndImpossibleHouseholds) {
    const auto good = bytes_of(some_block());
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(decode_household_block(Bytes(good).first(size))) << size;
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_household_block(longer));
    auto newer = good;
    newer[0] = 2;
    EXPECT_FALSE(decode_household_block(newer));
    auto fewer = good;
    fewer[6] = 38;  // but household 39 is present
    EXPECT_FALSE(decode_household_block(fewer));
    auto more = good;
    more[6] = 40;
    EXPECT_FALSE(decode_household_block(more));
}

TEST(HouseholdBlock, WritesNothingWhereItDoesNotFit) {
    std::array<Byte, 20> small{};
    EXPECT_EQ(encode(some_block(), small), 0u);
}

TEST(BlockPower, RoundTripsAndSaturates) {
    BlockPower power;
    power.household_count = 3;
    power.tenths_of_watt[1] = 22'005;
    power.tenths_of_watt[2] = -7;
    power.tenths_of_watt[3] = 9'000'000;
    EXPECT_EQ(bytes_of(power), (std::vector<Byte>{1, 3, 0xF5, 0x55, 0x00, 0xF9, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}));
    const auto back = decode_block_power(bytes_of(power));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->tenths_of_watt[2], -7);
    EXPECT_EQ(back->tenths_of_watt[3], (1 << 23) - 1);
    EXPECT_FALSE(decode_block_power(std::vector<Byte>{1, 40}));
    EXPECT_FALSE(decode_block_power(std::vector<Byte>{1, 1, 0, 0}));
}

TEST(AccountStatus, HasTheseBytes) {
    AccountStatus status;
    status.epoch = 3;
    status.ticket_number = 17;
    status.credited_hundredths = -5;
    status.used = Credit{0x0102030405060708};
    status.forward = Energy{36'000};
    status.reverse = Energy{-1};
    status.state.bits = 0x0680;
    status.low_alarm_hundredths = 1000;
    status.cutoff_alarm_hundredths = 500;
    status.overdraft_hundredths = 0x01020304;
    status.previous_epoch = 2;
    status.previous_used = Credit{7};
    status.previous_credited = Credit{8};
    const std::vector<Byte> golden{
        0x01, 0x03, 0x00, 0x11, 0x00, 0x00, 0x00, 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,  // epoch, number, credited
        0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0xA0, 0x8C, 0,    0,    0,    0,    0, 0,  // used, forward
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x06,                                // reverse, state
        0xE8, 0x03, 0,    0,    0xF4, 0x01, 0,    0,    0x04, 0x03, 0x02, 0x01, 0x02, 0x00,  // alarms, epoch before
        0x07, 0,    0,    0,    0,    0,    0,    0,    0x08, 0,    0,    0,    0,    0,    0, 0};
    EXPECT_EQ(bytes_of(status), golden);
    EXPECT_EQ(golden.size(), 69u);
    EXPECT_EQ(decode_account_status(golden), status);
    EXPECT_FALSE(decode_account_status(Bytes(golden).first(68)));
}

TEST(LiveValues, HasTheseBytes) {
    LiveValues live;
    live.phase = Phase::kC;
    live.voltage = Voltage{220'100};
    live.frequency = Frequency{50'012};
    LiveCircuit circuit;
    circuit.current = Current{6'818'499};
    circuit.active = ActivePower{-1'500'049'999};
    circuit.reactive = ReactivePower{-3'000'000};
    circuit.apparent = ApparentPower{1'500'700'000};
    circuit.power_factor = PowerFactor{-999};
    circuit.relay_closed = true;
    live.circuits.push_back(circuit);
    const std::vector<Byte> golden{0x01, 0x02, 0xC4, 0x5B, 0x03, 0x00, 0x5C, 0xC3, 0x00, 0x00,
                                   0x01, 0xA2, 0x1A, 0x00, 0x00, 0x68, 0xC5, 0xFF, 0xFF, 0xE2,
                                   0xFF, 0xFF, 0xFF, 0x9F, 0x3A, 0x00, 0x00, 0x19, 0xFC, 0x01};
    EXPECT_EQ(bytes_of(live), golden);
    const auto back = decode_live_values(golden);
    ASSERT_TRUE(back);
    ASSERT_EQ(back->circuits.size(), 1u);
    EXPECT_EQ(back->circuits[0].current, milliamperes(6818));
    EXPECT_EQ(back->circuits[0].active, ActivePower{-1'500'000'000});
    EXPECT_EQ(bytes_of(*back), golden);
    auto four_phases = golden;
    four_phases[1] = 4;
    EXPECT_FALSE(decode_live_values(four_phases));
    auto four_circuits = golden;
    four_circuits[10] = 4;
    EXPECT_FALSE(decode_live_values(four_circuits));
}

TEST(LiveValues, OfThreePhasesHaveTheOtherTwoVoltagesBehindTheCircuits) {
    // The page shows 220 V for a workshop of which one phase is dead.
    LiveValues live;
    live.three_phase = true;
    live.voltage = Voltage{220'100};
    live.voltage_b_c = {Voltage{1'000}, Voltage{219'000}};
    live.frequency = Frequency{50'012};
    for (int k = 0; k < 3; ++k)
        live.circuits.push_back({});
    const std::vector<Byte> bytes = bytes_of(live);
    ASSERT_EQ(bytes.size(), 11u + 3 * 19 + 8);
    EXPECT_EQ(bytes[1], 3);
    EXPECT_EQ((std::vector<Byte>(bytes.end() - 8, bytes.end())),
              (std::vector<Byte>{0xE8, 0x03, 0x00, 0x00, 0x78, 0x57, 0x03, 0x00}));
    const auto back = decode_live_values(bytes);
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->three_phase);
    EXPECT_EQ(back->voltage_b_c, live.voltage_b_c);
    EXPECT_FALSE(decode_live_values(Bytes(bytes).first(bytes.size() - 1)));
}

TEST(BoxStatus, HasTheseBytes) {
    BoxStatus status;
    status.circuits_per_household = 2;
    status.household_count = 18;
    status.pulse_constant = 5000;
    status.basic_current_amperes = 10;
    status.max_current_amperes = 40;
    status.flags.bits = 0x1F;
    status.boot_count = 4;
    status.command_counter = 1000;
    status.clock = 0x32ABCDEF;
    status.voltage = {Voltage{220'000}, Voltage{0}, Voltage{231'500}};
    status.frequency = Frequency{49'990};
    const std::vector<Byte> golden{0x01, 0x02, 0x12, 0x88, 0x13, 0x0A, 0x28, 0x1F, 0x04, 0,    0,    0,
                                   0xE8, 0x03, 0,    0,    0xEF, 0xCD, 0xAB, 0x32, 0x60, 0x5B, 0x03, 0x00,
                                   0,    0,    0,    0,    0x4C, 0x88, 0x03, 0x00, 0x46, 0xC3, 0x00, 0x00};
    EXPECT_EQ(bytes_of(status), golden);
    EXPECT_EQ(decode_box_status(golden), status);
    EXPECT_FALSE(decode_box_status(Bytes(golden).first(35)));
}

TEST(PrivateItems, GuardStatusHasTheseBytes) {
    // The office says "two tries left", the box means something else.
    GuardStatus status;
    status.holds = HoldSet{0x0014};
    status.overruled = HoldSet{0x0040};
    status.waiting = HoldSet{0x0001};
    status.forced_seconds = 600;
    status.load = {2, 6, 0, 0};
    status.malignant = {1, 3, 2, 720};
    status.locked_since = 0x11223344;
    status.last_because = HoldSet{0x0004};
    status.last_at = 0x55667788;
    status.last_watts = 1500;
    status.last_shape = 2;
    status.last_rule = 6;
    status.last_power_factor_ten_thousandths = -2;
    status.mode = 2;
    status.rate = 4;
    status.cut_at = 0x01020304;
    const std::vector<Byte> golden{
        1,    0x14, 0x00, 0x40, 0x00, 0x01, 0x00, 0x58, 0x02, 0x00, 0x00,        // holds, forced power
        2,    6,    0,    0x00, 0x00, 0x00, 0x00,                                // load control
        1,    3,    2,    0xD0, 0x02, 0x00, 0x00,                                // malignant loads
        0x44, 0x33, 0x22, 0x11,                                                  // locked out
        0x04, 0x00, 0x88, 0x77, 0x66, 0x55, 0xDC, 0x05, 2,    6,    0xFE, 0xFF,  // the last cut
        2,    4,    0x04, 0x03, 0x02, 0x01,                                      // schedule
    };
    std::array<Byte, 64> out{};
    const std::size_t size = encode(status, out);
    EXPECT_EQ((std::vector<Byte>{out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)}), golden);
    EXPECT_EQ(decode_guard_status(golden), status);
    for (std::size_t cut = 0; cut < golden.size(); ++cut)
        EXPECT_FALSE(decode_guard_status(Bytes(golden).first(cut)));
}

TEST(PrivateItems, CheckSumsOfSettingsHaveTheseBytes) {
    SettingSums sums;
    sums.box = 0x01020304;
    sums.household_count = 2;
    sums.households[0] = 0xCAFE0001;
    sums.households[1] = 0x00000002;
    const std::vector<Byte> golden{1, 4, 3, 2, 1, 2, 0x01, 0x00, 0xFE, 0xCA, 2, 0, 0, 0};
    std::array<Byte, 64> out{};
    const std::size_t size = encode(sums, out);
    EXPECT_EQ((std::vector<Byte>{out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)}), golden);
    EXPECT_EQ(decode_setting_sums(golden), sums);
    EXPECT_FALSE(decode_setting_sums(std::vector<Byte>{1, 0, 0, 0, 0, 40}));
    EXPECT_FALSE(decode_setting(std::vector<Byte>{2, 0}));
    EXPECT_EQ(decode_setting(golden)->size(), golden.size() - 1);
}

}  // namespace
}  // namespace prewatt::dlt645
