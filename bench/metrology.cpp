#include "bench/metrology.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include "meter/metrology/fake_front_end.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/step_detector.hpp"
#include "meter/node/metering_processor.hpp"
#include "protocols/interlink/link.hpp"

namespace prewatt::bench {
namespace {

using namespace meter;

constexpr double kRecordingSeconds = 1;
constexpr int kRounds = 7;

double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// A landing in the evening: kettles, supplies with harmonics, motors, empty rooms. Played over and over.
std::vector<SampleBlock> record(const Calibration& calibration) {
    FakeFrontEnd front_end{.calibration = calibration};
    for (int p = 0; p < kPhasesMax; ++p) {
        const double angle = phase_angle(p);
        front_end.volts[static_cast<std::size_t>(p)] = [angle](double t) {
            return sine(223, 50, angle)(t) + sine(4.1, 150, 3 * angle + 1)(t) + sine(6.3, 250, 5 * angle + 2)(t);
        };
    }
    for (int c = 0; c < kCircuitsMax; ++c) {
        const double angle = phase_angle(c % 3);
        auto& load = front_end.amperes[static_cast<std::size_t>(c)];
        if (c % 5 == 0)
            load = sine(2 + c * 1.2, 50, angle);
        else if (c % 5 == 1)
            load = [angle](double t) {
                return sine(0.4, 50, angle)(t) + sine(0.3, 150, 3 * angle + 3)(t) + sine(0.2, 250, 5 * angle)(t);
            };
        else if (c % 5 == 2)
            load = sine(1.1, 50, angle - 0.9);
        else if (c % 5 == 3)
            load = sine(0.07, 50, angle + 0.2);
    }
    std::vector<SampleBlock> blocks(static_cast<std::size_t>(kRecordingSeconds * kSampleRate / kBlockSamplesMax));
    for (SampleBlock& block : blocks)
        front_end.fill(block, kBlockSamplesMax);
    return blocks;
}

// One product for each sample, and nothing else: what the straightforward program for active energy alone would do.
// Not inlined: the compiler must not see that the same samples come again.
[[gnu::noinline]] void one_product_per_sample(const SampleBlock& block, std::array<std::int64_t, kCircuitsMax>& sums) {
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        const auto& v = block.voltage[c % kPhasesMax];
        const auto& i = block.current[c];
        std::int64_t sum = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(block.sample_count); ++k) {
            sum += std::int64_t{i[k]} * v[k];
#if defined(__GNUC__)
            asm volatile("" : "+r"(sum));  // scalar: one sample after the other
#endif
        }
        sums[c] += sum;
    }
}

// Best of several rounds, in seconds of the mains for a second of the processor.
template <class Play>
double multiple_of_real_time(double seconds_budget, Play play) {
    play();
    double best = 0;
    for (int round = 0; round < kRounds; ++round) {
        const double began = thread_seconds();
        double took = 0;
        int times = 0;
        do {
            play();
            ++times;
            took = thread_seconds() - began;
        } while (took < seconds_budget / kRounds);
        best = std::max(best, times * kRecordingSeconds / took);
    }
    return best;
}

class DarkDisplay final : public Display {
  public:
    void show(const DisplayFrame&) override {}
    void pulse(Household) override { ++pulses; }
    std::uint64_t pulses = 0;
};

// A metering processor, and the end of the link that its managing side would hold: it gives orders once (a name for the
// session, a gross limit for every circuit) and takes what comes.
class Processor {
  public:
    explicit Processor(const Calibration& calibration) {
        config_.calibration = &calibration;
        processor_ = std::make_unique<MeteringProcessor>(config_, MeteringPorts{display_}, *retained_);
        processor_->start(now_);
        manager_.begin(now_);
    }
    void play(const std::vector<SampleBlock>& blocks) {
        for (const SampleBlock& block : blocks) {
            now_ = now_ + microseconds(std::int64_t{block.sample_count} * 1'000'000 / kSampleRate);
            processor_->on_samples(block, now_);
            (void)processor_->poll(now_);
            for (Bytes frame = processor_->next_frame(now_); !frame.empty(); frame = processor_->next_frame(now_))
                hear(frame);
            if (!ordered_) order();
            if (const Bytes frame = manager_.poll(now_); !frame.empty()) processor_->on_link_bytes(frame, now_);
        }
    }
    [[nodiscard]] std::uint64_t windows() const { return windows_; }

  private:
    void hear(Bytes bytes) {
        while (const auto message = manager_.on_bytes(bytes, now_))
            if (message->type == kWindowMessage) ++windows_;
    }
    void order() {
        MeteringOrders orders{.version = 1, .session_name = 1};
        orders.gross_limit.fill(amperes(90));
        const std::size_t size = encode_message(orders, manager_.payload());
        processor_->on_link_bytes(manager_.state(kOrdersMessage, size, now_), now_);
        ordered_ = processor_->session() == 1;
    }

