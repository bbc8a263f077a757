// A desk with everything that is real but the reader: the procedure (card/desk), the office that seals (server/desk)
// and its books (server/store), over the model of an M1 card.
#include "card/copies.hpp"
#include "card/record_io.hpp"
#include "card/records.hpp"
#include "sim/card/field.hpp"
#include "tests/desk/office_at_desk.hpp"

namespace prewatt {
namespace {

using card::desk::Depth;
using card::desk::Fault;
using card::desk::Order;
using card::desk::OrderKind;
using server::CardFinding;
using server::CardState;
using server::HouseholdId;

const card::Uid kUid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});
const card::Uid kOtherUid = card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6});

class DeskTest : public testing::Test {
  protected:
    HouseholdId room(std::string_view label) { return at_.room(label); }
    server::SaleRecord sell(const std::string& id, HouseholdId household, std::int64_t amount_fen = 6400) {
        return at_.sell(id, household, amount_fen);
    }
    static Order issue_order(const std::string& id, HouseholdId household, std::int64_t replaces = 0) {
        return {OrderKind::kIssue, id, household.value, replaces, "moved in"};
    }
    static Order ticket_order(const std::string& id) { return {OrderKind::kTicket, id, 0, 0, ""}; }
    std::expected<card::desk::Report, card::desk::Failure> carry_out(const Order& order) {
        return card::desk::carry_out(field_, *direct_, order);
    }
    // What is found, as the office says it.
    std::string look(Depth depth = Depth::kRecords) {
        const auto looked = card::desk::look(field_, *direct_, depth);
        return looked ? looked->report.text : "fault " + std::to_string(static_cast<int>(looked.error().fault));
    }
    // As a meter reads it: the newest ticket that opens with the box's keys; 0: none.
    std::uint32_t ticket_on(sim::M1Card& card, HouseholdId household) {
        const auto record = office_->household(household);
        const card::RecordKeys keys = card::record_keys(mac_, masters_, record->box_number);
        card::Copies copies;
        sim::Field field;
        field.put(card);
        for (std::uint8_t slot = 0; slot < 2; ++slot) {
            const std::uint8_t sector = card::Layout{}.credit(slot);
            if (!field.select()) return 0;
            card::RecordReader reader(
                sector, card::sector_key(mac_, masters_.sector_read, card.uid(), sector, card::KeyKind::kA));
            if (finish(reader, field) == card::Progress::kDone) copies[slot] = reader.record();
        }
        const auto opened = card::open_credits(mac_, keys, card.uid(), copies);
        return opened.newest ? opened.newest->ticket.number : 0;
    }
    server::CardRecord card_of(HouseholdId household) { return at_.card_of(household); }

    OfficeAtDesk at_;
    server::Office* office_ = &at_.office();
    DirectOffice* direct_ = &at_.direct();
    card::OpensslMac& mac_ = at_.mac;
    const card::SiteMasters& masters_ = at_.masters;
    sim::Field field_;
};

// The whole way of a card: made, sold onto, read, taken back, made for somebody else; nothing of the first remains.
TEST_F(DeskTest, ACardIsIssuedSoldOntoReadTakenBackAndUsedAgain) {
    const HouseholdId first = room("3-0101");
    sim::M1Card plastic(kUid);
    field_.put(plastic);
    EXPECT_EQ(look(), "not_ours");
    ASSERT_TRUE(carry_out(issue_order("i1", first)));
    EXPECT_EQ(look(), "up_to_date");
    EXPECT_EQ(card_of(first).state, CardState::kWritten);
    // Every sector has keys of its own: no default key is left as a way in.
    for (std::uint8_t sector = 0; sector < card::kSectorCount; ++sector)
        EXPECT_NE(plastic.key(sector, card::KeyKind::kA), card::kTransportKey) << int{sector};

    const auto sale = sell("s1", first);
    EXPECT_EQ(look(), "behind");
    ASSERT_TRUE(carry_out(ticket_order("t1")));
    EXPECT_EQ(look(), "up_to_date");
    EXPECT_EQ(ticket_on(plastic, first), 1u);
    EXPECT_TRUE(office_->sale(sale.id)->card_at);
    EXPECT_EQ(look(Depth::kAll), "up_to_date");
    EXPECT_EQ(direct_->last.sectors_ours, 16);

    const auto in_use = carry_out({OrderKind::kFormat, "f1", 0, 0, ""});
    ASSERT_FALSE(in_use);
    EXPECT_EQ(in_use.error().office.code, "card_in_use");
    ASSERT_TRUE(server::wait<server::CardRecord>([&](auto done) {
        office_->cards().end({card_of(first).id, CardState::kTakenBack, {"owner", "desk"}, "moves out"}, done);
    }));
    ASSERT_TRUE(carry_out({OrderKind::kFormat, "f2", 0, 0, ""}));
    EXPECT_EQ(look(Depth::kAll), "not_ours");
    EXPECT_EQ(direct_->last.sectors_transport, 16);
    for (std::uint8_t block = 1; block < card::kBlockCount; ++block)
        if (block % 4 != 3) {
            EXPECT_EQ(plastic.dump()[block], card::Block{}) << int{block};
        }

    const HouseholdId second = room("3-0102");
    sell("s2", second);
    ASSERT_TRUE(carry_out(issue_order("i2", second)));
    EXPECT_EQ(look(), "up_to_date");
    EXPECT_EQ(ticket_on(plastic, second), 1u);
}

