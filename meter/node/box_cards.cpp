// What cards order: credit, resuming, parameters, rights. The same whether the card lies on the box's own reader or on
// one of the line.
#include <algorithm>

#include "card/layout.hpp"
#include "meter/core/clear.hpp"
#include "meter/node/box.hpp"

namespace prewatt::meter {
namespace {

// State Grid's meters refuse cards below 0.75 Un: a supply that is about to go must not be caught writing a card.
constexpr Voltage kCardSupplyMin = volts(165);

constexpr bool is_attempt(card::RecordError error) {
    return error == card::RecordError::kTag || error == card::RecordError::kMisplaced;
}
constexpr CardCode code_of(card::RecordError error) {
    switch (error) {
        case card::RecordError::kVersion:
            return CardCode::kNewerFormat;
        case card::RecordError::kNotYours:
            return CardCode::kNotYours;
        case card::RecordError::kKeyVersion:
            return CardCode::kOtherKeys;
        case card::RecordError::kContents:
            return CardCode::kBadContents;
        case card::RecordError::kEmpty:
        case card::RecordError::kTag:
        case card::RecordError::kMisplaced:
            break;
    }
    return CardCode::kInvalid;
}
constexpr CardCode code_of(card::RightRefusal refusal) {
    switch (refusal) {
        case card::RightRefusal::kUsed:
            return CardCode::kRightUsed;
        case card::RightRefusal::kClockUnknown:
            return CardCode::kClockUnknown;
        case card::RightRefusal::kNotYet:
            return CardCode::kNotYet;
        case card::RightRefusal::kExpired:
            break;
    }
    return CardCode::kExpired;
}
// For the log.
constexpr std::uint32_t short_uid(const card::Uid& uid) {
    std::uint32_t value = 0;
    for (std::size_t k = 0; k < uid.size() && k < 4; ++k)
        value |= static_cast<std::uint32_t>(uid[k]) << 8 * k;
    return value;
}

}  // namespace

// --- Before anything is looked at

std::optional<CardCode> Box::closed_to_cards(CardPath path) const {
    if (!config_.card_keys) return CardCode::kNoReader;
    if (card_guards_[static_cast<std::size_t>(path)].is_paused(now_)) return CardCode::kPaused;
    if (measured_at_ == kNeverMeasured) return std::nullopt;
    // The board lives on whichever phase is best.
    Voltage best;
    for (const PhaseMeasurement& phase : present_.phases)
        if (phase.present) best = std::max(best, phase.voltage);
    if (best < kCardSupplyMin) return CardCode::kLowSupply;
    return std::nullopt;
}

// A card of which nothing can be believed. What is an attempt is counted and stored; a memory that refuses keeps
// nobody from pausing.
CardCode Box::refuse_card(card::RecordError error, const card::Uid& uid, CardPlace place) {
    if (error == card::RecordError::kEmpty) return CardCode::kInvalid;  // nothing stands there: anybody has such cards
    const CardCode code = code_of(error);
    if (is_attempt(error)) {
        const auto path = static_cast<std::size_t>(place.path());
        BoxBook box = books_.box;
        box.cards.attempts[path] = card_guards_[path].on_bad_card(clock(), now_);
        if (box.cards.bad_cards < UINT8_MAX) ++box.cards.bad_cards;
        Entry entry;
        entry.put_cards(box);
        (void)commit(entry);
        books_.box.cards = box.cards;
    }
    log_bad_card(uid, code, place);
    return code;
}

void Box::log_bad_card(const card::Uid& uid, CardCode code, CardPlace place) {
    if (code == CardCode::kNoReader) return;
    recorder_.log(EventKind::kBadCard, {}, events::bad_card(short_uid(uid), code, place.reader, place.tap));
}

// A copy that did not open and was never followed by the other one was an attempt as well.
void Box::end_half_shown(CardPath path) {
    HalfShown& half = half_shown_[static_cast<std::size_t>(path)];
    if (!half.pending) return;
    half.pending = false;
    (void)refuse_card(half.error, half.uid, half.place);
}

// A record of the box's own or of the site, whichever its header names.
template <class Record, class Open>
std::expected<Record, CardCode> Box::open_record(Open open, card::Mac& mac, const card::Uid& uid,
                                                 const card::RecordBytes& record, CardPlace place, Instant now) {
    begin(now);
    if (const auto code = closed_to_cards(place.path())) {
        log_bad_card(uid, *code, place);
        return std::unexpected(*code);
    }
    const auto header = card::read_header(Bytes(record).first(card::kHeaderBytes));
    const bool of_site = header && header->box == 0;
    const auto opened = open(mac, of_site ? config_.card_keys->site : config_.card_keys->own, uid, record);
    if (!opened) return std::unexpected(refuse_card(opened.error(), uid, place));
    return *opened;
}

std::expected<card::IdentityRecord, CardCode> Box::open_identity(card::Mac& mac, const card::Uid& uid,
                                                                 const card::RecordBytes& record, CardPlace place,
                                                                 Instant now) {
    return open_record<card::IdentityRecord>(card::open_identity, mac, uid, record, place, now);
}

std::expected<card::ParameterRecord, CardCode> Box::open_parameter(card::Mac& mac, const card::Uid& uid,
                                                                   const card::RecordBytes& record, CardPlace place,
                                                                   Instant now) {
    return open_record<card::ParameterRecord>(card::open_parameter, mac, uid, record, place, now);
}

// --- Household cards

CardAnswer Box::present_card(card::Mac& mac, const CardShown& shown, Instant now) {
    begin(now);
    const CardPath path = shown.place.path();
    // The reader has not heard the answer.
    if (path == CardPath::kLine && last_tap_ && now - last_tap_->at <= kTapRepeat && last_tap_->place == shown.place &&
        card::same(last_tap_->uid, shown.uid) && last_tap_->credit == shown.credit &&
        last_tap_->has_other == shown.has_other)
        return last_tap_->answer;
    const CardAnswer answer = judge_card(mac, shown);
    if (path == CardPath::kLine)
        last_tap_ = LastTap{shown.place, shown.uid, shown.credit, shown.has_other, now, answer};
    return answer;
}

CardAnswer Box::judge_card(card::Mac& mac, const CardShown& shown) {
    CardAnswer answer;
    if (const auto code = closed_to_cards(shown.place.path())) {
        answer.code = *code;
        log_bad_card(shown.uid, *code, shown.place);
        return answer;
    }
    HalfShown& half = half_shown_[static_cast<std::size_t>(shown.place.path())];
    const bool continues = half.pending && card::same(half.uid, shown.uid);
    if (!continues) end_half_shown(shown.place.path());
    const card::RecordError before = continues ? half.error : card::RecordError::kEmpty;
    half.pending = false;

    auto credit = card::open_credit(mac, config_.card_keys->own, shown.uid, shown.credit);
    if (credit && (credit->generation & 1) != shown.slot) credit = std::unexpected(card::RecordError::kMisplaced);
    if (!credit) {
        const card::RecordError error = std::max(credit.error(), before);
        if (shown.has_other) {
            half = {true, shown.uid, error, shown.place};
            answer.code = CardCode::kShowOther;
        } else {
            answer.code = refuse_card(error, shown.uid, shown.place);
        }
        return answer;
    }
    const Household h{credit->household};
    if (!has(h)) {
        answer.code = CardCode::kNotYours;
        log_bad_card(shown.uid, answer.code, shown.place);
        return answer;
    }
    answer.household = h;
    answer.code = take_card(h, *credit, mac, shown, answer);
    answer.remaining_hundredths = remaining_hundredths(h);
    if (answer.code != CardCode::kNotStored)
        recorder_.log(answer.code == CardCode::kDone ? EventKind::kCardSwiped : EventKind::kCardRefused, h,
                      events::card_swiped(credit->serial, answer.code, shown.place.reader, shown.place.tap,
                                          credit->ticket.number));
    return answer;
}

// Which generation of RETURN comes next: above everything that was ever given out or is read, in the slot that leaves
// alone what is known to be whole. 0: the generations are used up.
std::uint32_t Box::next_return(card::Mac& mac, Household h, const CardShown& shown) const {
    const CardBook& known = books_.households[at(h)].card;
    const std::optional<std::uint32_t> kept = known.return_kept != 0 ? std::optional(known.return_kept) : std::nullopt;
    std::array<card::CopyState, 2> copies{};
    if (shown.returns != nullptr) {
        copies = card::open_returns(mac, config_.card_keys->own, shown.uid, *shown.returns).copies;
    } else {
        copies[0].error = copies[1].error = card::RecordError::kEmpty;
        if (kept) copies[*kept & 1] = {*kept, std::nullopt};
    }
    const auto next = card::next_write(copies, kept);
    if (!next) return 0;
    std::uint32_t generation = next->generation;
    if (generation <= known.return_given) {
        const std::uint32_t behind = known.return_given - generation;
        if (behind > UINT32_MAX - 2 - known.return_given) return 0;
        generation += behind / 2 * 2 + 2;
    }
    return generation;
}

// What the household may hold after a swipe. One that has nothing left is not kept dark by a limit that its credit does
// not fit: then only what the display can show is the limit.
Credit Box::may_hold(Household h) const {
    const bool has_some = books_.households[at(h)].account.remaining() > Credit{};
    return credit_of_hundredths(has_some ? settings::in_force(books_.settings.households[at(h)].hoarding)
                                         : settings::kHoardingMax);
}

CardCode Box::take_card(Household h, const card::CreditRecord& credit, card::Mac& mac, const CardShown& shown,
                        CardAnswer& answer) {
    const HouseholdBook& was = books_.households[at(h)];
    const Account& account = was.account;
    const std::uint16_t epoch = credit.ticket.epoch;
    if (epoch < account.epoch || (!account.is_open() && epoch <= account.previous_epoch)) return CardCode::kOldAccount;
    if (epoch < was.card.epoch || (epoch == was.card.epoch && credit.issue < was.card.issue))
        return CardCode::kReplaced;

    HouseholdBook book = was;
    CardCode code = CardCode::kDone;
    const std::optional<Taken> taken = take(credit.ticket, h, book);
    if (!taken)
        code = CardCode::kBadContents;
    else if (taken->bought > Credit{} && book.account.remaining() > may_hold(h))
        code = CardCode::kHoarding;
    const bool took = code == CardCode::kDone;
    // Whoever holds too much for what he bought must be able to use it: the swipe resumes all the same.
    const bool resumes = took || code == CardCode::kHoarding;
    bool released = false;
    if (took) {
        book.card.epoch = epoch;
        book.card.issue = credit.issue;
    } else {
        book = was;
    }
    if (resumes) {
        acknowledge(book.account);
        if (credit.may_release_lockout) {
            HouseholdControl control = controls_[at(h)];
            released = control.reset(true, true);
            if (released) control.put_into(book.guards, 0);
        }
    }
    const bool supply_failed = was.card.boots != 0 && was.card.boots != books_.box.boots;
    book.card.boots = books_.box.boots;
    if (const std::uint32_t generation = next_return(mac, h, shown); generation != 0) {
        answer.has_return = true;
        answer.return_generation = book.card.return_given = generation;
    }

    Entry entry;
    entry.put(h, book);
    if (released || (guards_unsaved_ & bit(h)) != 0) entry.put_guards(h, book);
    entry.put_card(h, book);
    if (!commit(entry)) {
        answer.has_return = false;
        return CardCode::kNotStored;
    }

    // It is stored; from here on nothing can be refused.
    if (took) {
        answer.bought = taken->bought;
        recorder_.on_ticket(h, credit.ticket.number, was, book);
        if (taken->bought > Credit{}) purchase_ = {h, taken->bought};
    }
    if (resumes && was.account.cutoff == CutoffStage::kReminding)
        recorder_.log(
            EventKind::kAcknowledged, h,
            events::acknowledged(static_cast<std::int32_t>(in_hundredths(book.account.remaining(), Round::kDown)), 0));
    books_.households[at(h)] = book;
    forget_unsaved(h);
    if (released) controls_[at(h)].reset(true, true);
    next_guard_ = std::min(next_guard_, controls_[at(h)].next_due());
    refresh(h);
    if (answer.has_return)
        answer.return_record = card::seal(mac, config_.card_keys->own, shown.uid,
                                          return_of(h, answer.return_generation, supply_failed, !took));
    return code;
}

// A sign of tampering is said for so long: somebody who swipes once a month says it at least once, and nobody but time
// makes it silent. Of the box: what needs no key to be tried. Of the household: energy that flows backwards.
bool Box::tampered(Household h) const {
    constexpr CivilSeconds kSaid = 62 * 24 * 3600;
    constexpr EventKinds kOfBox{EventKind::kWrongPassword, EventKind::kForgedCommand, EventKind::kReplayedCommand,
                                EventKind::kBadCard};
    constexpr EventKinds kOfHousehold{EventKind::kReverseFlow};
    const CivilSeconds time = clock().value_or(0);
    const CivilSeconds from = time > kSaid ? time - kSaid : 0;
    const EventLog& log = archive().events;
    return log.happened_since(kOfBox, EventRing::kSecurity, {}, from) ||
           log.happened_since(kOfHousehold, EventRing::kFaults, h, from);
}

// Of the box and of this household. When the log was read is not stored: after a loss of supply it has never been read.
bool Box::records_wait(Household h) const {
    constexpr CivilSeconds kWait = 31 * 24 * 3600;
    const std::optional<CivilSeconds> time = clock();
    if (!time || *time <= kWait) return false;
    for (const EventRingInfo& ring : kEventRingTable)
        if (archive().events.happened_between(ring.ring, is_of_household(ring.ring) ? h : Household{}, log_read_at_,
                                              *time - kWait))
            return true;
    return false;
}

// What the household's card tells the office.
card::ReturnRecord Box::return_of(Household h, std::uint32_t generation, bool supply_failed,
                                  bool ticket_refused) const {
    const HouseholdBook& book = books_.households[at(h)];
    const dlt645::HouseholdRecord& published = published_[at(h)];
    card::ReturnRecord record;
    record.household = h.number;
    record.generation = generation;
    record.epoch = book.account.epoch;
    record.ticket_number = book.account.ticket_number;
    record.remaining_hundredths = published.remaining_hundredths;
    record.used_hundredths = static_cast<std::uint64_t>(std::clamp<std::int64_t>(
        in_hundredths(book.account.credited, Round::kDown) - in_hundredths(book.account.remaining(), Round::kDown), 0,
        static_cast<std::int64_t>(card::kUsedHundredthsMax)));
    record.energy_hundredths = published.forward_hundredths;
    const std::optional<CivilSeconds> time = clock();
    record.time = time.value_or(0);
    record.state = published.state;
    record.bad_cards = books_.box.cards.bad_cards;
    if (!time) record.set(card::Hint::kClockNotKnown);
    if (tampered(h)) record.set(card::Hint::kTamper);
    if (records_wait(h)) record.set(card::Hint::kRecordsWaiting);
    if (published.state.has(StateBit::kRelayFault)) record.set(card::Hint::kRelayFault);
    if (supply_failed) record.set(card::Hint::kSupplyFailed);
    if (!journal_.is_sound()) record.set(card::Hint::kMemoryWorn);
    if (published.state.has(StateBit::kForced)) record.set(card::Hint::kForcedPower);
    if (ticket_refused) record.set(card::Hint::kTicketRefused);
    return record;
}

bool Box::card_written(Household h, std::uint32_t generation, Instant now) {
    begin(now);
    if (!has(h)) return false;
    HouseholdBook& book = books_.households[at(h)];
    if (generation <= book.card.return_kept || generation > book.card.return_given) return false;
    HouseholdBook after = book;
    after.card.return_kept = generation;
    Entry entry;
    entry.put_card(h, after);
    if (!commit(entry)) return false;
    book.card = after.card;
    return true;
}

// --- Parameters

// All of the list into the entry, or false: it does not fit, or there would be no room for a snapshot.
bool Box::put_parameters(Entry& entry, const card::ParameterList& list) const {
    std::size_t values = 0;
    settings::SettingKey largest{};
    std::size_t at_byte = 0;
    for (auto next = list.next(at_byte); next && *next; next = list.next(at_byte)) {
        const card::Parameter& parameter = **next;
        if (parameter.id == card::kAlarmsParameter) {
            if (!entry.has_room(Entry::kLevelsRecord)) return false;
            const card::Alarms alarms = *card::alarms_of(parameter.bytes);
            entry.put_levels({parameter.household},
                             {alarms.low_hundredths, alarms.cutoff_hundredths, alarms.overdraft_hundredths});
            continue;
        }
        if (!entry.has_room(Entry::kSettingRecord + parameter.bytes.size())) return false;
        entry.put_setting(parameter.key(), parameter.bytes);
        values += Entry::kSettingRecord + parameter.bytes.size();
        largest = parameter.key();
    }
    return values == 0 || journal_.has_room_for(largest, values, books_);
}

// Checked and stored.
void Box::take_parameters(const card::ParameterList& list) {
    std::size_t at_byte = 0;
    for (auto next = list.next(at_byte); next && *next; next = list.next(at_byte)) {
        const card::Parameter& parameter = **next;
        if (parameter.id != card::kAlarmsParameter) {
            take_setting(parameter.key(), parameter.bytes, 0);
            continue;
        }
        const Household h{parameter.household};
        const card::Alarms alarms = *card::alarms_of(parameter.bytes);
        Account& account = books_.households[at(h)].account;
        account.levels = {alarms.low_hundredths, alarms.cutoff_hundredths, alarms.overdraft_hundredths};
        if (watch_cutoff(account)) account_unsaved_ |= bit(h);
        recorder_.log(
            EventKind::kAlarmLevels, h,
            events::alarm_levels(alarms.low_hundredths, alarms.cutoff_hundredths, alarms.overdraft_hundredths, 0));
        refresh(h);
    }
}

CardCode Box::take_card_parameters(Household h, std::uint32_t version, const card::ParameterList& list, Instant now) {
    begin(now);
    if (!has(h)) return CardCode::kNotYours;
    if (version <= books_.households[at(h)].card.parameters) return CardCode::kDone;
    HouseholdBook after = books_.households[at(h)];
    after.card.parameters = version;
    Entry entry;
    entry.put_card(h, after);
    if (!list.check(h.number, household_count()) || !put_parameters(entry, list)) return CardCode::kBadContents;
    if (!commit(entry)) return CardCode::kNotStored;
    books_.households[at(h)].card = after.card;
    take_parameters(list);
    return CardCode::kDone;
}

// --- Orders

OrderAnswer Box::present_order(card::Mac& mac, const OrderShown& shown, Instant now) {
    begin(now);
    OrderAnswer answer;
    if (const auto code = closed_to_cards(shown.place.path())) {
        answer.code = *code;
        log_bad_card(shown.uid, *code, shown.place);
        return answer;
    }
    const auto header = card::read_header(Bytes(shown.right).first(card::kHeaderBytes));
    const bool of_site = header && header->box == 0;
    const auto right =
        card::open_right(mac, of_site ? config_.card_keys->site : config_.card_keys->own, shown.uid, shown.right);
    if (!right) {
        answer.code = refuse_card(right.error(), shown.uid, shown.place);
        return answer;
    }
    answer.kind = right->kind;
    answer.household = {right->household};
    if (const auto refusal = card::refusal_of(*right, books_.box.cards.right_sequence, clock()))
        answer.code = code_of(*refusal);
    else if (right->household != 0 && !has(answer.household))
        answer.code = CardCode::kNotYours;
    else
        answer.code = card::only_shows(right->kind) ? CardCode::kDone : carry_out(mac, *right, shown.parameters);
    const auto kind = static_cast<std::uint8_t>(right->kind);
    if (answer.code != CardCode::kDone)
        recorder_.log(EventKind::kOrderRefused, {},
                      events::order_refused(right->sequence, kind, answer.code, right->household));
    else if (!card::only_shows(right->kind))
        recorder_.log(EventKind::kOrderCarriedOut, {},
                      events::order_carried_out(right->sequence, kind, right->household, shown.card_serial));
    if (!card::only_shows(right->kind) && answer.code != CardCode::kNotStored && shown.card_serial != 0) {
        answer.has_receipt = true;
        answer.receipt =
            card::seal(mac, config_.card_keys->own, shown.uid, receipt_of(*right, answer.code, shown.card_serial));
    }
    return answer;
}

// What the card tells the office. Shown once more, an order that was carried out is refused as used; that its number is
// the newest says which one it was.
card::ReceiptRecord Box::receipt_of(const card::RightRecord& right, CardCode code, std::uint32_t card_serial) const {
    card::ReceiptRecord receipt;
    receipt.household = right.household;
    receipt.sequence = books_.box.cards.right_sequence;
    receipt.serial = card_serial;
    receipt.code = static_cast<std::uint8_t>(code);
    receipt.bad_cards = books_.box.cards.bad_cards;
    const std::optional<CivilSeconds> time = clock();
    receipt.clock_known = time.has_value();
    receipt.time = time.value_or(0);
    return receipt;
}

// The sequence is stored with the effect, so an order is carried out once and is not used up for nothing. Of a restore
// card for the whole box, which no entry has room for, it is stored behind the effect: what was cut off in between is
// restored by showing the card again, and restoring twice is restoring.
CardCode Box::carry_out(card::Mac& mac, const card::RightRecord& right, const card::ParameterList* parameters) {
    const Household h{right.household};
    BoxBook box = books_.box;
    box.cards.right_sequence = right.sequence;
    HouseholdBook book;
    if (h.number != 0) book = books_.households[at(h)];
    Entry entry;
    switch (right.kind) {
        case card::CardKind::kSetUp:
            if (parameters == nullptr || parameters->parts() != right.parts ||
                parameters->digest(mac, config_.card_keys->own) != right.digest)
                return CardCode::kInvalid;
            if (!parameters->check(h.number != 0 ? std::optional(h.number) : std::nullopt, household_count()) ||
                !put_parameters(entry, *parameters))
                return CardCode::kBadContents;
            break;
        case card::CardKind::kClear:
            if (!config_.card_clears) return CardCode::kNotAllowed;
            // What is cleared goes to the log before it is gone.
            if (h.number != 0) {
                recorder_.on_household_cleared(h, book, 0);
                clear(book);
                entry.put(h, book);
            } else {
                recorder_.on_box_cleared(books_, household_count(), 0);
                box.cards.bad_cards = 0;
                entry.put_clear_all();
            }
            break;
        case card::CardKind::kRestore:
            return restore(right, box);
        case card::CardKind::kHousehold:
        case card::CardKind::kInspection:
        case card::CardKind::kReaderTest:
            break;
    }
    if (!entry.has_room(Entry::kCardsRecord)) return CardCode::kBadContents;
    entry.put_cards(box);
    if (!commit(entry)) return CardCode::kNotStored;
    books_.box.cards = box.cards;

    if (right.kind == card::CardKind::kSetUp) take_parameters(*parameters);
    if (right.kind == card::CardKind::kClear) {
        for (int n = 1; n <= household_count(); ++n) {
            const Household each{static_cast<std::uint8_t>(n)};
            if (h.number != 0 && h != each) continue;
            clear(books_.households[at(each)]);
            unsaved_[at(each)] = Energy{};
        }
    }
    refresh_all();
    return CardCode::kDone;
}

// Household by household; the last of them with the sequence in its entry.
CardCode Box::restore(const card::RightRecord& right, const BoxBook& box) {
    const int first = right.household != 0 ? right.household : 1;
    const int last = right.household != 0 ? right.household : household_count();
    for (int n = first; n <= last; ++n) {
        const Household h{static_cast<std::uint8_t>(n)};
        HouseholdBook book = books_.households[at(h)];
        HouseholdControl control = controls_[at(h)];
        const bool released = control.reset(right.lockouts.overload, right.lockouts.malignant);
        if (released) control.put_into(book.guards, clock().value_or(0));
        const bool resumed = right.cutoff_alarm && book.account.cutoff == CutoffStage::kReminding;
        if (resumed) acknowledge(book.account);

        Entry entry;
        if (released || resumed) {
            entry.put(h, book);
            entry.put_guards(h, book);
        }
        if (n == last) entry.put_cards(box);
        if (!entry.empty() && !commit(entry)) return CardCode::kNotStored;

        if (n == last) books_.box.cards = box.cards;
        if (!released && !resumed) continue;
        books_.households[at(h)] = book;
        forget_unsaved(h);
        if (released) controls_[at(h)] = control;
        next_guard_ = std::min(next_guard_, controls_[at(h)].next_due());
        refresh(h);
        if (resumed)
            recorder_.log(EventKind::kAcknowledged, h,
                          events::acknowledged(
                              static_cast<std::int32_t>(in_hundredths(book.account.remaining(), Round::kDown)), 0));
    }
    return CardCode::kDone;
}

}  // namespace prewatt::meter
