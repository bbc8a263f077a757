#include "server/domain/warrants.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

constexpr UnixTime kNow{1'800'000'000'000};
WarrantWish wish_of(CardKind kind) {
    WarrantWish wish;
    wish.kind = kind;
    if (!only_shows(kind)) wish.boxes = {2026000001};
    if (kind == CardKind::kRestore) wish.restored.cutoff_alarm = true;
    return wish;
}

// A clear card for a whole street is asked for by a slip of the finger, and nobody says no.
TEST(WarrantRules, WhatACardMayNotBeIsRefusedWithItsReason) {
    for (const CardKind kind :
         {CardKind::kSetUp, CardKind::kInspection, CardKind::kClear, CardKind::kRestore, CardKind::kReaderTest})
        EXPECT_FALSE(check_wish(wish_of(kind))) << word(kind);
    const auto refused = [](CardKind kind, auto change, const char* word_of_it) {
        WarrantWish wish = wish_of(kind);
        change(wish);
        const auto refusal = check_wish(wish);
        ASSERT_TRUE(refusal) << word_of_it;
        EXPECT_EQ(refusal->reason, Reason::kBadArgument);
        EXPECT_NE(refusal->message.find(word_of_it), std::string::npos) << refusal->message;
        EXPECT_NE(refusal->message.find("Nothing was done"), std::string::npos) << refusal->message;
    };
    refused(CardKind::kClear, [](WarrantWish& w) { w.kind = CardKind::kHousehold; }, "one of set_up");
    refused(CardKind::kClear, [](WarrantWish& w) { w.boxes.push_back(2026000002); }, "one box");
    refused(CardKind::kClear, [](WarrantWish& w) { w.household = HouseholdId{1}; }, "not both");
    refused(CardKind::kClear, [](WarrantWish& w) { w.boxes.clear(); }, "Name the boxes");
    refused(CardKind::kClear, [](WarrantWish& w) { w.valid_hours = 25; }, "1 to 24 hours");
    refused(CardKind::kClear, [](WarrantWish& w) { w.restored.overload = true; }, "Only a card that restores");
    refused(CardKind::kRestore, [](WarrantWish& w) { w.valid_hours = 169; }, "1 to 168 hours");
    refused(CardKind::kRestore, [](WarrantWish& w) { w.restored = {}; }, "Say what is to be forgotten");
    refused(CardKind::kRestore, [](WarrantWish& w) { w.boxes.push_back(w.boxes[0]); }, "named twice");
    refused(CardKind::kRestore, [](WarrantWish& w) { w.boxes.assign(15, 1); }, "14 boxes");
    refused(CardKind::kRestore, [](WarrantWish& w) { w.boxes = {10'000'000'000}; }, "ten digits");
    refused(CardKind::kSetUp, [](WarrantWish& w) { w.boxes.clear(), w.household = HouseholdId{1}; }, "for a box");
    refused(CardKind::kInspection, [](WarrantWish& w) { w.boxes = {1}; }, "for every box");
    refused(CardKind::kReaderTest, [](WarrantWish& w) { w.valid_hours = 0; }, "1 to 8784 hours");
}

// What the second person agrees to is not what is made.
TEST(WarrantRules, AWarrantComesThroughTheTextOfItsActWhole) {
    WarrantWish wish = wish_of(CardKind::kRestore);
    wish.boxes = {2026000001, 17};
    wish.restored = {true, false, true};
    wish.valid_hours = 5;
    EXPECT_EQ(warrant_wish_of(content_of(wish, "o1")), wish);
    wish = wish_of(CardKind::kClear);
    wish.boxes.clear();
    wish.household = HouseholdId{12};
    EXPECT_EQ(warrant_wish_of(content_of(wish, "o1")), wish);
    EXPECT_FALSE(warrant_wish_of("prewatt-act 1\ncard.warrant\nkind=clear\n"));
    EXPECT_EQ(in_words(wish), "clear of household 12");
    EXPECT_EQ(in_words(wish_of(CardKind::kSetUp)), "set_up of box 2026000001");
    EXPECT_EQ(in_words(wish_of(CardKind::kReaderTest)), "reader_test of every box");
    EXPECT_TRUE(needs_second_person(CardKind::kClear) && needs_second_person(CardKind::kRestore));
    EXPECT_FALSE(needs_second_person(CardKind::kSetUp) || needs_second_person(CardKind::kInspection));
}

// AC24: the next card of a box is refused as used, because an office that was restored from a backup counts anew.
TEST(WarrantRules, AC24NumbersOfRightsRiseAlsoAfterAnOldBackup) {
    const std::uint32_t first = next_sequence(0, kNow);
    EXPECT_EQ(next_sequence(first, kNow), first + 1) << "two within one second";
    EXPECT_EQ(next_sequence(0, UnixTime{kNow.ms + 60'000}), first + 60) << "whoever remembers nothing is above";
    EXPECT_EQ(next_sequence(0, UnixTime{}), 1u) << "a clock that was never set";
}

// "Already carried out" is taken for a fault, and somebody clears the household once more by hand.
TEST(WarrantRules, WhatIsKnownOfARightIsSaidAndNoMore) {
    CardRight right;
    right.sequence = 77;
    right.from = kNow;
    right.until = UnixTime{kNow.ms + 3'600'000};
    EXPECT_EQ(state_of(right, false, kNow), RightState::kOpen);
    EXPECT_EQ(state_of(right, true, kNow), RightState::kOvertaken);
    EXPECT_EQ(state_of(right, false, right.until), RightState::kExpired);
    right.receipt = RightReceipt{77, 0, kNow};
    EXPECT_EQ(state_of(right, true, right.until), RightState::kCarriedOut);
    right.receipt->code = kCodeRightUsed;
    EXPECT_EQ(state_of(right, false, kNow), RightState::kCarriedOut) << "shown once more";
    right.receipt->sequence = 78;
    EXPECT_EQ(state_of(right, false, kNow), RightState::kOvertaken);
    right.receipt = RightReceipt{12, 45, kNow};
    EXPECT_EQ(state_of(right, false, kNow), RightState::kRefused);
    EXPECT_EQ(state_of(right, false, right.until), RightState::kExpired);
}

// Half of a list goes out because it was cut where the card ends.
TEST(CardValues, WhatDoesNotFitWaitsWholeAndTheRestComesThrough) {
    const CardValue alarms{kAlarmsValue, 3, 0, 7,
                           bytes_of({energy_of_hundredths(1000), energy_of_hundredths(256), {}})};
    ASSERT_EQ(alarms.bytes, (std::vector<std::uint8_t>{0xE8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
    const CardValue profile{0x11, 0, 2, 1, std::vector<std::uint8_t>(60, 0xAB)};
    const FittedValues fitted = fit({profile, profile, profile, profile, alarms});
    EXPECT_EQ(fitted.values, (std::vector<CardValue>{profile, profile, profile, alarms}));
    EXPECT_EQ(fitted.left, 1);
    EXPECT_EQ(card_values_of(text_of(fitted.values)), fitted.values);
    EXPECT_EQ(card_values_of(""), std::vector<CardValue>{});
    EXPECT_FALSE(card_values_of("17 0 2 1\n"));
    EXPECT_FALSE(card_values_of("17 300 2 1 AB\n"));
}

}  // namespace
}  // namespace prewatt::server
