#include "meter/node/metering_processor.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "meter/metrology/fake_front_end.hpp"
#include "meter/node/link_messages.hpp"

namespace prewatt::meter {
namespace {

class DarkDisplay final : public Display {
  public:
    void show(const DisplayFrame&) override {}
    void pulse(Household) override {}
};

// A metering processor fed with waveforms, and the end of the link that its managing side would hold.
struct Bench {
    NodeConfig config;
    DarkDisplay display;
    std::unique_ptr<RetainedMemory> retained = std::make_unique<RetainedMemory>();
    FakeFrontEnd front_end;
    std::unique_ptr<MeteringProcessor> processor;
    std::vector<Byte> receive = std::vector<Byte>(interlink::kPayloadSizeMax);
    std::vector<Byte> send = std::vector<Byte>(interlink::kFrameSizeMax);
    interlink::Link manager{1, receive, send};
    Instant now{};
    std::uint16_t version = 0;
    std::vector<StepReport> steps;
    std::vector<CapturePart> parts;

    Bench() {
        front_end.calibration = default_calibration(amperes(15), amperes(60));
        for (int p = 0; p < kPhasesMax; ++p)
            front_end.volts[static_cast<std::size_t>(p)] = sine(220, 50, phase_angle(p));
        processor = std::make_unique<MeteringProcessor>(config, MeteringPorts{display}, *retained);
        processor->start(now);
        manager.begin(now);
        order(~std::uint64_t{0});
    }
    void order(std::uint64_t closed) {
        MeteringOrders orders{.version = ++version, .session_name = 1};
        orders.contacts_known = (std::uint64_t{1} << kCircuitsMax) - 1;
        orders.contacts_closed = closed & orders.contacts_known;
        const std::size_t size = encode_message(orders, manager.payload());
        processor->on_link_bytes(manager.state(kOrdersMessage, size, now), now);
    }
    void ask(interlink::Type type, CaptureRequest request) {
        std::array<Byte, interlink::kRecordSizeMax> payload;
        ASSERT_TRUE(manager.put_record(type, Bytes(payload).first(encode_message(request, payload))));
    }
    void run(int cycles) {
        SampleBlock block;
        for (int n = 0; n < 4 * cycles; ++n) {
            front_end.fill(block, 20);
            now = now + milliseconds(5);
            processor->on_samples(block, now);
            (void)processor->poll(now);
            for (Bytes frame = processor->next_frame(now); !frame.empty(); frame = processor->next_frame(now))
                while (const auto message = manager.on_bytes(frame, now)) {
                    if (message->type == kStepMessage)
                        if (const auto step = decode_step(message->payload)) steps.push_back(*step);
                    if (message->type == kCapturePartMessage)
                        if (const auto part = decode_capture_part(message->payload)) parts.push_back(*part);
                }
            if (const Bytes frame = manager.poll(now); !frame.empty()) processor->on_link_bytes(frame, now);
        }
    }
};

// A kettle is switched on in a dormitory and nobody on the managing side ever hears of it: no cut, no explanation.
TEST(MeteringProcessor, StepOfAKettleGoesOverTheLinkWithItsWaveforms) {
    Bench bench;
    constexpr Circuit kRoom{7};
    bench.front_end.amperes[kRoom.index] = sine(0.5, 50, phase_angle(1));
    bench.run(100);
    // With the first voltage everything comes back at once.
    ASSERT_EQ(bench.steps.size(), 1u);
    EXPECT_EQ(bench.steps[0].shape, StepShape::kReclose);
    bench.steps.clear();
    bench.front_end.amperes[kRoom.index] = sine(8.5, 50, phase_angle(1));
    bench.run(25);
    ASSERT_EQ(bench.steps.size(), 1u);
    const StepReport step = bench.steps[0];
    EXPECT_EQ(step.circuit, kRoom);
    EXPECT_EQ(step.shape, StepShape::kResistive);
    EXPECT_NEAR(static_cast<double>(step.power.count()) * 1e-6, 8 * 220, 20);
    EXPECT_LE(step.decision_ms, 220);
    ASSERT_NE(step.capture, 0);

    StepCapture capture;
    for (std::uint8_t part = 0; part < kCaptureParts; ++part) {
        bench.ask(kCaptureRequestMessage, {step.capture, part});
        bench.run(1);
    }
    bench.run(5);
    ASSERT_EQ(bench.parts.size(), kCaptureParts);
    for (const CapturePart& part : bench.parts) {
        ASSERT_NE(part.part, kCapturePartGone);
        put_part(part, capture);
    }
    const auto peak = [](const auto& points) {
        int most = 0;
        for (const int x : points)
            most = std::max(most, std::abs(x));
        return most;
    };
    EXPECT_NEAR(peak(capture.voltage_after), 3111, 40);  // 0.1 V
    EXPECT_NEAR(peak(capture.current_before), 71, 6);    // 10 mA
    EXPECT_NEAR(peak(capture.current_after), 1202, 20);

    // Released, they are gone, and that is said.
    bench.ask(kCaptureReleaseMessage, {step.capture, 0});
    bench.run(2);
    bench.ask(kCaptureRequestMessage, {step.capture, 0});
    bench.run(5);
    ASSERT_EQ(bench.parts.size(), kCaptureParts + 1u);
    EXPECT_EQ(bench.parts.back().part, kCapturePartGone);
}

// A room comes back after a cut: what was on before is no new load, and must be told as a closed contact.
TEST(MeteringProcessor, WhatComesBehindAClosedContactIsSaidToBeThat) {
    Bench bench;
    constexpr Circuit kRoom{3};
    bench.run(60);
    bench.order(~(std::uint64_t{1} << kRoom.index));
    bench.run(20);
    bench.order(~std::uint64_t{0});
    bench.front_end.amperes[kRoom.index] = sine(6, 50, phase_angle(0));
    bench.run(25);
    ASSERT_EQ(bench.steps.size(), 1u);
    EXPECT_EQ(bench.steps[0].shape, StepShape::kReclose);
    // Without a contact that moved the same current is a step.
    bench.run(60);
    bench.front_end.amperes[kRoom.index] = sine(12, 50, phase_angle(0));
    bench.run(25);
    ASSERT_EQ(bench.steps.size(), 2u);
    EXPECT_EQ(bench.steps[1].shape, StepShape::kResistive);
}

}  // namespace
}  // namespace prewatt::meter
