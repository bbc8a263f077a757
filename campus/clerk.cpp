// The clerk: refunds, corrections, settlements and new tenants, moves from room to room, the free quota of a month,
// payouts. Each act has an order id and is asked for until it is answered or refused, as at a desk.
#include <algorithm>

#include "campus/world_run.hpp"

namespace prewatt::campus {
namespace {

using server::Answer;
using server::BookingsAnswer;
using server::MovementsAnswer;

constexpr Duration kPatience = seconds(50);
constexpr std::int64_t kQuota_ckwh = 300;  // a month and room

bool may_be_asked_again(const server::Refusal& refusal) {
    using server::Reason;
    return refusal.reason == Reason::kStorageFailed || refusal.reason == Reason::kStorageFull ||
           refusal.reason == Reason::kStopping;
}

}  // namespace

server::MoneyOrder money_order(const std::string& id) {
    server::MoneyOrder order;
    order.order_id = id;
    order.who = {"clerk", "campus"};
    order.reason = "the campus";
    return order;
}

std::size_t World::begin_act(std::string_view kind, std::function<void(const std::string&, ActDone)> ask) {
    Act act;
    act.id = "a-" + std::string(kind) + "-" + std::to_string(acts_.size() + 1);
    act.ask = std::move(ask);
    acts_by_id_[act.id] = acts_.size();
    acts_.push_back(std::move(act));
    ++report_.clerk_orders;
    ask_act(acts_.size() - 1);
    return acts_.size() - 1;
}

void World::ask_act(std::size_t number) {
    Act& act = acts_[number];
    if (act.settled) return;
    at(now_ + kPatience, What::kAskActAgain, number);
    if (!office_->runs()) return;
    const std::uint64_t life = office_->life();
    act.ask(act.id, [this, number, life](const server::Refusal* refusal, std::int64_t first_booking) {
        if (life != office_->life() || disk_.is_dead()) return;
        Act& answered = acts_[number];
        if (refusal) {
            if (may_be_asked_again(*refusal)) return;
            if (answered.answered)
                return violate("O1",
                               answered.id + " was done and is refused when it is asked again: " + refusal->message);
            answered.settled = answered.refused = true;
            note(0x6E6F);
            return;
        }
        if (answered.answered && answered.first_booking != first_booking)
            return violate("O1", answered.id + " was done twice");
        answered.answered = answered.settled = true;
        answered.first_booking = first_booking;
        ++report_.clerk_orders_done;
        note(static_cast<std::uint64_t>(first_booking));
        if (answered.then) answered.then();
    });
    // Somebody is impatient.
    if (random_.chance(0.05) && office_->runs() && !act.settled) {
        ++report_.double_clicks;
        act.ask(act.id, [](const server::Refusal*, std::int64_t) {});
    }
}

template <class T>
server::WhenDone<T> World::told(ActDone done) {
    return [done = std::move(done)](const Answer<T>& answer) {
        if (!answer) return done(&answer.error(), 0);
        done(nullptr, answer->bookings.empty() ? 0 : answer->bookings.front().id.value);
    };
}

void World::clerk_acts() {
    if (now_ >= end_) return;
    at(now_ + within(1200, 3 * 3600), What::kClerk, 0);
    if (!office_->runs()) return;
    const std::size_t index = random_.below(rooms_.size());
    const server::HouseholdId household = rooms_[index].id;
    switch (random_.below(6)) {
        case 0:
        case 1:
            return refund_some(index);
        case 2:
            return correct_some(index);
        case 3:
            return move_out(index);
        case 4: {
            const server::HouseholdId to = rooms_[random_.below(rooms_.size())].id;
            begin_act("move", [this, household, to](const std::string& id, ActDone done) {
                office_->office().accounts().move({money_order(id), household, to},
                                                  told<BookingsAnswer>(std::move(done)));
            });
            return reopen_later(index);
        }
        case 5: {
            const Credit amount = credit_of_hundredths(static_cast<std::int64_t>(50 + random_.below(500)));
            begin_act("grant", [this, household, amount](const std::string& id, ActDone done) {
                office_->office().accounts().grant(money_order(id), household, amount,
                                                   told<BookingsAnswer>(std::move(done)));
            });
            return;
        }
    }
}

// The last sale of the room that somebody was told of.
std::optional<std::size_t> World::last_sale(std::size_t index) const {
    for (std::size_t k = orders_.size(); k > 0 && orders_.size() - k < 2000; --k)
        if (orders_[k - 1].room == index && orders_[k - 1].sale != 0) return k - 1;
    return std::nullopt;
}

void World::refund_some(std::size_t index) {
    const auto sale = last_sale(index);
    if (!sale) return;
    server::RefundOrder order;
    order.sale = server::BookingId{orders_[*sale].sale};
    if (random_.chance(0.6))
        order.amount =
            fen(1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(orders_[*sale].amount_fen))));
    begin_act("refund", [this, order](const std::string& id, ActDone done) {
        server::RefundOrder now = order;
        now.order = money_order(id);
        office_->office().accounts().refund(std::move(now), told<BookingsAnswer>(std::move(done)));
    });
}

