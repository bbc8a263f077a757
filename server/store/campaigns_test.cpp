#include "server/store/campaigns.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

std::vector<Byte> limit_of(std::uint32_t milliamperes) {
    settings::Settings all;
    all.households[0].load.milliamperes = milliamperes;
    std::vector<Byte> bytes(settings::kSettingBytesMax);
    bytes.resize(settings::encode(all, {settings::SettingId::kLoadLimit, 1, 0}, bytes));
    return bytes;
}
Wish limit(std::uint32_t milliamperes) {
    Wish wish;
    wish.kind = WishKind::kSetting;
    wish.setting = {0x02, 0};
    wish.bytes = limit_of(milliamperes);
    return wish;
}

class CampaignsTest : public OfficeTest {
  protected:
    static CampaignOrder order_of(std::string id, const Wish& wish, Selection selection = {}) {
        CampaignOrder order;
        order.order_id = std::move(id);
        order.selection = std::move(selection);
        order.wish = wish;
        order.reason = "works on the riser";
        return order;
    }
    Answer<CampaignRecord> begin(const CampaignOrder& order) {
        return wait<CampaignRecord>([&](auto done) { office_->campaigns().start(order, {"owner", "test"}, done); });
    }
    bool advance() {
        return wait<bool>([&](auto done) { office_->campaigns().advance(now(), done); }).value_or(false);
    }
    void advance_all() {
        while (advance()) {
        }
    }
    CampaignRecord look(CampaignId id) { return *office_->campaigns().campaign(id); }
    // What the meter of every household of box 1 shows, for all that is desired of it.
    void settings_proved(int households) {
        const auto settings = *office_->campaigns().settings_of_box(BoxId{1});
        for (int k = 0; k < households; ++k) {
            SettingReport report;
            report.box = BoxId{1};
            report.household = settings.wishes[static_cast<std::size_t>(k)].household;
            report.number = settings.wishes[static_cast<std::size_t>(k)].number;
            report.name = settings.wishes[static_cast<std::size_t>(k)].name;
            report.version = settings.wishes[static_cast<std::size_t>(k)].version.desired;
            report.at = now();
            tell(report);
        }
    }
    void tell(const SettingReport& report) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->campaigns().record_setting(report, done); }));
    }
};

