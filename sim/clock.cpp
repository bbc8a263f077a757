#include "sim/clock.hpp"

namespace prewatt::sim {

Clock::Ticket Clock::at(Instant when, Action action) {
    const Ticket ticket{when < now_ ? now_ : when, next_order_++};
    events_.emplace(ticket, std::move(action));
    return ticket;
}

bool Clock::run_one(Instant until) {
    if (events_.empty() || events_.begin()->first.at > until) return false;
    auto event = events_.extract(events_.begin());
    now_ = event.key().at;
    ++events_run_;
    event.mapped()();
    return true;
}

void Clock::run_until(Instant until) {
    while (run_one(until)) {
    }
    if (now_ < until) now_ = until;
}

bool Clock::run_until(Instant until, const std::function<bool()>& done) {
    while (!done()) {
        if (!run_one(until)) {
            if (now_ < until) now_ = until;
            return done();
        }
    }
    return true;
}

}  // namespace prewatt::sim
