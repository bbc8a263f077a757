#include "meter/node/box.hpp"

#include <algorithm>
#include <bit>
#include <variant>

#include "meter/core/clear.hpp"
#include "meter/core/save_budget.hpp"
#include "meter/metrology/pulses.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kVersionsAtATime = 0x10000;
// Where the reservation could not be stored the next start may give out the same versions again: nobody's version is
// believed.
constexpr std::uint32_t kNothingPromised = UINT32_MAX;
constexpr HoldSet kMayBeOverruled{0x1FF & ~(1u << static_cast<int>(Hold::kSupply))};
constexpr std::uint32_t kRegisterHundredths = 100'000'000;  // registers of the standard wrap here
constexpr CivilSeconds kClockEnd = to_seconds({.year = 2100});
constexpr Duration kMeteringSilence = seconds(2);
// Totals that went back by less have been restored from an older copy of the metering side's memory.
constexpr std::uint32_t kTotalsBackMax = 10'000'000;
// Relays wait so long for the first window after a start: which phase is alive decides whether a relay may close.
constexpr Duration kRelaysWait = seconds(2);
constexpr Duration kClearAnnounced = minutes(5);

constexpr std::int32_t saturate(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN, INT32_MAX));
}
constexpr Household household(int number) {
    return {static_cast<std::uint8_t>(number)};
}

}  // namespace

Box::Box(const NodeConfig& config, Storage& storage, RelayBank& relays, RealTimeClock& clock)
    : config_(config),
      clock_(clock),
      journal_(storage),
      recorder_(storage, clock),
      relays_(relays, households(config.wiring) * circuits_each(config.wiring), circuits_each(config.wiring)) {
    save_at_ = save_threshold(config.max_current_amperes, circuits_each(config.wiring), household_count());
    forced_until_.fill(kNever);
    books_.box.pulse_constant = config.pulse_constant;
}

StartResult Box::start(Instant now) {
    const JournalIdentity identity{config_.box.value, static_cast<std::uint8_t>(config_.wiring), household_count()};
    const OpenResult opened = journal_.open(identity, books_);
    if (opened == OpenResult::kForeign) return StartResult::kWrongBox;
    if (opened == OpenResult::kNewerFormat || opened == OpenResult::kUnreadable) return StartResult::kStorageDead;

    const std::optional<CivilSeconds> time = clock_.read();
    for (int n = 1; n <= household_count(); ++n) {
        ForcedPower& forced = books_.households[at(household(n))].forced;
        if (forced.minutes == 0) continue;
        const bool lasts = time && forced.until > *time;
        if (!lasts) {
            forced = {};
            continue;
        }
        const std::int64_t left = std::min<std::int64_t>(forced.until - *time, forced.minutes * 60);
        forced_until_[at(household(n))] = now + seconds(left);
    }
    ++books_.box.boots;
    first_version_ = version_ = books_.box.versions_reserved + 1;
    books_.box.versions_reserved += kVersionsAtATime;
    Entry entry;
    entry.put(books_.box);
    if (!commit(entry)) first_version_ = kNothingPromised;
    recorder_.open(household_count(), books_.box.boots, opened == OpenResult::kRecovered, now);
    relays_start_at_ = now + kRelaysWait;
    changed_at_.fill(version_);
    next_forced_end_ = now;
    refresh_all();
    (void)poll(now);
    return opened == OpenResult::kFresh ? StartResult::kFresh : StartResult::kRecovered;
}

HoldSet Box::overruled(Household h) const {
    return forced_until_[at(h)] == kNever ? HoldSet{} : books_.households[at(h)].forced.overruled;
}

HoldSet Box::holds(Household h) const {
    const HouseholdBook& book = books_.households[at(h)];
    HoldSet holds = credit_holds(book.account);
    holds.set(Hold::kRemote, book.remote_off);
    // A three-phase household is dark as soon as one of its phases is out of range: its motors must not run on two.
    bool supply_held = false;
    for (int k = 0; k < circuits_each(config_.wiring); ++k)
        supply_held |= supply_[static_cast<std::size_t>(phase_of(config_.wiring, h, k))].is_held();
    holds.set(Hold::kSupply, supply_held);
    return holds;
}

