#include "meter/core/clock_guard.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr CivilSeconds kDay = 86400;
constexpr CivilSeconds kClockEnd = to_seconds({.year = 2100});

constexpr std::uint16_t day_of(CivilSeconds time) {
    return static_cast<std::uint16_t>(time / kDay);
}
constexpr std::int64_t magnitude(std::int64_t value) {
    return value < 0 ? -value : value;
}
// Within the band round this second of the day, which begins with it and ends before it: 23:55:00 to 00:04:59.
constexpr bool is_near(CivilSeconds time, CivilSeconds second_of_day) {
    const CivilSeconds since = (time % kDay + kDay - second_of_day) % kDay;
    return since < ClockGuard::kGuardBand || since >= kDay - ClockGuard::kGuardBand;
}
constexpr std::uint16_t month_of(CivilSeconds time) {
    const CivilTime t = to_civil(time);
    return static_cast<std::uint16_t>((t.year - 2000) * 12 + t.month);
}

}  // namespace

bool ClockGuard::start(const ClockBook& book, std::optional<CivilSeconds> clock, Instant now) {
    book_ = book;
    watched_clock_ = clock;
    watched_at_ = now;
    // It may have been corrected backwards after `latest` was stored.
    believed_ = clock && *clock < kClockEnd && std::int64_t{*clock} + kCorrectionMax >= book.latest;
    return believed_;
}

bool ClockGuard::watch(std::optional<CivilSeconds> clock, Instant now) {
    if (!believed_) return true;
    if (clock && now - watched_at_ < kWatch) return true;
    bool runs = clock && watched_clock_ && *clock < kClockEnd;
    if (runs) {
        const std::int64_t shown = std::int64_t{*clock} - *watched_clock_;
        const std::int64_t passed = (now - watched_at_).count() / 1'000'000;
        runs = magnitude(shown - passed) <= 2 + passed / 50;
    }
    watched_clock_ = clock;
    watched_at_ = now;
    believed_ = runs;
    return runs;
}

std::expected<ClockChange, ClockRefusal> ClockGuard::propose(ClockSource source, CivilSeconds proposed,
                                                             std::optional<CivilSeconds> clock,
                                                             const settings::General& general) const {
    if (proposed >= kClockEnd) return std::unexpected(ClockRefusal::kInvalid);
    const std::optional<CivilSeconds> own = time(clock);
    ClockChange change{own, proposed, source, book_};
    ClockBook& book = change.book;
    const std::int64_t step = own ? std::int64_t{proposed} - *own : 0;
    if (source == ClockSource::kSealed) {
        if (own && book.sealed_at != 0 && *own > book.sealed_at) {
            // What the clock has lost since then, had nobody corrected it; over a day at least, or the seconds in which
            // clocks are set would pass for drift.
            const std::int64_t lost = step + book.corrected;
            const std::int64_t span = *own - book.sealed_at;
            const std::int64_t tenths_ppm = divide(lost * 10'000'000, span, Round::kNearest);
            if (span >= kDay && magnitude(tenths_ppm) <= kDriftTenthsPpmMax) {
                const std::int64_t weight = std::min<std::int64_t>(book.drift_settings, 3);
                book.drift_tenths_ppm = static_cast<std::int16_t>(
                    divide(book.drift_tenths_ppm * weight + tenths_ppm, weight + 1, Round::kNearest));
                if (book.drift_settings < UINT8_MAX) ++book.drift_settings;
            }
        }
        book.sealed_at = proposed;
        book.latest = proposed;
        book.corrected = 0;
        // The correction of this day is not given twice.
        if (book.corrected_day != 0)
            book.corrected_day = own && book.corrected_day < day_of(*own) ? 0 : day_of(proposed);
        return change;
    }
    if (!own) return std::unexpected(ClockRefusal::kNoClock);
    if (magnitude(step) >= kCorrectionMax) return std::unexpected(ClockRefusal::kTooFar);
    for (const CivilSeconds at : {*own, proposed}) {
        if (is_near(at, 0)) return std::unexpected(ClockRefusal::kNearMidnight);
        if (is_near(at, general.freeze_hour * 3600u)) return std::unexpected(ClockRefusal::kNearFreeze);
    }
    // Midnight is never crossed, so the day is the same before and after.
    if (day_of(*own) <= book.corrected_day) return std::unexpected(ClockRefusal::kOncePerDay);
    const std::int64_t span = *own > book.sealed_at ? *own - book.sealed_at : 0;
    // A box that was never set by a seal has no beginning to count from.
    const std::int64_t drift = book.sealed_at == 0 ? 0 : span * kDriftPpm / 1'000'000;
    if (magnitude(book.corrected + step) > static_cast<std::int64_t>(kCorrectionMax) + drift)
        return std::unexpected(ClockRefusal::kUsedUp);
    book.corrected = static_cast<std::int32_t>(book.corrected + step);
    book.corrected_day = day_of(*own);
    book.latest = proposed;
    return change;
}

void ClockGuard::take(const ClockChange& change, Instant now) {
    book_ = change.book;
    believed_ = true;
    watched_clock_ = change.after;
    watched_at_ = now;
}

bool ClockGuard::wants_save(std::optional<CivilSeconds> clock) const {
    const std::optional<CivilSeconds> own = time(clock);
    return own && *own > book_.latest && *own - book_.latest >= kSaveAfter;
}

ClockBook ClockGuard::fresh_book(std::optional<CivilSeconds> clock) const {
    ClockBook book = book_;
    if (const std::optional<CivilSeconds> own = time(clock)) book.latest = std::max(book.latest, *own);
    return book;
}

void DailyCount::on_time(std::optional<CivilSeconds> time) {
    if (!time) return;
    const std::uint16_t today = day_of(*time);
    if (today > day && day != 0) count = 0;
    // The first time known: the count was made on some day, so this one.
    if (today > day) day = today;
}

void MonthlyCount::on_time(std::optional<CivilSeconds> time) {
    if (!time) return;
    const std::uint16_t month = month_of(*time);
    if (month == present.month) return;
    // What was used before the clock was known belongs to the first month that it names.
    if (present.month == 0) {
        present.month = month;
        return;
    }
    const Month left = present;
    present = other.month == month ? other : Month{month, Energy{}};
    other = left;
}

}  // namespace prewatt::meter
