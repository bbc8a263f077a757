#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <fstream>

#include "server/domain/office_calendar.hpp"
#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class Archiving : public OfficeTest {
  protected:
    Archiving() { options_.archive_tends_itself = false; }
    static Reading reading(HouseholdId household, UnixTime at, std::int64_t forward, std::int64_t remaining,
                           bool closed = true) {
        Reading one{household, at, energy_of_hundredths(forward), credit_of_hundredths(remaining), {}};
        one.state.set(StateBit::kRelayClosed, closed);
        return one;
    }
    void record(std::vector<Reading> readings) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings(std::move(readings), done); }));
    }
    // Until everything that is due now is done.
    void tend() {
        for (int turn = 0; turn < 20'000; ++turn) {
            const bool more = office_->archive().tend();
            // Behind what it has asked of the writing thread.
            ASSERT_TRUE(wait<Done>([&](auto done) { office_->raise_counter(BoxId{1}, 0, done); }));
            if (!more) return;
        }
        FAIL() << "the archive finds no end";
    }
    static UnixTime at(int year, int month, int day, int hour, int minute = 0) {
        return time_in_office({static_cast<std::uint16_t>(year), static_cast<std::uint8_t>(month),
                               static_cast<std::uint8_t>(day), static_cast<std::uint8_t>(hour),
                               static_cast<std::uint8_t>(minute), 0});
    }
    void stand_at(UnixTime time) { now_ = time.ms; }
    ConsumptionReport report(ConsumptionQuestion question) {
        const auto answer = office_->archive().consumption(question);
        EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
        return answer ? *answer : ConsumptionReport{};
    }
    ConsumptionRow row_of(const ConsumptionReport& report, std::string_view room) {
        for (const ConsumptionRow& row : report.rows)
            if (row.name == room) return row;
        ADD_FAILURE() << "no row of " << room;
        return {};
    }
    // What the reading of a room said in those hours; it uses 0.01 kWh a quarter of an hour.
    void live(HouseholdId household, UnixTime from, UnixTime to) {
        std::vector<Reading> readings;
        for (UnixTime t = from; t < to; t = t + minutes(15))
            readings.push_back(reading(household, t, forward_at(t), 5'000'000 - forward_at(t)));
        record(std::move(readings));
        stand_at(to);
    }
    static std::int64_t forward_at(UnixTime t) { return (t.ms - at(2026, 9, 1, 0).ms) / (15 * 60'000); }
};

// An office that runs for weeks flushes its latest values each minute over one connection, whose temporary table nobody
// vacuums: with every flush the next one is dearer.
TEST_F(Archiving, AFlushLeavesNothingBehindForTheNextOne) {
    if (!on_postgres()) GTEST_SKIP() << "SQLite's table is in memory and is emptied at once";
    start();
    for (int round = 0; round < 100; ++round) {
        move(minutes(2));
        std::vector<Reading> readings;
        for (std::int64_t k = 1; k <= 39; ++k)
            readings.push_back(
                {HouseholdId{k}, now(), energy_of_hundredths(1000 + round), credit_of_hundredths(900 - round), {}});
        record(std::move(readings));
        tend();
    }
    const auto db = beside();
    std::int64_t bytes = -1;
    db->query("SELECT pg_relation_size(oid) FROM pg_class WHERE relname = 'readings_to_flush'", {},
              [&](const Row& row) { bytes = row.integer(0); });
    EXPECT_GE(bytes, 0) << "it was made";
    EXPECT_LE(bytes, 2 * 8192) << "of 39 rows";
}

TEST_F(Archiving, LatestValuesShowAtOnceAndReachTheTableLater) {
    // A page that lags behind the meter makes the operator sell twice.
    start();
    const HouseholdId household = room("3-0101");
    record({reading(household, now(), 100, 900), reading(household, now() + seconds(1), 101, 899)});
    EXPECT_EQ(office_->household(household)->forward, energy_of_hundredths(101));
    EXPECT_EQ(office_->households_of_box(BoxId{1})->front().remaining, credit_of_hundredths(899));
    EXPECT_EQ(office_->find_households("0101", 1)->front().read_at, now() + seconds(1));
    tend();
    EXPECT_EQ(office_->household(household)->forward, energy_of_hundredths(101)) << "now it is in the table";
    record({reading(household, now() + seconds(2), 102, 898)});
    EXPECT_EQ(office_->household(household)->forward, energy_of_hundredths(102)) << "and ahead of it again";
    reopen();
    EXPECT_EQ(office_->household(household)->forward, energy_of_hundredths(102)) << "an orderly stop puts it away";
    std::vector<Reading> everybody;
    for (std::int64_t h = 1; h <= 39; ++h)
        everybody.push_back(reading(HouseholdId{h}, now() + seconds(9), 200 + h, 800));
    record(everybody);
    office_.reset();
    std::int64_t there = 0;
    beside()->query("SELECT COUNT(*) FROM meters WHERE forward_ckwh = 200 + household_id", {},
                    [&](const Row& row) { there = row.integer(0); });
    EXPECT_EQ(there, 39) << "the table itself has it after an orderly stop";
}

TEST_F(Archiving, KilledOfficeShowsEveryReadingThatWasReportedAsDone) {
    // The machine of the office loses its power a minute after a sweep: the wall must not show yesterday's credit.
    create();
    std::int64_t forward = 0;
    for (int run = 0; run < 6; ++run) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            close(ends[0]);
            auto opened = open_office(options_);
            if (!opened) _exit(3);
            office_ = std::move(*opened);
            for (std::int64_t k = 1;; ++k) {
                std::vector<Reading> sweep;
                for (std::int64_t h = 1; h <= 39; ++h)
                    sweep.push_back(reading(HouseholdId{h}, now() + seconds(k), forward + k * 10 + h % 3, 500 - k));
                if (!wait<Done>([&](auto done) { office_->record_readings(sweep, done); })) _exit(4);
                const std::int64_t done = forward + k * 10;
                if (write(ends[1], &done, sizeof done) != sizeof done) _exit(5);
                // Some runs die with the table up to date, some in the middle, some far behind.
                if (run % 2 == 1 && k % 7 == 0) office_->archive().tend();
            }
        }
        close(ends[1]);
        std::int64_t told = 0;
        std::int64_t newest = forward;
        for (int heard = 0; read(ends[0], &told, sizeof told) == sizeof told; ++heard) {
            newest = told;
            if (heard == 5 + run * 9) kill(child, SIGKILL);
        }
        close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
        open();
        for (std::int64_t h = 1; h <= 39; ++h) {
            const auto household = office_->household(HouseholdId{h});
            ASSERT_TRUE(household);
            EXPECT_GE(in_hundredths(household->forward, Round::kDown), newest) << "run " << run << ", household " << h;
            EXPECT_TRUE(household->read_at);
        }
        forward = newest + 20;
        move(minutes(10));
        office_.reset();
    }
}

