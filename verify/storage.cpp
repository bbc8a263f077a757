#include "verify/storage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "meter/core/archive.hpp"
#include "meter/core/save_budget.hpp"
#include "protocols/dlt645/frame.hpp"
#include "sim/random.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::verify {
namespace {

constexpr double kDaysOfTenYears = 3652.5;
constexpr CivilSeconds kStart = to_seconds({2026, 11, 1, 0, 30, 0});
constexpr std::uint64_t kBox = 2026000001;
constexpr std::uint32_t kBankBytes = 64 * 1024;

// Loads that somebody else decides, in whole watts.
class LoadTerminals final : public sim::WindowTerminals {
  public:
    // Asked before every window: watts of each circuit.
    using Loads = std::function<void(std::array<std::int32_t, kCircuitsMax>&)>;
    LoadTerminals(Voltage voltage, Loads loads) : voltage_(voltage), loads_(std::move(loads)) {}

    void sample(meter::SampleBlock&, int, const sim::Contacts&) override {}
    [[nodiscard]] bool is_live(Circuit) const override { return true; }
    void measure(meter::Measurement& measurement, Duration span, const sim::Contacts& contacts) override {
        loads_(watts_);
        measurement.span = span;
        for (meter::PhaseMeasurement& phase : measurement.phases)
            phase = {voltage_, millihertz(50'000), true};
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            meter::CircuitMeasurement& out = measurement.circuits[c];
            out = {};
            on_[c] = contacts[c];
            if (!contacts[c]) continue;
            out.active = watts(watts_[c]);
            out.apparent = ApparentPower{out.active.count()};
            out.current = Current{out.active.count() * 1000 / voltage_.count()};
            out.power_factor = PowerFactor{1000};
            microjoules_[c] += watts_[c] * span.count();
            out.forward = Energy{microjoules_[c] / 1'000'000 - given_[c]};
            given_[c] += out.forward.count();
        }
    }
    // What has gone through so far, `after` the end of the last window.
    [[nodiscard]] double joules(std::size_t c, Duration after) const {
        return static_cast<double>(microjoules_[c] + (on_[c] ? watts_[c] * after.count() : 0)) * 1e-6;
    }

  private:
    Voltage voltage_;
    Loads loads_;
    std::array<std::int32_t, kCircuitsMax> watts_{};
    std::array<std::int64_t, kCircuitsMax> microjoules_{};
    std::array<std::int64_t, kCircuitsMax> given_{};
    std::array<bool, kCircuitsMax> on_{};
};

struct Rig {
    CountingStorage storage;
    card::OpensslMac mac;
    sim::VirtualMeterOptions options;
    LoadTerminals* loads = nullptr;
    std::vector<Byte> reply;
    std::unique_ptr<sim::VirtualMeter> meter;
    Instant now{};
    std::uint32_t counter = 0;

