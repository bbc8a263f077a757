// What acts by itself in a box: load guard, malignant loads, schedule, clock, phases.
#include <algorithm>
#include <bit>

#include "meter/core/malignant_load.hpp"
#include "meter/node/box.hpp"

namespace prewatt::meter {
namespace {

constexpr CivilSeconds kMinute = 60;
constexpr CivilSeconds kDay = 86'400;
constexpr Duration kPhaseLostAfter = seconds(1);

constexpr std::uint16_t in_watts(ActivePower power) {
    return static_cast<std::uint16_t>(
        std::clamp<std::int64_t>(divide(power.count(), 1'000'000, Round::kNearest), 0, UINT16_MAX));
}

}  // namespace

ControlRules Box::rules(Household h) const {
    return rules_of(books_.settings, h, plan(h), overruled(h), clock().has_value());
}

Current Box::gross_limit(Circuit circuit) const {
    const int k = circuit.index % circuits_each(config_.wiring);
    const Household h = household_of(config_.wiring, circuit);
    if (!has(h) || !is_first_circuit(config_.wiring, k)) return {};
    return LoadGuard::gross_limit(books_.settings.households[at(h)].load);
}

// --- Load control (M9, limited power of M10)

void Box::watch_load(Household h) {
    const ControlRules rule = rules(h);
    if (rule.limit.milliamperes == 0 && rule.power_max == ActivePower{}) return;
    const Load load = load_of(present_, config_.wiring, h);
    const bool overruling = rule.overruled.has(Hold::kOverload);
    apply(h, controls_[at(h)].load.on_window(load, rule.limit, rule.power_max, overruling, now_), load);
}

void Box::on_overcurrent(const OvercurrentReport& report, Instant now) {
    begin(now);
    const Household h = household_of(config_.wiring, report.circuit);
    const int k = report.circuit.index % circuits_each(config_.wiring);
    if (!has(h) || !is_first_circuit(config_.wiring, k)) return;
    const ControlRules rule = rules(h);
    const bool overruling = rule.overruled.has(Hold::kOverload);
    apply(h, controls_[at(h)].load.on_gross(report.current, rule.limit, overruling, now),
          {report.current, active_[at(h)], {}});
    if (guards_unsaved_ != 0) save(now, save_at_);
}

void Box::apply(Household h, const LoadDecision& decision, const Load& load) {
    if (!decision.store) return;
    if (decision.news == LoadNews::kCut || decision.news == LoadNews::kLockedOut) {
        const settings::LoadLimit& limit = books_.settings.households[at(h)].load;
        const LoadGuard& guard = controls_[at(h)].load;
        const bool locked = decision.news == LoadNews::kLockedOut;
        LastCut& last = books_.households[at(h)].guards.last_cut;
        last = {hold_set(Hold::kOverload), clock().value_or(0), in_watts(load.active), {}, {}, 0};
        recorder_.log(EventKind::kOverloadCut, h,
                      events::overload(circuit_of(config_.wiring, h, 0), load.current, milliamperes(limit.milliamperes),
                                       guard.book().cuts, limit.cuts_max, decision.cause == LoadCause::kGross,
                                       locked ? Duration{} : seconds(limit.restore_seconds)));
        if (locked)
            recorder_.log(EventKind::kLockedOut, h, events::locked_out(hold_set(Hold::kOverload), guard.book().cuts));
    }
    guards_changed(h);
}

// A guard of this household stands elsewhere: store it, switch, come back in time.
void Box::guards_changed(Household h) {
    controls_[at(h)].put_into(books_.households[at(h)].guards, clock().value_or(0));
    guards_unsaved_ |= bit(h);
    next_guard_ = std::min(next_guard_, controls_[at(h)].next_due());
    refresh(h);
}

void Box::poll_guards(Instant now) {
    next_guard_ = kNever;
    const std::optional<CivilSeconds> time = clock();
    static constexpr settings::MalignantProfile kFactory{};
    for (int n = 1; n <= household_count(); ++n) {
        const Household h{static_cast<std::uint8_t>(n)};
        HouseholdControl& control = controls_[at(h)];
        if (control.next_due() <= now) {
            const ControlRules rule = rules(h);
            apply(h, control.load.poll(rule.limit, now), {});
            const settings::MalignantProfile& profile = rule.malignant != nullptr ? *rule.malignant : kFactory;
            if (control.malignant.poll(profile, now, time.value_or(0), time.has_value()).store) guards_changed(h);
        }
        next_guard_ = std::min(next_guard_, control.next_due());
    }
}

// --- Malignant loads (M8)

bool Box::on_step(const StepReport& report, Instant now) {
    begin(now);
    const Household h = household_of(config_.wiring, report.circuit);
    if (!has(h) || !is_first_circuit(config_.wiring, report.circuit.index % circuits_each(config_.wiring)))
        return false;
    const ControlRules rule = rules(h);
    if (rule.malignant == nullptr || rule.overruled.has(Hold::kMalignant)) return false;
    if (learn_appliance(h, report)) return false;
    const std::optional<CivilSeconds> time = clock();
    const MalignantDecision decision = controls_[at(h)].malignant.on_report(report, *rule.malignant, rule.permitted,
                                                                            now, time.value_or(0), time.has_value());
    apply(h, decision, report);
    if (guards_unsaved_ != 0) save(now, save_at_);
    return capture_.household.number != 0 && capture_.report.capture != 0;
}

void Box::apply(Household h, const MalignantDecision& decision, const StepReport& report) {
    if (decision.cut || decision.alarm) {
        finish_capture(nullptr);  // of an earlier step
        capture_ = {h, report, decision, report.capture != 0 ? now_ + kCaptureWait : now_};
    }
    if (decision.cut) {
        const bool locked = controls_[at(h)].malignant.is_locked_out();
        books_.households[at(h)].guards.last_cut = {
            hold_set(Hold::kMalignant),      clock().value_or(0),
            in_watts(decision.verdict.sure), report.shape,
            decision.verdict.rule,           report.power_factor_ten_thousandths};
        if (locked)
            recorder_.log(
                EventKind::kLockedOut, h,
                events::locked_out(hold_set(Hold::kMalignant), controls_[at(h)].malignant.state().restores_used));
    }
    if (decision.store) guards_changed(h);
    if (now_ >= capture_.until) finish_capture(nullptr);
}

void Box::on_capture(const StepCapture& capture, Instant now) {
    begin(now);
    finish_capture(&capture);
}

// The record with the waveforms, then the event that names it.
void Box::finish_capture(const StepCapture* capture) {
    if (capture_.household.number == 0) return;
    const PendingCapture pending = capture_;
    capture_ = {};
    const MalignantDecision& decision = pending.decision;
    const std::uint32_t number =
        recorder_.archive().captures.put(pending.household, pending.report, capture,
                                         static_cast<std::uint8_t>(decision.verdict.action), recorder_.time());
    recorder_.log(decision.cut ? EventKind::kMalignantCut : EventKind::kMalignantAlarm, pending.household,
                  events::malignant(pending.report, decision.restore_after, decision.restores_left,
                                    static_cast<int>(number & 0xFF)));
}

// The office has ordered that the next malignant step shall be permitted from now on: both in one entry, so that it is
// learnt once. True: this step was it. Where it cannot be stored it is judged as ever.
bool Box::learn_appliance(Household h, const StepReport& report) {
    HouseholdBook& book = books_.households[at(h)];
    const std::optional<CivilSeconds> time = clock();
    if (book.learn.days == 0 || !time) return false;
    const ControlRules rule = rules(h);
    const bool over = *time >= book.learn.until;
    const MalignantVerdict verdict =
        judge(report, *rule.malignant, rule.permitted, *time, controls_[at(h)].malignant.state().signature);
    const bool is_it = verdict.action != settings::MalignantAction::kIgnore && report.conductance_microsiemens > 0;
    if (!over && !is_it) return false;

    HouseholdBook after = book;
    after.learn = {};
    Entry entry;
    entry.put_learn(h, after);
    const settings::SettingKey key{settings::SettingId::kPermittedAppliance, h.number, book.learn.slot};
    std::array<Byte, settings::kSettingBytesMax> value;
    std::size_t size = 0;
    if (!over) {
        settings::PermittedAppliance& slot = books_.settings.households[at(h)].permitted[book.learn.slot];
        const settings::PermittedAppliance before = slot;
        slot = learn(report, *time + book.learn.days * kDay);
        size = settings::encode(books_.settings, key, value);
        slot = before;
        if (!settings::check(key, {value.data(), size}, household_count()) || !journal_.has_room_for(key, size, books_))
            return false;
        entry.put_setting(key, {value.data(), size});
    }
    if (!commit(entry)) return false;
    book.learn = {};
    if (over) return false;
    take_setting(key, {value.data(), size}, 0);
    return true;
}

// --- Schedule and clock (M10, M17)

void Box::update_schedule(Instant now) {
    const std::uint8_t changed = schedule_.update(books_.settings, clock());
    if (changed != 0) refresh_all();
    next_minute_ = std::min(next_minute_, now + seconds(kMinute));
}

// The pending prices of a plan become the present ones when their time has come; both then hold the same.
void Box::change_prices() {
    for (std::uint8_t plan = 0; plan < settings::kPricePlans; ++plan) {
        const auto present = static_cast<std::uint8_t>(2 * plan);
        const settings::PriceSet& pending = books_.settings.prices[present + 1u];
        const std::optional<CivilSeconds> time = clock();
        if (time && pending.valid_from > *time)
            next_minute_ = std::min(next_minute_, now_ + seconds(pending.valid_from - *time));
        if (!is_changeover_due(books_.settings.prices[present], pending, time)) continue;
        const settings::SettingKey from{settings::SettingId::kPriceSet, 0, static_cast<std::uint8_t>(present + 1)};
        const settings::SettingKey to{settings::SettingId::kPriceSet, 0, present};
        std::array<Byte, settings::kSettingBytesMax> value;
        const std::size_t size = settings::encode(books_.settings, from, value);
        Entry entry;
        entry.put_setting(to, {value.data(), size});
        if (commit(entry)) take_setting(to, {value.data(), size}, 0);
    }
}

// Once a minute at the least, on the minute of the clock, and when a period begins.
void Box::on_minute(Instant now) {
    if (!clock_guard_.watch(clock_.read(), now))
        recorder_.log(EventKind::kClockStopped, {}, events::clock_stopped(clock_guard_.book().latest));
    const std::optional<CivilSeconds> time = clock();
    next_minute_ = now + seconds(time ? kMinute - *time % kMinute : kMinute);
    update_schedule(now);
    if (time) {
        if (const std::optional<CivilSeconds> change = schedule_.next_change(); change && *change > *time)
            next_minute_ = std::min(next_minute_, now + seconds(*change - *time));
    }
    change_prices();
    if (clock_guard_.wants_save(clock_.read())) {
        BoxBook box = books_.box;
        box.clock = clock_guard_.fresh_book(clock_.read());
        Entry entry;
        entry.put_clock(box);
        if (commit(entry)) {
            books_.box = box;
            clock_guard_.saved(box.clock);
        }
    }
    recorder_.on_time(books_);
    const bool fault = !journal_.is_sound();
    if (fault && !memory_fault_told_)
        recorder_.log(EventKind::kMemoryFault, {}, events::processor(books_.box.session, {}));
    memory_fault_told_ = fault;
}

// What must be stored with a change of the clock: ends that were meant as durations move along.
void Box::follow(const ClockChange& change, BoxBook& box) {
    box.clock = change.book;
    if (change.before) box.clock_moved += change.after - *change.before;
}

// Stored and set.
void Box::clock_was_set(const ClockChange& change, std::uint32_t operator_number) {
    clock_guard_.take(change, now_);
    for (int n = 1; n <= household_count(); ++n) {
        const Household h{static_cast<std::uint8_t>(n)};
        if (controls_[at(h)].malignant.on_clock_set(change.after)) guards_changed(h);
    }
    recorder_.on_clock_set(change.before, change.after, operator_number, change.source);
    next_minute_ = now_;
}

bool Box::correct_clock(ClockSource source, CivilSeconds time, std::uint32_t operator_number, Instant now) {
    begin(now);
    const auto change = clock_guard_.propose(source, time, clock_.read(), books_.settings.general);
    if (!change) return false;
    BoxBook box = books_.box;
    follow(*change, box);
    Entry entry;
    entry.put_clock(box);
    if (!commit(entry)) return false;
    books_.box = box;
    clock_.set(time);
    clock_was_set(*change, operator_number);
    return true;
}

// --- Phases (M4)

void Box::watch_phases() {
    for (std::size_t p = 0; p < phase_lost_.size(); ++p) {
        const PhaseMeasurement& phase = present_.phases[p];
        Instant& since = phase_differs_since_[p];
        if (phase.present != phase_lost_[p]) {
            since = kNever;
            continue;
        }
        if (since == kNever) since = now_;
        if (now_ - since < kPhaseLostAfter) continue;
        phase_lost_[p] = !phase.present;
        since = kNever;
        recorder_.on_phase(static_cast<Phase>(p), phase_lost_[p], phase.voltage);
    }
}

// --- Contacts that do not obey (M13): driven again at once, told, and shown until they do

void Box::watch_contacts() {
    if (!relays_started_) return;
    ContactWindow window;
    window.span = present_.span;
    window.judged = relays_.resting_since(now_ - present_.span - ContactWatch::kLate);
    window.closed = relays_.closed();
    for (int c = 0; c < household_count() * circuits_each(config_.wiring); ++c) {
        const Circuit circuit{static_cast<std::uint8_t>(c)};
        const auto phase = static_cast<std::size_t>(phase_of(config_.wiring, circuit));
        const std::uint64_t mask = std::uint64_t{1} << c;
        if (present_.circuits[circuit.index].current >= ContactWatch::kFlowing) window.flowing |= mask;
        if (present_.phases[phase].present) window.supplied |= mask;
    }
    window.sensed = load_sense_ != nullptr;
    if (load_sense_ != nullptr) window.live = load_sense_->live();
    const ContactNews news = contacts_.on_window(window, now_);
    if (news.empty()) return;
    const auto tell = [&](std::uint64_t circuits, EventKind kind) {
        for (; circuits != 0; circuits &= circuits - 1) {
            const Circuit circuit{static_cast<std::uint8_t>(std::countr_zero(circuits))};
            const Household h = household_of(config_.wiring, circuit);
            const bool obeys = kind == EventKind::kContactObeys;
            if (!obeys) relays_.drive_again(circuit);
            recorder_.log(kind, h,
                          events::contact(circuit, present_.circuits[circuit.index].current,
                                          obeys ? now_ - contacts_.since(circuit) : Duration{}));
            refresh(h);
        }
    };
    tell(news.stays_closed, EventKind::kContactStaysClosed);
    tell(news.stays_open, EventKind::kContactStaysOpen);
    tell(news.obeys, EventKind::kContactObeys);
}

}  // namespace prewatt::meter
