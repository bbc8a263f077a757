// The metering processor's work, counted and checked: the same samples give the same registers here as on any other
// machine (`digest`), and the time of each part of the sample path is told in ticks. One line `name value` for each
// figure; firmware/report.py reads them.
//
// The samples lie where a converter's DMA would put them: blocks of 20, two in turn, in the meter's own RAM. Blocks of
// 80 are the trial's alone.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include "base/bytes.hpp"
#include "firmware/metering/machine.hpp"
#include "firmware/metering/signal.hpp"
#include "meter/metrology/kernel.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/step_detector.hpp"
#include "meter/node/link_messages.hpp"
#include "meter/node/metering_processor.hpp"
#include "protocols/interlink/link.hpp"

#if defined(__arm__)
#define PREWATT_OUTSIDE_THE_METER __attribute__((section(".trial")))
#else
#define PREWATT_OUTSIDE_THE_METER
#endif

namespace prewatt::firmware {
namespace {

using namespace meter;

constexpr int kChannels = kPhasesMax + kCircuitsMax;
constexpr int kDeviceBlock = 20;  // 5 ms
constexpr int kSamples = 5 * kSampleRate;

using DeviceBlock = std::array<std::array<std::int16_t, kDeviceBlock>, kChannels>;
// In the meter's RAM, as they would be on a board.
std::array<DeviceBlock, 2> ping_pong;
RetainedMemory retained;
alignas(MeteringProcessor) std::array<Byte, sizeof(MeteringProcessor)> processor_memory;
constexpr bool kDetectorInProcessor = sizeof(MeteringProcessor) > sizeof(Metering) + sizeof(StepDetector);

// For the parts alone.
alignas(Metering) PREWATT_OUTSIDE_THE_METER std::array<Byte, sizeof(Metering)> metering_memory;
alignas(StepDetector) PREWATT_OUTSIDE_THE_METER std::array<Byte, sizeof(StepDetector)> detector_memory;
PREWATT_OUTSIDE_THE_METER SampleBlock large_block;
PREWATT_OUTSIDE_THE_METER Signal signal;

class Figures {
  public:
    static void add(const char* name, std::uint64_t value) {
        std::array<char, 24> text{};
        std::size_t at = text.size() - 1;
        text[--at] = '\n';
        do {
            text[--at] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        text[--at] = ' ';
        print(name);
        print(&text[at]);
    }
};

// FNV-1a over the values, byte order of no machine.
class Digest {
  public:
    void add(std::int64_t value) {
        for (int k = 0; k < 64; k += 8)
            hash_ = (hash_ ^ (static_cast<std::uint32_t>(value >> k) & 0xFF)) * 16777619u;
    }
    void add(const Measurement& m) {
        add(m.span.count());
        for (const PhaseMeasurement& p : m.phases) {
            add(p.voltage.count());
            add(p.frequency.count());
        }
        for (const CircuitMeasurement& c : m.circuits) {
            add(c.current.count());
            add(c.active.count());
            add(c.reactive.count());
            add(c.forward.count());
            add(c.reverse.count());
        }
    }
    [[nodiscard]] std::uint32_t value() const { return hash_; }