TEST_F(Archiving, SaleIsLitByTheNextReadingAlthoughReadingsGoPastTheTable) {
    // The time to light is what the product promises; a reading that only lives in memory must still end it.
    start();
    const HouseholdId household = room("3-0101");
    record({reading(household, now(), 0, 0, false)});
    ASSERT_TRUE(sell(order("a", household, 640)));
    MeterEffect effect{1, 1, credit_of_hundredths(1000), {}};
    move(seconds(1));
    // In one transaction: the confirmation and, behind it, the reading that shows the light.
    office_->record_confirmed({household, Part::kTicket, 1, 1}, effect, now(), [](auto) {});
    record({reading(household, now() + seconds(1), 0, 1000)});
    EXPECT_EQ(office_->sale_by_order("a")->lit_at, now() + seconds(1));
    // What is used up is known to the next sale although no table has it yet.
    record({reading(household, now() + seconds(2), 400, 600)});
    SaleOrder big = order("b", household, 10'000);
    ASSERT_TRUE(sell(big));
    EXPECT_EQ(office_->household(household)->remaining, credit_of_hundredths(600));
}

TEST_F(Archiving, HoardingLimitCountsWhatTheNewestReadingShowsAsUsed) {
    // A resident at the limit has used 500 kWh since the last flush and is refused at the desk for nothing.
    start();
    const HouseholdId household = room("3-0102");
    // 0.64 yuan/kWh; what a household may hold is 99,999.90 kWh.
    for (int k = 0; k < 6; ++k)
        ASSERT_TRUE(sell(order("fill" + std::to_string(k), household, 1'000'000)));
    const auto full = sell(order("full", household, 1'000'000));
    ASSERT_FALSE(full);
    ASSERT_EQ(full.error().reason, Reason::kHoarding);
    const auto ticket = office_->desired(household)->ticket;
    MeterEffect effect{ticket.epoch, ticket.number, ticket.credited, {}};
    move(seconds(1));
    ASSERT_TRUE(wait<Done>([&](auto done) {
        office_->record_confirmed({household, Part::kTicket, ticket.epoch, ticket.number}, effect, now(), done);
    }));
    move(seconds(1));
    // The line master reads the account back after a ticket; before that a reading tells of no use.
    effect.credited = ticket.credited;
    effect.forward = Energy{};
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect, now(), done); }));
    move(seconds(1));
    const std::int64_t left = in_hundredths(ticket.credited, Round::kDown) - 1'600'000;
    record({reading(household, now(), 1'600'000, left)});
    EXPECT_FALSE(sell(order("once", household, 1'000'000))) << "one reading alone may be noise";
    move(seconds(1));
    record({reading(household, now(), 1'600'000, left)});
    EXPECT_TRUE(sell(order("again", household, 1'000'000)));
}

