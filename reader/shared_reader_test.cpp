#include "reader/shared_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "reader/testing/issued_card.hpp"
#include "sim/card/field.hpp"

namespace prewatt::reader {
namespace {

using dlt645::Function;

constexpr card::Key kSite{1, 2, 3};
constexpr card::BoxDigits kBox = 2026000017;
constexpr std::uint8_t kHousehold = 12;
const card::Uid kUid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});
const card::Uid kOtherUid = card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6});

struct ReaderRig : testing::Test {
    card::OpensslMac mac;
    Issuer issuer{mac, kSite};
    sim::Field field;
    ReaderConfig config{{7}, {}, issuer.masters.sector_read, issuer.masters.sector_return, 100};
    SharedReader reader{config, mac, field};
    sim::M1Card card = issuer.issue(kUid, kBox, kHousehold);
    Instant now = Instant{} + seconds(1000);

    ReaderRig() {
        issuer.sell(card, kBox, kHousehold, 1, 5'000);
        issuer.sell(card, kBox, kHousehold, 2, 8'000);
    }
    // So much time goes by; the card's half is called as often as it wants, `exchange` apart.
    void run(Duration span, Duration exchange = milliseconds(10)) {
        const Instant end = now + span;
        while (now < end) {
            const Instant wants = reader.step_card(now);
            now = std::min(end, std::max(wants, now + exchange));
        }
    }
    std::optional<dlt645::Frame> ask(Function function, Bytes data, dlt645::ReaderNumber number = {7}) {
        const auto frame = dlt645::encode(dlt645::address_of(number), dlt645::request(function), data);
        for (const Byte byte : Bytes(frame.data(), frame.size()))
            reader.on_byte(byte, now);
        EXPECT_TRUE(reader.poll_line(now).send.empty()) << "20 ms at least (DL/T 645)";
        now = now + SharedReader::kTurnaround;
        const Bytes sent = reader.poll_line(now).send;
        dlt645::Decoder decoder;
        std::optional<dlt645::Frame> reply;
        for (const Byte byte : sent)
            if (auto found = decoder.on_byte(byte, now)) reply = found;
        return reply;
    }
    std::optional<dlt645::ReaderTap> poll(std::optional<std::uint32_t> heard = {}) {
        std::array<Byte, 8> data{};
        ByteWriter writer(data);
        writer.put_u32(dlt645::kReaderTap.value);
        if (heard) writer.put_u32(*heard);
        const auto reply = ask(Function::kRead, writer.written());
        if (!reply || reply->control.is_error()) return std::nullopt;
        return dlt645::decode_reader_tap(reply->bytes().subspan(4));
    }
    // True: it was acknowledged.
    bool tell(const dlt645::CardOutcome& outcome) {
        std::array<Byte, 200> data{};
        ByteWriter(data).put_u32(dlt645::kReaderOutcome.value);
        const std::size_t size = dlt645::encode(outcome, MutableBytes(data).subspan(4));
        const auto reply = ask(Function::kSecurity, Bytes(data).first(4 + size));
        return reply && !reply->control.is_error();
    }
    card::RecordBytes sealed_return(std::uint32_t generation, const card::Uid& uid = kUid, card::BoxDigits box = kBox) {
        card::ReturnRecord record;
        record.household = kHousehold;
        record.generation = generation;
        record.epoch = 1;
        record.ticket_number = 2;
        record.remaining_hundredths = 8'000;
        return card::seal(mac, card::record_keys(mac, issuer.masters, box), uid, record);
    }
    dlt645::CardOutcome done(std::uint32_t tap, std::uint8_t slot = 0, std::uint32_t generation = 1) {
        return {{7}, tap, slot, dlt645::kCodeDone, kHousehold, 3'000, 8'000, true, sealed_return(generation)};
    }
    std::uint32_t wait_for_tap() {
        run(milliseconds(400));
        const auto tap = poll();
        EXPECT_TRUE(tap && tap->state == dlt645::TapState::kWaiting);
        return tap ? tap->tap : 0;
    }
    Signal signal() { return reader.shown(now).signal; }
};

TEST_F(ReaderRig, AQuestionMakesItLookAndTheAnswerKnowsWhoCameMeanwhile) {
    // At 2400 baud the next question comes more than a second later: who has just put a card there would wait for it.
    run(milliseconds(300));
    const auto question = dlt645::encode(dlt645::address_of(dlt645::ReaderNumber{7}), dlt645::request(Function::kRead),
                                         std::array<Byte, 4>{0x00, 0x01, 0x04, 0xEC});
    now = reader.step_card(now) - milliseconds(60);
    ASSERT_GT(reader.card_due(), now);
    field.put(card);
    for (const Byte byte : Bytes(question.data(), question.size()))
        reader.on_byte(byte, now);
    EXPECT_LE(reader.card_due(), now);
    now = now + milliseconds(10);
    reader.step_card(now);
    now = now + milliseconds(10);
    const Bytes sent = reader.poll_line(now).send;
    dlt645::Decoder decoder;
    std::optional<dlt645::Frame> reply;
    for (const Byte byte : sent)
        if (auto found = decoder.on_byte(byte, now)) reply = found;
    ASSERT_TRUE(reply);
    EXPECT_EQ(dlt645::decode_reader_tap(reply->bytes().subspan(4))->state, dlt645::TapState::kBusy);
}

TEST_F(ReaderRig, ACardGoesUpAndItsReturnComesDown) {
    // The whole of B4 from where the resident stands.
    run(milliseconds(300));
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
    EXPECT_EQ(signal(), Signal::kReady);
    field.put(card);
    run(milliseconds(400));
    EXPECT_EQ(signal(), Signal::kHoldCard);
    const auto tap = poll();
    ASSERT_TRUE(tap);
    ASSERT_EQ(tap->state, dlt645::TapState::kWaiting);
    EXPECT_EQ(tap->tap, 100u);
    EXPECT_TRUE(card::same(tap->card.uid, kUid));
    EXPECT_EQ(tap->card.credit, Issuer::record(card, config.layout.credit(0))) << "generation 2 is the newer one";
    EXPECT_EQ(tap->card.slot, 0);
    EXPECT_TRUE(tap->card.has_other);
    ASSERT_TRUE(tell(done(100)));
    EXPECT_EQ(reader.state(), TapState::kWriting);
    run(milliseconds(200));
    EXPECT_EQ(reader.shown(now), (Shown{Signal::kDone, 0, kHousehold, 3'000, 8'000}));
    EXPECT_EQ(Issuer::record(card, config.layout.returns(1)), done(100).return_record);
    const auto report = poll();
    EXPECT_EQ(*report, (dlt645::ReaderTap{dlt645::TapState::kReport, 100, {}, true, 1}));
    EXPECT_EQ(*poll(), *report) << "until it was heard";
    EXPECT_EQ(poll(100)->state, dlt645::TapState::kNothing);
    field.clear();
    run(seconds(1));
    EXPECT_EQ(signal(), Signal::kDone) << "somebody reads it";
    run(SharedReader::kShowTime);
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
    EXPECT_EQ(signal(), Signal::kReady);
}

TEST_F(ReaderRig, NobodyReadsWhatWasSaidToThePersonBefore) {
    // "Done, 30.00 bought" flashing up for the next one in the queue starts a quarrel.
    field.put(card);
    ASSERT_TRUE(tell(done(wait_for_tap())));
    run(milliseconds(200));
    ASSERT_EQ(signal(), Signal::kDone);
    field.clear();
    run(seconds(6));
    field.put(card);
    for (int k = 0; k < 40; ++k) {
        run(milliseconds(10));
        EXPECT_TRUE(signal() == Signal::kReady || signal() == Signal::kHoldCard);
    }
}

TEST_F(ReaderRig, ATapTakesTenExchangesWithTheCard) {
    // Each is 10 ms in which somebody holds a card against a wall.
    field.put(card);
    Instant wants = reader.step_card(now);
    const std::uint64_t before = field.exchanges() - 1;
    while (reader.state() != TapState::kWaiting)
        wants = reader.step_card(now = std::max(now, wants));
    EXPECT_LE(field.exchanges() - before, 10u);
}

TEST_F(ReaderRig, TheOtherCopyIsShownWhenTheFirstDoesNotOpen) {
    // The desk's last write was torn, and its header looks well.
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    ASSERT_TRUE(tell({{7}, tap, 0, dlt645::kCodeShowOther, 0, 0, 0, false, {}}));
    run(milliseconds(100));
    const auto other = poll();
    ASSERT_EQ(other->state, dlt645::TapState::kWaiting);
    EXPECT_EQ(other->tap, tap) << "the same visit";
    EXPECT_EQ(other->card.slot, 1);
    EXPECT_FALSE(other->card.has_other);
    EXPECT_EQ(other->card.credit, Issuer::record(card, config.layout.credit(1)));
    EXPECT_TRUE(tell({{7}, tap, 0, dlt645::kCodeShowOther, 0, 0, 0, false, {}}))
        << "said again: heard, and nothing more";
    EXPECT_EQ(poll()->state, dlt645::TapState::kWaiting);
    ASSERT_TRUE(tell(done(tap, 1)));
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kDone);
}

TEST_F(ReaderRig, AC10CardThatLeavesAtAnyExchangeHasLostNothing) {
    // AC10: people do not hold still. At whichever exchange the card goes, its CREDIT and one RETURN are whole, and the
    // next visit ends well.
    for (std::uint64_t at = 0; at < 30; ++at) {
        SCOPED_TRACE(at);
        sim::M1Card one = card;
        sim::Field place;
        SharedReader under_test(config, mac, place);
        const auto visit = [&](std::uint32_t generation) {
            for (int k = 0; k < 200; ++k) {
                now = now + milliseconds(10);
                under_test.step_card(now);
                if (under_test.state() != TapState::kWaiting) continue;
                const std::array<Byte, 4> question{0x00, 0x01, 0x04, 0xEC};
                const auto up = dlt645::encode(dlt645::address_of(dlt645::ReaderNumber{7}),
                                               dlt645::request(Function::kRead), question);
                for (const Byte byte : Bytes(up.data(), up.size()))
                    under_test.on_byte(byte, now);
                now = now + SharedReader::kTurnaround;
                EXPECT_FALSE(under_test.poll_line(now).send.empty());
                std::array<Byte, 200> data{};
                ByteWriter(data).put_u32(dlt645::kReaderOutcome.value);
                const std::size_t size =
                    dlt645::encode(done(under_test.tap(), 0, generation), MutableBytes(data).subspan(4));
                const auto down = dlt645::encode(dlt645::address_of(dlt645::ReaderNumber{7}),
                                                 dlt645::request(Function::kSecurity), Bytes(data).first(4 + size));
                for (const Byte byte : Bytes(down.data(), down.size()))
                    under_test.on_byte(byte, now);
            }
        };
        place.put(one);
        place.at(at, {});
        visit(1);
        const bool was_torn = under_test.shown(now).signal != Signal::kDone;
        EXPECT_EQ(Issuer::record(one, config.layout.credit(0)), Issuer::record(card, config.layout.credit(0)));
        EXPECT_EQ(Issuer::record(one, config.layout.credit(1)), Issuer::record(card, config.layout.credit(1)));
        place.clear();
        for (int k = 0; k < 100; ++k)
            under_test.step_card(now = now + milliseconds(10));
        place.forget_plans();
        place.put(one);
        visit(3);
        EXPECT_EQ(under_test.shown(now).signal, Signal::kDone) << was_torn;
        EXPECT_EQ(Issuer::record(one, config.layout.returns(1)), done(0, 0, 3).return_record);
    }
}

TEST_F(ReaderRig, AC19CardExchangedForAnotherIsNotWritten) {
    // AC19: two friends, one swift hand. The RETURN of the one must not stand on the card of the other.
    sim::M1Card other = issuer.issue(kOtherUid, kBox, 13);
    issuer.sell(other, kBox, 13, 1, 100);
    const sim::M1Card before = other;
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    ASSERT_TRUE(tell(done(tap)));
    field.hold({&other});
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kHoldCard) << "the other card is read by now";
    EXPECT_EQ(reader.counts().gone_early, 1u);
    EXPECT_EQ(reader.counts().written, 0u);
    EXPECT_EQ(other.writes(), before.writes());
    EXPECT_EQ(poll()->tap, tap + 1) << "a tap of its own";
}