// AC08, AC09, AC11: a card that is torn away at any write, within any byte, while a sale is written: it shows the old
// ticket or the new one, and the same order, once it is back, ends well.
TEST_F(DeskTest, ATearAtAnyByteOfAnyWriteOfATicketLeavesTheOldOrTheNewAndIsMadeGood) {
    const HouseholdId household = room("3-0101");
    sim::M1Card plastic(kUid, 5);
    field_.put(plastic);
    sell("s0", household);
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    std::uint32_t number = 1;
    int tears = 0;
    for (const sim::Tear::Rest rest : sim::kTearRests)
        for (std::uint64_t write = 0; write < 3; ++write)
            for (std::uint8_t split = 0; split <= 16; split = static_cast<std::uint8_t>(split + 4)) {
                const std::string id = std::to_string(tears++);
                sell("s" + id + "x", household, 64);
                ++number;
                field_.forget_plans();
                field_.hold({&plastic});
                field_.tear_at(write, {split, rest});
                const auto torn = carry_out(ticket_order("t" + id));
                ASSERT_FALSE(torn);
                ASSERT_EQ(torn.error().fault, Fault::kNoCard);
                ASSERT_TRUE(torn.error().begun);
                const std::uint32_t shown = ticket_on(plastic, household);
                ASSERT_TRUE(shown == number || shown == number - 1) << shown << " of " << number;
                // It comes back; half of the time it is torn once more, at another place.
                field_.forget_plans();
                field_.hold({&plastic});
                ASSERT_EQ(look(), "unfinished");
                if (tears % 2 == 0) {
                    field_.tear_at((write + 1) % 3, {static_cast<std::uint8_t>(16 - split), rest});
                    ASSERT_FALSE(carry_out(ticket_order("t" + id)));
                    const std::uint32_t again = ticket_on(plastic, household);
                    ASSERT_TRUE(again == number || again == number - 1) << again << " of " << number;
                    field_.forget_plans();
                    field_.hold({&plastic});
                }
                const auto done = carry_out(ticket_order("t" + id));
                ASSERT_TRUE(done) << done.error().office.message;
                ASSERT_EQ(ticket_on(plastic, household), number);
                ASSERT_EQ(look(), "up_to_date");
            }
    EXPECT_EQ(tears, 90);
}

// A blank card that is torn away while it is made: the same order goes on with it, or says that it is lost. No money is
// at stake, but a card that is half ours must never look whole.
TEST_F(DeskTest, ATearAtAnyWriteOfAnIssueIsGoneOnWithOrTheCardIsSaidToBeLost) {
    const HouseholdId household = room("3-0101");
    sell("s0", household);
    int lost = 0;
    int made = 0;
    for (std::uint64_t write = 0; write < 22; ++write)
        for (const std::uint8_t split : std::array<std::uint8_t, 6>{0, 3, 6, 8, 12, 16}) {
            const std::string id = std::to_string(write) + "-" + std::to_string(split);
            const std::array<Byte, 4> number{0x51, static_cast<Byte>(write), split, 0x10};
            sim::M1Card plastic(card::uid_of(number));
            field_.forget_plans();
            field_.hold({&plastic});
            field_.tear_at(write, {split, sim::Tear::Rest::kOld});
            const auto before = card_of(household);
            const std::int64_t replaces = server::is_live(before.state) ? before.id.value : 0;
            ASSERT_FALSE(carry_out(issue_order("i" + id, household, replaces))) << id;
            field_.forget_plans();
            field_.hold({&plastic});
            ASSERT_NE(look(), "up_to_date") << id;
            const auto again = carry_out(issue_order("i" + id, household, replaces));
            if (again) {
                ++made;
                ASSERT_EQ(look(), "up_to_date") << id;
                ASSERT_EQ(ticket_on(plastic, household), 1u) << id;
                continue;
            }
            ++lost;
            ASSERT_EQ(again.error().fault == Fault::kOffice ? again.error().office.code : "", "card_not_usable") << id;
            ASSERT_EQ(split, 8) << "only a tear within the access bits costs the sector";
        }
    EXPECT_GT(made, 100);
    EXPECT_LE(lost, 8);
}

