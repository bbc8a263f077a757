#include "meter/core/capture_store.hpp"

#include <gtest/gtest.h>

#include "meter/core/archive.hpp"
#include "meter/core/fake_storage.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kMemory = 512 * 1024;
const EventTime kNow{800'000'000, 9, Instant{}};

StepReport report_of(int n) {
    StepReport report;
    report.circuit = {static_cast<std::uint8_t>(n % 39)};
    report.shape = StepShape::kHalfWave;
    report.power = watts(1000 + n);
    report.nonactive = ReactivePower{-700'000};
    report.leaving = watts(3);
    report.resistive = watts(1003 + n);
    report.conductance_microsiemens = 20'721;
    report.power_factor_ten_thousandths = 9'987;
    report.residual_ten_thousandths = 510;
    report.cycles = 8;
    report.cycles_agreed = 7;
    report.base_power = watts(-12);
    report.base_conductance_microsiemens = -5;
    report.total_conductance_microsiemens = 20'716;
    report.decision_ms = 140;
    report.capture = 2;
    return report;
}
StepCapture capture_of(int n) {
    StepCapture capture;
    for (std::size_t k = 0; k < capture.voltage_before.size(); ++k) {
        const int v = static_cast<int>(k) * 37 + n;
        capture.voltage_before[k] = static_cast<std::int16_t>(v);
        capture.current_before[k] = static_cast<std::int16_t>(-v);
        capture.voltage_after[k] = static_cast<std::int16_t>(2 * v);
        capture.current_after[k] = static_cast<std::int16_t>(-3 * v);
    }
    return capture;
}
bool is(const StoredCapture& stored, int n) {
    const StepReport a = report_of(n);
    const StepReport& b = stored.report;
    const StepCapture c = capture_of(n);
    return b.circuit == a.circuit && b.shape == a.shape && b.power == a.power && b.nonactive == a.nonactive &&
           b.leaving == a.leaving && b.resistive == a.resistive &&
           b.conductance_microsiemens == a.conductance_microsiemens &&
           b.power_factor_ten_thousandths == a.power_factor_ten_thousandths &&
           b.residual_ten_thousandths == a.residual_ten_thousandths && b.cycles == a.cycles &&
           b.cycles_agreed == a.cycles_agreed && b.base_power == a.base_power &&
           b.base_conductance_microsiemens == a.base_conductance_microsiemens &&
           b.total_conductance_microsiemens == a.total_conductance_microsiemens && b.decision_ms == a.decision_ms &&
           stored.capture.voltage_before == c.voltage_before && stored.capture.current_before == c.current_before &&
           stored.capture.voltage_after == c.voltage_after && stored.capture.current_after == c.current_after;
}
std::optional<StoredCapture> nth(const Archive& archive, Household h, int n) {
    std::array<Byte, kCaptureWireBytes> bytes;
    const std::size_t size = archive.captures.read(h, n, bytes);
    return size == 0 ? std::nullopt : decode_capture({bytes.data(), size});
}

TEST(CaptureStore, KeepsTheLastTwoOfEveryHouseholdExactly) {
    // A student says that it was his laptop, and all that is left is "malignant load".
    FakeStorage storage(kMemory);
    {
        Archive archive(storage);
        ASSERT_TRUE(archive.open(39));
        for (int n = 0; n < 5; ++n)
            for (std::uint8_t h = 1; h <= 39; ++h) {
                const StepCapture waves = capture_of(10 * n + h);
                ASSERT_EQ(archive.captures.put({h}, report_of(10 * n + h), &waves, 2, kNow),
                          static_cast<std::uint32_t>(n + 1));
            }
    }
    Archive archive(storage);
    ASSERT_TRUE(archive.open(39));
    for (std::uint8_t h = 1; h <= 39; ++h)
        for (int n = 1; n <= 3; ++n) {
            const auto stored = nth(archive, {h}, n);
            ASSERT_TRUE(stored);
            EXPECT_TRUE(is(*stored, 10 * (5 - n) + h));
            EXPECT_EQ(stored->household, h);
            EXPECT_EQ(stored->time, 800'000'000u);
            EXPECT_TRUE(stored->has_waveform);
        }
    EXPECT_FALSE(nth(archive, {1}, 4));
    EXPECT_FALSE(nth(archive, {0}, 1));
}

TEST(CaptureStore, WithoutWaveformsTheNumbersAreKept) {
    // The metering processor was reset between the step and the question, and the reason is lost with the picture.
    FakeStorage storage(kMemory);
    Archive archive(storage);
    ASSERT_TRUE(archive.open(12));
    ASSERT_EQ(archive.captures.put({4}, report_of(1), nullptr, 1, {std::nullopt, 3, Instant{} + seconds(7)}), 1u);
    const auto stored = nth(archive, {4}, 1);
    ASSERT_TRUE(stored);
    EXPECT_FALSE(stored->has_waveform);
    EXPECT_FALSE(stored->clock_valid);
    EXPECT_EQ(stored->time, 7u);
    EXPECT_EQ(stored->report.resistive, watts(1004));
}

TEST(CaptureStore, ACutAtAnyByteLeavesTheLastTwo) {
    // The heater's own fuse takes the supply away while its portrait is being stored.
    FakeStorage storage(kMemory);
    {
        Archive archive(storage);
        ASSERT_TRUE(archive.open(12));
        for (int n = 0; n < 4; ++n) {
            const StepCapture waves = capture_of(n);
            ASSERT_NE(archive.captures.put({4}, report_of(n), &waves, 2, kNow), 0u);
        }
    }
    for (const int damage : {-1, 256}) {
        for (std::int64_t cut = 0;; ++cut) {
            FakeStorage memory = storage;
            memory.power_up({.cut_at_byte = cut, .damaged_byte = damage});
            {
                Archive archive(memory);
                archive.open(12);
                const StepCapture waves = capture_of(4);
                archive.captures.put({4}, report_of(4), &waves, 2, kNow);
            }
            const bool finished = !memory.is_cut();
            memory.power_up();
            Archive archive(memory);
            ASSERT_TRUE(archive.open(12));
            const auto last = nth(archive, {4}, 1);
            const auto before = nth(archive, {4}, 2);
            ASSERT_TRUE(last && before) << cut;
            const int newest = is(*last, 4) ? 4 : 3;
            ASSERT_TRUE(is(*last, newest)) << cut;
            ASSERT_TRUE(is(*before, newest - 1)) << cut;
            if (finished) {
                ASSERT_EQ(newest, 4);
                break;
            }
        }
    }
}

}  // namespace
}  // namespace prewatt::meter