bool Box::lit(Household h) const {
    const int circuits = circuits_each(config_.wiring);
    const std::uint64_t own = ((std::uint64_t{1} << circuits) - 1) << circuit_of(config_.wiring, h, 0).index;
    return (relays_.closed() & own) == own;
}

// Registers and thresholds move at whole hundredths only: so much energy makes no difference to anybody.
Energy Box::quiet_energy(const HouseholdBook& book) {
    const std::int64_t forward = kJoulesPerHundredth - book.forward.count() % kJoulesPerHundredth;
    if (!book.account.is_open()) return Energy{forward};
    const std::int64_t remaining = book.account.remaining().count();
    // A threshold acts when it is reached, a register moves one grain later.
    const std::int64_t above = remaining - divide(remaining, kGrainsPerHundredth, Round::kDown) * kGrainsPerHundredth;
    return Energy{std::min(forward, above == 0 ? 1 : above)};
}

void Box::refresh(Household h) {
    const HouseholdBook& book = books_.households[at(h)];
    quiet_[at(h)] = quiet_energy(book);
    const HoldSet held = holds(h);
    const HoldSet overruling = overruled(h);
    const bool closed = held.without(overruling).empty();
    for (int k = 0; k < circuits_each(config_.wiring); ++k)
        relays_.want(circuit_of(config_.wiring, h, k), closed);

    dlt645::HouseholdRecord record;
    record.remaining_hundredths = saturate(in_hundredths(book.account.remaining(), Round::kDown));
    record.forward_hundredths =
        static_cast<std::uint32_t>(in_hundredths(book.forward, Round::kDown) % kRegisterHundredths);
    record.state.set_holds(held);
    record.state.set(StateBit::kRelayClosed, lit(h));
    record.state.set(StateBit::kLowCredit, is_low(book.account));
    record.state.set(StateBit::kForced, forced_until_[at(h)] != kNever);
    record.state.set(StateBit::kReverse, book.account.is_open() && book.reverse > book.account.reverse_at_opening);
    record.state.set(StateBit::kCutoffAlarmed, book.account.cutoff == CutoffStage::kGiven);
    if (record == published_[at(h)]) return;
    recorder_.on_state(h, published_[at(h)].state, record.state, overruling, active_[at(h)],
                       record.remaining_hundredths, book.forward);
    published_[at(h)] = record;
    changed_at_[at(h)] = version_;
}

void Box::refresh_all() {
    for (int n = 1; n <= household_count(); ++n)
        refresh(household(n));
}

void Box::on_metering_session(std::uint16_t session, Instant now) {
    if (session != 0 && session == books_.box.session) {
        session_seen_ = true;
        session_order_ = {session, session};
        return;
    }
    // A name that was never taken up can still be; one that was has totals under it that are booked.
    const bool offered = !session_seen_ && session_order_.name != 0 && session_order_.replaces == session;
    if (offered || now < next_name_) return;
    const auto name = static_cast<std::uint16_t>(books_.box.session == UINT16_MAX ? 1 : books_.box.session + 1);
    Entry entry;
    entry.put_session(name);
    if (!commit(entry)) {
        next_name_ = now + kSaveRetry;
        return;
    }
    books_.box.session = name;
    session_order_ = {name, session};
    session_seen_ = false;
}

// What the totals have grown since they were booked last.
void Box::book(Household h, const HouseholdTotals& totals, std::uint16_t session) {
    HouseholdBook& book = books_.households[at(h)];
    if (book.mark.session != session) book.mark = {session, 0, 0};
    const auto grown = [](std::uint32_t total, std::uint32_t& booked) {
        const std::uint32_t by = total - booked;
        if (by > UINT32_MAX - kTotalsBackMax) return Energy{};
        booked = total;
        return Energy{by};
    };
    const Energy forward = grown(totals.forward, book.mark.forward);
    const Energy reverse = grown(totals.reverse, book.mark.reverse);
    const Energy used = forward + reverse;
    if (used == Energy{}) return;
    book.forward += forward;
    book.reverse += reverse;
    charge(book.account, used);
    unsaved_[at(h)] += used;
    quiet_[at(h)] -= used;
    const bool first_reverse = reverse > Energy{} && !published_[at(h)].state.has(StateBit::kReverse);
    if (quiet_[at(h)] > Energy{} && !first_reverse) return;
    if (watch_cutoff(book.account)) alarm_unsaved_ |= std::uint64_t{1} << at(h);
    refresh(h);
}

