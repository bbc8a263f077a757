// Real meters and the real line master on a simulated line that goes wrong in every way that copper can.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "bench/line_of_meters.hpp"
#include "server/collect/quiet_office.hpp"

namespace prewatt {
namespace {

using bench::LineOfMeters;

class Office final : public collect::QuietOffice {
  public:
    void on_block(const collect::BlockReading& reading) override {
        if (reading.complete) ++complete[reading.box.value];
        ++blocks[reading.box.value];
        for (const collect::HouseholdReading& one : reading.changed)
            last[reading.box.value * 100 + one.number] = one.record;
    }
    void on_status(server::BoxId, const dlt645::BoxStatus& status, server::UnixTime) override {
        statuses.push_back(status);
    }
    void on_live(collect::LiveRequest, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                 server::UnixTime) override {
        lives.push_back(live);
    }
    void on_answering(server::BoxId box, bool answers, server::UnixTime) override { answering[box.value] = answers; }
    void on_sent(const server::Delivery&, server::UnixTime) override { ++sent; }
    void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, server::UnixTime) override {
        confirmed.emplace_back(delivery, effect);
    }
    void on_refused(const server::Delivery&, std::string_view problem, bool, server::UnixTime) override {
        problems.emplace_back(problem);
    }
    void on_freeze(const collect::FreezeReading& reading) override {
        frozen_due = reading.due;
        frozen.assign(reading.households.begin(), reading.households.end());
    }
    void on_setting(server::BoxId, const collect::SettingNews& news, server::UnixTime) override {
        if (news.kind == collect::SettingNews::Kind::kProved) ++proved;
        if (news.kind == collect::SettingNews::Kind::kDrifted) ++drifted;
    }
    CivilSeconds frozen_due = 0;
    std::vector<collect::FrozenReading> frozen;
    int proved = 0;
    int drifted = 0;
    std::map<std::int64_t, int> complete;
    std::map<std::int64_t, int> blocks;
    std::map<std::int64_t, dlt645::HouseholdRecord> last;
    std::map<std::int64_t, bool> answering;
    std::vector<dlt645::BoxStatus> statuses;
    std::vector<std::expected<dlt645::LiveValues, collect::ReadError>> lives;
    std::vector<std::pair<server::Delivery, card::Effect>> confirmed;
    std::vector<std::string> problems;
    int sent = 0;
};

class Line : public testing::Test {
  protected:
    void build(LineOfMeters::Options options) {
        line = std::make_unique<LineOfMeters>(options, office);
        line->run_for(seconds(5));
    }
    server::DesiredState& wish(int box, int number) {
        server::DesiredState& state = wishes[box * 100 + number];
        state.box = LineOfMeters::box_id(box);
        state.household = {state.box.value * 100 + number};
        state.number = static_cast<std::uint8_t>(number);
        return state;
    }
    void sell(int box, int number, std::int64_t hundredths) {
        server::DesiredState& state = wish(box, number);
        state.ticket = {1, state.ticket.number + 1, state.ticket.credited + credit_of_hundredths(hundredths)};
        line->desire(state);
    }
    meter::HouseholdView meter(int box, int number) {
        return line->box(box).node().household({static_cast<std::uint8_t>(number)});
    }
    bool confirmed(std::size_t count, Duration limit) {
        return line->run_until([&] { return office.confirmed.size() >= count; }, limit);
    }
    Office office;
    std::unique_ptr<LineOfMeters> line;
    std::map<int, server::DesiredState> wishes;
};

TEST_F(Line, ASaleLightsADarkRoomWithinASecond) {
    // What the whole product is for.
    build({.boxes = 4});
    ASSERT_FALSE(meter(2, 17).lit);
    sell(2, 17, 5000);
    ASSERT_TRUE(
        line->run_until([&] { return office.last[317].state.has(StateBit::kRelayClosed); }, milliseconds(1500)));
    EXPECT_TRUE(meter(2, 17).lit);
    EXPECT_EQ(office.last[317].remaining_hundredths, 5000);
    ASSERT_EQ(office.confirmed.size(), 1u);
    EXPECT_EQ(office.confirmed[0].second.remaining_hundredths, 5000);
}

TEST_F(Line, NoiseAndLossDelayTicketsAndFalsifyNone) {
    // A motor starts beside the cable: every fifth long frame is damaged, and money travels on it.
    build({.boxes = 6,
           .faults = {.bit_errors_per_million = 80,
                      .lost_characters_per_million = 100,
                      .idle_characters_per_minute = 300},
           .seed = 11});
    for (int n = 0; n < 30; ++n) {
        sell(n % 6, 1 + n, 100 + n);
        line->box(n % 6).use({static_cast<std::uint8_t>(1 + n)}, energy_of_hundredths(7));
        line->run_for(milliseconds(400));
    }
    EXPECT_TRUE(confirmed(30, minutes(2)));
    ASSERT_TRUE(line->run_until([&] { return office.complete.size() == 6; }, minutes(1)));
    line->run_for(minutes(2));
    for (int n = 0; n < 30; ++n) {
        const meter::HouseholdView view = meter(n % 6, 1 + n);
        EXPECT_EQ(view.credited, credit_of_hundredths(100 + n));
        const dlt645::HouseholdRecord& record = office.last[(n % 6 + 1) * 100 + 1 + n];
        EXPECT_EQ(record.remaining_hundredths, in_hundredths(view.remaining, Round::kDown));
        EXPECT_EQ(record.forward_hundredths, 7u);
    }
    EXPECT_GT(line->line.counts().damaged, 20u) << "the noise was there";
    EXPECT_GT(line->master().counters().retries + line->master().counters().timeouts, 5u);
}

TEST_F(Line, ALostAnswerDoesNotMakeASecondCommand) {
    // The meter has taken the ticket, its answer is drowned: the repeat must find it already done.
    build({.boxes = 2});
    bool asked = false;
    line->on_request = [&](const dlt645::Frame& frame) {
        asked = asked || frame.control.function() == dlt645::Function::kSecurity;
    };
    sell(0, 1, 250);
    ASSERT_TRUE(line->run_until([&] { return asked; }, seconds(3)));
    line->run_for(milliseconds(75));  // the question has arrived
    line->box(0).set_supply(false);   // nothing that the box says is heard
    line->run_for(milliseconds(100));
    EXPECT_EQ(meter(0, 1).ticket_number, 1u);
    const std::uint32_t counter = line->box(0).node().command_counter();
    line->box(0).set_supply(true);
    ASSERT_TRUE(confirmed(1, seconds(3)));
    EXPECT_EQ(line->box(0).node().command_counter(), counter);
    EXPECT_EQ(meter(0, 1).credited, credit_of_hundredths(250));
    EXPECT_GE(office.sent, 2);
}

// Somebody else's reading tool on the same two wires, which waits for nobody.
class Intruder final : public sim::Station {
  public:
    explicit Intruder(sim::SerialLine& line)
        : line_(line), next_(line.now() + milliseconds(300)), id_(line.attach(*this, next_)) {}
    Heard on_character(const sim::Character&) override { return {next_, false}; }
    Instant on_time(Instant now) override {
        const std::array<Byte, 4> data{0x00, 0x01, 0x00, 0xEC};  // the household block of box 2
        const auto frame = dlt645::encode(dlt645::address_of({bench::kFirstBoxNumber + 1}, {0}),
                                          dlt645::request(dlt645::Function::kRead), data);
        line_.send(id_, {frame.data(), frame.size()}, now);
        return next_ = now + milliseconds(1700);
    }