TEST_F(Archiving, RepeatedReadingsHarmNobodyAndShowOnce) {
    // A box that answers twice must not take the readings of the whole transaction with it.
    start();
    const HouseholdId household = room("3-0101");
    const Reading one = reading(household, now(), 100, 900);
    record({one, one});
    record({one});
    record({reading(household, now() + seconds(1), 101, 899), one});
    const auto raw = office_->readings(household, {}, UnixTime{INT64_MAX}, Step::kRaw);
    ASSERT_TRUE(raw);
    ASSERT_EQ(raw->size(), 2u);
    EXPECT_EQ(raw->back().forward, energy_of_hundredths(101));
}

TEST_F(Archiving, ReadingOfAClockThatStandsAnywhereIsKeptInItsMonth) {
    // A gateway that lost its clock delivers readings of last year and of next year between those of today.
    start();
    const HouseholdId household = room("3-0101");
    record({reading(household, now(), 100, 900)});
    record({reading(household, now() + minutes(60 * 24 * 300), 300, 700), reading(household, UnixTime{1}, 1, 1),
            reading(household, now() + minutes(-60 * 24 * 500), 50, 950)});
    const auto raw = office_->readings(household, {}, UnixTime{INT64_MAX}, Step::kRaw);
    ASSERT_TRUE(raw) << raw.error().message;
    ASSERT_EQ(raw->size(), 3u) << "1970 is no time of an office";
    EXPECT_EQ(raw->front().forward, energy_of_hundredths(50));
    EXPECT_EQ(raw->back().forward, energy_of_hundredths(300));
}

