#include "server/app/desire_feed.hpp"

#include <gtest/gtest.h>

#include "server/api/testing/fake_office.hpp"
#include "server/domain/office_calendar.hpp"

namespace prewatt::server::app {
namespace {

constexpr BoxId kBox{1};
constexpr BoxId kOtherBox{2};
constexpr HouseholdId kHome{7};
constexpr LineId kLine{1};

// A database that cannot be read for a while.
class UnreadableOffice final : public api::FakeOffice {
  public:
    bool readable = true;
    int asked = 0;
    std::map<HouseholdId, DesiredState> states;

    Answer<DesiredState> desired(HouseholdId household) override {
        ++asked;
        if (!readable) return std::unexpected(broken());
        const auto found = states.find(household);
        if (found == states.end()) return std::unexpected(Refusal{Reason::kNotFound, "There is no such household."});
        return found->second;
    }
    Answer<std::vector<DesiredState>> desired_of_line(LineId) override {
        if (!readable) return std::unexpected(broken());
        std::vector<DesiredState> all;
        for (const auto& [household, state] : states)
            all.push_back(state);
        return all;
    }
    Answer<std::vector<BoxRecord>> boxes_of_line(LineId) override {
        if (!readable) return std::unexpected(broken());
        BoxRecord box;
        box.id = kBox;
        return std::vector{box};
    }
    void put(HouseholdId household, BoxId box, std::uint8_t number, std::uint32_t ticket) {
        DesiredState& state = states[household];
        state.household = household;
        state.box = box;
        state.number = number;
        state.ticket = {1, ticket, credit_of_hundredths(100 * ticket)};
    }
    static Refusal broken() { return {Reason::kStorageFailed, "the disk does not answer"}; }
};

class DesireFeedTest : public testing::Test, protected DesireFeed::Masters {
  protected:
    bool reaches(BoxId box) override { return box == kBox || box == kOtherBox; }
    void desire(std::span<const DesiredState> desired) override {
        for (const DesiredState& one : desired)
            told_[{one.box, one.number}] = one;
    }
    void forget(BoxId box, std::uint8_t number) override { told_.erase({box, number}); }
    void desire_settings(BoxSettings settings) override { ++settings_told_[settings.box]; }
    void want_freezes(BoxId box, std::vector<CivilSeconds> due) override { freezes_[box] = std::move(due); }

    void change(HouseholdId household) {
        const Change changes[] = {{Change::Kind::kDesired, household.value}};
        EXPECT_TRUE(feed_.note(changes));
    }
    [[nodiscard]] std::uint32_t ticket_at(BoxId box, std::uint8_t number) const {
        const auto found = told_.find({box, number});
        return found == told_.end() ? 0 : found->second.ticket.number;
    }