void Box::on_window(const MeteringWindow& window, Instant now) {
    recorder_.at(now);
    const bool first = measured_at_ == kNeverMeasured;
    present_ = window.measurement;
    measured_at_ = now;
    bool supply_changed = false;
    for (std::size_t p = 0; p < supply_.size(); ++p) {
        const PhaseMeasurement& phase = present_.phases[p];
        // After a start there is no contact to be spared: a phase that is missing is missing at once.
        if (first) supply_[p].begin(phase.voltage, phase.present);
        supply_changed |= first || supply_[p].on_voltage(phase.voltage, phase.present, now);
        recorder_.on_phase(static_cast<Phase>(p), supply_[p].is_held(), phase.voltage);
    }
    on_metering_session(window.session, now);
    const bool booked = window.session != 0 && window.session == books_.box.session;

    const int circuits = circuits_each(config_.wiring);
    const int count = household_count();
    bool save = false;
    const CircuitMeasurement* circuit = present_.circuits.data();
    for (int n = 1; n <= count; ++n) {
        const Household h = household(n);
        ActivePower active;
        for (int k = 0; k < circuits; ++k, ++circuit)
            active += circuit->active;
        active_[at(h)] = active;
        if (booked) book(h, window.totals[at(h)], window.session);
        save |= unsaved_[at(h)] >= save_at_;
    }
    if (supply_changed) refresh_all();
    // A warning that came to nothing may have used up the reserve; none is given back while one may still be true.
    const bool change = journal_.wants_change() && now >= change_not_before_;
    if ((save || alarm_unsaved_ != 0 || change) && now >= next_save_) save_energy(now, save_at_);
    recorder_.on_time(books_);
}

// Every household with at least so much unsaved energy, and every one whose cut-off alarm has moved.
void Box::save_energy(Instant now, Energy at_least, bool supply_fails) {
    next_save_ = now;
    for (int from = 1; from <= household_count();) {
        Entry entry;
        std::uint64_t saved = 0;
        int n = from;
        for (; n <= household_count(); ++n) {
            const std::size_t k = at(household(n));
            const bool alarm = alarm_unsaved_ >> k & 1;
            if (!alarm && unsaved_[k] < at_least) continue;
            if (!entry.has_room(Entry::kEnergyRecord + (alarm ? Entry::kAccountRecord : 0))) break;
            entry.put_energy(household(n), books_.households[k]);
            if (alarm) entry.put_account(household(n), books_.households[k]);
            saved |= std::uint64_t{1} << k;
        }
        // Energy may always use the reserve: the bank is changed when all of it is saved, not while some still waits.
        if (saved != 0 && !commit(entry, true)) {
            next_save_ = now + kSaveRetry;
            return;
        }
        for (; saved != 0; saved &= saved - 1)
            forget_unsaved(household(std::countr_zero(saved) + 1));
        from = n;
    }
    if (supply_fails || !journal_.wants_change() || now < change_not_before_) return;
    save_energy(now, Energy{1}, true);
    if (!journal_.change(books_)) change_not_before_ = now + kSaveRetry;
}

void Box::forget_unsaved(Household h) {
    unsaved_[at(h)] = Energy{};
    alarm_unsaved_ &= ~(std::uint64_t{1} << at(h));
}

Instant Box::poll(Instant now) {
    recorder_.at(now);
    if (now >= next_forced_end_) {
        next_forced_end_ = kNever;
        for (int n = 1; n <= household_count(); ++n) {
            Instant& until = forced_until_[at(household(n))];
            if (until <= now) {
                until = kNever;
                books_.households[at(household(n))].forced = {};
                refresh(household(n));
            }
            next_forced_end_ = std::min(next_forced_end_, until);
        }
    }
    if (!relays_started_) {
        if (measured_at_ == kNeverMeasured && now < relays_start_at_)
            return std::min(relays_start_at_, next_forced_end_);
        relays_started_ = true;
        relays_.start(now, config_.box.value);
    }
    const Instant next = relays_.poll(now);
    std::uint64_t moved = relays_.closed() ^ closed_seen_;
    closed_seen_ = relays_.closed();
    for (; moved != 0; moved &= moved - 1)
        refresh(household(std::countr_zero(moved) / circuits_each(config_.wiring) + 1));
    return std::min(next, next_forced_end_);
}

