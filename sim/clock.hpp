// Virtual time: a queue of things that will happen. Nothing in the simulator waits; whoever wants to be called later
// says when. Events at the same instant run in the order in which they were asked for, so a run is the same every time.
// An action may ask for further actions, also for the present instant, never for the past (that is taken as now).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/units.hpp"

namespace prewatt::sim {

class Clock {
  public:
    using Action = std::function<void()>;
    // Names one event for cancel(); never used twice.
    struct Ticket {
        Instant at;
        std::uint64_t order = 0;
        friend constexpr auto operator<=>(const Ticket&, const Ticket&) = default;
    };

    [[nodiscard]] Instant now() const { return now_; }
    Ticket at(Instant when, Action action);
    Ticket after(Duration delay, Action action) { return at(now_ + delay, std::move(action)); }
    // false: it has happened or was cancelled before.
    bool cancel(Ticket ticket) { return events_.erase(ticket) > 0; }
    // The next event; kNever when there is none.
    [[nodiscard]] Instant next() const { return events_.empty() ? kNever : events_.begin()->first.at; }
    // Runs everything up to and including `until`; the time is then `until`.
    void run_until(Instant until);
    void run_for(Duration span) { run_until(now_ + span); }
    // Runs events until `done` says so or the time has come; true: done.
    bool run_until(Instant until, const std::function<bool()>& done);
    [[nodiscard]] std::uint64_t events_run() const { return events_run_; }

  private:
    bool run_one(Instant until);
    Instant now_{};
    std::uint64_t next_order_ = 0;
    std::uint64_t events_run_ = 0;
    std::map<Ticket, Action> events_;
};

}  // namespace prewatt::sim
