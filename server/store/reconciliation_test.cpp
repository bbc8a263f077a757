#include "server/store/reconciliation.hpp"

#include "server/store/accounts_fixture.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

const Actor kOwner{"owner", "10.0.0.7"};

class Reconciling : public AccountsTest {
  protected:
    ReconcileAnswer reconcile() {
        const auto done = wait<ReconcileAnswer>([&](auto when) { office_->work_list().reconcile(when); });
        EXPECT_TRUE(done) << done.error().message;
        return done.value_or(ReconcileAnswer{});
    }
    std::vector<WorkRecord> items(std::optional<WorkState> state = std::nullopt) {
        WorkFilter filter;
        filter.state = state;
        return *office_->work_list().items(filter);
    }
    std::vector<std::string> kinds() {
        std::vector<std::string> list;
        for (const WorkRecord& record : items())
            list.push_back(record.item.kind);
        return list;
    }
    // The meter says what it has: ticket, remaining, register.
    void show(HouseholdId household, std::uint32_t number, std::int64_t remaining_ckwh, std::int64_t forward_ckwh) {
        MeterEffect effect;
        effect.epoch = 1;
        effect.ticket_number = number;
        effect.remaining = credit_of_hundredths(remaining_ckwh);
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect, now(), done); }));
        move(minutes(1));
        read(household, remaining_ckwh, forward_ckwh);
    }
    void read(HouseholdId household, std::int64_t remaining_ckwh, std::int64_t forward_ckwh) {
        const Reading reading{household, now(), energy_of_hundredths(forward_ckwh),
                              credit_of_hundredths(remaining_ckwh), HouseholdState{}};
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({reading}, done); }));
    }
    Answer<StatementAnswer> import(const std::string& csv, Channel channel = Channel::kTransfer) {
        StatementOrder order{channel, UnixTime{now_ - 86'400'000}, UnixTime{now_ + 86'400'000},
                             "time,reference,order_id,amount_yuan,kind\n" + csv};
        return wait<StatementAnswer>([&](auto done) { office_->work_list().import_statement(order, kOwner, done); });
    }
    Answer<SaleAnswer> transfer(const std::string& id, HouseholdId household, std::int64_t amount_fen) {
        SaleOrder sale = order(id, household, amount_fen);
        sale.channel = Channel::kTransfer;
        return sell(sale);
    }
    void plant(const char* sql) {
        auto db = beside();
        for (const char* table : {"bookings", "entries"}) {
            if (on_postgres()) {
                const std::string off = std::string{"ALTER TABLE "} + table + " DISABLE TRIGGER USER";
                db->define(off);
            } else {
                for (const char* trigger : {"_stay", "_remain"})
                    db->define(std::string{"DROP TRIGGER IF EXISTS "} + table + trigger);
            }
        }
        db->execute(sql);
        ASSERT_TRUE(db->ok()) << db->failure()->message;
    }
};
using Kinds = std::vector<std::string>;

