#include "meter/core/tariff.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "meter/core/calendar.hpp"
#include "meter/core/schedule.hpp"

namespace prewatt::meter {
namespace {

using settings::PriceSet;
__extension__ using Wide = __int128;

constexpr CivilSeconds at(int month, int day, int hour = 0, int minute = 0, int second = 0) {
    return to_seconds({2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                       static_cast<std::uint8_t>(hour), static_cast<std::uint8_t>(minute),
                       static_cast<std::uint8_t>(second)});
}
constexpr Energy kilowatt_hours(std::int64_t n) {
    return Energy{n * kJoulesPerKilowattHour};
}

// 0.56 yuan/kWh by day, 0.31 at night; 0.05 more above 100 kWh of the month, 0.30 more above 300.
PriceSet stepped() {
    PriceSet p;
    p.valid_from = 1;
    p.rates = {5600, 3100, 8000, 0};
    p.steps = 3;
    p.step_limits = {100'00, 300'00};
    p.step_prices = {0, 500, 3000};
    return p;
}

// The exact cost in parts of a grain of `used` after `before` of the month: the sum over steps, in 128 bits.
Wide exact(const PriceSet& p, int rate, std::int64_t before, std::int64_t used) {
    Wide parts = 0;
    std::int64_t from = before;
    for (int step = 0; step < p.steps; ++step) {
        const auto k = static_cast<std::size_t>(step);
        const std::int64_t limit = step + 1 < p.steps ? std::int64_t{p.step_limits[k]} * 36'000 : INT64_MAX;
        const std::int64_t to = std::min(before + used, limit);
        if (to <= from) continue;
        parts += Wide{to - from} * (Wide{p.rates[static_cast<std::size_t>(rate - 1)]} + p.step_prices[k]);
        from = to;
    }
    return parts;
}

TEST(Tariff, AKilowattHourCostsItsPriceToTheFen) {
    // A room pays 0.56 yuan for a kWh, and the printout of a month must agree with the price list.
    TariffBook book;
    EXPECT_EQ(charge_money(book, stepped(), 1, kilowatt_hours(1)), credit_of_hundredths(56));
    EXPECT_EQ(charge_money(book, stepped(), 2, kilowatt_hours(10)), credit_of_hundredths(310));
    EXPECT_EQ(charge_money(book, stepped(), 4, kilowatt_hours(10)), Credit{}) << "a free rate";
    EXPECT_EQ(book.month.present.used, kilowatt_hours(21)) << "and counted for the steps all the same";
    EXPECT_EQ(book.parts, 0);
}

TEST(Tariff, EnergyOverAStepIsSplitAtTheJoule) {
    // One window at the step charged wholly at the dearer price, in every room of a campus.
    TariffBook book;
    book.month.present = {1, kilowatt_hours(100) - Energy{1}};
    EXPECT_EQ(step_at(stepped(), book.month.present.used), 1);
    EXPECT_EQ(charge_money(book, stepped(), 1, Energy{1}), Credit{0});
    EXPECT_EQ(book.parts, 5600);
    EXPECT_EQ(step_at(stepped(), book.month.present.used), 2);
    EXPECT_EQ(price_at(stepped(), 1, book.month.present.used), UnitPrice{6100});
    EXPECT_EQ(charge_money(book, stepped(), 1, Energy{1}), Credit{1});
    EXPECT_EQ(book.parts, 1700);
    // Over two steps at once: 200 kWh at 0.61 and the rest at 0.86, with two joules used before.
    EXPECT_EQ(
        charge_money(book, stepped(), 1, kilowatt_hours(300)),
        Credit{(kilowatt_hours(200).count() - 1) * 6100 / 10'000 +
               ((kilowatt_hours(100).count() + 1) * 8600 + (kilowatt_hours(200).count() - 1) * 6100 % 10'000 + 1700) /
                   10'000});
}

TEST(Tariff, HoweverEnergyIsCutTheSumIsTheExactCost) {
    // A fraction of a grain is dropped five times a second in 39 rooms for ten years.
    const auto seed = std::random_device{}();
    RecordProperty("seed", std::to_string(seed));
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
    for (int run = 0; run < 300; ++run) {
        PriceSet p;
        p.valid_from = 1;
        for (auto& rate : p.rates)
            rate = static_cast<std::uint32_t>(below(1'000'001));
        p.steps = static_cast<std::uint8_t>(1 + below(6));
        std::uint32_t limit = 0;
        for (int k = 0; k + 1 < p.steps; ++k)
            p.step_limits[static_cast<std::size_t>(k)] = limit += static_cast<std::uint32_t>(1 + below(20'000));
        for (auto& price : p.step_prices)
            price = static_cast<std::uint32_t>(below(1'000'001));
        TariffBook book;
        Credit charged;
        Wide parts = 0;
        std::int64_t used = 0;
        for (int window = 0; window < 300; ++window) {
            const int rate = static_cast<int>(1 + below(4));
            // From an idle second to the catch-up of a processor that was away.
            const std::int64_t energy = below(std::uint64_t{1} << below(31));
            parts += exact(p, rate, used, energy);
            used += energy;
            charged += charge_money(book, p, rate, Energy{energy});
            ASSERT_TRUE(Wide{charged.count()} * kPartsPerGrain + book.parts == parts) << "run " << run;
            ASSERT_LT(book.parts, kPartsPerGrain);
            ASSERT_EQ(book.month.present.used.count(), used);
        }
    }
}

TEST(Tariff, WindowOverTheFirstOfTheMonthIsSplitByTime) {
    // On the first of each month the steps begin anew, to the second; a box that was away for ten seconds catches up.
    TariffBook book;
    book.month.on_time(at(1, 31, 23, 59));
    book.month.add(kilowatt_hours(400));
    const Energy ten{10'000};
    EXPECT_EQ(charge_money(book, stepped(), 1, {ten, seconds(10), at(2, 1, 0, 0, 4)}),
              Credit{(6000 * 8600 + 4000 * 5600) / 10'000});
    EXPECT_EQ(book.month.present.used, Energy{4000});
    EXPECT_EQ(book.month.other.used, kilowatt_hours(400) + Energy{6000});
    // The whole of it in the new month, or a clock that was set over months: nothing to split.
    EXPECT_EQ(charge_money(book, stepped(), 1, {ten, seconds(10), at(2, 1, 1)}), Credit{5600});
    EXPECT_EQ(charge_money(book, stepped(), 1, {ten, seconds(10), at(9, 1)}), Credit{5600});
    EXPECT_EQ(book.month.present.used, ten);
}

TEST(Tariff, ClockThatIsSetBackNeitherResetsTheStepsTwiceNorOpensTheMonthAnew) {
    // Whoever may set the clock by minutes stays in the cheapest step all year.
    TariffBook book;
    const PriceSet p = stepped();
    const auto use = [&](Energy used, std::optional<CivilSeconds> now) {
        return charge_money(book, p, 1, {used, seconds(1), now});
    };
    (void)use(kilowatt_hours(350), at(1, 31, 23, 59));
    for (int k = 0; k < 20; ++k) {
        EXPECT_EQ(use(kilowatt_hours(1), at(2, 1, 0, 1)), credit_of_hundredths(56));
        EXPECT_EQ(use(kilowatt_hours(1), at(1, 31, 23, 59)), credit_of_hundredths(86)) << "January was used up";
    }
    EXPECT_EQ(use(kilowatt_hours(80), at(2, 10)), credit_of_hundredths(80 * 56));
    EXPECT_EQ(use(kilowatt_hours(1), at(2, 10)), credit_of_hundredths(61));
    EXPECT_EQ(use(kilowatt_hours(1), std::nullopt), credit_of_hundredths(61)) << "without a clock the month goes on";
}

TEST(Tariff, PendingPricesComeOnceAndDoNotGoBack) {
    // The new price at midnight, the old one again after a correction of the clock, and two bills.
    PriceSet present = stepped();
    present.valid_from = at(1, 1);
    PriceSet pending = stepped();
    EXPECT_FALSE(is_changeover_due(present, PriceSet{}, at(7, 1))) << "no pending set";
    pending.valid_from = at(7, 1);
    pending.rates[0] = 6000;
    EXPECT_FALSE(is_changeover_due(present, pending, at(6, 30, 23, 59, 59)));
    EXPECT_FALSE(is_changeover_due(present, pending, std::nullopt));
    EXPECT_TRUE(is_changeover_due(present, pending, at(7, 1)));
    present = pending;
    EXPECT_FALSE(is_changeover_due(present, pending, at(7, 1)));
    EXPECT_FALSE(is_changeover_due(present, pending, at(6, 30)));
    present.valid_from = at(7, 5);
    present.rates[0] = 5900;
    EXPECT_FALSE(is_changeover_due(present, pending, at(7, 6))) << "a correction that was sent later stays";
}

TEST(Tariff, NobodyLooksTooLateForTheEndOfTheCredit) {
    // The box looks at an account only when a hundredth may have gone: a price that rises must not let it sleep.
    std::mt19937_64 random(7);
    const PriceSet p = stepped();
    for (int run = 0; run < 20'000; ++run) {
        TariffBook book;
        book.month.present = {1, Energy{static_cast<std::int64_t>(random() % 1'200'000'000)}};
        book.parts = static_cast<std::uint16_t>(random() % kPartsPerGrain);
        const Credit left{static_cast<std::int64_t>(1 + random() % 40'000)};
        const int rate = static_cast<int>(1 + random() % 4);
        const Energy until = energy_until(book, p, rate, left);
        ASSERT_GE(until, Energy{1});
        ASSERT_LE(until, kilowatt_hours(1));
        TariffBook before = book;
        const int step = step_at(p, book.month.present.used);
        ASSERT_LT(charge_money(before, p, rate, until - Energy{1}), left);
        ASSERT_EQ(step_at(p, before.month.present.used), step);
        const bool reached = charge_money(book, p, rate, until) >= left;
        ASSERT_TRUE(reached || step_at(p, book.month.present.used) != step || until == kilowatt_hours(1));
    }
    TariffBook book;
    EXPECT_EQ(energy_until(book, PriceSet{}, 1, Credit{5}), kilowatt_hours(1)) << "no price: no hurry";
    EXPECT_EQ(energy_until(book, p, 1, Credit{INT64_MAX / 2}), kilowatt_hours(1));
    EXPECT_EQ(energy_until(book, p, 1, Credit{-5}), Energy{1});
}

TEST(Tariff, AYearOfRatesStepsAndMonthsIsExactToThePartOfAGrain) {
    // The bill of a year, worked out again from the day tables by other means, must not differ by one fen.
    settings::Settings s;
    s.days[0] = {3, {settings::Period{360, 1}, {1080, 3}, {1320, 2}}};
    s.days[1] = {1, {settings::Period{0, 2}}};
    s.weeks[0].tables = {2, 1, 1, 1, 1, 1, 1};
    const PriceSet p = stepped();
    Schedule schedule;
    TariffBook book;
    Credit charged;
    Wide parts = 0;
    std::array<std::int64_t, 13> used{};  // by month
    std::mt19937_64 random(2026);
    for (CivilSeconds now = at(1, 1); now < to_seconds({2027}); now += 60) {
        schedule.update(s, now);
        const Energy energy{static_cast<std::int64_t>(random() % 120'000)};  // up to 2 kW
        charged += charge_money(book, p, schedule.of(1).rate, {energy, seconds(59), now + 59});

        const CivilTime date = to_civil(now);
        const int minute = date.hour * 60 + date.minute;
        const bool sunday = weekday(now) == 0;
        const bool sunday_night = weekday(now) == 1 && minute < 360;
        const int rate = sunday || sunday_night ? 2 : minute < 360 ? 2 : minute < 1080 ? 1 : minute < 1320 ? 3 : 2;
        parts += exact(p, rate, used[date.month], energy.count());
        used[date.month] += energy.count();
        ASSERT_EQ(book.month.present.used.count(), used[date.month]);
    }
    EXPECT_TRUE(Wide{charged.count()} * kPartsPerGrain + book.parts == parts);
    EXPECT_GT(charged, credit_of_hundredths(100'000));
}

}  // namespace
}  // namespace prewatt::meter
