#include "server/app/line_link.hpp"

#include "server/domain/office_calendar.hpp"

#include "server/app/log.hpp"

namespace prewatt::server::app {

UnixTime unix_of_civil(CivilSeconds civil) {
    return UnixTime{kCalendarBegin.ms + std::int64_t{civil} * 1000};
}

CivilSeconds civil_of_unix(UnixTime time) {
    return static_cast<CivilSeconds>((time.ms - kCalendarBegin.ms) / 1000);
}

// A change that the office could not keep comes again with the next sweep, or by say_again(); here it is only told.
WhenDone<Done> LineLink::heard(std::string_view what) const {
    return [tell = tell_, what](const Answer<Done>& answer) {
        if (!answer && answer.error().reason != Reason::kStopping && answer.error().reason != Reason::kNotFound)
            tell(std::string(what) + " could not be kept: " + answer.error().message);
    };
}

// One that comes later about the same thing has taken its place; a rule that refuses it will do so again.
WhenDone<Done> LineLink::kept(Key key, std::uint64_t serial, WhenDone<Done> hear) const {
    return [unkept = unkept_, key, serial, hear = std::move(hear)](const Answer<Done>& answer) {
        {
            const std::lock_guard lock(unkept->mutex);
            const auto said = unkept->said.find(key);
            if (said != unkept->said.end() && said->second.serial == serial) {
                const bool again = !answer && (answer.error().reason == Reason::kStorageFull ||
                                               answer.error().reason == Reason::kStorageFailed);
                if (again)
                    said->second.waits = true;
                else
                    unkept->said.erase(said);
            }
        }
        if (hear) hear(answer);
    };
}

void LineLink::say_until_kept(Key key, std::string_view what, Say say) {
    std::uint64_t serial = 0;
    {
        const std::lock_guard lock(unkept_->mutex);
        serial = ++unkept_->serial;
        unkept_->said[key] = {serial, say, false};
    }
    say(kept(key, serial, heard(what)));
}

void LineLink::say_again(UnixTime now) {
    if (now >= said_again_at_ && now - said_again_at_ < kSeenInterval) return;
    std::vector<std::tuple<Key, std::uint64_t, Say>> waiting;
    {
        const std::lock_guard lock(unkept_->mutex);
        for (auto& [key, said] : unkept_->said)
            if (std::exchange(said.waits, false)) waiting.emplace_back(key, said.serial, said.say);
    }
    if (!waiting.empty()) said_again_at_ = now;
    for (const auto& [key, serial, say] : waiting)
        say(kept(key, serial, {}));  // that it could not be kept was told already
}

void LineLink::need_counters(BoxId box, std::uint32_t above, std::uint32_t count) {
    const auto reserve = [&office = office_, give = give_counters_, tell = tell_, box, count] {
        office.reserve_counters(box, count, [give, tell, box, count](const Answer<std::uint32_t>& first) {
            if (!first) tell("no command counters: " + first.error().message);
            give(box, first.value_or(0), first ? count : 0);
        });
    };
    if (above == 0) return reserve();
    // Both are queued in this order, so the counters are above it.
    office_.raise_counter(box, above, heard("a command counter"));
    reserve();
}

void LineLink::bind(BoxId box, std::uint8_t number, HouseholdId household) {
    const std::lock_guard lock(mutex_);
    if (number <= kHouseholdsMax) boxes_[box].households[number] = household;
}

void LineLink::on_block(const collect::BlockReading& block) {
    say_again(block.at);
    std::unique_lock lock(mutex_);
    Place& place = boxes_[block.box];
    std::vector<Reading> readings;
    for (const collect::HouseholdReading& one : block.changed) {
        HouseholdId household = one.household;
        if (!household && one.number <= kHouseholdsMax) household = place.households[one.number];
        if (!household) continue;
        readings.push_back({household, block.asked_at, energy_of_hundredths(one.record.forward_hundredths),
                            credit_of_hundredths(one.record.remaining_hundredths), one.record.state});
    }
    const bool quiet = readings.empty();
    if (quiet && place.told && place.flags == block.flags.bits && block.at - place.told_at < kSeenInterval) return;
    place.told = true;
    place.told_at = block.at;
    place.flags = block.flags.bits;
    lock.unlock();
    if (!quiet) office_.record_readings(std::move(readings), heard("readings"));
    BoxSeen seen;
    seen.box = block.box;
    seen.at = block.asked_at;
    seen.values_hold = true;
    seen.flags = block.flags.bits;
    office_.record_box_seen(seen, heard("that a box answers"));
}

void LineLink::on_power(BoxId box, const dlt645::BlockPower& power, UnixTime at) {
    std::vector<PowerReading> powers;
    {
        const std::lock_guard lock(mutex_);
        const Place& place = boxes_[box];
        for (std::size_t number = 1; number <= power.household_count && number <= kHouseholdsMax; ++number)
            if (const HouseholdId household = place.households[number])
                powers.push_back({household, at, ActivePower{power.tenths_of_watt[number] * 100'000LL}});
    }
    if (!powers.empty()) office_.record_powers(std::move(powers));
}

void LineLink::on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) {
    if (!household) return;
    MeterEffect effect;
    effect.epoch = status.epoch;
    effect.ticket_number = status.ticket_number;
    const Credit remaining = credit_of_hundredths(status.credited_hundredths) - status.used;
    effect.remaining = credit_of_hundredths(in_hundredths(remaining, Round::kDown));
    effect.state = status.state;
    effect.credited = credit_of_hundredths(status.credited_hundredths);
    effect.previous_epoch = status.previous_epoch;
    effect.forward = energy_of_hundredths(in_hundredths(status.forward, Round::kDown));
    const Credit previous_remaining = status.previous_credited - status.previous_used;
    effect.previous_remaining = credit_of_hundredths(in_hundredths(previous_remaining, Round::kDown));
    office_.record_effect(household, effect, at, heard("an account's state"));
}

void LineLink::on_status(BoxId box, const dlt645::BoxStatus& status, UnixTime at) {
    BoxSeen seen;
    seen.box = box;
    seen.at = at;
    seen.flags = status.flags.bits;
    if (status.clock != 0) seen.clock_at = unix_of_civil(status.clock);
    office_.record_box_seen(seen, heard("a box's state"));
}

void LineLink::on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                       UnixTime at) {
    on_live_(request, live, at);
}

void LineLink::on_answering(BoxId box, bool answering, UnixTime at) {
    BoxSeen seen;
    seen.box = box;
    seen.at = at;
    seen.answering = answering;
    {
        const std::lock_guard lock(mutex_);
        boxes_[box].told = false;
    }
    say_until_kept({About::kAnswering, box.value, 0}, "whether a box answers",
                   [&office = office_, seen](WhenDone<Done> done) { office.record_box_seen(seen, std::move(done)); });
}

void LineLink::on_sent(const Delivery& delivery, UnixTime at) {
    office_.record_sent(delivery, at, heard("a sending"));
}

void LineLink::on_confirmed(const Delivery& delivery, const card::Effect& effect, UnixTime at) {
    const MeterEffect shown{effect.epoch, effect.ticket_number, credit_of_hundredths(effect.remaining_hundredths),
                            effect.state};
    say_until_kept({About::kPart, delivery.household.value, static_cast<std::int64_t>(delivery.part)}, "a confirmation",
                   [&office = office_, delivery, shown, at](WhenDone<Done> done) {
                       office.record_confirmed(delivery, shown, at, std::move(done));
                   });
}

void LineLink::on_refused(const Delivery& delivery, std::string_view problem, bool for_good, UnixTime at) {
    if (!for_good) return office_.record_refused(delivery, std::string(problem), false, at, heard("a refusal"));
    say_until_kept({About::kPart, delivery.household.value, static_cast<std::int64_t>(delivery.part)}, "a refusal",
                   [&office = office_, delivery, problem = std::string(problem), at](WhenDone<Done> done) {
                       office.record_refused(delivery, problem, true, at, std::move(done));
                   });
}

void LineLink::on_freeze(const collect::FreezeReading& reading) {
    std::vector<Freeze> freezes;
    {
        const std::lock_guard lock(mutex_);
        const Place& place = boxes_[reading.box];
        for (const collect::FrozenReading& one : reading.households) {
            HouseholdId household = one.household;
            if (!household && one.number <= kHouseholdsMax) household = place.households[one.number];
            if (!household) continue;
            freezes.push_back({household, unix_of_civil(reading.due),
                               energy_of_hundredths(one.registers.forward_hundredths),
                               credit_of_hundredths(one.registers.remaining_hundredths)});
        }
    }
    if (!freezes.empty()) office_.archive().record_freezes(std::move(freezes), heard("a freeze"));
}

// What a tap did to an account comes as a confirmation. This is for whoever asks why somebody stood before a reader in
// vain; the box has it in its log too, under the same numbers.
void LineLink::on_tap(const collect::TapNews& news, UnixTime) {
    log_info("card reader " + std::to_string(news.reader) + ", tap " + std::to_string(news.tap) + ": card of box " +
             std::to_string(news.box_number) + ", code " + std::to_string(news.code));
}

void LineLink::on_reader(std::uint16_t number, bool answering, UnixTime) {
    const std::string words = "card reader " + std::to_string(number);
    answering ? log_info(words + " answers") : tell_(words + " does not answer");
}

void LineLink::on_setting(BoxId box, const collect::SettingNews& news, UnixTime at) {
    using Kind = collect::SettingNews::Kind;
    SettingReport report;
    report.kind = news.kind == Kind::kProved    ? SettingReport::Kind::kProved
                  : news.kind == Kind::kRefused ? SettingReport::Kind::kRefused
                  : news.kind == Kind::kDrifted ? SettingReport::Kind::kDrifted
                                                : SettingReport::Kind::kSum;
    report.box = box;
    report.number = news.household;
    report.household = news.owner;
    report.name = news.name;
    report.version = news.version;
    report.problem = std::string(news.problem);
    report.for_good = news.for_good;
    report.found = news.found;
    report.sum = news.sum;
    report.at = at;
    // The check sum over all of them is of name 0.
    const std::int64_t place = std::int64_t{report.number} << 16 | report.name.id << 8 | report.name.index;
    say_until_kept({About::kSetting, box.value, place}, "what a meter said of a setting",
                   [&office = office_, report = std::move(report)](WhenDone<Done> done) {
                       office.campaigns().record_setting(report, std::move(done));
                   });
}

}  // namespace prewatt::server::app