TEST_F(Reconciling, SoundOfficeHasNoWorkAndSaysHowMuchItCompared) {
    // "Nothing found" of a check that looked at nothing.
    start();
    const HouseholdId household = room("3-0101");
    const auto sold = sell(order("a", household, 6400));
    ASSERT_TRUE(sold);
    show(household, 1, 10'000, 500);
    EXPECT_EQ(reconcile().households, 39);
    move(minutes(60));
    read(household, 9'800, 700);
    const ReconcileAnswer answer = reconcile();
    EXPECT_EQ(answer.households, 39);
    EXPECT_EQ(answer.open_items, 0);
    EXPECT_EQ(kinds(), Kinds{});
}

TEST_F(Reconciling, UseThatTheRegisterDidNotCountBecomesOneItemAndClosesItselfWhenItIsGone) {
    // The same difference every night as a new item buries the one that matters.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 6400)));
    show(household, 1, 10'000, 500);
    reconcile();
    move(minutes(60));
    read(household, 9'700, 700);
    EXPECT_EQ(reconcile().open_items, 1);
    move(minutes(24 * 60));
    read(household, 9'700, 700);
    reconcile();
    ASSERT_EQ(kinds(), Kinds{"ledger_use_unlike_registers"});
    WorkRecord item = items()[0];
    EXPECT_EQ(item.times_seen, 2);
    EXPECT_GE(item.item.at - item.first_at, minutes(24 * 60));
    EXPECT_EQ(item.room, "3-0101");
    EXPECT_EQ(item.item.size, -100);

    // Explained: out of the way while it stays as it is, open again when it grows.
    ASSERT_TRUE(wait<WorkRecord>([&](auto done) { office_->work_list().assign(item.id, "li", kOwner, done); }));
    ASSERT_TRUE(
        wait<WorkRecord>([&](auto done) { office_->work_list().resolve(item.id, "an inverter", kOwner, done); }));
    reconcile();
    EXPECT_EQ(office_->work_list().item(item.id)->state, WorkState::kExplained);
    EXPECT_EQ(office_->work_list().item(item.id)->assigned_to, "li");
    move(minutes(60));
    read(household, 9'600, 700);
    reconcile();
    EXPECT_EQ(office_->work_list().item(item.id)->state, WorkState::kOpen);

    // A meter that does not answer for days proves nothing: the item stays.
    move(minutes(3 * 24 * 60));
    reconcile();
    EXPECT_EQ(office_->work_list().item(item.id)->state, WorkState::kOpen);
    read(household, 9'600, 900);
    EXPECT_EQ(reconcile().open_items, 0);
    item = *office_->work_list().item(item.id);
    EXPECT_EQ(item.state, WorkState::kClosed);
    ASSERT_FALSE(item.comments.empty());
    EXPECT_EQ(item.comments.back().text, "The difference is gone.");
    AuditFilter filter;
    filter.action = "work";
    EXPECT_EQ(office_->audit().records(filter)->size(), 2u);
}

TEST_F(Reconciling, PlantedDifferencesOfLedgerAndMeterAreFound) {
    // Each of these was once explained away as "the meter's fault".
    start();
    const HouseholdId first = room("3-0101");
    const HouseholdId second = room("3-0102");
    const HouseholdId third = room("3-0103");
    for (const HouseholdId household : {first, second, third})
        ASSERT_TRUE(sell(order("a" + std::to_string(household.value), household, 6400)));
    show(first, 1, 10'000, 500);
    show(second, 1, 10'000, 500);
    reconcile();
    EXPECT_EQ(kinds(), Kinds{});
    plant("UPDATE bookings SET ticket_number = 9 WHERE order_id = 'a1'");
    move(minutes(60));
    read(second, 10'000, 400);
    reconcile();
    EXPECT_EQ(kinds(), (Kinds{"ledger_register_went_back", "ledger_ticket_unknown"}));
    move(minutes(24 * 60));
    reconcile();
    const auto found = kinds();
    EXPECT_EQ(std::count(found.begin(), found.end(), "ledger_ticket_not_confirmed"),
              2);  // the third, and the planted one
}

TEST_F(Reconciling, StatementIsTakenOnceAndItsDifferencesAreWork) {
    // The desk imports the same file every Monday; the bank's money must not double.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(transfer("t1", household, 5000));
    ASSERT_TRUE(transfer("t2", household, 2000));
    ASSERT_TRUE(sell(order("cash", household, 2000)));  // not of this channel
    const std::string agrees =
        "2026-09-21 22:13:30,r1,t1,50.00,payment\n"
        "2026-09-21 22:14:00,r2,,20.00,payment\n";
    ASSERT_EQ(now().ms, 1'790'000'000'000);
    const auto taken = import(agrees);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->new_lines, 2);
    EXPECT_EQ(import(agrees)->new_lines, 0);
    EXPECT_EQ(reconcile().statement_lines, 2);
    EXPECT_EQ(kinds(), Kinds{});

    EXPECT_FALSE(import("2026-09-21 22:13:30,r1,t1,51.00,payment\n")) << "the channel contradicts itself";
    ASSERT_TRUE(import("2026-09-21 22:20:00,r3,,70.00,payment\n2026-09-21 22:21:00,r4,t1,50.00,payment\n"));
    ASSERT_TRUE(transfer("t5", household, 900));
    ASSERT_TRUE(transfer("t6", household, 800));
    ASSERT_TRUE(import("2026-09-21 22:22:00,r6,t6,8.01,payment\n"));
    reconcile();
    auto found = kinds();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found,
              (Kinds{"channel_double", "channel_missing_here", "channel_missing_there", "channel_other_amount"}));
    reconcile();
    EXPECT_EQ(kinds().size(), 4u);
    ASSERT_TRUE(import("2026-09-21 22:23:00,r5,t5,9.00,payment\n"));
    reconcile();
    found = kinds();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, (Kinds{"channel_double", "channel_missing_here", "channel_other_amount"}));
}

TEST_F(Reconciling, PayoutsAreComparedWithTheStatementAsSalesAre) {
    // The desk says "it was paid back to your account", the bank has never heard of it; and the other way round.
    start();
    const HouseholdId household = room("3-0101");
    const auto sold = transfer("t1", household, 6400);
    ASSERT_TRUE(sold);
    meter(household, 0);
    const auto pay_back = [&](const std::string& id, std::int64_t amount_fen) {
        const auto refunded = refund("refund-" + id, sold->sale.id, fen(amount_fen));
        ASSERT_TRUE(refunded) << refunded.error().message;
        meter(household, 0);
        const auto paid = pay_out(id, refunded->bookings[0].id);
        ASSERT_TRUE(paid) << paid.error().message;
    };
    pay_back("p1", 1000);
    pay_back("p2", 500);
    pay_back("p3", 700);
    ASSERT_TRUE(
        import("2026-09-21 22:13:30,r1,t1,64.00,payment\n"
               "2026-09-21 22:14:00,r1,p1,10.00,refund\n"  // the channel uses one reference for both
               "2026-09-21 22:14:30,r2,,5.00,refund\n"
               "2026-09-21 22:15:00,r3,p3,7.00,refund\n"));
    reconcile();
    EXPECT_EQ(kinds(), Kinds{});

    pay_back("p4", 600);
    ASSERT_TRUE(import("2026-09-21 22:16:00,r5,nobody,3.00,refund\n2026-09-21 22:17:00,r6,p1,10.00,refund\n"));
    reconcile();
    auto found = items();
    std::sort(found.begin(), found.end(),
              [](const WorkRecord& a, const WorkRecord& b) { return a.item.kind < b.item.kind; });
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].item.kind, "channel_double");
    EXPECT_EQ(found[1].item.kind, "channel_missing_here");
    EXPECT_EQ(found[1].item.subject, "transfer refund r5");
    EXPECT_NE(found[1].item.explanation.find("no payout"), std::string::npos);
    EXPECT_EQ(found[2].item.kind, "channel_missing_there");
    EXPECT_EQ(found[2].item.household, household);
    EXPECT_EQ(found[2].item.size, 600);
    EXPECT_NE(found[2].item.figures.find("paid back 6.00 yuan, order p4"), std::string::npos) << found[2].item.figures;
    ASSERT_TRUE(import("2026-09-21 22:18:00,r7,p4,6.00,refund\n"));
    reconcile();
    const auto left = kinds();
    EXPECT_EQ(std::count(left.begin(), left.end(), "channel_missing_there"), 0);
}

TEST_F(Reconciling, AccountInMoneyIsComparedInMoney) {
    // A site that sells yuan: 64.00 yuan are not 64.00 kWh, and an hour's light is no missing energy.
    start();
    const HouseholdId household = room("3-0101");
    PlanVersion plan;
    plan.name = "money";
    plan.valid_from = now();
    plan.plan = *plan_of("flat money month 0:6400 fee 0 0");
    ASSERT_TRUE(wait<PlanVersion>([&](auto done) { accounts().add_plan(money("plan"), plan, done); }));
    ASSERT_TRUE(sell(order("a", household, 6400)));
    ASSERT_EQ(office_->desired(household)->ticket.unit, AccountUnit::kMoney);
    show(household, 1, 6'400, 500);
    reconcile();
    move(minutes(60));
    read(household, 6'272, 700);  // 2.00 kWh for 1.28 yuan
    EXPECT_EQ(reconcile().open_items, 0) << (items().empty() ? "" : items()[0].item.figures);
    show(household, 1, 6'272, 700);
    move(minutes(60));
    read(household, 6'400, 600);
    reconcile();
    auto found = kinds();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, (Kinds{"ledger_register_went_back", "ledger_remaining_too_high"}));
    for (const WorkRecord& record : items()) {
        if (record.item.kind == "ledger_remaining_too_high") {
            EXPECT_NE(record.item.figures.find("1.28 yuan too much"), std::string::npos) << record.item.figures;
        }
    }
}

TEST_F(Reconciling, ShortageOfAMoveIntoAnAccountThatIsClosedIsWork) {
    // Two kWh were used in the old room after they had been taken along, and nobody is left to take them from.
    start();
    const HouseholdId from = room("3-0101");
    const HouseholdId into = room("3-0102");
    ASSERT_TRUE(sell(order("a", from, 640)));
    meter(from, 400);
    ASSERT_TRUE(move_to("move", from, into));
    meter(into, 0);
    ASSERT_TRUE(settle("out", into));
    meter(from, 600);
    EXPECT_EQ(*wait<int>([&](auto done) { accounts().give_back(kOwner, done); }), 0);
    reconcile();
    ASSERT_EQ(kinds(), Kinds{"move_short"});
    const WorkRecord item = items()[0];
    EXPECT_EQ(item.item.household, from);
    EXPECT_EQ(item.item.size, 200);
    EXPECT_NE(item.item.figures.find("room 3-0102: 6.00 kWh; of it the old meter had used 2.00 kWh"), std::string::npos)
        << item.item.figures;
    ASSERT_TRUE(wait<WorkRecord>(
        [&](auto done) { office_->work_list().resolve(item.id, "borne by the house", kOwner, done); }));
    move(minutes(24 * 60));
    reconcile();
    EXPECT_EQ(office_->work_list().item(item.id)->state, WorkState::kExplained);
    expect_balanced();
}

TEST_F(Reconciling, TicketThatWasAcceptedIsNoDifferenceWhileOursIsUnderWay) {
    // Two people have just answered; the nightly pass must not ask what they have answered.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 640)));
    show(household, 1, 1'000, 500);
    reconcile();
    MeterEffect effect;
    effect.epoch = 1;
    effect.ticket_number = 4;
    effect.credited = credit_of_hundredths(5'000);
    effect.remaining = credit_of_hundredths(4'900);
    move(minutes(1));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect, now(), done); }));
    TicketAnswerOrder answer;
    answer.order = money("answer");
    answer.household = household;
    ASSERT_TRUE(wait<BookingsAnswer>([&](auto done) { office_->answer_ticket_question(answer, done); }));
    move(minutes(1));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect, now(), done); }));
    move(minutes(1));
    read(household, 4'890, 610);
    EXPECT_EQ(reconcile().open_items, 0) << (items().empty() ? "" : items()[0].item.figures);
    move(minutes(1));
    show(household, 5, 890, 610);
    EXPECT_EQ(reconcile().open_items, 0) << (items().empty() ? "" : items()[0].item.figures);
}

TEST_F(Reconciling, HeadMeterThatIsNotReadAnyMoreSaysSo) {
    // "No differences" of a building that nobody has read since spring.
    start();
    const auto head = [&](std::int64_t forward) {
        return wait<Done>([&](auto done) {
            office_->work_list().record_head_readings({{BuildingId{1}, now(), energy_of_hundredths(forward)}}, kOwner,
                                                      done);
        });
    };
    reconcile();
    EXPECT_EQ(kinds(), Kinds{}) << "a building without a head meter";
    ASSERT_TRUE(head(100'000));
    move(minutes(24 * 60));
    ASSERT_TRUE(head(40));
    reconcile();
    ASSERT_EQ(kinds(), Kinds{"head_went_back"});
    move(minutes(3 * 24 * 60));
    reconcile();
    auto found = kinds();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, (Kinds{"head_reading_old", "head_went_back"}));
    ASSERT_TRUE(head(50));
    auto db = beside();
    db->execute("UPDATE head_readings SET forward_ckwh = 30 WHERE forward_ckwh = 100000");
    ASSERT_TRUE(db->ok());
    reconcile();
    EXPECT_EQ(kinds(), Kinds{});
}

TEST_F(Reconciling, HeadMeterIsComparedWithItsRoomsDayByDay) {
    // Energy that leaves before the meters is paid by everybody else.
    building_.boxes = 1;
    start();
    const auto head = [&](std::int64_t forward) {
        return wait<Done>([&](auto done) {
            office_->work_list().record_head_readings({{BuildingId{1}, now(), energy_of_hundredths(forward)}}, kOwner,
                                                      done);
        });
    };
    const auto all_rooms = [&](std::int64_t forward) {
        std::vector<Reading> readings;
        for (std::int64_t id = 1; id <= 39; ++id)
            readings.push_back({HouseholdId{id}, now(), energy_of_hundredths(forward), Credit{0}, HouseholdState{}});
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings(readings, done); }));
    };
    std::int64_t total = 100'000;
    for (int day = 0; day < 4; ++day) {
        all_rooms(1'000 * day);
        move(minutes(5));
        ASSERT_TRUE(head(total));
        move(minutes(5));
        all_rooms(1'000 * day + 2);
        move(minutes(24 * 60 - 10));
        total += 39'000 + (day == 1 ? 5'000 : 0);
    }
    EXPECT_EQ(reconcile().building_days, 3);
    ASSERT_EQ(kinds(), Kinds{"head_unlike_rooms"});
    EXPECT_GT(items()[0].item.size, 4'900);
    EXPECT_LE(items()[0].item.size, 5'000);
    // A correction of the head reading ends it.
    auto db = beside();
    db->execute("UPDATE head_readings SET forward_ckwh = forward_ckwh - 5000 WHERE forward_ckwh > 180000");
    ASSERT_TRUE(db->ok());
    reconcile();
    EXPECT_EQ(kinds(), Kinds{});
    EXPECT_EQ(wait<Done>([&](auto done) {
                  office_->work_list().record_head_readings({{BuildingId{9}, now(), Energy{0}}}, kOwner, done);
              })
                  .error()
                  .reason,
              Reason::kNotFound);
}

TEST_F(Reconciling, PassIsDueOnceADayAndGoesOnAfterARestart) {
    // A nightly job that ran twice is a nuisance; one that never ran is not noticed for a year.
    start();
    office_->work_list().tend(now());
    reconcile();  // the writer has done what was asked before
    auto db = beside();
    const UnixTime begun = last_pass(*db);
    EXPECT_GE(begun, now());
    reopen();
    office_->work_list().tend(now());
    office_->work_list().tend(now() + minutes(23 * 60));
    ASSERT_TRUE(sell(order("a", room("3-0101"), 100)));
    EXPECT_EQ(last_pass(*db), begun);
    move(kReconcileEvery + minutes(1));
    office_->work_list().tend(now());
    ASSERT_TRUE(sell(order("b", room("3-0101"), 100)));
    EXPECT_EQ(last_pass(*db), now());
}

}  // namespace
}  // namespace prewatt::server::store
