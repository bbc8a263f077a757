#include <time.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "campus/world_run.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

constexpr std::uint64_t kFirstBox = 4'000'000'001;
constexpr CivilSeconds kCivilStart = to_seconds({2026, 9, 1, 0, 0, 0});
constexpr server::UnixTime kUnixStart{1'788'192'000'000};  // the same instant in UTC+8
constexpr Duration kSlice = milliseconds(20);  // less than the shortest commit: lines meet only through the office
constexpr Duration kOneDay = minutes(24 * 60);
constexpr Duration kCheckEvery = seconds(60);
constexpr Duration kPatience = seconds(45);
constexpr Energy kLossMax = energy_of_hundredths(1);

double thread_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

World::World(const CampusOptions& options)
    : options_(options), random_(options.seed, {0x776F726C64}), disk_(options.seed) {
    for (int k = 0; k < options.lines; ++k)
        lines_.push_back(std::make_unique<sim::SerialLine>(
            9600, sim::LineFaults{}, sim::Random::combine(options.seed, {0x6C696E65, static_cast<std::uint64_t>(k)})));
    OfficeProcess::Options office;
    office.estate.master_key = kMasterKey;
    for (int k = 0; k < options.boxes; ++k)
        office.estate.boxes.push_back(kFirstBox + static_cast<std::uint64_t>(k));
    for (int k = 0; k < options.lines; ++k)
        office.estate.spares.push_back(kFirstBox + static_cast<std::uint64_t>(options.boxes + k));
    office.lines.box_interval_min = options.sweep;
    office.lines.status_interval = minutes(60);
    office.unix_start = kUnixStart;
    office.civil_start = kCivilStart;
    office.defect = options.defect;
    office.late_messages = options.faults ? 0.1 : 0;
    office.seed = options.seed;
    office_ = std::make_unique<OfficeProcess>(office, disk_, lines_);
    for (int k = 0; k < options.boxes + options.lines; ++k) {
        CampusBox::Options box;
        box.number = kFirstBox + static_cast<std::uint64_t>(k);
        box.keys = card::diversify(mac_, kMasterKey, box.number);
        box.homes = k < options.boxes ? options.homes : 0;
        box.seed = options.seed;
        box.window = options.window;
        box.start = kCivilStart;
        box.defect = options.defect;
        if (options.cards)
            box.card_keys = card::meter_card_keys(mac_, card::site_masters(mac_, kMasterKey), box.number);
        sim::SerialLine& line = *lines_[office_->line_of_box(static_cast<std::size_t>(k))];
        boxes_.push_back(std::make_unique<CampusBox>(line, mac_, box));
    }
    box_clean_since_.assign(boxes_.size(), Instant{});
    away_.assign(boxes_.size(), false);
    in_cupboard_.assign(boxes_.size(), false);
    for (std::size_t k = static_cast<std::size_t>(options.boxes); k < boxes_.size(); ++k) {
        spare_of_line_.push_back(k);
        in_cupboard_[k] = true;
        boxes_[k]->lose_supply(CampusBox::SupplyLoss::kWarned);
    }
    line_clean_since_.assign(lines_.size(), Instant{});
    line_disturbed_.assign(lines_.size(), 0);
    for (std::size_t box = 0; box < office.estate.boxes.size(); ++box)
        for (int h = 1; h <= options.homes; ++h) {
            Room room;
            room.box = box;
            room.number = Household{static_cast<std::uint8_t>(h)};
            room.id = office_->household(box, h);
            room.habits = sim::Random(options.seed, {0x726F6F6D, static_cast<std::uint64_t>(room.id.value)});
            const double temper = room.habits.uniform();
            room.temper = temper < 0.5    ? Temper::kCareful
                          : temper < 0.8  ? Temper::kForgetful
                          : temper < 0.95 ? Temper::kStingy
                                          : Temper::kCheat;
            rooms_.push_back(std::move(room));
        }
    if (options.faults)
        for (std::size_t k = 0; k < lines_.size(); ++k)
            mischief_.push_back(std::make_unique<Mischief>(*lines_[k], options.seed + k));
}

