#include "sim/card/apdu_card.hpp"

#include <algorithm>

namespace prewatt::sim {

using card::ApduAnswer;
using card::Atr;
using card::CardFault;
using card::TransportFault;

namespace {

Atr atr_with(Bytes historical) {
    Atr atr;
    for (const Byte byte : {Byte{0x3B}, static_cast<Byte>(0x80 | historical.size()), Byte{0x80}, Byte{0x01}})
        atr.push_back(byte);
    for (const Byte byte : historical)
        atr.push_back(byte);
    Byte check = 0;
    for (std::size_t k = 1; k < atr.size(); ++k)
        check = static_cast<Byte>(check ^ atr[k]);
    atr.push_back(check);
    return atr;
}
Atr atr_of_memory_card(std::uint16_t name) {
    const std::array<Byte, 15> historical{
        0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03, static_cast<Byte>(name >> 8), static_cast<Byte>(name)};
    return atr_with(historical);
}

Uid uid_of_foreign(Foreign thing) {
    switch (thing) {
        case Foreign::kUltralight:
        case Foreign::kNtag:
        case Foreign::kDesfire:
            return card::uid_of(std::array<Byte, 7>{0x04, 0x5A, 0x11, 0xC2, 0x33, 0x40, 0x80});
        case Foreign::kBankCard:
        case Foreign::kIdentityCard:
            return card::uid_of(std::array<Byte, 4>{0x5A, 0x11, 0xC2, 0x33});
        case Foreign::kPhone:
            return card::uid_of(std::array<Byte, 4>{0x08, 0x5A, 0x11, 0xC2});
    }
    return {};
}

}  // namespace

Atr atr_of(const Field::Thing& thing) {
    if (const auto* card = std::get_if<M1Card*>(&thing))
        return atr_of_memory_card((*card)->sak() == 0x18 ? 0x0002 : 0x0001);
    switch (std::get<Foreign>(thing)) {
        case Foreign::kUltralight:
        case Foreign::kNtag:
            return atr_of_memory_card(0x0003);
        case Foreign::kDesfire:
            return atr_with(std::array<Byte, 1>{0x80});
        case Foreign::kBankCard:
            return atr_with(std::array<Byte, 5>{0x80, 0x31, 0xC0, 0x73, 0xF7});
        case Foreign::kPhone:
            return atr_with({});
        case Foreign::kIdentityCard:
            return atr_with(std::array<Byte, 8>{0x4A, 0x43, 0x4F, 0x50, 0x34, 0x31, 0x56, 0x32});
    }
    return {};
}

bool ApduCard::power_on() {
    lose();
    const Field::Things& things = field_.things();
    if (things.empty() || (things.size() > 1 && !habits_.one_of_several)) return false;
    on_ = things.front();
    atr_ = atr_of(*on_);
    if (things.size() > 1) field_.hold({*on_});
    if (auto* card = std::get_if<M1Card*>(&*on_)) {
        number_ = (*card)->uid();
        static_cast<void>(field_.select());
    } else {
        number_ = uid_of_foreign(std::get<Foreign>(*on_));
    }
    return true;
}

void ApduCard::power_off() {
    if (auto* card = on_ ? std::get_if<M1Card*>(&*on_) : nullptr) (*card)->power_up();
}

void ApduCard::lose() {
    on_.reset();
    atr_.clear();
    number_.clear();
}

std::expected<void, TransportFault> ApduCard::reset() {
    if (!power_on()) return std::unexpected(TransportFault::kGone);
    return {};
}

std::expected<ApduAnswer, TransportFault> ApduCard::transceive(Bytes command) {
    const bool was_there = still_there();
    const Answer made = answer(command);
    // A reader notices within its poll that the card has left; until then it answers in its own words.
    if (!was_there || !still_there()) {
        lose();
        return std::unexpected(TransportFault::kGone);
    }
    ApduAnswer bytes = made.data;
    bytes.push_back(static_cast<Byte>(made.status >> 8));
    bytes.push_back(static_cast<Byte>(made.status));
    return bytes;
}

ApduCard::Answer ApduCard::failed(CardFault fault, std::uint16_t otherwise) const {
    if (habits_.only_6300 || fault == CardFault::kNoCard || fault == CardFault::kWrongKey) return {{}, 0x6300};
    return {{}, otherwise};
}

ApduCard::Answer ApduCard::answer(Bytes command) {
    if (command.size() < 4) return {{}, 0x6700};
    if (command[0] != 0xFF) return {{}, 0x6E00};
    const bool has_data = command.size() > 5;
    if (has_data && command.size() != std::size_t{5} + command[4] && command[1] != 0x88) return {{}, 0x6700};
    switch (command[1]) {
        case 0xCA:
            return number(command);
        case 0x82:
            return load_key(command);
        case 0x86:
            if (!habits_.general_authenticate) return {{}, 0x6D00};
            if (command.size() != 10) return {{}, 0x6700};
            if (command[2] != 0 || command[3] != 0 || command[5] != 1 || command[6] != 0) return {{}, 0x6B00};
            return authenticate(command[7], command[8], command[9]);
        case 0x88:
            if (!habits_.old_authenticate) return {{}, 0x6D00};
            if (command.size() != 6) return {{}, 0x6700};
            if (command[2] != 0) return {{}, 0x6B00};
            return authenticate(command[3], command[4], command[5]);
        case 0xB0:
            return read(command);
        case 0xD6:
            return update(command);
        case 0xD7:
            return habits_.value_commands ? change_value(command) : Answer{{}, 0x6D00};
        case 0xB1:
            return habits_.value_commands ? read_value(command) : Answer{{}, 0x6D00};
        default:
            return {{}, 0x6D00};
    }
}

ApduCard::Answer ApduCard::number(Bytes command) {
    if (command.size() != 5) return {{}, 0x6700};
    if (command[2] != 0 || command[3] != 0) return {{}, 0x6A81};
    Uid uid = number_;
    const auto now = field_.number();
    if (!now && now.error() == CardFault::kNoCard) return failed(CardFault::kNoCard, 0x6300);
    if (now && !habits_.remembers_number) uid = *now;
    Answer answer;
    const std::size_t wanted = command[4];
    if (wanted != 0 && wanted < uid.size())
        return {{}, static_cast<std::uint16_t>(0x6C00 | static_cast<std::uint16_t>(uid.size()))};
    for (const Byte byte : uid)
        answer.data.push_back(byte);
    if (wanted > uid.size()) answer.status = 0x6282;
    return answer;
}

ApduCard::Answer ApduCard::load_key(Bytes command) {
    if (command.size() < 6) return {{}, 0x6700};
    if (command[4] != 6) return {{}, static_cast<std::uint16_t>(habits_.only_6300 ? 0x6300 : 0x6989)};
    const unsigned where = command[2];
    const auto refuse = [&](std::uint16_t status) -> Answer { return failed(CardFault::kRefused, status); };
    if ((where & 0x80) != 0) return refuse(0x6982);
    if ((where & 0x40) != 0) return refuse(0x6985);
    const bool lasting = (where & 0x20) != 0;
    if (lasting ? !habits_.lasting_keys : !habits_.volatile_keys) return refuse(lasting ? 0x6987 : 0x6986);
    if (command[3] >= habits_.slots) return refuse(0x6988);
    SectorKey key;
    std::copy_n(command.begin() + 5, key.size(), key.begin());
    keys_[command[3]] = key;
    lasting_key_writes_ += lasting ? 1 : 0;
    return {};
}

ApduCard::Answer ApduCard::authenticate(std::uint8_t block, std::uint8_t kind, std::uint8_t slot) {
    if (kind != 0x60 && kind != 0x61) return failed(CardFault::kRefused, 0x6986);
    if (slot >= habits_.slots || !keys_[slot]) return failed(CardFault::kRefused, 0x6988);
    if (!on_ || std::holds_alternative<Foreign>(*on_)) return failed(CardFault::kRefused, 0x6981);
    const auto try_it = [&] { return field_.authenticate(block, static_cast<KeyKind>(kind), *keys_[slot]); };
    auto opened = try_it();
    if (!opened && opened.error() == CardFault::kNoCard && habits_.wakes_the_card && field_.select()) opened = try_it();
    if (opened) return {};
    // A halted card that nobody wakes is not to be told from one that refuses.
    return failed(opened.error(), 0x6A82);
}

ApduCard::Answer ApduCard::read(Bytes command) {
    if (command.size() != 5) return {{}, 0x6700};
    if (command[2] != 0) return failed(CardFault::kRefused, 0x6B00);
    if (!on_ || std::holds_alternative<Foreign>(*on_)) return failed(CardFault::kRefused, 0x6981);
    const std::size_t wanted = command[4] == 0 ? kBlockBytes : command[4];
    const bool three = habits_.three_blocks && wanted == 3 * kBlockBytes;
    if (wanted != kBlockBytes && !three) return {{}, 0x6C10};
    Answer answer;
    for (std::size_t k = 0; k < wanted / kBlockBytes; ++k) {
        const auto block = field_.read(static_cast<std::uint8_t>(command[3] + k));
        if (!block) return failed(block.error(), command[3] >= kBlockCount ? 0x6A82 : 0x6982);
        for (const Byte byte : *block)
            answer.data.push_back(byte);
    }
    return answer;
}

ApduCard::Answer ApduCard::update(Bytes command) {
    if (command.size() != 5 + kBlockBytes) return {{}, 0x6700};
    if (command[2] != 0) return failed(CardFault::kRefused, 0x6B00);
    if (!on_ || std::holds_alternative<Foreign>(*on_)) return failed(CardFault::kRefused, 0x6981);
    Block data;
    std::copy_n(command.begin() + 5, kBlockBytes, data.begin());
    const auto written = field_.write(command[3], data);
    if (!written) return failed(written.error(), command[3] >= kBlockCount ? 0x6A82 : 0x6982);
    return {};
}

ApduCard::Answer ApduCard::change_value(Bytes command) {
    if (command.size() < 7) return {{}, 0x6700};
    if (!on_ || std::holds_alternative<Foreign>(*on_)) return failed(CardFault::kRefused, 0x6981);
    const std::uint8_t block = command[3];
    std::expected<void, CardFault> done;
    if (command[4] == 2 && command[5] == 3) {
        done = field_.copy_value(block, command[6]);
    } else if (command[4] == 5) {
        // Highest byte first, although the card stores the lowest first.
        std::uint32_t bits = 0;
        for (std::size_t k = 6; k < 10; ++k)
            bits = bits << 8 | command[k];
        const auto value = static_cast<std::int32_t>(bits);
        switch (command[5]) {
            case 0:
                done = field_.write(block, value_block(value, block));
                break;
            case 1:
                done = field_.increment(block, value);
                break;
            case 2:
                done = field_.decrement(block, value);
                break;
            default:
                return {{}, 0x6A80};
        }
    } else {
        return {{}, 0x6700};
    }
    if (!done) return failed(done.error(), 0x6982);
    return {};
}

ApduCard::Answer ApduCard::read_value(Bytes command) {
    if (command.size() != 5 || (command[4] != 4 && command[4] != 0)) return {{}, 0x6700};
    if (!on_ || std::holds_alternative<Foreign>(*on_)) return failed(CardFault::kRefused, 0x6981);
    const auto block = field_.read(command[3]);
    if (!block) return failed(block.error(), 0x6982);
    ByteReader reader{Bytes(*block)};
    const auto value = static_cast<std::int32_t>(reader.get_u32());
    if (*block != value_block(value, (*block)[12])) return failed(CardFault::kRefused, 0x6981);
    Answer answer;
    for (std::size_t k = 4; k > 0; --k)
        answer.data.push_back((*block)[k - 1]);
    return answer;
}

}  // namespace prewatt::sim