void World::correct_some(std::size_t index) {
    const auto sale = last_sale(index);
    if (!sale) return;
    server::CorrectionOrder order;
    order.sale = server::BookingId{orders_[*sale].sale};
    if (random_.chance(0.5)) order.right_household = rooms_[random_.below(rooms_.size())].id;
    if (random_.chance(0.5)) order.right_amount = fen(100 + static_cast<std::int64_t>(random_.below(900)));
    begin_act("correct", [this, order](const std::string& id, ActDone done) {
        server::CorrectionOrder now = order;
        now.order = money_order(id);
        office_->office().accounts().correct(std::move(now), told<BookingsAnswer>(std::move(done)));
    });
}

void World::move_out(std::size_t index) {
    const server::HouseholdId household = rooms_[index].id;
    begin_act("settle", [this, household](const std::string& id, ActDone done) {
        office_->office().accounts().settle(money_order(id), household, told<BookingsAnswer>(std::move(done)));
    });
    reopen_later(index);
}

// The next tenant comes after some hours.
void World::reopen_later(std::size_t index) {
    at(now_ + within(3600, 8 * 3600), What::kNewTenant, index);
}
void World::new_tenant(std::size_t index) {
    const server::HouseholdId household = rooms_[index].id;
    if (!office_->runs()) {
        at(now_ + seconds(120), What::kNewTenant, index);
        return;
    }
    const auto record = office_->office().household(household);
    if (!record || !record->closed) return;
    begin_act("open", [this, household](const std::string& id, ActDone done) {
        office_->office().accounts().open(money_order(id), household, told<BookingsAnswer>(std::move(done)));
    });
    // The settlement before may still be on its way to the meter.
    at(now_ + seconds(3600), What::kNewTenant, index);
}

// What may be paid is paid; what was short is given back; the quota of the month is granted.
void World::cash_hour() {
    at(now_ + within(1200, 5400), What::kCashHour, 0);
    if (!office_->runs()) return;
    server::Accounts& accounts = office_->office().accounts();
    const std::uint64_t life = office_->life();
    accounts.give_back({"clerk", "campus"}, [this, life](const Answer<int>& count) {
        if (life == office_->life() && !disk_.is_dead() && count) report_.given_back += *count;
    });
    if (random_.chance(0.2)) {
        accounts.set_quota_rule({"clerk", "campus"},
                                {0, server::QuotaPer::kRoom, credit_of_hundredths(kQuota_ckwh), {}}, "",
                                [](const Answer<server::Done>&) {});
        accounts.run_quotas({"clerk", "campus"}, [](const Answer<server::QuotaRun>&) {});
    }
    const auto dues = accounts.dues({});
    if (!dues) return;
    for (const server::DueRecord& due : *dues) {
        if (random_.chance(0.3)) continue;
        const auto known = payouts_.find({due.booking.value, due.part});
        if (known != payouts_.end() && (!acts_[known->second].settled || acts_[known->second].lost)) continue;
        const std::size_t act = begin_act("pay", [this, due](const std::string& id, ActDone done) {
            server::PayoutOrder order;
            order.order = money_order(id);
            order.booking = due.booking;
            order.part = due.part;
            office_->office().accounts().pay_out(
                std::move(order), [this, due, done = std::move(done)](const Answer<MovementsAnswer>& answer) {
                    if (!answer) return done(&answer.error(), 0);
                    judge_payout(due, *answer);
                    done(nullptr, answer->movements.empty() ? 0 : answer->movements.front().id);
                });
        });
        payouts_[{due.booking.value, due.part}] = act;
    }
}

// P1: money goes out only after the meter has shown the ticket that took the credit out.
void World::judge_payout(const server::DueRecord& due, const MovementsAnswer& paid) {
    if (disk_.is_dead() || paid.repeated) return;
    const auto booking = office_->office().accounts().booking(due.booking);
    if (!booking) return;
    const Room& room = room_of(booking->household.value);
    const auto [epoch, number] = std::max(boxes_[room.box]->newest_ticket(room.number), room.newest_before);
    const server::TicketTotal& ticket = booking->ticket;
    if (epoch < ticket.epoch || (epoch == ticket.epoch && number < ticket.number))
        return violate("P1", "refund " + std::to_string(due.booking.value) + " was paid out, ticket " +
                                 std::to_string(ticket.epoch) + "." + std::to_string(ticket.number) +
                                 " took it out, and " + name_of(room) + " has " + std::to_string(epoch) + "." +
                                 std::to_string(number));
    for (const server::Movement& movement : paid.movements)
        paid_out_ += movement.amount.count();
}

}  // namespace prewatt::campus
