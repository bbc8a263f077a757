#include "card/pcsc/atr.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace prewatt::card {
namespace {

std::vector<Byte> bytes(std::string_view hex) {
    std::vector<Byte> out;
    for (std::size_t k = 0; k + 1 < hex.size(); k += 2)
        out.push_back(static_cast<Byte>(std::stoi(std::string(hex.substr(k, 2)), nullptr, 16)));
    return out;
}

// A cashier is told "another kind of card" for a good one, or the desk writes to a ticket. The answers are those that
// manuals and readers' logs show.
TEST(CardAtr, AC25EveryKindOfCardIsToldFromItsAnswerToReset) {
    const auto kind = [](std::string_view hex) { return kind_of_chip(bytes(hex)); };
    EXPECT_EQ(kind("3B8F8001804F0CA000000306030001000000006A"), ChipKind::kM1);
    EXPECT_EQ(kind("3B8F8001804F0CA0000003060300020000000069"), ChipKind::kM1Of4K);
    EXPECT_EQ(kind("3B8F8001804F0CA0000003060300030000000068"), ChipKind::kUltralight);
    EXPECT_EQ(kind("3B8F8001804F0CA000000306030026000000004D"), ChipKind::kM1Mini);
    EXPECT_EQ(kind("3B8F8001804F0CA00000030611003B0000000042"), ChipKind::kFelica);
    EXPECT_EQ(kind("3B8F8001804F0CA0000003060B00140000000077"), ChipKind::kOtherMemory);
    EXPECT_EQ(kind("3B8180018080"), ChipKind::kDesfire);
    EXPECT_EQ(kind("3B80800101"), ChipKind::kChipCard);
    EXPECT_EQ(kind("3B8880014A434F5034315632"
                   "4D"),
              ChipKind::kChipCard);
    EXPECT_EQ(kind("3B6E00000031C071D66438D00300840090"), ChipKind::kUnknown);
    EXPECT_EQ(kind("3B8F8001804F0CA0000003"), ChipKind::kUnknown) << "cut off";
    EXPECT_EQ(kind(""), ChipKind::kUnknown);
    EXPECT_TRUE(is_m1(ChipKind::kM1) && is_m1(ChipKind::kM1Of4K));
    EXPECT_FALSE(is_m1(ChipKind::kM1Mini) || is_m1(ChipKind::kChipCard) || is_m1(ChipKind::kPlus));
}

TEST(CardAtr, EveryKindHasWordsOfItsOwn) {
    // "This is ." on the cashier's screen.
    std::vector<std::string_view> seen;
    for (int kind = 0; kind <= static_cast<int>(ChipKind::kUnknown); ++kind) {
        const std::string_view words = words_of(static_cast<ChipKind>(kind));
        EXPECT_EQ(words.substr(0, 1), "a");
        EXPECT_EQ(std::count(seen.begin(), seen.end(), words), 0) << words;
        seen.push_back(words);
    }
}

}  // namespace
}  // namespace prewatt::card