TEST_F(ReaderRig, AC19OutcomeForACardThatWasExchangedWhileItWaitedIsNotTaken) {
    // AC19, slower hands: between the question and the answer.
    sim::M1Card other = issuer.issue(kOtherUid, kBox, 13);
    issuer.sell(other, kBox, 13, 1, 100);
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    field.hold({&other});
    run(milliseconds(600));
    EXPECT_FALSE(tell(done(tap)));
    EXPECT_EQ(other.writes(), 0u);
    EXPECT_EQ(reader.counts().stray_outcomes, 1u);
}

TEST_F(ReaderRig, AC20TwoCardsAtOnceAreNone) {
    // AC20: a wallet with both. Neither is touched, and it says so.
    sim::M1Card other = issuer.issue(kOtherUid, kBox, 13);
    field.put(card);
    field.put(other);
    run(seconds(2));
    EXPECT_EQ(signal(), Signal::kSeveralCards);
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
    field.hold({&card});
    run(milliseconds(700));
    EXPECT_EQ(poll()->state, dlt645::TapState::kWaiting) << "one of them was taken away";
}

TEST_F(ReaderRig, AC25ForeignCardsAreIgnoredAndNothingOfThemReachesTheLine) {
    // AC25: phones, bank cards and other sites' cards lie on readers all day. Each is one look, not a stream of frames.
    sim::M1Card blank(kUid);
    Issuer elsewhere(mac, card::Key{9, 9, 9});
    sim::M1Card of_other_site = elsewhere.issue(kUid, kBox, kHousehold);
    sim::M1Card random(card::uid_of(std::array<Byte, 4>{0x08, 1, 2, 3}));
    const std::vector<sim::Field::Things> things{{&blank},
                                                 {&of_other_site},
                                                 {&random},
                                                 {sim::Foreign::kPhone},
                                                 {sim::Foreign::kBankCard},
                                                 {sim::Foreign::kNtag}};
    for (const auto& thing : things) {
        const std::uint32_t ignored = reader.counts().ignored_cards;
        field.hold(thing);
        run(seconds(3));
        EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
        EXPECT_EQ(reader.counts().ignored_cards, ignored + 1);
        EXPECT_EQ(signal(), Signal::kReady);
        field.clear();
        run(seconds(1));
    }
    EXPECT_EQ(reader.counts().taps, 0u);
    EXPECT_EQ(blank.writes() + of_other_site.writes() + random.writes(), 0u);
}

