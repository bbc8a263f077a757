// A whole shared reader on the board of memory addresses (registers.hpp): two wires, a card chip, signal lights.
#include <cstdint>
#include <new>

#include "firmware/linkgate/registers.hpp"
#include "reader/shared_reader.hpp"

namespace prewatt::reader {
namespace {

using linkgate::now;
using linkgate::reg;

linkgate::RegisterCardReader card_reader;
linkgate::DeviceMac mac;
// Storage for the one reader, built in place: static construction order and destructors are no business of a device.
alignas(SharedReader) Byte reader_memory[sizeof(SharedReader)];

void show(const Shown& shown) {
    reg(0x20) =
        static_cast<std::uint32_t>(shown.signal) << 16 | static_cast<std::uint32_t>(shown.code) << 8 | shown.household;
    reg(0x24) = static_cast<std::uint32_t>(shown.bought_hundredths);
    reg(0x28) = static_cast<std::uint32_t>(shown.remaining_hundredths);
}

[[noreturn]] void run() {
    ReaderConfig config;
    config.number = dlt645::ReaderNumber{static_cast<std::uint16_t>(reg(0x80) % 999 + 1)};
    for (card::Key* key : {&config.sector_read, &config.sector_return})
        for (Byte& byte : *key)
            byte = static_cast<Byte>(reg(0xCC));
    config.first_tap = reg(0x84);
    SharedReader& reader = *new (reader_memory) SharedReader(config, mac, card_reader);
    for (;;) {
        if (reader.card_due() <= now()) (void)reader.step_card(now());
        if (reg(0xA0) != 0) reader.on_byte(static_cast<Byte>(reg(0xA4)), now(), reg(0xA8) != 0);
        for (const Byte byte : reader.poll_line(now()).send)
            reg(0x30) = byte;
        show(reader.shown(now()));
        reg(0x90) = static_cast<std::uint32_t>(reader.state()) | reader.tap() << 8;
        reg(0x94) = reader.counts().written;
        reg(0x50) = 1;  // the watchdog
    }
}

}  // namespace
}  // namespace prewatt::reader

extern "C" void run_board() {
    prewatt::reader::run();
}
