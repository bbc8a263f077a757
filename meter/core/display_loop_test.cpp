#include "meter/core/display_loop.hpp"

#include <gtest/gtest.h>

#include <string>

namespace prewatt::meter {
namespace {

std::string row(const std::array<char, 6>& characters, std::uint8_t dots) {
    std::string text;
    for (std::size_t k = 0; k < characters.size(); ++k) {
        text += characters[k];
        if (dots >> k & 1) text += '.';
    }
    return text;
}
std::string text(const DisplayFrame& frame) {
    return row(frame.upper, frame.upper_dots) + "|" + row(frame.lower, frame.lower_dots);
}
HouseholdState state(std::initializer_list<Hold> holds, bool low = false) {
    HouseholdState s;
    HoldSet set;
    for (const Hold hold : holds)
        set.set(hold, true);
    s.set_holds(set);
    s.set(StateBit::kLowCredit, low);
    return s;
}

TEST(DisplayLoop, ShowsWhatRemainsToATenthAndNeverMoreThanThereIs) {
    // The window says 0.1 and the room is dark.
    const HouseholdState fine = state({});
    EXPECT_EQ(text(household_frame({1}, fine, 4279, true)), "  0001|   42.7");
    EXPECT_EQ(text(household_frame({39}, fine, 9'999'999, true)), "  0039|99999.9");
    EXPECT_EQ(text(household_frame({2}, fine, 123'456'789, true)), "  0002|99999.9");
    EXPECT_EQ(text(household_frame({2}, fine, 9, true)), "  0002|    0.0");
    EXPECT_EQ(text(household_frame({2}, fine, -1, true)), "  0002|   -0.1");
    EXPECT_EQ(text(household_frame({2}, fine, -12345, true)), "  0002| -123.5");
}

TEST(DisplayLoop, LowCreditFlashesAndCutOffFlashesZero) {
    // Nobody sees that it is time to buy.
    EXPECT_EQ(text(household_frame({7}, state({}, true), 500, true)), "  0007|    5.0");
    EXPECT_EQ(text(household_frame({7}, state({}, true), 500, false)), "  0007|      ");
    EXPECT_EQ(text(household_frame({7}, state({Hold::kCutoffAlarm}, true), 500, true)), "  0007|    0.0");
    EXPECT_EQ(text(household_frame({7}, state({Hold::kNoCredit}), -3, true)), "  0007|    0.0");
    EXPECT_EQ(text(household_frame({7}, state({Hold::kNoCredit}), -3, false)), "  0007|      ");
    EXPECT_EQ(text(household_frame({7}, state({Hold::kRemote}), 500, false)), "  0007|    5.0")
        << "credit is not the reason";
    EXPECT_EQ(text(household_frame({7}, state({Hold::kNotOpened}), 0, false)), "  0007|  ----");
}

TEST(DisplayLoop, GoesRoundMeterNumberSalesUnitAndEveryHouseholdForFourSecondsEach) {
    // A household never comes, or the technician cannot find the meter number.
    DisplayLoop loop;
    loop.start(Instant{} + seconds(100), 39);
    using Kind = DisplayLoop::Page::Kind;
    for (int round = 0; round < 2; ++round)
        for (int page = 0; page < 41; ++page) {
            const Instant now = Instant{} + seconds(100) + kPageTime * (round * 41 + page) + milliseconds(3999);
            const auto shown = loop.page(now);
            EXPECT_EQ(shown.kind, page == 0 ? Kind::kMeterNumber : page == 1 ? Kind::kSalesUnit : Kind::kHousehold);
            EXPECT_EQ(shown.household.number, page > 1 ? page - 1 : 0);
            EXPECT_EQ((shown.until - now).count(), milliseconds(1).count());
        }
    EXPECT_EQ(text(meter_number_frame(2'026'000'001)), "  2026|000001");
    EXPECT_EQ(text(sales_unit_frame(12)), "    PU|  0012");
}

TEST(DisplayLoop, ShowsAmountBoughtThenTheNewTotalAndGoesOn) {
    // The resident has paid and the box shows somebody else's credit.
    DisplayLoop loop;
    loop.start(Instant{}, 39);
    const Instant bought = Instant{} + seconds(30);
    loop.bought({5}, bought);
    using Kind = DisplayLoop::Page::Kind;
    EXPECT_EQ(loop.page(bought + milliseconds(3999)).kind, Kind::kBought);
    EXPECT_EQ(loop.page(bought + seconds(4)).kind, Kind::kNewTotal);
    EXPECT_EQ(loop.page(bought + seconds(4)).household.number, 5);
    EXPECT_EQ(loop.page(bought + seconds(8)).kind, Kind::kHousehold);
    EXPECT_EQ(text(amount_frame({5}, 123'450)), "  0005| 1234.5");
}

TEST(DisplayLoop, FlashIsHalfASecondLitAndHalfASecondDark) {
    // A flash that nobody sees, or one that hurts the eyes.
    DisplayLoop loop;
    loop.start(Instant{}, 12);
    for (int k = 0; k < 40; ++k) {
        const auto page = loop.page(Instant{} + kFlashTime * k);
        EXPECT_EQ(page.lit_half, k % 2 == 0);
        EXPECT_EQ(page.next_flash, Instant{} + kFlashTime * (k + 1));
    }
}

}  // namespace
}  // namespace prewatt::meter
