#include "campus/world.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>

#include "campus/auditor.hpp"
#include "campus/box.hpp"
#include "campus/fake_disk.hpp"
#include "campus/mischief.hpp"
#include "campus/office_process.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

using server::Answer;
using server::Done;
using server::HouseholdId;
using server::JobOrder;
using server::JobRecord;
using server::SaleAnswer;
using server::SaleOrder;

constexpr std::uint64_t kFirstBox = 4'000'000'001;
constexpr CivilSeconds kCivilStart = to_seconds({2026, 9, 1, 0, 0, 0});
constexpr server::UnixTime kUnixStart{1'788'192'000'000};  // the same instant in UTC+8
constexpr card::Key kMasterKey{0x43, 0x61, 0x6D, 0x70, 0x75, 0x73};
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

std::string kilowatt_hours(Energy energy) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f kWh", static_cast<double>(energy.count()) / 3.6e6);
    return text;
}

struct Order {
    std::string id;
    std::size_t room = 0;
    std::int64_t amount_fen = 0;
    bool answered = false;
    bool settled = false;  // answered, refused or given up
    bool refused = false;
    std::uint32_t ticket_number = 0;
    std::uint16_t epoch = 0;
    std::int64_t sale = 0;
    int tries = 0;
    bool found = false;  // in the ledger
};

enum class Temper : std::uint8_t { kCareful, kForgetful, kStingy, kCheat };

struct Room {
    std::size_t box = 0;
    Household number{};
    HouseholdId id;
    sim::Random habits{0};
    Temper temper = Temper::kCareful;
    std::size_t open_order = SIZE_MAX;
    bool switched_off = false;  // by the operator, who will want it back on
    bool remote_off = false;    // as was last answered
    Instant hold_due_since = kNever;
    // the judge's
    std::uint16_t epoch = 0;
    std::uint32_t number_seen = 0;  // newest ticket that the meter has shown
    std::int64_t base = 0;          // registers less used, joules; the same within an epoch
    Instant lit_wrongly = kNever;   // since
    Instant dark_wrongly = kNever;
    // Answered and not yet seen in the meter.
    std::uint16_t due_epoch = 0;
    std::uint32_t due_number = 0;
    Instant due_since = kNever;
};

