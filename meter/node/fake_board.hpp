// A board in memory around one Node: storage that fails on request, relays that remember, a line whose bytes can be
// looked at, a clock that stands where it is put. run() moves time and feeds measurements at cycle level.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/civil_time.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "meter/core/fake_storage.hpp"
#include "meter/node/node.hpp"

namespace prewatt::meter {

class FakeRelays final : public RelayBank {
  public:
    struct Pulse {
        int circuit;
        RelayDrive drive;
    };
    void begin_pulse(Circuit circuit, RelayDrive drive) override {
        ++coils_on;
        coils_on_max = std::max(coils_on_max, coils_on);
        pulses.push_back({circuit.index, drive});
    }
    void end_pulse(Circuit circuit) override {
        --coils_on;
        if (!stuck[circuit.index]) contact[circuit.index] = pulses.back().drive == RelayDrive::kClose;
    }
    std::vector<Pulse> pulses;
    std::array<bool, kCircuitsMax> contact{};
    std::array<bool, kCircuitsMax> stuck{};  // welded, or hanging: stays where it is
    int coils_on = 0;
    int coils_on_max = 0;
};

// All phases are there: a closed contact has voltage behind it.
class FakeLoadSense final : public LoadSense {
  public:
    explicit FakeLoadSense(const FakeRelays& relays) : relays_(relays) {}
    [[nodiscard]] std::uint64_t live() override {
        std::uint64_t live = 0;
        for (std::size_t k = 0; k < kCircuitsMax; ++k)
            if (relays_.contact[k]) live |= std::uint64_t{1} << k;
        return live;
    }

  private:
    const FakeRelays& relays_;
};

class FakeDisplay final : public Display {
  public:
    void show(const DisplayFrame& frame) override { frames.push_back(frame); }
    void pulse(Household household) override { ++pulses[household.number]; }
    std::deque<DisplayFrame> frames;
    std::array<int, kHouseholdsMax + 1> pulses{};
};

class FakeBus final : public Bus {
  public:
    void send(Bytes bytes) override { sent.assign(bytes.begin(), bytes.end()); }
    std::vector<Byte> sent;
};

// Runs along with the board from where it was put last; a test may put it anywhere, or let it stand.
class FakeClock final : public RealTimeClock {
  public:
    explicit FakeClock(const Instant& now) : now_(now) {}
    [[nodiscard]] std::optional<CivilSeconds> read() override {
        if (time != put_) {
            put_ = time;
            put_at_ = now_;
        }
        if (!time || !runs) return time;
        return *time + static_cast<CivilSeconds>((now_ - put_at_).count() / 1'000'000);
    }
    void set(CivilSeconds t) override {
        time = put_ = t;
        put_at_ = now_;
    }
    bool runs = true;
    std::optional<CivilSeconds> time = to_seconds({2026, 11, 22, 16, 59, 30});

  private:
    const Instant& now_;
    std::optional<CivilSeconds> put_;
    Instant put_at_{};
};

class FakeWatchdog final : public Watchdog {
  public:
    void kick() override { ++kicks; }
    int kicks = 0;
};

class FakeSocket final : public VerificationSocket {
  public:
    explicit FakeSocket(const Instant& now) : now_(now) {}
    [[nodiscard]] Pins pins() override { return at; }
    void set_output(bool on) override {
        if (on == level) return;
        level = on;
        edges.push_back(now_);
    }
    Pins at{};
    bool level = false;
    std::vector<Instant> edges;  // the first one rises

  private:
    const Instant& now_;
};

struct FakeBoard {
    FakeStorage storage;
    FakeRelays relays;
    FakeLoadSense load_sense{relays};
    FakeDisplay display;
    FakeBus bus;
    FakeClock clock{now};
    FakeWatchdog watchdog;
    FakeWatchdog metering_watchdog;
    RetainedMemory retained{};
    FakeSocket socket{now};
    card::OpensslMac mac;
    card::M1Reader* card_reader = nullptr;
    NodeConfig config;
    std::unique_ptr<Node> node;
    Instant now{};
    Instant next{};
    Instant next_window{};
    Measurement measurement;  // what every window of 200 ms measures
    std::uint32_t counter = 0;

