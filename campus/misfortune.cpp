// What happens once a year and then to everybody: a box that is away for a month, a box that is changed, a memory that
// is lost, a price and settings that change meanwhile.
//
// The fault model.
//   away           a box has no supply, or no line, for 30 days (of a short run: for at most 0.4 of it). Meanwhile its
//                  rooms are sold to, refunded, switched, and prices and settings change. Whose line alone is cut lives
//                  on with what the meter has.
//   box changed    a box breaks. The technician takes the wires of all its rooms to the box of his cupboard, which is
//   as
//                  from the factory, and the desk binds each room to its new place (Accounts::change_box), in any
//                  order, asked again until it is answered. The broken one lies in the cupboard, is repaired, and is
//                  the next.
//   memory lost    a box forgets all of it: accounts, settings, registers, the counter of its commands. Number and keys
//                  are as before. Nobody tells the office.
//   backup back    the office's database is one of some hours or two days ago: every third seed, in the last third of a
//   run
//                  of five days or more. Meters, receipts and what was paid out know more. The clerk pays nothing that
//                  his papers say was paid; who has a receipt whose ticket the meter never had is sold it again under
//                  its order id some hours later. Rooms whose meter has a ticket that the office no longer knows must
//                  end in a question (B1); two people answer it some hours later (answers.cpp). A card that the
//                  office of before has written brings its ticket whenever it is held to the box: from then on the room
//                  is one of those. Of cards that the books do not know their holders ask for new ones, and no card
//                  brings a ticket of the restored books over one of the lost ones before anybody was asked (B1).
// No box is changed and no memory lost between a backup and the end of the run: the desk would have to bind rooms
// again. One box of a line at a time is changed. No box loses its memory in the middle of a write of the lost supply.
#include <algorithm>

#include "campus/world_run.hpp"
#include "server/desk/office_desk.hpp"
#include "server/store/restored.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

using server::Answer;

constexpr Duration kAbsence = minutes(30 * 24 * 60);

// What the meter has and the restored books do not know.
void set_ahead(Room& room, std::uint16_t epoch, std::uint32_t number, std::int64_t credited) {
    room.ahead_epoch = epoch;
    room.ahead_number = number;
    room.ahead_credited = credited;
}

}  // namespace

