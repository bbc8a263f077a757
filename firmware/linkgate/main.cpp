// The board that is nothing but memory addresses: every port reads and writes volatile registers, so the optimiser must
// keep the whole meter behind them. See README.md.
#include <cstdint>

#include "meter/node/node.hpp"
#ifdef PREWATT_MBEDTLS
#include "card/mbedtls/mbedtls_mac.hpp"
#endif

namespace prewatt::meter {
namespace {

volatile std::uint32_t& reg(std::uint32_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(0x40000000u + offset);
}

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

class RegisterCardReader final : public card::M1Reader {
  public:
    std::expected<card::Uid, card::CardFault> select() override {
        if (const auto fault = failed(0x26)) return std::unexpected(*fault);
        card::Uid uid;
        for (std::uint32_t left = reg(0xC4); left != 0; --left)
            (void)uid.push_back(static_cast<Byte>(reg(0xC8)));
        return uid;
    }
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, card::KeyKind kind,
                                                      const card::SectorKey& key) override {
        for (const Byte byte : key)
            reg(0xC8) = byte;
        if (const auto fault = failed(static_cast<std::uint32_t>(kind) << 8 | block)) return std::unexpected(*fault);
        return {};
    }
    std::expected<card::Block, card::CardFault> read(std::uint8_t block) override {
        if (const auto fault = failed(0x3000u | block)) return std::unexpected(*fault);
        card::Block data;
        for (Byte& byte : data)
            byte = static_cast<Byte>(reg(0xC8));
        return data;
    }
    std::expected<void, card::CardFault> write(std::uint8_t block, const card::Block& data) override {
        for (const Byte byte : data)
            reg(0xC8) = byte;
        if (const auto fault = failed(0xA000u | block)) return std::unexpected(*fault);
        return {};
    }

  private:
    static std::optional<card::CardFault> failed(std::uint32_t order) {
        reg(0xC0) = order;
        const std::uint32_t answer = reg(0xC0);
        if (answer == 0) return std::nullopt;
        return static_cast<card::CardFault>(answer - 1);
    }
};

#ifdef PREWATT_MBEDTLS
using MeterMac = card::MbedtlsMac;
#else
// A crypto engine, where Mbed TLS could not be fetched: key and message in, tag out.
class RegisterMac final : public card::Mac {
  public:
    card::Tag cmac(const card::Key& key, Bytes message) override {
        for (const Byte byte : key)
            reg(0x60) = byte;
        for (const Byte byte : message)
            reg(0x64) = byte;
        card::Tag tag;
        for (Byte& byte : tag)
            byte = static_cast<Byte>(reg(0x68));
        return tag;
    }
};
using MeterMac = RegisterMac;
#endif

RegisterStorage storage;
RegisterRelays relays;
RegisterDisplay display;
RegisterBus bus;
RegisterClock real_time_clock;
RegisterWatchdog watchdog;
RegisterCardReader card_reader;
MeterMac mac;
SampleBlock block;
// Storage for the one meter, built in place: static construction order and destructors are no business of a device.
alignas(Node) Byte node_memory[sizeof(Node)];

Instant now() {
    return Instant{static_cast<std::int64_t>(reg(0x70)) << 32 | reg(0x74)};
}

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

extern "C" {
// A failed assertion: the board writes where it was, and its watchdog starts the meter again from what is stored.
[[noreturn]] void __assert_func(const char* file, int line, const char*, const char*) {
    prewatt::meter::reg(0xB0) = reinterpret_cast<std::uintptr_t>(file);
    prewatt::meter::reg(0xB4) = static_cast<std::uint32_t>(line);
    for (;;) {
    }
}
#ifdef PREWATT_PLANTED
std::uint32_t planted();
#endif
[[noreturn]] void reset() {
#ifdef PREWATT_PLANTED
    prewatt::meter::reg(0xB8) = planted();
#endif

    prewatt::meter::run();
}
__attribute__((section(".vectors"), used)) void (*const vectors[2])() = {nullptr, reset};
}