TEST_F(ReaderRig, AC24CardWithRightsBelongsOntoABoxAndNothingOfItReachesTheLine) {
    // AC24: a technician's card on the wrong reader, or a clear card in the wrong hands where 256 boxes listen: it says
    // where it belongs, no frame carries anything of it, and at its box it is as good as before.
    for (const card::CardKind kind :
         {card::CardKind::kSetUp, card::CardKind::kInspection, card::CardKind::kClear, card::CardKind::kRestore}) {
        SCOPED_TRACE(static_cast<int>(kind));
        sim::M1Card rights = issuer.issue(kOtherUid, kBox, kHousehold, kind);
        const sim::M1Card::Dump before = rights.dump();
        field.put(rights);
        for (int k = 0; k < 10; ++k) {
            run(milliseconds(100));
            const auto tap = poll();
            ASSERT_TRUE(tap);
            EXPECT_TRUE(tap->state == dlt645::TapState::kNothing || tap->state == dlt645::TapState::kBusy);
        }
        EXPECT_EQ(signal(), Signal::kNotForThisReader);
        EXPECT_EQ(rights.dump(), before);
        EXPECT_EQ(rights.writes(), 0u);
        field.clear();
        run(seconds(6));
    }
    EXPECT_EQ(reader.counts().taps, 0u);
    field.put(card);
    ASSERT_TRUE(tell(done(wait_for_tap())));
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kDone) << "and the next in the queue is served";
}