enum class What : std::uint8_t {
    kResident,
    kAskAgain,
    kOperator,
    kCheck,
    kDay,
    kSupplyLoss,
    kSupplyBack,
    kReset,
    kClock,
    kNoise,
    kQuiet,
    kLate,
    kPunctual,
    kReplay,
    kKill,
    kArmDeath,
    kDiskError,
    kDiskSound,
    kStartOffice,
    kSwitchBack,
};
struct Event {
    Instant at;
    std::uint64_t order;
    What what;
    std::size_t who;
    friend bool operator>(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
};

class World {
  public:
    explicit World(const CampusOptions& options)
        : options_(options), random_(options.seed, {0x776F726C64}), disk_(options.seed) {
        for (int k = 0; k < options.lines; ++k)
            lines_.push_back(std::make_unique<sim::SerialLine>(
                9600, sim::LineFaults{},
                sim::Random::combine(options.seed, {0x6C696E65, static_cast<std::uint64_t>(k)})));
        OfficeProcess::Options office;
        office.estate.master_key = kMasterKey;
        for (int k = 0; k < options.boxes; ++k)
            office.estate.boxes.push_back(kFirstBox + static_cast<std::uint64_t>(k));
        office.lines.box_interval_min = options.sweep;
        office.lines.status_interval = minutes(60);
        office.unix_start = kUnixStart;
        office.civil_start = kCivilStart;
        office.defect = options.defect;
        office_ = std::make_unique<OfficeProcess>(office, disk_, lines_);
        for (int k = 0; k < options.boxes; ++k) {
            CampusBox::Options box;
            box.number = office.estate.boxes[static_cast<std::size_t>(k)];
            box.keys = card::diversify(mac_, kMasterKey, box.number);
            box.homes = options.homes;
            box.seed = options.seed;
            box.window = options.window;
            box.start = kCivilStart;
            box.defect = options.defect;
            sim::SerialLine& line = *lines_[office_->line_of_box(static_cast<std::size_t>(k))];
            boxes_.push_back(std::make_unique<CampusBox>(line, mac_, box));
        }
        box_clean_since_.assign(boxes_.size(), Instant{});
        line_clean_since_.assign(lines_.size(), Instant{});
        line_disturbed_.assign(lines_.size(), 0);
        for (std::size_t box = 0; box < boxes_.size(); ++box)
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

    CampusReport run() {
        const double began = thread_seconds();
        disk_.set_faults(quiet_disk());
        start_office();
        for (std::size_t room = 0; room < rooms_.size(); ++room)
            at(now_ + within(10, 4 * 3600), What::kResident, room);
        at(now_ + kCheckEvery, What::kCheck, 0);
        at(now_ + kOneDay, What::kDay, 0);
        at(now_ + within(600, 7200), What::kOperator, 0);
        end_ = now_ + seconds(static_cast<std::int64_t>(options_.days * 86'400));
        if (options_.faults) plan_faults();
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

  private:
    [[nodiscard]] bool failed() const { return !report_.violation.empty(); }
    [[nodiscard]] Duration within(double from_seconds, double to_seconds) {
        return microseconds(static_cast<std::int64_t>(1e6 * random_.uniform(from_seconds, to_seconds)));
    }
    void at(Instant when, What what, std::size_t who) { events_.push({when, ++event_order_, what, who}); }
    void note(std::uint64_t value) { digest_ = sim::mix(digest_ ^ value); }
    [[nodiscard]] DiskFaults quiet_disk() const {
        DiskFaults faults;
        faults.lies = options_.defect == Defect::kLyingDisk;
        return faults;
    }
    void violate(std::string_view demand, const std::string& seen) {
        if (failed()) return;
        char when[64];
        const std::int64_t s = now_.microseconds() / 1'000'000;
        std::snprintf(when, sizeof when, "day %" PRId64 " %02d:%02d:%02d", s / 86'400, static_cast<int>(s / 3600 % 24),
                      static_cast<int>(s / 60 % 60), static_cast<int>(s % 60));
        report_.violation = std::string(demand) + " at step " + std::to_string(step_) + ", " + when + ": " + seen;
    }
    [[nodiscard]] const Room& room_of(std::int64_t household) const {
        const std::int64_t box = (household - 1) / kHouseholdsMax;
        return rooms_[static_cast<std::size_t>(box * options_.homes + (household - 1) % kHouseholdsMax)];
    }
    [[nodiscard]] std::string name_of(const Room& room) const {
        return "box " + std::to_string(boxes_[room.box]->number()) + " household " + std::to_string(room.number.number);
    }

    // --- time

    void run_until(Instant end) {
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
    [[nodiscard]] Duration commit_time() {
        return kSlice + microseconds(static_cast<std::int64_t>(random_.below(30'000)));
    }

    void take_turn() {
        turn_at_ = kNever;
        if (!office_->runs()) return;
        ++step_;
        office_->turn(now_);
        if (disk_.is_dead()) {
            ++report_.office_deaths;
            kill_office(random_.chance(0.5));
        }
    }

    void happen(const Event& event) {
        switch (event.what) {
            case What::kResident:
                return resident(rooms_[event.who], event.who);
            case What::kAskAgain:
                return ask_again(event.who);
            case What::kOperator:
                return operator_acts();
            case What::kSwitchBack:
                return switch_off(event.who, false);
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
        suffer(event);
    }

    // --- the office

    void start_office() {
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
        if (options_.defect == Defect::kEntryForgotten) plant_forgotten_entries();
        office_since_ = now_;
    }
    void plant_forgotten_entries() {
        auto db = server::store::open_sqlite(OfficeProcess::file(),
                                             {.create = false, .read_only = false, .pages_max = 0, .vfs = disk_.vfs()});
        if (!db) return;
        (*db)->define(
            "CREATE TRIGGER IF NOT EXISTS forgets BEFORE INSERT ON entries WHEN NEW.unit = 2 AND (NEW.id / 8) % 50 = "
            "49 "
            "BEGIN SELECT RAISE(IGNORE); END");
    }
    void kill_office(bool host_loses_power) {
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
    void lose(bool host_loses_power) {
        if (host_loses_power) {
            ++report_.host_power_losses;
            disk_.lose_power();
        } else {
            disk_.kill_process();
        }
    }

    // --- people

    void resident(Room& room, std::size_t index) {
        const CampusBox& box = *boxes_[room.box];
        Duration next = minutes(static_cast<std::int64_t>(room.habits.uniform(120, 600)));
        if (room.open_order == SIZE_MAX && box.powered()) {
            const meter::HouseholdView view = box.node().household(room.number);
            const std::int64_t remaining = in_hundredths(view.remaining, Round::kDown);
            const bool opened = view.epoch > 0;
            const bool dark = view.state.holds().has(Hold::kNoCredit);
            bool buys = !opened;
            switch (room.temper) {
                case Temper::kCareful:
                    buys |= remaining < 300;
                    break;
                case Temper::kForgetful:
                    buys |= dark && room.habits.chance(0.3);
                    break;
                case Temper::kStingy:
                    buys |= remaining < 50;
                    break;
                case Temper::kCheat:
                    buys |= dark;
                    if (room.habits.chance(0.1)) {
                        const bool reversed = room.habits.chance(0.5);
                        boxes_[room.box]->set_wire_reversed(room.number, reversed);
                    }
                    break;
            }
            if (buys) {
                static constexpr std::int64_t kAmounts[] = {100, 333, 500, 1000, 1234, 2000};
                buy(room, index, kAmounts[room.habits.below(std::size(kAmounts))]);
            }
            if (dark) next = minutes(static_cast<std::int64_t>(room.habits.uniform(5, 90)));
        }
        at(now_ + next, What::kResident, index);
    }

    void buy(Room& room, std::size_t index, std::int64_t amount_fen) {
        Order order;
        order.id = "o-" + std::to_string(orders_.size() + 1);
        order.room = index;
        order.amount_fen = amount_fen;
        room.open_order = orders_.size();
        orders_.push_back(std::move(order));
        by_id_[orders_.back().id] = orders_.size() - 1;
        ++report_.orders;
        const std::size_t number = orders_.size() - 1;
        ask(number);
        if (room.habits.chance(0.08)) {
            ++report_.double_clicks;
            ask(number);
        }
        if (room.habits.chance(0.04) && !orders_[number].settled) {  // leaves before the answer
            orders_[number].settled = true;
            ++report_.given_up;
            room.open_order = SIZE_MAX;
        }
    }

    void ask(std::size_t number) {
        Order& order = orders_[number];
        ++order.tries;
        at(now_ + kPatience, What::kAskAgain, number);
        if (!office_->runs()) return;
        SaleOrder sale;
        sale.order_id = order.id;
        if (options_.defect == Defect::kNoIdempotency && order.tries > 1) {
            sale.order_id += "-" + std::to_string(order.tries);
            by_id_[sale.order_id] = number;
        }
        sale.household = rooms_[order.room].id;
        sale.amount = fen(order.amount_fen);
        sale.operator_name = "desk";
        const std::uint64_t life = office_->life();
        if (options_.defect == Defect::kAnswerBeforeCommit) {
            order.answered = order.settled = true;
            rooms_[order.room].open_order = SIZE_MAX;
        }
        office_->office().sell(std::move(sale), [this, number, life](const Answer<SaleAnswer>& answer) {
            if (life != office_->life() || disk_.is_dead()) return;  // nobody is there to say it
            heard(number, answer);
        });
    }

    void heard(std::size_t number, const Answer<SaleAnswer>& answer) {
        Order& order = orders_[number];
        Room& room = rooms_[order.room];
        if (!answer) {
            using server::Reason;
            const Reason reason = answer.error().reason;
            if (reason == Reason::kStorageFailed || reason == Reason::kStorageFull || reason == Reason::kStopping)
                return;
            if (order.answered)
                return violate("O1",
                               order.id + " was sold and is refused when it is asked again: " + answer.error().message);
            order.settled = order.refused = true;
            if (room.open_order == number) room.open_order = SIZE_MAX;
            return;
        }
        const server::SaleRecord& sale = answer->sale;
        note(static_cast<std::uint64_t>(sale.id.value));
        note(static_cast<std::uint64_t>(now_.microseconds()));
        if (sale.amount != fen(order.amount_fen) || sale.household != room.id)
            return violate("O1", order.id + " was answered with another sale");
        if (order.answered && order.sale != 0 && order.sale != sale.id.value)
            return violate("O1", order.id + " was answered with two sales, " + std::to_string(order.sale) + " and " +
                                     std::to_string(sale.id.value));
        if (!order.answered) ++report_.sold;
        order.answered = order.settled = true;
        order.sale = sale.id.value;
        order.epoch = sale.ticket.epoch;
        order.ticket_number = sale.ticket.number;
        if (room.open_order == number) room.open_order = SIZE_MAX;
        if (order.epoch > room.due_epoch || (order.epoch == room.due_epoch && order.ticket_number > room.due_number)) {
            room.due_epoch = order.epoch;
            room.due_number = order.ticket_number;
            if (room.due_since == kNever) room.due_since = now_;
        }
    }

    void ask_again(std::size_t number) {
        Order& order = orders_[number];
        if (order.settled) return;
        ++report_.asked_again;
        ask(number);
    }

    void operator_acts() {
        at(now_ + within(1800, 6 * 3600), What::kOperator, 0);
        if (!office_->runs()) return;
        const std::size_t index = random_.below(rooms_.size());
        const int kind = static_cast<int>(random_.below(4));
        if (kind == 0) return switch_off(index, true);
        JobOrder order = job(rooms_[index]);
        const auto heard = [this](const Answer<JobRecord>&) { note(0x6A6F62); };
        if (kind == 1) return office_->office().acknowledge(std::move(order), heard);
        if (kind == 2)
            return office_->office().set_alarms(
                std::move(order), {energy_of_hundredths(500), energy_of_hundredths(0), energy_of_hundredths(0)}, heard);
        office_->office().set_force(std::move(order), 0, heard);
    }
    [[nodiscard]] JobOrder job(const Room& room) {
        ++report_.jobs;
        JobOrder order;
        order.order_id = "j-" + std::to_string(report_.jobs);
        order.household = room.id;
        order.operator_name = "technician";
        order.reason = "the campus";
        return order;
    }
    void switch_off(std::size_t index, bool off) {
        Room& room = rooms_[index];
        if (off) {
            room.switched_off = true;
            at(now_ + within(1800, 7200), What::kSwitchBack, index);
        } else {
            if (!room.switched_off) return;
            at(now_ + seconds(60), What::kSwitchBack, index);  // asked until somebody says that it is so
        }
        if (!office_->runs()) return;
        const std::uint64_t life = office_->life();
        office_->office().set_remote_hold(job(room), off, [this, life, index, off](const Answer<JobRecord>& answer) {
            if (life != office_->life() || disk_.is_dead() || !answer) return;
            note(0x686F6C64);
            Room& switched = rooms_[index];
            switched.remote_off = off;
            switched.hold_due_since = now_;
            if (!off) switched.switched_off = false;
        });
    }

    // --- faults

    void plan_faults() {
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
    }

    void suffer(const Event& event) {
        const bool over = now_ >= end_;
        const std::size_t who = event.who;
        note(static_cast<std::uint64_t>(event.what) << 32 | who);
        switch (event.what) {
            case What::kSupplyLoss: {
                if (over) return;
                const int how = static_cast<int>(random_.below(3));
                ++report_.supply_losses;
                if (how == 2) ++report_.supply_losses_in_write;
                boxes_[who]->lose_supply(static_cast<CampusBox::SupplyLoss>(how));
                at(now_ + within(5, random_.chance(0.2) ? 6 * 3600 : 600), What::kSupplyBack, who);
                at(now_ + within(6 * 3600, 3 * 86'400), What::kSupplyLoss, who);
                return;
            }
            case What::kSupplyBack:
                // A cut that waits for a write which never came is a loss between two calls.
                boxes_[who]->lose_supply(CampusBox::SupplyLoss::kUnwarned);
                boxes_[who]->restore_supply();
                return;
            case What::kReset:
                if (over) return;
                ++report_.processor_resets;
                if (random_.chance(0.3))
                    boxes_[who]->hang(random_.chance(0.5) ? meter::Processor::kMetering
                                                          : meter::Processor::kManagement);
                else
                    boxes_[who]->reset(random_.chance(0.5) ? meter::Processor::kMetering
                                                           : meter::Processor::kManagement);
                at(now_ + within(12 * 3600, 4 * 86'400), What::kReset, who);
                return;
            case What::kClock: {
                if (over) return;
                ++report_.clock_jumps;
                static constexpr std::int64_t kJumps[] = {0,     30,          -30,          3600,
                                                          -3600, 86'400 * 40, -86'400 * 40, -800'000'000};
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

    // --- the judge

    void check_meters() {
        ++report_.checks;
        for (Room& room : rooms_)
            check_room(room);
    }

    void check_room(Room& room) {
        const CampusBox& box = *boxes_[room.box];
        if (!box.powered()) {
            room.lit_wrongly = room.dark_wrongly = kNever;
            box_clean_since_[room.box] = now_;
            return;
        }
        // A processor that hangs shows what it last showed.
        if (box.node().hangs(meter::Processor::kManagement) || box.node().hangs(meter::Processor::kMetering)) {
            box_clean_since_[room.box] = now_;
            return;
        }
        const meter::HouseholdView view = box.node().household(room.number);

        if (view.remaining != view.credited - view.used)
            return violate("M2", name_of(room) + ": remaining is not credited less used");
        const std::int64_t registers = view.forward.count() + view.reverse.count();
        const std::int64_t base = registers - view.used.count();
        if (view.epoch != room.epoch)
            room.base = base;
        else if (base != room.base)
            return violate("M2", name_of(room) + ": used has moved by " + std::to_string(room.base - base) +
                                     " J beside the registers");
        const Energy truth = box.truth_forward(room.number) + box.truth_reverse(room.number);
        const Energy missing = truth - Energy{registers};
        const Energy allowed = (kLossMax + box.largest_window()) * box.losses();
        if (missing < Energy{0} || missing > allowed)
            return violate("M3", name_of(room) + ": " + kilowatt_hours(truth) + " went through, the registers hold " +
                                     kilowatt_hours(Energy{registers}) + " after " + std::to_string(box.losses()) +
                                     " losses");
        if (view.reverse > box.truth_reverse(room.number) || view.forward > box.truth_forward(room.number))
            return violate("M3", name_of(room) + ": a register holds more than went through");

        if (view.epoch != room.epoch || view.ticket_number != room.number_seen) {
            if (view.epoch < room.epoch || (view.epoch == room.epoch && view.ticket_number < room.number_seen))
                return violate("M1", name_of(room) + ": a ticket that the meter had is gone");
            room.epoch = view.epoch;
            room.number_seen = view.ticket_number;
            credits_to_check_.push_back(
                {&room - rooms_.data(), view.epoch, view.ticket_number, in_hundredths(view.credited, Round::kDown)});
            note(static_cast<std::uint64_t>(room.id.value) << 32 | view.ticket_number);
        }
        check_credits();
        check_light(room, box, view);
        check_delivery(room);
        check_hold(room, view);
    }

    struct CreditSeen {
        std::ptrdiff_t room;
        std::uint16_t epoch;
        std::uint32_t number;
        std::int64_t credited;
    };
    // What a meter shows must stand in the ledger, now and after every restart: the booking was durable before it went
    // out.
    void check_credits() {
        if (credits_to_check_.empty() || !office_->runs()) return;
        Auditor* auditor = open_auditor();
        if (!auditor) return;
        for (const CreditSeen& seen : credits_to_check_) {
            const Room& room = rooms_[static_cast<std::size_t>(seen.room)];
            const auto booking = auditor->booking(room.id.value, seen.epoch, seen.number);
            if (!booking && !auditor->ok()) return;
            if (!booking)
                return violate("M1", name_of(room) + " has ticket " + std::to_string(seen.epoch) + "." +
                                         std::to_string(seen.number) + ", which stands in no ledger");
            if (booking->credited_hundredths != seen.credited)
                return violate("M1", name_of(room) + " was credited " + std::to_string(seen.credited) +
                                         ", the ledger says " + std::to_string(booking->credited_hundredths) +
                                         " under ticket " + std::to_string(seen.number));
        }
        credits_to_check_.clear();
    }

    void check_light(Room& room, const CampusBox& box, const meter::HouseholdView& view) {
        const bool closed = box.contact_closed(room.number);
        const HoldSet holds = view.state.holds();
        const bool used_up = view.epoch == 0 || view.remaining <= Credit{};
        const bool forced = view.state.has(StateBit::kForced);
        const bool lit_wrongly = closed && (used_up || !holds.empty()) && !forced;
        const bool reason = used_up || room.remote_off || holds.has(Hold::kRemote) || holds.has(Hold::kCutoffAlarm) ||
                            holds.has(Hold::kOverload) || holds.has(Hold::kLockedOut);
        const bool dark_wrongly = !closed && !reason;
        judge(room.lit_wrongly, lit_wrongly, report_.longest_lit_without_credit, "L1", room, view, " is lit");
        judge(room.dark_wrongly, dark_wrongly, report_.longest_dark_with_credit, "L2", room, view, " is dark");
    }
    void judge(Instant& since, bool wrong, Duration& longest, std::string_view demand, const Room& room,
               const meter::HouseholdView& view, const char* how) {
        if (!wrong) {
            since = kNever;
            return;
        }
        if (since == kNever) since = now_;
        // A box that has just started drives its relays one after the other, as a refresh does.
        const Duration span = now_ - std::max(since, boxes_[room.box]->powered_since());
        longest = std::max(longest, span);
        if (span > kReliefMax)
            violate(demand, name_of(room) + how + " for " + std::to_string(span.count() / 60'000'000) +
                                " min, remaining " + std::to_string(in_hundredths(view.remaining, Round::kDown)) +
                                ", holds " + std::to_string(view.state.holds().bits()));
    }

    // How long nothing has stood between the office and this room, from `since` on.
    [[nodiscard]] Duration undisturbed(const Room& room, Instant since) const {
        const std::size_t line = office_->line_of_box(room.box);
        if (!office_->runs() || line_disturbed_[line] > 0) return {};
        return now_ - std::max({since, office_since_, box_clean_since_[room.box], boxes_[room.box]->powered_since(),
                                line_clean_since_[line]});
    }
    void check_hold(Room& room, const meter::HouseholdView& view) {
        if (room.hold_due_since == kNever) return;
        if (view.state.holds().has(Hold::kRemote) == room.remote_off) {
            room.hold_due_since = now_;
            return;
        }
        if (undisturbed(room, room.hold_due_since) > kHoldMax)
            violate("D2", name_of(room) + (room.remote_off ? " was switched off and does not hold it"
                                                           : " was switched on and is held"));
    }
    void check_delivery(Room& room) {
        if (room.due_since == kNever) return;
        if (room.epoch > room.due_epoch || (room.epoch == room.due_epoch && room.number_seen >= room.due_number)) {
            room.due_since = kNever;
            return;
        }
        const Duration span = undisturbed(room, room.due_since);
        report_.longest_delivery = std::max(report_.longest_delivery, span);
        if (span > kDeliveryMax)
            violate("D1", name_of(room) + " waits for ticket " + std::to_string(room.due_number) + " for " +
                              std::to_string(span.count() / 60'000'000) + " undisturbed minutes; the meter has " +
                              std::to_string(room.number_seen));
    }

    [[nodiscard]] Auditor* open_auditor() {
        if (auditor_ && auditor_life_ == office_->life()) return &*auditor_;
        auditor_.reset();
        auto db = server::store::open_sqlite(OfficeProcess::file(),
                                             {.create = false, .read_only = true, .pages_max = 0, .vfs = disk_.vfs()});
        if (!db) return nullptr;
        auditor_.emplace(std::move(*db));
        auditor_life_ = office_->life();
        return &*auditor_;
    }

    // Orders against the ledger, the ledger against itself, confirmations against the meters.
    void check_day() {
        if (!office_->runs()) return;
        Auditor* auditor = open_auditor();
        if (!auditor) return;
        for (const BookingSeen& booking : auditor->bookings_after(newest_checked_)) {
            newest_checked_ = booking.id;
            const auto known = by_id_.find(booking.order_id);
            if (known == by_id_.end())
                return violate("O1", "booking " + std::to_string(booking.id) + " was ordered by nobody");
            Order& order = orders_[known->second];
            if (order.found) return violate("O1", order.id + " stands twice in the ledger");
            order.found = true;
            if (booking.amount_fen != order.amount_fen || booking.household != rooms_[order.room].id.value)
                return violate("O1", order.id + " stands in the ledger with another amount or room");
            if (order.refused) return violate("O1", order.id + " was refused and stands in the ledger");
            if (order.answered && order.sale != 0 && order.sale != booking.id)
                return violate("O1", order.id + " was answered as sale " + std::to_string(order.sale) + " and is " +
                                         std::to_string(booking.id));
            sold_energy_ += booking.energy_hundredths;
            taken_ += booking.amount_fen;
            note(static_cast<std::uint64_t>(booking.credited_hundredths));
        }
        if (!auditor->ok()) return;
        // An answered order that was durable stands at or below the newest booking that was read.
        for (std::size_t k = oldest_open_; k < orders_.size(); ++k) {
            const Order& order = orders_[k];
            if (order.answered && !order.found)
                return violate("O1", order.id + " was answered as sold and is not in the ledger");
            if (k == oldest_open_ && (order.found || order.refused)) ++oldest_open_;
        }
        if (const std::string problem = auditor->add_up(); !problem.empty() && auditor->ok())
            return violate("O2", problem);
        for (const Auditor::Confirmed& one : auditor->confirmed()) {
            const Room& room = room_of(one.household);
            const CampusBox& box = *boxes_[room.box];
            if (!box.powered() || one.epoch != room.epoch) continue;
            const meter::HouseholdView view = box.node().household(room.number);
            if (view.ticket_number < one.number)
                return violate("O3", name_of(room) + ": the office calls ticket " + std::to_string(one.number) +
                                         " confirmed, the meter has " + std::to_string(view.ticket_number));
        }
    }

    [[nodiscard]] std::string not_yet() {
        if (!office_->runs()) return "the office does not run: " + office_->problem();
        for (const Order& order : orders_)
            if (!order.settled) return order.id + " is not settled";
        for (std::size_t box = 0; box < boxes_.size(); ++box)
            if (!boxes_[box]->powered()) return "box " + std::to_string(boxes_[box]->number()) + " has no supply";
        for (const Room& room : rooms_) {
            const auto desired = office_->office().desired(room.id);
            if (!desired) return "the office cannot be read";
            if (desired->open()) return name_of(room) + " is not as the office desires";
            const meter::HouseholdView view = boxes_[room.box]->node().household(room.number);
            if (view.epoch != desired->ticket.epoch || view.ticket_number != desired->ticket.number ||
                view.credited != desired->ticket.credited)
                return name_of(room) + " has another ticket than the office";
            if (desired->remote_version.desired > 0 && view.state.holds().has(Hold::kRemote) != desired->remote_off)
                return name_of(room) + " does not hold what the office desires";
        }
        return {};
    }
    void converge() {
        const Instant began = now_;
        // No faults from here on, and what was taken away is given back; what was switched off comes back by its own
        // events.
        for (auto& box : boxes_) {
            if (box->is_armed()) box->lose_supply(CampusBox::SupplyLoss::kUnwarned);
            box->restore_supply();
        }
        std::string missing;
        for (disk_.set_faults(quiet_disk()); now_ - began < kConvergenceMax && !failed();) {
            run_until(now_ + seconds(60));
            missing = not_yet();
            if (missing.empty()) break;
        }
        report_.convergence = now_ - began;
        if (!missing.empty()) violate("C1", missing);
    }

    void sum_up() {
        for (const Room& room : rooms_) {
            const CampusBox& box = *boxes_[room.box];
            if (!box.powered()) continue;
            const meter::HouseholdView view = box.node().household(room.number);
            report_.through_contacts += box.truth_forward(room.number) + box.truth_reverse(room.number);
            report_.in_registers += view.forward + view.reverse;
            note(static_cast<std::uint64_t>(view.used.count()));
        }
        report_.lost_at_supply_losses = report_.through_contacts - report_.in_registers;
        report_.taken = fen(taken_);
        report_.sold_energy = energy_of_hundredths(sold_energy_);
        for (const auto& line : lines_) {
            report_.characters += line->counts().characters;
            report_.damaged_characters += line->counts().damaged + line->counts().lost + line->counts().collided;
        }
        for (const auto& box : boxes_)
            report_.windows += static_cast<std::int64_t>(box->windows());
    }

    CampusOptions options_;
    sim::Random random_;
    CampusReport report_;
    FakeDisk disk_;
    card::OpensslMac mac_;
    std::vector<std::unique_ptr<sim::SerialLine>> lines_;
    std::unique_ptr<OfficeProcess> office_;
    std::vector<std::unique_ptr<CampusBox>> boxes_;
    std::vector<std::unique_ptr<Mischief>> mischief_;
    std::vector<Room> rooms_;
    std::vector<Order> orders_;
    std::map<std::string, std::size_t> by_id_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t event_order_ = 0;
    Instant now_{};
    Instant end_{};
    Instant turn_at_ = kNever;
    Instant office_since_{};
    std::vector<Instant> box_clean_since_;
    std::vector<Instant> line_clean_since_;
    std::vector<int> line_disturbed_;
    std::vector<CreditSeen> credits_to_check_;
    std::optional<Auditor> auditor_;
    std::uint64_t auditor_life_ = 0;
    std::int64_t newest_checked_ = 0;
    std::size_t oldest_open_ = 0;
    std::int64_t sold_energy_ = 0;
    std::int64_t taken_ = 0;
    std::uint64_t step_ = 0;
    std::uint64_t digest_ = 0;
};

}  // namespace

CampusReport run_campus(const CampusOptions& options) {
    return std::make_unique<World>(options)->run();
}

}  // namespace prewatt::campus
