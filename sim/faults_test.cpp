#include "sim/faults.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "sim/virtual_meter.hpp"

namespace prewatt::sim {
namespace {

// A fault that is understood in another way than it was meant makes a drill worthless.
TEST(Fault, IsReadFromTextOrRefusedWithAReason) {
    EXPECT_EQ(parse_fault("lost:B:30s:10s"),
              (Fault{Fault::Kind::kLostPhase, Phase::kB, {}, 1, seconds(30), seconds(10)}));
    EXPECT_EQ(parse_fault("lost:C:0s"), (Fault{Fault::Kind::kLostPhase, Phase::kC, {}, 1, {}, {}}));
    EXPECT_EQ(parse_fault("sag:A:60%:20s:2s"), (Fault{Fault::Kind::kSag, Phase::kA, {}, 0.6, seconds(20), seconds(2)}));
    EXPECT_EQ(parse_fault("stuck-open:12:5s:1h"),
              (Fault{Fault::Kind::kStuckOpen, Phase::kA, {11}, 1, seconds(5), seconds(3600)}));
    EXPECT_EQ(parse_fault("stuck-closed:39:5s"),
              (Fault{Fault::Kind::kStuckClosed, Phase::kA, {38}, 1, seconds(5), {}}));
    for (const char* text : {"", "lost", "lost:D:30s", "lost:B", "lost:B:soon", "lost:B:30s:10s:1", "sag:A:60:20s:2s",
                             "sag:A:60%:20s", "sag:A:900%:20s:2s", "stuck-open:40:5s", "stuck-open:0:5s", "fire:A:1s"})
        EXPECT_FALSE(parse_fault(text)) << text;
    EXPECT_NE(parse_fault("lost:D:30s").error().find("A, B or C"), std::string::npos);
}

// The drill is announced and nothing happens, at either level.
TEST(Fault, HappensInTheVirtualMeterAtItsTimeAndEnds) {
    for (const Level level : {Level::kWaveform, Level::kCycle}) {
        BuildingOptions building;
        building.converter = nominal_converter(60);
        VirtualMeterOptions options;
        options.node.box = {2026000001};
        options.level = level;
        options.faults = {*parse_fault("lost:B:2s:3s"), *parse_fault("sag:A:50%:2s:3s"),
                          *parse_fault("stuck-closed:4:2s:3s")};
        MemoryStorage storage;
        auto terminals = std::make_unique<HomesTerminals>(building);
        HomesTerminals& homes = *terminals;
        VirtualMeter meter(options, storage, std::move(terminals), [](Bytes, Instant) {});
        ASSERT_EQ(meter.start({}), meter::StartResult::kFresh);
        meter.run_until(Instant{} + milliseconds(1900));
        EXPECT_GT(homes.grid().rms(Phase::kB), 200);
        EXPECT_FALSE(meter.relays().closed({3}));
        meter.run_until(Instant{} + seconds(4));
        EXPECT_EQ(homes.grid().rms(Phase::kB), 0);
        EXPECT_NEAR(homes.grid().rms(Phase::kA), 110, 6);
        EXPECT_TRUE(meter.relays().closed({3}));
        EXPECT_FALSE(homes.is_live({1}));
        EXPECT_TRUE(homes.is_live({2}));
        meter.run_until(Instant{} + seconds(8));
        EXPECT_GT(homes.grid().rms(Phase::kB), 200);
        EXPECT_GT(homes.grid().rms(Phase::kA), 200);
        EXPECT_TRUE(homes.is_live({1}));
    }
}

}  // namespace
}  // namespace prewatt::sim
