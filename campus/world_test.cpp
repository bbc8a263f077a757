#include "campus/world.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "campus/trials.hpp"

namespace prewatt::campus {
namespace {

TEST(Campus, ADayWithoutFaultsHolds) {
    // A judge who cries when nothing is wrong will not be believed when something is.
    CampusOptions options;
    options.days = 1;
    options.faults = false;
    const CampusReport report = run_campus(options);
    EXPECT_TRUE(report.held) << report.violation;
    EXPECT_GT(report.sold, 100);
    EXPECT_EQ(report.lost_at_supply_losses, Energy{});
    EXPECT_EQ(report.through_contacts, report.in_registers);
    EXPECT_LT(report.longest_delivery, seconds(120));
}

TEST(Campus, TheSameSeedIsTheSameRunToTheByte) {
    // A failure that cannot be run again is a rumour.
    CampusOptions options;
    options.days = 2;
    options.homes = 12;
    options.seed = 77;
    const CampusReport one = run_campus(options);
    const CampusReport again = run_campus(options);
    EXPECT_TRUE(one.held) << one.violation;
    EXPECT_EQ(one.digest, again.digest);
    EXPECT_EQ(one.step, again.step);
    EXPECT_EQ(one.characters, again.characters);
    options.seed = 78;
    EXPECT_NE(run_campus(options).digest, one.digest);
}

TEST(Campus, AViolationRunsAgainToTheSameStep) {
    // Whoever mends a defect needs the step, and the same one tomorrow.
    CampusOptions options;
    options.homes = 12;
    options.defect = Defect::kRefreshForgetsHold;
    const CampusReport one = run_campus(options);
    const CampusReport again = run_campus(options);
    EXPECT_FALSE(one.held);
    EXPECT_EQ(one.violation, again.violation);
    EXPECT_EQ(one.digest, again.digest);
}

TEST(Campus, ABoxThatWasAwayForAMonthComesBackRight) {
    // The summer holidays: the house is without supply, parents pay, the price rises, somebody moves out. In September
    // each room must have what was bought for it, once.
    for (const std::uint64_t seed : {5, 6}) {  // without its supply, without its line
        CampusOptions options;
        options.days = 48;
        options.boxes = 1;
        options.lines = 1;
        options.homes = 6;
        options.seed = seed;
        options.absence = minutes(30 * 24 * 60);
        const CampusReport report = run_campus(options);
        EXPECT_TRUE(report.held) << "seed " << seed << ": " << report.violation;
        EXPECT_EQ(report.long_absences, 1);
        EXPECT_GT(report.prices_changed, 1);
        EXPECT_GT(report.settings_changed, 10);
    }
}

TEST(Campus, AnOldBackupEndsInAQuestionForEachRoomWhoseMeterKnowsMoreAndTwoPeopleAnswerIt) {
    // After a burnt disk the office is a day behind. Whoever bought in that day has it in the meter, and the next sale
    // must not step over it as if it had never been. After the answer the room is one like the others: what is sold to
    // it arrives, and what it was ever given is used or remains.
    CampusOptions options;
    options.homes = 8;
    options.seed = 3;
    const CampusReport report = run_campus(options);
    EXPECT_TRUE(report.held) << report.violation;
    EXPECT_EQ(report.backups_restored, 1);
    EXPECT_GT(report.rooms_ahead, 5);
    EXPECT_EQ(report.answered_meters + report.answered_offices, report.rooms_ahead);
    EXPECT_GT(report.answered_meters, 0);
    EXPECT_GT(report.answered_offices, 0);
    options.defect = Defect::kRestoredGoesOn;
    const CampusReport careless = run_campus(options);
    EXPECT_FALSE(careless.held);
    EXPECT_EQ(careless.violation.substr(0, 2), "B1") << careless.violation;
}

TEST(Campus, CardsCarryWhatWasSoldAndACheatGainsNothing) {
    // A card that is copied, rolled back, spliced, swapped, torn away at the desk and at the box, found by somebody:
    // each sale is in the meter once, whatever comes first, the card or the line, and nothing else is.
    CampusOptions options;
    options.boxes = options.lines = 1;
    options.homes = 10;
    options.days = 4;
    options.cards = true;
    std::int64_t cheats = 0;
    std::int64_t credited = 0;
    for (options.seed = 1; options.seed <= 3; ++options.seed) {
        const CampusReport report = run_campus(options);
        EXPECT_TRUE(report.held) << "seed " << options.seed << ": " << report.violation;
        EXPECT_GT(report.cards_written, 10);
        EXPECT_GT(report.cards_torn, 0);
        cheats += report.cheats;
        credited += report.credited_while_tapped;
    }
    EXPECT_GT(cheats, 10);
    EXPECT_GT(credited, 0) << "no card came before the line";
}

TEST(Campus, ACardOfTheBooksBeforeARestoreIsAskedAboutWheneverItIsHeldToItsBox) {
    // The office has burnt down, and somebody has last week's purchase in his pocket. The box takes it, days later: the
    // office must ask, and neither step over it nor take it for a sale of its own or for a lost memory.
    CampusOptions options;
    options.boxes = options.lines = 2;
    options.homes = 8;
    options.cards = true;
    std::int64_t restored = 0;
    std::int64_t of_before = 0;
    for (options.seed = 72; options.seed <= 81; options.seed += 3) {
        const CampusReport report = run_campus(options);
        EXPECT_TRUE(report.held) << "seed " << options.seed << ": " << report.violation;
        restored += report.backups_restored;
        of_before += report.cards_of_before;
    }
    EXPECT_EQ(restored, 4);
    EXPECT_GT(of_before, 0) << "no card came after the restore";
}

// 200 weeks in four parts, so that they run beside each other. Under a sanitizer a twentieth of them.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kSeedsOfPart = 3;
#else
constexpr int kSeedsOfPart = 50;
#endif
class CampusWeeks : public testing::TestWithParam<int> {};
TEST_P(CampusWeeks, AllDemandsAreMetWhateverFails) {
    // What no single test thought of: a kill in a checkpoint while a box was away and somebody clicked twice.
    CampusOptions options;
    static constexpr std::pair<int, int> kSizes[] = {{4, 8}, {2, 24}, {2, 8}, {3, 5}};
    std::tie(options.boxes, options.homes) = kSizes[GetParam()];
    options.seed = 1 + static_cast<std::uint64_t>(kSeedsOfPart) * static_cast<std::uint64_t>(GetParam());
    const SeedsReport all = run_seeds(options, kSeedsOfPart);
    EXPECT_TRUE(all.held) << "seed " << all.failing_seed << ": " << all.first_failure.violation
                          << "\nagain: prewatt simulate campus --boxes " << options.boxes << " --homes "
                          << options.homes << " --seed " << all.failing_seed;
    EXPECT_EQ(all.seeds, kSeedsOfPart);
    EXPECT_GT(all.sold, 20 * kSeedsOfPart);
    EXPECT_GT(all.kills, 10 * kSeedsOfPart) << "the faults do not come";
    EXPECT_GT(all.long_absences, kSeedsOfPart / 2);
    EXPECT_GT(all.boxes_changed, kSeedsOfPart / 10);
    if (kSeedsOfPart >= 10) {  // so rare a fault need not be among three weeks
        EXPECT_GT(all.memories_lost, kSeedsOfPart / 10);
    }
    EXPECT_GE(all.backups_restored, kSeedsOfPart / 3 - 2) << "every third week an old backup comes back";
}
INSTANTIATE_TEST_SUITE_P(Parts, CampusWeeks, testing::Range(0, 4));

class CampusControls : public testing::TestWithParam<DefectEntry> {};
TEST_P(CampusControls, IsFoundWithinItsSeeds) {
    // A check that cannot fail is none.
    CampusOptions options;
    options.homes = 12;
    const SeedsReport all = run_seeds(campus_for(GetParam().defect, options), GetParam().seeds_max);
    EXPECT_FALSE(all.held) << GetParam().what << " was not noticed in " << all.seeds << " weeks";
}
INSTANTIATE_TEST_SUITE_P(Defects, CampusControls, testing::ValuesIn(kDefects), [](const auto& one) {
    std::string name(one.param.name);
    for (char& c : name)
        if (c == '-') c = '_';
    return name;
});

}  // namespace
}  // namespace prewatt::campus
