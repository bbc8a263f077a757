#include "meter/core/load_guard.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr LoadCause exceeded(const Load& load, const settings::LoadLimit& limit, ActivePower power_max) {
    const Current gross = LoadGuard::gross_limit(limit);
    if (gross > Current{} && load.current > gross) return LoadCause::kGross;
    if (limit.milliamperes > 0 && load.current > milliamperes(limit.milliamperes)) return LoadCause::kCurrent;
    const ActivePower power = load.active < ActivePower{} ? -load.active : load.active;
    if (power_max > ActivePower{} && power > power_max) return LoadCause::kPower;
    return LoadCause::kNone;
}

}  // namespace

void LoadGuard::start(const LoadBook& book, const settings::LoadLimit& limit, Instant now) {
    book_ = book;
    above_ = {};
    pause_end_ = book.stage == LoadStage::kCut ? now + seconds(limit.restore_seconds) : kNever;
    quiet_hour_ = book.cuts > 0 && book.stage != LoadStage::kLockedOut ? now + kHour : kNever;
}

LoadDecision LoadGuard::trip(LoadCause cause, const settings::LoadLimit& limit, Instant now) {
    above_ = {};
    const bool last = book_.cuts + 1 >= limit.cuts_max;
    book_.cuts = static_cast<std::uint8_t>(std::min(book_.cuts + 1, 99));
    book_.quiet_hours = 0;
    book_.stage = next(book_.stage, last ? LoadEvent::kLastTrip : LoadEvent::kTrip);
    if (book_.stage == LoadStage::kLockedOut) {
        pause_end_ = quiet_hour_ = kNever;
        return {LoadNews::kLockedOut, cause, true};
    }
    pause_end_ = now + seconds(limit.restore_seconds);
    quiet_hour_ = now + kHour;
    return {LoadNews::kCut, cause, true};
}

LoadDecision LoadGuard::on_window(const Load& load, const settings::LoadLimit& limit, ActivePower power_max,
                                  bool overruled, Instant now) {
    if (book_.stage != LoadStage::kWatching || overruled) {
        above_ = {};
        return {};
    }
    const LoadCause cause = exceeded(load, limit, power_max);
    if (cause == LoadCause::kNone) {
        above_ = std::max(Duration{}, above_ - load.span);
        return {};
    }
    above_ += load.span;
    if (cause != LoadCause::kGross && above_ < seconds(limit.delay_seconds)) return {};
    return trip(cause, limit, now);
}

LoadDecision LoadGuard::on_gross(Current current, const settings::LoadLimit& limit, bool overruled, Instant now) {
    const Current gross = gross_limit(limit);
    if (book_.stage != LoadStage::kWatching || overruled || gross == Current{} || current <= gross) return {};
    return trip(LoadCause::kGross, limit, now);
}

LoadDecision LoadGuard::poll(const settings::LoadLimit& limit, Instant now) {
    LoadDecision decision;
    while (quiet_hour_ <= now) {
        decision.store = true;
        if (++book_.quiet_hours < limit.forget_hours) {
            quiet_hour_ = quiet_hour_ + kHour;
            continue;
        }
        book_.cuts = book_.quiet_hours = 0;
        quiet_hour_ = kNever;
    }
    if (pause_end_ > now) return decision;
    pause_end_ = kNever;
    book_.stage = next(book_.stage, LoadEvent::kPauseOver);
    return {LoadNews::kRestored, LoadCause::kNone, true};
}

LoadDecision LoadGuard::reset() {
    const LoadBook before = book_;
    book_ = {.stage = next(book_.stage, LoadEvent::kReset), .cuts = 0, .quiet_hours = 0};
    above_ = {};
    pause_end_ = quiet_hour_ = kNever;
    if (book_ == before) return {};
    return {LoadNews::kReset, LoadCause::kNone, true};
}

HoldSet LoadGuard::holds() const {
    HoldSet holds;
    holds.set(Hold::kOverload, book_.stage != LoadStage::kWatching);
    holds.set(Hold::kLockedOut, book_.stage == LoadStage::kLockedOut);
    return holds;
}

int LoadGuard::tries_left(const settings::LoadLimit& limit) const {
    return book_.stage == LoadStage::kLockedOut ? 0 : std::max(1, limit.cuts_max - book_.cuts);
}

}  // namespace prewatt::meter
