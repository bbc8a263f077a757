#include "meter/core/cutoff_alarm.hpp"

#include <gtest/gtest.h>

namespace prewatt::meter {
namespace {

TEST(CutoffAlarm, RemindsOnceForEachPurchase) {
    // A resident acknowledges the reminder and is in the dark again a minute later.
    CutoffStage stage = CutoffStage::kArmed;
    stage = next(stage, CutoffEvent::kBelow);
    EXPECT_EQ(stage, CutoffStage::kReminding);
    stage = next(stage, CutoffEvent::kBelow);
    EXPECT_EQ(stage, CutoffStage::kReminding);
    stage = next(stage, CutoffEvent::kAcknowledge);
    EXPECT_EQ(stage, CutoffStage::kGiven);
    for (int k = 0; k < 5; ++k)
        stage = next(stage, CutoffEvent::kBelow);
    EXPECT_EQ(stage, CutoffStage::kGiven);
    stage = next(stage, CutoffEvent::kPurchase);
    stage = next(stage, CutoffEvent::kAbove);
    EXPECT_EQ(stage, CutoffStage::kArmed);
    EXPECT_EQ(next(stage, CutoffEvent::kBelow), CutoffStage::kReminding);
}

TEST(CutoffAlarm, SmallPurchaseLightsTheRoomAlthoughItStaysBelowTheLevel) {
    // Somebody pays one yuan to cook dinner, and stays in the dark because the alarm stands at ten kWh.
    const CutoffStage stage = next(next(CutoffStage::kReminding, CutoffEvent::kPurchase), CutoffEvent::kBelow);
    EXPECT_EQ(stage, CutoffStage::kGiven);
}

TEST(CutoffAlarm, AcknowledgingInAdvanceDoesNotSwallowTheReminder) {
    // A swipe long before the level is reached, and the reminder never comes.
    EXPECT_EQ(next(CutoffStage::kArmed, CutoffEvent::kAcknowledge), CutoffStage::kArmed);
}

}  // namespace
}  // namespace prewatt::meter