  private:
    sim::SerialLine& line_;
    Instant next_;
    sim::SerialLine::Id id_;
};

TEST_F(Line, ASecondMasterOnTheLineCollidesAndCorruptsNothing) {
    // A technician plugs in a laptop: answers that nobody asked for, and characters destroyed in the middle of frames.
    build({.boxes = 3});
    Intruder intruder(line->line);
    for (int n = 0; n < 12; ++n) {
        sell(n % 3, 1 + n, 1000 + n);
        line->run_for(seconds(2));
    }
    EXPECT_TRUE(confirmed(12, minutes(1)));
    line->run_for(seconds(30));
    EXPECT_GT(line->line.counts().collided, 50u);
    EXPECT_GT(line->master().counters().ignored_frames, 0u);
    for (int n = 0; n < 12; ++n) {
        EXPECT_EQ(meter(n % 3, 1 + n).credited, credit_of_hundredths(1000 + n));
        EXPECT_EQ(office.last[(n % 3 + 1) * 100 + 1 + n].remaining_hundredths, 1000 + n);
    }
}

TEST_F(Line, ADeadBoxIsSeenAndTheOthersGoOn) {
    // One breaker is off: its neighbours are read as before, and its tickets wait for it.
    build({.boxes = 5});
    line->box(1).set_supply(false);
    line->run_for(seconds(10));
    EXPECT_FALSE(office.answering[2]);
    const int before = office.blocks[5];
    sell(1, 4, 900);
    line->run_for(minutes(1));
    EXPECT_GT(office.blocks[5] - before, 60);
    EXPECT_TRUE(office.confirmed.empty());
    EXPECT_FALSE(office.problems.empty());
    line->box(1).set_supply(true);
    EXPECT_TRUE(confirmed(1, seconds(70)));
    EXPECT_TRUE(office.answering[2]);
}

TEST_F(Line, AWrongKeyIsRefusedByTheMeterAndReported) {
    // The site's master key was typed wrong: nothing is taken, and it is said what to look at.
    build({.boxes = 1});
    line->master().set_boxes(std::vector<collect::BoxSetup>{{LineOfMeters::box_id(0), bench::kFirstBoxNumber, 39, {}}});
    sell(0, 1, 100);
    line->run_for(minutes(10));
    EXPECT_EQ(meter(0, 1).ticket_number, 0u);
    ASSERT_EQ(office.problems.size(), 1u);
    EXPECT_NE(office.problems[0].find("key"), std::string::npos);
    EXPECT_LE(office.sent, 4);
}

TEST_F(Line, AnOfficeThatIsKilledInTheMiddleOfADeliveryCreditsOnce) {
    // kill -9 at each stage of an exchange; then a new process with the same database.
    build({.boxes = 1});
    for (int k = 0; k < 20; ++k) {
        sell(0, 3, 100);
        line->run_for(milliseconds(10 * k));
        line->restart_master();
        server::DesiredState state = wish(0, 3);
        if (!office.confirmed.empty()) {
            state.confirmed_epoch = office.confirmed.back().second.epoch;
            state.confirmed_number = office.confirmed.back().second.ticket_number;
        }
        line->desire(state);
        line->run_for(seconds(2));
        ASSERT_EQ(meter(0, 3).credited, credit_of_hundredths(100 * (k + 1))) << "killed after " << 10 * k << " ms";
        ASSERT_EQ(office.confirmed.back().second.ticket_number, static_cast<std::uint32_t>(k + 1));
    }
}

TEST_F(Line, ABoxThatIsReplacedByAnEmptyOneGetsItsRoomsBackWithoutWhatWasUsed) {
    // The repair shop sends it back as new: what was sold is on the office's side, and so is what was used.
    build({.boxes = 2});
    sell(0, 5, 4000);
    sell(0, 6, 1000);
    server::DesiredState& off = wish(0, 6);
    off.remote_version.desired = 1;
    off.remote_off = true;
    line->desire(off);
    ASSERT_TRUE(confirmed(3, seconds(5)));
    line->box(0).use({5}, energy_of_hundredths(1500));
    line->run_for(minutes(2));
    bool asked = false;
    line->judge = [&](server::DesiredState& desired, const dlt645::AccountStatus& status) {
        if (status.epoch >= desired.ticket.epoch || desired.ticket.epoch != 1) return;
        asked = true;
        desired.stopped = server::Situation::kForgotten;
    };
    line->box(0).restart(true);
    ASSERT_EQ(meter(0, 5).epoch, 0);
    line->run_for(minutes(10));
    EXPECT_TRUE(asked);
    EXPECT_EQ(meter(0, 5).epoch, 0) << "40 kWh again would give 15 kWh a second time";
    EXPECT_TRUE(meter(0, 6).state.holds().has(Hold::kRemote)) << "switching has nothing to do with money";
    for (const int number : {5, 6}) {
        server::DesiredState& anew = wish(0, number);
        anew.ticket = {2, 1, credit_of_hundredths(number == 5 ? 2500 : 1000), {}};
        line->desire(anew);
    }
    line->run_for(minutes(1));
    EXPECT_EQ(meter(0, 5).credited, credit_of_hundredths(2500));
    EXPECT_TRUE(meter(0, 5).lit);
    EXPECT_FALSE(meter(0, 6).lit);
}

TEST_F(Line, AMeterWithTicketsOfALostDatabaseIsLeftAsItIs) {
    // The office was restored from last week's backup and sells until its numbers pass those of the meter.
    build({.boxes = 1});
    for (int n = 0; n < 4; ++n) {
        sell(0, 7, 1000);
        ASSERT_TRUE(confirmed(static_cast<std::size_t>(n + 1), seconds(5)));
    }
    line->run_for(seconds(5));
    line->judge = [&](server::DesiredState& desired, const dlt645::AccountStatus& status) {
        if (status.credited_hundredths == 4000) desired.stopped = server::Situation::kAhead;
    };
    line->restart_master();
    server::DesiredState& old = wish(0, 7);
    old.confirmed_epoch = 1;
    old.confirmed_number = 1;
    for (std::uint32_t n = 2; n <= 6; ++n) {
        old.ticket = {1, n, credit_of_hundredths(1000 + 10 * (n - 1)), {}};
        line->desire(old);
        line->run_for(minutes(1));
    }
    EXPECT_EQ(meter(0, 7).credited, credit_of_hundredths(4000)) << "the older, lower total never went over it";
    EXPECT_EQ(meter(0, 7).ticket_number, 4u);
    EXPECT_TRUE(meter(0, 7).lit);
}

TEST_F(Line, AMonthsAbsenceEndsRightAndWithoutAStorm) {
    // The riser was without supply; 39 rooms bought meanwhile, some of them several times.
    build({.boxes = 3});
    line->run_for(minutes(1));
    line->box(1).set_supply(false);
    line->run_for(minutes(30));
    for (int number = 1; number <= 39; ++number)
        for (int n = 0; n <= number % 3; ++n)
            sell(1, number, 100);
    line->run_for(minutes(60));
    const std::uint64_t before = line->master().counters().requests;
    const int blocks = office.blocks[3];
    line->box(1).set_supply(true);
    const Instant back = line->now();
    ASSERT_TRUE(line->run_until(
        [&] {
            for (int number = 1; number <= 39; ++number)
                if (meter(1, number).credited != credit_of_hundredths(100 * (1 + number % 3))) return false;
            return true;
        },
        minutes(3)));
    const double span = static_cast<double>((line->now() - back).count()) / 1e6;
    EXPECT_LT(line->master().counters().requests - before, 500u) << "in " << span << " s";
    EXPECT_GT(office.blocks[3], blocks) << "the neighbours are read meanwhile";
}

TEST_F(Line, WhatARealMeterFrozeAtTheMonthsEndIsCollectedOverANoisyLine) {
    // The bill is made of registers that another program guessed.
    build({.boxes = 2, .faults = {.bit_errors_per_million = 20}, .seed = 5});
    sell(1, 17, 5000);
    ASSERT_TRUE(confirmed(1, seconds(20)));
    line->box(1).use({17}, energy_of_hundredths(321));
    line->run_for(minutes(2));
    // The office sets the clocks, and a month has ended: each meter freezes.
    constexpr CivilSeconds kOctober = to_seconds({2026, 10, 1, 0, 0, 0});
    line->master().set_clock(line->now(), {1'790'784'300'000}, kOctober + 300);
    line->run_for(minutes(33));
    line->master().want_freezes(LineOfMeters::box_id(1), {kOctober}, line->now());
    ASSERT_TRUE(line->run_until([&] { return !office.frozen.empty(); }, minutes(1)));
    EXPECT_EQ(office.frozen_due, kOctober);
    ASSERT_EQ(office.frozen.size(), 39u);
    for (const collect::FrozenReading& one : office.frozen) {
        EXPECT_EQ(one.registers.forward_hundredths, one.number == 17 ? 321u : 0u) << int{one.number};
        EXPECT_EQ(one.registers.remaining_hundredths, one.number == 17 ? 4679 : 0) << int{one.number};
        EXPECT_EQ(one.registers.used_hundredths, one.number == 17 ? 321 : 0) << int{one.number};
    }
}

TEST_F(Line, SettingsReachRealMetersAndWhatIsChangedThereIsDrivenBack) {
    // A service tool raises the limit of one room; nobody in the office would ever have known.
    build({.boxes = 1, .settings = {.setting_timing = {.sums_interval = minutes(10)}}});
    settings::Settings all;
    all.households[0].load.milliamperes = 16'000;
    server::BoxSettings wanted;
    wanted.box = LineOfMeters::box_id(0);
    for (std::uint8_t number = 1; number <= 39; ++number) {
        server::SettingWish one;
        one.box = wanted.box;
        one.household = {100 + number};
        one.number = number;
        one.name = {0x02, 0};
        one.version = {1, 0};
        one.bytes.resize(settings::kSettingBytesMax);
        one.bytes.resize(settings::encode(all, {settings::SettingId::kLoadLimit, 1, 0}, one.bytes));
        wanted.wishes.push_back(one);
    }
    line->master().desire_settings(wanted, line->now());
    ASSERT_TRUE(line->run_until([&] { return office.proved == 39; }, minutes(3)));
    // The tool: the same sealed commands, with another limit, as a box takes them from anybody who has its key.
    wanted.wishes[4].bytes[0] = 0x60;
    wanted.wishes[4].bytes[1] = 0xEA;
    wanted.wishes[4].version.desired = 2;
    line->master().desire_settings(wanted, line->now());
    ASSERT_TRUE(line->run_until([&] { return office.proved == 40; }, minutes(1)));
    line->restart_master();
    wanted.wishes[4].bytes = wanted.wishes[5].bytes;
    wanted.wishes[4].version = {1, 1};
    line->master().desire_settings(wanted, line->now());
    ASSERT_TRUE(line->run_until([&] { return office.drifted == 1; }, minutes(5)));
    ASSERT_TRUE(line->run_until([&] { return line->master().quality()[0].settings_settled; }, minutes(5)));
    line->run_for(minutes(25));
    EXPECT_EQ(office.drifted, 1) << "driven back once, and then it is as it should be";
}

TEST_F(Line, ABoxThatLosesItsSupplyInTheMiddleOfATicketHasItAfterwards) {
    // The breaker trips between question and answer.
    build({.boxes = 2});
    for (int k = 0; k < 12; ++k) {
        sell(1, 9, 10);
        line->run_for(milliseconds(12 * k));
        line->box(1).restart(false);
        ASSERT_TRUE(
            line->run_until([&] { return meter(1, 9).ticket_number == static_cast<std::uint32_t>(k + 1); }, seconds(5)))
            << k;
        line->run_for(seconds(3));
    }
    EXPECT_EQ(meter(1, 9).credited, credit_of_hundredths(120));
}

TEST_F(Line, EverySpeedOfTheStandardWorks) {
    // A fixed time-out of a second is too short for 200 bytes at 1200 baud.
    for (const std::uint32_t baud : {600u, 1200u, 2400u, 4800u, 9600u, 19200u}) {
        office = Office();
        wishes.clear();
        build({.boxes = 1, .baud = baud});
        sell(0, 39, 777);
        ASSERT_TRUE(confirmed(1, seconds(20))) << baud;
        ASSERT_TRUE(line->run_until([&] { return office.complete[1] > 0; }, seconds(30))) << baud;
        EXPECT_EQ(line->master().counters().timeouts, 0u) << baud;
    }
}

TEST_F(Line, HoldsAlarmsAndLiveValuesGoTheWholeWay) {
    // Each part of the desired state has its own command; each must be understood by the real meter.
    build({.boxes = 1});
    server::DesiredState& state = wish(0, 2);
    state.ticket = {1, 1, credit_of_hundredths(1000)};
    state.alarms_version.desired = 1;
    state.alarms = {energy_of_hundredths(300), energy_of_hundredths(100), energy_of_hundredths(50)};
    state.remote_version.desired = 1;
    state.remote_off = true;
    line->desire(state);
    ASSERT_TRUE(confirmed(3, seconds(5)));
    EXPECT_EQ(meter(0, 2).low_alarm_hundredths, 300u);
    EXPECT_EQ(meter(0, 2).overdraft_hundredths, 50u);
    EXPECT_FALSE(meter(0, 2).lit);
    state.remote_version.desired = 2;
    state.remote_off = false;
    line->desire(state);
    ASSERT_TRUE(confirmed(4, seconds(5)));
    ASSERT_TRUE(line->run_until([&] { return meter(0, 2).lit; }, seconds(5)));
    line->master().read_live(1, LineOfMeters::box_id(0), 2, line->now());
    ASSERT_TRUE(line->run_until([&] { return !office.lives.empty(); }, seconds(3)));
    ASSERT_TRUE(office.lives[0].has_value());
    EXPECT_EQ(office.lives[0]->voltage, volts(230));
    EXPECT_TRUE(office.lives[0]->circuits[0].relay_closed);
}

}  // namespace
}  // namespace prewatt
