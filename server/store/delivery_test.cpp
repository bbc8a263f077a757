#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

class Delivering : public OfficeTest {
  protected:
    static MeterEffect effect(std::uint32_t number, std::int64_t remaining_ckwh, bool closed) {
        MeterEffect effect{1, number, credit_of_hundredths(remaining_ckwh), {}};
        effect.state.set(StateBit::kRelayClosed, closed);
        return effect;
    }
    void sent(const Delivery& delivery) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_sent(delivery, now(), done); }));
    }
    void confirmed(const Delivery& delivery, const MeterEffect& shown) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_confirmed(delivery, shown, now(), done); }));
    }
    void refused(const Delivery& delivery, const std::string& problem, bool for_good) {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_refused(delivery, problem, for_good, now(), done); }));
    }
    void read(HouseholdId household, std::int64_t forward, std::int64_t remaining, bool closed) {
        Reading reading{household, now(), energy_of_hundredths(forward), credit_of_hundredths(remaining), {}};
        reading.state.set(StateBit::kRelayClosed, closed);
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({reading}, done); }));
    }
    Answer<JobRecord> hold(const std::string& id, HouseholdId household, bool off) {
        return wait<JobRecord>([&](auto done) {
            office_->set_remote_hold({id, household, "owner", "did not pay the deposit"}, off, done);
        });
    }
};

TEST_F(Delivering, EachStepOfASaleHasItsTime) {
    // The payer stands at the desk in the dark and asks where the electricity is.
    start();
    const HouseholdId household = room("3-0101");
    const SaleId id = sell(order("a", household, 640))->sale.id;
    const Delivery ticket{household, Part::kTicket, 1, 1};
    move(seconds(1));
    sent(ticket);
    move(seconds(1));
    sent(ticket);
    auto sale = *office_->sale(id);
    EXPECT_EQ(sale.sent_at->ms, now().ms - 1000) << "the first time that it went out";
    EXPECT_EQ(sale.attempts, 2u);
    EXPECT_FALSE(sale.confirmed_at);
    refused(ticket, "no answer", false);
    EXPECT_EQ(office_->sale(id)->last_problem, "no answer");
    EXPECT_TRUE(office_->desired(household)->ticket_open());

    move(seconds(1));
    confirmed(ticket, effect(1, 1000, false));
    sale = *office_->sale(id);
    EXPECT_EQ(sale.confirmed_at, now());
    EXPECT_FALSE(sale.lit_at);
    EXPECT_EQ(sale.last_problem, "");
    EXPECT_FALSE(office_->desired(household)->ticket_open());
    EXPECT_EQ(office_->household(household)->remaining, credit_of_hundredths(1000));

    move(seconds(1));
    read(household, 0, 1000, true);
    EXPECT_EQ(office_->sale(id)->lit_at, now());
}

TEST_F(Delivering, OneDamagedReadingIsNotTakenForALostMemory) {
    // Noise passed the line's check sum: the room seemed to have used 7 kWh more than it had, and its next honest
    // answer looked like a meter that had forgotten them. It was given a new account with 7 kWh less (found by the
    // simulator).
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("a", household, 640)));
    confirmed({household, Part::kTicket, 1, 1}, effect(1, 1000, true));
    move(seconds(60));
    read(household, 10, 990, true);
    move(seconds(60));
    read(household, 20, 200, true);  // the damaged one
    EXPECT_FALSE(sell(order("nothing", household, 0))) << "a sale looks at what was read last";
    move(seconds(60));
    read(household, 30, 970, true);
    move(seconds(60));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect(1, 960, true), now(), done); }));
    EXPECT_EQ(office_->desired(household)->ticket.epoch, 1) << "a new account was opened";
    EXPECT_EQ(office_->household(household)->remaining, credit_of_hundredths(960));
    EXPECT_EQ(office_->desired(household)->stopped, Situation::kNone);
}

TEST_F(Delivering, LaterTicketConfirmsTheEarlierOnes) {
    // Three purchases while the line was cut: the newest ticket carries them all.
    start();
    const HouseholdId household = room("3-0101");
    for (const char* id : {"a", "b", "c"})
        ASSERT_TRUE(sell(order(id, household, 640)));
    sent({household, Part::kTicket, 1, 2});
    EXPECT_TRUE(office_->sale_by_order("b")->sent_at);
    EXPECT_FALSE(office_->sale_by_order("c")->sent_at);
    confirmed({household, Part::kTicket, 1, 2}, effect(2, 2000, true));
    EXPECT_TRUE(office_->sale_by_order("a")->confirmed_at);
    EXPECT_TRUE(office_->sale_by_order("b")->lit_at);
    EXPECT_FALSE(office_->sale_by_order("c")->confirmed_at);
    EXPECT_TRUE(office_->desired(household)->ticket_open());
    confirmed({household, Part::kTicket, 1, 3}, effect(3, 3000, true));
    EXPECT_TRUE(office_->sale_by_order("c")->lit_at);
}

