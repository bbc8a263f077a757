#include "card/pcsc/apdu_reader.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "sim/card/apdu_card.hpp"

namespace prewatt::card {
namespace {

using sim::ApduCard;
using sim::Field;
using sim::Foreign;
using sim::M1Card;
using sim::ReaderHabits;
using sim::Tear;

constexpr SectorKey kTransportKey{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
constexpr SectorKey kOtherKey{1, 2, 3, 4, 5, 6};
const Uid kFirst = uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44});
const Uid kSecond = uid_of(std::array<Byte, 7>{0x04, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB});

Block filled(Byte with) {
    Block block;
    block.fill(with);
    return block;
}

std::string hex(Bytes bytes) {
    std::string text;
    for (const Byte byte : bytes) {
        constexpr char kDigits[] = "0123456789ABCDEF";
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

// A reader that says what it is told to say, and keeps what it was asked.
class ScriptedTransport final : public ApduTransport {
  public:
    std::deque<std::expected<ApduAnswer, TransportFault>> answers;
    std::vector<std::string> asked;
    int resets = 0;

    void will_say(std::initializer_list<int> bytes) {
        ApduAnswer answer;
        for (const int byte : bytes)
            answer.push_back(static_cast<Byte>(byte));
        answers.emplace_back(answer);
    }
    void will_say_number() { will_say({0x11, 0x22, 0x33, 0x44, 0x90, 0x00}); }
    void will_say_status(int status) { will_say({status >> 8, status & 0xFF}); }
    std::expected<ApduAnswer, TransportFault> transceive(Bytes command) override {
        asked.push_back(hex(command));
        if (answers.empty()) return std::unexpected(TransportFault::kReader);
        auto answer = answers.front();
        answers.pop_front();
        return answer;
    }
    Atr atr() const override { return sim::atr_of(Field::Thing{&card_}); }
    std::expected<void, TransportFault> reset() override {
        ++resets;
        return {};
    }

  private:
    mutable M1Card card_{kFirst};
};

struct Habit {
    const char* name;
    ReaderHabits habits;
};
const Habit kHabits[] = {{"plain", sim::kPlainReader},
                         {"ACR122U", sim::kAcr122},
                         {"ACR1252U", sim::kAcr1252},
                         {"OMNIKEY 5x21", sim::kOmnikey5x21},
                         {"old", sim::kOldReader}};

// A desk that works with the reader of the laboratory and with no other. All that the desk does, on every reader we
// know.
TEST(ApduReader, EveryReaderWeKnowReadsWritesAndComesBackFromAWrongKey) {
    for (const Habit& each : kHabits) {
        SCOPED_TRACE(each.name);
        for (const Uid& uid : {kFirst, kSecond}) {
            M1Card card(uid);
            Field field;
            field.put(card);
            ApduCard transport(field, each.habits);
            ApduReader reader(transport);
            const auto selected = reader.select();
            ASSERT_TRUE(selected);
            EXPECT_TRUE(same(*selected, uid));
            ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
            EXPECT_EQ(reader.read(4), Block{});
            ASSERT_TRUE(reader.write(4, filled(0x42)));
            EXPECT_EQ(reader.read(4), filled(0x42));
            ASSERT_TRUE(reader.authenticate(60, KeyKind::kB, kTransportKey));
            EXPECT_EQ(reader.read(60).error(), CardFault::kRefused) << "key B can be read, so it opens nothing";
            ASSERT_TRUE(reader.select());
            ASSERT_TRUE(reader.authenticate(60, KeyKind::kA, kTransportKey)) << "a refusal is not for ever";
            EXPECT_EQ(reader.read(4).error(), CardFault::kRefused) << "another sector";
            ASSERT_TRUE(reader.select());
            EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey);
            ASSERT_TRUE(reader.select());
            EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey) << "and again";
            ASSERT_TRUE(reader.select());
            ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
            EXPECT_EQ(reader.read(4), filled(0x42));
            EXPECT_TRUE(reader.is_same_card());
        }
    }
}

// Exact bytes, from PC/SC part 3: a reader in the field understands these and no others.
TEST(ApduReader, CommandsAreByteForByteThoseOfPcscPartThree) {
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say_number();
    ASSERT_TRUE(reader.select());
    transport.will_say_number();
    transport.will_say_status(0x9000);
    transport.will_say_status(0x9000);
    ASSERT_TRUE(reader.authenticate(0x3C, KeyKind::kB, kOtherKey));
    transport.will_say({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x90, 0x00});
    ASSERT_TRUE(reader.read(0x3D));
    transport.will_say_status(0x9000);
    ASSERT_TRUE(reader.write(0x3E, filled(0xA5)));
    EXPECT_EQ(transport.asked,
              (std::vector<std::string>{"FFCA000000", "FFCA000000", "FF82000106010203040506", "FF8600000501003C6101",
                                        "FFB0003D10", "FFD6003E10A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5"}));
}

// OMNIKEY keeps keys in a memory that wears out, and knows nothing else: written once for a key, not once a sector.
TEST(ApduReader, ReaderWithLastingKeysIsGivenEachKeyOnce) {
    M1Card card(kFirst);
    Field field;
    field.put(card);
    ApduCard transport(field, sim::kOmnikey5x21);
    ApduReader reader(transport);
    ASSERT_TRUE(reader.select());
    for (int rounds = 0; rounds < 10; ++rounds)
        for (std::uint8_t sector = 1; sector < 8; ++sector)
            ASSERT_TRUE(reader.authenticate(static_cast<std::uint8_t>(4 * sector), KeyKind::kA, kTransportKey));
    EXPECT_EQ(transport.lasting_key_writes(), 1u);
    EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey);
    ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
    EXPECT_EQ(transport.lasting_key_writes(), 3u);
}

