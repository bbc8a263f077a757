#include "sim/virtual_meter.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "card/seal.hpp"
#include "meter/node/fake_card_desk.hpp"

namespace prewatt::sim {
namespace {

constexpr std::uint64_t kBox = 2026000001;
constexpr CivilSeconds kEvening = to_seconds({2026, 11, 23, 20, 0, 0});

// A box with its homes, and an office that talks to it through the line.
class VirtualMeterTest : public ::testing::Test {
  protected:
    void make(Level level, Life life = Life::kLively) {
        meter_.reset();
        BuildingOptions building;
        building.box = kBox;
        building.start = kEvening;
        building.life = [life](Household) { return life; };
        building.converter = nominal_converter(60);
        VirtualMeterOptions options;
        options.node.box = {kBox};
        options.node.keys = keys_;
        options.level = level;
        options.civil = kEvening;
        if (adjust_) adjust_(building, options);
        auto terminals = std::make_unique<HomesTerminals>(building);
        homes_ = terminals.get();
        meter_ =
            std::make_unique<VirtualMeter>(options, storage_, std::move(terminals), [this](Bytes bytes, Instant at) {
                for (Byte byte : bytes)
                    if (auto frame = decoder_.on_byte(byte, at)) reply_ = frame;
            });
        now_ = {};
        started_ = meter_->start(now_);
    }
    void run_for(Duration span) {
        now_ = now_ + span;
        meter_->run_until(now_);
    }
    std::optional<card::Answer> sell(std::uint8_t household, std::int64_t hundredths) {
        const card::Request request{7, ++counter_, household, card::Ticket{1, 1, hundredths}};
        const auto sealed = card::seal_request(mac_, keys_, kBox, request);
        const auto frame = dlt645::encode(dlt645::address_of({kBox}, {household}),
                                          dlt645::request(dlt645::Function::kSecurity), {sealed.data(), sealed.size()});
        reply_.reset();
        for (Byte byte : frame)
            meter_->on_byte(byte, now_ = now_ + microseconds(1146));
        run_for(milliseconds(400));
        if (!reply_) return std::nullopt;
        const auto answer = card::unseal_answer(mac_, keys_, kBox, request, reply_->bytes());
        return answer ? std::optional(*answer) : std::nullopt;
    }
    [[nodiscard]] meter::HouseholdView view(std::uint8_t household) const {
        return meter_->node().household({household});
    }

