#include "meter/node/server.hpp"

#include <algorithm>

#include "base/bcd.hpp"
#include "base/civil_time.hpp"
#include "card/seal.hpp"

namespace prewatt::meter {
namespace {

using dlt645::Address;
using dlt645::DataId;
using dlt645::Error;
using dlt645::Frame;
using dlt645::Function;

constexpr Byte kAnyDigits = 0xAA;
constexpr std::size_t kIdSize = 4;
constexpr std::size_t kFirstDataMax = dlt645::kDataSizeMax - kIdSize;
constexpr std::size_t kFollowingDataMax = dlt645::kDataSizeMax - kIdSize - 1;
constexpr std::size_t kOperatorSize = 4;
constexpr std::size_t kPasswordSize = 4;
constexpr int kWrongPasswordsMax = 5;
constexpr Duration kPasswordLock = minutes(60);
constexpr Byte kSecurityOther = 0x01;
constexpr Byte kSecurityVerify = 0x04;

// ss mm hh DD MM YY, as 08H and 1CH carry it.
std::optional<CivilSeconds> get_time(Bytes six) {
    if (six.size() != 6 || !is_bcd(six)) return std::nullopt;
    CivilTime t;
    t.second = static_cast<std::uint8_t>(from_bcd(six[0]));
    t.minute = static_cast<std::uint8_t>(from_bcd(six[1]));
    t.hour = static_cast<std::uint8_t>(from_bcd(six[2]));
    t.day = static_cast<std::uint8_t>(from_bcd(six[3]));
    t.month = static_cast<std::uint8_t>(from_bcd(six[4]));
    t.year = static_cast<std::uint16_t>(2000 + from_bcd(six[5]));
    if (!is_valid(t)) return std::nullopt;
    return to_seconds(t);
}

// Behind a password, in the order of the wire.
std::uint32_t operator_of(Bytes password_and_operator) {
    ByteReader reader(password_and_operator.subspan(kPasswordSize, kOperatorSize));
    return reader.get_u32();
}

}  // namespace

Server::Server(Box& box, card::Mac& mac, Bus& bus)
    : box_(box), mac_(mac), bus_(bus), own_(dlt645::address_of(box.config().box, {0})) {}

bool Server::is_for_us(const Address& pattern, Target& target) const {
    // Most frames on a line are for other boxes: the first two differing digits end it.
    const auto& p = pattern.bytes;
    const auto& own = own_.bytes;
    std::size_t k = 1;
    while (k < p.size() && p[k] == own[k])
        ++k;
    if (k < p.size()) {
        if (pattern == dlt645::kBroadcast) {
            target.broadcast = true;
            return true;
        }
        for (; k < p.size(); ++k)
            if (p[k] != kAnyDigits) return false;
        target.wildcard = true;
    }
    if (p[0] == kAnyDigits) {
        // AA may not stand below a real digit, so all six are AA: the box answers for everybody.
        target.meter = 0;
        return target.wildcard && p[1] == kAnyDigits;
    }
    if (!is_bcd(p[0])) return false;
    target.meter = static_cast<std::uint8_t>(from_bcd(p[0]));
    return target.meter <= box_.household_count();
}

bool Server::on_byte(Byte byte, Instant now, bool bad_parity) {
    const std::optional<Frame> frame = decoder_.on_byte(byte, now, bad_parity);
    if (!frame || frame->control.is_reply()) return false;
    Target target;
    if (!is_for_us(frame->address, target)) return false;
    reply_at_ = kNever;  // the master has given up waiting for the answer before
    handle(*frame, target, now);
    return true;
}

Instant Server::poll(Instant now) {
    if (now < reply_at_) return reply_at_;
    reply_at_ = kNever;
    bus_.send({reply_.data(), reply_.size()});
    return kNever;
}

void Server::send(const Target& target, dlt645::Control control, Bytes data, Instant now) {
    if (target.broadcast) return;
    reply_ = dlt645::encode(dlt645::address_of(box_.config().box, {target.meter}), control, data, 0);
    reply_at_ = now + kTurnaround;
}
void Server::reply(const Target& target, Function function, Bytes data, Instant now, bool more) {
    send(target, dlt645::reply(function, more), data, now);
}
void Server::refuse(const Target& target, Function function, Error error, Instant now) {
    const Byte byte = static_cast<Byte>(error);
    send(target, dlt645::error_reply(function), {&byte, 1}, now);
}

void Server::handle(const Frame& request, const Target& target, Instant now) {
    if ((request.control.code & 0xE0) != 0) return;
    const Function function = request.control.function();
    if (target.broadcast && function != Function::kSetTime) return;
    switch (function) {
        case Function::kRead:
            return read(request, target, now);
        case Function::kReadFollowing:
            return read_following(request, target, now);
        case Function::kReadAddress:
            return reply(target, function, dlt645::address_of(box_.config().box, {target.meter}).bytes, now);
        case Function::kSetTime:
            return set_time(request, target, now);
        case Function::kSecurity:
            return sealed_command(request, target, now);
        case Function::kWrite:
            return write(request, target, now);
        case Function::kControl:
            return control(request, target, now);
        case Function::kSetSpeed:
            return refuse(target, function, Error::kSpeed, now);
        case Function::kFreeze:
        case Function::kTerminal:
            return refuse(target, function, Error::kOther, now);
        case Function::kSetPassword:
        case Function::kClearDemand:
        case Function::kClearMeter:
        case Function::kClearEvents:
            return refuse(target, function, target.wildcard ? Error::kOther : Error::kNotAuthorised, now);
        case Function::kWriteAddress:  // the factory has given it; the standard has no error reply for this
        default:
            return;
    }
}

void Server::read(const Frame& request, const Target& target, Instant now) {
    const std::optional<DataId> id = request.data_id();
    if (!id) return refuse(target, Function::kRead, Error::kOther, now);
    std::array<Byte, kIdSize + kItemSizeMax> data;
    std::copy_n(request.data.begin(), kIdSize, data.begin());
    const MutableBytes item = MutableBytes(data).subspan(kIdSize);
    const auto size = read_item(box_, target.meter, *id, request.bytes().subspan(kIdSize), item, now);
    if (!size) return refuse(target, Function::kRead, size.error(), now);
    if (*size <= kFirstDataMax) return reply(target, Function::kRead, {data.data(), kIdSize + *size}, now);
    snapshot_.meter = target.meter;
    snapshot_.id = *id;
    snapshot_.last_sequence = 0;
    snapshot_.taken = now;
    snapshot_.data.resize(*size);
    std::copy_n(item.begin(), *size, snapshot_.data.begin());
    // As few frames as will do, all of one length: at 2400 baud whoever holds a card before a reader of this line waits
    // for the longest.
    const std::size_t frames = (*size + kFollowingDataMax - 1) / kFollowingDataMax;
    snapshot_.frame = (*size + frames - 1) / frames;
    reply(target, Function::kRead, {data.data(), kIdSize + snapshot_.frame}, now, true);
}

void Server::read_following(const Frame& request, const Target& target, Instant now) {
    if (request.data.size() != kIdSize + 1) return refuse(target, Function::kReadFollowing, Error::kOther, now);
    const std::uint8_t sequence = request.data[kIdSize];
    const bool is_next_or_again =
        sequence != 0 && (sequence == snapshot_.last_sequence || sequence == snapshot_.last_sequence + 1);
    const std::size_t from = sequence * snapshot_.frame;
    if (!is_next_or_again || snapshot_.meter != target.meter || snapshot_.id != *request.data_id() ||
        from >= snapshot_.data.size() || now - snapshot_.taken > kSnapshotLife)
        return refuse(target, Function::kReadFollowing, Error::kNoSuchData, now);
    snapshot_.last_sequence = sequence;
    const std::size_t size = std::min(snapshot_.frame, snapshot_.data.size() - from);
    std::array<Byte, dlt645::kDataSizeMax> data;
    std::copy_n(request.data.begin(), kIdSize, data.begin());
    std::copy_n(snapshot_.data.begin() + from, size, data.begin() + kIdSize);
    data[kIdSize + size] = sequence;
    reply(target, Function::kReadFollowing, {data.data(), kIdSize + size + 1}, now,
          from + size < snapshot_.data.size());
}

// Small corrections only (meter/core/clock_guard): nobody may turn the clock far with a frame that carries no password.
void Server::set_time(const Frame& request, const Target& target, Instant now) {
    const std::optional<CivilSeconds> time = get_time(request.bytes());
    const ClockSource source = target.broadcast ? ClockSource::kBroadcast : ClockSource::kAddressed;
    if (!time || target.wildcard || !box_.correct_clock(source, *time, 0, now))
        return refuse(target, Function::kSetTime, Error::kOther, now);
    reply(target, Function::kSetTime, {}, now);
}

// After five wrong passwords nobody is heard for an hour: a million passwords are soon tried otherwise.
bool Server::password_fits(const Target& target, Bytes password, Instant now) {
    if (!box_.config().plain_writes || now < locked_until_) return false;
    std::array<Byte, 3> expected;
    put_bcd(expected, box_.config().plain_password);
    if (equal_constant_time(password.subspan(1), expected)) {
        wrong_passwords_ = 0;
        return true;
    }
    box_.recorder().log(EventKind::kWrongPassword, {}, events::on_line(target.meter, 0));
    if (++wrong_passwords_ >= kWrongPasswordsMax) {
        wrong_passwords_ = 0;
        locked_until_ = now + kPasswordLock;
    }
    return false;
}

void Server::write(const Frame& request, const Target& target, Instant now) {
    const auto refused = [&](Error error) { refuse(target, Function::kWrite, error, now); };
    constexpr std::size_t kHead = kIdSize + kPasswordSize + kOperatorSize;
    if (target.wildcard || request.data.size() < kHead) return refused(Error::kOther);
    if (!password_fits(target, request.bytes().subspan(kIdSize, kPasswordSize), now))
        return refused(Error::kNotAuthorised);
    const Bytes value = request.bytes().subspan(kHead);
    const std::uint32_t id = request.data_id()->value;
    // Only the clock. A date comes as WW DD MM YY, a time as ss mm hh; the weekday follows from the date.
    std::size_t expected = 0;
    if (id == 0x04000101) expected = 4;
    if (id == 0x04000102) expected = 3;
    if (id == 0x0400010C) expected = 7;
    if (expected == 0) return refused(Error::kNotAuthorised);
    if (value.size() != expected) return refused(Error::kOther);
    std::array<Byte, 6> six;  // ss mm hh DD MM YY
    const std::optional<CivilSeconds> own = box_.clock();
    if (id != 0x0400010C && !own) return refused(Error::kOther);
    const CivilTime t = to_civil(own.value_or(0));
    six = {to_bcd(t.second), to_bcd(t.minute), to_bcd(t.hour), to_bcd(t.day), to_bcd(t.month), to_bcd(t.year % 100u)};
    if (id != 0x04000101) std::copy_n(value.begin(), 3, six.begin());
    if (id != 0x04000102) std::copy_n(value.end() - 3, 3, six.begin() + 3);
    const std::optional<CivilSeconds> time = get_time(six);
    if (!time || !box_.correct_clock(ClockSource::kPassword, *time, operator_of(request.bytes().subspan(kIdSize)), now))
        return refused(Error::kOther);
    reply(target, Function::kWrite, {}, now);
}

void Server::control(const Frame& request, const Target& target, Instant now) {
    const auto refused = [&](Error error) { refuse(target, Function::kControl, error, now); };
    constexpr std::size_t kCommandAt = kPasswordSize + kOperatorSize;
    constexpr std::size_t kSize = kCommandAt + 2 + 6;
    if (target.wildcard) return refused(Error::kOther);
    if (!box_.config().plain_writes) return refused(Error::kNotAuthorised);
    if (request.data.size() != kSize || target.meter == 0) return refused(Error::kOther);
    if (!password_fits(target, request.bytes().first(kPasswordSize), now)) return refused(Error::kNotAuthorised);
    // 1A trip, 1B permit closing, 1C close. The last two take the hold away; whether the contact closes is decided by
    // the other holds.
    const Byte command = request.data[kCommandAt];
    if (command < 0x1A || command > 0x1C) return refused(Error::kOther);
    const std::optional<CivilSeconds> valid_until = get_time(request.bytes().subspan(kCommandAt + 2));
    const std::optional<CivilSeconds> own = box_.clock();
    if (!valid_until || !own || *own > *valid_until) return refused(Error::kOther);
    if (!box_.set_remote_hold({target.meter}, command == 0x1A, operator_of(request.bytes()), now))
        return refused(Error::kOther);
    reply(target, Function::kControl, {}, now);
}

void Server::sealed_command(const Frame& request, const Target& target, Instant now) {
    const auto refused = [&](Byte reason) {
        const std::array<Byte, 2> error{reason, 0x00};
        send(target, dlt645::error_reply(Function::kSecurity), error, now);
    };
    if (!target.wildcard && request.data_id() == dlt645::kCardShown) return card_shown(request, target, now);
    if (!target.wildcard && request.data_id() == dlt645::kCardWritten) return card_written(request, target, now);
    if (target.wildcard || request.data_id() != dlt645::kSealedCommand) return refused(kSecurityOther);
    const std::uint64_t number = box_.config().box.value;
    const auto opened = card::unseal_request(mac_, box_.config().keys, number, request.bytes());
    if (!opened) {
        box_.recorder().log(EventKind::kForgedCommand, {}, events::on_line(target.meter, 0));
        return refused(kSecurityVerify);
    }
    constexpr std::size_t kCommandAt = 13;
    constexpr std::size_t kTagSize = 12;
    ByteReader tag(request.bytes().last(kTagSize));
    const Byte code = request.data[kCommandAt];
    const card::Answer answer =
        box_.execute(*opened, tag.get_u32(), target.meter, code >= 1 && code <= card::kCommandCodeMax, now);
    if (answer.result == card::Result::kOldCounter)
        box_.recorder().log(EventKind::kReplayedCommand, {},
                            events::on_line(target.meter, opened->request.operator_number));
    const card::SealedAnswer sealed =
        card::seal_answer(mac_, box_.config().keys, number, opened->request.operator_number, answer);
    reply(target, Function::kSecurity, {sealed.data(), sealed.size()}, now);
}

// --- A card on a reader of the line

// The same question again is none: the box remembers what it said.
bool Server::may_tap(const dlt645::CardPresented& presented, Instant now) {
    if (last_tap_ == presented) return true;
    const std::int64_t more = (now - taps_at_).count() / kTapInterval.count();
    taps_at_ = taps_at_ + kTapInterval * more;
    taps_left_ = static_cast<int>(std::min<std::int64_t>(kTapsInARow, taps_left_ + more));
    if (taps_left_ == 0) return false;
    --taps_left_;
    last_tap_ = presented;
    return true;
}

void Server::card_shown(const Frame& request, const Target& target, Instant now) {
    const auto presented = dlt645::decode_card_presented(request.bytes().subspan(kIdSize));
    if (!presented || target.meter != 0) {
        const std::array<Byte, 2> error{kSecurityOther, 0x00};
        return send(target, dlt645::error_reply(Function::kSecurity), error, now);
    }
    CardShown shown;
    shown.uid = presented->card.uid;
    shown.credit = presented->card.credit;
    shown.slot = presented->card.slot;
    shown.has_other = presented->card.has_other;
    shown.place = {presented->reader.value, presented->tap};
    CardAnswer answer;
    if (may_tap(*presented, now))
        answer = box_.present_card(mac_, shown, now);
    else
        answer.code = CardCode::kPaused;

    dlt645::CardOutcome outcome;
    outcome.reader = presented->reader;
    outcome.tap = presented->tap;
    outcome.slot = presented->card.slot;
    outcome.code = static_cast<std::uint8_t>(answer.code);
    outcome.household = answer.household.number;
    outcome.bought_hundredths = static_cast<std::int32_t>(
        std::clamp<std::int64_t>(in_hundredths(answer.bought, Round::kDown), INT32_MIN, INT32_MAX));
    outcome.remaining_hundredths = answer.remaining_hundredths;
    outcome.has_return = answer.has_return;
    outcome.return_record = answer.return_record;
    std::array<Byte, kIdSize + dlt645::kCardOutcomeSizeMax> data{};
    ByteWriter(data).put_u32(dlt645::kCardShown.value);
    const std::size_t size = dlt645::encode(outcome, MutableBytes(data).subspan(kIdSize));
    reply(target, Function::kSecurity, Bytes(data).first(kIdSize + size), now);
}

// Nothing is believed that the box has not given out itself: a generation counts once, and moves no credit.
void Server::card_written(const Frame& request, const Target& target, Instant now) {
    const auto written = dlt645::decode_card_written(request.bytes().subspan(kIdSize));
    if (!written || target.meter != 0) {
        const std::array<Byte, 2> error{kSecurityOther, 0x00};
        return send(target, dlt645::error_reply(Function::kSecurity), error, now);
    }
    (void)box_.card_written({written->household}, written->generation, now);
    reply(target, Function::kSecurity, request.bytes(), now);
}

}  // namespace prewatt::meter
