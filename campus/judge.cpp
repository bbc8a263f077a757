#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "campus/world_run.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

constexpr Duration kOneDay = minutes(24 * 60);
constexpr std::int64_t kGrantKind = 2;
constexpr std::int64_t kReturnKind = 4;
constexpr Energy kLossMax = energy_of_hundredths(1);

std::string kilowatt_hours(Energy energy) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f kWh", static_cast<double>(energy.count()) / 3.6e6);
    return text;
}

}  // namespace

void World::check_meters() {
    ++report_.checks;
    // A room has no account in its new box before the desk has bound it there.
    std::erase_if(changing_, [this](std::size_t act) {
        if (acts_[act].refused) violate("R1", acts_[act].id + ", a change of box, was refused");
        return acts_[act].settled;
    });
    if (!changing_.empty()) box_clean_since_[changing_on_] = now_;
    for (Room& room : rooms_)
        check_room(room);
}

void World::check_room(Room& room) {
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
    // Each loss by itself: what earlier ones did not take is not there for a later one to take.
    const int losses = box.losses() - room.losses_seen;
    if (missing < Energy{0} || missing - room.missing_seen > (kLossMax + box.largest_window()) * losses)
        return violate("M3", name_of(room) + ": " + kilowatt_hours(truth) + " went through, the registers hold " +
                                 kilowatt_hours(Energy{registers}) + ", " + kilowatt_hours(room.missing_seen) +
                                 " were missing before the last " + std::to_string(losses) + " losses");
    room.missing_seen = missing;
    room.losses_seen = box.losses();
    if (view.reverse > box.truth_reverse(room.number) || view.forward > box.truth_forward(room.number))
        return violate("M3", name_of(room) + ": a register holds more than went through");

    if (!take_ticket_of_card(room, view)) check_question(room, view);
    if (view.epoch != 0 && view.epoch != room.epoch)
        room.registers_at.try_emplace(view.epoch, room.registers_before + base);
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
    check_recovery(room);
    watch_knowledge(room, view);
    check_hold(room, view);
}

