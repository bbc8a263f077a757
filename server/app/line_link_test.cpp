#include "server/app/line_link.hpp"

#include <gtest/gtest.h>

#include "server/api/testing/fake_office.hpp"

namespace prewatt::server::app {
namespace {

class RecordingOffice final : public api::FakeOffice {
  public:
    std::vector<Reading> readings;
    std::vector<BoxSeen> seen;
    std::vector<PowerReading> powers;
    std::vector<std::pair<HouseholdId, MeterEffect>> effects;
    std::uint32_t raised = 0;
    std::uint32_t next_counter = 100;
    bool fails = false;

    void record_readings(std::vector<Reading> list, WhenDone<Done> done) override {
        readings = std::move(list);
        done(Done{});
    }
    void record_box_seen(BoxSeen one, WhenDone<Done> done) override {
        seen.push_back(one);
        fails ? done(std::unexpected(Refusal{Reason::kStorageFull, "the disk is full"})) : done(Done{});
    }
    std::vector<std::pair<Delivery, UnixTime>> confirmed;
    std::vector<WhenDone<Done>> answers;  // of those, to be given by the test
    void record_confirmed(Delivery delivery, MeterEffect, UnixTime at, WhenDone<Done> done) override {
        confirmed.emplace_back(delivery, at);
        answers.push_back(std::move(done));
    }
    void record_powers(std::vector<PowerReading> list) override { powers = std::move(list); }
    void record_effect(HouseholdId household, MeterEffect effect, UnixTime, WhenDone<Done> done) override {
        effects.emplace_back(household, effect);
        done(Done{});
    }
    void raise_counter(BoxId, std::uint32_t last, WhenDone<Done> done) override {
        raised = last;
        next_counter = std::max(next_counter, last + 1);
        done(Done{});
    }
    void reserve_counters(BoxId, std::uint32_t, WhenDone<std::uint32_t> done) override {
        fails ? done(std::unexpected(Refusal{Reason::kStorageFull, "the disk is full"})) : done(next_counter);
    }
};

class LineLinkTest : public testing::Test {
  protected:
    collect::BlockReading block(std::int64_t at_ms, std::span<const collect::HouseholdReading> changed) {
        collect::BlockReading reading;
        reading.box = BoxId{1};
        reading.asked_at = UnixTime{at_ms};
        reading.at = UnixTime{at_ms + 40};
        reading.changed = changed;
        return reading;
    }
    RecordingOffice office_;
    std::uint32_t first_ = 0;
    std::uint32_t count_ = 99;
    std::vector<std::string> told_;
    LineLink link_{office_,
                   [this](BoxId, std::uint32_t first, std::uint32_t count) {
                       first_ = first;
                       count_ = count;
                   },
                   [](collect::LiveRequest, const auto&, UnixTime) {},
                   [this](std::string words) { told_.push_back(std::move(words)); }};
};

TEST_F(LineLinkTest, AReadingIsAsOldAsItsQuestion) {
    // A reading that was on its way while a ticket was confirmed is taken for newer than the ticket.
    const collect::HouseholdReading changed[] = {{HouseholdId{7}, 3, {-5, 123, HouseholdState{0x200}}},
                                                 {HouseholdId{}, 4, {}}};
    link_.on_block(block(10'000, changed));
    ASSERT_EQ(office_.readings.size(), 1u) << "nobody lives in household 4";
    EXPECT_EQ(office_.readings[0].at.ms, 10'000);
    EXPECT_EQ(office_.readings[0].remaining, credit_of_hundredths(-5));
    EXPECT_EQ(office_.readings[0].forward, energy_of_hundredths(123));
}

TEST_F(LineLinkTest, AQuietBoxIsNotWrittenDownWithEverySweep) {
    // A line on which nothing happens wears out the disk.
    for (int i = 0; i < 20; ++i)
        link_.on_block(block(i * 500, {}));
    EXPECT_EQ(office_.seen.size(), 2u) << "at 0 s and at 5 s";
    EXPECT_TRUE(office_.seen[0].values_hold);
    link_.on_answering(BoxId{1}, false, UnixTime{10'500});
    EXPECT_FALSE(office_.seen.back().answering);
    link_.on_block(block(11'000, {}));
    EXPECT_TRUE(office_.seen.back().answering) << "said at once when it is back";
}

TEST_F(LineLinkTest, CountersThatABoxHasSeenAreNeverGivenAgain) {
    // An office that was restored from an old backup is refused by its meters for weeks.
    link_.need_counters(BoxId{1}, 5000, 32);
    EXPECT_EQ(office_.raised, 5000u);
    EXPECT_EQ(first_, 5001u);
    EXPECT_EQ(count_, 32u);
    office_.fails = true;
    link_.need_counters(BoxId{1}, 0, 32);
    EXPECT_EQ(count_, 0u) << "the master asks again later";
    EXPECT_EQ(told_.size(), 1u);
}

TEST_F(LineLinkTest, WhatRemainsOfAnAccountIsRoundedDown) {
    // The page shows 0.01 kWh more than the meter, which is already dark.
    dlt645::AccountStatus status;
    status.epoch = 2;
    status.ticket_number = 9;
    status.credited_hundredths = 100;
    status.used = Credit{1};
    link_.on_account(HouseholdId{7}, status, UnixTime{1});
    ASSERT_EQ(office_.effects.size(), 1u);
    EXPECT_EQ(office_.effects[0].second.remaining, credit_of_hundredths(99));
    EXPECT_EQ(office_.effects[0].second.ticket_number, 9u);
}

TEST_F(LineLinkTest, PowerGoesToWhoeverLivesThere) {
    // The load of one room is shown at its neighbour's.
    link_.bind(BoxId{1}, 2, HouseholdId{20});
    dlt645::BlockPower power;
    power.household_count = 3;
    power.tenths_of_watt[1] = 111;
    power.tenths_of_watt[2] = 222;
    link_.on_power(BoxId{1}, power, UnixTime{5});
    ASSERT_EQ(office_.powers.size(), 1u);
    EXPECT_EQ(office_.powers[0].household, HouseholdId{20});
    EXPECT_EQ(office_.powers[0].power, ActivePower{22'200'000});
}

TEST_F(LineLinkTest, AFullDiskIsSaidAndTheLineGoesOn) {
    // The readings stop and nobody knows why.
    office_.fails = true;
    link_.on_answering(BoxId{1}, true, UnixTime{1});
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_NE(told_[0].find("the disk is full"), std::string::npos);
}

TEST_F(LineLinkTest, AConfirmationThatWasNotKeptIsSaidAgain) {
    // The meter has switched, the disk was full for that moment, and the order stays open until the next start.
    const Delivery first{HouseholdId{7}, Part::kRemoteHold, 5, 4};
    Delivery second = first;
    second.version = 5;
    const Answer<Done> full = std::unexpected(Refusal{Reason::kStorageFull, "the disk is full"});
    link_.on_confirmed(first, {}, UnixTime{100});
    office_.answers[0](full);
    EXPECT_EQ(told_.size(), 1u);
    link_.on_block(block(20'000, {}));
    ASSERT_EQ(office_.confirmed.size(), 2u);
    EXPECT_EQ(office_.confirmed[1].first.version, 4u);
    EXPECT_EQ(office_.confirmed[1].second.ms, 100) << "it is as old as it was";
    link_.on_block(block(30'000, {}));
    EXPECT_EQ(office_.confirmed.size(), 2u) << "it is on its way";

    link_.on_confirmed(second, {}, UnixTime{310});
    office_.answers[1](full);
    link_.on_block(block(40'000, {}));
    EXPECT_EQ(office_.confirmed.size(), 3u) << "a later one has taken its place";
    office_.answers[2](full);
    link_.on_block(block(50'000, {}));
    ASSERT_EQ(office_.confirmed.size(), 4u);
    EXPECT_EQ(office_.confirmed[3].first.version, 5u);
    office_.answers[3](full);
    link_.on_block(block(50'500, {}));
    EXPECT_EQ(office_.confirmed.size(), 4u) << "a full disk is not asked with every sweep";
    link_.on_block(block(60'000, {}));
    ASSERT_EQ(office_.confirmed.size(), 5u);
    EXPECT_EQ(told_.size(), 2u) << "each is told once, not each time";
    office_.answers[4](Done{});
    link_.on_block(block(70'000, {}));
    EXPECT_EQ(office_.confirmed.size(), 5u) << "it was kept";

    link_.on_confirmed(first, {}, UnixTime{610});
    office_.answers[5](std::unexpected(Refusal{Reason::kNotFound, "no such household"}));
    link_.on_block(block(80'000, {}));
    EXPECT_EQ(office_.confirmed.size(), 6u) << "a rule refuses it each time";
}

TEST(CivilTimeTest, ThereAndBackIsTheSameSecond) {
    // The clock of a box is shown an hour wrong.
    for (const std::int64_t ms : {1'790'000'000'000, 1'767'225'599'000, 1'782'900'000'000})
        EXPECT_EQ(unix_of_civil(civil_of_unix(UnixTime{ms})).ms, ms);
}

}  // namespace
}  // namespace prewatt::server::app