TEST_F(Delivering, LaterOrderReplacesTheOpenOneAndOnlyItIsDelivered) {
    // Off, then on again while the line is down: the room must not go dark when the line comes back.
    start();
    const HouseholdId household = room("3-0101");
    const auto off = hold("1", household, true);
    ASSERT_TRUE(off);
    EXPECT_EQ(off->kind, "relay_off");
    const auto on = hold("2", household, false);
    EXPECT_EQ(office_->job(off->id)->state, JobState::kFailed);
    auto desired = *office_->desired(household);
    EXPECT_TRUE(desired.remote_version.open());
    EXPECT_FALSE(desired.remote_off);
    confirmed({household, Part::kRemoteHold, 0, off->version}, effect(0, 0, false));
    EXPECT_EQ(office_->job(on->id)->state, JobState::kWaiting) << "an answer to the old order confirms nothing new";
    EXPECT_TRUE(office_->desired(household)->remote_version.open());
    sent({household, Part::kRemoteHold, 0, on->version});
    EXPECT_EQ(office_->job(on->id)->state, JobState::kSent);
    confirmed({household, Part::kRemoteHold, 0, on->version}, effect(0, 0, false));
    EXPECT_EQ(office_->job(on->id)->state, JobState::kConfirmed);
    EXPECT_EQ(office_->job(on->id)->reason, "did not pay the deposit");
    EXPECT_FALSE(office_->desired(household)->open());
}

TEST_F(Delivering, RepeatedOrderOfAJobIsAnsweredNotExecuted) {
    // A double click on "off" must not undo the "on" that somebody ordered between.
    start();
    const HouseholdId household = room("3-0101");
    const auto first = hold("1", household, true);
    ASSERT_TRUE(hold("2", household, false));
    EXPECT_EQ(hold("1", household, true)->id, first->id);
    EXPECT_FALSE(office_->desired(household)->remote_off);
    EXPECT_EQ(hold("1", household, false).error().reason, Reason::kOrderIdReused);
    EXPECT_EQ(hold("3", HouseholdId{999}, true).error().reason, Reason::kNotFound);
    EXPECT_EQ(office_->jobs(household, 10)->size(), 2u);
}

TEST_F(Delivering, ForceAlarmsAndAcknowledgeBecomeDesiredState) {
    // Each part has its own version: one that fails does not hold up another.
    start();
    const HouseholdId household = room("3-0101");
    const auto forced =
        wait<JobRecord>([&](auto done) { office_->set_force({"f", household, "owner", "guests"}, 30, done); });
    ASSERT_TRUE(forced);
    const AlarmLevels levels{energy_of_hundredths(1000), energy_of_hundredths(200), Energy{0}};
    ASSERT_TRUE(wait<JobRecord>([&](auto done) { office_->set_alarms({"l", household, "owner", ""}, levels, done); }));
    ASSERT_TRUE(wait<JobRecord>([&](auto done) { office_->acknowledge({"k", household, "owner", ""}, done); }));
    EXPECT_FALSE(wait<JobRecord>([&](auto done) { office_->set_force({"g", household, "owner", ""}, 1441, done); }));
    auto desired = *office_->desired(household);
    EXPECT_EQ(desired.force_until, now() + minutes(30));
    EXPECT_TRUE(desired.force_overruled.has(Hold::kNoCredit));
    EXPECT_EQ(desired.alarms, levels);
    EXPECT_TRUE(desired.acknowledge_version.open());
    refused({household, Part::kForce, 0, forced->version}, "the time is over", true);
    desired = *office_->desired(household);
    EXPECT_FALSE(desired.force_version.open());
    EXPECT_TRUE(desired.alarms_version.open());
    EXPECT_EQ(office_->job(forced->id)->state, JobState::kFailed);
    reopen();
    EXPECT_EQ(office_->desired(household)->alarms, levels);
}

TEST_F(Delivering, HoardingLimitKnowsWhatTheMeterHasUsed) {
    // Without it, a household that buys every week for years would one day be refused.
    start();
    const HouseholdId household = room("3-0101");
    for (int k = 0; k < 6; ++k)
        ASSERT_TRUE(sell(order("a" + std::to_string(k), household, 1'000'000)));
    EXPECT_EQ(sell(order("b", household, 1'000'000)).error().reason, Reason::kHoarding);
    confirmed({household, Part::kTicket, 1, 6}, effect(6, 1000, true));
    EXPECT_TRUE(sell(order("c", household, 1'000'000)));
}

