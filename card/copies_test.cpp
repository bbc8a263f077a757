#include "card/copies.hpp"

#include <gtest/gtest.h>

#include "card/testing/golden_card.hpp"

namespace prewatt::card {
namespace {

struct CopiesTest : testing::Test {
    GoldenSite site;
    RecordBytes credit(std::uint32_t generation) {
        CreditRecord record = golden_credit();
        record.generation = generation;
        record.ticket.number = generation + 10;
        record.sale_number = record.ticket.number;
        return seal(site.mac, site.box, site.uid, record);
    }
    OpenedPair<CreditRecord> open(const RecordBytes& zero, const RecordBytes& one) {
        return open_credits(site.mac, site.box, site.uid, {zero, one});
    }
    static RecordBytes damaged(RecordBytes bytes) {
        bytes[47] ^= 1;
        return bytes;
    }
};

CopyState good(std::uint32_t generation) {
    return {generation, std::nullopt};
}
CopyState bad(RecordError error) {
    return {0, error};
}

TEST_F(CopiesTest, TheNewestGoodCopyCounts) {
    // A resident pays, and the meter reads the copy of before.
    EXPECT_EQ(open(credit(4), credit(5)).newest->generation, 5u);
    EXPECT_EQ(open(credit(6), credit(5)).newest->generation, 6u);
    const auto torn = open(damaged(credit(6)), credit(5));
    EXPECT_EQ(torn.newest->generation, 5u);
    EXPECT_TRUE(torn.is_torn());
    const auto first = open(RecordBytes{}, credit(1));
    EXPECT_EQ(first.newest->generation, 1u);
    EXPECT_FALSE(first.is_torn()) << "a copy that was never written is no accident";
}

TEST_F(CopiesTest, WhenNoCopyIsGoodTheReasonIsNamed) {
    // "Card damaged" for a neighbour's card sends a student to the desk in vain.
    EXPECT_EQ(open(RecordBytes{}, RecordBytes{}).newest.error(), PairError::kEmpty);
    EXPECT_EQ(open(RecordBytes{}, damaged(credit(1))).newest.error(), PairError::kTorn);
    EXPECT_EQ(open(damaged(credit(2)), damaged(credit(1))).newest.error(), PairError::kTag);
    const RecordKeys neighbour = record_keys(site.mac, site.masters, kGoldenBox + 1);
    EXPECT_EQ(open_credits(site.mac, neighbour, site.uid, {credit(2), credit(1)}).newest.error(), PairError::kNotYours);
    for (const PairError error : {PairError::kTag, PairError::kMisplaced, PairError::kTorn})
        EXPECT_TRUE(is_attempt(error));
    for (const PairError error : {PairError::kEmpty, PairError::kNotYours, PairError::kVersion, PairError::kKeyVersion})
        EXPECT_FALSE(is_attempt(error)) << "honest people must not lock a box";
}

TEST_F(CopiesTest, AC06SwappedCopiesAreNotTaken) {
    // Copies in each other's place would make the desk overwrite the one that is good.
    EXPECT_EQ(open(credit(5), credit(4)).newest.error(), PairError::kMisplaced);
    const auto one = open(credit(4), credit(4));
    EXPECT_EQ(one.newest->generation, 4u);
    EXPECT_TRUE(one.is_torn());
}

TEST_F(CopiesTest, AC09AGenerationThatWasNotAcknowledgedIsWrittenIntoItsOwnSlotAgain) {
    // A torn copy reads well today and badly tomorrow; whoever trusted it has overwritten the good one meanwhile.
    const auto weak = next_write({good(4), good(5)}, 4);
    EXPECT_EQ(weak->slot, 1);
    EXPECT_EQ(weak->generation, 7u) << "above all that anybody may have read";
    const auto torn = next_write({good(4), bad(RecordError::kTag)}, 4);
    EXPECT_EQ(torn->slot, 1);
    EXPECT_EQ(torn->generation, 5u);
    const auto whole = next_write({good(4), good(5)}, 5);
    EXPECT_EQ(whole->slot, 0);
    EXPECT_EQ(whole->generation, 6u);
}

TEST_F(CopiesTest, WithoutMemoryWhatIsReadDecides) {
    const CopyState empty = bad(RecordError::kEmpty);
    EXPECT_EQ(next_write({empty, empty}, std::nullopt)->generation, 1u);
    EXPECT_EQ(next_write({empty, good(1)}, std::nullopt)->generation, 2u);
    EXPECT_EQ(next_write({bad(RecordError::kTag), good(1)}, std::nullopt)->slot, 0);
    EXPECT_EQ(next_write({good(6), good(5)}, std::nullopt)->generation, 7u);
}

TEST_F(CopiesTest, AC02AnOldDumpIsWrittenOverWithAHigherGeneration) {
    // Restored to generations 2 and 3 while 9 was acknowledged: the next one must not repeat a number, nor destroy the
    // newest that stands there.
    const auto next = next_write({good(2), good(3)}, 9);
    EXPECT_EQ(next->slot, 0);
    EXPECT_EQ(next->generation, 10u);
    const auto other = next_write({good(4), good(3)}, 9);
    EXPECT_EQ(other->slot, 1);
    EXPECT_EQ(other->generation, 11u);
}

TEST_F(CopiesTest, AC09ATornCopyThatDoesNotOpenTodayIsNotTheNewestTomorrow) {
    // 10 and 11 were torn and do not open; were 9 next, a weak 10 that opens tomorrow would hide it with an older
    // ticket.
    const auto none = next_write({bad(RecordError::kTag), bad(RecordError::kTag)}, 8, 11);
    EXPECT_GT(none->generation, 11u);
    const auto kept = next_write({good(8), bad(RecordError::kTag)}, 8, 11);
    EXPECT_EQ(kept->generation, 13u);
    EXPECT_EQ(kept->slot, 1) << "what is known to be whole stays";
    EXPECT_EQ(next_write({bad(RecordError::kTag), good(9)}, 9, 11)->generation, 12u);
}

TEST_F(CopiesTest, AC22GenerationsEndAndDoNotWrap) {
    // After 2^32 writes the oldest would count as the newest.
    EXPECT_FALSE(next_write({good(0xFFFFFFFE), good(0xFFFFFFFF)}, std::nullopt));
    EXPECT_FALSE(next_write({good(4), good(3)}, 4, 0xFFFFFFFF));
    EXPECT_EQ(next_write({good(0xFFFFFFFE), good(0xFFFFFFFD)}, std::nullopt)->generation, 0xFFFFFFFFu);
    EXPECT_FALSE(next_write({good(0xFFFFFFFE), bad(RecordError::kTag)}, 0xFFFFFFFF));
}

TEST_F(CopiesTest, ASharedReaderOffersTheNewestByItsHeader) {
    EXPECT_EQ(newest_by_header({credit(4), credit(5)}, RecordType::kCredit), 1);
    EXPECT_EQ(newest_by_header({credit(6), credit(5)}, RecordType::kCredit), 0);
    EXPECT_EQ(newest_by_header({RecordBytes{}, credit(5)}, RecordType::kCredit), 1);
    EXPECT_FALSE(newest_by_header({credit(4), credit(5)}, RecordType::kReturn));
    EXPECT_FALSE(newest_by_header({credit(5), credit(4)}, RecordType::kCredit)) << "swapped";
}

}  // namespace
}  // namespace prewatt::card
