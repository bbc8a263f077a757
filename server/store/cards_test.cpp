// Cards in the tables: what is ordered, read back, seen again, believed and not believed.
#include "server/domain/cards.hpp"

#include "server/store/accounts_fixture.hpp"
#include "server/store/cards.hpp"
#include "server/store/restored.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kUid = "A1B2C3D4";
constexpr const char* kOtherUid = "04A1B2C3D4E5F6";
constexpr std::uint64_t kBox = 2026000001;

class CardsTest : public AccountsTest {
  protected:
    CardsTest() { start(); }

    Cards& cards() { return office_->cards(); }
    static Actor clerk() { return {"owner", "desk"}; }
    Answer<CardOrdered> issue(std::string order, HouseholdId household, std::string uid = kUid, CardId replaces = {},
                              std::uint32_t generation = 1) {
        CardIssue wanted;
        wanted.order_id = std::move(order);
        wanted.who = clerk();
        wanted.reason = "moved in";
        wanted.uid = std::move(uid);
        wanted.household = household;
        wanted.replaces = replaces;
        wanted.generation = generation;
        return wait<CardOrdered>([&](auto done) { cards().issue(wanted, done); });
    }
    Answer<CardOrdered> ticket(std::string order, CardId card, std::uint32_t generation,
                               std::optional<SeenTicket> carries = {}) {
        CardTicketOrder wanted;
        wanted.order_id = std::move(order);
        wanted.who = clerk();
        wanted.card = card;
        wanted.generation = generation;
        wanted.carries = carries;
        return wait<CardOrdered>([&](auto done) { cards().order_ticket(wanted, done); });
    }
    Answer<CardRecord> written(CardWriteId write) {
        return wait<CardRecord>([&](auto done) { cards().written(write, clerk(), done); });
    }
    Answer<CardRecord> end(CardId card, CardState how) {
        return wait<CardRecord>([&](auto done) { cards().end({card, how, clerk(), "said so"}, done); });
    }
    Answer<CardWrite> format(std::string order, CardId card, std::string uid = kUid) {
        return wait<CardWrite>([&](auto done) { cards().order_format({order, clerk(), uid, card}, done); });
    }
    CardSeen see(const CardSight& sight) {
        auto seen = wait<CardSeen>([&](auto done) { cards().see(sight, clerk(), done); });
        EXPECT_TRUE(seen) << seen.error().message;
        return seen ? *seen : CardSeen{};
    }
    // A card of the room that is whole.
    CardOrdered made(HouseholdId household, std::string uid = kUid) {
        auto ordered = issue("issue-" + uid, household, uid);
        EXPECT_TRUE(ordered) << ordered.error().message;
        EXPECT_TRUE(written(ordered->write.id));
        return *ordered;
    }
    static CardSight sight_of(const CardOrdered& ordered, std::optional<CardReturn> said = {}) {
        CardSight sight;
        sight.uid = ordered.card.uid;
        sight.identity = SeenIdentity{ordered.card.id, CardKind::kHousehold, ordered.card.issue,
                                      std::max<std::uint32_t>(1, ordered.write.identity_generation)};
        if (ordered.write.generation != 0)
            sight.tickets.push_back({ordered.write.generation, ordered.write.ticket, ordered.card.id});
        sight.said = said;
        sight.said_box = ordered.card.box_number;
        sight.said_number = ordered.number;
        return sight;
    }
    CardReturn swiped(std::uint32_t generation, const TicketTotal& ticket, std::int64_t used_hundredths) {
        CardReturn said;
        said.generation = generation;
        said.epoch = ticket.epoch;
        said.ticket_number = ticket.number;
        said.used = credit_of_hundredths(used_hundredths);
        said.remaining = ticket.credited - said.used;
        said.forward = energy_of_hundredths(100'000 + used_hundredths);
        said.swiped_at = now();
        said.state.set(StateBit::kRelayClosed, true);
        return said;
    }
    void by_card_only() {
        const auto db = beside();
        db->begin_write();
        db->execute("UPDATE lines SET url = 'card'");
        ASSERT_TRUE(db->commit());
    }
    int items(std::string_view kind) {
        WorkFilter filter;
        filter.kind = kind;
        const auto found = office_->work_list().items(filter);
        EXPECT_TRUE(found);
        return found ? static_cast<int>(found->size()) : -1;
    }
};

// The sale is in the books and not on the card, the clerk says it is: the resident goes home with an empty card.
TEST_F(CardsTest, ASaleCountsAsOnTheCardOnlyAfterItWasReadBack) {
    const HouseholdId household = room("3-0101");
    const auto sale = sell(order("s1", household, 6400));
    ASSERT_TRUE(sale);
    const auto ordered = issue("i1", household);
    ASSERT_TRUE(ordered) << ordered.error().message;
    EXPECT_EQ(ordered->write.ticket, sale->sale.ticket);
    EXPECT_EQ(ordered->write.sale, credit_of_hundredths(10'000));
    EXPECT_EQ(ordered->write.sale_number, 1u);
    EXPECT_EQ(ordered->card.box_number, kBox);
    EXPECT_EQ(ordered->card.state, CardState::kIssued);
    EXPECT_FALSE(office_->sale(sale->sale.id)->card_at);

    move(seconds(3));
    const auto card = written(ordered->write.id);
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_EQ(card->state, CardState::kWritten);
    EXPECT_EQ(card->generation, 1u);
    EXPECT_EQ(card->carries, sale->sale.ticket);
    EXPECT_EQ(office_->sale(sale->sale.id)->card_at, now());

    // The next one is on no card yet, and the first is said to be since it was.
    const UnixTime first_at = now();
    move(minutes(1));
    const auto second = sell(order("s2", household, 640));
    EXPECT_FALSE(office_->sale(second->sale.id)->card_at);
    const auto again = ticket("t2", card->id, 2);
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_TRUE(written(again->write.id));
    EXPECT_EQ(office_->sale(second->sale.id)->card_at, now());
    EXPECT_EQ(office_->sale(sale->sale.id)->card_at, first_at);
    // One that the line has brought to the meter meanwhile is on the card all the same.
    const auto third = sell(order("s3", household, 640));
    meter(household, 0);
    const auto last = ticket("t3", card->id, 3);
    ASSERT_TRUE(last);
    ASSERT_TRUE(written(last->write.id));
    EXPECT_EQ(office_->sale(third->sale.id)->card_at, now());
    expect_balanced();
}

// A card is torn away while it is written: next time the clerk would not know whether to write again or to pay back.
TEST_F(CardsTest, ATornWriteIsOrderedAgainAndCarriesWhatIsNewestThen) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    ASSERT_TRUE(sell(order("s2", household, 6400)));
    const auto torn = ticket("t2", first.card.id, 2);
    ASSERT_TRUE(torn);
    EXPECT_EQ(see(sight_of(first)).finding, CardFinding::kUnfinished);

    // Meanwhile somebody pays on the telephone; the same order again takes that along, as a new attempt.
    ASSERT_TRUE(sell(order("s3", household, 6400)));
    const auto again = ticket("t2", first.card.id, 4);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_NE(again->write.id, torn->write.id);
    EXPECT_EQ(again->write.ticket.number, 3u);
    const auto late = written(torn->write.id);
    ASSERT_FALSE(late) << "what was read back is not what is asked for now";
    EXPECT_EQ(late.error().reason, Reason::kCardUnlike);
    ASSERT_TRUE(written(again->write.id));
    EXPECT_EQ(see(sight_of(*again)).finding, CardFinding::kUpToDate);
    const SeenTicket stands{4, again->write.ticket, first.card.id};
    const auto done = ticket("t2", first.card.id, 6, stands);
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->repeated);
    // Its answer was lost, and what lies there now is not what was read back: the same order writes again.
    const auto anew = ticket("t2", first.card.id, 6, SeenTicket{1, first.write.ticket, first.card.id});
    ASSERT_TRUE(anew) << anew.error().message;
    EXPECT_FALSE(anew->repeated);
    EXPECT_NE(anew->write.id, again->write.id);
    EXPECT_EQ(anew->write.generation, 6u);
    ASSERT_TRUE(written(anew->write.id));
    EXPECT_EQ(see(sight_of(*anew)).finding, CardFinding::kUpToDate);
    EXPECT_EQ(see(sight_of(*again)).finding, CardFinding::kUnfinished) << "the copy of before";
    // Never at or below what was read back.
    const auto low = ticket("t3", first.card.id, 4);
    ASSERT_FALSE(low);
    EXPECT_EQ(low.error().reason, Reason::kCardUnlike);
}

// AC17: somebody finds a lost card and has it written at the desk, or shows it at the meter.
TEST_F(CardsTest, ALostCardIsDeadAtTheDeskFromTheMomentItIsReplaced) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    const auto second = issue("i2", household, kOtherUid, first.card.id);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->card.issue, 2);
    EXPECT_EQ(see(sight_of(first)).finding, CardFinding::kRevoked);
    const auto refused = ticket("t1", first.card.id, 2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kCardRevoked);
    EXPECT_EQ(refused.error().limit, first.card.id.value);
    ASSERT_TRUE(written(second->write.id));
    EXPECT_EQ(see(sight_of(*second)).finding, CardFinding::kUpToDate);
    // What the lost one says is not believed either.
    EXPECT_FALSE(see(sight_of(first, swiped(9, first.write.ticket, 0))).took_said);
}