void World::check_credits() {
    if (credits_to_check_.empty() || !office_->runs()) return;
    Auditor* auditor = open_auditor();
    if (!auditor) return;
    for (const CreditSeen& seen : credits_to_check_) {
        const Room& room = rooms_[static_cast<std::size_t>(seen.room)];
        const auto booking = auditor->booking(room.id.value, seen.epoch, seen.number);
        if (!booking && !auditor->ok()) return;
        const bool is_so = booking && booking->credited_hundredths == seen.credited;
        if (!is_so && was_issued_before(room, seen.epoch, seen.number, seen.credited)) continue;
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

void World::check_light(Room& room, const CampusBox& box, const meter::HouseholdView& view) {
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

void World::judge(Instant& since, bool wrong, Duration& longest, std::string_view demand, const Room& room,
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
        violate(demand, name_of(room) + how + " for " + std::to_string(span.count() / 60'000'000) + " min, remaining " +
                            std::to_string(in_hundredths(view.remaining, Round::kDown)) + ", holds " +
                            std::to_string(view.state.holds().bits()));
}

// An office whose disk is full keeps nothing of what the lines tell it, and sends no ticket that it could not judge.
Duration World::undisturbed(const Room& room, Instant since) const {
    const std::size_t line = office_->line_of_box(room.box);
    if (!office_->runs() || disk_.is_bounded() || line_disturbed_[line] > 0 || away_[room.box]) return {};
    return now_ - std::max({since, office_since_, box_clean_since_[room.box], boxes_[room.box]->powered_since(),
                            line_clean_since_[line]});
}

void World::check_hold(Room& room, const meter::HouseholdView& view) {
    if (room.hold_due_since == kNever) return;
    if (view.state.holds().has(Hold::kRemote) == room.remote_off) {
        room.hold_due_since = now_;
        return;
    }
    if (undisturbed(room, room.hold_due_since) > kHoldMax)
        violate("D2", name_of(room) + (room.remote_off ? " was switched off and does not hold it"
                                                       : " was switched on and is held"));
}

void World::check_delivery(Room& room) {
    if (room.due_since == kNever || room.ahead_since != kNever) return;
    if (room.epoch > room.due_epoch || (room.epoch == room.due_epoch && room.number_seen >= room.due_number)) {
        room.due_since = kNever;
        return;
    }
    const Duration span = undisturbed(room, room.due_since);
    report_.longest_delivery = std::max(report_.longest_delivery, span);
    if (span > kDeliveryMax)
        violate("D1",
                name_of(room) + " waits for ticket " + std::to_string(room.due_epoch) + "." +
                    std::to_string(room.due_number) + " for " + std::to_string(span.count() / 60'000'000) +
                    " undisturbed minutes; the meter has " + std::to_string(room.epoch) + "." +
                    std::to_string(room.number_seen),
                &room);
}

// Two rounds of the sweep tell the office what was used; what it has learned it must not forget.
void World::watch_knowledge(Room& room, const meter::HouseholdView& view) {
    if (room.shown_at == kNever || room.shown_epoch != view.epoch) {
        room.shown_epoch = view.epoch;
        room.known_at_least = Credit{};
    } else if (undisturbed(room, room.shown_at) < kKnowledgeMax) {
        return;
    } else {
        room.known_at_least = room.shown_used;
    }
    room.shown_at = now_;
    room.shown_used = view.used;
}

// An empty meter may take up the account that it lost where hardly anything was known to be used of it: a use that fell
// by no more is no lost memory (server/domain/reconcile.hpp).
bool World::may_go_on(const Room& room) {
    const auto known = room.known_when_lost.find(room.epoch);
    return known == room.known_when_lost.end() || known->second <= server::kUsedSlack;
}

void World::check_recovery(Room& room) {
    if (room.without_account_since == kNever) return;
    if (room.epoch != 0 && (!room.lost_in.contains(room.epoch) || may_go_on(room))) {
        room.without_account_since = kNever;
        return;
    }
    const Duration span = undisturbed(room, room.without_account_since);
    report_.longest_recovery = std::max(report_.longest_recovery, span);
    if (span <= kRecoveryMax) return;
    const auto account = office_->office().accounts().account(room.id);
    if (account && account->account.closed) {  // there was nothing left to carry on
        room.without_account_since = kNever;
        return;
    }
    violate("D3",
            name_of(room) + " had credit when its meter went, and has no account for " +
                std::to_string(span.count() / 60'000'000) + " undisturbed minutes",
            &room);
}

Auditor* World::open_auditor() {
    if (auditor_ && auditor_life_ == office_->life()) return &*auditor_;
    auditor_.reset();
    auto db = server::store::open_sqlite(OfficeProcess::file(),
                                         {.create = false, .read_only = true, .pages_max = 0, .vfs = disk_.vfs()});
    if (!db) return nullptr;
    auditor_.emplace(std::move(*db));
    auditor_life_ = office_->life();
    return &*auditor_;
}

void World::check_day() {
    if (!office_->runs()) return;
    Auditor* auditor = open_auditor();
    if (!auditor) return;
    for (const BookingSeen& booking : auditor->bookings_after(newest_checked_)) {
        newest_checked_ = booking.id;
        check_booking(booking);
        if (failed()) return;
        note(static_cast<std::uint64_t>(booking.credited_hundredths));
    }
    if (!auditor->ok()) return;
    // An answered order that was durable stands at or below the newest booking that was read.
    for (std::size_t k = oldest_open_; k < orders_.size(); ++k) {
        const Order& order = orders_[k];
        if (order.answered && !order.found && !order.lost)
            return violate("O1", order.id + " was answered as sold and is not in the ledger");
        if (k == oldest_open_ && (order.found || order.refused || order.lost)) ++oldest_open_;
    }
    for (const Act& act : acts_)
        if (act.answered && act.first_booking != 0 && !act.found && !act.lost && !act.id.starts_with("a-pay"))
            return violate("O1", act.id + " was answered as done and is not in the ledger");
    // All of it each day for two weeks, then whenever it has grown by a quarter, and at the end: what is wrong stays
    // wrong, until the books themselves are replaced (check_ledger).
    if (now_ <= Instant{} + kOneDay * 14 || newest_checked_ * 4 >= newest_added_up_ * 5 || now_ >= end_) check_ledger();
    if (failed()) return;
    for (const Auditor::Confirmed& one : auditor->confirmed()) {
        const Room& room = room_of(one.household);
        const CampusBox& box = *boxes_[room.box];
        if (!box.powered()) continue;
        if (room.ahead_since != kNever) continue;                                    // until it is answered
        if (!room.lost_in.empty() && one.epoch <= *room.lost_in.rbegin()) continue;  // by a meter that is gone
        const meter::HouseholdView view = box.node().household(room.number);
        if (view.epoch < one.epoch || (view.epoch == one.epoch && view.ticket_number < one.number))
            return violate("O3", name_of(room) + ": the office calls ticket " + std::to_string(one.number) +
                                     " confirmed, the meter has " + std::to_string(view.ticket_number));
    }
}

void World::check_ledger() {
    if (!office_->runs()) return;
    Auditor* auditor = open_auditor();
    if (!auditor) return;
    newest_added_up_ = newest_checked_;
    if (const std::string problem = auditor->add_up(); !problem.empty() && auditor->ok()) violate("O2", problem);
}

void World::check_booking(const BookingSeen& booking) {
    const auto known = by_id_.find(booking.order_id);
    if (known == by_id_.end()) {
        const auto act = acts_by_id_.find(booking.order_id);
        if (act == acts_by_id_.end()) {
            // What the office does by itself carries an id of its own making: of a quota, of what it gives back.
            if (booking.kind == kGrantKind || booking.kind == kReturnKind) return;
            // An account is carried on where a memory was lost; whether one was, R1 asks.
            if (booking.order_id.starts_with("memory-lost-")) return;
            return violate(
                "O1", "booking " + std::to_string(booking.id) + " (" + booking.order_id + ") was ordered by nobody",
                &room_of(booking.household));
        }
        Act& found = acts_[act->second];
        if (found.found && booking.place == 1) return violate("O1", found.id + " stands twice in the ledger");
        if (found.refused) return violate("O1", found.id + " was refused and stands in the ledger");
        found.found = true;
        found.found_at = booking.id;
        return;
    }
    Order& order = orders_[known->second];
    if (order.found) return violate("O1", order.id + " stands twice in the ledger");
    order.found = true;
    order.found_at = booking.id;
    if (booking.amount_fen != order.amount_fen || booking.household != rooms_[order.room].id.value)
        return violate("O1", order.id + " stands in the ledger with another amount or room");
    if (order.refused) return violate("O1", order.id + " was refused and stands in the ledger");
    if (order.answered && order.sale != 0 && order.sale != booking.id)
        return violate("O1", order.id + " was answered as sale " + std::to_string(order.sale) + " and is " +
                                 std::to_string(booking.id));
    sold_energy_ += booking.energy_hundredths;
    taken_ += booking.amount_fen;
}

// E1: all that was ever given to a room, less what was taken back, is in its registers or remains. Each account may
// leave less than kLeftOver behind when it ends: a settlement takes whole hundredths, and what was used beyond zero
// within the last window before a cut is nobody's.
void World::check_energy_of_rooms() {
    Auditor* auditor = open_auditor();
    if (!auditor) return;
    for (const Auditor::Given& given : auditor->given()) {
        Room& room = rooms_[static_cast<std::size_t>(&room_of(given.household) - rooms_.data())];
        const CampusBox& box = *boxes_[room.box];
        if (!box.powered()) continue;
        if (room.ahead_since != kNever) continue;  // nobody answers: what it is owed is not decided
        const meter::HouseholdView view = box.node().household(room.number);
        const std::int64_t unknown = lost_knowledge(*auditor, room);
        if (failed()) return;
        const std::int64_t joules = given.given_hundredths * kJoulesPerHundredth + unknown;
        const std::int64_t held =
            room.registers_before + view.forward.count() + view.reverse.count() + view.remaining.count();
        const std::int64_t allowed =
            (kJoulesPerHundredth + largest_window().count()) * std::max<std::int64_t>(0, given.epochs - 1);
        const std::int64_t visibly_short = given.short_hundredths * kJoulesPerHundredth;
        if (held - joules > allowed + visibly_short || joules - held > allowed)
            return violate("E1",
                           name_of(room) + ": " + kilowatt_hours(Energy{joules}) + " were given, " +
                               kilowatt_hours(Energy{held}) + " are used or remain, after " +
                               std::to_string(given.epochs) + " accounts",
                           &room);
    }
}

Energy World::largest_window() const {
    Energy largest;
    for (const auto& box : boxes_)
        largest = std::max(largest, box->largest_window());
    return largest;
}

// What a room used after the office had last read a meter that is gone: no meter remembers it and nobody pays it. The
// office must know less than was used, never more, and takes a memory for lost only where one was.
std::int64_t World::lost_knowledge(Auditor& auditor, Room& room) {
    std::int64_t unknown = used_in_lost_accounts(auditor, room);
    // What went through from the beginning of an account to that of the next one.
    const auto used_in = [&room](std::uint16_t epoch) -> std::optional<std::int64_t> {
        const auto began = room.registers_at.find(epoch);
        const auto after = room.registers_at.upper_bound(epoch);
        if (began == room.registers_at.end() || after == room.registers_at.end()) return std::nullopt;
        return after->second - began->second;
    };
    std::set<std::uint16_t> lost = room.lost_in;
    for (const Auditor::Ended& ended : auditor.ended(room.id.value)) {
        lost.erase(ended.epoch);
        if (!room.lost_in.contains(ended.epoch)) {
            // One that had not reached the old meter when the desk bound the room to another box goes along.
            if (ended.carried && !ended.order_id.starts_with("a-box"))
                violate("R1",
                        name_of(room) + ": account " + std::to_string(ended.epoch) +
                            " was carried on in a new one, and no meter had lost it",
                        &room);
            continue;
        }
        const auto went_through = used_in(ended.epoch);
        if (!went_through) continue;
        const std::int64_t used = *went_through;
        const std::int64_t known = ended.used_hundredths * kJoulesPerHundredth;
        if (known - used > server::kUsedSlack.count()) {
            violate("R1",
                    name_of(room) + ": account " + std::to_string(ended.epoch) + " was ended with " +
                        kilowatt_hours(Energy{known}) + " used, " + kilowatt_hours(Energy{used}) + " were",
                    &room);
            continue;
        }
        const auto learned = room.known_when_lost.find(ended.epoch);
        if (learned != room.known_when_lost.end() && learned->second.count() - known > server::kUsedSlack.count()) {
            violate("R2",
                    name_of(room) + ": account " + std::to_string(ended.epoch) + " was carried on with " +
                        kilowatt_hours(Energy{known}) + " used, " + kilowatt_hours(Energy{learned->second.count()}) +
                        " were when the meter was last read",
                    &room);
            continue;
        }
        unknown += used - known;
    }
    // One that the restored books hold as closed long ago is not ended a second time: what went through from then to
    // the account that was taken over was used in accounts that these books never had.
    if (room.was_ahead)
        for (const std::uint16_t epoch : lost)
            unknown += used_in(epoch).value_or(0);
    // The account that went on in the meter that had lost it: what was used before counts there no more.
    const meter::HouseholdView view = boxes_[room.box]->node().household(room.number);
    const auto began = room.registers_at.find(view.epoch);
    if (began != room.registers_at.end() && room.lost_in.contains(view.epoch) && may_go_on(room))
        unknown +=
            room.registers_before + view.forward.count() + view.reverse.count() - view.used.count() - began->second;
    report_.used_unknown += Energy{unknown};
    return unknown;
}

// A setting that is desired and is not so, or is not known to be so.
std::string World::setting_not_so() {
    for (std::size_t box = 0; box < boxes_.size(); ++box) {
        if (in_cupboard_[box]) continue;
        const auto settings = office_->office().campaigns().settings_of_box(office_->box_id(box));
        if (!settings) return "the settings cannot be read";
        for (const server::SettingWish& wish : settings->wishes) {
            const std::string name = "setting " + std::to_string(wish.name.id) + " of box " +
                                     std::to_string(boxes_[box]->number()) + " household " +
                                     std::to_string(wish.number);
            if (wish.version.open()) return name + " is not as the office desires";
            std::array<Byte, settings::kSettingBytesMax> bytes{};
            const settings::SettingKey key{static_cast<settings::SettingId>(wish.name.id), wish.number,
                                           wish.name.index};
            const std::size_t size = settings::encode(boxes_[box]->node().box().settings(), key, bytes);
            if (!std::equal(wish.bytes.begin(), wish.bytes.end(), bytes.begin(), bytes.begin() + size))
                return name + " is called reached and is another in the meter";
        }
    }
    return {};
}

std::string World::not_yet() {
    if (!office_->runs()) return "the office does not run: " + office_->problem();
    for (const Order& order : orders_)
        if (!order.settled) return order.id + " is not settled";
    for (const Act& act : acts_)
        if (!act.settled) return act.id + " is not settled";
    for (std::size_t box = 0; box < boxes_.size(); ++box)
        if (!boxes_[box]->powered() && !in_cupboard_[box])
            return "box " + std::to_string(boxes_[box]->number()) + " has no supply";
    for (const Room& room : rooms_) {
        const auto desired = office_->office().desired(room.id);
        if (!desired) return "the office cannot be read";
        if (room.ahead_since != kNever && !options_.answered) {
            if (desired->stopped == server::Situation::kNone)
                return name_of(room) + " knows more than the restored office, and nobody is asked";
            continue;
        }
        if (room.ahead_since != kNever)
            return name_of(room) + " knows more than the restored office, and " +
                   (!room.is_asked ? "nobody is asked"
                    : room.answer == SIZE_MAX
                        ? "nobody has answered"
                        : "the answer of " + acts_[answers_[room.answer].act].id + " is not booked");
        const meter::HouseholdView view = boxes_[room.box]->node().household(room.number);
        if (desired->open())
            return name_of(room) + " is not as the office desires: ticket " + std::to_string(desired->ticket.epoch) +
                   "." + std::to_string(desired->ticket.number) + " of " +
                   std::to_string(in_hundredths(desired->ticket.credited, Round::kDown)) + ", confirmed " +
                   std::to_string(desired->confirmed_epoch) + "." + std::to_string(desired->confirmed_number) +
                   ", situation " + std::to_string(static_cast<int>(desired->stopped)) + "; the meter has " +
                   std::to_string(view.epoch) + "." + std::to_string(view.ticket_number) + " of " +
                   std::to_string(in_hundredths(view.credited, Round::kDown));
        if (view.epoch != desired->ticket.epoch || view.ticket_number != desired->ticket.number ||
            view.credited != desired->ticket.credited)
            return name_of(room) + " has another ticket than the office";
        if (desired->remote_version.desired > 0 && view.state.holds().has(Hold::kRemote) != desired->remote_off)
            return name_of(room) + " does not hold what the office desires";
    }
    return setting_not_so();
}

void World::converge() {
    const Instant began = now_;
    Duration patience = kConvergenceMax;
    for (std::size_t index = 0; index < rooms_.size(); ++index) {
        if (rooms_[index].ahead_since == kNever || !options_.answered) continue;
        patience = kConvergenceMax + kRecoveryMax;  // it is asked, and answered, and then the meter has to take it
        at(now_ + within(30, 300), What::kAnswer, index);
    }
    // No faults from here on, and what was taken away is given back; what was switched off comes back by its own
    // events.
    for (std::size_t box = 0; box < boxes_.size(); ++box) {
        if (in_cupboard_[box]) continue;
        come_back(box);
        if (boxes_[box]->is_armed()) boxes_[box]->lose_supply(CampusBox::SupplyLoss::kUnwarned);
        boxes_[box]->restore_supply();
    }
    std::string missing;
    bool gave_back_last = false;
    for (disk_.set_faults(quiet_disk()); now_ - began < patience && !failed();) {
        run_until(now_ + seconds(60));
        missing = not_yet();
        if (!missing.empty()) continue;
        if (gave_back_last) break;
        // What the last confirmations showed is given back, and goes out to the meters too.
        gave_back_last = true;
        office_->office().accounts().give_back({"clerk", "campus"}, [](const server::Answer<int>&) {});
        missing = "what is short is being given back";
    }
    report_.convergence = now_ - began;
    if (!missing.empty()) return violate("C1", missing);
    if (!failed()) check_energy_of_rooms();
}

void World::sum_up() {
    for (const Room& room : rooms_) {
        const CampusBox& box = *boxes_[room.box];
        if (!box.powered()) continue;
        const meter::HouseholdView view = box.node().household(room.number);
        report_.through_contacts +=
            Energy{room.truth_before} + box.truth_forward(room.number) + box.truth_reverse(room.number);
        report_.in_registers += Energy{room.registers_before} + view.forward + view.reverse;
        note(static_cast<std::uint64_t>(view.used.count()));
    }
    report_.messages_held_back = office_->messages_held_back();
    report_.lost_at_supply_losses = report_.through_contacts - report_.in_registers;
    report_.taken = fen(taken_);
    report_.paid_out = fen(paid_out_);
    report_.sold_energy = energy_of_hundredths(sold_energy_);
    for (const auto& line : lines_) {
        report_.characters += line->counts().characters;
        report_.damaged_characters += line->counts().damaged + line->counts().lost + line->counts().collided;
    }
    for (const auto& box : boxes_)
        report_.windows += static_cast<std::int64_t>(box->windows());
}

}  // namespace prewatt::campus
