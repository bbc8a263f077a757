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

namespace {

// One that comes round after `pause`. Both functions are called by the ticking thread alone.
ScheduledPart every(std::string name, Duration pause, std::function<void(UnixTime now, WhenDone<bool> done)> step) {
    auto next = std::make_shared<UnixTime>();
    return {std::move(name), [next](UnixTime) -> Answer<std::optional<UnixTime>> { return *next; },
            [next, pause, step = std::move(step)](UnixTime now, WhenDone<bool> done) {
                *next = now + pause;
                step(now, std::move(done));
            }};
}
template <class T>
WhenDone<T> once(WhenDone<bool> done) {
    return [done = std::move(done)](const Answer<T>& answer) {
        if (!answer) return done(std::unexpected(answer.error()));
        done(false);
    };
}

}  // namespace

ScheduledPart work_list_part(Office& office) {
    return every("work list", minutes(1), [&office](UnixTime now, const WhenDone<bool>& done) {
        office.work_list().tend(now);
        done(false);
    });
}
ScheduledPart quotas_part(Office& office) {
    return every("quotas", minutes(60), [&office](UnixTime, WhenDone<bool> done) {
        office.accounts().run_quotas({"office", "office"}, once<QuotaRun>(std::move(done)));
    });
}
ScheduledPart give_back_part(Office& office) {
    return every("give back", minutes(10), [&office](UnixTime, WhenDone<bool> done) {
        office.accounts().give_back({"office", "office"}, once<int>(std::move(done)));
    });
}

}  // namespace prewatt::server::app
