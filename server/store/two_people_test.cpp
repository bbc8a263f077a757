#include "server/store/accounts_fixture.hpp"
#include "server/store/audit.hpp"
#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

const Actor kLi{"li", "10.0.0.7"};      // a cashier
const Actor kWang{"wang", "10.0.0.8"};  // another one
const Actor kOwner{"owner", "10.0.0.9"};

// Refunds, corrections, settlements of more than 200.00 yuan, in an office of an owner, two cashiers and an auditor.
class MoneyOfTwo : public AccountsTest {
  protected:
    void start_with_people() {
        start();
        for (const auto& [name, role] : {std::pair{"li", Role::kCashier}, std::pair{"wang", Role::kCashier},
                                         std::pair{"hu", Role::kAuditor}, std::pair{"tan", Role::kTechnician}}) {
            UserRecord user;
            user.user = name;
            user.role = role;
            ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(user, "long enough", kOwner, done); }));
        }
        move(kOwnAccountTime + minutes(1));
        home_ = room("3-0101");
    }
    BookingId sold(std::string id, std::int64_t amount_fen) {
        SaleOrder order = AccountsTest::order(std::move(id), home_, amount_fen);
        order.operator_name = "li";
        const auto sale = sell(order);
        EXPECT_TRUE(sale) << sale.error().message;
        meter(home_, used_);
        return sale ? BookingId{sale->sale.id} : BookingId{};
    }
    static MoneyOrder of_li(std::string id) { return {std::move(id), kLi, "moves out"}; }
    Answer<BookingsAnswer> ask_refund(std::string id, BookingId sale, std::optional<Money> amount = {}) {
        return wait<BookingsAnswer>([&](auto done) { accounts().refund({of_li(std::move(id)), sale, amount}, done); });
    }
    Answer<BookingsAnswer> ask_settlement(std::string id) {
        return wait<BookingsAnswer>([&](auto done) { accounts().settle(of_li(std::move(id)), home_, done); });
    }
    Answer<BookingsAnswer> ask_correction(std::string id, BookingId sale, std::optional<Money> right) {
        return wait<BookingsAnswer>(
            [&](auto done) { accounts().correct({of_li(std::move(id)), sale, {}, right}, done); });
    }
    ApprovalId waiting(const Answer<BookingsAnswer>& asked) {
        EXPECT_FALSE(asked) << "it was done by one person";
        if (asked) return {};
        EXPECT_EQ(asked.error().reason, Reason::kNeedsApproval) << asked.error().message;
        return ApprovalId{asked.error().limit};
    }
    Answer<ApprovalRecord> approve(ApprovalId id, const Actor& who) {
        return wait<ApprovalRecord>([&](auto done) { office_->approvals().approve(id, who, done); });
    }
    std::size_t bookings() { return accounts().bookings(home_, {}, 1000)->size(); }
    std::size_t journal(std::string action) {
        AuditFilter filter;
        filter.action = std::move(action);
        return office_->audit().records(filter)->size();
    }

    HouseholdId home_;
    std::int64_t used_ = 0;
};

