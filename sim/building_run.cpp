#include "sim/building_run.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "protocols/dlt645/frame.hpp"
#include "sim/random.hpp"

namespace prewatt::sim {
namespace {

constexpr std::uint64_t kBox = 2026000001;
constexpr std::uint32_t kMemoryBytes = 512 * 1024;
constexpr Duration kCharacter = microseconds(1146);  // 9600 baud, 8E1
constexpr Duration kAnswerMax = milliseconds(500);
constexpr Duration kStep = seconds(1);        // how often contacts are looked at
constexpr Duration kOffice = minutes(1);      // how often the office looks at the box
constexpr card::Alarms kAlarms{500, 100, 0};  // 5 kWh and 1 kWh
constexpr std::uint16_t kPulseConstant = 1600;

double thread_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class CountedMemory final : public meter::Storage {
  public:
    [[nodiscard]] std::uint32_t size() const override { return memory_.size(); }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override { return memory_.read(address, out); }
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override {
        written += bytes.size();
        return memory_.write(address, bytes);
    }
    std::uint64_t written = 0;

  private:
    MemoryStorage memory_{kMemoryBytes};
};

// One resident and what the office knows of them.
struct Resident {
    explicit Resident(Random random) : habits(std::move(random)) {}
    Random habits;
    std::uint32_t tickets = 0;
    std::int64_t credited_hundredths = 0;
    Instant buys_at = kNever;
    Instant acknowledges_at = kNever;
    bool lit = false;
};

class Building {
  public:
    explicit Building(const BuildingRunOptions& options)
        : options_(options), homes_(std::min(options.homes, meter::households(options.wiring))) {
        BuildingOptions building;
        building.wiring = options.wiring;
        building.box = kBox;
        building.seed = options.seed;
        building.start = options.start;
        building.life = [life = options.life](Household) { return life; };
        building.converter = nominal_converter(60);
        VirtualMeterOptions meter;
        meter.node.box = {kBox};
        meter.node.wiring = options.wiring;
        meter.node.keys = keys_;
        meter.node.pulse_constant = kPulseConstant;
        meter.node.display_fitted = options.display;
        meter.level = options.level;
        meter.window = options.window;
        meter.civil = options.start;
        auto terminals = std::make_unique<HomesTerminals>(building);
        terminals_ = terminals.get();
        meter_ = std::make_unique<VirtualMeter>(meter, memory_, std::move(terminals), [this](Bytes bytes, Instant at) {
            for (const Byte byte : bytes)
                if (auto frame = decoder_.on_byte(byte, at)) reply_ = frame;
        });
        for (int h = 1; h <= homes_; ++h)
            residents_.emplace_back(Random(options.seed, {kBox, static_cast<std::uint64_t>(h), 0x6275796572}));
    }