TEST_F(Archiving, HoursDaysAndMonthsAreWhatTheReadingsSay) {
    // The resident asks what October has cost; the sweeps of October are long gone by then.
    start();
    const HouseholdId household = room("3-0101");
    // The line was cut for most of October.
    live(household, at(2026, 9, 29, 10), at(2026, 10, 2, 0));
    live(household, at(2026, 10, 30, 0), at(2026, 11, 2, 12));
    tend();
    const auto status = office_->archive().status();
    EXPECT_EQ(status.hours_until, at(2026, 11, 2, 11)) << "the last hour is over, and settles for two minutes";
    EXPECT_EQ(status.days_until, at(2026, 11, 2, 0));
    EXPECT_EQ(status.months_until, at(2026, 11, 1, 0));
    const auto hours = office_->readings(household, at(2026, 10, 1, 0), at(2026, 10, 2, 0), Step::kHour);
    ASSERT_EQ(hours->size(), 24u);
    EXPECT_EQ(hours->front().at, at(2026, 10, 1, 0, 45));
    EXPECT_EQ(hours->front().forward, energy_of_hundredths(forward_at(at(2026, 10, 1, 0, 45))));
    EXPECT_EQ(hours->front().remaining, credit_of_hundredths(5'000'000 - forward_at(at(2026, 10, 1, 0, 45))));
    EXPECT_TRUE(hours->front().state.has(StateBit::kRelayClosed));
    // Days that reach into the hours that are not summed up yet.
    const auto days = office_->readings(household, at(2026, 10, 31, 0), now(), Step::kDay);
    ASSERT_EQ(days->size(), 3u);
    EXPECT_EQ(days->back().at, at(2026, 11, 2, 11, 45));

    const auto october =
        report({.from = {}, .to = {}, .month = OfficeMonth{2026, 10}, .level = ReportLevel::kHousehold});
    EXPECT_TRUE(october.closed);
    ASSERT_EQ(october.rows.size(), 39u);
    const ConsumptionRow row = row_of(october, "3-0101");
    EXPECT_EQ(row.consumption, energy_of_hundredths(31 * 96));
    EXPECT_EQ(row.quality, Quality::kMeasured);
    EXPECT_EQ(row_of(october, "3-0102").missing, 1);
    const auto site = report({.from = {}, .to = {}, .month = OfficeMonth{2026, 10}, .level = ReportLevel::kSite});
    ASSERT_EQ(site.rows.size(), 1u);
    EXPECT_EQ(site.rows[0].consumption, row.consumption);
    EXPECT_EQ(site.rows[0].missing, 38);
    EXPECT_EQ(site.rows[0].name, "Campus");
    // A day, an hour, and hours that are not summed up yet.
    const auto used = [&](UnixTime from, UnixTime to) {
        return row_of(report({.from = from, .to = to, .month = {}, .level = ReportLevel::kHousehold}), "3-0101")
            .consumption;
    };
    EXPECT_EQ(used(at(2026, 10, 31, 0), at(2026, 11, 1, 0)), energy_of_hundredths(96));
    EXPECT_EQ(used(at(2026, 10, 31, 7), at(2026, 10, 31, 8)), energy_of_hundredths(4));
    EXPECT_EQ(used(at(2026, 10, 12, 0), at(2026, 10, 12, 5)), energy_of_hundredths(20)) << "on the line over the gap";
    EXPECT_EQ(used(at(2026, 11, 2, 9), at(2026, 11, 2, 12)), energy_of_hundredths(12 - 1)) << "12:00 has not been read";
}

TEST_F(Archiving, RollUpsGoOnAfterARestartAndComeOutTheSame) {
    // The office is restarted in the middle of the night, while a month of readings is summed up.
    start();
    const HouseholdId household = room("3-0101");
    live(household, at(2026, 10, 1, 0), at(2026, 10, 3, 6));
    for (int k = 0; k < 60; ++k) {
        (void)office_->archive().tend();
        if (k % 3 == 0) reopen();
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->raise_counter(BoxId{1}, 0, done); }));
    }
    tend();
    const auto hours = office_->readings(household, at(2026, 10, 1, 0), at(2026, 10, 3, 0), Step::kHour);
    ASSERT_EQ(hours->size(), 48u);
    EXPECT_EQ(office_->archive().status().hours_until, at(2026, 10, 3, 5));
}

