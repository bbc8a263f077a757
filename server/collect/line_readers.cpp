// The shared readers of a line, as far as they are the master's: what reader_driver decides becomes frames here, and
// what a box has said to a card becomes what the office knows.
#include <algorithm>

#include "card/records.hpp"
#include "server/collect/line_master.hpp"

namespace prewatt::collect {
namespace {

using dlt645::Function;

constexpr std::size_t kTapReplyMax = dlt645::kReaderTapSizeMax;
constexpr std::size_t kOutcomeReplyMax = dlt645::kCardOutcomeSizeMax;
constexpr std::size_t kHeardReplyMax = 5;

bool newer(std::uint16_t epoch, std::uint32_t number, std::uint16_t than_epoch, std::uint32_t than_number) {
    return epoch > than_epoch || (epoch == than_epoch && number > than_number);
}

}  // namespace

void LineMaster::set_readers(std::span<const std::uint16_t> numbers, Instant now) {
    std::vector<Reader> next;
    ReaderDriver::Timing timing;
    timing.attempts = settings_.attempts;
    for (const std::uint16_t number : numbers) {
        if (number == 0) continue;
        const auto old = std::find_if(readers_.begin(), readers_.end(),
                                      [number](const Reader& r) { return r.quality.number == number; });
        if (old != readers_.end()) {
            next.push_back(std::move(*old));
            next.back().driver.drop(now);
        } else {
            next.push_back({ReaderDriver({number}, timing), {}, false, {}});
            next.back().quality.number = number;
        }
    }
    if (exchange_.active && is_of_reader(exchange_.kind)) exchange_.active = false;
    readers_ = std::move(next);
    reader_cursor_ = 0;
}

std::vector<ReaderQuality> LineMaster::reader_quality() const {
    std::vector<ReaderQuality> list;
    for (const Reader& reader : readers_) {
        list.push_back(reader.quality);
        list.back().answering = reader.driver.has_answered() && reader.driver.is_answering();
    }
    return list;
}

Instant LineMaster::reader_due() const {
    Instant due = kNever;
    for (const Reader& reader : readers_)
        due = std::min(due, reader.driver.due(true));
    return due;
}

bool LineMaster::start_reader(Instant now, bool idle) {
    for (std::size_t n = 0; n < readers_.size(); ++n) {
        const std::size_t index = (reader_cursor_ + n) % readers_.size();
        Reader& reader = readers_[index];
        std::optional<ReaderDriver::Step> step;
        const Box* box = nullptr;
        const auto find_box = [&](card::BoxDigits number) {
            const auto it = std::find_if(boxes_.begin(), boxes_.end(),
                                         [&](const Box& each) { return each.setup.number == number; });
            box = it == boxes_.end() ? nullptr : &*it;
            return box != nullptr;
        };
        std::array<Byte, 4 + dlt645::kDataSizeMax> data{};
        ByteWriter writer(data);
        const auto put = [&](dlt645::DataId id, const auto& item) {
            writer.put_u32(id.value);
            return Bytes(data).first(4 + dlt645::encode(item, MutableBytes(data).subspan(4)));
        };
        const auto to_box = [&](Kind kind, dlt645::DataId id, Bytes bytes, std::size_t reply_data) {
            const auto box_index = static_cast<std::size_t>(box - boxes_.data());
            // Without preamble, as the readers: whoever understands this item needs none, and a person waits.
            send_to(dlt645::address_of(box->number, Household{0}), kind, Function::kSecurity, id, bytes, reply_data, 0,
                    now);
            exchange_.box = box_index;
            ++boxes_[box_index].quality.asked;
        };
        // A card of a box that is not on this line is answered at once, so a second step may follow.
        while ((step = reader.driver.next(now, idle))) {
            if (const auto* present = std::get_if<ReaderDriver::Present>(&*step)) {
                if (!find_box(present->box)) {
                    reader.driver.on_outcome(reader.driver.said_by_master(dlt645::kCodeUnknownBox), now);
                    continue;
                }
                to_box(Kind::kCard, dlt645::kCardShown, put(dlt645::kCardShown, present->card), kOutcomeReplyMax);
            } else if (const auto* written = std::get_if<ReaderDriver::Written>(&*step)) {
                if (!find_box(written->box)) {
                    reader.driver.on_written(now);
                    continue;
                }
                to_box(Kind::kWritten, dlt645::kCardWritten, put(dlt645::kCardWritten, written->written),
                       dlt645::kCardWrittenSize);
            } else if (const auto* tell = std::get_if<ReaderDriver::Tell>(&*step)) {
                tell_tap(reader, tell->outcome, now);
                send_to(dlt645::address_of(reader.driver.number()), Kind::kOutcome, Function::kSecurity,
                        dlt645::kReaderOutcome, put(dlt645::kReaderOutcome, tell->outcome), kHeardReplyMax, 0, now);
            } else {
                const auto& poll = std::get<ReaderDriver::Poll>(*step);
                writer.put_u32(dlt645::kReaderTap.value);
                if (poll.heard) writer.put_u32(*poll.heard);
                send_to(dlt645::address_of(reader.driver.number()), Kind::kTap, Function::kRead, dlt645::kReaderTap,
                        writer.written(), kTapReplyMax, 0, now);
                ++reader.quality.polls;
                reader_cursor_ = index + 1;
            }
            exchange_.reader = index;
            return true;
        }
    }
    return false;
}

bool LineMaster::start_reader_before_ordinary(Instant now) {
    if (readers_.empty()) return false;
    // Only what is surely long: the rest of a block, and a box of which nothing is known.
    bool is_long = transfer_.active;
    for (std::size_t n = 0; n < boxes_.size() && !transfer_.active; ++n) {
        const Box& box = boxes_[(cursor_ + n) % boxes_.size()];
        if (box.contact == Contact::kSilent || now < box.sweep_after) continue;
        is_long = box.version == 0;
        break;
    }
    if (!is_long) return false;
    const Duration takes = character_time(
        static_cast<std::int64_t>(settings_.preamble + 2 * dlt645::kFrameOverhead + 8 + dlt645::kDataSizeMax));
    for (Reader& reader : readers_)
        reader.driver.make_way(now, takes);
    return start_reader(now, false);
}

void LineMaster::on_reader_reply(const dlt645::Frame& frame, Instant now) {
    Reader& reader = readers_[exchange_.reader];
    const Bytes body = frame.bytes().subspan(4);
    const bool of_reader = exchange_.kind == Kind::kTap || exchange_.kind == Kind::kOutcome;
    const auto accept = [&] {
        ++counters_.replies;
        if (of_reader) reader.quality.heard_at = unix_at(now);
        exchange_.active = false;
        ended_at_ = now;
        quiet_until_ = now + character_time(settings_.gap_characters);
    };
    const auto ignore = [&] {  // a late answer to something else
        ++counters_.ignored_frames;
        exchange_.begun = false;
    };
    switch (exchange_.kind) {
        case Kind::kTap: {
            const auto tap = dlt645::decode_reader_tap(body);
            if (!tap) return fail(Failure::kDamaged, now);
            accept();
            ++reader.quality.answered;
            reader.driver.on_tap(*tap, now);
            return tell_reader(reader, now);
        }
        case Kind::kCard: {
            const auto outcome = dlt645::decode_card_outcome(body);
            const dlt645::CardPresented& asked = reader.driver.presented();
            if (!outcome || outcome->reader != asked.reader || outcome->tap != asked.tap ||
                outcome->slot != asked.card.slot)
                return ignore();
            accept();
            Box& box = boxes_[exchange_.box];
            answered(box, now);
            // The copy of what was asked: the driver goes on to the next one.
            const dlt645::CardPresented presented = asked;
            reader.driver.on_outcome(*outcome, now);
            on_card_answer(box, presented, *outcome, now);
            return;
        }
        case Kind::kOutcome: {
            ByteReader heard(body);
            if (heard.get_u8() != 1 || heard.get_u32() != reader.driver.presented().tap || !heard.finished())
                return ignore();
            accept();
            return reader.driver.on_told(now);
        }
        default: {
            const auto written = dlt645::decode_card_written(body);
            if (!written || written->reader != reader.driver.number()) return ignore();
            accept();
            answered(boxes_[exchange_.box], now);
            return reader.driver.on_written(now);
        }
    }
}

void LineMaster::on_reader_fail(Failure failure, Instant now) {
    Reader& reader = readers_[exchange_.reader];
    const bool of_box = exchange_.kind == Kind::kCard || exchange_.kind == Kind::kWritten;
    if (failure == Failure::kErrorReply) {
        if (of_box) answered(boxes_[exchange_.box], now);
        reader.driver.on_refused(now);
    } else {
        bool last = false;
        if (of_box && failure == Failure::kTimeout) {
            Box& box = boxes_[exchange_.box];
            last = box.contact == Contact::kSilent;  // known before: one try, and the person learns it
            not_answered(box, now);
        } else if (failure == Failure::kTimeout) {
            ++counters_.timeouts;
        }
        reader.driver.on_no_answer(now, last);
    }
    tell_reader(reader, now);
}

void LineMaster::tell_reader(Reader& reader, Instant now) {
    const bool answering = reader.driver.has_answered() && reader.driver.is_answering();
    if (answering == reader.told_answering) return;
    reader.told_answering = answering;
    office_.on_reader(reader.quality.number, answering, unix_at(now));
}

void LineMaster::on_card_answer(Box& box, const dlt645::CardPresented& presented, const dlt645::CardOutcome& outcome,
                                Instant now) {
    if (outcome.code == dlt645::kCodeShowOther) return;
    const std::uint8_t h = outcome.household;
    if (h < 1 || h > kHouseholdsMax) return;
    if (outcome.has_return) on_return(box, presented, outcome, now);
    // What was said in clear is believed by nobody: it makes us look, soon, and at the account where nothing was
    // proved.
    Tenant& tenant = box.tenants[h];
    if (!tenant.bound) return;
    tenant.changed_at = now;
    tenant.seen = false;
    read_account(box, h, now);
    look_soon(box, outcome.code == dlt645::kCodeDone ? 3 : 0, now);
}

// The box's own record of what it has taken, sealed for this card: as good as an authenticated answer, and with the
// total. A card that the office of before a restored backup had written brings a total of its own.
void LineMaster::on_return(Box& box, const dlt645::CardPresented& presented, const dlt645::CardOutcome& outcome,
                           Instant now) {
    if (!box.setup.record_keys) return;
    const auto record = card::open_return(mac_, *box.setup.record_keys, presented.card.uid, outcome.return_record);
    if (!record || record->household < 1 || record->household > kHouseholdsMax) return;
    Tenant& tenant = box.tenants[record->household];
    if (!tenant.bound || !newer(record->epoch, record->ticket_number, tenant.epoch, tenant.number)) return;
    const server::TicketTotal& newest = tenant.desired.ticket;
    const bool ahead = newer(record->epoch, record->ticket_number, newest.epoch, newest.number);
    const bool is_newest = record->epoch == newest.epoch && record->ticket_number == newest.number &&
                           record->credited_hundredths() == in_hundredths(newest.credited, Round::kDown);
    if (ahead) tenant.doubted = true;
    if (!ahead && !is_newest) {  // another total under a number of ours, or one that is not known here: it is read
        tenant.proved = false;
        tenant.account_after = now;
        return;
    }
    tenant.proved = is_newest;
    tenant.epoch = record->epoch;
    tenant.number = record->ticket_number;
    tenant.account_after = now;
    // It will be read back with what the box has just proved.
    if (is_newest && tenant.account && tenant.account->epoch == newest.epoch) {
        tenant.account->ticket_number = newest.number;
        tenant.account->credited_hundredths = in_hundredths(newest.credited, Round::kDown);
    }
    if (box.open && !box.open->setting && !box.open->ours && !still_wanted(box, *box.open, now)) box.open.reset();
    const card::Effect effect{record->epoch, record->ticket_number, record->remaining_hundredths, record->state};
    tenant.awaits_light = effect.state.holds().empty() && !effect.state.has(StateBit::kRelayClosed);
    if (tenant.awaits_light) look_soon(box, 3, now);
    office_.on_confirmed({tenant.desired.household, Part::kTicket, record->epoch, record->ticket_number}, effect,
                         unix_at(now));
}

// Once for each tap, however often its outcome has to be said.
void LineMaster::tell_tap(Reader& reader, const dlt645::CardOutcome& outcome, Instant now) {
    if (outcome.code == dlt645::kCodeShowOther || reader.told_outcome == outcome) return;
    reader.told_outcome = outcome;
    ++reader.quality.taps;
    if (outcome.code == dlt645::kCodeDone) ++reader.quality.booked;
    reader.quality.tapped_at = unix_at(now);
    TapNews news;
    news.reader = reader.quality.number;
    news.tap = outcome.tap;
    const auto header = card::read_header(Bytes(reader.driver.presented().card.credit).first(card::kHeaderBytes));
    if (header) news.box_number = header->box;
    const auto box = std::find_if(boxes_.begin(), boxes_.end(),
                                  [&](const Box& each) { return header && each.setup.number == header->box; });
    if (box != boxes_.end() && outcome.household >= 1 && outcome.household <= kHouseholdsMax &&
        box->tenants[outcome.household].bound)
        news.household = box->tenants[outcome.household].desired.household;
    news.code = outcome.code;
    news.bought_hundredths = outcome.bought_hundredths;
    news.remaining_hundredths = outcome.remaining_hundredths;
    office_.on_tap(news, unix_at(now));
}

}  // namespace prewatt::collect
