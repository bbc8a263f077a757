// What a box wrote onto a card, read at the desk: which RETURN is opened, kept and believed, and what it then allows.
// The box is played here, with its keys; the real one writes in tests/pcsc.
#include "card/copies.hpp"
#include "card/record_io.hpp"
#include "card/records.hpp"
#include "server/domain/office_calendar.hpp"
#include "sim/card/field.hpp"
#include "tests/desk/office_at_desk.hpp"

namespace prewatt {
namespace {

using card::desk::Order;
using card::desk::OrderKind;
using server::HouseholdId;

constexpr std::int64_t kCivilBegin_s = 946'684'800;
const card::Uid kUid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});
const card::Uid kOtherUid = card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6});

server::store::BuildingSpec building_at(const char* url) {
    server::store::BuildingSpec building;
    building.line_url = url;
    return building;
}

// A household with a card that carries one sale of 64.00 yuan, 100.00 kWh.
class ReturnedCard : public testing::Test {
  protected:
    explicit ReturnedCard(const char* url = "") : at_(building_at(url)) {
        household_ = at_.room("3-0101");
        const auto record = at_.office().household(household_);
        box_ = record->box_number;
        number_ = record->desired.number;
        sale_ = at_.sell("s1", household_).id;
        field_.put(plastic_);
        EXPECT_TRUE(carry_out({OrderKind::kIssue, "i1", household_.value, 0, "moved in"}));
    }
    bool carry_out(const Order& order) { return card::desk::carry_out(field_, at_.direct(), order).has_value(); }
    // As the box says it after ticket `ticket` of `credited`, with `used` gone; all in hundredths.
    card::ReturnRecord said(std::uint32_t generation, std::uint32_t ticket, std::int64_t credited, std::int64_t used) {
        card::ReturnRecord record;
        record.household = number_;
        record.generation = generation;
        record.epoch = 1;
        record.ticket_number = ticket;
        record.used_hundredths = static_cast<std::uint64_t>(used);
        record.remaining_hundredths = static_cast<std::int32_t>(credited - used);
        record.energy_hundredths = static_cast<std::uint32_t>(used);
        record.time =
            static_cast<CivilSeconds>((at_.now_ms + 500 + server::kOfficeOffset.count() / 1000) / 1000 - kCivilBegin_s);
        return record;
    }
    [[nodiscard]] card::RecordKeys keys(std::uint64_t box, const card::SiteMasters& masters) {
        return card::record_keys(at_.mac, masters, box);
    }
    card::RecordBytes sealed(const card::ReturnRecord& record) {
        return card::seal(at_.mac, keys(box_, at_.masters), kUid, record);
    }
    // Into the RETURN slot, with the key that a box has for it.
    void put(std::uint8_t slot, const card::RecordBytes& bytes) {
        const std::uint8_t sector = card::Layout{}.returns(slot);
        const auto uid = field_.select();
        ASSERT_TRUE(uid);
        card::RecordWriter writer(
            *uid, sector, card::sector_key(at_.mac, at_.masters.sector_return, *uid, sector, card::KeyKind::kB), bytes);
        ASSERT_EQ(finish(writer, field_), card::Progress::kDone);
    }
    void swipe(const card::ReturnRecord& record) {
        put(static_cast<std::uint8_t>(record.generation & 1), sealed(record));
    }
    server::DeskReport look() {
        EXPECT_TRUE(card::desk::look(field_, at_.direct(), card::desk::Depth::kRecords));
        return at_.direct().last;
    }

    OfficeAtDesk at_;
    HouseholdId household_;
    std::uint64_t box_ = 0;
    std::uint8_t number_ = 0;
    server::SaleId sale_;
    sim::M1Card plastic_{kUid};
    sim::Field field_;
};

