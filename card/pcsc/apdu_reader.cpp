#include "card/pcsc/apdu_reader.hpp"

#include <algorithm>

#include "card/layout.hpp"
#include "card/uid.hpp"

namespace prewatt::card {
namespace {

constexpr std::uint16_t kOk = 0x9000;
constexpr std::uint16_t kFailed = 0x6300;
constexpr std::uint16_t kEndReached = 0x6282;

bool is_unknown_command(std::uint16_t status) {
    return status == 0x6D00 || status == 0x6A81 || status == 0x6E00 || status == 0x6800 || status == 0x6881;
}

}  // namespace

std::expected<ApduReader::Answer, CardFault> ApduReader::ask(Bytes command) {
    last_status_ = 0;
    const auto answered = transport_.transceive(command);
    // A card that is torn away is a success of no bytes at pcscd.
    if (!answered || answered->size() < 2) {
        selected_.reset();
        return std::unexpected(answered || answered.error() == TransportFault::kGone ? CardFault::kNoCard
                                                                                     : CardFault::kReader);
    }
    Answer answer{*answered, 0};
    const std::size_t size = answer.data.size();
    answer.status = static_cast<std::uint16_t>(answer.data[size - 2] << 8 | answer.data[size - 1]);
    answer.data.resize(size - 2);
    // Some lists print the words of a refused key as 63 8x, others as 69 8x.
    if ((answer.status & 0xFFF0) == 0x6380) answer.status = static_cast<std::uint16_t>(0x6980 | (answer.status & 0xF));
    last_status_ = answer.status;
    return answer;
}

ChipKind ApduReader::kind() const {
    const Atr atr = transport_.atr();
    return kind_of_chip({atr.data(), atr.size()});
}

std::expected<Uid, CardFault> ApduReader::number() {
    std::array<Byte, 5> command{0xFF, 0xCA, 0x00, 0x00, 0x00};
    auto answer = ask(command);
    if (answer && answer->status >> 8 == 0x6C) {
        command[4] = static_cast<Byte>(answer->status);
        answer = ask(command);
    }
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != kOk && answer->status != kEndReached)
        return std::unexpected(is_unknown_command(answer->status) ? CardFault::kReader : CardFault::kNoCard);
    if (answer->data.size() > Uid::capacity()) return std::unexpected(CardFault::kNotM1);
    return uid_of({answer->data.data(), answer->data.size()});
}

std::expected<Uid, CardFault> ApduReader::select() {
    selected_.reset();
    if (!is_m1(kind())) return std::unexpected(CardFault::kNotM1);
    const auto uid = number();
    if (!uid) return uid;
    if (fault_of(*uid)) return std::unexpected(CardFault::kNotM1);
    selected_ = *uid;
    return uid;
}

std::expected<void, CardFault> ApduReader::is_same_card() {
    if (!selected_) return std::unexpected(CardFault::kNoCard);
    const auto uid = number();
    if (!uid) return std::unexpected(uid.error() == CardFault::kReader ? CardFault::kReader : CardFault::kNoCard);
    if (same(*uid, *selected_)) return {};
    selected_.reset();
    return std::unexpected(CardFault::kNoCard);
}

std::expected<Byte, CardFault> ApduReader::load_key(KeyKind kind, const SectorKey& key) {
    const Byte slot = kind == KeyKind::kA ? 0 : 1;
    for (int tries = 0; tries < 2; ++tries) {
        if (keys_last_ && lasting_[slot] == key) return slot;
        std::array<Byte, 11> command{0xFF, 0x82, static_cast<Byte>(keys_last_ ? 0x20 : 0x00), slot, 6};
        std::copy(key.begin(), key.end(), command.begin() + 5);
        const auto answer = ask(command);
        if (!answer) return std::unexpected(answer.error());
        if (answer->status == kOk) {
            if (keys_last_) lasting_[slot] = key;
            return slot;
        }
        if (tries == 0) keys_last_ = !keys_last_;
    }
    keys_last_ = false;
    return std::unexpected(CardFault::kReader);
}

