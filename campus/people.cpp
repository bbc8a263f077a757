#include <algorithm>

#include "campus/world_run.hpp"

namespace prewatt::campus {
namespace {

using server::Answer;
using server::JobOrder;
using server::JobRecord;
using server::SaleAnswer;
using server::SaleOrder;

constexpr Duration kPatience = seconds(45);

}  // namespace

void World::resident(Room& room, std::size_t index) {
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
    } else if (room.open_order == SIZE_MAX && away_[room.box] && room.habits.chance(0.1)) {
        buy(room, index, 1000);  // somebody pays for the room although it has no supply
    }
    at(now_ + next, What::kResident, index);
}

void World::buy(Room& room, std::size_t index, std::int64_t amount_fen) {
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

void World::ask(std::size_t number) {
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

void World::heard(std::size_t number, const Answer<SaleAnswer>& answer) {
    Order& order = orders_[number];
    Room& room = rooms_[order.room];
    if (!answer) {
        using server::Reason;
        const Reason reason = answer.error().reason;
        if (reason == Reason::kStorageFailed || reason == Reason::kStorageFull || reason == Reason::kStopping) return;
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

void World::ask_again(std::size_t number) {
    Order& order = orders_[number];
    if (order.settled) return;
    ++report_.asked_again;
    ask(number);
}

void World::operator_acts() {
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

JobOrder World::job(const Room& room) {
    ++report_.jobs;
    JobOrder order;
    order.order_id = "j-" + std::to_string(report_.jobs);
    order.household = room.id;
    order.operator_name = "technician";
    order.reason = "the campus";
    return order;
}

void World::switch_off(std::size_t index, bool off) {
    Room& room = rooms_[index];
    if (off) {
        room.switched_off = true;
        at(now_ + within(1800, 7200), What::kSwitchBack, index);
    } else {
        if (!room.switched_off) return;
        at(now_ + seconds(60), What::kSwitchBack, index);  // asked until somebody says that it is so
    }
    if (!office_->runs()) return;
    room.hold_due_since = kNever;  // whether it was done nobody knows before somebody hears of it
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

}  // namespace prewatt::campus
