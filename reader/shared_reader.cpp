#include "reader/shared_reader.hpp"

#include <algorithm>
#include <cassert>

#include "card/records.hpp"
#include "card/uid.hpp"

namespace prewatt::reader {

using card::CardFault;
using dlt645::CardOutcome;
using dlt645::Function;

static_assert(card::kRecordBytes == dlt645::kCardRecordBytes);

namespace {

constexpr std::size_t kIdSize = 4;

std::optional<card::RecordHeader> header_of(const card::RecordBytes& record, card::RecordType type) {
    const auto header = card::read_header(Bytes(record).first(card::kHeaderBytes));
    if (!header || header->type != type) return std::nullopt;
    return *header;
}

}  // namespace

SharedReader::SharedReader(const ReaderConfig& config, card::Mac& mac, card::M1Reader& field)
    : config_(config),
      mac_(mac),
      field_(field),
      address_(dlt645::address_of(config.number)),
      tap_(config.first_tap - 1) {
    assert(config.number.value != 0 && config.layout.base >= card::kBaseMin && config.layout.base <= card::kBaseMax);
}

// --- The card's half

void SharedReader::go(TapEvent event) {
    const std::optional<TapState> to = after(state_, event);
    assert(to);
    state_ = *to;
}

void SharedReader::show(Signal signal, Instant now, std::uint8_t code) {
    shown_ = {signal, code, 0, 0, 0};
    shown_at_ = now;
}

Shown SharedReader::shown(Instant now) const {
    const bool idle = state_ == TapState::kAway;
    if ((idle || state_ == TapState::kWaiting) && started_ && now - heard_at_ > kOfficeSilence)
        return {Signal::kOfficeOffLine, 0, 0, 0, 0};
    if (idle && now - shown_at_ > kShowTime) return {};
    return shown_;
}

card::SectorKey SharedReader::key_a(std::uint8_t sector) {
    return card::sector_key(mac_, config_.sector_read, uid_, sector, card::KeyKind::kA);
}

Instant SharedReader::step_card(Instant now) {
    if (!started_) {
        started_ = true;
        heard_at_ = now;
        shown_at_ = now - kShowTime - seconds(1);
    }
    if (now < card_at_) return card_at_;
    switch (state_) {
        case TapState::kAway:
            look(now);
            break;
        case TapState::kReading:
            read_on(now);
            break;
        case TapState::kWriting:
            write_on(now);
            break;
        case TapState::kWaiting:
        case TapState::kLeaving:
            check_presence(now);
            break;
    }
    switch (state_) {
        case TapState::kAway:
            card_at_ = now + kLookInterval;
            break;
        case TapState::kReading:
        case TapState::kWriting:
            card_at_ = now;
            break;
        case TapState::kWaiting:
        case TapState::kLeaving:
            card_at_ = now + kPresenceInterval;
            break;
    }
    return card_at_;
}

void SharedReader::look(Instant now) {
    const auto uid = field_.select();
    misses_ = 0;
    if (!uid) {
        switch (uid.error()) {
            case CardFault::kSeveral:
                return ignore(now, Signal::kSeveralCards);
            case CardFault::kNotM1:
                return ignore(now, std::nullopt);
            case CardFault::kReader:
                return show(Signal::kBroken, now);
            case CardFault::kNoCard:
            case CardFault::kWrongKey:
            case CardFault::kRefused:
                return;
        }
    }
    uid_ = *uid;
    // A number made anew at every visit: a phone or a bank card.
    if (card::fault_of(uid_)) return ignore(now, std::nullopt);
    go(TapEvent::kCame);
    shown_ = {};  // what was said to the one before
    reading_ = Reading::kOpenIdentity;
    other_shown_ = false;
}

// Until it leaves nothing is tried any more, so nothing is repeated.
void SharedReader::ignore(Instant now, std::optional<Signal> signal) {
    go(TapEvent::kIgnored);
    if (signal)
        show(*signal, now);
    else
        ++counts_.ignored_cards;
}

void SharedReader::left(Instant now) {
    const bool worked_on = state_ == TapState::kReading || state_ == TapState::kWaiting || state_ == TapState::kWriting;
    go(TapEvent::kLeft);
    misses_ = 0;
    writer_.reset();
    if (worked_on) {
        ++counts_.gone_early;
        show(Signal::kComeAgain, now);
    } else {
        shown_at_ = now;
    }
}

void SharedReader::on_fault(CardFault fault, Instant now) {
    switch (fault) {
        case CardFault::kNoCard:
            return left(now);
        case CardFault::kWrongKey:  // somebody else's M1 card
        case CardFault::kRefused:
        case CardFault::kNotM1:
            return ignore(now, std::nullopt);
        case CardFault::kSeveral:
            return ignore(now, Signal::kSeveralCards);
        case CardFault::kReader:
            return ignore(now, Signal::kBroken);
    }
}

std::expected<void, CardFault> SharedReader::open(std::uint8_t sector) {
    return field_.authenticate(card::first_block(sector), card::KeyKind::kA, key_a(sector));
}

bool SharedReader::read(std::uint8_t sector, std::uint8_t block, card::RecordBytes& into, Instant now) {
    const auto bytes = field_.read(static_cast<std::uint8_t>(card::first_block(sector) + block));
    if (!bytes) {
        on_fault(bytes.error(), now);
        return false;
    }
    std::copy(bytes->begin(), bytes->end(), into.begin() + block * static_cast<std::ptrdiff_t>(card::kBlockBytes));
    return true;
}

void SharedReader::read_on(Instant now) {
    const auto opened = [&](std::uint8_t sector, Reading next) {
        if (const auto done = open(sector); !done) return on_fault(done.error(), now);
        reading_ = next;
    };
    switch (reading_) {
        case Reading::kOpenIdentity:
            return opened(config_.layout.identity(), Reading::kIdentity);
        case Reading::kIdentity: {
            card::RecordBytes identity{};
            if (!read(config_.layout.identity(), 0, identity, now)) return;
            const auto header = header_of(identity, card::RecordType::kIdentity);
            if (!header) return ignore(now, std::nullopt);
            // A header may lie: then somebody sees a light.
            if (header->note == static_cast<std::uint8_t>(card::CardKind::kReaderTest))
                return ignore(now, Signal::kReads);
            if (header->note != static_cast<std::uint8_t>(card::CardKind::kHousehold))
                return ignore(now, Signal::kNotForThisReader);
            show(Signal::kHoldCard, now);
            reading_ = Reading::kOpenFirst;
            return;
        }
        case Reading::kOpenFirst:
            return opened(config_.layout.credit(0), Reading::kFirst);
        case Reading::kFirst:
            if (!read(config_.layout.credit(0), 0, copies_[0], now)) return;
            reading_ = Reading::kOpenSecond;
            return;
        case Reading::kOpenSecond:
            return opened(config_.layout.credit(1), Reading::kSecond);
        case Reading::kSecond:
            if (!read(config_.layout.credit(1), 0, copies_[1], now)) return;
            return choose_copy(now);
        case Reading::kOpenChosen:
            return opened(config_.layout.credit(slot_), Reading::kBody);
        case Reading::kBody:
            if (!read(config_.layout.credit(slot_), 1, copies_[slot_], now)) return;
            reading_ = Reading::kTail;
            return;
        case Reading::kTail:
            if (!read(config_.layout.credit(slot_), 2, copies_[slot_], now)) return;
            return offer();
    }
}

void SharedReader::choose_copy(Instant now) {
    const auto newest = card::newest_by_header(copies_, card::RecordType::kCredit);
    if (!newest) {
        // The site's card and nothing on it: the box would say the same.
        go(TapEvent::kIgnored);
        return show(Signal::kRefused, now, dlt645::kCodeEmptyCard);
    }
    slot_ = *newest;
    const auto other = header_of(copies_[slot_ ^ 1u], card::RecordType::kCredit);
    has_other_ = other && (other->generation & 1) == (slot_ ^ 1u);
    reading_ = slot_ == 1 ? Reading::kBody : Reading::kOpenChosen;
}

void SharedReader::offer() {
    const auto header = header_of(copies_[slot_], card::RecordType::kCredit);
    credit_ = header.value_or(card::RecordHeader{});
    went_up_ = false;
    if (!other_shown_) {
        ++tap_;
        ++counts_.taps;
    }
    go(TapEvent::kRead);
}

void SharedReader::check_presence(Instant now) {
    const auto uid = field_.select();
    if (uid && card::same(*uid, uid_)) {
        misses_ = 0;
        return;
    }
    // A phone has another number each time.
    if (state_ == TapState::kLeaving && uid && card::fault_of(*uid)) {
        misses_ = 0;
        return;
    }
    if (!uid && uid.error() == CardFault::kNoCard) {
        if (++misses_ >= kMissesMax) left(now);
        return;
    }
    // Something else lies there now. Whatever is waiting for an answer loses it; the next look begins with the new one.
    if (state_ == TapState::kWaiting || uid) left(now);
}

void SharedReader::write_on(Instant now) {
    // The writer asks the card at its end who it is. It is asked at the beginning too: a reader that wakes whatever it
    // finds would write into a card that was exchanged while the line was busy.
    if (!checked_) {
        checked_ = true;
        const auto uid = field_.select();
        if (!uid || !card::same(*uid, uid_)) left(now);
        return;
    }
    if (writer_->step(field_) == card::Progress::kBusy) return;
    report_ = true;
    report_of_ = {dlt645::TapState::kReport, outcome_.tap, {}, writer_->progress() == card::Progress::kDone, 0};
    report_of_.generation = header_of(outcome_.return_record, card::RecordType::kReturn)->generation;
    if (report_of_.written) {
        ++counts_.written;
        go(TapEvent::kEnded);
        shown_at_ = now;
        shown_ = {outcome_.code == dlt645::kCodeDone ? Signal::kDone : Signal::kRefused, outcome_.code,
                  outcome_.household, outcome_.bought_hundredths, outcome_.remaining_hundredths};
        writer_.reset();
        return;
    }
    switch (writer_->fault()) {
        case card::WriteFault::kNoCard:
        case card::WriteFault::kSwapped:
            return left(now);
        case card::WriteFault::kWrongKey:
        case card::WriteFault::kRefused:
        case card::WriteFault::kNotVerified:
            show(Signal::kDamagedCard, now);
            break;
        case card::WriteFault::kReader:
            show(Signal::kBroken, now);
            break;
    }
    go(TapEvent::kEnded);
    writer_.reset();
}

// --- The line's half

void SharedReader::on_byte(Byte byte, Instant now, bool bad_parity) {
    const std::optional<dlt645::Frame> frame = decoder_.on_byte(byte, now, bad_parity);
    if (!frame || frame->control.is_reply() || !(frame->address == address_)) return;
    reply_at_ = kNever;
    handle(*frame, now);
}

SharedReader::Step SharedReader::poll_line(Instant now) {
    if (now < reply_at_) return {{}, reply_at_};
    if (reply_is_tap_) put_tap();
    reply_at_ = kNever;
    return {{reply_.data(), reply_.size()}, kNever};
}

void SharedReader::reply(Function function, Bytes data, Instant now) {
    reply_ = dlt645::encode(address_, dlt645::reply(function), data, 0);
    reply_is_tap_ = false;
    reply_at_ = now + kTurnaround;
}
void SharedReader::refuse(Function function, dlt645::Error error, Instant now) {
    // 03H has two bytes of error (docs/formats/dlt645.md).
    const std::array<Byte, 2> bytes{static_cast<Byte>(error), 0x00};
    reply_ = dlt645::encode(address_, dlt645::error_reply(function),
                            Bytes(bytes).first(function == Function::kSecurity ? 2 : 1), 0);
    reply_is_tap_ = false;
    reply_at_ = now + kTurnaround;
}

void SharedReader::handle(const dlt645::Frame& frame, Instant now) {
    if ((frame.control.code & 0xE0) != 0) return;
    ++counts_.questions;
    started_ = true;
    heard_at_ = now;
    const Function function = frame.control.function();
    const auto id = frame.data_id();
    switch (function) {
        case Function::kRead:
            if (id != dlt645::kReaderTap) return refuse(function, dlt645::Error::kNoSuchData, now);
            return answer_tap(frame, now);
        case Function::kSecurity:
            if (id != dlt645::kReaderOutcome) return refuse(function, dlt645::Error::kOther, now);
            return take_outcome(frame, now);
        case Function::kReadAddress:
            return reply(function, address_.bytes, now);
        case Function::kSetTime:
        case Function::kReadFollowing:
        case Function::kWrite:
        case Function::kFreeze:
        case Function::kSetSpeed:
        case Function::kSetPassword:
        case Function::kClearDemand:
        case Function::kClearMeter:
        case Function::kClearEvents:
        case Function::kControl:
        case Function::kTerminal:
            return refuse(function, dlt645::Error::kOther, now);
        case Function::kWriteAddress:
            return;
    }
}

void SharedReader::answer_tap(const dlt645::Frame& frame, Instant now) {
    ByteReader asked(frame.bytes().subspan(kIdSize));
    if (asked.left() == 4) {
        if (asked.get_u32() == report_of_.tap) report_ = false;
    } else if (asked.left() != 0) {
        return refuse(Function::kRead, dlt645::Error::kOther, now);
    }
    reply_is_tap_ = true;
    reply_at_ = now + kTurnaround;
    if (state_ == TapState::kAway) card_at_ = std::min(card_at_, now);
}

void SharedReader::put_tap() {
    dlt645::ReaderTap tap;
    if (state_ == TapState::kWaiting) {
        went_up_ = true;
        tap.state = dlt645::TapState::kWaiting;
        tap.tap = tap_;
        tap.card = {uid_, slot_, has_other_, copies_[slot_]};
    } else if (report_) {
        tap = report_of_;
    } else if (state_ == TapState::kReading || state_ == TapState::kWriting) {
        tap.state = dlt645::TapState::kBusy;
    }
    std::array<Byte, kIdSize + dlt645::kReaderTapSizeMax> data{};
    ByteWriter(data).put_u32(dlt645::kReaderTap.value);
    const std::size_t size = encode(tap, MutableBytes(data).subspan(kIdSize));
    reply_ = dlt645::encode(address_, dlt645::reply(Function::kRead), Bytes(data).first(kIdSize + size), 0);
}

bool SharedReader::fits(const CardOutcome& outcome) const {
    if (outcome.reader != config_.number || outcome.tap != tap_ || outcome.slot != slot_ || !went_up_) return false;
    if (!outcome.has_return) return true;
    const auto header = header_of(outcome.return_record, card::RecordType::kReturn);
    return header && header->box == credit_.box && header->household == credit_.household;
}

void SharedReader::take_outcome(const dlt645::Frame& frame, Instant now) {
    const auto outcome = dlt645::decode_card_outcome(frame.bytes().subspan(kIdSize));
    if (!outcome || outcome->reader != config_.number) {
        ++counts_.stray_outcomes;
        return refuse(Function::kSecurity, dlt645::Error::kOther, now);
    }
    // Said again because our answer was lost: answered again, and nothing happens.
    const bool again = *outcome == outcome_;
    if (!again && (state_ != TapState::kWaiting || !fits(*outcome))) {
        ++counts_.stray_outcomes;
        return refuse(Function::kSecurity, dlt645::Error::kOther, now);
    }
    std::array<Byte, kIdSize + 5> heard{};
    ByteWriter writer(heard);
    writer.put_u32(dlt645::kReaderOutcome.value);
    writer.put_u8(1);
    writer.put_u32(outcome->tap);
    reply(Function::kSecurity, heard, now);
    if (again) return;
    outcome_ = *outcome;
    card_at_ = now;
    if (outcome->code == dlt645::kCodeShowOther) {
        if (has_other_) {
            slot_ ^= 1u;
            has_other_ = false;
            other_shown_ = true;
            reading_ = Reading::kOpenChosen;
            return go(TapEvent::kShowOther);
        }
        go(TapEvent::kAnswered);
        return show(Signal::kRefused, now, dlt645::kCodeEmptyCard);
    }
    if (outcome->has_return) {
        const auto header = header_of(outcome->return_record, card::RecordType::kReturn);
        const std::uint8_t sector = config_.layout.returns(static_cast<std::uint8_t>(header->generation & 1));
        checked_ = false;
        writer_.emplace(uid_, sector, card::sector_key(mac_, config_.sector_return, uid_, sector, card::KeyKind::kB),
                        outcome->return_record);
        return go(TapEvent::kReturned);
    }
    go(TapEvent::kAnswered);
    const Signal signal = outcome->code == dlt645::kCodeDone         ? Signal::kDone
                          : outcome->code == dlt645::kCodeBoxOffLine ? Signal::kBoxOffLine
                                                                     : Signal::kRefused;
    shown_at_ = now;
    shown_ = {signal, outcome->code, outcome->household, outcome->bought_hundredths, outcome->remaining_hundredths};
}

}  // namespace prewatt::reader
