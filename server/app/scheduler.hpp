// What the office does by the clock: campaigns, and whatever else has a part here (monthly grants, closings). One
// place, time as an argument: the app ticks it each second, the simulator when it likes.
//
// A part says when it is due and does one bounded step; as long as it says that there is more, its steps take turns
// with those of the others and with everything else that the office writes. A step that fails is tried again at the
// next tick. No thread of its own.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/domain/office.hpp"

namespace prewatt::server::app {

struct ScheduledPart {
    std::string name;
    // When it has something to do; nothing: not before something else changes.
    std::function<Answer<std::optional<UnixTime>>(UnixTime now)> due;
    // One step; `done` says whether there is more to do at once.
    std::function<void(UnixTime now, WhenDone<bool> done)> step;
};

class Scheduler {
  public:
    using Tell = std::function<void(std::string)>;  // a problem, for the log
    explicit Scheduler(Tell tell) : tell_(std::move(tell)) {}

    void add(ScheduledPart part);
    // Begins a step of every part that is due and has none under way. Returns at once.
    void tick(UnixTime now);
    // Nothing is begun any more, also not by a step that says that there is more.
    void stop();

  private:
    struct State {
        std::mutex mutex;
        std::vector<bool> busy;
        bool stopped = false;
    };
    void begin(std::size_t index, UnixTime now);
    Tell tell_;
    std::vector<ScheduledPart> parts_;
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

// The campaigns of the office.
[[nodiscard]] ScheduledPart campaigns_part(Office& office);
// Compares the three truths, in pieces; once a minute it is asked whether there is something to do.
[[nodiscard]] ScheduledPart work_list_part(Office& office);
// The free quota of the month: looked at each hour, given to each household once a month.
[[nodiscard]] ScheduledPart quotas_part(Office& office);
// What refunds took out and meters no longer had, every ten minutes.
[[nodiscard]] ScheduledPart give_back_part(Office& office);

}  // namespace prewatt::server::app