  private:
    std::uint32_t hash_ = 2166136261u;
};

std::uint32_t empty_span() {
    const std::uint32_t began = ticks();
    return ticks() - began;
}

Calibration calibration() {
    Calibration c = default_calibration(amperes(15), amperes(60));
    for (int k = 0; k < kCircuitsMax; ++k) {
        CurrentChannel& channel = c.current[static_cast<std::size_t>(k)];
        channel.skew_nanoseconds = 250'000 * k / kCircuitsMax;
        channel.offset_counts = static_cast<std::int16_t>(3 * k - 60);
    }
    return c;
}

void fill_large_block() {
    Signal::Frame frame;
    large_block.sample_count = kBlockSamplesMax;
    for (std::size_t k = 0; k < static_cast<std::size_t>(kBlockSamplesMax); ++k) {
        signal.next(frame);
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            large_block.voltage[p][k] = frame.voltage[p];
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            large_block.current[c][k] = frame.current[c];
    }
}

SampleView fill(DeviceBlock& block) {
    Signal::Frame frame;
    for (std::size_t k = 0; k < static_cast<std::size_t>(kDeviceBlock); ++k) {
        signal.next(frame);
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            block[p][k] = frame.voltage[p];
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            block[kPhasesMax + c][k] = frame.current[c];
    }
    return {kDeviceBlock, kDeviceBlock, block[0].data(), block[kPhasesMax].data()};
}

// Ticks of blocks in which a window ended and of the others.
struct Cost {
    std::uint64_t usual = 0, closing = 0;
    std::uint32_t usual_blocks = 0, closing_blocks = 0;
    void add(std::uint32_t ticks_taken, bool closed) {
        (closed ? closing : usual) += ticks_taken;
        ++(closed ? closing_blocks : usual_blocks);
    }
    [[nodiscard]] std::uint64_t whole() const { return usual + closing; }
    // What the ends of windows cost beyond the samples of their blocks.
    [[nodiscard]] std::uint64_t ends() const {
        if (usual_blocks == 0) return 0;
        const std::uint64_t samples = usual / usual_blocks * closing_blocks;
        return closing > samples ? closing - samples : 0;
    }
};

void kernel_alone() {
    PREWATT_OUTSIDE_THE_METER static kernel::Run run;
    PREWATT_OUTSIDE_THE_METER static std::array<std::int16_t, 160> v, quarter;
    PREWATT_OUTSIDE_THE_METER static CircuitSums sums, expected;
    std::uint32_t random = 1;
    const auto next = [&](int extreme) -> std::int16_t {
        random = random * 1664525 + 1013904223;
        if (extreme == 1) return INT16_MIN;
        if (extreme == 2) return (random & 0x10000) != 0 ? INT16_MIN : INT16_MAX;
        return static_cast<std::int16_t>(random >> 16);
    };
    std::uint64_t wrong = 0, spent = 0;
    for (int extreme = 0; extreme < 3; ++extreme)
        for (int count = 1; count <= 82; ++count) {
            run = {};
            for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
                run.i[k] = next(extreme);
            for (std::int16_t& x : v)
                x = next(extreme);
            for (std::int16_t& x : quarter)
                x = next(extreme);
            sums = expected = CircuitSums{.i = 5, .ii = -7, .vi = {1, 2, 3, 4}, .vi_quarter = {8, 9}};
            for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
                const std::int64_t i = run.i[k];
                expected.i += i;
                expected.ii += i * i;
                for (std::size_t t = 0; t < 4; ++t)
                    expected.vi[t] += i * v[9 + k - 1 + t];
                for (std::size_t t = 0; t < 2; ++t)
                    expected.vi_quarter[t] += i * quarter[k + t];
            }
            const std::uint32_t began = ticks();
            kernel::add_circuit(run, count, v.data() + 9, quarter.data(), sums);
            if (count == kBlockSamplesMax || count == kDeviceBlock) {
                spent = ticks() - began - empty_span();
                if (extreme == 0) Figures::add(count == kDeviceBlock ? "kernel_20_ticks" : "kernel_80_ticks", spent);
            }
            if (sums.i != expected.i || sums.ii != expected.ii || sums.vi != expected.vi ||
                sums.vi_quarter != expected.vi_quarter)
                ++wrong;
        }
    Figures::add("kernel_wrong", wrong);
}

// The same samples, in blocks of 20 and of 80: the same registers.
void metering_alone(bool large) {
    signal = Signal{};
    Metering& metering = *new (metering_memory.data()) Metering(calibration(), Wiring::k39x1, amperes(15));
    const int block_samples = large ? kBlockSamplesMax : kDeviceBlock;
    const std::uint32_t nothing = empty_span();
    Digest digest;
    Cost cost;
    std::uint64_t joules = 0;
    for (int done = 0; done < kSamples; done += block_samples) {
        SampleView view;
        if (large) {
            fill_large_block();
            view = SampleView(large_block);
        } else {
            view = fill(ping_pong[static_cast<std::size_t>(done / block_samples % 2)]);
        }
        const std::uint32_t began = ticks();
        const Measurement* m = metering.on_samples(view);
        cost.add(ticks() - began - nothing, m != nullptr);
        if (m == nullptr) continue;
        digest.add(*m);
        for (const CircuitMeasurement& c : m->circuits)
            joules += static_cast<std::uint64_t>(c.forward.count());
    }
    Figures::add(large ? "metering_80_ticks" : "metering_20_ticks", cost.whole());
    Figures::add(large ? "metering_80_window_ticks" : "metering_20_window_ticks", cost.ends());
    Figures::add(large ? "metering_80_digest" : "metering_20_digest", digest.value());
    Figures::add(large ? "metering_80_joules" : "metering_20_joules", joules);
}

// The detector behind the metering: what it adds, and what it reports.
void with_detector() {
    signal = Signal{};
    Metering& metering = *new (metering_memory.data()) Metering(calibration(), Wiring::k39x1, amperes(15));
    StepDetector& detector = *new (detector_memory.data()) StepDetector(calibration(), Wiring::k39x1);
    const std::uint32_t nothing = empty_span();
    Digest digest;
    PREWATT_OUTSIDE_THE_METER static std::array<std::uint32_t, kSamples / kDeviceBlock> took;
    std::uint64_t spent = 0, reports = 0;
    for (int done = 0; done < kSamples; done += kDeviceBlock) {
        const SampleView view = fill(ping_pong[static_cast<std::size_t>(done / kDeviceBlock % 2)]);
        (void)metering.on_samples(view);
        const std::uint32_t began = ticks();
        detector.on_samples(view, metering);
        std::uint32_t& block_took = took[static_cast<std::size_t>(done / kDeviceBlock)];
        block_took = ticks() - began - nothing;
        spent += block_took;
        while (const auto report = detector.take_report()) {
            ++reports;
            digest.add(report->circuit.index);
            digest.add(static_cast<std::int64_t>(report->shape));
            digest.add(report->power.count());
            digest.add(report->resistive.count());
            digest.add(report->conductance_microsiemens);
            digest.add(report->power_factor_ten_thousandths);
            detector.release(report->capture);
        }
    }
    Figures::add("detector_20_ticks", spent);
    // A judgement takes as long as hundreds of blocks without one.
    std::sort(took.begin(), took.end());
    const std::uint32_t median = took[took.size() / 2];
    std::uint64_t usual = 0, usual_blocks = 0;
    for (const std::uint32_t t : took)
        if (t <= 10 * median) usual += t, ++usual_blocks;
    Figures::add("detector_20_usual_ticks", usual * took.size() / std::max<std::uint64_t>(usual_blocks, 1));
    Figures::add("detector_20_longest_ticks", took.back());
    Figures::add("detector_20_judgements", took.size() - usual_blocks);
    Figures::add("detector_20_digest", digest.value());
    Figures::add("detector_20_reports", reports);
}

class DarkDisplay final : public Display {
  public:
    void show(const DisplayFrame&) override {}
    void pulse(Household) override { ++pulses; }
    std::uint32_t pulses = 0;
};

// The whole processor behind its own interface, with the end of the link that its managing side would hold.
void whole_processor() {
    signal = Signal{};
    PREWATT_OUTSIDE_THE_METER static std::array<Byte, interlink::kPayloadSizeMax> receive;
    PREWATT_OUTSIDE_THE_METER static std::array<Byte, interlink::kFrameSizeMax> send;
    PREWATT_OUTSIDE_THE_METER static Calibration front_end;
    PREWATT_OUTSIDE_THE_METER static NodeConfig config;
    front_end = calibration();
    config = NodeConfig{};
    config.calibration = &front_end;
    retained = {};
    DarkDisplay display;
    Instant now{};
    MeteringProcessor& processor =
        *new (processor_memory.data()) MeteringProcessor(config, MeteringPorts{display}, retained);
    processor.start(now);
    alignas(interlink::Link) PREWATT_OUTSIDE_THE_METER static std::array<Byte, sizeof(interlink::Link)> manager_memory;
    interlink::Link& manager = *new (manager_memory.data()) interlink::Link(1, receive, send);
    manager.begin(now);
    const std::uint32_t nothing = empty_span();
    Digest digest;
    std::uint64_t spent = 0, frames = 0;
    std::uint32_t longest_frame = 0;
    for (int done = 0; done < kSamples; done += kDeviceBlock) {
        const SampleView view = fill(ping_pong[static_cast<std::size_t>(done / kDeviceBlock % 2)]);
        now = now + microseconds(std::int64_t{kDeviceBlock} * 1'000'000 / kSampleRate);
        std::uint32_t began = ticks();
        processor.on_samples(view, now);
        (void)processor.poll(now);
        spent += ticks() - began - nothing;
        for (;;) {
            began = ticks();
            Bytes frame = processor.next_frame(now);
            const std::uint32_t took = ticks() - began - nothing;
            spent += took;
            if (frame.empty()) break;
            longest_frame = std::max(longest_frame, took);
            ++frames;
            while (const auto message = manager.on_bytes(frame, now))
                for (const Byte byte : message->payload)
                    digest.add(byte);
        }
        Bytes frame = manager.poll(now);
        if (done == 0) {
            MeteringOrders orders{.version = 1, .session_name = 1};
            orders.gross_limit.fill(amperes(90));
            frame = manager.state(kOrdersMessage, encode_message(orders, manager.payload()), now);
        }
        if (frame.empty()) continue;
        began = ticks();
        processor.on_link_bytes(frame, now);
        spent += ticks() - began - nothing;
    }
    for (int h = 1; h <= kHouseholdsMax; ++h)
        digest.add(processor.totals({static_cast<std::uint8_t>(h)}).forward);
    Figures::add("processor_20_ticks", spent);
    Figures::add("processor_20_frame_ticks", longest_frame);
    Figures::add("processor_20_digest", digest.value());
    Figures::add("processor_20_frames", frames);
    Figures::add("processor_20_pulses", display.pulses);
    Figures::add("processor_has_detector", kDetectorInProcessor ? 1 : 0);
}

}  // namespace

int run() {
    Figures::add("channel_samples", std::uint64_t{kChannels} * kSamples);
    Figures::add("current_samples", std::uint64_t{kCircuitsMax} * kSamples);
    Figures::add("seconds", kSamples / kSampleRate);
    kernel_alone();
    metering_alone(false);
    metering_alone(true);
    with_detector();
    whole_processor();
    Figures::add("sizeof_metering", sizeof(Metering));
    Figures::add("sizeof_detector", sizeof(StepDetector));
    Figures::add("sizeof_processor", sizeof(MeteringProcessor));
    Figures::add("stack_used", stack_used());
    Figures::add("stack_reserved", stack_reserved());
    print("end\n");
    return 0;
}

}  // namespace prewatt::firmware
