#include "meter/core/display_loop.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

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

TEST(DisplayLoop, DarkForAnotherReasonThanCreditShowsWhichOne) {
    // The room is dark with 42 kWh on the display, and the caretaker sends the student away.
    const std::pair<HouseholdState, const char*> cases[] = {
        {state({Hold::kMalignant}), "  0007|  E-03"},
        {state({Hold::kOverload}), "  0007|  E-04"},
        {state({Hold::kMalignant, Hold::kLockedOut}), "  0007|  E-05"},
        {state({Hold::kSchedule}), "  0007|  E-06"},
        {state({Hold::kRemote}), "  0007|  E-07"},
        {state({Hold::kSupply}), "  0007|  E-09"},
    };
    DisplayLoop::Page page;
    page.household = {7};
    for (const auto& [dark, shown] : cases) {
        page.second_half = false;
        EXPECT_EQ(text(page_frame(page, dark, 4279, 0, false)), "  0007|   42.7");
        page.second_half = true;
        EXPECT_EQ(text(page_frame(page, dark, 4279, 0, false)), shown);
    }
    HouseholdState forced = state({Hold::kOverload});
    forced.set(StateBit::kRelayClosed, true);
    EXPECT_EQ(text(page_frame(page, forced, 4279, 0, false)), "  0007|   42.7") << "it has power";
    forced.set(StateBit::kRelayFault, true);
    EXPECT_EQ(text(page_frame(page, forced, 4279, 0, false)), "  0007|  E-10");
    EXPECT_EQ(text(page_frame(page, state({}), 4279, 0, true)), "  0007|  E-06") << "a timed cut-off is announced";
    EXPECT_EQ(text(page_frame(page, state({Hold::kNoCredit}), 4279, 0, false)), "  0007|    0.0")
        << "credit flashes 0.0";
}

TEST(DisplayLoop, PageSecondsComeFromTheSettingsAndAChangeStaysOnThePage) {
    // Somebody sets 10 s and the display jumps to another household at every poll.
    DisplayLoop loop;
    loop.start(Instant{}, 39);
    const Instant now = Instant{} + seconds(4 * 9 + 3);
    EXPECT_EQ(loop.page(now).household, Household{8});
    loop.set_page_time(seconds(10), now);
    EXPECT_EQ(loop.page(now + milliseconds(9999)).household, Household{8});
    EXPECT_EQ(loop.page(now + seconds(10)).household, Household{9});
    loop.set_page_time(seconds(10), now + seconds(15));
    EXPECT_EQ(loop.page(now + seconds(20)).household, Household{10}) << "the same again is no change";
    EXPECT_EQ(loop.page(now + seconds(10 * 32)).kind, DisplayLoop::Page::Kind::kMeterNumber);
}

void settle(DisplayLoop& loop, VerificationSocket::Pins pins, Instant& now) {
    EXPECT_EQ(loop.on_pins(pins, now), now + kSocketDebounce);
    now = now + kSocketDebounce;
    EXPECT_EQ(loop.on_pins(pins, now), kNever);
}

