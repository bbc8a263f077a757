#include "server/store/accounts_fixture.hpp"

#include <algorithm>

#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

class AccountsOfHouseholds : public AccountsTest {};

TEST_F(AccountsOfHouseholds, RefundIsOwedAtOnceAndPaidOnlyAfterTheMeterHasConfirmed) {
    // Money that is handed out while the meter still has the credit is paid twice: once in cash, once in light.
    start();
    const HouseholdId home = room("3-0101");
    const auto sold = sell(order("s", home, 6400));  // 100.00 kWh
    ASSERT_TRUE(sold);
    meter(home, 4000);
    const auto owed = refund("r", sold->sale.id, fen(1280));  // 20.00 kWh
    ASSERT_TRUE(owed) << owed.error().message;
    EXPECT_EQ(owed->bookings[0].amount, fen(-1280));
    EXPECT_EQ(owed->bookings[0].given, credit_of_hundredths(-2000));
    EXPECT_EQ(office_->desired(home)->ticket, (TicketTotal{1, 2, credit_of_hundredths(8000)}));
    const auto early = pay_out("p", owed->bookings[0].id);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().reason, Reason::kMeterBehind);
    EXPECT_EQ(refund("r2", sold->sale.id).error().reason, Reason::kMeterBehind) << "one refund at a time";
    meter(home, 4100);
    const auto paid = pay_out("p", owed->bookings[0].id);
    ASSERT_TRUE(paid) << paid.error().message;
    EXPECT_EQ(paid->movements[0].amount, fen(1280));
    EXPECT_TRUE(paid->bookings.empty());
    EXPECT_TRUE(pay_out("p", owed->bookings[0].id)->repeated);
    EXPECT_EQ(pay_out("p2", owed->bookings[0].id).error().reason, Reason::kNotDue);
    EXPECT_TRUE(accounts().dues({})->empty());
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, WhatWasUsedWhileTheRefundWasUnderWayIsNotPaid) {
    // The resident lets the heater run until the last second: what is burnt cannot be paid out as well.
    start();
    const HouseholdId home = room("3-0101");
    const auto sold = sell(order("s", home, 6400));
    meter(home, 4000);
    const auto owed = refund("r", sold->sale.id);
    ASSERT_TRUE(owed) << owed.error().message;
    EXPECT_EQ(owed->bookings[0].amount, fen(-3840));
    meter(home, 5000);  // 10.00 kWh more than was known
    const auto paid = pay_out("p", owed->bookings[0].id);
    ASSERT_TRUE(paid) << paid.error().message;
    EXPECT_EQ(paid->movements[0].amount, fen(3200));
    ASSERT_EQ(paid->bookings.size(), 1u);
    EXPECT_EQ(paid->bookings[0].kind, BookingKind::kReturn);
    EXPECT_EQ(paid->bookings[0].given, credit_of_hundredths(1000));
    EXPECT_EQ(account(home).remaining(), Credit{0});
    const auto again = pay_out("p", owed->bookings[0].id);
    ASSERT_TRUE(again && again->repeated);
    EXPECT_EQ(again->bookings.size(), 1u);
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, RefundsOfASaleNeverExceedIt) {
    // A cashier who refunds the same sale at two windows must not find money in it twice.
    start();
    const HouseholdId home = room("3-0101");
    const auto small = sell(order("s1", home, 100));
    const auto large = sell(order("s2", home, 10'000));
    ASSERT_TRUE(small && large);
    meter(home, 0);
    Money given;
    for (int k = 0; k < 8; ++k) {
        const auto owed = refund("r" + std::to_string(k), small->sale.id, fen(13));
        if (owed) given -= owed->bookings[0].amount;
        meter(home, 0);
    }
    EXPECT_EQ(given, fen(91));
    const auto rest = refund("rest", small->sale.id);
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_EQ(rest->bookings[0].amount, fen(-9)) << "parts and rest are the whole to the fen";
    meter(home, 0);
    EXPECT_EQ(refund("more", small->sale.id).error().reason, Reason::kNothingToRefund);
    EXPECT_EQ(refund("much", large->sale.id, fen(10'001)).error().reason, Reason::kRefundTooLarge);
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, FreeCreditIsUsedFirstAndNeverPaidOut) {
    // The base quota is electricity, not cash: who has used less than it has still paid for all that is left.
    start();
    const HouseholdId home = room("3-0101");
    const auto sold = sell(order("s", home, 6400));
    ASSERT_TRUE(sold);
    ASSERT_TRUE(grant("g", home, 800));
    meter(home, 300);
    EXPECT_EQ(account(home).free_now(), credit_of_hundredths(500));
    EXPECT_EQ(account(home).refundable(), credit_of_hundredths(10'000));
    meter(home, 1000);
    EXPECT_EQ(account(home).refundable(), credit_of_hundredths(9'800));
    // The next month's quota does not make good what was paid for already.
    ASSERT_TRUE(grant("g2", home, 800));
    EXPECT_EQ(account(home).refundable(), credit_of_hundredths(9'800));
    meter(home, 1100);
    const auto closed = settle("x", home);
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_EQ(closed->bookings[0].amount, fen(-6272));
    EXPECT_EQ(closed->bookings[0].given, credit_of_hundredths(-10'500));
    EXPECT_EQ(closed->bookings[0].free, credit_of_hundredths(-700));
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, SettlementSplitsFairlyAmongThosePayersWhoPaid) {
    // Three students have paid 20, 10 and 5 yuan; whoever carries the money home must be able to show the sum.
    start();
    const HouseholdId home = room("3-0101");
    const ResidentId a = resident("ra", home, "Han");
    const ResidentId b = resident("rb", home, "Lei");
    const auto pay = [&](const char* id, std::int64_t amount, ResidentId who, Channel channel) {
        SaleOrder wanted = order(id, home, amount);
        wanted.payer = who;
        wanted.channel = channel;
        return sell(wanted);
    };
    ASSERT_TRUE(pay("s1", 2000, a, Channel::kCash));
    ASSERT_TRUE(pay("s2", 1000, b, Channel::kWechat));
    ASSERT_TRUE(pay("s3", 500, b, Channel::kCash));
    ASSERT_TRUE(pay("s4", 1, {}, Channel::kOther).error().reason == Reason::kAmountTooSmall ||
                pay("s5", 64, {}, Channel::kOther));
    EXPECT_EQ(pay("s6", 100, ResidentId{77}, Channel::kCash).error().reason, Reason::kNotResident);
    meter(home, 2000);
    const auto closed = settle("x", home);
    ASSERT_TRUE(closed) << closed.error().message;
    const auto dues = accounts().dues_of(closed->bookings[0].id);
    ASSERT_TRUE(dues);
    Money sum;
    std::map<std::int64_t, Money> by_payer;
    for (const DueRecord& due : *dues) {
        sum += due.share.amount;
        by_payer[due.share.payer.value] += due.share.amount;
    }
    EXPECT_EQ(sum, Money{0} - closed->bookings[0].amount);
    EXPECT_EQ(by_payer.size(), 3u);
    EXPECT_NEAR(static_cast<double>(by_payer[a.value].count()),
                static_cast<double>(by_payer[b.value].count()) * 2000 / 1500, 2);
    EXPECT_EQ(sell(order("late", home, 100)).error().reason, Reason::kAccountClosed);
    EXPECT_EQ(open_account("early", home).error().reason, Reason::kMeterBehind);
    meter(home, 2030);
    for (const DueRecord& due : *dues)
        EXPECT_TRUE(pay_out("p" + std::to_string(due.part), due.booking, due.part));
    EXPECT_EQ(open_account("early2", home).error().reason, Reason::kMeterBehind) << "what was given back";
    meter(home, 2030);
    EXPECT_TRUE(open_account("next", home));
    EXPECT_EQ(office_->desired(home)->ticket.epoch, 2);
    EXPECT_TRUE(accounts().account(home)->payers.empty()) << "the next tenant begins with nothing";
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, CorrectionMovesASaleToTheRightRoomOrDoesNothing) {
    // The cashier typed 0101 for 0102: both rooms must be right afterwards, or neither touched.
    start();
    const HouseholdId wrong = room("3-0101");
    const HouseholdId right = room("3-0102");
    const auto sold = sell(order("s", wrong, 5000));
    ASSERT_TRUE(sold);
    // The right room is closed: nothing at all happens.
    ASSERT_TRUE(sell(order("t", right, 100)));
    meter(right, 0);
    ASSERT_TRUE(settle("x", right));
    EXPECT_EQ(correct("c0", sold->sale.id, right).error().reason, Reason::kAccountClosed);
    EXPECT_EQ(account(wrong).ticket.credited, credit_of_hundredths(7812));
    meter(right, 0);
    ASSERT_TRUE(open_account("o", right));
    const auto corrected = correct("c", sold->sale.id, right);
    ASSERT_TRUE(corrected) << corrected.error().message;
    ASSERT_EQ(corrected->bookings.size(), 2u);
    EXPECT_EQ(account(wrong).ticket.credited, Credit{0});
    EXPECT_EQ(account(right).ticket.credited, credit_of_hundredths(7812));
    EXPECT_TRUE(office_->sale(sold->sale.id)->corrected);
    EXPECT_TRUE(correct("c", sold->sale.id, right)->repeated);
    EXPECT_EQ(correct("c", sold->sale.id, wrong).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(correct("c2", sold->sale.id).error().reason, Reason::kNotCorrectable) << "at most once";
    EXPECT_EQ(refund("r", sold->sale.id).error().reason, Reason::kNotCorrectable);
    EXPECT_EQ(sell(order("c", right, 100)).error().reason, Reason::kOrderIdReused);
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, RoomChangeTakesCreditPayersAndPeopleAlong) {
    // A student who moves on Sunday must not lose the week's credit, nor the right to get it back at the end.
    start();
    const HouseholdId old = room("3-0101");
    const HouseholdId fresh = room("3-0102");
    const ResidentId who = resident("ra", old, "Han");
    SaleOrder paid = order("s", old, 6400);
    paid.payer = who;
    ASSERT_TRUE(sell(paid));
    ASSERT_TRUE(sell(order("s2", old, 64)));
    ASSERT_TRUE(grant("g", old, 500));
    EXPECT_EQ(move_to("early", old, fresh).error().reason, Reason::kMeterBehind);
    meter(old, 300);
    const auto moved = move_to("m", old, fresh);
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(account(fresh).ticket.credited, credit_of_hundredths(10'300));
    EXPECT_EQ(account(fresh).free_now(), credit_of_hundredths(200));
    EXPECT_TRUE(account(old).closed);
    EXPECT_EQ(accounts().residents(fresh)->size(), 1u);
    EXPECT_TRUE(move_to("m", old, fresh)->repeated);
    // The old room used another 1.00 kWh before its ticket came: it is not there in the new one.
    meter(old, 400);
    ASSERT_EQ(wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); }), 1);
    ASSERT_EQ(wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); }), 0);
    EXPECT_EQ(account(old).remaining(), Credit{0});
    EXPECT_EQ(account(fresh).ticket.credited, credit_of_hundredths(10'200));
    meter(fresh, 0);
    const auto closed = settle("x", fresh);
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_EQ(accounts().dues_of(closed->bookings[0].id)->size(), 2u);
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, WhatWasBurntBeforeAMoveIsPaidOutInNoRoom) {
    // The old room's heater ran on for a day. What it took is taken out of the new room, and neither check-out nor a
    // refund of what moved in may find the money for it once more.
    start();
    const auto price = [&](const char* id, const char* plan) {
        move(seconds(1));
        PlanVersion version;
        version.name = id;
        version.valid_from = now();
        version.plan = *plan_of(plan);
        ASSERT_TRUE(wait<PlanVersion>([&](auto done) { accounts().add_plan(money(id), version, done); }));
        move(seconds(1));
    };
    const auto give_back = [&] {
        return wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); });
    };
    const HouseholdId fresh = room("3-0102");
    price("cheap", "flat energy month 0:3200 fee 0 0");
    ASSERT_TRUE(sell(order("s", fresh, 320)));
    price("dear", "flat energy month 0:6400 fee 0 0");
    for (const bool refunded : {false, true}) {
        const std::string k = refunded ? "2" : "1";
        const HouseholdId old = room(refunded ? "3-0103" : "3-0101");
        ASSERT_TRUE(sell(order("o" + k, old, 6400)));
        meter(old, 0);
        const auto moved = move_to("m" + k, old, fresh);
        ASSERT_TRUE(moved) << moved.error().message;
        meter(fresh, 0);
        if (refunded) {
            ASSERT_TRUE(refund("r", moved->bookings[1].id, fen(6399)));
            meter(fresh, 0);
        }
        meter(old, 100);
        ASSERT_EQ(give_back(), 1);
        EXPECT_EQ(accounts().bookings(old, {}, 1)->front().amount, refunded ? fen(1) : fen(64));
        EXPECT_EQ(accounts().bookings(fresh, {}, 1)->front().amount, refunded ? fen(-1) : fen(-64));
        EXPECT_EQ(account(old).remaining(), Credit{0});
        meter(fresh, 0);
        if (!refunded) {
            const auto rest = refund("rest", moved->bookings[1].id);
            ASSERT_TRUE(rest) << rest.error().message;
            EXPECT_EQ(rest->bookings[0].amount, fen(64 - 6400));
            meter(fresh, 0);
        }
        expect_balanced();
    }
    const auto closed = settle("x", fresh);
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_GE(closed->bookings[0].paid_total, Money{0});
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, WhatARefundWasShortOfIsGivenBackBeforeTheAccountEnds) {
    // The heater ran on while a refund was under way, the next purchase paid for it, and the room was left an hour
    // later. Given back into the settled account, those hundredths would have been the next tenant's light or nobody's.
    start();
    for (const bool moves : {false, true}) {
        const std::string k = moves ? "2" : "1";
        const HouseholdId home = room(moves ? "3-0102" : "3-0101");
        const auto sold = sell(order("s" + k, home, 640));
        ASSERT_TRUE(sold);
        meter(home, 100);
        const auto owed = refund("r" + k, sold->sale.id);
        ASSERT_TRUE(owed) << owed.error().message;
        meter(home, 150);
        if (!moves) {
            ASSERT_TRUE(sell(order("t" + k, home, 64)));
            meter(home, 150);
        }
        const auto told = wait<MoneyPreview>(
            [&](auto done) { accounts().preview_settlement({"", {"owner", "test"}, ""}, home, done); });
        ASSERT_TRUE(told) << told.error().message;
        // Without the purchase nothing would be owed either: what was used is paid by what the refund gives back.
        const auto ended = moves ? move_to("e" + k, home, room("3-0103")) : settle("e" + k, home);
        ASSERT_TRUE(ended) << ended.error().message;
        EXPECT_EQ(ended->bookings[0].given, credit_of_hundredths(moves ? 0 : -100));
        if (!moves) {
            EXPECT_EQ(told->bookings[0].given, ended->bookings[0].given) << "as it was previewed";
            EXPECT_EQ(told->bookings[0].amount, ended->bookings[0].amount);
            EXPECT_EQ(told->accounts[0].after.ticket.credited, account(home).ticket.credited);
        }
        EXPECT_EQ(accounts().dues_of(owed->bookings[0].id)->front().to_pay, fen(640 - 96));
        EXPECT_EQ(account(home).remaining(), Credit{0});
        meter(home, 150);
        EXPECT_EQ(wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); }), 0);
        ASSERT_TRUE(pay_out("p" + k, owed->bookings[0].id));
        EXPECT_EQ(account(home).ticket.credited, credit_of_hundredths(150)) << "what was used, and no more";
        EXPECT_TRUE(account(home).closed);
        expect_balanced();
    }
}

TEST_F(AccountsOfHouseholds, WhatIsPaidAndSettledOfARefundIsLookedAtNoMore) {
    // After ten years of refunds the cashier's list must not take a minute, and must not lose the one that is still
    // owed.
    start();
    const HouseholdId home = room("3-0101");
    const auto db = beside();
    const auto count = [&](const char* sql) {
        std::int64_t rows = -1;
        db->query(sql, {}, [&](const Row& row) { rows = row.integer(0); });
        return rows;
    };
    const auto unpaid = [&] { return count("SELECT COUNT(*) FROM unpaid_dues"); };
    const auto unsettled = [&] { return count("SELECT COUNT(*) FROM unsettled_refunds"); };
    const auto give_back = [&] {
        return wait<int>([&](auto done) { accounts().give_back({"office", "timer"}, done); });
    };
    const auto sold = sell(order("s", home, 640));
    ASSERT_TRUE(sold);
    meter(home, 100);
    const auto first = refund("r", sold->sale.id, fen(64));
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_EQ(give_back(), 0);
    EXPECT_EQ(unpaid(), 1);
    EXPECT_EQ(unsettled(), 1) << "the meter has said nothing yet";
    meter(home, 200);
    ASSERT_EQ(give_back(), 0);
    EXPECT_EQ(unsettled(), 0) << "it had all of it";
    EXPECT_EQ(unpaid(), 1);
    ASSERT_TRUE(pay_out("p", first->bookings[0].id));
    EXPECT_EQ(unpaid(), 0);
    EXPECT_TRUE(accounts().dues({})->empty());

    const auto closed = settle("x", home);
    ASSERT_TRUE(closed) << closed.error().message;
    // An office of the step before finds the same: what is open is worked out from what was booked.
    db->define("DROP TABLE unpaid_dues");
    db->define("DROP TABLE unsettled_refunds");
    for (const char* statement : refunds_migration().statements)
        db->define(statement);
    ASSERT_TRUE(db->ok()) << db->failure()->message;
    EXPECT_EQ(unpaid(), 1);
    EXPECT_EQ(unsettled(), 1);
    meter(home, 350);
    EXPECT_EQ(accounts().dues(home)->size(), 1u);
    EXPECT_TRUE(accounts().dues(room("3-0102"))->empty());
    ASSERT_EQ(give_back(), 1) << "1.50 kWh were used after the settlement was ordered";
    EXPECT_EQ(unsettled(), 0);
    ASSERT_EQ(give_back(), 0);
    expect_balanced();

    db->execute("DELETE FROM unpaid_dues");
    const auto check = check_ledger(options_.url);
    ASSERT_TRUE(check);
    EXPECT_FALSE(check->balanced) << "what is owed and on no list is never paid";
}

TEST_F(AccountsOfHouseholds, AnotherBoxAndALostMemoryGoOnWithWhatRemained) {
    // The box burnt out in the night: the room has what it had, in the next epoch, and every sale is still refundable.
    building_.boxes = 2;
    building_.rooms_per_floor = 13;
    start();
    const HouseholdId home = room("3-0101");
    const auto sold = sell(order("s", home, 6400));
    ASSERT_TRUE(grant("g", home, 500));
    meter(home, 200);
    const auto again = wait<BookingsAnswer>([&](auto done) { accounts().reopen(money("o"), home, done); });
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(office_->desired(home)->ticket, (TicketTotal{2, 1, credit_of_hundredths(10'300)}));
    EXPECT_EQ(account(home).free_now(), credit_of_hundredths(300));
    EXPECT_EQ(account(home).paid, fen(6400));
    meter(home, 400);
    EXPECT_EQ(account(home).refundable(), credit_of_hundredths(9'900));
    const auto owed = refund("r", sold->sale.id, fen(640));
    ASSERT_TRUE(owed) << owed.error().message;
    // The place of a room that has one is refused; then the box is changed while the refund is under way.
    const auto box = [&](const char* id, std::uint8_t number) {
        return wait<BookingsAnswer>(
            [&](auto done) { accounts().change_box({money(id), home, 2026000001, number}, done); });
    };
    EXPECT_EQ(box("b0", 2).error().reason, Reason::kBadArgument);
    EXPECT_EQ(box("b0", 40).error().reason, Reason::kBadArgument);
    EXPECT_EQ(pay_out("p", owed->bookings[0].id).error().reason, Reason::kMeterBehind);
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, QuotaOfAMonthIsGivenOnceHoweverOftenItIsRun) {
    // The timer fires twice, the operator presses the button too: nobody gets two quotas.
    start();
    const HouseholdId a = room("3-0101");
    const HouseholdId b = room("3-0102");
    ASSERT_TRUE(open_account("oa", a));
    ASSERT_TRUE(open_account("ob", b));
    (void)resident("r1", a, "Han");
    (void)resident("r2", a, "Lei");
    ASSERT_TRUE(wait<Done>([&](auto done) {
        accounts().set_quota_rule({"owner", "t"}, {0, QuotaPer::kResident, credit_of_hundredths(800), Credit{0}}, "",
                                  done);
    }));
    const auto run = [&] {
        return *wait<QuotaRun>([&](auto done) { accounts().run_quotas({"office", "timer"}, done); });
    };
    EXPECT_EQ(run().granted, 1);
    const QuotaRun again = run();
    EXPECT_EQ(again.granted, 0);
    EXPECT_EQ(again.had_it, 1);
    EXPECT_EQ(account(a).ticket.credited, credit_of_hundredths(1600));
    EXPECT_EQ(account(b).ticket.credited, Credit{0}) << "nobody lives there";
    move(minutes(31 * 24 * 60));
    EXPECT_EQ(run().granted, 1);
    EXPECT_EQ(account(a).ticket.credited, credit_of_hundredths(3200));
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, StepsFeesAndGroupsHoldFromTheirDateAndCanBeRecomputed) {
    // A resident disputes a receipt of last year: plan and position are in the booking, so it can be shown again.
    start();
    const HouseholdId home = room("3-0101");
    const auto plan = [&](const char* id, std::int64_t group, UnixTime from, const char* content) {
        PlanVersion version;
        version.name = id;
        version.group = group;
        version.valid_from = from;
        version.plan = *plan_of(content);
        return wait<PlanVersion>([&](auto done) { accounts().add_plan(money(id), version, done); });
    };
    const UnixTime tomorrow = now() + minutes(24 * 60);
    ASSERT_TRUE(plan("steps", 0, tomorrow, "stepped energy month 5000:6400,0:9000 fee 100 10"));
    EXPECT_FALSE(plan("back", 0, now() + seconds(-1), "flat energy month 0:5000 fee 0 0"));
    EXPECT_EQ(sell(order("before", home, 640))->sale.energy, energy_of_hundredths(1000));
    move(minutes(24 * 60));
    // 100.00: fee 1.00 + 1 %, 98.00 buys 40.00 kWh at 0.64 (10.00 were bought this month) and the rest at 0.90.
    const auto preview = accounts().preview(home, fen(10'000));
    ASSERT_TRUE(preview) << preview.error().message;
    EXPECT_EQ(preview->position_ckwh, 1000);
    const auto sold = sell(order("steps-1", home, 10'000));
    ASSERT_TRUE(sold);
    EXPECT_EQ(sold->sale.fee, fen(200));
    EXPECT_EQ(sold->sale.energy, energy_of_hundredths(4000 + (980'000 - 256'000) / 90));
    EXPECT_EQ(preview->priced.given, sold->sale.given);
    ASSERT_TRUE(wait<Done>([&](auto done) { accounts().set_price_group({"owner", "t"}, home, 3, "", done); }));
    EXPECT_EQ(sell(order("steps-2", home, 1000))->sale.price, UnitPrice{9000}) << "a group without a plan: group 0";
    ASSERT_TRUE(plan("group", 3, now(), "flat energy month 0:5000 fee 0 0"));
    EXPECT_EQ(sell(order("g", home, 1000))->sale.price, UnitPrice{5000});
    // A price set by itself is the plan of group 0 from then on.
    move(seconds(1));
    ASSERT_TRUE(
        wait<Done>([&](auto done) { office_->set_price(UnitPrice{7000}, Actor{"owner", "test"}, "dearer", done); }));
    EXPECT_EQ(sell(order("h", room("3-0102"), 1400))->sale.energy, energy_of_hundredths(2000));
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, TimeOfUseSellsMoneyToAccountsInMoneyOnly) {
    // An account that counts kWh cannot be charged by the hour: it would get the cheap rate for nothing.
    start();
    const HouseholdId old = room("3-0101");
    const HouseholdId home = room("3-0102");
    ASSERT_TRUE(sell(order("s", old, 640)));
    PlanVersion version;
    version.name = "night";
    version.valid_from = now();
    version.plan = *plan_of("time_of_use money month 9000,7000,5000,3000 fee 0 0");
    ASSERT_TRUE(wait<PlanVersion>([&](auto done) { accounts().add_plan(money("plan"), version, done); }));
    move(seconds(1));
    EXPECT_EQ(sell(order("s2", old, 640)).error().reason, Reason::kAccountUnit);
    const auto sold = sell(order("s3", home, 5000));
    ASSERT_TRUE(sold) << sold.error().message;
    EXPECT_EQ(sold->sale.ticket, (TicketTotal{1, 1, credit_of_hundredths(5000), AccountUnit::kMoney}));
    meter(home, 1234);
    meter(old, 0);
    EXPECT_EQ(move_to("m", old, home).error().reason, Reason::kAccountUnit);
    const auto closed = settle("x", home);
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_EQ(closed->bookings[0].amount, fen(-3766));
    expect_balanced();
}

TEST_F(AccountsOfHouseholds, DrawerIsCountedAndTheDifferenceIsBooked) {
    // What is missing in a drawer at night must stand in the books, with the name of who counted.
    start();
    const HouseholdId home = room("3-0101");
    const auto drawer = wait<DrawerRecord>([&](auto done) { accounts().add_drawer({"owner", "t"}, "Desk 1", done); });
    ASSERT_TRUE(drawer);
    SaleOrder cash = order("s", home, 6400);
    cash.drawer = drawer->id;
    EXPECT_EQ(sell(cash).error().reason, Reason::kDrawerClosed);
    const auto open = [&](const char* id) {
        return wait<MovementsAnswer>(
            [&](auto done) { accounts().open_drawer({money(id), drawer->id, fen(2000)}, done); });
    };
    ASSERT_TRUE(open("d1"));
    EXPECT_TRUE(open("d1")->repeated);
    EXPECT_EQ(open("d1b").error().reason, Reason::kDrawerClosed);
    const auto sold = sell(cash);
    ASSERT_TRUE(sold);
    meter(home, 0);
    const auto owed = refund("r", sold->sale.id, fen(640));
    meter(home, 0);
    ASSERT_TRUE(pay_out("p", owed->bookings[0].id, 0, drawer->id));
    EXPECT_EQ(accounts().drawers()->front().expected, fen(2000 + 6400 - 640));
    const auto emptied =
        wait<MovementsAnswer>([&](auto done) { accounts().empty_drawer({money("e"), drawer->id, fen(7700)}, done); });
    ASSERT_TRUE(emptied);
    ASSERT_EQ(emptied->movements.size(), 2u);
    EXPECT_EQ(emptied->movements[0].from, LedgerAccount::kDifference);
    EXPECT_EQ(emptied->movements[0].amount, fen(60));
    EXPECT_EQ(accounts().drawers()->front().expected, Money{0});
    EXPECT_FALSE(accounts().drawers()->front().open);
    expect_balanced();
}

}  // namespace
}  // namespace prewatt::server::store