// AC19: while the clerk looks away another card takes the place of the one that is written.
TEST_F(DeskTest, AnotherCardThatTakesItsPlaceIsNoticedAtEveryExchange) {
    const HouseholdId household = room("3-0101");
    sim::M1Card plastic(kUid);
    sim::M1Card neighbour(kOtherUid);
    field_.put(plastic);
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    field_.hold({&neighbour});
    ASSERT_TRUE(carry_out(issue_order("i2", room("3-0102"))));
    sell("s1", household);
    const auto neighbour_before = neighbour.dump();
    sim::Field field({.exchange = {}, .wakes_by_itself = true});
    int swaps = 0;
    for (std::uint64_t exchange = 1;; ++exchange) {
        field.forget_plans();
        field.hold({&plastic});
        const std::uint64_t begun = field.exchanges();
        field.at(exchange, {&neighbour});
        const auto written = card::desk::carry_out(field, *direct_, ticket_order("t" + std::to_string(exchange)));
        if (field.exchanges() - begun <= exchange) {
            EXPECT_TRUE(written);
            break;
        }
        ++swaps;
        ASSERT_FALSE(written) << "swapped in front of exchange " << exchange;
        ASSERT_NE(card_of(household).carries.number, 1u);
        ASSERT_EQ(neighbour.dump(), neighbour_before);
    }
    EXPECT_GE(swaps, 25);
    EXPECT_EQ(card_of(household).carries.number, 1u);
}

// AC01, AC04, AC05, AC06 at the desk: whatever somebody does to a card, it is not taken for what it is not.
TEST_F(DeskTest, ForgedCopiedAndSplicedCardsAreSeenForWhatTheyAre) {
    const HouseholdId household = room("3-0101");
    sell("s1", household);
    sim::M1Card plastic(kUid);
    field_.put(plastic);
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    sell("s2", household);
    ASSERT_TRUE(carry_out(ticket_order("t1")));
    const auto good = plastic.dump();

    // Another number, all the rest the same, with the sector keys of the new number's card or without.
    sim::M1Card copy = plastic.clone_as(kOtherUid);
    field_.hold({&copy});
    EXPECT_EQ(look(Depth::kAll), "not_ours");
    // One bit of the newest ticket: the older one stands, and the office says that something is due.
    auto dump = good;
    dump[card::first_block(card::Layout{}.credit(0)) + 1][3] ^= 1;
    plastic.overwrite(dump);
    field_.hold({&plastic});
    EXPECT_EQ(look(), "unfinished");
    EXPECT_EQ(direct_->last.tickets[0].state, "torn_or_forged");
    ASSERT_TRUE(carry_out(ticket_order("t2")));
    EXPECT_EQ(look(), "up_to_date");
    // The two tickets change places.
    dump = good;
    for (std::uint8_t k = 0; k < 3; ++k)
        std::swap(dump[card::first_block(card::Layout{}.credit(0)) + k],
                  dump[card::first_block(card::Layout{}.credit(1)) + k]);
    plastic.overwrite(dump);
    EXPECT_EQ(look(), "unfinished");
    EXPECT_EQ(direct_->last.tickets[0].state, "misplaced");
    // An old dump (AC02).
    plastic.overwrite(good);
    EXPECT_EQ(look(), "unfinished");
    EXPECT_TRUE(direct_->last.seen.rolled_back);
    ASSERT_TRUE(carry_out(ticket_order("t3")));
    EXPECT_EQ(look(), "up_to_date");
}