    NodeConfig config_;
    DarkDisplay display_;
    std::unique_ptr<RetainedMemory> retained_ = std::make_unique<RetainedMemory>();
    std::unique_ptr<MeteringProcessor> processor_;
    std::vector<Byte> receive_ = std::vector<Byte>(interlink::kPayloadSizeMax);
    std::vector<Byte> send_ = std::vector<Byte>(interlink::kFrameSizeMax);
    interlink::Link manager_{1, receive_, send_};
    Instant now_{};
    bool ordered_ = false;
    std::uint64_t windows_ = 0;
};
constexpr bool kDetectorInProcessor = sizeof(MeteringProcessor) > sizeof(Metering) + sizeof(StepDetector);

}  // namespace

Figures run_metrology(double seconds_budget) {
    Calibration calibration = default_calibration(amperes(15), amperes(60));
    for (int c = 0; c < kCircuitsMax; ++c) {
        CurrentChannel& channel = calibration.current[static_cast<std::size_t>(c)];
        channel.skew_nanoseconds = 250'000 * c / kCircuitsMax;
        channel.offset_counts = static_cast<std::int16_t>(3 * c - 60);
    }
    const std::vector<SampleBlock> blocks = record(calibration);
    const double share = seconds_budget / 4;

    // Everything that the metering processor does, behind its own interface: totals, pulses, overcurrent, the link.
    Processor processor(calibration);
    const double whole = multiple_of_real_time(share, [&] { processor.play(blocks); });

    const auto metering = std::make_unique<Metering>(calibration, Wiring::k39x1, amperes(15));
    std::int64_t joules = 0, windows = 0;
    const double measuring = multiple_of_real_time(share, [&] {
        for (const SampleBlock& block : blocks)
            if (const Measurement* m = metering->on_samples(block)) {
                ++windows;
                for (const CircuitMeasurement& c : m->circuits)
                    joules += c.forward.count();
            }
    });
    const auto detector = std::make_unique<StepDetector>(calibration, Wiring::k39x1);
    const double with_detector = multiple_of_real_time(share, [&] {
        for (const SampleBlock& block : blocks) {
            (void)metering->on_samples(block);
            detector->on_samples(block, *metering);
            while (detector->take_report()) {
            }
        }
    });
    std::array<std::int64_t, kCircuitsMax> sums{};
    const double plain = multiple_of_real_time(share, [&] {
        for (const SampleBlock& block : blocks)
            one_product_per_sample(block, sums);
    });
    // The price of a part: microseconds of the processor for a second of the mains.
    const auto price = [](double multiple) { return 1e6 / multiple; };
    const double detecting = std::max(0.0, price(with_detector) - price(measuring));
    // Where the processor has no detector in it yet, its time is added.
    const double everything = kDetectorInProcessor ? whole : 1e6 / (price(whole) + detecting);
    const double per_second = static_cast<double>(kSampleRate) * (kCircuitsMax + kPhasesMax);
    const double joules_each = windows > 0 ? static_cast<double>(joules) / static_cast<double>(windows) : 0;

    Figures figures;
    figures.rows.push_back({"metrology multiple of real time", everything, "x", Goal::kAtLeast, 1500,
                            "39 current and 3 voltage channels at 4 kSa/s, all rules on; one thread, its processor "
                            "time, best of 7 rounds"});
    figures.rows.push_back({"metrology samples", everything * per_second, "samples/s", Goal::kNone, 0,
                            "all channels, everything measured"});
    figures.rows.push_back({"metrology measuring", price(measuring), "us/s", Goal::kNone, 0,
                            "of a second of the mains: samples to windows, power, energy"});
    figures.rows.push_back({"metrology step detector", detecting, "us/s", Goal::kNone, 0, "added by it"});
    figures.rows.push_back({"metrology totals, pulses, overcurrent, link",
                            std::max(0.0, price(everything) - price(measuring) - detecting), "us/s", Goal::kNone, 0,
                            "added by the rest of the metering processor"});
    figures.rows.push_back(
        {"metrology one product per sample", plain, "x", Goal::kNone, 0,
         "scalar reference in the same run: active energy alone, no skew, no rms, no reactive, no windows"});
    figures.rows.push_back({"metrology compared with one product per sample", measuring / plain, "times as fast",
                            Goal::kNone, 0, "measuring takes 8 products a sample and windows, the reference 1"});
    figures.rows.push_back({"metrology energy of a window", joules_each, "J", Goal::kNone, 0,
                            "what the 39 circuits were found to use in 200 ms, to show that work was done"});
    figures.rows.push_back({"metrology windows over the link", static_cast<double>(processor.windows()), "windows",
                            Goal::kNone, 0, "that the managing side would have had, to show the same"});
    return figures;
}

}  // namespace prewatt::bench