    BuildingRunReport run() {
        const auto began = std::chrono::steady_clock::now();
        const double processor_began = thread_seconds();
        const meter::StartResult started = meter_->start(now_);
        if (started != meter::StartResult::kFresh) {
            report_.problem = "the box did not start on an empty memory";
            return report_;
        }
        const Instant end = now_ + seconds(static_cast<std::int64_t>(options_.days * 86'400));
        Instant next_office = now_ + seconds(10);
        Instant next_day = now_ + seconds(86'400);
        while (now_ < end) {
            advance_to(std::min({now_ + kStep, end}));
            watch_contacts();
            if (now_ >= next_office) {
                next_office = now_ + kOffice;
                office();
            }
            if (now_ >= next_day) {
                next_day = next_day + seconds(86'400);
                if (options_.progress) options_.progress(virtual_seconds());
            }
        }
        meter_->power_fail(now_);
        report_.virtual_seconds = virtual_seconds();
        report_.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        report_.processor_seconds = thread_seconds() - processor_began;
        balance();
        return report_;
    }

  private:
    [[nodiscard]] double virtual_seconds() const { return static_cast<double>(now_.microseconds()) * 1e-6; }
    void advance_to(Instant at) {
        now_ = std::max(now_, at);
        meter_->run_until(now_);
    }
    void watch_contacts() {
        const Contacts& contacts = meter_->relays().contacts();
        const int each = meter::circuits_each(options_.wiring);
        for (int h = 1; h <= homes_; ++h) {
            bool lit = true;
            for (int k = 0; k < each; ++k)
                lit = lit && contacts[meter::circuit_of(options_.wiring, {static_cast<std::uint8_t>(h)}, k).index];
            Resident& resident = residents_[static_cast<std::size_t>(h - 1)];
            if (lit == resident.lit) continue;
            resident.lit = lit;
            ++(lit ? report_.restores : report_.cuts);
        }
    }
    bool command(int household, const card::Command& command) {
        const card::Request request{1, ++counter_, static_cast<std::uint8_t>(household), command};
        const auto sealed = card::seal_request(mac_, keys_, kBox, request);
        const auto frame = dlt645::encode(dlt645::address_of({kBox}, {request.household}),
                                          dlt645::request(dlt645::Function::kSecurity), {sealed.data(), sealed.size()});
        reply_.reset();
        for (const Byte byte : frame) {
            now_ = now_ + kCharacter;
            meter_->on_byte(byte, now_);
        }
        for (const Instant late = now_ + kAnswerMax; !reply_ && now_ < late;)
            advance_to(now_ + milliseconds(20));
        bool done = false;
        if (reply_) {
            const auto answer = card::unseal_answer(mac_, keys_, kBox, request, reply_->bytes());
            done = answer && answer->result == card::Result::kDone;
        }
        report_.refused += done ? 0 : 1;
        return done;
    }
    void sell(int household, Resident& resident) {
        // Mostly little, so that everybody is in the dark now and then.
        resident.credited_hundredths += static_cast<std::int64_t>(100 * std::round(resident.habits.uniform(3, 15)));
        report_.tickets +=
            command(household, card::Ticket{1, ++resident.tickets, resident.credited_hundredths}) ? 1 : 0;
    }
    void office() {
        for (int h = 1; h <= homes_; ++h) {
            Resident& resident = residents_[static_cast<std::size_t>(h - 1)];
            if (resident.tickets == 0) {
                (void)command(h, kAlarms);
                sell(h, resident);
                continue;
            }
            const HoldSet holds = meter_->node().household({static_cast<std::uint8_t>(h)}).state.holds();
            const auto within = [&](double from_minutes, double to_minutes) {
                return now_ +
                       seconds(static_cast<std::int64_t>(60 * resident.habits.uniform(from_minutes, to_minutes)));
            };
            if (holds.has(Hold::kCutoffAlarm) && resident.acknowledges_at == kNever)
                resident.acknowledges_at = within(1, 90);
            if (holds.has(Hold::kNoCredit) && resident.buys_at == kNever) resident.buys_at = within(5, 600);
            if (now_ >= resident.acknowledges_at) {
                resident.acknowledges_at = kNever;
                report_.acknowledgements += command(h, card::Acknowledge{}) ? 1 : 0;
            }
            if (now_ >= resident.buys_at) {
                resident.buys_at = kNever;
                sell(h, resident);
            }
            if (holds.has(Hold::kLockedOut)) (void)command(h, card::ResetLockout{});
        }
    }
    void balance() {
        const int each = meter::circuits_each(options_.wiring);
        const std::int64_t pulse = kJoulesPerKilowattHour / kPulseConstant;
        for (int h = 1; h <= meter::households(options_.wiring); ++h) {
            const Household household{static_cast<std::uint8_t>(h)};
            const meter::HouseholdView view = meter_->node().household(household);
            double exact = 0;
            double uncounted = 0;
            for (int k = 0; k < each; ++k) {
                exact += terminals_->true_joules(meter::circuit_of(options_.wiring, household, k));
                uncounted += terminals_->uncounted_joules(meter::circuit_of(options_.wiring, household, k));
            }
            report_.true_joules += exact;
            report_.uncounted_joules += uncounted;
            report_.forward_joules += view.forward.count();
            report_.reverse_joules += view.reverse.count();
            report_.charged_grains += view.used.count();
            report_.credited_hundredths += in_hundredths(view.credited, Round::kDown);
            report_.remaining_grains += view.remaining.count();
            const auto joules = view.forward.count() + view.reverse.count();
            if (exact - uncounted >= static_cast<double>(kJoulesPerKilowattHour)) {
                const double percent = (static_cast<double>(joules) / (exact - uncounted) - 1) * 100;
                if (std::abs(percent) > std::abs(report_.worst_household_percent)) {
                    report_.worst_household_percent = percent;
                    report_.worst_household = h;
                }
            }
            const auto pulses = meter_->display().pulses(household);
            report_.pulses += pulses;
            report_.pulse_joules = pulse;
            report_.pulse_gap_joules =
                std::max(report_.pulse_gap_joules, joules - static_cast<std::int64_t>(pulses) * pulse);
        }
        report_.relay_pulses = meter_->relays().pulses();
        report_.coils_at_once_max = meter_->relays().coils_at_once_max();
        report_.longest_watchdog_silence = meter_->watchdog().longest_silence();
        report_.bytes_written = memory_.written;
    }

    BuildingRunOptions options_;
    int homes_;
    card::OpensslMac mac_;
    card::BoxKeys keys_ = card::diversify(mac_, card::Key{1, 2, 3}, kBox);
    CountedMemory memory_;
    HomesTerminals* terminals_ = nullptr;
    std::unique_ptr<VirtualMeter> meter_;
    std::vector<Resident> residents_;
    dlt645::Decoder decoder_;
    std::optional<dlt645::Frame> reply_;
    std::uint32_t counter_ = 0;
    Instant now_{};
    BuildingRunReport report_;
};

}  // namespace

double BuildingRunReport::balance_percent() const {
    const double counted = true_joules - uncounted_joules;
    return counted > 0 ? (static_cast<double>(forward_joules + reverse_joules) / counted - 1) * 100 : 0;
}

bool BuildingRunReport::books_agree() const {
    return charged_grains == forward_joules + reverse_joules &&
           credit_of_hundredths(credited_hundredths).count() == charged_grains + remaining_grains;
}

BuildingRunReport run_building(const BuildingRunOptions& options) {
    return std::make_unique<Building>(options)->run();
}

}  // namespace prewatt::sim