CampusReport World::run() {
    const double began = thread_seconds();
    disk_.set_faults(quiet_disk());
    start_office();
    for (std::size_t room = 0; room < rooms_.size(); ++room)
        at(now_ + within(10, 4 * 3600), What::kResident, room);
    at(now_ + kCheckEvery, What::kCheck, 0);
    at(now_ + kOneDay, What::kDay, 0);
    at(now_ + within(600, 7200), What::kOperator, 0);
    at(now_ + within(6 * 3600, 12 * 3600), What::kClerk, 0);
    at(now_ + within(6 * 3600, 12 * 3600), What::kCashHour, 0);
    end_ = now_ + seconds(static_cast<std::int64_t>(options_.days * 86'400));
    if (options_.faults) plan_faults();
    plan_cards();
    run_until(end_);
    if (!failed()) converge();
    if (!failed()) check_day();
    sum_up();
    report_.held = report_.violation.empty();
    report_.virtual_seconds = static_cast<double>(now_.microseconds()) * 1e-6;
    report_.processor_seconds = thread_seconds() - began;
    report_.step = step_;
    report_.digest = digest_;
    return report_;
}

Duration World::within(double from_seconds, double to_seconds) {
    return microseconds(static_cast<std::int64_t>(1e6 * random_.uniform(from_seconds, to_seconds)));
}

DiskFaults World::quiet_disk() const {
    DiskFaults faults;
    faults.lies = options_.defect == Defect::kLyingDisk;
    return faults;
}

void World::violate(std::string_view demand, const std::string& seen, const Room* room) {
    if (failed()) return;
    char when[64];
    const std::int64_t s = now_.microseconds() / 1'000'000;
    std::snprintf(when, sizeof when, "day %" PRId64 " %02d:%02d:%02d", s / 86'400, static_cast<int>(s / 3600 % 24),
                  static_cast<int>(s / 60 % 60), static_cast<int>(s % 60));
    report_.violation = std::string(demand) + " at step " + std::to_string(step_) + ", " + when + ": " + seen;
    if (room && office_->runs())
        if (Auditor* auditor = open_auditor()) report_.story = auditor->story_of(room->id.value);
}

const Room& World::room_of(std::int64_t household) const {
    const std::int64_t box = (household - 1) / kHouseholdsMax;
    return rooms_[static_cast<std::size_t>(box * options_.homes + (household - 1) % kHouseholdsMax)];
}

std::string World::name_of(const Room& room) const {
    return "box " + std::to_string(boxes_[room.box]->number()) + " household " + std::to_string(room.number.number);
}

void World::run_until(Instant end) {
    while (now_ < end && !failed()) {
        const Instant next_event = events_.empty() ? kNever : events_.top().at;
        Instant soonest = std::min(next_event, turn_at_);
        for (const auto& line : lines_)
            soonest = std::min(soonest, line->next());
        soonest = std::clamp(soonest, now_, end);
        const Instant slice = std::min({soonest + kSlice, next_event, turn_at_, end});
        now_ = std::max(now_, slice);
        for (const auto& line : lines_)
            line->run_until(now_);
        if (turn_at_ <= now_) take_turn();
        if (turn_at_ == kNever && office_->runs() && office_->waits()) turn_at_ = now_ + commit_time();
        while (!events_.empty() && events_.top().at <= now_ && !failed()) {
            const Event event = events_.top();
            events_.pop();
            ++step_;
            happen(event);
        }
    }
}

Duration World::commit_time() {
    return kSlice + microseconds(static_cast<std::int64_t>(random_.below(30'000)));
}

void World::take_turn() {
    turn_at_ = kNever;
    if (!office_->runs()) return;
    ++step_;
    office_->turn(now_);
    if (disk_.is_dead()) {
        ++report_.office_deaths;
        kill_office(random_.chance(0.5));
    }
}

void World::happen(const Event& event) {
    switch (event.what) {
        case What::kResident:
            return resident(rooms_[event.who], event.who);
        case What::kAskAgain:
            return ask_again(event.who);
        case What::kOperator:
            return operator_acts();
        case What::kSwitchBack:
            return switch_off(event.who, false);
        case What::kClerk:
            return clerk_acts();
        case What::kAskActAgain:
            return ask_act(event.who);
        case What::kCashHour:
            return cash_hour();
        case What::kNewTenant:
            return new_tenant(event.who);
        case What::kAtDesk:
            return at_desk(event.who);
        case What::kTap:
            return tap(event.who);
        case What::kTakeAway:
            return take_away(event.who);
        case What::kCheck:
            check_meters();
            at(now_ + kCheckEvery, What::kCheck, 0);
            return;
        case What::kDay:
            check_day();
            if (options_.progress) options_.progress(static_cast<double>(now_.microseconds()) / 86'400e6);
            at(now_ + kOneDay, What::kDay, 0);
            return;
        default:
            break;
    }
    if (!misfortune(event)) suffer(event);
}

void World::start_office() {
    if (office_->runs()) return;
    ++step_;
    if (!office_->start(now_)) {
        if (disk_.is_dead()) {
            ++report_.office_deaths;
            lose(random_.chance(0.5));
        }
        at(now_ + within(2, 20), What::kStartOffice, 0);
        return;
    }
    note(static_cast<std::uint64_t>(now_.microseconds()));
    plant();
    office_since_ = now_;
    if (just_restored_) look_after_restore();
}

void World::plant() {
    const char* trigger = nullptr;
    if (options_.defect == Defect::kEntryForgotten)
        trigger =
            "CREATE TRIGGER IF NOT EXISTS planted BEFORE INSERT ON entries WHEN NEW.unit = 2 AND (NEW.id / 8) % 50 = "
            "49 "
            "BEGIN SELECT RAISE(IGNORE); END";
    if (options_.defect == Defect::kPaysBeforeConfirmed)
        trigger =
            "CREATE TRIGGER IF NOT EXISTS planted AFTER INSERT ON bookings WHEN NEW.kind IN (3, 6) BEGIN INSERT INTO "
            "progress (booking_id, confirmed_at, remaining_ckwh) VALUES (NEW.id, NEW.booked_at, 0); END";
    if (options_.defect == Defect::kUseForgotten)
        trigger =
            "CREATE TRIGGER IF NOT EXISTS planted AFTER UPDATE OF used_ckwh ON meters WHEN OLD.epoch = NEW.epoch AND "
            "OLD.used_ckwh > 0 AND NEW.used_ckwh > OLD.used_ckwh BEGIN UPDATE meters SET used_ckwh = OLD.used_ckwh "
            "WHERE household_id = NEW.household_id; END";
    if (options_.defect == Defect::kRestoredGoesOn)
        trigger =
            "CREATE TRIGGER IF NOT EXISTS planted AFTER INSERT ON ticket_questions BEGIN DELETE FROM ticket_questions "
            "WHERE household_id = NEW.household_id; UPDATE desired SET stopped = 0 WHERE household_id = "
            "NEW.household_id; END";
    if (options_.defect == Defect::kOldFigureAsked)
        trigger =
            "CREATE TRIGGER IF NOT EXISTS planted AFTER UPDATE OF shown_credited ON ticket_questions BEGIN "
            "UPDATE ticket_questions SET shown_credited = shown_credited - 1 WHERE household_id = NEW.household_id; "
            "END";
    if (!trigger) return;
    auto db = server::store::open_sqlite(OfficeProcess::file(),
                                         {.create = false, .read_only = false, .pages_max = 0, .vfs = disk_.vfs()});
    if (db) (*db)->define(trigger);
}

void World::kill_office(bool host_loses_power) {
    if (!office_->runs()) return;
    disk_.die();  // closing its files is not something that a killed process does
    office_->kill();
    turn_at_ = kNever;
    lose(host_loses_power);
    disk_.set_faults(quiet_disk());
    // People who asked and heard nothing ask again.
    at(now_ + within(3, 120), What::kStartOffice, 0);
    note(0x6B696C6C);
}

void World::lose(bool host_loses_power) {
    if (host_loses_power) {
        ++report_.host_power_losses;
        disk_.lose_power();
    } else {
        disk_.kill_process();
    }
}

void World::plan_faults() {
    for (std::size_t box = 0; box < boxes_.size(); ++box) {
        at(now_ + within(3600, 3 * 86'400), What::kSupplyLoss, box);
        at(now_ + within(3600, 4 * 86'400), What::kReset, box);
        at(now_ + within(3600, 10 * 86'400), What::kClock, box);
    }
    for (std::size_t line = 0; line < lines_.size(); ++line) {
        at(now_ + within(3600, 86'400), What::kNoise, line);
        at(now_ + within(600, 7200), What::kReplay, line);
    }
    for (std::size_t box = 0; box < boxes_.size(); ++box)
        at(now_ + within(3600, 2 * 86'400), What::kLate, box);
    at(now_ + within(600, 8 * 3600), What::kKill, 0);
    at(now_ + within(600, 8 * 3600), What::kArmDeath, 0);
    at(now_ + within(3600, 86'400), What::kDiskError, 0);
    plan_misfortunes();
}

void World::suffer(const Event& event) {
    const bool over = now_ >= end_;
    const std::size_t who = event.who;
    note(static_cast<std::uint64_t>(event.what) << 32 | who);
    switch (event.what) {
        case What::kSupplyLoss: {
            if (over) return;
            at(now_ + within(6 * 3600, 3 * 86'400), What::kSupplyLoss, who);
            if (away_[who] || in_cupboard_[who]) return;
            const int how = static_cast<int>(random_.below(3));
            ++report_.supply_losses;
            if (how == 2) ++report_.supply_losses_in_write;
            boxes_[who]->lose_supply(static_cast<CampusBox::SupplyLoss>(how));
            at(now_ + within(5, random_.chance(0.2) ? 6 * 3600 : 600), What::kSupplyBack, who);
            return;
        }
        case What::kSupplyBack:
            if (away_[who] || in_cupboard_[who]) return;
            // A cut that waits for a write which never came is a loss between two calls.
            boxes_[who]->lose_supply(CampusBox::SupplyLoss::kUnwarned);
            boxes_[who]->restore_supply();
            return;
        case What::kReset:
            if (over) return;
            ++report_.processor_resets;
            if (random_.chance(0.3))
                boxes_[who]->hang(random_.chance(0.5) ? meter::Processor::kMetering : meter::Processor::kManagement);
            else
                boxes_[who]->reset(random_.chance(0.5) ? meter::Processor::kMetering : meter::Processor::kManagement);
            at(now_ + within(12 * 3600, 4 * 86'400), What::kReset, who);
            return;
        case What::kClock: {
            if (over) return;
            ++report_.clock_jumps;
            static constexpr std::int64_t kJumps[] = {0, 30, -30, 3600, -3600, 86'400 * 40, -86'400 * 40, -800'000'000};
            boxes_[who]->jump_clock(kJumps[random_.below(std::size(kJumps))]);
            at(now_ + within(2 * 86'400, 12 * 86'400), What::kClock, who);
            return;
        }
        case What::kNoise: {
            if (over) return;
            sim::LineFaults faults;
            faults.bit_errors_per_million = random_.uniform(20, 3000);
            faults.lost_characters_per_million = random_.uniform(0, 2000);
            faults.idle_characters_per_minute = random_.uniform(0, 20);
            lines_[who]->set_faults(faults);
            ++line_disturbed_[who];
            ++report_.noisy_hours;
            at(now_ + within(900, 5400), What::kQuiet, who);
            at(now_ + within(6 * 3600, 2 * 86'400), What::kNoise, who);
            return;
        }
        case What::kQuiet:
            lines_[who]->set_faults({});
            --line_disturbed_[who];
            line_clean_since_[who] = now_;
            return;
        case What::kLate:
            if (over) return;
            boxes_[who]->set_late_answers(random_.uniform(0.05, 0.5));
            ++line_disturbed_[office_->line_of_box(who)];
            at(now_ + within(600, 5400), What::kPunctual, who);
            at(now_ + within(6 * 3600, 3 * 86'400), What::kLate, who);
            return;
        case What::kPunctual: {
            const std::size_t line = office_->line_of_box(who);
            boxes_[who]->set_late_answers(0);
            --line_disturbed_[line];
            line_clean_since_[line] = now_;
            return;
        }
        case What::kReplay:
            if (over) return;
            mischief_[who]->replay();
            ++report_.replays;
            at(now_ + within(300, 7200), What::kReplay, who);
            return;
        case What::kKill:
            if (over) return;
            if (office_->runs()) {
                ++report_.office_kills;
                kill_office(random_.chance(0.4));
            }
            at(now_ + within(1800, 12 * 3600), What::kKill, 0);
            return;
        case What::kArmDeath: {
            if (over) return;
            DiskFaults faults = quiet_disk();
            faults.die_at_write = static_cast<std::int64_t>(random_.below(60));
            disk_.set_faults(faults);
            at(now_ + within(1800, 12 * 3600), What::kArmDeath, 0);
            return;
        }
        case What::kDiskError: {
            if (over) return;
            ++report_.disk_errors;
            DiskFaults faults = quiet_disk();
            const int kind = static_cast<int>(random_.below(3));
            if (kind == 0) faults.fail_at_write = static_cast<std::int64_t>(random_.below(40));
            if (kind == 1) faults.fail_at_sync = static_cast<std::int64_t>(random_.below(10));
            if (kind == 2) faults.bytes_max = disk_.bytes() + static_cast<std::int64_t>(random_.below(20'000));
            disk_.set_faults(faults);
            at(now_ + within(300, 3600), What::kDiskSound, 0);
            at(now_ + within(6 * 3600, 2 * 86'400), What::kDiskError, 0);
            return;
        }
        case What::kDiskSound:
            disk_.set_faults(quiet_disk());
            office_since_ = now_;
            return;
        case What::kStartOffice:
            return start_office();
        default:
            return;
    }
}

CampusReport run_campus(const CampusOptions& options) {
    return std::make_unique<World>(options)->run();
}

}  // namespace prewatt::campus
