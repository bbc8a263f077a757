// What an office orders: sealed commands and the plain control of the standard.
#include <algorithm>
#include <variant>

#include "meter/core/clear.hpp"
#include "meter/metrology/pulses.hpp"
#include "meter/node/box.hpp"

namespace prewatt::meter {
namespace {

constexpr HoldSet kMayBeOverruled{0x1FF & ~(1u << static_cast<int>(Hold::kSupply))};
constexpr Duration kClearAnnounced = minutes(5);
constexpr CivilSeconds kLearnWithin = 3600;

}  // namespace

// The same on the line and on a card.
std::optional<Taken> Box::take(const card::Ticket& ticket, Household h, HouseholdBook& book) const {
    const Taken taken =
        take_ticket(book.account, {ticket.epoch, ticket.number, ticket.credited_hundredths}, book.reverse);
    if (taken.effect == TicketEffect::kMalformed) return std::nullopt;
    if (taken.effect == TicketEffect::kOpened) {
        book.account.unit = books_.settings.households[at(h)].plan.unit;
        book.tariff = {};
        // Power that costs nothing is no price.
        if (book.account.unit == settings::AccountUnit::kMoney && !is_priced(prices(h))) return std::nullopt;
    }
    return taken;
}

// What the command makes of the books; nothing is changed here but the draft.
card::Result Box::stage(const card::Request& request, Draft& draft, Instant now) {
    using card::Result;
    const bool for_box = request.household == 0;
    HouseholdBook& book = draft.book;
    if (const auto* set = std::get_if<card::SetClock>(&request.command)) {
        const auto change =
            clock_guard_.propose(ClockSource::kSealed, set->time, clock_.read(), books_.settings.general);
        if (!for_box || !change) return Result::kBadArgument;
        draft.clock = *change;
        follow(*change, draft.box);
        return Result::kDone;
    }
    if (const auto* constant = std::get_if<card::SetConstant>(&request.command)) {
        if (!for_box || !is_pulse_constant(constant->pulses_per_kwh)) return Result::kBadArgument;
        draft.box.pulse_constant = constant->pulses_per_kwh;
        return Result::kDone;
    }
    if (std::holds_alternative<card::StageSetting>(request.command) ||
        std::holds_alternative<card::CommitSetting>(request.command))
        return stage_setting(request, draft);
    if (std::holds_alternative<card::Clear>(request.command)) return stage_clear(request, draft, now);
    if (for_box) return Result::kBadArgument;
    if (const auto* ticket = std::get_if<card::Ticket>(&request.command)) {
        const std::optional<Taken> taken = take(*ticket, {request.household}, book);
        if (!taken) return Result::kBadArgument;
        if (taken->bought > Credit{}) draft.purchase = {{request.household}, taken->bought};
    } else if (const auto* hold = std::get_if<card::RemoteHold>(&request.command)) {
        book.remote_off = hold->off;
    } else if (const auto* force = std::get_if<card::ForcePower>(&request.command)) {
        book.forced = {};
        if (force->minutes > 0) {
            const std::optional<CivilSeconds> time = clock();
            book.forced.overruled =
                HoldSet{static_cast<std::uint16_t>(force->overruled.bits() & kMayBeOverruled.bits())};
            const bool locks = book.forced.overruled.has(Hold::kLockedOut);
            draft.reset_load = locks || book.forced.overruled.has(Hold::kOverload);
            draft.reset_malignant = locks || book.forced.overruled.has(Hold::kMalignant);
            book.forced.minutes = force->minutes;
            book.forced.until = time ? *time + force->minutes * 60u - books_.box.clock_moved : 0;
        }
    } else if (std::holds_alternative<card::Acknowledge>(request.command)) {
        acknowledge(book.account);
    } else if (const auto* alarms = std::get_if<card::Alarms>(&request.command)) {
        book.account.levels = {alarms->low_hundredths, alarms->cutoff_hundredths, alarms->overdraft_hundredths};
        watch_cutoff(book.account);
    } else if (const auto* reset = std::get_if<card::ResetLockout>(&request.command)) {
        draft.reset_load = reset->overload;
        draft.reset_malignant = reset->malignant;
    } else if (const auto* learn = std::get_if<card::LearnAppliance>(&request.command)) {
        const std::optional<CivilSeconds> time = clock();
        if (learn->slot >= settings::kPermittedPerHousehold || !time) return Result::kBadArgument;
        book.learn = learn->days == 0 ? LearnOrder{} : LearnOrder{learn->slot, learn->days, *time + kLearnWithin};
    }
    if (draft.reset_load || draft.reset_malignant) {
        HouseholdControl control = controls_[at({request.household})];
        control.reset(draft.reset_load, draft.reset_malignant);
        control.put_into(book.guards, 0);
    }
    return Result::kDone;
}

card::Result Box::stage_setting(const card::Request& request, Draft& draft) {
    using card::Result;
    draft.touches_book = false;
    if (const auto* part = std::get_if<card::StageSetting>(&request.command)) {
        const settings::SettingKey key{part->setting, request.household, part->index};
        const bool good =
            settings::exists(key, household_count()) && SettingsWriter::fits(part->offset, part->part.size());
        return good ? Result::kDone : Result::kBadArgument;
    }
    const auto& whole = *std::get_if<card::CommitSetting>(&request.command);
    draft.key = {whole.setting, request.household, whole.index};
    draft.value = settings_writer_.whole(draft.key, whole.length, whole.crc);
    if (draft.value.empty() || !settings::check(draft.key, draft.value, household_count())) return Result::kBadArgument;
    if (!journal_.has_room_for(draft.key, draft.value.size(), books_)) return Result::kNotStored;
    return Result::kDone;
}

card::Result Box::stage_clear(const card::Request& request, Draft& draft, Instant now) {
    using card::Result;
    const bool announced = std::get_if<card::Clear>(&request.command)->step == card::ClearStep::kAnnounce;
    if (request.household != 0) {
        if (announced) return Result::kBadArgument;
        clear(draft.book);
        draft.cleared = true;
        return Result::kDone;
    }
    if (announced) return Result::kDone;
    // The last command that was accepted is the announcement, and it is fresh.
    const bool follows = clear_announced_ != 0 && clear_announced_ == books_.box.last_command.counter &&
                         now - clear_announced_at_ <= kClearAnnounced;
    if (!follows) return Result::kBadArgument;
    draft.clear_all = true;
    draft.box.cards.bad_cards = 0;
    return Result::kDone;
}

card::Answer Box::execute(const card::OpenedRequest& opened, std::uint32_t digest, std::uint8_t household_of_address,
                          bool known_code, Instant now) {
    using card::Result;
    const card::Request& request = opened.request;
    card::Answer answer;
    answer.counter = request.counter;
    answer.household = request.household;
    const bool exists = request.household >= 1 && request.household <= household_count();
    const Household h{request.household};
    switch (judge(books_.box.last_command, request.counter, digest)) {
        case Freshness::kOld:
            answer.result = Result::kOldCounter;
            answer.last_counter = books_.box.last_command.counter;
            return answer;
        case Freshness::kRepeat:
            answer.result = static_cast<Result>(books_.box.last_command.result);
            answer.repeated = true;
            if (exists) answer.effect = effect(h);
            return answer;
        case Freshness::kNew:
            break;
    }
    begin(now);
    Draft draft{};
    draft.box = books_.box;
    if (exists) draft.book = books_.households[at(h)];
    if (household_of_address != 0 && household_of_address != request.household)
        answer.result = Result::kBadArgument;
    else if (request.household != 0 && !exists)
        answer.result = Result::kNoHousehold;
    else if (!opened.known)
        answer.result = known_code ? Result::kBadArgument : Result::kNotSupported;
    else
        answer.result = stage(request, draft, now);
    const bool done = answer.result == Result::kDone;

    // The clock is not in the books: it is set before the counter is stored, so a command that was answered was also
    // carried out. What is cleared goes to the log before it is gone.
    const std::optional<CivilSeconds> time_before = clock_.read();
    if (done && draft.clock) clock_.set(draft.clock->after);
    if (done && draft.cleared) recorder_.on_household_cleared(h, books_.households[at(h)], request.operator_number);
    if (done && draft.clear_all) recorder_.on_box_cleared(books_, household_count(), request.operator_number);

    draft.box.last_command = {request.counter, digest, static_cast<std::uint8_t>(answer.result)};
    Entry entry;
    entry.put(draft.box);
    if (done && exists && draft.touches_book) {
        entry.put(h, draft.book);
        if (draft.book.guards != books_.households[at(h)].guards || (guards_unsaved_ & bit(h)) != 0)
            entry.put_guards(h, draft.book);
        if (draft.book.learn != books_.households[at(h)].learn) entry.put_learn(h, draft.book);
    }
    if (done && draft.clock) entry.put_clock(draft.box);
    if (done && !draft.value.empty()) entry.put_setting(draft.key, draft.value);
    if (done && draft.clear_all) {
        entry.put_clear_all();
        if (draft.box.cards != books_.box.cards) entry.put_cards(draft.box);
    }
    if (answer.result == Result::kNotStored || !commit(entry)) {
        if (done && draft.clock && time_before) clock_.set(*time_before);
        answer.result = Result::kNotStored;
        if (exists) answer.effect = effect(h);
        return answer;
    }
    if (done && exists) recorder_.on_command(request, books_.households[at(h)], draft.book);
    if (done) recorder_.on_constant(books_.box.pulse_constant, draft.box.pulse_constant, request.operator_number);
    books_.box = draft.box;
    if (done) take_effect(request, draft, now);
    if (exists) answer.effect = effect(h);
    return answer;
}

// It is stored; from here on nothing can be refused.
void Box::take_effect(const card::Request& request, const Draft& draft, Instant now) {
    const Household h{request.household};
    if (h.number != 0 && draft.touches_book) {
        books_.households[at(h)] = draft.book;
        forget_unsaved(h);
        controls_[at(h)].reset(draft.reset_load, draft.reset_malignant);
        if (draft.purchase.household.number != 0) purchase_ = draft.purchase;
        if (std::holds_alternative<card::ForcePower>(request.command)) {
            forced_until_[at(h)] = draft.book.forced.minutes == 0 ? kNever : now + minutes(draft.book.forced.minutes);
            next_forced_end_ = std::min(next_forced_end_, forced_until_[at(h)]);
        }
    }
    if (const auto* part = std::get_if<card::StageSetting>(&request.command))
        settings_writer_.stage({part->setting, h.number, part->index}, part->offset,
                               {part->part.data(), part->part.size()});
    if (!draft.value.empty()) {
        take_setting(draft.key, draft.value, request.operator_number);
        settings_writer_.drop();
    }
    if (draft.clock) clock_was_set(*draft.clock, request.operator_number);
    if (const auto* clear_step = std::get_if<card::Clear>(&request.command); clear_step != nullptr && h.number == 0) {
        clear_announced_ = clear_step->step == card::ClearStep::kAnnounce ? request.counter : 0;
        clear_announced_at_ = now;
    }
    if (draft.clear_all)
        for (int n = 1; n <= household_count(); ++n) {
            const Household each{static_cast<std::uint8_t>(n)};
            clear(books_.households[at(each)]);
            unsaved_[at(each)] = Energy{};
        }
    if (h.number != 0)
        refresh(h);
    else
        refresh_all();
}

// It is stored and has been checked.
void Box::take_setting(settings::SettingKey key, Bytes value, std::uint32_t operator_number) {
    std::array<Byte, settings::kSettingBytesMax> old;
    const std::size_t size = settings::encode(books_.settings, key, old);
    (void)settings::decode(books_.settings, key, value, household_count());
    if (!equal({old.data(), size}, value)) recorder_.on_setting(key, operator_number, {old.data(), size}, value);
    schedule_.forget();
    update_schedule(now_);
    relays_.set_refresh(books_.settings.general.refresh_minutes_min, books_.settings.general.refresh_minutes_max);
    next_minute_ = now_;
    refresh_all();
}

bool Box::set_remote_hold(Household h, bool off, std::uint32_t operator_number, Instant now) {
    begin(now);
    HouseholdBook book = books_.households[at(h)];
    book.remote_off = off;
    Entry entry;
    entry.put(h, book);
    if (!commit(entry)) return false;
    if (off != books_.households[at(h)].remote_off)
        recorder_.log(off ? EventKind::kRemoteOff : EventKind::kRemoteOn, h, events::by_operator(operator_number));
    books_.households[at(h)] = book;
    account_unsaved_ &= ~bit(h);
    unsaved_[at(h)] = Energy{};
    refresh(h);
    return true;
}

}  // namespace prewatt::meter
