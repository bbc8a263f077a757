#include "card/record_io.hpp"

#include <gtest/gtest.h>

#include "card/access_bits.hpp"
#include "card/copies.hpp"
#include "card/fake_card.hpp"
#include "card/layout.hpp"
#include "card/testing/golden_card.hpp"

namespace prewatt::card {
namespace {

struct RecordIo : testing::Test {
    GoldenSite site;
    Layout layout;
    FakeCard card{site.uid};

    RecordIo() {
        for (std::uint8_t sector = 0; sector < kSectorCount; ++sector)
            card.memory[trailer_block(sector)] = make_trailer(key_a(sector), key_b(sector));
    }
    SectorKey key_a(std::uint8_t sector) {
        return sector_key(site.mac, site.masters.sector_read, site.uid, sector, KeyKind::kA);
    }
    SectorKey key_b(std::uint8_t sector) {
        const Key& master = layout.is_return(sector) ? site.masters.sector_return : site.masters.sector_desk;
        return sector_key(site.mac, master, site.uid, sector, KeyKind::kB);
    }
    RecordBytes credit(std::uint32_t generation) {
        CreditRecord record = golden_credit();
        record.generation = generation;
        record.ticket.number = record.sale_number = generation + 10;
        return seal(site.mac, site.box, site.uid, record);
    }
    RecordWriter writer(std::uint32_t generation) {
        const std::uint8_t sector = layout.credit(generation & 1);
        return {site.uid, sector, key_b(sector), credit(generation)};
    }
    RecordBytes read(std::uint8_t sector) {
        RecordReader reader(sector, key_a(sector));
        EXPECT_EQ(finish(reader, card), Progress::kDone);
        return reader.record();
    }
    OpenedPair<CreditRecord> pair() {
        return open_credits(site.mac, site.box, site.uid, {read(layout.credit(0)), read(layout.credit(1))});
    }
    void write_whole(std::uint32_t generation) {
        RecordWriter steps = writer(generation);
        ASSERT_EQ(finish(steps, card), Progress::kDone);
    }
};

TEST_F(RecordIo, WritesAndReadsBackOneExchangeACall) {
    // A meter that waits for a whole record stops counting pulses meanwhile.
    RecordWriter steps = writer(6);
    int calls = 0;
    while (steps.progress() == Progress::kBusy) {
        EXPECT_EQ(card.exchanges, calls);
        steps.step(card);
        ++calls;
    }
    EXPECT_EQ(steps.progress(), Progress::kDone);
    EXPECT_EQ(calls, 8);
    EXPECT_EQ(card.exchanges, 8);
    EXPECT_EQ(steps.step(card), Progress::kDone);
    EXPECT_EQ(card.exchanges, 8) << "after its end it touches nothing more";

    card.exchanges = 0;
    EXPECT_EQ(read(layout.credit(0)), credit(6));
    EXPECT_EQ(card.exchanges, 4);
}

TEST_F(RecordIo, ACardOfAnotherBoxIsToldAfterTwoExchanges) {
    write_whole(6);
    card.exchanges = 0;
    RecordReader other(layout.credit(0), key_a(layout.credit(0)), KeyKind::kA, kGoldenBox + 1);
    EXPECT_EQ(finish(other, card), Progress::kDone);
    EXPECT_EQ(card.exchanges, 2);
    EXPECT_EQ(read_header(Bytes(other.record()).first(kHeaderBytes))->box, kGoldenBox);
    RecordReader own(layout.credit(0), key_a(layout.credit(0)), KeyKind::kA, kGoldenBox);
    EXPECT_EQ(finish(own, card), Progress::kDone);
    EXPECT_EQ(own.record(), credit(6));
}

TEST_F(RecordIo, AC08TornAtAnyByteOfAnyWriteTheCardHoldsTheOldOrTheNewRecord) {
    // The card is pulled away while the desk writes, and what was paid is on neither copy.
    for (int at = 1; at <= 3; ++at)
        for (std::size_t bytes = 0; bytes <= kBlockBytes; ++bytes)
            for (const auto rest : {FakeCard::Rest::kOld, FakeCard::Rest::kZeros, FakeCard::Rest::kOnes}) {
                SCOPED_TRACE(testing::Message() << at << " " << bytes << " " << static_cast<int>(rest));
                write_whole(4);
                write_whole(5);
                card.put_back();
                card.tear_at_write = at;
                card.tear_bytes = bytes;
                card.rest = rest;
                RecordWriter steps = writer(6);
                ASSERT_EQ(finish(steps, card), Progress::kFailed);
                EXPECT_EQ(steps.fault(), WriteFault::kNoCard);
                EXPECT_EQ(steps.may_be_written(), at == 3);
                card.put_back();
                const auto left = pair();
                ASSERT_TRUE(left.newest);
                const bool whole = at == 3 && bytes == kBlockBytes;
                EXPECT_EQ(left.newest->generation, whole ? 6u : 5u);
                write_whole(6);
                EXPECT_EQ(pair().newest->generation, 6u);
            }
}

TEST_F(RecordIo, AC09TornTwiceInARowTheCardStillHoldsARecord) {
    // The second try is torn as well: where it went into the good copy's place, both are gone.
    for (int first = 0; first < 3 * 17; ++first)
        for (int second = 0; second < 3 * 17; ++second) {
            SCOPED_TRACE(testing::Message() << first << " " << second);
            if (second == 0) write_whole(4);
            if (second == 0) write_whole(5);
            std::uint32_t newest = 5;
            for (const int tear : {first, second}) {
                card.put_back();
                const auto next = next_write(pair().copies, 5);
                ASSERT_TRUE(next);
                ASSERT_EQ(next->slot, 0) << "the acknowledged copy is touched";
                card.tear_at_write = 1 + tear / 17;
                card.writes = 0;
                card.tear_bytes = static_cast<std::size_t>(tear % 17);
                card.rest = static_cast<FakeCard::Rest>(tear % 3);
                RecordWriter steps = writer(next->generation);
                ASSERT_EQ(finish(steps, card), Progress::kFailed);
                if (tear == 3 * 17 - 1) newest = next->generation;
            }
            card.put_back();
            const auto left = pair();
            ASSERT_TRUE(left.newest);
            ASSERT_GE(left.newest->generation, 5u);
            ASSERT_LE(left.newest->generation, std::max(newest, 8u));
        }
}

TEST_F(RecordIo, ACardThatLeavesAtAnyExchangeEndsTheWork) {
    // A box that waits for a card that has gone shows "hold card" until somebody cuts its supply.
    for (int exchange = 1; exchange <= 8; ++exchange) {
        card.put_back();
        card.vanish_at_exchange = exchange;
        RecordWriter steps = writer(6);
        EXPECT_EQ(finish(steps, card), Progress::kFailed);
        EXPECT_EQ(steps.fault(), WriteFault::kNoCard) << exchange;
        EXPECT_EQ(steps.may_be_written(), exchange >= 4) << exchange;
    }
    for (int exchange = 1; exchange <= 4; ++exchange) {
        card.put_back();
        card.vanish_at_exchange = exchange;
        RecordReader steps(layout.credit(0), key_a(layout.credit(0)));
        EXPECT_EQ(finish(steps, card), Progress::kFailed);
        EXPECT_EQ(steps.fault(), CardFault::kNoCard) << exchange;
    }
}

TEST_F(RecordIo, OnlyWhatReadsBackIsWritten) {
    // A worn out cell acknowledges and forgets: the sale would count and the card would hold nothing.
    card.swallow_writes = true;
    RecordWriter steps = writer(6);
    EXPECT_EQ(finish(steps, card), Progress::kFailed);
    EXPECT_EQ(steps.fault(), WriteFault::kNotVerified);
}

TEST_F(RecordIo, AC19ACardThatWasExchangedMeanwhileIsNoSuccess) {
    // Two students, one reader: the second card is laid down while the first is being written.
    card.swap_uid = uid_of("deadbeef");
    RecordWriter steps = writer(6);
    EXPECT_EQ(finish(steps, card), Progress::kFailed);
    EXPECT_EQ(steps.fault(), WriteFault::kSwapped);
}

TEST_F(RecordIo, AC27ACardWithStrangeKeysOrAccessBitsIsLeftAlone) {
    // Somebody has changed the trailer; the desk has to replace the card, and the meter must say so.
    const std::uint8_t sector = layout.credit(0);
    card.memory[trailer_block(sector)] = make_trailer(key_a(sector), key_b(sector), AccessBits{{2, 2, 2, 6}});
    RecordWriter read_only = writer(6);
    EXPECT_EQ(finish(read_only, card), Progress::kFailed);
    EXPECT_EQ(read_only.fault(), WriteFault::kRefused);
    card.memory[trailer_block(sector)] = make_trailer(key_b(sector), key_a(sector));
    RecordWriter strange = writer(6);
    EXPECT_EQ(finish(strange, card), Progress::kFailed);
    EXPECT_EQ(strange.fault(), WriteFault::kWrongKey);
    EXPECT_EQ(card.memory[first_block(sector)], Block{});
}

TEST_F(RecordIo, AMeterWritesWhatItReturnsAndNothingElse) {
    // A box that is opened holds the return key: with it nobody may write credit into other boxes' cards.
    const std::uint8_t back = layout.returns(1);
    RecordWriter returned(site.uid, back, sector_key(site.mac, site.masters.sector_return, site.uid, back, KeyKind::kB),
                          seal(site.mac, site.box, site.uid, golden_return()));
    EXPECT_EQ(finish(returned, card), Progress::kDone);
    const std::uint8_t sector = layout.credit(0);
    RecordWriter forged(site.uid, sector,
                        sector_key(site.mac, site.masters.sector_return, site.uid, sector, KeyKind::kB), credit(6));
    EXPECT_EQ(finish(forged, card), Progress::kFailed);
    EXPECT_EQ(forged.fault(), WriteFault::kWrongKey);
}

}  // namespace
}  // namespace prewatt::card
