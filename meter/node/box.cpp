#include "meter/node/box.hpp"

#include <algorithm>
#include <bit>

#include "meter/core/save_budget.hpp"

namespace prewatt::meter {
namespace {

constexpr std::uint32_t kVersionsAtATime = 0x10000;
// Where the reservation could not be stored the next start may give out the same versions again: nobody's version is
// believed.
constexpr std::uint32_t kNothingPromised = UINT32_MAX;
constexpr std::uint32_t kRegisterHundredths = 100'000'000;  // registers of the standard wrap here
constexpr Duration kMeteringSilence = seconds(2);
// Totals that went back by less have been restored from an older copy of the metering side's memory.
constexpr std::uint32_t kTotalsBackMax = 10'000'000;
// Relays wait so long for the first window after a start: which phase is alive decides whether a relay may close.
constexpr Duration kRelaysWait = seconds(2);

constexpr std::int32_t saturate(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN, INT32_MAX));
}
constexpr Household household(int number) {
    return {static_cast<std::uint8_t>(number)};
}

}  // namespace

Box::Box(const NodeConfig& config, Storage& storage, RelayBank& relays, RealTimeClock& clock, LoadSense* load_sense)
    : config_(config),
      clock_(clock),
      journal_(storage),
      relays_(relays, households(config.wiring) * circuits_each(config.wiring), circuits_each(config.wiring)),
      recorder_(storage, clock, clock_guard_),
      load_sense_(load_sense) {
    save_at_ = save_threshold(config.max_current_amperes, circuits_each(config.wiring), household_count());
    forced_until_.fill(kNever);
    phase_differs_since_.fill(kNever);
    books_.box.pulse_constant = config.pulse_constant;
}

StartResult Box::start(Instant now, bool supply_failed) {
    begin(now);
    const JournalIdentity identity{config_.box.value, static_cast<std::uint8_t>(config_.wiring), household_count(),
                                   config_.card_keys.has_value()};
    const OpenResult opened = journal_.open(identity, books_);
    if (opened == OpenResult::kForeign) return StartResult::kWrongBox;
    if (opened == OpenResult::kNewerFormat || opened == OpenResult::kUnreadable) return StartResult::kStorageDead;

    clock_guard_.start(books_.box.clock, clock_.read(), now);
    const std::optional<CivilSeconds> time = clock();
    for (std::size_t path = 0; path < card_guards_.size(); ++path)
        card_guards_[path].start(books_.box.cards.attempts[path], time, now);
    (void)schedule_.update(books_.settings, time);
    for (int n = 1; n <= household_count(); ++n) {
        const Household h = household(n);
        HouseholdBook& book = books_.households[at(h)];
        controls_[at(h)].start(book, books_.settings.households[at(h)].load, credit_holds(book.account), now);
        if (book.forced.minutes == 0) continue;
        const CivilSeconds until = book.forced.until + books_.box.clock_moved;
        if (!time || book.forced.until == 0 || until <= *time) {
            book.forced = {};
            continue;
        }
        const std::int64_t left = std::min<std::int64_t>(until - *time, book.forced.minutes * 60);
        forced_until_[at(h)] = now + seconds(left);
    }
    ++books_.box.boots;
    first_version_ = version_ = books_.box.versions_reserved + 1;
    books_.box.versions_reserved += kVersionsAtATime;
    recorder_.open(household_count(), books_.box.boots, opened == OpenResult::kRecovered && supply_failed, now);
    Entry entry;
    entry.put(books_.box);
    if (!commit(entry)) first_version_ = kNothingPromised;
    relays_start_at_ = now + kRelaysWait;
    changed_at_.fill(version_);
    next_forced_end_ = next_guard_ = next_minute_ = now;
    refresh_all();
    (void)poll(now);
    return opened == OpenResult::kFresh ? StartResult::kFresh : StartResult::kRecovered;
}

HoldSet Box::overruled(Household h) const {
    return forced_until_[at(h)] == kNever ? HoldSet{} : books_.households[at(h)].forced.overruled;
}

HoldSet Box::holds(Household h) {
    HouseholdBook& book = books_.households[at(h)];
    HouseholdControl& control = controls_[at(h)];
    const PlanState& plan_now = plan(h);
    HoldSet holds = control.wait.update(credit_holds(book.account), plan_now.no_cut);
    if (control.wait.waiting() != book.waiting) {
        book.waiting = control.wait.waiting();
        account_unsaved_ |= bit(h);
    }
    holds.set(Hold::kRemote, book.remote_off);
    holds.set(Hold::kSchedule, plan_now.mode == settings::SupplyMode::kOff);
    // A three-phase household is dark as soon as one of its phases is out of range: its motors must not run on two.
    bool supply_held = false;
    for (int k = 0; k < circuits_each(config_.wiring); ++k)
        supply_held |= supply_[static_cast<std::size_t>(phase_of(config_.wiring, h, k))].is_held();
    holds.set(Hold::kSupply, supply_held);
    return HoldSet{static_cast<std::uint16_t>(holds.bits() | control.holds().bits())};
}