TEST(ApduReader, OldFormOfAuthenticateIsTriedOnceAndRemembered) {
    // Every authentication would cost two exchanges at a reader of ten years ago.
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say_number();
    ASSERT_TRUE(reader.select());
    transport.will_say_number();
    transport.will_say_status(0x9000);
    transport.will_say_status(0x6D00);
    transport.will_say_status(0x9000);
    ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kOtherKey));
    EXPECT_EQ(transport.asked.back(), "FF8800046000");
    transport.will_say_number();
    transport.will_say_status(0x9000);
    transport.will_say_status(0x9000);
    ASSERT_TRUE(reader.authenticate(8, KeyKind::kA, kOtherKey));
    EXPECT_EQ(transport.asked.size(), 8u);
    EXPECT_EQ(transport.asked.back(), "FF8800086000");
}

// What each status word means to the cashier; the wrong meaning is "wrong key" for a broken reader, and the card is
// replaced instead of the reader.
TEST(ApduReader, StatusWordsOfAnAccessAreRefusalsOrTheReadersFault) {
    struct Row {
        int status;
        CardFault fault;
    };
    constexpr Row kRows[] = {
        {0x6300, CardFault::kRefused}, {0x6581, CardFault::kRefused}, {0x6981, CardFault::kRefused},
        {0x6982, CardFault::kRefused}, {0x6382, CardFault::kRefused}, {0x6986, CardFault::kRefused},
        {0x6A82, CardFault::kRefused}, {0x6700, CardFault::kReader},  {0x6800, CardFault::kReader},
        {0x6A81, CardFault::kReader},  {0x6B00, CardFault::kReader},  {0x6C10, CardFault::kReader},
        {0x6D00, CardFault::kReader},  {0x6E00, CardFault::kReader},  {0x6F00, CardFault::kReader}};
    for (const bool writes : {false, true}) {
        for (const Row& row : kRows) {
            ScriptedTransport transport;
            ApduReader reader(transport);
            transport.will_say_number();
            ASSERT_TRUE(reader.select());
            transport.will_say_status(row.status);
            transport.will_say_number();
            const auto said = writes ? reader.write(4, filled(1)).error() : reader.read(4).error();
            EXPECT_EQ(said, row.fault) << std::hex << row.status;
        }
    }
}