TEST_F(ReaderRig, AReaderTestCardShowsThatItReads) {
    // Somebody complains that the reader is dead; the caretaker's card has to say whether it is the reader or the card.
    sim::M1Card test = issuer.issue(kOtherUid, kBox, kHousehold, card::CardKind::kReaderTest);
    field.put(test);
    run(milliseconds(500));
    EXPECT_EQ(signal(), Signal::kReads);
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
    EXPECT_EQ(reader.counts().taps, 0u);
    EXPECT_EQ(test.writes(), 0u);
}

TEST_F(ReaderRig, ParametersOnAHouseholdsCardAreLeftAloneAndItsTapIsServed) {
    // A list of parameters on the card must neither stop the sale, nor be lost for the box's own reader, nor travel.
    card::ParameterRecord part;
    part.household = kHousehold;
    part.version = 5;
    part.parts = 1;
    const card::RecordBytes sealed = card::seal(mac, card::record_keys(mac, issuer.masters, kBox), kUid, part);
    const std::uint8_t sector = *config.layout.household_parameter(0);
    sim::M1Card::Dump dump = card.dump();
    Issuer::put(dump, sector, sealed);
    card.overwrite(dump);
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    const auto shown = poll();
    ASSERT_EQ(shown->state, dlt645::TapState::kWaiting);
    EXPECT_EQ(shown->card.credit, Issuer::record(card, config.layout.credit(0)));
    ASSERT_TRUE(tell(done(tap)));
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kDone);
    EXPECT_EQ(Issuer::record(card, sector), sealed);
}

