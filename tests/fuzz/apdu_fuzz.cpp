// Arbitrary bytes between the desk and a reader, both ways: as answers to the driver, and as commands to the model of a
// reader. Input: a byte that says which way and which habits, then pieces of one byte of length and so many bytes.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "card/access_bits.hpp"
#include "card/pcsc/apdu_reader.hpp"
#include "card/uid.hpp"
#include "sim/card/apdu_card.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::card;

namespace {

Bytes next_piece(ByteReader& input) {
    const std::size_t size = input.get_u8();
    return input.take(std::min(size, input.left()));
}

// Says what the input says. Keeps the last answer, so that what the driver made of it can be judged.
class ArbitraryTransport final : public ApduTransport {
  public:
    explicit ArbitraryTransport(ByteReader& input, sim::M1Card& card) : input_(input), card_(card) {}
    std::expected<ApduAnswer, TransportFault> transceive(Bytes command) override {
        ++exchanges;
        FUZZ_CHECK(command.size() >= 5 && command.size() <= kApduBytesMax && command[0] == 0xFF);
        said.clear();
        if (input_.left() == 0) return std::unexpected(TransportFault::kReader);
        const Bytes piece = next_piece(input_);
        if (piece.size() == 1) return std::unexpected(TransportFault::kGone);
        for (const Byte byte : piece)
            said.push_back(byte);
        return said;
    }
    Atr atr() const override { return sim::atr_of(sim::Field::Thing{&card_}); }
    std::expected<void, TransportFault> reset() override { return {}; }
    [[nodiscard]] bool said_ok() const {
        return said.size() >= 2 && said[said.size() - 2] == 0x90 && said[said.size() - 1] == 0x00;
    }
    ApduAnswer said;
    int exchanges = 0;

  private:
    ByteReader& input_;
    sim::M1Card& card_;
};

void answer_the_driver(ByteReader& input) {
    sim::M1Card card(uid_of(std::array<Byte, 4>{1, 2, 3, 4}));
    ArbitraryTransport transport(input, card);
    ApduReader reader(transport);
    while (input.left() > 0) {
        const std::uint8_t what = input.get_u8();
        const auto block = static_cast<std::uint8_t>(what >> 2);
        transport.exchanges = 0;
        switch (what & 3) {
            case 0:
                if (const auto uid = reader.select()) FUZZ_CHECK(uid->size() == 4 || uid->size() == 7);
                break;
            case 1:
                if (reader.authenticate(block, KeyKind::kB, {1, 2, 3, 4, 5, 6})) FUZZ_CHECK(transport.said_ok());
                break;
            case 2:
                if (const auto read = reader.read(block)) {
                    FUZZ_CHECK(transport.said_ok() && transport.said.size() == kBlockBytes + 2);
                    FUZZ_CHECK(std::equal(read->begin(), read->end(), transport.said.begin()));
                }
                break;
            case 3:
                if (reader.write(block, Block{})) FUZZ_CHECK(transport.said_ok());
                break;
        }
        FUZZ_CHECK(transport.exchanges <= 20);
    }
}

constexpr sim::ReaderHabits kHabits[] = {sim::kPlainReader, sim::kAcr122, sim::kAcr1252, sim::kOmnikey5x21,
                                         sim::kOldReader};
constexpr SectorKey kSecretA{0xC3, 0x5A, 0x91, 0x7E, 0x20, 0xD4};
constexpr SectorKey kSecretB{0x18, 0xB6, 0x4D, 0xF2, 0x8B, 0x63};

void command_the_reader(ByteReader& input, const sim::ReaderHabits& habits) {
    sim::M1Card card(uid_of(std::array<Byte, 7>{0x04, 2, 3, 4, 5, 6, 7}));
    // Sector 1 is ours, the others are as delivered: whatever is sent, without its keys nothing in it changes.
    card.select();
    FUZZ_CHECK(card.authenticate(7, KeyKind::kA, kTransportKey).has_value());
    FUZZ_CHECK(card.write(7, make_trailer(kSecretA, kSecretB)).has_value());
    const sim::M1Card::Dump before = card.dump();
    sim::Field field;
    field.put(card);
    sim::ApduCard reader(field, habits);
    while (input.left() > 0) {
        const Bytes command = next_piece(input);
        // What no command is, is a hand: reset, tear, take away, put on.
        if (command.size() == 1) {
            if (command[0] % 4 == 0) static_cast<void>(reader.reset());
            if (command[0] % 4 == 1)
                field.tear_at(0, {static_cast<std::uint8_t>(command[0] >> 2 & 15), sim::Tear::Rest::kWeak});
            if (command[0] % 4 == 2) field.clear();
            if (command[0] % 4 == 3) {
                field.hold({&card});
                static_cast<void>(reader.power_on());
            }
            continue;
        }
        const auto answer = reader.transceive(command);
        FUZZ_CHECK(!answer || (answer->size() >= 2 && answer->size() <= kAnswerBytesMax));
    }
    const sim::M1Card::Dump after = card.dump();
    FUZZ_CHECK(after[0] == before[0]);
    for (std::size_t block = 4; block < 8; ++block)
        FUZZ_CHECK(after[block] == before[block]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    ByteReader input({data + 1, size - 1});
    if ((data[0] & 1) == 0)
        answer_the_driver(input);
    else
        command_the_reader(input, kHabits[(data[0] >> 1) % std::size(kHabits)]);
    return 0;
}