TEST_F(MoneyOfTwo, RefundAboveTheLimitIsBookedOnceWhenAnotherPersonAgrees) {
    // One cashier sells to a friend and pays it out to himself, day after day; or both click and it is paid twice.
    start_with_people();
    const BookingId sale = sold("s", 50'000);
    const std::size_t before = bookings();
    ASSERT_TRUE(ask_refund("small", sale, fen(100))) << "below the limit one person does it";
    meter(home_, 0);
    const ApprovalId id = waiting(ask_refund("r", sale, fen(30'000)));
    EXPECT_EQ(waiting(ask_refund("r", sale, fen(30'000))), id) << "a double click is one request";
    EXPECT_EQ(ask_refund("r", sale, fen(30'001)).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(bookings(), before + 1);
    reopen();  // nothing is lost between asking and approving
    EXPECT_EQ(approve(id, kLi).error().reason, Reason::kNoRight) << "himself";
    EXPECT_EQ(approve(id, {"hu", ""}).error().reason, Reason::kNoRight) << "an auditor only looks";
    EXPECT_EQ(approve(id, {"tan", ""}).error().reason, Reason::kNoRight) << "nor a technician";
    EXPECT_EQ(bookings(), before + 1);
    const auto done = approve(id, kWang);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;
    EXPECT_EQ(bookings(), before + 2);
    const Booking refund = accounts().bookings(home_, {}, 1)->front();
    EXPECT_EQ(refund.kind, BookingKind::kRefund);
    EXPECT_EQ(refund.amount, fen(-30'000));
    EXPECT_EQ(refund.operator_name, "li");
    EXPECT_EQ(refund.order_id, "r");
    EXPECT_EQ(approve(id, kWang).error().reason, Reason::kAlreadyDecided);
    const auto again = ask_refund("r", sale, fen(30'000));
    ASSERT_TRUE(again) << "the order id answers what was done";
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->bookings.front().id, refund.id);
    EXPECT_EQ(bookings(), before + 2);
    EXPECT_EQ(journal("sale.refund"), 2u);
    EXPECT_EQ(journal("approval.ask"), 1u);
    EXPECT_EQ(journal("approval.approve"), 1u);
    EXPECT_EQ(office_->audit().verify(std::nullopt)->fault, AuditFault::kNone);
    expect_balanced();
}

TEST_F(MoneyOfTwo, ALargeRefundIsNotMadeOfSmallOnesInADay) {
    // 199 yuan, five times before lunch.
    start_with_people();
    const BookingId first = sold("s1", 30'000);
    const BookingId second = sold("s2", 30'000);
    ASSERT_TRUE(ask_refund("r1", first, fen(15'000)));
    meter(home_, 0);
    waiting(ask_refund("r2", first, fen(5001)));
    waiting(ask_refund("r3", second, fen(5001)));
    ASSERT_TRUE(ask_refund("r4", second, fen(5000))) << "up to the limit in sum";
    meter(home_, 0);
    waiting(ask_correction("c", sold("s3", 1000), std::nullopt));
    move(minutes(24 * 60 + 1));
    ASSERT_TRUE(ask_refund("r5", second, fen(5001))) << "the next day begins anew";
    expect_balanced();
}

TEST_F(MoneyOfTwo, AnApprovalAfterTheWorldHasChangedSaysWhyAndBooksNothing) {
    // The approver comes back from lunch; meanwhile the resident has used it, moved out, or bought more.
    start_with_people();
    const BookingId sale = sold("s", 50'000);
    const ApprovalId too_much = waiting(ask_refund("r1", sale, fen(50'000)));
    const ApprovalId all = waiting(ask_refund("r2", sale));
    used_ = 7000;  // 70 kWh of 781.25
    meter(home_, used_);
    std::size_t before = bookings();
    auto answer = approve(too_much, kWang);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->state, ApprovalState::kFailed);
    EXPECT_FALSE(answer->outcome.empty());
    EXPECT_EQ(bookings(), before);
    EXPECT_EQ(approve(too_much, kWang).error().reason, Reason::kAlreadyDecided);

    const ApprovalId settlement = waiting(ask_settlement("x1"));
    sold("s2", 40'000);
    before = bookings();
    answer = approve(settlement, kWang);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->state, ApprovalState::kFailed) << "what was approved was the account without that sale";
    EXPECT_EQ(bookings(), before);
    const ApprovalId anew = waiting(ask_settlement("x1"));
    EXPECT_NE(anew, settlement);
    answer = approve(anew, kWang);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->state, ApprovalState::kDone) << answer->outcome;
    EXPECT_EQ(bookings(), before + 1);
    EXPECT_FALSE(account(home_).open());
    answer = approve(all, kWang);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->state, ApprovalState::kFailed) << "the account is closed";
    EXPECT_EQ(bookings(), before + 1);
    expect_balanced();
}

TEST_F(MoneyOfTwo, ExpiredRefusedAndTakenBackRequestsBookNothing) {
    // Last month's request, found in the list and clicked.
    start_with_people();
    const BookingId sale = sold("s", 50'000);
    const std::size_t before = bookings();
    const ApprovalId late = waiting(ask_refund("r", sale));
    move(ApprovalRules{}.valid_for);
    EXPECT_EQ(approve(late, kWang).error().reason, Reason::kAlreadyDecided);
    const ApprovalId refused = waiting(ask_refund("r", sale));
    EXPECT_NE(refused, late) << "asked again after it expired, under the same order id";
    ASSERT_TRUE(
        wait<ApprovalRecord>([&](auto done) { office_->approvals().refuse(refused, kWang, "not with me", done); }));
    EXPECT_EQ(approve(refused, kOwner).error().reason, Reason::kAlreadyDecided);
    EXPECT_EQ(bookings(), before);
    EXPECT_EQ(journal("sale.refund"), 0u);
}

TEST_F(MoneyOfTwo, ACorrectionAboveTheLimitIsForTheOwnerAndBooksBothOrNeither) {
    // "Typing error, 500 instead of 5": the money is in somebody's pocket and the books are right.
    start_with_people();
    const BookingId sale = sold("s", 50'000);
    const std::size_t before = bookings();
    const ApprovalId id = waiting(ask_correction("c", sale, fen(500)));
    EXPECT_EQ(approve(id, kWang).error().reason, Reason::kNoRight) << "a cashier may not approve corrections";
    const auto done = approve(id, kOwner);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;
    ASSERT_EQ(bookings(), before + 2);
    EXPECT_EQ(accounts().bookings(home_, {}, 1)->front().amount, fen(500));
    EXPECT_TRUE(ask_correction("c", sale, fen(500))->repeated);
    expect_balanced();
}

TEST_F(MoneyOfTwo, APreviewSaysWhatIsDoneThenAndWritesNothing) {
    // The page shows 300.00 and the office pays 280.00; or looking alone has changed the account.
    start_with_people();
    const BookingId sale = sold("s", 50'000);
    used_ = 7000;
    meter(home_, used_);
    const std::size_t before = bookings();
    const auto preview = [&](std::optional<Money> amount) {
        return wait<MoneyPreview>([&](auto when) { accounts().preview_refund({{"", kLi, ""}, sale, amount}, when); });
    };
    const auto all = preview(std::nullopt);
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_TRUE(all->needs_two);
    EXPECT_EQ(preview(fen(50'000)).error().reason, Reason::kRefundTooLarge) << "refused as the refund is";
    const auto small = preview(fen(1000));
    ASSERT_TRUE(small);
    EXPECT_FALSE(small->needs_two);
    ASSERT_EQ(small->pays.size(), 1u);
    EXPECT_EQ(small->pays[0].channel, Channel::kCash);
    EXPECT_EQ(small->pays[0].amount, fen(1000));
    EXPECT_EQ(small->accounts[0].before.remaining(), account(home_).remaining());
    const auto settlement =
        wait<MoneyPreview>([&](auto when) { accounts().preview_settlement({"", kLi, ""}, home_, when); });
    ASSERT_TRUE(settlement);
    EXPECT_TRUE(settlement->needs_two);
    EXPECT_FALSE(settlement->accounts[0].after.open());
    EXPECT_EQ(settlement->accounts[0].after.remaining(), Credit{0});
    EXPECT_EQ(bookings(), before);
    EXPECT_EQ(journal("sale.refund") + journal("approval.ask") + journal("household.settle"), 0u);

    const auto refunded = ask_refund("r", sale, fen(1000));
    ASSERT_TRUE(refunded);
    EXPECT_EQ(refunded->bookings[0].given, small->bookings[0].given);
    EXPECT_EQ(account(home_).ticket.credited, small->accounts[0].after.ticket.credited);
    EXPECT_EQ(account(home_).paid, small->accounts[0].after.paid);

    const BookingId wrong = sold("w", 1000);
    const HouseholdId neighbour = room("3-0102");
    const CorrectionOrder order{{"", kLi, ""}, wrong, neighbour, std::nullopt};
    const auto correction = wait<MoneyPreview>([&](auto when) { accounts().preview_correction(order, when); });
    ASSERT_TRUE(correction) << correction.error().message;
    ASSERT_EQ(correction->accounts.size(), 2u);
    EXPECT_EQ(correction->accounts[1].household, neighbour);
    CorrectionOrder real = order;
    real.order = of_li("c");
    const auto corrected = wait<BookingsAnswer>([&](auto when) { accounts().correct(real, when); });
    ASSERT_TRUE(corrected) << corrected.error().message;
    for (const AccountChange& change : correction->accounts)
        EXPECT_EQ(account(change.household).ticket.credited, change.after.ticket.credited) << change.household.value;
    expect_balanced();
}

TEST_F(MoneyOfTwo, APricePlanAndThePriceGroupOfARoomTakeTwoOwners) {
    // One owner makes a plan of one fen for his brother's room, sells for an afternoon and puts it back.
    start_with_people();
    const Actor partner{"sun", "10.0.0.6"};
    UserRecord user;
    user.user = partner.user;
    user.role = Role::kOwner;
    ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(user, "long enough", kOwner, done); }));
    move(kOwnAccountTime + minutes(1));
    PlanVersion plan;
    plan.name = "brother's\nroom";
    plan.group = 7;
    plan.valid_from = now() + minutes(24 * 60);
    plan.plan = *plan_of("flat energy month 0:100 fee 0 0");
    const auto add = [&](std::string id) {
        return wait<PlanVersion>(
            [&](auto done) { accounts().add_plan({std::move(id), kOwner, "a favour"}, plan, done); });
    };
    const auto in_group = [&] {
        return wait<Done>([&](auto done) { accounts().set_price_group(kOwner, home_, 7, "a shop now", done); });
    };
    const auto plans = [&] { return accounts().plans()->size(); };
    const std::size_t before = plans();
    const auto asked = add("plan");
    ASSERT_FALSE(asked);
    ASSERT_EQ(asked.error().reason, Reason::kNeedsApproval) << asked.error().message;
    EXPECT_EQ(add("plan").error().limit, asked.error().limit) << "a double click is one request";
    plan.plan.fee_per_mille = 1;
    EXPECT_EQ(add("plan").error().reason, Reason::kOrderIdReused) << "another plan under the same id";
    plan.plan.fee_per_mille = 0;
    EXPECT_EQ(plans(), before);
    EXPECT_EQ(approve(ApprovalId{asked.error().limit}, kOwner).error().reason, Reason::kNoRight) << "himself";
    EXPECT_EQ(approve(ApprovalId{asked.error().limit}, kLi).error().reason, Reason::kNoRight) << "a cashier";
    const auto done = approve(ApprovalId{asked.error().limit}, partner);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;
    EXPECT_EQ(plans(), before + 1);
    const auto added = add("plan");
    ASSERT_TRUE(added) << "the order id answers what was done: " << added.error().message;
    EXPECT_EQ(added->operator_name, kOwner.user) << "in the name of whoever asked";
    EXPECT_EQ(text_of(added->plan), "flat energy month 0:100 fee 0 0");
    EXPECT_EQ(plans(), before + 1);

    // Approved when its date has passed: what was sold meanwhile must not come to be sold under it.
    const auto late = add("late");
    ASSERT_EQ(late.error().reason, Reason::kNeedsApproval);
    move(minutes(25 * 60));
    const auto failed = approve(ApprovalId{late.error().limit}, partner);
    ASSERT_TRUE(failed) << failed.error().message;
    EXPECT_EQ(failed->state, ApprovalState::kFailed);
    EXPECT_EQ(plans(), before + 1);

    const auto moved = in_group();
    ASSERT_EQ(moved.error().reason, Reason::kNeedsApproval);
    EXPECT_EQ(accounts().preview(home_, fen(1000))->content.steps[0].price, UnitPrice{6400}) << "the old price holds";
    EXPECT_EQ(approve(ApprovalId{moved.error().limit}, partner)->state, ApprovalState::kDone);
    EXPECT_EQ(accounts().preview(home_, fen(1000))->content.steps[0].price, UnitPrice{100});
    EXPECT_TRUE(in_group()) << "it is there already";
    EXPECT_EQ(journal("price.add_plan"), 1u);
    EXPECT_EQ(journal("household.price_group"), 1u);
}

TEST_F(MoneyOfTwo, OneLimitHoldsAndThatOfAnOlderDatabaseGoesOnHolding) {
    // A site that had set 50 yuan must not find 200 allowed after an update.
    for (const std::int64_t rules_fen : {0, 3000, 9000}) {
        if (on_postgres()) {
            database_.reset();
            options_.url = database_.emplace(false).url();
        } else {
            options_.url = (folder_ / ("office" + std::to_string(rules_fen) + ".db")).string();
        }
        {
            auto db = beside();
            ASSERT_FALSE(migrate(*db, now(), 5));
            db->begin_write();
            db->execute(
                "INSERT INTO site (id, name, sale_max_fen, held_max_ckwh, created_at, alone_max_fen) VALUES (1, "
                "'Campus', 100000, 100000, 0, 5000)");
            if (rules_fen > 0)
                db->execute(
                    "INSERT INTO approval_rules (id, two_people, refund_max_fen, households_max, valid_min) VALUES (1, "
                    "2, $1, 7, 60)",
                    {rules_fen});
            ASSERT_TRUE(db->commit()) << db->failure()->message;
            ASSERT_FALSE(migrate(*db, now()));
        }
        open();
        const ApprovalRules rules = *office_->approvals().rules();
        EXPECT_EQ(rules.refund_max, fen(rules_fen == 3000 ? 3000 : 5000)) << rules_fen;
        EXPECT_EQ(rules.households_max, rules_fen > 0 ? 7 : 50);
        EXPECT_EQ(rules.two_people, rules_fen > 0 ? TwoPeople::kAlways : TwoPeople::kAuto);
        office_.reset();
    }
}

// Orders to many, in an office of an owner and two technicians; 78 households behind two boxes.
class MassActionsOfTwo : public OfficeTest {
  protected:
    void start_with_people() {
        building_.boxes = 2;
        start();
        for (const char* name : {"tan", "sun", "li"}) {
            UserRecord user;
            user.user = name;
            user.role = name[0] == 'l' ? Role::kCashier : Role::kTechnician;
            ASSERT_TRUE(wait<UserRecord>([&](auto done) { office_->create_user(user, "long enough", kOwner, done); }));
        }
        move(kOwnAccountTime + minutes(1));
    }
    static CampaignOrder off(std::string id, std::string_view selection) {
        CampaignOrder order;
        order.order_id = std::move(id);
        order.selection = *selection_of(selection);
        order.reason = "works on the riser";
        return order;
    }
    Answer<CampaignRecord> begin(const CampaignOrder& order) {
        return wait<CampaignRecord>([&](auto done) { office_->campaigns().start(order, kTan, done); });
    }
    ApprovalId waiting(const Answer<CampaignRecord>& asked) {
        EXPECT_FALSE(asked) << "one person started it";
        if (asked) return {};
        EXPECT_EQ(asked.error().reason, Reason::kNeedsApproval) << asked.error().message;
        return ApprovalId{asked.error().limit};
    }
    Answer<ApprovalRecord> approve(ApprovalId id, const Actor& who) {
        return wait<ApprovalRecord>([&](auto done) { office_->approvals().approve(id, who, done); });
    }
    void group(std::string name, std::vector<HouseholdId> members) {
        ASSERT_TRUE(wait<GroupRecord>([&](auto done) { office_->campaigns().set_group(name, members, kTan, done); }));
    }
    void advance_all() {
        while (wait<bool>([&](auto done) { office_->campaigns().advance(now(), done); }).value_or(false)) {
        }
    }
    std::vector<CampaignRecord> campaigns() { return *office_->campaigns().campaigns(100); }

    const Actor kTan{"tan", "10.0.0.7"};
    const Actor kSun{"sun", "10.0.0.8"};
};

TEST_F(MassActionsOfTwo, StartsWhenAnotherAgreesAndReachesExactlyWhoWasSelected) {
    // One wrong click, or one angry technician, and the whole campus is dark.
    start_with_people();
    EXPECT_TRUE(office_->campaigns().preview({}, Wish{}, kTan)->needs_two);
    EXPECT_FALSE(office_->campaigns().preview(*selection_of("box 1"), Wish{}, kTan)->needs_two);
    EXPECT_TRUE(begin(off("small", "box 1"))) << "39 are below the limit";
    CampaignOrder all = off("big", "all");
    all.schedule.daily = true;
    all.schedule.from_minute = 60;
    all.schedule.to_minute = 120;
    const ApprovalId id = waiting(begin(all));
    EXPECT_EQ(waiting(begin(all)), id);
    EXPECT_EQ(begin(off("big", "all")).error().reason, Reason::kOrderIdReused) << "another schedule";
    EXPECT_EQ(campaigns().size(), 1u);
    reopen();
    EXPECT_EQ(approve(id, kTan).error().reason, Reason::kNoRight);
    EXPECT_EQ(approve(id, {"li", ""}).error().reason, Reason::kNoRight) << "a cashier may not";
    EXPECT_EQ(campaigns().size(), 1u);
    const auto done = approve(id, kSun);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;
    ASSERT_EQ(campaigns().size(), 2u);
    const CampaignRecord started = campaigns().front();
    EXPECT_EQ(started.order.schedule.daily, true);
    EXPECT_EQ(started.order.schedule.from_minute, 60);
    EXPECT_EQ(started.order.schedule.to_minute, 120);
    EXPECT_EQ(started.order.selection, all.selection);
    EXPECT_EQ(started.order.approved_by, "sun");
    EXPECT_EQ(started.operator_name, "tan");
    EXPECT_EQ(approve(id, kSun).error().reason, Reason::kAlreadyDecided);
    EXPECT_EQ(begin(all)->id, started.id) << "the order id answers the campaign that it became";
    EXPECT_EQ(campaigns().size(), 2u);
    AuditFilter filter;
    filter.action = "campaign.start";
    const auto records = *office_->audit().records(filter);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].who.user, "tan");
    EXPECT_EQ(records[0].who.from, "10.0.0.7");
}

TEST_F(MassActionsOfTwo, OneFromBeforeTheOfficeKeptItsMembersWaitsForAPersonWhenItIsTooLarge) {
    // Written by one technician under the old version, for the whole campus, at three in the morning.
    start_with_people();
    const ApprovalId id = waiting(begin(off("old", "all")));
    ASSERT_EQ(approve(id, kSun)->state, ApprovalState::kDone);
    beside()->execute("UPDATE campaigns SET members_group = NULL, approved_by = ''");
    advance_all();
    const CampaignRecord held = campaigns().front();
    EXPECT_EQ(held.state, CampaignState::kPaused);
    EXPECT_EQ(held.progress.members, 0) << "nobody was reached";
    EXPECT_NE(held.problem.find("order it anew"), std::string::npos) << held.problem;
    const auto resume = [&] {
        return wait<CampaignRecord>([&](auto done) { office_->campaigns().resume(held.id, kTan, done); });
    };
    EXPECT_EQ(resume().error().reason, Reason::kCampaignOld);
    beside()->execute(
        "INSERT INTO approval_rules (id, two_people, refund_max_fen, households_max, valid_min) VALUES (1, 3, "
        "20000, 50, 4320)");
    ASSERT_TRUE(resume()) << "one person may do it now";
    EXPECT_EQ(campaigns().front().problem, "");
    advance_all();
    EXPECT_GT(campaigns().front().progress.members, 50);
}

TEST_F(MassActionsOfTwo, APriceOfOneRoomIsForTheOwnerAndABoxCountsAllBehindIt) {
    // A price by campaign must not be the way around the two people that a price takes.
    start_with_people();
    settings::Settings all;
    CampaignOrder price = off("p", "list 1");
    price.wish.kind = WishKind::kSetting;
    price.wish.setting = {0x15, 1};
    price.wish.bytes.resize(settings::kSettingBytesMax);
    price.wish.bytes.resize(settings::encode(all, {settings::SettingId::kPriceSet, 0, 1}, price.wish.bytes));
    const ApprovalId id = waiting(begin(price));
    EXPECT_EQ(approve(id, kSun).error().reason, Reason::kNoRight) << "a technician may not approve a price";
    const auto done = approve(id, kOwner);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;

    CampaignOrder clock = off("k", "list 1 40");
    clock.wish.kind = WishKind::kClock;
    EXPECT_EQ(office_->campaigns().preview(clock.selection, clock.wish, kTan)->households, 78);
    waiting(begin(clock));
}

TEST_F(MassActionsOfTwo, AGroupThatGrowsLaterAddsNobody) {
    // A campaign of one room for tomorrow; tonight the whole house joins its group.
    start_with_people();
    std::vector<HouseholdId> everybody;
    for (std::int64_t id = 1; id <= 78; ++id)
        everybody.push_back({id});
    group("mine", {everybody[4]});
    CampaignOrder order = off("c", "group 1");
    order.schedule.start_at = now() + minutes(60);
    const auto begun = begin(order);
    ASSERT_TRUE(begun) << begun.error().message;
    group("mine", everybody);
    move(minutes(61));
    advance_all();
    EXPECT_EQ(office_->campaigns().campaign(begun->id)->progress.members, 1);
    EXPECT_EQ(office_->jobs(everybody[4], 10)->size(), 1u);
    EXPECT_TRUE(office_->jobs(everybody[5], 10)->empty());
    const ApprovalId id = waiting(begin(off("all", "group 1")));
    group("mine", {everybody[4]});
    const auto done = approve(id, kSun);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, ApprovalState::kDone) << done->outcome;
    advance_all();
    EXPECT_EQ(campaigns().front().progress.members, 78) << "who was selected when it was asked for";
}

TEST_F(MassActionsOfTwo, WhatChangedMeanwhileOrWasTamperedWithIsNotStarted) {
    // Approved was the list of the third floor; in the database stands another one.
    start_with_people();
    const ApprovalId id = waiting(begin(off("c", "all")));
    const ApprovalId late = waiting(begin(off("d", "all")));
    auto db = beside();
    db->execute("DELETE FROM household_group_members WHERE household_id = 7");
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    const auto done = approve(id, kSun);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, ApprovalState::kFailed);
    EXPECT_TRUE(campaigns().empty());
    move(ApprovalRules{}.valid_for);
    EXPECT_EQ(approve(late, kSun).error().reason, Reason::kAlreadyDecided) << "expired";
    EXPECT_TRUE(campaigns().empty());
    const auto asked = waiting(begin(off("d", "all")));
    EXPECT_EQ(approve(asked, kSun)->state, ApprovalState::kDone) << "asked again, the list is made anew";
    EXPECT_EQ(campaigns().size(), 1u);
}

}  // namespace
}  // namespace prewatt::server::store
