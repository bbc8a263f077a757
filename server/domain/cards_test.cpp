#include "server/domain/cards.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

constexpr UnixTime kNow{1'790'000'000'000};

CardFacts facts_of(std::uint32_t generation) {
    CardFacts facts;
    CardRecord& card = facts.card.emplace();
    card.id = CardId{7};
    card.state = CardState::kWritten;
    card.box_number = 2026000001;
    card.identity_generation = 1;
    card.generation = generation;
    card.carries = {1, 3, credit_of_hundredths(500)};
    facts.newest = card.carries;
    facts.box_number = card.box_number;
    return facts;
}
CardSight sight_of(std::uint32_t generation) {
    CardSight sight;
    sight.uid = "A1B2C3D4";
    sight.identity = SeenIdentity{CardId{7}, CardKind::kHousehold, 1, 1};
    sight.tickets = {{generation, {1, 3, credit_of_hundredths(500)}, CardId{7}}};
    return sight;
}

// A clerk is told that a card is whole which is not, or the other way round.
TEST(CardRules, EachFindingHasItsSight) {
    EXPECT_EQ(judge_sight(sight_of(5), facts_of(5), kNow).finding, CardFinding::kUpToDate);
    CardFacts facts = facts_of(5);
    facts.newest.number = 4;
    EXPECT_EQ(judge_sight(sight_of(5), facts, kNow).finding, CardFinding::kBehind);
    facts = facts_of(5);
    facts.card->write_open = true;
    EXPECT_EQ(judge_sight(sight_of(5), facts, kNow).finding, CardFinding::kUnfinished);
    facts = facts_of(5);
    facts.card->state = CardState::kIssued;
    EXPECT_EQ(judge_sight(sight_of(5), facts, kNow).finding, CardFinding::kUnfinished);
    CardSight sight = sight_of(5);
    sight.identity.reset();
    EXPECT_EQ(judge_sight(sight, facts_of(5), kNow).finding, CardFinding::kUnfinished);
    sight = sight_of(5);
    sight.tickets.clear();
    EXPECT_EQ(judge_sight(sight, facts_of(5), kNow).finding, CardFinding::kUnfinished);
    facts = facts_of(5);
    facts.box_number = 2;
    EXPECT_EQ(judge_sight(sight_of(5), facts, kNow).finding, CardFinding::kMoved);
    facts = facts_of(5);
    facts.card->state = CardState::kLost;
    EXPECT_EQ(judge_sight(sight_of(5), facts, kNow).finding, CardFinding::kRevoked);
}

// AC02, AC07 at the desk: an old dump is put back onto a card and it passes for a card that is in order.
TEST(CardRules, ACardThatShowsLessThanWasReadBackIsSaidToBeRolledBack) {
    const CardJudgement now = judge_sight(sight_of(4), facts_of(5), kNow);
    EXPECT_TRUE(now.rolled_back);
    EXPECT_EQ(now.finding, CardFinding::kUnfinished) << "the newest ticket is to be written again";
    ASSERT_EQ(now.items.size(), 1u);
    EXPECT_EQ(now.items[0].kind, "card_rolled_back");
    EXPECT_FALSE(judge_sight(sight_of(6), facts_of(5), kNow).rolled_back) << "a torn write that came through";
}

// AC02, AC03: a write is torn, the card is copied as it is, and the write is done again under the same generation, with
// one more sale. The copy shows that generation too, carries a sale less, and passes for a card that is in order.
TEST(CardRules, ACopyOfATornWriteIsNotTakenForTheWriteThatFollowedUnderItsGeneration) {
    CardSight copy = sight_of(5);
    copy.tickets.front().ticket.number = 2;
    const CardJudgement now = judge_sight(copy, facts_of(5), kNow);
    EXPECT_TRUE(now.rolled_back);
    EXPECT_EQ(now.finding, CardFinding::kUnfinished);
}

// AC08, AC09: an old dump brings a copy back whose write was torn and never acknowledged; its cells are weak. The clerk
// is told that the card is in order, and at the meter it shows a ticket less.
TEST(CardRules, ACopyThatWasNeverAcknowledgedIsWrittenAgainHoweverWellItReads) {
    EXPECT_EQ(judge_sight(sight_of(6), facts_of(5), kNow).finding, CardFinding::kUnfinished);
    CardSight later = sight_of(5);
    later.tickets.front().ticket.number = 4;
    EXPECT_EQ(judge_sight(later, facts_of(5), kNow).finding, CardFinding::kUnfinished)
        << "the same generation, and not what was read back under it";
    // The books hold no ticket of this card at all.
    CardFacts none = facts_of(0);
    none.card->carries = {};
    EXPECT_EQ(judge_sight(sight_of(1), none, kNow).finding, CardFinding::kUnfinished);
}

// The answer to an order is lost, the card is written back, the order is repeated: it is called done without a look.
TEST(CardRules, OnlyWhatWasReadBackLastStillStands) {
    CardRecord card = *facts_of(5).card;
    const SeenTicket seen = sight_of(5).tickets.front();
    EXPECT_TRUE(still_stands(card, seen));
    EXPECT_FALSE(still_stands(card, std::nullopt));
    const auto with = [&](auto change) {
        SeenTicket other = seen;
        change(other);
        return still_stands(card, other);
    };
    EXPECT_FALSE(with([](SeenTicket& one) { one.generation = 6; }));
    EXPECT_FALSE(with([](SeenTicket& one) { one.generation = 4; }));
    EXPECT_FALSE(with([](SeenTicket& one) { one.serial = CardId{8}; }));
    EXPECT_FALSE(with([](SeenTicket& one) { one.ticket.number = 2; }));
    EXPECT_FALSE(with([](SeenTicket& one) { one.ticket.epoch = 2; }));
    EXPECT_FALSE(with([](SeenTicket& one) { one.ticket.credited = credit_of_hundredths(501); }));
    card.write_open = true;
    EXPECT_FALSE(still_stands(card, seen));
}

// A word of the REST interface that nobody reads back.
TEST(CardRules, WordsAreWordsOfTheirNumbers) {
    for (int k = 1; k <= 6; ++k)
        EXPECT_EQ(card_kind_of(word(static_cast<CardKind>(k))), static_cast<CardKind>(k));
    EXPECT_FALSE(card_kind_of("none"));
    EXPECT_EQ(words_of_hints(0b10000001), (std::vector<std::string_view>{"clock_not_known", "ticket_refused"}));
    EXPECT_TRUE(is_uid_text("A1B2C3D4") && is_uid_text("04A1B2C3D4E5F6"));
    EXPECT_FALSE(is_uid_text("a1b2c3d4") || is_uid_text("A1B2C3D") || is_uid_text("A1B2C3D4E5"));
}

}  // namespace
}  // namespace prewatt::server