    explicit FakeBoard(Wiring wiring = Wiring::k39x1, std::uint32_t storage_bytes = 32 * 1024)
        : storage(storage_bytes) {
        config.box = dlt645::BoxNumber{2026000001};
        config.wiring = wiring;
        config.keys = card::diversify(mac, card::Key{1, 2, 3}, config.box.value);
        measurement.span = milliseconds(200);
        for (PhaseMeasurement& phase : measurement.phases)
            phase = {volts(220), millihertz(50'000), true};
    }
    [[nodiscard]] Ports ports() {
        return {.storage = storage,
                .relays = relays,
                .display = display,
                .bus = bus,
                .clock = clock,
                .watchdog = watchdog,
                .mac = mac,
                .metering_watchdog = &metering_watchdog,
                .retained = &retained,
                .load_sense = &load_sense,
                .socket = &socket,
                .card_reader = card_reader};
    }
    StartResult start() {
        relays.coils_on = 0;
        node = std::make_unique<Node>(config, ports());
        const StartResult result = node->start(now);
        next = node->poll(now);
        next_window = now + measurement.span;
        return result;
    }
    // A supply that went without warning and came back.
    StartResult restart() {
        now = now + seconds(1);
        storage.power_up();
        retained = {};  // RAM
        return start();
    }
    void load(Circuit circuit, ActivePower power) {
        CircuitMeasurement& c = measurement.circuits[circuit.index];
        c.active = power;
        c.apparent = ApparentPower{std::abs(power.count())};
        c.current = Current{std::abs(power.count()) / 220};
        c.power_factor = PowerFactor{power < ActivePower{} ? -1000 : 1000};
        const Energy energy{std::abs(power.count()) / 1'000'000 * measurement.span.count() / 1'000'000};
        c.forward = power < ActivePower{} ? Energy{} : energy;
        c.reverse = power < ActivePower{} ? energy : Energy{};
    }
    void run(Duration d) {
        const Instant end = now + d;
        for (;;) {
            const Instant at = std::min(next, next_window);
            if (at > end) break;
            now = std::max(now, at);
            if (next_window <= now) {
                Measurement window = measurement;
                for (std::size_t k = 0; k < kCircuitsMax; ++k)
                    if (!relays.contact[k]) window.circuits[k] = {};
                next = node->on_measurement(window, now);
                next_window = next_window + measurement.span;
            } else {
                next = node->poll(now);
            }
        }
        now = end;
    }
    // The bytes of a frame, and what is sent back within 500 ms; empty: silence.
    std::vector<Byte> exchange(const std::vector<Byte>& request, Duration wait = milliseconds(500)) {
        bus.sent.clear();
        for (const Byte byte : request) {
            now = now + microseconds(1146);
            next = node->on_bus_byte(byte, now);
        }
        const Instant asked = now;
        const Instant end = now + wait;
        while (next <= end && bus.sent.empty()) {
            now = std::max(now, next);
            next = node->poll(now);
        }
        delay = now - asked;
        return bus.sent;
    }
    Duration delay;
    card::Answer command(card::Request request) {
        if (request.counter == 0) request.counter = ++counter;
        const auto sealed = card::seal_request(mac, config.keys, config.box.value, request);
        const auto frame = dlt645::encode(dlt645::address_of(config.box, {0}),
                                          dlt645::request(dlt645::Function::kSecurity), {sealed.data(), sealed.size()});
        const std::vector<Byte> reply = exchange({frame.begin(), frame.end()});
        dlt645::Decoder decoder;
        for (const Byte byte : reply)
            if (const auto got = decoder.on_byte(byte, now)) {
                const auto answer = card::unseal_answer(mac, config.keys, config.box.value, request, got->bytes());
                if (answer) return *answer;
            }
        card::Answer none;
        none.result = static_cast<card::Result>(0x7F);
        return none;
    }
};

}  // namespace prewatt::meter
