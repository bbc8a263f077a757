#include "server/app/scheduler.hpp"

namespace prewatt::server::app {

void Scheduler::add(ScheduledPart part) {
    parts_.push_back(std::move(part));
    const std::lock_guard lock(state_->mutex);
    state_->busy.push_back(false);
}

void Scheduler::tick(UnixTime now) {
    for (std::size_t index = 0; index < parts_.size(); ++index) {
        const auto due = parts_[index].due(now);
        if (!due) {
            tell_(parts_[index].name + ": " + due.error().message);
            continue;
        }
        if (*due && **due <= now) begin(index, now);
    }
}

void Scheduler::begin(std::size_t index, UnixTime now) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->stopped || state_->busy[index]) return;
        state_->busy[index] = true;
    }
    parts_[index].step(now, [this, state = state_, index, now](const Answer<bool>& more) {
        {
            const std::lock_guard lock(state->mutex);
            state->busy[index] = false;
            if (state->stopped) return;
        }
        if (!more) return tell_(parts_[index].name + ": " + more.error().message);
        if (*more) begin(index, now);
    });
}

void Scheduler::stop() {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
}

ScheduledPart campaigns_part(Office& office) {
    return {"campaigns", [&office](UnixTime now) { return office.campaigns().due(now); },
            [&office](UnixTime now, WhenDone<bool> done) { office.campaigns().advance(now, std::move(done)); }};
}

}  // namespace prewatt::server::app