// AC02, AC09: a copy is torn twice and dumped as it reads then; its cells fade, the write is done again above it, and
// the dump is put back. What it shows newest was never acknowledged: the clerk must not hear that the card is in order,
// nor that an order whose answer was lost is done.
TEST_F(DeskTest, ACopyThatWasNeverAcknowledgedIsWrittenAgainAndARepeatedOrderLooksAtTheCard) {
    const HouseholdId household = room("3-0101");
    sim::M1Card plastic(kUid);
    field_.put(plastic);
    const auto blank = plastic.dump();
    sell("s1", household);
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    const auto whole = plastic.dump();
    sell("s2", household);
    for (int k = 0; k < 2; ++k) {
        field_.tear_at(2, {16, sim::Tear::Rest::kOld});
        ASSERT_FALSE(carry_out(ticket_order("t1")));
        field_.forget_plans();
        field_.hold({&plastic});
    }
    const auto torn = plastic.dump();
    ASSERT_EQ(look(), "unfinished");
    const std::uint32_t never_acknowledged = direct_->last.newest->generation;
    plastic.overwrite(whole);
    ASSERT_TRUE(carry_out(ticket_order("t2")));
    const std::uint32_t acknowledged = card_of(household).generation;
    ASSERT_GT(acknowledged, never_acknowledged);

    plastic.overwrite(torn);
    EXPECT_EQ(look(), "unfinished") << "it reads well, and carries what was sold";
    const auto writes_before = plastic.writes();
    ASSERT_TRUE(carry_out(ticket_order("t2")));
    EXPECT_EQ(plastic.writes(), writes_before + 3);
    EXPECT_GT(card_of(household).generation, acknowledged);
    EXPECT_EQ(look(), "up_to_date");
    const auto writes_after = plastic.writes();
    ASSERT_TRUE(carry_out(ticket_order("t2")));
    EXPECT_EQ(plastic.writes(), writes_after) << "it still stands: nothing is worn";

    // An issue that is done, and a card that was made blank since.
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    plastic.overwrite(blank);
    const auto gone = carry_out(issue_order("i1", household));
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().office.code, "card_unlike");
    ASSERT_TRUE(carry_out(issue_order("i2", household, card_of(household).id.value)));
    EXPECT_EQ(look(), "up_to_date");
}

// AC25, AC28: things that are no cards of ours are told quickly and not touched.
TEST_F(DeskTest, ForeignThingsAreToldAndNotTouched) {
    field_.put(sim::Foreign::kBankCard);
    EXPECT_EQ(look(), "fault " + std::to_string(static_cast<int>(Fault::kNotM1)));
    sim::M1Card one(kUid);
    sim::M1Card two(kOtherUid);
    field_.hold({&one, &two});
    EXPECT_EQ(look(), "fault " + std::to_string(static_cast<int>(Fault::kSeveral)));
    sim::M1Card random(card::uid_of(std::array<Byte, 4>{0x08, 1, 2, 3}));
    field_.hold({&random});
    EXPECT_EQ(look(), "fault " + std::to_string(static_cast<int>(Fault::kNotM1))) << "a number that is drawn anew";
    field_.clear();
    EXPECT_EQ(look(), "fault " + std::to_string(static_cast<int>(Fault::kNoCard)));
    // A card of another system: its keys are not ours and not the factory's.
    sim::M1Card campus(kUid);
    auto dump = campus.dump();
    for (std::uint8_t sector = 0; sector < card::kSectorCount; ++sector)
        dump[card::trailer_block(sector)] = card::make_trailer({1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1});
    campus.overwrite(dump);
    field_.hold({&campus});
    const auto refused = carry_out(issue_order("i1", room("3-0101")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().office.code, "card_not_usable");
    EXPECT_EQ(campus.dump(), dump);
    EXPECT_EQ(campus.writes(), 0u);
}

// A clerk with a queue: from the card on the reader to "done" there are so few exchanges that a card of 10 ms takes
// less than a second.
TEST_F(DeskTest, ASaleOntoACardTakesFewExchanges) {
    const HouseholdId household = room("3-0101");
    sim::M1Card plastic(kUid);
    field_.put(plastic);
    ASSERT_TRUE(carry_out(issue_order("i1", household)));
    sell("s1", household);
    const std::uint64_t before = field_.exchanges();
    ASSERT_TRUE(carry_out(ticket_order("t1")));
    EXPECT_LE(field_.exchanges() - before, 40u);
}

// The desk says that it wrote and read back, and the card holds something else: nothing may count.
TEST_F(DeskTest, WhatWasReadBackIsOpenedBeforeItCounts) {
    const HouseholdId household = room("3-0101");
    sell("s1", household);
    sim::M1Card plastic(kUid);
    field_.put(plastic);
    const auto sight = card::desk::read_card(field_, *direct_, Depth::kAll);
    ASSERT_TRUE(sight);
    const auto plan = direct_->order(issue_order("i1", household), *sight);
    ASSERT_TRUE(plan);
    const auto nothing = direct_->done(plan->write, *sight);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, "card_unlike");
    EXPECT_EQ(card_of(household).state, CardState::kIssued);
}

}  // namespace
}  // namespace prewatt
