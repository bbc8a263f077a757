// A card on a reader of the line, as frames to a box (EC040300, EC040400). What the box makes of the record itself is
// box_cards_test.cpp; the whole line is tests/scenario/reader_test.cpp.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "meter/node/fake_board.hpp"
#include "meter/node/fake_card_desk.hpp"
#include "protocols/dlt645/reader_items.hpp"

namespace prewatt::meter {
namespace {

using dlt645::Function;

struct LineCards : testing::Test {
    CardDesk desk;
    FakeBoard board;
    std::uint32_t tap = 0;

    LineCards() {
        board.config.card_keys = desk.keys();
        EXPECT_EQ(board.start(), StartResult::kFresh);
        board.run(seconds(4));
    }
    dlt645::CardPresented presented() {
        dlt645::CardPresented card;
        card.reader = {7};
        card.tap = ++tap;
        card.card.uid = desk.uid;
        card.card.credit = desk.sealed();
        card.card.slot = static_cast<std::uint8_t>(desk.credit.generation & 1);
        return card;
    }
    template <class Item>
    std::optional<dlt645::Frame> send(const dlt645::Address& to, dlt645::DataId id, const Item& item) {
        std::array<Byte, 200> data{};
        ByteWriter(data).put_u32(id.value);
        const std::size_t size = dlt645::encode(item, MutableBytes(data).subspan(4));
        const auto frame = dlt645::encode(to, dlt645::request(Function::kSecurity), Bytes(data).first(4 + size));
        dlt645::Decoder decoder;
        std::optional<dlt645::Frame> reply;
        for (const Byte byte : board.exchange({frame.begin(), frame.end()}))
            if (const auto got = decoder.on_byte(byte, board.now)) reply = got;
        return reply;
    }
    std::optional<dlt645::CardOutcome> show(const dlt645::CardPresented& card) {
        const auto reply = send(dlt645::address_of(board.config.box, {0}), dlt645::kCardShown, card);
        if (!reply || reply->control.is_error()) return std::nullopt;
        return dlt645::decode_card_outcome(reply->bytes().subspan(4));
    }
    [[nodiscard]] HouseholdView view() const { return board.node->household({1}); }
};

TEST_F(LineCards, ARecordFromTheLineIsCreditedOnceAndAnsweredWithReturn) {
    // The reader's question is drowned, or its answer: the same one again must give the same answer and no more credit.
    desk.sell(5'000);
    const auto card = presented();
    const auto first = show(card);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->reader.value, 7);
    EXPECT_EQ(first->tap, 1u);
    EXPECT_EQ(first->code, 0);
    EXPECT_EQ(first->household, 1);
    EXPECT_EQ(first->bought_hundredths, 5'000);
    EXPECT_EQ(first->remaining_hundredths, 5'000);
    ASSERT_TRUE(first->has_return);
    const auto opened = card::open_return(desk.mac, desk.own, desk.uid, first->return_record);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->ticket_number, desk.credit.ticket.number);
    EXPECT_EQ(show(card), first);
    EXPECT_EQ(view().credited, credit_of_hundredths(5'000));
    const auto later = show(presented());
    EXPECT_EQ(later->code, 0);
    EXPECT_EQ(later->bought_hundredths, 0);
    EXPECT_EQ(view().credited, credit_of_hundredths(5'000));
}

TEST_F(LineCards, AReturnThatStandsOnTheCardIsLeftAloneByTheNextOne) {
    // Two copies: the one that is known to be whole is never written over.
    desk.sell(100);
    const auto first = show(presented());
    const auto header = card::read_header(Bytes(first->return_record).first(card::kHeaderBytes));
    const dlt645::CardWritten written{{7}, 1, 1, header->generation};
    const auto reply = send(dlt645::address_of(board.config.box, {0}), dlt645::kCardWritten, written);
    ASSERT_TRUE(reply);
    EXPECT_EQ(dlt645::decode_card_written(reply->bytes().subspan(4)), written);
    const auto second = show(presented());
    const auto next = card::read_header(Bytes(second->return_record).first(card::kHeaderBytes));
    EXPECT_NE(next->generation & 1, header->generation & 1);
    const auto third = show(presented());
    const auto again = card::read_header(Bytes(third->return_record).first(card::kHeaderBytes));
    EXPECT_EQ(again->generation & 1, next->generation & 1) << "not acknowledged: its own slot once more";
}

TEST_F(LineCards, AC32AForgedWordThatAReturnStandsMovesNoCreditAndTheNextVisitIsServed) {
    // AC32: the word "written" carries no tag either. Said for every household and generation it is believed for none
    // that was not given out, and at worst it costs a RETURN its second copy until the next visit.
    desk.sell(5'000);
    const auto first = show(presented());
    ASSERT_TRUE(first);
    const auto header = card::read_header(Bytes(first->return_record).first(card::kHeaderBytes));
    const auto credited = [&] {
        std::vector<Credit> all;
        for (std::uint8_t h = 1; h <= 12; ++h)
            all.push_back(board.node->household({h}).credited);
        return all;
    };
    const std::vector<Credit> before = credited();
    for (int household = 0; household <= 40; ++household)
        for (const std::uint32_t generation : {0u, 1u, header->generation + 1, header->generation + 2, UINT32_MAX}) {
            const dlt645::CardWritten lie{{7}, 9, static_cast<std::uint8_t>(household), generation};
            (void)send(dlt645::address_of(board.config.box, {0}), dlt645::kCardWritten, lie);
        }
    EXPECT_EQ(credited(), before);
    desk.sell(700);
    const auto next = show(presented());
    ASSERT_TRUE(next);
    EXPECT_EQ(next->code, 0);
    EXPECT_EQ(next->bought_hundredths, 700);
    const auto opened = card::open_return(desk.mac, desk.own, desk.uid, next->return_record);
    ASSERT_TRUE(opened);
    EXPECT_GT(opened->generation, header->generation) << "never one that was given out before";
}

TEST_F(LineCards, OnlyTheBoxItselfTakesRecordsAndNeverFromABroadcast) {
    // A record to everybody would be answered by all boxes at once, and tried by all of them.
    desk.sell(100);
    const auto card = presented();
    EXPECT_FALSE(send(dlt645::kBroadcast, dlt645::kCardShown, card));
    EXPECT_EQ(view().epoch, 0);
    EXPECT_TRUE(send(dlt645::kWildcard, dlt645::kCardShown, card)->control.is_error());
    EXPECT_TRUE(send(dlt645::address_of(board.config.box, {1}), dlt645::kCardShown, card)->control.is_error());
    EXPECT_FALSE(send(dlt645::address_of(dlt645::BoxNumber{2026000002}, {0}), dlt645::kCardShown, card));
    EXPECT_EQ(view().epoch, 0);
}

TEST_F(LineCards, AC32RecordedTapsAreLookedAtTenTimesInARowAndThenOnceInSixSeconds) {
    // A dongle plays one tap with new numbers all night: each that is looked at may be stored, and memory wears.
    desk.sell(100);
    int looked_at = 0;
    for (int n = 0; n < 40; ++n)
        looked_at += show(presented())->code == static_cast<int>(CardCode::kDone) ? 1 : 0;
    EXPECT_GE(looked_at, 10);
    EXPECT_LE(looked_at, 12);
    board.run(seconds(61));
    EXPECT_EQ(show(presented())->code, 0) << "people are served again";
    EXPECT_EQ(view().credited, credit_of_hundredths(100));
}

TEST_F(LineCards, DamagedRequestsAreRefusedAndCountAsNobodysAttempt) {
    // Noise that gets through the check sum must not close the box to cards for a minute.
    const std::array<Byte, 9> rubbish{0x00, 0x03, 0x04, 0xEC, 1, 2, 3, 4, 5};
    for (int n = 0; n < 5; ++n) {
        const auto frame =
            dlt645::encode(dlt645::address_of(board.config.box, {0}), dlt645::request(Function::kSecurity), rubbish);
        EXPECT_FALSE(board.exchange({frame.begin(), frame.end()}).empty());
    }
    desk.sell(100);
    EXPECT_EQ(show(presented())->code, 0);
}

}  // namespace
}  // namespace prewatt::meter