TEST(ApduReader, StatusWordsOfAnAuthenticationAreTheKeyOrTheReader) {
    // As above, for keys.
    struct Row {
        int status;
        CardFault fault;
    };
    constexpr Row kRows[] = {{0x6300, CardFault::kWrongKey}, {0x6982, CardFault::kWrongKey},
                             {0x6983, CardFault::kWrongKey}, {0x6382, CardFault::kWrongKey},
                             {0x6581, CardFault::kWrongKey}, {0x6984, CardFault::kReader},
                             {0x6986, CardFault::kReader},   {0x6988, CardFault::kReader},
                             {0x6700, CardFault::kReader},   {0x6B00, CardFault::kReader}};
    for (const Row& row : kRows) {
        ScriptedTransport transport;
        ApduReader reader(transport);
        transport.will_say_number();
        ASSERT_TRUE(reader.select());
        transport.will_say_number();
        transport.will_say_status(0x9000);
        transport.will_say_status(row.status);
        transport.will_say_number();
        EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), row.fault) << std::hex << row.status;
        EXPECT_EQ(transport.resets, 0) << "one refusal is no reason to reset";
    }
}

TEST(ApduReader, RefusalOfACardThatHasLeftIsNoCard) {
    // ACS readers say "operation failed" to everything. "Wrong key" would send the resident to the office for a new
    // card.
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say_number();
    ASSERT_TRUE(reader.select());
    transport.will_say_number();
    transport.will_say_status(0x9000);
    transport.will_say_status(0x6300);
    transport.will_say_status(0x6300);
    EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), CardFault::kNoCard);
}

TEST(ApduReader, SuccessOfNoBytesIsACardThatHasLeft) {
    // What pcscd says of a card that is torn away (P3); a driver that indexes the status reads behind its buffer.
    for (std::size_t bytes = 0; bytes < 2; ++bytes) {
        ScriptedTransport transport;
        ApduReader reader(transport);
        transport.will_say_number();
        ASSERT_TRUE(reader.select());
        ApduAnswer answer;
        answer.resize(bytes);
        transport.answers.emplace_back(answer);
        EXPECT_EQ(reader.write(4, filled(1)).error(), CardFault::kNoCard);
        EXPECT_EQ(reader.read(4).error(), CardFault::kNoCard) << "until it is selected again";
    }
}

TEST(ApduReader, NumberIsAskedForAgainWithTheLengthTheReaderWants) {
    // Readers exist that refuse "as long as it is".
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say_status(0x6C04);
    transport.will_say_number();
    const auto uid = reader.select();
    ASSERT_TRUE(uid);
    EXPECT_TRUE(same(*uid, kFirst));
    EXPECT_EQ(transport.asked.back(), "FFCA000004");
}

TEST(ApduReader, AnswersOfTheWrongLengthAreTheReadersFault) {
    // Fifteen bytes taken for sixteen are a record that nobody wrote.
    for (const std::size_t bytes : {0u, 1u, 15u, 17u, 48u}) {
        ScriptedTransport transport;
        ApduReader reader(transport);
        transport.will_say_number();
        ASSERT_TRUE(reader.select());
        ApduAnswer answer;
        answer.resize(bytes);
        answer.push_back(0x90);
        answer.push_back(0x00);
        transport.answers.emplace_back(answer);
        EXPECT_EQ(reader.read(4).error(), CardFault::kReader);
    }
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x90, 0x00});
    EXPECT_EQ(reader.select().error(), CardFault::kNotM1) << "a number of ten bytes";
}

TEST(ApduReader, AC25OtherCardsAreRefusedWithTheirKindAndNotTouched) {
    // A door card on the desk's reader must not be written to, nor tried with our keys until it locks.
    for (const Habit& each : kHabits) {
        for (const auto& [thing, kind] : {std::pair{Foreign::kUltralight, ChipKind::kUltralight},
                                          {Foreign::kNtag, ChipKind::kUltralight},
                                          {Foreign::kDesfire, ChipKind::kDesfire},
                                          {Foreign::kBankCard, ChipKind::kChipCard},
                                          {Foreign::kPhone, ChipKind::kChipCard},
                                          {Foreign::kIdentityCard, ChipKind::kChipCard}}) {
            Field field;
            field.put(thing);
            ApduCard transport(field, each.habits);
            ApduReader reader(transport);
            EXPECT_EQ(reader.select().error(), CardFault::kNotM1);
            EXPECT_EQ(reader.kind(), kind);
            EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
            EXPECT_EQ(reader.write(4, filled(1)).error(), CardFault::kNoCard);
        }
    }
}

