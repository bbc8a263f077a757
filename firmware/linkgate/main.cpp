// A whole meter on the board of memory addresses (registers.hpp).
#include <cstdint>
#include <new>

#include "firmware/linkgate/registers.hpp"
#include "meter/node/node.hpp"

namespace prewatt::meter {
namespace {

using linkgate::now;
using linkgate::reg;

class RegisterStorage final : public Storage {
  public:
    std::uint32_t size() const override { return 128 * 1024; }
    bool read(std::uint32_t address, MutableBytes out) override {
        for (Byte& byte : out) {
            reg(0x00) = address++;
            byte = static_cast<Byte>(reg(0x04));
        }
        return reg(0x08) != 0;
    }
    bool write(std::uint32_t address, Bytes bytes) override {
        for (const Byte byte : bytes) {
            reg(0x00) = address++;
            reg(0x04) = byte;
        }
        return reg(0x08) != 0;
    }
};

class RegisterRelays final : public RelayBank {
  public:
    void begin_pulse(Circuit circuit, RelayDrive drive) override {
        reg(0x10) = circuit.index << 1 | static_cast<std::uint32_t>(drive);
    }
    void end_pulse(Circuit circuit) override { reg(0x14) = circuit.index; }
};

class RegisterDisplay final : public Display {
  public:
    void show(const DisplayFrame& frame) override {
        for (const char c : frame.upper)
            reg(0x20) = static_cast<std::uint32_t>(c);
        for (const char c : frame.lower)
            reg(0x24) = static_cast<std::uint32_t>(c);
        reg(0x28) = static_cast<std::uint32_t>(frame.upper_dots << 8 | frame.lower_dots);
    }
    void pulse(Household household) override { reg(0x2C) = household.number; }
};

class RegisterBus final : public Bus {
  public:
    void send(Bytes bytes) override {
        for (const Byte byte : bytes)
            reg(0x30) = byte;
    }
};

class RegisterClock final : public RealTimeClock {
  public:
    std::optional<CivilSeconds> read() override {
        if (reg(0x40) == 0) return std::nullopt;
        return reg(0x44);
    }
    void set(CivilSeconds time) override { reg(0x44) = time; }
};

class RegisterWatchdog final : public Watchdog {
  public:
    void kick() override { reg(0x50) = 1; }
};

RegisterStorage storage;
RegisterRelays relays;
RegisterDisplay display;
RegisterBus bus;
RegisterClock real_time_clock;
RegisterWatchdog watchdog;
linkgate::RegisterCardReader card_reader;
linkgate::DeviceMac mac;
SampleBlock block;
// Storage for the one meter, built in place: static construction order and destructors are no business of a device.
alignas(Node) Byte node_memory[sizeof(Node)];

[[noreturn]] void run() {
    NodeConfig config;
    config.box = dlt645::BoxNumber{reg(0x80)};
    config.wiring = static_cast<Wiring>(reg(0x84));
    for (Byte& byte : config.keys.to_meter)
        byte = static_cast<Byte>(reg(0x88));
    for (Byte& byte : config.keys.from_meter)
        byte = static_cast<Byte>(reg(0x8C));
    card::MeterCardKeys& card_keys = config.card_keys.emplace();
    card_keys.own.box = config.box.value;
    for (card::Key* key : {&card_keys.own.mac, &card_keys.own.encryption, &card_keys.site.mac,
                           &card_keys.site.encryption, &card_keys.sector_read, &card_keys.sector_return})
        for (Byte& byte : *key)
            byte = static_cast<Byte>(reg(0xCC));
    Ports ports{storage, relays, display, bus, real_time_clock, watchdog, mac};
    ports.card_reader = &card_reader;
    Node& node = *new (node_memory) Node(config, ports);
    reg(0x90) = static_cast<std::uint32_t>(node.start(now()));
    for (;;) {
        if (reg(0x94) != 0) {
            block.sample_count = kBlockSamplesMax;
            for (auto& channel : block.voltage)
                for (auto& sample : channel)
                    sample = static_cast<std::int16_t>(reg(0x98));
            for (auto& channel : block.current)
                for (auto& sample : channel)
                    sample = static_cast<std::int16_t>(reg(0x9C));
            node.on_samples(block, now());
        }
        if (reg(0xA0) != 0) node.on_bus_byte(static_cast<Byte>(reg(0xA4)), now(), reg(0xA8) != 0);
        if (reg(0xAC) != 0) node.on_power_fail(now());
        node.poll(now());
    }
}

}  // namespace
}  // namespace prewatt::meter

extern "C" void run_board() {
    prewatt::meter::run();
}