std::uint64_t Box::circuits_of(Household h) const {
    return ((std::uint64_t{1} << circuits_each(config_.wiring)) - 1) << circuit_of(config_.wiring, h, 0).index;
}

bool Box::lit(Household h) const {
    return (relays_.closed() & circuits_of(h)) == circuits_of(h);
}

// Registers and thresholds move at whole hundredths only: so much energy makes no difference to anybody.
Energy Box::quiet_energy(Household h) const {
    const HouseholdBook& book = books_.households[at(h)];
    const std::int64_t forward = kJoulesPerHundredth - book.forward.count() % kJoulesPerHundredth;
    if (!book.account.is_open()) return Energy{forward};
    const std::int64_t remaining = book.account.remaining().count();
    // A threshold acts when it is reached, a register moves one grain later.
    const std::int64_t above = remaining - divide(remaining, kGrainsPerHundredth, Round::kDown) * kGrainsPerHundredth;
    const Credit credit{above == 0 ? 1 : above};
    const Energy until = book.account.unit == settings::AccountUnit::kMoney
                             ? energy_until(book.tariff, prices(h), plan(h).rate, credit)
                             : Energy{credit.count()};
    return std::min(Energy{forward}, until);
}

// What the account is charged for energy that has just been used.
Credit Box::cost(Household h, Energy used) {
    HouseholdBook& book = books_.households[at(h)];
    if (book.account.unit == settings::AccountUnit::kEnergy) return credit_for(used);
    return charge_money(book.tariff, prices(h), plan(h).rate, EnergyWindow{used, present_.span, clock()});
}

void Box::refresh(Household h) {
    const HouseholdBook& book = books_.households[at(h)];
    quiet_[at(h)] = quiet_energy(h);
    const HoldSet held = holds(h);
    const HoldSet overruling = overruled(h);
    for (int k = 0; k < circuits_each(config_.wiring); ++k)
        relays_.want(circuit_of(config_.wiring, h, k), obeyed(held, config_.wiring, k).without(overruling).empty());

    dlt645::HouseholdRecord record;
    record.remaining_hundredths = saturate(in_hundredths(book.account.remaining(), Round::kDown));
    record.forward_hundredths =
        static_cast<std::uint32_t>(in_hundredths(book.forward, Round::kDown) % kRegisterHundredths);
    record.state.set_holds(held);
    record.state.set(StateBit::kRelayClosed, lit(h));
    record.state.set(StateBit::kLowCredit, is_low(book.account));
    record.state.set(StateBit::kForced, forced_until_[at(h)] != kNever);
    record.state.set(StateBit::kRelayFault, (contacts_.faulty() & circuits_of(h)) != 0);
    record.state.set(StateBit::kMoneyAccount, book.account.unit == settings::AccountUnit::kMoney);
    record.state.set(StateBit::kReverse, book.account.is_open() && book.reverse > book.account.reverse_at_opening);
    record.state.set(StateBit::kCutoffAlarmed, book.account.cutoff == CutoffStage::kGiven);
    if (record == published_[at(h)]) return;
    // The energy that darkens it is kept at once: a restart must not find a little credit again.
    const bool ran_out = held.has(Hold::kNoCredit) && !published_[at(h)].state.holds().has(Hold::kNoCredit);
    if (ran_out && relays_started_) account_unsaved_ |= bit(h);
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
    charge(book.account, cost(h, used));
    unsaved_[at(h)] += used;
    quiet_[at(h)] -= used;
    const bool first_reverse = reverse > Energy{} && !published_[at(h)].state.has(StateBit::kReverse);
    if (quiet_[at(h)] > Energy{} && !first_reverse) return;
    if (watch_cutoff(book.account)) account_unsaved_ |= bit(h);
    if (first_reverse && book.account.is_open())
        recorder_.log(EventKind::kReverseFlow, h, events::reverse_flow(active_[at(h)], book.reverse));
    refresh(h);
}