    UnreadableOffice office_;
    std::map<std::pair<BoxId, std::uint8_t>, DesiredState> told_;
    std::map<BoxId, int> settings_told_;
    std::map<BoxId, std::vector<CivilSeconds>> freezes_;
    std::vector<std::string> problems_;
    DesireFeed feed_{office_, *this, [this](std::string problem) { problems_.push_back(std::move(problem)); }};
    Instant now_{1'000'000};
};

TEST_F(DesireFeedTest, WhatCannotBeReadIsReadLaterWithoutAnotherChange) {
    // The disk hangs for a moment while somebody buys; the room stays dark until he buys again.
    office_.put(kHome, kBox, 3, 1);
    office_.readable = false;
    change(kHome);
    feed_.turn(now_);
    EXPECT_EQ(ticket_at(kBox, 3), 0u);
    ASSERT_EQ(problems_.size(), 1u);
    EXPECT_NE(problems_[0].find("the disk does not answer"), std::string::npos);
    for (int k = 0; k < 20; ++k) {  // it stays away for a while: asked once a second, said once
        EXPECT_EQ(feed_.due(), now_ + kReadAgainAfter);
        now_ = feed_.due();
        feed_.turn(now_ - microseconds(1));
        EXPECT_EQ(office_.asked, 1 + k);
        feed_.turn(now_);
        EXPECT_EQ(office_.asked, 2 + k);
    }
    EXPECT_EQ(problems_.size(), 1u);
    office_.readable = true;
    now_ = feed_.due();
    feed_.turn(now_);
    EXPECT_EQ(ticket_at(kBox, 3), 1u);
    EXPECT_EQ(feed_.due(), kNever);
}

TEST_F(DesireFeedTest, ALineThatCouldNotBeReadAtTheStartIsReadWhole) {
    // A whole building hears nothing of its office until the next restart.
    office_.put(kHome, kBox, 3, 4);
    office_.put(HouseholdId{8}, kBox, 4, 2);
    office_.readable = false;
    feed_.note_line(kLine);
    EXPECT_EQ(feed_.due(), Instant{});
    feed_.turn(now_);
    office_.readable = true;
    feed_.turn(feed_.due());
    EXPECT_EQ(ticket_at(kBox, 3), 4u);
    EXPECT_EQ(ticket_at(kBox, 4), 2u);
    EXPECT_EQ(settings_told_[kBox], 1);
    EXPECT_EQ(feed_.due(), kNever);
}

TEST_F(DesireFeedTest, SettingsThatCouldNotBeReadAreReadLater) {
    // The new limit of the load guard never reaches the box.
    auto& campaigns = static_cast<api::FakeCampaigns&>(office_.campaigns());
    campaigns.refuse_questions = UnreadableOffice::broken();
    const Change changes[] = {{Change::Kind::kSettings, kBox.value}};
    EXPECT_TRUE(feed_.note(changes));
    feed_.turn(now_);
    EXPECT_EQ(settings_told_[kBox], 0);
    campaigns.refuse_questions.reset();
    feed_.turn(feed_.due());
    EXPECT_EQ(settings_told_[kBox], 1);
}

TEST_F(DesireFeedTest, ANewerChangeOfWhatCouldNotBeReadIsToldOnceAndIsTheNewest) {
    // The repetition of an old state comes after the new one: the meter gets a total of yesterday.
    office_.put(kHome, kBox, 3, 1);
    office_.readable = false;
    change(kHome);
    feed_.turn(now_);
    office_.readable = true;
    office_.put(kHome, kBox, 3, 2);
    change(kHome);
    feed_.turn(now_ + milliseconds(10));
    EXPECT_EQ(ticket_at(kBox, 3), 2u);
    EXPECT_EQ(feed_.due(), kNever) << "nothing is left to be asked again";
}

TEST_F(DesireFeedTest, WhoMovesIsForgottenWhereItWasUnlessSomebodyElseIsThere) {
    // A household that has moved goes on being driven in its old room, or the one that moved in there is not driven.
    office_.put(kHome, kBox, 3, 5);
    feed_.note_line(kLine);
    feed_.turn(now_);
    office_.put(kHome, kOtherBox, 9, 6);
    change(kHome);
    feed_.turn(now_);
    EXPECT_EQ(ticket_at(kBox, 3), 0u);
    EXPECT_EQ(ticket_at(kOtherBox, 9), 6u);
    EXPECT_EQ(settings_told_[kOtherBox], 1);
    // Two that change places, the second one told first.
    office_.put(HouseholdId{8}, kOtherBox, 9, 1);
    change(HouseholdId{8});
    feed_.turn(now_);
    office_.put(kHome, kBox, 3, 7);
    change(kHome);
    feed_.turn(now_);
    EXPECT_EQ(ticket_at(kOtherBox, 9), 1u) << "who moved in stays";
    EXPECT_EQ(ticket_at(kBox, 3), 7u);
}

TEST_F(DesireFeedTest, AHouseholdWithoutABoxOrThatIsGoneIsForgottenAndNotAskedForEver) {
    // A meter that was taken down is asked for its ticket for ever.
    office_.put(kHome, kBox, 3, 5);
    feed_.note_line(kLine);
    feed_.turn(now_);
    office_.put(kHome, BoxId{}, 0, 5);
    change(kHome);
    feed_.turn(now_);
    EXPECT_EQ(ticket_at(kBox, 3), 0u);
    change(HouseholdId{99});
    feed_.turn(now_);
    EXPECT_EQ(feed_.due(), kNever);
    EXPECT_TRUE(problems_.empty());
}

TEST_F(DesireFeedTest, WhatTheArchiveMissesIsWantedOfItsBoxesAndNoLongerThanItIsMissing) {
    // A freeze that was stored is read every five minutes for a year.
    auto& archive = static_cast<api::FakeArchive&>(office_.archive());
    const UnixTime november = OfficeMonth{2026, 11}.begin();
    archive.wishes = {
        {kBox, november}, {kOtherBox, november}, {kBox, OfficeMonth{2026, 10}.begin()}, {BoxId{9}, november}};
    feed_.look_for_freezes();
    EXPECT_EQ(freezes_[kBox], (std::vector{to_seconds({2026, 11, 1, 0, 0, 0}), to_seconds({2026, 10, 1, 0, 0, 0})}));
    EXPECT_EQ(freezes_[kOtherBox].size(), 1u);
    EXPECT_FALSE(freezes_.contains(BoxId{9})) << "nobody drives it";
    archive.wishes = {{kOtherBox, november}};
    feed_.look_for_freezes();
    EXPECT_TRUE(freezes_[kBox].empty());
    EXPECT_EQ(freezes_[kOtherBox].size(), 1u);
}

}  // namespace
}  // namespace prewatt::server::app