TEST_F(ReaderRig, CardWithNothingOnItIsRefusedWithoutAskingTheLine) {
    // Issued, and never sold to.
    sim::M1Card empty = issuer.issue(kOtherUid, kBox, kHousehold);
    field.put(empty);
    run(milliseconds(500));
    EXPECT_EQ(reader.shown(now), (Shown{Signal::kRefused, dlt645::kCodeEmptyCard, 0, 0, 0}));
    EXPECT_EQ(reader.counts().taps, 0u);
}

TEST_F(ReaderRig, BoxOffLineLeavesTheCardAsItWas) {
    // A breaker is off on the third floor: the person learns it, and the credit waits on the card.
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    const std::uint64_t writes = card.writes();
    ASSERT_TRUE(tell({{7}, tap, 0, dlt645::kCodeBoxOffLine, 0, 0, 0, false, {}}));
    run(milliseconds(500));
    EXPECT_EQ(signal(), Signal::kBoxOffLine);
    EXPECT_EQ(card.writes(), writes);
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing) << "the same visit is not tried for ever";
    field.clear();
    run(seconds(1));
    field.put(card);
    EXPECT_EQ(wait_for_tap(), tap + 1);
}

TEST_F(ReaderRig, SaysThatTheOfficeIsOffLineWhenNobodyAsks) {
    // The office's machine is down: people must not hold cards against a dead wall.
    run(SharedReader::kOfficeSilence + seconds(1));
    EXPECT_EQ(signal(), Signal::kOfficeOffLine);
    EXPECT_EQ(poll()->state, dlt645::TapState::kNothing);
    EXPECT_EQ(signal(), Signal::kReady);
    field.put(card);
    run(seconds(3));
    EXPECT_EQ(signal(), Signal::kHoldCard);
    run(SharedReader::kOfficeSilence);
    EXPECT_EQ(signal(), Signal::kOfficeOffLine);
    EXPECT_EQ(poll()->state, dlt645::TapState::kWaiting) << "and it goes on when the office is back";
    EXPECT_EQ(signal(), Signal::kHoldCard);
}

