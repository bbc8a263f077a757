#include "meter/node/card_swipe.hpp"

namespace prewatt::meter {

Instant CardSwipe::poll(Instant now) {
    if (reader_ == nullptr || !box_.config().card_keys) return kNever;
    if (now < next_) return next_;
    step(now);
    next_ = now + (is_busy() ? kExchange : kLook);
    return next_;
}

std::optional<CardNotice> CardSwipe::take_notice() {
    if (notices_.empty()) return std::nullopt;
    const CardNotice notice = notices_.front();
    notices_.pop();
    return notice;
}

void CardSwipe::tell(CardNotice notice) {
    notice.follows = told_;
    told_ = true;
    (void)notices_.push(notice);
}

void CardSwipe::refuse(CardCode code) {
    if (is_shown(code)) tell({CardNotice::Kind::kCode, code, answer_.household, {}});
    rest();
}

void CardSwipe::lose() {
    refuse(CardCode::kGone);
    known_.clear();
}

void CardSwipe::step(Instant now) {
    if (is_busy() && now - began_ > kSwipeMax) return lose();
    if (asleep_) return wake();
    switch (step_) {
        case Step::kLook:
            return look(now);
        case Step::kIdentity:
            return read_identity(now);
        case Step::kCredit:
        case Step::kReturn:
            return read_copies();
        case Step::kSameCard:
            return check_same_card(now);
        case Step::kWriteBack:
            return write_back(now);
        case Step::kParameters:
        case Step::kOrderedParameters:
            return read_parameters(now);
        case Step::kRight:
            return read_right();
        case Step::kOrder:
            return show_order(now);
        case Step::kReceipt:
            return write_receipt();
    }
}

// --- What lies there?

void CardSwipe::look(Instant now) {
    const auto uid = reader_->select();
    if (!uid) {
        if (uid.error() == card::CardFault::kNoCard) {
            if (absent_ < kAbsentLooks) ++absent_;
            if (absent_ < kAbsentLooks) return;
            several_ = false;
            known_.clear();
            return;
        }
        absent_ = 0;
        if (uid.error() != card::CardFault::kSeveral) return;
        known_.clear();
        told_ = false;
        if (!several_) tell({CardNotice::Kind::kCode, CardCode::kSeveral, {}, {}});
        several_ = true;
        return;
    }
    absent_ = 0;
    several_ = false;
    if (card::same(*uid, known_)) return;
    known_ = *uid;
    told_ = false;
    if (card::fault_of(*uid)) return;
    began_ = now;
    answer_ = {};
    credits_ = {};
    returns_ = {};
    damaged_ = false;
    gathered_.reset();
    read(Step::kIdentity, box_.config().card_layout.identity());
}

void CardSwipe::read(Step step, std::uint8_t sector, std::optional<card::BoxDigits> wanted) {
    step_ = step;
    const card::Key& key = box_.config().card_keys->sector_read;
    reading_.emplace(sector, card::sector_key(mac_, key, known_, sector, card::KeyKind::kA), card::KeyKind::kA, wanted);
}

// A card that has refused answers nothing until it is woken; another one may lie there by then.
void CardSwipe::wake() {
    asleep_ = false;
    const auto uid = reader_->select();
    if (!uid || !card::same(*uid, known_)) lose();
}

bool CardSwipe::has_read() {
    switch (reading_->step(*reader_)) {
        case card::Progress::kBusy:
            return false;
        case card::Progress::kDone:
            return true;
        case card::Progress::kFailed:
            break;
    }
    switch (reading_->fault()) {
        case card::CardFault::kWrongKey:
        case card::CardFault::kRefused:
            damaged_ = asleep_ = true;
            // The other copy may do.
            if (step_ == Step::kCredit || step_ == Step::kReturn) return true;
            if (step_ == Step::kParameters) {
                rest();
                return false;
            }
            refuse(CardCode::kDamagedCard);
            return false;
        case card::CardFault::kNoCard:
        case card::CardFault::kNotM1:
        case card::CardFault::kSeveral:
        case card::CardFault::kReader:
            break;
    }
    lose();
    return false;
}

// --- Who is it?

void CardSwipe::read_identity(Instant now) {
    if (reading_->step(*reader_) == card::Progress::kBusy) return;
    if (reading_->progress() == card::Progress::kFailed) {
        // Somebody else's card, or one that was only waved past: no word.
        rest();
        if (reading_->fault() == card::CardFault::kRefused)
            refuse(CardCode::kDamagedCard);
        else if (reading_->fault() != card::CardFault::kWrongKey)
            known_.clear();
        return;
    }
    const auto identity = box_.open_identity(mac_, known_, reading_->record(), {}, now);
    if (!identity) return refuse(identity.error());
    identity_ = *identity;
    part_ = 0;
    const card::Layout& layout = box_.config().card_layout;
    if (identity_.kind == card::CardKind::kHousehold) return read(Step::kCredit, layout.credit(0));
    const auto sector = layout.right(0);
    if (identity_.rights == 0 || !sector) return refuse(CardCode::kBadContents);
    read(Step::kRight, *sector, card::only_shows(identity_.kind) ? 0 : box_.config().card_keys->own.box);
}

// --- A household's card

void CardSwipe::read_copies() {
    if (!has_read()) return;
    const card::Layout& layout = box_.config().card_layout;
    const bool whole = reading_->progress() == card::Progress::kDone;
    if (whole) (step_ == Step::kCredit ? credits_ : returns_)[part_] = reading_->record();
    if (step_ == Step::kCredit) {
        if (part_ == 0) return ++part_, read(Step::kCredit, layout.credit(1));
        part_ = 0;
        return read(Step::kReturn, layout.returns(0));
    }
    if (part_ == 0) return ++part_, read(Step::kReturn, layout.returns(1));
    step_ = Step::kSameCard;
}

// A desk reader wakes whatever it finds: what was read may be of two cards (AC19).
void CardSwipe::check_same_card(Instant now) {
    const auto uid = reader_->select();
    if (!uid || !card::same(*uid, known_)) return lose();
    present(now);
}

void CardSwipe::present(Instant now) {
    const std::uint8_t first = card::newest_by_header(credits_, card::RecordType::kCredit).value_or(0);
    CardShown shown;
    shown.uid = known_;
    shown.returns = &returns_;
    for (const std::uint8_t slot : {first, static_cast<std::uint8_t>(1 - first)}) {
        shown.slot = slot;
        shown.credit = credits_[slot];
        shown.has_other = slot == first;
        answer_ = box_.present_card(mac_, shown, now);
        if (answer_.code != CardCode::kShowOther) break;
    }
    if (answer_.code == CardCode::kDone)
        tell({CardNotice::Kind::kSwiped, answer_.code, answer_.household, answer_.bought});
    else if (damaged_ && answer_.code == CardCode::kInvalid)
        tell({CardNotice::Kind::kCode, CardCode::kDamagedCard, {}, {}});
    else if (is_shown(answer_.code))
        tell({CardNotice::Kind::kCode, answer_.code, answer_.household, {}});
    if (!answer_.has_return) return rest();
    const std::uint8_t sector = box_.config().card_layout.returns(answer_.return_slot());
    const card::Key& key = box_.config().card_keys->sector_return;
    writing_.emplace(known_, sector, card::sector_key(mac_, key, known_, sector, card::KeyKind::kB),
                     answer_.return_record);
    step_ = Step::kWriteBack;
}

void CardSwipe::write_back(Instant now) {
    switch (writing_->step(*reader_)) {
        case card::Progress::kBusy:
            return;
        case card::Progress::kDone:
            box_.card_written(answer_.household, answer_.return_generation, now);
            if (answer_.code != CardCode::kDone) return rest();
            return begin_parameters();
        case card::Progress::kFailed:
            break;
    }
    switch (writing_->fault()) {
        case card::WriteFault::kWrongKey:
        case card::WriteFault::kRefused:
        case card::WriteFault::kNotVerified:
            return refuse(CardCode::kDamagedCard);
        case card::WriteFault::kNoCard:
        case card::WriteFault::kReader:
        case card::WriteFault::kSwapped:
            break;
    }
    lose();
}

// --- Parameters: of a household, or of a set-up card behind its rights

void CardSwipe::begin_parameters() {
    part_ = 0;
    const auto sector = box_.config().card_layout.household_parameter(0);
    if (!sector) return rest();
    read(Step::kParameters, *sector);
}

void CardSwipe::read_parameters(Instant now) {
    if (!has_read()) return;
    const bool of_household = step_ == Step::kParameters;
    const card::RecordBytes& record = reading_->record();
    if (of_household && part_ == 0) {
        const auto header = card::read_header(Bytes(record).first(card::kHeaderBytes));
        // None there, or known long since.
        if (!header || header->type != card::RecordType::kParameter ||
            header->generation <= box_.book(answer_.household).card.parameters)
            return rest();
    }
    const auto part = box_.open_parameter(mac_, known_, record, {}, now);
    if (!part) return refuse(part.error());
    if (of_household && part->household != answer_.household.number) return refuse(CardCode::kBadContents);
    if (!gathered_) gathered_.emplace();
    if (!gathered_->take(*part)) return refuse(CardCode::kInvalid);
    ++part_;
    if (part_ < gathered_->parts()) {
        const card::Layout& layout = box_.config().card_layout;
        const auto sector =
            of_household ? layout.household_parameter(part_) : layout.ordered_parameter(identity_.rights, part_);
        if (!sector) return refuse(CardCode::kBadContents);
        return read(step_, *sector);
    }
    if (!of_household) {
        step_ = Step::kOrder;
        return;
    }
    end_parameters(now);
}

void CardSwipe::end_parameters(Instant now) {
    const auto list = gathered_->list();
    if (!list) return refuse(CardCode::kInvalid);
    const CardCode code = box_.take_card_parameters(answer_.household, gathered_->version(), *list, now);
    if (code != CardCode::kDone) return refuse(code);
    rest();
}

// --- A card with rights

void CardSwipe::read_right() {
    if (!has_read()) return;
    const auto header = card::read_header(Bytes(reading_->record()).first(card::kHeaderBytes));
    const card::BoxDigits wanted = card::only_shows(identity_.kind) ? 0 : box_.config().card_keys->own.box;
    const card::Layout& layout = box_.config().card_layout;
    if (!header || header->box != wanted) {
        ++part_;
        const auto sector = layout.right(part_);
        if (part_ >= identity_.rights || !sector) return refuse(CardCode::kNotYours);
        return read(Step::kRight, *sector, wanted);
    }
    right_ = reading_->record();
    place_ = part_;
    part_ = 0;
    const auto sector = layout.ordered_parameter(identity_.rights, 0);
    if (identity_.kind != card::CardKind::kSetUp || !sector) {
        step_ = Step::kOrder;
        return;
    }
    read(Step::kOrderedParameters, *sector);
}

void CardSwipe::show_order(Instant now) {
    // As with credit: the card that was read still lies there.
    const auto uid = reader_->select();
    if (!uid || !card::same(*uid, known_)) return lose();
    OrderShown shown;
    shown.uid = known_;
    shown.right = right_;
    shown.card_serial = identity_.serial;
    std::optional<card::ParameterList> list;
    if (gathered_) {
        const auto whole = gathered_->list();
        if (!whole) return refuse(CardCode::kInvalid);
        list = *whole;
        shown.parameters = &*list;
    }
    const OrderAnswer order = box_.present_order(mac_, shown, now);
    answer_.household = order.household;
    if (order.code == CardCode::kDone)
        tell({order.kind == card::CardKind::kInspection ? CardNotice::Kind::kInspection : CardNotice::Kind::kPassed,
              order.code,
              order.household,
              {}});
    else if (is_shown(order.code))
        tell({CardNotice::Kind::kCode, order.code, order.household, {}});
    if (!order.has_receipt || !identity_.receipts || place_ > 1) return rest();
    const std::uint8_t sector = box_.config().card_layout.returns(place_);
    const card::Key& key = box_.config().card_keys->sector_return;
    writing_.emplace(known_, sector, card::sector_key(mac_, key, known_, sector, card::KeyKind::kB), order.receipt);
    step_ = Step::kReceipt;
}

// What was ordered is done and told; a receipt that does not come onto the card does at the next visit.
void CardSwipe::write_receipt() {
    if (writing_->step(*reader_) != card::Progress::kBusy) rest();
}

}  // namespace prewatt::meter
