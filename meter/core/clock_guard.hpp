// Who may set the clock of a box, how far, and when the clock is believed (reference dlt645.md 08H, 11.1, 11.4).
//
// Sealed commands set any time from 2000 to 2099. Everything else that can set a clock (the 08H of the standard, to all
// or to one; a plain write with a password, where the factory has switched plain writes on) is a correction by less
// than five minutes, once a day, not within five minutes of midnight or of the daily freeze, for the time before and
// after; and all such corrections since the last sealed setting together must not exceed what a bad crystal explains:
// five minutes and 50 ppm (26 minutes a year). Without this last rule anybody on the line could walk a clock away by 30
// hours a year. A clock that has stopped is set by a sealed command only.
//
// A clock is not believed when it does not run along with the monotonic one (2 % and 2 s over a minute), or when after
// a start it shows a time before one that it had already shown: its battery was empty. Then everybody sees no clock at
// all until a sealed command sets it.
//
// What a wrong clock may not steal, and the rule (each feature keeps its own, with these tools):
//
//   forced power            counts on the monotonic clock; over a loss of supply as long as the clock says, never
//                           longer than ordered; its end moves along with a clock that is set
//   lock-out                has no end in time
//   cuts that are forgotten monotonic time with supply
//   restores a day          DailyCount: a new day gives new ones only when the clock has run into it; setting the
//                           clock, forward or back, gives none
//   steps of a month        MonthlyCount: used energy follows the month; a clock set to another month and back finds
//                           what was used in it, and nothing is counted in no month
//   permitted appliances    end at a time of the clock; it goes back without a seal by five minutes a day and never
//                           out of the 50 ppm; without a clock nothing is permitted
//   price changeover        once it has come it does not go back
//   holidays, day tables    the clock's; without one everybody is on, at rate 1, and there are no no-cut hours
//   1CH valid until         the clock's; without one the command is refused
//   once a day (08H)        the day must be later than the last one, and a sealed setting gives none for the same day
//
// Times are civil seconds; corrections are seconds, positive: forward. Nothing here touches the clock or the storage:
// the box asks, stores ClockChange::book with the same commit as the command, then sets the clock and calls take().
#pragma once
#include <cstdint>
#include <expected>
#include <optional>

#include "base/civil_time.hpp"
#include "base/units.hpp"
#include "meter/core/clock_source.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// What the guard must not forget: 17 bytes.
struct ClockBook {
    CivilSeconds sealed_at = 0;         // the last sealed setting; 0: never
    CivilSeconds latest = 0;            // a time that the clock has shown; 0: never ran
    std::int32_t corrected = 0;         // sum of the corrections without a seal since then
    std::uint16_t corrected_day = 0;    // the day (since 2000) of the last of them; 0: none
    std::int16_t drift_tenths_ppm = 0;  // estimate, positive: the clock is slow
    std::uint8_t drift_settings = 0;    // sealed settings that the estimate rests on, up to 255
    friend constexpr bool operator==(const ClockBook&, const ClockBook&) = default;
};

enum class ClockRefusal : std::uint8_t {
    kInvalid,       // not a time of 2000..2099
    kNoClock,       // stopped or not believed, and this is no sealed command
    kTooFar,        // five minutes or more
    kOncePerDay,    // the second one on this day
    kNearMidnight,  // 23:55 to 00:05, before or after the setting
    kNearFreeze,    // the same round the hour of the freeze
    kUsedUp,        // more than any drift explains: a sealed command must set the clock
};

struct ClockChange {
    std::optional<CivilSeconds> before;  // nothing: the clock was not valid
    CivilSeconds after = 0;
    ClockSource source{};
    ClockBook book;  // to be stored
};

class ClockGuard {
  public:
    static constexpr CivilSeconds kCorrectionMax = 5 * 60;  // exclusive
    static constexpr CivilSeconds kGuardBand = 5 * 60;
    static constexpr std::int64_t kDriftPpm = 50;
    // An older last-shown time than this is worth storing anew (ten years: 3,650 writes).
    static constexpr CivilSeconds kSaveAfter = 24 * 3600;
    // What a crystal may be off; more is no drift but somebody who set the clock wrongly.
    static constexpr std::int64_t kDriftTenthsPpmMax = 2000;
    static constexpr Duration kWatch = seconds(60);

    // After the books have been recovered. Returns false when the clock is not believed: log it.
    bool start(const ClockBook& book, std::optional<CivilSeconds> clock, Instant now);
    // With every poll. False: the clock has just stopped (or runs wild): log it. Once for each time.
    [[nodiscard]] bool watch(std::optional<CivilSeconds> clock, Instant now);
    // What everybody else may take for the time; nothing: not known.
    [[nodiscard]] std::optional<CivilSeconds> time(std::optional<CivilSeconds> clock) const {
        return believed_ ? clock : std::nullopt;
    }
    [[nodiscard]] bool believed() const { return believed_; }

    // Refusals: all of ClockRefusal; nothing is changed in any case.
    [[nodiscard]] std::expected<ClockChange, ClockRefusal> propose(ClockSource source, CivilSeconds proposed,
                                                                   std::optional<CivilSeconds> clock,
                                                                   const settings::General& general) const;
    // The change has been stored and the clock set.
    void take(const ClockChange& change, Instant now);

    [[nodiscard]] const ClockBook& book() const { return book_; }
    // A day has passed since `latest` was stored: store fresh_book() when convenient and hand it to saved().
    [[nodiscard]] bool wants_save(std::optional<CivilSeconds> clock) const;
    [[nodiscard]] ClockBook fresh_book(std::optional<CivilSeconds> clock) const;
    void saved(const ClockBook& book) { book_ = book; }

  private:
    ClockBook book_{};
    bool believed_ = false;
    std::optional<CivilSeconds> watched_clock_;
    Instant watched_at_{};
};

// So many a day, however the clock is set. What is stored of it may be stored by its owner or begin anew with a start.
struct DailyCount {
    std::uint16_t day = 0;  // since 2000; 0: the clock was not known
    std::uint8_t count = 0;
    // The clock has run as far as `time`: a new day starts with none. Without a clock the count stands.
    void on_time(std::optional<CivilSeconds> time);
    // The clock was set: the day is another one, the count the same.
    void on_clock_set(CivilSeconds after) { day = static_cast<std::uint16_t>(after / 86400u); }
    friend constexpr bool operator==(const DailyCount&, const DailyCount&) = default;
};

// What was used in the calendar month. One month is remembered besides the present one, so a clock that is set to
// another month and back finds both as they were.
struct MonthlyCount {
    struct Month {
        std::uint16_t month = 0;  // since January 2000, plus 1; 0: none
        Energy used;
        friend constexpr bool operator==(const Month&, const Month&) = default;
    };
    Month present;
    Month other;
    void add(Energy used) { present.used += used; }
    // The clock has run or was set: without a clock the present month goes on.
    void on_time(std::optional<CivilSeconds> time);
    friend constexpr bool operator==(const MonthlyCount&, const MonthlyCount&) = default;
};

}  // namespace prewatt::meter
