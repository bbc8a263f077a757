#include "server/domain/closing.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

constexpr UnixTime kInstant = OfficeMonth{2026, 11}.begin();

RegisterReading at(Duration from_instant, std::int64_t forward) {
    return {kInstant + from_instant, energy_of_hundredths(forward), credit_of_hundredths(500)};
}

TEST(Closing, BestOfWhatIsKnownIsTakenAndNamed) {
    // A bill is made from a guess although the meter had frozen the figure, or a guess passes as a measurement.
    RegisterFacts facts;
    EXPECT_FALSE(register_at(kInstant, facts)) << "nothing is known";
    facts.after = at(minutes(600), 900);
    EXPECT_EQ(register_at(kInstant, facts)->quality, Quality::kEstimated);
    EXPECT_EQ(register_at(kInstant, facts)->forward, energy_of_hundredths(900));
    facts.before = at(minutes(-600), 700);
    auto value = *register_at(kInstant, facts);
    EXPECT_EQ(value.quality, Quality::kEstimated);
    EXPECT_EQ(value.forward, energy_of_hundredths(800)) << "half way";
    EXPECT_EQ(value.before_at, kInstant + minutes(-600));
    EXPECT_EQ(value.after_at, kInstant + minutes(600));
    facts.after = at(minutes(600), 700);
    EXPECT_EQ(register_at(kInstant, facts)->quality, Quality::kMeasured) << "it stood still";
    facts.after = at(minutes(1), 705);
    value = *register_at(kInstant, facts);
    EXPECT_EQ(value.quality, Quality::kMeasured);
    EXPECT_EQ(value.forward, energy_of_hundredths(705));
    facts.frozen = at(Duration{0}, 703);
    value = *register_at(kInstant, facts);
    EXPECT_EQ(value.quality, Quality::kFrozen);
    EXPECT_EQ(value.forward, energy_of_hundredths(703));
}

TEST(Closing, RegisterThatWentBackOrTurnedOverIsSeen) {
    // A new meter begins at zero: its household must not be billed a million kWh, nor minus the old one's.
    EXPECT_EQ(consumption_between(energy_of_hundredths(99'999'990), energy_of_hundredths(10)),
              energy_of_hundredths(20));
    EXPECT_FALSE(consumption_between(energy_of_hundredths(5'000'000), energy_of_hundredths(10)));
    RegisterFacts facts;
    facts.before = at(minutes(-600), 5'000'000);
    facts.after = at(minutes(600), 10);
    const auto value = *register_at(kInstant, facts);
    EXPECT_EQ(value.forward, energy_of_hundredths(5'000'000));
    EXPECT_EQ(value.quality, Quality::kEstimated);
}

TEST(Closing, IsCorrectedByWhatIsBetterAndByNothingElse) {
    // Every night would otherwise make a new version of every closing, or a worse one.
    RegisterAt fresh;
    fresh.forward = energy_of_hundredths(100);
    fresh.quality = Quality::kMeasured;
    EXPECT_TRUE(is_better(fresh, Quality::kEstimated, energy_of_hundredths(100)));
    EXPECT_FALSE(is_better(fresh, Quality::kMeasured, energy_of_hundredths(99)));
    EXPECT_FALSE(is_better(fresh, Quality::kFrozen, energy_of_hundredths(99)));
    fresh.quality = Quality::kEstimated;
    EXPECT_TRUE(is_better(fresh, Quality::kEstimated, energy_of_hundredths(99)));
    EXPECT_FALSE(is_better(fresh, Quality::kEstimated, energy_of_hundredths(100)));
}

TEST(Closing, IsDueOnTheFirstAndLookedAtAgainForTenDays) {
    // The report of the month is wanted on the first in the morning.
    ClosingState state;
    EXPECT_FALSE(closing_due(state, {}, kInstant)) << "nothing was ever read";
    state.first_reading_at = OfficeMonth{2026, 10}.begin() + minutes(600);
    state.hours_until = kInstant;
    state.days_until = kInstant;
    EXPECT_FALSE(closing_due(state, {}, kInstant + minutes(30))) << "the hour behind it is not over";
    state.hours_until = kInstant + minutes(60);
    EXPECT_EQ(closing_due(state, {}, kInstant + minutes(62)), (OfficeMonth{2026, 10}));
    state.newest = OfficeMonth{2026, 10};
    state.newest_looked_at = kInstant + minutes(62);
    EXPECT_FALSE(closing_due(state, {}, kInstant + minutes(600)));
    EXPECT_EQ(closing_due(state, {}, kInstant + minutes(62 + 24 * 60)), (OfficeMonth{2026, 10}));
    state.newest_looked_at = kInstant + minutes(11 * 24 * 60);
    EXPECT_FALSE(closing_due(state, {}, kInstant + minutes(13 * 24 * 60)));
    EXPECT_EQ(closing_of({2026, 10}, {.day = 3, .hour = 8}), kInstant + minutes((2 * 24 + 8) * 60));
}

}  // namespace
}  // namespace prewatt::server