void World::plan_misfortunes() {
    const double days = options_.days * 86'400;
    at(now_ + within(0.1 * std::min(days, 20 * 86'400.0), 0.4 * std::min(days, 60 * 86'400.0)), What::kAway, 0);
    for (std::size_t line = 0; line < lines_.size(); ++line)
        at(now_ + within(43'200, std::min(days, 12 * 86'400.0)), What::kBoxBroken, line);
    at(now_ + within(43'200, std::min(days, 12 * 86'400.0)), What::kMemoryLost, 0);
    if (options_.days >= 5 && options_.seed % 3 == 0) {
        const double from = days * 0.67;
        const double age = random_.uniform(3600, std::min(2 * 86'400.0, 0.2 * days));
        at(now_ + within(from, from), What::kBackup, 0);
        at(now_ + within(from + age, from + age), What::kRestore, 0);
        // Where the line is cut meanwhile, cards bring what the line has not.
        if (options_.cards) at(now_ + within(from - 3600, from), What::kAway, 0);
    }
    at(now_ + within(86'400, 3 * 86'400), What::kPrice, 0);
    at(now_ + within(7200, 86'400), What::kSetting, 0);
}

bool World::misfortune(const Event& event) {
    if (now_ >= end_) {  // what has happened is still put right
        switch (event.what) {
            case What::kAway:
            case What::kBoxBroken:
            case What::kMemoryLost:
            case What::kPrice:
            case What::kSetting:
            case What::kBackup:
            case What::kRestore:
                return true;
            default:  // what has happened is still put right
                break;
        }
    }
    switch (event.what) {
        case What::kAway:
            go_away();
            at(now_ + within(40 * 86'400, 80 * 86'400), What::kAway, 0);
            return true;
        case What::kBack:
            come_back(event.who);
            return true;
        case What::kBoxBroken:
            box_broken(event.who);
            at(now_ + within(10 * 86'400, 60 * 86'400), What::kBoxBroken, event.who);
            return true;
        case What::kMemoryLost:
            memory_lost(random_.below(boxes_.size()));
            at(now_ + within(5 * 86'400, 40 * 86'400), What::kMemoryLost, 0);
            return true;
        case What::kPrice:
            price_changes();
            at(now_ + within(2 * 86'400, 20 * 86'400), What::kPrice, 0);
            return true;
        case What::kSetting:
            setting_changes();
            at(now_ + within(4 * 3600, 2 * 86'400), What::kSetting, 0);
            return true;
        case What::kBackup:
            backup_ = disk_.copy();
            return true;
        case What::kRestore:
            restore();
            return true;
        case What::kAnswer:
            begin_answer(event.who);
            return true;
        case What::kConsent:
            consent(event.who);
            return true;
        case What::kPriceConsent:
            price_consent(static_cast<std::int64_t>(event.who));
            return true;
        default:
            return false;
    }
}

Duration World::absence() const {
    if (options_.absence > Duration{}) return options_.absence;
    return std::min(kAbsence, microseconds(static_cast<std::int64_t>(0.4 * options_.days * 86'400e6)));
}

void World::go_away() {
    std::vector<std::size_t> there;
    for (std::size_t box = 0; box < boxes_.size(); ++box)
        if (!in_cupboard_[box] && !away_[box]) there.push_back(box);
    if (there.empty()) return;
    const std::size_t box = there[random_.below(there.size())];
    note(0x61776179);
    ++report_.long_absences;
    away_[box] = true;
    if (random_.chance(0.5))
        boxes_[box]->cut_line(true);
    else
        boxes_[box]->lose_supply(CampusBox::SupplyLoss::kUnwarned);
    at(now_ + absence(), What::kBack, box);
}

void World::come_back(std::size_t box) {
    if (!away_[box]) return;
    away_[box] = false;
    boxes_[box]->cut_line(false);
    boxes_[box]->restore_supply();
    box_clean_since_[box] = now_;
}

// Nobody looks into a box that has no supply or hangs, and none is opened while it writes its last.
bool World::can_be_lost(std::size_t box) const {
    const CampusBox& one = *boxes_[box];
    return !in_cupboard_[box] && !away_[box] && one.powered() && !one.is_armed() &&
           !one.node().hangs(meter::Processor::kManagement) && !one.node().hangs(meter::Processor::kMetering);
}

// The meter of a room goes, or its memory does: what it held is noted, and a new one begins with nothing.
void World::close_books(Room& room) {
    check_room(room);
    const CampusBox& box = *boxes_[room.box];
    const meter::HouseholdView view = box.node().household(room.number);
    room.registers_before += view.forward.count() + view.reverse.count();
    room.truth_before += (box.truth_forward(room.number) + box.truth_reverse(room.number)).count();
    room.newest_before = std::max(room.newest_before, {view.epoch, view.ticket_number});
    if (view.epoch != 0) {
        room.lost_in.insert(view.epoch);
        if (room.shown_epoch == view.epoch) {
            Credit& known = room.known_when_lost[view.epoch];
            known = std::max(known, room.known_at_least);
        }
        if (view.remaining > Credit{}) room.without_account_since = now_;
    }
    room.epoch = 0;
    room.number_seen = 0;
    room.base = 0;
    room.missing_seen = {};
    room.losses_seen = 0;
    room.lit_wrongly = room.dark_wrongly = kNever;
    if (room.hold_due_since != kNever) room.hold_due_since = now_;
}

void World::box_broken(std::size_t line) {
    std::erase_if(changing_, [this](std::size_t act) { return acts_[act].settled; });
    if (!changing_.empty() || backup_) return;
    std::vector<std::size_t> candidates;
    for (std::size_t box = 0; box < boxes_.size(); ++box)
        if (office_->line_of_box(box) == line && can_be_lost(box)) candidates.push_back(box);
    if (candidates.empty()) return;
    const std::size_t broken = candidates[random_.below(candidates.size())];
    const std::size_t fresh = spare_of_line_[line];
    note(0x626F7820);
    ++report_.boxes_changed;
    spare_of_line_[line] = broken;
    in_cupboard_[fresh] = false;
    boxes_[fresh]->replace();
    box_clean_since_[fresh] = now_;
    for (std::size_t index = 0; index < rooms_.size(); ++index) {
        Room& room = rooms_[index];
        if (room.box != broken) continue;
        close_books(room);
        boxes_[fresh]->put_home(room.number, boxes_[broken]->take_home(room.number));
        room.box = fresh;
        server::BoxOrder order;
        order.household = room.id;
        order.box_number = boxes_[fresh]->number();
        order.number = room.number.number;
        changing_.push_back(begin_act("box", [this, order](const std::string& id, ActDone done) {
            server::BoxOrder now = order;
            now.order = money_order(id);
            office_->office().accounts().change_box(
                std::move(now), [done = std::move(done)](const Answer<server::BookingsAnswer>& answer) {
                    if (!answer) return done(&answer.error(), 0);
                    done(nullptr, answer->bookings.empty() ? 0 : answer->bookings.front().id.value);
                });
        }));
    }
    boxes_[broken]->lose_supply(CampusBox::SupplyLoss::kWarned);
    in_cupboard_[broken] = true;
    changing_on_ = fresh;
}

void World::memory_lost(std::size_t box) {
    if (!can_be_lost(box) || backup_) return;
    note(0x6C6F7374);
    ++report_.memories_lost;
    for (Room& room : rooms_)
        if (room.box == box) close_books(room);
    boxes_[box]->replace();
    box_clean_since_[box] = now_;
}

void World::restore() {
    if (!changing_.empty()) {  // the technician is on the stairs
        at(now_ + minutes(10), What::kRestore, 0);
        return;
    }
    check_ledger();  // of these books nothing can be found later
    if (failed()) return;
    Auditor* auditor = open_auditor();
    if (auditor) keep_books_of_before(*auditor);
    if (!auditor || !auditor->ok()) return at(now_ + minutes(1), What::kRestore, 0);
    newest_added_up_ = 0;
    note(0x72657374);
    ++report_.backups_restored;
    const bool ran = office_->runs();
    if (ran) {
        disk_.die();
        office_->kill();
    }
    turn_at_ = kNever;
    auditor_.reset();
    disk_.restore(*backup_);
    disk_.set_faults(quiet_disk());
    mark_restored();
    just_restored_ = true;
    if (ran) at(now_ + within(60, 900), What::kStartOffice, 0);
}

// As `prewatt db restore` ends.
void World::mark_restored() {
    if (options_.defect == Defect::kRestoredUnsaid) return;
    auto db = server::store::open_sqlite(OfficeProcess::file(),
                                         {.create = false, .read_only = false, .pages_max = 0, .vfs = disk_.vfs()});
    if (!db) return violate("B1", "the restored books cannot be opened: " + db.error().message);
    (*db)->begin_write();
    server::store::mark_restored(**db, office_->unix_at(now_));
    if (!(*db)->commit()) violate("B1", "it cannot be written down that the books were restored");
}

// What people and papers know, beside what the restored office knows.
void World::look_after_restore() {
    Auditor* auditor = open_auditor();
    if (!auditor) return;
    const std::int64_t newest = auditor->newest_booking();
    if (!auditor->ok()) return;
    just_restored_ = false;
    newest_checked_ = std::min(newest_checked_, newest);
    oldest_open_ = 0;
    credits_to_check_.clear();
    for (Room& room : rooms_) {
        room.due_since = kNever;
        room.due_epoch = 0;
        room.due_number = 0;
        room.hold_due_since = kNever;
        if (const auto desired = office_->office().desired(room.id)) room.remote_off = desired->remote_off;
        const auto [epoch, number] = boxes_[room.box]->newest_ticket(room.number);
        room.epoch = epoch;
        room.number_seen = number;
        std::tie(room.restored_epoch, room.restored_number) = auditor->newest_ticket(room.id.value);
        if (epoch == 0) continue;
        const auto known = auditor->booking(room.id.value, epoch, number);
        const bool shows = boxes_[room.box]->powered();
        const std::int64_t credited =
            shows ? in_hundredths(boxes_[room.box]->node().household(room.number).credited, Round::kDown)
                  : room.ahead_credited;
        if (known && (!shows || known->credited_hundredths == credited)) continue;
        room.ahead_since = now_;
        set_ahead(room, epoch, number, credited);
        ++report_.rooms_ahead;
    }
    for (std::size_t number = 0; number < orders_.size(); ++number) {
        Order& order = orders_[number];
        if (order.found && order.found_at > newest) order.found = false;
        if (order.found || !order.answered || order.sale <= newest) continue;
        Room& room = rooms_[order.room];
        const bool in_meter =
            order.epoch < room.epoch || (order.epoch == room.epoch && order.ticket_number <= room.number_seen);
        order.lost = true;
        if (in_meter || room.ahead_since != kNever) continue;
        order.lost = order.answered = order.settled = false;
        order.sale = 0;
        at(now_ + within(3 * 3600, 6 * 3600), What::kAskAgain, number);
    }
    for (Act& act : acts_) {
        if (act.found && act.found_at > newest) act.found = false;
        if (!act.found && act.answered) act.lost = true;
    }
    std::erase_if(payouts_, [newest](const auto& one) { return one.first.first > newest; });
    look_after_cards();
}

void World::keep_books_of_before(Auditor& auditor) {
    books_of_before_.clear();
    for (const BookingSeen& booking : auditor.bookings_after(0))
        books_of_before_[{booking.household, booking.epoch, booking.ticket_number}] = booking.credited_hundredths;
}

bool World::was_issued_before(const Room& room, std::uint16_t epoch, std::uint32_t number,
                              std::int64_t credited) const {
    const auto found = books_of_before_.find({room.id.value, epoch, number});
    return found != books_of_before_.end() && found->second == credited;
}

// The restored books may not know a card, or may call another one the one in use, and its serial may have gone to
// somebody else: whoever has one asks at the desk for what the books say of his room.
void World::look_after_cards() {
    for (Plastic& one : plastics_) {
        if (one.found_by_somebody) continue;
        const auto cards = office_->office().cards().cards(rooms_[one.room].id, {}, 100);
        if (!cards) continue;
        const auto live = std::find_if(cards->begin(), cards->end(),
                                       [](const server::CardRecord& card) { return server::is_live(card.state); });
        const bool is_this = live != cards->end() && live->uid == server::desk::text_of(one.card->uid());
        one.is_issued = is_this && live->state == server::CardState::kWritten;
        one.serial = is_this ? live->id.value : 0;
        one.replaces = live == cards->end() || is_this ? 0 : live->id.value;
    }
}

// A ticket that a card has brought since an old backup came back: one of the books of before, which a restored office
// does not know, or one that the restored office had written onto the card before it knew that it was behind. Neither
// is one that the office has sent without asking.
bool World::take_ticket_of_card(Room& room, const meter::HouseholdView& view) {
    const std::pair<std::uint16_t, std::uint32_t> shown{view.epoch, view.ticket_number};
    if (!options_.cards || books_of_before_.empty() || shown <= std::pair{room.epoch, room.number_seen}) return false;
    const Presented& place = presented_[room.box];
    const bool lies_there = place.card && plastics_[place.plastic].room == static_cast<std::size_t>(&room - &rooms_[0]);
    if (!lies_there && room.from_card != shown) return false;
    Auditor* auditor = open_auditor();
    if (!auditor) return false;
    const std::int64_t credited = in_hundredths(view.credited, Round::kDown);
    const auto known = auditor->booking(room.id.value, view.epoch, view.ticket_number);
    if (known && known->credited_hundredths == credited) {
        if (room.ahead_since != kNever && !room.may_be_answered) {
            violate("B1",
                    name_of(room) + " knew more than the restored office, and a card brought ticket " +
                        std::to_string(view.epoch) + "." + std::to_string(view.ticket_number) +
                        " of these books over it before anybody was asked",
                    &room);
            return true;
        }
        room.ahead_since = kNever;
        return true;
    }
    if (!was_issued_before(room, view.epoch, view.ticket_number, credited)) return false;
    ++report_.cards_of_before;
    if (room.ahead_since == kNever) ++report_.rooms_ahead;
    const bool is_answered = room.answer == SIZE_MAX || answers_[room.answer].booked;
    if (is_answered) room.answer = SIZE_MAX;
    room.may_be_answered = room.may_be_answered && !is_answered;
    room.is_asked = room.is_asked && !is_answered;
    room.ahead_since = now_;
    set_ahead(room, view.epoch, view.ticket_number, credited);
    std::tie(room.restored_epoch, room.restored_number) = auditor->newest_ticket(room.id.value);
    return true;
}

void World::check_question(Room& room, const meter::HouseholdView& view) {
    if (room.ahead_since == kNever || room.is_asked) return;
    if (!office_->runs()) return;
    // What was asked for and not answered before the restore is asked for again: where it comes to the very ticket that
    // the meter has before anybody is asked, nothing is open.
    const auto desired = office_->office().desired(room.id);
    const bool stands = !desired || desired->stopped != server::Situation::kNone;
    if (room.ahead_credited < 0 && view.epoch == room.ahead_epoch && view.ticket_number == room.ahead_number)
        room.ahead_credited = in_hundredths(view.credited, Round::kDown);
    if (Auditor* auditor = stands ? nullptr : open_auditor()) {
        const auto known = auditor->booking(room.id.value, room.ahead_epoch, room.ahead_number);
        if (known && known->credited_hundredths == room.ahead_credited) {
            room.ahead_since = kNever;
            return;
        }
    }
    // A frame of the lost books that was on the line, or is said again by somebody, brings what those had issued and
    // these have not: the meter knows still more, and nobody has sent it.
    const std::int64_t credited = in_hundredths(view.credited, Round::kDown);
    const bool changed = view.epoch != room.epoch || view.ticket_number != room.number_seen;
    if (changed && was_issued_before(room, view.epoch, view.ticket_number, credited)) {
        Auditor* auditor = open_auditor();
        if (!auditor) return;
        if (!auditor->booking(room.id.value, view.epoch, view.ticket_number))
            return set_ahead(room, view.epoch, view.ticket_number, credited);
    }
    if (changed && !room.may_be_answered)
        return violate("B1",
                       name_of(room) + " knew more than the restored office and was sent ticket " +
                           std::to_string(view.epoch) + "." + std::to_string(view.ticket_number) +
                           " before anybody was asked",
                       &room);
    if (undisturbed(room, room.ahead_since) < kRecoveryMax) return;
    const auto questions = office_->office().ticket_questions();
    if (!questions) return;
    const auto question = std::find_if(questions->begin(), questions->end(),
                                       [&](const server::TicketQuestion& one) { return one.household == room.id; });
    if (question != questions->end()) {
        room.is_asked = true;
        check_question_figures(room, view, *question);
        at(now_ + (now_ < end_ ? within(600, 6 * 3600) : within(10, 120)), What::kAnswer,
           static_cast<std::size_t>(&room - rooms_.data()));
    } else
        violate("B1",
                name_of(room) + " knows more than the restored office, and after " +
                    std::to_string(kRecoveryMax.count() / 60'000'000) + " undisturbed minutes nobody is asked",
                &room);
}

// What is asked shows the figures of the meter and of the books as they are.
void World::check_question_figures(const Room& room, const meter::HouseholdView& view,
                                   const server::TicketQuestion& one) {
    const auto wrong = [&](const std::string& what) {
        violate("B1", name_of(room) + " is asked about with " + what, &room);
    };
    const server::MeterEffect& shown = one.shown;
    if (shown.epoch != view.epoch || shown.ticket_number != view.ticket_number)
        return wrong("ticket " + std::to_string(shown.epoch) + "." + std::to_string(shown.ticket_number) +
                     ", the meter has " + std::to_string(view.epoch) + "." + std::to_string(view.ticket_number));
    const auto hundredths = [](Credit credit) { return in_hundredths(credit, Round::kDown); };
    if (shown.credited && hundredths(*shown.credited) != hundredths(view.credited))
        return wrong("a total of " + std::to_string(hundredths(*shown.credited)) + ", the meter has " +
                     std::to_string(hundredths(view.credited)));
    if (hundredths(shown.remaining) < hundredths(view.remaining) || shown.remaining > view.credited)
        return wrong(std::to_string(hundredths(shown.remaining)) + " remaining, the meter has " +
                     std::to_string(hundredths(view.remaining)));
    Auditor* auditor = open_auditor();
    if (!auditor || one.office.epoch == 0) return;
    const auto booking = auditor->booking(room.id.value, one.office.epoch, one.office.number);
    if (auditor->ok() && (!booking || booking->credited_hundredths != hundredths(one.office.credited)))
        wrong("a total of the office, " + std::to_string(hundredths(one.office.credited)) +
              ", that stands in no booking of ticket " + std::to_string(one.office.epoch) + "." +
              std::to_string(one.office.number));
}

void World::price_changes() {
    if (!office_->runs()) return;
    const std::uint64_t life = office_->life();
    office_->office().set_price(UnitPrice{static_cast<std::int64_t>(5600 + random_.below(17) * 100)},
                                {"owner", "campus"}, "the campus", [this, life](const Answer<server::Done>& done) {
                                    if (done || life != office_->life() || disk_.is_dead()) return;
                                    if (done.error().reason == server::Reason::kNeedsApproval)
                                        at(now_ + within(60, 3600), What::kPriceConsent,
                                           static_cast<std::size_t>(done.error().limit));
                                });
}
// A price is an act of two people. A consent that comes to an office that does not run is forgotten, as people do.
void World::price_consent(std::int64_t approval) {
    if (!office_->runs()) return;
    office_->office().approvals().approve(server::ApprovalId{approval}, {kDeputyName, "campus"},
                                          [this](const Answer<server::ApprovalRecord>& record) {
                                              if (record && record->state == server::ApprovalState::kDone)
                                                  ++report_.prices_changed;
                                          });
}

// Some rooms are given another patience of the load guard, which has no limit to guard; a box, another pace of its
// display. Nothing that the judge looks at depends on them but themselves.
void World::setting_changes() {
    if (!office_->runs()) return;
    ++report_.settings_changed;
    server::CampaignOrder order;
    order.order_id = "c-" + std::to_string(report_.settings_changed);
    order.reason = "the campus";
    order.wish.kind = server::WishKind::kSetting;
    order.selection.kind = server::Selection::Kind::kList;
    settings::Settings wanted;
    settings::SettingKey key;
    if (random_.chance(0.7)) {
        key = {settings::SettingId::kLoadLimit, 1, 0};
        wanted.households[0].load.delay_seconds = static_cast<std::uint8_t>(1 + random_.below(200));
        for (std::uint64_t k = 1 + random_.below(5); k > 0; --k)
            order.selection.list.push_back(rooms_[random_.below(rooms_.size())].id);
    } else {
        key = {settings::SettingId::kGeneral, 0, 0};
        wanted.general.page_seconds = static_cast<std::uint8_t>(1 + random_.below(20));
        order.selection.list.push_back(rooms_[random_.below(rooms_.size())].id);
    }
    std::array<Byte, settings::kSettingBytesMax> bytes{};
    const std::size_t size = settings::encode(wanted, key, bytes);
    order.wish.setting = {static_cast<std::uint8_t>(key.id), key.index};
    order.wish.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    office_->office().campaigns().start(std::move(order), {"owner", "campus"},
                                        [this](const Answer<server::CampaignRecord>& answer) {
                                            if (answer) note(0x73657474);
                                        });
}

}  // namespace prewatt::campus