void Box::on_power_fail(Instant now) {
    relays_.stop();
    change_not_before_ = now + kHoldUp * 2;
    save_energy(now, Energy{1}, true);
    recorder_.at(now);
    recorder_.on_power_fail();
}

dlt645::BoxFlags Box::flags(Instant now) const {
    unsigned bits = 0;
    for (std::size_t p = 0; p < present_.phases.size(); ++p)
        if (present_.phases[p].present) bits |= 1u << p;
    if (metering_heard_ && now - measured_at_ <= std::max(kMeteringSilence, present_.span * 2)) bits |= 1u << 3;
    if (journal_.is_sound()) bits |= 1u << 4;
    if (clock_.read()) bits |= 1u << 5;
    return {static_cast<std::uint8_t>(bits)};
}

void Box::reserve_versions() {
    BoxBook box = books_.box;
    box.versions_reserved += kVersionsAtATime;
    Entry entry;
    entry.put(box);
    if (!commit(entry)) first_version_ = kNothingPromised;
    books_.box = box;
}

dlt645::HouseholdBlock Box::changes_since(std::uint32_t version, Instant now) {
    dlt645::HouseholdBlock block;
    const bool known = version >= first_version_ && version < version_;
    block.version = version_;
    block.flags = flags(now);
    block.household_count = static_cast<std::uint8_t>(household_count());
    for (int n = 1; n <= household_count(); ++n) {
        const std::size_t k = at(household(n));
        if (known && changed_at_[k] <= version) continue;
        block.present[static_cast<std::size_t>(n)] = true;
        block.records[static_cast<std::size_t>(n)] = published_[k];
    }
    ++version_;
    if (version_ >= books_.box.versions_reserved) reserve_versions();
    return block;
}

card::Effect Box::effect(Household h) const {
    const Account& account = books_.households[at(h)].account;
    return {account.epoch, account.ticket_number, published_[at(h)].remaining_hundredths, published_[at(h)].state};
}

Purchase Box::take_purchase() {
    const Purchase taken = purchase_;
    purchase_ = {};
    return taken;
}

// What the command makes of the books; nothing is changed here but the draft.
card::Result Box::stage(const card::Request& request, Draft& draft, Instant now) {
    using card::Result;
    const bool for_box = request.household == 0;
    HouseholdBook& book = draft.book;
    if (const auto* clock = std::get_if<card::SetClock>(&request.command))
        return for_box && clock->time < kClockEnd ? Result::kDone : Result::kBadArgument;
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
        const Taken taken =
            take_ticket(book.account, {ticket->epoch, ticket->number, ticket->credited_hundredths}, book.reverse);
        if (taken.effect == TicketEffect::kMalformed) return Result::kBadArgument;
        if (taken.bought > Credit{}) draft.purchase = {{request.household}, taken.bought};
    } else if (const auto* hold = std::get_if<card::RemoteHold>(&request.command)) {
        book.remote_off = hold->off;
    } else if (const auto* force = std::get_if<card::ForcePower>(&request.command)) {
        book.forced = {};
        if (force->minutes > 0) {
            const std::optional<CivilSeconds> time = clock_.read();
            book.forced.overruled =
                HoldSet{static_cast<std::uint16_t>(force->overruled.bits() & kMayBeOverruled.bits())};
            book.forced.minutes = force->minutes;
            book.forced.until = time ? *time + force->minutes * 60u : 0;
        }
    } else if (std::holds_alternative<card::Acknowledge>(request.command)) {
        acknowledge(book.account);
    } else if (const auto* alarms = std::get_if<card::Alarms>(&request.command)) {
        book.account.levels = {alarms->low_hundredths, alarms->cutoff_hundredths, alarms->overdraft_hundredths};
        watch_cutoff(book.account);
    } else {
        return Result::kNotSupported;
    }
    return Result::kDone;
}

card::Result Box::stage_setting(const card::Request& request, Draft& draft) {
    using card::Result;
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
        return Result::kDone;
    }
    if (announced) return Result::kDone;
    // The last command that was accepted is the announcement, and it is fresh.
    const bool follows = clear_announced_ != 0 && clear_announced_ == books_.box.last_command.counter &&
                         now - clear_announced_at_ <= kClearAnnounced;
    if (!follows) return Result::kBadArgument;
    draft.clear_all = true;
    return Result::kDone;
}