void Box::on_window(const MeteringWindow& window, Instant now) {
    begin(now);
    const bool first = measured_at_ == kNeverMeasured;
    present_ = window.measurement;
    measured_at_ = now;
    bool supply_changed = false;
    for (std::size_t p = 0; p < supply_.size(); ++p) {
        const PhaseMeasurement& phase = present_.phases[p];
        // After a start there is no contact to be spared: a phase that is missing is missing at once.
        if (first) supply_[p].begin(phase.voltage, phase.present);
        supply_changed |= first || supply_[p].on_voltage(phase.voltage, phase.present, now);
    }
    on_metering_session(window.session, now);
    const bool booked = window.session != 0 && window.session == books_.box.session;

    const int circuits = circuits_each(config_.wiring);
    const int count = household_count();
    bool save = account_unsaved_ != 0 || guards_unsaved_ != 0;
    const CircuitMeasurement* circuit = present_.circuits.data();
    for (int n = 1; n <= count; ++n) {
        const Household h = household(n);
        ActivePower active;
        for (int k = 0; k < circuits; ++k, ++circuit)
            active += circuit->active;
        active_[at(h)] = active;
        if (booked) book(h, window.totals[at(h)], window.session);
        save |= unsaved_[at(h)] >= save_at_;
        watch_load(h);
    }
    watch_phases();
    watch_contacts();
    if (supply_changed) refresh_all();
    // A warning that came to nothing may have used up the reserve; none is given back while one may still be true.
    if (save || (journal_.wants_change() && now >= change_not_before_)) this->save(now, save_at_);
}

// Every household with at least so much unsaved energy, and every one whose account or guards have moved by themselves.
void Box::save(Instant now, Energy at_least, bool supply_fails) {
    if (now < next_save_ && !supply_fails) return;
    next_save_ = now;
    for (int from = 1; from <= household_count();) {
        Entry entry;
        std::uint64_t saved = 0;
        int n = from;
        for (; n <= household_count(); ++n) {
            const Household h = household(n);
            const HouseholdBook& book = books_.households[at(h)];
            const bool account = (account_unsaved_ & bit(h)) != 0;
            const bool guards = (guards_unsaved_ & bit(h)) != 0;
            if (!account && !guards && unsaved_[at(h)] < at_least) continue;
            const std::size_t size =
                Entry::kEnergyRecord + (account ? Entry::kAccountRecord : 0) + (guards ? Entry::kGuardRecord : 0);
            if (!entry.has_room(size)) break;
            entry.put_energy(h, book);
            if (account) entry.put_account(h, book);
            if (guards) entry.put_guards(h, book);
            saved |= bit(h);
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
    save(now, Energy{1}, true);
    if (!journal_.change(books_)) change_not_before_ = now + kSaveRetry;
}

void Box::forget_unsaved(Household h) {
    unsaved_[at(h)] = Energy{};
    account_unsaved_ &= ~bit(h);
    guards_unsaved_ &= ~bit(h);
}

void Box::end_forced_power(Instant now) {
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

Instant Box::poll(Instant now) {
    begin(now);
    if (now >= next_minute_) on_minute(now);
    if (now >= next_forced_end_) end_forced_power(now);
    if (now >= next_guard_) poll_guards(now);
    if (now >= capture_.until) finish_capture(nullptr);
    if (account_unsaved_ != 0 || guards_unsaved_ != 0) save(now, save_at_);
    const Instant next = std::min({next_forced_end_, next_guard_, next_minute_, capture_.until});
    if (!relays_started_) {
        if (measured_at_ == kNeverMeasured && now < relays_start_at_) return std::min(relays_start_at_, next);
        relays_started_ = true;
        relays_.set_refresh(books_.settings.general.refresh_minutes_min, books_.settings.general.refresh_minutes_max);
        relays_.start(now, config_.box.value);
    }
    const Instant next_pulse = relays_.poll(now);
    std::uint64_t moved = relays_.closed() ^ closed_seen_;
    closed_seen_ = relays_.closed();
    for (; moved != 0; moved &= moved - 1)
        refresh(household(std::countr_zero(moved) / circuits_each(config_.wiring) + 1));
    return std::min(next_pulse, next);
}

void Box::on_power_fail(Instant now) {
    begin(now);
    relays_.stop();
    change_not_before_ = now + kHoldUp * 2;
    save(now, Energy{1}, true);
    BoxBook box = books_.box;
    box.clock = clock_guard_.fresh_book(clock_.read());
    Entry entry;
    entry.put_clock(box);
    if (commit(entry, true)) {
        books_.box = box;
        clock_guard_.saved(box.clock);
    }
    recorder_.on_power_fail();
}

dlt645::BoxFlags Box::flags(Instant now) const {
    unsigned bits = 0;
    for (std::size_t p = 0; p < present_.phases.size(); ++p)
        if (present_.phases[p].present) bits |= 1u << p;
    if (metering_heard_ && now - measured_at_ <= std::max(kMeteringSilence, present_.span * 2)) bits |= 1u << 3;
    if (journal_.is_sound()) bits |= 1u << 4;
    if (clock()) bits |= 1u << 5;
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

}  // namespace prewatt::meter