TEST_F(Archiving, LateReadingsChangeTheirHourTheirDayAndTheClosing) {
    // A line that was cut over the first of the month delivers nothing for three days; then the reading comes after
    // all.
    start();
    const HouseholdId household = room("3-0101");
    const HouseholdId other = room("3-0102");
    live(other, at(2026, 10, 30, 0), at(2026, 10, 31, 12));
    live(household, at(2026, 10, 30, 0), at(2026, 10, 31, 12));
    live(other, at(2026, 10, 31, 12), at(2026, 11, 1, 3));
    tend();
    const auto closed = *office_->archive().closings(household);
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_EQ(closed[0].month, (OfficeMonth{2026, 10}));
    EXPECT_EQ(closed[0].value.quality, Quality::kEstimated) << "the last reading is twelve hours old";
    EXPECT_EQ(closed[0].value.forward, energy_of_hundredths(forward_at(at(2026, 10, 31, 11, 45))));
    EXPECT_EQ(office_->archive().closings(other)->front().value.quality, Quality::kMeasured);

    // Three days later a reading, and the line between both is a better guess.
    live(other, at(2026, 11, 1, 3), at(2026, 11, 4, 9));
    record({reading(household, at(2026, 11, 4, 8), forward_at(at(2026, 11, 4, 8)), 0)});
    tend();
    auto history = *office_->archive().closings(household);
    ASSERT_EQ(history.size(), 2u);
    EXPECT_EQ(history[1].replaces, 1);
    EXPECT_EQ(history[1].value.quality, Quality::kEstimated);
    EXPECT_EQ(history[1].value.forward, energy_of_hundredths(forward_at(at(2026, 11, 1, 0))));
    EXPECT_NE(history[1].why.find("straight line"), std::string::npos) << history[1].why;

    // What the meter itself had frozen ends the guessing; every version stays.
    ASSERT_TRUE(wait<Done>([&](auto done) {
        office_->archive().record_freezes({{household, at(2026, 11, 1, 0), energy_of_hundredths(5555), {}}}, done);
    }));
    tend();
    history = *office_->archive().closings(household);
    ASSERT_EQ(history.size(), 3u);
    EXPECT_EQ(history[2].replaces, 2);
    EXPECT_EQ(history[2].value.quality, Quality::kFrozen);
    EXPECT_EQ(history[2].value.forward, energy_of_hundredths(5555));
    EXPECT_EQ(history[0].value.forward, closed[0].value.forward);

    // And a reading of an hour that was summed up long ago.
    record({reading(household, at(2026, 10, 31, 20), forward_at(at(2026, 10, 31, 20)), 0)});
    tend();
    const auto hours = office_->readings(household, at(2026, 10, 31, 20), at(2026, 10, 31, 21), Step::kHour);
    ASSERT_EQ(hours->size(), 1u);
    const auto days = office_->readings(household, at(2026, 10, 31, 0), at(2026, 11, 1, 0), Step::kDay);
    ASSERT_EQ(days->size(), 1u);
    EXPECT_EQ(days->front().forward, energy_of_hundredths(forward_at(at(2026, 10, 31, 20))));
}

TEST_F(Archiving, AFreezeOfALongGoneMonthCorrectsItsClosingAtOnce) {
    // A house was without its line for half a year; only the newest month is ever looked at again.
    start();
    const HouseholdId household = room("3-0101");
    const HouseholdId other = room("3-0102");
    record({reading(household, at(2026, 9, 20, 12), 100, 0)});
    for (const int month : {9, 10, 11, 12})
        record({reading(other, at(2026, month, 20, 12), month, 0)});
    stand_at(at(2026, 12, 20, 14));
    tend();
    const auto closed = *office_->archive().closings(household);
    ASSERT_GE(closed.size(), 2u);
    EXPECT_EQ(closed[0].month, (OfficeMonth{2026, 9}));
    EXPECT_EQ(closed[0].value.quality, Quality::kEstimated);
    const auto missing = [&](UnixTime instant) {
        const auto wishes = office_->archive().freezes_wanted();
        EXPECT_TRUE(wishes);
        return std::any_of(wishes->begin(), wishes->end(), [&](const FreezeWish& w) { return w.at == instant; });
    };
    EXPECT_TRUE(missing(at(2026, 10, 1, 0)));
    EXPECT_TRUE(missing(at(2026, 12, 1, 0)));
    EXPECT_FALSE(missing(at(2026, 9, 1, 0))) << "before the first reading";
    EXPECT_FALSE(missing(at(2027, 1, 1, 0))) << "not yet";
    reopen();
    EXPECT_TRUE(missing(at(2026, 10, 1, 0))) << "a restart forgets none";
    std::vector<Freeze> freezes;
    const auto households = *office_->households_of_box(BoxId{1});
    for (const HouseholdRecord& one : households)
        freezes.push_back({one.id, at(2026, 10, 1, 0), energy_of_hundredths(160), credit_of_hundredths(-7)});
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->archive().record_freezes(freezes, done); }));
    const auto history = *office_->archive().closings(household);
    ASSERT_EQ(history.size(), closed.size() + 1);
    EXPECT_EQ(history[1].month, (OfficeMonth{2026, 9}));
    EXPECT_EQ(history[1].replaces, 1);
    EXPECT_EQ(history[1].value.quality, Quality::kFrozen);
    EXPECT_EQ(history[1].value.forward, energy_of_hundredths(160));
    EXPECT_EQ(history[1].value.remaining, credit_of_hundredths(-7));
    EXPECT_FALSE(missing(at(2026, 10, 1, 0)));
    EXPECT_TRUE(missing(at(2026, 11, 1, 0)));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->archive().record_freezes(freezes, done); }));
    tend();
    EXPECT_EQ(office_->archive().closings(household)->size(), history.size()) << "once";
    stand_at(at(2027, 12, 20, 14));
    EXPECT_FALSE(missing(at(2026, 11, 1, 0))) << "no meter keeps it any longer";
}