// Two cards of one household, or one card of two: the second write takes the first away.
TEST_F(CardsTest, AHouseholdHasOneCardAndACardOneUse) {
    const CardOrdered first = made(room("3-0101"));
    EXPECT_EQ(first.write.generation, 0u) << "no account yet: there is no ticket to write";
    const auto second = issue("i2", room("3-0101"), kOtherUid);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, Reason::kCardInUse);
    const auto other = issue("i3", room("3-0102"), kUid);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, Reason::kCardInUse);
    const auto formatted = format("f1", first.card.id);
    ASSERT_FALSE(formatted);
    EXPECT_EQ(formatted.error().reason, Reason::kCardInUse);

    ASSERT_TRUE(end(first.card.id, CardState::kTakenBack));
    ASSERT_TRUE(format("f1", first.card.id));
    const auto next = issue("i4", room("3-0101"), kUid, {}, 3);
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(next->card.issue, 2) << "the card before is dead at the meter too";
    const auto reused = issue("i4", room("3-0102"), kUid);
    ASSERT_FALSE(reused);
    EXPECT_EQ(reused.error().reason, Reason::kOrderIdReused);
}

// AC29: somebody with the keys seals a ticket and nobody ordered it.
TEST_F(CardsTest, ATicketThatNobodyOrderedIsADifferenceForAPerson) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    CardSight sight = sight_of(first);
    EXPECT_EQ(see(sight).finding, CardFinding::kUpToDate);
    EXPECT_EQ(items("card_without_order"), 0);
    sight.tickets.insert(sight.tickets.begin(),
                         {2, {1, 2, first.write.ticket.credited + credit_of_hundredths(100'000)}, first.card.id});
    see(sight);
    EXPECT_EQ(items("card_without_order"), 1);
    see(sight);
    EXPECT_EQ(items("card_without_order"), 1) << "the same difference, seen twice";
}

// AC29, in the books: the total of a card is changed by hand and nobody notices.
TEST_F(CardsTest, WhatTheCardsCarryIsHeldAgainstTheLedgerInEachPass) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    const auto pass = [&] {
        EXPECT_TRUE(wait<ReconcileAnswer>([&](auto done) { office_->work_list().reconcile(done); }));
    };
    pass();
    EXPECT_EQ(items("card_carries_unbooked"), 0);
    const auto set = [&](std::int64_t hundredths) {
        const auto db = beside();
        db->begin_write();
        db->execute("UPDATE cards SET credited_ckwh = $1", {hundredths});
        ASSERT_TRUE(db->commit());
    };
    set(20'000);
    pass();
    EXPECT_EQ(items("card_carries_unbooked"), 1);
    set(10'000);
    pass();
    EXPECT_EQ(items("card_carries_unbooked"), 0) << "gone, so closed by itself";
    // An order row stays as it is, whoever is at the database.
    const auto db = beside();
    db->begin_write();
    db->execute("UPDATE card_writes SET credited_ckwh = 1");
    EXPECT_FALSE(db->ok() && db->commit());
}

// The backup is of Monday; on Tuesday the resident bought 100 kWh, which his meter has. On Wednesday the books come
// back, and a card that is written at once carries a total without Tuesday's: whoever holds it to the box loses them.
TEST_F(CardsTest, NothingIsWrittenBeforeTheMeterHasBeenReadSinceTheBooksCameBack) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    const auto reads = [&](HouseholdId of, const TicketTotal& ticket) {
        MeterEffect effect;
        effect.epoch = ticket.epoch;
        effect.ticket_number = ticket.number;
        effect.credited = effect.remaining = ticket.credited;
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(of, effect, now(), done); }));
    };
    const auto come_back = [&] {
        move(minutes(10));
        const auto db = beside();
        db->begin_write();
        mark_restored(*db, now());
        ASSERT_TRUE(db->commit());
    };
    const auto pass = [&] {
        move(minutes(1));
        EXPECT_TRUE(wait<ReconcileAnswer>([&](auto done) { office_->work_list().reconcile(done); }));
    };
    reads(household, first.write.ticket);
    come_back();
    EXPECT_EQ(ticket("t1", first.card.id, 2).error().reason, Reason::kMeterUnread);
    const auto other = issue("i2", room("3-0102"), kOtherUid);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, Reason::kMeterUnread);
    EXPECT_NE(other.error().message.find("books_restored"), std::string::npos);

    // Its meter has been read; that of the other room has not.
    move(minutes(1));
    reads(household, first.write.ticket);
    EXPECT_TRUE(ticket("t1", first.card.id, 2));
    EXPECT_FALSE(issue("i2", room("3-0102"), kOtherUid));
    pass();
    EXPECT_EQ(items("books_restored"), 1) << "38 meters are still to be read";

    // They come back once more, and the line is out of order: a person answers for it.
    come_back();
    EXPECT_FALSE(ticket("t2", first.card.id, 3));
    WorkFilter filter;
    filter.kind = "books_restored";
    const auto found = office_->work_list().items(filter);
    ASSERT_TRUE(found && found->size() == 1) << "one item, of the newest restore";
    const WorkItemId item = found->front().id;
    ASSERT_TRUE(wait<WorkRecord>([&](auto done) {
        office_->work_list().resolve(item, "the line is cut; compared with the receipts", clerk(), done);
    }));
    EXPECT_TRUE(ticket("t2", first.card.id, 3));
    pass();
    EXPECT_TRUE(ticket("t3", first.card.id, 4)) << "seen again by the pass, it stays explained";

    // All have been read: nothing is left to do.
    for (std::int64_t k = 1; k <= 39; ++k)
        reads(HouseholdId{k}, k == household.value ? first.write.ticket : TicketTotal{});
    pass();
    EXPECT_EQ(items("books_restored"), 0);
}