TEST_F(Delivering, CommandCountersAreNeverGivenTwice) {
    // A counter that is used twice with different content is an open door for a replay.
    start();
    const auto reserve = [&](std::uint32_t count) {
        return wait<std::uint32_t>([&](auto done) { office_->reserve_counters(BoxId{1}, count, done); });
    };
    EXPECT_EQ(reserve(32), 1u);
    EXPECT_EQ(reserve(32), 33u);
    reopen();
    EXPECT_EQ(reserve(1), 65u);
    const auto raise = [&](std::uint32_t last) {
        return wait<Done>([&](auto done) { office_->raise_counter(BoxId{1}, last, done); });
    };
    EXPECT_TRUE(raise(1000));
    EXPECT_TRUE(raise(10)) << "never back";
    EXPECT_EQ(reserve(1), 1001u);
    EXPECT_TRUE(raise(UINT32_MAX - 1));
    EXPECT_EQ(reserve(2).error().reason, Reason::kTotalTooLarge);
    EXPECT_EQ(reserve(0).error().reason, Reason::kBadArgument);
}

TEST_F(Delivering, ReadingsAreKeptAndTheOldOnesDoNotOverwriteTheNew) {
    // Two answers that were stored in the wrong order must not turn the remaining credit back.
    start();
    const HouseholdId household = room("3-0101");
    EXPECT_FALSE(office_->household(household)->read_at);
    read(household, 100, 900, true);
    move(minutes(30));
    read(household, 150, 850, true);
    const UnixTime newest = now();
    move(minutes(-10));
    read(household, 120, 880, true);
    EXPECT_EQ(office_->household(household)->remaining, credit_of_hundredths(850));
    EXPECT_EQ(office_->household(household)->read_at, newest);
    const auto raw = office_->readings(household, {}, UnixTime{INT64_MAX}, Step::kRaw);
    ASSERT_EQ(raw->size(), 3u);
    EXPECT_EQ(raw->at(1).forward, energy_of_hundredths(120));
    const auto days = office_->readings(household, {}, UnixTime{INT64_MAX}, Step::kDay);
    ASSERT_EQ(days->size(), 1u);
    EXPECT_EQ(days->front().forward, energy_of_hundredths(150));

    move(minutes(20));
    ASSERT_TRUE(wait<Done>(
        [&](auto done) { office_->record_box_seen({BoxId{1}, now(), true, true, std::uint8_t{0x3F}, now()}, done); }));
    EXPECT_EQ(office_->household(household)->read_at, now()) << "nothing changed since, and that was asked just now";
    EXPECT_TRUE(office_->box(std::uint64_t{2026000001})->answering);
    office_->record_powers({{household, now(), watts(60)}});
    EXPECT_EQ(office_->household(household)->power, watts(60));
}

TEST_F(Delivering, ObserversHearOfEachChangeOnceItIsDurable) {
    // The wall and the line masters live on this: a change that nobody hears of is delivered at the next sweep only.
    struct Recorder final : OfficeObserver {
        std::mutex mutex;
        std::vector<Change> heard;
        void on_changes(std::span<const Change> changes) override {
            const std::lock_guard lock(mutex);
            heard.insert(heard.end(), changes.begin(), changes.end());
        }
    } recorder;
    start();
    office_->add_observer(recorder);
    const HouseholdId household = room("3-0101");
    const auto sold = sell(order("a", household, 640));
    EXPECT_FALSE(sell(order("b", household, 0)));
    EXPECT_TRUE(sell(order("a", household, 640))->repeated);
    office_->remove_observer(recorder);
    ASSERT_TRUE(sell(order("c", household, 640)));
    EXPECT_EQ(recorder.heard, (std::vector<Change>{{Change::Kind::kSale, sold->sale.id.value},
                                                   {Change::Kind::kDesired, household.value},
                                                   {Change::Kind::kHousehold, household.value}}));
}

TEST_F(Delivering, LineMasterSeesItsBoxesAndHouseholds) {
    // What is not on this list is never read and never switched.
    building_.boxes = 2;
    building_.wiring = Wiring::k18x2;
    building_.line_url = "tcp://127.0.0.1:4001";
    start();
    const auto lines = office_->lines();
    ASSERT_EQ(lines->size(), 1u);
    EXPECT_EQ(lines->front().url, "tcp://127.0.0.1:4001");
    EXPECT_EQ(office_->boxes_of_line(lines->front().id)->size(), 2u);
    const auto all = office_->desired_of_line(lines->front().id);
    ASSERT_EQ(all->size(), 36u);
    EXPECT_EQ(all->at(18).number, 1);
    EXPECT_EQ(office_->desired_of_box(BoxId{2})->size(), 18u);
    EXPECT_EQ(office_->households_of_box(BoxId{2})->front().room, "3-0206");
    EXPECT_EQ(office_->find_households("", 100)->size(), 36u);
    EXPECT_EQ(office_->find_households("30206", 100)->front().room, "3-0206");
    EXPECT_EQ(office_->site()->rooms.size(), 36u);
}

}  // namespace
}  // namespace prewatt::server::store
