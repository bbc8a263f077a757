// The short form of `prewatt torture card`, and that it would find something.
#include "torture/card.hpp"

#include <gtest/gtest.h>

namespace prewatt::torture {
namespace {

std::string all_of(const CardReport& report) {
    std::string text;
    for (const std::string& finding : report.findings)
        text += finding + "\n";
    return text + report.what_happened;
}
bool has(const CardReport& report, const std::string& kind) {
    for (const std::string& finding : report.findings)
        if (finding.starts_with(kind)) return true;
    return false;
}

TEST(CardTorture, AC08AC09AC10AC11AC14TornOnBothSidesForYearsNothingIsLostOrDoubled) {
    // Somebody draws the card back a moment too early, again and again, at the desk and at the box: credit is gone, or
    // is there twice, or the card is dead, or money is paid back for what was used.
    const CardReport report = torture_cards({.tears = 3000, .seed = 20261128});
    EXPECT_TRUE(report.findings.empty()) << all_of(report);
    EXPECT_TRUE(report.figures.all_met()) << report.figures.table() << report.what_happened;
}

TEST(CardTorture, TheSameSeedIsTheSameRun) {
    // A finding that does not come back cannot be understood.
    const CardReport first = torture_cards({.tears = 200, .seed = 5});
    const CardReport second = torture_cards({.tears = 200, .seed = 5});
    EXPECT_EQ(first.digest, second.digest);
    EXPECT_NE(first.digest, torture_cards({.tears = 200, .seed = 6}).digest);
}

TEST(CardTortureFinds, ADeskThatGoesByWhatReadsWell) {
    // The naive rule writes over the good copy on the word of a weak one.
    const CardReport report = torture_cards({.tears = 20'000, .seed = 3, .planted = "naive-slot"});
    EXPECT_TRUE(has(report, "unreadable: ")) << all_of(report);
}

TEST(CardTortureFinds, RecordsWhoseTagSaysNothing) {
    // Whoever edits a figure is believed.
    const CardReport report = torture_cards({.tears = 3000, .seed = 3, .planted = "no-tag"});
    EXPECT_FALSE(report.findings.empty()) << all_of(report);
}

TEST(CardTortureFinds, AnOfficeThatTakesTheCardForTheMeter) {
    // AC11: torn at the desk, paid back, swiped all the same.
    const CardReport report = torture_cards({.tears = 3000, .seed = 3, .planted = "early-payout"});
    EXPECT_TRUE(has(report, "believed too early: ") || has(report, "paid too early: ")) << all_of(report);
}

}  // namespace
}  // namespace prewatt::torture
