#include "server/collect/reader_driver.hpp"

#include <algorithm>

namespace prewatt::collect {

using dlt645::CardOutcome;
using dlt645::ReaderTap;
using dlt645::TapState;

Instant ReaderDriver::due(bool idle) const {
    if (stage_ != Stage::kPolling) return Instant{INT64_MIN};
    return idle && failures_ == 0 ? std::min(poll_at_, polled_at_ + timing_.idle_interval) : poll_at_;
}

std::optional<ReaderDriver::Step> ReaderDriver::next(Instant now, bool idle) {
    if (now < due(idle)) return std::nullopt;
    switch (stage_) {
        case Stage::kPolling:
            polled_at_ = now;
            return Poll{heard_};
        case Stage::kPresenting:
            return Present{box_, presented_};
        case Stage::kTelling:
            return Tell{outcome_};
        case Stage::kConfirming:
            break;
    }
    return Written{box_, written_};
}

void ReaderDriver::make_way(Instant now, Duration takes) {
    if (stage_ == Stage::kPolling && failures_ == 0 && answered_ && now + takes > heard_at_ + timing_.wait_max)
        poll_at_ = std::min(poll_at_, now);
}

CardOutcome ReaderDriver::said_by_master(std::uint8_t code) const {
    CardOutcome outcome;
    outcome.reader = number_;
    outcome.tap = presented_.tap;
    outcome.slot = presented_.card.slot;
    outcome.code = code;
    return outcome;
}

Instant ReaderDriver::next_poll(Instant now) const {
    const Duration took = now - polled_at_;
    return now + std::max(took * timing_.pauses_min, std::min(took * timing_.pauses, timing_.pause_max));
}

// A bucket that fills by one in tap_interval.
bool ReaderDriver::too_many(Instant now) {
    if (taps_left_ < 0) {
        taps_left_ = timing_.taps_max;
        taps_at_ = now;
    }
    const std::int64_t more = (now - taps_at_).count() / timing_.tap_interval.count();
    taps_at_ = taps_at_ + timing_.tap_interval * more;
    taps_left_ = static_cast<int>(std::min<std::int64_t>(timing_.taps_max, taps_left_ + more));
    if (taps_left_ == 0) return true;
    --taps_left_;
    return false;
}

void ReaderDriver::on_tap(const ReaderTap& tap, Instant now) {
    failures_ = 0;
    back_off_ = {};
    answered_ = true;
    heard_at_ = now;
    heard_.reset();
    switch (tap.state) {
        case TapState::kNothing:
            busy_ = 0;
            return poll_at(next_poll(now));
        case TapState::kBusy:
            return poll_at(busy_++ < timing_.busy_polls ? now : next_poll(now));
        case TapState::kReport: {
            heard_ = tap.tap;
            const bool known = tap.tap == presented_.tap && tap.tap == outcome_.tap && outcome_.household != 0;
            if (!tap.written || !known) return poll_at(next_poll(now));
            written_ = {number_, tap.tap, outcome_.household, tap.generation};
            stage_ = Stage::kConfirming;
            attempts_ = 0;
            return;
        }
        case TapState::kWaiting:
            break;
    }
    busy_ = 0;
    presented_ = {number_, tap.tap, tap.card};
    attempts_ = 0;
    tap_began_ = now;
    if (too_many(now)) return on_outcome(said_by_master(dlt645::kCodeTooMany), now);
    const auto header = card::read_header(Bytes(tap.card.credit).first(card::kHeaderBytes));
    if (!header) return on_outcome(said_by_master(dlt645::kCodeUnknownBox), now);
    box_ = header->box;
    stage_ = Stage::kPresenting;
}

void ReaderDriver::on_outcome(const CardOutcome& outcome, Instant) {
    outcome_ = outcome;
    stage_ = Stage::kTelling;
    attempts_ = 0;
}

void ReaderDriver::on_told(Instant now) {
    if (outcome_.code == dlt645::kCodeShowOther) return poll_at(now);
    poll_at(std::max(now + timing_.write_time, now + (now - tap_began_)));
}

void ReaderDriver::on_written(Instant now) {
    poll_at(now);
}

void ReaderDriver::on_no_answer(Instant now, bool last) {
    const bool given_up = ++attempts_ >= timing_.attempts || last;
    switch (stage_) {
        case Stage::kPolling:
            ++failures_;
            if (failures_ < timing_.attempts && answered_) {
                poll_at_ = now;
            } else {
                back_off_ = back_off_ == Duration{} ? timing_.silent_min : std::min(back_off_ * 2, timing_.silent_max);
                poll_at_ = now + back_off_;
            }
            return;
        case Stage::kPresenting:
            if (given_up) on_outcome(said_by_master(dlt645::kCodeBoxOffLine), now);
            return;
        case Stage::kTelling:
        case Stage::kConfirming:
            // It offers the card again, or has lost it; what a box misses of a RETURN it finds at the next visit.
            if (given_up) poll_at(now);
            return;
    }
}

void ReaderDriver::on_refused(Instant now) {
    switch (stage_) {
        case Stage::kPolling:  // something else than a reader stands there
            failures_ = timing_.attempts;
            poll_at_ = now + timing_.silent_max;
            return;
        case Stage::kPresenting:
            return on_outcome(said_by_master(dlt645::kCodeNoReader), now);
        case Stage::kTelling:  // the card has left
        case Stage::kConfirming:
            return poll_at(now + timing_.write_time);
    }
}

void ReaderDriver::drop(Instant now) {
    if (stage_ != Stage::kPolling) poll_at(now);
}

}  // namespace prewatt::collect