TEST_F(ReaderRig, AC32ForgedOutcomesTouchNoCard) {
    // AC32: a dongle on the two wires. What it says for a tap that is not waiting, for another copy, before the record
    // went up, or with a record that is not the RETURN of this card's box and household, is worth nothing.
    field.put(card);
    run(milliseconds(400));
    const std::uint64_t writes = card.writes();
    EXPECT_FALSE(tell(done(100))) << "the record has not gone up";
    ASSERT_EQ(poll()->tap, 100u);
    EXPECT_FALSE(tell(done(99)));
    EXPECT_FALSE(tell(done(101)));
    EXPECT_FALSE(tell(done(100, 1)));
    dlt645::CardOutcome forged = done(100);
    forged.reader = {8};
    EXPECT_FALSE(tell(forged));
    forged = done(100);
    forged.return_record.fill(0xA5);
    EXPECT_FALSE(tell(forged));
    forged.return_record = Issuer::record(card, config.layout.credit(1));
    EXPECT_FALSE(tell(forged)) << "a CREDIT is no RETURN";
    forged.return_record = sealed_return(1, kUid, kBox + 1);
    EXPECT_FALSE(tell(forged)) << "of another box";
    EXPECT_EQ(reader.state(), TapState::kWaiting);
    EXPECT_EQ(card.writes(), writes);
    EXPECT_EQ(reader.counts().stray_outcomes, 8u);
    EXPECT_TRUE(tell(done(100))) << "the true one is taken";
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kDone);
}

TEST_F(ReaderRig, AC32AForgedOutcomeInTimeShowsALieAndReachesNothingButAReturnSlot) {
    // AC32: outcomes carry no tag, and the reader has no key to check one. Whoever answers in the master's place while
    // a card waits can show a wrong light and spoil one RETURN, which nobody believes; not a byte of credit, identity
    // or keys. The card that is shown again is served and says the truth.
    const auto beside_returns = [&](sim::M1Card& of) {
        sim::M1Card::Dump dump = of.dump();
        for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{1}})
            for (std::uint8_t k = 0; k < 3; ++k)
                dump[static_cast<std::size_t>(card::first_block(config.layout.returns(slot)) + k)] = {};
        return dump;
    };
    const sim::M1Card::Dump before = beside_returns(card);
    for (int n = 0; n < 512; ++n) {
        const auto code = static_cast<std::uint8_t>(n & 0xFF);
        const bool has_return = n >= 256;
        SCOPED_TRACE(testing::Message() << "code " << int{code} << (has_return ? ", a RETURN" : ""));
        field.put(card);
        const std::uint32_t tap = wait_for_tap();
        ASSERT_NE(tap, 0u);
        dlt645::CardOutcome lie = done(tap, 0, 40u + static_cast<unsigned>(n % 2));
        lie.code = code;
        lie.bought_hundredths = INT32_MAX;
        lie.remaining_hundredths = INT32_MIN;
        lie.has_return = has_return;
        // A header that fits, which anybody can read off the line, and anything behind it.
        for (std::size_t k = card::kHeaderBytes; k < lie.return_record.size(); ++k)
            lie.return_record[k] = static_cast<Byte>(n + static_cast<int>(k));
        if (!has_return) lie.return_record = {};
        const std::uint64_t writes = card.writes();
        EXPECT_TRUE(tell(lie)) << "nothing tells it from a true one";
        run(milliseconds(300));
        if (!has_return) {
            EXPECT_EQ(card.writes(), writes);
        }
        EXPECT_EQ(beside_returns(card), before);
        field.clear();
        run(seconds(1));
        (void)poll(tap);

        field.put(card);
        ASSERT_TRUE(tell(done(wait_for_tap(), 0, 43)));
        run(milliseconds(300));
        EXPECT_EQ(signal(), Signal::kDone);
        EXPECT_EQ(Issuer::record(card, config.layout.returns(1)), sealed_return(43));
        EXPECT_EQ(beside_returns(card), before);
        field.clear();
        run(seconds(1));
        (void)poll(reader.tap());
    }
}

