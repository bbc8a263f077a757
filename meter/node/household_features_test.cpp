// What a household sees of the product's features (product.md M5, M8 to M13, M17), at the box: windows, steps and
// commands in, contacts and events out.
#include <gtest/gtest.h>

#include "base/crc.hpp"
#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

using card::Result;
using settings::SettingId;
using settings::SettingKey;
using settings::Settings;

constexpr Household kHome{4};

struct Rig {
    Instant now{};
    FakeStorage storage{512 * 1024};
    FakeRelays relays;
    FakeClock clock{now};
    NodeConfig config;
    std::optional<Box> box;
    MeteringWindow window;
    Settings wanted;  // what has been set so far
    std::array<Current, kCircuitsMax> load{};
    std::uint64_t welded = 0;  // contacts that conduct whatever the coil says
    std::uint32_t counter = 0;
    Instant next{};

    explicit Rig(Wiring wiring = Wiring::k12x3) {
        config.box = dlt645::BoxNumber{2026000001};
        config.wiring = wiring;
        clock.set(to_seconds({2026, 11, 23, 12, 0, 0}));
        start();
    }
    void start() {
        box.emplace(config, storage, relays, clock);
        EXPECT_NE(box->start(now), StartResult::kStorageDead);
        box->on_metering_session(0, now);
        window = {};
        window.measurement.span = milliseconds(200);
        for (PhaseMeasurement& phase : window.measurement.phases)
            phase = {volts(220), millihertz(50'000), true};
        next = now;
        run(seconds(5));
    }
    void restart() {
        now = now + seconds(1);
        start();
    }
    Circuit circuit(int k = 0) const { return circuit_of(config.wiring, kHome, k); }
    bool contact(int k = 0) const { return relays.contact[circuit(k).index]; }
    void run(Duration d) {
        const Instant end = now + d;
        Instant at = now;
        while (at + milliseconds(200) <= end) {
            at = at + milliseconds(200);
            while (next <= at) {
                now = std::max(now, next);
                next = box->poll(now);
                if (next <= now) next = now + milliseconds(1);
            }
            now = at;
            if (box->session_order().replaces == window.session) window.session = box->session_order().name;
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                const bool conducts = relays.contact[c] || (welded >> c & 1) != 0;
                CircuitMeasurement& m = window.measurement.circuits[c];
                m = {};
                if (!conducts) continue;
                m.current = load[c];
                m.active = ActivePower{load[c].count() * 220};
                const Household h = household_of(config.wiring, {static_cast<std::uint8_t>(c)});
                if (box->has(h))
                    window.totals[static_cast<std::size_t>(h.index())].forward +=
                        static_cast<std::uint32_t>(load[c].count() * 220 / 5'000'000);
            }
            box->on_window(window, now);
            next = box->poll(now);
        }
    }
    card::Answer order(card::Command command, int household = kHome.number) {
        const card::Request request{7, ++counter, static_cast<std::uint8_t>(household), std::move(command)};
        const card::Answer answer = box->execute({request, true}, counter * 77u, 0, true, now);
        next = box->poll(now);
        return answer;
    }
    // Changes `wanted` and sends the setting that the key names.
    template <class Change>
    Result set(SettingKey key, Change change) {
        change(wanted);
        std::array<Byte, settings::kSettingBytesMax> bytes;
        const std::size_t size = settings::encode(wanted, key, bytes);
        for (std::size_t from = 0; from < size; from += card::kSettingPartMax) {
            card::StageSetting part{key.id, key.index, static_cast<std::uint8_t>(from), {}};
            for (std::size_t k = from; k < std::min(size, from + card::kSettingPartMax); ++k)
                part.part.push_back(bytes[k]);
            EXPECT_EQ(order(part, key.household).result, Result::kDone);
        }
        const card::CommitSetting whole{key.id, key.index, static_cast<std::uint8_t>(size),
                                        crc32({bytes.data(), size})};
        return order(whole, key.household).result;
    }
    settings::HouseholdSettings& own(Settings& s) const {
        return s.households[static_cast<std::size_t>(kHome.index())];
    }
    void open(int hundredths = 100'000) { ASSERT_EQ(order(card::Ticket{1, 1, hundredths}).result, Result::kDone); }
    HoldSet holds() const { return box->state(kHome).holds(); }
    std::optional<Event> last(EventKind kind, Household h = kHome) const {
        return box->archive().events.nth_last(kind, h, 1);
    }
    std::uint32_t count(EventKind kind, Household h = kHome) const { return box->archive().events.count(kind, h); }
    StepReport kettle() const {
        StepReport report;
        report.circuit = circuit();
        report.shape = StepShape::kResistive;
        report.power = report.resistive = watts(1500);
        report.conductance_microsiemens = report.total_conductance_microsiemens = 30'992;
        report.power_factor_ten_thousandths = 9999;
        report.residual_ten_thousandths = 100;
        report.cycles = report.cycles_agreed = 6;
        report.decision_ms = 160;
        report.capture = 3;
        return report;
    }
};
const SettingKey kLoadKey{SettingId::kLoadLimit, kHome.number, 0};
const SettingKey kPlanKey{SettingId::kHouseholdPlan, kHome.number, 0};

// --- M9, load control

struct LoadControl : testing::Test {
    Rig rig;
    void SetUp() override {
        rig.open();
        ASSERT_EQ(rig.set(kLoadKey, [&](Settings& s) { rig.own(s).load.milliamperes = 5'000; }), Result::kDone);
        rig.run(seconds(2));
        ASSERT_TRUE(rig.contact());
    }
};

TEST_F(LoadControl, CutsAfterTheDelayAndComesBackByItself) {
    // A room with six heaters takes the staircase's fuse with it; or the warden has to come for every hair dryer.
    rig.load[rig.circuit().index] = amperes(6);
    rig.run(seconds(8));
    EXPECT_TRUE(rig.contact()) << "within the delay";
    rig.run(seconds(4));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.holds().has(Hold::kOverload));
    EXPECT_TRUE(rig.contact(1)) << "the air conditioning does not obey it (M11)";
    const auto cut = rig.last(EventKind::kOverloadCut);
    ASSERT_TRUE(cut);
    EXPECT_EQ(part_of(*cut, 0), 6'000) << "mA";
    EXPECT_EQ(rig.count(EventKind::kCut), 0u) << "said once";
    rig.load[rig.circuit().index] = amperes(2);
    rig.run(seconds(70));
    EXPECT_TRUE(rig.contact());
    EXPECT_EQ(rig.count(EventKind::kRestore), 2u) << "the first light, and this one";
}

TEST_F(LoadControl, SixthCutLocksOutUntilForcedPowerAndNoRestartForgets) {
    // Somebody pulls the main switch of the landing, and the lock-out of the whole floor is gone.
    rig.load[rig.circuit().index] = amperes(6);
    for (int cut = 1; cut <= 6; ++cut) {
        rig.run(seconds(15));
        ASSERT_FALSE(rig.contact()) << cut;
        EXPECT_EQ(rig.box->book(kHome).guards.load.cuts, cut);
        if (cut == 3) rig.restart();
        EXPECT_EQ(rig.box->book(kHome).guards.load.cuts, cut);
        rig.run(seconds(66));
    }
    EXPECT_TRUE(rig.holds().has(Hold::kLockedOut));
    EXPECT_EQ(rig.count(EventKind::kOverloadCut), 6u);
    EXPECT_EQ(rig.count(EventKind::kLockedOut), 1u);
    rig.load[rig.circuit().index] = {};
    rig.restart();
    rig.run(minutes(30));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.holds().has(Hold::kLockedOut));
    EXPECT_NE(rig.box->book(kHome).guards.locked_since, 0u);
    // A hold for something else overruled resets nothing.
    rig.order(card::ForcePower{1, hold_set(Hold::kRemote)});
    EXPECT_TRUE(rig.holds().has(Hold::kLockedOut));
    rig.order(card::ForcePower{1, hold_set(Hold::kOverload, Hold::kLockedOut)});
    rig.run(minutes(2));
    EXPECT_TRUE(rig.contact()) << "also when forced power has ended";
    EXPECT_EQ(rig.box->book(kHome).guards.load.cuts, 0);
    EXPECT_EQ(rig.count(EventKind::kForcedPower), 2u);
}

TEST_F(LoadControl, ResetOfALockOutBringsPowerAtOnceAndOutlivesARestart) {
    rig.load[rig.circuit().index] = amperes(6);
    rig.run(minutes(9));
    ASSERT_TRUE(rig.holds().has(Hold::kLockedOut));
    rig.load[rig.circuit().index] = {};
    EXPECT_EQ(rig.order(card::ResetLockout{false, true}).result, Result::kDone);
    EXPECT_TRUE(rig.holds().has(Hold::kLockedOut)) << "that was the other guard";
    EXPECT_EQ(rig.order(card::ResetLockout{true, false}).result, Result::kDone);
    rig.run(seconds(1));
    EXPECT_TRUE(rig.contact());
    rig.restart();
    EXPECT_TRUE(rig.contact());
    EXPECT_EQ(rig.box->book(kHome).guards.load, LoadBook{});
}

TEST_F(LoadControl, GrossOverloadOpensTheContactWithinAHundredMilliseconds) {
    // A short circuit in a pan: the relay's contact welds before the ten seconds are over.
    EXPECT_EQ(rig.box->gross_limit(rig.circuit()), amperes(15));
    EXPECT_EQ(rig.box->gross_limit(rig.circuit(1)), Current{}) << "circuits 2 and 3 are not watched";
    rig.box->on_overcurrent({rig.circuit(), amperes(40)}, rig.now);
    const Instant reported = rig.now;
    rig.next = rig.box->poll(rig.now);
    while (rig.contact() && rig.now - reported < seconds(1)) {
        rig.now = rig.next;
        rig.next = rig.box->poll(rig.now);
    }
    EXPECT_LE(rig.now - reported, milliseconds(100));
    EXPECT_EQ(part_of(*rig.last(EventKind::kOverloadCut), 0), 40'000);
}

// --- M8, malignant loads

struct MalignantLoads : testing::Test {
    Rig rig;
    void SetUp() override {
        rig.open();
        ASSERT_EQ(rig.set(kPlanKey, [&](Settings& s) { rig.own(s).plan.malignant_profile = 1; }), Result::kDone);
        rig.run(seconds(2));
        ASSERT_TRUE(rig.contact());
    }
    void step(const StepReport& report) {
        if (rig.box->on_step(report, rig.now)) {
            StepCapture capture;
            capture.current_after[5] = 678;
            rig.box->on_capture(capture, rig.now);
        }
        rig.next = rig.box->poll(rig.now);
        rig.run(seconds(1));
    }
};

TEST_F(MalignantLoads, StepOfAHeaterIsCutExplainedAndComesBackByItself) {
    // A tenant is in the dark and nobody can say why, nor show it.
    step(rig.kettle());
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.contact(1));
    EXPECT_TRUE(rig.holds().has(Hold::kMalignant));
    const LastCut& why = rig.box->book(kHome).guards.last_cut;
    EXPECT_TRUE(why.because.has(Hold::kMalignant));
    EXPECT_NEAR(why.watts, 1500, 150);
    EXPECT_EQ(why.rule, MalignantRule::kWindow);
    EXPECT_EQ(rig.count(EventKind::kMalignantCut), 1u);
    std::array<Byte, kCaptureWireBytes> stored;
    ASSERT_EQ(rig.box->archive().captures.read(kHome, 1, stored), stored.size());
    const auto capture = decode_capture(stored);
    ASSERT_TRUE(capture);
    EXPECT_TRUE(capture->has_waveform);
    EXPECT_EQ(capture->capture.current_after[5], 678);
    EXPECT_EQ(part_of(*rig.last(EventKind::kMalignantCut), 7), static_cast<int>(capture->sequence));
    rig.run(seconds(185));
    EXPECT_TRUE(rig.contact());
}

TEST_F(MalignantLoads, WaveformsThatNeverComeDelayNeitherTheCutNorTheRecord) {
    ASSERT_TRUE(rig.box->on_step(rig.kettle(), rig.now));
    rig.next = rig.box->poll(rig.now);
    rig.run(milliseconds(400));
    EXPECT_FALSE(rig.contact());
    EXPECT_EQ(rig.count(EventKind::kMalignantCut), 0u);
    rig.run(seconds(3));
    EXPECT_EQ(rig.count(EventKind::kMalignantCut), 1u);
}

TEST_F(MalignantLoads, SixthCutOfADayLocksOutAndOnlyAResetOrForcedPowerBringsItBack) {
    for (int cut = 1; cut <= 6; ++cut) {
        step(rig.kettle());
        ASSERT_FALSE(rig.contact()) << cut;
        if (cut == 2) rig.restart();
        rig.run(minutes(62));
        // What was cut is still plugged in; the guard sees it as a return.
        if (cut < 6) {
            ASSERT_TRUE(rig.contact()) << cut;
        }
    }
    EXPECT_TRUE(rig.holds().has(Hold::kLockedOut));
    EXPECT_EQ(rig.count(EventKind::kLockedOut), 1u);
    rig.restart();
    rig.run(minutes(62));
    EXPECT_FALSE(rig.contact());
    rig.order(card::ForcePower{5, hold_set(Hold::kMalignant, Hold::kLockedOut)});
    step(rig.kettle());
    EXPECT_TRUE(rig.contact()) << "forced power overrules: nothing is cut and nothing counted";
    EXPECT_EQ(rig.box->book(kHome).guards.malignant, MalignantState{});
}

TEST_F(MalignantLoads, ApplianceIsLearntOnceAndPermittedFromThenOn) {
    // The warden permits one rice cooker, and with it every heater of the room.
    ASSERT_EQ(rig.order(card::LearnAppliance{2, 30}).result, Result::kDone);
    rig.restart();
    step(rig.kettle());
    EXPECT_TRUE(rig.contact());
    const settings::PermittedAppliance& learnt =
        rig.box->settings().households[static_cast<std::size_t>(kHome.index())].permitted[2];
    EXPECT_EQ(learnt.conductance_microsiemens, 30'992u);
    EXPECT_EQ(rig.box->book(kHome).learn, LearnOrder{});
    rig.restart();
    step(rig.kettle());
    EXPECT_TRUE(rig.contact());
    StepReport larger = rig.kettle();
    larger.power = larger.resistive = watts(2200);
    larger.conductance_microsiemens = larger.total_conductance_microsiemens = 45'454;
    step(larger);
    EXPECT_FALSE(rig.contact());
    EXPECT_EQ(rig.count(EventKind::kSettingChanged), 2u) << "the plan, and what was learnt";
}

TEST_F(MalignantLoads, OrderToLearnEndsAfterAnHour) {
    ASSERT_EQ(rig.order(card::LearnAppliance{0, 30}).result, Result::kDone);
    rig.run(minutes(61));
    step(rig.kettle());
    EXPECT_FALSE(rig.contact());
}

// --- M10, M11

struct TimeControl : testing::Test {
    Rig rig;
    void SetUp() override {
        rig.open();
        // On until 13:00, limited power until 14:00, then off until midnight.
        ASSERT_EQ(rig.set({SettingId::kDayTable, 0, 0},
                          [](Settings& s) {
                              s.days[0].count = 4;
                              s.days[0].periods[1] = {13 * 60, 1, settings::SupplyMode::kLimited};
                              s.days[0].periods[2] = {14 * 60, 1, settings::SupplyMode::kOff};
                              s.days[0].periods[3] = {23 * 60, 1, settings::SupplyMode::kOn};
                          }),
                  Result::kDone);
        ASSERT_EQ(rig.set(kPlanKey,
                          [&](Settings& s) {
                              rig.own(s).plan.week_plan = 1;
                              rig.own(s).plan.limited_watts = 500;
                          }),
                  Result::kDone);
        rig.run(seconds(2));
    }
};

TEST_F(TimeControl, FollowsTheDayTableToTheSecondAndWarnsBefore) {
    // The lights of a dormitory go out at eleven: not at one minute past, and not without a sign.
    EXPECT_TRUE(rig.contact());
    rig.run(minutes(110));
    EXPECT_NE(rig.box->plan(kHome).cut_at, 0u) << "ten minutes before it is announced";
    const std::int64_t to_two = to_seconds({2026, 11, 23, 14, 0, 0}) - *rig.clock.read();
    rig.run(seconds(to_two - 1));
    EXPECT_TRUE(rig.contact());
    rig.run(seconds(2));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.contact(1)) << "circuits 2 and 3 follow credit and remote control only";
    EXPECT_TRUE(rig.contact(2));
    const auto cut = rig.last(EventKind::kCut);
    ASSERT_TRUE(cut);
    EXPECT_EQ(part_of(*cut, 1), 1 << static_cast<int>(Hold::kSchedule));
    rig.restart();
    EXPECT_FALSE(rig.contact());
    EXPECT_EQ(rig.count(EventKind::kCut), 1u) << "a restart is no cut";
    rig.run(minutes(9 * 60 + 1));
    EXPECT_TRUE(rig.contact());
}

TEST_F(TimeControl, LimitedPowerIsKeptByTheLoadGuard) {
    rig.run(minutes(61));
    rig.load[rig.circuit().index] = amperes(3);
    rig.run(seconds(12));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.holds().has(Hold::kOverload));
}

TEST_F(TimeControl, CircuitsTwoAndThreeObeyCreditAndRemoteControl) {
    rig.run(minutes(121));
    ASSERT_TRUE(rig.contact(1));
    rig.order(card::RemoteHold{true});
    rig.run(seconds(1));
    EXPECT_FALSE(rig.contact(1));
    rig.order(card::RemoteHold{false});
    rig.run(seconds(1));
    EXPECT_TRUE(rig.contact(2));
}

TEST(NoCutHours, CreditThatEndsAtNightWaitsForTheMorning) {
    // A family is in the dark at three in the morning, when nobody sells.
    Rig rig;
    rig.order(card::SetClock{to_seconds({2026, 11, 23, 21, 59, 0})}, 0);
    rig.open(10);
    ASSERT_EQ(rig.set({SettingId::kWeekPlan, 0, 0},
                      [](Settings& s) {
                          s.weeks[0].no_cut_from = 22 * 60;
                          s.weeks[0].no_cut_to = 7 * 60;
                      }),
              Result::kDone);
    ASSERT_EQ(rig.set(kPlanKey, [&](Settings& s) { rig.own(s).plan.week_plan = 1; }), Result::kDone);
    rig.run(minutes(2));
    rig.load[rig.circuit().index] = amperes(10);
    rig.run(minutes(30));
    EXPECT_LT(rig.box->remaining_hundredths(kHome), 0);
    EXPECT_TRUE(rig.contact());
    EXPECT_TRUE(rig.box->book(kHome).waiting.has(Hold::kNoCredit));
    rig.restart();
    EXPECT_TRUE(rig.contact()) << "a restart in the night is no cut";
    rig.run(minutes(9 * 60));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.holds().has(Hold::kNoCredit));
}

// --- M13

TEST(Contacts, OneThatStaysClosedIsKnownWithinASecondAndTold) {
    // A welded relay: the household has not paid for months, and has light.
    Rig rig;
    rig.open();
    rig.load[rig.circuit().index] = amperes(2);
    rig.run(seconds(3));
    rig.welded = std::uint64_t{1} << rig.circuit().index;
    rig.order(card::RemoteHold{true});
    rig.run(milliseconds(1200));
    EXPECT_TRUE(rig.box->state(kHome).has(StateBit::kRelayFault));
    EXPECT_EQ(rig.count(EventKind::kContactStaysClosed), 1u);
    rig.welded = 0;
    rig.run(minutes(40));
    EXPECT_FALSE(rig.box->state(kHome).has(StateBit::kRelayFault));
    EXPECT_EQ(rig.count(EventKind::kContactObeys), 1u);
}

// --- M5, money

struct MoneyAccount : testing::Test {
    Rig rig;
    void SetUp() override {
        ASSERT_EQ(rig.set(kPlanKey, [&](Settings& s) { rig.own(s).plan.unit = settings::AccountUnit::kMoney; }),
                  Result::kDone);
    }
    void price(std::uint8_t index, std::uint32_t rate, CivilSeconds from) {
        ASSERT_EQ(rig.set({SettingId::kPriceSet, 0, index},
                          [&](Settings& s) {
                              s.prices[index].valid_from = from;
                              s.prices[index].rates.fill(rate);
                          }),
                  Result::kDone);
    }
};

TEST_F(MoneyAccount, IsNotOpenedWithoutPricesForThenPowerWouldCostNothing) {
    EXPECT_EQ(rig.order(card::Ticket{1, 1, 5'000}).result, Result::kBadArgument);
    EXPECT_FALSE(rig.box->book(kHome).account.is_open());
}

TEST_F(MoneyAccount, IsChargedAtThePriceInForceToTheGrainAndChangesPricesInTime) {
    // Prices rise at midnight, and a building pays the old one until somebody drives there; or a rounding eats a fen a
    // day.
    price(0, 5'000, 1);
    price(1, 8'000, to_seconds({2026, 11, 23, 13, 0, 0}));
    ASSERT_EQ(rig.order(card::Ticket{1, 1, 5'000}).result, Result::kDone);
    EXPECT_TRUE(rig.box->state(kHome).has(StateBit::kMoneyAccount));
    rig.load[rig.circuit().index] = amperes(10);
    rig.run(minutes(10));
    const HouseholdBook before = rig.box->book(kHome);
    ASSERT_GT(before.forward, Energy{1'000'000});
    // 0.5 yuan/kWh: a joule costs half a grain; the halves are kept.
    EXPECT_EQ(before.account.used.count() * kPartsPerGrain + before.tariff.parts, before.forward.count() * 5'000);
    // A unit that is changed meanwhile acts with the next account only.
    rig.set(kPlanKey, [&](Settings& s) { rig.own(s).plan.unit = settings::AccountUnit::kEnergy; });
    rig.load[rig.circuit().index] = {};
    rig.run(minutes(55));
    EXPECT_EQ(rig.box->prices(kHome).rates[0], 8'000u) << "the pending set has become the present one";
    const HouseholdBook middle = rig.box->book(kHome);
    rig.load[rig.circuit().index] = amperes(10);
    rig.run(minutes(10));
    const HouseholdBook after = rig.box->book(kHome);
    const std::int64_t joules = after.forward.count() - middle.forward.count();
    EXPECT_EQ(
        (after.account.used - middle.account.used).count() * kPartsPerGrain + after.tariff.parts - middle.tariff.parts,
        joules * 8'000);
    rig.box->on_power_fail(rig.now);
    const TariffBook tariff = rig.box->book(kHome).tariff;
    rig.load[rig.circuit().index] = {};
    rig.restart();
    EXPECT_EQ(rig.box->book(kHome).tariff, tariff) << "a loss of supply loses no part of a grain";
    EXPECT_EQ(rig.box->settings().prices[0].rates[0], 8'000u);
}

TEST_F(MoneyAccount, EndsAtZeroLikeAnyOther) {
    price(0, 10'000, 1);
    ASSERT_EQ(rig.order(card::Ticket{1, 1, 10}).result, Result::kDone);  // 10 fen: 0.1 kWh
    rig.load[rig.circuit().index] = amperes(10);
    rig.run(minutes(4));
    EXPECT_FALSE(rig.contact());
    EXPECT_TRUE(rig.holds().has(Hold::kNoCredit));
    EXPECT_NEAR(static_cast<double>(rig.box->book(kHome).forward.count()), 360'000, 1'500);
}

// --- M17

TEST(Log, SaysWhoChangedWhatAndWhen) {
    Rig rig;
    rig.open(5'000);
    rig.order(card::Ticket{1, 2, 4'000});
    rig.order(card::Alarms{100, 50, 0});
    rig.order(card::RemoteHold{true});
    rig.order(card::SetConstant{600}, 0);
    rig.order(card::SetClock{to_seconds({2026, 11, 23, 15, 0, 0})}, 0);
    rig.order(card::Clear{card::ClearStep::kCarryOut});
    EXPECT_EQ(rig.count(EventKind::kAccountOpened), 1u);
    EXPECT_EQ(rig.count(EventKind::kPurchase), 1u);
    EXPECT_EQ(rig.count(EventKind::kRefund), 1u);
    EXPECT_EQ(rig.count(EventKind::kAlarmLevels), 1u);
    EXPECT_EQ(rig.count(EventKind::kRemoteOff), 1u);
    EXPECT_EQ(rig.count(EventKind::kPulseConstantChanged, {}), 1u);
    EXPECT_EQ(rig.count(EventKind::kClockSet, {}), 1u);
    const auto cleared = rig.box->archive().events.nth_last(EventRing::kClears, {}, 1);
    ASSERT_TRUE(cleared);
    EXPECT_EQ(cleared->kind, EventKind::kHouseholdCleared);
    EXPECT_EQ(cleared->household, kHome);
    EXPECT_EQ(part_of(*cleared, 0), 7) << "who";
    EXPECT_EQ(part_of(*cleared, 3), 4'000) << "what remained";
    EXPECT_EQ(cleared->time, to_seconds({2026, 11, 23, 15, 0, 0}));
}

TEST(Clock, StoppedOrWrongOneIsNotBelievedAndASealedCommandSetsIt) {
    // A battery dies over the holidays: everything is "2000-01-01" and the forbidden heater is permitted until 2027.
    Rig rig;
    rig.run(minutes(2));
    ASSERT_TRUE(rig.box->clock());
    rig.clock.runs = false;
    rig.run(minutes(3));
    EXPECT_FALSE(rig.box->clock());
    EXPECT_EQ(rig.count(EventKind::kClockStopped, {}), 1u);
    rig.clock.runs = true;
    EXPECT_FALSE(rig.box->correct_clock(ClockSource::kBroadcast, to_seconds({2026, 11, 23, 12, 5, 0}), 0, rig.now));
    EXPECT_EQ(rig.order(card::SetClock{to_seconds({2026, 11, 23, 12, 6, 0})}, 0).result, Result::kDone);
    EXPECT_TRUE(rig.box->clock());
}

}  // namespace
}  // namespace prewatt::meter
