// A year in a dormitory, minute by minute, with all guards of a household together: timed periods, no-cut hours, money
// at three rates and steps, a current limit, restarts of the box on every day and a clock that fails for a day. What is
// checked is what a resident, the office and the relay would complain about.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "meter/core/calendar.hpp"
#include "meter/core/credit.hpp"
#include "meter/core/load_guard.hpp"
#include "meter/core/schedule.hpp"
#include "meter/core/tariff.hpp"

namespace prewatt::meter {
namespace {

__extension__ using Wide = __int128;
using settings::SupplyMode;
constexpr int kRooms = 6;
constexpr Duration kMinute = minutes(1);

settings::Settings dormitory() {
    settings::Settings s;
    s.days[2] = {4,
                 {settings::Period{360, 2, SupplyMode::kLimited},
                  {420, 1, SupplyMode::kOn},
                  {1080, 3, SupplyMode::kOn},
                  {1410, 2, SupplyMode::kOff}}};
    s.days[3] = {2, {settings::Period{0, 2, SupplyMode::kOn}, {480, 1, SupplyMode::kOn}}};
    s.weeks[0] = {.tables = {4, 3, 3, 3, 3, 3, 4}, .warning_minutes = 10, .no_cut_from = 1320, .no_cut_to = 420};
    s.prices[0] = {.valid_from = 1,
                   .rates = {5600, 3100, 8000, 0},
                   .steps = 3,
                   .step_limits = {100'00, 300'00},
                   .step_prices = {0, 500, 3000}};
    return s;
}

// Made anew with every restart of the box; what it is made from is what was stored.
struct Guards {
    LoadGuard load;
    CreditWait wait;
};
struct Room {
    // Stored.
    Account account;
    TariffBook tariff;
    LoadBook load_book;
    HoldSet waiting;
    // The world.
    bool lit = false;
    bool had_credit = true;  // when the no-cut hours began
    int switchings = 0;
    int cuts_in_a_row = 0;
    Instant last_cut{};
    Wide exact_parts = 0;
    std::array<std::int64_t, 13> used_in_month{};
    Guards guards;
};

TEST(GuardedYear, NobodyIsCutAtNightForMoneyBeyondTheTablesOrByARestartAndTheBillIsExact) {
    const settings::Settings s = dormitory();
    const settings::LoadLimit limit{.milliamperes = 16'000, .delay_seconds = 60, .restore_seconds = 120};
    std::mt19937_64 random(20260101);
    Schedule schedule;
    std::array<Room, kRooms> rooms;
    std::array<AlarmLevels, 2> levels{AlarmLevels{}, AlarmLevels{.cutoff_hundredths = 500}};
    for (std::size_t r = 0; r < rooms.size(); ++r) {
        take_ticket(rooms[r].account, {1, 1, 50'00}, {});
        rooms[r].account.levels = levels[r % 2];
    }
    std::uint32_t ticket = 1;
    int restarts = 0, night_waits = 0, locked = 0, timed_cuts = 0;

    const CivilSeconds end = to_seconds({.year = 2027});
    Instant monotonic{};
    for (CivilSeconds civil = to_seconds({.year = 2026}); civil < end; civil += 60, monotonic = monotonic + kMinute) {
        const CivilTime date = to_civil(civil);
        const bool no_clock = date.month == 5 && date.day == 12;  // the battery is changed
        const std::optional<CivilSeconds> clock = no_clock ? std::nullopt : std::optional{civil};
        // A watchdog, a fuse, a thunderstorm: once a day at any minute.
        const bool restart = random() % 1440 == 0 || monotonic == Instant{};
        if (restart) {
            ++restarts;
            schedule = Schedule{};
        }
        schedule.update(s, clock);
        const PlanState& plan = schedule.of(1);
        const int weekday_now = weekday(civil);
        const int minute = date.hour * 60 + date.minute;

        for (std::size_t r = 0; r < rooms.size(); ++r) {
            Room& room = rooms[r];
            if (restart) {
                room.guards = {.load = {}, .wait = CreditWait(room.waiting)};
                room.guards.load.start(room.load_book, limit, monotonic);
                room.guards.wait.start(credit_holds(room.account));
            }
            // The desk is open by day; who is dark buys the next morning, most of the time.
            if (minute == 600 + static_cast<int>(r) && room.account.remaining() < credit_of_hundredths(10'00) &&
                random() % 3 != 0)
                take_ticket(room.account, {1, ++ticket, in_hundredths(room.account.credited, Round::kDown) + 60'00},
                            {});
            if (room.account.cutoff == CutoffStage::kReminding && minute == 610) acknowledge(room.account);

            LoadDecision decision = room.guards.load.poll(limit, monotonic);
            HoldSet holds = room.guards.wait.update(credit_holds(room.account), plan.no_cut);
            room.waiting = room.guards.wait.waiting();
            holds.set(Hold::kSchedule, plan.mode == SupplyMode::kOff);
            HoldSet all{static_cast<std::uint16_t>(holds.bits() | room.guards.load.holds().bits())};
            const bool was_lit = room.lit;
            room.lit = all.empty();
            room.switchings += room.lit != was_lit;
            timed_cuts += was_lit && !room.lit && holds.has(Hold::kSchedule);

            // Night: nobody who had light loses it for money; nobody gets any on debt who had none.
            const bool night = !no_clock && (minute >= 1320 || minute < 420);
            ASSERT_EQ(plan.no_cut, night);
            if (night && was_lit) {
                ASSERT_FALSE(holds.has(Hold::kNoCredit) || holds.has(Hold::kCutoffAlarm)) << r << " minute " << minute;
            }
            if (night && minute == 1320) room.had_credit = credit_holds(room.account).empty();
            if (night && room.lit && !room.had_credit) {
                ASSERT_TRUE(credit_holds(room.account).empty()) << r << " minute " << minute;
            }
            night_waits += night && room.waiting.has(Hold::kNoCredit);
            if (!night) {
                ASSERT_TRUE(room.waiting.empty());
            }
            if (!night && credit_holds(room.account).has(Hold::kNoCredit)) {
                ASSERT_FALSE(room.lit);
            }
            // Time: dark at night on workdays, and only then.
            const bool workday = weekday_now >= 1 && weekday_now <= 5;
            const bool eve_workday = weekday_now >= 2 && weekday_now <= 6;
            const int first_today = workday ? 360 : 0;
            const bool off = !no_clock && ((workday && minute >= 1410) || (minute < first_today && eve_workday));
            ASSERT_EQ(holds.has(Hold::kSchedule), off) << +date.month << '-' << +date.day << ' ' << minute;

            // What is plugged in: now and then a room overloads its limit, one of them for a whole week.
            const bool greedy = random() % 4000 == 0 || (r == 3 && date.month == 3 && date.day < 8);
            const std::int64_t watts_now = room.lit ? greedy ? 4400 : static_cast<std::int64_t>(random() % 900) : 0;
            const Energy used{watts_now * 60};
            const LoadDecision judged = room.guards.load.on_window(
                {milliamperes(watts_now * 1000 / 220), watts(watts_now), kMinute}, limit,
                plan.mode == SupplyMode::kLimited ? watts(1000) : ActivePower{}, false, monotonic);
            if (judged.news != LoadNews::kNone) decision = judged;
            if (decision.store || judged.store) room.load_book = room.guards.load.book();
            if (decision.news == LoadNews::kCut || decision.news == LoadNews::kLockedOut) {
                room.cuts_in_a_row = monotonic - room.last_cut > seconds(24 * 3600) ? 1 : room.cuts_in_a_row + 1;
                room.last_cut = monotonic;
            }
            if (decision.news == LoadNews::kLockedOut) {
                ++locked;
                ASSERT_GE(room.cuts_in_a_row, limit.cuts_max);
            }
            // Somebody with the right comes round on Monday morning.
            if (weekday_now == 1 && minute == 540 && room.guards.load.reset().store)
                room.load_book = room.guards.load.book();

            room.account.used += charge_money(room.tariff, s.prices[0], plan.rate,
                                              {used, seconds(59), clock ? std::optional{civil + 59} : clock});
            const int rate = no_clock                                 ? 1
                             : (minute < first_today && !eve_workday) ? 1
                             : workday                                ? minute < 360    ? eve_workday ? 2 : 1
                                                                        : minute < 420  ? 2
                                                                        : minute < 1080 ? 1
                                                                        : minute < 1410 ? 3
                                                                                        : 2
                             : minute < 480                           ? 2
                                                                      : 1;
            std::int64_t& month = room.used_in_month[date.month];
            for (int step = 0; step < 3; ++step) {
                const auto k = static_cast<std::size_t>(step);
                const std::int64_t from = step == 0 ? 0 : std::int64_t{s.prices[0].step_limits[k - 1]} * 36'000;
                const std::int64_t to = step == 2 ? INT64_MAX : std::int64_t{s.prices[0].step_limits[k]} * 36'000;
                const std::int64_t part = std::min(month + used.count(), to) - std::max(month, from);
                if (part > 0)
                    room.exact_parts += Wide{part} * (s.prices[0].rates[static_cast<std::size_t>(rate - 1)] +
                                                      s.prices[0].step_prices[k]);
            }
            month += used.count();
            ASSERT_TRUE(Wide{room.account.used.count()} * kPartsPerGrain + room.tariff.parts == room.exact_parts)
                << r << " on " << +date.month << '-' << +date.day << ' ' << minute;
            watch_cutoff(room.account);
        }
    }
    EXPECT_GT(restarts, 250);
    EXPECT_GT(night_waits, 100) << "somebody's credit did end at night";
    EXPECT_GE(locked, 1) << "the room that overloaded for a week";
    EXPECT_GT(timed_cuts, 250 * kRooms / 2);
    for (const Room& room : rooms)
        EXPECT_LT(room.switchings, 365 * 4) << "a relay lasts for 100,000 switchings: 68 years";
}

}  // namespace
}  // namespace prewatt::meter
