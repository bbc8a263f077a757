#include "meter/node/recorder.hpp"

#include "base/crc.hpp"

namespace prewatt::meter {
namespace {

// These guards write a cut with their own numbers.
constexpr HoldSet kWrittenElsewhere{1u << static_cast<int>(Hold::kMalignant) | 1u << static_cast<int>(Hold::kOverload) |
                                    1u << static_cast<int>(Hold::kLockedOut)};

std::int64_t hundredths(Credit credit) {
    return in_hundredths(credit, Round::kDown);
}

}  // namespace

void Recorder::open(int households, std::uint32_t boots, bool back, Instant now) {
    boots_ = boots;
    now_ = now;
    next_look_ = now;
    dark_since_.fill(now);
    seen_ = 0;
    if (!archive_.open(households) || !back) return;
    // When it went is known only where the supply announced it.
    const auto going = archive_.events.nth_last(EventKind::kSupplyGoing, {}, 1);
    const bool of_last_start = going && going->clock_valid && going->boots == static_cast<std::uint16_t>(boots - 1);
    const std::optional<CivilSeconds> from = of_last_start ? std::optional(CivilSeconds{going->time}) : std::nullopt;
    log(EventKind::kPowerDown, {}, events::power_down(from, civil()));
}

void Recorder::on_state(Household household, HouseholdState before, HouseholdState after, HoldSet overruled,
                        ActivePower power, std::int32_t remaining_hundredths, Energy forward) {
    Instant& dark_since = dark_since_[static_cast<std::size_t>(household.index())];
    const bool was_closed = before.has(StateBit::kRelayClosed);
    const bool is_closed = after.has(StateBit::kRelayClosed);
    HoldSet& held = held_[static_cast<std::size_t>(household.index())];
    if (!is_closed && !after.holds().empty()) held = after.holds();
    if (was_closed && !is_closed) {
        dark_since = now_;
        const HoldSet because = after.holds().without(overruled);
        if (because.empty() || !because.without(kWrittenElsewhere).empty())
            log(EventKind::kCut, household, events::cut(after.holds(), because, power, remaining_hundredths, forward));
    } else if (!was_closed && is_closed) {
        // The contacts latch: after a start the first closing is news only where the last word was a cut.
        const std::uint64_t bit = std::uint64_t{1} << household.index();
        const bool first = (seen_ & bit) == 0;
        seen_ |= bit;
        if (first) {
            const EventKinds moves(EventKind::kCut, EventKind::kMalignantCut, EventKind::kOverloadCut,
                                   EventKind::kRestore);
            const auto last = archive_.events.nth_last(moves, EventRing::kSwitching, household, 1);
            if (last && last->kind == EventKind::kRestore) return;
        }
        const HoldSet gone = held.without(after.holds());
        held = {};
        log(EventKind::kRestore, household,
            events::restore(gone, overruled, remaining_hundredths, now_ - dark_since, forward));
    }
}

void Recorder::on_ticket(Household h, std::uint32_t number, const HouseholdBook& before, const HouseholdBook& after) {
    const Account& was = before.account;
    const Account& is = after.account;
    const bool opened = is.epoch != was.epoch;
    if (opened)
        log(EventKind::kAccountOpened, h,
            events::account_opened(is.epoch, static_cast<std::uint8_t>(is.unit), hundredths(is.previous_used),
                                   hundredths(is.previous_credited), number));
    const Credit bought = is.credited - (opened ? Credit{} : was.credited);
    if (bought != Credit{})
        log(bought > Credit{} ? EventKind::kPurchase : EventKind::kRefund, h,
            events::purchase(opened ? 0 : hundredths(was.remaining()), hundredths(bought), hundredths(is.credited),
                             number));
}

void Recorder::on_command(const card::Request& request, const HouseholdBook& before, const HouseholdBook& after) {
    const Household h{request.household};
    if (h.number == 0) return;
    const std::uint32_t who = request.operator_number;
    if (const auto* ticket = std::get_if<card::Ticket>(&request.command)) {
        on_ticket(h, ticket->number, before, after);
    } else if (const auto* hold = std::get_if<card::RemoteHold>(&request.command)) {
        if (before.remote_off != after.remote_off)
            log(hold->off ? EventKind::kRemoteOff : EventKind::kRemoteOn, h, events::by_operator(who));
    } else if (const auto* force = std::get_if<card::ForcePower>(&request.command)) {
        log(EventKind::kForcedPower, h, events::forced_power(force->overruled, force->minutes, who));
    } else if (std::holds_alternative<card::Acknowledge>(request.command)) {
        log(EventKind::kAcknowledged, h,
            events::acknowledged(static_cast<std::int32_t>(hundredths(after.account.remaining())), who));
    } else if (const auto* alarms = std::get_if<card::Alarms>(&request.command)) {
        log(EventKind::kAlarmLevels, h,
            events::alarm_levels(alarms->low_hundredths, alarms->cutoff_hundredths, alarms->overdraft_hundredths, who));
    }
}

void Recorder::on_household_cleared(Household household, const HouseholdBook& before, std::uint32_t operator_number) {
    log(EventKind::kHouseholdCleared, household,
        events::cleared(operator_number, before.forward, before.reverse, hundredths(before.account.remaining())));
}

void Recorder::on_setting(settings::SettingKey key, std::uint32_t operator_number, Bytes before, Bytes after) {
    log(key.household == 0 ? EventKind::kBoxSettingChanged : EventKind::kSettingChanged, {key.household},
        events::setting_changed(static_cast<std::uint8_t>(key.id), key.index, operator_number, crc32(before),
                                crc32(after)));
}

void Recorder::on_constant(std::uint16_t before, std::uint16_t after, std::uint32_t operator_number) {
    if (before != after)
        log(EventKind::kPulseConstantChanged, {}, events::pulse_constant(before, after, operator_number));
}

void Recorder::on_box_cleared(const Books& before, int households, std::uint32_t operator_number) {
    Energy forward;
    Energy reverse;
    for (int n = 1; n <= households; ++n) {
        const HouseholdBook& book = before.households[static_cast<std::size_t>(n - 1)];
        forward += book.forward;
        reverse += book.reverse;
        on_household_cleared({static_cast<std::uint8_t>(n)}, book, operator_number);
    }
    log(EventKind::kBoxCleared, {}, events::cleared(operator_number, forward, reverse, 0));
}

void Recorder::on_clock_set(std::optional<CivilSeconds> before, CivilSeconds after, std::uint32_t operator_number,
                            ClockSource source) {
    log(EventKind::kClockSet, {}, events::clock_set(before, after, operator_number, source));
    next_look_ = now_;
}

void Recorder::on_phase(Phase phase, bool lost, Voltage voltage) {
    Lost& known = phases_[static_cast<std::size_t>(phase)];
    if (known.lost == lost) return;
    known.lost = lost;
    if (lost) {
        known.at = now_;
        known.from = civil();
        log(phase_lost(phase), {}, events::phase_lost(voltage));
    } else {
        archive_.log_phase_back(phase, voltage, known.from, now_ - known.at, time());
    }
}

void Recorder::on_power_fail() {
    log(EventKind::kSupplyGoing, {}, {});
}

void Recorder::on_time(const Books& books) {
    if (now_ < next_look_ || !archive_.available()) return;
    next_look_ = now_ + kLook;
    archive_.on_time(civil(), books.settings.general, books);
}

}  // namespace prewatt::meter