    Rig(std::uint32_t memory_bytes, meter::Wiring wiring, Voltage voltage, LoadTerminals::Loads function)
        : storage(memory_bytes) {
        options.level = sim::Level::kCycle;
        options.node.box = {kBox};
        options.node.wiring = wiring;
        options.node.keys = card::diversify(mac, card::Key{1, 2, 3}, kBox);
        options.node.display_fitted = false;
        options.civil = kStart;
        auto terminals = std::make_unique<LoadTerminals>(voltage, std::move(function));
        loads = terminals.get();
        meter = std::make_unique<sim::VirtualMeter>(
            options, storage, std::move(terminals),
            [this](Bytes bytes, Instant) { reply.assign(bytes.begin(), bytes.end()); });
        (void)meter->start(now);
    }
    void run_until(Instant until) {
        meter->run_until(until);
        now = until;
    }
    // Done, by the meter's own sealed answer.
    bool command(int household, const card::Command& command) {
        const card::Request request{
            .counter = ++counter, .household = static_cast<std::uint8_t>(household), .command = command};
        const auto sealed = card::seal_request(mac, options.node.keys, kBox, request);
        const auto frame = dlt645::encode(dlt645::address_of({kBox}, {0}), dlt645::request(dlt645::Function::kSecurity),
                                          {sealed.data(), sealed.size()});
        reply.clear();
        for (const Byte byte : frame) {
            now = now + microseconds(1146);
            meter->on_byte(byte, now);
        }
        run_until(now + milliseconds(500));
        dlt645::Decoder decoder;
        for (const Byte byte : reply)
            if (const auto got = decoder.on_byte(byte, now)) {
                const auto answer = card::unseal_answer(mac, options.node.keys, kBox, request, got->bytes());
                return answer && answer->result == card::Result::kDone;
            }
        return false;
    }
    bool open_all(std::uint32_t number, std::int64_t kilowatt_hours) {
        for (int n = 1; n <= meter->node().household_count(); ++n)
            if (!command(n, card::Ticket{1, number, kilowatt_hours * 100})) return false;
        return true;
    }
};

std::string address_text(const char* part, std::uint32_t address) {
    char text[80];
    std::snprintf(text, sizeof text, "%s, byte %06Xh", part, address);
    return text;
}

void add_wear(bench::Figures& out, const CountingStorage& storage, double days, const char* part, std::uint32_t from,
              std::uint32_t to) {
    const double scale = kDaysOfTenYears / days;
    const CountingStorage::Cell byte = storage.hottest_byte(from, to);
    const CountingStorage::Cell page = storage.hottest_page(from, to);
    out.rows.push_back({std::string(part) + ": hottest byte in 10 years",
                        std::round(scale * static_cast<double>(byte.writes)), "writes", bench::Goal::kAtMost, 1e12,
                        "endurance of FRAM 10^12; " + address_text(part, byte.address)});
    out.rows.push_back({std::string(part) + ": hottest page in 10 years",
                        std::round(scale * static_cast<double>(page.writes)), "cycles", bench::Goal::kAtMost, 1e6,
                        "endurance of EEPROM 10^6 cycles of a page of 64 bytes; " + address_text(part, page.address)});
}

// A building whose loads come and go: kettles, heaters and air conditioners of 0.5 to 6 kW for 3 to 40 minutes.
LoadTerminals::Loads building(double kilowatt_hours_per_day, std::uint64_t seed) {
    struct State {
        sim::Random random;
        double mean_watts;
        std::array<std::int64_t, kCircuitsMax> windows_left{};
        std::array<bool, kCircuitsMax> on{};
    };
    auto state = std::make_shared<State>(State{sim::Random(seed), kilowatt_hours_per_day * 1000 / 24});
    return [state](std::array<std::int32_t, kCircuitsMax>& out) {
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            if (state->windows_left[c]-- > 0) continue;
            const double minutes = 3 + 37 * state->random.uniform();
            if (state->on[c] || out[c] == 0) {
                // Off as long as brings the mean of the household.
                const double watts_on = 500 + 5500 * state->random.uniform();
                const double share = std::min(0.9, state->mean_watts / 3250);
                state->on[c] = out[c] == 0;
                if (state->on[c]) {
                    out[c] = static_cast<std::int32_t>(watts_on);
                    state->windows_left[c] = static_cast<std::int64_t>(minutes * 300);
                } else {
                    out[c] = 40;
                    state->windows_left[c] = static_cast<std::int64_t>(minutes * 300 * (1 - share) / share);
                }
            } else {
                out[c] = 0;
                state->windows_left[c] = 0;
            }
        }
    };
}

void journal_wear(const StorageOptions& options, bench::Figures& out) {
    Rig rig(options.memory_bytes, meter::Wiring::k39x1, volts(220),
            building(options.kilowatt_hours_per_day, options.seed));
    bool sound = rig.open_all(1, 100'000);
    rig.storage.forget_counts();
    const CountingStorage::Traffic before = rig.storage.traffic();
    const Instant begun = rig.now;
    const auto end = begun + Duration{static_cast<std::int64_t>(options.days * 86'400e6)};
    // Everybody buys twice a day and is switched once by the office.
    std::uint32_t number = 1;
    const Duration between{86'400'000'000 / (3 * kHouseholdsMax)};
    for (int k = 0; rig.now + between < end; ++k) {
        rig.run_until(rig.now + between);
        const int household = k % kHouseholdsMax + 1;
        if (k % 3 == 2)
            sound = rig.command(household, card::RemoteHold{false}) && sound;
        else
            sound = rig.command(household, card::Ticket{1, ++number, 100'000 * 100LL + k}) && sound;
    }
    rig.run_until(end);
    Energy used;
    for (int n = 1; n <= kHouseholdsMax; ++n)
        used += rig.meter->node().household({static_cast<std::uint8_t>(n)}).forward;
    const std::uint32_t bank = std::min(kBankBytes, options.memory_bytes / 2);
    const CountingStorage::Traffic traffic = rig.storage.traffic() - before;
    out.rows.push_back({"load of the box", static_cast<double>(used.count()) / 3.6e6 / options.days, "kWh a day",
                        bench::Goal::kAtLeast, 0.8 * options.kilowatt_hours_per_day * kHouseholdsMax,
                        "what was asked for, so that the figures below mean something"});
    out.rows.push_back(
        {"commands that were not executed", sound ? 0.0 : 1.0, "", bench::Goal::kAtMost, 0, "every one"});
    out.rows.push_back(
        {"writes", static_cast<double>(traffic.writes) / options.days, "a day", bench::Goal::kNone, 0, "-"});
    out.rows.push_back(
        {"bytes written", static_cast<double>(traffic.bytes) / options.days, "a day", bench::Goal::kNone, 0, "-"});
    add_wear(out, rig.storage, options.days, "journal", 0, 2 * bank);
    if (rig.storage.hottest_byte(2 * bank, options.memory_bytes).writes > 0)
        add_wear(out, rig.storage, options.days, "records of this run", 2 * bank, options.memory_bytes);
}

// The rings at rates that no house reaches: each household is cut and restored eight times a day, buys twice, swipes
// four times, has faults and changes; the box loses supply and phases daily; somebody on the line does forbidden things
// without a pause (written at most four times an hour a kind). A malignant cut with its waveforms five times a day.
void record_wear(bench::Figures& out) {
    constexpr int kDays = 400;
    CountingStorage storage(512 * 1024);
    meter::Archive archive(storage);
    if (!archive.open(kHouseholdsMax)) return;
    settings::General general;
    general.profile_minutes = 15;
    meter::Books books;
    using meter::EventKind;
    const auto log = [&](EventKind kind, int household, CivilSeconds at, int times) {
        for (int k = 0; k < times; ++k)
            (void)archive.log(kind, {static_cast<std::uint8_t>(household)}, {}, {at, 1, Instant{} + seconds(at)});
    };
    const meter::StepReport report{};
    const meter::StepCapture capture{};
    for (int day = 0; day < kDays; ++day) {
        const CivilSeconds midnight = kStart + static_cast<CivilSeconds>(day) * 86'400u;
        for (int n = 1; n <= kHouseholdsMax; ++n) {
            log(EventKind::kCut, n, midnight, 8);
            log(EventKind::kRestore, n, midnight, 8);
            log(EventKind::kMalignantCut, n, midnight, 5);
            log(EventKind::kPurchase, n, midnight, 2);
            log(EventKind::kCardSwiped, n, midnight, 4);
            log(EventKind::kSettingChanged, n, midnight, 4);
            log(EventKind::kContactStaysClosed, n, midnight, 4);
            for (int k = 0; k < 5; ++k)
                (void)archive.captures.put({static_cast<std::uint8_t>(n)}, report, &capture, 2,
                                           {midnight, 1, Instant{} + seconds(midnight)});
        }
        for (const EventKind kind : {EventKind::kPowerDown, EventKind::kPhaseALost, EventKind::kPhaseABack,
                                     EventKind::kClockSet, EventKind::kMeteringReset, EventKind::kBoxSettingChanged})
            log(kind, 0, midnight, 10);
        for (CivilSeconds t = 0; t < 86'400; t += 300) {
            for (const EventKind kind : {EventKind::kWrongPassword, EventKind::kForgedCommand,
                                         EventKind::kReplayedCommand, EventKind::kBadCard, EventKind::kOrderRefused})
                log(kind, 0, midnight + t, 1);
            archive.on_time(midnight + t, general, books);
        }
    }
    const std::uint32_t events = meter::kRecordsAt;
    const std::uint32_t captures = events + meter::EventLog::bytes(kHouseholdsMax);
    const std::uint32_t freezes = captures + meter::CaptureStore::bytes(kHouseholdsMax);
    const std::uint32_t profile = freezes + meter::Freezes::bytes(kHouseholdsMax);
    add_wear(out, storage, kDays, "event log", events, captures);
    add_wear(out, storage, kDays, "captures", captures, freezes);
    add_wear(out, storage, kDays, "freezes", freezes, profile);
    add_wear(out, storage, kDays, "load profile", profile, storage.size());
}

// The warning comes at every second of a time in which both banks of the journal fill up, so also at the instants at
// which one is full.
void power_fail(bench::Figures& out) {
    Rig rig(512 * 1024, meter::Wiring::k39x1, volts(220), [](auto& w) { w.fill(3000); });
    (void)rig.open_all(1, 100'000);
    CountingStorage::Traffic worst;
    double worst_fram = 0;
    for (int k = 0; k < 200; ++k) {
        rig.run_until(rig.now + milliseconds(1370));
        const CountingStorage::Traffic before = rig.storage.traffic();
        rig.meter->power_fail(rig.now);
        const CountingStorage::Traffic saved = rig.storage.traffic() - before;
        worst_fram = std::max(worst_fram, saved.fram_ms());
        if (saved.pages > worst.pages) worst = saved;
    }
    const double budget = static_cast<double>(meter::kHoldUp.count()) / 1000;
    out.rows.push_back({"power-fail warning: bytes saved", static_cast<double>(worst.bytes), "bytes",
                        bench::Goal::kNone, 0, "worst of 200 instants, all 39 households with unsaved energy"});
    out.rows.push_back(
        {"power-fail warning: writes", static_cast<double>(worst.writes), "", bench::Goal::kNone, 0, "-"});
    out.rows.push_back({"power-fail warning: EEPROM", worst.eeprom_ms(), "ms", bench::Goal::kAtMost, budget,
                        std::to_string(worst.pages) + " page cycles of 5 ms; hold-up that a board owes"});
    out.rows.push_back({"power-fail warning: FRAM", worst_fram, "ms", bench::Goal::kAtMost, budget,
                        "written and read back at 9 us a byte"});
}

// No warning at all, at the largest load. Before each write the memory lacks what has flowed since the last one.
void sudden_loss(bench::Figures& out, meter::Wiring wiring, const char* name) {
    const int each = meter::circuits_each(wiring);
    Rig rig(32 * 1024, wiring, volts(250), [](auto& w) { w.fill(60 * 250); });
    (void)rig.open_all(1, 100'000);
    rig.run_until(rig.now + seconds(20));  // all contacts are closed
    const int count = rig.meter->node().household_count();
    std::array<double, kHouseholdsMax> stored{};
    const auto read_stored = [&] {
        sim::MemoryStorage copy(rig.storage.size());
        std::vector<Byte> bytes(rig.storage.size());
        if (!rig.storage.read(0, bytes) || !copy.write(0, bytes)) return false;
        sim::VirtualMeter reader(rig.options, copy, std::make_unique<LoadTerminals>(volts(250), [](auto&) {}),
                                 [](Bytes, Instant) {});
        if (reader.start(Instant{}) != meter::StartResult::kRecovered) return false;
        for (int n = 1; n <= count; ++n)
            stored[static_cast<std::size_t>(n - 1)] =
                static_cast<double>(reader.node().household({static_cast<std::uint8_t>(n)}).forward.count());
        return true;
    };
    bool readable = read_stored();
    double worst = 0;
    int saves = 0;
    std::uint64_t pages = 0;                      // before the box was called
    std::array<double, kHouseholdsMax> flowed{};  // then
    const auto look = [&] {
        const double writing = 5e-3 * static_cast<double>(rig.storage.traffic().pages - pages);
        for (int n = 0; n < count; ++n)
            worst = std::max(worst, flowed[static_cast<std::size_t>(n)] + writing * 60 * 250 * each -
                                        stored[static_cast<std::size_t>(n)]);
    };
    // Entries are made valid by a second write of four bytes (docs/formats/meter-storage.md).
    rig.storage.on_write = [&](Bytes bytes) {
        look();
        if (bytes.size() != 4) return;
        ++saves;
        readable = read_stored() && readable;
    };
    const Instant end = rig.now + seconds(25);
    Instant window_end = rig.now;
    while (rig.now < end && readable) {
        pages = rig.storage.traffic().pages;
        const double joules_before = rig.loads->joules(0, {});
        const Instant at = std::max(rig.meter->next(), rig.now + microseconds(1));
        // What has flowed at this instant, before the box is called.
        for (int n = 0; n < count; ++n) {
            double& joules = flowed[static_cast<std::size_t>(n)];
            joules = 0;
            for (int k = 0; k < each; ++k)
                joules += rig.loads->joules(static_cast<std::size_t>(n * each + k), at - window_end);
        }
        look();
        rig.run_until(at);
        if (rig.loads->joules(0, {}) != joules_before) window_end = at;
    }
    rig.storage.on_write = nullptr;
    out.rows.push_back({std::string("loss without warning, ") + name, worst / 3.6e6, "kWh", bench::Goal::kAtMost,
                        static_cast<double>(meter::kLossMax.count()) / 3.6e6,
                        "60 A at 250 V on every circuit; worst household of " + std::to_string(saves) +
                            " entries, with the time of the writes"});
    if (!readable || saves < 20)
        out.rows.push_back({"memory could not be read, or nothing was saved", 1, "", bench::Goal::kAtMost, 0, "-"});
}

}  // namespace

CountingStorage::CountingStorage(std::uint32_t bytes)
    : memory_(bytes, 0xFF), byte_writes_(bytes), page_writes_((bytes + kPageBytes - 1) / kPageBytes) {}

bool CountingStorage::read(std::uint32_t address, MutableBytes out) {
    if (address > memory_.size() || out.size() > memory_.size() - address) return false;
    std::copy_n(memory_.begin() + address, out.size(), out.begin());
    return true;
}

bool CountingStorage::write(std::uint32_t address, Bytes bytes) {
    if (address > memory_.size() || bytes.size() > memory_.size() - address) return false;
    if (bytes.empty()) return true;
    std::copy(bytes.begin(), bytes.end(), memory_.begin() + address);
    for (std::size_t k = 0; k < bytes.size(); ++k)
        ++byte_writes_[address + k];
    const auto last = static_cast<std::uint32_t>(address + bytes.size() - 1) / kPageBytes;
    for (std::uint32_t page = address / kPageBytes; page <= last; ++page) {
        ++page_writes_[page];
        ++traffic_.pages;
    }
    ++traffic_.writes;
    traffic_.bytes += bytes.size();
    if (on_write) on_write(bytes);
    return true;
}

CountingStorage::Cell CountingStorage::hottest_byte(std::uint32_t from, std::uint32_t to) const {
    Cell cell{from, 0};
    for (std::uint32_t k = from; k < to && k < byte_writes_.size(); ++k)
        if (byte_writes_[k] > cell.writes) cell = {k, byte_writes_[k]};
    return cell;
}

CountingStorage::Cell CountingStorage::hottest_page(std::uint32_t from, std::uint32_t to) const {
    Cell cell{from, 0};
    for (std::uint32_t k = from / kPageBytes; k < (to + kPageBytes - 1) / kPageBytes && k < page_writes_.size(); ++k)
        if (page_writes_[k] > cell.writes) cell = {k * kPageBytes, page_writes_[k]};
    return cell;
}

void CountingStorage::forget_counts() {
    std::fill(byte_writes_.begin(), byte_writes_.end(), 0);
    std::fill(page_writes_.begin(), page_writes_.end(), 0);
}

bench::Figures run_storage(const StorageOptions& options) {
    bench::Figures out;
    journal_wear(options, out);
    record_wear(out);
    power_fail(out);
    sudden_loss(out, meter::Wiring::k12x3, "12 households of three circuits");
    sudden_loss(out, meter::Wiring::k18x2, "18 households of two");
    sudden_loss(out, meter::Wiring::k39x1, "39 households of one");
    return out;
}

}  // namespace prewatt::verify