TEST_F(ReaderRig, AnythingElseOnTheLineIsRefusedOrIgnored) {
    // Boxes share these wires: a reader must not answer for them, nor to a broadcast.
    const std::array<Byte, 4> tap{0x00, 0x01, 0x04, 0xEC};
    const std::array<Byte, 4> block{0x00, 0x01, 0x00, 0xEC};
    EXPECT_TRUE(ask(Function::kRead, tap));
    EXPECT_FALSE(ask(Function::kRead, tap, {8}));
    EXPECT_TRUE(ask(Function::kRead, block)->control.is_error());
    EXPECT_TRUE(ask(Function::kWrite, tap)->control.is_error());
    EXPECT_TRUE(ask(Function::kSecurity, tap)->control.is_error());
    for (const dlt645::Address& everybody : {dlt645::kBroadcast, dlt645::kWildcard}) {
        const auto frame = dlt645::encode(everybody, dlt645::request(Function::kRead), tap);
        for (const Byte byte : Bytes(frame.data(), frame.size()))
            reader.on_byte(byte, now);
        EXPECT_EQ(reader.poll_line(now).wake_up, kNever);
    }
}

TEST_F(ReaderRig, WornSectorIsNamedAndTheCreditIsInTheBox) {
    // The card's RETURN sector does not let itself be written: the person needs a new card, not a new payment.
    sim::M1Card::Dump dump = card.dump();
    for (std::uint8_t slot = 0; slot < 2; ++slot)
        dump[card::trailer_block(config.layout.returns(slot))] = card::make_trailer(
            card::sector_key(mac, issuer.masters.sector_read, kUid, config.layout.returns(slot), card::KeyKind::kA),
            card::kTransportKey);
    card.overwrite(dump);
    field.put(card);
    const std::uint32_t tap = wait_for_tap();
    ASSERT_TRUE(tell(done(tap)));
    run(milliseconds(200));
    EXPECT_EQ(signal(), Signal::kDamagedCard);
    const auto report = poll();
    EXPECT_EQ(report->state, dlt645::TapState::kReport);
    EXPECT_FALSE(report->written);
}

TEST_F(ReaderRig, AC30StolenReaderOpensNoRecordAndSealsNone) {
    // AC30: the reader is unscrewed at night. With all that it holds nobody opens a CREDIT, and what is sealed with it
    // is not believed by any box or by the office.
    const card::RecordBytes credit = Issuer::record(card, config.layout.credit(0));
    const card::RecordKeys of_box = card::record_keys(mac, issuer.masters, kBox);
    ASSERT_TRUE(card::open_credit(mac, of_box, kUid, credit));
    for (const card::Key& held : {config.sector_read, config.sector_return}) {
        for (const card::BoxDigits box : {kBox, card::BoxDigits{0}}) {
            // As a site's master, as the record master, and as record keys as they are.
            const card::SiteMasters as_site = card::site_masters(mac, held);
            card::SiteMasters as_record = as_site;
            as_record.record = held;
            card::RecordKeys as_keys{1, kBox, held, held};
            EXPECT_FALSE(card::open_credit(mac, card::record_keys(mac, as_site, box), kUid, credit));
            EXPECT_FALSE(card::open_credit(mac, card::record_keys(mac, as_record, box), kUid, credit));
            EXPECT_FALSE(card::open_credit(mac, as_keys, kUid, credit));
            card::CreditRecord forged;
            forged.household = kHousehold;
            forged.generation = 4;
            forged.ticket = {1, 4, 99'999};
            forged.serial = 4711;
            EXPECT_FALSE(card::open_credit(mac, of_box, kUid, card::seal(mac, as_keys, kUid, forged)));
        }
        // And the CREDIT sectors do not let themselves be written with it.
        const auto key_b = card::sector_key(mac, held, kUid, config.layout.credit(0), card::KeyKind::kB);
        field.hold({&card});
        ASSERT_TRUE(field.select());
        EXPECT_FALSE(field.authenticate(card::first_block(config.layout.credit(0)), card::KeyKind::kB, key_b));
    }
}

}  // namespace
}  // namespace prewatt::reader
