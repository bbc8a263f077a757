// Who answers what a restored backup left: which total counts of a room whose meter has a ticket that the books have
// lost. Two people: the owner proposes, the deputy looks at the same figures and approves.
//
// People err. The first answer may be the wrong one, and the deputy refuses it; the owner tries to approve what he
// asked for himself; a number is named that cannot be. The answer is asked for under one order id until it is booked,
// whatever is killed meanwhile. What a receipt proves and the answered total does not hold is sold again under its
// order id.
#include <algorithm>

#include "campus/world_run.hpp"

namespace prewatt::campus {
namespace {

using server::Answer;
using server::ApprovalRecord;
using server::BookingsAnswer;
using server::TicketAnswer;

const server::Actor kOwner{"owner", "campus"};
const server::Actor kDeputy{kDeputyName, "campus"};

bool is_of_storage(server::Reason reason) {
    using server::Reason;
    return reason == Reason::kStorageFailed || reason == Reason::kStorageFull || reason == Reason::kStopping;
}

}  // namespace

// Somebody has seen the question and decides.
void World::begin_answer(std::size_t index) {
    Room& room = rooms_[index];
    if (!options_.answered || room.ahead_since == kNever || !room.is_asked || room.answer != SIZE_MAX) return;
    room.answer = answers_.size();
    Answering& one = answers_.emplace_back();
    one.room = index;
    one.what = random_.chance(0.6) ? TicketAnswer::kTakeMeters : TicketAnswer::kTakeOffices;
    const std::size_t number = room.answer;
    const std::size_t act = begin_act("answer", [this, number](const std::string& id, ActDone done) {
        const Answering asked = answers_[number];
        server::TicketAnswerOrder order;
        order.order = {id, kOwner, "the backup was an old one"};
        order.household = rooms_[asked.room].id;
        order.answer = asked.what;
        order.contains = asked.contains;
        const std::uint64_t life = office_->life();
        office_->office().answer_ticket_question(std::move(order), [this, number, life, asked, done = std::move(done)](
                                                                       const Answer<BookingsAnswer>& answer) {
            if (life != office_->life() || disk_.is_dead()) return;
            const Answering& now = answers_[number];
            if (!answer && (asked.what != now.what || asked.contains != now.contains)) return;  // of before
            if (!answer) return answer_refused(number, answer.error(), done);
            answered(number, *answer);
            done(nullptr, answer->bookings.empty() ? 0 : answer->bookings.front().id.value);
        });
    });
    answers_[number].act = act;
}

void World::answer_refused(std::size_t number, const server::Refusal& refusal, const ActDone& done) {
    using server::Reason;
    Answering& one = answers_[number];
    const Room& room = rooms_[one.room];
    const bool meters = one.what == TicketAnswer::kTakeMeters;
    switch (refusal.reason) {
        case Reason::kNeedsApproval:
            if (one.waits == refusal.limit) return;
            one.waits = refusal.limit;
            at(now_ + (now_ < end_ ? within(30, 2 * 3600) : within(10, 60)), What::kConsent, number);
            return;
        case Reason::kMeterBehind:  // its total has not been read yet; asked again
            return;
        case Reason::kTicketsUnclear:
            // What was sold before the backup is in the meter's total, what was sold since is not.
            one.contains = std::min(static_cast<std::uint32_t>(refusal.limit), room.restored_number);
            if (random_.chance(0.3)) {  // a slip of the pen
                one.contains = static_cast<std::uint32_t>(refusal.limit) + 1;
                one.slipped = true;
            }
            return;
        case Reason::kBadArgument:
            if (one.slipped) {
                one.slipped = false;
                one.contains.reset();
                return;
            }
            [[fallthrough]];
        case Reason::kAccountClosed:
        case Reason::kNoMeter:
        case Reason::kQuestionChanged:
            if (meters) {  // there is nothing that could be taken over
                one.what = TicketAnswer::kTakeOffices;
                one.contains.reset();
                return;
            }
            break;
        default:
            if (is_of_storage(refusal.reason)) return done(&refusal, 0);
            break;
    }
    violate("A1", name_of(room) + " waits for an answer, and none is taken: " + refusal.message, &room);
}

// The deputy looks at what waits.
void World::consent(std::size_t number) {
    Answering& one = answers_[number];
    const auto again = [&] { at(now_ + within(30, 90), What::kConsent, number); };
    if (one.booked || one.waits == 0) return;
    if (!office_->runs()) return again();
    Room& room = rooms_[one.room];
    const server::ApprovalId id{one.waits};
    server::Approvals& approvals = office_->office().approvals();
    const std::uint64_t life = office_->life();
    const std::int64_t waits = one.waits;
    const double chance = random_.uniform();
    if (chance < 0.2) {  // the owner is in a hurry
        again();
        room.may_be_answered = true;
        approvals.approve(id, kOwner, [this, number, life](const Answer<ApprovalRecord>& record) {
            if (life != office_->life() || disk_.is_dead()) return;
            if (record && record->state == server::ApprovalState::kDone)
                violate("A1", name_of(rooms_[answers_[number].room]) + " was answered by one person alone");
            else
                ++report_.answers_by_one;
        });
        return;
    }
    if (chance < 0.35 && !one.changed_mind) {
        one.changed_mind = true;
        approvals.refuse(
            id, kDeputy, "the other total counts", [this, number, life, waits](const Answer<ApprovalRecord>& record) {
                Answering& refused = answers_[number];
                if (life != office_->life() || disk_.is_dead() || !record || refused.waits != waits) return;
                ++report_.answers_refused;
                refused.what =
                    refused.what == TicketAnswer::kTakeMeters ? TicketAnswer::kTakeOffices : TicketAnswer::kTakeMeters;
                refused.contains.reset();
            });
        return again();
    }
    room.may_be_answered = true;
    again();
    approvals.approve(id, kDeputy, [this, number, life](const Answer<ApprovalRecord>& record) {
        if (life != office_->life() || disk_.is_dead() || !record) return;
        Answering& approved = answers_[number];
        if (record->state == server::ApprovalState::kFailed) {
            ++report_.answers_failed;
            approved.waits = 0;  // it is proposed anew upon what is so now
            return;
        }
        if (record->state == server::ApprovalState::kDone) judge_consent(approved, *record);
    });
}

// A1: upon the figures that both saw, and that the meter shows.
void World::judge_consent(Answering& one, const ApprovalRecord& record) {
    if (one.booked) return;
    const Room& room = rooms_[one.room];
    const auto figure = [&](std::string_view name) { return server::act_number(record.content, name).value_or(-1); };
    const auto [epoch, ticket_number] = std::pair{room.ahead_epoch, room.ahead_number};
    if (figure("meter_epoch") != epoch || figure("meter_number") != std::int64_t{ticket_number} ||
        (server::act_field(record.content, "meter_credited") != "unknown" && room.ahead_credited >= 0 &&
         figure("meter_credited") != room.ahead_credited))
        return violate("A1",
                       name_of(room) + " was answered upon ticket " + std::to_string(figure("meter_epoch")) + "." +
                           std::to_string(figure("meter_number")) + " of " + std::to_string(figure("meter_credited")) +
                           ", its meter has " + std::to_string(epoch) + "." + std::to_string(ticket_number) + " of " +
                           std::to_string(room.ahead_credited),
                       &room);
    if (record.asked_by.user == record.decided_by.user)
        violate("A1", name_of(room) + " was answered by " + record.asked_by.user + " alone", &room);
}

// The room is as every other from here on.
void World::answered(std::size_t number, const BookingsAnswer& answer) {
    Answering& one = answers_[number];
    Room& room = rooms_[one.room];
    if (one.booked || answer.bookings.empty()) return;
    one.booked = true;
    const bool meters = one.what == TicketAnswer::kTakeMeters;
    ++(meters ? report_.answered_meters : report_.answered_offices);
    note(0x616E7377);
    room.ahead_since = kNever;
    room.was_ahead = true;
    const server::TicketTotal& ticket = answer.bookings.back().ticket;
    room.due_epoch = ticket.epoch;
    room.due_number = ticket.number;
    room.due_since = now_;
    const std::pair<std::uint16_t, std::uint32_t> held{room.ahead_epoch, room.ahead_number};
    for (std::size_t k = 0; k < orders_.size(); ++k) {
        Order& order = orders_[k];
        if (order.room != one.room || !order.lost) continue;
        if (meters && std::pair{order.epoch, order.ticket_number} <= held) continue;  // it is in the meter's total
        order.lost = order.answered = order.settled = false;
        order.sale = 0;
        oldest_open_ = std::min(oldest_open_, k);
        ++report_.receipts_sold_again;
        at(now_ + within(60, 3600), What::kAskAgain, k);
    }
}

// What a room used in accounts that the restored books do not know: the books were brought to the meter's figure or
// went on with their own, and either way nobody pays for it. The accounts that they know are taken for longer by it.
std::int64_t World::used_in_lost_accounts(Auditor& auditor, Room& room) {
    if (!room.was_ahead) return 0;
    const std::vector<std::uint16_t> known = auditor.accounts(room.id.value);
    if (known.empty() || room.registers_at.empty()) return 0;
    const std::int64_t first_shown = room.registers_at.begin()->second;
    const auto begins = room.registers_at.lower_bound(known.front());
    const std::int64_t before = begins == room.registers_at.end() ? 0 : begins->second - first_shown;
    for (const std::uint16_t epoch : known)
        if (epoch >= room.restored_epoch && epoch < known.back()) room.lost_in.insert(epoch);
    std::erase_if(room.registers_at,
                  [&](const auto& one) { return !std::binary_search(known.begin(), known.end(), one.first); });
    return before;
}

}  // namespace prewatt::campus