TEST(ApduReader, AC28NumberThatIsDrawnAnewIsRefused) {
    // A phone that plays M1: sold to today, a stranger tomorrow.
    M1Card random(uid_of(std::array<Byte, 4>{0x08, 9, 9, 9}));
    Field field;
    field.put(random);
    ApduCard transport(field);
    ApduReader reader(transport);
    EXPECT_EQ(reader.select().error(), CardFault::kNotM1);
    EXPECT_EQ(reader.kind(), ChipKind::kM1);
}

TEST(ApduReader, AC20OfTwoCardsAReaderShowsOneOrNoneAndTheOtherIsNotTouched) {
    // Two cards in one wallet on the desk's reader.
    for (const bool takes_one : {false, true}) {
        M1Card first(kFirst);
        M1Card second(kSecond);
        Field field;
        field.put(first);
        field.put(second);
        ReaderHabits habits;
        habits.one_of_several = takes_one;
        ApduCard transport(field, habits);
        ApduReader reader(transport);
        EXPECT_EQ(reader.select().has_value(), takes_one);
        EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kTransportKey).has_value(), takes_one);
        EXPECT_EQ(reader.write(4, filled(1)).has_value(), takes_one);
        EXPECT_EQ(second.writes(), 0u);
    }
}

// The swap that no event shows (P4): the other card has the same transport key, so only its number gives it away.
TEST(ApduReader, AC19AnotherCardBetweenTwoSectorsIsSeenByItsNumberBeforeAnythingIsWritten) {
    for (const Habit& each : kHabits) {
        if (each.habits.remembers_number) continue;
        SCOPED_TRACE(each.name);
        M1Card first(kFirst);
        M1Card second(kSecond);
        Field field;
        field.put(first);
        ApduCard transport(field, each.habits);
        ApduReader reader(transport);
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(reader.write(4, filled(1)));
        field.hold({&second});
        EXPECT_EQ(reader.authenticate(8, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
        EXPECT_EQ(reader.write(8, filled(2)).error(), CardFault::kNoCard);
        EXPECT_EQ(second.writes(), 0u);
        EXPECT_EQ(reader.is_same_card().error(), CardFault::kNoCard);
    }
}

TEST(ApduReader, AC19AnotherCardWithinASectorIsNotOpenAndTheLastLookAtTheNumberTells) {
    // As above, with the swap between the write and the read-back.
    M1Card first(kFirst);
    M1Card second(kSecond);
    Field field;
    field.put(first);
    ApduCard transport(field);
    ApduReader reader(transport);
    ASSERT_TRUE(reader.select());
    ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
    field.hold({&second});
    EXPECT_EQ(reader.write(4, filled(1)).error(), CardFault::kNoCard);
    EXPECT_EQ(second.writes(), 0u);
    field.hold({&first});
    ASSERT_TRUE(reader.select());
    field.hold({&second});
    EXPECT_EQ(reader.is_same_card().error(), CardFault::kNoCard);
}

TEST(ApduReader, AC08CardTornAwayInAWriteIsNoCardOnEveryReader) {
    // A torn sale that is reported as a refusal is not completed when the card comes back.
    for (const Habit& each : kHabits) {
        for (const std::uint8_t split : {std::uint8_t{0}, std::uint8_t{7}, std::uint8_t{16}}) {
            M1Card card(kFirst);
            Field field;
            field.put(card);
            field.tear_at(0, {split, Tear::Rest::kOld});
            ApduCard transport(field, each.habits);
            ApduReader reader(transport);
            ASSERT_TRUE(reader.select());
            ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
            EXPECT_EQ(reader.write(4, filled(1)).error(), CardFault::kNoCard);
            EXPECT_EQ(reader.read(4).error(), CardFault::kNoCard);
            const Block left = card.dump()[4];
            EXPECT_EQ(std::count(left.begin(), left.end(), Byte{1}), split);
            field.put(card);
            ASSERT_TRUE(transport.power_on());
            ApduReader again(transport);
            EXPECT_TRUE(again.select());
        }
    }
}

TEST(ApduReader, AC27BlockedSectorIsAWrongKeyAndTheOtherSectorsStayUsable) {
    // The desk must see that one sector is lost and reissue, not give up the reader.
    for (const Habit& each : kHabits) {
        M1Card card(kFirst);
        Field field;
        field.put(card);
        ApduCard transport(field, each.habits);
        ApduReader reader(transport);
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(7, KeyKind::kA, kTransportKey));
        Block malicious = filled(0xFF);
        malicious[6] = 0x12;
        ASSERT_TRUE(reader.write(7, malicious));
        for (int tries = 0; tries < 3; ++tries) {
            ASSERT_TRUE(reader.select());
            EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kTransportKey).error(), CardFault::kWrongKey);
        }
        ASSERT_TRUE(reader.select());
        EXPECT_TRUE(reader.authenticate(8, KeyKind::kA, kTransportKey));
    }
}