// The desk shows another figure than the meter has, or an old one as the newest.
TEST_F(ReturnedCard, ShowsWhatTheBoxSaidWithItsTimeAndTheNewestOfTwo) {
    card::ReturnRecord first = said(1, 1, 10'000, 1'234);
    first.bad_cards = 3;
    first.set(card::Hint::kTamper);
    swipe(first);
    const std::int64_t swiped_ms = (at_.now_ms + 500) / 1000 * 1000;
    const server::DeskReport report = look();
    EXPECT_EQ(report.returns[1].state, "good");
    EXPECT_EQ(report.returns[1].generation, 1u);
    EXPECT_EQ(report.returns[0].state, "empty");
    EXPECT_TRUE(report.seen.took_said);
    ASSERT_TRUE(report.seen.card && report.seen.card->said);
    const server::CardReturn kept = *report.seen.card->said;
    EXPECT_EQ(kept.ticket_number, 1u);
    EXPECT_EQ(kept.used, credit_of_hundredths(1'234));
    EXPECT_EQ(kept.remaining, credit_of_hundredths(8'766));
    EXPECT_EQ(kept.credited(), credit_of_hundredths(10'000));
    EXPECT_EQ(kept.forward, energy_of_hundredths(1'234));
    EXPECT_EQ(kept.bad_cards, 3);
    EXPECT_EQ(server::words_of_hints(kept.hints), std::vector<std::string_view>{"tamper"});
    ASSERT_TRUE(kept.swiped_at);
    EXPECT_EQ(kept.swiped_at->ms, swiped_ms);

    EXPECT_FALSE(look().seen.took_said) << "the same once more is nothing new";
    swipe(said(2, 1, 10'000, 2'000));
    EXPECT_TRUE(look().seen.took_said);
    EXPECT_EQ(at_.card_of(household_).said->generation, 2u);
    EXPECT_EQ(at_.card_of(household_).said->used, credit_of_hundredths(2'000));
    card::ReturnRecord wrong = said(3, 1, 10'000, 2'200);
    wrong.time -= 8 * 3600;
    swipe(wrong);
    look();
    EXPECT_GE(*at_.card_of(household_).said->swiped_at, at_.office().sale(sale_)->booked_at)
        << "a box whose clock is eight hours slow: not before the ticket that it has taken was sold";
    card::ReturnRecord unknown = said(4, 1, 10'000, 2'500);
    unknown.set(card::Hint::kClockNotKnown);
    swipe(unknown);
    look();
    EXPECT_FALSE(at_.card_of(household_).said->swiped_at) << "a clock that is not known says no time";
}

// AC12: somebody writes into the RETURN sectors, whose key is in every box and every shared reader.
TEST_F(ReturnedCard, AC12WhatIsNotSealedByThisBoxForThisCardAndHouseholdIsNoWordOfTheMeter) {
    const card::RecordBytes good = sealed(said(1, 1, 10'000, 100));
    const auto refused = [&](const card::RecordBytes& bytes, std::uint8_t slot) {
        put(slot, bytes);
        const server::DeskReport report = look();
        EXPECT_FALSE(report.seen.took_said);
        EXPECT_FALSE(at_.card_of(household_).said);
        return std::string{report.returns[slot].state};
    };
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
        card::RecordBytes changed = good;
        changed[byte] ^= 0x10;
        EXPECT_NE(refused(changed, 1), "good") << byte;
    }
    EXPECT_EQ(refused(good, 0), "misplaced");
    const card::ReturnRecord record = said(1, 1, 10'000, 100);
    EXPECT_EQ(refused(card::seal(at_.mac, keys(box_, at_.masters), kOtherUid, record), 1), "torn_or_forged");
    EXPECT_EQ(refused(card::seal(at_.mac, keys(box_, card::site_masters(at_.mac, card::Key{9})), kUid, record), 1),
              "torn_or_forged");
    // Good seals of others: the neighbour's in the same box, and a box of the same site.
    card::ReturnRecord neighbour = record;
    neighbour.household = static_cast<std::uint8_t>(number_ + 1);
    EXPECT_EQ(refused(sealed(neighbour), 1), "good") << "it opens, and is nothing that this card's meter said";
    EXPECT_EQ(refused(card::seal(at_.mac, keys(box_ + 1, at_.masters), kUid, record), 1), "good");
    // The card's own CREDIT, which the box's keys open, in the place of a RETURN.
    card::RecordBytes credit{};
    const auto dump = plastic_.dump();
    const std::uint8_t block = card::first_block(card::Layout{}.credit(1));
    for (std::size_t k = 0; k < credit.size(); ++k)
        credit[k] = dump[block + k / 16][k % 16];
    EXPECT_NE(refused(credit, 1), "good");
    put(1, good);
    EXPECT_TRUE(look().seen.took_said) << "and none of that stood in the way of the meter's own";
}

// AC13: a state of last month is put back: the card says that more remains than the meter has.
TEST_F(ReturnedCard, AC13AnOldReturnIsSeenAndNotTakenAgain) {
    swipe(said(1, 1, 10'000, 100));
    look();
    const auto of_before = plastic_.dump();
    swipe(said(2, 1, 10'000, 9'000));
    look();
    plastic_.overwrite(of_before);
    field_.hold({&plastic_});
    const server::DeskReport report = look();
    EXPECT_TRUE(report.seen.rolled_back);
    EXPECT_FALSE(report.seen.took_said);
    EXPECT_EQ(at_.card_of(household_).said->generation, 2u);
}

// Where a line reaches the box, a card must not move the books beside it.
TEST_F(ReturnedCard, OnALineItIsInformationAndConfirmsNothing) {
    swipe(said(1, 1, 10'000, 100));
    EXPECT_TRUE(look().seen.took_said);
    const auto record = at_.office().household(household_);
    EXPECT_EQ(record->desired.confirmed_number, 0u);
    EXPECT_FALSE(record->read_at);
    const auto refunded = at_.refund("r1", sale_, 3200);
    ASSERT_TRUE(refunded) << refunded.error().message;
    swipe(said(2, 2, 5'000, 100));
    look();
    EXPECT_EQ(at_.pay_out("p1", refunded->bookings.front().id).error().reason, server::Reason::kMeterBehind);
}

class ReturnedByCardOnly : public ReturnedCard {
  protected:
    ReturnedByCardOnly() : ReturnedCard("card") {}
};

// Nobody drives to a box that no line reaches, and what its meter has noticed stays in it. Or the item hangs on the
// card that was lost, and stays for ever.
TEST_F(ReturnedCard, SignsOfTamperingAndUnreadEventsAreWorkUntilACardComesBackWithoutThem) {
    const auto find = [&](std::string_view kind) -> std::optional<server::WorkRecord> {
        const auto items = at_.office().work_list().items({});
        EXPECT_TRUE(items);
        std::optional<server::WorkRecord> found;
        for (const server::WorkRecord& record : items.value()) {
            if (record.item.kind != kind) continue;
            EXPECT_FALSE(found) << "doubled";
            found = record;
        }
        return found;
    };
    card::ReturnRecord first = said(1, 1, 10'000, 1'000);
    first.set(card::Hint::kTamper);
    first.set(card::Hint::kRecordsWaiting);
    first.bad_cards = 2;
    swipe(first);
    EXPECT_FALSE(find("card_says_tamper")) << "said on a card in somebody's pocket";
    look();
    const auto tamper = find("card_says_tamper");
    ASSERT_TRUE(tamper && find("card_says_unread"));
    EXPECT_EQ(tamper->item.household, household_);
    EXPECT_EQ(tamper->item.size, 2);
    EXPECT_NE(tamper->item.figures.find("box " + std::to_string(box_)), std::string::npos) << tamper->item.figures;
    EXPECT_NE(tamper->item.figures.find(server::text_of(*at_.card_of(household_).said->swiped_at)), std::string::npos)
        << tamper->item.figures;
    look();
    EXPECT_TRUE(find("card_says_tamper") && find("card_says_unread")) << "the same record again closes nothing";

    card::ReturnRecord second = said(2, 1, 10'000, 1'100);
    second.set(card::Hint::kTamper);
    second.bad_cards = 2;
    swipe(second);
    look();
    EXPECT_FALSE(find("card_says_unread"));
    ASSERT_TRUE(server::wait<server::WorkRecord>([&](auto done) {
        at_.office().work_list().resolve(tamper->id, "pupils with a wrong card", server::Actor{"an", ""},
                                         std::move(done));
    }));
    swipe([&] {
        card::ReturnRecord third = second;
        third.generation = 3;
        return third;
    }());
    look();
    ASSERT_TRUE(find("card_says_tamper"));
    EXPECT_EQ(find("card_says_tamper")->state, server::WorkState::kExplained)
        << "nothing new, so nobody is asked again";
    swipe([&] {
        card::ReturnRecord fourth = second;
        fourth.generation = 4;
        fourth.bad_cards = 3;
        return fourth;
    }());
    look();
    EXPECT_EQ(find("card_says_tamper")->state, server::WorkState::kOpen) << "one more bad card";

    sim::M1Card next{kOtherUid};
    field_.hold({&next});
    ASSERT_TRUE(carry_out({OrderKind::kIssue, "i2", household_.value, at_.card_of(household_).id.value, "lost"}));
    look();
    EXPECT_TRUE(find("card_says_tamper")) << "a new card has said nothing yet";
    put(1, card::seal(at_.mac, keys(box_, at_.masters), kOtherUid, said(1, 1, 10'000, 1'200)));
    look();
    EXPECT_FALSE(find("card_says_tamper"));
}

// AC11: a site without a network. Without this the total would be confirmed by nobody for ever, or money would be paid
// back that the meter still gives.
TEST_F(ReturnedByCardOnly, AC11ItConfirmsTheTotalAndFreesTheRefundOnlyAfterTheMeterTookItsTicket) {
    const auto confirmed = [&] { return at_.office().household(household_)->desired.confirmed_number; };
    EXPECT_EQ(confirmed(), 0u);
    swipe(said(1, 1, 10'000, 1'000));
    look();
    EXPECT_EQ(confirmed(), 1u);
    const auto record = at_.office().household(household_);
    EXPECT_EQ(record->remaining, credit_of_hundredths(9'000));
    EXPECT_TRUE(record->read_at && record->read_at->ms <= at_.now_ms);

    const auto refunded = at_.refund("r1", sale_, 3200);
    ASSERT_TRUE(refunded) << refunded.error().message;
    const auto booking = refunded->bookings.front().id;
    EXPECT_EQ(at_.pay_out("p1", booking).error().reason, server::Reason::kMeterBehind) << "ordered";
    ASSERT_TRUE(carry_out({OrderKind::kTicket, "t1", 0, 0, ""}));
    EXPECT_EQ(at_.pay_out("p2", booking).error().reason, server::Reason::kMeterBehind) << "on the card";
    swipe(said(2, 1, 10'000, 1'100));
    look();
    EXPECT_EQ(at_.pay_out("p3", booking).error().reason, server::Reason::kMeterBehind) << "a swipe of before";
    swipe(said(3, 2, 5'000, 1'200));
    look();
    EXPECT_EQ(confirmed(), 2u);
    const auto paid = at_.pay_out("p4", booking);
    EXPECT_TRUE(paid) << paid.error().message;
}

}  // namespace
}  // namespace prewatt
