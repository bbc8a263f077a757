// The board that is nothing but memory addresses: every port reads and writes volatile registers, so the optimiser must
// keep the whole device behind them. Here is what a meter and a shared reader have in common. See ../README.md.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>

#include "base/bytes.hpp"
#include "base/units.hpp"
#include "card/m1_reader.hpp"
#include "card/mac.hpp"
#ifdef PREWATT_MBEDTLS
#include "card/mbedtls/mbedtls_mac.hpp"
#endif

namespace prewatt::linkgate {

inline volatile std::uint32_t& reg(std::uint32_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(0x40000000u + offset);
}

inline Instant now() {
    return Instant{static_cast<std::int64_t>(reg(0x70)) << 32 | reg(0x74)};
}

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
using DeviceMac = card::MbedtlsMac;
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
using DeviceMac = RegisterMac;
#endif

}  // namespace prewatt::linkgate

// What the image does, for ever; called by the reset vector (start.cpp).
extern "C" [[noreturn]] void run_board();
