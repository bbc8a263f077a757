// The real pcscd that tests/pcsc/run_pcscd has started, as a desk sees it, and a hand at its virtual reader.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "card/pcsc/pcsc.hpp"
#include "tests/pcsc/card_on_reader.hpp"

namespace prewatt::tests {

inline constexpr Duration kLong = seconds(30);

class PcscdTest : public testing::Test {
  protected:
    void SetUp() override {
        const char* port = std::getenv("PREWATT_VPCD_PORT");
        const char* name = std::getenv("PREWATT_READER");
        ASSERT_TRUE(port != nullptr && name != nullptr) << "run it as tests/pcsc/run_pcscd build/.../pcscd_test";
        hand.emplace(static_cast<std::uint16_t>(std::atoi(port)));
        auto opened = card::Pcsc::open();
        ASSERT_TRUE(opened) << opened.error().words;
        pcsc.emplace(std::move(*opened));
        const auto chosen = pcsc->choose(std::string(name) + " 00 00");
        ASSERT_TRUE(chosen) << chosen.error().words;
        reader_name = *chosen;
    }
    void TearDown() override {
        if (!hand || !pcsc) return;
        hand->take_away();
        EXPECT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
    }
    // The order in which nothing is missed: away, seen to be away, let go, put on, seen to be there.
    std::optional<card::PcscCard> seat(sim::Field& field, const sim::ReaderHabits& habits = sim::kPlainReader) {
        EXPECT_TRUE(hand->put_on(field, habits));
        auto card = pcsc->wait_for_card(reader_name, kLong);
        EXPECT_TRUE(card) << card.error().words;
        if (!card) return {};
        return std::move(*card);
    }

    std::optional<CardOnReader> hand;
    std::optional<card::Pcsc> pcsc;
    std::string reader_name;
};

}  // namespace prewatt::tests