TEST(ApduReader, ValueCommandsOfAcsTurnUpNothingOnOurSectors) {
    // The recharge box of the published hacks, at a reader with value commands: it fails on sectors that are ours.
    M1Card card(kFirst);
    Field field;
    field.put(card);
    ApduCard transport(field, sim::kAcr1252);
    ApduReader reader(transport);
    const auto raw = [&](std::initializer_list<int> bytes) {
        std::vector<Byte> command;
        for (const int byte : bytes)
            command.push_back(static_cast<Byte>(byte));
        const auto answer = transport.transceive(command);
        return answer ? hex({answer->data(), answer->size()}) : "gone";
    };
    ASSERT_TRUE(reader.select());
    ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
    EXPECT_EQ(raw({0xFF, 0xD7, 0x00, 4, 5, 0, 0x00, 0x00, 0x03, 0xE8}), "9000");
    EXPECT_EQ(raw({0xFF, 0xD7, 0x00, 4, 5, 1, 0x00, 0x00, 0x00, 0x05}), "9000");
    EXPECT_EQ(raw({0xFF, 0xD7, 0x00, 4, 5, 2, 0x00, 0x00, 0x00, 0x01}), "9000");
    EXPECT_EQ(raw({0xFF, 0xD7, 0x00, 4, 2, 3, 5}), "9000");
    EXPECT_EQ(raw({0xFF, 0xB1, 0x00, 5, 4}), "000003EC9000");
    EXPECT_EQ(reader.read(5), sim::value_block(1004, 4));
    ASSERT_TRUE(reader.write(7, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x78, 0x77, 0x88, 0, 1, 2, 3, 4, 5, 6}));
    for (const KeyKind kind : {KeyKind::kA, KeyKind::kB}) {
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, kind, kind == KeyKind::kA ? kTransportKey : kOtherKey));
        EXPECT_EQ(raw({0xFF, 0xD7, 0x00, 4, 5, 1, 0x00, 0x00, 0x00, 0x05}), "6300");
    }
}

TEST(ApduReader, BlocksThatNoCardHasAreNotAskedFor) {
    // Block 64 of a 4K card would be another sector of somebody else's application.
    ScriptedTransport transport;
    ApduReader reader(transport);
    transport.will_say_number();
    ASSERT_TRUE(reader.select());
    EXPECT_EQ(reader.read(64).error(), CardFault::kRefused);
    EXPECT_EQ(reader.write(64, filled(1)).error(), CardFault::kRefused);
    EXPECT_EQ(reader.authenticate(64, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey);
    EXPECT_EQ(transport.asked.size(), 1u);
}

}  // namespace
}  // namespace prewatt::card
