#include "card/seal.hpp"

#include <cassert>

#include "base/bcd.hpp"

namespace prewatt::card {
namespace {

constexpr std::uint32_t kDataId = 0xEC010000;
constexpr std::size_t kTagSize = 12;
constexpr std::size_t kBoxSize = 5;
constexpr std::size_t kRequestHead = 4 + 4 + 4 + 1 + 1;
constexpr std::size_t kAnswerHead = 4 + 4 + 1 + 1;
constexpr std::size_t kArgumentsMax = 15;
constexpr std::size_t kBodyMax = 16;
constexpr std::uint8_t kRepeated = 0x80;
static_assert(kRequestHead + kArgumentsMax + kTagSize == kSealedRequestMax);
static_assert(kAnswerHead + kBodyMax + kTagSize == kSealedAnswerMax);

// The numbers of docs/formats/sealed-command.md.
enum class Code : std::uint8_t {
    kTicket = 1,
    kRemoteHold = 2,
    kForcePower = 3,
    kAcknowledge = 4,
    kAlarms = 5,
    kClock = 6,
    kConstant = 7,
    kStageSetting = 8,
    kCommitSetting = 9,
    kClear = 10,
    kResetLockout = 11,
    kLearnAppliance = 12,
};
static_assert(static_cast<int>(Code::kLearnAppliance) == kCommandCodeMax);

void put_box(ByteWriter& writer, BoxDigits box) {
    std::array<Byte, kBoxSize> digits{};
    put_bcd(digits, box);
    writer.put(digits);
}

// The tag over `box | signed_part`, shortened.
std::array<Byte, kTagSize> tag_of(Mac& mac, const Key& key, BoxDigits box, Bytes signed_part) {
    std::array<Byte, 64> message{};
    ByteWriter writer(message);
    put_box(writer, box);
    writer.put(signed_part);
    assert(writer.ok());
    const Tag whole = mac.cmac(key, writer.written());
    std::array<Byte, kTagSize> tag{};
    for (std::size_t k = 0; k < tag.size(); ++k)
        tag[k] = whole[k];
    return tag;
}

void put_command(ByteWriter& writer, const Command& command) {
    const auto code = [&](Code c) { writer.put_u8(static_cast<std::uint8_t>(c)); };
    if (const auto* ticket = std::get_if<Ticket>(&command)) {
        code(Code::kTicket);
        writer.put_u16(ticket->epoch);
        writer.put_u32(ticket->number);
        writer.put_le(static_cast<std::uint64_t>(ticket->credited_hundredths), 6);
    } else if (const auto* hold = std::get_if<RemoteHold>(&command)) {
        code(Code::kRemoteHold);
        writer.put_u8(hold->off ? 1 : 0);
    } else if (const auto* force = std::get_if<ForcePower>(&command)) {
        code(Code::kForcePower);
        writer.put_u16(force->minutes);
        writer.put_u16(force->overruled.bits());
    } else if (std::get_if<Acknowledge>(&command) != nullptr) {
        code(Code::kAcknowledge);
    } else if (const auto* alarms = std::get_if<Alarms>(&command)) {
        code(Code::kAlarms);
        writer.put_u32(alarms->low_hundredths);
        writer.put_u32(alarms->cutoff_hundredths);
        writer.put_u32(alarms->overdraft_hundredths);
    } else if (const auto* clock = std::get_if<SetClock>(&command)) {
        code(Code::kClock);
        writer.put_u32(clock->time);
    } else if (const auto* constant = std::get_if<SetConstant>(&command)) {
        code(Code::kConstant);
        writer.put_u16(constant->pulses_per_kwh);
    } else if (const auto* stage = std::get_if<StageSetting>(&command)) {
        code(Code::kStageSetting);
        writer.put_u8(static_cast<std::uint8_t>(stage->setting));
        writer.put_u8(stage->index);
        writer.put_u8(stage->offset);
        writer.put({stage->part.data(), stage->part.size()});
    } else if (const auto* commit = std::get_if<CommitSetting>(&command)) {
        code(Code::kCommitSetting);
        writer.put_u8(static_cast<std::uint8_t>(commit->setting));
        writer.put_u8(commit->index);
        writer.put_u8(commit->length);
        writer.put_u32(commit->crc);
    } else if (const auto* clear = std::get_if<Clear>(&command)) {
        code(Code::kClear);
        writer.put_u8(static_cast<std::uint8_t>(clear->step));
    } else if (const auto* reset = std::get_if<ResetLockout>(&command)) {
        code(Code::kResetLockout);
        writer.put_u8(static_cast<std::uint8_t>((reset->overload ? 1u : 0u) | (reset->malignant ? 2u : 0u)));
    } else if (const auto* learn = std::get_if<LearnAppliance>(&command)) {
        code(Code::kLearnAppliance);
        writer.put_u8(learn->slot);
        writer.put_u16(learn->days);
    }
}

// False: unknown, or arguments of another shape.
bool get_command(ByteReader& reader, Command& command) {
    switch (static_cast<Code>(reader.get_u8())) {
        case Code::kTicket: {
            Ticket ticket;
            ticket.epoch = reader.get_u16();
            ticket.number = reader.get_u32();
            const std::uint64_t total = reader.get_le(6);
            ticket.credited_hundredths = static_cast<std::int64_t>(total << 16) >> 16;
            command = ticket;
            break;
        }
        case Code::kRemoteHold: {
            const std::uint8_t off = reader.get_u8();
            if (off > 1) return false;
            command = RemoteHold{off == 1};
            break;
        }
        case Code::kForcePower: {
            ForcePower force;
            force.minutes = reader.get_u16();
            force.overruled = HoldSet{reader.get_u16()};
            command = force;
            break;
        }
        case Code::kAcknowledge:
            command = Acknowledge{};
            break;
        case Code::kAlarms: {
            Alarms alarms;
            alarms.low_hundredths = reader.get_u32();
            alarms.cutoff_hundredths = reader.get_u32();
            alarms.overdraft_hundredths = reader.get_u32();
            command = alarms;
            break;
        }
        case Code::kClock:
            command = SetClock{reader.get_u32()};
            break;
        case Code::kConstant:
            command = SetConstant{reader.get_u16()};
            break;
        case Code::kStageSetting: {
            StageSetting stage;
            stage.setting = static_cast<settings::SettingId>(reader.get_u8());
            stage.index = reader.get_u8();
            stage.offset = reader.get_u8();
            if (reader.left() == 0 || reader.left() > kSettingPartMax) return false;
            for (const Byte byte : reader.take(reader.left()))
                stage.part.push_back(byte);
            command = stage;
            break;
        }
        case Code::kCommitSetting: {
            CommitSetting commit;
            commit.setting = static_cast<settings::SettingId>(reader.get_u8());
            commit.index = reader.get_u8();
            commit.length = reader.get_u8();
            commit.crc = reader.get_u32();
            command = commit;
            break;
        }
        case Code::kClear: {
            const auto step = static_cast<ClearStep>(reader.get_u8());
            if (step != ClearStep::kAnnounce && step != ClearStep::kCarryOut) return false;
            command = Clear{step};
            break;
        }
        case Code::kResetLockout: {
            const std::uint8_t which = reader.get_u8();
            if (which == 0 || which > 3) return false;
            command = ResetLockout{(which & 1) != 0, (which & 2) != 0};
            break;
        }
        case Code::kLearnAppliance: {
            LearnAppliance learn;
            learn.slot = reader.get_u8();
            learn.days = reader.get_u16();
            command = learn;
            break;
        }
        default:
            return false;
    }
    return reader.finished();
}

enum class Body : std::uint8_t { kNone, kCounter, kEffect };
Body body_of(Result result, std::uint8_t household) {
    if (result == Result::kOldCounter) return Body::kCounter;
    return household == 0 || result == Result::kNoHousehold ? Body::kNone : Body::kEffect;
}

// What the tag of an answer covers: the answer up to its tag, with the request's operator behind the identifier.
std::array<Byte, kTagSize> answer_tag(Mac& mac, const Key& key, BoxDigits box, std::uint32_t operator_number,
                                      Bytes head_and_body) {
    std::array<Byte, kAnswerHead + kBodyMax + 4> covered{};
    ByteWriter writer(covered);
    writer.put(head_and_body.first(4));
    writer.put_u32(operator_number);
    writer.put(head_and_body.subspan(4));
    return tag_of(mac, key, box, writer.written());
}

Key diversified(Mac& mac, const Key& master, Direction direction, BoxDigits box) {
    std::array<Byte, 16> block{};
    ByteWriter writer(block);
    writer.put_u8(1);
    for (char c : {'P', 'R', 'E', 'W', 'A', 'T', 'T'})
        writer.put_u8(static_cast<std::uint8_t>(c));
    writer.put_u8(static_cast<std::uint8_t>(direction));
    put_box(writer, box);
    writer.put_u8(0x00);
    writer.put_u8(0x80);
    assert(writer.ok() && writer.size() == block.size());
    return mac.cmac(master, block);
}

}  // namespace

BoxKeys diversify(Mac& mac, const Key& master, BoxDigits box) {
    return {diversified(mac, master, Direction::kToMeter, box), diversified(mac, master, Direction::kFromMeter, box)};
}

SealedRequest seal_request(Mac& mac, const BoxKeys& keys, BoxDigits box, const Request& request) {
    std::array<Byte, kSealedRequestMax> bytes{};
    ByteWriter writer(bytes);
    writer.put_u32(kDataId);
    writer.put_u32(request.operator_number);
    writer.put_u32(request.counter);
    writer.put_u8(request.household);
    put_command(writer, request.command);
    writer.put(tag_of(mac, keys.to_meter, box, writer.written()));
    assert(writer.ok());
    SealedRequest sealed;
    for (Byte byte : writer.written())
        sealed.push_back(byte);
    return sealed;
}

std::expected<OpenedRequest, SealError> unseal_request(Mac& mac, const BoxKeys& keys, BoxDigits box, Bytes data) {
    if (data.size() < kRequestHead + kTagSize || data.size() > kSealedRequestMax)
        return std::unexpected(SealError::kLength);
    const Bytes covered = data.first(data.size() - kTagSize);
    ByteReader reader(covered);
    const bool is_sealed_command = reader.get_u32() == kDataId;
    const auto tag = tag_of(mac, keys.to_meter, box, covered);
    if (!equal_constant_time(tag, data.last(kTagSize)) || !is_sealed_command) return std::unexpected(SealError::kTag);
    OpenedRequest opened;
    opened.request.operator_number = reader.get_u32();
    opened.request.counter = reader.get_u32();
    opened.request.household = reader.get_u8();
    opened.known = get_command(reader, opened.request.command);
    return opened;
}

SealedAnswer seal_answer(Mac& mac, const BoxKeys& keys, BoxDigits box, std::uint32_t operator_number,
                         const Answer& answer) {
    std::array<Byte, kSealedAnswerMax> bytes{};
    ByteWriter writer(bytes);
    writer.put_u32(kDataId);
    writer.put_u32(answer.counter);
    writer.put_u8(answer.household);
    writer.put_u8(static_cast<std::uint8_t>(static_cast<unsigned>(answer.result) | (answer.repeated ? kRepeated : 0u)));
    switch (body_of(answer.result, answer.household)) {
        case Body::kNone:
            break;
        case Body::kCounter:
            writer.put_u32(answer.last_counter);
            break;
        case Body::kEffect:
            writer.put_u16(answer.effect.epoch);
            writer.put_u32(answer.effect.ticket_number);
            writer.put_le(static_cast<std::uint32_t>(answer.effect.remaining_hundredths), 4);
            writer.put_u16(answer.effect.state.bits);
            break;
    }
    writer.put(answer_tag(mac, keys.from_meter, box, operator_number, writer.written()));
    assert(writer.ok());
    SealedAnswer sealed;
    for (Byte byte : writer.written())
        sealed.push_back(byte);
    return sealed;
}

std::expected<Answer, SealError> unseal_answer(Mac& mac, const BoxKeys& keys, BoxDigits box, const Request& asked,
                                               Bytes data) {
    if (data.size() < kAnswerHead + kTagSize || data.size() > kSealedAnswerMax)
        return std::unexpected(SealError::kLength);
    const Bytes covered = data.first(data.size() - kTagSize);
    ByteReader reader(covered);
    const bool is_sealed_command = reader.get_u32() == kDataId;
    const auto tag = answer_tag(mac, keys.from_meter, box, asked.operator_number, covered);
    if (!equal_constant_time(tag, data.last(kTagSize)) || !is_sealed_command) return std::unexpected(SealError::kTag);

    Answer answer;
    answer.counter = reader.get_u32();
    answer.household = reader.get_u8();
    const std::uint8_t result = reader.get_u8();
    const std::uint8_t code = result & static_cast<std::uint8_t>(~kRepeated);
    if (answer.counter != asked.counter || answer.household != asked.household ||
        code > static_cast<std::uint8_t>(Result::kNotStored))
        return std::unexpected(SealError::kOther);
    answer.result = static_cast<Result>(code);
    answer.repeated = (result & kRepeated) != 0;
    switch (body_of(answer.result, answer.household)) {
        case Body::kNone:
            break;
        case Body::kCounter:
            answer.last_counter = reader.get_u32();
            break;
        case Body::kEffect:
            answer.effect.epoch = reader.get_u16();
            answer.effect.ticket_number = reader.get_u32();
            answer.effect.remaining_hundredths = static_cast<std::int32_t>(reader.get_u32());
            answer.effect.state.bits = reader.get_u16();
            break;
    }
    if (!reader.finished()) return std::unexpected(SealError::kLength);
    return answer;
}

}  // namespace prewatt::card