TEST_F(CampaignsTest, ReachesEveryMemberInChunksAndCountsThoseWhoseMeterHasShownIt) {
    // "Sent to 117" was reported as done while a third of the rooms had nothing.
    building_.boxes = 3;
    start();
    const auto begun = begin(order_of("c", limit(16'000)));
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_EQ(begun->state, CampaignState::kScheduled);
    ASSERT_TRUE(advance());
    ASSERT_TRUE(advance());
    EXPECT_EQ(look(begun->id).progress.members, kCampaignChunk) << "no more than a chunk in one transaction";
    reopen();
    advance_all();
    CampaignRecord now_is = look(begun->id);
    EXPECT_EQ(now_is.state, CampaignState::kRunning);
    EXPECT_EQ(now_is.progress.members, 117) << "the kill between two chunks lost and doubled nobody";
    EXPECT_EQ(now_is.progress.waiting, 117);
    settings_proved(39);
    advance_all();
    EXPECT_EQ(look(begun->id).progress.confirmed, 39);
    EXPECT_EQ(look(begun->id).state, CampaignState::kRunning);
}

TEST_F(CampaignsTest, ARepeatedOrderIsAnsweredAndAnotherUnderItsIdIsRefused) {
    // A double click on "all off" and a stolen order id.
    start();
    Wish off;
    const auto first = begin(order_of("c", off));
    EXPECT_EQ(begin(order_of("c", off))->id, first->id);
    EXPECT_EQ(begin(order_of("c", limit(16'000))).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(office_->campaigns().campaigns(10)->size(), 1u);
}

TEST_F(CampaignsTest, WhatIsSoAlreadyIsNotOrderedAndWhatCannotBeSaysWhy) {
    // Every room switched "on" again is a command, a log entry and a write to the memory of the meter.
    start();
    Wish on;
    on.kind = WishKind::kRemoteOn;
    const HouseholdId off_room = room("3-0102");
    ASSERT_TRUE(
        wait<JobRecord>([&](auto done) { office_->set_remote_hold({"o", off_room, "owner", ""}, true, done); }));
    const auto preview = office_->campaigns().preview({}, on, {"owner", "test"});
    ASSERT_TRUE(preview);
    EXPECT_EQ(preview->members, 39);
    EXPECT_EQ(preview->already, 38);
    ASSERT_EQ(preview->lines.size(), 1u);
    EXPECT_EQ(preview->lines[0].room, "3-0102");
    EXPECT_EQ(preview->lines[0].from, "relay off");
    EXPECT_EQ(preview->households, 39);
    EXPECT_FALSE(preview->needs_two);
    const auto begun = begin(order_of("c", on));
    advance_all();
    const CampaignRecord after = look(begun->id);
    EXPECT_EQ(after.progress.already, 38);
    EXPECT_EQ(after.progress.waiting, 1);
    EXPECT_EQ(office_->jobs(room("3-0103"), 10)->size(), 0u);
}

TEST_F(CampaignsTest, FailuresAreGroupedByCauseAndTriedAgainWhenSomebodySaysSo) {
    // 400 red rows that all say the same are one fault, and it has been repaired.
    start();
    Selection list;
    list.kind = Selection::Kind::kList;
    list.list = {room("3-0101"), room("3-0102"), room("3-0103")};
    Wish off;
    const auto begun = begin(order_of("c", off, list));
    ASSERT_TRUE(begun);
    advance_all();
    ASSERT_EQ(look(begun->id).progress.members, 3);
    for (const HouseholdId household : {list.list[0], list.list[1]}) {
        const auto job = office_->jobs(household, 1)->front();
        ASSERT_TRUE(wait<Done>([&](auto done) {
            office_->record_refused({household, Part::kRemoteHold, 0, job.version}, "the box rejects the key", true,
                                    now(), done);
        }));
    }
    const auto third = office_->jobs(list.list[2], 1)->front();
    ASSERT_TRUE(wait<Done>([&](auto done) {
        office_->record_confirmed({list.list[2], Part::kRemoteHold, 0, third.version}, {}, now(), done);
    }));
    advance_all();
    CampaignRecord done = look(begun->id);
    EXPECT_EQ(done.state, CampaignState::kDone);
    EXPECT_EQ(done.progress.failed, 2);
    ASSERT_EQ(done.progress.causes.size(), 1u);
    EXPECT_EQ(done.progress.causes[0].text, "the box rejects the key");
    EXPECT_EQ(done.progress.causes[0].members, 2);
    const auto again =
        wait<CampaignRecord>([&](auto finish) { office_->campaigns().retry(begun->id, {"owner", "test"}, finish); });
    ASSERT_TRUE(again);
    EXPECT_EQ(again->state, CampaignState::kRunning);
    advance_all();
    EXPECT_EQ(look(begun->id).progress.waiting, 2);
    EXPECT_EQ(look(begun->id).progress.confirmed, 1) << "what was confirmed is not ordered again";
    EXPECT_EQ(office_->jobs(list.list[2], 10)->size(), 1u);
}

TEST_F(CampaignsTest, EachMemberIsToldWithItsStateAndWhy) {
    // "2 failed": the technician knocks at thirty-nine doors to find them.
    start();
    const CampaignId id = begin(order_of("m", limit(5000), *selection_of("box 1")))->id;
    advance_all();
    settings_proved(10);
    const auto settings = *office_->campaigns().settings_of_box(BoxId{1});
    SettingReport report;
    report.kind = SettingReport::Kind::kRefused;
    report.box = BoxId{1};
    report.household = settings.wishes[20].household;
    report.number = settings.wishes[20].number;
    report.name = settings.wishes[20].name;
    report.version = settings.wishes[20].version.desired;
    report.problem = "the box is too old for it";
    report.for_good = true;
    report.at = now();
    tell(report);
    const auto count = [&](std::optional<MemberState> state) {
        return office_->campaigns().members(id, state, 0, kMembersAtOnceMax)->size();
    };
    EXPECT_EQ(count(std::nullopt), 39u);
    EXPECT_EQ(count(MemberState::kConfirmed), 10u);
    EXPECT_EQ(count(MemberState::kWaiting), 28u);
    const auto failed = *office_->campaigns().members(id, MemberState::kFailed, 0, 10);
    ASSERT_EQ(failed.size(), 1u);
    EXPECT_EQ(failed[0].member, report.household.value);
    EXPECT_EQ(failed[0].room, office_->household(report.household)->room);
    EXPECT_EQ(failed[0].problem, "the box is too old for it");
    EXPECT_EQ(failed[0].tries, 0);
    EXPECT_EQ(static_cast<std::int64_t>(failed.size()), look(id).progress.failed) << "as the counts say";

    // Page by page nobody is left out and nobody comes twice.
    std::vector<std::int64_t> seen;
    for (std::int64_t after = 0;;) {
        const auto page = *office_->campaigns().members(id, std::nullopt, after, 7);
        for (const CampaignMember& member : page)
            seen.push_back(member.member);
        if (page.size() < 7) break;
        after = page.back().member;
    }
    EXPECT_EQ(seen.size(), 39u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));

    ASSERT_TRUE(wait<CampaignRecord>([&](auto done) { office_->campaigns().retry(id, {"owner", "test"}, done); }));
    EXPECT_EQ(count(MemberState::kFailed), 0u);
    EXPECT_EQ(office_->campaigns().members(id, std::nullopt, report.household.value - 1, 1)->front().tries, 1);
    EXPECT_EQ(office_->campaigns().members(CampaignId{99}, std::nullopt, 0, 1).error().reason, Reason::kNotFound);
}

TEST_F(CampaignsTest, ABoxIsAMemberByItsNumber) {
    // The list says "room 4" of a box and somebody goes to the wrong landing.
    start();
    Wish clock;
    clock.kind = WishKind::kClock;
    const CampaignId id = begin(order_of("k", clock, *selection_of("box 1")))->id;
    advance_all();
    const auto members = *office_->campaigns().members(id, std::nullopt, 0, 10);
    ASSERT_EQ(members.size(), 1u);
    EXPECT_EQ(members[0].room, std::to_string(office_->box(BoxId{1})->number));
    EXPECT_EQ(members[0].state, MemberState::kWaiting);
}

TEST_F(CampaignsTest, OneFromBeforeTheOfficeKeptItsMembersKeepsThemWhenItStarts) {
    // It was scheduled before the new version was installed; a room that is built before it ends must not go dark.
    start();
    CampaignOrder order = order_of("old", Wish{}, *selection_of("box 1"));
    order.schedule.start_at = now() + minutes(60);
    const CampaignId id = begin(order)->id;
    beside()->execute("UPDATE campaigns SET members_group = NULL");
    advance_all();
    EXPECT_EQ(look(id).state, CampaignState::kScheduled) << "nothing before it starts";
    move(minutes(61));
    advance_all();
    EXPECT_EQ(look(id).state, CampaignState::kRunning);
    EXPECT_EQ(look(id).progress.members, 39);
    std::int64_t kept = 0;
    beside()->query("SELECT COUNT(*) FROM household_group_members m JOIN campaigns c ON c.members_group = m.group_id",
                    {}, [&](const Row& row) { kept = row.integer(0); });
    EXPECT_EQ(kept, 39);
}

TEST_F(CampaignsTest, IsDoneWhenTheLastMemberIsInWhateverOrder) {
    // A campaign that looks only at the first who waits must not end while somebody behind it is dark, nor never end.
    start();
    Selection list;
    list.kind = Selection::Kind::kList;
    list.list = {room("3-0101"), room("3-0102"), room("3-0103"), room("3-0104")};
    const auto begun = begin(order_of("c", limit(16'000), list));
    const auto off = begin(order_of("d", Wish{}, list));
    advance_all();
    const auto confirm = [&](std::size_t k) {
        const auto job = office_->jobs(list.list[k], 1)->front();
        ASSERT_TRUE(wait<Done>([&](auto done) {
            office_->record_confirmed({list.list[k], Part::kRemoteHold, 0, job.version}, {}, now(), done);
        }));
        SettingReport report;
        report.box = BoxId{1};
        report.household = list.list[k];
        report.number = static_cast<std::uint8_t>(k + 1);
        report.name = {0x02, 0};
        report.version = 1;
        report.at = now();
        tell(report);
    };
    for (const std::size_t k : {1u, 3u, 0u}) {
        confirm(k);
        advance_all();
        EXPECT_EQ(look(begun->id).state, CampaignState::kRunning) << k;
        EXPECT_EQ(look(off->id).state, CampaignState::kRunning) << k;
        reopen();
    }
    confirm(2);
    advance_all();
    EXPECT_EQ(look(begun->id).state, CampaignState::kDone);
    EXPECT_EQ(look(off->id).state, CampaignState::kDone);
    EXPECT_EQ(look(off->id).progress.confirmed, 4);
}

TEST_F(CampaignsTest, ReachesAPriceGroup) {
    // The shops get their limits, the flats above them stay as they are.
    start();
    for (const char* shop : {"3-0102", "3-0105"})
        ASSERT_TRUE(wait<Done>(
            [&](auto done) { office_->accounts().set_price_group({"owner", "test"}, room(shop), 2, "a shop", done); }));
    const auto begun = begin(order_of("c", limit(16'000), *selection_of("price_group 2")));
    ASSERT_TRUE(begun) << begun.error().message;
    advance_all();
    EXPECT_EQ(look(begun->id).progress.members, 2);
    EXPECT_EQ(text_of(look(begun->id).order.selection), "price_group 2");
    EXPECT_EQ(office_->campaigns().settings_of_household(room("3-0105"))->size(), 1u);
    EXPECT_TRUE(office_->campaigns().settings_of_household(room("3-0104"))->empty());
    EXPECT_EQ(begin(order_of("c", limit(16'000), *selection_of("price_group 3"))).error().reason,
              Reason::kOrderIdReused);
}

TEST_F(CampaignsTest, PauseHoldsWhatWasNotReachedAndCancelEndsIt) {
    // The phone rings after the first floor went dark.
    building_.boxes = 3;
    start();
    Wish off;
    const auto begun = begin(order_of("c", off));
    advance();
    advance();
    const auto paused =
        wait<CampaignRecord>([&](auto done) { office_->campaigns().pause(begun->id, {"owner", "test"}, done); });
    EXPECT_EQ(paused->state, CampaignState::kPaused);
    EXPECT_FALSE(advance());
    EXPECT_EQ(look(begun->id).progress.members, kCampaignChunk);
    reopen();
    EXPECT_FALSE(advance());
    ASSERT_TRUE(
        wait<CampaignRecord>([&](auto done) { office_->campaigns().resume(begun->id, {"owner", "test"}, done); }));
    EXPECT_TRUE(advance());
    EXPECT_EQ(look(begun->id).progress.members, 117);
    const auto cancelled =
        wait<CampaignRecord>([&](auto done) { office_->campaigns().cancel(begun->id, {"owner", "test"}, done); });
    EXPECT_EQ(cancelled->state, CampaignState::kCancelled);
    EXPECT_FALSE(
        wait<CampaignRecord>([&](auto done) { office_->campaigns().resume(begun->id, {"owner", "test"}, done); }));
}

TEST_F(CampaignsTest, ADailyPlanMakesOneCampaignADayWhateverIsRestarted) {
    // Off at 23:00 every day: twice in a night after a restart, or never again, are both wrong.
    start();
    Wish off;
    CampaignOrder plan = order_of("nightly", off);
    plan.schedule.daily = true;
    plan.schedule.start_at = now() + minutes(60);
    ASSERT_TRUE(begin(plan));
    EXPECT_EQ(*office_->campaigns().due(now()), now() + minutes(60));
    advance_all();
    EXPECT_EQ(office_->campaigns().campaigns(10)->size(), 1u);
    for (int day = 0; day < 3; ++day) {
        move(minutes(day == 0 ? 60 : 24 * 60));
        advance_all();
        reopen();
        advance_all();
        EXPECT_EQ(office_->campaigns().campaigns(10)->size(), 2u + static_cast<std::size_t>(day));
    }
    EXPECT_EQ(office_->campaigns().campaigns(10)->front().order.order_id.substr(0, 8), "nightly#");
}

TEST_F(CampaignsTest, OrdersAreGivenInTheWindowOnly) {
    // The clock of the office stands at 21:33: maintenance is from 23:00 on.
    start();
    CampaignOrder order = order_of("c", limit(16'000));
    order.schedule.from_minute = 23 * 60;
    order.schedule.to_minute = 60;
    const auto begun = begin(order);
    ASSERT_FALSE(in_window(order.schedule, now()));
    EXPECT_FALSE(advance());
    EXPECT_EQ(look(begun->id).progress.members, 0);
    const UnixTime opens = **office_->campaigns().due(now());
    EXPECT_TRUE(in_window(order.schedule, opens));
    move(opens - now());
    advance_all();
    EXPECT_EQ(look(begun->id).progress.members, 39);
}

TEST_F(CampaignsTest, ASettingOfTheBoxIsOrderedOncePerBox) {
    // 39 households behind one box are one profile, not 39.
    building_.boxes = 2;
    start();
    Wish wish;
    wish.kind = WishKind::kSetting;
    wish.setting = {0x13, 0};
    settings::Settings all;
    wish.bytes.resize(settings::kSettingBytesMax);
    wish.bytes.resize(settings::encode(all, {settings::SettingId::kWeekPlan, 0, 0}, wish.bytes));
    const auto begun = begin(order_of("c", wish));
    ASSERT_TRUE(begun) << begun.error().message;
    advance_all();
    EXPECT_EQ(look(begun->id).progress.members, 2);
    const auto settings = *office_->campaigns().settings_of_box(BoxId{2});
    ASSERT_EQ(settings.wishes.size(), 1u);
    EXPECT_EQ(settings.wishes[0].number, 0);
    EXPECT_FALSE(settings.wishes[0].household);
    EXPECT_EQ(settings.wishes[0].bytes, wish.bytes);
}

TEST_F(CampaignsTest, ASettingRemembersWhatWasProvedRefusedAndChangedAtTheMeter) {
    // After a restart the office must know what it need not read again, and what a person has to look at.
    start();
    ASSERT_TRUE(begin(order_of("c", limit(16'000))));
    advance_all();
    settings_proved(1);
    SettingReport report;
    report.kind = SettingReport::Kind::kSum;
    report.box = BoxId{1};
    report.number = 1;
    report.sum = 0xCAFEF00D;
    tell(report);
    const auto wishes = office_->campaigns().settings_of_box(BoxId{1})->wishes;
    report = {};
    report.kind = SettingReport::Kind::kRefused;
    report.box = BoxId{1};
    report.household = wishes[1].household;
    report.name = wishes[1].name;
    report.version = 1;
    report.problem = "the meter does not know this setting";
    report.for_good = true;
    tell(report);
    report.kind = SettingReport::Kind::kDrifted;
    report.household = wishes[0].household;
    report.found = limit_of(60'000);
    report.at = now();
    tell(report);
    reopen();
    const auto settings = *office_->campaigns().settings_of_box(BoxId{1});
    ASSERT_EQ(settings.wishes.size(), 39u);
    EXPECT_FALSE(settings.wishes[0].version.open());
    EXPECT_TRUE(settings.wishes[1].given_up);
    EXPECT_TRUE(settings.wishes[2].version.open());
    ASSERT_EQ(settings.proofs.size(), 1u);
    EXPECT_EQ(settings.proofs[0].sum, 0xCAFEF00D);
    const auto work = office_->work_list().items({});
    ASSERT_TRUE(work);
    ASSERT_EQ(work->size(), 1u);
    EXPECT_EQ(work->front().item.kind, "setting_changed_at_meter");
    // A new order of the same setting opens it again, also what had been given up.
    ASSERT_TRUE(begin(order_of("d", limit(20'000))));
    advance_all();
    EXPECT_TRUE(office_->campaigns().settings_of_box(BoxId{1})->wishes[1].version.open());
    EXPECT_FALSE(office_->campaigns().settings_of_box(BoxId{1})->wishes[1].given_up);
}

}  // namespace
}  // namespace prewatt::server::store