TEST_F(Archiving, WhatAMeterFrozeBeforeAHouseholdHadItIsNotTheHouseholds) {
    // A room got another box on the 15th; October is billed by the registers of somebody else.
    building_.boxes = 2;
    building_.wiring = Wiring::k12x3;
    start();
    const HouseholdId household = room("3-0101");
    record({reading(household, at(2026, 10, 20, 12), 100, 0)});
    stand_at(at(2026, 11, 15, 9));
    tend();
    auto db = beside();
    db->begin_write();
    db->execute("UPDATE households SET box_id = NULL, number_in_box = NULL WHERE box_id = 2", {});
    ASSERT_TRUE(db->ok() && db->commit());
    BoxOrder move_it;
    move_it.order.order_id = "box";
    move_it.order.who = {"owner", "t"};
    move_it.order.reason = "broken";
    move_it.household = household;
    move_it.box_number = building_.first_box + 1;
    move_it.number = 4;
    const auto moved = wait<BookingsAnswer>([&](auto done) { office_->accounts().change_box(move_it, done); });
    ASSERT_TRUE(moved) << moved.error().message;
    const std::size_t versions = office_->archive().closings(household)->size();
    const auto wanted = *office_->archive().freezes_wanted();
    for (const FreezeWish& wish : wanted)
        EXPECT_EQ(wish.box, BoxId{1});
    ASSERT_TRUE(wait<Done>([&](auto done) {
        office_->archive().record_freezes({{household, at(2026, 11, 1, 0), energy_of_hundredths(999'999), {}}}, done);
    }));
    tend();
    EXPECT_EQ(office_->archive().closings(household)->size(), versions);
    ASSERT_TRUE(wait<Done>([&](auto done) {
        office_->archive().record_freezes({{household, at(2026, 12, 1, 0), energy_of_hundredths(5), {}}}, done);
    }));
    record({reading(household, at(2026, 12, 1, 9), 6, 0)});
    stand_at(at(2026, 12, 2, 9));
    tend();
    EXPECT_EQ(office_->archive().closings(household)->back().value.quality, Quality::kFrozen);
}

TEST_F(Archiving, EveryMeterIsToFreezeAtTheClosingHour) {
    // The site closes its months at six; meters that freeze at midnight never have the figure.
    start();
    tend();
    EXPECT_TRUE(office_->campaigns().settings_of_box(BoxId{1})->wishes.empty()) << "as a new meter is";
    auto db = beside();
    db->begin_write();
    db->execute("INSERT INTO archive_state (name, value) VALUES ('close_day', 3), ('close_hour', 6)", {});
    ASSERT_TRUE(db->ok() && db->commit());
    db.reset();
    move(minutes(11));
    tend();
    const auto settings = office_->campaigns().settings_of_box(BoxId{1});
    ASSERT_EQ(settings->wishes.size(), 1u);
    EXPECT_EQ(settings->wishes[0].name, kGeneralSetting);
    EXPECT_EQ(settings->wishes[0].version.desired, 1u);
    EXPECT_FALSE(general_for_closing(settings->wishes[0].bytes, {3, 6})) << "right as it is";
    EXPECT_TRUE(general_for_closing(settings->wishes[0].bytes, {1, 0}));
    move(minutes(11));
    tend();
    EXPECT_EQ(office_->campaigns().settings_of_box(BoxId{1})->wishes[0].version.desired, 1u) << "once";
}

TEST_F(Archiving, OldSweepsGoAndWhatTheySaidStays) {
    // After five years the disk must not be full of sweeps that nobody will ever ask for.
    start();
    const HouseholdId household = room("3-0101");
    live(household, at(2026, 9, 9, 22), at(2026, 9, 11, 2));
    live(household, at(2026, 11, 19, 0), at(2026, 11, 20, 0));
    tend();
    move(minutes(61));
    tend();
    const auto raw = office_->readings(household, {}, now(), Step::kRaw);
    ASSERT_FALSE(raw->empty());
    EXPECT_EQ(raw->front().at, at(2026, 11, 19, 0)) << "those of September are gone";
    const auto hours = office_->readings(household, at(2026, 9, 10, 0), at(2026, 9, 11, 0), Step::kHour);
    EXPECT_EQ(hours->size(), 24u);
    // What comes now for a time whose sweeps are gone must not spoil its hour.
    record({reading(household, at(2026, 9, 10, 5), 1, 1)});
    tend();
    EXPECT_EQ(office_->readings(household, at(2026, 9, 10, 5), at(2026, 9, 10, 6), Step::kHour)->front().forward,
              energy_of_hundredths(forward_at(at(2026, 9, 10, 5, 45))));
    EXPECT_EQ(
        row_of(report({.from = {}, .to = {}, .month = OfficeMonth{2026, 9}, .level = ReportLevel::kBuilding}), "3")
            .households,
        39);
}

TEST_F(Archiving, FullDiskStopsReadingsBeforeSalesAndOldSweepsGoAllTheSame) {
    // The log of another program fills the disk: the desk must go on selling, and the office help itself.
    if (on_postgres()) GTEST_SKIP() << "the room of a database is bounded in SQLite only";
    start();
    constexpr std::int64_t kPage = 4096;
    const auto setting = [&](const char* name, std::int64_t value) {
        beside()->execute("INSERT INTO archive_state (name, value) VALUES ($1, $2)", {name, value});
    };
    setting("floor_bytes", 130 * kPage);
    setting("short_bytes", 160 * kPage);
    std::vector<Reading> sweeps;
    for (UnixTime t = at(2026, 9, 10, 0); t < at(2026, 9, 15, 0); t = t + minutes(15))
        for (std::int64_t h = 1; h <= 39; ++h)
            sweeps.push_back(reading(HouseholdId{h}, t, forward_at(t), 5'000'000));
    record(sweeps);
    stand_at(at(2026, 9, 20, 0));
    office_.reset();
    std::int64_t pages = 0;
    beside()->query("PRAGMA page_count", {}, [&](const Row& row) { pages = row.integer(0); });
    options_.database_pages_max = pages + 120;
    open();

    (void)office_->archive().tend();
    const auto refused =
        wait<Done>([&](auto done) { office_->record_readings({reading(HouseholdId{1}, now(), 1, 1)}, done); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kStorageFull);
    EXPECT_EQ(office_->archive().status().refused_readings, 1u);
    EXPECT_TRUE(sell(order("meanwhile", HouseholdId{1}, 640))) << "readings stop before sales do";

    for (int k = 0; k < 12; ++k) {
        tend();
        move(seconds(11));
    }
    const auto status = office_->archive().status();
    EXPECT_TRUE(status.takes_readings) << status.free_bytes.value_or(-1) << " " << status.problem;
    record({reading(HouseholdId{1}, now(), 9'000, 1)});
    const auto raw = office_->readings(HouseholdId{1}, {}, now() + seconds(1), Step::kRaw);
    ASSERT_TRUE(raw);
    ASSERT_FALSE(raw->empty());
    EXPECT_GE(raw->front().at, at(2026, 9, 11, 0)) << "the oldest day went first";
    EXPECT_EQ(office_->readings(HouseholdId{1}, at(2026, 9, 10, 0), at(2026, 9, 11, 0), Step::kHour)->size(), 24u);
    EXPECT_TRUE(sell(order("after", HouseholdId{1}, 640)));
}

TEST_F(Archiving, DiskWithoutAByteLeftIsHelpedByTheBallast) {
    // Removing needs room too, and there is none: so some was put aside on a better day.
    if (on_postgres()) GTEST_SKIP() << "PostgreSQL drops whole partitions";
    const auto disk = folder_ / "disk";
    std::filesystem::create_directories(disk);
    if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64m") != 0) GTEST_SKIP() << "a disk of its own needs root";
    struct Unmount {
        std::filesystem::path disk;
        ~Unmount() { umount2(disk.c_str(), MNT_DETACH); }
    } const unmount{disk};
    options_.url = (disk / "office.db").string();
    start();
    for (const char* name : {"floor_bytes", "short_bytes"})
        beside()->execute("INSERT INTO archive_state (name, value) VALUES ($1, $2)", {name, 4 << 20});
    for (int day = 10; day < 14; ++day)
        live(HouseholdId{1}, at(2026, 9, day, 0), at(2026, 9, day + 1, 0));
    tend();
    const auto ballast = options_.url + ".ballast";
    ASSERT_TRUE(std::filesystem::exists(ballast)) << "made while there was room";
    // Another program writes until nothing is left.
    {
        std::ofstream log(disk / "another.log", std::ios::binary);
        const std::string block(1 << 16, 'x');
        while (log.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    }
    stand_at(at(2026, 9, 20, 0));
    for (int k = 0; k < 8; ++k) {
        tend();
        move(seconds(11));
    }
    EXPECT_FALSE(std::filesystem::exists(ballast)) << "given up";
    const auto raw = office_->readings(HouseholdId{1}, {}, now(), Step::kRaw);
    ASSERT_TRUE(raw);
    EXPECT_TRUE(raw->empty()) << "all of it was summed up and older than two days";
    const auto sold = sell(order("on-the-full-disk", HouseholdId{1}, 640));
    EXPECT_TRUE(sold) << sold.error().message;
    office_.reset();
}

TEST_F(Archiving, SettingsAreChangedWhileTheOfficeWorksAllOrNothing) {
    // The disk is full on a Sunday; to keep readings for a shorter time the office has to be stopped.
    start();
    Archive& archive = office_->archive();
    ArchiveSettings settings = *archive.settings();
    EXPECT_EQ(settings, ArchiveSettings{});
    const auto set = [&](const ArchiveSettings& to) {
        return wait<ArchiveSettings>(
            [&](auto done) { archive.set_settings(to, {"owner", "test"}, "a small disk", done); });
    };
    ASSERT_TRUE(set_archive_setting(settings, "raw_days", 30));
    ASSERT_TRUE(set_archive_setting(settings, "close_hour", 6));
    ASSERT_TRUE(set(settings));
    EXPECT_EQ(*archive.settings(), settings);
    ArchiveSettings bad = settings;
    ASSERT_TRUE(set_archive_setting(bad, "close_hour", 24));
    ASSERT_TRUE(set_archive_setting(bad, "raw_days", 20));
    EXPECT_EQ(set(bad).error().reason, Reason::kBadArgument);
    reopen();
    EXPECT_EQ(*office_->archive().settings(), settings);
    AuditFilter filter;
    filter.action = "archive.set";
    const auto records = *office_->audit().records(filter);
    ASSERT_EQ(records.size(), 2u) << "what did not change is not written down, nor what was refused";
    for (const AuditRecord& record : records) {
        EXPECT_EQ(record.who.user, "owner");
        EXPECT_EQ(record.reason, "a small disk");
        EXPECT_EQ(record.after, record.subject == "raw_days" ? "30" : "6") << record.subject;
        EXPECT_EQ(record.before, record.subject == "raw_days" ? "35" : "0") << record.subject;
    }
}

}  // namespace
}  // namespace prewatt::server::store