// No line tells anything of such a meter, only its cards do.
TEST_F(CardsTest, WhereNoLineReachesTheMetersCardsAreWrittenAtOnceWhenTheBooksCameBack) {
    by_card_only();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const auto db = beside();
    db->begin_write();
    mark_restored(*db, now());
    ASSERT_TRUE(db->commit());
    EXPECT_TRUE(issue("i1", household));
    EXPECT_EQ(items("books_restored"), 0);
}

// AC12, AC13: less consumption by an older state of the card.
TEST_F(CardsTest, OnlyALaterReturnIsBelievedAndNoneIsABillWhereThereIsALine) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    const auto before = office_->household(household);
    EXPECT_TRUE(see(sight_of(first, swiped(3, first.write.ticket, 500))).took_said);
    move(minutes(1));
    const CardSeen seen = see(sight_of(first, swiped(2, first.write.ticket, 100)));
    EXPECT_FALSE(seen.took_said);
    EXPECT_TRUE(seen.rolled_back);
    EXPECT_EQ(seen.card->said->used, credit_of_hundredths(500));
    EXPECT_EQ(items("card_rolled_back"), 1);
    EXPECT_FALSE(see(sight_of(first, swiped(3, first.write.ticket, 100))).took_said) << "the same generation again";

    // The books do not move: neither what was used nor what was confirmed.
    EXPECT_EQ(account(household).used_known, Credit{0});
    EXPECT_TRUE(office_->desired(household)->ticket_open());
    EXPECT_EQ(office_->household(household)->read_at, before->read_at);
    // Whatever the card of another place says.
    CardSight elsewhere = sight_of(first, swiped(9, first.write.ticket, 0));
    elsewhere.said_number = 7;
    EXPECT_FALSE(see(elsewhere).took_said);
}