    card::OpensslMac mac_;
    card::BoxKeys keys_ = card::diversify(mac_, card::Key{1, 2, 3}, kBox);
    MemoryStorage storage_;
    std::unique_ptr<VirtualMeter> meter_;
    HomesTerminals* homes_ = nullptr;
    meter::StartResult started_{};
    dlt645::Decoder decoder_;
    std::optional<dlt645::Frame> reply_;
    std::uint32_t counter_ = 0;
    Instant now_{};
    std::function<void(BuildingOptions&, VirtualMeterOptions&)> adjust_;
};

// The whole chain, from the appliances to the register: what the meter says is what physics says, at both levels.
TEST_F(VirtualMeterTest, RegistersHoldWhatWentThroughTheContact) {
    for (Level level : {Level::kWaveform, Level::kCycle}) {
        storage_ = MemoryStorage{};
        counter_ = 0;
        make(level);
        EXPECT_EQ(started_, meter::StartResult::kFresh);
        run_for(seconds(10));
        EXPECT_EQ(homes_->true_joules({4}), 0) << "dark until somebody buys";
        for (std::uint8_t h = 5; h <= 7; ++h)
            ASSERT_TRUE(sell(h, 5000));
        run_for(minutes(5));
        for (std::uint8_t h = 5; h <= 7; ++h) {
            const double exact = homes_->true_joules({static_cast<std::uint8_t>(h - 1)});
            EXPECT_TRUE(view(h).lit);
            EXPECT_GT(exact, 300 * 30);
            EXPECT_NEAR(static_cast<double>(view(h).forward.count()), exact, 0.005 * exact + 60)
                << "household " << int{h};
            EXPECT_EQ(view(h).used.count(), view(h).forward.count());
        }
        EXPECT_EQ(homes_->true_joules({7}), 0);
        EXPECT_EQ(meter_->relays().coils_at_once_max(), 1);
        EXPECT_LT(meter_->watchdog().longest_silence(), seconds(2));
    }
}

// A scan over 42 inputs takes a quarter of a millisecond: uncorrected, a lagging motor would be measured some percent
// wrong.
TEST_F(VirtualMeterTest, ACalibratedBoxMeasuresLaggingLoadsRightInSpiteOfItsSkew) {
    meter::Calibration calibration = meter::default_calibration(amperes(15), amperes(60));
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        calibration.current[c].skew_nanoseconds = static_cast<std::int32_t>(c) * 6000;
    adjust_ = [&calibration](BuildingOptions& building, VirtualMeterOptions& options) {
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            building.converter.skew_seconds[c] = calibration.current[c].skew_nanoseconds * 1e-9;
        options.node.calibration = &calibration;
    };
    make(Level::kWaveform);
    ASSERT_TRUE(sell(39, 5000));
    // A motor beside what is on anyway.
    Home& home = homes_->home({39});
    for (std::size_t a = 0; a < home.appliances().size(); ++a)
        home.set_on(a, home.appliances()[a].kind == Kind::kFan || home.is_on(a));
    run_for(minutes(2));
    const double exact = homes_->true_joules({38});
    EXPECT_GT(exact, 120 * 30);
    EXPECT_NEAR(static_cast<double>(view(39).forward.count()), exact, 0.003 * exact + 40);
}

// Somebody holds a card to the box in a simulated house, and nothing happens.
TEST_F(VirtualMeterTest, ACardBeforeTheReaderLightsTheRoomAndCarriesTheStateBack) {
    meter::CardDesk desk(kBox);
    M1Card card = desk.formatted(desk.uid);
    desk.identify(card);
    desk.sell(5'000);
    desk.write_credit(card);
    adjust_ = [&desk](BuildingOptions&, VirtualMeterOptions& options) {
        options.card_reader = true;
        options.node.card_keys = desk.keys();
    };
    for (const Level level : {Level::kCycle, Level::kWaveform}) {
        storage_ = MemoryStorage{};
        make(level);
        run_for(seconds(4));
        EXPECT_FALSE(view(1).lit);
        meter_->card_field().put(card);
        run_for(seconds(1));
        meter_->card_field().clear();
        run_for(seconds(1));
        EXPECT_TRUE(view(1).lit);
        EXPECT_EQ(view(1).credited, credit_of_hundredths(5'000));
        EXPECT_GT(card.writes(), 0u);
        EXPECT_EQ(text_of(meter_->display().frame()), "  0001 |    50.0");
    }
}

// Somebody's credit ends in the middle of the night: the contact must really part the circuit, and only that one.
TEST_F(VirtualMeterTest, AtZeroTheCurrentStops) {
    make(Level::kCycle);
    ASSERT_TRUE(sell(5, 1));
    ASSERT_TRUE(sell(6, 5000));
    run_for(minutes(30));
    EXPECT_TRUE(view(5).state.holds().has(Hold::kNoCredit));
    EXPECT_FALSE(meter_->relays().closed({4}));
    const double at_zero = homes_->true_joules({4}), neighbour = homes_->true_joules({5});
    EXPECT_NEAR(at_zero, 36'000, 36'000 * 0.05);
    run_for(minutes(10));
    EXPECT_EQ(homes_->true_joules({4}), at_zero);
    EXPECT_GT(homes_->true_joules({5}), neighbour);
}

// A phase fails and comes back: its households lose nothing but the light, the others not even that.
TEST_F(VirtualMeterTest, ALostPhaseTakesItsHouseholdsAndGivesThemBack) {
    make(Level::kWaveform);
    for (std::uint8_t h = 1; h <= 2; ++h)
        ASSERT_TRUE(sell(h, 5000));
    run_for(seconds(20));
    homes_->grid().set_lost(Phase::kA, true);
    run_for(seconds(2));
    const double lost = homes_->true_joules({0}), kept = homes_->true_joules({1});
    EXPECT_FALSE(meter_->node().present().phases[0].present);
    run_for(seconds(10));
    EXPECT_EQ(homes_->true_joules({0}), lost);
    EXPECT_GT(homes_->true_joules({1}), kept);
    EXPECT_EQ(view(1).credited, credit_of_hundredths(5000));
    homes_->grid().set_lost(Phase::kA, false);
    run_for(seconds(30));
    EXPECT_TRUE(view(1).lit);
    EXPECT_GT(homes_->true_joules({0}), lost);
}

// A welded contact lets current flow although the meter opened it; the energy is counted all the same.
TEST_F(VirtualMeterTest, WhatFlowsThroughAWeldedContactIsCounted) {
    make(Level::kWaveform);
    meter_->relays().set_stuck({2}, Stuck::kClosed);
    run_for(minutes(1));
    EXPECT_GT(homes_->true_joules({2}), 60 * 30);
    EXPECT_NEAR(static_cast<double>(view(3).forward.count()), homes_->true_joules({2}),
                0.01 * homes_->true_joules({2}) + 60);
}

// A run that is not the same twice cannot be examined.
TEST_F(VirtualMeterTest, TheSameSeedGivesTheSameRegisters) {
    std::int64_t first = 0;
    for (int round = 0; round < 2; ++round) {
        storage_ = MemoryStorage{};
        counter_ = 0;
        make(Level::kWaveform, Life::kStudents);
        ASSERT_TRUE(sell(9, 5000));
        run_for(minutes(2));
        if (round == 0)
            first = view(9).forward.count();
        else
            EXPECT_EQ(view(9).forward.count(), first);
    }
}

// The program is killed; the storage is all that is left.
TEST_F(VirtualMeterTest, ARestartGoesOnFromStorage) {
    make(Level::kCycle);
    ASSERT_TRUE(sell(5, 1234));
    run_for(minutes(5));
    const auto used = view(5).used;
    make(Level::kCycle);
    EXPECT_EQ(started_, meter::StartResult::kRecovered);
    EXPECT_EQ(view(5).credited, credit_of_hundredths(1234));
    EXPECT_LE(used.count() - view(5).used.count(), kGrainsPerHundredth);
    EXPECT_LE(view(5).used, used);
}

}  // namespace
}  // namespace prewatt::sim
