// What a box makes of the records of cards, on whichever reader they lie (reference AC01 ... AC28). The way of a card
// through the box's own reader is card_swipe_test.cpp.
#include <gtest/gtest.h>

#include <memory>

#include "base/crc.hpp"
#include "card/layout.hpp"
#include "meter/core/fake_storage.hpp"
#include "meter/node/box.hpp"
#include "meter/node/fake_board.hpp"
#include "meter/node/fake_card_desk.hpp"
#include "meter/node/items.hpp"
#include "meter/node/record_items.hpp"

namespace prewatt::meter {
namespace {

constexpr Household kFirst{1};

struct CardedBox {
    explicit CardedBox(std::uint32_t storage_bytes = 512 * 1024) : storage(storage_bytes) {
        config.box = dlt645::BoxNumber{desk.box};
        config.card_keys = desk.keys();
        window.measurement.span = milliseconds(200);
        for (PhaseMeasurement& phase : window.measurement.phases)
            phase = {volts(220), millihertz(50'000), true};
        start();
    }
    void start() {
        storage.power_up();
        box = std::make_unique<Box>(config, storage, relays, clock);
        ASSERT_NE(box->start(now), StartResult::kStorageDead);
        if (window.measurement.span == Duration{}) return;
        // The metering side starts anew with it, and takes the name that it is given.
        window.totals = {};
        window.session = 0;
        measure();
        window.session = box->session_order().name;
    }
    void restart(Duration away = seconds(1)) {
        now = now + away;
        start();
    }
    void run(Duration d) {
        for (const Instant end = now + d; now < end; now = now + milliseconds(20))
            (void)box->poll(now);
    }
    void measure() { box->on_window(window, now); }
    void use(Energy energy) {
        for (HouseholdTotals& totals : window.totals)
            totals.forward += static_cast<std::uint32_t>(energy.count());
        measure();
    }
    CardAnswer show(const CardShown& shown) { return box->present_card(desk.mac, shown, now); }
    CardAnswer show() { return show(desk.shown()); }
    card::Answer command(card::Command what, std::uint8_t household = 1) {
        card::OpenedRequest opened;
        opened.request = {7, ++counter, household, what};
        return box->execute(opened, counter, household, true, now);
    }
    // A setting as the office sends it: one part, then the commit.
    void set(settings::SettingKey key, const settings::Settings& wanted) {
        std::array<Byte, settings::kSettingBytesMax> bytes{};
        const std::size_t size = settings::encode(wanted, key, bytes);
        card::StageSetting part{key.id, key.index, 0, {}};
        ASSERT_LE(size, card::kSettingPartMax);
        for (std::size_t k = 0; k < size; ++k)
            part.part.push_back(bytes[k]);
        ASSERT_EQ(command(part, key.household).result, card::Result::kDone);
        const card::CommitSetting whole{key.id, key.index, static_cast<std::uint8_t>(size),
                                        crc32(Bytes(bytes).first(size))};
        ASSERT_EQ(command(whole, key.household).result, card::Result::kDone);
    }
    [[nodiscard]] const HouseholdBook& book(Household h = kFirst) const { return box->book(h); }
    [[nodiscard]] std::int64_t remaining() const { return box->remaining_hundredths(kFirst); }
    [[nodiscard]] bool held(Hold hold) const { return box->state(kFirst).holds().has(hold); }
    [[nodiscard]] std::uint32_t count(EventKind kind, Household h = {}) const {
        return box->archive().events.count(kind, h);
    }
    [[nodiscard]] card::ReturnRecord opened_return(const CardAnswer& answer) {
        const auto record = card::open_return(desk.mac, desk.own, desk.uid, answer.return_record);
        EXPECT_TRUE(record.has_value());
        return record.value_or(card::ReturnRecord{});
    }

    Instant now{};
    CardDesk desk;
    NodeConfig config;
    FakeStorage storage;
    FakeRelays relays;
    FakeClock clock{now};
    std::unique_ptr<Box> box;
    MeteringWindow window{};
    std::uint32_t counter = 0;
};

TEST(BoxCards, ACardOpensTheAccountAndBuysAndBringsTheStateBack) {
    // Somebody buys, swipes, and it stays dark; or the office never hears of it.
    CardedBox site;
    site.desk.sell(5'000);
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.code, CardCode::kDone);
    EXPECT_EQ(answer.household, kFirst);
    EXPECT_EQ(answer.bought, credit_of_hundredths(5'000));
    EXPECT_EQ(answer.remaining_hundredths, 5'000);
    EXPECT_TRUE(site.box->state(kFirst).holds().empty());
    ASSERT_TRUE(answer.has_return);
    const card::ReturnRecord record = site.opened_return(answer);
    EXPECT_EQ(record.epoch, 1);
    EXPECT_EQ(record.ticket_number, 2u);
    EXPECT_EQ(record.remaining_hundredths, 5'000);
    EXPECT_EQ(record.used_hundredths, 0u);
    EXPECT_EQ(record.generation, 1u);
    EXPECT_FALSE(record.has(card::Hint::kTicketRefused));
    EXPECT_EQ(site.count(EventKind::kCardSwiped, kFirst), 1u);
    EXPECT_EQ(site.count(EventKind::kPurchase, kFirst), 1u);
    EXPECT_EQ(site.count(EventKind::kAccountOpened, kFirst), 1u);
    const auto event = site.box->archive().events.nth_last(EventKind::kCardSwiped, kFirst, 1);
    ASSERT_TRUE(event);
    EXPECT_EQ(part_of(*event, 0), 4711);
    EXPECT_EQ(part_of(*event, 4), 2);
    site.use(energy_of_hundredths(7));
    EXPECT_EQ(site.opened_return(site.show()).used_hundredths, 7u);
}

TEST(BoxCards, AC01EveryByteThatIsAlteredIsRefusedAndCounted) {
    // A student edits the amount with a reader for ten yuan.
    CardedBox site;
    site.desk.sell(5'000);
    const card::RecordBytes good = site.desk.sealed();
    int attempts = 0;
    for (std::size_t k = 0; k < good.size(); ++k)
        for (const Byte flip : {Byte{0x01}, Byte{0x80}}) {
            site.now = site.now + minutes(11);
            card::RecordBytes bytes = good;
            bytes[k] ^= flip;
            CardShown shown = site.desk.shown(bytes);
            shown.slot = 0;
            const int before = site.box->box_book().cards.bad_cards;
            const CardAnswer answer = site.show(shown);
            EXPECT_NE(answer.code, CardCode::kDone) << k;
            EXPECT_FALSE(answer.has_return);
            const int counted = site.box->box_book().cards.bad_cards - before;
            // Of the header some changes make it another box's, or no record at all.
            if (k >= card::kHeaderBytes) {
                EXPECT_EQ(answer.code, CardCode::kInvalid) << k;
                EXPECT_EQ(counted, 1) << k;
            }
            attempts += counted;
        }
    EXPECT_FALSE(site.book().account.is_open());
    EXPECT_GE(attempts, 64);
    EXPECT_GE(site.count(EventKind::kBadCard), 40u);
}

TEST(BoxCards, AC02AC03ADumpPutBackAndAClonedCardCreditNothingMore) {
    // A laundry card that is restored after each wash washes for ever.
    CardedBox site;
    site.desk.sell(5'000);
    const CardShown dump = site.desk.shown();
    EXPECT_EQ(site.show(dump).bought, credit_of_hundredths(5'000));
    EXPECT_EQ(site.show(dump).bought, Credit{});
    site.desk.sell(3'000);
    const CardShown clone = site.desk.shown();
    EXPECT_EQ(site.show(clone).bought, credit_of_hundredths(3'000));
    EXPECT_EQ(site.show().bought, Credit{});
    EXPECT_EQ(site.show(dump).code, CardCode::kDone) << "an old record of the card in use changes nothing and resumes";
    EXPECT_EQ(site.remaining(), 8'000);
}

TEST(BoxCards, AC04AC28ACopyOnAnotherNumberIsAForgeryAlsoWithSevenBytes) {
    // 220 hot-water cards were cloned for 9.90 each.
    CardedBox site;
    site.desk.sell(5'000);
    CardShown copy = site.desk.shown();
    copy.uid = card::uid_of(std::array<Byte, 4>{1, 2, 3, 4});
    EXPECT_EQ(site.show(copy).code, CardCode::kInvalid);
    copy.uid = card::uid_of(std::array<Byte, 7>{0xA1, 0xB2, 0xC3, 0xD4, 0, 0, 0});
    EXPECT_EQ(site.show(copy).code, CardCode::kInvalid);
    EXPECT_FALSE(site.book().account.is_open());
    site.desk.uid = card::uid_of(std::array<Byte, 7>{4, 2, 3, 4, 5, 6, 7});
    EXPECT_EQ(site.show().code, CardCode::kDone);
}

TEST(BoxCards, AC05ACardOfAnotherBoxOrHouseholdIsNotOursAndNoAttempt) {
    // The neighbour's card is put on by mistake, and after the third time nobody on this landing can swipe.
    CardedBox site;
    CardDesk next_door(2026000002);
    next_door.sell(5'000);
    for (int k = 0; k < 5; ++k)
        EXPECT_EQ(site.show(next_door.shown()).code, CardCode::kNotYours);
    site.config.wiring = Wiring::k12x3;
    CardedBox small;
    small.config.wiring = Wiring::k12x3;
    small.storage = FakeStorage(512 * 1024);
    small.start();
    small.desk.credit.household = 13;
    small.desk.sell(5'000);
    EXPECT_EQ(small.show().code, CardCode::kNotYours);
    site.desk.sell(5'000);
    EXPECT_EQ(site.show().code, CardCode::kDone);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0);
    EXPECT_EQ(site.count(EventKind::kBadCard), 1u) << "once in a quarter of an hour";
}

TEST(BoxCards, AC06BlocksOfTwoRecordsAndRecordsInTheWrongPlaceAreForgeries) {
    // Half of the new record and half of the old one give the larger amount twice.
    CardedBox site;
    site.desk.sell(5'000);
    const card::RecordBytes first = site.desk.sealed();
    site.desk.sell(3'000);
    const card::RecordBytes second = site.desk.sealed();
    for (int mask = 1; mask < 7; ++mask) {
        site.now = site.now + minutes(11);
        card::RecordBytes mixed = first;
        for (std::size_t block = 0; block < 3; ++block)
            if (mask >> block & 1)
                std::copy_n(second.begin() + static_cast<std::ptrdiff_t>(block * 16), 16,
                            mixed.begin() + static_cast<std::ptrdiff_t>(block * 16));
        EXPECT_EQ(site.show(site.desk.shown(mixed)).code, CardCode::kInvalid) << mask;
    }
    site.now = site.now + minutes(11);
    CardShown misplaced = site.desk.shown(first);
    misplaced.slot ^= 1;
    EXPECT_EQ(site.show(misplaced).code, CardCode::kInvalid);
    card::ReturnRecord record;
    record.household = 1;
    record.generation = 8;
    CardShown returned = site.desk.shown(card::seal(site.desk.mac, site.desk.own, site.desk.uid, record));
    EXPECT_EQ(site.show(returned).code, CardCode::kInvalid) << "RETURN where CREDIT belongs";
    EXPECT_FALSE(site.book().account.is_open());
}

TEST(BoxCards, AC07AfterARestoredDumpTheNextSaleIsTakenAsEver) {
    // The desk writes generation 2 over a dump of generation 1, which it has written before: the bytes must not help.
    CardedBox site;
    site.desk.sell(1'000);
    const card::RecordBytes once = site.desk.sealed();
    card::CreditRecord again = site.desk.credit;
    again.ticket.number += 1;
    again.ticket.credited_hundredths += 500;
    const card::RecordBytes twice = card::seal(site.desk.mac, site.desk.own, site.desk.uid, again);
    int equal_bytes = 0;
    for (std::size_t k = 16; k < 48; ++k)
        equal_bytes += once[k] == twice[k] ? 1 : 0;
    EXPECT_LT(equal_bytes, 8) << "two bodies of one generation share no key stream";
    EXPECT_EQ(site.show(site.desk.shown(once)).bought, credit_of_hundredths(1'000));
    EXPECT_EQ(site.show(site.desk.shown(twice)).bought, credit_of_hundredths(500));
}

TEST(BoxCards, AC12AC13TheMeterReadsNoFigureOutOfReturn) {
    // A forged or old RETURN says "not yet credited", and the box credits again.
    CardedBox site;
    site.desk.sell(5'000);
    const CardAnswer first = site.show();
    card::Copies returns{};
    returns[first.return_slot()] = first.return_record;
    site.box->card_written(kFirst, first.return_generation, site.now);
    CardShown shown = site.desk.shown();
    shown.returns = &returns;
    EXPECT_EQ(site.show(shown).bought, Credit{});
    returns[first.return_slot()][20] ^= 1;
    EXPECT_EQ(site.show(shown).code, CardCode::kDone);
    returns = {};
    EXPECT_EQ(site.show(shown).bought, Credit{});
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0);
}

TEST(BoxCards, AC15CardAndNetworkBringTheSameOrderOnce) {
    // Who pays by phone with the card in the pocket gets twice what was paid, or nothing.
    CardedBox site;
    site.desk.sell(5'000);
    EXPECT_EQ(site.command(site.desk.credit.ticket).result, card::Result::kDone);
    EXPECT_EQ(site.show().bought, Credit{});
    site.desk.sell(2'000);
    EXPECT_EQ(site.show().bought, credit_of_hundredths(2'000));
    EXPECT_EQ(site.command(site.desk.credit.ticket).result, card::Result::kDone);
    EXPECT_EQ(site.remaining(), 7'000);
    EXPECT_EQ(site.count(EventKind::kPurchase, kFirst), 2u);
}

TEST(BoxCards, AC16AnOlderCardAfterANewerNetworkTicketTakesNothingAway) {
    // The card in the drawer has ticket 2, the network has brought ticket 3.
    CardedBox site;
    site.desk.sell(5'000);
    const CardShown old = site.desk.shown();
    site.desk.sell(2'000);
    EXPECT_EQ(site.command(site.desk.credit.ticket).result, card::Result::kDone);
    EXPECT_EQ(site.show(old).bought, Credit{});
    EXPECT_EQ(site.remaining(), 7'000);
}

TEST(BoxCards, AC17TheLostCardIsDeadOnceItsSuccessorWasSwiped) {
    // A finder swipes, and switches the tenant's alarm off for ever.
    CardedBox site;
    site.desk.sell(5'000);
    const CardShown lost = site.desk.shown();
    EXPECT_EQ(site.show(lost).code, CardCode::kDone);
    site.desk.credit.issue = 2;
    site.desk.uid = card::uid_of(std::array<Byte, 4>{9, 9, 9, 1});
    site.desk.sell(1'000);
    EXPECT_EQ(site.show().bought, credit_of_hundredths(1'000));
    EXPECT_EQ(site.show(lost).code, CardCode::kReplaced);
    site.restart();
    const CardAnswer again = site.show(lost);
    EXPECT_EQ(again.code, CardCode::kReplaced);
    EXPECT_FALSE(again.has_return);
    EXPECT_EQ(site.count(EventKind::kCardRefused, kFirst), 2u);
    EXPECT_EQ(site.remaining(), 6'000);
}

TEST(BoxCards, AC18ACardOfAClosedAccountNeitherCreditsNorResumes) {
    // Who has moved out keeps the card and tries it on the new tenant's meter.
    CardedBox site;
    site.desk.sell(5'000);
    const CardShown moved_out = site.desk.shown();
    EXPECT_EQ(site.show(moved_out).code, CardCode::kDone);
    site.desk.credit.ticket = {2, 1, 700};
    site.desk.credit.sale_number = 1;
    site.desk.credit.issue = 1;
    ++site.desk.credit.generation;
    EXPECT_EQ(site.show().bought, credit_of_hundredths(700)) << "the new tenant's first card begins at issue 1 again";
    EXPECT_EQ(site.show(moved_out).code, CardCode::kOldAccount);
    EXPECT_EQ(site.command(card::Clear{card::ClearStep::kCarryOut}).result, card::Result::kDone);
    EXPECT_EQ(site.show().code, CardCode::kOldAccount) << "cleared: its tickets are worthless";
    EXPECT_FALSE(site.book().account.is_open());
}

TEST(BoxCards, AC21AfterALostCardTheFullDifferenceIsCredited) {
    // State Grid's meters stop with "count error" and the money is gone until somebody reissues the card.
    CardedBox site;
    site.desk.sell(1'000);
    (void)site.show();
    site.desk.sell(2'000);
    site.desk.sell(3'000);
    site.desk.sell(4'000);
    EXPECT_EQ(site.show().bought, credit_of_hundredths(9'000));
    EXPECT_EQ(site.remaining(), 10'000);
}

TEST(BoxCards, ARefundOnTheCardTakesCreditOut) {
    // The reversal is swiped, the desk pays out, and the credit is still there.
    CardedBox site;
    site.desk.sell(5'000);
    (void)site.show();
    site.desk.sell(-2'000);
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.bought, credit_of_hundredths(-2'000));
    EXPECT_EQ(site.remaining(), 3'000);
    EXPECT_EQ(site.opened_return(answer).ticket_number, 3u);
    EXPECT_EQ(site.count(EventKind::kRefund, kFirst), 1u);
}

TEST(BoxCards, AC22WrappedNumbersAndImpossibleTotalsChangeNothing) {
    // The count turns over and every card of the first year is new again.
    CardedBox site;
    site.desk.credit.ticket.number = UINT32_MAX - 1;
    site.desk.sell(5'000);
    EXPECT_EQ(site.show().bought, credit_of_hundredths(5'000));
    card::CreditRecord wrapped = site.desk.credit;
    wrapped.ticket = {1, 1, 900'000};
    wrapped.sale_number = 1;
    ++wrapped.generation;
    EXPECT_EQ(site.show(site.desk.shown(card::seal(site.desk.mac, site.desk.own, site.desk.uid, wrapped))).bought,
              Credit{});
    card::RecordHeader header;
    header.type = card::RecordType::kCredit;
    header.household = 1;
    header.generation = 4;
    header.epoch = 2;
    card::Body body{};
    ByteWriter writer(body);
    writer.put_u32(1);
    writer.put_le(std::uint64_t{1} << 47, 6);  // -2^47, one below what a total can be
    writer.put_u32(4711);
    writer.put_u8(1);
    const CardShown impossible =
        site.desk.shown(card::seal_record(site.desk.mac, site.desk.own, site.desk.uid, header, body));
    EXPECT_EQ(site.show(impossible).code, CardCode::kBadContents);
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.book().account.epoch, 1);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0) << "the office's mistake is nobody's attempt";
}

TEST(BoxCards, AC23MoreThanMayBeHeldIsRefusedWithAMessageAndTheOfficeLearnsOfIt) {
    // 999,999.99 is loaded on one card before the price goes up; or the display cannot show what was paid.
    CardedBox site;
    site.desk.sell(5'000);
    (void)site.show();
    const HouseholdBook before = site.book();
    site.desk.sell(9'995'000);
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.code, CardCode::kHoarding);
    EXPECT_EQ(answer.bought, Credit{});
    EXPECT_EQ(answer.remaining_hundredths, 5'000);
    EXPECT_EQ(site.book().account, before.account);
    ASSERT_TRUE(answer.has_return);
    EXPECT_TRUE(site.opened_return(answer).has(card::Hint::kTicketRefused));
    EXPECT_EQ(site.opened_return(answer).ticket_number, 2u);
    EXPECT_EQ(site.count(EventKind::kCardRefused, kFirst), 1u);
    site.use(energy_of_hundredths(2));
    EXPECT_EQ(site.show().code, CardCode::kDone) << "as soon as it fits";
}

TEST(BoxCards, AC23LimitOfTheHouseholdIsTheLimitAndItsCreditComesWhenThereIsRoom) {
    // The office limits a room to 100 kWh before the price goes up, and the room stores up thousands from its card.
    CardedBox site;
    settings::Settings wanted;
    wanted.households[0].hoarding.hundredths = 10'000;
    site.set({settings::SettingId::kHoardingLimit, 1, 0}, wanted);
    site.desk.sell(6'000);
    EXPECT_EQ(site.show().code, CardCode::kDone);
    site.desk.sell(4'001);
    const HouseholdBook before = site.book();
    for (int swipe = 0; swipe < 2; ++swipe) {
        const CardAnswer answer = site.show();
        EXPECT_EQ(answer.code, CardCode::kHoarding);
        EXPECT_EQ(answer.bought, Credit{});
        EXPECT_TRUE(site.opened_return(answer).has(card::Hint::kTicketRefused));
    }
    EXPECT_EQ(site.book().account, before.account);
    site.restart();
    EXPECT_EQ(site.show().code, CardCode::kHoarding) << "the limit outlives the supply";
    site.use(energy_of_hundredths(1));
    const CardAnswer fits = site.show();
    EXPECT_EQ(fits.code, CardCode::kDone);
    EXPECT_EQ(in_hundredths(fits.bought, Round::kDown), 4'001) << "the whole of it, once";
    EXPECT_EQ(site.remaining(), 10'000);
    EXPECT_EQ(site.show().bought, Credit{});
}

TEST(BoxCards, AC23HouseholdIsNotKeptDarkByALimitThatItsCreditDoesNotFit) {
    // A room with 9 kWh stands dark in the cut-off alarm, has bought 95 under a limit of 100, and can neither use up
    // what it has nor get what it paid for; or it has nothing left and bought 101.
    CardedBox site;
    settings::Settings wanted;
    wanted.households[0].hoarding.hundredths = 10'000;
    site.set({settings::SettingId::kHoardingLimit, 1, 0}, wanted);
    ASSERT_EQ(site.command(card::Alarms{2'000, 1'000, 0}).result, card::Result::kDone);
    site.desk.sell(1'001);
    (void)site.show();
    site.use(energy_of_hundredths(101));
    ASSERT_TRUE(site.held(Hold::kCutoffAlarm));
    site.desk.sell(9'500);
    EXPECT_EQ(site.show().code, CardCode::kHoarding);
    EXPECT_FALSE(site.held(Hold::kCutoffAlarm)) << "what remains can be used";
    EXPECT_EQ(site.count(EventKind::kAcknowledged, kFirst), 1u);
    EXPECT_EQ(site.remaining(), 900);
    site.desk.sell(5'000);
    site.use(energy_of_hundredths(900));
    ASSERT_TRUE(site.held(Hold::kNoCredit));
    EXPECT_EQ(site.show().code, CardCode::kDone) << "14,500 into nothing";
    EXPECT_FALSE(site.held(Hold::kNoCredit));
    EXPECT_EQ(site.remaining(), 14'500);
}

TEST(BoxCards, ReturnSaysForTwoMonthsThatSomebodyTampered) {
    // A site without a network: somebody guesses at the box for a week, and the office hears of it from no card.
    CardedBox site;
    site.desk.sell(5'000);
    EXPECT_FALSE(site.opened_return(site.show()).has(card::Hint::kTamper));
    card::RecordBytes forged = site.desk.sealed();
    forged[47] ^= 1;
    (void)site.show(site.desk.shown(forged));
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kTamper));
    site.restart();
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kTamper)) << "pulling the plug hides nothing";
    *site.clock.time += 61 * 24 * 3600;
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kTamper)) << "nor does swiping again";
    *site.clock.time += 2 * 24 * 3600;
    EXPECT_FALSE(site.opened_return(site.show()).has(card::Hint::kTamper));
}

TEST(BoxCards, ReturnSaysThatEnergyFlowedBackwardsInThisHouseholdAndInNoOther) {
    // A wire is reversed to steal, and the desk is told of all rooms or of none.
    CardedBox site;
    site.desk.sell(5'000);
    ASSERT_TRUE(site.box->recorder().log(EventKind::kReverseFlow, {2}, events::reverse_flow(watts(-500), Energy{})));
    EXPECT_FALSE(site.opened_return(site.show()).has(card::Hint::kTamper));
    ASSERT_TRUE(site.box->recorder().log(EventKind::kReverseFlow, kFirst, events::reverse_flow(watts(-500), Energy{})));
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kTamper));
}

TEST(BoxCards, ReturnSaysThatEventsHaveWaitedForAMonthUntilTheyAreRead) {
    // Nobody goes to a box without a network, and its log is overwritten before it is seen.
    CardedBox site;
    site.desk.sell(5'000);
    const auto waits = [&] { return site.opened_return(site.show()).has(card::Hint::kRecordsWaiting); };
    EXPECT_FALSE(waits()) << "what has just happened can wait";
    *site.clock.time += 30 * 24 * 3600;
    EXPECT_FALSE(waits());
    *site.clock.time += 2 * 24 * 3600;
    EXPECT_TRUE(waits());
    std::array<Byte, kRecordItemSizeMax> out{};
    const std::array<Byte, 2> first{1, 0};
    ASSERT_TRUE(read_item(*site.box, 0, dlt645::DataId{0xEC030000}, {}, out, site.now));
    EXPECT_TRUE(waits()) << "how large the log is, is not its events";
    ASSERT_TRUE(read_item(*site.box, 0, dlt645::DataId{0xEC030109}, first, out, site.now));
    EXPECT_FALSE(waits());
    site.clock.time = std::nullopt;
    EXPECT_FALSE(waits()) << "without a clock nothing has an age";
}

TEST(BoxCards, AC26ThreeBadCardsAreFollowedByAMinuteWithoutCards) {
    // Somebody plays through tags with a simulated card for a night.
    CardedBox site;
    site.desk.sell(5'000);
    card::RecordBytes forged = site.desk.sealed();
    forged[47] ^= 1;
    for (int k = 0; k < 3; ++k)
        EXPECT_EQ(site.show(site.desk.shown(forged)).code, CardCode::kInvalid);
    EXPECT_EQ(site.show(site.desk.shown(forged)).code, CardCode::kPaused);
    EXPECT_EQ(site.show().code, CardCode::kPaused);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 3) << "in the pause nothing is looked at, so nothing is counted";
    site.now = site.now + seconds(59);
    EXPECT_EQ(site.show().code, CardCode::kPaused);
    site.now = site.now + seconds(1);
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.code, CardCode::kDone);
    EXPECT_EQ(site.opened_return(answer).bad_cards, 3);
}

TEST(BoxCards, AC26PullingThePlugShortensNoPauseAndAGoodCardForgivesNothing) {
    // Two guesses, the own card, two guesses ...; or three guesses, the fuse, three guesses.
    CardedBox site;
    site.desk.sell(5'000);
    card::RecordBytes forged = site.desk.sealed();
    forged[47] ^= 1;
    (void)site.show(site.desk.shown(forged));
    (void)site.show(site.desk.shown(forged));
    site.restart();
    EXPECT_EQ(site.show().code, CardCode::kDone);
    (void)site.show(site.desk.shown(forged));
    EXPECT_EQ(site.show().code, CardCode::kPaused);
    site.now = site.now + seconds(30);
    site.clock.time = std::nullopt;
    site.restart();
    site.now = site.now + seconds(59);
    EXPECT_EQ(site.show().code, CardCode::kPaused) << "without a clock it begins anew";
    site.now = site.now + seconds(1);
    EXPECT_EQ(site.show().code, CardCode::kDone);
}

TEST(BoxCards, AC26APauseThatTheClockKnowsToBeOverIsOver) {
    // After every failure of the supply a landing waits a minute because of a prank of last year.
    CardedBox site;
    site.desk.sell(5'000);
    card::RecordBytes forged = site.desk.sealed();
    forged[47] ^= 1;
    for (int k = 0; k < 3; ++k)
        (void)site.show(site.desk.shown(forged));
    site.restart(minutes(3));
    EXPECT_EQ(site.show().code, CardCode::kDone);
}

TEST(BoxCards, AC26ForgedTapsOnTheLineCloseNoReaderOfABox) {
    // A student with an RS-485 dongle keeps a whole landing from swiping.
    CardedBox site;
    site.desk.sell(5'000);
    CardShown forged = site.desk.shown();
    forged.credit[47] ^= 1;
    for (std::uint32_t tap = 1; tap <= 3; ++tap) {
        forged.place = {12, tap};
        EXPECT_EQ(site.show(forged).code, CardCode::kInvalid);
    }
    forged.place = {13, 1};
    EXPECT_EQ(site.show(forged).code, CardCode::kPaused) << "the line is one path, whatever a reader calls itself";
    EXPECT_EQ(site.show().code, CardCode::kDone);
}

TEST(BoxCards, AC31ACardThatIsRelayedFromFarAwayCreditsItsOwnHouseholdAndNobodyElse) {
    // A phone beside the victim's pocket, another one at the own box: the victim's purchase lights the thief's room.
    CardedBox thiefs;
    thiefs.desk.sell(1'000);
    (void)thiefs.show();
    CardDesk victim;
    victim.uid = card::uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44});
    victim.credit.household = 2;
    victim.credit.serial = 4712;
    victim.sell(5'000);
    const CardAnswer relayed = thiefs.show(victim.shown());
    EXPECT_EQ(relayed.household, Household{2}) << "whoever relays it has paid the victim a visit to the box";
    EXPECT_EQ(relayed.bought, credit_of_hundredths(5'000));
    EXPECT_EQ(thiefs.remaining(), 1'000);
    EXPECT_EQ(thiefs.box->remaining_hundredths({2}), 5'000);
    // The victim swipes, and nothing is missing or there twice.
    EXPECT_EQ(thiefs.show(victim.shown()).bought, Credit{});
    EXPECT_EQ(thiefs.box->remaining_hundredths({2}), 5'000);
    // To another box it is another box's card, however it got there.
    CardDesk far(2026000002);
    far.sell(5'000);
    EXPECT_EQ(thiefs.show(far.shown()).code, CardCode::kNotYours);
    EXPECT_EQ(thiefs.remaining(), 1'000);
    EXPECT_EQ(thiefs.box->box_book().cards.bad_cards, 0);
}

TEST(BoxCards, AC32WhatIsHeardOnTheReadersLineAndSentAgainBuysNothing) {
    // A student with an RS-485 dongle has recorded the neighbour's swipe and plays it back, whole, changed, late and
    // under other numbers.
    CardedBox site;
    site.desk.sell(5'000);
    CardShown heard = site.desk.shown();
    heard.place = {12, 1};
    const CardAnswer first = site.show(heard);
    EXPECT_EQ(first.bought, credit_of_hundredths(5'000));
    const HouseholdBook after = site.book();
    EXPECT_EQ(site.show(heard).return_record, first.return_record) << "the same tap is the same answer";
    EXPECT_EQ(site.book(), after) << "and nothing is stored for it";
    site.now = site.now + minutes(11);
    for (std::uint32_t tap = 1; tap <= 20; ++tap) {
        heard.place = {static_cast<std::uint16_t>(1 + tap % 3), tap};
        EXPECT_EQ(site.show(heard).bought, Credit{});
    }
    EXPECT_EQ(site.remaining(), 5'000);
    // Neither the number of the card nor a byte of the record can be another one.
    site.desk.sell(3'000);
    CardShown changed = site.desk.shown();
    changed.place = {12, 100};
    changed.uid = card::uid_of(std::array<Byte, 4>{9, 9, 9, 1});
    EXPECT_EQ(site.show(changed).code, CardCode::kInvalid);
    // What the box answered is no credit either.
    CardShown answered = site.desk.shown(first.return_record);
    answered.place = {12, 101};
    EXPECT_EQ(site.show(answered).code, CardCode::kInvalid);
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.show().bought, credit_of_hundredths(3'000)) << "the household itself is not kept out";
}

TEST(BoxCards, AC09AC26ATornCopyIsNoAttemptWhereTheOtherOneOpens) {
    // The desk's write was torn; the resident's third visit closes the reader.
    CardedBox site;
    site.desk.sell(5'000);
    const CardShown good = site.desk.shown();
    CardShown torn = good;
    torn.credit[40] ^= 0xFF;
    torn.has_other = true;
    for (int k = 0; k < 5; ++k) {
        EXPECT_EQ(site.show(torn).code, CardCode::kShowOther);
        EXPECT_EQ(site.show(good).code, CardCode::kDone);
    }
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0);
    // And whoever never shows the other one has tried.
    for (int k = 0; k < 4; ++k)
        (void)site.show(torn);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0) << "the same card goes on showing";
    CardShown other = torn;
    for (Byte k = 1; k <= 4; ++k) {
        other.uid = card::uid_of(std::array<Byte, 4>{k, 2, 3, 4});
        (void)site.show(other);
    }
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 3);
    EXPECT_EQ(site.show(good).code, CardCode::kPaused);
}

TEST(BoxCards, AnEmptyRecordIsNeitherCountedNorLogged) {
    // AC25: a canteen's card lies in the purse, and the log holds nothing else.
    CardedBox site;
    CardShown empty = site.desk.shown();
    empty.credit = {};
    for (int k = 0; k < 100; ++k)
        EXPECT_EQ(site.show(empty).code, CardCode::kInvalid);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 0);
    EXPECT_EQ(site.count(EventKind::kBadCard), 0u);
}

TEST(BoxCards, ASwipeWithoutCreditResumesAfterTheCutOffAlarm) {
    // The reminder stays, and the rest of the credit cannot be used (product.md M6).
    CardedBox site;
    site.desk.sell(1'000);
    (void)site.show();
    EXPECT_EQ(site.command(card::Alarms{0, 500, 0}).result, card::Result::kDone);
    site.use(energy_of_hundredths(600));
    ASSERT_TRUE(site.held(Hold::kCutoffAlarm));
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.code, CardCode::kDone);
    EXPECT_EQ(answer.bought, Credit{});
    EXPECT_FALSE(site.held(Hold::kCutoffAlarm));
    EXPECT_EQ(site.count(EventKind::kAcknowledged, kFirst), 1u);
    site.restart();
    EXPECT_FALSE(site.held(Hold::kCutoffAlarm)) << "stored with the swipe";
    site.use(energy_of_hundredths(400));
    EXPECT_TRUE(site.held(Hold::kNoCredit)) << "at zero it opens until credit arrives";
    EXPECT_EQ(site.show().code, CardCode::kDone);
    EXPECT_TRUE(site.held(Hold::kNoCredit));
}

TEST(BoxCards, ALockOutIsReleasedOnlyByACardThatMayAndTheReleaseIsStored) {
    // Whoever overloads swipes the cuts away at will; or must call the office at night although it allowed the card.
    CardedBox site;
    site.desk.sell(10'000);
    (void)site.show();
    settings::Settings wanted;
    wanted.households[0].load.milliamperes = 5'000;
    wanted.households[0].load.cuts_max = 1;
    std::array<Byte, settings::kSettingBytesMax> value;
    const settings::SettingKey key{settings::SettingId::kLoadLimit, 1, 0};
    card::ParameterList list;
    ASSERT_TRUE(list.add(key, Bytes(value).first(settings::encode(wanted, key, value))));
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 1, list, site.now), CardCode::kDone);
    site.box->on_overcurrent({Circuit{0}, milliamperes(90'000)}, site.now);
    ASSERT_TRUE(site.held(Hold::kLockedOut));
    EXPECT_EQ(site.show().code, CardCode::kDone);
    EXPECT_TRUE(site.held(Hold::kLockedOut));
    site.desk.credit.may_release_lockout = true;
    site.desk.sell(0);
    EXPECT_EQ(site.show().code, CardCode::kDone);
    EXPECT_FALSE(site.held(Hold::kLockedOut));
    site.restart();
    EXPECT_FALSE(site.held(Hold::kLockedOut));
}

TEST(BoxCards, BelowThreeQuartersOfTheVoltageNoCardIsTaken) {
    // The supply sags and goes in the middle of a write, card after card.
    CardedBox site;
    site.desk.sell(5'000);
    for (PhaseMeasurement& phase : site.window.measurement.phases)
        phase.voltage = volts(164);
    site.measure();
    EXPECT_EQ(site.show().code, CardCode::kLowSupply);
    EXPECT_FALSE(site.book().account.is_open());
    site.window.measurement.phases[1].voltage = volts(165);
    site.measure();
    EXPECT_EQ(site.show().code, CardCode::kDone) << "the board lives on the best phase";
}

TEST(BoxCards, ABoxWithoutKeysTakesNoCard) {
    // A box that was never set up opens every record with keys of zeros.
    CardedBox site;
    site.config.card_keys.reset();
    site.start();
    site.desk.sell(5'000);
    EXPECT_EQ(site.show().code, CardCode::kNoReader);
    EXPECT_EQ(site.count(EventKind::kBadCard), 0u);
}

TEST(BoxCards, AReaderThatHeardNoAnswerGetsTheSameOneAgain) {
    // The frame is lost, the reader asks again and tells the resident that nothing was bought.
    CardedBox site;
    site.desk.sell(5'000);
    CardShown tap = site.desk.shown();
    tap.place = {12, 900};
    const CardAnswer first = site.show(tap);
    const CardAnswer again = site.show(tap);
    EXPECT_EQ(again.bought, credit_of_hundredths(5'000));
    EXPECT_EQ(again.return_record, first.return_record);
    EXPECT_EQ(site.count(EventKind::kCardSwiped, kFirst), 1u);
    tap.place.tap = 901;
    EXPECT_EQ(site.show(tap).bought, Credit{});
    tap.place.tap = 900;
    EXPECT_EQ(site.show(tap).bought, Credit{}) << "only the last tap is remembered";
    site.now = site.now + seconds(11);
    EXPECT_EQ(site.show(tap).bought, Credit{});
    EXPECT_EQ(site.count(EventKind::kCardSwiped, kFirst), 4u);
    const auto event = site.box->archive().events.nth_last(EventKind::kCardSwiped, kFirst, 4);
    ASSERT_TRUE(event);
    EXPECT_EQ(part_of(*event, 2), 12);
    EXPECT_EQ(part_of(*event, 3), 900);
}

TEST(BoxCards, ReturnsRiseAndLeaveTheSlotAloneThatIsKnownToBeWhole) {
    // AC09, AC10: torn twice, the card has no state of the meter left, or an older one than the office has seen.
    CardedBox site;
    site.desk.sell(5'000);
    const CardAnswer first = site.show();
    EXPECT_EQ(first.return_generation, 1u);
    ASSERT_TRUE(site.box->card_written(kFirst, 1, site.now));
    EXPECT_FALSE(site.box->card_written(kFirst, 1, site.now)) << "known";
    EXPECT_FALSE(site.box->card_written(kFirst, 2, site.now)) << "never given out";
    std::uint32_t last = 1;
    for (int torn = 0; torn < 4; ++torn) {
        const CardAnswer next = site.show();
        EXPECT_GT(next.return_generation, last);
        EXPECT_EQ(next.return_slot(), 0) << "slot 1 is whole";
        last = next.return_generation;
    }
    site.restart();
    const CardAnswer next = site.show();
    EXPECT_GT(next.return_generation, last);
    EXPECT_EQ(next.return_slot(), 0);
    ASSERT_TRUE(site.box->card_written(kFirst, next.return_generation, site.now));
    EXPECT_EQ(site.show().return_slot(), 1);
    // With the copies at hand: one that stands higher than all that the box remembers.
    card::Copies returns{};
    card::ReturnRecord high;
    high.household = 1;
    high.generation = 500;
    returns[0] = card::seal(site.desk.mac, site.desk.own, site.desk.uid, high);
    CardShown shown = site.desk.shown();
    shown.returns = &returns;
    EXPECT_EQ(site.show(shown).return_generation, 501u);
    high.generation = UINT32_MAX;
    returns[1] = card::seal(site.desk.mac, site.desk.own, site.desk.uid, high);
    const CardAnswer used_up = site.show(shown);
    EXPECT_EQ(used_up.code, CardCode::kDone);
    EXPECT_FALSE(used_up.has_return) << "the generations are used up";
}

TEST(BoxCards, TheSupplyThatFailedSinceTheLastSwipeIsToldOnce) {
    // A site without a network: nobody learns that a landing is dark every night.
    CardedBox site;
    site.desk.sell(5'000);
    EXPECT_FALSE(site.opened_return(site.show()).has(card::Hint::kSupplyFailed));
    site.restart();
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kSupplyFailed));
    const card::ReturnRecord record = site.opened_return(site.show());
    EXPECT_FALSE(record.has(card::Hint::kSupplyFailed));
    EXPECT_NE(record.time, 0u);
    site.clock.time = std::nullopt;
    EXPECT_TRUE(site.opened_return(site.show()).has(card::Hint::kClockNotKnown));
}

TEST(BoxCards, AMemoryThatRefusesTakesNothing) {
    // "Bought 50.00" is shown, and after the next failure of the supply it is gone.
    CardedBox site;
    site.desk.sell(5'000);
    site.storage.power_up({.fail_at_write = 0, .fail_writes = 1'000});
    const CardAnswer answer = site.show();
    EXPECT_EQ(answer.code, CardCode::kNotStored);
    EXPECT_FALSE(answer.has_return);
    EXPECT_FALSE(site.book().account.is_open());
    site.storage.power_up();
    EXPECT_EQ(site.show().bought, credit_of_hundredths(5'000));
}

// --- AC14: the supply goes at every byte that a swipe stores

TEST(BoxCards, AC14PowerCutAtEveryByteOfASwipeCreditsAllOrNothingAndNeverTwice) {
    // The lamp goes out while the card lies there; afterwards the money is lost, or it is there twice.
    CardedBox sound;
    sound.desk.sell(1'000);
    (void)sound.show();
    sound.desk.credit.may_release_lockout = true;
    sound.desk.sell(5'000);
    const std::vector<Byte> image = sound.storage.bytes();
    sound.storage.power_up();
    (void)sound.show();
    const std::int64_t bytes = sound.storage.bytes_written();
    ASSERT_GT(bytes, 150);
    int before = 0;
    int after = 0;
    for (std::int64_t at = 0; at <= bytes; ++at)
        for (const int damage : {-1, 0, 255, 256}) {
            CardedBox site;
            site.desk.credit = sound.desk.credit;
            site.storage.bytes() = image;
            site.start();
            site.storage.power_up({.cut_at_byte = at, .damaged_byte = damage});
            (void)site.show();
            site.restart();
            const std::int64_t found = site.remaining();
            ASSERT_TRUE(found == 1'000 || found == 6'000) << "cut at byte " << at << ": " << found;
            ++(found == 1'000 ? before : after);
            const CardAnswer again = site.show();
            ASSERT_EQ(again.code, CardCode::kDone) << at;
            ASSERT_EQ(again.bought, credit_of_hundredths(6'000 - found)) << at;
            ASSERT_EQ(site.remaining(), 6'000) << at;
            site.restart();
            ASSERT_EQ(site.remaining(), 6'000) << at;
        }
    EXPECT_GT(before, 100);
    EXPECT_GT(after, 100);
}

// --- Parameters and orders

card::ParameterList alarms(std::uint8_t household, std::uint32_t low, std::uint32_t cutoff) {
    card::ParameterList list;
    EXPECT_TRUE(list.add_alarms(household, {low, cutoff, 0}));
    return list;
}

TEST(BoxCards, ParametersOfACardCountOnceForEachVersionAndOnlyForItsHousehold) {
    // The office has lowered a limit over the network, and every swipe brings the old one back.
    CardedBox site;
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 5, alarms(1, 700, 300), site.now), CardCode::kDone);
    EXPECT_EQ(site.book().account.levels.low_hundredths, 700u);
    EXPECT_EQ(site.command(card::Alarms{900, 400, 0}).result, card::Result::kDone);
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 5, alarms(1, 700, 300), site.now), CardCode::kDone);
    EXPECT_EQ(site.book().account.levels.low_hundredths, 900u);
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 6, alarms(2, 1, 1), site.now), CardCode::kBadContents);
    EXPECT_EQ(site.box->book({2}).account.levels.low_hundredths, 0u);
    EXPECT_EQ(site.book().card.parameters, 5u);
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 6, alarms(1, 800, 0), site.now), CardCode::kDone);
    site.restart();
    EXPECT_EQ(site.book().account.levels.low_hundredths, 800u);
    EXPECT_EQ(site.book().account.levels.cutoff_hundredths, 0u);
    EXPECT_EQ(site.book().card.parameters, 6u);
}

TEST(BoxCards, PowerCutAtEveryByteOfParametersTakesAllOfThemOrNone) {
    // Half of a list: the new limit with the old number of tries locks a family out.
    settings::Settings wanted;
    wanted.households[0].load.milliamperes = 9'000;
    wanted.households[0].plan.limited_watts = 800;
    card::ParameterList list = alarms(1, 700, 300);
    std::array<Byte, settings::kSettingBytesMax> value;
    for (const settings::SettingId id : {settings::SettingId::kLoadLimit, settings::SettingId::kHouseholdPlan}) {
        const settings::SettingKey key{id, 1, 0};
        ASSERT_TRUE(list.add(key, Bytes(value).first(settings::encode(wanted, key, value))));
    }
    for (std::int64_t at = 0;; ++at) {
        CardedBox site(32 * 1024);
        site.storage.power_up({.cut_at_byte = at});
        (void)site.box->take_card_parameters(kFirst, 1, list, site.now);
        const bool cut = site.storage.is_cut();
        site.restart();
        const bool taken = site.book().card.parameters == 1;
        ASSERT_EQ(site.book().account.levels.low_hundredths, taken ? 700u : 0u) << at;
        ASSERT_EQ(site.box->settings().households[0].load.milliamperes, taken ? 9'000u : 0u) << at;
        ASSERT_EQ(site.box->settings().households[0].plan.limited_watts, taken ? 800 : 1000) << at;
        if (!cut) {
            EXPECT_TRUE(taken);
            EXPECT_GT(at, 50);
            break;
        }
    }
}

struct Order {
    explicit Order(CardedBox& box, card::CardKind kind) : site(box) {
        right.kind = kind;
        right.sequence = 1;
        right.from = *site.clock.read();
        right.until = right.from + 3600;
    }
    OrderAnswer show(const card::ParameterList* parameters = nullptr) {
        OrderShown shown;
        shown.uid = site.desk.uid;
        shown.right = card::seal(site.desk.mac, card::only_shows(right.kind) ? site.desk.site : site.desk.own,
                                 site.desk.uid, right);
        shown.parameters = parameters;
        shown.card_serial = 99;
        return site.box->present_order(site.desk.mac, shown, site.now);
    }
    CardedBox& site;
    card::RightRecord right;
};

TEST(BoxCards, AC24AClearCardIsRefusedUnlessTheBoxAllowsThem) {
    // A cloned clear card empties a building.
    CardedBox site;
    site.desk.sell(5'000);
    (void)site.show();
    Order order(site, card::CardKind::kClear);
    EXPECT_EQ(order.show().code, CardCode::kNotAllowed);
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.box->box_book().cards.right_sequence, 0u);
    EXPECT_EQ(site.count(EventKind::kOrderRefused), 1u);
    site.config.card_clears = true;
    site.restart();
    order.right.household = 2;
    EXPECT_EQ(order.show().code, CardCode::kDone);
    EXPECT_EQ(site.remaining(), 5'000) << "household 2 was meant";
    order.right.sequence = 2;
    order.right.household = 1;
    EXPECT_EQ(order.show().code, CardCode::kDone);
    EXPECT_FALSE(site.book().account.is_open());
    const auto before = site.box->archive().events.nth_last(EventKind::kHouseholdCleared, {}, 1);
    ASSERT_TRUE(before);
    EXPECT_EQ(part_of(*before, 3), 5'000) << "the values before are in the log";
    site.desk.credit.ticket = {2, 1, 300};
    site.desk.credit.sale_number = 1;
    ++site.desk.credit.generation;
    EXPECT_EQ(site.show().code, CardCode::kDone);
    EXPECT_EQ(order.show().code, CardCode::kRightUsed) << "the clone of the card, or the card once more";
    EXPECT_EQ(site.remaining(), 300);
    order.right.sequence = 3;
    order.right.household = 0;
    EXPECT_EQ(order.show().code, CardCode::kDone);
    EXPECT_FALSE(site.book().account.is_open());
    site.restart();
    EXPECT_FALSE(site.book().account.is_open());
    EXPECT_EQ(order.show().code, CardCode::kRightUsed) << "stored";
    EXPECT_EQ(site.count(EventKind::kOrderCarriedOut), 3u);
}

TEST(BoxCards, AC24AnOrderCountsOnlyWithinItsWindowByAClockThatIsKnown) {
    // A set-up card that was lost in spring is tried in autumn; or the clock is stopped to make it fit.
    CardedBox site;
    Order order(site, card::CardKind::kRestore);
    order.right.cutoff_alarm = true;
    order.right.from += 600;
    EXPECT_EQ(order.show().code, CardCode::kNotYet);
    site.now = site.now + minutes(10);
    EXPECT_EQ(order.show().code, CardCode::kDone);
    order.right.sequence = 2;
    site.now = site.now + minutes(50);
    EXPECT_EQ(order.show().code, CardCode::kExpired);
    site.clock.time = std::nullopt;
    EXPECT_EQ(order.show().code, CardCode::kClockUnknown);
    EXPECT_EQ(site.box->box_book().cards.right_sequence, 1u);
}

TEST(BoxCards, AC24AnOrderForAnotherBoxOrOnAnotherCardIsNone) {
    CardedBox site;
    Order order(site, card::CardKind::kRestore);
    order.right.cutoff_alarm = true;
    CardDesk next_door(2026000002);
    OrderShown shown;
    shown.uid = next_door.uid;
    shown.right = card::seal(next_door.mac, next_door.own, next_door.uid, order.right);
    EXPECT_EQ(site.box->present_order(site.desk.mac, shown, site.now).code, CardCode::kNotYours);
    shown.right = card::seal(site.desk.mac, site.desk.own, site.desk.uid, order.right);
    shown.uid = card::uid_of(std::array<Byte, 4>{1, 2, 3, 4});
    EXPECT_EQ(site.box->present_order(site.desk.mac, shown, site.now).code, CardCode::kInvalid);
    EXPECT_EQ(site.box->box_book().cards.right_sequence, 0u);
    EXPECT_EQ(site.box->box_book().cards.bad_cards, 1);
}

TEST(BoxCards, ARestoreCardForgetsWhatItSaysAndNothingElse) {
    // The caretaker's card lets a malignant load's lock-out go although the office gave it for reminders.
    CardedBox site;
    site.desk.sell(1'000);
    (void)site.show();
    EXPECT_EQ(site.box->take_card_parameters(kFirst, 1, alarms(1, 0, 500), site.now), CardCode::kDone);
    site.use(energy_of_hundredths(600));
    ASSERT_TRUE(site.held(Hold::kCutoffAlarm));
    Order order(site, card::CardKind::kRestore);
    order.right.lockouts.malignant = true;
    EXPECT_EQ(order.show().code, CardCode::kDone);
    EXPECT_TRUE(site.held(Hold::kCutoffAlarm));
    order.right.sequence = 2;
    order.right.cutoff_alarm = true;
    EXPECT_EQ(order.show().code, CardCode::kDone);
    EXPECT_FALSE(site.held(Hold::kCutoffAlarm));
    site.run(seconds(1));
    site.restart();
    EXPECT_FALSE(site.held(Hold::kCutoffAlarm));
}

TEST(BoxCards, ASetUpCardCountsOnlyWithTheListThatItsRightNames) {
    // The list stands site-wide on the card: whoever opened one box could seal another one.
    CardedBox site;
    Order order(site, card::CardKind::kSetUp);
    const card::ParameterList list = alarms(3, 700, 300);
    order.right.parts = list.parts();
    order.right.digest = list.digest(site.desk.mac, site.desk.own);
    EXPECT_EQ(order.show().code, CardCode::kInvalid) << "without its list";
    const card::ParameterList forged = alarms(3, 0, 0);
    EXPECT_EQ(order.show(&forged).code, CardCode::kInvalid);
    EXPECT_EQ(site.box->box_book().cards.right_sequence, 0u);
    EXPECT_EQ(order.show(&list).code, CardCode::kDone);
    EXPECT_EQ(site.box->book({3}).account.levels.low_hundredths, 700u);
    EXPECT_EQ(order.show(&list).code, CardCode::kRightUsed);
    card::ParameterList impossible = alarms(3, 900, 300);
    ASSERT_TRUE(impossible.add({settings::SettingId::kLoadLimit, 40, 0}, std::array<Byte, 4>{}));
    order.right.sequence = 2;
    order.right.parts = impossible.parts();
    order.right.digest = impossible.digest(site.desk.mac, site.desk.own);
    EXPECT_EQ(order.show(&impossible).code, CardCode::kBadContents);
    EXPECT_EQ(site.box->book({3}).account.levels.low_hundredths, 700u) << "all or nothing";
}

TEST(BoxCards, CardsThatOnlyShowChangeNothing) {
    CardedBox site;
    const std::vector<Byte> before = site.storage.bytes();
    for (const card::CardKind kind : {card::CardKind::kInspection, card::CardKind::kReaderTest}) {
        Order order(site, kind);
        const OrderAnswer answer = order.show();
        EXPECT_EQ(answer.code, CardCode::kDone);
        EXPECT_EQ(answer.kind, kind);
        EXPECT_EQ(order.show().code, CardCode::kDone) << "as often as one likes";
    }
    EXPECT_EQ(site.storage.bytes(), before);
}

}  // namespace
}  // namespace prewatt::meter
