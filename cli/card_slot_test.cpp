#include "cli/card_slot.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "cli/card_sim.hpp"
#include "meter/node/fake_card_desk.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::cli {
namespace {

class CardSlotTest : public ::testing::Test {
  protected:
    CardSlotTest() {
        sim::VirtualMeterOptions options;
        options.node.box = {desk_.box};
        options.node.card_keys = desk_.keys();
        options.card_reader = true;
        options.level = sim::Level::kCycle;
        options.civil = to_seconds({2026, 11, 23, 20, 0, 0});
        sim::BuildingOptions building;
        building.box = desk_.box;
        building.start = options.civil;
        building.converter = sim::nominal_converter(60);
        meter_ = std::make_unique<sim::VirtualMeter>(options, storage_, std::make_unique<sim::HomesTerminals>(building),
                                                     [](Bytes, Instant) {});
        meter_->start(now_);
    }
    ~CardSlotTest() override { std::filesystem::remove(file_); }
    void run(Duration span) {
        for (const Instant end = now_ + span; now_ < end;) {
            now_ = now_ + milliseconds(50);
            meter_->run_until(now_);
            slot_.service(meter_->card_field(), now_.microseconds());
        }
    }
    [[nodiscard]] sim::M1Card in_file() const {
        std::ifstream in(file_, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        const auto card = sim::M1Card::from_bytes(bytes);
        EXPECT_TRUE(card) << card.error();
        return *card;
    }
    void sell(std::int64_t hundredths, sim::M1Card card) {
        desk_.sell(hundredths);
        desk_.write_credit(card);
        ASSERT_TRUE(keep_card(file_, card.to_bytes()));
    }

    std::filesystem::path file_ =
        std::filesystem::temp_directory_path() / ("prewatt-card-slot-" + std::to_string(::getpid()) + ".card");
    meter::CardDesk desk_;
    sim::MemoryStorage storage_;
    std::unique_ptr<sim::VirtualMeter> meter_;
    Instant now_{};
    CardSlot slot_{file_};
};

TEST_F(CardSlotTest, ACardInAFileIsSwipedWrittenBackAndSwipedAgainAfterTheDesk) {
    // Whoever tries a card without hardware buys once and then never again, or the state never comes back to the desk.
    run(seconds(3));
    EXPECT_FALSE(meter_->node().household({1}).lit) << "no file, no card";
    sim::M1Card card = desk_.formatted(desk_.uid);
    desk_.identify(card);
    sell(5'000, card);
    run(seconds(3));
    EXPECT_EQ(meter_->node().household({1}).credited, credit_of_hundredths(5'000));
    const auto block = card::first_block(card::Layout{}.returns(1));
    EXPECT_NE(in_file().dump()[block], card.dump()[block]) << "RETURN stands in the file";
    // At the desk, and back: the file has changed while it lay there.
    sell(2'000, in_file());
    run(seconds(4));
    EXPECT_EQ(meter_->node().household({1}).credited, credit_of_hundredths(7'000));
    std::filesystem::remove(file_);
    run(seconds(2));
    EXPECT_TRUE(meter_->card_field().things().empty());
    std::ofstream(file_) << "no card";
    run(seconds(2));
    EXPECT_TRUE(meter_->card_field().things().empty());
}

}  // namespace
}  // namespace prewatt::cli
