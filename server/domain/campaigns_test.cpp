#include "server/domain/campaigns.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

// Minute of the office's day, some day in 2026.
UnixTime at(int hour, int minute) {
    constexpr std::int64_t kMidnight_ms = 20'700LL * 86'400'000 - 8 * 3'600'000;
    return UnixTime{kMidnight_ms + (hour * 60 + minute) * 60'000LL};
}

TEST(Wishes, KeepTheirTextOverARestart) {
    // What is in the database must be the order that was given, after any number of restarts.
    settings::Settings all;
    Wish setting;
    setting.kind = WishKind::kSetting;
    setting.setting = {0x02, 0};
    setting.bytes.resize(settings::kSettingBytesMax);
    setting.bytes.resize(settings::encode(all, {settings::SettingId::kLoadLimit, 1, 0}, setting.bytes));
    Wish alarms;
    alarms.kind = WishKind::kAlarms;
    alarms.alarms = {energy_of_hundredths(1000), energy_of_hundredths(200), {}};
    Wish force;
    force.kind = WishKind::kForce;
    force.force_minutes = 30;
    Wish clock;
    clock.kind = WishKind::kClock;
    for (const Wish& wish : {setting, alarms, force, clock}) {
        EXPECT_EQ(wish_of(text_of(wish)), wish) << text_of(wish);
        EXPECT_FALSE(check_wish(wish)) << text_of(wish);
    }
    EXPECT_EQ(text_of(alarms), "alarms 1000 200 0");
    for (const char* wrong : {"", "force", "force x", "force -1", "alarms 1 2", "setting 2 0 ABC", "setting 300 0 AB",
                              "remote_off 1", "explode"})
        EXPECT_FALSE(wish_of(wrong)) << wrong;
    setting.bytes[4] = 0;  // a delay of 0 s
    EXPECT_TRUE(check_wish(setting)) << "an illegal value is refused before 10,000 meters refuse it";
    force.force_minutes = 1441;
    EXPECT_TRUE(check_wish(force));
}

TEST(Selections, KeepTheirText) {
    // The wrong floor of the wrong building goes dark.
    Selection floor{Selection::Kind::kFloor, 3, 12, {}};
    EXPECT_EQ(text_of(floor), "floor 3 12");
    EXPECT_EQ(selection_of("floor 3 12"), floor);
    Selection list;
    list.kind = Selection::Kind::kList;
    list.list = {HouseholdId{4}, HouseholdId{9}};
    EXPECT_EQ(selection_of(text_of(list)), list);
    EXPECT_EQ(selection_of("all"), Selection{});
    for (const char* wrong : {"", "floor 3", "all 1", "list", "box", "group x", "planet 1"})
        EXPECT_FALSE(selection_of(wrong)) << wrong;
}

TEST(Schedules, OrdersAreGivenInTheirWindowOnly) {
    // Maintenance from 23:00 to 01:00 must not switch anybody off at noon.
    const Schedule night{{}, false, 23 * 60, 60};
    EXPECT_TRUE(in_window(night, at(23, 30)));
    EXPECT_TRUE(in_window(night, at(0, 59)));
    EXPECT_FALSE(in_window(night, at(1, 0)));
    EXPECT_EQ(next_start(night, at(12, 0)), at(23, 0));
    EXPECT_EQ(next_start(night, at(23, 59)), at(23, 59));
    const Schedule morning{at(10, 0), false, 9 * 60, 11 * 60};
    EXPECT_EQ(next_start(morning, at(8, 0)), at(10, 0)) << "the start is later than the window";
    EXPECT_EQ(next_start(morning, at(12, 0)), at(9 + 24, 0));
    EXPECT_TRUE(in_window({}, at(4, 0))) << "no window: at any time";
}

TEST(MassActions, ManyMembersAndAnyPriceNeedTwoPeople) {
    // One wrong click and a whole house is dark.
    Act act{kind_of_act(Wish{}), "campaign.start", "", "", {}, ApprovalRules{}.households_max};
    EXPECT_FALSE(needs_two(ApprovalRules{}, act, true));
    ++act.households;
    EXPECT_TRUE(needs_two(ApprovalRules{}, act, true));
    Wish price;
    price.kind = WishKind::kSetting;
    price.setting = {0x15, 1};
    EXPECT_TRUE(needs_two(ApprovalRules{}, {kind_of_act(price), "campaign.start", "", "", {}, 1}, true));
}

TEST(CampaignText, StatesOfMembersReadAsTheyAreWritten) {
    // A filter by "failed" that the office does not know shows everybody.
    for (const MemberState state : {MemberState::kConfirmed, MemberState::kAlready, MemberState::kWaiting,
                                    MemberState::kFailed, MemberState::kCannot})
        EXPECT_EQ(member_state_of(word(state)), state) << word(state);
    EXPECT_FALSE(member_state_of("broken"));
}

}  // namespace
}  // namespace prewatt::server
