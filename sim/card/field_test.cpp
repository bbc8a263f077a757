#include "sim/card/field.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace prewatt::sim {
namespace {

using card::CardFault;

constexpr SectorKey kTransportKey{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
constexpr SectorKey kOtherKey{1, 2, 3, 4, 5, 6};
const Uid kFirst = card::uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44});
const Uid kSecond = card::uid_of(std::array<Byte, 4>{0x55, 0x66, 0x77, 0x99});

Block filled(Byte with) {
    Block block;
    block.fill(with);
    return block;
}

struct FieldTest : testing::Test {
    M1Card first{kFirst};
    M1Card second{kSecond};
    Field field;
    void open(std::uint8_t block) {
        ASSERT_TRUE(field.select());
        ASSERT_TRUE(field.authenticate(block, KeyKind::kA, kTransportKey));
    }
};

// A meter that waits for an answer out of an empty field, or takes the end of a swipe for a wrong key.
TEST_F(FieldTest, WithoutACardEverythingSaysSo) {
    EXPECT_EQ(field.select().error(), CardFault::kNoCard);
    EXPECT_EQ(field.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
    EXPECT_EQ(field.read(4).error(), CardFault::kNoCard);
    EXPECT_EQ(field.write(4, filled(1)).error(), CardFault::kNoCard);
    EXPECT_EQ(field.exchanges(), 4u);
    EXPECT_EQ(field.writes(), 0u);
}

TEST_F(FieldTest, CardIsSelectedOpenedReadAndWritten) {
    // The reader's chip and the model of it must agree on the simplest thing before anything else is believed.
    field.put(first);
    const auto uid = field.select();
    ASSERT_TRUE(uid);
    EXPECT_TRUE(card::same(*uid, kFirst));
    EXPECT_EQ(field.read(4).error(), CardFault::kRefused) << "not authenticated";
    open(4);
    ASSERT_TRUE(field.write(4, filled(0x42)));
    EXPECT_EQ(field.read(4), filled(0x42));
    EXPECT_EQ(field.authenticate(8, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey);
    EXPECT_EQ(field.authenticate(8, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard) << "halted";
    open(8);
}

// Two cards in one wallet: credit would go to whichever answered first.
TEST_F(FieldTest, AC20TwoCardsInTheFieldAreRefusedAndNoneIsTouched) {
    field.put(first);
    field.put(second);
    EXPECT_EQ(field.select().error(), CardFault::kSeveral);
    EXPECT_EQ(field.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
    EXPECT_EQ(field.write(4, filled(1)).error(), CardFault::kNoCard);
    EXPECT_EQ(first.writes() + second.writes(), 0u);
    field.hold({&first});
    field.put(Foreign::kBankCard);
    EXPECT_EQ(field.select().error(), CardFault::kSeveral);
    field.hold({&first});
    EXPECT_TRUE(field.select());
}

TEST_F(FieldTest, AC20SecondCardThatComesLaterDoesNotDisturbTheOneThatIsSelected) {
    // A student's bag with another card in it is put down beside the reader in the middle of a swipe.
    field.put(first);
    open(4);
    field.put(second);
    ASSERT_TRUE(field.write(4, filled(7)));
    EXPECT_EQ(first.dump()[4], filled(7));
    EXPECT_EQ(second.writes(), 0u);
}

TEST_F(FieldTest, AC25ThingsOfAnotherKindAreNotM1) {
    // A phone, a door card, a bank card held to the meter.
    for (const Foreign thing : {Foreign::kUltralight, Foreign::kNtag, Foreign::kDesfire, Foreign::kBankCard,
                                Foreign::kPhone, Foreign::kIdentityCard}) {
        field.clear();
        field.put(thing);
        EXPECT_EQ(field.select().error(), CardFault::kNotM1);
        EXPECT_EQ(field.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
    }
}

TEST_F(FieldTest, AC28CardWhoseNumberIsDrawnAnewIsNotM1ForUs) {
    M1Card random(card::uid_of(std::array<Byte, 4>{0x08, 1, 2, 3}));
    field.put(random);
    EXPECT_EQ(field.select().error(), CardFault::kNotM1);
    M1Card seven(card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6}));
    field.hold({&seven});
    EXPECT_TRUE(field.select());
}

// The card is exchanged for another in the middle, on a chip that wakes nothing by itself.
TEST_F(FieldTest, AC19SwapBetweenTwoExchangesEndsTheTransactionAtABareChip) {
    field.put(first);
    field.at(3, {&second});
    open(4);
    ASSERT_TRUE(field.write(4, filled(1)));
    EXPECT_EQ(field.write(5, filled(2)).error(), CardFault::kNoCard);
    EXPECT_EQ(field.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
    EXPECT_EQ(second.writes(), 0u);
    EXPECT_TRUE(card::same(*field.select(), kSecond));
}

// And at a reader on a desk, which wakes the other one without a word: only the number tells.
TEST_F(FieldTest, AC19SwapAtAReaderThatWakesByItselfIsSeenByTheNumberAlone) {
    Field desk({.exchange = {}, .wakes_by_itself = true});
    desk.put(first);
    desk.at(3, {&second});
    ASSERT_TRUE(desk.select());
    ASSERT_TRUE(desk.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(desk.write(4, filled(1)));
    ASSERT_TRUE(desk.authenticate(8, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(desk.write(8, filled(2)));
    EXPECT_EQ(first.dump()[8], Block{});
    EXPECT_EQ(second.dump()[8], filled(2)) << "what the driver's look at the number is for";
    EXPECT_TRUE(card::same(*desk.select(), kSecond));
}

TEST_F(FieldTest, CardThatLeftAndCameBackForgotItsAuthentication) {
    // A hand that trembles: the same card again a moment later must not go on where it was.
    field.put(first);
    open(4);
    field.clear();
    field.put(first);
    EXPECT_EQ(field.read(4).error(), CardFault::kNoCard);
    open(4);
    EXPECT_TRUE(field.read(4));
}

// The loop that every test of tearing is: before each write, inside it, after it; the reader hears the same each time.
TEST_F(FieldTest, AC08CardTornAwayInTheNthWriteIsGoneAndHoldsWhatTheTearSays) {
    for (std::uint64_t write = 0; write < 4; ++write) {
        for (std::uint8_t split = 0; split <= kBlockBytes; ++split) {
            M1Card card(kFirst);
            Field torn;
            torn.put(card);
            torn.tear_at(write, {split, Tear::Rest::kZeros});
            ASSERT_TRUE(torn.select());
            ASSERT_TRUE(torn.authenticate(4, KeyKind::kA, kTransportKey));
            std::uint64_t acknowledged = 0;
            while (acknowledged < 4 && torn.write(4, filled(static_cast<Byte>(acknowledged + 1))))
                ++acknowledged;
            EXPECT_EQ(acknowledged, write);
            EXPECT_TRUE(torn.things().empty());
            EXPECT_EQ(torn.select().error(), CardFault::kNoCard);
            EXPECT_EQ(card.writes(), write + 1);
            const Block left = card.dump()[4];
            for (std::size_t k = 0; k < kBlockBytes; ++k)
                EXPECT_EQ(left[k], k < split ? write + 1 : 0);
            torn.put(card);
            EXPECT_TRUE(torn.select());
        }
    }
}

TEST_F(FieldTest, RefusedWriteIsNoWriteAndTearsNothing) {
    // A campaign that counts a refusal as a write tears at another place than it prints.
    field.put(first);
    field.tear_at(0, {8, Tear::Rest::kOld});
    ASSERT_TRUE(field.select());
    EXPECT_EQ(field.write(4, filled(1)).error(), CardFault::kRefused);
    open(4);
    EXPECT_EQ(field.write(4, filled(1)).error(), CardFault::kNoCard);
    EXPECT_EQ(first.dump()[4][7], 1);
    EXPECT_EQ(first.dump()[4][8], 0);
}

TEST_F(FieldTest, ValueBlocksGoWhereTheAccessBitsAllowAndNowhereElse) {
    // The hack of every laundry card, tried on ours: nothing to turn up.
    field.put(first);
    open(4);
    ASSERT_TRUE(field.write(4, value_block(100, 4)));
    ASSERT_TRUE(field.increment(4, 50));
    EXPECT_EQ(field.read(4), value_block(150, 4));
    ASSERT_TRUE(field.decrement(4, 20));
    ASSERT_TRUE(field.copy_value(4, 5));
    EXPECT_EQ(field.read(5), value_block(130, 4));
    const Block ours{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x78, 0x77, 0x88, 0, 1, 2, 3, 4, 5, 6};
    ASSERT_TRUE(field.write(7, ours));
    for (const KeyKind kind : {KeyKind::kA, KeyKind::kB}) {
        const SectorKey& key = kind == KeyKind::kA ? kTransportKey : kOtherKey;
        ASSERT_TRUE(field.select());
        ASSERT_TRUE(field.authenticate(4, kind, key));
        EXPECT_EQ(field.increment(4, 50).error(), CardFault::kRefused);
        ASSERT_TRUE(field.select());
        ASSERT_TRUE(field.authenticate(4, kind, key));
        EXPECT_EQ(field.copy_value(4, 5).error(), CardFault::kRefused);
    }
}

TEST_F(FieldTest, TearIsWrittenAsTextWithAWordForWhatIsWrong) {
    // A technician who tries a desk tears something else than they think.
    const auto whole = parse_tear("3:7:weak");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->write, 2u);
    EXPECT_EQ(whole->tear, (Tear{7, Tear::Rest::kWeak}));
    EXPECT_EQ(parse_tear("1")->tear, (Tear{0, Tear::Rest::kOld}));
    EXPECT_EQ(parse_tear("1:16")->tear, (Tear{16, Tear::Rest::kOld}));
    for (const char* wrong : {"", "0", "x", "1:", "1:17", "1:-1", "1:2:", "1:2:odd", "1:2:old:3", "1 :2"}) {
        const auto refused = parse_tear(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_NE(refused.error().find("is no tear: "), std::string::npos);
    }
}

TEST_F(FieldTest, TimeIsThatOfTheExchanges) {
    Field slow({.exchange = milliseconds(10), .wakes_by_itself = false});
    slow.put(first);
    ASSERT_TRUE(slow.select());
    ASSERT_TRUE(slow.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(slow.read(4));
    EXPECT_EQ(slow.elapsed(), milliseconds(30));
}

// A campaign of a hundred thousand tears that takes an hour is run by nobody. The bound is ten times what it takes.
TEST_F(FieldTest, AHundredThousandStepsTakeLessThanASecond) {
    field.put(first);
    const auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < 20'000; ++round) {
        ASSERT_TRUE(field.select());
        ASSERT_TRUE(field.authenticate(4, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(field.write(4, filled(static_cast<Byte>(round))));
        ASSERT_TRUE(field.read(4));
        ASSERT_TRUE(field.read(5));
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(field.exchanges(), 100'000u);
    EXPECT_LT(took, std::chrono::seconds(1));
}

}  // namespace
}  // namespace prewatt::sim