TEST(DisplayLoop, WithThePlugInTheLowerRowShowsEnergyUsed) {
    // The verifier reads what remains and compares it with the standard meter.
    DisplayLoop loop;
    loop.start(Instant{}, 39);
    Instant now = Instant{} + seconds(41);
    settle(loop, {.plugged = true}, now);
    const auto page = loop.page(now);
    EXPECT_EQ(text(page_frame(page, state({Hold::kNoCredit}), -3, 1'234'567, false)), "  0009|12345.6")
        << "and does not flash";
    EXPECT_EQ(text(page_frame(page, state({Hold::kNotOpened}), 0, 4, false)), "  0009|    0.0");
    EXPECT_EQ(text(page_frame(page, state({}), 0, 12'345'678'99, false)), "  0009|45678.9") << "turns over";
    EXPECT_EQ(loop.held(now), Household{}) << "nobody's pulses until pins 4 and 6 are joined";
    EXPECT_EQ(loop.page(now + seconds(4)).household, Household{10}) << "the loop goes on";
    settle(loop, {}, now);
    EXPECT_FALSE(loop.page(now).used);
}

TEST(DisplayLoop, JoinedPinsStayOnTheHouseholdAndAShortBreakStepsToTheNext) {
    // The error calculator runs for minutes; the display walks away and the pulses are somebody else's.
    DisplayLoop loop;
    loop.start(Instant{}, 39);
    Instant now = Instant{} + seconds(4 * 8 + 1);
    settle(loop, {true, true}, now);
    for (const int wait : {0, 3, 4, 4000, 400'000}) {
        now = now + seconds(wait);
        EXPECT_EQ(loop.page(now).household, Household{7});
        EXPECT_EQ(loop.held(now), Household{7});
    }
    EXPECT_EQ(text(page_frame(loop.page(now), state({}), 0, 1'234'567, false)), "  0007|2345.67");
    loop.bought({3}, now);
    EXPECT_EQ(loop.page(now).household, Household{7}) << "a purchase does not take the display away";

    settle(loop, {true, false}, now);
    EXPECT_EQ(loop.held(now), Household{});
    now = now + seconds(9);
    EXPECT_EQ(loop.page(now).household, Household{10});
    settle(loop, {true, true}, now);
    EXPECT_EQ(loop.held(now), Household{10});
    settle(loop, {true, false}, now);
    settle(loop, {true, true}, now);
    EXPECT_EQ(loop.held(now), Household{11}) << "a short break";
    EXPECT_EQ(loop.on_pins({true, false}, now), now + kSocketDebounce);
    EXPECT_EQ(loop.on_pins({true, true}, now + milliseconds(49)), kNever);
    EXPECT_EQ(loop.held(now + seconds(60)), Household{11}) << "a contact that bounces";
    EXPECT_EQ(loop.on_pins({false, true}, now), now + kSocketDebounce) << "without a plug nothing is joined";
}

TEST(DisplayLoop, JoinedWhileTheMeterNumberIsOnRunsOnToTheFirstHouseholdAndStaysThere) {
    // The verifier joins the pins during the meter number and gets no pulses at all.
    DisplayLoop loop;
    loop.start(Instant{}, 12);
    Instant now = Instant{} + seconds(1);
    settle(loop, {true, true}, now);
    EXPECT_EQ(loop.page(now).kind, DisplayLoop::Page::Kind::kMeterNumber);
    EXPECT_EQ(loop.held(now), Household{});
    EXPECT_EQ(loop.held(now + seconds(8)), Household{1});
    EXPECT_EQ(loop.held(now + seconds(8000)), Household{1});
    now = now + seconds(8000);
    settle(loop, {true, false}, now);
    EXPECT_EQ(loop.page(now).household, Household{2});
}

TEST(DisplayLoop, AfterTheLastHouseholdABreakStepsToTheMeterNumber) {
    // Step beyond the end of the box: household 13 of 12.
    DisplayLoop loop;
    loop.start(Instant{}, 12);
    Instant now = Instant{} + seconds(4 * 13 + 1);
    settle(loop, {true, true}, now);
    EXPECT_EQ(loop.held(now), Household{12});
    settle(loop, {true, false}, now);
    EXPECT_EQ(loop.page(now).kind, DisplayLoop::Page::Kind::kMeterNumber);
}

TEST(DisplayLoop, WhyNotFollowsWhatIsBeingShownOfTheCard) {
    // "Err-35" wipes the amount away before anybody has read it.
    using Kind = DisplayLoop::Page::Kind;
    const Instant start{};
    DisplayLoop loop;
    loop.start(start, 39);
    const Instant now = start + minutes(10);
    loop.notify({{5}, true, true, false, 0, false}, now);
    loop.notify_code({5}, 35, now + milliseconds(200));
    EXPECT_EQ(loop.page(now + seconds(3)).kind, Kind::kBought);
    EXPECT_EQ(loop.page(now + seconds(7)).kind, Kind::kNewTotal);
    const DisplayLoop::Page page = loop.page(now + seconds(9));
    EXPECT_EQ(page.kind, Kind::kCardCode);
    EXPECT_EQ(page.code, 35);
    EXPECT_EQ(page.household, Household{5});
    EXPECT_EQ(page.until, now + seconds(12));
    EXPECT_NE(loop.page(now + seconds(12)).kind, Kind::kCardCode);
    // By itself it is shown at once, and a newer one takes its place.
    loop.notify_code({}, 32, now + seconds(20));
    loop.notify_code({}, 37, now + seconds(21));
    EXPECT_EQ(loop.page(now + seconds(21)).code, 37);
    loop.notify({{5}, false, true, false, 0, false}, now + seconds(30));
    EXPECT_EQ(loop.page(now + seconds(30)).kind, Kind::kNewTotal) << "nothing was bought";
    EXPECT_NE(loop.page(now + seconds(34)).kind, Kind::kNewTotal);
    EXPECT_EQ(std::string(card_code_frame({12}, 32).lower.data(), 6), "Err-32");
    EXPECT_EQ(std::string(card_code_frame({12}, 32).upper.data(), 6), "  0012");
    EXPECT_EQ(std::string(card_code_frame({}, 32).upper.data(), 6), "      ");
}

TEST(DisplayLoop, AnInspectionGoesThroughEveryHouseholdOnce) {
    // A technician reads the limits of household 12 as those of household 13.
    using Kind = DisplayLoop::Page::Kind;
    const Instant now{};
    DisplayLoop loop;
    loop.start(now, 12);
    loop.notify({{}, false, false, false, 0, true}, now);
    for (int n = 1; n <= 12; ++n)
        for (int item = 0; item < kInspectionItems; ++item) {
            const Instant at = now + kInspectionTime * ((n - 1) * kInspectionItems + item) + milliseconds(1);
            const DisplayLoop::Page page = loop.page(at);
            ASSERT_EQ(page.kind, Kind::kInspection);
            ASSERT_EQ(page.household.number, n);
            ASSERT_EQ(static_cast<int>(page.item), item);
        }
    EXPECT_NE(loop.page(now + kInspectionTime * 36).kind, Kind::kInspection);
    EXPECT_EQ(std::string(inspection_frame({3}, InspectionItem::kCurrentLimit, 900).lower.data(), 6), "    90");
    EXPECT_EQ(std::string(inspection_frame({3}, InspectionItem::kCurrentLimit, 900).upper.data(), 6), "P 0003");
    EXPECT_EQ(std::string(inspection_frame({3}, InspectionItem::kLowAlarm, 0).lower.data(), 6), "  ----");
}

}  // namespace
}  // namespace prewatt::meter