card::Answer Box::execute(const card::OpenedRequest& opened, std::uint32_t digest, std::uint8_t household_of_address,
                          bool known_code, Instant now) {
    using card::Result;
    recorder_.at(now);
    const card::Request& request = opened.request;
    card::Answer answer;
    answer.counter = request.counter;
    answer.household = request.household;
    const bool exists = request.household >= 1 && request.household <= household_count();
    const Household h{request.household};
    switch (judge(books_.box.last_command, request.counter, digest)) {
        case Freshness::kOld:
            answer.result = Result::kOldCounter;
            recorder_.log(EventKind::kReplayedCommand, {},
                          events::on_line(household_of_address, request.operator_number));
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
    Draft draft{books_.box, exists ? books_.households[at(h)] : HouseholdBook{}, {}, {}, {}, false};
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
    // carried out.
    const auto* clock = std::get_if<card::SetClock>(&request.command);
    const std::optional<CivilSeconds> time_before = clock_.read();
    if (done && clock != nullptr) clock_.set(clock->time);

    draft.box.last_command = {request.counter, digest, static_cast<std::uint8_t>(answer.result)};
    Entry entry;
    entry.put(draft.box);
    if (done && exists) entry.put(h, draft.book);
    if (done && !draft.value.empty()) entry.put_setting(draft.key, draft.value);
    if (done && draft.clear_all) entry.put_clear_all();
    if (answer.result == Result::kNotStored || !commit(entry)) {
        if (done && clock != nullptr && time_before) clock_.set(*time_before);
        answer.result = Result::kNotStored;
        if (exists) answer.effect = effect(h);
        return answer;
    }
    if (done) recorder_.on_constant(books_.box.pulse_constant, draft.box.pulse_constant, request.operator_number);
    if (done && clock != nullptr)
        recorder_.on_clock_set(time_before, clock->time, request.operator_number, ClockSource::kSealed);
    books_.box = draft.box;
    if (done) take_effect(request, draft, now);
    if (exists) answer.effect = effect(h);
    return answer;
}

// It is stored; from here on nothing can be refused.
void Box::take_effect(const card::Request& request, const Draft& draft, Instant now) {
    const Household h{request.household};
    if (h.number != 0) {
        recorder_.on_command(request, books_.households[at(h)], draft.book);
        books_.households[at(h)] = draft.book;
        forget_unsaved(h);
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
        std::array<Byte, settings::kSettingBytesMax> before{};
        const std::size_t size = settings::encode(books_.settings, draft.key, before);
        recorder_.on_setting(draft.key, request.operator_number, {before.data(), size}, draft.value);
        // Checked when it was staged.
        (void)settings::decode(books_.settings, draft.key, draft.value, household_count());
        settings_writer_.drop();
    }
    if (const auto* clear_step = std::get_if<card::Clear>(&request.command); clear_step != nullptr && h.number == 0) {
        clear_announced_ = clear_step->step == card::ClearStep::kAnnounce ? request.counter : 0;
        clear_announced_at_ = now;
    }
    if (draft.clear_all) recorder_.on_box_cleared(books_, household_count(), request.operator_number);
    if (draft.clear_all)
        for (int n = 1; n <= household_count(); ++n) {
            clear(books_.households[at(household(n))]);
            forget_unsaved(household(n));
        }
    if (h.number != 0)
        refresh(h);
    else
        refresh_all();
}

bool Box::set_remote_hold(Household h, bool off) {
    HouseholdBook book = books_.households[at(h)];
    book.remote_off = off;
    Entry entry;
    entry.put(h, book);
    if (!commit(entry)) return false;
    if (books_.households[at(h)].remote_off != off)
        recorder_.log(off ? EventKind::kRemoteOff : EventKind::kRemoteOn, h, events::by_operator(0));
    books_.households[at(h)] = book;
    forget_unsaved(h);
    refresh(h);
    return true;
}

void Box::set_clock(CivilSeconds time, ClockSource source, std::uint32_t operator_number) {
    const std::optional<CivilSeconds> before = clock_.read();
    clock_.set(time);
    recorder_.on_clock_set(before, time, operator_number, source);
}

}  // namespace prewatt::meter