std::expected<void, CardFault> ApduReader::authenticate_once(std::uint8_t block, KeyKind kind, const SectorKey& key) {
    const auto slot = load_key(kind, key);
    if (!slot) return std::unexpected(slot.error());
    const auto of_kind = static_cast<Byte>(kind);
    for (int tries = 0; tries < 2; ++tries) {
        const std::array<Byte, 10> general{0xFF, 0x86, 0x00, 0x00, 0x05, 0x01, 0x00, block, of_kind, *slot};
        const std::array<Byte, 6> old{0xFF, 0x88, 0x00, block, of_kind, *slot};
        const auto answer = ask(old_form_ ? Bytes(old) : Bytes(general));
        if (!answer) return std::unexpected(answer.error());
        if (answer->status == kOk) return {};
        if (tries == 0 && is_unknown_command(answer->status)) {
            old_form_ = !old_form_;
            continue;
        }
        lasting_[*slot].reset();
        switch (answer->status) {
            case kFailed:
            case 0x6581:
            case 0x6981:
            case 0x6982:
            case 0x6983:
            case 0x6985:
                return std::unexpected(believed(CardFault::kWrongKey));
            default:
                return std::unexpected(CardFault::kReader);
        }
    }
    old_form_ = false;
    return std::unexpected(CardFault::kReader);
}

std::expected<void, CardFault> ApduReader::authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) {
    if (block >= kBlockCount) return std::unexpected(CardFault::kWrongKey);
    if (const auto same = is_same_card(); !same) return same;
    const auto is_wrong_key = [](const std::expected<void, CardFault>& opened) {
        return !opened && opened.error() == CardFault::kWrongKey;
    };
    const auto first = authenticate_once(block, kind, key);
    if (!is_wrong_key(first) || !refused_last_) {
        refused_last_ = is_wrong_key(first);
        return first;
    }
    if (const auto reset = transport_.reset(); !reset) {
        selected_.reset();
        return std::unexpected(reset.error() == TransportFault::kGone ? CardFault::kNoCard : CardFault::kReader);
    }
    lasting_[0].reset();
    lasting_[1].reset();
    if (const auto same = is_same_card(); !same) return same;
    const auto second = authenticate_once(block, kind, key);
    refused_last_ = is_wrong_key(second);
    return second;
}

CardFault ApduReader::believed(CardFault refusal) {
    const std::uint16_t said = last_status_;
    if (const auto same = is_same_card(); !same) return same.error();
    last_status_ = said;
    return refusal;
}

CardFault ApduReader::fault_of_access(std::uint16_t status) {
    switch (status) {
        case kFailed:
        case 0x6581:
        case 0x6981:
        case 0x6982:
        case 0x6983:
        case 0x6985:
        case 0x6986:
        case 0x6A82:
            refused_last_ = true;
            return believed(CardFault::kRefused);
        default:
            return CardFault::kReader;
    }
}

std::expected<Block, CardFault> ApduReader::read(std::uint8_t block) {
    if (!selected_) return std::unexpected(CardFault::kNoCard);
    if (block >= kBlockCount) return std::unexpected(CardFault::kRefused);
    const std::array<Byte, 5> command{0xFF, 0xB0, 0x00, block, kBlockBytes};
    const auto answer = ask(command);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == kOk && answer->data.size() == kBlockBytes) {
        Block data;
        std::copy(answer->data.begin(), answer->data.end(), data.begin());
        return data;
    }
    return std::unexpected(fault_of_access(answer->status));
}

std::expected<void, CardFault> ApduReader::write(std::uint8_t block, const Block& data) {
    if (!selected_) return std::unexpected(CardFault::kNoCard);
    if (block >= kBlockCount) return std::unexpected(CardFault::kRefused);
    std::array<Byte, 5 + kBlockBytes> command{0xFF, 0xD6, 0x00, block, kBlockBytes};
    std::copy(data.begin(), data.end(), command.begin() + 5);
    const auto answer = ask(command);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == kOk) return {};
    return std::unexpected(fault_of_access(answer->status));
}

}  // namespace prewatt::card