// The card says something else than the ledger and nobody hears of it.
TEST_F(CardsTest, AReturnThatIsUnlikeTheLedgerIsAnItemOfWorkUntilItAgrees) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    TicketTotal other = first.write.ticket;
    other.credited += credit_of_hundredths(5'000);
    see(sight_of(first, swiped(1, other, 0)));
    EXPECT_EQ(items("card_unlike_ledger"), 1);
    TicketTotal ahead = first.write.ticket;
    ahead.number = 9;
    see(sight_of(first, swiped(2, ahead, 0)));
    EXPECT_EQ(items("card_unlike_ledger"), 1);
    see(sight_of(first, swiped(3, first.write.ticket, 0)));
    EXPECT_EQ(items("card_unlike_ledger"), 0);
    meter(household, 800);
    see(sight_of(first, swiped(4, first.write.ticket, 300)));
    EXPECT_EQ(items("card_unlike_ledger"), 1) << "less was used than the meter had shown";
}

// A site without a network never hears that a ticket arrived, and shows no figure at all.
TEST_F(CardsTest, WithoutANetworkTheCardConfirmsTicketsAndBringsReadingsWithTheirAge) {
    by_card_only();
    const HouseholdId household = room("3-0101");
    const auto sale = sell(order("s1", household, 6400));
    const CardOrdered first = made(household);
    move(minutes(60));
    const CardReturn said = swiped(1, first.write.ticket, 250);
    move(minutes(24 * 60));
    ASSERT_TRUE(see(sight_of(first, said)).took_said);

    const auto shown = office_->household(household);
    EXPECT_TRUE(shown->by_card);
    EXPECT_EQ(shown->told_at, said.swiped_at) << "a value is as old as the swipe, not as the visit to the desk";
    EXPECT_EQ(shown->remaining, credit_of_hundredths(9'750));
    EXPECT_EQ(shown->forward, said.forward);
    const auto confirmed = office_->sale(sale->sale.id);
    EXPECT_EQ(confirmed->confirmed_at, said.swiped_at);
    EXPECT_EQ(confirmed->lit_at, said.swiped_at);
    EXPECT_EQ(account(household).used_known, credit_of_hundredths(250));
    const auto history = office_->readings(household, UnixTime{0}, now(), Step::kRaw);
    ASSERT_EQ(history->size(), 1u);
    EXPECT_EQ(history->front().forward, said.forward);
    EXPECT_EQ(items("card_unlike_ledger"), 0);
}

// A box whose clock stands or lies would date a swipe into the future, before the sale, or drop what it said.
TEST_F(CardsTest, ASwipeIsDatedBetweenWhatWasKnownAndTheDesk) {
    by_card_only();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const UnixTime sold_at = now();
    move(minutes(1));
    const CardOrdered first = made(household);
    move(minutes(10));
    CardReturn said = swiped(1, first.write.ticket, 10);
    said.swiped_at = UnixTime{now().ms + 86'400'000};
    ASSERT_TRUE(see(sight_of(first, said)).took_said);
    EXPECT_EQ(office_->household(household)->told_at, now());
    move(minutes(10));
    const UnixTime before = *office_->household(household)->told_at;
    said = swiped(2, first.write.ticket, 20);
    said.swiped_at.reset();
    ASSERT_TRUE(see(sight_of(first, said)).took_said);
    EXPECT_EQ(office_->household(household)->told_at, before);
    EXPECT_EQ(account(household).used_known, credit_of_hundredths(20)) << "it is believed all the same";
    EXPECT_EQ(time_of_swipe(swiped(1, {}, 0), sold_at, UnixTime{sold_at.ms - 5}), UnixTime{sold_at.ms - 5});
}

// AC11: torn at the desk, money back, and swiped all the same.
TEST_F(CardsTest, MoneyIsPaidBackOnACardOnlyAfterTheMeterTookTheTicketThatTakesItOut) {
    by_card_only();
    const HouseholdId household = room("3-0101");
    const auto sale = sell(order("s1", household, 6400));
    const CardOrdered first = made(household);
    // The meter takes it; the resident wants the money back and shows the card of before.
    const CardReturn taken = swiped(1, first.write.ticket, 1'000);
    ASSERT_TRUE(see(sight_of(first, taken)).took_said);
    const auto refunded = refund("r1", sale->sale.id, fen(3200));
    ASSERT_TRUE(refunded) << refunded.error().message;
    const BookingId booking = refunded->bookings.front().id;
    EXPECT_EQ(pay_out("p1", booking).error().reason, Reason::kMeterBehind);
    see(sight_of(first, taken));
    move(minutes(1));
    EXPECT_EQ(pay_out("p2", booking).error().reason, Reason::kMeterBehind) << "an old state confirms nothing";
    see(sight_of(first, swiped(2, first.write.ticket, 1'000)));
    EXPECT_EQ(pay_out("p3", booking).error().reason, Reason::kMeterBehind) << "a later swipe without the new ticket";

    const auto second = ticket("t2", first.card.id, 2);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->write.ticket.credited, credit_of_hundredths(5'000));
    ASSERT_TRUE(written(second->write.id));
    EXPECT_EQ(pay_out("p4", booking).error().reason, Reason::kMeterBehind) << "on the card is not in the meter";
    move(minutes(1));
    see(sight_of(*second, swiped(3, second->write.ticket, 1'200)));
    const auto paid = pay_out("p5", booking);
    ASSERT_TRUE(paid) << paid.error().message;
    expect_balanced();
}

// AC18: the tenant who moved out keeps the card; the household has another account by then.
TEST_F(CardsTest, AfterMovingOutTheCardCarriesNothingUntilItIsWrittenForTheNextAccount) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    meter(household, 0);
    ASSERT_TRUE(settle("x1", household));
    meter(household, 0);
    EXPECT_EQ(issue("i0", household, "0A0B0C0D").error().reason, Reason::kAccountClosed) << "nobody to give it to";
    ASSERT_TRUE(open_account("o1", household));
    EXPECT_EQ(see(sight_of(first)).finding, CardFinding::kBehind);
    ASSERT_TRUE(end(first.card.id, CardState::kTakenBack));
    EXPECT_EQ(see(sight_of(first)).finding, CardFinding::kRevoked);
    const auto next = issue("i2", household, kUid, {}, 2);
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(next->write.ticket.epoch, 2);
    EXPECT_EQ(next->card.issue, 2);
}

// The books are an older backup, or the card is another office's: it must not pass for one of ours.
TEST_F(CardsTest, ACardThatTheseBooksDoNotKnowIsSaidToBeUnknown) {
    CardSight sight;
    sight.uid = kUid;
    EXPECT_EQ(see(sight).finding, CardFinding::kNotOurs);
    sight.identity = SeenIdentity{CardId{77}, CardKind::kHousehold, 1, 1};
    EXPECT_EQ(see(sight).finding, CardFinding::kUnknown);
    const auto wrong = issue("i1", room("3-0101"), "08A1B2");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().reason, Reason::kCardNotUsable);
    EXPECT_EQ(issue("i2", HouseholdId{9999}).error().reason, Reason::kNotFound);
}

// The books were restored from yesterday's backup, and the serial of a card of since then was given to another room.
// Taken for that room's card, the old plastic would be written with somebody else's credit.
TEST_F(CardsTest, ASerialThatALostBookHadGivenToAnotherCardIsNotTakenForTheNewOne) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered ours = made(household);
    CardSight old = sight_of(ours);
    old.uid = kOtherUid;
    const CardSeen seen = see(old);
    EXPECT_EQ(seen.finding, CardFinding::kUnknown);
    EXPECT_FALSE(seen.card);
    EXPECT_EQ(items("card_rolled_back"), 0);
    // It is made anew for its own room, and then it is that room's.
    const HouseholdId other = room("3-0102");
    ASSERT_TRUE(sell(order("s2", other, 6400)));
    const CardOrdered again = made(other, kOtherUid);
    EXPECT_NE(again.card.id, ours.card.id);
    EXPECT_EQ(see(sight_of(again)).finding, CardFinding::kUpToDate);
    EXPECT_EQ(see(sight_of(ours)).finding, CardFinding::kUpToDate);
}

// A household is given another box; its card is sealed for the old one and no meter takes it.
TEST_F(CardsTest, ACardOfAHouseholdThatMovedToAnotherBoxIsSealedAnew) {
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("s1", household, 6400)));
    const CardOrdered first = made(household);
    const auto db = beside();
    db->begin_write();
    db->execute(
        "INSERT INTO boxes (number, line_id, wiring) SELECT 2026000099, line_id, wiring FROM boxes WHERE number = $1",
        {static_cast<std::int64_t>(kBox)});
    db->execute("UPDATE households SET box_id = (SELECT id FROM boxes WHERE number = 2026000099) WHERE id = $1",
                {household});
    ASSERT_TRUE(db->commit());
    EXPECT_EQ(see(sight_of(first)).finding, CardFinding::kMoved);
    EXPECT_EQ(ticket("t2", first.card.id, 2).error().reason, Reason::kCardUnlike) << "the identity would stay";
    CardTicketOrder wanted;
    wanted.order_id = "t3";
    wanted.who = clerk();
    wanted.card = first.card.id;
    wanted.identity_generation = 2;
    wanted.generation = 2;
    const auto anew = wait<CardOrdered>([&](auto done) { cards().order_ticket(wanted, done); });
    ASSERT_TRUE(anew) << anew.error().message;
    EXPECT_EQ(anew->card.box_number, 2026000099u);
    ASSERT_TRUE(written(anew->write.id));
    EXPECT_EQ(see(sight_of(*anew)).finding, CardFinding::kUpToDate);
}

}  // namespace
}  // namespace prewatt::server::store
